#pragma once

#include "hpcore/linalg/lapack.hpp"

namespace hpcore::bindings {

// SciPy's BLAS and LAPACK, looked up on the first call. Needs the GIL. ImportError when this SciPy's routines do not
// have the signatures that the table declares (64-bit integers, say): calling them anyway would be undefined.
const linalg::Lapack& scipy_lapack();

}  // namespace hpcore::bindings
