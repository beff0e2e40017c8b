#pragma once

#include "hpcore/view.hpp"

namespace hpcore::samplers {

// True if gradients (n, d), NaN where not told, predict how finite values (n,) at rows (n, d) differ between
// neighbours: what wrong gradients predict is not what happens.
//
// That is if most differences of a trial from the nearest other one are less far from (g + g') / 2 . (x' - x), where g
// and g' are the gradients of the two, than from 0; or if fewer than four trials have a gradient.
bool agree(Rows rows, Column values, Rows gradients);

}  // namespace hpcore::samplers
