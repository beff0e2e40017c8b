#pragma once

#include <cstddef>

#include "hpcore/linalg/lapack.hpp"

// Cholesky factors of growing matrices. L is the lower factor, row-major with `ld` doubles a row; what lies above its
// diagonal is never read. A block of right-hand sides is stored one a row: B (m, ldb) holds m vectors of length n.
//
// Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, A.4.
namespace hpcore::linalg {

// K (n, ld) -> L in place, from its lower triangle. O(n^3).
// Throws NotPositiveDefinite if a pivot is not positive, NaN included; the triangle then holds nothing useful.
void cholesky_factor(const Lapack& lapack, double* K, std::size_t ld, std::size_t n);

// Append one row to a lower factor, in place. O(n^2), no allocation.
//   L (n+1, ld): rows [0, n) hold chol(K);  k (n,) = K(X, x*);  kappa = k(x*, x*) + noise
//   Solves L l = k, then writes (l, sqrt(kappa - l.l)) as row n.
// Throws NotPositiveDefinite if that pivot is not positive, NaN included; rows [0, n) are untouched.
void cholesky_append(const Lapack& lapack, double* L, std::size_t ld, std::size_t n, const double* k, double kappa);

// B <- L^-1 B and B <- L^-T B, row by row.
void solve_lower(const Lapack& lapack, const double* L, std::size_t ld, std::size_t n, double* B, std::size_t ldb,
                 std::size_t m);
void solve_upper(const Lapack& lapack, const double* L, std::size_t ld, std::size_t n, double* B, std::size_t ldb,
                 std::size_t m);

// L -> the lower triangle of K^-1, in place. O(n^3).
void cholesky_inverse(const Lapack& lapack, double* L, std::size_t ld, std::size_t n);

// sum_i 2 log L_ii = log det K.
double log_determinant(const double* L, std::size_t ld, std::size_t n);

}  // namespace hpcore::linalg
