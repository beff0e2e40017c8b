#include "hpcore/gp/outputs.hpp"

#include <algorithm>
#include <cmath>

namespace hpcore::gp {
namespace {

double quantile_of(std::vector<double> v, double q) {  // of at least one value, by linear interpolation
    const double position = q * static_cast<double>(v.size() - 1);
    const auto k = static_cast<std::size_t>(position);
    const auto at = v.begin() + static_cast<std::ptrdiff_t>(k);
    std::nth_element(v.begin(), at, v.end());
    const double low = *at;
    if (k + 1 >= v.size()) return low;
    const double high = *std::min_element(at + 1, v.end());
    return low + (position - static_cast<double>(k)) * (high - low);
}

// A best value this many times further below the median than the lower quartile is a glitch or a different regime;
// it keeps its rank, but not a distance at which everything else would look constant.
constexpr double far_below = 100.0;

}  // namespace

Outputs standardise(const double* values, std::size_t n, OutputTransform transform) {
    Outputs out;
    if (n == 0) return out;
    double largest = 0.0;
    for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(values[i]));
    // Sums and differences of 1e308 overflow, squares of 1e-200 vanish: work in units of a power of two near the
    // largest value, where neither happens and no bit is lost.
    int exponent = 0;
    if (largest > 0.0) std::frexp(largest, &exponent);
    out.y.resize(n);
    for (std::size_t i = 0; i < n; ++i) out.y[i] = std::ldexp(values[i], -exponent);

    const double median = quantile_of(out.y, 0.5);
    const double quartile = quantile_of(out.y, 0.25);
    if (n >= 5 && median > quartile) {
        const double floor = median - far_below * (median - quartile);
        for (double& v : out.y)
            if (v < floor) v = floor - (median - quartile) * std::log1p((floor - v) / (median - quartile));
    }
    if (transform == OutputTransform::clip) {
        const double best = *std::min_element(out.y.begin(), out.y.end());
        if (median > best) {
            const double ceiling = median + 3.0 * (median - best);
            for (double& v : out.y) v = std::min(v, ceiling);
        }
    }
    double mean = 0.0;
    for (const double v : out.y) mean += (v - median);
    mean = median + mean / static_cast<double>(n);
    double square = 0.0;
    for (const double v : out.y) square += (v - mean) * (v - mean);
    double std = std::sqrt(square / static_cast<double>(n));
    if (!(std > 0.0)) std = 1.0;  // a constant objective: every y is zero
    for (double& v : out.y) v = (v - mean) / std;
    out.scale = std::ldexp(std, exponent);
    out.offset = std::ldexp(mean, exponent);
    return out;
}

}  // namespace hpcore::gp
