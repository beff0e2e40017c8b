#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/kernels.hpp"
#include "hpcore/view.hpp"

namespace hpcore::gp {

// A user's covariance over the numeric columns of a row, in their order; an inactive one is at 1/2. It takes the place
// of their distances in the covariance of covariance.hpp. Its hyperparameters are fitted as they are, or as logarithms.
class UserCovariance {
  public:
    UserCovariance(Kernel<CovarianceKernel> kernel, std::size_t n_hyperparameters, bool logarithmic)
        : kernel_(std::move(kernel)), p_(n_hyperparameters), logarithmic_(logarithmic) {}

    std::size_t n_hyperparameters() const { return p_; }
    bool logarithmic() const { return logarithmic_; }
    const Kernel<CovarianceKernel>& kernel() const { return kernel_; }

    // What is wanted of an evaluation: values (n,), derivatives (n, p) and (n, d). Those without data are not.
    struct Wanted {
        MutableColumn k = {};
        MutableRows by_theta = {}, by_x = {};
    };
    // x (d,) against rows Y (n, d). Throws KernelFailed unless every number is finite.
    void evaluate(Column x, Rows Y, Column theta, const Wanted& wanted) const;

  private:
    Kernel<CovarianceKernel> kernel_;
    std::size_t p_;
    bool logarithmic_;
};

}  // namespace hpcore::gp
