#pragma once

#include "hpcore/space/codec.hpp"

namespace hpcore::space {

// Make a real column, whose low is set, a grid of low, low + step, ... up to `high`: fills gridded, last, step, ticks
// and high. Bounds and step are the decimals that people write for them, so 0 .. 1 by 0.1 has 11 values and ends at
// 1.0; `high` may fall short of the grid by two roundings, as computed bounds do. low <= high and step > 0, all finite.
// False, and nothing changed, if there are more than 2^63 values.
bool make_grid(Column& column, double high, double step);

}  // namespace hpcore::space
