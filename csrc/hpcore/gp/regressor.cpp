#include "hpcore/gp/regressor.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "hpcore/errors.hpp"
#include "hpcore/gp/slopes.hpp"
#include "hpcore/linalg/cholesky.hpp"

namespace hpcore::gp {

namespace {

// The layout of theta, of which the length tells whether there is a noise of derivatives.
Layout layout_of(const Points& points, const std::vector<double>& theta) {
    const Layout plain = points.layout();
    return Layout(points.columns(), points.user().get(), theta.size() > plain.size());
}

}  // namespace

Regressor::Regressor(const linalg::Lapack& lapack, std::vector<ColumnType> columns, std::vector<double> theta,
                     std::shared_ptr<const UserCovariance> user)
    : lapack_(&lapack),
      points_(std::move(columns), std::move(user)),
      theta_(std::move(theta)),
      scales_(layout_of(points_, theta_), theta_.data()) {}

void Regressor::make_room(std::size_t n) {
    if (n <= ld_) return;
    const std::size_t wider = (n + n / 8 + 15) / 8 * 8;
    std::vector<double> grown(wider * wider, 0.0);
    for (std::size_t i = 0; i < points_.n_observations(); ++i)
        std::copy_n(L_.begin() + static_cast<std::ptrdiff_t>(i * ld_), i + 1,
                    grown.begin() + static_cast<std::ptrdiff_t>(i * wider));
    L_.swap(grown);
    ld_ = wider;
}

const double* Regressor::warped(const double* rows, std::size_t m, std::vector<double>& room) const {
    if (warp_.identity()) return rows;
    const std::size_t d = points_.d();
    room.resize(m * d);
    for (std::size_t i = 0; i < m; ++i) warp_.apply(rows + i * d, room.data() + i * d);
    return room.data();
}

void Regressor::assign(const double* rows, std::size_t n, const double* known_noise, const std::vector<Slope>& slopes) {
    if (!slopes.empty() && !(warp_.identity() && layout_of(points_, theta_).slopes()))
        throw std::invalid_argument("derivatives need a noise in theta, and no warp");
    truncate(0);
    std::vector<double> room;
    rows = warped(rows, n, room);
    make_room(n + slopes.size());
    for (std::size_t a = 0; a < n; ++a) {
        const double* row = rows + a * points_.d();
        double* k = L_.data() + a * ld_;
        covariances(points_, a, scales_, row, k, nullptr);
        noise_.push_back(scales_.noise + (known_noise == nullptr ? 0.0 : known_noise[a]));
        k[a] = prior_variance(points_, scales_, row) + noise_.back();
        points_.append(row);
    }
    if (!slopes.empty()) {
        points_.observe(slopes);
        fill_slope_rows(points_, scales_, L_.data(), ld_);
    }
    try {
        linalg::cholesky_factor(*lapack_, L_.data(), ld_, points_.n_observations());
    } catch (const NotPositiveDefinite&) {
        truncate(0);
        throw;
    }
}

void Regressor::assign(const Points& points, std::vector<double> L, std::vector<double> alpha) {
    points_ = points;
    ld_ = points.size();
    L_ = std::move(L);
    alpha_ = std::move(alpha);
    noise_.assign(ld_, scales_.noise);
}

void Regressor::append(const double* row, double known_noise) {
    const std::size_t n = points_.n_observations();
    std::vector<double> room;
    row = warped(row, 1, room);
    make_room(n + 1);
    row_.resize(n);
    if (points_.slopes().empty()) {
        covariances(points_, n, scales_, row, row_.data(), nullptr);
    } else {
        std::vector<double> slope(points_.size()), curve(points_.size());
        observation_covariances(points_, scales_, row, row_.data(), slope.data(), curve.data());
    }
    const double noise = scales_.noise + known_noise;
    linalg::cholesky_append(*lapack_, L_.data(), ld_, n, row_.data(), prior_variance(points_, scales_, row) + noise);
    points_.append(row);
    noise_.push_back(noise);
}

void Regressor::truncate(std::size_t n) {
    points_.truncate(n);
    if (points_.slopes().empty()) slope_targets_.clear();
    noise_.resize(n);
}

void Regressor::set_targets(const double* y) {
    const std::size_t n = points_.n_observations(), before = points_.before_slopes();
    alpha_.assign(y, y + points_.size());
    if (slope_targets_.size() != points_.slopes().size())
        throw std::logic_error("targets are not set for every derivative of the model");
    alpha_.insert(alpha_.begin() + static_cast<std::ptrdiff_t>(before), slope_targets_.begin(), slope_targets_.end());
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, alpha_.data(), n, 1);
    linalg::solve_upper(*lapack_, L_.data(), ld_, n, alpha_.data(), n, 1);
}

void Regressor::observation_covariances_of(const double* row, std::size_t i, Prediction& out) const {
    const std::size_t n = points_.size();
    observation_covariances(points_, scales_, row, out.k.data() + i * points_.n_observations(),
                            out.slope.data() + i * n, out.curve.data() + i * n);
}

void Regressor::predict_mean(const double* rows, std::size_t m, bool with_slopes, Prediction& out) const {
    const std::size_t n = points_.n_observations(), d = points_.d();
    if (alpha_.size() != n) throw std::logic_error("targets are not set for every row of the model");
    rows = warped(rows, m, out.warped);
    out.mean.resize(m);
    out.k.resize(m * n);
    const bool user = points_.user() != nullptr;
    const std::size_t seen = points_.numbers().size();
    if (!points_.slopes().empty()) {
        out.slope.resize(m * points_.size());
        out.curve.resize(m * points_.size());
        for (std::size_t i = 0; i < m; ++i) {
            observation_covariances_of(rows + i * d, i, out);
            out.mean[i] = dot(out.k.data() + i * n, alpha_.data(), n);
        }
        return;
    }
    if (with_slopes && !user) out.slope.resize(m * n);
    if (with_slopes && user) {
        out.by_x.resize(m * n * seen);
        out.own_by_x.resize(m * seen);
    }
    for (std::size_t i = 0; i < m; ++i) {
        double* k = out.k.data() + i * n;
        if (with_slopes && user)
            user_by_x(points_, n, scales_, rows + i * d, k, out.by_x.data() + i * n * seen,
                      out.own_by_x.data() + i * seen);
        else
            covariances(points_, n, scales_, rows + i * d, k, with_slopes ? out.slope.data() + i * n : nullptr);
        out.mean[i] = dot(k, alpha_.data(), n);
    }
}

void Regressor::predict(const double* rows, std::size_t m, bool with_slopes, Prediction& out) const {
    predict_mean(rows, m, with_slopes, out);
    const std::size_t n = points_.n_observations(), d = points_.d();
    if (!warp_.identity()) rows = out.warped.data();
    out.variance.resize(m);
    out.v.assign(out.k.begin(), out.k.begin() + static_cast<std::ptrdiff_t>(m * n));
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, out.v.data(), n, m);
    for (std::size_t i = 0; i < m; ++i) {
        const double* v = out.v.data() + i * n;
        const double prior = prior_variance(points_, scales_, rows + i * d);
        // Cancellation can leave a variance below zero at the data; there it is of the size of the rounding of the
        // prior.
        out.variance[i] = std::max(prior - dot(v, v, n), 1e-14 * prior);
    }
}

void Regressor::predict(const double* rows, std::size_t m, Prediction& out) const {
    predict(rows, m, false, out);
}

void Regressor::predict_for_gradient(const double* rows, std::size_t m, Prediction& out) const {
    predict(rows, m, true, out);
    const std::size_t n = points_.n_observations();
    out.w = out.v;
    linalg::solve_upper(*lapack_, L_.data(), ld_, n, out.w.data(), n, m);
}

void Regressor::gradient(const double* rows, std::size_t i, double by_mean, double by_variance,
                         const std::vector<std::size_t>& columns, Prediction& out, double* into,
                         const double* alpha) const {
    if (alpha == nullptr) alpha = alpha_.data();
    const std::size_t n = points_.n_observations(), d = points_.d();
    out.w.resize(out.k.size());  // predict_mean does not fill it, and nothing depends on it then
    const double* w = out.w.data() + i * n;
    if (points_.user() != nullptr) {
        const std::vector<std::size_t>& numbers = points_.numbers();
        const std::size_t seen = numbers.size();
        out.c.assign(seen, 0.0);
        for (std::size_t q = 0; q < seen; ++q) out.c[q] = by_variance * out.own_by_x[i * seen + q];
        const double* by_x = out.by_x.data() + i * n * seen;
        for (std::size_t b = 0; b < n; ++b, by_x += seen) {
            const double weight = by_mean * alpha[b] - 2.0 * by_variance * w[b];
            for (std::size_t q = 0; q < seen; ++q) out.c[q] += weight * by_x[q];
        }
        for (std::size_t t = 0; t < columns.size(); ++t) {
            const auto q = std::lower_bound(numbers.begin(), numbers.end(), columns[t]) - numbers.begin();
            into[t] = out.c[static_cast<std::size_t>(q)];
            if (!warp_.identity()) into[t] *= warp_.slope(columns[t], rows[i * d + columns[t]]);
        }
        return;
    }
    out.c.resize(n);
    if (!points_.slopes().empty()) {
        for (std::size_t b = 0; b < n; ++b) out.c[b] = by_mean * alpha[b] - 2.0 * by_variance * w[b];
        by_row(points_, scales_, rows + i * d, out.c.data(), out.slope.data() + i * points_.size(),
               out.curve.data() + i * points_.size(), columns, into);
        return;
    }
    const double* slope = out.slope.data() + i * n;
    // d mean = alpha . dk,  d variance = -2 w . dk with w = K^-1 k,  dk_b / du_j = -slope_b (u_j - u_bj) / ell_j^2.
    for (std::size_t b = 0; b < n; ++b) out.c[b] = -(by_mean * alpha[b] - 2.0 * by_variance * w[b]) * slope[b];
    for (std::size_t t = 0; t < columns.size(); ++t) {
        const std::size_t j = columns[t];
        const double u = warp_.identity() ? rows[i * d + j] : out.warped[i * d + j];
        into[t] = 0.2 * scales_.weight[j] * weighted_difference(points_, n, u, j, out.c.data());
        if (!warp_.identity()) into[t] *= warp_.slope(j, rows[i * d + j]);
    }
}

void Regressor::covariance(const double* rows, std::size_t m, double* out) const {
    const std::size_t n = points_.n_observations(), d = points_.d();
    std::vector<double> v(m * n), room;
    rows = warped(rows, m, room);
    Points others(points_.columns(), points_.user());
    if (points_.slopes().empty()) {
        for (std::size_t i = 0; i < m; ++i) covariances(points_, n, scales_, rows + i * d, v.data() + i * n, nullptr);
    } else {
        std::vector<double> slope(points_.size()), curve(points_.size());
        for (std::size_t i = 0; i < m; ++i)
            observation_covariances(points_, scales_, rows + i * d, v.data() + i * n, slope.data(), curve.data());
    }
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, v.data(), n, m);
    for (std::size_t i = 0; i < m; ++i) {
        others.append(rows + i * d);
        double* k = out + i * m;
        covariances(others, i + 1, scales_, rows + i * d, k, nullptr);
        for (std::size_t l = 0; l <= i; ++l) {
            k[l] -= dot(v.data() + i * n, v.data() + l * n, n);
            out[l * m + i] = k[l];
        }
    }
}

void Regressor::fitted(const double* y, double* out) const {
    for (std::size_t i = 0; i < points_.size(); ++i) out[i] = y[i] - noise_[i] * alpha_[points_.observation(i)];
}

}  // namespace hpcore::gp
