#include "hpcore/acquisition/path.hpp"

#include <bit>
#include <cmath>
#include <numbers>

#include "hpcore/gp/covariance.hpp"
#include "hpcore/gp/slopes.hpp"
#include "hpcore/vectorize.hpp"

namespace hpcore::acquisition {
namespace {

constexpr double middle = 0.5;  // coordinate of an inactive number

HPCORE_VECTORIZE
void add_scaled(std::size_t n, double factor, const double* v, double* out) {
    for (std::size_t i = 0; i < n; ++i) out[i] += factor * v[i];
}

// sin(y) / y for |y| <= pi / 2, by its Taylor series to 1e-16.
HPCORE_INLINE double sine(double y2) {
    double p = 1.0 / 51090942171709440000.0;
    p = 1.0 / 121645100408832000.0 - p * y2;
    p = 1.0 / 355687428096000.0 - p * y2;
    p = 1.0 / 1307674368000.0 - p * y2;
    p = 1.0 / 6227020800.0 - p * y2;
    p = 1.0 / 39916800.0 - p * y2;
    p = 1.0 / 362880.0 - p * y2;
    p = 1.0 / 5040.0 - p * y2;
    p = 1.0 / 120.0 - p * y2;
    p = 1.0 / 6.0 - p * y2;
    return 1.0 - p * y2;
}

HPCORE_INLINE double remainder_of(double turns) {
    constexpr double magic = 0x1.8p52;  // adding it rounds to an integer
    return turns - ((turns + magic) - magic);
}

// cos(2 pi t)
HPCORE_VECTORIZE
void cosines(std::size_t n, const double* t, double* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const double y = std::numbers::pi * remainder_of(t[i]);
        const double s = y * sine(y * y);
        out[i] = 1.0 - 2.0 * s * s;
    }
}

// sin(2 pi t) = cos(2 pi (t - 1/4)), times c.
HPCORE_VECTORIZE
void scaled_sines(std::size_t n, const double* t, const double* c, double* out) {
    for (std::size_t i = 0; i < n; ++i) {
        const double y = std::numbers::pi * remainder_of(t[i] - 0.25);
        const double s = y * sine(y * y);
        out[i] = c[i] * (1.0 - 2.0 * s * s);
    }
}

}  // namespace

Path::Path(gp::Regressor& model, const std::vector<double>& targets, Philox& stream, std::size_t n_features)
    : model_(model),
      columns_(model.points().columns()),
      key_{stream.next(), stream.next()},
      constant_(std::sqrt(gp::mean_variance) * stream.normal()),
      spread_(n_features),
      weight_(n_features),
      shift_(n_features),
      turns_(columns_.size()),
      absent_(columns_.size()),
      levels_(columns_.size()),
      phase_(n_features),
      wave_(n_features) {
    const double amplitude = std::sqrt(2.0 * model.scales().signal / static_cast<double>(n_features));
    for (std::size_t m = 0; m < n_features; ++m) {
        double square = 0.0;
        for (int k = 0; k < 5; ++k) {
            const double z = stream.normal();
            square += z * z;
        }
        spread_[m] = std::sqrt(5.0 / square);
        weight_[m] = amplitude * stream.normal();
        shift_[m] = stream.uniform();
    }
    for (std::size_t j = 0; j < columns_.size(); ++j) {
        // weight is 5 / ell^2
        scale_.push_back(std::sqrt(0.2 * model.scales().weight[j]) / (2.0 * std::numbers::pi));
        const auto fill = [&](std::vector<double>& into, double length) {
            for (std::size_t m = 0; m < n_features; ++m)
                into.push_back(length * scale_[j] * spread_[m] * stream.normal());
        };
        if (!columns_[j].categorical) fill(turns_[j], 1.0);
        if (columns_[j].conditional) fill(absent_[j], std::sqrt(model.scales().inactive));
    }
    // Data less the prior's draw, of which an observation has noise of its own.
    std::vector<double> gap(targets), row(columns_.size());
    for (std::size_t i = 0; i < gap.size(); ++i) {
        model.points().row(i, row);
        gap[i] -= value_at(row) + std::sqrt(model.noise()[i]) * stream.normal();
    }
    if (const std::vector<gp::Slope>& slopes = model.points().slopes(); !slopes.empty()) {
        std::vector<double> slope_gap = model.slope_targets();
        double own = 0.0;
        for (std::size_t e = 0; e < slopes.size(); ++e) {
            model.points().row(slopes[e].point, row);
            prior(row, {slopes[e].column}, {&own, 1});
            const double noise = model.scales().slope_noise * gp::slope_variance(model.scales(), slopes[e].column);
            slope_gap[e] -= own + std::sqrt(noise) * stream.normal();
        }
        model.set_slope_targets(std::move(slope_gap));
    }
    model.set_targets(gap);
}

// A level is a corner of a simplex of edge one: a coordinate of its own, of length 1 / sqrt 2. Keyed by the level, so
// that it does not matter which one is met first.
const std::vector<double>& Path::of_level(std::size_t j, double coordinate) {
    const auto bits = std::bit_cast<std::uint64_t>(coordinate);
    std::vector<double>& turns = levels_[j][bits];
    if (turns.empty()) {
        Philox stream(key_, j, bits);
        for (const double spread : spread_)
            turns.push_back(std::numbers::sqrt2 / 2.0 * scale_[j] * spread * stream.normal());
    }
    return turns;
}

void Path::phases(Column warped) {
    const std::size_t n = shift_.size();
    phase_ = shift_;
    for (std::size_t j = 0; j < columns_.size(); ++j) {
        const bool on = !std::isnan(warped[j]);
        if (!columns_[j].categorical)
            add_scaled(n, on ? warped[j] : middle, turns_[j].data(), phase_.data());
        else if (on)
            add_scaled(n, 1.0, of_level(j, warped[j]).data(), phase_.data());
        if (!on && columns_[j].conditional) add_scaled(n, 1.0, absent_[j].data(), phase_.data());
    }
}

double Path::value_at(Column warped) {
    phases(warped);
    cosines(shift_.size(), phase_.data(), wave_.data());
    return constant_ + gp::dot(weight_, wave_);
}

double Path::prior(Column row) {
    if (model_.warp().identity()) return value_at(row);
    warped_.resize(columns_.size());
    model_.warp().apply(row, warped_);
    return value_at(warped_);
}

double Path::prior(Column row, const std::vector<std::size_t>& columns, MutableColumn gradient) {
    const double value = prior(row);
    scaled_sines(shift_.size(), phase_.data(), weight_.data(), wave_.data());
    for (std::size_t t = 0; t < columns.size(); ++t) {
        const std::size_t j = columns[t];
        gradient[t] = -2.0 * std::numbers::pi * gp::dot(turns_[j], wave_);
        if (!model_.warp().identity()) gradient[t] *= model_.warp().slope(j, row[j]);
    }
    return value;
}

}  // namespace hpcore::acquisition
