#include "hpcore/fidelity/fit.hpp"

#include "hpcore/optim/lbfgsb.hpp"

namespace hpcore::fidelity {

std::vector<double> fit_map(const linalg::Lapack& lapack, const Rows& rows, Column y, const Prior& prior,
                            int max_iterations, const std::vector<double>& start) {
    LogPosterior posterior(lapack, rows, y, prior);
    const Layout& layout = posterior.layout();
    std::vector<double> first(layout.size()), low(layout.size()), high(layout.size()), gradient(layout.size());
    for (std::size_t i = 0; i < layout.size(); ++i) {
        const LogNormal& p = prior.of(layout, i);
        first[i] = p.mean;
        low[i] = p.std > 0.0 ? p.low : p.mean;
        high[i] = p.std > 0.0 ? p.high : p.mean;
    }
    if (rows.size() < 2) return first;
    optim::BoxMinimizer::Options search;
    search.max_iterations = max_iterations;
    search.max_evaluations = 2 * max_iterations;
    search.first_step = 0.5;
    search.gradient_tolerance = 1e-2;
    search.value_tolerance = 1e-5;
    optim::BoxMinimizer minimizer(start.empty() ? first : start, low, high, search);
    while (!minimizer.done()) {
        const double value = -posterior(minimizer.trial(), gradient);
        for (double& g : gradient) g = -g;
        minimizer.tell(value, gradient);
    }
    return minimizer.x();
}

}  // namespace hpcore::fidelity
