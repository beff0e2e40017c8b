#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/bo/schedule.hpp"
#include "hpcore/bo/trust_region.hpp"
#include "hpcore/deadline.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/view.hpp"

namespace hpcore::bo {

// View of the history: the targets of the model, and the acquisition that is then maximised.
struct View {
    // Transforms of the objective's values; the one under which they are likeliest is taken, the first if equal.
    std::vector<gp::TransformKind> transforms{gp::TransformKind::clip};
    bool warp = false;                 // warp numeric columns as is likeliest: gp/warp.hpp
    double length_scale_factor = 1.0;  // on the fitted ones; below 1 the model generalises less
    acquisition::Kind kind = acquisition::Kind::log_ei;
    bool thompson = false;
    bool noisy = false;  // improve on what the incumbents may be worth, averaged over that
    double kappa = 2.0;
    double xi = 0.0;              // improvement asked for, in standard deviations of the outputs
    bool posterior_best = false;  // improve on the best fitted mean rather than on the best value
};

struct SuggestOptions {
    std::vector<View> views{View{}};           // taken in turn, by trial number
    int n_draws = 0;                           // 0: maximum a posteriori; else draws of the hyperparameters
    acquisition::UserAcquisition acquisition;  // for the views whose kind is `user`
    acquisition::UserPrior prior;
    std::shared_ptr<const gp::UserCovariance> covariance;  // replaces the built-in one for numeric columns
    gp::FitOptions fit;
    acquisition::SearchOptions search;
    Schedule schedule;
    TrustRegion trust_region;
    std::size_t smooth_levels = 21;
    std::size_t n_incumbents = 5;
    std::size_t n_noisy_draws = 32;  // draws of the incumbents' values in a noisy view
    std::size_t fit_rows = 250;      // hyperparameters are fitted on at most this many rows
    std::size_t model_rows = 1000;   // the model holds at most about this many rows
    // Derivatives are taken into account while there are at most this many rows and derivatives in all, in a fit and in
    // the model; but always those of two trials.
    std::size_t fit_observations = 200, model_observations = 600;
};

// Values of one more outcome of trials, where it is known.
struct Outcome {
    Rows rows;      // (n, d) canonical rows
    Column values;  // (n,)

    std::size_t n() const { return rows.n; }
};

// One call of a suggester: columns of the trials that have a value, and what is known of the others. Views.
struct Request {
    Rows rows;          // (n, d) canonical rows with a value
    Column values;      // (n,) lower is better; of several objectives (m n,), one after the other
    Column std_errors;  // as the values and in their units, or empty
    Rows gradients;  // (n, d) derivatives of the values by coordinate, NaN where not known, or empty. Not used with a
                     // warp or a user's covariance.
    Rows pending;    // (p, d) rows asked for and not told yet
    Rows failed;     // (f, d) rows that ended without a value
    Rows extra;      // (e, d) further candidates without NaN, where random rows are hardly allowed
    std::vector<Outcome> limits;  // of each limit, by how much it is exceeded: at most 0 keeps it
    Column violations;            // (n,) how far each row is from keeping all limits, 0 if it does; or empty
    Outcome cost;                 // logarithms of costs; empty if they do not matter

    Philox::Key key;
    std::uint64_t number = 0;   // trial number of the first suggestion
    std::uint64_t attempt = 0;  // raised when an earlier answer was refused
    std::size_t count = 1;      // suggestions wanted
    std::size_t repeats = 1;    // how often a row may be suggested in all; more than once where all columns are gridded
    acquisition::Feasible feasible;
    Deadline deadline;

    std::size_t n() const { return rows.n; }
    bool has_factors() const { return !limits.empty() || cost.n() > 0; }
    // True if the i-th row keeps all limits.
    bool keeps_limits(std::size_t i) const { return violations.empty() || violations[i] == 0.0; }
};

}  // namespace hpcore::bo
