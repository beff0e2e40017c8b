#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace hpcore::tpe {

// One column of the cube as a density sees it. A coordinate on a continuous axis is u itself; on one with levels it is
// the level, as a double.
struct Axis {
    std::size_t levels = 0;     // 0: continuous
    bool unordered = false;     // categories: no level is nearer than another
    std::vector<double> edges;  // levels + 1 cell edges in [0, 1], ascending
    bool even = false;          // all cells equally wide

    bool continuous() const { return levels == 0; }

    std::size_t level_of(double u) const {
        if (even) return std::min(static_cast<std::size_t>(u * static_cast<double>(levels)), levels - 1);
        const auto above = std::upper_bound(edges.begin() + 1, edges.end() - 1, u);
        return static_cast<std::size_t>(above - edges.begin()) - 1;
    }
    double coordinate(double u) const { return continuous() ? u : static_cast<double>(level_of(u)); }
    double middle(std::size_t level) const { return 0.5 * (edges[level] + edges[level + 1]); }
    double width(std::size_t level) const { return edges[level + 1] - edges[level]; }
    // Position of a coordinate in the cube.
    double position(double x) const { return continuous() ? x : middle(static_cast<std::size_t>(x)); }
};

// Equal cells.
inline Axis even_axis(std::size_t levels, bool unordered) {
    Axis axis{levels, unordered, std::vector<double>(levels + 1), true};
    for (std::size_t i = 0; i <= levels; ++i) axis.edges[i] = static_cast<double>(i) / static_cast<double>(levels);
    return axis;
}

}  // namespace hpcore::tpe
