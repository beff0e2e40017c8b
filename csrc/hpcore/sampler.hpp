#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/deadline.hpp"
#include "hpcore/records/trials.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/view.hpp"

// Threads. One rule for the whole core: const calls may run at the same time, everything else of an object is for one
// thread at a time, and its owner sees to that. Where a comment says that calls from several threads wait for each
// other, the object locks itself, and nobody locks it besides: samplers, whose calls must be one step to the eye, and
// the Gaussian process's suggesters in bo/, which know what they can do while they wait. Objects that Python owns take
// turns by bindings/turns.hpp. Scratch is passed, or belongs to the object: nothing is kept by thread.
namespace hpcore {

// Level of the deadline ladder that a proposal came from, best first over all samplers; hpcore/samplers/ladder.py has
// the same names.
enum class Level { full, reuse, search, draft, earlier_ranking, tpe, sobol, random };

// What is asked of a sampler. Random numbers are a function of key, number and attempt.
struct Ask {
    Philox::Key key;
    std::uint64_t number = 0;   // of the first trial asked for
    std::uint64_t attempt = 0;  // proposals for this trial that were refused before
    std::size_t count = 1;      // trials asked for
    Deadline deadline;
    acquisition::Feasible feasible;  // which rows the user's constraints allow; empty: all
    // Allowed rows without NaN near some good ones, where random rows are hardly ever allowed; empty elsewhere.
    std::function<std::vector<double>(Rows near, std::uint64_t number, std::uint64_t attempt)> around;
    bool per_cost = false;  // results are weighed by what they cost
};

// Rows (k, d) of the cube for trials number .. number + k - 1, where 1 <= k <= count; entries of inactive columns are
// not read. The rest of the trials is reached by another level, and is asked for again.
struct Proposal {
    std::vector<double> rows;
    Level level = Level::full;
};

// A way to search one space. State between calls is a cache: made anew, it proposes the same from the trials alone.
// Calls from several threads wait for each other.
class Sampler {
  public:
    Sampler() = default;
    Sampler(const Sampler&) = delete;
    Sampler& operator=(const Sampler&) = delete;
    virtual ~Sampler() = default;

    // pending (p, d): canonical rows that are being evaluated.
    virtual Proposal suggest(const records::Trials& trials, Rows pending, const Ask& ask) = 0;

    // Rows in well under a millisecond, whatever the deadline: another thread may be in any call of this sampler
    // meanwhile, which is not waited for. None if the sampler cannot do this.
    virtual std::optional<Proposal> at_once(const records::Trials&, Rows, const Ask&) { return std::nullopt; }

    // False if proposals do not depend on what is pending, which may then be left out.
    virtual bool uses_pending() const { return true; }
    // Propose a point up to n times, where all columns are gridded.
    virtual void allow_repeats(std::size_t) {}
    // Costs (q,) > 0 of points (q, d) that are known in advance.
    virtual void know_costs(Rows, Column) {}
};

}  // namespace hpcore
