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

inline void dtrmv(char*, char* trans, char*, int* n, double* a, int* lda, double* x, int*) {
    std::vector<double> y(static_cast<std::size_t>(*n), 0.0);
    for (int i = 0; i < *n; ++i)
        for (int k = 0; k < *n; ++k) {
            const int r = *trans == 'T' ? k : i, c = *trans == 'T' ? i : k;
            if (r <= c) y[static_cast<std::size_t>(i)] += a[at(r, c, *lda)] * x[k];
        }
    for (int i = 0; i < *n; ++i) x[i] = y[static_cast<std::size_t>(i)];
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

inline void dgemm(char* transa, char* transb, int* m, int* n, int* k, double* alpha, double* a, int* lda, double* b,
                  int* ldb, double* beta, double* c, int* ldc) {
    for (int j = 0; j < *n; ++j)
        for (int i = 0; i < *m; ++i) {
            double s = 0.0;
            for (int l = 0; l < *k; ++l)
                s += a[*transa == 'T' ? at(l, i, *lda) : at(i, l, *lda)] *
                     b[*transb == 'T' ? at(j, l, *ldb) : at(l, j, *ldb)];
            double& out = c[at(i, j, *ldc)];
            out = *alpha * s + (*beta == 0.0 ? 0.0 : *beta * out);
        }
}

inline void dgemv(char* trans, int* m, int* n, double* alpha, double* a, int* lda, double* x, int*, double* beta,
                  double* y, int*) {
    const int rows = *trans == 'T' ? *n : *m, inner = *trans == 'T' ? *m : *n;
    for (int i = 0; i < rows; ++i) {
        double s = 0.0;
        for (int k = 0; k < inner; ++k) s += a[*trans == 'T' ? at(k, i, *lda) : at(i, k, *lda)] * x[k];
        y[i] = *alpha * s + (*beta == 0.0 ? 0.0 : *beta * y[i]);
    }
}

inline void dsymv(char*, int* n, double* alpha, double* a, int* lda, double* x, int*, double* beta, double* y, int*) {
    for (int i = 0; i < *n; ++i) {
        double s = 0.0;
        for (int k = 0; k < *n; ++k) s += a[i <= k ? at(i, k, *lda) : at(k, i, *lda)] * x[k];
        y[i] = *alpha * s + (*beta == 0.0 ? 0.0 : *beta * y[i]);
    }
}

inline hpcore::linalg::Lapack lapack() {
    hpcore::linalg::Lapack table;
    table.dpotrf = dpotrf;
    table.dpotri = dpotri;
    table.dtrsv = dtrsv;
    table.dtrsm = dtrsm;
    table.dtrmv = dtrmv;
    table.dgemm = dgemm;
    table.dgemv = dgemv;
    table.dsymv = dsymv;
    return table;
}

}  // namespace reference
