#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hpcore/rng.hpp"
#include "hpcore/tpe/axis.hpp"
#include "hpcore/view.hpp"

// A Parzen estimator: a mixture of product kernels around points of the cube, and a prior component.
//
//   p(x) = sum_k w_k prod_j K_j(x_j | point k)  +  w_0 prod_j K_j0(x_j),   weights scaled to sum to one
//
// Continuous axis: Gaussian of bandwidth h_j cut to [0, 1]. Ordered levels: the mass of the level's cell under that
// Gaussian. Categories: own level (1 + q) / (1 + C q), every other q / (1 + C q), with q given.
// The prior component: a Gaussian of mean 1/2 and deviation 1 cut to [0, 1]; for categories the cells' widths.
// Bergstra et al. 2011, "Algorithms for hyper-parameter optimization"; Watanabe 2023, "Tree-structured Parzen
// estimator: understanding its algorithm components".
namespace hpcore::tpe {

// Points to be scored, an axis after the other, padded so that whole packs may be read.
class Batch {
  public:
    // Whatever is in the room then must be set; the rest of the last pack is 0.
    void reset(std::size_t axes, std::size_t room, std::size_t unit = 32);
    double& at(std::size_t axis, std::size_t i) { return x_[axis * padded_ + i]; }
    double at(std::size_t axis, std::size_t i) const { return x_[axis * padded_ + i]; }
    Column column(std::size_t axis) const { return {x_.data() + axis * padded_, padded_}; }
    std::size_t size() const { return n_; }
    std::size_t padded() const { return padded_; }
    void resize(std::size_t n) { n_ = n; }  // at most the room

  private:
    std::size_t n_ = 0, padded_ = 0;
    std::vector<double> x_;
};

class Mixture {
  public:
    explicit Mixture(std::vector<Axis> axes);

    // points (n, axes) coordinates; weights (n,) positive; h (axes,) read for all axes but categories. Memory is kept
    // from one call to the next.
    void fit(Rows points, Column weights, double prior_weight, Column h, double q);

    // log p of each point of the batch, into out (batch.padded()).
    void log_density(const Batch& batch, MutableColumn out);
    // The log density of the prior component alone, which depends on the axes only.
    void log_prior(const Batch& batch, MutableColumn out) const;
    // What log p is at least, with the same log_prior: close to it, but for levels that are much wider than h, and
    // several times sooner.
    void log_bound(const Batch& batch, Column log_prior, MutableColumn out);
    // The same with another log density in the prior component's place: log_prior (batch.padded()).
    void log_density(const Batch& batch, Column log_prior, MutableColumn out);

    // Draws from the mixture, into slots [first, first + n) of the batch. `even` shares the components out by their
    // weights with one random offset, component after component, in place of independent draws.
    void draw(Philox& random, Batch& batch, std::size_t first, std::size_t n, bool even);
    // True if draw i of the last call came from the prior component.
    bool from_prior(std::size_t i) const { return origin_[i] == n_; }

    const std::vector<Axis>& axes() const { return axes_; }

  private:
    void fill_table(std::size_t t, const std::vector<bool>& wanted);
    std::size_t category_at(double u, std::size_t t, std::size_t centre) const;
    void kernel_sums(const Batch& batch, MutableColumn out);
    void finish(double log_scale, Column log_prior, MutableColumn out);

    std::vector<Axis> axes_;
    std::vector<std::size_t> smooth_, stepped_;  // axes without and with levels
    std::size_t n_ = 0, max_levels_ = 0;         // max_levels_: of an ordered axis
    double q_ = 0.0, prior_weight_ = 0.0, total_ = 1.0, log_scale_ = 0.0;
    std::vector<double> h_, inverse_;      // bandwidths; 1 / (h sqrt 2) per smooth axis
    std::vector<double> points_;           // (n, axes) as given
    std::vector<double> centres_;          // (n, smooth) times inverse_
    std::vector<double> low_, mass_;       // (smooth, n + 1 padded) Phi at 0, and mass in [0, 1]; prior last
    std::vector<double> weight_, scaled_;  // w_k, and w_k over the product of the masses
    std::vector<double> running_;          // cumulative weights, the prior last
    std::vector<std::size_t> table_at_;    // where each stepped axis' table begins
    std::vector<double> tables_;           // K_j(level | centre level), (centre level, level), of ordered levels
    std::vector<double> own_, other_;      // the two values of K_j per stepped axis of categories
    std::vector<double> prior_tables_;     // log K_j0(level), one stepped axis after the other
    std::vector<double> prior_shares_;     // their exponentials
    std::vector<std::size_t> prior_at_;
    std::vector<std::uint32_t> level_;                                                           // (n, stepped)
    std::vector<double> x_scaled_, erfs_, uniform_, mean_, prior_, product_, nearest_, around_;  // scratch
    std::vector<double> whole_;  // per stepped axis and level: erf over all cells
    std::vector<std::int32_t> x_level_;
    std::vector<float> rough_x_, rough_offset_, rough_centres_, rough_bias_, rough_weight_;
    std::vector<float> rough_category_, rough_level_, rough_gain_;
    std::vector<std::size_t> origin_;
};

}  // namespace hpcore::tpe
