#include "hpcore/bo/each.hpp"

#include <algorithm>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bo {

std::vector<double> suggest_each(const acquisition::MoveSet& moves, const SuggestOptions& options,
                                 const Request& request, const SuggestOne& one, Step* lowest) {
    const std::size_t d = moves.d();
    std::vector<double> out, row(d);
    // Rows that were there once, twice, ...; those that were there as often as they may be are the ones to avoid.
    std::vector<acquisition::Seen> times(1);
    const auto note = [&](Column at) {
        std::size_t k = 0;
        while (k + 1 < request.repeats && times[k].contains(at))
            if (++k == times.size()) times.emplace_back();
        times[k].insert(at);
    };
    for (const Rows rows : {request.rows, request.pending, request.failed})
        for (std::size_t i = 0; i < rows.n; ++i) note(rows[i]);
    const acquisition::Seen none;
    for (std::size_t k = 0; k < request.count; ++k) {
        if (k > 0 && request.deadline.passed()) break;
        const acquisition::Seen& seen = request.repeats <= times.size() ? times.back() : none;
        bool found = false;
        if (request.n() == 0) {
            Philox stream(request.key, request.number + k, streams::at_attempt(streams::gp_search, request.attempt));
            found = acquisition::Maximizer(moves, options.search).anything_unseen(seen, request.feasible, stream, row);
        } else {
            Step step = Step::full;
            found = one(k, out, seen, row, step);
            if (lowest != nullptr) *lowest = std::max(*lowest, step);
        }
        if (!found) break;
        note(row);
        out.insert(out.end(), row.begin(), row.end());
    }
    return out;
}

}  // namespace hpcore::bo
