#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/view.hpp"

namespace hpcore::bo {

// Sizes of the history at which hyperparameters are fitted. They depend on the number of observations alone, so that a
// search resumed from its history fits where the uninterrupted one did.
struct Schedule {
    std::size_t every_until = 40;  // fitted at each of the first observations ...
    double growth = 0.05;          // ... then whenever there are this many more of them, in proportion
    std::size_t longest = 100;     // ... and at least this often

    // The last scheduled size that is at most n.
    std::size_t at(std::size_t n) const;
};

// At most `most` of rows (n, d) with values y (n,) for a model whose cost must stay bounded: the best, those nearest to
// the best few, and an even spread over the rest, in their own order.
std::vector<std::size_t> representative(const acquisition::MoveSet& moves, Rows rows, Column y, std::size_t most);

}  // namespace hpcore::bo
