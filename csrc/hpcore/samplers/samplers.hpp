#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/user_covariance.hpp"
#include "hpcore/kernels.hpp"
#include "hpcore/linalg/lapack.hpp"
#include "hpcore/sampler.hpp"
#include "hpcore/samplers/auto_rule.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/tpe/suggester.hpp"

// The samplers of the core, by their options. Each serves one search of one space: what it keeps between calls follows
// from the trials, which only grow, and of which none changes once it has ended.
//
// categorical (d,): columns whose levels have no order; std::invalid_argument for another length.
namespace hpcore::samplers {

// Independent uniform rows of d columns.
std::unique_ptr<Sampler> make_random(std::size_t d);

// Points of a scrambled Sobol sequence, sobol.hpp: trial k gets point k; a random row where that was refused.
std::unique_ptr<Sampler> make_sobol(std::size_t d);

// Options of the tree-structured Parzen estimator; hpcore/samplers/tpe.py explains them.
struct TpeOptions {
    tpe::Options engine;
    Kernel<DensityKernel> prior;  // log density of good points; only where all columns are active together

    // Set the number of candidates, at least 8: four in seven are draws, one is uniform, two are variations.
    void set_candidates(std::size_t n);
};

// Throws std::invalid_argument for a prior where there are several groups of columns, KernelFailed if it fails.
std::unique_ptr<Sampler> make_tpe(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
                                  const TpeOptions& options = {});

// Options of the Gaussian process; hpcore/samplers/gp.py explains them.
struct GpOptions {
    enum class Acquisition { log_ei, noisy_log_ei, ucb, pi, thompson };
    enum class Transform { turns, likeliest, standard, half_log, log, clip };  // likeliest: "auto" in Python

    Acquisition acquisition = Acquisition::log_ei;
    acquisition::UserAcquisition user_acquisition;  // in place of the above
    int n_draws = 0;                                // of the hyperparameters' posterior; 0: the best set alone
    std::optional<std::size_t> n_startup;           // trials with a value before the model takes over
    double kappa = 2.0;
    std::shared_ptr<const gp::UserCovariance> covariance;
    std::vector<gp::LogNormal> covariance_prior;  // of each of its hyperparameters
    acquisition::UserPrior prior;                 // with its weight beta
    Transform transform = Transform::turns;
    bool warp = false;
    std::optional<bool> trust_region;  // by default with more than 20 columns
    bool explore = true;
    bool gradients = true;
};

// `lapack` outlives the sampler.
std::unique_ptr<Sampler> make_gp(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
                                 const GpOptions& options, const linalg::Lapack& lapack);

// A sampler that says whose proposals it makes.
class AutoSampler : public Sampler {
  public:
    // Whose proposal it was, for one of the latest trials that it was asked for; none for another.
    virtual std::optional<AutoRule::Choice> proposed_by(std::uint64_t number) const = 0;
};

// The sampler that chooses among others by AutoRule. cmaes and gradient are samplers of another make; without them
// (null) the turns of the first are TPE's, and there are none for the second.
std::unique_ptr<AutoSampler> make_auto(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
                                       const AutoOptions& options, const linalg::Lapack& lapack,
                                       std::unique_ptr<Sampler> cmaes = nullptr,
                                       std::unique_ptr<Sampler> gradient = nullptr);

}  // namespace hpcore::samplers
