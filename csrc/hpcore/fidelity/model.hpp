#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "hpcore/fidelity/covariance.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/linalg/lapack.hpp"

namespace hpcore::fidelity {

struct Normal {
    double mean = 0.0, variance = 0.0;
};

// The posterior of configurations at fidelities, with given hyperparameters.
//
// At full fidelity the drift is nil, so that the covariance with a row depends on its configuration alone. With the
// indicator Z (n, m) of the rows' configurations and q (m,) the covariances with these, the mean is q' Z' alpha and
// the variance k - q' Z' K^-1 Z q: m^2 for a point and not n^2.
class Model {
  public:
    Model(const linalg::Lapack& lapack, std::vector<ColumnType> columns)
        : lapack_(&lapack), columns_(std::move(columns)), rows_(columns_), scales_(empty_scales(columns_)) {}

    // Condition on y, the values of the first rows. The others are jobs that run: they enter at their
    // posterior mean, which leaves all means as they are and takes the variance that their results will take.
    // Throws NotPositiveDefinite.
    void assign(const std::vector<double>& theta, Rows rows, Column y);

    std::size_t d() const { return columns_.size(); }
    const std::vector<ColumnType>& columns() const { return columns_; }
    const Rows& rows() const { return rows_; }

    // Without noise: a known configuration at a fidelity; at full fidelity; and new rows (k, d) at full fidelity.
    Normal at(std::size_t configuration, double u) const;
    Normal at_full(std::size_t configuration) const;
    void at_full(hpcore::Rows rows, std::span<Normal> out) const;

    // The same posterior at full fidelity as a process over configurations alone, without their own offsets: what
    // stands for K + noise between the m configurations is (Z' K^-1 Z)^-1. For the maximiser of an acquisition.
    gp::Regressor regressor() const;

  private:
    static Scales empty_scales(const std::vector<ColumnType>& columns);
    Normal full_from(Column q, double prior) const;

    const linalg::Lapack* lapack_;
    std::vector<ColumnType> columns_;
    Rows rows_;
    std::vector<double> theta_;
    Scales scales_;
    std::vector<double> full_, drifting_;  // between configurations (m, m), with h and e
    std::vector<double> L_, alpha_;        // factor of K (n, n), and K^-1 y
    std::vector<double> a_, G_;            // Z' alpha (m,), Z' K^-1 Z (m, m)
};

}  // namespace hpcore::fidelity
