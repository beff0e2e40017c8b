#pragma once

#include <cstdint>

#include "hpcore/rng.hpp"

// The registry of random streams: every purpose for which random numbers are drawn has its value here, and nowhere
// else.
//
// A stream is keyed by (seed, trial number, purpose), see Philox. Its purpose is a value of `Purpose` in the low 32
// bits and the attempt, raised when a proposal was refused, in the high 32. Python reads the values from `_core.rng`.
// tests/core/test_streams.py keeps them apart.
namespace hpcore::streams {

enum Purpose : std::uint64_t {
    // Streams whose key is their own (below), or whose caller gives a seed of its own.
    own_key = 0,

    // Any sampler and the optimizer: 1 .. 15.
    suggest = 1,  // uniform rows: the random sampler, others in place of a refused proposal, the regret stopping rule
    fill = 2,     // rows in place of a proposal that is late or refused, and parameters left out of an enqueued trial
    unseen = 3,   // generator: the order of the points of a finite space
    allowed = 4,  // generator: walks through a rarely allowed set
    // Space.sample and a space's own checks. Its walks are a generator's seeded with (seed, 5); those that look for an
    // allowed point have the fixed seeds (0, d) and (1, d), and so the same numbers if seed is 0 or 1 and d is 5. Both
    // only walk about, so that this stays as it is.
    sample = 5,
    parzen_sample = 15,  // draws from ParzenEstimator, with the seed that they are given

    // The Gaussian process.
    // gp_weights has the value of tpe_shuffle, and "auto" runs both samplers with one seed. They do not meet: the
    // shuffle is trial 0's, and weights need a complete trial before them, so that their number is at least 1.
    gp_weights = 16,             // weights of a scalarisation of several objectives
    gp_sample = 17,              // generator: normal numbers behind draws from GaussianProcess
    gp_search = 0x6770'0001,     // candidates and moves of the acquisition's maximiser
    gp_posterior = 0x6770'0002,  // slice sampling of hyperparameters; numbered by the rows of the fit
    gp_branch = 0x6770'0004,     // uniform candidates in another branch of a conditional space

    // The tree-structured Parzen estimator: 16 .. 19, then 256 times the group, from 1, plus 16 for each group's
    // candidates (see tpe_group).
    tpe_shuffle = 16,  // cells of the Latin hypercube; number 0 only
    tpe_even = 17,     // places in these cells; gp_sample is a generator's and not Philox's
    tpe_startup = 18,  // startup points beyond the hypercube
    tpe_rest = 19,     // rows in place of candidates that all repeat known points

    // The freeze-thaw scheduler.
    fidelity_search = 0x6674'0001,  // candidates and moves of the search for a new configuration

    // CMA-ES.
    cmaes_sample = 0x636d'0001,   // normal numbers behind a sample of the distribution
    cmaes_choice = 0x636d'0002,   // uniform numbers behind its categories
    cmaes_restart = 0x636d'0003,  // where a restart begins and how large it is; numbered by its first trial
    // Annealing and evolution: the numbers behind a variation of known points.
    annealing = 0x616e'0001,
    evolution = 0x6576'0001,

    // Scrambled Sobol points; number 0 only.
    sobol_columns = 0x736f'0001,
    sobol_groups = 0x736f'0002,
};

// The purpose of an attempt at a proposal.
constexpr std::uint64_t at_attempt(std::uint64_t purpose, std::uint64_t attempt) {
    return purpose + (attempt << 32);
}

// The purpose of the candidates of group g of TPE, from 0. 16 in its low byte is no other purpose's above 256.
constexpr std::uint64_t tpe_group(std::uint64_t g) {
    return tpe_shuffle + ((g + 1) << 8);
}

// Keys of streams that are the same in every search.
constexpr Philox::Key fit_key{0x6770, 0};       // probes from which a fit of hyperparameters starts
constexpr Philox::Key noisy_ei_key{0x6770, 3};  // Sobol points behind the draws of the noisy expected improvement
constexpr Philox::Key prior_key{0, 0};          // walks and pool of a user's prior density for TPE

// Names under which Python has them.
struct Named {
    const char* name;
    Purpose purpose;
};
constexpr Named all[] = {
    {"OWN_KEY", own_key},
    {"SUGGEST", suggest},
    {"FILL", fill},
    {"UNSEEN", unseen},
    {"ALLOWED", allowed},
    {"SAMPLE", sample},
    {"PARZEN_SAMPLE", parzen_sample},
    {"GP_WEIGHTS", gp_weights},
    {"GP_SAMPLE", gp_sample},
    {"GP_SEARCH", gp_search},
    {"GP_POSTERIOR", gp_posterior},
    {"GP_BRANCH", gp_branch},
    {"TPE_SHUFFLE", tpe_shuffle},
    {"TPE_EVEN", tpe_even},
    {"TPE_STARTUP", tpe_startup},
    {"TPE_REST", tpe_rest},
    {"FIDELITY_SEARCH", fidelity_search},
    {"CMAES_SAMPLE", cmaes_sample},
    {"CMAES_CHOICE", cmaes_choice},
    {"CMAES_RESTART", cmaes_restart},
    {"ANNEALING", annealing},
    {"EVOLUTION", evolution},
    {"SOBOL_COLUMNS", sobol_columns},
    {"SOBOL_GROUPS", sobol_groups},
};

}  // namespace hpcore::streams
