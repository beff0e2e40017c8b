#include "hpcore/acquisition/boxes.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace hpcore::acquisition {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// A strip from `left` to the next one's left edge, below `height`, that began at `depth` of the third objective.
struct Strip {
    double left, height, depth;
};

// The plane of the first two objectives below the staircase of the points so far, in strips. Going along the third
// objective each point ends the strips that it cuts, as boxes, and begins two: so there are few boxes.
class Staircase {
  public:
    explicit Staircase(Column reference)
        : m_(reference.size()), right_(reference[0]), strips_{{-infinity, reference[1], -infinity}} {}

    void insert(double x, double y, double depth) {
        const auto after = std::upper_bound(strips_.begin(), strips_.end(), x,
                                            [](double value, const Strip& strip) { return value < strip.left; });
        const std::size_t first = static_cast<std::size_t>(after - strips_.begin()) - 1;
        const Strip cut = strips_[first];
        if (cut.height <= y) return;  // dominated in the plane, from here on
        std::size_t end = first;
        while (end < strips_.size() && strips_[end].height >= y) close(end++, depth);
        std::vector<Strip> fresh;
        if (cut.left < x) fresh.push_back({cut.left, cut.height, depth});
        fresh.push_back({x, y, depth});
        const auto begin = strips_.begin();
        const auto at =
            strips_.erase(begin + static_cast<std::ptrdiff_t>(first), begin + static_cast<std::ptrdiff_t>(end));
        strips_.insert(at, fresh.begin(), fresh.end());
    }

    void finish(double depth) {
        for (std::size_t i = 0; i < strips_.size(); ++i) close(i, depth);
    }

    std::vector<double> lower, upper;  // (boxes, m)

  private:
    void close(std::size_t i, double depth) {
        const Strip& strip = strips_[i];
        if (!(strip.depth < depth)) return;
        const double low[3] = {strip.left, -infinity, strip.depth};
        const double high[3] = {i + 1 < strips_.size() ? strips_[i + 1].left : right_, strip.height, depth};
        lower.insert(lower.end(), low, low + m_);
        upper.insert(upper.end(), high, high + m_);
    }

    std::size_t m_;
    double right_;
    std::vector<Strip> strips_;  // left edges increase, heights decrease
};

}  // namespace

Boxes undominated(Rows front, Column reference) {
    const std::size_t m = reference.size();
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < front.n; ++i) {
        bool inside = true;
        for (std::size_t k = 0; inside && k < m; ++k) inside = front(i, k) < reference[k];
        if (inside) order.push_back(i);
    }
    if (m == 3)
        std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return front(a, 2) < front(b, 2); });
    Staircase stairs(reference);
    // Two objectives are three whose third is the same for all: strips that end where they begin are no boxes.
    for (const std::size_t i : order) stairs.insert(front(i, 0), front(i, 1), m == 3 ? front(i, 2) : -infinity);
    stairs.finish(m == 3 ? reference[2] : infinity);

    Boxes boxes;
    boxes.m = m;
    boxes.lower.resize(stairs.lower.size());
    boxes.upper.resize(stairs.upper.size());
    const std::size_t size = stairs.lower.size() / m;
    for (std::size_t k = 0; k < m; ++k) {
        std::vector<double>& edges = boxes.edges[k];
        for (std::size_t b = 0; b < size; ++b) {
            edges.push_back(stairs.lower[b * m + k]);
            edges.push_back(stairs.upper[b * m + k]);
        }
        std::sort(edges.begin(), edges.end());
        edges.erase(std::unique(edges.begin(), edges.end()), edges.end());
        const auto place = [&](double edge) {
            return static_cast<std::uint32_t>(std::lower_bound(edges.begin(), edges.end(), edge) - edges.begin());
        };
        for (std::size_t b = 0; b < size; ++b) {
            boxes.lower[b * m + k] = place(stairs.lower[b * m + k]);
            boxes.upper[b * m + k] = place(stairs.upper[b * m + k]);
        }
    }
    return boxes;
}

}  // namespace hpcore::acquisition
