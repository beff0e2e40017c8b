#include "hpcore/bo/pareto_suggester.hpp"

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

#include "hpcore/acquisition/ensemble.hpp"
#include "hpcore/acquisition/hypervolume.hpp"
#include "hpcore/acquisition/product.hpp"
#include "hpcore/bo/each.hpp"
#include "hpcore/bo/limits.hpp"
#include "hpcore/bo/rows.hpp"
#include "hpcore/bo/search.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bo {
namespace {

constexpr std::size_t n_perturbed = 8;  // points of the front that are perturbed
// A gain of this share of an objective's range counts: less than that at the edge of a front, where a model's error may
// promise it time and again, would be worth as much as the whole extent of the other objectives.
constexpr double least_gain = 0.01;

// Those of some rows of a table (n, m) that no other of them dominates; the first of equal ones.
std::vector<std::size_t> front_of(const std::vector<double>& rows, std::size_t m, const std::vector<std::size_t>& of) {
    std::vector<std::size_t> front;
    for (const std::size_t i : of) {
        const bool beaten = std::any_of(of.begin(), of.end(), [&](std::size_t j) {
            bool no_worse = j != i, better = j < i;
            for (std::size_t k = 0; no_worse && k < m; ++k) {
                no_worse = rows[j * m + k] <= rows[i * m + k];
                better = better || rows[j * m + k] < rows[i * m + k];
            }
            return no_worse && better;
        });
        if (!beaten) front.push_back(i);
    }
    return front;
}

// At most `most` of the front, evenly along its first objective.
std::vector<std::size_t> spread(std::vector<std::size_t> front, const std::vector<double>& rows, std::size_t m,
                                std::size_t most) {
    std::stable_sort(front.begin(), front.end(),
                     [&](std::size_t a, std::size_t b) { return rows[a * m] < rows[b * m]; });
    if (front.size() <= most) return front;
    std::vector<std::size_t> out;
    for (std::size_t t = 0; t < most; ++t) out.push_back(front[t * (front.size() - 1) / (most - 1)]);
    return out;
}

}  // namespace

ParetoSuggester::ParetoSuggester(const linalg::Lapack& lapack, std::shared_ptr<const space::Codec> codec,
                                 const std::vector<bool>& categorical, const SuggestOptions& options, std::size_t m)
    : moves_(std::move(codec), categorical, options.smooth_levels),
      options_(options),
      fitter_(lapack, moves_, options_, costs_) {
    if (options_.views.empty() || options_.views.front().transforms.empty())
        throw std::invalid_argument("views must hold a view with at least one transform");
    if (m != 2 && m != 3) throw std::invalid_argument("m must be 2 or 3");
    for (std::size_t k = 0; k < m; ++k) models_.emplace_back(options_.views.front());
}

// Bring the models to the request's rows. False if the deadline leaves no time and there is no earlier fit of all.
bool ParetoSuggester::fit(const std::vector<Request>& columns, Step& step) {
    const Request& first = columns.front();
    std::size_t n_fit = options_.schedule.at(first.n());
    bool in_time = true;
    if (first.deadline.limited()) {
        double wanted = 0.2 * costs_.search(std::min(first.n(), options_.model_rows));
        for (std::size_t k = 0; k < m(); ++k)
            if (models_[k].fitted != n_fit || !models_[k].hold(columns[k]))
                wanted += costs_.fit(std::min(n_fit, options_.fit_rows)) * models_[k].n_fits();
        in_time = wanted < first.deadline.left();
    }
    for (std::size_t k = 0; in_time && k < m(); ++k) in_time = fitter_.refit(columns[k], n_fit, models_[k]);
    for (std::size_t k = 0; k < m(); ++k) {
        if (!models_[k].hold(columns[k])) {
            step = Step::none;
            return false;
        }
        fitter_.extend(columns[k], models_[k].fitted, models_[k]);
    }
    if (!in_time) step = Step::reuse;
    return true;
}

bool ParetoSuggester::suggest_one(const Request& request, std::size_t k, const std::vector<double>& chosen,
                                  const acquisition::Seen& seen, MutableColumn row, Step& step) {
    const std::size_t d = moves_.d(), n = request.n(), n_objectives = m();
    if (request.deadline.left() <
        1.5 * static_cast<double>(n_objectives) * costs_.late(std::min(n, options_.model_rows))) {
        step = Step::none;
        return false;
    }
    std::vector<Request> columns(n_objectives, request);
    for (std::size_t o = 0; o < n_objectives; ++o) {
        columns[o].values = request.values.subspan(o * n, n);
        if (!request.std_errors.empty()) columns[o].std_errors = request.std_errors.subspan(o * n, n);
    }
    if (!fit(columns, step) || !factors_.fit(fitter_, costs_, request, step)) return false;

    std::vector<double> out_data(request.pending.flat().begin(), request.pending.flat().end());
    out_data.insert(out_data.end(), chosen.begin(), chosen.end());
    const Rows out{out_data.data(), request.pending.n + k, d};
    std::vector<double> outputs(n * n_objectives), fantasies;  // (n, m) and (pending and chosen, m)
    std::vector<double> reference(n_objectives), ideal(n_objectives);
    std::vector<std::vector<const gp::Regressor*>> draws(models_.front().models.size());
    std::vector<std::size_t> held;
    const std::size_t n_fantasised = out.n;
    fantasies.resize(n_fantasised * n_objectives);
    gp::Prediction prediction;
    for (std::size_t o = 0; o < n_objectives; ++o) {
        Models& of = models_[o];
        const gp::TargetTransform transformed = gp::standardise(columns[o].values, of.transform);
        for (std::size_t i = 0; i < n; ++i) outputs[i * n_objectives + o] = transformed.y[i];
        const auto [low, high] = std::minmax_element(transformed.y.begin(), transformed.y.end());
        ideal[o] = *low;
        reference[o] = *high + std::max(0.1 * (*high - *low), 1e-3);
        std::vector<double> told;
        for (const std::size_t i : of.members) told.push_back(transformed.y[i]);
        held.push_back(told.size());
        for (std::size_t s = 0; s < draws.size(); ++s) {
            gp::Regressor& model = *of.models[s].regressor;
            std::vector<double> targets = told;
            model.set_targets(targets);
            for (std::size_t t = 0; t < n_fantasised; ++t) {
                model.predict(out.part(t, 1), prediction);
                targets.push_back(prediction.mean[0]);
                if (s == 0) fantasies[t * n_objectives + o] = prediction.mean[0];
                model.append(out[t], acquisition::fantasy_noise - model.scales().noise);
                model.set_targets(targets);
            }
            draws[s].push_back(&model);
        }
    }
    const std::vector<std::size_t> kept = keeping(request);
    const bool hopeless = kept.empty();
    const std::vector<std::size_t> best =
        hopeless ? nearest_to_keeping(request, n_perturbed)
                 : spread(front_of(outputs, n_objectives, kept), outputs, n_objectives, n_perturbed);
    const std::vector<double> incumbents = gather(request.rows, best);
    std::vector<double> front;
    const auto add = [&](const std::vector<double>& table, std::size_t i) {
        front.insert(front.end(), table.begin() + static_cast<std::ptrdiff_t>(i * n_objectives),
                     table.begin() + static_cast<std::ptrdiff_t>((i + 1) * n_objectives));
    };
    for (const std::size_t i : kept) add(outputs, i);
    factors_.condition(request, out, hopeless);
    for (std::size_t t = 0; t < n_fantasised; ++t)
        if (factors_.expect_kept(out[t])) add(fantasies, t);
    for (std::size_t i = 0; i < front.size(); ++i) {
        const std::size_t o = i % n_objectives;
        front[i] -= least_gain * (reference[o] - ideal[o]);
    }
    acquisition::ParetoImprovement improvement(
        std::move(draws),
        acquisition::undominated({front.data(), front.size() / n_objectives, n_objectives}, reference));
    acquisition::Product product(improvement, !hopeless);
    factors_.multiply(product);
    if (options_.prior) product.weigh(options_.prior, n);

    Philox stream(request.key, request.number + k, streams::at_attempt(streams::gp_search, request.attempt));
    acquisition::Maximizer maximizer(moves_, options_.search);
    maximizer.add_candidates(request.extra);
    const bool found = search(maximizer, product.whole(), {incumbents.data(), best.size(), d}, n_objectives,
                              {held.front(), n_fantasised}, seen, request, stream, costs_, row, step);
    for (std::size_t o = 0; o < n_objectives; ++o)
        for (Model& model : models_[o].models) model.regressor->truncate(held[o]);
    factors_.restore();
    return found;
}

std::vector<double> ParetoSuggester::suggest(const Request& request, Step* lowest) {
    std::unique_lock<std::timed_mutex> lock(mutex_, std::defer_lock);
    if (!request.deadline.limited()) {
        lock.lock();
    } else if (!lock.try_lock() &&
               !lock.try_lock_for(std::chrono::duration<double>(std::max(0.0, request.deadline.left())))) {
        if (lowest != nullptr) *lowest = Step::none;
        return {};
    }
    return suggest_each(
        moves_, options_, request,
        [&](const Request& one, std::size_t k, const std::vector<double>& chosen, const acquisition::Seen& seen,
            MutableColumn row, Step& step) { return suggest_one(one, k, chosen, seen, row, step); },
        lowest);
}

}  // namespace hpcore::bo
