#pragma once

#include <vector>

#include "hpcore/view.hpp"

namespace hpcore::gp {

enum class TransformKind {
    standard,  // zero mean, unit variance
    clip,      // bad values cut at median + 3 (median - best) first, so that failures do not rule the fit
    half_log,  // as they are below the median, in logarithms of (median - best) above it
    log,       // log(y - best + (median - best) / 10): resolution where the best are
    limit,     // excess over a limit: in units of its median size, cut at twice that on both sides; 0 stays the limit
};

// Map from the objective's values to the targets of the Gaussian process; recomputed from the whole history. Any finite
// doubles are fine: constant, 1e-12 apart or 1e308; every answer is finite.
struct TargetTransform {
    std::vector<double> y;  // standardised, lower is better
    double scale = 1.0;     // one standard deviation in the objective's units (0 if it cannot be represented)
    double offset = 0.0;    // the objective's value at y = 0

    // Steps of the map y(value): units of 2^exponent; deviations from the median; far outliers drawn in; the
    // transform; units of 2^again; zero mean and unit variance.
    TransformKind transform = TransformKind::standard;
    int exponent = 0, again = 0;
    double median = 0.0, quartile = 0.0, best = 0.0, mean = 0.0, std = 1.0;
    bool affine = true;  // offset + scale y gives the value back
};

TargetTransform standardise(Column values, TransformKind transform);

// The map at a value, also one that it was not made from; finite for finite values.
double apply(const TargetTransform& map, double value);

// A derivative of the objective, at a point of this value, as one of y; NaN where clip cuts.
double turn_derivative(const TargetTransform& map, double value, double derivative);

// The value that the map takes to y, also beyond the values it was made from; finite. What clip has cut off is not
// there to be restored.
double restore(const TargetTransform& map, double y);

// log dy/dvalue at the value that the map takes to y, up to a constant that all transforms of the same values share;
// -infinity where clip cuts. Summed over the observations it makes the likelihoods of two transforms comparable.
double log_slope(const TargetTransform& map, double y);

}  // namespace hpcore::gp
