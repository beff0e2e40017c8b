#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/samplers/told.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/view.hpp"

// A model of the whole space can stay in a branch of it whose optimum it has found, because what another branch may be
// worth is judged by the few trials there. Where the search has come to a halt in one branch, other branches are
// improved on for themselves, in turn with it: who proposes there asks for an improvement on the branch's own best.
namespace hpcore::samplers {

class Branches {
  public:
    explicit Branches(const space::Codec& codec);

    // True if no choice of the space decides which other columns are active.
    bool none() const { return parents_.empty(); }

    // Which of the told rows lies in the branch that the next proposal should be made in, if not anywhere. Nothing
    // while the search goes on well, or if one of the pending rows (p, d) lies in another branch than the best one.
    // Trials that ended without a value were in vain.
    std::optional<std::size_t> next(const records::Trials& trials, const Told& told, Rows pending) const;

    // True if two canonical rows lie in one branch.
    bool same(Column a, Column b) const;

    // The violations (n,) of told rows, none of those outside the row's branch being 0.
    std::vector<double> outside(Rows rows, const Told& told, std::size_t row) const;

    // Further candidates (m, d) in the branch of a row.
    std::vector<double> candidates(Column row, Philox random) const;

  private:
    struct Branch;
    bool known(Column row) const;
    bool used_up(Column row, const std::vector<std::size_t>& numbers, Rows rows) const;
    const space::Codec& codec_;
    std::vector<std::size_t> parents_;  // choices on which conditions depend
};

// A constraint that allows what another one allows in the branch of a row (d,) only.
acquisition::Feasible within(const Branches& branches, const space::Codec& codec, Column row,
                             acquisition::Feasible feasible);

}  // namespace hpcore::samplers
