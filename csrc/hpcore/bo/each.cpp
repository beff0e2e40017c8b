#include "hpcore/bo/each.hpp"

#include <algorithm>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bo {

std::vector<double> suggest_each(const acquisition::MoveSet& moves, const SuggestOptions& options,
                                 const Request& request, const SuggestOne& one, Step* lowest) {
    const std::size_t d = moves.d();
    std::vector<double> out, row(d);
    Sightings sightings(request);
    Request mine = request;
    for (std::size_t k = 0; k < request.count; ++k) {
        if (request.deadline.limited())
            mine.deadline = Deadline::in(request.deadline.left() / static_cast<double>(request.count - k));
        const acquisition::Seen& seen = sightings.seen();
        bool found = false;
        if (request.n() == 0) {
            Philox stream(request.key, request.number + k, streams::at_attempt(streams::gp_search, request.attempt));
            found = acquisition::Maximizer(moves, options.search).anything_unseen(seen, request.feasible, stream, row);
        } else {
            Step step = Step::full;
            found = one(mine, k, out, seen, row, step);
            if (lowest != nullptr) *lowest = std::max(*lowest, step);
        }
        if (!found) break;
        sightings.note(row);
        out.insert(out.end(), row.begin(), row.end());
    }
    return out;
}

}  // namespace hpcore::bo
