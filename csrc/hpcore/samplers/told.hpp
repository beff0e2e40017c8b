#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/records/trials.hpp"
#include "hpcore/view.hpp"

// What trials came to as the models take it: points, values, limits, costs and failures.
namespace hpcore::samplers {

// Values of one more outcome at points where it is known: rows (n, d) and values (n,).
struct KnownAt {
    std::vector<double> rows, values;
};

struct Told {
    std::size_t n = 0;
    std::vector<std::size_t> numbers;  // (n,) of the trials with a value, ascending
    std::vector<double> rows;          // (n, d) their points
    std::vector<double> values;        // (m, n): one objective after the other
    std::vector<double> std_errors;    // (m, n) of the values, 0 where not known; empty if none is
    std::vector<KnownAt> limits;       // by how much each is exceeded; and of success, if a trial failed
    std::vector<double> violations;    // (n,) distance from keeping all limits, 0 if it does; empty without limits
    KnownAt cost;                      // logarithms of costs, where they matter
    std::vector<double> failed;        // (f, d) points that failed and have no value
    std::vector<double> gradients;     // (n, d) derivatives of the single objective, NaN where not told; empty if none
                                       // was, if they do not agree with the values, or with several objectives
};

// Reads trials. Limits count wherever their metric is known, also of failed trials. A trial that failed, as
// failures.hpp says, has no value to learn from; that it failed is learnt as one more limit.
//
// per_cost: costs matter; known_costs: further points and the logarithms of their costs. weights (m,) of a
// scalarisation of the objectives, whose standard errors are those of the first one; without them each is told.
Told told_of(const records::Trials& trials, bool per_cost, const KnownAt& known_costs, Column weights = {});

// (n,) logarithms of the costs, NaN where not known; empty if no positive cost is known. 0 counts as the smallest
// positive one.
std::vector<double> log_costs(const records::Trials& trials);

// Points and the logarithms of their costs, those known beforehand first.
KnownAt cost_of(const records::Trials& trials, const KnownAt& known);

}  // namespace hpcore::samplers
