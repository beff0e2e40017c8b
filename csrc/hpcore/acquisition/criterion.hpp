#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/functions.hpp"
#include "hpcore/kernels.hpp"
#include "hpcore/view.hpp"

namespace hpcore::acquisition {

enum class Kind { log_ei, pi, ucb, user, draw };  // draw: minus the mean, which a Path has made a draw

// A user's acquisition function. `logarithmic` is true if its value is a logarithm.
struct UserAcquisition {
    Kernel<AcquisitionKernel> kernel;
    bool logarithmic = false;
};

// Acquisition function, of one model's posterior at a point.
struct Criterion {
    Kind kind = Kind::log_ei;
    double kappa = 2.0;
    UserAcquisition user;

    Value at(double mean, double std, double best) const;
    // True if values are logarithms of what is averaged over models and multiplied by a prior density.
    bool logarithmic() const {
        return kind == Kind::user ? user.logarithmic : kind == Kind::log_ei || kind == Kind::pi;
    }
};

// A user's prior density of where good points are, weighed against n observations: its power beta / n. Hvarfner et al.
// 2022, "piBO: augmenting acquisition functions with user beliefs for Bayesian optimization". The kernel sees a point
// of the whole cube, 1/2 where a column is inactive.
class UserPrior {
  public:
    UserPrior() = default;
    UserPrior(Kernel<DensityKernel> kernel, double beta) : kernel_(std::move(kernel)), beta_(beta) {}

    explicit operator bool() const { return static_cast<bool>(kernel_); }
    // beta / n log density at a canonical row (d,).
    double at(Column row, std::size_t n) const;
    // The same, and its derivatives in some active columns, by differences within the cube.
    double at(Column row, std::size_t n, const std::vector<std::size_t>& columns, MutableColumn gradient) const;

  private:
    Kernel<DensityKernel> kernel_;
    double beta_ = 0.0;
};

}  // namespace hpcore::acquisition
