#include "hpcore/linalg/cholesky.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "hpcore/errors.hpp"

namespace hpcore::linalg {
namespace {

int to_int(std::size_t n) {
    if (n > static_cast<std::size_t>(std::numeric_limits<int>::max()))
        throw std::invalid_argument("a matrix of " + std::to_string(n) + " rows is too large for this BLAS");
    return static_cast<int>(n);
}

// BLAS declares its inputs without const; none of the calls below writes to L.
double* unconst(const double* p) {
    return const_cast<double*>(p);
}

void solve(const Lapack& lapack, char trans, const double* L, std::size_t ld, std::size_t n, double* B, std::size_t ldb,
           std::size_t m) {
    if (n == 0 || m == 0) return;
    char side = 'L', uplo = 'U', diag = 'N';
    int rows = to_int(n), lead = to_int(ld);
    if (m == 1) {
        int step = 1;
        lapack.dtrsv(&uplo, &trans, &diag, &rows, unconst(L), &lead, B, &step);
        return;
    }
    int columns = to_int(m), lead_b = to_int(ldb);
    double one = 1.0;
    lapack.dtrsm(&side, &uplo, &trans, &diag, &rows, &columns, &one, unconst(L), &lead, B, &lead_b);
}

}  // namespace

void cholesky_factor(const Lapack& lapack, double* K, std::size_t ld, std::size_t n) {
    if (n == 0) return;
    char uplo = 'U';
    int order = to_int(n), lead = to_int(ld), info = 0;
    lapack.dpotrf(&uplo, &order, K, &lead, &info);
    if (info != 0) throw NotPositiveDefinite("pivot " + std::to_string(info - 1) + " is not positive");
    for (std::size_t i = 0; i < n; ++i) {  // not every LAPACK notices a NaN
        const double pivot = K[i * ld + i];
        if (!(pivot > 0.0)) throw NotPositiveDefinite("pivot " + std::to_string(i) + " is " + std::to_string(pivot));
    }
}

void cholesky_append(const Lapack& lapack, double* L, std::size_t ld, std::size_t n, const double* k, double kappa) {
    double* row = L + n * ld;
    std::copy(k, k + n, row);
    solve_lower(lapack, L, ld, n, row, ld, 1);
    double pivot = kappa;
    for (std::size_t i = 0; i < n; ++i) pivot -= row[i] * row[i];
    if (!(pivot > 0.0))  // written this way round so that NaN fails too; sqrt would hide it
        throw NotPositiveDefinite("pivot " + std::to_string(n) + " is " + std::to_string(pivot));
    row[n] = std::sqrt(pivot);
}

void solve_lower(const Lapack& lapack, const double* L, std::size_t ld, std::size_t n, double* B, std::size_t ldb,
                 std::size_t m) {
    solve(lapack, 'T', L, ld, n, B, ldb, m);
}

void solve_upper(const Lapack& lapack, const double* L, std::size_t ld, std::size_t n, double* B, std::size_t ldb,
                 std::size_t m) {
    solve(lapack, 'N', L, ld, n, B, ldb, m);
}

void cholesky_inverse(const Lapack& lapack, double* L, std::size_t ld, std::size_t n) {
    if (n == 0) return;
    char uplo = 'U';
    int order = to_int(n), lead = to_int(ld), info = 0;
    lapack.dpotri(&uplo, &order, L, &lead, &info);
    if (info != 0) throw NotPositiveDefinite("pivot " + std::to_string(info - 1) + " is zero");
}

double log_determinant(const double* L, std::size_t ld, std::size_t n) {
    double sum = 0.0;
    for (std::size_t i = 0; i < n; ++i) sum += std::log(L[i * ld + i]);
    return 2.0 * sum;
}

}  // namespace hpcore::linalg
