#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/gp/covariance.hpp"
#include "hpcore/gp/fit.hpp"

namespace hpcore::gp {

// A learnt stretching of each numeric column before the covariance sees it, by Kumaraswamy's distribution function
//     w(u) = 1 - (1 - u^a)^b,
// so that a function that changes faster near one end of a range than near the other looks even. Snoek, Swersky, Zemel
// & Adams 2014, "Input warping for Bayesian optimization of non-stationary functions". The identity without parameters.
class Warp {
  public:
    Warp() = default;
    // parameters (2 m,): log a and log b of each of the m numeric columns, in their order.
    Warp(const std::vector<ColumnType>& columns, const std::vector<double>& parameters);
    static std::size_t n_parameters(const std::vector<ColumnType>& columns);

    bool identity() const { return a_.empty(); }
    const std::vector<double>& parameters() const { return parameters_; }

    // row (d,) -> out (d,), which may be the same; categories and inactive values stay.
    void apply(Column row, MutableColumn out) const;
    // dw/du, dw/dlog a and dw/dlog b of a numeric column.
    double slope(std::size_t j, double u) const;
    void by_parameters(std::size_t j, double u, double& by_log_a, double& by_log_b) const;

  private:
    bool moves(std::size_t j) const { return a_[j] > 0.0; }
    std::vector<double> parameters_, a_, b_;  // (d,), 0 for a category
};

// A warp of the rows in `points` that raises the posterior density, log a and log b having normal priors of mean 0,
// found together with theta from a fit without one, which is improved in place. Empty if the deadline passed.
constexpr double warp_prior_std = 0.5;
std::vector<double> fit_warp(const linalg::Lapack& lapack, const Points& points, Column y, Column known_noise,
                             const FitOptions& options, std::vector<double>& theta, const Deadline& deadline = {});

}  // namespace hpcore::gp
