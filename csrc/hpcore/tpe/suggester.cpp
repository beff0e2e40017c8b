#include "hpcore/tpe/suggester.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "hpcore/records/failures.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::tpe {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// Finer grids are taken for continuous: their cells are narrower than the narrowest usual kernel.
constexpr std::size_t max_levels = 64;
// Of the ratio of the densities beside the merit, which knows much of the same: benchmarks/quality/tpe_ablation.md.
constexpr double ratio_weight = 0.5;
// One value alone is improved by turns of the regression, of the trend and of the ratio: where one of them is wrong,
// the others still find the optimum. The regression rules while so few trials are known, where densities say little;
// its length is shorter and the ratio counts whole, which keeps it from closing in on one valley. The same file.
constexpr std::size_t n_turns = 3, few_for_densities = 25, few_per_column = 8;
constexpr double improvement_length = 0.2, improvement_ratio_weight = 1.0;
// One proposal in four looks at what is near the best point only, as soon as so many trials show where that is.
constexpr std::size_t n_local_turns = 4, few_for_local = 50;

Axis axis_of(const space::Codec& codec, std::size_t j, bool unordered) {
    const space::Column& c = codec.column(j);
    const bool levelled = c.gridded || c.kind == space::Kind::choice;
    // Categories keep their table whatever their number: there is no axis to take them for.
    if (!levelled || (!unordered && c.last >= max_levels)) return {};
    const auto levels = static_cast<std::size_t>(c.last) + 1;
    Axis axis = even_axis(levels, unordered);
    for (std::size_t l = 0; l < levels; ++l) {
        const double end = codec.cell_end(j, l);
        axis.even = axis.even && std::fabs(end - axis.edges[l + 1]) < 1e-14;
        axis.edges[l + 1] = end;
    }
    return axis;
}

bool same(const space::Column::Condition& a, const space::Column::Condition& b) {
    return a.parent == b.parent && a.alternative == b.alternative && a.by_level == b.by_level && a.levels == b.levels &&
           a.level_low == b.level_low && a.level_high == b.level_high && a.real_low == b.real_low &&
           a.real_high == b.real_high;
}

bool same_conditions(const space::Column& a, const space::Column& b) {
    return std::equal(a.conditions.begin(), a.conditions.end(), b.conditions.begin(), b.conditions.end(), same);
}

// Coordinates of a row that was recorded without some of the columns of a group, while others are there. Such values
// are not known, so that they are spread evenly over the rows, as if drawn from a uniform prior: they say nothing about
// where good points are. A group without any value is inactive.
template <class Groups>
void spread_missing(const Groups& groups, const std::vector<Axis>& axes, std::size_t number, MutableColumn row) {
    constexpr double golden = 0.6180339887498949;  // its multiples, modulo 1, are spread evenly
    for (const auto& group : groups) {
        const auto missing = [&](std::size_t j) { return std::isnan(row[j]); };
        const auto n = static_cast<std::size_t>(std::ranges::count_if(group.columns, missing));
        if (n == 0 || n == group.columns.size()) continue;
        for (const std::size_t j : group.columns) {
            if (!missing(j)) continue;
            const double place = golden * (static_cast<double>(number) + 1.0) + std::sqrt(static_cast<double>(j));
            row[j] = axes[j].coordinate(place - std::floor(place));
        }
    }
}

}  // namespace

Suggester::Suggester(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& unordered,
                     const Options& options)
    : codec_(std::move(codec)), options_(options), d_(codec_->size()) {
    for (std::size_t j = 0; j < d_; ++j) {
        axes_.push_back(axis_of(*codec_, j, unordered[j]));
        const space::Column& c = codec_->column(j);
        endless_ = endless_ || !(c.gridded || c.kind == space::Kind::choice);
    }
    std::vector<std::vector<std::size_t>> groups;
    for (const std::size_t j : codec_->order()) {
        const auto fits = [&](const std::vector<std::size_t>& group) {
            return options_.joint && same_conditions(codec_->column(group.front()), codec_->column(j));
        };
        const auto group = std::find_if(groups.begin(), groups.end(), fits);
        if (group == groups.end())
            groups.push_back({j});
        else
            group->push_back(j);
    }
    for (std::vector<std::size_t>& columns : groups) {
        std::vector<Axis> axes;
        for (const std::size_t j : columns) axes.push_back(axes_[j]);
        groups_.emplace_back(std::move(columns), std::move(axes), options_);
    }
}

void Suggester::clear() {
    forget_results();
    rows_ = 0;
    coordinates_.clear();
    seen_.clear();
}

void Suggester::forget_results() {
    first_open_ = n_finite_ = 0;
    ended_.clear();
    value_.clear();
    least_.clear();
    scale_.clear();
    for (Group& group : groups_) group.ranking = Ranking(options_.gamma, options_.max_good);
}

void Suggester::update(const records::Trials& trials) {
    try {
        absorb(trials);
    } catch (...) {  // out of memory half-way: better nothing than a part
        clear();
        throw;
    }
}

void Suggester::absorb(const records::Trials& trials) {
    const std::size_t n = trials.n();
    coordinates_.resize(n * d_);
    for (std::size_t i = rows_; i < n; ++i) {
        const Column row = trials.rows[i];
        const bool absent = trials.absent(i);
        for (std::size_t j = 0; j < d_; ++j)
            coordinates_[i * d_ + j] = absent || std::isnan(row[j]) ? nan : axes_[j].coordinate(row[j]);
        spread_missing(groups_, axes_, i, {coordinates_.data() + i * d_, d_});
        if (!absent) seen_.insert(row);
    }
    std::size_t first_new = rows_;
    rows_ = n;
    ended_.resize(n, 0);
    value_.resize(n, nan);
    least_.resize(n, inf);
    scale_.resize(n, 1.0);
    for (std::size_t i = first_open_; i < n; ++i) {
        if (ended_[i] || trials.pending(i)) continue;
        ended_[i] = 1;
        if (trials.absent(i)) continue;  // it has no place among the others, and passes on what came before it
        first_new = std::min(first_new, i);
        value_[i] = records::result_of(trials.counted(i), trials.values(i, 0));
        if (!std::isnan(value_[i])) ++n_finite_;
        for (Group& group : groups_) {
            if (std::isnan(coordinates_[i * d_ + group.columns.front()])) continue;
            group.ranking.insert({records::rank_of(value_[i]), static_cast<std::uint32_t>(i)});
        }
    }
    while (first_open_ < n && ended_[first_open_]) ++first_open_;
    // Trials that end out of order change what came after them; running ones pass on what came before.
    for (std::size_t i = first_new; i < n; ++i) {
        const double least = i > 0 ? least_[i - 1] : inf, scale = i > 0 ? scale_[i - 1] : 1.0;
        least_[i] = least;
        scale_[i] = scale;
        if (std::isnan(value_[i])) continue;
        if (value_[i] < least) {
            least_[i] = value_[i];
            scale_[i] = std::min(1.0, scale * options_.scale_up);
        } else {
            scale_[i] = std::max(options_.scale_min, scale * options_.scale_down);
        }
    }
}

// --- one suggestion -----------------------------------------------------------------------------------------------

void Suggester::suggest(const Request& request, MutableRows out) {
    if (n_finite_ < options_.n_startup) {
        start(request, out);
        return;
    }
    const bool local = has_local_turn(request.number);
    if (!local && has_regression_turn(request.number)) {
        by_improvement(request, out);
        return;
    }
    const bool with_trend = local ? options_.trend : has_trend_turn(request.number);
    const auto stream = [&](std::uint64_t purpose) {
        return Philox(request.key, request.number, streams::at_attempt(purpose, request.attempt));
    };
    space::RowSet taken;
    const std::vector<double> waiting = waiting_of(request.pending, taken);
    for (Group& group : groups_) {
        group.proposed = false;
        group.n_idle = 0;
    }
    const bool conditional = groups_.size() > 1;
    std::vector<space::Value> values(d_);
    std::vector<double> u(d_), snapped(d_);
    std::size_t found = 0, tries = options_.candidates();
    for (std::size_t rank = 0; rank < tries && found < out.n; ++rank) {
        std::fill(u.begin(), u.end(), 0.5);
        for (std::size_t g = 0; g < groups_.size(); ++g) {
            Group& group = groups_[g];
            if (conditional) {
                codec_->decode(u, values);
                if (!values[group.columns.front()].active) continue;
            }
            if (!group.proposed) {
                Philox random = stream(streams::tpe_group(g));
                if (draw_candidates(group, random, waiting, local)) {
                    if (with_trend && fit_trend(group)) group.trend.add_log_probability(group.batch, group.merit);
                    weigh(group, 1.0, out.n);
                }
            }
            tries = std::max(tries, group.batch.size());
            place(group, nth(group, rank - group.n_idle), u);
        }
        snapped = u;
        codec_->snap(snapped, values);
        const std::uint64_t h = space::RowSet::hash(snapped);
        if (seen_.contains(h) || !taken.insert(h)) {
            // A branch whose points are used up leaves the best candidates of the others where they are.
            for (Group& group : groups_)
                if (conditional && endless_ && !values[group.columns.front()].active) ++group.n_idle;
            continue;
        }
        std::ranges::copy(u, out[found++].begin());
    }
    Philox random = stream(streams::tpe_rest);
    for (; found < out.n; ++found) random_point(random, out[found]);
}

std::vector<double> Suggester::waiting_of(Rows pending, space::RowSet& taken) const {
    std::vector<double> waiting(pending.n * d_);
    for (std::size_t p = 0; p < pending.n; ++p) {
        for (std::size_t j = 0; j < d_; ++j) {
            const double u = pending(p, j);
            waiting[p * d_ + j] = std::isnan(u) ? nan : axes_[j].coordinate(u);
        }
        spread_missing(groups_, axes_, p, {waiting.data() + p * d_, d_});
        taken.insert(pending[p]);
    }
    return waiting;
}

void Suggester::suggest(const Request& request, const Outcomes& told, MutableRows out) {
    space::RowSet taken;
    const std::vector<double> waiting = waiting_of(request.pending, taken);
    if (!merit_) merit_ = std::make_unique<Merit>(axes_);
    merit_->fit(known(), value_, told, {waiting.data(), request.pending.n, d_});
    if (n_finite_ >= options_.n_startup)
        by_merit(*merit_, ratio_weight, request, waiting, taken, out);
    else if (merit_->knows_costs())
        cheap_start(request, waiting, out);
    else
        start(request, out);
}

// A user's prior says where good points are, which expected improvement would overrule.
bool Suggester::has_regression() const {
    return options_.regression && !prior_;
}

bool Suggester::has_regression_turn(std::uint64_t number) const {
    return has_regression() && (n_finite_ < std::min(few_for_densities, few_per_column * d_) || number % n_turns == 0);
}

bool Suggester::has_trend_turn(std::uint64_t number) const {
    return options_.trend && (has_regression() ? number % n_turns == 1 : number % 2 == 1);
}

// A user's prior is a density over the whole cube.
bool Suggester::has_local_turn(std::uint64_t number) const {
    return options_.local && !prior_ && n_finite_ >= few_for_local && number % n_local_turns == n_local_turns - 1 &&
           std::ranges::any_of(groups_, [&](const Group& group) { return can_look_near_best(group); });
}

void Suggester::by_improvement(const Request& request, MutableRows out) {
    space::RowSet taken;
    const std::vector<double> waiting = waiting_of(request.pending, taken);
    Outcomes told;
    told.objectives = {value_.data(), rows_, 1};
    if (!improvement_) improvement_ = std::make_unique<Merit>(axes_, improvement_length);
    improvement_->fit(known(), value_, told, {waiting.data(), request.pending.n, d_});
    by_merit(*improvement_, improvement_ratio_weight, request, waiting, taken, out);
}

void Suggester::by_merit(Merit& merit, double weight, const Request& request, const std::vector<double>& waiting,
                         space::RowSet& taken, MutableRows out) {
    if (groups_.size() > 1) {
        by_merit_of_rows(merit, weight, request, waiting, taken, out);
        return;
    }
    const auto stream = [&](std::uint64_t purpose) {
        return Philox(request.key, request.number, streams::at_attempt(purpose, request.attempt));
    };
    Group& group = groups_.front();
    Philox random = stream(streams::tpe_group(0));
    const bool has_ratio = draw_candidates(group, random, waiting);
    const std::size_t m = group.batch.size();
    coordinates_scratch_.resize(m * d_);
    const MutableRows rows{coordinates_scratch_.data(), m, d_};
    for (std::size_t a = 0; a < d_; ++a)
        for (std::size_t i = 0; i < m; ++i) rows(i, group.columns[a]) = group.batch.at(a, i);
    merit.add(rows, {group.merit.data(), m});
    if (has_ratio)
        weigh(group, weight, out.n);
    else
        group.score = group.merit;
    std::vector<space::Value> values(d_);
    std::vector<double> u(d_), snapped(d_);
    std::size_t found = 0;
    for (std::size_t rank = 0; rank < m && found < out.n; ++rank) {
        place(group, nth(group, rank), u);
        snapped = u;
        codec_->snap(snapped, values);
        const std::uint64_t h = space::RowSet::hash(snapped);
        if (!seen_.contains(h) && taken.insert(h)) std::ranges::copy(u, out[found++].begin());
    }
    random = stream(streams::tpe_rest);
    for (; found < out.n; ++found) random_point(random, out[found]);
}

// Every group proposes its candidates; the i-th ones together make a row, of which the inactive ones do not count.
void Suggester::by_merit_of_rows(Merit& merit, double weight, const Request& request,
                                 const std::vector<double>& waiting, space::RowSet& taken, MutableRows out) {
    const auto stream = [&](std::uint64_t purpose) {
        return Philox(request.key, request.number, streams::at_attempt(purpose, request.attempt));
    };
    std::size_t m = 0;
    for (std::size_t g = 0; g < groups_.size(); ++g) {
        propose(groups_[g], stream(streams::tpe_group(g)), waiting);
        m = std::max(m, groups_[g].batch.size());
    }
    std::vector<double> candidates(m * d_), coordinates(m * d_), score(m, 0.0);
    const MutableRows u{candidates.data(), m, d_}, rows{coordinates.data(), m, d_};
    std::vector<space::Value> values(d_);
    for (std::size_t i = 0; i < m; ++i) {
        for (const Group& group : groups_) place(group, static_cast<std::uint32_t>(i % group.batch.size()), u[i]);
        coordinates_of(u[i], values, rows[i]);
        for (const Group& group : groups_)
            if (!std::isnan(rows(i, group.columns.front()))) score[i] += weight * group.score[i % group.batch.size()];
    }
    merit.add(rows, score);
    std::vector<std::size_t> order(m);
    std::iota(order.begin(), order.end(), std::size_t{0});
    // The first allowed one is usually among the best few, so a heap takes less time than sorting all.
    const auto after = [&](std::size_t a, std::size_t b) {
        return score[a] < score[b] || (score[a] == score[b] && a > b);
    };
    std::make_heap(order.begin(), order.end(), after);
    std::size_t found = 0;
    std::vector<double> snapped(d_);
    for (; !order.empty() && found < out.n; order.pop_back()) {
        std::pop_heap(order.begin(), order.end(), after);
        const Column row = u[order.back()];
        std::ranges::copy(row, snapped.begin());
        codec_->snap(snapped, values);
        const std::uint64_t h = space::RowSet::hash(snapped);
        if (!seen_.contains(h) && taken.insert(h)) std::ranges::copy(row, out[found++].begin());
    }
    Philox random = stream(streams::tpe_rest);
    for (; found < out.n; ++found) random_point(random, out[found]);
}

}  // namespace hpcore::tpe
