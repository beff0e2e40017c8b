#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "hpcore/gp/regressor.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::acquisition {

// One draw of the objective from a model's posterior, as a function that can be climbed: a draw of the prior, made of
// random Fourier features, moved by the exact update. Wilson et al. 2020, "Efficiently sampling functions from Gaussian
// process posteriors"; Rahimi & Recht 2007.
//
// The covariance of covariance.hpp is a Matern-5/2 of Euclidean distances, once a category is a corner of a simplex and
// inactive a place off the active ones; its spectrum is a multivariate t distribution of 5 degrees of freedom. Averaged
// over the features the draw has the posterior's own mean and covariance. Not for a model with a user's covariance,
// whose spectrum is not known. One a thread.
class Path {
  public:
    // Conditions the model on new targets, so that its mean is from now on the update of this draw. The model
    // must outlive the path, and its targets must not be set again.
    Path(gp::Regressor& model, const std::vector<double>& targets, Philox& stream, std::size_t n_features = 512);

    // The draw of the prior at a row (d,), and its derivatives in active numeric columns. The path is this plus the
    // model's mean.
    double prior(Column row);
    double prior(Column row, const std::vector<std::size_t>& columns, MutableColumn gradient);

  private:
    const std::vector<double>& of_level(std::size_t j, double coordinate);
    void phases(Column warped);
    double value_at(Column warped);

    const gp::Regressor& model_;
    const std::vector<gp::ColumnType>& columns_;
    Philox::Key key_;
    double constant_;
    std::vector<double> spread_, weight_, shift_;      // (n_features,)
    std::vector<std::vector<double>> turns_, absent_;  // (d, n_features): turns a unit of each column, and of inactive
    std::vector<double> scale_;                        // (d,) 1 / (2 pi ell)
    std::vector<std::unordered_map<std::uint64_t, std::vector<double>>> levels_;  // turns of categories that were met
    std::vector<double> phase_, wave_, warped_;
};

}  // namespace hpcore::acquisition
