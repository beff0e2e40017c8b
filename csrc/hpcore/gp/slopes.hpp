#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/gp/covariance.hpp"

// Observed derivatives of the function. A Matern-5/2 process has them in mean square; with r = u - u', and `slope` and
// `curve` of matern(), their covariances are
//
//     cov(f(u), df/du'_j)         = slope r_j / ell_j^2
//     cov(df/du_i, df/du'_j)      = [i = j] slope / ell_i^2  -  curve (r_i / ell_i^2) (r_j / ell_j^2)
//
// where an inactive coordinate is 1/2, as in the covariance itself. Solak, Murray-Smith, Leithead, Leith & Rasmussen
// 2003, "Derivative observations in Gaussian process models of dynamic systems".
namespace hpcore::gp {

// The variance of a derivative in column j before there are data.
double slope_variance(const Scales& scales, std::size_t j);

// The rows of K + noise that belong to derivatives, into its lower triangle, K (n + slopes, ld) as linalg/cholesky.hpp
// takes it: the first n = size() observations are values.
void fill_slope_rows(const Points& points, const Scales& scales, double* K, std::size_t ld);

// The covariances of f(row) with all observations, k (n_observations(),), and slope and curve of each point (size(),).
void observation_covariances(const Points& points, const Scales& scales, Column row, MutableColumn k,
                             MutableColumn slope, MutableColumn curve);

// d/du_j of sum_e c[e] k[e] at `row`, in some columns, from what observation_covariances() gave. c (n_observations(),).
void by_row(const Points& points, const Scales& scales, Column row, Column c, Column slope, Column curve,
            const std::vector<std::size_t>& columns, MutableColumn into, Scratch& scratch);

}  // namespace hpcore::gp
