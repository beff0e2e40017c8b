#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/gp/regressor.hpp"

namespace hpcore::acquisition {

enum class Kind { log_ei, pi, ucb };

// An acquisition function over one model, or averaged over several draws of its hyperparameters: the logarithm of the
// mean improvement (or probability), the mean bound. One a thread.
class Ensemble {
  public:
    Ensemble(Kind kind, double kappa) : kind_(kind), kappa_(kappa) {}

    // `best` is the value to improve on, in the model's units. The model must outlive the ensemble.
    void add(const gp::Regressor& model, double best);
    std::size_t size() const { return models_.size(); }
    const gp::Regressor& model(std::size_t i) const { return *models_[i]; }

    // Values at rows (m, d), into (m,).
    void values(const double* rows, std::size_t m, double* out);
    // The same with gradients: for row i in the columns moving[i], gradients[i] is resized to fit.
    void values_and_gradients(const double* rows, std::size_t m,
                              const std::vector<const std::vector<std::size_t>*>& moving, double* out,
                              std::vector<std::vector<double>>& gradients);

  private:
    struct Terms {
        std::vector<double> value, by_mean, by_variance;  // (m,)
    };
    void terms(std::size_t model, std::size_t m, Terms& out) const;

    Kind kind_;
    double kappa_;
    std::vector<const gp::Regressor*> models_;
    std::vector<double> best_;
    std::vector<gp::Prediction> predictions_;
    std::vector<Terms> terms_;
    std::vector<double> part_;
};

}  // namespace hpcore::acquisition
