#include "hpcore/gp/target_transform.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

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

// A deviation from the median -> a deviation, monotone; `best` is the lowest and negative. For a limit it is a
// deviation from the limit, and `best` minus its median size.
double bend(double x, double best, TransformKind transform) {
    switch (transform) {
        case TransformKind::standard:
            return x;
        case TransformKind::clip:
            return std::min(x, -3.0 * best);
        case TransformKind::half_log:
            return x > 0.0 ? -best * std::log1p(std::min(x / -best, huge)) : x;
        case TransformKind::log:
            // Below the best, where only values that came later are, as far as a logarithm goes.
            return -best * std::log1p(std::clamp((x - best) / (-0.1 * best), -0.99, huge));
        case TransformKind::limit:
            return std::clamp(x, 2.0 * best, -2.0 * best);
    }
    return x;
}

// The other way round, on one deviation.
double unbend(double x, double best, TransformKind transform) {
    switch (transform) {
        case TransformKind::standard:
        case TransformKind::clip:
        case TransformKind::limit:
            return x;
        case TransformKind::half_log:
            return x > 0.0 ? -best * std::expm1(x / -best) : x;
        case TransformKind::log:
            return best - 0.1 * best * std::expm1(x / -best);
    }
    return x;
}

// A deviation of more than far_below quartiles below the median, drawn in to at most ten quartiles beyond; and back.
double draw_in(double v, double quartile) {
    const double beyond = (-v - far_below * quartile) / quartile;
    return beyond > 0.0 ? -quartile * (far_below + 10.0 - 10.0 / (1.0 + 0.1 * beyond)) : v;
}
double draw_out(double v, double quartile) {
    const double drawn = -v / quartile - far_below;
    return drawn > 0.0 ? -quartile * (far_below + 10.0 * (10.0 / std::max(10.0 - drawn, 1e-12) - 1.0)) : v;
}

// The derivative of draw_in.
double slope_of_drawing_in(double v, double quartile) {
    const double beyond = (-v - far_below * quartile) / quartile;
    return beyond > 0.0 ? 1.0 / ((1.0 + 0.1 * beyond) * (1.0 + 0.1 * beyond)) : 1.0;
}

// The derivative of bend; NaN where what is bent is cut off.
double slope_of_bending(double x, double best, TransformKind transform) {
    constexpr double cut = std::numeric_limits<double>::quiet_NaN();
    switch (transform) {
        case TransformKind::standard:
            return 1.0;
        case TransformKind::clip:
            return x < -3.0 * best ? 1.0 : cut;
        case TransformKind::half_log:
            return x > 0.0 ? 1.0 / (1.0 + x / -best) : 1.0;
        case TransformKind::log:
            return 10.0 / (1.0 + std::max((x - best) / (-0.1 * best), -0.99));
        case TransformKind::limit:
            return std::fabs(x) < -2.0 * best ? 1.0 : cut;
    }
    return 1.0;
}

constexpr double greatest = std::numeric_limits<double>::max();

}  // namespace

TargetTransform standardise(Column values, TransformKind transform) {
    const std::size_t n = values.size();
    TargetTransform out;
    if (n == 0) return out;
    out.transform = transform;
    out.y.assign(values.begin(), values.end());
    out.exponent = rescale(out.y);
    if (transform == TransformKind::limit) {
        std::vector<double> sizes;
        for (const double v : out.y) sizes.push_back(std::fabs(v));
        out.best = -quantile_of(std::move(sizes), 0.5);
    } else {
        out.median = quantile_of(out.y, 0.5);
        // From here on deviations: differences of close doubles are exact, so that 1 + 1e-12 keeps its digits.
        for (double& v : out.y) v -= out.median;
        const double quartile = -quantile_of(out.y, 0.25);
        if (n >= 5 && quartile > 0.0) {
            out.quartile = quartile;
            for (double& v : out.y) {
                const double near = draw_in(v, quartile);
                if (near != v) out.affine = false;
                v = near;
            }
        }
        out.best = *std::min_element(out.y.begin(), out.y.end());
    }
    if (out.best < 0.0 && transform != TransformKind::standard) {
        for (double& v : out.y) v = bend(v, out.best, transform);
        out.affine = false;
    }
    out.again = rescale(out.y);
    double mean = 0.0, square = 0.0;
    for (const double v : out.y) mean += v;
    out.mean = mean /= static_cast<double>(n);
    for (const double v : out.y) square += (v - mean) * (v - mean);
    out.std = std::sqrt(square / static_cast<double>(n));
    if (!(out.std > 0.0)) out.std = 1.0;  // a constant objective: every y is zero
    for (double& v : out.y) v = (v - mean) / out.std;
    const int exponent = out.exponent + out.again;
    out.scale = std::min(std::ldexp(out.std, exponent), greatest);
    out.offset = std::clamp(std::ldexp(out.median, out.exponent) + std::ldexp(mean, exponent), -greatest, greatest);
    return out;
}

double apply(const TargetTransform& map, double value) {
    double v = std::ldexp(value, -map.exponent) - map.median;
    if (map.quartile > 0.0) v = draw_in(v, map.quartile);
    if (map.best < 0.0) v = bend(v, map.best, map.transform);
    return std::clamp((std::ldexp(v, -map.again) - map.mean) / map.std, -greatest, greatest);
}

double turn_derivative(const TargetTransform& map, double value, double derivative) {
    double v = std::ldexp(value, -map.exponent) - map.median, slope = 1.0 / map.std;
    if (map.quartile > 0.0) {
        slope *= slope_of_drawing_in(v, map.quartile);
        v = draw_in(v, map.quartile);
    }
    if (map.best < 0.0) slope *= slope_of_bending(v, map.best, map.transform);
    return slope * std::ldexp(derivative, -map.exponent - map.again);
}

double restore(const TargetTransform& map, double y) {
    double v = std::ldexp(map.mean + map.std * y, map.again);
    if (map.best < 0.0) v = unbend(v, map.best, map.transform);
    if (map.quartile > 0.0) v = draw_out(v, map.quartile);
    return std::clamp(std::ldexp(map.median + v, map.exponent), -greatest, greatest);
}

double log_slope(const TargetTransform& map, double y) {
    const double bent = std::ldexp(map.mean + map.std * y, map.again);
    double slope = -std::log(map.std) - map.again * std::numbers::ln2;
    if (!(map.best < 0.0)) return slope;
    switch (map.transform) {
        case TransformKind::standard:
            break;
        case TransformKind::clip:
            if (bent >= -3.0 * map.best * (1.0 - 1e-12)) slope = -std::numeric_limits<double>::infinity();
            break;
        case TransformKind::half_log:
            slope -= std::max(bent, 0.0) / -map.best;
            break;
        case TransformKind::log:
            slope += std::numbers::ln10 - bent / -map.best;
            break;
        case TransformKind::limit:
            if (std::fabs(bent) >= -2.0 * map.best * (1.0 - 1e-12)) slope = -std::numeric_limits<double>::infinity();
            break;
    }
    return slope;
}

}  // namespace hpcore::gp
