#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/options.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/linalg/lapack.hpp"

namespace hpcore::bo {

// Suggestions of a model that is cheap enough for any deadline: of the best rows and some others, as many as the time
// allows, with the hyperparameters of the last fit at hand, or of a small fit of its own that grows from call to call,
// or, before there is one, with the prior's medians. A batch is chosen greedily among candidates that are scored once.
//
// The models are kept apart from those of the suggestions without a deadline, which know nothing of them. Limits and
// failures count as the worst value, costs do not count. What it refers to must outlive it. Calls from several threads
// wait for each other.
class Draft {
  public:
    Draft(const linalg::Lapack& lapack, const acquisition::MoveSet& moves, const SuggestOptions& options)
        : lapack_(lapack), moves_(moves), options_(options) {}

    // Hyperparameters of a fit of n rows, from any thread. Those of fewer rows than the last ones' are not taken, and
    // neither are some of another covariance's.
    void offer(const std::vector<double>& theta, std::size_t n);
    // The last hyperparameters, and the number of rows that they come from.
    std::pair<std::vector<double>, std::size_t> fitted() const;

    // Up to `count` rows (k, d), canonical, for the request's trials from number request.number + (n_chosen) on; the
    // n_chosen rows (n_chosen, d) count as pending. Without time, as when the deadline has passed, it takes what the
    // smallest model takes. Fewer rows, or none, only if no unseen, allowed row was met, or if there are fewer than
    // two values.
    std::vector<double> suggest(const Request& request, const std::vector<double>& chosen, std::size_t count);

    // Seconds that the smallest model takes, by what was measured.
    double least_seconds() const;

  private:
    static constexpr std::array<std::size_t, 4> sizes{32, 64, 128, 256};
    struct Kept {
        std::optional<gp::Regressor> model;
        std::vector<std::size_t> members;  // of the request's rows
        std::vector<double> rows;          // theirs, (k, d)
        std::size_t n = 0;                 // rows of the request that the members were chosen from
        std::size_t version = 0;           // of the hyperparameters
    };

    bool hold(const Kept& kept, const Request& request) const;
    std::size_t affordable(const Request& request, double seconds) const;
    void fit(const Request& request, Column values, const Deadline& until);
    const Kept& build(const Request& request, Column values, std::size_t level);

    const linalg::Lapack& lapack_;
    const acquisition::MoveSet& moves_;
    const SuggestOptions& options_;
    mutable std::mutex turn_;   // of the models
    mutable std::mutex theta_;  // of what follows
    std::vector<double> hyperparameters_;
    std::size_t n_fitted_ = 0, version_ = 0;
    double least_seconds_ = 3e-4;
    // Only with the turn.
    std::array<Kept, sizes.size()> kept_;
    std::vector<double> in_use_;
    std::size_t version_in_use_ = 0, n_in_use_ = 0, fitted_at_ = 0;
    Costs costs_;
    double rate_ = 4e-10;  // seconds a unit of work of building a model and scoring with it
};

}  // namespace hpcore::bo
