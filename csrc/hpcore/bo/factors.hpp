#pragma once

#include <cstddef>
#include <vector>

#include "hpcore/acquisition/product.hpp"
#include "hpcore/bo/models.hpp"
#include "hpcore/bo/options.hpp"

namespace hpcore::bo {

// Models of a request's limits and costs, and what they multiply an acquisition by: the probability that each limit is
// kept, and the expected cost to the power -1, all in logarithms. A cache, as the models of the objectives are.
class Factors {
  public:
    // Bring the models to the request's outcomes. False if the deadline left no time for it and there is no earlier fit
    // of one of them; `step` tells if an earlier one had to do.
    bool fit(const Fitter& fitter, const Costs& costs, const Request& request, Step& step);
    // Condition the models on the outcomes. With `hopeless`, while nothing is known that keeps all limits, the pending
    // rows (p, d) are taken to miss them narrowly, so that the next point is elsewhere. Call restore() when the
    // acquisition has been maximised.
    void condition(const Request& request, Rows pending, bool hopeless);
    void multiply(acquisition::Product& product) const;
    void restore();
    // Of candidates (n, d), canonical rows, the one farthest from all of `known` (k, d) among the `share` of them that
    // the conditioned model expects to be cheapest: where little is known, something is learnt for little.
    std::size_t cheap_and_far(const acquisition::MoveSet& moves, Rows candidates, Rows known, double share) const;
    // True if the conditioned models expect a row (d,) to keep all limits.
    bool expect_kept(Column row) const;

  private:
    std::vector<Models> limits_;
    std::vector<Models> cost_;  // one or none
    // A limit of which something is known, conditioned: the bound in its models' units.
    struct Known {
        Models* limit;
        double bound;
        std::size_t held;  // rows of its models without the fantasies
    };
    std::vector<Known> known_;
    double cost_power_ = 0.0;  // standard deviation of the log costs; 0 if there are none
};

}  // namespace hpcore::bo
