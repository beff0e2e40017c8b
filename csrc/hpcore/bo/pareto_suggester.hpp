#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/bo/factors.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/models.hpp"
#include "hpcore/bo/options.hpp"

namespace hpcore::bo {

// Suggestions for 2 or 3 objectives: a model of each, and the expected improvement of the hypervolume. The reference
// point is a tenth of an objective's range beyond its worst value. State is a cache, as a Suggester's is.
class ParetoSuggester {
  public:
    // The first view's transforms and warp are those of every objective; the rest of the views is not looked at.
    ParetoSuggester(const linalg::Lapack& lapack, std::shared_ptr<const space::Codec> codec,
                    const std::vector<bool>& categorical, const SuggestOptions& options, std::size_t m);

    // As Suggester::suggest, for values and standard errors (m n,), one objective after the other; but there are no
    // drafts. Without time, or while another thread is in a call for longer than the deadline allows, the answer is no
    // rows and Step::none.
    std::vector<double> suggest(const Request& request, Step* step = nullptr);

    std::size_t d() const { return moves_.d(); }
    std::size_t m() const { return models_.size(); }

  private:
    bool suggest_one(const Request& request, std::size_t k, const std::vector<double>& chosen,
                     const acquisition::Seen& seen, MutableColumn row, Step& step);
    bool fit(const std::vector<Request>& columns, Step& step);

    acquisition::MoveSet moves_;
    SuggestOptions options_;
    std::timed_mutex mutex_;
    std::vector<Models> models_;  // by objective
    Factors factors_;
    Costs costs_;
    Fitter fitter_;
};

}  // namespace hpcore::bo
