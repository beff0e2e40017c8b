#pragma once

#include <optional>
#include <vector>

#include "hpcore/view.hpp"

namespace hpcore::samplers {

// Marks the values that are penalties in place of results, such as 1e5 for what is impossible, and not merely poor;
// none if no value is. values (n,): finite, in the order of the trials, lower is better.
//
// They lie beyond an empty gap that is several times as wide as all values below it spread: 4 times, if they are three
// or more equal values; 20 times, if they are two equal ones, or more that repeat a few levels or differ by less than a
// tenth of the gap; 1000 times, if they keep to a few levels roughly or lie within a thousand gaps. Of several such
// gaps it is the lowest. Values that grow steadily, however fast, leave none.
std::optional<std::vector<bool>> beyond_cliff(Column values);

}  // namespace hpcore::samplers
