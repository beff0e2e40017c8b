#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/bo/draft.hpp"
#include "hpcore/bo/factors.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/models.hpp"
#include "hpcore/bo/options.hpp"

namespace hpcore::bo {

// Gaussian-process suggestions for one search. Its state between calls (hyperparameters, a factor) is only a cache of
// results that follow from the request alone: the same request gets the same answer to the last bit from a suggester
// that has seen the whole search and from a new one. Calls from several threads wait for each other, at most as long as
// their deadlines allow: after that they get a draft.
class Suggester {
  public:
    Suggester(const linalg::Lapack& lapack, std::shared_ptr<const space::Codec> codec,
              const std::vector<bool>& categorical, const SuggestOptions& options);

    // Rows (k, d), k <= request.count: fewer only if no unseen, allowed row is left or was met. `step` becomes the
    // lowest step that any of them took.
    std::vector<double> suggest(const Request& request, Step* step = nullptr);

    // The same by a draft, at once, also while another thread is in a call, whatever the request's deadline is; no rows
    // and Step::none if there is nothing to make a model of.
    std::vector<double> draft(const Request& request, Step* step = nullptr);

    // For the start of a search whose costs matter: of the request's extra rows, the one that is far from all that was
    // tried and is pending, and cheap by a model of the request's costs, of which there must be one. Canonical, (d,).
    std::vector<double> cheap_start(const Request& request);

    std::size_t d() const { return moves_.d(); }

  private:
    bool suggest_one(const Request& request, std::size_t k, const std::vector<double>& chosen,
                     const acquisition::Seen& seen, MutableColumn row, Step& step);
    void offer(const Models& models);
    bool in_time(const Request& request, std::size_t view, std::size_t n_fit) const;
    bool fall_back(const Request& request, std::size_t& view, std::size_t& n_fit, Step& step) const;

    const linalg::Lapack& lapack_;
    acquisition::MoveSet moves_;
    SuggestOptions options_;
    std::timed_mutex mutex_;
    std::vector<Models> models_;
    std::vector<std::size_t> models_of_;  // index of each view's models
    Factors factors_;
    Costs costs_;
    Fitter fitter_{lapack_, moves_, options_, costs_};
    // One with the mutex, and one without it: who has no time left does not wait for the other one.
    Draft draft_{lapack_, moves_, options_}, at_once_{lapack_, moves_, options_};
};

}  // namespace hpcore::bo
