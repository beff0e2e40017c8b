#pragma once

#include "hpcore/linalg/lapack.hpp"

// The routines of the table in plain C++, for programs that bring no BLAS. Blocks of 64 keep the operands in the first
// cache, and tiles of them in registers. No threads, and the same bits on every CPU.
namespace hpcore::linalg {

// Only what the core calls: 'U' triangles, 'L' sides, non-unit diagonals, a factor alpha of 1, unit increments. Other
// arguments throw std::invalid_argument.
const Lapack& plain_lapack();

}  // namespace hpcore::linalg
