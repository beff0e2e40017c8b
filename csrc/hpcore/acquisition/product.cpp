#include "hpcore/acquisition/product.hpp"

#include <algorithm>
#include <cmath>

namespace hpcore::acquisition {

Ensemble& Product::add_probability() {
    return factors_.emplace_back(Factor{Ensemble({Kind::pi, 0.0, {}}), 1.0}).logarithm;
}

Ensemble& Product::add_inverse(double power) {
    return factors_.emplace_back(Factor{Ensemble({Kind::ucb, 0.0, {}}), power}).logarithm;
}

void Product::values(Rows rows, MutableColumn out) {
    const std::size_t m = rows.n;
    logs_.assign(m, 0.0);
    part_.resize(m);
    for (Factor& factor : factors_) {
        factor.logarithm.values(rows, part_);
        for (std::size_t i = 0; i < m; ++i) logs_[i] += factor.power * part_[i];
    }
    if (prior_ != nullptr)
        for (std::size_t i = 0; i < m; ++i) logs_[i] += prior_->at(rows[i], n_);
    if (!weighs_) {
        std::ranges::copy(logs_, out.begin());
        return;
    }
    base_.values(rows, out);
    // Values without a unit are no logarithms; one below 0, by rounding in a far tail, counts as 0.
    for (std::size_t i = 0; i < m; ++i)
        out[i] = base_.has_unit() ? out[i] + logs_[i] : std::max(out[i], 0.0) * std::exp(logs_[i]);
}

void Product::values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving,
                                   MutableColumn out, std::vector<std::vector<double>>& gradients) {
    const std::size_t m = rows.n;
    std::vector<double> logs(m, 0.0);
    std::vector<std::vector<double>> log_gradients(m);
    for (std::size_t i = 0; i < m; ++i) log_gradients[i].assign(moving[i]->size(), 0.0);
    part_.resize(m);
    part_gradients_.resize(m);
    for (Factor& factor : factors_) {
        factor.logarithm.values_and_gradients(rows, moving, part_, part_gradients_);
        for (std::size_t i = 0; i < m; ++i) {
            logs[i] += factor.power * part_[i];
            for (std::size_t t = 0; t < log_gradients[i].size(); ++t)
                log_gradients[i][t] += factor.power * part_gradients_[i][t];
        }
    }
    for (std::size_t i = 0; prior_ != nullptr && i < m; ++i) {
        part_.resize(moving[i]->size());
        logs[i] += prior_->at(rows[i], n_, *moving[i], part_);
        for (std::size_t t = 0; t < part_.size(); ++t) log_gradients[i][t] += part_[t];
    }
    if (!weighs_) {
        std::ranges::copy(logs, out.begin());
        for (std::size_t i = 0; i < m; ++i) gradients[i] = log_gradients[i];
        return;
    }
    base_.values_and_gradients(rows, moving, out, gradients);
    for (std::size_t i = 0; i < m; ++i) {
        const double value = base_.has_unit() ? 1.0 : std::max(out[i], 0.0);
        const double factor = base_.has_unit() ? 1.0 : std::exp(logs[i]);
        const double slope = !base_.has_unit() && out[i] < 0.0 ? 0.0 : factor;
        out[i] = base_.has_unit() ? out[i] + logs[i] : value * factor;
        for (std::size_t t = 0; t < gradients[i].size(); ++t)
            gradients[i][t] = slope * gradients[i][t] + value * factor * log_gradients[i][t];
    }
}

}  // namespace hpcore::acquisition
