#include "hpcore/acquisition/ensemble.hpp"

#include <algorithm>
#include <cmath>

#include "hpcore/acquisition/functions.hpp"

namespace hpcore::acquisition {

namespace {

constexpr std::size_t chunk = 128;  // rows scored at once: their covariances stay in the cache

}  // namespace

void Ensemble::add(const gp::Regressor& model, double best) {
    models_.push_back(&model);
    best_.push_back(best);
    predictions_.emplace_back();
    terms_.emplace_back();
}

void Ensemble::terms(std::size_t model, std::size_t m, Terms& out) const {
    const gp::Prediction& p = predictions_[model];
    out.value.resize(m);
    out.by_mean.resize(m);
    out.by_variance.resize(m);
    for (std::size_t i = 0; i < m; ++i) {
        const double std = std::sqrt(p.variance[i]);
        Value v{};
        switch (kind_) {
            case Kind::log_ei:
                v = log_expected_improvement(p.mean[i], std, best_[model]);
                break;
            case Kind::pi:
                v = log_probability_of_improvement(p.mean[i], std, best_[model]);
                break;
            case Kind::ucb:
                v = lower_confidence_bound(p.mean[i], std, kappa_);
                break;
        }
        out.value[i] = v.value;
        out.by_mean[i] = v.by_mean;
        out.by_variance[i] = v.by_std / (2.0 * std);
    }
}

void Ensemble::values(const double* rows, std::size_t m, double* out) {
    const std::size_t d = models_.front()->points().d();
    for (std::size_t from = 0; from < m; from += chunk) {
        const std::size_t count = std::min(chunk, m - from);
        for (std::size_t s = 0; s < models_.size(); ++s) {
            models_[s]->predict(rows + from * d, count, predictions_[s]);
            terms(s, count, terms_[s]);
        }
        for (std::size_t i = 0; i < count; ++i) {
            double peak = terms_[0].value[i], sum = 0.0;
            for (const Terms& t : terms_) peak = std::max(peak, t.value[i]);
            for (const Terms& t : terms_) sum += kind_ == Kind::ucb ? t.value[i] : std::exp(t.value[i] - peak);
            sum /= static_cast<double>(terms_.size());
            out[from + i] = kind_ == Kind::ucb ? sum : peak + std::log(sum);
        }
    }
}

void Ensemble::values_and_gradients(const double* rows, std::size_t m,
                                    const std::vector<const std::vector<std::size_t>*>& moving, double* out,
                                    std::vector<std::vector<double>>& gradients) {
    for (std::size_t s = 0; s < models_.size(); ++s) {
        models_[s]->predict_for_gradient(rows, m, predictions_[s]);
        terms(s, m, terms_[s]);
    }
    for (std::size_t i = 0; i < m; ++i) {
        const std::vector<std::size_t>& columns = *moving[i];
        gradients[i].assign(columns.size(), 0.0);
        part_.resize(columns.size());
        double peak = terms_[0].value[i], sum = 0.0;
        for (const Terms& t : terms_) peak = std::max(peak, t.value[i]);
        for (const Terms& t : terms_) sum += kind_ == Kind::ucb ? t.value[i] : std::exp(t.value[i] - peak);
        const double mean = sum / static_cast<double>(terms_.size());
        out[i] = kind_ == Kind::ucb ? mean : peak + std::log(mean);
        for (std::size_t s = 0; s < models_.size(); ++s) {
            const double share = kind_ == Kind::ucb ? 1.0 / static_cast<double>(terms_.size())
                                                    : std::exp(terms_[s].value[i] - peak) / sum;
            if (share == 0.0) continue;
            models_[s]->gradient(rows, i, share * terms_[s].by_mean[i], share * terms_[s].by_variance[i], columns,
                                 predictions_[s], part_.data());
            for (std::size_t t = 0; t < columns.size(); ++t) gradients[i][t] += part_[t];
        }
    }
}

}  // namespace hpcore::acquisition
