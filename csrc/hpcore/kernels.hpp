#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>

#include "hpcore/view.hpp"

// Kernels that a user writes in Python and the loops of the core call by pointer, without the GIL. Each returns
// `kernel_ok`; anything else means that the user's code raised, and its output is not to be read.
namespace hpcore {

constexpr int kernel_ok = 1;

// (mean, std, best) -> out[3] = value, d value / d mean, d value / d std.
using AcquisitionKernel = int (*)(double mean, double std, double best, double* out);

// One row x (d,) against n rows Y (n, d), with theta (p,): as far as wanted k (n,), dk/dtheta (n, p) and dk/dx (n, d).
// Outputs that are not wanted may be null.
using CovarianceKernel = int (*)(const double* x, const double* Y, std::size_t n, std::size_t d, const double* theta,
                                 std::size_t p, int wanted, double* k, double* by_theta, double* by_x);
constexpr int want_value = 1, want_by_theta = 2, want_by_x = 4;

// (u) -> out[0] = log prior density at a point of the cube (d,), up to a constant; -infinity is allowed.
using DensityKernel = int (*)(const double* u, std::size_t d, double* out);

// A user's kernel raised, or answered with NaN. Becomes hpcore.errors.KernelError in Python.
class KernelFailed : public std::runtime_error {
  public:
    explicit KernelFailed(const std::string& what) : std::runtime_error(what) {}
};

// A kernel and what errors call it, as in "density kernel 'prior'". Its owner keeps the compiled code alive.
template <class Function>
struct Kernel {
    Function call = nullptr;
    std::string name;

    explicit operator bool() const { return call != nullptr; }
    [[noreturn]] void fail(const char* how) const { throw KernelFailed(name + " " + how); }
};

// The density at a point of the cube (d,), checked.
inline double log_density(const Kernel<DensityKernel>& kernel, Column u) {
    double out = 0.0;
    if (kernel.call(u.data(), u.size(), &out) != kernel_ok) kernel.fail("raised an error");
    if (std::isnan(out)) kernel.fail("answered NaN");
    if (out == std::numeric_limits<double>::infinity()) kernel.fail("answered infinity");
    return out;
}

}  // namespace hpcore
