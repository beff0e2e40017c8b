#pragma once

#include <cstddef>
#include <string>

#include "hpcore/space/codec.hpp"
#include "hpcore/space/parameter.hpp"

namespace hpcore::space {

// A requirement of parameter `child` on `parent`, which is column `position`, by levels or by values. Throws
// std::invalid_argument if the parent has no such value, no order where one is needed, or never fulfils it.
Column::Condition resolve(const std::string& child, const When& when, const Parameter& parent, std::size_t position);

}  // namespace hpcore::space
