#include "hpcore/acquisition/criterion.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hpcore::acquisition {
namespace {

// A step that balances the rounding of a central difference and its curvature, on a scale of one.
constexpr double difference = 6e-6;

std::vector<double> whole(Column row) {
    std::vector<double> u(row.begin(), row.end());
    for (double& v : u)
        if (std::isnan(v)) v = 0.5;
    return u;
}

}  // namespace

Value Criterion::at(double mean, double std, double best) const {
    switch (kind) {
        case Kind::log_ei:
            return log_expected_improvement(mean, std, best);
        case Kind::pi:
            return log_probability_of_improvement(mean, std, best);
        case Kind::ucb:
            return lower_confidence_bound(mean, std, kappa);
        case Kind::draw:
            return {-mean, -1.0, 0.0};
        case Kind::user:
            break;
    }
    double out[3] = {0.0, 0.0, 0.0};
    if (user.kernel.call(mean, std, best, out) != kernel_ok) user.kernel.fail("raised an error");
    if (std::isnan(out[0])) user.kernel.fail("answered NaN");
    if (out[0] == std::numeric_limits<double>::infinity()) user.kernel.fail("answered infinity");
    // Nothing climbs from -infinity.
    if (std::isinf(out[0])) return {out[0], 0.0, 0.0};
    if (!std::isfinite(out[1]) || !std::isfinite(out[2])) user.kernel.fail("answered a derivative that is not finite");
    return {out[0], out[1], out[2]};
}

double UserPrior::at(Column row, std::size_t n) const {
    return beta_ / static_cast<double>(n) * log_density(kernel_, whole(row));
}

double UserPrior::at(Column row, std::size_t n, const std::vector<std::size_t>& columns, MutableColumn gradient) const {
    std::vector<double> u = whole(row);
    const double weight = beta_ / static_cast<double>(n);
    for (std::size_t t = 0; t < columns.size(); ++t) {
        const std::size_t j = columns[t];
        const double here = u[j];
        const double above = std::min(1.0, here + difference), below = std::max(0.0, here - difference);
        u[j] = above;
        const double high = log_density(kernel_, u);
        u[j] = below;
        const double low = log_density(kernel_, u);
        u[j] = here;
        const double slope = weight * (high - low) / (above - below);
        gradient[t] = std::isfinite(slope) ? slope : 0.0;  // at the edge of where the density is zero
    }
    return weight * log_density(kernel_, u);
}

}  // namespace hpcore::acquisition
