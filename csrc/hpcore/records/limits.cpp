#include "hpcore/records/limits.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace hpcore::records {
namespace {

// Of at least one number.
double median(std::vector<double>& numbers) {
    const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
    std::nth_element(numbers.begin(), middle, numbers.end());
    if (numbers.size() % 2 == 1) return *middle;
    return (*std::max_element(numbers.begin(), middle) + *middle) / 2.0;
}

}  // namespace

double typical_size(Rows violations, std::size_t j) {
    std::vector<double> sizes;
    for (std::size_t i = 0; i < violations.n; ++i)
        if (!std::isnan(violations(i, j))) sizes.push_back(std::fabs(violations(i, j)));
    if (sizes.empty()) return 0.0;
    const double middle = median(sizes);
    if (middle <= std::numeric_limits<double>::max()) return middle;
    for (double& size : sizes) size /= 2.0;
    return 2.0 * median(sizes);
}

std::vector<double> total_violation(Rows violations) {
    constexpr double farthest = 1e100;  // in units of the median size, as sums have a use for
    std::vector<double> total(violations.n);
    for (std::size_t j = 0; j < violations.d; ++j) {
        const double typical = typical_size(violations, j), unit = typical == 0.0 ? 1.0 : typical;
        for (std::size_t i = 0; i < violations.n; ++i) {
            const double beyond = violations(i, j);
            if (std::isnan(beyond))
                total[i] += 1.0;
            else if (beyond > 0.0)
                total[i] += std::max(std::numeric_limits<double>::min(), std::min(farthest, beyond / unit));
        }
    }
    return total;
}

}  // namespace hpcore::records
