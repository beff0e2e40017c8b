#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/kernels.hpp"

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

    // x (d,) against rows Y (n, d), into k (n,); by_theta (n, p) and by_x (n, d) may be null. Throws KernelFailed
    // unless every number is finite.
    void evaluate(const double* x, const double* Y, std::size_t n, std::size_t d, const double* theta, double* k,
                  double* by_theta, double* by_x) const;

  private:
    Kernel<CovarianceKernel> kernel_;
    std::size_t p_;
    bool logarithmic_;
};

}  // namespace hpcore::gp
