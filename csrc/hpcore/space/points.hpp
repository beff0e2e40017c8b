#pragma once

#include <optional>

#include "hpcore/space/codec.hpp"
#include "hpcore/space/natural.hpp"

namespace hpcore::space {

// Number of distinct points, inactive columns being no difference; none if a column is continuous, or if there are
// more than 100,000 combinations of the parents' ranges to tell apart.
std::optional<Natural> count_points(const Codec& codec);

}  // namespace hpcore::space
