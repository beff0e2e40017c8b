#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "hpcore/records/failures.hpp"
#include "hpcore/records/tradeoff.hpp"
#include "hpcore/samplers/failures.hpp"
#include "hpcore/samplers/samplers.hpp"
#include "hpcore/samplers/told.hpp"
#include "hpcore/sums.hpp"
#include "hpcore/tpe/suggester.hpp"

namespace hpcore::samplers {
namespace {

using records::Trials;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// Number of ranked candidates that are checked against constraints at a time: usually one of the first is allowed.
constexpr std::size_t chunk = 4;
constexpr std::size_t most_objectives = 3;  // whose hypervolume is improved on; more are scalarised, trial by trial
// Places of an order that matter: more than the good trials, and than the best that a regression is fitted to.
constexpr std::size_t places = 64;
constexpr std::size_t n_best = 5;  // trials near which allowed points are looked for, where they are rare

// What trials came to beyond one value; `view` is of the vectors, or of the trials'.
struct Outcomes {
    std::vector<double> objectives, violations, log_cost;
    tpe::Outcomes view;
};

class TpeSampler final : public Sampler {
  public:
    TpeSampler(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
               const TpeOptions& options)
        : codec_(std::move(codec)),
          d_(codec_->size()),
          want_(2 * options.engine.candidates()),
          engine_(codec_, categorical, options.engine),
          has_prior_(static_cast<bool>(options.prior)) {
        if (!options.prior) return;
        if (engine_.n_groups() != 1)
            throw std::invalid_argument(
                "prior needs a space without conditional parameters and one joint density: it is a density over the "
                "whole cube, and this space falls into " +
                std::to_string(engine_.n_groups()) + " groups of columns");
        engine_.set_prior(options.prior);
    }

    Proposal suggest(const Trials& trials, Rows pending, const Ask& ask) override {
        const std::lock_guard<std::mutex> turn(mutex_);
        if (trials.m() == 1 && trials.n_limits() == 0) return {rows(trials, pending, ask), Level::full};
        // Half of the time is for the proposal.
        const std::size_t n_ended = ended(trials);
        const bool stale = !ranked_.empty() && n_ended != n_ended_;
        const bool late = ask.deadline.limited() && stale && ranking_seconds_ > 0.5 * ask.deadline.left();
        if (!late) order(trials, n_ended);
        if (ranked_.size() < trials.n()) ranked_.resize(trials.n(), nan);  // later trials have no place
        return {rows(trials, pending, ask), late ? Level::earlier_ranking : Level::full};
    }

    // A ranking takes time, and so may a user's functions, also in a call of another thread. Without them a turn is
    // over in a moment.
    std::optional<Proposal> at_once(const Trials& trials, Rows pending, const Ask& ask) override {
        if (trials.m() > 1 || trials.n_limits() > 0 || ask.feasible || has_prior_) return std::nullopt;
        return suggest(trials, pending, ask);
    }

    void know_costs(Rows points, Column costs) override {
        const std::lock_guard<std::mutex> turn(mutex_);
        known_costs_.rows.assign(points.flat().begin(), points.flat().end());
        known_costs_.values.resize(costs.size());
        std::transform(costs.begin(), costs.end(), known_costs_.values.begin(), [](double c) { return std::log(c); });
    }

  private:
    static std::size_t ended(const Trials& trials) {
        std::size_t n = 0;
        for (std::size_t i = 0; i < trials.n(); ++i) n += trials.pending(i) ? 0 : 1;
        return n;
    }

    // Rank trials with several objectives or limits: the place of each, the best first.
    void order(const Trials& trials, std::size_t n_ended) {
        if (!ranked_.empty() && n_ended == n_ended_) return;
        const auto start = Deadline::Clock::now();
        // A trial that joins a front moves others, so the division into good and bad is made anew.
        engine_.forget_results();
        std::vector<double> values, violations;
        std::vector<std::size_t> done;
        for (std::size_t i = 0; i < trials.n(); ++i) {
            if (!trials.observed(i)) continue;
            done.push_back(i);
            values.insert(values.end(), trials.values[i].begin(), trials.values[i].end());
            if (trials.n_limits() > 0)
                violations.insert(violations.end(), trials.violations[i].begin(), trials.violations[i].end());
        }
        const Rows all{values.data(), done.size(), trials.m()};
        const std::vector<double> place =
            trials.n_limits() > 0
                ? records::order_by_limits(all, {violations.data(), done.size(), trials.n_limits()}, places)
                : records::order_by_front(all, places);
        ranked_.assign(std::max<std::size_t>(trials.n(), 1), nan);
        for (std::size_t k = 0; k < done.size(); ++k) ranked_[done[k]] = place[k];
        n_ended_ = n_ended;
        ranking_seconds_ = std::chrono::duration<double>(Deadline::Clock::now() - start).count();
    }

    std::vector<double> rows(const Trials& trials, Rows pending, const Ask& ask) {
        std::uint8_t highest = 0;
        for (const std::uint8_t state : trials.state) highest = std::max(highest, state);
        plain_ = highest <= records::complete;
        Trials ranked = trials;  // places where trials are ranked by more than a value of their own
        if (trials.m() > 1 || trials.n_limits() > 0) ranked.values = {ranked_.data(), trials.n(), 1};
        engine_.update(ranked);
        std::vector<double> waiting(pending.flat().begin(), pending.flat().end());
        const bool checked = static_cast<bool>(ask.feasible), scalarised = trials.m() > most_objectives;
        const std::size_t want = checked ? want_ : 1;
        std::vector<double> out(ask.count * d_), candidates(want * d_);
        const MutableRows best{candidates.data(), want, d_};
        std::vector<space::Value> scratch(d_);
        Outcomes outcomes;
        bool several = false;
        for (std::size_t k = 0; k < ask.count; ++k) {
            if (k == 0 || scalarised) several = tell(trials, ask, k, outcomes);
            const std::size_t n_waiting = waiting.size() / d_;
            const tpe::Request request{ask.key, ask.number + k, ask.attempt, {waiting.data(), n_waiting, d_}};
            if (several)
                engine_.suggest(request, outcomes.view, best);
            else
                engine_.suggest(request, best);
            const MutableColumn row{out.data() + k * d_, d_};
            std::ranges::copy(best[0], row.begin());
            if (checked && !first_allowed(best, ask, row)) best_of_allowed(ranked, ask, k, row);
            if (k + 1 == ask.count) break;
            // Each trial of a batch sees those before it as pending, as they will be once they are snapped.
            waiting.insert(waiting.end(), row.begin(), row.end());
            codec_->snap({waiting.data() + n_waiting * d_, d_}, scratch);
        }
        return out;
    }

    // Outcomes beyond one value, for the k-th trial asked for. False for one objective without limits, costs and
    // failures.
    bool tell(const Trials& trials, const Ask& ask, std::size_t k, Outcomes& out) const {
        const std::size_t n = trials.n(), m = trials.m();
        bool any_failed = false;
        for (std::size_t i = 0; !plain_ && i < n && !any_failed; ++i) any_failed = has_failed(trials, i);
        out.log_cost = ask.per_cost ? log_costs(trials) : std::vector<double>{};
        const bool has_costs = ask.per_cost && (!out.log_cost.empty() || !known_costs_.values.empty());
        if (m == 1 && trials.n_limits() == 0 && !has_costs && !any_failed) return false;
        out.view = {};
        out.view.objectives = trials.values;
        if (m > most_objectives) {
            scalarise(trials, ask, k, out.objectives);
            out.view.objectives = {out.objectives.data(), n, 1};
        }
        out.view.violations = trials.violations;
        if (any_failed) {
            // A failure is one more limit, violated where trials failed.
            out.violations.clear();
            for (std::size_t i = 0; i < n; ++i) {
                if (trials.n_limits() > 0)
                    out.violations.insert(out.violations.end(), trials.violations[i].begin(),
                                          trials.violations[i].end());
                out.violations.push_back(has_failed(trials, i) ? 1.0 : trials.observed(i) ? -1.0 : nan);
            }
            out.view.violations = {out.violations.data(), n, trials.n_limits() + 1};
        }
        if (has_costs) {
            out.log_cost.resize(n, nan);
            out.view.log_cost = out.log_cost;
            out.view.cost_points = {known_costs_.rows.data(), known_costs_.values.size(), d_};
            out.view.cost_logs = known_costs_.values;
        }
        return true;
    }

    // Many objectives as one, by an augmented Chebyshev sum with weights of the trial's own; NaN where not known.
    static void scalarise(const Trials& trials, const Ask& ask, std::size_t k, std::vector<double>& out) {
        std::vector<double> values;
        for (std::size_t i = 0; i < trials.n(); ++i)
            if (trials.observed(i)) values.insert(values.end(), trials.values[i].begin(), trials.values[i].end());
        out.assign(trials.n(), nan);
        if (values.empty()) return;
        const std::size_t m = trials.m();
        const std::vector<double> weights = records::random_weights(m, ask.key, ask.number + k, ask.attempt);
        const std::vector<double> sums = records::chebyshev({values.data(), values.size() / m, m}, weights);
        for (std::size_t i = 0, next = 0; i < trials.n(); ++i)
            if (trials.observed(i)) out[i] = sums[next++];
    }

    // The best of ranked rows that is allowed, into `row`. False if none is.
    static bool first_allowed(Rows ranked, const Ask& ask, MutableColumn row) {
        std::array<bool, chunk> answer{};
        for (std::size_t first = 0; first < ranked.n; first += chunk) {
            const Rows some = ranked.part(first, std::min(chunk, ranked.n - first));
            const std::span<bool> allowed(answer.data(), some.n);
            ask.feasible(some, allowed);
            const auto found = std::ranges::find(allowed, true);
            if (found == allowed.end()) continue;
            std::ranges::copy(some[static_cast<std::size_t>(found - allowed.begin())], row.begin());
            return true;
        }
        return false;
    }

    // The best of some allowed points by the densities, into `row`, where hardly any point is allowed.
    void best_of_allowed(const Trials& ranked, const Ask& ask, std::size_t k, MutableColumn row) {
        if (!ask.around) return;
        const auto value = [&](std::size_t i) { return ranked.values(i, 0); };
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < ranked.n(); ++i)
            if (std::isfinite(value(i))) order.push_back(i);
        std::ranges::stable_sort(order, {}, value);
        std::vector<double> best;
        for (std::size_t i = 0; i < std::min(n_best, order.size()); ++i)
            best.insert(best.end(), ranked.rows[order[i]].begin(), ranked.rows[order[i]].end());
        const std::vector<double> points = ask.around({best.data(), best.size() / d_, d_}, ask.number + k, ask.attempt);
        const std::size_t n = points.size() / d_, groups = engine_.n_groups();
        if (n == 0) return;
        std::vector<double> settled = points, ratio(n * groups);
        std::vector<space::Value> scratch(d_);
        const MutableRows rows{settled.data(), n, d_};
        for (std::size_t i = 0; i < n; ++i) codec_->snap(rows[i], scratch);
        engine_.log_ratio(rows, {ratio.data(), n, groups});
        // The sum over the groups of columns that are active in a row.
        for (double& r : ratio)
            if (std::isnan(r)) r = 0.0;
        std::size_t chosen = 0;
        double highest = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < n; ++i) {
            const double score = pairwise_sum(ratio.data() + i * groups, groups);
            if (score > highest) {
                highest = score;
                chosen = i;
            }
        }
        std::copy_n(points.data() + chosen * d_, d_, row.begin());
    }

    std::shared_ptr<const space::Codec> codec_;
    std::size_t d_, want_;  // want_: the greatest number of candidates
    std::mutex mutex_;
    tpe::Suggester engine_;
    KnownAt known_costs_;
    std::vector<double> ranked_;  // the last ranking, once there was one
    std::size_t n_ended_ = 0;     // trials that had ended then
    double ranking_seconds_ = 0.0;
    const bool has_prior_;
    bool plain_ = true;  // no trial is pruned, failed or paused
};

}  // namespace

void TpeOptions::set_candidates(std::size_t n) {
    engine.n_uniform = n / 7;
    engine.n_mutants = 2 * n / 7;
    engine.n_draws = n - engine.n_uniform - engine.n_mutants;
}

std::unique_ptr<Sampler> make_tpe(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
                                  const TpeOptions& options) {
    if (categorical.size() != codec->size()) throw std::invalid_argument("categorical must have one entry per column");
    return std::make_unique<TpeSampler>(std::move(codec), categorical, options);
}

}  // namespace hpcore::samplers
