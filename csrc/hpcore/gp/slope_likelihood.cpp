#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "hpcore/errors.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/slopes.hpp"
#include "hpcore/linalg/cholesky.hpp"

namespace hpcore::gp {

// Symbols: w, the weight of an entry of K in the derivative; p_j = (u_j - u'_j) / ell_j^2; a, b, points; e, f,
// derivatives. The entries of a pair of points depend on the distance through `slope`, `curve` and
//     jerk = 125/3 sf2 exp(-s) / s,     dcurve / dlog ell_j = jerk D_j / ell_j^2
// and, where a derivative is one in column j, on ell_j itself.
double LogPosterior::likelihood_with_slopes(Column theta, MutableColumn gradient) {
    const std::size_t n = points_.size(), d = points_.d();
    const std::vector<Slope>& slopes = points_.slopes();
    const std::size_t n_all = n + slopes.size();
    const Scales scales(layout_, theta);
    for (std::size_t a = 0; a < n; ++a) {
        points_.row(a, row_);
        double* k = k_.data() + a * n_all;
        covariances(points_, scales, row_, {k, a}, {}, scratch_);
        k[a] = prior_variance(points_, scales, row_, scratch_) + scales.noise +
               (known_noise_.empty() ? 0.0 : known_noise_[a]);
    }
    fill_slope_rows(points_, scales, k_.data(), n_all);
    try {
        linalg::cholesky_factor(lapack_, k_.data(), n_all, n_all);
    } catch (const NotPositiveDefinite&) {
        return -std::numeric_limits<double>::infinity();
    }
    std::copy_n(y_.begin(), n_all, alpha_.begin());
    linalg::solve_lower(lapack_, k_.data(), n_all, n_all, alpha_.data(), n_all, 1);
    const double fit = dot(alpha_, alpha_);
    const double value = -0.5 * (fit + linalg::log_determinant(k_.data(), n_all, n_all) +
                                 static_cast<double>(n_all) * std::log(2.0 * std::numbers::pi));
    if (gradient.empty()) return value;
    linalg::solve_upper(lapack_, k_.data(), n_all, n_all, alpha_.data(), n_all, 1);
    linalg::cholesky_inverse(lapack_, k_.data(), n_all, n_all);

    std::ranges::fill(gradient, 0.0);
    const auto w = [&](std::size_t i, std::size_t j) { return alpha_[i] * alpha_[j] - k_[i * n_all + j]; };  // j <= i
    std::vector<std::size_t> first(n + 1);  // derivatives of each point
    for (std::size_t a = 0, e = 0; a <= n; ++a) {
        while (e < slopes.size() && slopes[e].point < a) ++e;
        first[a] = e;
    }
    std::vector<double> k(n), s(n), slope(n), curve(n), p(d);
    double signal = 0.0;
    for (std::size_t a = 0; a < n; ++a) {
        points_.row(a, row_);
        const MutableColumn before{k.data(), a};
        scaled_distances(points_, scales, row_, before);
        std::copy_n(k.begin(), a, s.begin());
        matern(scales.signal, before, slope, curve);
        for (std::size_t b = 0; b < a; ++b) {
            const double root = std::sqrt(s[b]);
            const double jerk = root > 0.0 ? 5.0 * curve[b] / root : 0.0;
            const double of_values = w(a, b);
            double linear = 0.0, shared = 0.0, square = 0.0;
            if (first[a] < first[a + 1] || first[b] < first[b + 1]) {
                for (std::size_t j = 0; j < d; ++j) {
                    const double u = std::isnan(row_[j]) ? 0.5 : row_[j];
                    p[j] = 0.2 * scales.weight[j] * (u - points_.value(j)[b]);
                }
                for (std::size_t f = first[b]; f < first[b + 1]; ++f) {
                    const std::size_t j = slopes[f].column;
                    const double part = w(n + f, a) * p[j];
                    linear += part;
                    gradient[j] -= 2.0 * slope[b] * part;
                }
                for (std::size_t e = first[a]; e < first[a + 1]; ++e) {
                    const std::size_t i = slopes[e].column;
                    const double part = w(n + e, b) * p[i];
                    linear -= part;
                    gradient[i] += 2.0 * slope[b] * part;
                    for (std::size_t f = first[b]; f < first[b + 1]; ++f) {
                        const std::size_t j = slopes[f].column;
                        const double weight = w(n + e, n + f), product = weight * p[i] * p[j];
                        square += product;
                        gradient[i] += 2.0 * curve[b] * product;
                        gradient[j] += 2.0 * curve[b] * product;
                        if (i != j) continue;
                        const double diagonal = weight * 0.2 * scales.weight[i];
                        shared += diagonal;
                        gradient[i] -= 2.0 * slope[b] * diagonal;
                    }
                }
            }
            signal += of_values * (k[b] - mean_variance) + (linear + shared) * slope[b] - square * curve[b];
            weights_[b] = of_values * slope[b] + (linear + shared) * curve[b] - square * jerk;
        }
        signal += 0.5 * w(a, a) * signal_variance(points_, scales, row_, scratch_);
        gradient[layout_.noise()] += 0.5 * w(a, a) * scales.noise;
        const Column weights{weights_.data(), a};
        for (std::size_t j = 0; j < d; ++j) {
            const double shrink = scales.weight[j] * 0.2;  // 1 / ell^2
            gradient[j] += shrink * weighted_distance(points_, scales, row_, j, weights);
            if (points_.columns()[j].conditional)
                gradient[layout_.inactive()] -=
                    0.5 * shrink * scales.inactive * weighted_mismatch(points_, row_, j, weights);
        }
    }
    for (std::size_t e = 0; e < slopes.size(); ++e) {
        const double half = 0.5 * w(n + e, n + e) * slope_variance(scales, slopes[e].column);
        const double part = half * (1.0 + scales.slope_noise);
        signal += part;
        gradient[slopes[e].column] -= 2.0 * part;
        gradient[layout_.slope_noise()] += half * scales.slope_noise;
    }
    gradient[layout_.signal()] = signal;
    return value;
}

}  // namespace hpcore::gp
