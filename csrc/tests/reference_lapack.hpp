#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "hpcore/linalg/lapack.hpp"

// The routines of the table by their definitions, three plain loops each, so that the C++ tests need no Python and
// no BLAS. Only the cases that the core calls: 'U' triangles, non-unit diagonals, unit increments.
namespace reference {

inline std::size_t at(int i, int j, int ld) {
    return static_cast<std::size_t>(i) + static_cast<std::size_t>(j) * static_cast<std::size_t>(ld);
}

inline void dpotrf(char*, int* n, double* a, int* lda, int* info) {
    *info = 0;
    for (int j = 0; j < *n; ++j) {
        for (int i = 0; i <= j; ++i) {
            double s = a[at(i, j, *lda)];
            for (int k = 0; k < i; ++k) s -= a[at(k, i, *lda)] * a[at(k, j, *lda)];
            if (i < j) {
                a[at(i, j, *lda)] = s / a[at(i, i, *lda)];
            } else {
                if (!(s > 0.0)) {
                    *info = j + 1;
                    return;
                }
                a[at(j, j, *lda)] = std::sqrt(s);
            }
        }
    }
}

inline void dtrsv(char*, char* trans, char*, int* n, double* a, int* lda, double* x, int* incx) {
    const auto step = static_cast<std::ptrdiff_t>(*incx);
    if (*trans == 'T') {  // U' is lower: forwards
        for (int i = 0; i < *n; ++i) {
            double s = x[i * step];
            for (int k = 0; k < i; ++k) s -= a[at(k, i, *lda)] * x[k * step];
            x[i * step] = s / a[at(i, i, *lda)];
        }
    } else {
        for (int i = *n - 1; i >= 0; --i) {
            double s = x[i * step];
            for (int k = i + 1; k < *n; ++k) s -= a[at(i, k, *lda)] * x[k * step];
            x[i * step] = s / a[at(i, i, *lda)];
        }
    }
}

inline void dtrsm(char*, char* uplo, char* trans, char* diag, int* m, int* n, double* alpha, double* a, int* lda,
                  double* b, int* ldb) {
    int step = 1;
    for (int j = 0; j < *n; ++j) {
        double* column = b + at(0, j, *ldb);
        for (int i = 0; i < *m; ++i) column[i] *= *alpha;
        dtrsv(uplo, trans, diag, m, a, lda, column, &step);
    }
}

// U^-1 by columns, then U^-1 U^-T.
inline void dpotri(char* uplo, int* n, double* a, int* lda, int* info) {
    *info = 0;
    const auto order = static_cast<std::size_t>(*n);
    std::vector<double> inverse(order * order, 0.0);
    char trans = 'N', diag = 'N';
    int step = 1;
    for (int j = 0; j < *n; ++j) {
        double* column = inverse.data() + at(0, j, *n);
        column[j] = 1.0;
        dtrsv(uplo, &trans, &diag, n, a, lda, column, &step);
    }
    for (int j = 0; j < *n; ++j)
        for (int i = 0; i <= j; ++i) {
            double s = 0.0;
            for (int k = 0; k < *n; ++k) s += inverse[at(i, k, *n)] * inverse[at(j, k, *n)];
            a[at(i, j, *lda)] = s;
        }
}

inline hpcore::linalg::Lapack lapack() {
    hpcore::linalg::Lapack table;
    table.dpotrf = dpotrf;
    table.dpotri = dpotri;
    table.dtrsv = dtrsv;
    table.dtrsm = dtrsm;
    return table;
}

}  // namespace reference
