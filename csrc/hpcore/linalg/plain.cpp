#include "hpcore/linalg/plain.hpp"

#include <cmath>
#include <cstddef>
#include <vector>

namespace hpcore::linalg {
namespace {

std::size_t at(int i, int j, int ld) {
    return static_cast<std::size_t>(i) + static_cast<std::size_t>(j) * static_cast<std::size_t>(ld);
}

void dpotrf(char*, int* n, double* a, int* lda, int* info) {
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

void dtrsv(char*, char* trans, char*, int* n, double* a, int* lda, double* x, int* incx) {
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

void dtrsm(char*, char* uplo, char* trans, char* diag, int* m, int* n, double* alpha, double* a, int* lda, double* b,
           int* ldb) {
    int step = 1;
    for (int j = 0; j < *n; ++j) {
        double* column = b + at(0, j, *ldb);
        for (int i = 0; i < *m; ++i) column[i] *= *alpha;
        dtrsv(uplo, trans, diag, m, a, lda, column, &step);
    }
}

// U^-1 by columns, then U^-1 U^-T.
void dpotri(char* uplo, int* n, double* a, int* lda, int* info) {
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

}  // namespace

const Lapack& plain_lapack() {
    static const Lapack table{dpotrf, dpotri, dtrsv, dtrsm};
    return table;
}

}  // namespace hpcore::linalg
