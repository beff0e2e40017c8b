#include "hpcore/bo/trust_region.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace hpcore::bo {

double TrustRegion::side(Column values, std::size_t d) const {
    const std::size_t n = values.size();
    constexpr double first = 0.8, least = 1.0 / 64.0, widest = 1.6;
    if (!on) return 1.0;
    if (after == 0 || n <= after) return first;
    const std::size_t patience = std::clamp<std::size_t>(d / 4, 4, 10);
    std::vector<double> start(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(after));
    const auto middle = start.begin() + static_cast<std::ptrdiff_t>(after / 2);
    std::nth_element(start.begin(), middle, start.end());
    const double median = *middle;
    double best = *std::min_element(start.begin(), start.end()), length = first;
    std::size_t successes = 0, failures = 0;
    for (std::size_t i = after; i < n; ++i) {
        const double gained = 2e-3 * (0.5 * median - 0.5 * best);  // halves: the difference of two doubles may be none
        if (values[i] < best - gained) {
            failures = 0;
            ++successes;
        } else {
            successes = 0;
            ++failures;
        }
        best = std::min(best, values[i]);
        if (successes == 3) {
            length = std::min(widest, 2.0 * length);
            successes = 0;
        } else if (failures == patience) {
            length *= 0.5;
            failures = 0;
        }
        if (length < least) length = first;
    }
    return length;
}

}  // namespace hpcore::bo
