#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "hpcore/gp/covariance.hpp"
#include "hpcore/gp/warp.hpp"
#include "hpcore/linalg/lapack.hpp"
#include "hpcore/view.hpp"

namespace hpcore::gp {

// Results of a prediction that its gradient needs, and room that is used again. One a thread.
struct Prediction {
    std::vector<double> mean, variance;  // (m,), of the latent function, not of a noisy observation
    std::vector<double> k, slope, curve, v, w, c, warped;
    std::vector<double> by_x, own_by_x;  // with a user's covariance: see user_by_x
    Scratch scratch;
};

// A Gaussian process with fixed hyperparameters, conditioned on rows that can be appended and taken back, and on
// derivatives at the rows that it began with.
//   L (n, ld) row-major lower factor of K + noise;  alpha = K^-1 y. n counts observations: see Points.
class Regressor {
  public:
    Regressor(const linalg::Lapack& lapack, std::vector<ColumnType> columns, std::vector<double> theta,
              std::shared_ptr<const UserCovariance> user = nullptr);

    // Sets the warp that all rows go through before the covariance sees them; call it before there are rows.
    void set_warp(Warp warp) { warp_ = std::move(warp); }
    const Warp& warp() const { return warp_; }

    // Replace all rows, known_noise (n,) being added to the noise of each, unless it is empty. O(n^3). Throws
    // NotPositiveDefinite, and is then empty. With derivatives, for which theta must
    // have a noise, set_slope_targets() must come before set_targets(), and there must be no warp.
    void assign(Rows rows, Column known_noise = {}, const std::vector<Slope>& slopes = {});
    // Replace all rows, the factor L (n, n) of K + noise and alpha (n,) being known already.
    void assign(const gp::Points& points, std::vector<double> L, std::vector<double> alpha);
    // One more row, in O(n^2). Throws NotPositiveDefinite and is then unchanged. alpha must be set again.
    void append(Column row, double known_noise);
    // Forget all rows but the first n.
    void truncate(std::size_t n);
    // Condition on y (n,), and on the derivatives that were set. O(n^2).
    void set_targets(Column y);
    void set_slope_targets(std::vector<double> derivatives) { slope_targets_ = std::move(derivatives); }
    const std::vector<double>& slope_targets() const { return slope_targets_; }

    std::size_t size() const { return points_.size(); }
    const Points& points() const { return points_; }  // warped
    const std::vector<double>& theta() const { return theta_; }
    const Scales& scales() const { return scales_; }
    const std::vector<double>& alpha() const { return alpha_; }
    const std::vector<double>& noise() const { return noise_; }  // variance at each row

    // Mean and variance at rows (m, d). Needs targets for every row of the model.
    void predict(Rows rows, Prediction& out) const;
    // The same means, and what the first observations alone leave of the variances: no less, and found at the cost of
    // the means.
    void predict_bound(Rows rows, Prediction& out) const;
    // The same as predict(), and ready for gradient().
    void predict_for_gradient(Rows rows, Prediction& out) const;
    // Without the variances, and the solve that they cost; by_variance must then be 0 in gradient().
    void predict_mean(Rows rows, bool for_gradient, Prediction& out) const;
    // d/du_j of (by_mean * mean + by_variance * variance) at row i of the last predict_for_gradient. `alpha` (n,),
    // unless empty, takes the place of the model's own: the mean under other targets.
    void gradient(Rows rows, std::size_t i, double by_mean, double by_variance, const std::vector<std::size_t>& columns,
                  Prediction& out, MutableColumn into, Column alpha = {}) const;
    // Joint covariance of rows (m, d), into (m, m), both triangles.
    void covariance(Rows rows, MutableRows out) const;
    // The means at the model's own rows: y - noise alpha. (n,)
    void fitted(Column y, MutableColumn out) const;

  private:
    void predict(Rows rows, bool with_slopes, Prediction& out) const;
    void variances_of_solved(Rows rows, const double* v, std::size_t n_solved, double more, Prediction& out) const;
    void observation_covariances_of(Column row, std::size_t i, Prediction& out) const;
    void make_room(std::size_t n);
    // rows (m, d) warped, in `room` unless the warp is the identity.
    Rows warped(Rows rows, std::vector<double>& room) const;

    const linalg::Lapack* lapack_;
    Points points_;
    Warp warp_;
    std::vector<double> theta_;
    Scales scales_;
    std::vector<double> L_, alpha_, noise_, row_, slope_targets_;
    std::size_t ld_ = 0;
};

}  // namespace hpcore::gp
