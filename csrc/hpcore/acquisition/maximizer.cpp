#include "hpcore/acquisition/maximizer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numeric>

#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/optim/lbfgsb.hpp"

namespace hpcore::acquisition {
namespace {

std::vector<std::size_t> moving_columns(const MoveSet& moves, Column row) {
    std::vector<std::size_t> columns;
    for (std::size_t j = 0; j < moves.d(); ++j)
        if (moves.smooth(j) && !std::isnan(row[j])) columns.push_back(j);
    return columns;
}

bool allowed_one(const Feasible& feasible, Column row) {
    if (!feasible) return true;
    bool ok = false;
    feasible({row.data(), 1, row.size()}, {&ok, 1});
    return ok;
}

// A row this close to a seen one in every column tells nothing new; the objective's own rounding is coarser.
constexpr double same_coordinate = 1e-9;
// An overconfident model would place a whole batch within a hair's breadth of the optimum.
constexpr double min_batch_distance = 0.01;

}  // namespace

Maximizer::Maximizer(const MoveSet& moves, const SearchOptions& options, Column centre, double reach)
    : moves_(moves), options_(options), low_(moves.d(), 0.0), high_(moves.d(), 1.0) {
    if (centre.empty() || !(reach < 1.0)) return;
    centre_.assign(centre.begin(), centre.end());
    for (std::size_t j = 0; j < moves.d(); ++j) {
        if (moves.categorical(j) || std::isnan(centre[j])) continue;
        low_[j] = std::max(0.0, centre[j] - reach);
        high_[j] = std::min(1.0, centre[j] + reach);
    }
}

void Maximizer::add_candidates(Rows rows) {
    for (std::size_t i = 0; i < rows.n; ++i) {
        const Column row = rows[i];
        bool inside = true;
        for (std::size_t j = 0; inside && j < row.size(); ++j) inside = row[j] >= low_[j] && row[j] <= high_[j];
        if (inside) extra_.insert(extra_.end(), row.begin(), row.end());
    }
}

double Maximizer::confine(std::size_t j, double u) const {
    return std::clamp(u, low_[j], high_[j]);
}

void Maximizer::perturb(Column incumbent, Philox& stream, MutableColumn full, std::span<space::Value> scratch) const {
    const std::size_t d = moves_.d();
    const double r = stream.uniform();
    const double expected = 1.0 + std::floor(static_cast<double>(d) * r * r);
    const double share = expected / static_cast<double>(d);
    const std::size_t certain = static_cast<std::size_t>(stream.below(d));
    const double width = std::pow(10.0, -0.5 - 2.0 * stream.uniform());
    for (std::size_t j = 0; j < d; ++j) {
        const double u = incumbent[j];
        if (std::isnan(u)) {
            full[j] = stream.uniform();
            continue;
        }
        full[j] = u;
        if (j != certain && stream.uniform() >= share) continue;
        if (moves_.categorical(j)) {
            full[j] = stream.uniform();
        } else if (moves_.gridded(j) && stream.uniform() < 0.5) {
            const std::uint64_t level = moves_.level(j, incumbent, scratch);
            const bool up = level == 0 || (level < moves_.last_level(j) && stream.uniform() < 0.5);
            if (moves_.last_level(j) > 0) full[j] = moves_.coordinate(j, up ? level + 1 : level - 1);
        } else {
            full[j] = std::clamp(u + width * stream.normal(), 0.0, 1.0);
        }
        full[j] = confine(j, full[j]);
    }
}

void Maximizer::candidates(Rows incumbents, Philox& stream, std::vector<double>& full,
                           std::vector<double>& rows) const {
    const std::size_t d = moves_.d(), n = options_.n_global, drawn = n + incumbents.n * options_.n_local;
    const std::size_t total = drawn + extra_.size() / d;
    full.resize(total * d);
    rows.resize(total * d);
    const MutableRows points{full.data(), total, d}, snapped{rows.data(), total, d};
    std::vector<space::Value> scratch(d);
    std::vector<std::size_t> order(n);
    for (std::size_t j = 0; j < d; ++j) {  // one point in each of n equal slices of every column
        std::iota(order.begin(), order.end(), std::size_t{0});
        for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[stream.below(i)]);
        for (std::size_t i = 0; i < n; ++i)
            full[i * d + j] = low_[j] + (high_[j] - low_[j]) * (static_cast<double>(order[i]) + stream.uniform()) /
                                            static_cast<double>(n);
    }
    if (!centre_.empty())  // a region of trust keeps most categories as well
        for (std::size_t i = 0; i < n; ++i)
            for (std::size_t j = 0; j < d; ++j)
                if (moves_.categorical(j) && !std::isnan(centre_[j]) && stream.uniform() < 0.7)
                    full[i * d + j] = centre_[j];
    for (std::size_t i = n; i < drawn; ++i) perturb(incumbents[(i - n) / options_.n_local], stream, points[i], scratch);
    std::copy(extra_.begin(), extra_.end(), full.begin() + static_cast<std::ptrdiff_t>(drawn * d));
    for (std::size_t i = 0; i < total; ++i) moves_.snap(points[i], snapped[i], scratch);
}

// Take the point that the gradient reached, if its snapped form is allowed and no worse. With constraints, give way
// towards where the steps began.
void Maximizer::settle(Acquisition& acquisition, Start& start, const std::vector<double>& reached,
                       const Feasible& feasible) const {
    std::vector<double> full = start.full, row(moves_.d());
    std::vector<space::Value> scratch(moves_.d());
    double share = 1.0;
    for (int attempt = 0; attempt < 5; ++attempt, share *= 0.5) {
        for (std::size_t t = 0; t < start.moving.size(); ++t) {
            const std::size_t j = start.moving[t];
            full[j] = start.full[j] + share * (reached[t] - start.full[j]);
        }
        moves_.snap(full, row, scratch);
        if (!allowed_one(feasible, row)) continue;
        double value = 0.0;
        acquisition.values({row.data(), 1, row.size()}, {&value, 1});
        if (value >= start.value) {
            start.full = full;
            start.row = row;
            start.value = value;
        }
        return;
    }
}

// Score rows (n, d): all as one matrix, or with a deadline from both ends of the list, which hold the local and the
// global candidates, until it has passed. Unscored rows get -inf.
void Maximizer::score(Acquisition& acquisition, Rows rows, const Deadline& deadline,
                      std::vector<double>& values) const {
    const std::size_t total = rows.n;
    if (!deadline.limited()) {
        values.resize(total);
        acquisition.values(rows, values);
        return;
    }
    values.assign(total, -std::numeric_limits<double>::infinity());
    constexpr std::size_t chunk = 16;
    std::size_t first = 0, last = total;  // range of rows that are not scored yet
    bool from_end = true;
    while (first < last && (first + total - last == 0 || !deadline.passed())) {
        const std::size_t size = std::min(chunk, last - first);
        const std::size_t at = from_end ? last - size : first;
        acquisition.values(rows.part(at, size), {values.data() + at, size});
        (from_end ? last : first) = from_end ? at : at + size;
        from_end = !from_end;
    }
}

// `unit` is the difference in value that counts as one.
void Maximizer::climb(Acquisition& acquisition, std::vector<Start>& starts, double unit, const Feasible& feasible,
                      const Deadline& deadline) const {
    const std::size_t d = moves_.d();
    optim::BoxMinimizer::Options search;
    search.max_iterations = options_.iterations;
    search.max_evaluations = 2 * options_.iterations;
    search.first_step = 0.05;
    search.gradient_tolerance = 1e-4;
    search.value_tolerance = 1e-5;
    std::vector<optim::BoxMinimizer> minimizers;
    std::vector<std::size_t> who;
    for (std::size_t s = 0; s < starts.size(); ++s) {
        Start& start = starts[s];
        if (!start.fresh) continue;
        start.fresh = false;
        start.moving = moving_columns(moves_, start.row);
        if (start.moving.empty()) continue;
        std::vector<double> at;
        for (const std::size_t j : start.moving) at.push_back(start.full[j]);
        std::vector<double> low, high;
        for (const std::size_t j : start.moving) {
            low.push_back(low_[j]);
            high.push_back(high_[j]);
        }
        minimizers.emplace_back(std::move(at), std::move(low), std::move(high), search);
        who.push_back(s);
    }
    // All starts step together, so that the model is asked about a matrix and not about one row after another.
    std::vector<double> rows, values;
    std::vector<std::vector<double>> gradients;
    std::vector<const std::vector<std::size_t>*> moving;
    std::vector<std::size_t> busy;
    for (;;) {
        busy.clear();
        for (std::size_t k = 0; k < minimizers.size(); ++k)
            if (!minimizers[k].done()) busy.push_back(k);
        if (busy.empty() || deadline.passed()) break;
        rows.resize(busy.size() * d);
        values.resize(busy.size());
        gradients.resize(busy.size());
        moving.clear();
        for (std::size_t i = 0; i < busy.size(); ++i) {
            const Start& start = starts[who[busy[i]]];
            double* row = rows.data() + i * d;
            std::copy(start.row.begin(), start.row.end(), row);
            for (std::size_t t = 0; t < start.moving.size(); ++t) row[start.moving[t]] = minimizers[busy[i]].trial()[t];
            moving.push_back(&start.moving);
        }
        acquisition.values_and_gradients({rows.data(), busy.size(), d}, moving, values, gradients);
        for (std::size_t i = 0; i < busy.size(); ++i) {
            for (double& g : gradients[i]) g /= -unit;
            minimizers[busy[i]].tell(values[i] / -unit, gradients[i]);
        }
    }
    for (std::size_t k = 0; k < minimizers.size(); ++k)
        settle(acquisition, starts[who[k]], minimizers[k].x(), feasible);
}

void Maximizer::sweep(Acquisition& acquisition, std::vector<Start>& starts, const Seen& seen, const Feasible& feasible,
                      Philox& stream, const Deadline& deadline) const {
    const std::size_t d = moves_.d();
    std::vector<double> full, snapped, values;
    std::vector<space::Value> scratch(d);
    std::vector<std::size_t> owner;
    std::vector<std::uint64_t> levels;
    std::vector<unsigned char> out_of_bounds;
    for (std::size_t j = 0; j < d; ++j) {
        if (!moves_.gridded(j) || moves_.last_level(j) == 0) continue;
        if (deadline.passed()) return;
        const std::uint64_t last = moves_.last_level(j);
        full.clear();
        owner.clear();
        for (std::size_t s = 0; s < starts.size(); ++s) {
            const Start& start = starts[s];
            if (std::isnan(start.row[j])) continue;
            const std::uint64_t here = moves_.level(j, start.row, scratch);
            levels.clear();
            if (last < options_.full_sweep) {
                for (std::uint64_t l = 0; l <= last; ++l)
                    if (l != here) levels.push_back(l);
            } else {
                for (const std::uint64_t step : {1u, 2u, 4u, 8u}) {
                    if (here >= step) levels.push_back(here - step);
                    if (last - here >= step) levels.push_back(here + step);
                }
                for (int k = 0; k < 12; ++k) {
                    const std::uint64_t l = last == ~std::uint64_t{0} ? stream.next() : stream.below(last + 1);
                    if (l != here) levels.push_back(l);
                }
            }
            for (const std::uint64_t l : levels) {
                full.insert(full.end(), start.full.begin(), start.full.end());
                full[full.size() - d + j] = moves_.coordinate(j, l);
                owner.push_back(s);
            }
        }
        const std::size_t m = owner.size();
        if (m == 0) continue;
        snapped.resize(m * d);
        values.resize(m);
        const MutableRows points{full.data(), m, d}, rows{snapped.data(), m, d};
        for (std::size_t i = 0; i < m; ++i) moves_.snap(points[i], rows[i], scratch);
        acquisition.values(rows, values);
        for (std::size_t s = 0; s < starts.size(); ++s) {
            Start& start = starts[s];
            // A start that is itself seen must move, uphill or not.
            const bool stuck = seen.contains(start.row);
            std::size_t best = m;
            for (std::size_t i = 0; i < m; ++i) {
                if (owner[i] != s || !(values[i] > start.value || stuck)) continue;
                const double u = rows(i, j);
                if (u < low_[j] || u > high_[j]) continue;
                if (best < m && !(values[i] > values[best])) continue;
                if (seen.contains(rows[i]) || !allowed_one(feasible, rows[i])) continue;
                best = i;
            }
            if (best == m) continue;
            start.full.assign(points[best].begin(), points[best].end());
            start.row.assign(rows[best].begin(), rows[best].end());
            start.value = values[best];
            start.fresh = true;
        }
    }
}

std::vector<Maximizer::Start> Maximizer::first_starts(Acquisition& acquisition, Rows points, Rows rows,
                                                      const std::vector<bool>& allowed, const Seen& seen, bool bounded,
                                                      std::vector<double>& values) const {
    constexpr std::size_t at_once = 32, sorted_at_once = 64;
    const double nowhere = -std::numeric_limits<double>::infinity();
    const double too_near = options_.min_start_distance * options_.min_start_distance;
    std::vector<bool> known(rows.n, !bounded);
    std::vector<double> unknown_rows, unknown_values;
    std::vector<std::size_t> order, found, unknown;
    const auto better = [&](std::size_t a, std::size_t b) {
        return values[a] > values[b] || (values[a] == values[b] && a < b);
    };
    double least = nowhere;  // what is below is not looked at
    for (;;) {
        order.clear();
        for (std::size_t i = 0; i < rows.n; ++i)
            if (values[i] >= least && (allowed.empty() || allowed[i])) order.push_back(i);
        found.clear();
        unknown.clear();
        const auto begin = order.begin();
        for (std::size_t at = 0; at < order.size(); ++at) {
            if (found.size() == options_.n_starts || unknown.size() == at_once) break;
            if (at % sorted_at_once == 0)  // few of them are needed in order
                std::partial_sort(begin + static_cast<std::ptrdiff_t>(at),
                                  begin + static_cast<std::ptrdiff_t>(std::min(order.size(), at + sorted_at_once)),
                                  order.end(), better);
            const std::size_t i = order[at];
            if (seen.contains(rows[i])) continue;
            const bool near = std::any_of(found.begin(), found.end(), [&](std::size_t f) {
                return moves_.squared_distance(rows[f], rows[i]) < too_near;
            });
            if (!near) (known[i] ? found : unknown).push_back(i);
        }
        const bool enough = found.size() == options_.n_starts;
        if (!unknown.empty()) {
            unknown_rows.clear();
            for (const std::size_t i : unknown) unknown_rows.insert(unknown_rows.end(), rows[i].begin(), rows[i].end());
            // One row alone is solved for by another routine, and would have other last bits than among many.
            if (unknown.size() == 1)
                unknown_rows.insert(unknown_rows.end(), rows[unknown[0]].begin(), rows[unknown[0]].end());
            unknown_values.resize(unknown_rows.size() / rows.d);
            acquisition.values({unknown_rows.data(), unknown_values.size(), rows.d}, unknown_values);
            for (std::size_t k = 0; k < unknown.size(); ++k) {
                values[unknown[k]] = unknown_values[k];
                known[unknown[k]] = true;
            }
            if (enough) least = values[found.back()];
            continue;
        }
        if (least == nowhere || (enough && least <= values[found.back()])) break;
        least = enough ? values[found.back()] : nowhere;
    }
    std::vector<Start> starts;
    for (const std::size_t i : found)
        starts.push_back({{points[i].begin(), points[i].end()}, {rows[i].begin(), rows[i].end()}, values[i], {}, true});
    return starts;
}

bool Maximizer::maximize(Acquisition& acquisition, Rows incumbents, ModelRows held, const Seen& seen,
                         const Feasible& feasible, Philox& stream, MutableColumn out, const Deadline& deadline,
                         bool again) const {
    const std::size_t d = moves_.d();
    std::vector<double> full, snapped, values;
    candidates(incumbents, stream, full, snapped);
    const std::size_t total = snapped.size() / d;
    const Rows points{full.data(), total, d}, rows{snapped.data(), total, d};
    const bool bounded = !deadline.limited() && acquisition.has_bounds();
    if (bounded) {
        values.resize(total);
        acquisition.upper_bounds(rows, values);
    } else {
        score(acquisition, rows, deadline, values);
        acquisition.check_sign();
    }
    std::vector<bool> allowed;  // empty: all
    if (feasible) {
        const auto mask = std::make_unique<bool[]>(total);
        feasible(rows, {mask.get(), total});
        allowed.assign(mask.get(), mask.get() + total);
    }
    std::vector<std::size_t> order;
    const auto rank = [&] {
        for (std::size_t i = 0; i < total; ++i)
            if (allowed.empty() || allowed[i]) order.push_back(i);
        std::stable_sort(order.begin(), order.end(),
                         [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
    };
    // Steps end where little is left to gain. For values without a unit, little is relative to the lead of the best.
    double unit = 1.0;
    if (!acquisition.has_unit()) {
        rank();
        if (!order.empty()) {
            const double ahead = values[order.front()] - values[order[order.size() / 2]];
            if (ahead > 0.0) unit = std::min(1.0, ahead);
        }
    }
    std::vector<Start> starts = first_starts(acquisition, points, rows, allowed, seen, bounded, values);
    for (int round = 0; round < options_.rounds; ++round) {
        climb(acquisition, starts, unit, feasible, deadline);
        if (deadline.passed()) break;
        sweep(acquisition, starts, seen, feasible, stream, deadline);
        if (std::none_of(starts.begin(), starts.end(), [](const Start& s) { return s.fresh; })) break;
    }
    std::stable_sort(starts.begin(), starts.end(), [](const Start& a, const Start& b) { return a.value > b.value; });
    const gp::Regressor& model = acquisition.model();
    std::vector<double> other(d), warped(d);
    const auto repeats = [&](Column row) {
        if (seen.contains(row)) return true;
        if (!model.warp().identity()) {  // as the model's own points are
            model.warp().apply(row, warped);
            row = warped;
        }
        for (std::size_t i = again ? held.told : 0; i < held.told + held.fantasised; ++i) {
            model.points().row(i, other);
            if (i >= held.told && moves_.squared_distance(row, other) < min_batch_distance * min_batch_distance)
                return true;
            bool equal = true;
            for (std::size_t j = 0; equal && j < d; ++j)
                equal = std::isnan(row[j]) ? std::isnan(other[j]) : std::fabs(row[j] - other[j]) <= same_coordinate;
            if (equal) return true;
        }
        return false;
    };
    for (const Start& start : starts) {
        if (repeats(start.row)) continue;
        std::ranges::copy(start.row, out.begin());
        return true;
    }
    // Rarely: all of them were too close to a fantasy, or to a point that was told.
    if (bounded) score(acquisition, rows, deadline, values);
    if (order.empty()) rank();
    for (const std::size_t i : order) {
        if (repeats(rows[i])) continue;
        std::ranges::copy(rows[i], out.begin());
        return true;
    }
    return anything_unseen(seen, feasible, stream, out);
}

bool Maximizer::draw(const linalg::Lapack& lapack, const gp::Regressor& model, const UserPrior* prior, std::size_t n,
                     Rows incumbents, const Seen& seen, const Feasible& feasible, Philox& stream,
                     MutableColumn out) const {
    const std::size_t d = moves_.d();
    std::vector<double> full, snapped;
    candidates(incumbents, stream, full, snapped);
    const std::size_t total = snapped.size() / d;
    const Rows rows{snapped.data(), total, d};
    gp::Prediction prediction;
    model.predict(rows, prediction);
    std::vector<double> covariance(total * total), z(total), sample = prediction.mean;
    model.covariance(rows, {covariance.data(), total, total});
    // Candidates may repeat one another: what is added is a thousandth of a standard deviation, of a draw, not a model.
    for (std::size_t i = 0; i < total; ++i) covariance[i * total + i] += 1e-6 * (1.0 + model.scales().signal);
    linalg::cholesky_factor(lapack, covariance.data(), total, total);
    for (double& v : z) v = stream.normal();
    for (std::size_t i = 0; i < total; ++i) sample[i] += gp::dot({covariance.data() + i * total, i + 1}, z);
    if (prior != nullptr)
        for (std::size_t i = 0; i < total; ++i) sample[i] -= prior->at(rows[i], n);
    std::vector<std::size_t> order(total);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return sample[a] < sample[b]; });
    for (const std::size_t i : order) {
        if (seen.contains(rows[i]) || !allowed_one(feasible, rows[i])) continue;
        std::ranges::copy(rows[i], out.begin());
        return true;
    }
    return anything_unseen(seen, feasible, stream, out);
}

bool Maximizer::anything_unseen(const Seen& seen, const Feasible& feasible, Philox& stream, MutableColumn out) const {
    const std::size_t d = moves_.d();
    std::vector<double> full(d), row(d);
    std::vector<space::Value> scratch(d);
    const auto usable = [&] {
        moves_.snap(full, row, scratch);
        return !seen.contains(row) && allowed_one(feasible, row);
    };
    constexpr int tries = 2000;
    for (int k = 0; k < tries; ++k) {
        for (double& u : full) u = stream.uniform();
        if (!usable()) continue;
        std::ranges::copy(row, out.begin());
        return true;
    }
    // Few points are left: count through the levels, from a random place so that batches do not walk together.
    constexpr double enumerable = 1 << 20;
    double size = 1.0;
    for (std::size_t j = 0; j < d; ++j) {
        if (!moves_.gridded(j)) return false;  // a continuous column: unseen points are everywhere, none is allowed
        size *= static_cast<double>(moves_.last_level(j)) + 1.0;
    }
    if (size > enumerable) return false;
    const auto count = static_cast<std::uint64_t>(size);
    const std::uint64_t offset = stream.below(count);
    for (std::uint64_t k = 0; k < count; ++k) {
        std::uint64_t rest = (k + offset) % count;
        for (std::size_t j = 0; j < d; ++j) {
            const std::uint64_t levels = moves_.last_level(j) + 1;
            full[j] = moves_.coordinate(j, rest % levels);
            rest /= levels;
        }
        if (!usable()) continue;
        std::ranges::copy(row, out.begin());
        return true;
    }
    return false;
}

}  // namespace hpcore::acquisition
