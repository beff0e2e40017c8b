#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/kernels.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/tpe/axis.hpp"
#include "hpcore/tpe/mixture.hpp"

namespace hpcore::tpe {

// A user's log density, known up to a constant, made into one that can be mixed with others: its mass over the cube is
// estimated by importance sampling, and the weighted sample is kept to draw from.
//
// The proposal is a Parzen estimator around the states of Metropolis walks, with its wide prior component as a defence
// (Hesterberg 1995, "Weighted average importance sampling and defensive mixture distributions"). Fixed random numbers:
// the same kernel always comes to the same.
class NormalisedPrior {
  public:
    // columns[a] is the position of axis a in the kernel's argument. Throws KernelFailed.
    NormalisedPrior(Kernel<DensityKernel> kernel, const std::vector<Axis>& axes, std::vector<std::size_t> columns);

    // Log density over the cube of each point of the batch, into out (batch.padded()).
    void log_density(const Batch& batch, std::vector<double>& out) const;

    // A draw, into slot i of the batch.
    void draw(Philox& random, Batch& batch, std::size_t i) const;

  private:
    // u (columns,) is room for the kernel's argument.
    double raw(const Batch& batch, std::size_t i, std::vector<double>& u) const;

    Kernel<DensityKernel> kernel_;
    std::vector<Axis> axes_;
    std::vector<std::size_t> columns_;
    double log_mass_ = 0.0;
    Batch pool_;
    std::vector<double> running_;  // cumulative weights of the pool
};

}  // namespace hpcore::tpe
