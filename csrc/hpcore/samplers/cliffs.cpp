#include "hpcore/samplers/cliffs.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

namespace hpcore::samplers {
namespace {

// The near side has at least so many values, so many different ones, so many in the upper nine tenths of its width
// (else it is itself drawn out, as what grows exponentially is), and so many of the first ten: a search that closes in
// on an optimum has its best values late.
constexpr std::size_t near_count = 4, distinct_count = 3, spread_count = 3, early_count = 2, first_count = 10;
constexpr double least = 4.0;  // widths of the near side that the gap must have

std::size_t n_distinct(Column ascending) {
    std::size_t n = 1;
    for (std::size_t i = 1; i < ascending.size(); ++i) n += ascending[i] != ascending[i - 1] ? 1 : 0;
    return n;
}

// Widths of the near side that the gap must have, for these ascending heights above it.
double widths_wanted(Column heights) {
    const std::size_t n = heights.size();
    const double low = heights.front(), high = heights.back();
    if (low == high) return n > 2 ? least : 20.0;
    if (n < 3) return std::numeric_limits<double>::infinity();
    if (high / 1.1 <= low || n > 2 * n_distinct(heights)) return 20.0;
    std::size_t n_bands = 1;
    for (std::size_t i = 1; i < n; ++i) n_bands += heights[i] - heights[i - 1] > 1e-3 * heights[i - 1] ? 1 : 0;
    return n > 2 * n_bands || high / 1000.0 <= low ? 1000.0 : std::numeric_limits<double>::infinity();
}

// Number of the ascending values that lie below the lowest cliff; 0 if there is none.
std::size_t below_cliff(Column ordered, Column first) {
    const std::size_t n = ordered.size();
    std::vector<double> heights;
    for (std::size_t n_near = near_count; n_near + 1 < n; ++n_near) {
        const double last = ordered[n_near - 1], width = last - ordered[0], gap = ordered[n_near] - last;
        if (!(gap / least >= width)) continue;
        heights.clear();
        for (const double far : ordered.subspan(n_near)) heights.push_back(far - last);
        if (gap / widths_wanted(heights) < width) continue;
        const Column near = ordered.first(n_near);
        const auto drawn_out = [&](double v) { return v - ordered[0] > 0.1 * width; };
        if (n_distinct(near) < distinct_count ||
            static_cast<std::size_t>(std::count_if(near.begin(), near.end(), drawn_out)) < spread_count)
            continue;
        const auto is_near = [&](double v) { return v <= last; };
        if (static_cast<std::size_t>(std::count_if(first.begin(), first.end(), is_near)) >= early_count) return n_near;
    }
    return 0;
}

}  // namespace

std::optional<std::vector<bool>> beyond_cliff(Column values) {
    const std::size_t n = values.size();
    if (n < near_count + 2) return std::nullopt;
    std::vector<double> halves(n);  // no difference of halves overflows
    std::transform(values.begin(), values.end(), halves.begin(), [](double v) { return 0.5 * v; });
    std::vector<double> ordered = halves;
    std::sort(ordered.begin(), ordered.end());
    const Column first = Column(halves).first(std::min(n, first_count));
    // Once the highest penalties are set aside, lower ones may be seen to lie close together.
    std::size_t n_near = n;
    while (const std::size_t lower = below_cliff(Column(ordered).first(n_near), first)) n_near = lower;
    if (n_near == n) return std::nullopt;
    std::vector<bool> beyond(n);
    for (std::size_t i = 0; i < n; ++i) beyond[i] = halves[i] > ordered[n_near - 1];
    return beyond;
}

}  // namespace hpcore::samplers
