#include "hpcore/records/dominance.hpp"

#include <algorithm>
#include <numeric>

namespace hpcore::records {
namespace {

constexpr std::size_t none = static_cast<std::size_t>(-1);

bool dominates(std::span<const double> a, std::span<const double> b) {
    bool below = false;
    for (std::size_t k = 0; k < a.size(); ++k) {
        if (a[k] > b[k]) return false;
        below = below || a[k] < b[k];
    }
    return below;
}

bool below_in_all(std::span<const double> row, Column reference) {
    for (std::size_t k = 0; k < row.size(); ++k)
        if (!(row[k] < reference[k])) return false;
    return true;
}

std::vector<double> below(Rows rows, Column reference, std::vector<std::size_t>& numbers) {
    std::vector<double> out;
    for (std::size_t i = 0; i < rows.n; ++i) {
        if (!below_in_all(rows[i], reference)) continue;
        numbers.push_back(i);
        out.insert(out.end(), rows[i].begin(), rows[i].end());
    }
    return out;
}

// Memory for the rows that are left at each depth.
class Room {
  public:
    Room(std::size_t n, std::size_t m) : size_((n + 1) * m) {}
    double* at(std::size_t depth) {
        if (depth == levels_.size()) levels_.emplace_back(size_);
        return levels_[depth].data();
    }

  private:
    std::size_t size_;
    std::vector<std::vector<double>> levels_;
};

// Add row `count` to those before it unless one covers it, and drop those it covers; the number of rows left.
std::size_t join(double* rows, std::size_t m, std::size_t count) {
    std::size_t at = 0;
    while (at < count) {
        bool covers = true, covered = true;
        double *old = rows + at * m, *added = rows + count * m;
        for (std::size_t k = 0; k < m; ++k) {
            if (old[k] > added[k]) covers = false;
            if (old[k] < added[k]) covered = false;
        }
        if (covers) return count;
        if (covered) {
            --count;
            const double* last = rows + count * m;
            for (std::size_t k = 0; k < m; ++k) {
                const double dropped = old[k];
                old[k] = last[k];
                rows[count * m + k] = added[k];
                added[k] = dropped;
            }
            continue;
        }
        ++at;
    }
    return count + 1;
}

double box(const double* row, Column reference) {
    double out = 1.0;
    for (std::size_t k = 0; k < reference.size(); ++k) out *= reference[k] - row[k];
    return out;
}

// Volume of n rows, all below the reference, by the part that each adds to the rows after it.
double volume(const double* rows, std::size_t n, Column reference, Room& room, std::size_t depth);

// Volume that row i adds to the rows from `first` on.
double exclusive(const double* rows, std::size_t n, std::size_t i, std::size_t first, Column reference, Room& room,
                 std::size_t depth) {
    const std::size_t m = reference.size();
    const double* row = rows + i * m;
    double* limited = room.at(depth);  // the other rows, cut to the box of this one
    std::size_t count = 0;
    for (std::size_t j = first; j < n; ++j) {
        if (j == i) continue;
        for (std::size_t k = 0; k < m; ++k) limited[count * m + k] = std::max(row[k], rows[j * m + k]);
        count = join(limited, m, count);
    }
    const double whole = box(row, reference);
    if (count == 0) return whole;
    if (count == 1) return whole - box(limited, reference);
    return whole - volume(limited, count, reference, room, depth + 1);
}

double volume(const double* rows, std::size_t n, Column reference, Room& room, std::size_t depth) {
    double total = 0.0;
    for (std::size_t i = 0; i < n; ++i) total += exclusive(rows, n, i, i + 1, reference, room, depth);
    return total;
}

// Area that rows of two objectives dominate, in ascending order of the first.
double area(Rows rows, Column reference) {
    double total = 0.0, ceiling = reference[1];
    for (std::size_t i = 0; i < rows.n; ++i) {
        if (!(rows(i, 1) < ceiling)) continue;
        total += (reference[0] - rows(i, 0)) * (ceiling - rows(i, 1));
        ceiling = rows(i, 1);
    }
    return total;
}

}  // namespace

std::vector<std::size_t> lexicographic_order(Rows rows) {
    std::vector<std::size_t> order(rows.n);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        const auto x = rows[a], y = rows[b];
        return std::lexicographical_compare(x.begin(), x.end(), y.begin(), y.end());
    });
    return order;
}

std::vector<std::size_t> non_dominated_rank(Rows rows) {
    std::vector<std::size_t> out(rows.n), newest, former(rows.n);  // newest row of each front, and the row before each
    // In lexicographic order none is dominated by a later one; a row that is dominated by one front is dominated by
    // each front before it, so that its own is found by halving.
    for (const std::size_t i : lexicographic_order(rows)) {
        std::size_t low = 0, high = newest.size();
        while (low < high) {
            const std::size_t front = (low + high) / 2;
            std::size_t j = newest[front];
            while (j != none && !dominates(rows[j], rows[i])) j = former[j];
            if (j != none)
                low = front + 1;
            else
                high = front;
        }
        if (low == newest.size()) newest.push_back(none);
        former[i] = newest[low];
        newest[low] = i;
        out[i] = low;
    }
    return out;
}

double hypervolume(Rows rows, Column reference) {
    std::vector<std::size_t> numbers;
    const std::vector<double> inside = below(rows, reference, numbers);
    const std::size_t m = rows.d;
    const Rows all{inside.data(), numbers.size(), m};
    const std::vector<std::size_t> fronts = non_dominated_rank(all);
    std::vector<double> front;  // distinct rows in ascending order
    std::size_t former = none;
    for (const std::size_t i : lexicographic_order(all)) {
        if (fronts[i] != 0) continue;
        if (former != none && std::equal(all[i].begin(), all[i].end(), all[former].begin())) continue;
        former = i;
        front.insert(front.end(), all[i].begin(), all[i].end());
    }
    const std::size_t n = front.size() / m;
    if (n == 0) return 0.0;
    if (m == 1) return reference[0] - front[0];
    if (m == 2) return area({front.data(), n, m}, reference);
    Room room(n, m);
    return volume(front.data(), n, reference, room, 0);
}

std::vector<double> hypervolume_contributions(Rows rows, Column reference) {
    std::vector<std::size_t> numbers;
    const std::vector<double> inside = below(rows, reference, numbers);
    const std::size_t n = numbers.size();
    std::vector<double> out(rows.n);
    Room room(n, rows.d);
    for (std::size_t i = 0; i < n; ++i)
        out[numbers[i]] = std::max(0.0, exclusive(inside.data(), n, i, 0, reference, room, 0));
    return out;
}

}  // namespace hpcore::records
