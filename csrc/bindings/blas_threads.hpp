#pragma once

#include <pybind11/pybind11.h>

namespace hpcore::bindings {

// While one is alive, SciPy's BLAS uses the calling thread only. A routine that splits its work rounds otherwise with
// every number of threads, and the promise is the same bits on a machine whatever OMP_NUM_THREADS says; nor do the
// sizes met here gain from threads, while searches in several threads would lose by them. Scopes may overlap: the last
// one to end gives back what the first one found.
class OneBlasThread {
  public:
    OneBlasThread();
    ~OneBlasThread();
    OneBlasThread(const OneBlasThread&) = delete;
    OneBlasThread& operator=(const OneBlasThread&) = delete;
};

// Find the switches of the BLAS that SciPy has loaded: OpenBLAS or MKL, as threadpoolctl reports them. Any other is
// left as it is. Needs the GIL.
void find_blas_threads();

// Native work without the GIL, and with one thread for the BLAS.
class Unlocked {
    pybind11::gil_scoped_release nogil_;
    OneBlasThread one_;
};

}  // namespace hpcore::bindings
