#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "hpcore/acquisition/acquisition.hpp"
#include "hpcore/acquisition/ensemble.hpp"

namespace hpcore::acquisition {

// An acquisition times a user's prior and powers of factors that are given by their logarithms: probabilities that
// limits are kept, Gardner et al. 2014, "Bayesian optimization with inequality constraints"; a predicted cost to the
// power -1, Snoek, Larochelle & Adams 2012, "Practical Bayesian optimization of machine learning algorithms". One a
// thread.
class Product final : public Acquisition {
  public:
    // The base must outlive the product. Without `weighs` it has no part in the values, and only lends its model: the
    // search is for what the factors say.
    Product(Acquisition& base, bool weighs) : base_(base), weighs_(weighs) {}

    // The logarithm of the probability that a model's value is at most `bound`, as mean over models added in turn.
    Ensemble& add_probability();
    // Minus `power` times the mean of a model, whose values are logarithms in units of the power.
    Ensemble& add_inverse(double power);
    // A user's prior, weighed against n observations; it must outlive the product.
    void weigh(const UserPrior& prior, std::size_t n) {
        prior_ = &prior;
        n_ = n;
    }
    bool empty() const { return factors_.empty() && prior_ == nullptr; }
    // The product, or the base if there is nothing to multiply it by.
    Acquisition& whole() { return empty() ? base_ : *this; }

    void values(Rows rows, MutableColumn out) override;
    void values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving, MutableColumn out,
                              std::vector<std::vector<double>>& gradients) override;
    bool has_unit() const override { return !weighs_ || base_.has_unit(); }
    void check_sign() const override {
        if (weighs_) base_.check_sign();
    }
    const gp::Regressor& model() const override { return base_.model(); }

  private:
    struct Factor {
        Ensemble logarithm;
        double power;
    };
    Acquisition& base_;
    bool weighs_;
    std::deque<Factor> factors_;  // a deque, because callers hold references
    const UserPrior* prior_ = nullptr;
    std::size_t n_ = 1;
    std::vector<double> logs_, part_;
    std::vector<std::vector<double>> part_gradients_;
};

}  // namespace hpcore::acquisition
