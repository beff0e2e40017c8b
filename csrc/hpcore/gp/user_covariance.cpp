#include "hpcore/gp/user_covariance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace hpcore::gp {
namespace {

void check_finite(const Kernel<CovarianceKernel>& kernel, const double* v, std::size_t n, const std::string& what) {
    bool fine = true;
    for (std::size_t i = 0; i < n; ++i) fine &= std::fabs(v[i]) <= std::numeric_limits<double>::max();
    if (fine) return;
    const bool nan = std::any_of(v, v + n, [](double x) { return std::isnan(x); });
    kernel.fail(((nan ? "answered NaN" : "answered infinity") + what).c_str());
}

}  // namespace

void UserCovariance::evaluate(const double* x, const double* Y, std::size_t n, std::size_t d, const double* theta,
                              double* k, double* by_theta, double* by_x) const {
    if (n == 0) return;
    const int wanted =
        (k != nullptr ? want_value : 0) | (by_theta != nullptr ? want_by_theta : 0) | (by_x != nullptr ? want_by_x : 0);
    if (kernel_.call(x, Y, n, d, theta, p_, wanted, k, by_theta, by_x) != kernel_ok) kernel_.fail("raised an error");
    if (k != nullptr) check_finite(kernel_, k, n, "");
    if (by_theta != nullptr) check_finite(kernel_, by_theta, n * p_, " as a derivative in theta");
    if (by_x != nullptr) check_finite(kernel_, by_x, n * d, " as a derivative in x");
}

}  // namespace hpcore::gp
