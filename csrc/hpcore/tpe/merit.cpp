#include "hpcore/tpe/merit.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "hpcore/gp/target_transform.hpp"
#include "hpcore/tpe/kernel_sums.hpp"

namespace hpcore::tpe {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
// Points of a regression, half of them the best trials and half the newest: what bounds the time of a suggestion.
constexpr std::size_t most_points = 96, most_pending = 32;
constexpr double clip = 2.0;             // violations in units of their median size; their sign must survive
constexpr double reference_share = 0.1;  // the reference lies so much of the range beyond the worst
constexpr double cheap_share = 0.4;      // of the candidates of the start

std::vector<double> column(Rows from, std::size_t j, const std::vector<std::size_t>& trials) {
    std::vector<double> out;
    for (const std::size_t i : trials) out.push_back(from(i, j));
    return out;
}

// Violations in units of their median size, cut off.
void scale(std::vector<double>& c) {
    std::vector<double> sizes;
    for (const double v : c) sizes.push_back(std::fabs(v));
    const auto middle = sizes.begin() + static_cast<std::ptrdiff_t>(sizes.size() / 2);
    std::nth_element(sizes.begin(), middle, sizes.end());
    const double unit = *middle > 0.0 && std::isfinite(*middle) ? *middle : 1.0;
    for (double& v : c) v = std::clamp(v / unit, -clip, clip);
}

}  // namespace

void Merit::fit(Rows coordinates, Column place, const Outcomes& told, Rows pending) {
    const std::size_t d = axes_.size(), first_pending = pending.n > most_pending ? pending.n - most_pending : 0;
    coordinates_ = coordinates;
    n_ = coordinates.n;
    const Column newest = pending.part(first_pending, pending.n - first_pending).flat();
    pending_.assign(newest.begin(), newest.end());
    cost_points_.resize(told.cost_points.size());
    for (std::size_t i = 0; i < cost_points_.size(); ++i) {
        const double u = told.cost_points.data[i];
        cost_points_[i] = std::isnan(u) ? u : axes_[i % d].coordinate(u);
    }
    models_.clear();
    objectives_.clear();
    limits_.clear();
    cost_.clear();
    learn_objectives(place, told);
    learn_limits(place, told);
    learn_cost(place, told);
}

// At most most_points of the trials of which an output is known.
std::vector<std::size_t> Merit::chosen(std::vector<std::size_t> known, Column place) const {
    if (known.size() <= most_points) return known;
    const auto half = known.begin() + static_cast<std::ptrdiff_t>(most_points / 2);
    const auto rank = [&](std::size_t i) { return i >= n_ || std::isnan(place[i]) ? inf : place[i]; };
    std::nth_element(known.begin(), half, known.end(),
                     [&](std::size_t a, std::size_t b) { return rank(a) < rank(b) || (rank(a) == rank(b) && a < b); });
    std::nth_element(half, known.begin() + most_points, known.end(), std::greater<>());
    known.resize(most_points);
    std::sort(known.begin(), known.end());
    return known;
}

std::size_t Merit::model_of(const std::vector<std::size_t>& trials) {
    for (std::size_t g = 0; g < models_.size(); ++g)
        if (models_[g].trials == trials) return g;
    const std::size_t d = axes_.size(), n_pending = pending_.size() / d;
    std::vector<double> points((trials.size() + n_pending) * d);
    double* out = points.data();
    for (const std::size_t i : trials) {
        embedding_.place(i < n_ ? coordinates_[i] : Column{cost_points_.data() + (i - n_) * d, d}, {out, d});
        out += d;
    }
    for (std::size_t p = 0; p < n_pending; ++p, out += d) embedding_.place({pending_.data() + p * d, d}, {out, d});
    models_.emplace_back(embedding_);
    models_.back().trials = trials;
    models_.back().regression.fit({points.data(), trials.size() + n_pending, d}, n_pending);
    return models_.size() - 1;
}

void Merit::learn_objectives(Column place, const Outcomes& told) {
    const std::size_t m = told.objectives.d;
    std::vector<std::size_t> known;
    const auto finite = [](double v) { return std::isfinite(v); };
    for (std::size_t i = 0; i < n_; ++i)
        if (std::ranges::all_of(told.objectives[i], finite)) known.push_back(i);
    const std::vector<std::size_t> trials = chosen(std::move(known), place);
    std::vector<std::size_t> feasible;
    for (std::size_t t = 0; t < trials.size(); ++t) {
        if (std::ranges::all_of(told.violations[trials[t]], [](double v) { return v <= 0.0; })) feasible.push_back(t);
    }
    if (feasible.empty()) return;
    const std::size_t model = model_of(trials);
    std::vector<double> front(feasible.size() * m), reference(m);
    for (std::size_t j = 0; j < m; ++j) {
        const std::vector<double> values = column(told.objectives, j, trials);
        const std::vector<double> y = gp::standardise(values, gp::TransformKind::half_log).y;
        models_[model].regression.add_output(y);
        objectives_.push_back({model, j});
        const auto [low, high] = std::minmax_element(y.begin(), y.end());
        reference[j] = *high + reference_share * (*high - *low);
        for (std::size_t f = 0; f < feasible.size(); ++f) front[f * m + j] = y[feasible[f]];
    }
    if (m == 1)
        best_ = *std::min_element(front.begin(), front.end());
    else
        boxes_ = acquisition::undominated({front.data(), feasible.size(), m}, reference);
}

void Merit::learn_limits(Column place, const Outcomes& told) {
    for (std::size_t j = 0; j < told.violations.d; ++j) {
        std::vector<std::size_t> known;
        for (std::size_t i = 0; i < n_; ++i)
            if (!std::isnan(told.violations(i, j))) known.push_back(i);
        if (known.empty()) continue;
        const std::vector<std::size_t> trials = chosen(std::move(known), place);
        std::vector<double> c = column(told.violations, j, trials);
        scale(c);
        const std::size_t model = model_of(trials);
        limits_.push_back({model, models_[model].regression.outputs()});
        models_[model].regression.add_output(c);
    }
}

void Merit::learn_cost(Column place, const Outcomes& told) {
    std::vector<std::size_t> known;
    for (std::size_t i = 0; i < told.log_cost.size(); ++i)
        if (!std::isnan(told.log_cost[i])) known.push_back(i);
    for (std::size_t i = 0; i < told.cost_logs.size(); ++i) known.push_back(n_ + i);
    if (known.size() < 2) return;  // one cost says nothing of where others are
    const std::vector<std::size_t> trials = chosen(std::move(known), place);
    std::vector<double> y;
    for (const std::size_t i : trials) y.push_back(i < n_ ? told.log_cost[i] : told.cost_logs[i - n_]);
    const std::size_t model = model_of(trials);
    cost_.push_back({model, models_[model].regression.outputs()});
    models_[model].regression.add_output(y);
}

void Merit::embed(Rows rows) {
    const std::size_t d = axes_.size(), m = rows.n;
    padded_ = (m + block - 1) / block * block;
    rows_.assign(d * padded_, 0.0);
    std::vector<double> row(d);
    for (std::size_t i = 0; i < m; ++i) {
        embedding_.place(rows[i], row);
        for (std::size_t a = 0; a < d; ++a) rows_[a * padded_ + i] = row[a];
    }
    for (Model& model : models_) {
        model.mean.resize(model.regression.outputs() * padded_);
        model.std.resize(model.mean.size());
        model.regression.predict(axis_major(), {model.mean.data(), model.regression.outputs(), padded_},
                                 {model.std.data(), model.regression.outputs(), padded_});
    }
}

void Merit::add(Rows rows, MutableColumn score) {
    const std::size_t m = rows.n;
    embed(rows);
    std::vector<double> sum(padded_, 0.0), z(padded_);
    if (objectives_.size() == 1)
        add_log_expected_below(mean(objectives_[0]).data(), std(objectives_[0]).data(), best_, padded_, sum.data());
    if (objectives_.size() > 1) add_improvement({sum.data(), m});
    for (const Output& limit : limits_) {
        const Column beyond = mean(limit), deviation = std(limit);
        for (std::size_t i = 0; i < padded_; ++i) z[i] = -beyond[i] / deviation[i];
        add_log_cdf(z.data(), padded_, sum.data());
    }
    for (const Output& cost : cost_)
        for (std::size_t i = 0; i < m; ++i) sum[i] -= mean(cost)[i];
    for (std::size_t i = 0; i < m; ++i) score[i] += sum[i];
}

// The expected improvement of the hypervolume: over the boxes a sum of products of differences of one-dimensional
// improvements, as in acquisition/hypervolume.hpp, here for many candidates at a time.
void Merit::add_improvement(MutableColumn score) {
    const std::size_t n_objectives = objectives_.size();
    std::vector<double> below[3], product(padded_), sum(padded_, 0.0);
    for (std::size_t j = 0; j < n_objectives; ++j) {
        const std::vector<double>& edges = boxes_.edges[j];
        below[j].assign(edges.size() * padded_, 0.0);  // 0 below the first edge, -infinity
        for (std::size_t e = 1; e < edges.size(); ++e)
            expected_below(mean(objectives_[j]).data(), std(objectives_[j]).data(), edges[e], padded_,
                           below[j].data() + e * padded_);
    }
    for (std::size_t b = 0; b < boxes_.size(); ++b) {
        std::fill(product.begin(), product.end(), 1.0);
        for (std::size_t j = 0; j < n_objectives; ++j) {
            const double* upper = below[j].data() + boxes_.upper[b * n_objectives + j] * padded_;
            const double* lower = below[j].data() + boxes_.lower[b * n_objectives + j] * padded_;
            for (std::size_t i = 0; i < padded_; ++i) product[i] *= std::max(upper[i] - lower[i], 0.0);
        }
        for (std::size_t i = 0; i < padded_; ++i) sum[i] += product[i];
    }
    for (std::size_t i = 0; i < score.size(); ++i) score[i] += std::log(sum[i] + 1e-300);
}

std::vector<std::size_t> Merit::cheap_and_far(Rows rows, Rows points) {
    const std::size_t m = rows.n;
    embed(rows);
    const Column cost = mean(cost_.front());
    std::vector<std::size_t> order(m);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return cost[a] < cost[b]; });
    order.resize(static_cast<std::size_t>(std::ceil(cheap_share * static_cast<double>(m))));
    const std::size_t d = axes_.size();
    std::vector<double> gap(m, inf), point(d);
    for (std::size_t p = 0; p < points.n; ++p) {
        embedding_.place(points[p], point);
        for (const std::size_t i : order) gap[i] = std::min(gap[i], embedding_.distance(point, &rows_[i], padded_));
    }
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return gap[a] > gap[b]; });
    return order;
}

}  // namespace hpcore::tpe
