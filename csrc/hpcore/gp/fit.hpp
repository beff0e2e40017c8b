#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/deadline.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::gp {

struct FitOptions {
    Prior prior;
    int n_starts = 2;                       // L-BFGS runs: from the prior's medians, then from the best of the probes
    int n_probes = 6;                       // draws from the prior that are only evaluated
    std::size_t several_starts_until = 64;  // with more points the density has one mode that matters
    int max_iterations = 40;
};

// Hyperparameters that maximise the posterior density, in logarithms. A pure function of its arguments: the starts are
// fixed, nothing is carried over from an earlier fit, so that a search resumed from its history alone goes on alike.
// y as for LogPosterior.
// Empty if the deadline passed, which is checked before each evaluation of the density.
std::vector<double> fit_map(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise,
                            const FitOptions& options, const Deadline& deadline = {});

// Log posterior density of the objective's own values, up to what every transform of them shares: that of y, which are
// `outputs.y` at `points`, at hyperparameters theta, and the log slopes of the transform. Transforms are chosen by it.
double log_evidence(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise,
                    const Prior& prior, const std::vector<double>& theta, const TargetTransform& outputs);

// n draws of the hyperparameters from their posterior, by slice sampling one coordinate after the other from `start`.
// Neal 2003, "Slice sampling", figures 3 and 5. Empty if the deadline passed.
std::vector<std::vector<double>> sample_posterior(const linalg::Lapack& lapack, const Points& points, Column y,
                                                  Column known_noise, const Prior& prior, std::vector<double> start,
                                                  int n, Philox& stream, const Deadline& deadline = {});

}  // namespace hpcore::gp
