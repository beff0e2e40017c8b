#include "hpcore/acquisition/functions.hpp"

#include <cmath>
#include <numbers>

#include "hpcore/normal.hpp"

namespace hpcore::acquisition {
namespace {

constexpr double log_sqrt_2pi = 0.91893853320467274178;
constexpr double inv_sqrt_2pi = 0.39894228040143267794;

// Mills' ratio Phi(-x) / phi(x) for 0 <= x <= 20, where erfc does not underflow.
double mills(double x) {
    return std::sqrt(std::numbers::pi / 2.0) * std::exp(0.5 * x * x) * std::erfc(x / std::numbers::sqrt2);
}

// 1 - x Mills(x) = 1/x^2 - 3/x^4 + 15/x^6 - ... for x >= 20 (Abramowitz & Stegun 26.2.13); the eighth term is 5e-15
// of the first there.
double one_minus_x_mills(double x) {
    const double t = 1.0 / (x * x);
    return t *
           (1.0 - t * (3.0 - t * (15.0 - t * (105.0 - t * (945.0 - t * (10395.0 - t * (135135.0 - t * 2027025.0)))))));
}

}  // namespace

LogH log_h(double z) {
    if (z > -1.0) {  // no cancellation worth speaking of
        const double cdf = normal_cdf(z), pdf = inv_sqrt_2pi * std::exp(-0.5 * z * z);
        const double h = pdf + z * cdf;
        return {std::log(h), cdf / h, pdf / h};
    }
    // h = phi(z) (1 - |z| Mills(|z|)). The bracket loses 1e-16 z^2 of its digits to cancellation, log phi is z^2 / 2:
    // below 20 the loss is 4e-14, above the series has none.
    const double x = -z;
    const double bracket = x < 20.0 ? 1.0 - x * mills(x) : one_minus_x_mills(x);
    return {-0.5 * z * z - log_sqrt_2pi + std::log(bracket), (1.0 - bracket) / (x * bracket), 1.0 / bracket};
}

Value log_expected_improvement(double mean, double std, double best) {
    const LogH h = log_h((best - mean) / std);
    return {h.value + std::log(std), -h.slope / std, h.density / std};
}

Value log_probability_of_improvement(double mean, double std, double best) {
    const double z = (best - mean) / std;
    double value = 0.0, ratio = 0.0;  // log Phi(z), phi / Phi
    if (z > -20.0) {
        const double cdf = normal_cdf(z);
        value = std::log(cdf);
        ratio = inv_sqrt_2pi * std::exp(-0.5 * z * z) / cdf;
    } else {
        const double m = (1.0 - one_minus_x_mills(-z)) / -z;
        value = -0.5 * z * z - log_sqrt_2pi + std::log(m);
        ratio = 1.0 / m;
    }
    return {value, -ratio / std, -ratio * z / std};
}

Value lower_confidence_bound(double mean, double std, double kappa) {
    return {kappa * std - mean, -1.0, kappa};
}

}  // namespace hpcore::acquisition
