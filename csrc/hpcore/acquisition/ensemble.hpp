#pragma once

#include <cstddef>
#include <limits>
#include <utility>
#include <vector>

#include "hpcore/acquisition/acquisition.hpp"
#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/acquisition/path.hpp"
#include "hpcore/gp/regressor.hpp"

namespace hpcore::acquisition {

// Noise variance of fantasised values: next to none, yet enough for a Cholesky factor.
constexpr double fantasy_noise = 1e-6;

// An acquisition function over one model, or averaged over several draws of its hyperparameters: the logarithm of the
// mean improvement (or probability), the mean bound. One a thread.
class Ensemble final : public Acquisition {
  public:
    explicit Ensemble(Criterion criterion) : criterion_(std::move(criterion)) {}

    // Multiply by a user's prior, weighed against n observations. Logarithms, and bounds, which have no sign of their
    // own, get its logarithm added. The prior must outlive the ensemble.
    void weigh(const UserPrior& prior, std::size_t n) {
        prior_ = &prior;
        n_ = n;
    }

    // With Kind::draw: add the path's prior draw, whose update is the one model's mean. It must outlive the ensemble.
    void follow(Path& path) { path_ = &path; }

    // `best` is the value to improve on, in the model's units. The model must outlive the ensemble. With `alpha` (n,)
    // the model is meant under the targets that led to it: one model may be added many times in a row with different
    // ones.
    void add(const gp::Regressor& model, double best, std::vector<double> alpha = {});
    const gp::Regressor& model() const override { return *models_.front(); }
    // False for a user's values, which may all be tiny.
    bool has_unit() const override { return criterion_.kind != Kind::user || criterion_.logarithmic(); }

    // Throws KernelFailed if no value so far was one that a prior can multiply: all were below 0.
    void check_sign() const override;

    void values(Rows rows, MutableColumn out) override;
    // For improvements and bounds under many observations, which grow with the variance.
    bool has_bounds() const override;
    void upper_bounds(Rows rows, MutableColumn out) override;
    void values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving, MutableColumn out,
                              std::vector<std::vector<double>>& gradients) override;

  private:
    // One term of the average: a model, under its own targets or others.
    struct Member {
        std::size_t model;
        double best;
        std::vector<double> alpha;                        // empty: the model's own
        std::vector<double> value, by_mean, by_variance;  // (m,) at the rows being scored
    };
    void look(std::size_t m, Member& member) const;
    double mean_of(std::size_t i, double& peak, double& sum) const;
    double weighed(double value, double log_prior);

    Criterion criterion_;
    Path* path_ = nullptr;
    const UserPrior* prior_ = nullptr;
    std::size_t n_ = 1;
    double highest_ = -std::numeric_limits<double>::infinity();  // greatest value that the prior multiplied
    std::vector<const gp::Regressor*> models_;
    std::vector<gp::Prediction> predictions_;
    std::vector<Member> members_;
    std::vector<double> part_;
};

}  // namespace hpcore::acquisition
