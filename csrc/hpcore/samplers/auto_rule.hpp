#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "hpcore/records/trials.hpp"

namespace hpcore::samplers {

struct AutoOptions {
    std::optional<std::size_t> n_gp_trials;  // trials before others take over from the first, in place of the rule's
    double trial_seconds = std::numeric_limits<double>::infinity();  // of an evaluation, approximately
};

// The rule by which one sampler is chosen for each trial: a function of its number, of options and of what kinds of
// results there are, never of a clock. hpcore/samplers/auto.py says it in words, benchmarks/auto/rule.md why it is so.
class AutoRule {
  public:
    enum class Choice { gp, tpe, cmaes, gradient };

    // has_cmaes, has_gradient: whether there are such samplers to choose, in searches with one objective.
    AutoRule(const AutoOptions& options, bool has_cmaes, bool has_gradient);

    Choice choose(std::uint64_t number, const records::Trials& trials, bool per_cost) const;

  private:
    std::optional<std::size_t> n_gp_;
    double seconds_, late_seconds_;  // that a proposal may take; that one of a round may take on average
    bool has_cmaes_, has_gradient_;
};

}  // namespace hpcore::samplers
