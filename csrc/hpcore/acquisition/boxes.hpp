#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "hpcore/view.hpp"

namespace hpcore::acquisition {

// Disjoint boxes of what a front leaves undominated below a reference point, for minimisation. Corners are given by
// their place among the distinct edges of each objective, since boxes share most of them.
struct Boxes {
    std::size_t m = 0;                        // objectives, 2 or 3
    std::vector<double> edges[3];             // increasing; the first is -infinity, the last the reference
    std::vector<std::uint32_t> lower, upper;  // (size, m)

    std::size_t size() const { return m == 0 ? 0 : lower.size() / m; }
};

// At most n + 1 boxes for two objectives and 2 n + 1 for three, for a front (n, m) whose rows may dominate each other
// and may lie beyond the reference (m,).
Boxes undominated(Rows front, Column reference);

}  // namespace hpcore::acquisition
