#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "hpcore/rng.hpp"
#include "hpcore/view.hpp"

// Orders of trials with several objectives or with limits. Values (n, m) are finite, and lower is better.
namespace hpcore::records {

constexpr std::size_t all_places = std::numeric_limits<std::size_t>::max();

// What decides between the rows of one front: the hypervolume that each adds, or how far apart its neighbours are.
enum class Worth { contribution, crowding };

// Place (n,) of each row, 0 .. n - 1: fronts in turn, within a front the worthiest first, the earlier of equal rows
// first. A single objective is just sorted. `first` places matter: fronts that begin beyond are in order of arrival.
//
// Each objective is scaled to the range of all rows. The reference point of a contribution lies a tenth of the front's
// range beyond its worst values; fronts of more than 64 rows are ordered by crowding.
//   Ozaki et al. 2022, "Multiobjective tree-structured Parzen estimator"; Deb et al. 2002, "A fast and elitist
//   multiobjective genetic algorithm: NSGA-II".
std::vector<double> order_by_front(Rows values, std::size_t first = all_places, Worth worth = Worth::contribution);

// The same, feasible rows first, then the others by the sum of their violations (n, k), limits.hpp.
std::vector<double> order_by_limits(Rows values, Rows violations, std::size_t first = all_places,
                                    Worth worth = Worth::contribution);

// (m,) half the range of each column, finite for all finite ones; 1 for a constant column. n >= 1.
std::vector<double> half_range(Rows values);

// Augmented Chebyshev sum (n,) of each row, its objectives scaled to the range of all, in 0 .. 1.05; weights (m,) are
// at least 0, of sum 1. Knowles 2006, "ParEGO".
std::vector<double> chebyshev(Rows values, Column weights);

// Weights (m,) of the scalarisation for a trial, uniform on the simplex; 1 for one objective.
std::vector<double> random_weights(std::size_t m, Philox::Key key, std::uint64_t number, std::uint64_t attempt);

}  // namespace hpcore::records
