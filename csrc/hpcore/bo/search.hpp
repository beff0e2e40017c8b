#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/options.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::bo {

// Maximise the acquisition of a request, over n_models models of n_told rows and n_out fantasised ones, into row (d,);
// see Maximizer::maximize. A search that should fit in the request's time is the one without a deadline, to the last
// bit, and its cost is learnt; another is cut short, and `step` says so. False if no unseen, allowed row was met.
bool search(const acquisition::Maximizer& maximizer, acquisition::Acquisition& acquisition,
            const std::vector<double>& incumbents, std::size_t n_models, std::size_t n_told, std::size_t n_out,
            const acquisition::Seen& seen, const Request& request, Philox& stream, Costs& costs, double* row,
            Step& step);

}  // namespace hpcore::bo
