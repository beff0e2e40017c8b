#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

#include "hpcore/bo/options.hpp"

namespace hpcore::bo {

// The request's rows that keep all limits, in order.
inline std::vector<std::size_t> keeping(const Request& request) {
    std::vector<std::size_t> rows;
    for (std::size_t i = 0; i < request.n(); ++i)
        if (request.keeps_limits(i)) rows.push_back(i);
    return rows;
}

// At most `most` of the rows, those nearest to keeping all limits first; of equal ones the earlier.
inline std::vector<std::size_t> nearest_to_keeping(const Request& request, std::size_t most) {
    std::vector<std::size_t> rows(request.n());
    std::iota(rows.begin(), rows.end(), std::size_t{0});
    std::stable_sort(rows.begin(), rows.end(),
                     [&](std::size_t a, std::size_t b) { return request.violations[a] < request.violations[b]; });
    rows.resize(std::min(rows.size(), most));
    return rows;
}

}  // namespace hpcore::bo
