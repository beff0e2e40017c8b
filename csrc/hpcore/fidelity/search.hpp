#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/fidelity/model.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::fidelity {

struct Proposal {
    std::vector<double> row;  // canonical; empty if no row was new and allowed
    Normal at_full;
};

// A new configuration: the maximiser of an acquisition function at full fidelity, improvements being over the lowest
// posterior mean of a known configuration. `extra` (e, d) are further candidates without NaN. `feasible` may be
// empty.
Proposal propose(const Model& model, const acquisition::MoveSet& moves, const acquisition::SearchOptions& options,
                 const acquisition::Criterion& criterion, const acquisition::Seen& seen,
                 const acquisition::Feasible& feasible, hpcore::Rows extra, Philox& stream);

}  // namespace hpcore::fidelity
