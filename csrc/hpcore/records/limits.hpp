#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/view.hpp"

// Distances of metrics beyond their bounds, one column a bound: at most 0 where it is kept, NaN where not known.
namespace hpcore::records {

// Median size of the known distances of column j, which is a unit for them; 0 if none is known or most are 0. Finite
// also where the mean of two distances is more than the largest double.
double typical_size(Rows violations, std::size_t j);

// Sum (n,) of the distances (n, k) beyond all bounds, each in units of its median size; one that is not known counts
// as a unit. Finite for finite distances, and 0 only where all bounds are kept.
std::vector<double> total_violation(Rows violations);

}  // namespace hpcore::records
