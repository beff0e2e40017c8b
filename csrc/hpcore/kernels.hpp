#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

// What a user writes in Python and the loops of the core call by pointer, without the GIL. Each returns `kernel_ok`;
// anything else means that the user's code raised, and its output is not to be read.
namespace hpcore {

constexpr int kernel_ok = 1;

// (mean, std, best) -> out[3] = value, d value / d mean, d value / d std.
using AcquisitionKernel = int (*)(double mean, double std, double best, double* out);

// (x, y, theta) -> out[0] = k(x, y); x and y (d,), theta (p,).
using CovarianceKernel = int (*)(const double* x, const double* y, std::size_t d, const double* theta, std::size_t p,
                                 double* out);
// The same with gradients: out[0] = k, then dk/dtheta (p,), then dk/dx (d,).
using CovarianceGradientKernel = CovarianceKernel;

// (u) -> out[0] = log prior density at a point of the cube (d,), up to a constant; -infinity is allowed.
using DensityKernel = int (*)(const double* u, std::size_t d, double* out);

// A user's kernel raised, or answered with NaN. Becomes hpcore.errors.KernelError in Python.
class KernelFailed : public std::runtime_error {
  public:
    explicit KernelFailed(const std::string& what) : std::runtime_error(what) {}
};

}  // namespace hpcore
