#include "hpcore/fidelity/covariance.hpp"

#include <algorithm>
#include <cmath>

#include "hpcore/vectorize.hpp"

namespace hpcore::fidelity {
namespace {

HPCORE_VECTORIZE
void matern_values(std::size_t n, const double* s2, double* value) {
    for (std::size_t i = 0; i < n; ++i) {
        const double s = std::sqrt(s2[i]);
        value[i] = (1.0 + s + s2[i] * (1.0 / 3.0)) * exp_nonpositive(-s);
    }
}

HPCORE_VECTORIZE
void matern_slopes(std::size_t n, const double* s2, double* value, double* slope) {
    for (std::size_t i = 0; i < n; ++i) {
        const double s = std::sqrt(s2[i]);
        const double e = exp_nonpositive(-s);
        value[i] = (1.0 + s + s2[i] * (1.0 / 3.0)) * e;
        slope[i] = (1.0 / 6.0) * (1.0 + s) * e;
    }
}

}  // namespace

Prior Prior::standard(std::size_t d) {
    Prior p;
    p.base = gp::Prior::standard(d);
    p.drift = {-1.0, 1.0, -6.0, 4.0};
    p.stretch = {0.0, 0.7, -2.5, 2.5};
    p.common = {0.0, 1.5, -6.0, 4.0};
    p.memory = {std::log(0.5), 0.7, std::log(0.05), std::log(5.0)};
    p.offset = {-7.0, 1.5, std::log(1e-7), 0.0};
    p.own = {-40.0, 0.0, -40.0, -40.0};
    p.jump = {-40.0, 0.0, -40.0, -40.0};
    return p;
}

const LogNormal& Prior::of(const Layout& layout, std::size_t i) const {
    if (i < layout.base().size()) return base.of(layout.base(), i);
    const LogNormal* const drifts[] = {&drift, &stretch, &common, &memory, &offset, &own, &jump};
    return *drifts[i - layout.base().size()];
}

Scales::Scales(const Layout& layout, Column theta)
    : base(layout.base(), theta),
      f(base.signal),
      n(base.noise),
      g(std::exp(theta[layout.drift()])),
      rho(std::exp(theta[layout.stretch()])),
      c(std::exp(theta[layout.common()])),
      lt(std::exp(theta[layout.memory()])),
      h(std::exp(theta[layout.offset()])),
      e(std::exp(theta[layout.own()])),
      t(std::exp(theta[layout.jump()])) {}

void Rows::add(std::size_t configuration, double u) {
    const auto known = std::find(levels_.begin(), levels_.end(), u);
    level_of_.push_back(static_cast<std::size_t>(known - levels_.begin()));
    if (known == levels_.end()) levels_.push_back(u);
    of_.push_back(configuration);
}

void matern(Column s2, MutableColumn value, MutableColumn slope) {
    if (slope.empty())
        matern_values(s2.size(), s2.data(), value.data());
    else
        matern_slopes(s2.size(), s2.data(), value.data(), slope.data());
}

double drift(const Scales& scales, double u, double v, double* by_memory) {
    const double s2 = 5.0 * (u - v) * (u - v) / (scales.lt * scales.lt), size = (1.0 - u) * (1.0 - v);
    double value = 0.0, slope = 0.0;
    matern({&s2, 1}, {&value, 1}, {&slope, 1});
    if (by_memory != nullptr) *by_memory = size * 2.0 * s2 * slope;
    return size * value + (u < 1.0 && v < 1.0 ? scales.t : 0.0);
}

void factors(const gp::Points& points, const Scales& scales, Column row, MutableColumn full, MutableColumn drifting) {
    const std::size_t m = full.size();
    gp::scaled_distances(points, scales.base, row, full);
    if (!drifting.empty()) {
        const double shrink = 1.0 / (scales.rho * scales.rho);
        for (std::size_t b = 0; b < m; ++b) drifting[b] = shrink * full[b];
        matern(drifting, drifting);
        for (std::size_t b = 0; b < m; ++b) drifting[b] = scales.c + scales.g * drifting[b];
    }
    matern(full, full);
    for (std::size_t b = 0; b < m; ++b) full[b] = mean_variance + scales.f * full[b];
}

}  // namespace hpcore::fidelity
