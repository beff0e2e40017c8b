#pragma once

// The few BLAS and LAPACK routines that the core calls, as a table of function pointers: nothing to link, nothing to
// bundle. The Python extension fills it from the BLAS that SciPy ships; a C++ program fills it from any other.
//
// Fortran calling convention: column-major, every argument by pointer, 32-bit integers. A row-major lower triangle
// is the column-major upper one, which is why the callers say 'U' where they mean L.
namespace hpcore::linalg {

struct Lapack {
    // A = U'U, in place; info > 0 names the first pivot that is not positive.
    void (*dpotrf)(char* uplo, int* n, double* a, int* lda, int* info) = nullptr;
    // The inverse of A from its factor, in the same triangle.
    void (*dpotri)(char* uplo, int* n, double* a, int* lda, int* info) = nullptr;
    // Triangular solves: one vector, many vectors.
    void (*dtrsv)(char* uplo, char* trans, char* diag, int* n, double* a, int* lda, double* x, int* incx) = nullptr;
    void (*dtrsm)(char* side, char* uplo, char* trans, char* diag, int* m, int* n, double* alpha, double* a, int* lda,
                  double* b, int* ldb) = nullptr;
};

}  // namespace hpcore::linalg
