#include "hpcore/gp/covariance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

#include "hpcore/vectorize.hpp"

namespace hpcore::gp {
namespace {

constexpr double middle = 0.5;           // coordinate of an inactive number
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

// A category of its own for trials that were recorded without one, though the column is never inactive.
constexpr double no_category = -1.0;

// What stands for a value that is inactive, or was not recorded.
double stand_in(const ColumnType& type) {
    return type.categorical && !type.conditional ? no_category : middle;
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
void matern_curves(std::size_t n, double signal, double* k, double* slope, double* curve) {
    for (std::size_t b = 0; b < n; ++b) {
        const double s = std::sqrt(k[b]);
        const double e = signal * exp_nonpositive(-s);
        k[b] = mean_variance + (1.0 + s + s * s * (1.0 / 3.0)) * e;
        slope[b] = (5.0 / 3.0) * ((1.0 + s) * e);
        curve[b] = (25.0 / 3.0) * e;
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

Layout::Layout(const std::vector<ColumnType>& columns, const UserCovariance* user, bool slopes)
    : d_(columns.size()),
      conditional_(std::any_of(columns.begin(), columns.end(), [](const ColumnType& c) { return c.conditional; })),
      n_user_(user == nullptr ? 0 : user->n_hyperparameters()),
      user_logarithmic_(user != nullptr && user->logarithmic()),
      slopes_(slopes) {
    for (const ColumnType& c : columns) {
        used_.push_back(user == nullptr || c.categorical || c.conditional);
        categorical_.push_back(c.categorical);
    }
}

Scales::Scales(const Layout& layout, Column theta) : weight(layout.d()) {
    for (std::size_t j = 0; j < layout.d(); ++j) weight[j] = 5.0 * std::exp(-2.0 * theta[j]);
    signal = std::exp(theta[layout.signal()]);
    noise = std::exp(theta[layout.noise()]);
    if (layout.conditional()) inactive = std::exp(theta[layout.inactive()]);
    if (layout.slopes()) slope_noise = std::exp(theta[layout.slope_noise()]);
    const Column of_user = theta.subspan(layout.user(), layout.n_user());
    user.assign(of_user.begin(), of_user.end());
    if (layout.user_logarithmic())
        for (double& t : user) t = std::exp(t);
}

Points::Points(std::vector<ColumnType> columns, std::shared_ptr<const UserCovariance> user)
    : columns_(std::move(columns)), user_(std::move(user)) {
    conditional_ = Layout(columns_).conditional();
    if (user_ == nullptr) return;
    for (std::size_t j = 0; j < d(); ++j)
        if (!columns_[j].categorical) numbers_.push_back(j);
}

void Points::observe(std::vector<Slope> slopes) {
    if (user_ != nullptr && !slopes.empty())
        throw std::invalid_argument("derivatives cannot be observed with a user's covariance");
    for (std::size_t e = 0; e < slopes.size(); ++e) {
        const auto [i, j] = slopes[e];
        if (i >= n_ || j >= d() || columns_[j].categorical || (columns_[j].conditional && active(j)[i] == 0.0))
            throw std::invalid_argument("a derivative must be one at a point, in a numeric column that is active");
        if (e > 0 && i < slopes[e - 1].point) throw std::invalid_argument("derivatives must be in order of points");
    }
    slopes_ = std::move(slopes);
    before_slopes_ = n_;
}

void Points::truncate(std::size_t n) {
    if (n < before_slopes_) {
        slopes_.clear();
        before_slopes_ = 0;
    }
    n_ = n;
    all_numbers_.resize(n * numbers_.size());
}

void Points::numbers_of(Column row, MutableColumn out) const {
    for (std::size_t q = 0; q < numbers_.size(); ++q) out[q] = std::isnan(row[numbers_[q]]) ? middle : row[numbers_[q]];
}

void Points::append(Column row) {
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
        values_[j * stride_ + n_] = on ? row[j] : stand_in(columns_[j]);
        if (conditional_) active_[j * stride_ + n_] = on ? 1.0 : 0.0;
    }
    ++n_;
    if (user_ == nullptr) return;
    all_numbers_.resize(n_ * numbers_.size());
    numbers_of(row, {all_numbers_.data() + (n_ - 1) * numbers_.size(), numbers_.size()});
}

void Points::row(std::size_t i, MutableColumn out) const {
    for (std::size_t j = 0; j < d(); ++j) {
        const bool on = !columns_[j].conditional || active(j)[i] != 0.0;
        out[j] = on ? value(j)[i] : std::numeric_limits<double>::quiet_NaN();
    }
}

void scaled_distances(const Points& points, const Scales& scales, Column row, MutableColumn out) {
    const std::size_t n = out.size();
    std::ranges::fill(out, 0.0);
    for (std::size_t j = 0; j < points.d(); ++j) {
        const ColumnType type = points.columns()[j];
        const double w = scales.weight[j], u = row[j];
        const double on_row = std::isnan(u) ? 0.0 : 1.0;
        const double* v = points.value(j).data();
        if (!type.categorical) {
            if (points.user() == nullptr) add_squares(n, w, on_row > 0.0 ? u : middle, v, out.data());
        } else if (!type.conditional)
            add_overlap(n, w, on_row > 0.0 ? u : no_category, v, out.data());
        else if (on_row > 0.0)
            add_overlap_where(n, w, u, v, points.active(j).data(), out.data());
        if (type.conditional)
            add_mismatch(n, w * (scales.inactive + (type.categorical ? to_any_category : 0.0)), on_row,
                         points.active(j).data(), out.data());
    }
}

void matern(double signal, MutableColumn s2_to_k, MutableColumn slope) {
    if (slope.empty())
        matern_values(s2_to_k.size(), signal, s2_to_k.data());
    else
        matern_slopes(s2_to_k.size(), signal, s2_to_k.data(), slope.data());
}

void matern(double signal, MutableColumn s2_to_k, MutableColumn slope, MutableColumn curve) {
    matern_curves(s2_to_k.size(), signal, s2_to_k.data(), slope.data(), curve.data());
}

void covariances(const Points& points, const Scales& scales, Column row, MutableColumn k, MutableColumn slope,
                 Scratch& scratch) {
    scaled_distances(points, scales, row, k);
    matern(scales.signal, k, slope);
    if (points.user() == nullptr) return;
    std::vector<double>&x = scratch.x, &u = scratch.u;
    x.resize(points.numbers().size());
    u.resize(k.size());
    points.numbers_of(row, x);
    points.user()->evaluate(x, points.first_numbers(k.size()), scales.user, {.k = u});
    for (std::size_t b = 0; b < k.size(); ++b) k[b] = mean_variance + (k[b] - mean_variance) * u[b];
    for (std::size_t b = 0; b < slope.size(); ++b) slope[b] *= u[b];
}

double signal_variance(const Points& points, const Scales& scales, Column row, Scratch& scratch) {
    if (points.user() == nullptr) return scales.signal;
    std::vector<double>& x = scratch.x;
    x.resize(points.numbers().size());
    points.numbers_of(row, x);
    double u = 0.0;
    points.user()->evaluate(x, {x.data(), 1, x.size()}, scales.user, {.k = {&u, 1}});
    return scales.signal * u;
}

void add_by_theta(const Points& points, const Scales& scales, Column row, Column c, double c_own, MutableColumn sums,
                  Scratch& scratch) {
    const std::size_t p = scales.user.size(), n = c.size();
    std::vector<double>&x = scratch.x, &rest = scratch.rest, &gradient = scratch.by_theta, &sum = scratch.sum;
    x.resize(points.numbers().size());
    rest.resize(n);
    gradient.resize((n + 1) * p);
    points.numbers_of(row, x);
    const UserCovariance& user = *points.user();
    double* own = gradient.data() + n * p;
    user.evaluate(x, points.first_numbers(n), scales.user, {.by_theta = {gradient.data(), n, p}});
    user.evaluate(x, {x.data(), 1, x.size()}, scales.user, {.by_theta = {own, 1, p}});
    scaled_distances(points, scales, row, rest);
    matern(scales.signal, rest);
    sum.assign(p, 0.0);
    for (std::size_t b = 0; b < n; ++b) {
        const double weight = c[b] * (rest[b] - mean_variance);
        for (std::size_t i = 0; i < p; ++i) sum[i] += weight * gradient[b * p + i];
    }
    for (std::size_t i = 0; i < p; ++i)
        sums[i] += (user.logarithmic() ? scales.user[i] : 1.0) * (sum[i] + c_own * scales.signal * own[i]);
}

void user_by_x(const Points& points, const Scales& scales, Column row, MutableColumn k, MutableRows out,
               MutableColumn own, Scratch& scratch) {
    const std::size_t d = points.numbers().size(), n = k.size();
    std::vector<double>&x = scratch.x, &u = scratch.u;
    x.resize(d);
    u.resize(n + 1);
    points.numbers_of(row, x);
    const UserCovariance& user = *points.user();
    user.evaluate(x, points.first_numbers(n), scales.user, {.k = {u.data(), n}, .by_x = out});
    user.evaluate(x, {x.data(), 1, d}, scales.user, {.k = {u.data() + n, 1}, .by_x = {own.data(), 1, d}});
    scaled_distances(points, scales, row, k);
    matern(scales.signal, k);
    for (std::size_t b = 0; b < n; ++b) {
        const double rest = k[b] - mean_variance;
        for (double& slope : out[b]) slope *= rest;
        k[b] = mean_variance + rest * u[b];
    }
    for (double& slope : own) slope *= 2.0 * scales.signal;
}

double weighted_distance(const Points& points, const Scales& scales, Column row, std::size_t j, Column c) {
    const ColumnType type = points.columns()[j];
    const bool on_row = !std::isnan(row[j]);
    const double u = on_row ? row[j] : stand_in(type);
    const double* v = points.value(j).data();
    double sum = 0.0;
    if (!type.categorical) {
        if (points.user() == nullptr) sum = sum_squares(c.size(), u, v, c.data());
    } else if (!type.conditional)
        sum = sum_overlap(c.size(), u, v, c.data());
    else if (on_row)
        sum = sum_overlap_where(c.size(), u, v, points.active(j).data(), c.data());
    if (type.conditional)
        sum += (scales.inactive + (type.categorical ? to_any_category : 0.0)) * weighted_mismatch(points, row, j, c);
    return sum;
}

double weighted_mismatch(const Points& points, Column row, std::size_t j, Column c) {
    return sum_where(c.size(), std::isnan(row[j]) ? 1.0 : 0.0, points.active(j).data(), c.data());
}

double weighted_difference(const Points& points, double u, std::size_t j, Column c) {
    return sum_difference(c.size(), u, points.value(j).data(), c.data());
}

double dot(Column a, Column b) {
    return sum_products(a.size(), a.data(), b.data());
}

}  // namespace hpcore::gp
