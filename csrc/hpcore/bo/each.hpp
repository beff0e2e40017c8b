#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/options.hpp"
#include "hpcore/view.hpp"

namespace hpcore::bo {

// Makes the k-th suggestion of a request, the earlier ones being `chosen`: a row that is not among those seen. False
// if there is none.
using SuggestOne = std::function<bool(std::size_t k, const std::vector<double>& chosen, const acquisition::Seen& seen,
                                      MutableColumn row, Step& step)>;

// Suggestions of a request one after the other, each unlike those before: `one` makes them, or chance as long as the
// request has no observation. `lowest`, unless null, becomes the lowest step that any of them took.
std::vector<double> suggest_each(const acquisition::MoveSet& moves, const SuggestOptions& options,
                                 const Request& request, const SuggestOne& one, Step* lowest);

}  // namespace hpcore::bo
