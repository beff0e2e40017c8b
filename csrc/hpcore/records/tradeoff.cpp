#include "hpcore/records/tradeoff.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "hpcore/records/dominance.hpp"
#include "hpcore/records/limits.hpp"
#include "hpcore/streams.hpp"
#include "hpcore/sums.hpp"

namespace hpcore::records {
namespace {

// Contributions of a front with three or more objectives cost too much beyond this; spacing takes their place.
constexpr std::size_t exact = 64;

using Numbers = std::vector<std::size_t>;

std::vector<double> column_minima(Rows values) {
    std::vector<double> out(values[0].begin(), values[0].end());
    for (std::size_t i = 1; i < values.n; ++i)
        for (std::size_t k = 0; k < values.d; ++k) out[k] = std::min(out[k], values(i, k));
    return out;
}

std::vector<double> column_maxima(Rows values) {
    std::vector<double> out(values[0].begin(), values[0].end());
    for (std::size_t i = 1; i < values.n; ++i)
        for (std::size_t k = 0; k < values.d; ++k) out[k] = std::max(out[k], values(i, k));
    return out;
}

std::vector<double> scaled(Rows values) {
    const std::vector<double> least = column_minima(values), half = half_range(values);
    std::vector<double> out(values.size());
    for (std::size_t i = 0; i < values.n; ++i)
        for (std::size_t k = 0; k < values.d; ++k)
            out[i * values.d + k] = (0.5 * values(i, k) - 0.5 * least[k]) / half[k];
    return out;
}

// Numbers of rows by one column, equal ones as they came.
Numbers by_column(Rows rows, std::size_t k) {
    Numbers order(rows.n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return rows(a, k) < rows(b, k); });
    return order;
}

// Front of each row with two objectives, by one sweep: a front dominates all above its lowest second objective.
Numbers fronts_of_two(Rows rows) {
    Numbers out(rows.n);
    std::vector<double> lowest;  // ascending
    std::size_t front = 0, former = rows.n;
    for (const std::size_t i : lexicographic_order(rows)) {
        if (former == rows.n || rows(i, 0) != rows(former, 0) || rows(i, 1) != rows(former, 1)) {
            const auto at = std::upper_bound(lowest.begin(), lowest.end(), rows(i, 1));
            front = static_cast<std::size_t>(at - lowest.begin());
            if (at == lowest.end())
                lowest.push_back(rows(i, 1));
            else
                *at = rows(i, 1);
        }
        former = i;
        out[i] = front;
    }
    return out;
}

// Crowding distance: how far apart each row's neighbours are; the extremes come first.
std::vector<double> spacing(Rows rows) {
    std::vector<double> out(rows.n);
    for (std::size_t k = 0; k < rows.d; ++k) {
        const Numbers order = by_column(rows, k);
        out[order.front()] = out[order.back()] = std::numeric_limits<double>::infinity();
        for (std::size_t i = 1; i + 1 < rows.n; ++i) out[order[i]] += rows(order[i + 1], k) - rows(order[i - 1], k);
    }
    return out;
}

std::vector<double> contributions(Rows rows) {
    if (rows.n > exact) return spacing(rows);
    const std::vector<double> best = column_minima(rows), worst = column_maxima(rows);
    std::vector<double> corner(rows.d);
    for (std::size_t k = 0; k < rows.d; ++k) corner[k] = worst[k] + 0.1 * (worst[k] - best[k]) + 1e-9;
    if (rows.d > 2) return hypervolume_contributions(rows, corner);
    // Each dominates alone a rectangle up to its neighbours.
    const Numbers order = by_column(rows, 0);
    std::vector<double> out(rows.n);
    for (std::size_t i = 0; i < rows.n; ++i) {
        const double right = i + 1 < rows.n ? rows(order[i + 1], 0) : corner[0];
        const double above = i > 0 ? rows(order[i - 1], 1) : corner[1];
        out[order[i]] = (right - rows(order[i], 0)) * (above - rows(order[i], 1));
    }
    return out;
}

std::vector<double> places_of(const Numbers& order) {
    std::vector<double> place(order.size());
    for (std::size_t k = 0; k < order.size(); ++k) place[order[k]] = static_cast<double>(k);
    return place;
}

std::vector<double> gathered(Rows rows, const Numbers& numbers) {
    std::vector<double> out;
    out.reserve(numbers.size() * rows.d);
    for (const std::size_t i : numbers) out.insert(out.end(), rows[i].begin(), rows[i].end());
    return out;
}

}  // namespace

std::vector<double> order_by_front(Rows values, std::size_t first, Worth worth) {
    if (values.n == 0) return {};
    if (values.d == 1) return places_of(by_column(values, 0));
    const std::vector<double> numbers = scaled(values);
    const Rows rows{numbers.data(), values.n, values.d};
    const Numbers fronts = values.d == 2 ? fronts_of_two(rows) : non_dominated_rank(rows);
    Numbers order(values.n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return fronts[a] < fronts[b]; });
    for (std::size_t begin = 0, end = 0; begin < order.size() && begin < first; begin = end) {
        while (end < order.size() && fronts[order[end]] == fronts[order[begin]]) ++end;
        const auto from = order.begin() + static_cast<std::ptrdiff_t>(begin);
        const Numbers members(from, order.begin() + static_cast<std::ptrdiff_t>(end));
        const std::vector<double> front = gathered(rows, members);
        const Rows view{front.data(), members.size(), rows.d};
        const std::vector<double> worths = worth == Worth::contribution ? contributions(view) : spacing(view);
        Numbers within(members.size());
        std::iota(within.begin(), within.end(), std::size_t{0});
        std::stable_sort(within.begin(), within.end(),
                         [&](std::size_t a, std::size_t b) { return worths[a] > worths[b]; });
        for (std::size_t k = 0; k < within.size(); ++k) order[begin + k] = members[within[k]];
    }
    return places_of(order);
}

std::vector<double> order_by_limits(Rows values, Rows violations, std::size_t first, Worth worth) {
    Numbers allowed, others;
    for (std::size_t i = 0; i < values.n; ++i) {
        const auto beyond = violations[i];
        const bool kept = std::all_of(beyond.begin(), beyond.end(), [](double v) { return v <= 0.0; });
        (kept ? allowed : others).push_back(i);
    }
    std::vector<double> place(values.n);
    const std::vector<double> kept = gathered(values, allowed);
    const std::vector<double> inner = order_by_front({kept.data(), allowed.size(), values.d}, first, worth);
    for (std::size_t k = 0; k < allowed.size(); ++k) place[allowed[k]] = inner[k];
    if (others.empty()) return place;
    const std::vector<double> total = total_violation(violations);
    std::stable_sort(others.begin(), others.end(), [&](std::size_t a, std::size_t b) { return total[a] < total[b]; });
    for (std::size_t k = 0; k < others.size(); ++k) place[others[k]] = static_cast<double>(allowed.size() + k);
    return place;
}

std::vector<double> half_range(Rows values) {
    const std::vector<double> least = column_minima(values);
    std::vector<double> out = column_maxima(values);
    for (std::size_t k = 0; k < values.d; ++k) {
        const double half = 0.5 * out[k] - 0.5 * least[k];  // 0 also for two smallest doubles
        out[k] = half > 0.0 ? half : 1.0;
    }
    return out;
}

std::vector<double> chebyshev(Rows values, Column weights) {
    std::vector<double> weighted = scaled(values), out(values.n);
    for (std::size_t i = 0; i < values.n; ++i) {
        double* row = weighted.data() + i * values.d;
        for (std::size_t k = 0; k < values.d; ++k) row[k] *= weights[k];
        out[i] = *std::max_element(row, row + values.d) + 0.05 * pairwise_sum(row, values.d);
    }
    return out;
}

std::vector<double> random_weights(std::size_t m, Philox::Key key, std::uint64_t number, std::uint64_t attempt) {
    if (m == 1) return {1.0};
    Philox stream(key, number, streams::at_attempt(streams::gp_weights, attempt));
    std::vector<double> weights(m);
    // 1 - u is exact, so that its logarithm is that of log1p.
    for (double& w : weights) w = -std::log(1.0 - stream.uniform());
    const double total = pairwise_sum(weights.data(), m);
    for (double& w : weights) w /= total;
    return weights;
}

}  // namespace hpcore::records
