#include "hpcore/bo/search.hpp"

#include "hpcore/bo/rows.hpp"

namespace hpcore::bo {

bool search(const acquisition::Maximizer& maximizer, acquisition::Acquisition& acquisition, Rows incumbents,
            std::size_t n_models, acquisition::ModelRows held, const acquisition::Seen& seen, const Request& request,
            Philox& stream, Costs& costs, MutableColumn row, Step& step) {
    const auto share = static_cast<double>(n_models);
    const bool hurried = share * costs.search(held.told) > 0.7 * request.deadline.left();
    const auto begin = Deadline::Clock::now();
    const bool found = maximizer.maximize(acquisition, incumbents, held, seen, request.feasible, stream, row,
                                          hurried ? request.deadline : Deadline{}, request.repeats > 1);
    if (hurried)
        step = Step::search;
    else
        costs.searched(held.told, seconds_since(begin) / share);
    return found;
}

}  // namespace hpcore::bo
