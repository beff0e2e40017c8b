#include "hpcore/gp/outputs.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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

// A best value this many times further below the median than the lower quartile is a glitch or a different regime; it
// keeps its rank, but not a distance at which everything else would look constant.
constexpr double far_below = 100.0;

// Into units of a power of two near the largest value, where sums and squares neither overflow nor vanish. Its
// exponent.
int rescale(std::vector<double>& v) {
    double largest = 0.0;
    for (const double x : v) largest = std::max(largest, std::fabs(x));
    int exponent = 0;
    if (largest > 0.0) std::frexp(largest, &exponent);
    for (double& x : v) x = std::ldexp(x, -exponent);
    return exponent;
}

constexpr double huge = 1e300;

// Deviations from the median -> deviations, monotone; `best` is the lowest and negative.
void bend(std::vector<double>& v, double best, OutputTransform transform) {
    switch (transform) {
        case OutputTransform::standard:
            break;
        case OutputTransform::clip:
            for (double& x : v) x = std::min(x, -3.0 * best);
            break;
        case OutputTransform::half_log:
            for (double& x : v)
                if (x > 0.0) x = -best * std::log1p(std::min(x / -best, huge));
            break;
        case OutputTransform::log:
            for (double& x : v) x = -best * std::log1p(std::min((x - best) / (-0.1 * best), huge));
            break;
    }
}

}  // namespace

Outputs standardise(const double* values, std::size_t n, OutputTransform transform) {
    Outputs out;
    if (n == 0) return out;
    out.y.assign(values, values + n);
    int exponent = rescale(out.y);
    const double median = quantile_of(out.y, 0.5);
    // From here on deviations: differences of close doubles are exact, so that 1 + 1e-12 keeps its digits.
    for (double& v : out.y) v -= median;
    const double quartile = -quantile_of(out.y, 0.25);
    if (n >= 5 && quartile > 0.0) {
        for (double& v : out.y) {
            const double beyond = (-v - far_below * quartile) / quartile;
            if (beyond > 0.0) v = -quartile * (far_below + 10.0 - 10.0 / (1.0 + 0.1 * beyond));
        }
    }
    const double best = *std::min_element(out.y.begin(), out.y.end());
    if (best < 0.0) bend(out.y, best, transform);
    const double centre = std::ldexp(median, exponent);
    exponent += rescale(out.y);
    double mean = 0.0, square = 0.0;
    for (const double v : out.y) mean += v;
    mean /= static_cast<double>(n);
    for (const double v : out.y) square += (v - mean) * (v - mean);
    double std = std::sqrt(square / static_cast<double>(n));
    if (!(std > 0.0)) std = 1.0;  // a constant objective: every y is zero
    for (double& v : out.y) v = (v - mean) / std;
    constexpr double greatest = std::numeric_limits<double>::max();
    out.scale = std::min(std::ldexp(std, exponent), greatest);
    out.offset = std::clamp(centre + std::ldexp(mean, exponent), -greatest, greatest);
    return out;
}

}  // namespace hpcore::gp
