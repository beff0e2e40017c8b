#include "hpcore/samplers/auto_rule.hpp"

#include <algorithm>
#include <cmath>

namespace hpcore::samplers {
namespace {

// The rule's numbers: benchmarks/auto/rule.md.
constexpr std::size_t gp_trials = 200;                // of the search's own, before others take turns
constexpr std::uint64_t mixed_from = 100, turns = 4;  // from which on every fourth trial is TPE's
constexpr std::uint64_t round = 64, n_late_gp = 8;    // trials of a round after them, and those that are gp's again
constexpr double late_seconds = 0.01;                 // that proposals of a round may take on average
constexpr double share = 0.1;                         // a proposal may take this share of a trial's time
// Seconds of a proposal of the Gaussian process with a hundred trials, and the power by which they grow with the
// trials.
constexpr double gp_seconds = 1e-3, gp_power = 1.6;

}  // namespace

AutoRule::AutoRule(const AutoOptions& options, bool has_cmaes, bool has_gradient)
    : n_gp_(options.n_gp_trials),
      seconds_(share * options.trial_seconds),
      late_seconds_(std::min(seconds_, late_seconds)),
      has_cmaes_(has_cmaes),
      has_gradient_(has_gradient) {}

AutoRule::Choice AutoRule::choose(std::uint64_t number, const records::Trials& trials, bool per_cost) const {
    const bool alone = trials.m() == 1;
    if (has_gradient_ && alone && !trials.gradients.empty()) return Choice::gradient;
    const double price = gp_seconds * std::pow(static_cast<double>(number) / 100, gp_power);
    // Trials whose parameters a user gave do not count.
    const bool first = number < trials.n_given + n_gp_.value_or(gp_trials);
    if (first && price <= seconds_) {
        const bool mixed = !n_gp_ && number >= mixed_from && number % turns == turns - 1;
        return mixed ? Choice::tpe : Choice::gp;
    }
    const std::uint64_t place = number % round;
    if (place < n_late_gp && price * static_cast<double>(n_late_gp) <= static_cast<double>(round) * late_seconds_)
        return Choice::gp;
    const bool by_value_alone = has_cmaes_ && alone && trials.std_errors.empty() && !per_cost;
    return by_value_alone && place >= round / 2 ? Choice::cmaes : Choice::tpe;
}

}  // namespace hpcore::samplers
