#pragma once

namespace hpcore {

// Standard normal distribution function, to full relative precision in the lower tail.
double normal_cdf(double x);

// Its inverse for p in (0, 1); -inf at 0, +inf at 1, NaN elsewhere.
// Wichura 1988, algorithm AS 241 (PPND16), relative error about 1e-16.
double normal_quantile(double p);

}  // namespace hpcore
