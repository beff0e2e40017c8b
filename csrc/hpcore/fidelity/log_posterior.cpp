#include "hpcore/fidelity/log_posterior.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"

namespace hpcore::fidelity {

LogPosterior::LogPosterior(const linalg::Lapack& lapack, const Rows& rows, Column y, const Prior& prior)
    : lapack_(lapack),
      rows_(rows),
      y_(y),
      prior_(prior),
      layout_(rows.points().columns()),
      n_(rows.size()),
      m_(rows.points().size()),
      levels_(rows.levels().size()),
      k_(n_ * n_),
      alpha_(n_),
      row_(rows.points().d()),
      folded_(m_) {
    for (auto* matrix :
         {&s2_, &s2_drift_, &M_, &M_drift_, &slope_, &slope_drift_, &full_, &drifting_, &on_full_, &on_drift_})
        matrix->assign(m_ * m_, 0.0);
    for (auto* matrix : {&T_, &by_memory_, &on_T_}) matrix->assign(levels_ * levels_, 0.0);
}

void LogPosterior::fill(const Scales& scales, bool with_slopes) {
    const double shrink = 1.0 / (scales.rho * scales.rho);
    for (std::size_t p = 0; p < m_; ++p) {
        rows_.points().row(p, row_);
        const auto part = [&](std::vector<double>& matrix) { return MutableColumn{matrix.data() + p * m_, p + 1}; };
        gp::scaled_distances(rows_.points(), scales.base, row_, part(s2_));
        s2_[p * m_ + p] = 0.0;
        for (std::size_t q = 0; q <= p; ++q) s2_drift_[p * m_ + q] = shrink * s2_[p * m_ + q];
        const auto at = p * m_;
        matern(part(s2_), part(M_), with_slopes ? part(slope_) : MutableColumn{});
        matern(part(s2_drift_), part(M_drift_), with_slopes ? part(slope_drift_) : MutableColumn{});
        for (std::size_t q = 0; q <= p; ++q) {
            full_[at + q] = full_[q * m_ + p] = mean_variance + scales.f * M_[at + q];
            drifting_[at + q] = drifting_[q * m_ + p] = scales.c + scales.g * M_drift_[at + q];
        }
        full_[at + p] += scales.h;
        drifting_[at + p] += scales.e;
    }
    for (std::size_t l = 0; l < levels_; ++l)
        for (std::size_t k = 0; k < levels_; ++k)
            T_[l * levels_ + k] =
                drift(scales, rows_.levels()[l], rows_.levels()[k], by_memory_.data() + l * levels_ + k);
}

double LogPosterior::likelihood(Column theta, MutableColumn gradient) {
    const Scales scales(layout_, theta);
    fill(scales, !gradient.empty());
    for (std::size_t i = 0; i < n_; ++i) {
        const double* full = full_.data() + rows_.of(i) * m_;
        const double* drifting = drifting_.data() + rows_.of(i) * m_;
        const double* T = T_.data() + rows_.level_of(i) * levels_;
        double* k = k_.data() + i * n_;
        for (std::size_t j = 0; j <= i; ++j) k[j] = full[rows_.of(j)] + drifting[rows_.of(j)] * T[rows_.level_of(j)];
        k[i] += scales.n;
    }
    try {
        linalg::cholesky_factor(lapack_, k_.data(), n_, n_);
    } catch (const NotPositiveDefinite&) {
        return -std::numeric_limits<double>::infinity();
    }
    std::copy_n(y_.begin(), n_, alpha_.begin());
    linalg::solve_lower(lapack_, k_.data(), n_, n_, alpha_.data(), n_, 1);
    const double fit = gp::dot(alpha_, alpha_);
    const double value = -0.5 * (fit + linalg::log_determinant(k_.data(), n_, n_) +
                                 static_cast<double>(n_) * std::log(2.0 * std::numbers::pi));
    if (gradient.empty()) return value;
    linalg::solve_upper(lapack_, k_.data(), n_, n_, alpha_.data(), n_, 1);
    linalg::cholesky_inverse(lapack_, k_.data(), n_, n_);
    add_gradient(scales, gradient);
    return value;
}

// dL/dtheta = 1/2 tr((alpha alpha' - K^-1) dK/dtheta); each off-diagonal pair counts twice.
void LogPosterior::add_gradient(const Scales& scales, MutableColumn gradient) {
    std::ranges::fill(gradient, 0.0);
    for (auto* sums : {&on_full_, &on_drift_, &on_T_}) std::fill(sums->begin(), sums->end(), 0.0);
    double diagonal = 0.0;
    for (std::size_t i = 0; i < n_; ++i) {
        const std::size_t p = rows_.of(i), l = rows_.level_of(i);
        const double* inverse = k_.data() + i * n_;
        for (std::size_t j = 0; j <= i; ++j) {
            const double w = (j == i ? 0.5 : 1.0) * (alpha_[i] * alpha_[j] - inverse[j]);
            const std::size_t pair = p * m_ + rows_.of(j), step = l * levels_ + rows_.level_of(j);
            on_full_[pair] += w;
            on_drift_[pair] += w * T_[step];
            on_T_[step] += w * drifting_[pair];
        }
        diagonal += 0.5 * (alpha_[i] * alpha_[i] - inverse[i]);
    }
    const gp::Layout& base = layout_.base();
    const double shrink = 1.0 / (scales.rho * scales.rho);
    gradient[base.noise()] = scales.n * diagonal;
    for (std::size_t p = 0; p < m_; ++p) {
        for (std::size_t q = 0; q <= p; ++q) {
            const std::size_t at = p * m_ + q, turned = q * m_ + p;
            const double on_full = on_full_[at] + (p == q ? 0.0 : on_full_[turned]);
            const double on_drift = on_drift_[at] + (p == q ? 0.0 : on_drift_[turned]);
            gradient[base.signal()] += scales.f * M_[at] * on_full;
            gradient[layout_.common()] += scales.c * on_drift;
            gradient[layout_.drift()] += scales.g * M_drift_[at] * on_drift;
            gradient[layout_.stretch()] += scales.g * 2.0 * s2_drift_[at] * slope_drift_[at] * on_drift;
            folded_[q] = scales.f * slope_[at] * on_full + scales.g * shrink * slope_drift_[at] * on_drift;
            if (p == q) {
                gradient[layout_.offset()] += scales.h * on_full;
                gradient[layout_.own()] += scales.e * on_drift;
            }
        }
        rows_.points().row(p, row_);
        const Column folded{folded_.data(), p};
        for (std::size_t j = 0; j < row_.size(); ++j) {
            const double weight = scales.base.weight[j];
            gradient[j] += 2.0 * weight * gp::weighted_distance(rows_.points(), scales.base, row_, j, folded);
            if (rows_.points().columns()[j].conditional)
                gradient[base.inactive()] -=
                    weight * scales.base.inactive * gp::weighted_mismatch(rows_.points(), row_, j, folded);
        }
    }
    for (std::size_t l = 0; l < levels_; ++l)
        for (std::size_t k = 0; k < levels_; ++k) {
            const std::size_t at = l * levels_ + k;
            gradient[layout_.memory()] += by_memory_[at] * on_T_[at];
            if (rows_.levels()[l] < 1.0 && rows_.levels()[k] < 1.0) gradient[layout_.jump()] += scales.t * on_T_[at];
        }
}

double LogPosterior::operator()(Column theta, MutableColumn gradient) {
    double value = likelihood(theta, gradient);
    for (std::size_t i = 0; i < layout_.size(); ++i) {
        const LogNormal& p = prior_.of(layout_, i);
        if (p.std > 0.0) {
            const double z = (theta[i] - p.mean) / p.std;
            value -= 0.5 * z * z;
            if (!gradient.empty()) gradient[i] -= z / p.std;
        } else if (!gradient.empty()) {
            gradient[i] = 0.0;
        }
    }
    return value;
}

}  // namespace hpcore::fidelity
