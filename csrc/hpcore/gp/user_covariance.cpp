#include "hpcore/gp/user_covariance.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace hpcore::gp {
namespace {

void check_finite(const Kernel<CovarianceKernel>& kernel, Column values, const std::string& what) {
    bool fine = true;
    for (const double v : values) fine &= std::fabs(v) <= std::numeric_limits<double>::max();
    if (fine) return;
    const bool nan = std::ranges::any_of(values, [](double v) { return std::isnan(v); });
    kernel.fail(((nan ? "answered NaN" : "answered infinity") + what).c_str());
}

}  // namespace

void UserCovariance::evaluate(Column x, Rows Y, Column theta, const Wanted& wanted) const {
    if (Y.n == 0) return;
    double *k = wanted.k.data(), *by_theta = wanted.by_theta.data, *by_x = wanted.by_x.data;
    const int flags =
        (k != nullptr ? want_value : 0) | (by_theta != nullptr ? want_by_theta : 0) | (by_x != nullptr ? want_by_x : 0);
    if (kernel_.call(x.data(), Y.data, Y.n, Y.d, theta.data(), p_, flags, k, by_theta, by_x) != kernel_ok)
        kernel_.fail("raised an error");
    if (k != nullptr) check_finite(kernel_, wanted.k, "");
    if (by_theta != nullptr) check_finite(kernel_, wanted.by_theta.flat(), " as a derivative in theta");
    if (by_x != nullptr) check_finite(kernel_, wanted.by_x.flat(), " as a derivative in x");
}

}  // namespace hpcore::gp
