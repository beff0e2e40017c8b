#include "hpcore/gp/regressor.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"

namespace hpcore::gp {

Regressor::Regressor(const linalg::Lapack& lapack, std::vector<ColumnType> columns, std::vector<double> theta)
    : lapack_(&lapack),
      points_(std::move(columns)),
      theta_(std::move(theta)),
      scales_(Layout(points_.columns()), theta_.data()) {}

void Regressor::make_room(std::size_t n) {
    if (n <= ld_) return;
    const std::size_t wider = (n + n / 8 + 15) / 8 * 8;
    std::vector<double> grown(wider * wider, 0.0);
    for (std::size_t i = 0; i < points_.size(); ++i)
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

void Regressor::assign(const double* rows, std::size_t n, const double* known_noise) {
    truncate(0);
    std::vector<double> room;
    rows = warped(rows, n, room);
    make_room(n);
    for (std::size_t a = 0; a < n; ++a) {
        const double* row = rows + a * points_.d();
        double* k = L_.data() + a * ld_;
        scaled_distances(points_, a, scales_, row, k);
        matern(a, scales_.signal, k, nullptr);
        noise_.push_back(scales_.noise + (known_noise == nullptr ? 0.0 : known_noise[a]));
        k[a] = mean_variance + scales_.signal + noise_.back();
        points_.append(row);
    }
    try {
        linalg::cholesky_factor(*lapack_, L_.data(), ld_, n);
    } catch (const NotPositiveDefinite&) {
        truncate(0);
        throw;
    }
}

void Regressor::append(const double* row, double known_noise) {
    const std::size_t n = points_.size();
    std::vector<double> room;
    row = warped(row, 1, room);
    make_room(n + 1);
    row_.resize(n);
    scaled_distances(points_, n, scales_, row, row_.data());
    matern(n, scales_.signal, row_.data(), nullptr);
    const double noise = scales_.noise + known_noise;
    linalg::cholesky_append(*lapack_, L_.data(), ld_, n, row_.data(), mean_variance + scales_.signal + noise);
    points_.append(row);
    noise_.push_back(noise);
}

void Regressor::truncate(std::size_t n) {
    points_.truncate(n);
    noise_.resize(n);
}

void Regressor::set_targets(const double* y) {
    const std::size_t n = points_.size();
    alpha_.assign(y, y + n);
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, alpha_.data(), n, 1);
    linalg::solve_upper(*lapack_, L_.data(), ld_, n, alpha_.data(), n, 1);
}

void Regressor::predict(const double* rows, std::size_t m, bool with_slopes, Prediction& out) const {
    const std::size_t n = points_.size(), d = points_.d();
    if (alpha_.size() != n) throw std::logic_error("targets are not set for every row of the model");
    rows = warped(rows, m, out.warped);
    out.mean.resize(m);
    out.variance.resize(m);
    out.k.resize(m * n);
    if (with_slopes) out.slope.resize(m * n);
    for (std::size_t i = 0; i < m; ++i) {
        double* k = out.k.data() + i * n;
        scaled_distances(points_, n, scales_, rows + i * d, k);
        matern(n, scales_.signal, k, with_slopes ? out.slope.data() + i * n : nullptr);
        out.mean[i] = dot(k, alpha_.data(), n);
    }
    out.v.assign(out.k.begin(), out.k.begin() + static_cast<std::ptrdiff_t>(m * n));
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, out.v.data(), n, m);
    const double prior = mean_variance + scales_.signal;
    // Cancellation can leave a variance below zero at the data; there it is of the size of the rounding of the prior.
    const double floor = 1e-14 * prior;
    for (std::size_t i = 0; i < m; ++i) {
        const double* v = out.v.data() + i * n;
        out.variance[i] = std::max(prior - dot(v, v, n), floor);
    }
}

void Regressor::predict(const double* rows, std::size_t m, Prediction& out) const {
    predict(rows, m, false, out);
}

void Regressor::predict_for_gradient(const double* rows, std::size_t m, Prediction& out) const {
    predict(rows, m, true, out);
    const std::size_t n = points_.size();
    out.w = out.v;
    linalg::solve_upper(*lapack_, L_.data(), ld_, n, out.w.data(), n, m);
}

void Regressor::gradient(const double* rows, std::size_t i, double by_mean, double by_variance,
                         const std::vector<std::size_t>& columns, Prediction& out, double* into) const {
    const std::size_t n = points_.size(), d = points_.d();
    const double* w = out.w.data() + i * n;
    const double* slope = out.slope.data() + i * n;
    out.c.resize(n);
    // d mean = alpha . dk,  d variance = -2 w . dk with w = K^-1 k,  dk_b / du_j = -slope_b (u_j - u_bj) / ell_j^2.
    for (std::size_t b = 0; b < n; ++b) out.c[b] = -(by_mean * alpha_[b] - 2.0 * by_variance * w[b]) * slope[b];
    for (std::size_t t = 0; t < columns.size(); ++t) {
        const std::size_t j = columns[t];
        const double u = warp_.identity() ? rows[i * d + j] : out.warped[i * d + j];
        into[t] = 0.2 * scales_.weight[j] * weighted_difference(points_, n, u, j, out.c.data());
        if (!warp_.identity()) into[t] *= warp_.slope(j, rows[i * d + j]);
    }
}

void Regressor::covariance(const double* rows, std::size_t m, double* out) const {
    const std::size_t n = points_.size(), d = points_.d();
    std::vector<double> v(m * n), room;
    rows = warped(rows, m, room);
    Points others(points_.columns());
    for (std::size_t i = 0; i < m; ++i) {
        scaled_distances(points_, n, scales_, rows + i * d, v.data() + i * n);
        matern(n, scales_.signal, v.data() + i * n, nullptr);
    }
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, v.data(), n, m);
    for (std::size_t i = 0; i < m; ++i) {
        others.append(rows + i * d);
        double* k = out + i * m;
        scaled_distances(others, i + 1, scales_, rows + i * d, k);
        matern(i + 1, scales_.signal, k, nullptr);
        for (std::size_t l = 0; l <= i; ++l) {
            k[l] -= dot(v.data() + i * n, v.data() + l * n, n);
            out[l * m + i] = k[l];
        }
    }
}

void Regressor::fitted(const double* y, double* out) const {
    for (std::size_t i = 0; i < points_.size(); ++i) out[i] = y[i] - noise_[i] * alpha_[i];
}

}  // namespace hpcore::gp
