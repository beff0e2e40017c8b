#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/records/trials.hpp"

// Failed trials: one rule for every sampler that learns from results.
//
// A trial counts as failed if it failed, was pruned without an estimate of its value, or returned a penalty in place of
// a result, such as 1e5 for what is impossible (cliffs.hpp). The estimate of a pruned trial is a value.
//
// - The Gaussian process models success as it models limits: as one more outcome, 1 beyond its limit or 1 within. What
//   is expected of a point is multiplied by the probability that it succeeds.
// - TPE ranks trials, and a failed one is never good: it counts as +infinity, records/failures.hpp. A penalty needs no
//   rule there, since a rank does not say how bad a bad trial was. From the first failure on it also models failing as
//   one more limit, tpe/merit.hpp.
// - Random, Sobol and grid points do not depend on results.
//
// The reasons: where trials fail, others are likely to fail, so that these regions are left; but failures by chance
// among good trials must change little, and a model of success learns that there is nothing to learn from them;
// benchmarks/quality/failures.py.
namespace hpcore::samplers {

// Masks over the trials, each (n,); a trial that is still running, or was withdrawn, is in none.
struct Split {
    std::vector<bool> complete;   // trials with a result to learn from
    std::vector<bool> failed;     // trials that count as failed, those with a penalty included
    std::vector<bool> penalised;  // trials that returned a penalty
};

// With several objectives, a penalty is one in each.
Split split(const records::Trials& trials);

// True if the trial ended without a value.
bool has_failed(const records::Trials& trials, std::size_t i);

}  // namespace hpcore::samplers
