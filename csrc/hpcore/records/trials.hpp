#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "hpcore/records/failures.hpp"
#include "hpcore/view.hpp"

namespace hpcore::records {

// What was tried in one search, as every sampler reads it; row i is trial number i. A view: nothing is owned.
//
// Columns that no trial has anything in are empty (no rows).
struct Trials {
    Rows rows;                            // (n, d) canonical rows of the cube; NaN where a column is inactive
    Rows values;                          // (n, m) lower is better; NaN without a value
    std::span<const std::uint8_t> state;  // (n,) records::State
    Rows std_errors = {};                 // (n, m) of the values, in their units; NaN where not known
    Column cost = {};                     // (n,) greater than or equal to 0; NaN where not known
    Rows violations = {};                 // (n, k) how far each limit is exceeded, at most 0 keeps it; NaN: not known
    Rows gradients = {};                  // (n, d) of the first value by coordinate; NaN where not known
    std::size_t n_given = 0;              // trials whose parameters a user gave

    std::size_t n() const { return rows.n; }
    std::size_t d() const { return rows.d; }
    std::size_t m() const { return values.d; }
    std::size_t n_limits() const { return violations.d; }

    // The first `count` of them, of which a user gave `given`.
    Trials first(std::size_t count, std::size_t given) const {
        const auto cut = [count](Rows of) { return of.empty() ? of : of.part(0, count); };
        return {cut(rows),
                cut(values),
                state.first(count),
                cut(std_errors),
                cost.empty() ? cost : cost.first(count),
                cut(violations),
                cut(gradients),
                given};
    }

    // True if the trial has a value to learn from: it is complete, or pruned with an estimate.
    bool observed(std::size_t i) const {
        return state[i] == complete || (state[i] == pruned && !std::isnan(values(i, 0)));
    }
    // True if the trial has no result yet: it is running, or paused.
    bool pending(std::size_t i) const { return state[i] == running || state[i] == paused; }
    // True if the trial says nothing of its point, and counts as if it did not exist.
    bool absent(std::size_t i) const { return state[i] == withdrawn; }
    // The state as models count it: a pruned trial with an estimate is complete, a paused one is running.
    State counted(std::size_t i) const {
        return pending(i) ? running : observed(i) ? complete : static_cast<State>(state[i]);
    }
};

}  // namespace hpcore::records
