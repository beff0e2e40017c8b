#include "hpcore/fidelity/search.hpp"

#include <algorithm>
#include <numeric>

#include "hpcore/acquisition/ensemble.hpp"

namespace hpcore::fidelity {
namespace {

constexpr std::size_t n_incumbents = 5;  // configurations that are perturbed

}  // namespace

Proposal propose(const Model& model, const acquisition::MoveSet& moves, const acquisition::SearchOptions& options,
                 const acquisition::Criterion& criterion, const acquisition::Seen& seen,
                 const acquisition::Feasible& feasible, hpcore::Rows extra, Philox& stream) {
    const std::size_t d = moves.d(), m = model.rows().points().size();
    std::vector<double> means(m);
    for (std::size_t p = 0; p < m; ++p) means[p] = model.at_full(p).mean;
    std::vector<std::size_t> order(m);
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return means[a] < means[b]; });
    order.resize(std::min(m, n_incumbents));
    std::vector<double> data(order.size() * d);
    const MutableRows incumbents{data.data(), order.size(), d};
    for (std::size_t i = 0; i < order.size(); ++i) model.rows().points().row(order[i], incumbents[i]);

    const gp::Regressor regressor = model.regressor();
    acquisition::Ensemble acquisition(criterion);
    acquisition.add(regressor, m > 0 ? means[order[0]] : 0.0);
    acquisition::Maximizer maximizer(moves, options);
    maximizer.add_candidates(extra);
    Proposal out;
    out.row.resize(d);
    if (!maximizer.maximize(acquisition, incumbents, {m, 0}, seen, feasible, stream, out.row)) return {};
    model.at_full({out.row.data(), 1, d}, {&out.at_full, 1});
    return out;
}

}  // namespace hpcore::fidelity
