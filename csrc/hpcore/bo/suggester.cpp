#include "hpcore/bo/suggester.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <utility>

#include "hpcore/acquisition/ensemble.hpp"
#include "hpcore/acquisition/noisy_ei.hpp"
#include "hpcore/acquisition/path.hpp"
#include "hpcore/acquisition/product.hpp"
#include "hpcore/bo/each.hpp"
#include "hpcore/bo/limits.hpp"
#include "hpcore/bo/rows.hpp"
#include "hpcore/bo/search.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bo {
namespace {

// The lowest few of values at some indices, best first.
std::vector<std::size_t> best_few(const std::vector<double>& values, std::vector<std::size_t> order, std::size_t most) {
    const std::size_t n = std::min(most, order.size());
    std::partial_sort(
        order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n), order.end(),
        [&](std::size_t a, std::size_t b) { return values[a] < values[b] || (values[a] == values[b] && a < b); });
    order.resize(n);
    return order;
}

// The values, in which a row that misses a limit is as bad as the worst: no success of a region of trust.
std::vector<double> successes_of(const Request& request) {
    std::vector<double> values(request.values.begin(), request.values.end());
    const double worst = *std::max_element(values.begin(), values.end());
    for (std::size_t i = 0; i < request.n(); ++i)
        if (!request.keeps_limits(i)) values[i] = worst;
    return values;
}

// What a suggestion starts from: the models, and what is to be improved on.
struct Setting {
    const Models& cache;
    std::vector<double> y;            // targets of the models' members
    std::vector<std::size_t> rivals;  // members to improve on: those that keep all limits, or all while none does
    double best;                      // the least target of a rival
    std::vector<double> out_data;     // (n, d) rows that are pending or chosen already
    std::size_t d;

    Rows out() const { return {out_data.data(), out_data.size() / d, d}; }
};

// The least value of a rival by a model that is conditioned on the targets.
double best_fitted(const Setting& setting, const gp::Regressor& model) {
    std::vector<double> fitted(setting.y.size());
    model.fitted(setting.y, fitted);
    double best = setting.best;
    for (std::size_t i = 0; i < setting.rivals.size(); ++i)
        best = i == 0 ? fitted[setting.rivals[i]] : std::min(best, fitted[setting.rivals[i]]);
    return best;
}

// Rows whose values noise hides: those that are still out, then the best few by what a model makes of their values.
std::vector<double> uncertain_rows(const Setting& setting, const gp::Regressor& model, std::size_t most) {
    std::vector<double> fitted(setting.y.size());
    model.fitted(setting.y, fitted);
    std::vector<double> rows = setting.out_data;
    for (const std::size_t i : best_few(fitted, setting.rivals, most)) {
        const Column row = setting.cache.held_rows(setting.d)[i];
        rows.insert(rows.end(), row.begin(), row.end());
    }
    return rows;
}

// Condition a model on the rows that are out too, with its own means as their values, without noise. The targets then,
// and `best` lowered to what is expected of a row that keeps all limits: else the next point of a batch would be next
// to it.
std::vector<double> fantasise(const Setting& setting, const Factors& factors, gp::Regressor& model, double& best) {
    std::vector<double> targets = setting.y;
    gp::Prediction prediction;
    for (std::size_t i = 0; i < setting.out().n; ++i) {
        const Column at = setting.out()[i];
        model.predict(setting.out().part(i, 1), prediction);
        targets.push_back(prediction.mean[0]);
        if (factors.expect_kept(at)) best = std::min(best, prediction.mean[0]);
        model.append(at, acquisition::fantasy_noise - model.scales().noise);
        model.set_targets(targets);
    }
    return targets;
}

}  // namespace

Suggester::Suggester(const linalg::Lapack& lapack, std::shared_ptr<const space::Codec> codec,
                     const std::vector<bool>& categorical, const SuggestOptions& options)
    : lapack_(lapack), moves_(std::move(codec), categorical, options.smooth_levels), options_(options) {
    if (options_.views.empty()) throw std::invalid_argument("views must hold at least one view");
    for (const View& view : options_.views) {
        const auto same = std::find_if(models_.begin(), models_.end(), [&](const Models& m) { return m.serve(view); });
        models_of_.push_back(static_cast<std::size_t>(same - models_.begin()));
        if (same != models_.end()) continue;
        if (view.transforms.empty()) throw std::invalid_argument("transforms must hold at least one transform");
        models_.emplace_back(view);
    }
}

// True if the fit that is due is in the cache, or the deadline leaves time for it.
bool Suggester::in_time(const Request& request, std::size_t view, std::size_t n_fit) const {
    if (!request.deadline.limited()) return true;
    const Models& cache = models_[models_of_[view]];
    if (cache.fitted == n_fit && cache.hold(request)) return true;
    // A search cut short needs a fifth of a whole one to be worth a new fit.
    const double wanted = costs_.fit(std::min(n_fit, options_.fit_rows)) * cache.n_fits() +
                          0.2 * costs_.search(std::min(request.n(), options_.model_rows));
    return wanted < request.deadline.left();
}

// Fall back on a cached fit, of this view or of another. False if there is none.
bool Suggester::fall_back(const Request& request, std::size_t& view, std::size_t& n_fit, Step& step) const {
    for (std::size_t turn = 0; turn < options_.views.size(); ++turn) {
        const std::size_t v = (view + turn) % options_.views.size();
        if (!models_[models_of_[v]].hold(request)) continue;
        step = Step::reuse;
        view = v;
        n_fit = models_[models_of_[v]].fitted;
        return true;
    }
    step = Step::none;
    return false;
}

// The k-th suggestion of a request, the earlier ones being `chosen`.
bool Suggester::suggest_one(const Request& request, std::size_t k, const std::vector<double>& chosen,
                            const acquisition::Seen& seen, MutableColumn row, Step& step) {
    const std::size_t d = moves_.d();
    // A search that is cut short before it has begun is worse than a draft, and takes longer.
    if (request.deadline.left() < 1.5 * costs_.late(std::min(request.n(), options_.model_rows))) {
        if (request.count == 1 && request.deadline.left() > 0.0) costs_.dared_not();
        step = Step::none;
        return false;
    }
    std::size_t n_fit = options_.schedule.at(request.n());
    std::size_t turn = (request.number + k) % options_.views.size();
    // The predicted time may be wrong, so that the fit looks at the clock as well.
    if (!(in_time(request, turn, n_fit) && fitter_.refit(request, n_fit, models_[models_of_[turn]])) &&
        !fall_back(request, turn, n_fit, step))
        return false;
    if (!factors_.fit(fitter_, costs_, request, step)) return false;
    const View& view = options_.views[turn];
    Models& cache = models_[models_of_[turn]];
    offer(cache);
    fitter_.extend(request, n_fit, cache);
    const gp::TargetTransform outputs = gp::standardise(request.values, cache.transform);
    const std::size_t n_held = cache.members.size();

    const std::vector<std::size_t> kept = keeping(request);
    const bool hopeless = kept.empty();
    const std::vector<std::size_t> order = hopeless ? nearest_to_keeping(request, options_.n_incumbents)
                                                    : best_few(outputs.y, kept, options_.n_incumbents);
    const std::vector<double> incumbent_rows = gather(request.rows, order);
    const Rows incumbents{incumbent_rows.data(), order.size(), d};
    Setting setting{cache, {}, {}, outputs.y[order[0]], {}, d};
    for (std::size_t i = 0; i < n_held; ++i) {
        setting.y.push_back(outputs.y[cache.members[i]]);
        if (hopeless || request.keeps_limits(cache.members[i])) setting.rivals.push_back(i);
    }
    setting.out_data.assign(request.pending.flat().begin(), request.pending.flat().end());
    setting.out_data.insert(setting.out_data.end(), chosen.begin(), chosen.end());

    Philox stream(request.key, request.number + k, streams::at_attempt(streams::gp_search, request.attempt));
    const Model& drawn = cache.models[(request.number + k) % cache.models.size()];  // model of a Thompson draw
    std::optional<acquisition::Path> path;
    // A joint draw at candidates is no function that could be multiplied.
    const bool thompson = view.thompson && !(options_.covariance != nullptr && request.has_factors());
    acquisition::Ensemble acquisition(
        {thompson ? acquisition::Kind::draw : view.kind, view.kappa, options_.acquisition});
    if (options_.prior) acquisition.weigh(options_.prior, request.n());
    acquisition::Product product(acquisition, !hopeless);
    if (options_.prior && hopeless) product.weigh(options_.prior, request.n());  // of the improvement it is a part
    factors_.condition(request, setting.out(), hopeless);
    factors_.multiply(product);
    for (Model& m : cache.models) {
        gp::Regressor& model = *m.regressor;
        model.set_targets(setting.y);
        if (view.noisy) {
            const std::vector<double> rows = uncertain_rows(setting, model, 2 * options_.n_incumbents);
            const std::size_t n_draws = std::max<std::size_t>(options_.n_noisy_draws / cache.models.size(), 4);
            acquisition::add_noisy_ei(lapack_, model, setting.y, {rows.data(), rows.size() / d, d}, n_draws, view.xi,
                                      acquisition);
            continue;
        }
        double best = setting.best;
        if (view.posterior_best || !request.std_errors.empty()) best = best_fitted(setting, model);
        const std::vector<double> targets = fantasise(setting, factors_, model, best);
        if (thompson && &m == &drawn && options_.covariance == nullptr) {
            path.emplace(model, targets, stream);
            acquisition.add(model, best);
            acquisition.follow(*path);
        } else if (!thompson) {
            acquisition.add(model, best - view.xi);
        }
    }
    const double side = options_.trust_region.side(successes_of(request), d);
    acquisition::Maximizer maximizer(moves_, options_.search, incumbents[0], side < 1.0 ? 0.5 * side : 1.0);
    maximizer.add_candidates(request.extra);
    bool found = false;
    if (thompson && !path) {
        found = maximizer.draw(lapack_, *drawn.regressor, options_.prior ? &options_.prior : nullptr, request.n(),
                               incumbents, seen, request.feasible, stream, row);
    } else {
        found = search(maximizer, product.whole(), incumbents, 1, {n_held, setting.out().n}, seen, request, stream,
                       costs_, row, step);
    }
    for (Model& m : cache.models) m.regressor->truncate(n_held);
    factors_.restore();
    return found;
}

// Hyperparameters for drafts.
void Suggester::offer(const Models& models) {
    const Model& first = models.models.front();
    if (!first.warp.identity()) return;
    const std::size_t n = std::min(models.fitted, options_.fit_rows);
    draft_.offer(first.theta, n);
    at_once_.offer(first.theta, n);
}

std::vector<double> Suggester::suggest(const Request& request, Step* lowest) {
    std::unique_lock<std::timed_mutex> lock(mutex_, std::defer_lock);
    if (!request.deadline.limited())
        lock.lock();
    else if (!lock.try_lock() && !lock.try_lock_for(std::chrono::duration<double>(
                                     std::max(0.0, request.deadline.left() - at_once_.least_seconds()))))
        return draft(request, lowest);
    Step step = Step::full;
    std::vector<double> rows = suggest_each(
        moves_, options_, request,
        [&](const Request& one, std::size_t k, const std::vector<double>& chosen, const acquisition::Seen& seen,
            MutableColumn row, Step& its) { return suggest_one(one, k, chosen, seen, row, its); },
        &step);
    if (step == Step::none) {
        const std::vector<double> more = draft_.suggest(request, rows, request.count - rows.size() / moves_.d());
        const auto [theta, n] = draft_.fitted();
        at_once_.offer(theta, n);
        if (!more.empty()) step = Step::draft;
        rows.insert(rows.end(), more.begin(), more.end());
    }
    if (lowest != nullptr) *lowest = std::max(*lowest, step);
    return rows;
}

std::vector<double> Suggester::draft(const Request& request, Step* lowest) {
    Request at_once = request;
    at_once.deadline = Deadline::in(0.0);
    std::vector<double> rows = at_once_.suggest(at_once, {}, request.count);
    if (lowest != nullptr) *lowest = std::max(*lowest, rows.empty() ? Step::none : Step::draft);
    return rows;
}

std::vector<double> Suggester::cheap_start(const Request& request) {
    const std::lock_guard<std::timed_mutex> lock(mutex_);
    constexpr double cheapest = 0.4;  // the share of the candidates that is cheap enough
    const std::size_t d = moves_.d();
    Step step = Step::full;
    factors_.fit(fitter_, costs_, request, step);
    factors_.condition(request, {}, false);
    const std::size_t n = request.extra.n;
    std::vector<double> full(request.extra.flat().begin(), request.extra.flat().end()), snapped(full.size());
    const MutableRows points{full.data(), n, d}, candidates{snapped.data(), n, d};
    std::vector<space::Value> scratch(d);
    for (std::size_t i = 0; i < n; ++i) moves_.snap(points[i], candidates[i], scratch);
    std::vector<double> known(request.rows.flat().begin(), request.rows.flat().end());
    known.insert(known.end(), request.pending.flat().begin(), request.pending.flat().end());
    const std::size_t chosen =
        factors_.cheap_and_far(moves_, candidates, {known.data(), request.n() + request.pending.n, d}, cheapest);
    factors_.restore();
    return gather(candidates, {chosen});
}

}  // namespace hpcore::bo
