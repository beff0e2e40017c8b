#pragma once

#include <cmath>
#include <cstdint>
#include <limits>

// States of trials, as hpcore/records/history.py numbers them, and how a trial without a result ranks. The rule as a
// whole, with the Gaussian process's half of it and the reasons, is in samplers/failures.hpp.
namespace hpcore::records {

// Stored in databases: these numbers must not change.
// A withdrawn trial says nothing of its point: to samplers it does not exist, and its row may hold NaN alone.
enum State : std::uint8_t { running, complete, pruned, failed, paused, withdrawn };

// The value of a trial that has ended; NaN if it has none to learn from: it failed, was pruned, or is not finite.
inline double result_of(std::uint8_t state, double value) {
    return state == complete && std::isfinite(value) ? value : std::numeric_limits<double>::quiet_NaN();
}

// Value by which a result is ranked, lower is better. A trial without one (NaN) comes after all others and is never
// good.
inline double rank_of(double result) {
    return std::isnan(result) ? std::numeric_limits<double>::infinity() : result;
}

}  // namespace hpcore::records
