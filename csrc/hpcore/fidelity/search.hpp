#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/fidelity/model.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::fidelity {

// Sizes of the search for a new configuration: random rows, perturbations of the known configurations of lowest
// posterior mean, then rounds of perturbations of the best rows so far.
struct SearchOptions {
    std::size_t n_random = 300;
    std::size_t n_incumbents = 4, n_near = 40;
    std::size_t n_rounds = 2, n_best = 4, n_round = 25;
};

struct Proposal {
    std::vector<double> row;  // canonical; empty if no row was new and allowed
    Normal at_full;
};

// The row with the largest expected improvement at full fidelity over the lowest posterior mean of a known
// configuration. `extra` (n_extra, d) are further candidates without NaN. `feasible` may be empty.
Proposal propose(const Model& model, const acquisition::MoveSet& moves, const SearchOptions& options,
                 const acquisition::Seen& seen, const acquisition::Feasible& feasible, const double* extra,
                 std::size_t n_extra, Philox& stream);

}  // namespace hpcore::fidelity
