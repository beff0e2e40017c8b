#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/ensemble.hpp"
#include "hpcore/linalg/lapack.hpp"
#include "hpcore/view.hpp"

namespace hpcore::acquisition {

// Noisy expected improvement. With noisy observations neither the best point nor its value is known, so the improvement
// over the best of `rows` (m, d), the incumbents and the pending points, is averaged over n quasi-random draws of the
// objective there from the model's joint posterior; each draw is then known to the model without noise. Letham et al.
// 2019, "Constrained Bayesian optimization with noisy experiments", with the best candidates for a minimum in place of
// every observation. The draws use fixed random numbers.
//
// Adds the model to the ensemble n times, once a draw. The model, with these targets, gets the rows appended.
void add_noisy_ei(const linalg::Lapack& lapack, gp::Regressor& model, std::vector<double> targets, Rows rows,
                  std::size_t n, double xi, Ensemble& ensemble);

}  // namespace hpcore::acquisition
