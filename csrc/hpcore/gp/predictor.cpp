#include "hpcore/gp/predictor.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "hpcore/gp/fit.hpp"

namespace hpcore::gp {

namespace {

// Correlation of the numbers' length scales a priori, as in hpcore/surrogates/gp.py.
constexpr double shared_scale = 0.64;

TargetTransform transformed(Column values) {
    if (values.empty()) throw std::invalid_argument("a model needs at least one value");
    return standardise(values, TransformKind::standard);
}

Regressor fitted(const linalg::Lapack& lapack, const std::vector<ColumnType>& columns, Rows rows,
                 const TargetTransform& targets, Column std_errors) {
    std::vector<double> noise(std_errors.size());
    for (std::size_t i = 0; i < noise.size(); ++i) {
        const double scaled = std_errors[i] / targets.scale;
        noise[i] = scaled * scaled;
    }
    Points points(columns);
    for (std::size_t i = 0; i < rows.n; ++i) points.append(rows[i]);
    FitOptions options;
    options.prior = Prior::standard(columns.size());
    options.prior.shared = shared_scale;
    Regressor model(lapack, columns, fit_map(lapack, points, targets.y, noise, options));
    model.assign(rows, noise);
    model.set_targets(targets.y);
    return model;
}

// What leaves the doubles is brought back to their edge.
double in_range(double x) {
    constexpr double most = std::numeric_limits<double>::max();
    return std::isnan(x) ? 0.0 : std::clamp(x, -most, most);
}

}  // namespace

Predictor::Predictor(const linalg::Lapack& lapack, const std::vector<ColumnType>& columns, Rows rows, Column values,
                     Column std_errors)
    : targets_(transformed(values)), model_(fitted(lapack, columns, rows, targets_, std_errors)) {}

void Predictor::predict(Rows rows, MutableColumn mean, MutableColumn std) {
    model_.predict(rows, room_);
    for (std::size_t i = 0; i < rows.n; ++i) {
        mean[i] = in_range(targets_.offset + targets_.scale * room_.mean[i]);
        std[i] = in_range(targets_.scale * std::sqrt(room_.variance[i]));
    }
}

}  // namespace hpcore::gp
