#include "hpcore/gp/marginal_likelihood.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"

namespace hpcore::gp {

Prior Prior::standard(std::size_t d) {
    Prior p;
    p.length_scale = {std::log(0.5 * std::sqrt(static_cast<double>(d))), 1.0, std::log(0.02), std::log(60.0)};
    p.signal = {0.0, 1.0, std::log(0.02), std::log(50.0)};
    p.noise = {-7.0, 2.0, std::log(1e-7), 0.0};
    p.inactive = {std::log(0.2), 1.0, std::log(0.01), std::log(4.0)};
    // From derivatives that are exact to a thousandth, as most are, to some that say nothing.
    p.slope_noise = {std::log(1e-5), 2.0, std::log(1e-7), std::log(100.0)};
    return p;
}

const LogNormal& Prior::of(const Layout& layout, std::size_t i) const {
    if (i < layout.d()) return length_scale;
    if (i == layout.signal()) return signal;
    if (i == layout.noise()) return noise;
    if (i == layout.slope_noise()) return slope_noise;
    return i < layout.user() ? inactive : user[i - layout.user()];
}

void Prior::bounds(const Layout& layout, std::vector<double>& low, std::vector<double>& high) const {
    low.resize(layout.size());
    high.resize(layout.size());
    for (std::size_t i = 0; i < layout.size(); ++i) {
        low[i] = of(layout, i).low;
        high[i] = of(layout, i).high;
    }
}

double Prior::log_density(const Layout& layout, Column theta, MutableColumn gradient) const {
    double value = 0.0, sum = 0.0;
    std::size_t n_scales = 0;
    for (std::size_t j = 0; j < layout.d(); ++j) {
        if (!layout.used_number(j)) continue;
        sum += (theta[j] - length_scale.mean) / length_scale.std;
        ++n_scales;
    }
    // The inverse of (1 - shared) I + shared 11' is (I - pull 11') / (1 - shared).
    const double pull = shared / (1.0 - shared + static_cast<double>(n_scales) * shared);
    for (std::size_t i = 0; i < layout.size(); ++i) {
        const LogNormal& p = of(layout, i);
        const double z = (theta[i] - p.mean) / p.std;
        const double solved = layout.used_number(i) ? (z - pull * sum) / (1.0 - shared) : z;
        value -= 0.5 * z * solved;
        if (!gradient.empty()) gradient[i] -= solved / p.std;
    }
    return value;
}

std::vector<double> Prior::draw(const Layout& layout, Philox& stream) const {
    std::vector<double> theta(layout.size());
    const double common = shared > 0.0 ? std::sqrt(shared) * stream.normal() : 0.0;
    for (std::size_t i = 0; i < theta.size(); ++i) {
        const LogNormal& p = of(layout, i);
        double z = stream.normal();
        if (layout.used_number(i)) z = common + std::sqrt(1.0 - shared) * z;
        theta[i] = std::clamp(p.mean + p.std * z, p.low, p.high);
    }
    return theta;
}

LogPosterior::LogPosterior(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise,
                           const Prior& prior)
    : lapack_(lapack),
      points_(points),
      y_(y),
      known_noise_(known_noise),
      prior_(prior),
      layout_(points.layout()),
      k_(points.n_observations() * points.n_observations()),
      slope_(points.size() * points.size()),
      alpha_(points.n_observations()),
      row_(points.d()),
      weights_(points.size()) {}

double LogPosterior::likelihood(Column theta, MutableColumn gradient) {
    if (layout_.slopes()) return likelihood_with_slopes(theta, gradient);
    const std::size_t n = points_.size(), d = points_.d();
    const Scales scales(layout_, theta);
    double diagonal_signal = 0.0;
    for (std::size_t a = 0; a < n; ++a) {
        points_.row(a, row_);
        double* k = k_.data() + a * n;
        const MutableColumn slope = gradient.empty() ? MutableColumn{} : MutableColumn{slope_.data() + a * n, a};
        covariances(points_, scales, row_, {k, a}, slope, scratch_);
        k[a] = prior_variance(points_, scales, row_, scratch_) + scales.noise +
               (known_noise_.empty() ? 0.0 : known_noise_[a]);
    }
    if (!gradient.empty()) correlation_ = k_;
    try {
        linalg::cholesky_factor(lapack_, k_.data(), n, n);
    } catch (const NotPositiveDefinite&) {
        return -std::numeric_limits<double>::infinity();
    }
    std::copy_n(y_.begin(), n, alpha_.begin());
    linalg::solve_lower(lapack_, k_.data(), n, n, alpha_.data(), n, 1);
    const double fit = dot(alpha_, alpha_);
    const double value = -0.5 * (fit + linalg::log_determinant(k_.data(), n, n) +
                                 static_cast<double>(n) * std::log(2.0 * std::numbers::pi));
    if (gradient.empty()) return value;
    linalg::solve_upper(lapack_, k_.data(), n, n, alpha_.data(), n, 1);
    linalg::cholesky_inverse(lapack_, k_.data(), n, n);

    // dL/dtheta = 1/2 tr((alpha alpha' - K^-1) dK/dtheta); each off-diagonal pair counts twice.
    std::ranges::fill(gradient, 0.0);
    for (std::size_t a = 0; a < n; ++a) {
        points_.row(a, row_);
        const double* inverse = k_.data() + a * n;
        const double* slope = slope_.data() + a * n;
        const double* covariance = correlation_.data() + a * n;
        double signal = 0.0;
        for (std::size_t b = 0; b < a; ++b) {
            const double w = alpha_[a] * alpha_[b] - inverse[b];
            signal += w * (covariance[b] - mean_variance);
            weights_[b] = w * slope[b];
        }
        const double w = alpha_[a] * alpha_[a] - inverse[a];
        diagonal_signal += signal + 0.5 * w * signal_variance(points_, scales, row_, scratch_);
        gradient[layout_.noise()] += 0.5 * w * scales.noise;
        const Column weights{weights_.data(), a};
        for (std::size_t j = 0; j < d; ++j) {
            const double shrink = scales.weight[j] * 0.2;  // 1 / ell^2
            gradient[j] += shrink * weighted_distance(points_, scales, row_, j, weights);
            if (points_.columns()[j].conditional)  // dk/dlog h2 = -1/2 slope h2 / ell^2
                gradient[layout_.inactive()] -=
                    0.5 * shrink * scales.inactive * weighted_mismatch(points_, row_, j, weights);
        }
        if (points_.user() == nullptr) continue;
        for (std::size_t b = 0; b < a; ++b) weights_[b] = alpha_[a] * alpha_[b] - inverse[b];
        add_by_theta(points_, scales, row_, weights, 0.5 * w, gradient.subspan(layout_.user(), layout_.n_user()),
                     scratch_);
    }
    gradient[layout_.signal()] = diagonal_signal;
    return value;
}

void LogPosterior::input_gradient(Column theta, MutableRows out) {
    const std::size_t n = points_.size(), d = points_.d();
    const Scales scales(layout_, theta);
    std::ranges::fill(out.flat(), 0.0);
    for (std::size_t a = 0; a < n; ++a) {
        const double* inverse = k_.data() + a * n;
        const double* slope = slope_.data() + a * n;
        for (std::size_t b = 0; b < a; ++b) weights_[b] = (alpha_[a] * alpha_[b] - inverse[b]) * slope[b];
        for (std::size_t j = 0; j < d; ++j) {
            if (points_.columns()[j].categorical) continue;
            const Column u = points_.value(j);
            const double shrink = scales.weight[j] * 0.2;  // 1 / ell^2
            for (std::size_t b = 0; b < a; ++b) {  // dk/du_a = -slope (u_a - u_b) / ell^2, and for u_b its opposite
                const double pull = shrink * weights_[b] * (u[a] - u[b]);
                out(a, j) -= pull;
                out(b, j) += pull;
            }
        }
    }
    for (std::size_t a = 0; a < n; ++a) {
        points_.row(a, row_);
        for (std::size_t j = 0; j < d; ++j)
            if (std::isnan(row_[j])) out(a, j) = 0.0;
    }
}

double LogPosterior::operator()(Column theta, MutableColumn gradient) {
    const double value = likelihood(theta, gradient);
    return value + prior_.log_density(layout_, theta, gradient);
}

}  // namespace hpcore::gp
