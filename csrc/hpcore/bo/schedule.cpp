#include "hpcore/bo/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace hpcore::bo {

std::size_t Schedule::at(std::size_t n) const {
    if (n <= every_until) return n;
    std::size_t size = every_until;
    for (;;) {
        const auto more = static_cast<std::size_t>(growth * static_cast<double>(size));
        const std::size_t next = size + std::clamp<std::size_t>(more, 1, longest);
        if (next > n) return size;
        size = next;
    }
}

std::vector<std::size_t> representative(const acquisition::MoveSet& moves, Rows rows, Column y, std::size_t most) {
    const std::size_t n = rows.n;
    std::vector<std::size_t> order(n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (n <= most) return order;
    std::vector<bool> taken(n, false);
    std::size_t count = 0;
    const auto take = [&](std::size_t i) {
        if (taken[i] || count == most) return;
        taken[i] = true;
        ++count;
    };
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return y[a] < y[b]; });
    for (std::size_t k = 0; k < most / 4; ++k) take(order[k]);

    std::vector<double> nearness(n, std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t k = 0; k < 3; ++k)
            nearness[i] = std::min(nearness[i], moves.squared_distance(rows[i], rows[order[k]]));
    std::vector<std::size_t> near(n);
    std::iota(near.begin(), near.end(), std::size_t{0});
    std::stable_sort(near.begin(), near.end(), [&](std::size_t a, std::size_t b) { return nearness[a] < nearness[b]; });
    for (std::size_t k = 0; k < n && count < most - most / 5; ++k) take(near[k]);

    const std::size_t wanted = most - count;
    for (std::size_t k = 0; k < wanted; ++k) take(k * n / wanted);
    for (std::size_t i = n; i-- > 0;) take(i);  // duplicates of the spread are replaced by the newest rows
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < n; ++i)
        if (taken[i]) chosen.push_back(i);
    return chosen;
}

}  // namespace hpcore::bo
