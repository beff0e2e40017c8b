#include "hpcore/tpe/suggester.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "hpcore/records/failures.hpp"
#include "hpcore/streams.hpp"
#include "hpcore/tpe/kernel_sums.hpp"

namespace hpcore::tpe {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// Finer grids are taken for continuous: their cells are narrower than the narrowest usual kernel.
constexpr std::size_t max_levels = 64;
// Up to here twice the candidates: worth about 1.6 points of the quality benchmark at 50 evaluations.
constexpr std::size_t few_trials = 64;
// Of the ratio of the densities beside the merit, which knows much of the same: benchmarks/quality/tpe_ablation.md.
constexpr double ratio_weight = 0.5;
// One value alone is improved by turns of the regression, of the trend and of the ratio: where one of them is wrong,
// the others still find the optimum. The regression rules while so few trials are known, where densities say little;
// its length is shorter and the ratio counts whole, which keeps it from closing in on one valley. The same file.
constexpr std::size_t n_turns = 3, few_for_densities = 25;
constexpr double improvement_length = 0.2, improvement_ratio_weight = 1.0;
constexpr std::size_t pack_of_candidates = 8;  // that are scored first: usually the best is among them
constexpr double near_bound = 0.05;            // several times what bounds are usually apart from scores
constexpr double rounding = 1e-9;              // far above that of logarithms, so that bounds hold
constexpr std::size_t n_cheap_starts = 64;     // points among which the start looks for cheap ones

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

// --- points that no density rules ---------------------------------------------------------------------------------

void Suggester::random_point(Philox& random, MutableColumn u) const {
    for (double& x : u) x = random.uniform();
}

// Point `number` of a Latin hypercube of n_startup points (McKay, Beckman & Conover 1979), the same for every call.
void Suggester::even_point(Philox::Key key, std::uint64_t number, MutableColumn u) const {
    Philox shuffle(key, 0, streams::tpe_shuffle);
    Philox random(key, number, streams::tpe_even);
    const std::size_t n = options_.n_startup;
    std::vector<std::size_t> cell(n);
    for (std::size_t j = 0; j < d_; ++j) {
        std::iota(cell.begin(), cell.end(), std::size_t{0});
        for (std::size_t i = n; i > 1; --i) std::swap(cell[i - 1], cell[shuffle.below(i)]);
        u[j] = (static_cast<double>(cell[number]) + random.uniform()) / static_cast<double>(n);
    }
}

void Suggester::set_prior(const Kernel<DensityKernel>& prior) {
    if (groups_.size() != 1) throw std::invalid_argument("a prior needs columns that are active together");
    std::vector<Axis> axes;
    for (const std::size_t j : groups_.front().columns) axes.push_back(axes_[j]);
    prior_.emplace(prior, axes, groups_.front().columns);
}

void Suggester::prior_point(Philox& random, MutableColumn u) {
    Group& group = groups_.front();
    group.batch.reset(group.columns.size(), 1);
    prior_->draw(random, group.batch, 0);
    place(group, 0, u);
}

// Points for a trial before the densities rule.
void Suggester::start(const Request& request, MutableRows out) {
    const auto [key, number, attempt, pending] = request;
    Philox random(key, number, streams::at_attempt(streams::tpe_startup, attempt));
    for (std::size_t r = 0; r < out.n; ++r) {
        if (prior_ && (number + r) % 2 == 0)
            prior_point(random, out[r]);
        else if (r == 0 && attempt == 0 && number < options_.n_startup)
            even_point(key, number, out[r]);
        else
            random_point(random, out[r]);
    }
}

// Once a few costs are known, points that are cheap and far from all others come first.
void Suggester::cheap_start(const Request& request, const std::vector<double>& waiting, MutableRows out) {
    Philox random(request.key, request.number, streams::at_attempt(streams::tpe_startup, request.attempt));
    std::vector<double> u(n_cheap_starts * d_), rows(u.size());
    const MutableRows points{u.data(), n_cheap_starts, d_}, coordinates{rows.data(), n_cheap_starts, d_};
    std::vector<space::Value> scratch(d_);
    for (std::size_t i = 0; i < n_cheap_starts; ++i) {
        random_point(random, points[i]);
        coordinates_of(points[i], scratch, coordinates[i]);
    }
    std::vector<double> tried;
    for (const double* row = coordinates_.data(); row != coordinates_.data() + coordinates_.size(); row += d_)
        if (!std::all_of(row, row + d_, [](double x) { return std::isnan(x); }))
            tried.insert(tried.end(), row, row + d_);
    tried.insert(tried.end(), waiting.begin(), waiting.end());
    const std::vector<std::size_t> order = merit_->cheap_and_far(coordinates, {tried.data(), tried.size() / d_, d_});
    for (std::size_t r = 0; r < out.n; ++r) {
        if (r < order.size())
            std::ranges::copy(points[order[r]], out[r].begin());
        else
            random_point(random, out[r]);
    }
}

// Coordinates of the point that u (d,) decodes to, NaN where inactive.
void Suggester::coordinates_of(Column u, std::vector<space::Value>& scratch, MutableColumn out) const {
    std::ranges::copy(u, out.begin());
    codec_->snap(out, scratch);
    for (std::size_t j = 0; j < d_; ++j)
        if (!std::isnan(out[j])) out[j] = axes_[j].coordinate(out[j]);
}

// --- one suggestion -----------------------------------------------------------------------------------------------

void Suggester::suggest(const Request& request, MutableRows out) {
    if (n_finite_ < options_.n_startup) {
        start(request, out);
        return;
    }
    if (has_regression_turn(request.number)) {
        by_improvement(request, out);
        return;
    }
    const bool with_trend = has_trend_turn(request.number);
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
                if (draw_candidates(group, random, waiting)) {
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
    return has_regression() && (n_finite_ < few_for_densities || number % n_turns == 0);
}

bool Suggester::has_trend_turn(std::uint64_t number) const {
    return options_.trend && (has_regression() ? number % n_turns == 1 : number % 2 == 1);
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

// False if all its candidates are random, as no trial of the group has a value.
bool Suggester::draw_candidates(Group& group, Philox& random, const std::vector<double>& pending) {
    group.proposed = true;
    group.best.clear();
    group.open.clear();
    // Few kernels are scored quickly, so there is time for more candidates.
    const std::size_t times = group.ranking.members().size() < few_trials ? 2 : 1;
    group.n_draws = times * options_.n_draws;
    group.n_uniform = times * options_.n_uniform;
    group.n_mutants = times * options_.n_mutants;
    group.batch.reset(group.columns.size(), times * options_.candidates());
    group.score.assign(group.batch.padded(), 0.0);
    group.merit.assign(group.batch.padded(), 0.0);
    if (group.ranking.n_finite() == 0) {
        group.batch.resize(times * options_.candidates());
        uniforms(group, random, 0, group.batch.size());
        return false;
    }
    fit(group, pending);
    candidates(group, random);
    return true;
}

void Suggester::propose(Group& group, Philox random, const std::vector<double>& pending) {
    if (draw_candidates(group, random, pending)) score(group);
}

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

double Suggester::bandwidth(std::size_t n, std::size_t d) const {
    const double scale = options_.adaptive && !scale_.empty() ? scale_.back() : 1.0;
    const double count = static_cast<double>(std::max<std::size_t>(n, 1));
    return std::clamp(options_.bandwidth * scale * std::pow(count, -1.0 / (static_cast<double>(d) + 4.0)),
                      options_.min_bandwidth, 1.0);
}

void Suggester::fit(Group& group, const std::vector<double>& pending) {
    const std::size_t d = group.columns.size();
    const auto add = [&](const double* row) {
        for (const std::size_t j : group.columns) points_.push_back(row[j]);
    };
    points_.clear();
    values_.clear();
    weights_.clear();
    const std::vector<Ranking::Entry>& good = group.ranking.good();
    const std::size_t n_good = good.size();
    // Best first: weight ln(n + 1) - ln(rank), mean 1, the recombination weights of Hansen 2016, eq. 49, over all
    // ranks.
    double sum = 0.0;
    for (std::size_t r = 0; r < n_good; ++r) {
        add(coordinates_.data() + good[r].trial * d_);
        values_.push_back(good[r].value);
        const double w = options_.weights == Weights::uniform
                             ? 1.0
                             : std::log(static_cast<double>(n_good + 1)) - std::log(static_cast<double>(r + 1));
        weights_.push_back(w);
        sum += w;
    }
    for (double& w : weights_) w *= static_cast<double>(n_good) / sum;
    h_.assign(d, bandwidth(n_good, d));
    group.good.fit({points_.data(), n_good, d}, weights_, options_.prior_weight, h_,
                   1.0 / (static_cast<double>(n_good) + 1.0));

    weights_.clear();
    const std::vector<std::uint32_t>& members = group.ranking.members();
    for (std::size_t i = members.size(); i-- > 0 && weights_.size() < options_.max_bad;) {
        if (group.ranking.is_good(members[i])) continue;
        add(coordinates_.data() + members[i] * d_);
        values_.push_back(records::rank_of(value_[members[i]]));
        weights_.push_back(1.0);
    }
    if (options_.constant_liar) {
        for (std::size_t p = 0; p * d_ < pending.size(); ++p) {
            const double* row = pending.data() + p * d_;
            if (std::isnan(row[group.columns.front()])) continue;
            add(row);
            weights_.push_back(1.0);
        }
    }
    const std::size_t n_bad = weights_.size();
    h_.assign(d, bandwidth(n_bad, d));
    group.bad.fit({points_.data() + n_good * d, n_bad, d}, weights_, options_.prior_weight, h_,
                  1.0 / (static_cast<double>(n_bad) + 1.0));
}

// Fit the trend to those points of the densities that have a result.
bool Suggester::fit_trend(Group& group) {
    return group.trend.fit({points_.data(), values_.size(), group.columns.size()}, values_,
                           group.ranking.good().size());
}

void Suggester::uniforms(Group& group, Philox& random, std::size_t first, std::size_t n) {
    for (std::size_t a = 0; a < group.columns.size(); ++a) {
        const Axis& axis = axes_[group.columns[a]];
        double* x = &group.batch.at(a, first);
        random.fill_uniform({x, n});
        if (axis.continuous()) continue;
        for (std::size_t i = 0; i < n; ++i) x[i] = axis.coordinate(x[i]);
    }
}

void Suggester::candidates(Group& group, Philox& random) {
    Batch& batch = group.batch;
    std::size_t i = 0;
    group.good.draw(random, batch, 0, group.n_draws, true);
    for (std::size_t c = 0; prior_ && c < group.n_draws; ++c)
        if (group.good.from_prior(c)) prior_->draw(random, batch, c);
    i += group.n_draws;
    uniforms(group, random, i, group.n_uniform);
    i += group.n_uniform;
    const std::size_t parents = std::min<std::size_t>(3, group.ranking.good().size());
    mutants(group, random, parents, i);
    batch.resize(i + group.n_mutants);
}

// The best points, each moved in a few columns: by about 0.05 or 0.2 of the range, or to another category.
void Suggester::mutants(Group& group, Philox& random, std::size_t parents, std::size_t first) {
    const std::size_t d = group.columns.size();
    // One number u decides if a column moves (u < p), and by how much (u / p).
    const double p = std::max(0.3, 2.0 / static_cast<double>(d));
    words_.resize(group.n_mutants * (d + 1));
    random.fill_uniform(words_);
    const double* u = words_.data();
    // One place more than there can be moves, as the next one is written before it is known to be one.
    moves_.resize(group.n_mutants * d + 1);
    steps_.resize(moves_.size() + 8);
    std::size_t n_moves = 0;
    for (std::size_t c = 0; c < group.n_mutants; ++c) {
        const double* parent = coordinates_.data() + group.ranking.good()[c % parents].trial * d_;
        const auto pick = static_cast<std::size_t>(*u++ * static_cast<double>(2 * d));
        const std::size_t sure = pick / 2;
        const double step = pick % 2 == 0 ? 0.05 : 0.2;
        for (std::size_t a = 0; a < d; ++a, ++u) {
            group.batch.at(a, first + c) = parent[group.columns[a]];
            moves_[n_moves] = {static_cast<std::uint32_t>(a), static_cast<std::uint32_t>(first + c), step};
            steps_[n_moves] = a == sure ? *u : *u / p;
            n_moves += a == sure || *u < p ? 1u : 0u;
        }
    }
    moves_.resize(n_moves);
    steps_.resize(n_moves);
    probabilities_ = steps_;
    steps_.resize((steps_.size() + 7) / 8 * 8, 0.5);
    quantile_array(steps_.data(), steps_.size());
    for (std::size_t m = 0; m < moves_.size(); ++m) {
        const Axis& axis = axes_[group.columns[moves_[m].axis]];
        double& x = group.batch.at(moves_[m].axis, moves_[m].slot);
        if (axis.unordered)
            x = axis.coordinate(probabilities_[m]);
        else
            x = axis.coordinate(std::clamp(axis.position(x) + moves_[m].step * steps_[m], 0.0, 1.0));
    }
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

void Suggester::place(const Group& group, std::uint32_t candidate, MutableColumn u) const {
    for (std::size_t a = 0; a < group.columns.size(); ++a) {
        const std::size_t j = group.columns[a];
        u[j] = axes_[j].position(group.batch.at(a, candidate));
    }
}

}  // namespace hpcore::tpe
