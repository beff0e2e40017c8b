#pragma once

// Acquisition functions for minimisation, as functions of the posterior mean and standard deviation: the larger the
// better. Each with its derivatives.
namespace hpcore::acquisition {

struct Value {
    double value;
    double by_mean;
    double by_std;
};

struct LogH {
    double value;
    double slope;    // Phi / h = d log h / dz
    double density;  // phi / h = 1 - z slope, without the cancellation
};

// log h(z), h(z) = phi(z) + z Phi(z). Ament et al. 2023, "Unexpected improvements to
// expected improvement", eq. 9; accurate to 1e-10 for any z, where h itself underflows at -38.
LogH log_h(double z);

// log E[max(best - f, 0)]
Value log_expected_improvement(double mean, double std, double best);
// log P(f < best)
Value log_probability_of_improvement(double mean, double std, double best);
// -(mean - kappa std): the lower confidence bound, turned round
Value lower_confidence_bound(double mean, double std, double kappa);

}  // namespace hpcore::acquisition
