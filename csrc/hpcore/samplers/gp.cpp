#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>

#include "hpcore/bo/pareto_suggester.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/records/tradeoff.hpp"
#include "hpcore/samplers/branches.hpp"
#include "hpcore/samplers/samplers.hpp"
#include "hpcore/samplers/start.hpp"
#include "hpcore/samplers/told.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::samplers {
namespace {

using gp::TransformKind;
using records::Trials;
using Transforms = std::vector<TransformKind>;

constexpr std::size_t large = 20;  // more columns are searched within a trust region
constexpr double exploring = 3.0;  // kappa of the exploring turn
// Trials before a model takes over: of a single objective, the same in a large space, and the most where there are
// several objectives or costs; and where gradients are told, each of which says as much as a value a column.
constexpr std::size_t startup = 4, startup_of_large = 10, most_startup_of_more = 6, startup_of_gradients = 2;
// Rows of the matrix of values and derivatives: a fit needs the gradients of about six trials, or the length scales of
// many columns are not learnt; beyond 600 rows a suggestion would take seconds. See benchmarks/quality/gradients.md.
constexpr std::size_t least_observations = 200, gradients_in_fit = 8, most_observations = 600;
constexpr std::size_t n_cheap = 64;  // candidates of a cheap start
constexpr std::uint64_t turns = 3;  // every third suggestion for several objectives improves on a scalarisation instead
constexpr std::size_t n_best = 5;   // trials near which allowed points are looked for, where they are rare

bool has_front(std::size_t m) {
    return m == 2 || m == 3;  // numbers of objectives whose hypervolume is improved on
}

Transforms single(GpOptions::Transform transform) {
    switch (transform) {
        case GpOptions::Transform::half_log:
            return {TransformKind::half_log};
        case GpOptions::Transform::log:
            return {TransformKind::log};
        case GpOptions::Transform::clip:
            return {TransformKind::clip};
        case GpOptions::Transform::likeliest:
            return {TransformKind::half_log, TransformKind::standard, TransformKind::log};
        default:
            return {TransformKind::standard};
    }
}

acquisition::Kind kind_of(const GpOptions& options) {
    if (options.user_acquisition.kernel) return acquisition::Kind::user;
    switch (options.acquisition) {
        case GpOptions::Acquisition::pi:
            return acquisition::Kind::pi;
        case GpOptions::Acquisition::ucb:
            return acquisition::Kind::ucb;
        default:
            return acquisition::Kind::log_ei;
    }
}

// Views of the history, one a trial in turn: benchmarks/quality/gp_ablation.md.
std::vector<bo::View> views_of(const GpOptions& options) {
    std::vector<Transforms> in_turn{single(options.transform)};
    if (options.transform == GpOptions::Transform::turns) in_turn = {{TransformKind::half_log}, {TransformKind::clip}};
    const bool named = !options.user_acquisition.kernel;
    std::vector<bo::View> views;
    for (const Transforms& transforms : in_turn) {
        bo::View view;
        view.warp = options.warp;
        view.transforms = transforms;
        view.kind = kind_of(options);
        view.noisy = named && options.acquisition == GpOptions::Acquisition::noisy_log_ei;
        view.thompson = named && options.acquisition == GpOptions::Acquisition::thompson;
        view.kappa = options.kappa;
        view.posterior_best = true;
        views.push_back(view);
    }
    if (!options.explore) return views;
    if (views.size() == 1) views.push_back(views[0]);  // every third trial explores, however few the other views are
    bo::View view;
    view.warp = options.warp;
    view.transforms = in_turn[0];
    view.kind = acquisition::Kind::ucb;
    view.kappa = exploring;
    views.push_back(view);
    return views;
}

// View of each of several objectives: benchmarks/quality/many_ablation.md.
bo::View front_view(const GpOptions& options) {
    bo::View view;
    view.warp = options.warp;
    view.transforms = options.transform == GpOptions::Transform::turns
                          ? Transforms{TransformKind::standard, TransformKind::half_log}
                          : single(options.transform);
    return view;
}

std::size_t startup_of(const GpOptions& options, std::size_t d, std::size_t m, bool per_cost, bool has_gradients) {
    if (options.n_startup) return *options.n_startup;
    if (has_gradients) return startup_of_gradients;
    if (m > 1 || per_cost) return std::min(std::max(startup, 2 * d), most_startup_of_more);
    return d > large ? startup_of_large : startup;
}

bo::SuggestOptions engine_options(const GpOptions& options, std::size_t d) {
    bo::SuggestOptions out;
    out.views = views_of(options);
    out.n_draws = options.n_draws;
    out.fit.prior = gp::Prior::standard(d);
    out.fit.prior.shared = gp::shared_scale;
    out.fit.prior.user = options.covariance_prior;
    out.fit_observations = std::min(std::max(least_observations, gradients_in_fit * d), most_observations);
    out.model_observations = most_observations;
    out.covariance = options.covariance;
    out.acquisition = options.user_acquisition;
    out.prior = options.prior;
    out.trust_region.on = options.trust_region.value_or(d > large);
    out.trust_region.after = startup_of(options, d, 1, false, false);
    return out;
}

Level level_of(bo::Step step) {
    switch (step) {
        case bo::Step::full:
            return Level::full;
        case bo::Step::reuse:
            return Level::reuse;
        case bo::Step::search:
            return Level::search;
        case bo::Step::draft:
            return Level::draft;
        default:
            return Level::sobol;
    }
}

class GpSampler final : public Sampler {
  public:
    GpSampler(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical, const GpOptions& options,
              const linalg::Lapack& lapack)
        : codec_(std::move(codec)),
          categorical_(categorical),
          options_(options),
          lapack_(lapack),
          d_(codec_->size()),
          branches_(*codec_),
          engine_(lapack, codec_, categorical, engine_options(options, d_)) {}

    Proposal suggest(const Trials& trials, Rows pending, const Ask& ask) override {
        return completed(propose(trials, pending, ask), ask);
    }

    std::optional<Proposal> at_once(const Trials& trials, Rows pending, const Ask& ask) override {
        if (starts(trials, ask))
            return Proposal{start_rows(ask, ask.count, d_), ask.per_cost ? Level::sobol : Level::full};
        const std::vector<double> weights = records::random_weights(trials.m(), ask.key, ask.number, ask.attempt);
        return completed(by_engine(&bo::Suggester::draft, engine_, trials, pending, ask, weights), ask);
    }

    void allow_repeats(std::size_t n) override {
        for (std::size_t j = 0; j < d_; ++j)
            if (!codec_->column(j).gridded && codec_->column(j).kind == space::Kind::real) return;
        repeats_ = n;
    }

    void know_costs(Rows points, Column costs) override {
        const std::lock_guard<std::mutex> turn(mutex_);
        known_costs_.rows.assign(points.flat().begin(), points.flat().end());
        known_costs_.values.resize(costs.size());
        std::transform(costs.begin(), costs.end(), known_costs_.values.begin(), [](double c) { return std::log(c); });
    }

  private:
    struct Made {
        std::vector<double> rows;
        bo::Step step = bo::Step::full;
    };

    Rows rows_of(const std::vector<double>& numbers) const { return {numbers.data(), numbers.size() / d_, d_}; }

    bool uses_gradients(std::size_t m) const {
        return options_.gradients && m == 1 && options_.covariance == nullptr && !options_.warp;
    }

    // Fills in points of the start's sequence where there was nothing to make a model of.
    Proposal completed(Made made, const Ask& ask) const {
        const std::size_t n = made.rows.size() / d_;
        if (n < ask.count && made.step == bo::Step::none) {
            Ask later = ask;
            later.number += n;
            const std::vector<double> rest = start_rows(later, ask.count - n, d_);
            made.rows.insert(made.rows.end(), rest.begin(), rest.end());
        }
        return {std::move(made.rows), level_of(made.step)};
    }

    // True if there are too few values for the model to take over.
    bool starts(const Trials& trials, const Ask& ask) const {
        std::size_t n_observed = 0;
        for (std::size_t i = 0; i < trials.n(); ++i) n_observed += trials.observed(i) ? 1 : 0;
        const bool has_gradients = !trials.gradients.empty() && uses_gradients(trials.m());
        return n_observed < startup_of(options_, d_, trials.m(), ask.per_cost, has_gradients);
    }

    Made propose(const Trials& trials, Rows pending, const Ask& ask) {
        if (starts(trials, ask)) return {start(trials, ask)};
        if (trials.m() == 1) return by_model(trials, pending, ask);
        // One by one, since each suggestion has its own turn.
        Made all;
        std::vector<double> waiting(pending.flat().begin(), pending.flat().end());
        for (std::size_t k = 0; k < ask.count; ++k) {
            Ask one = ask;
            one.number += k;
            one.count = 1;
            // Of the time that is left, the share of this one.
            if (ask.deadline.limited())
                one.deadline = Deadline::in(ask.deadline.left() / static_cast<double>(ask.count - k));
            const Made more = by_model(trials, rows_of(waiting), one);
            if (more.step == bo::Step::none) {
                if (k == 0) all.step = more.step;
                break;
            }
            all.step = std::max(all.step, more.step);
            all.rows.insert(all.rows.end(), more.rows.begin(), more.rows.end());
            waiting.insert(waiting.end(), more.rows.begin(), more.rows.end());
        }
        return all;
    }

    Made by_model(const Trials& trials, Rows pending, const Ask& ask) {
        const std::size_t m = trials.m();
        if (has_front(m) && !options_.user_acquisition.kernel &&
            options_.acquisition == GpOptions::Acquisition::log_ei && ask.number % turns != turns - 1) {
            Made made = by_engine(&bo::ParetoSuggester::suggest, front(m), trials, pending, ask, {});
            if (made.step != bo::Step::none) return made;
        }
        const std::vector<double> weights = records::random_weights(m, ask.key, ask.number, ask.attempt);
        return by_engine(&bo::Suggester::suggest, engine_, trials, pending, ask, weights);
    }

    // Rows by a method of an engine, of several objectives by their weights if given.
    template <class Engine>
    Made by_engine(std::vector<double> (Engine::*method)(const bo::Request&, bo::Step*), Engine& engine,
                   const Trials& trials, Rows pending, const Ask& ask, Column weights) {
        const Told told = told_of(trials, ask.per_cost, known_costs(ask), weights);
        const std::vector<double> extra = allowed_candidates(told, ask);
        bo::Request request = request_of(told, pending, ask);
        request.extra = rows_of(extra);
        if (!uses_gradients(trials.m())) request.gradients = {};
        Made made;
        if (const auto branch = other_branch(trials, told, pending, ask)) {
            const Column row = request.rows[*branch];
            const std::vector<double> violations = branches_.outside(request.rows, told, *branch);
            const std::vector<double> candidates = branches_.candidates(
                row, Philox(ask.key, ask.number, streams::at_attempt(streams::gp_branch, ask.attempt)));
            bo::Request there = request;
            there.violations = violations;
            there.feasible = within(branches_, *codec_, row, request.feasible);
            there.extra = rows_of(candidates);
            made.rows = (engine.*method)(there, &made.step);
            if (!made.rows.empty()) return made;
            made = {};  // no point of it is new and allowed
        }
        made.rows = (engine.*method)(request, &made.step);
        // No point was met that is new and allowed; the caller finds out if there is one.
        if (made.rows.empty() && made.step != bo::Step::none) made.rows = uniform_rows(ask, 1, d_);
        return made;
    }

    // A row of the branch of the space that is to be improved on for itself.
    std::optional<std::size_t> other_branch(const Trials& trials, const Told& told, Rows pending,
                                            const Ask& ask) const {
        // Where few rows are allowed, none may be allowed there.
        if (branches_.none() || ask.count > 1 || ask.attempt > 0 || ask.around) return {};
        if (told.values.size() != told.n) return {};
        return branches_.next(trials, told, pending);
    }

    KnownAt known_costs(const Ask& ask) const {
        if (!ask.per_cost) return {};
        const std::lock_guard<std::mutex> turn(mutex_);
        return known_costs_;
    }

    bo::Request request_of(const Told& told, Rows pending, const Ask& ask) const {
        const auto known = [&](const KnownAt& at) { return bo::Outcome{rows_of(at.rows), at.values}; };
        bo::Request request;
        request.rows = rows_of(told.rows);
        request.values = told.values;
        request.std_errors = told.std_errors;
        request.gradients = rows_of(told.gradients);
        request.pending = pending;
        request.failed = rows_of(told.failed);
        request.count = ask.count;
        request.repeats = repeats_;
        request.key = ask.key;
        request.attempt = ask.attempt;
        request.number = ask.number;
        request.feasible = ask.feasible;
        for (const KnownAt& limit : told.limits) request.limits.push_back(known(limit));
        request.violations = told.violations;
        request.cost = known(told.cost);
        request.deadline = ask.deadline;
        return request;
    }

    std::vector<double> start(const Trials& trials, const Ask& ask) {
        if (!ask.per_cost || ask.attempt > 0) return start_rows(ask, ask.count, d_);
        const KnownAt cost = cost_of(trials, known_costs(ask));
        if (cost.values.empty()) return start_rows(ask, ask.count, d_);
        Ask among = ask;
        among.number = n_cheap * ask.number;
        std::vector<double> candidates = start_rows(among, n_cheap, d_);
        if (ask.feasible) candidates = allowed_of(candidates, ask.feasible);
        if (candidates.empty()) return start_rows(ask, ask.count, d_);
        std::vector<double> known, rows;
        for (std::size_t i = 0; i < trials.n(); ++i)
            if (!trials.absent(i)) known.insert(known.end(), trials.rows[i].begin(), trials.rows[i].end());
        for (std::size_t k = 0; k < ask.count; ++k) {
            bo::Request request;
            request.rows = rows_of(known);
            request.extra = rows_of(candidates);
            request.cost = {rows_of(cost.rows), cost.values};
            const std::vector<double> row = engine_.cheap_start(request);
            known.insert(known.end(), row.begin(), row.end());
            rows.insert(rows.end(), row.begin(), row.end());
        }
        return rows;
    }

    std::vector<double> allowed_of(const std::vector<double>& rows, const acquisition::Feasible& feasible) const {
        std::vector<double> settled = rows, out;
        std::vector<space::Value> scratch(d_);
        const std::size_t n = rows.size() / d_;
        for (std::size_t i = 0; i < n; ++i) codec_->snap({settled.data() + i * d_, d_}, scratch);
        std::array<bool, n_cheap> allowed{};
        feasible(rows_of(settled), {allowed.data(), n});
        for (std::size_t i = 0; i < n; ++i)
            if (allowed[i]) out.insert(out.end(), rows_of(rows)[i].begin(), rows_of(rows)[i].end());
        return out;
    }

    bo::ParetoSuggester& front(std::size_t m) {
        const std::lock_guard<std::mutex> turn(mutex_);
        std::unique_ptr<bo::ParetoSuggester>& engine = fronts_[m];
        if (engine == nullptr) {
            bo::SuggestOptions options = engine_options(options_, d_);
            options.views = {front_view(options_)};
            engine = std::make_unique<bo::ParetoSuggester>(lapack_, codec_, categorical_, options, m);
        }
        return *engine;
    }

    // Further candidates, where hardly any of the maximiser's own would be allowed.
    std::vector<double> allowed_candidates(const Told& told, const Ask& ask) const {
        if (!ask.around) return {};
        std::vector<std::size_t> order(told.n);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            if (!told.violations.empty() && told.violations[a] != told.violations[b])
                return told.violations[a] < told.violations[b];
            return told.values[a] < told.values[b];  // of several objectives the first one
        });
        std::vector<double> best;
        for (std::size_t k = 0; k < std::min(n_best, order.size()); ++k) {
            const double* row = told.rows.data() + order[k] * d_;
            best.insert(best.end(), row, row + d_);
        }
        return ask.around(rows_of(best), ask.number, ask.attempt);
    }

    std::shared_ptr<const space::Codec> codec_;
    std::vector<bool> categorical_;
    GpOptions options_;
    const linalg::Lapack& lapack_;
    std::size_t d_;
    Branches branches_;
    bo::Suggester engine_;  // has a lock of its own, which who is in a hurry does not wait for
    std::atomic<std::size_t> repeats_ = 1;
    mutable std::mutex mutex_;                                            // of what follows, and for a moment only
    std::map<std::size_t, std::unique_ptr<bo::ParetoSuggester>> fronts_;  // by number of objectives
    KnownAt known_costs_;
};

}  // namespace

std::unique_ptr<Sampler> make_gp(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& categorical,
                                 const GpOptions& options, const linalg::Lapack& lapack) {
    if (categorical.size() != codec->size()) throw std::invalid_argument("categorical must have one entry per column");
    if (options.n_startup == std::size_t{0}) throw std::invalid_argument("n_startup must be at least 1");
    return std::make_unique<GpSampler>(std::move(codec), categorical, options, lapack);
}

}  // namespace hpcore::samplers
