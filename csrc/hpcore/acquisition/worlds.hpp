#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/ensemble.hpp"
#include "hpcore/linalg/lapack.hpp"

namespace hpcore::acquisition {

// Where observations are noisy, nobody knows which point is the best, nor how good it is. The improvement over the best
// of `rows` (m, d), the incumbents and those that are still out, is averaged over what the objective may be there: n
// quasi-random draws from the model's joint posterior, in each of which the model then knows it without noise. Letham
// et al. 2019, "Constrained Bayesian optimization with noisy experiments", with the best candidates for a minimum in
// place of every observation. Always the same numbers behind the draws.
//
// Adds the model to the ensemble, in n worlds. The model, with these targets, gets the rows appended.
void add_worlds(const linalg::Lapack& lapack, gp::Regressor& model, std::vector<double> targets, const double* rows,
                std::size_t m, std::size_t n, double xi, Ensemble& ensemble);

}  // namespace hpcore::acquisition
