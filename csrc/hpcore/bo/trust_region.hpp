#pragma once

#include <cstddef>

#include "hpcore/view.hpp"

namespace hpcore::bo {

// A region round the best point that the search keeps to in spaces where a model of the whole is beyond its reach:
// the rules of TuRBO (Eriksson, Pearce, Gardner, Turner & Poloczek 2019, "Scalable global optimization via local
// Bayesian optimization") with one region and the side as a share of the cube's.
struct TrustRegion {
    bool on = false;
    std::size_t after = 10;  // observations of the start, which are no successes or failures

    // The side, from 0.8: doubled after 3 successes in a row, halved after max(4, d / 4), at most 10, failures, and
    // from 0.8 again once it is below 1/64. At least 1 means everywhere. A function of the history alone, in the order
    // told. A success is a gain of a thousandth of what had been gained over the start's median.
    double side(Column values, std::size_t d) const;
};

}  // namespace hpcore::bo
