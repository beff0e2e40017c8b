#pragma once

#include "hpcore/linalg/lapack.hpp"

namespace hpcore::linalg {

// The table for programs that bring none, as the build was told by HPCORE_LAPACK: the plain routines, or those of the
// LAPACK that CMake found. Throws std::logic_error if the build was told that every program brings its own (`table`).
const Lapack& default_lapack();

}  // namespace hpcore::linalg
