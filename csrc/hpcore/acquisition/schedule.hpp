#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"

namespace hpcore::acquisition {

// When hyperparameters are fitted, as a function of the number of observations alone: a search resumed from its
// history fits where the uninterrupted one did.
struct Schedule {
    std::size_t every_until = 40;  // fitted at each of the first observations ...
    double growth = 0.05;          // ... then whenever there are this many more of them, in proportion
    std::size_t longest = 100;     // ... and at least this often

    // The last scheduled size that is at most n.
    std::size_t at(std::size_t n) const;
};

// At most `most` of the first n rows (n, d) for a model whose cost must stay bounded: the best, those nearest to the
// best few, and an even spread over the rest, in their own order.
std::vector<std::size_t> representative(const MoveSet& moves, const double* rows, const double* y, std::size_t n,
                                        std::size_t most);

// A region round the best point that the search keeps to in spaces where a model of the whole is beyond its reach:
// the rules of TuRBO (Eriksson, Pearce, Gardner, Turner & Poloczek 2019, "Scalable global optimization via local
// Bayesian optimization") with one region and the side as a share of the cube's.
struct TrustRegion {
    bool on = false;
    std::size_t after = 10;  // observations of the start, which are no successes or failures

    // The side, from 0.8: doubled after 3 successes in a row, halved after max(4, d / 4), at most 10, failures, and
    // from 0.8 again once it is below 1/64. At least 1 means everywhere. A function of the history alone, in the order
    // told. A success is a gain of a thousandth of what had been gained over the start's median.
    double side(const double* values, std::size_t n, std::size_t d) const;
};

}  // namespace hpcore::acquisition
