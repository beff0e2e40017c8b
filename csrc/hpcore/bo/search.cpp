#include "hpcore/bo/search.hpp"

#include <algorithm>

#include "hpcore/bo/rows.hpp"

namespace hpcore::bo {

bool search(const acquisition::Maximizer& maximizer, acquisition::Acquisition& acquisition,
            const std::vector<double>& incumbents, std::size_t n_models, std::size_t n_told, std::size_t n_out,
            const acquisition::Seen& seen, const Request& request, Philox& stream, Costs& costs, double* row,
            Step& step) {
    const std::size_t d = acquisition.model().points().d();
    const auto share = static_cast<double>(n_models);
    const bool hurried = share * costs.search(n_told) > 0.7 * request.deadline.left();
    const auto begin = Deadline::Clock::now();
    Deadline end;
    if (hurried) end = Deadline::in(std::max(0.0, request.deadline.left() - share * costs.late(n_told)));
    const bool found = maximizer.maximize(acquisition, incumbents.data(), incumbents.size() / d, n_told, n_out, seen,
                                          request.feasible, stream, row, end, request.repeats > 1);
    if (hurried) {
        step = Step::search;
        costs.came_late(n_told, std::max(0.0, -end.left()) / share);
    } else {
        costs.searched(n_told, seconds_since(begin) / share);
    }
    return found;
}

}  // namespace hpcore::bo
