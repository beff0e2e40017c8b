#pragma once

#include <cstddef>
#include <cstdint>

#include "hpcore/rng.hpp"
#include "hpcore/view.hpp"

namespace hpcore {

// Points of a scrambled Sobol sequence, as pure functions of the key and their number: nothing to keep or to rewind.
//
// Nested uniform scrambling (Owen 1995): a bit is flipped or not by a hash of the bits before it, another hash in each
// column, so that every point is uniform and the evenness of the sequence stays. Columns come in groups of 64, the size
// of the table of direction numbers; a group walks the sequence in an order of its own, the numbers' bits being
// scrambled alike (Burley 2020, "Practical hash-based Owen scrambling"). Between groups the points are as even as
// shuffled ones, within a group and in each column as a Sobol sequence.
//
// Writes the coordinates in [0, 1) of point `number` < 2^32 (larger ones start again), into out (d,).
void sobol_point(Philox::Key key, std::uint64_t number, MutableColumn out);

}  // namespace hpcore
