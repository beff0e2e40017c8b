#include "hpcore/normal.hpp"

#include <cmath>
#include <limits>
#include <numbers>

#include "hpcore/normal_terms.hpp"

namespace hpcore {

using namespace as241;

namespace {

// Horner's rule over eight coefficients, highest power last.
double polynomial(const double (&c)[8], double r) {
    double sum = c[7];
    for (int i = 6; i >= 0; --i) sum = sum * r + c[i];
    return sum;
}

}  // namespace

double normal_cdf(double x) {
    return 0.5 * std::erfc(-x / std::numbers::sqrt2);
}

double normal_quantile(double p) {
    if (!(p > 0.0 && p < 1.0)) {
        if (p == 0.0) return -std::numeric_limits<double>::infinity();
        return p == 1.0 ? std::numeric_limits<double>::infinity() : std::numeric_limits<double>::quiet_NaN();
    }
    const double q = p - 0.5;
    if (std::fabs(q) <= 0.425) {
        const double r = 0.180625 - q * q;
        return q * polynomial(central_num, r) / polynomial(central_den, r);
    }
    double r = std::sqrt(-std::log(q < 0.0 ? p : 1.0 - p));
    double x = 0.0;
    if (r <= 5.0) {
        r -= 1.6;
        x = polynomial(middle_num, r) / polynomial(middle_den, r);
    } else {
        r -= 5.0;
        x = polynomial(far_num, r) / polynomial(far_den, r);
    }
    return q < 0.0 ? -x : x;
}

}  // namespace hpcore
