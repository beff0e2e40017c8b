#include "hpcore/gp/covariance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "hpcore/vectorize.hpp"

namespace hpcore::gp {
namespace {

constexpr double middle = 0.5;           // where an inactive number stands
constexpr double to_any_category = 0.5;  // at least the squared radius of any number of categories one apart

HPCORE_VECTORIZE
void add_squares(std::size_t n, double w, double u, const double* v, double* out) {
    for (std::size_t b = 0; b < n; ++b) {
        const double t = v[b] - u;
        out[b] += w * (t * t);
    }
}

HPCORE_VECTORIZE
void add_overlap(std::size_t n, double w, double u, const double* v, double* out) {
    for (std::size_t b = 0; b < n; ++b) out[b] += v[b] != u ? w : 0.0;
}

// For conditional columns; `on_row` is 1 or 0.
HPCORE_VECTORIZE
void add_mismatch(std::size_t n, double w, double on_row, const double* on, double* out) {
    for (std::size_t b = 0; b < n; ++b) out[b] += w * std::fabs(on[b] - on_row);
}

HPCORE_VECTORIZE
void add_overlap_where(std::size_t n, double w, double u, const double* v, const double* on, double* out) {
    for (std::size_t b = 0; b < n; ++b) out[b] += w * (on[b] * (v[b] != u ? 1.0 : 0.0));
}

HPCORE_VECTORIZE
void matern_values(std::size_t n, double signal, double* k) {
    for (std::size_t b = 0; b < n; ++b) {
        const double s = std::sqrt(k[b]);
        k[b] = mean_variance + signal * ((1.0 + s + s * s * (1.0 / 3.0)) * exp_nonpositive(-s));
    }
}

HPCORE_VECTORIZE
void matern_slopes(std::size_t n, double signal, double* k, double* slope) {
    for (std::size_t b = 0; b < n; ++b) {
        const double s = std::sqrt(k[b]);
        const double e = signal * exp_nonpositive(-s);
        k[b] = mean_variance + (1.0 + s + s * s * (1.0 / 3.0)) * e;
        slope[b] = (5.0 / 3.0) * ((1.0 + s) * e);
    }
}

HPCORE_VECTORIZE
double sum_squares(std::size_t n, double u, const double* v, const double* c) {
    return sum_in_lanes(n, [=](std::size_t b) {
        const double t = v[b] - u;
        return c[b] * (t * t);
    });
}

HPCORE_VECTORIZE
double sum_overlap(std::size_t n, double u, const double* v, const double* c) {
    return sum_in_lanes(n, [=](std::size_t b) { return v[b] != u ? c[b] : 0.0; });
}

HPCORE_VECTORIZE
double sum_overlap_where(std::size_t n, double u, const double* v, const double* on, const double* c) {
    return sum_in_lanes(n, [=](std::size_t b) { return v[b] != u ? c[b] * on[b] : 0.0; });
}

HPCORE_VECTORIZE
double sum_where(std::size_t n, double wanted, const double* on, const double* c) {
    return sum_in_lanes(n, [=](std::size_t b) { return on[b] == wanted ? c[b] : 0.0; });
}

HPCORE_VECTORIZE
double sum_difference(std::size_t n, double u, const double* v, const double* c) {
    return sum_in_lanes(n, [=](std::size_t b) { return c[b] * (u - v[b]); });
}

HPCORE_VECTORIZE
double sum_products(std::size_t n, const double* a, const double* b) {
    return sum_in_lanes(n, [=](std::size_t i) { return a[i] * b[i]; });
}

}  // namespace

Layout::Layout(const std::vector<ColumnType>& columns)
    : d_(columns.size()),
      conditional_(std::any_of(columns.begin(), columns.end(), [](const ColumnType& c) { return c.conditional; })) {}

Scales::Scales(const Layout& layout, const double* theta) : weight(layout.d()) {
    for (std::size_t j = 0; j < layout.d(); ++j) weight[j] = 5.0 * std::exp(-2.0 * theta[j]);
    signal = std::exp(theta[layout.signal()]);
    noise = std::exp(theta[layout.noise()]);
    if (layout.conditional()) inactive = std::exp(theta[layout.inactive()]);
}

Points::Points(std::vector<ColumnType> columns) : columns_(std::move(columns)) {
    conditional_ = Layout(columns_).conditional();
}

void Points::append(const double* row) {
    const std::size_t dims = d();
    if (n_ == stride_) {
        const std::size_t wider = std::max<std::size_t>(64, 2 * stride_);
        const auto widen = [&](std::vector<double>& old) {
            std::vector<double> grown(dims * wider, 0.0);
            for (std::size_t j = 0; j < dims; ++j)
                std::copy_n(old.begin() + static_cast<std::ptrdiff_t>(j * stride_), n_,
                            grown.begin() + static_cast<std::ptrdiff_t>(j * wider));
            old.swap(grown);
        };
        if (stride_ == 0) {
            values_.assign(dims * wider, 0.0);
            if (conditional_) active_.assign(dims * wider, 0.0);
        } else {
            widen(values_);
            if (conditional_) widen(active_);
        }
        stride_ = wider;
    }
    for (std::size_t j = 0; j < dims; ++j) {
        const bool on = !std::isnan(row[j]);
        values_[j * stride_ + n_] = on ? row[j] : middle;
        if (conditional_) active_[j * stride_ + n_] = on ? 1.0 : 0.0;
    }
    ++n_;
}

void Points::row(std::size_t i, double* out) const {
    for (std::size_t j = 0; j < d(); ++j) {
        const bool on = !columns_[j].conditional || active(j)[i] != 0.0;
        out[j] = on ? value(j)[i] : std::numeric_limits<double>::quiet_NaN();
    }
}

void scaled_distances(const Points& points, std::size_t n, const Scales& scales, const double* row, double* out) {
    std::fill(out, out + n, 0.0);
    for (std::size_t j = 0; j < points.d(); ++j) {
        const ColumnType type = points.columns()[j];
        const double w = scales.weight[j], u = row[j];
        const double on_row = std::isnan(u) ? 0.0 : 1.0;
        if (!type.categorical)
            add_squares(n, w, on_row > 0.0 ? u : middle, points.value(j), out);
        else if (!type.conditional)
            add_overlap(n, w, u, points.value(j), out);
        else if (on_row > 0.0)
            add_overlap_where(n, w, u, points.value(j), points.active(j), out);
        if (type.conditional)
            add_mismatch(n, w * (scales.inactive + (type.categorical ? to_any_category : 0.0)), on_row,
                         points.active(j), out);
    }
}

void matern(std::size_t n, double signal, double* s2_to_k, double* slope) {
    if (slope == nullptr)
        matern_values(n, signal, s2_to_k);
    else
        matern_slopes(n, signal, s2_to_k, slope);
}

double weighted_distance(const Points& points, std::size_t n, const Scales& scales, const double* row, std::size_t j,
                         const double* c) {
    const ColumnType type = points.columns()[j];
    const bool on_row = !std::isnan(row[j]);
    const double u = on_row ? row[j] : middle;
    double sum = 0.0;
    if (!type.categorical)
        sum = sum_squares(n, u, points.value(j), c);
    else if (!type.conditional)
        sum = sum_overlap(n, u, points.value(j), c);
    else if (on_row)
        sum = sum_overlap_where(n, u, points.value(j), points.active(j), c);
    if (type.conditional)
        sum += (scales.inactive + (type.categorical ? to_any_category : 0.0)) * weighted_mismatch(points, n, row, j, c);
    return sum;
}

double weighted_mismatch(const Points& points, std::size_t n, const double* row, std::size_t j, const double* c) {
    return sum_where(n, std::isnan(row[j]) ? 1.0 : 0.0, points.active(j), c);
}

double weighted_difference(const Points& points, std::size_t n, double u, std::size_t j, const double* c) {
    return sum_difference(n, u, points.value(j), c);
}

double dot(const double* a, const double* b, std::size_t n) {
    return sum_products(n, a, b);
}

}  // namespace hpcore::gp
