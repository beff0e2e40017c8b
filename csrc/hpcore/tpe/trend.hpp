#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/tpe/axis.hpp"
#include "hpcore/tpe/mixture.hpp"
#include "hpcore/view.hpp"

namespace hpcore::tpe {

// Slope of the values, which a Parzen estimator cannot see. Ridge regression of the normal scores of the values (van
// der Waerden 1952) on a constant, each numeric column and its square, and each category:
//
//   min_b |y - F b|^2 + |b without its constant|^2,   s^2 = n |y - F b|^2 / (n - tr H)^2,
//
// s^2 by generalised cross-validation (Golub, Heath & Wahba 1979), so that a trend which explains nothing says nothing.
class Trend {
  public:
    explicit Trend(const std::vector<Axis>& axes);

    // points (n, axes) coordinates; values (n,), lower is better, +infinity for a trial that failed; the best n_good of
    // them count as good. false, and no trend, with fewer than 4 points or more than 128 coefficients.
    bool fit(Rows points, Column values, std::size_t n_good);

    // Adds to score[i] the log probability, by the trend, that candidate i turns out good; score (batch.padded()).
    void add_log_probability(const Batch& batch, MutableColumn score);

  private:
    void normal_scores(Column values);

    std::vector<Axis> axes_;
    std::vector<std::size_t> first_;      // each axis' first coefficient
    std::size_t size_ = 1, stride_ = 0;   // coefficients, and the same padded to whole packs
    double cut_ = 0.0, deviation_ = 1.0;  // normal score that a good trial stays below
    std::vector<double> features_, gram_, inverse_, coefficients_, scores_;
};

}  // namespace hpcore::tpe
