#include "hpcore/samplers/agreement.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "hpcore/sums.hpp"

namespace hpcore::samplers {
namespace {

constexpr std::size_t newest = 200;  // trials that are looked at: the time is quadratic in them
constexpr std::size_t fewest = 4;    // trials with a gradient, below which nothing can be said
// Share of trials that must be predicted better than by no change. It is near 1 for gradients of a smooth function, 1/2
// where noise rules the values, about 1/3 for derivatives at random of the right size, and 0 for those of wrong sign.
constexpr double least = 0.4;

// Squared distance, in which a column that is active in one of the two only counts 1 more.
double apart(std::span<const double> a, std::span<const double> b) {
    double out = 0.0;
    for (std::size_t j = 0; j < a.size(); ++j) {
        const bool here = !std::isnan(a[j]), there = !std::isnan(b[j]);
        const double difference = (here ? a[j] : 0.5) - (there ? b[j] : 0.5);
        out += difference * difference + (here != there ? 1.0 : 0.0);
    }
    return out;
}

double finite(double slope) {
    constexpr double huge = std::numeric_limits<double>::max();
    return std::isnan(slope) ? 0.0 : std::clamp(slope, -huge, huge);
}

}  // namespace

bool agree(Rows rows, Column values, Rows gradients) {
    std::vector<std::size_t> told;
    for (std::size_t i = rows.n; i-- > 0 && told.size() < newest;) {
        const auto slopes = gradients[i];
        if (!std::all_of(slopes.begin(), slopes.end(), [](double g) { return std::isnan(g); })) told.push_back(i);
    }
    if (told.size() < fewest) return true;
    std::reverse(told.begin(), told.end());
    // In units of the largest, because a difference may be more than the largest double.
    double size = std::numeric_limits<double>::min();
    for (const std::size_t i : told) size = std::max(size, std::fabs(values[i]));
    std::size_t n_better = 0, n_counts = 0;
    std::vector<double> terms(rows.d);
    for (const std::size_t i : told) {
        std::size_t nearest = i;
        double distance = std::numeric_limits<double>::infinity();
        for (const std::size_t k : told) {
            if (k == i) continue;
            const double other = apart(rows[i], rows[k]);
            if (other < distance) {
                distance = other;
                nearest = k;
            }
        }
        const double change = values[nearest] / size - values[i] / size;
        for (std::size_t j = 0; j < rows.d; ++j) {
            const double from = rows(i, j), to = rows(nearest, j);
            const double move = (std::isnan(to) ? 0.5 : to) - (std::isnan(from) ? 0.5 : from);
            terms[j] = 0.5 * (finite(gradients(i, j)) / size + finite(gradients(nearest, j)) / size) * move;
        }
        const double predicted = pairwise_sum(terms.data(), rows.d);
        if (change == 0.0 && predicted == 0.0) continue;
        ++n_counts;
        n_better += std::fabs(change - predicted) < std::fabs(change) ? 1 : 0;
    }
    return n_counts == 0 || static_cast<double>(n_better) / static_cast<double>(n_counts) >= least;
}

}  // namespace hpcore::samplers
