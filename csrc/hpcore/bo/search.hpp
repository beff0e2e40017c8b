#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/options.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::bo {

// Maximise the acquisition of a request, over n_models models that hold these rows, into row (d,); see
// Maximizer::maximize. A search that should fit in the request's time is the one without a deadline, to the last bit,
// and its cost is learnt; another is cut short, and `step` says so. False if no unseen, allowed row was met.
bool search(const acquisition::Maximizer& maximizer, acquisition::Acquisition& acquisition, Rows incumbents,
            std::size_t n_models, acquisition::ModelRows held, const acquisition::Seen& seen, const Request& request,
            Philox& stream, Costs& costs, MutableColumn row, Step& step);

}  // namespace hpcore::bo
