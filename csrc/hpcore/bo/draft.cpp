#include "hpcore/bo/draft.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <optional>

#include "hpcore/acquisition/ensemble.hpp"
#include "hpcore/acquisition/functions.hpp"
#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/bo/each.hpp"
#include "hpcore/bo/rows.hpp"
#include "hpcore/errors.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bo {
namespace {

constexpr double longest = 0.02;         // seconds that a draft takes however much time there is
constexpr double worth_a_search = 2e-3;  // seconds from which on candidates are refined
constexpr std::size_t most_fantasies = 48;
constexpr std::array<std::size_t, 4> fit_sizes{16, 32, 64, 128};

// About the operations of building a model of m rows, and of scoring a hundred candidates or two by it.
double work(std::size_t m) {
    const auto x = static_cast<double>(m);
    return x * x * x + 200.0 * x * x + 2e4 * x;
}

// The values, in which a row that misses a limit is as bad as the worst.
std::vector<double> kept_values(const Request& request) {
    std::vector<double> values(request.values.begin(), request.values.end());
    if (request.violations.empty()) return values;
    const double worst = *std::max_element(values.begin(), values.end());
    const bool any = std::ranges::any_of(request.violations, [](double v) { return v == 0.0; });
    for (std::size_t i = 0; i < request.n(); ++i) {
        if (request.keeps_limits(i)) continue;
        // While no row keeps all limits, those are best that miss them least.
        values[i] = any ? worst : request.violations[i];
    }
    return values;
}

// Append a row with its own mean, or a given one, as its value; false if rounding forbids it.
bool pretend(gp::Regressor& model, std::vector<double>& targets, Column row, std::optional<double> value) {
    gp::Prediction prediction;
    model.predict_mean({row.data(), 1, row.size()}, false, prediction);
    try {
        model.append(row, std::max(0.0, acquisition::fantasy_noise - model.scales().noise));
    } catch (const NotPositiveDefinite&) {
        return false;
    }
    targets.push_back(value.value_or(prediction.mean[0]));
    model.set_targets(targets);
    return true;
}

// Positions in `order`, best first, of up to `count` candidates (n, d) that are best one after the other, each a
// fantasy to the next: with its own mean as its value it leaves the means as they are and lowers the deviations near.
std::vector<std::size_t> greedy(const gp::Regressor& model, Rows rows, std::vector<std::size_t> order,
                                const std::vector<double>& values, double best, std::size_t count) {
    constexpr std::size_t most = 128;
    order.resize(std::min(order.size(), std::max(count, std::min(most, 16 + 4 * count))));
    if (count <= 1 || order.size() <= 1) return order;
    const std::size_t n = order.size();
    const std::vector<double> at_data = gather(rows, order);
    const Rows at{at_data.data(), n, rows.d};
    std::vector<double> covariance(n * n), offset(n);
    gp::Prediction prediction;
    model.predict(at, prediction);
    model.covariance(at, {covariance.data(), n, n});
    const auto improvement = [&](std::size_t i, double variance) {
        return acquisition::log_expected_improvement(prediction.mean[i], std::sqrt(std::max(variance, 1e-12)), best)
            .value;
    };
    for (std::size_t i = 0; i < n; ++i)  // what a user's prior adds
        offset[i] = values[order[i]] - improvement(i, covariance[i * n + i]);
    std::vector<bool> taken(n, false);
    std::vector<std::size_t> picks;
    while (picks.size() < std::min(count, n)) {
        std::size_t pick = n;
        double highest = -std::numeric_limits<double>::infinity();
        for (std::size_t i = 0; i < n; ++i) {
            if (taken[i]) continue;
            const double value = improvement(i, covariance[i * n + i]) + offset[i];
            if (pick < n && !(value > highest)) continue;
            highest = value;
            pick = i;
        }
        taken[pick] = true;
        picks.push_back(order[pick]);
        best = std::min(best, prediction.mean[pick]);
        const double own = covariance[pick * n + pick] + acquisition::fantasy_noise;
        const std::vector<double> by(covariance.begin() + static_cast<std::ptrdiff_t>(pick * n),
                                     covariance.begin() + static_cast<std::ptrdiff_t>((pick + 1) * n));
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < n; ++j) covariance[i * n + j] -= by[i] * by[j] / own;
    }
    for (std::size_t i = 0; i < n; ++i)  // in case of refusals
        if (!taken[i]) picks.push_back(order[i]);
    return picks;
}

}  // namespace

void Draft::offer(const std::vector<double>& theta, std::size_t n) {
    const gp::Layout layout(moves_.types(), options_.covariance.get(), false);
    if (theta.size() < layout.size()) return;
    const std::lock_guard<std::mutex> lock(theta_);
    if (n < n_fitted_) return;
    if (std::equal(hyperparameters_.begin(), hyperparameters_.end(), theta.begin()) && !hyperparameters_.empty()) {
        n_fitted_ = n;
        return;
    }
    // Derivatives have a noise of their own at the end, which a draft, made from values, has no use for.
    hyperparameters_.assign(theta.begin(), theta.begin() + static_cast<std::ptrdiff_t>(layout.size()));
    n_fitted_ = n;
    ++version_;
}

std::pair<std::vector<double>, std::size_t> Draft::fitted() const {
    const std::lock_guard<std::mutex> lock(theta_);
    return {hyperparameters_, n_fitted_};
}

double Draft::least_seconds() const {
    const std::lock_guard<std::mutex> lock(theta_);
    return least_seconds_;
}

bool Draft::hold(const Kept& kept, const Request& request) const {
    const std::size_t d = moves_.d();
    if (!kept.model || kept.version != version_in_use_ || kept.n > request.n()) return false;
    for (std::size_t k = 0; k < kept.members.size(); ++k)
        if (std::memcmp(kept.rows.data() + k * d, request.rows[kept.members[k]].data(), d * sizeof(double)) != 0)
            return false;
    return true;
}

// The level of the largest model that so many seconds allow.
std::size_t Draft::affordable(const Request& request, double seconds) const {
    std::size_t level = 0;
    for (std::size_t l = 1; l < sizes.size() && sizes[l - 1] < request.n(); ++l)
        if (rate_ * work(sizes[l]) < 0.3 * seconds) level = l;
    return level;
}

// Take the hyperparameters that were offered, or fit some if there is time and none come from as many rows.
void Draft::fit(const Request& request, Column values, const Deadline& until) {
    {
        const std::lock_guard<std::mutex> lock(theta_);
        if (version_ != version_in_use_ || in_use_.empty()) {
            in_use_ = hyperparameters_;
            version_in_use_ = version_;
            n_in_use_ = n_fitted_;
        }
    }
    std::size_t m = 0;
    for (const std::size_t size : fit_sizes)
        if (std::min(size, request.n()) > n_in_use_ && costs_.fit(size) < 0.4 * until.left())
            m = std::min(size, request.n());
    if (m >= 4) {
        const auto begin = Deadline::Clock::now();
        const std::vector<std::size_t> chosen = representative(moves_, request.rows, values, m);
        const gp::TargetTransform outputs = gp::standardise(values, options_.views.front().transforms.front());
        gp::Points points(moves_.types(), options_.covariance);
        std::vector<double> y;
        for (const std::size_t i : chosen) {
            points.append(request.rows[i]);
            y.push_back(outputs.y[i]);
        }
        gp::FitOptions options = options_.fit;
        options.n_starts = 1;
        const std::vector<double> theta =
            gp::fit_map(lapack_, points, y, {}, options, Deadline::in(0.6 * until.left()));
        costs_.fitted(m, seconds_since(begin));
        if (!theta.empty()) {
            in_use_ = theta;
            offer(theta, m);
            const std::lock_guard<std::mutex> lock(theta_);
            version_in_use_ = version_;
            n_in_use_ = n_fitted_;
        }
    }
    if (!in_use_.empty()) return;
    const gp::Layout layout(moves_.types(), options_.covariance.get(), false);
    for (std::size_t i = 0; i < layout.size(); ++i) in_use_.push_back(options_.fit.prior.of(layout, i).mean);
}

// A model of about sizes[level] of the rows: the kept one with the rows since, or a new one.
const Draft::Kept& Draft::build(const Request& request, Column values, std::size_t level) {
    const std::size_t d = moves_.d(), most = sizes[level];
    Kept& kept = kept_[level];
    if (hold(kept, request) && kept.members.size() + (request.n() - kept.n) <= most + most / 2) {
        kept.model->truncate(kept.members.size());
        try {
            for (std::size_t i = kept.n; i < request.n(); ++i) {
                const Column row = request.rows[i];
                kept.model->append(row, 0.0);
                kept.members.push_back(i);
                kept.rows.insert(kept.rows.end(), row.begin(), row.end());
            }
            kept.n = request.n();
            return kept;
        } catch (const NotPositiveDefinite&) {
            kept.model.reset();
        }
    }
    kept.model.reset();
    kept.members = representative(moves_, request.rows, values, most);
    kept.rows = gather(request.rows, kept.members);
    std::vector<double> theta = in_use_;
    const std::size_t noise_at = d + 1;
    for (;;) {
        try {
            gp::Regressor model(lapack_, moves_.types(), theta, options_.covariance);
            model.assign({kept.rows.data(), kept.members.size(), d});
            kept.model.emplace(std::move(model));
            break;
        } catch (const NotPositiveDefinite&) {  // a smoother model, as elsewhere
            if (theta[noise_at] > std::log(100.0)) throw;
            theta[noise_at] += std::log(100.0);
        }
    }
    kept.n = request.n();
    kept.version = version_in_use_;
    return kept;
}

std::vector<double> Draft::suggest(const Request& request, const std::vector<double>& chosen, std::size_t count) {
    if (request.n() < 2 || count == 0) return {};
    const std::lock_guard<std::mutex> lock(turn_);
    const std::size_t d = moves_.d(), n_chosen = chosen.size() / d, n = request.n();
    const Rows before{chosen.data(), n_chosen, d};
    const auto begin = Deadline::Clock::now();
    const Deadline until = Deadline::in(std::min(longest, request.deadline.left()));
    const std::vector<double> values = kept_values(request);
    fit(request, values, until);
    const std::size_t level = affordable(request, until.left());
    const Kept& kept = build(request, values, level);
    gp::Regressor model = *kept.model;  // fantasies go to a copy

    const gp::TargetTransform outputs = gp::standardise(values, options_.views.front().transforms.front());
    std::vector<double> targets;
    for (const std::size_t i : kept.members) targets.push_back(outputs.y[i]);
    model.set_targets(targets);
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    const std::size_t n_incumbents = std::min<std::size_t>(options_.n_incumbents, n);
    std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(n_incumbents), order.end(),
                      [&](std::size_t a, std::size_t b) {
                          return outputs.y[a] < outputs.y[b] || (outputs.y[a] == outputs.y[b] && a < b);
                      });
    order.resize(n_incumbents);
    double best = outputs.y[order.front()];
    if (!request.std_errors.empty()) {
        std::vector<double> fitted(targets.size());
        model.fitted(targets, fitted);
        best = *std::min_element(fitted.begin(), fitted.end());
    }
    const double worst = *std::max_element(outputs.y.begin(), outputs.y.end());
    const Rows failed = request.failed, pending = request.pending;
    for (std::size_t i = failed.n - std::min(failed.n, most_fantasies); i < failed.n; ++i)
        (void)pretend(model, targets, failed[i], worst);
    const std::size_t n_told = targets.size();
    for (std::size_t i = pending.n - std::min(pending.n, most_fantasies); i < pending.n; ++i)
        if (pretend(model, targets, pending[i], {})) best = std::min(best, targets.back());
    for (std::size_t i = n_chosen - std::min(n_chosen, most_fantasies); i < n_chosen; ++i)
        if (pretend(model, targets, before[i], {})) best = std::min(best, targets.back());

    acquisition::Ensemble acquisition({acquisition::Kind::log_ei, 0.0, {}});
    if (options_.prior) acquisition.weigh(options_.prior, n);
    acquisition.add(model, best);
    const std::vector<double> incumbent_data = gather(request.rows, order);
    const Rows incumbents{incumbent_data.data(), n_incumbents, d};
    const bool searches = count == 1 && until.left() > worth_a_search;
    acquisition::SearchOptions options = options_.search;
    if (!searches) {
        options.n_global = std::min<std::size_t>(options.n_global, level == 0 ? 16 + 2 * count : 64 + 4 * count);
        options.n_local =
            std::min<std::size_t>(options.n_local, (level == 0 ? 32 + 2 * count : 64 + 4 * count) / n_incumbents);
    }
    const double side = options_.trust_region.side(values, d);
    acquisition::Maximizer maximizer(moves_, options, incumbents[0], side < 1.0 ? 0.5 * side : 1.0);
    maximizer.add_candidates(request.extra);
    Sightings sightings(request);
    for (std::size_t i = 0; i < n_chosen; ++i) sightings.note(before[i]);
    Philox stream(request.key, request.number + n_chosen, streams::at_attempt(streams::gp_search, request.attempt));
    std::vector<double> out, row(d);
    if (searches) {
        if (maximizer.maximize(acquisition, incumbents, {n_told, targets.size() - n_told}, sightings.seen(),
                               request.feasible, stream, row, until, request.repeats > 1))
            out = row;
        return out;
    }
    std::vector<double> full, row_data;
    maximizer.candidates(incumbents, stream, full, row_data);
    const std::size_t total = row_data.size() / d;
    const Rows rows{row_data.data(), total, d};
    std::vector<double> scores(total);
    const auto allowed = std::make_unique<bool[]>(total);
    std::fill(allowed.get(), allowed.get() + total, true);
    if (request.feasible) request.feasible(rows, {allowed.get(), total});
    acquisition.values(rows, scores);
    order.resize(total);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::erase_if(order, [&](std::size_t i) { return !allowed[i] || sightings.seen().contains(rows[i]); });
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
    for (const std::size_t i : greedy(model, rows, order, scores, best, count)) {
        if (out.size() == count * d) break;
        const Column at = rows[i];
        if (sightings.seen().contains(at)) continue;  // equal candidates
        out.insert(out.end(), at.begin(), at.end());
        sightings.note(at);
    }
    while (out.size() < count * d && maximizer.anything_unseen(sightings.seen(), request.feasible, stream, row)) {
        out.insert(out.end(), row.begin(), row.end());
        sightings.note(row);
    }
    const double taken = seconds_since(begin);
    constexpr double memory = 0.9;
    const std::lock_guard<std::mutex> theta_lock(theta_);
    if (level == 0) least_seconds_ = std::min(std::max(taken, memory * least_seconds_), 5e-3);
    rate_ = std::min(std::max(taken / work(sizes[level]), memory * rate_), 4e-9);
    return out;
}

}  // namespace hpcore::bo
