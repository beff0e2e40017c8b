#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/sampler.hpp"

// Rows that depend on no result, for trials ask.number .. ask.number + n - 1; (n, d).
namespace hpcore::samplers {

// Independent uniform rows.
std::vector<double> uniform_rows(const Ask& ask, std::size_t n, std::size_t d);

// Points of the scrambled Sobol sequence, sobol.hpp. Where the sequence's own point was refused (a repeat, or not
// allowed) a random one takes its place.
std::vector<double> start_rows(const Ask& ask, std::size_t n, std::size_t d);

}  // namespace hpcore::samplers
