#include "hpcore/acquisition/ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace hpcore::acquisition {

void Ensemble::add(const gp::Regressor& model, double best, std::vector<double> alpha) {
    if (models_.empty() || models_.back() != &model) {
        models_.push_back(&model);
        predictions_.emplace_back();
    }
    members_.push_back({models_.size() - 1, best, std::move(alpha), {}, {}, {}});
}

void Ensemble::look(std::size_t m, Member& member) const {
    const gp::Prediction& p = predictions_[member.model];
    const std::size_t n = member.alpha.size();
    member.value.resize(m);
    member.by_mean.resize(m);
    member.by_variance.resize(m);
    for (std::size_t i = 0; i < m; ++i) {
        const double std = criterion_.kind == Kind::draw ? 1.0 : std::sqrt(p.variance[i]);
        const double mean = n == 0 ? p.mean[i] : gp::dot({p.k.data() + i * n, n}, member.alpha);
        const Value v = criterion_.at(mean, std, member.best);
        member.value[i] = v.value;
        member.by_mean[i] = v.by_mean;
        member.by_variance[i] = v.by_std / (2.0 * std);
    }
}

// Mean of the members' values at row i. For logarithms, `sum` is the sum of exp(value - peak).
double Ensemble::mean_of(std::size_t i, double& peak, double& sum) const {
    const bool logarithmic = criterion_.logarithmic();
    peak = members_[0].value[i];
    sum = 0.0;
    for (const Member& w : members_) peak = std::max(peak, w.value[i]);
    if (logarithmic && peak == -std::numeric_limits<double>::infinity()) return peak;
    for (const Member& w : members_) sum += logarithmic ? std::exp(w.value[i] - peak) : w.value[i];
    const double mean = sum / static_cast<double>(members_.size());
    return logarithmic ? peak + std::log(mean) : mean;
}

// An improvement in the far tail may be rounded to below 0, and counts as 0 then.
double Ensemble::weighed(double value, double log_prior) {
    if (has_unit()) return value + log_prior;
    highest_ = std::max(highest_, value);
    return std::max(value, 0.0) * std::exp(log_prior);
}

void Ensemble::check_sign() const {
    if (prior_ != nullptr && !has_unit() && highest_ < 0.0)
        criterion_.user.kernel.fail(
            "answered negative values only, which a prior cannot multiply; say log=True if they are logarithms");
}

void Ensemble::values(Rows rows, MutableColumn out) {
    const std::size_t m = rows.n;
    for (std::size_t from = 0; from < m; from += scored_at_once) {
        const std::size_t count = std::min(scored_at_once, m - from);
        for (std::size_t s = 0; s < models_.size(); ++s) {
            if (criterion_.kind == Kind::draw)
                models_[s]->predict_mean(rows.part(from, count), false, predictions_[s]);
            else
                models_[s]->predict(rows.part(from, count), predictions_[s]);
        }
        for (Member& member : members_) look(count, member);
        for (std::size_t i = 0; i < count; ++i) {
            double peak = 0.0, sum = 0.0;
            double value = mean_of(i, peak, sum);
            if (path_ != nullptr) value -= path_->prior(rows[from + i]);
            out[from + i] = prior_ == nullptr ? value : weighed(value, prior_->at(rows[from + i], n_));
        }
    }
}

bool Ensemble::has_bounds() const {
    constexpr std::size_t many = 150;  // fewer take no longer than what is done for the bounds
    const bool monotone = criterion_.kind == Kind::log_ei || (criterion_.kind == Kind::ucb && criterion_.kappa >= 0.0);
    const bool own = std::all_of(members_.begin(), members_.end(), [](const Member& m) { return m.alpha.empty(); });
    return monotone && own && path_ == nullptr && prior_ == nullptr && model().points().n_observations() >= many;
}

void Ensemble::upper_bounds(Rows rows, MutableColumn out) {
    constexpr std::size_t at_once = 32;  // rows whose covariances stay in the cache
    for (std::size_t from = 0; from < rows.n; from += at_once) {
        const std::size_t count = std::min(at_once, rows.n - from);
        for (std::size_t s = 0; s < models_.size(); ++s)
            models_[s]->predict_bound(rows.part(from, count), predictions_[s]);
        for (Member& member : members_) look(count, member);
        for (std::size_t i = 0; i < count; ++i) {
            double peak = 0.0, sum = 0.0;
            const double value = mean_of(i, peak, sum);
            // It grows with the variance in exact arithmetic; it is computed to more digits than these.
            out[from + i] = value + 1e-9 * (1.0 + std::fabs(value));
        }
    }
}

void Ensemble::values_and_gradients(Rows rows, const std::vector<const std::vector<std::size_t>*>& moving,
                                    MutableColumn out, std::vector<std::vector<double>>& gradients) {
    const std::size_t m = rows.n;
    for (std::size_t s = 0; s < models_.size(); ++s) {
        if (criterion_.kind == Kind::draw)
            models_[s]->predict_mean(rows, true, predictions_[s]);
        else
            models_[s]->predict_for_gradient(rows, predictions_[s]);
    }
    for (Member& member : members_) look(m, member);
    for (std::size_t i = 0; i < m; ++i) {
        const std::vector<std::size_t>& columns = *moving[i];
        gradients[i].assign(columns.size(), 0.0);
        part_.resize(columns.size());
        double peak = 0.0, sum = 0.0;
        out[i] = mean_of(i, peak, sum);
        if (out[i] == -std::numeric_limits<double>::infinity()) continue;
        for (const Member& member : members_) {
            const double share = criterion_.logarithmic() ? std::exp(member.value[i] - peak) / sum
                                                          : 1.0 / static_cast<double>(members_.size());
            if (share == 0.0) continue;
            models_[member.model]->gradient(rows, i, share * member.by_mean[i], share * member.by_variance[i], columns,
                                            predictions_[member.model], part_, member.alpha);
            for (std::size_t t = 0; t < columns.size(); ++t) gradients[i][t] += part_[t];
        }
        if (path_ != nullptr) {
            out[i] -= path_->prior(rows[i], columns, part_);
            for (std::size_t t = 0; t < columns.size(); ++t) gradients[i][t] -= part_[t];
        }
        if (prior_ == nullptr) continue;
        const double log_prior = prior_->at(rows[i], n_, columns, part_);
        const double value = out[i], factor = has_unit() ? 1.0 : std::exp(log_prior);
        out[i] = weighed(value, log_prior);
        if (!has_unit() && value < 0.0) {
            std::fill(gradients[i].begin(), gradients[i].end(), 0.0);
            continue;
        }
        for (std::size_t t = 0; t < columns.size(); ++t)
            gradients[i][t] = factor * (gradients[i][t] + (has_unit() ? 1.0 : value) * part_[t]);
    }
}

}  // namespace hpcore::acquisition
