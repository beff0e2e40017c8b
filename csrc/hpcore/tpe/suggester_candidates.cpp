#include <algorithm>
#include <cmath>

#include "hpcore/records/failures.hpp"
#include "hpcore/tpe/kernel_sums.hpp"
#include "hpcore/tpe/suggester.hpp"

// The densities of a group, and candidates drawn from them, all over the space and near the best points.
namespace hpcore::tpe {
namespace {

// Up to here twice the candidates: worth about 1.6 points of the quality benchmark at 50 evaluations.
constexpr std::size_t few_trials = 64;

}  // namespace

// False if all its candidates are random, as no trial of the group has a value.
bool Suggester::draw_candidates(Group& group, Philox& random, const std::vector<double>& pending, bool local) {
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
    group.box = Box(group.columns.size());
    if (group.ranking.n_finite() == 0) {
        group.batch.resize(times * options_.candidates());
        uniforms(group, random, 0, group.batch.size());
        return false;
    }
    if (local && can_look_near_best(group)) look_near_best(group);
    fit(group, pending);
    candidates(group, random);
    return true;
}

void Suggester::propose(Group& group, Philox random, const std::vector<double>& pending) {
    if (draw_candidates(group, random, pending)) score(group);
}

double Suggester::bandwidth(const Group& group, std::size_t n) const {
    const auto d = static_cast<double>(group.columns.size());
    const auto count = static_cast<double>(std::max<std::size_t>(n, 1));
    const double usual = options_.bandwidth * std::pow(count, -1.0 / (d + 4.0));
    if (!group.box.whole) return std::clamp(usual, options_.min_bandwidth, 1.0);
    const double scale = options_.adaptive && !scale_.empty() ? scale_.back() : 1.0;
    const double h = std::clamp(scale * usual, options_.min_bandwidth, 1.0);
    // No wider than points lie apart, or the densities would not know of the gaps between them: a matter of one or two
    // columns, as in more of them points are never that dense.
    return group.continuous ? std::min(h, std::pow(static_cast<double>(group.ranking.members().size()), -1.0 / d)) : h;
}

void Suggester::fit(Group& group, const std::vector<double>& pending) {
    const std::size_t d = group.columns.size();
    const auto add = [&](const double* row) {
        for (std::size_t a = 0; a < d; ++a) points_.push_back(group.box.inside(a, row[group.columns[a]]));
    };
    points_.clear();
    values_.clear();
    weights_.clear();
    const std::span<const Ranking::Entry> good = good_of(group);
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
    h_.assign(d, bandwidth(group, n_good));
    group.good.fit({points_.data(), n_good, d}, weights_, options_.prior_weight, h_,
                   1.0 / (static_cast<double>(n_good) + 1.0));

    weights_.clear();
    const auto add_bad = [&](std::uint32_t trial) {
        add(coordinates_.data() + trial * d_);
        values_.push_back(records::rank_of(value_[trial]));
        weights_.push_back(1.0);
    };
    if (group.box.whole) {
        const std::vector<std::uint32_t>& members = group.ranking.members();
        for (std::size_t i = members.size(); i-- > 0 && weights_.size() < options_.max_bad;)
            if (!group.ranking.is_good(members[i])) add_bad(members[i]);
    } else {
        for (std::size_t i = n_good; i < group.box.trials.size(); ++i) add_bad(group.box.trials[i].trial);
    }
    if (options_.constant_liar) {
        for (std::size_t p = 0; p * d_ < pending.size(); ++p) {
            const double* row = pending.data() + p * d_;
            if (std::isnan(row[group.columns.front()]) || !holds(group, row)) continue;
            add(row);
            weights_.push_back(1.0);
        }
    }
    const std::size_t n_bad = weights_.size();
    h_.assign(d, bandwidth(group, n_bad));
    group.bad.fit({points_.data() + n_good * d, n_bad, d}, weights_, options_.prior_weight, h_,
                  1.0 / (static_cast<double>(n_bad) + 1.0));
}

// Fit the trend to those points of the densities that have a result.
bool Suggester::fit_trend(Group& group) {
    return group.trend.fit({points_.data(), values_.size(), group.columns.size()}, values_, good_of(group).size());
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
    mutants(group, random, i);
    batch.resize(i + group.n_mutants);
}

// The best points, each moved in a few columns: by about 0.05 or 0.2 of the range, or to another category.
void Suggester::mutants(Group& group, Philox& random, std::size_t first) {
    const std::span<const Ranking::Entry> good = good_of(group);
    const std::size_t parents = std::min<std::size_t>(3, good.size());
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
        const double* parent = coordinates_.data() + good[c % parents].trial * d_;
        const auto pick = static_cast<std::size_t>(*u++ * static_cast<double>(2 * d));
        const std::size_t sure = pick / 2;
        const double step = pick % 2 == 0 ? 0.05 : 0.2;
        for (std::size_t a = 0; a < d; ++a, ++u) {
            group.batch.at(a, first + c) = group.box.inside(a, parent[group.columns[a]]);
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

void Suggester::place(const Group& group, std::uint32_t candidate, MutableColumn u) const {
    for (std::size_t a = 0; a < group.columns.size(); ++a) {
        const std::size_t j = group.columns[a];
        const double x = axes_[j].position(group.box.outside(a, group.batch.at(a, candidate)));
        u[j] = std::min(x, 1.0);  // which rounding may exceed
    }
}

}  // namespace hpcore::tpe
