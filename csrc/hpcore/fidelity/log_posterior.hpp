#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/fidelity/covariance.hpp"
#include "hpcore/linalg/lapack.hpp"

namespace hpcore::fidelity {

// log p(y | rows, theta) + log p(theta) and its gradient in one pass; see gp/marginal_likelihood.hpp. Covariances and
// their derivatives are computed between configurations and between fidelities, which are far fewer than pairs of rows.
// Keeps its matrices between calls. Not for several threads at once.
class LogPosterior {
  public:
    // y (rows.size(),) standardised. All are read by every call.
    LogPosterior(const linalg::Lapack& lapack, const Rows& rows, Column y, const Prior& prior);

    // The value at theta; -infinity where the covariance has no Cholesky factor. gradient may be empty.
    double operator()(Column theta, MutableColumn gradient = {});

    const Layout& layout() const { return layout_; }

  private:
    double likelihood(Column theta, MutableColumn gradient);
    void fill(const Scales& scales, bool with_slopes);
    void add_gradient(const Scales& scales, MutableColumn gradient);

    const linalg::Lapack& lapack_;
    const Rows& rows_;
    Column y_;
    Prior prior_;
    Layout layout_;
    std::size_t n_, m_, levels_;
    std::vector<double> k_, alpha_, row_;
    // Between configurations (m, m): s^2, M and its slope for both length scales, and the covariance's two factors.
    std::vector<double> s2_, s2_drift_, M_, M_drift_, slope_, slope_drift_, full_, drifting_;
    std::vector<double> T_, by_memory_;  // between fidelities
    // The weights of dK, summed over the rows of a pair of configurations, or of fidelities.
    std::vector<double> on_full_, on_drift_, on_T_, folded_;
};

}  // namespace hpcore::fidelity
