#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

#include "hpcore/kernels.hpp"

// Kernels as users write them in Python and the core calls them by pointer, here in C++.
namespace user_kernels {

using hpcore::kernel_ok;

inline int around_a_third(const double* u, std::size_t d, double* out) {
    out[0] = 0.0;
    for (std::size_t j = 0; j < d; ++j) out[0] -= 8.0 * (u[j] - 1.0 / 3.0) * (u[j] - 1.0 / 3.0);
    return kernel_ok;
}

// (1 + a x'y) exp(-|x - y|^2 / (2 l^2)), theta = (l, a): not stationary, so that k(x, x) has derivatives as well.
inline int tilted(const double* x, const double* Y, std::size_t n, std::size_t d, const double* theta, std::size_t p,
                  int wanted, double* k, double* by_theta, double* by_x) {
    const double l = theta[0], a = theta[1];
    for (std::size_t b = 0; b < n; ++b) {
        const double* y = Y + b * d;
        double square = 0.0, product = 0.0;
        for (std::size_t j = 0; j < d; ++j) {
            square += (x[j] - y[j]) * (x[j] - y[j]);
            product += x[j] * y[j];
        }
        const double e = std::exp(-0.5 * square / (l * l)), tilt = 1.0 + a * product;
        if ((wanted & hpcore::want_value) != 0) k[b] = tilt * e;
        if ((wanted & hpcore::want_by_theta) != 0) {
            by_theta[b * p] = tilt * e * square / (l * l * l);
            by_theta[b * p + 1] = product * e;
        }
        if ((wanted & hpcore::want_by_x) != 0)
            for (std::size_t j = 0; j < d; ++j) by_x[b * d + j] = e * (a * y[j] - tilt * (x[j] - y[j]) / (l * l));
    }
    return kernel_ok;
}

// exp(-2 sin(pi |x - y| / period)^2) of the first column, theta = (period,): a likelihood of many peaks.
inline int periodic(const double* x, const double* Y, std::size_t n, std::size_t d, const double* theta, std::size_t,
                    int wanted, double* k, double* by_theta, double* by_x) {
    for (std::size_t b = 0; b < n; ++b) {
        const double gap = x[0] - Y[b * d], turn = std::numbers::pi * gap / theta[0], s = std::sin(turn);
        const double value = std::exp(-2.0 * s * s), slope = -2.0 * std::sin(2.0 * turn) * value;
        if ((wanted & hpcore::want_value) != 0) k[b] = value;
        if ((wanted & hpcore::want_by_theta) != 0) by_theta[b] = -slope * turn / theta[0];
        if ((wanted & hpcore::want_by_x) != 0) {
            for (std::size_t j = 0; j < d; ++j) by_x[b * d + j] = 0.0;
            by_x[b * d] = slope * std::numbers::pi / theta[0];
        }
    }
    return kernel_ok;
}

// exp(-8 |x - y|^2), less `Hundredths` on the diagonal: no covariance, however the hyperparameters are chosen.
template <int Hundredths>
int lowered(const double* x, const double* Y, std::size_t n, std::size_t d, const double*, std::size_t, int wanted,
            double* k, double*, double* by_x) {
    for (std::size_t b = 0; b < n; ++b) {
        double square = 0.0;
        for (std::size_t j = 0; j < d; ++j) square += (x[j] - Y[b * d + j]) * (x[j] - Y[b * d + j]);
        const double value = std::exp(-8.0 * square);
        if ((wanted & hpcore::want_value) != 0) k[b] = value - (square == 0.0 ? 0.01 * Hundredths : 0.0);
        if ((wanted & hpcore::want_by_x) != 0)
            for (std::size_t j = 0; j < d; ++j) by_x[b * d + j] = -16.0 * (x[j] - Y[b * d + j]) * value;
    }
    return kernel_ok;
}

// One that raises, or answers with something else than finite numbers in what is asked for.
inline int raises(const double*, const double*, std::size_t, std::size_t, const double*, std::size_t, int, double*,
                  double*, double*) {
    return 0;
}

template <int What>
int not_a_number(const double*, const double*, std::size_t n, std::size_t d, const double*, std::size_t p, int wanted,
                 double* k, double* by_theta, double* by_x) {
    const auto fill = [&](int what, double* out, std::size_t size) {
        for (std::size_t i = 0; (wanted & what) != 0 && i < size; ++i)
            out[i] = what != What                 ? 1.0
                     : What == hpcore::want_value ? std::numeric_limits<double>::quiet_NaN()
                                                  : -std::numeric_limits<double>::infinity();
    };
    fill(hpcore::want_value, k, n);
    fill(hpcore::want_by_theta, by_theta, n * p);
    fill(hpcore::want_by_x, by_x, n * d);
    return kernel_ok;
}

}  // namespace user_kernels
