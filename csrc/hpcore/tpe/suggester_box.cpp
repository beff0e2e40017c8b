#include <algorithm>
#include <cmath>
#include <utility>

#include "hpcore/records/failures.hpp"
#include "hpcore/tpe/suggester.hpp"

// What a group looks at. Kernels of one width for the whole cube cannot tell points apart that are closer than that, so
// that a search with nothing else stops well before the optimum. The box around the best point holds a fixed number of
// trials; each that falls into it makes it smaller, and the kernels with it: an optimum is approached geometrically.
namespace hpcore::tpe {
namespace {

// Trials in the box, in which a trend of two coefficients an axis is to be seen; and of them those that count as good.
constexpr std::size_t one_good_in = 4;
constexpr std::size_t n_in_box_of(std::size_t axes) {
    return 16 + 4 * axes;
}

constexpr double least_reach = 1e-9;  // half of the narrowest box: less tells numbers apart that are rounded alike

}  // namespace

// There have to be twice as many trials as the box will hold, or it would be no closer look.
bool Suggester::can_look_near_best(const Group& group) const {
    return group.continuous && group.ranking.n_finite() > 0 &&
           group.ranking.members().size() >= 2 * n_in_box_of(group.columns.size());
}

void Suggester::look_near_best(Group& group) const {
    const std::size_t d = group.columns.size(), n = n_in_box_of(d);
    const std::vector<std::uint32_t>& members = group.ranking.members();
    const double* best = coordinates_.data() + group.ranking.good().front().trial * d_;
    // Chebyshev's distance; that of other categories is as wide as the cube.
    std::vector<std::pair<double, std::uint32_t>> near;
    near.reserve(members.size());
    for (const std::uint32_t trial : members) {
        const double* row = coordinates_.data() + trial * d_;
        double distance = 0.0;
        for (const std::size_t j : group.columns) {
            if (row[j] == best[j]) continue;
            const Axis& axis = axes_[j];
            const double apart = axis.unordered ? 1.0 : std::fabs(axis.position(row[j]) - axis.position(best[j]));
            distance = std::max(distance, apart);
        }
        near.emplace_back(distance, trial);
    }
    std::nth_element(near.begin(), near.begin() + static_cast<std::ptrdiff_t>(n) - 1, near.end());
    const double reach = std::max(near[n - 1].first, least_reach);
    for (std::size_t a = 0; a < d; ++a) {
        const std::size_t j = group.columns[a];
        if (!axes_[j].continuous()) continue;
        group.box.low[a] = std::max(0.0, best[j] - reach);
        group.box.width[a] = std::min(1.0, best[j] + reach) - group.box.low[a];
    }
    group.box.trials.clear();
    for (std::size_t i = 0; i < n; ++i)
        group.box.trials.push_back({records::rank_of(value_[near[i].second]), near[i].second});
    std::sort(group.box.trials.begin(), group.box.trials.end());
    group.box.whole = false;
}

bool Suggester::holds(const Group& group, const double* row) const {
    for (std::size_t a = 0; a < group.columns.size(); ++a) {
        const std::size_t j = group.columns[a];
        if (!axes_[j].continuous()) continue;
        const double x = group.box.inside(a, row[j]);
        if (x < 0.0 || x > 1.0) return false;
    }
    return true;
}

std::span<const Ranking::Entry> Suggester::good_of(const Group& group) const {
    if (group.box.whole) return group.ranking.good();
    const std::span<const Ranking::Entry> all = group.box.trials;
    // None that failed, however few others there are: the best one is among them.
    const auto failed = std::ranges::find_if(all, [](const Ranking::Entry& e) { return std::isinf(e.value); });
    const auto n_finite = static_cast<std::size_t>(failed - all.begin());
    return all.first(std::min((all.size() + one_good_in - 1) / one_good_in, n_finite));
}

}  // namespace hpcore::tpe
