#include "hpcore/bo/factors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hpcore::bo {
namespace {

Request of(const Request& request, const Outcome& outcome) {
    Request column = request;
    column.rows = outcome.rows;
    column.values = outcome.values;
    column.std_errors = {};
    column.gradients = {};
    return column;
}

std::vector<double> targets_of(const Models& models, const gp::TargetTransform& outputs) {
    std::vector<double> targets;
    for (const std::size_t i : models.members) targets.push_back(outputs.y[i]);
    return targets;
}

}  // namespace

bool Factors::fit(const Fitter& fitter, const Costs& costs, const Request& request, Step& step) {
    restore();  // an exception may have kept an earlier call from it
    while (limits_.size() < request.limits.size())
        limits_.emplace_back(std::vector{gp::TransformKind::limit}, false, 1.0);
    if (request.cost.n() > 0 && cost_.empty()) cost_.emplace_back(std::vector{gp::TransformKind::standard}, false, 1.0);
    const auto one = [&](const Outcome& outcome, Models& models) {
        const Request column = of(request, outcome);
        const std::size_t n_fit = fitter.scheduled(column.n());
        const bool known = models.fitted == n_fit && models.hold(column);
        if (!known && !(costs.fit(n_fit) < column.deadline.left() && fitter.refit(column, n_fit, models))) {
            step = Step::reuse;
            if (!models.hold(column)) {
                step = Step::none;
                return false;
            }
        }
        fitter.extend(column, models.fitted, models);
        return true;
    };
    for (std::size_t c = 0; c < request.limits.size(); ++c)
        if (request.limits[c].n() > 0 && !one(request.limits[c], limits_[c])) return false;
    return request.cost.n() == 0 || one(request.cost, cost_.front());
}

void Factors::condition(const Request& request, Rows pending, bool hopeless) {
    gp::Prediction prediction;
    for (std::size_t c = 0; c < request.limits.size(); ++c) {
        const Outcome& outcome = request.limits[c];
        if (outcome.n() == 0) continue;
        Models& limit = limits_[c];
        const gp::TargetTransform outputs = gp::standardise(outcome.values, limit.transform);
        const std::vector<double> told = targets_of(limit, outputs);
        const double bound = gp::apply(outputs, 0.0);
        known_.push_back({&limit, bound, told.size()});
        for (Model& of : limit.models) {
            gp::Regressor& model = *of.regressor;
            std::vector<double> targets = told;
            model.set_targets(targets);
            for (std::size_t i = 0; hopeless && i < pending.n; ++i) {
                model.predict(pending.part(i, 1), prediction);
                targets.push_back(std::max(prediction.mean[0], bound) + std::sqrt(prediction.variance[0]));
                model.append(pending[i], acquisition::fantasy_noise - model.scales().noise);
                model.set_targets(targets);
            }
        }
    }
    if (request.cost.n() == 0) return;
    Models& cost = cost_.front();
    const gp::TargetTransform outputs = gp::standardise(request.cost.values, cost.transform);
    const std::vector<double> targets = targets_of(cost, outputs);
    cost_power_ = outputs.scale;
    for (Model& model : cost.models) model.regressor->set_targets(targets);
}

void Factors::multiply(acquisition::Product& product) const {
    for (const Known& known : known_) {
        acquisition::Ensemble& probability = product.add_probability();
        for (const Model& model : known.limit->models) probability.add(*model.regressor, known.bound);
    }
    if (cost_power_ == 0.0) return;
    acquisition::Ensemble& cost = product.add_inverse(cost_power_);
    for (const Model& model : cost_.front().models) cost.add(*model.regressor, 0.0);
}

void Factors::restore() {
    for (const Known& known : known_)
        for (Model& model : known.limit->models) model.regressor->truncate(known.held);
    known_.clear();
    cost_power_ = 0.0;
}

bool Factors::expect_kept(Column row) const {
    gp::Prediction prediction;
    return std::all_of(known_.begin(), known_.end(), [&](const Known& known) {
        known.limit->models.front().regressor->predict_mean({row.data(), 1, row.size()}, false, prediction);
        return prediction.mean[0] <= known.bound;
    });
}

std::size_t Factors::cheap_and_far(const acquisition::MoveSet& moves, Rows candidates, Rows known, double share) const {
    const std::size_t n = candidates.n;
    gp::Prediction prediction;
    cost_.front().models.front().regressor->predict_mean(candidates, false, prediction);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](std::size_t a, std::size_t b) { return prediction.mean[a] < prediction.mean[b]; });
    order.resize(std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(n))));
    std::size_t farthest = order.front();
    double most = -1.0;
    for (const std::size_t i : order) {
        double nearest = std::numeric_limits<double>::infinity();
        for (std::size_t j = 0; j < known.n; ++j)
            nearest = std::min(nearest, moves.squared_distance(candidates[i], known[j]));
        if (!(nearest > most)) continue;
        most = nearest;
        farthest = i;
    }
    return farthest;
}

}  // namespace hpcore::bo
