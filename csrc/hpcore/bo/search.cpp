#include "hpcore/bo/search.hpp"

#include <algorithm>

#include "hpcore/bo/rows.hpp"

namespace hpcore::bo {

bool search(const acquisition::Maximizer& maximizer, acquisition::Acquisition& acquisition, Rows incumbents,
            std::size_t n_models, acquisition::ModelRows held, const acquisition::Seen& seen, const Request& request,
            Philox& stream, Costs& costs, MutableColumn row, Step& step) {
    const auto share = static_cast<double>(n_models);
    const bool hurried = share * costs.search(held.told) > 0.7 * request.deadline.left();
    const auto begin = Deadline::Clock::now();
    Deadline end;
    if (hurried) end = Deadline::in(std::max(0.0, request.deadline.left() - share * costs.late(held.told)));
    const bool found = maximizer.maximize(acquisition, incumbents, held, seen, request.feasible, stream, row, end,
                                          request.repeats > 1);
    if (hurried) {
        step = Step::search;
        costs.came_late(held.told, std::max(0.0, -end.left()) / share);
    } else {
        costs.searched(held.told, seconds_since(begin) / share);
    }
    return found;
}

}  // namespace hpcore::bo
