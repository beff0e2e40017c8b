#pragma once

#include <vector>

#include "hpcore/fidelity/log_posterior.hpp"

namespace hpcore::fidelity {

// The theta that maximises the posterior density, from the prior's medians or from `start`, unless that is empty.
std::vector<double> fit_map(const linalg::Lapack& lapack, const Rows& rows, Column y, const Prior& prior,
                            int max_iterations, const std::vector<double>& start);

}  // namespace hpcore::fidelity
