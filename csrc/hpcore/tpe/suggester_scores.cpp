#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "hpcore/tpe/kernel_sums.hpp"
#include "hpcore/tpe/suggester.hpp"

// Scores of candidates, no more of them than have to be known.
namespace hpcore::tpe {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::size_t pack_of_candidates = 8;  // that are scored first: usually the best is among them
constexpr double near_bound = 0.05;            // several times what bounds are usually apart from scores
constexpr double rounding = 1e-9;              // far above that of logarithms, so that bounds hold

}  // namespace

// What a score does not exceed is known long before the score itself, which most candidates then need not have.
void Suggester::weigh(Group& group, double weight, std::size_t n_wanted) {
    const std::size_t n = group.batch.size();
    if (n_wanted > pack_of_candidates) {
        score(group);
        for (std::size_t i = 0; i < n; ++i) group.score[i] = weight * group.score[i] + group.merit[i];
        return;
    }
    score_good(group);
    group.weight = weight;
    log_bad_.resize(group.batch.padded());
    group.bad.log_bound(group.batch, group.log_prior, log_bad_);
    group.bound.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
        const double bound = weight * (group.log_good[i] - log_bad_[i]) + rounding + group.merit[i];
        group.bound[i] = std::isnan(bound) ? inf : bound;
    }
    std::fill(group.score.begin(), group.score.end(), -inf);
    group.open.resize(n);
    std::iota(group.open.begin(), group.open.end(), std::uint32_t{0});
}

// log_prior is that of the bad density's prior component.
void Suggester::score_good(Group& group) {
    const std::size_t padded = group.batch.padded();
    group.log_good.resize(padded);
    group.log_prior.resize(padded);
    if (prior_) {
        prior_->log_density(group.batch, group.log_prior);
        group.good.log_density(group.batch, group.log_prior, group.log_good);
    }
    group.bad.log_prior(group.batch, group.log_prior);
    if (!prior_) group.good.log_density(group.batch, group.log_prior, group.log_good);
}

void Suggester::score(Group& group) {
    score_good(group);
    log_bad_.resize(group.batch.padded());
    group.bad.log_density(group.batch, group.log_prior, log_bad_);
    for (std::size_t i = 0; i < group.batch.size(); ++i) group.score[i] = group.log_good[i] - log_bad_[i];
}

// Score those open candidates that have the highest bounds, all at least `least`: at first those near the highest one,
// usually enough, then blocks.
void Suggester::score_most_promising(Group& group, double least) {
    std::size_t most = block;
    if (group.open.size() == group.batch.size()) {
        most = pack_of_candidates;
        for (const double bound : group.bound) least = std::max(least, bound - near_bound);
    }
    promising_.resize(group.open.size());
    std::size_t kept = 0;
    for (const std::uint32_t i : group.open) {
        promising_[kept] = i;
        kept += group.bound[i] >= least ? 1u : 0u;
    }
    promising_.resize(kept);
    if (kept > most) {
        const auto higher = [&](std::uint32_t a, std::uint32_t b) { return group.bound[a] > group.bound[b]; };
        std::nth_element(promising_.begin(), promising_.begin() + static_cast<std::ptrdiff_t>(most), promising_.end(),
                         higher);
        promising_.resize(most);
    }
    const std::size_t n = promising_.size(), axes = group.columns.size();
    some_.reset(axes, n, pack_of_candidates);
    some_.resize(n);
    for (std::size_t a = 0; a < axes; ++a)
        for (std::size_t k = 0; k < n; ++k) some_.at(a, k) = group.batch.at(a, promising_[k]);
    some_prior_.assign(some_.padded(), 0.0);
    for (std::size_t k = 0; k < n; ++k) some_prior_[k] = group.log_prior[promising_[k]];
    log_bad_.resize(some_.padded());
    group.bad.log_density(some_, some_prior_, log_bad_);
    for (std::size_t k = 0; k < n; ++k) {
        const std::uint32_t i = promising_[k];
        group.score[i] = group.weight * (group.log_good[i] - log_bad_[k]) + group.merit[i];
        group.bound[i] = -inf;
    }
    std::erase_if(group.open, [&](std::uint32_t i) { return group.bound[i] == -inf; });
}

void Suggester::log_ratio(Rows rows, MutableRows out) {
    for_each_group(rows, out, [this](Group& group) { score(group); });
}

void Suggester::log_trend(Rows rows, MutableRows out) {
    for_each_group(rows, out, [this](Group& group) {
        if (fit_trend(group)) group.trend.add_log_probability(group.batch, group.score);
    });
}

// Rows as each group's batch, what `judge` makes of them from score 0.
template <class Judge>
void Suggester::for_each_group(Rows rows, MutableRows out, Judge judge) {
    const std::size_t n = rows.n;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        Group& group = groups_[g];
        const auto active = [&](std::size_t i) { return !std::isnan(rows(i, group.columns.front())); };
        group.batch.reset(group.columns.size(), n);
        group.batch.resize(n);
        group.score.assign(group.batch.padded(), 0.0);
        for (std::size_t i = 0; i < n; ++i) {
            for (std::size_t a = 0; a < group.columns.size(); ++a) {
                const std::size_t j = group.columns[a];
                group.batch.at(a, i) = active(i) ? axes_[j].coordinate(rows(i, j)) : 0.0;
            }
        }
        if (group.ranking.n_finite() > 0) {
            group.box = Box(group.columns.size());
            fit(group, {});
            judge(group);
        }
        for (std::size_t i = 0; i < n; ++i) out(i, g) = active(i) ? group.score[i] : nan;
    }
}

// The candidate that comes at `rank` by score; of equal scores the first. Past the last one the best again.
std::uint32_t Suggester::nth(Group& group, std::size_t rank) {
    while (group.best.size() <= rank && group.best.size() < group.batch.size()) {
        std::uint32_t best = 0;
        double score = -inf, bound = -inf;
        for (std::size_t i = 0; i < group.batch.size(); ++i) {
            if (group.score[i] > score) {
                score = group.score[i];
                best = static_cast<std::uint32_t>(i);
            }
        }
        for (const std::uint32_t i : group.open) bound = std::max(bound, group.bound[i]);
        if (bound >= score && bound > -inf) {
            score_most_promising(group, score);
            continue;
        }
        group.best.push_back(best);
        group.score[best] = -inf;
    }
    return group.best[rank < group.best.size() ? rank : 0];
}

}  // namespace hpcore::tpe
