#pragma once

#include <cstddef>
#include <vector>

namespace hpcore::gp {

enum class OutputTransform {
    standard,  // zero mean, unit variance
    clip,      // bad values cut at median + 3 (median - best) first, so that failures do not rule the fit
    half_log,  // as they are below the median, in logarithms of (median - best) above it
    log,       // log(y - best + (median - best) / 10): resolution where the best are
};

// What the Gaussian process sees instead of the objective's own values; recomputed from the whole history. Any finite
// doubles are fine: constant, 1e-12 apart or 1e308; every answer is finite.
struct Outputs {
    std::vector<double> y;  // standardised, lower is better
    double scale = 1.0;     // one standard deviation in the objective's units (0 if it cannot be represented)
    double offset = 0.0;    // the objective's value at y = 0
};

Outputs standardise(const double* values, std::size_t n, OutputTransform transform);

}  // namespace hpcore::gp
