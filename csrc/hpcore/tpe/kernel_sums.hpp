#pragma once

#include <cstddef>
#include <cstdint>

// The loops that a suggestion spends its time in, compiled for several instruction sets.
namespace hpcore::tpe {

struct SumsInput {
    std::size_t padded;  // candidates, a multiple of eight
    std::size_t n_kernels, n_smooth, n_stepped;
    const double* x;              // (smooth, padded) candidates times 1 / (h sqrt 2)
    const double* centres;        // (kernels, smooth) in the same unit
    const double* weight;         // (kernels,)
    const std::int32_t* x_level;  // (stepped, padded)
    const std::uint32_t* level;   // (kernels, stepped)
    const double* const* table;   // per stepped axis, (centre level, level); null for categories
    const std::size_t* levels;    // per stepped axis
    const double *own, *other;    // per stepped axis of categories: the factor of the centre's level, of every other
};

constexpr std::size_t block = 32;

// out[i] = sum_k weight_k exp(-|x_i - centre_k|^2) prod_t table_t[level_kt][x_level_ti]; kernels are added in order.
// Categories have no table, which would grow with the square of their number.
void kernel_sums(const SumsInput& in, double* out);

struct RoughInput {
    std::size_t padded;                           // candidates, a multiple of `block`
    std::size_t n_kernels, n_axes, n_categories;  // an even number of kernels
    const float* x;                               // (axes, padded) candidates
    const float* offset;                          // (padded,) -|x|^2
    const float* centres;                         // (kernels, axes) twice the centres
    const float* bias;                            // (kernels,) -|centre|^2
    const float* weight;                          // (kernels,) at most 1
    const float* category;                        // (categories, padded)
    const float* level;                           // (kernels, categories)
    const float* gain;                            // (categories,) of the exponent, where categories are the same
    float cut;                                    // terms of smaller exponents may be left out
};

// out[i] = sum_k weight_k 2^(-|x_i - centre_k|^2 + gains), to 2e-4 of it and the rounding of exponents; 0 where it is
// so small that it might be less than that.
void rough_sums(const RoughInput& in, double* out);

// erf of x >= 0, in place; n is a multiple of eight.
void erf_array(double* x, std::size_t n);

// Standard normal quantiles of p in [0, 1], within 6.6 deviations, in place; n is a multiple of eight.
void quantile_array(double* p, std::size_t n);

// level[i] = how many of `edges` (n_edges,) are at most u[i], as a double; n is a multiple of eight.
void count_below(const double* edges, std::size_t n_edges, const double* u, std::size_t n, double* level);

// a[i] = log(exp(shift + log a[i]) + prior * exp(log_prior[i])) - log_total for a >= 0; n is a multiple of eight.
void finish_log(double* a, std::size_t n, double shift, const double* log_prior, double log_total);

// sum[i] += log of the standard normal distribution function at x[i]; n is a multiple of eight.
void add_log_cdf(const double* x, std::size_t n, double* sum);

// E max(edge - y, 0) of normal y of these means and deviations into out; n is a multiple of `block`.
void expected_below(const double* mean, const double* std, double edge, std::size_t n, double* out);

// sum[i] += the logarithm of the same, which does not underflow.
void add_log_expected_below(const double* mean, const double* std, double edge, std::size_t n, double* sum);

// Points of a kernel regression: x (n, axes), the numeric axes first; two categories lie sqrt(apart) from each other.
struct Points {
    const double* x;
    std::size_t axes, numeric;
    double apart, scale;  // scale: sqrt(5) over the length
};

// Matern-5/2 covariances of one of the points with a block of rows (axes, padded), into out (block,).
void covariances(const Points& points, std::size_t point, const double* rows, std::size_t padded, double* out);

// V (n, block) <- L^-1 V by forward substitution; L (n, n) is lower, row-major, with 1 over its diagonal in its place.
void substitute(const double* factor, std::size_t n, double* v);

}  // namespace hpcore::tpe
