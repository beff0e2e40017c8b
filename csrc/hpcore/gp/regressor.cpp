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
      scales_(layout_of(points_, theta_), theta_) {}

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

Rows Regressor::warped(Rows rows, std::vector<double>& room) const {
    if (warp_.identity()) return rows;
    room.resize(rows.size());
    const MutableRows out{room.data(), rows.n, rows.d};
    for (std::size_t i = 0; i < rows.n; ++i) warp_.apply(rows[i], out[i]);
    return out;
}

void Regressor::assign(Rows rows, Column known_noise, const std::vector<Slope>& slopes) {
    const std::size_t n = rows.n;
    if (!slopes.empty() && !(warp_.identity() && layout_of(points_, theta_).slopes()))
        throw std::invalid_argument("derivatives need a noise in theta, and no warp");
    truncate(0);
    std::vector<double> room;
    rows = warped(rows, room);
    make_room(n + slopes.size());
    Scratch scratch;
    for (std::size_t a = 0; a < n; ++a) {
        const Column row = rows[a];
        double* k = L_.data() + a * ld_;
        covariances(points_, scales_, row, {k, a}, {}, scratch);
        noise_.push_back(scales_.noise + (known_noise.empty() ? 0.0 : known_noise[a]));
        k[a] = prior_variance(points_, scales_, row, scratch) + noise_.back();
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

void Regressor::append(Column row, double known_noise) {
    const std::size_t n = points_.n_observations();
    std::vector<double> room;
    row = warped({row.data(), 1, row.size()}, room)[0];
    make_room(n + 1);
    row_.resize(n);
    Scratch scratch;
    if (points_.slopes().empty()) {
        covariances(points_, scales_, row, row_, {}, scratch);
    } else {
        std::vector<double> slope(points_.size()), curve(points_.size());
        observation_covariances(points_, scales_, row, row_, slope, curve);
    }
    const double noise = scales_.noise + known_noise;
    linalg::cholesky_append(*lapack_, L_.data(), ld_, n, row_.data(),
                            prior_variance(points_, scales_, row, scratch) + noise);
    points_.append(row);
    noise_.push_back(noise);
}

void Regressor::truncate(std::size_t n) {
    points_.truncate(n);
    if (points_.slopes().empty()) slope_targets_.clear();
    noise_.resize(n);
}

void Regressor::set_targets(Column y) {
    const std::size_t n = points_.n_observations(), before = points_.before_slopes();
    alpha_.assign(y.begin(), y.begin() + static_cast<std::ptrdiff_t>(points_.size()));
    if (slope_targets_.size() != points_.slopes().size())
        throw std::logic_error("targets are not set for every derivative of the model");
    alpha_.insert(alpha_.begin() + static_cast<std::ptrdiff_t>(before), slope_targets_.begin(), slope_targets_.end());
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, alpha_.data(), n, 1);
    linalg::solve_upper(*lapack_, L_.data(), ld_, n, alpha_.data(), n, 1);
}

void Regressor::observation_covariances_of(Column row, std::size_t i, Prediction& out) const {
    const std::size_t n = points_.size(), n_all = points_.n_observations();
    observation_covariances(points_, scales_, row, {out.k.data() + i * n_all, n_all}, {out.slope.data() + i * n, n},
                            {out.curve.data() + i * n, n});
}

void Regressor::predict_mean(Rows rows, bool with_slopes, Prediction& out) const {
    const std::size_t n = points_.n_observations(), m = rows.n;
    if (alpha_.size() != n) throw std::logic_error("targets are not set for every row of the model");
    rows = warped(rows, out.warped);
    out.mean.resize(m);
    out.k.resize(m * n);
    const bool user = points_.user() != nullptr;
    const std::size_t seen = points_.numbers().size();
    if (!points_.slopes().empty()) {
        out.slope.resize(m * points_.size());
        out.curve.resize(m * points_.size());
        for (std::size_t i = 0; i < m; ++i) {
            observation_covariances_of(rows[i], i, out);
            out.mean[i] = dot({out.k.data() + i * n, n}, alpha_);
        }
        return;
    }
    if (with_slopes && !user) out.slope.resize(m * n);
    if (with_slopes && user) {
        out.by_x.resize(m * n * seen);
        out.own_by_x.resize(m * seen);
    }
    for (std::size_t i = 0; i < m; ++i) {
        const MutableColumn k{out.k.data() + i * n, n};
        if (with_slopes && user)
            user_by_x(points_, scales_, rows[i], k, {out.by_x.data() + i * n * seen, n, seen},
                      {out.own_by_x.data() + i * seen, seen}, out.scratch);
        else
            covariances(points_, scales_, rows[i], k,
                        with_slopes ? MutableColumn{out.slope.data() + i * n, n} : MutableColumn{}, out.scratch);
        out.mean[i] = dot(k, alpha_);
    }
}

void Regressor::predict(Rows rows, bool with_slopes, Prediction& out) const {
    predict_mean(rows, with_slopes, out);
    const std::size_t n = points_.n_observations(), m = rows.n;
    out.v.assign(out.k.begin(), out.k.begin() + static_cast<std::ptrdiff_t>(m * n));
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, out.v.data(), n, m);
    variances_of_solved(rows, out.v.data(), n, 0.0, out);
}

void Regressor::predict_bound(Rows rows, Prediction& out) const {
    constexpr std::size_t few = 64;
    predict_mean(rows, false, out);
    const std::size_t n = points_.n_observations(), first = std::min(n, few);
    linalg::solve_lower(*lapack_, L_.data(), ld_, first, out.k.data(), n, rows.n);
    variances_of_solved(rows, out.k.data(), first, 1e-13, out);  // far above rounding
}

// `more` of the prior on top.
void Regressor::variances_of_solved(Rows rows, const double* v, std::size_t n_solved, double more,
                                    Prediction& out) const {
    const std::size_t n = points_.n_observations();
    if (!warp_.identity()) rows.data = out.warped.data();
    out.variance.resize(rows.n);
    for (std::size_t i = 0; i < rows.n; ++i) {
        const Column solved{v + i * n, n_solved};
        const double prior = prior_variance(points_, scales_, rows[i], out.scratch);
        // Cancellation can leave a variance below zero at the data; there it is of the size of the rounding of the
        // prior.
        out.variance[i] = std::max(prior - dot(solved, solved), 1e-14 * prior) + more * prior;
    }
}

void Regressor::predict(Rows rows, Prediction& out) const {
    predict(rows, false, out);
}

void Regressor::predict_for_gradient(Rows rows, Prediction& out) const {
    predict(rows, true, out);
    const std::size_t n = points_.n_observations();
    out.w = out.v;
    linalg::solve_upper(*lapack_, L_.data(), ld_, n, out.w.data(), n, rows.n);
}

void Regressor::gradient(Rows rows, std::size_t i, double by_mean, double by_variance,
                         const std::vector<std::size_t>& columns, Prediction& out, MutableColumn into,
                         Column alpha) const {
    if (alpha.empty()) alpha = alpha_;
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
            if (!warp_.identity()) into[t] *= warp_.slope(columns[t], rows(i, columns[t]));
        }
        return;
    }
    out.c.resize(n);
    if (!points_.slopes().empty()) {
        for (std::size_t b = 0; b < n; ++b) out.c[b] = by_mean * alpha[b] - 2.0 * by_variance * w[b];
        const std::size_t n_points = points_.size();
        by_row(points_, scales_, rows[i], out.c, {out.slope.data() + i * n_points, n_points},
               {out.curve.data() + i * n_points, n_points}, columns, into, out.scratch);
        return;
    }
    const double* slope = out.slope.data() + i * n;
    // d mean = alpha . dk,  d variance = -2 w . dk with w = K^-1 k,  dk_b / du_j = -slope_b (u_j - u_bj) / ell_j^2.
    for (std::size_t b = 0; b < n; ++b) out.c[b] = -(by_mean * alpha[b] - 2.0 * by_variance * w[b]) * slope[b];
    for (std::size_t t = 0; t < columns.size(); ++t) {
        const std::size_t j = columns[t];
        const double u = warp_.identity() ? rows(i, j) : out.warped[i * d + j];
        into[t] = 0.2 * scales_.weight[j] * weighted_difference(points_, u, j, out.c);
        if (!warp_.identity()) into[t] *= warp_.slope(j, rows(i, j));
    }
}

void Regressor::covariance(Rows rows, MutableRows out) const {
    const std::size_t n = points_.n_observations(), m = rows.n;
    std::vector<double> solved(m * n), room;
    const MutableRows v{solved.data(), m, n};
    rows = warped(rows, room);
    Points others(points_.columns(), points_.user());
    Scratch scratch;
    if (points_.slopes().empty()) {
        for (std::size_t i = 0; i < m; ++i) covariances(points_, scales_, rows[i], v[i], {}, scratch);
    } else {
        std::vector<double> slope(points_.size()), curve(points_.size());
        for (std::size_t i = 0; i < m; ++i) observation_covariances(points_, scales_, rows[i], v[i], slope, curve);
    }
    linalg::solve_lower(*lapack_, L_.data(), ld_, n, solved.data(), n, m);
    for (std::size_t i = 0; i < m; ++i) {
        others.append(rows[i]);
        covariances(others, scales_, rows[i], out[i].first(i + 1), {}, scratch);
        for (std::size_t l = 0; l <= i; ++l) {
            out(i, l) -= dot(v[i], v[l]);
            out(l, i) = out(i, l);
        }
    }
}

void Regressor::fitted(Column y, MutableColumn out) const {
    for (std::size_t i = 0; i < points_.size(); ++i) out[i] = y[i] - noise_[i] * alpha_[points_.observation(i)];
}

}  // namespace hpcore::gp
