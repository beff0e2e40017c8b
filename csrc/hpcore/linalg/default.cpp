#include "hpcore/linalg/default.hpp"

#if defined(HPCORE_LAPACK_FIND)

#include <cstddef>

// Fortran passes the lengths of character arguments as well, after all others.
extern "C" {
void dpotrf_(char*, int*, double*, int*, int*, std::size_t);
void dpotri_(char*, int*, double*, int*, int*, std::size_t);
void dtrsv_(char*, char*, char*, int*, double*, int*, double*, int*, std::size_t, std::size_t, std::size_t);
void dtrsm_(char*, char*, char*, char*, int*, int*, double*, double*, int*, double*, int*, std::size_t, std::size_t,
            std::size_t, std::size_t);
}

namespace hpcore::linalg {
namespace {

void dpotrf(char* uplo, int* n, double* a, int* lda, int* info) {
    dpotrf_(uplo, n, a, lda, info, 1);
}
void dpotri(char* uplo, int* n, double* a, int* lda, int* info) {
    dpotri_(uplo, n, a, lda, info, 1);
}
void dtrsv(char* uplo, char* trans, char* diag, int* n, double* a, int* lda, double* x, int* incx) {
    dtrsv_(uplo, trans, diag, n, a, lda, x, incx, 1, 1, 1);
}
void dtrsm(char* side, char* uplo, char* trans, char* diag, int* m, int* n, double* alpha, double* a, int* lda,
           double* b, int* ldb) {
    dtrsm_(side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb, 1, 1, 1, 1);
}

}  // namespace

const Lapack& default_lapack() {
    static const Lapack table{dpotrf, dpotri, dtrsv, dtrsm};
    return table;
}

}  // namespace hpcore::linalg

#elif defined(HPCORE_LAPACK_PLAIN)

#include "hpcore/linalg/plain.hpp"

namespace hpcore::linalg {

const Lapack& default_lapack() {
    return plain_lapack();
}

}  // namespace hpcore::linalg

#else

#include <stdexcept>

namespace hpcore::linalg {

const Lapack& default_lapack() {
    throw std::logic_error("this hpcore was built with HPCORE_LAPACK=table: a program brings its own linear algebra");
}

}  // namespace hpcore::linalg

#endif
