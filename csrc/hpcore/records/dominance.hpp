#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "hpcore/view.hpp"

// Non-dominated sorting and hypervolumes of rows of finite values; lower is better in every objective.
namespace hpcore::records {

// Numbers of rows (n, m) in lexicographic order, equal rows in the order in which they came.
std::vector<std::size_t> lexicographic_order(Rows rows);

// Front of each row: 0 if nothing dominates it, 1 if only rows of front 0 do, and so on; equal rows share a front.
// O(n^2 m) at worst, less with many fronts.
//   Zhang et al. 2015, "An efficient approach to nondominated sorting".
std::vector<std::size_t> non_dominated_rank(Rows rows);

// Volume that rows (n, m) dominate up to a reference (m,); rows that are not below it in every objective add nothing.
//   While, Bradstreet & Barone 2012, "A fast way of calculating exact hypervolumes".
double hypervolume(Rows rows, Column reference);

// Volume (n,) that would be lost without each row: 0 for a dominated row and for one that occurs twice.
std::vector<double> hypervolume_contributions(Rows rows, Column reference);

}  // namespace hpcore::records
