#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/gp/covariance.hpp"
#include "hpcore/linalg/lapack.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/view.hpp"

namespace hpcore::gp {

// A normal density on one logarithm, and its bounds.
struct LogNormal {
    double mean = 0.0;  // of the logarithm
    double std = 1.0;
    double low = -10.0, high = 10.0;
};

// Prior::shared of a search: a common part of sd 0.8 and one of each column of sd 0.6, together 1. Measured in
// benchmarks/quality/gp_ablation.md.
constexpr double shared_scale = 0.64;

// Priors as densities in log space (no Jacobian), so that a mode is a median. Medians of length scales grow with
// sqrt(d) (Hvarfner, Hellsten & Nardi 2024), narrower here than there: measured, see benchmarks/quality.
struct Prior {
    LogNormal length_scale;  // for d columns, see standard()
    // Correlation of the logarithms of the length scales of numbers, 0 <= shared < 1: the share of their variance that
    // is common to all, so that what is learnt of one says something of the others. Overlaps are another measure.
    double shared = 0.0;
    LogNormal signal;
    LogNormal noise;
    LogNormal inactive;
    LogNormal slope_noise;        // of observed derivatives, see Layout
    std::vector<LogNormal> user;  // one a hyperparameter of the user's covariance, which need not be a logarithm

    static Prior standard(std::size_t d);
    const LogNormal& of(const Layout& layout, std::size_t i) const;
    void bounds(const Layout& layout, std::vector<double>& low, std::vector<double>& high) const;
    // Log density at theta, up to a constant; its gradient is added to `gradient` unless that is empty.
    double log_density(const Layout& layout, Column theta, MutableColumn gradient = {}) const;
    // A draw, cut at the bounds.
    std::vector<double> draw(const Layout& layout, Philox& stream) const;
};

// log p(y | X, theta) + log p(theta) and its gradient in one pass. Rasmussen & Williams 2006, eqs. 5.8 and 5.9.
// Keeps its matrices between calls. Not for several threads at once.
class LogPosterior {
  public:
    // y (n,) standardised, followed by the derivatives that the points observe; known_noise (n,) variances to add to
    // the diagonal, or empty. All are read by every call.
    LogPosterior(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise, const Prior& prior);

    // The value at theta; -infinity where the covariance has no Cholesky factor. gradient may be empty.
    double operator()(Column theta, MutableColumn gradient = {});
    // Without the prior.
    double likelihood(Column theta, MutableColumn gradient);

    // d/du of the likelihood at every numeric, active coordinate of the points, (n, d), 0 elsewhere. At the theta of
    // the last call, which must have asked for a gradient.
    void input_gradient(Column theta, MutableRows out);

    const Layout& layout() const { return layout_; }

  private:
    double likelihood_with_slopes(Column theta, MutableColumn gradient);

    const linalg::Lapack& lapack_;
    const Points& points_;
    Column y_, known_noise_;
    Prior prior_;
    Layout layout_;
    std::vector<double> k_, slope_, correlation_, alpha_, row_, weights_;
    Scratch scratch_;
};

}  // namespace hpcore::gp
