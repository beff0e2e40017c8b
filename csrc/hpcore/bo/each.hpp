#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/options.hpp"
#include "hpcore/view.hpp"

namespace hpcore::bo {

// Rows that a request's suggestions are to avoid: those that were there as often as they may be.
class Sightings {
  public:
    // Of all rows of the request: with a value, pending and failed.
    explicit Sightings(const Request& request) : repeats_(request.repeats), times_(1) {
        for (const Rows rows : {request.rows, request.pending, request.failed})
            for (std::size_t i = 0; i < rows.n; ++i) note(rows[i]);
    }
    void note(Column row) {
        std::size_t k = 0;
        while (k + 1 < repeats_ && times_[k].contains(row))
            if (++k == times_.size()) times_.emplace_back();
        times_[k].insert(row);
    }
    const acquisition::Seen& seen() const { return repeats_ <= times_.size() ? times_.back() : none_; }

  private:
    std::size_t repeats_;
    std::vector<acquisition::Seen> times_;  // rows that were there once, twice, ...
    acquisition::Seen none_;
};

// Makes the k-th suggestion of a request, the earlier ones being `chosen`: a row that is not among those seen. False
// if there is none.
using SuggestOne = std::function<bool(const Request& request, std::size_t k, const std::vector<double>& chosen,
                                      const acquisition::Seen& seen, MutableColumn row, Step& step)>;

// Suggestions of a request one after the other, each unlike those before: `one` makes them, or chance as long as the
// request has no observation. `lowest`, unless null, becomes the lowest step that any of them took. The time that is
// left is shared out among those that are still wanted: `one` gets the request with its own deadline.
std::vector<double> suggest_each(const acquisition::MoveSet& moves, const SuggestOptions& options,
                                 const Request& request, const SuggestOne& one, Step* lowest);

}  // namespace hpcore::bo
