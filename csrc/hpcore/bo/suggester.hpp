#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "hpcore/acquisition/maximizer.hpp"
#include "hpcore/acquisition/move_set.hpp"
#include "hpcore/bo/ladder.hpp"
#include "hpcore/bo/schedule.hpp"
#include "hpcore/bo/trust_region.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/rng.hpp"

namespace hpcore::bo {

// View of the history: the targets of the model, and the acquisition that is then maximised.
struct View {
    // Transforms of the objective's values; the one under which they are likeliest is taken, the first if equal.
    std::vector<gp::TransformKind> transforms{gp::TransformKind::clip};
    bool warp = false;                 // warp numeric columns as is likeliest: gp/warp.hpp
    double length_scale_factor = 1.0;  // on the fitted ones; below 1 the model generalises less
    acquisition::Kind kind = acquisition::Kind::log_ei;
    bool thompson = false;
    bool noisy = false;  // improve on what the incumbents may be worth, averaged over that
    double kappa = 2.0;
    double xi = 0.0;              // improvement asked for, in standard deviations of the outputs
    bool posterior_best = false;  // improve on the best fitted mean rather than on the best value
};

struct SuggestOptions {
    std::vector<View> views{View{}};           // taken in turn, by trial number
    int n_draws = 0;                           // 0: maximum a posteriori; else draws of the hyperparameters
    acquisition::UserAcquisition acquisition;  // for the views whose kind is `user`
    acquisition::UserPrior prior;
    std::shared_ptr<const gp::UserCovariance> covariance;  // replaces the built-in one for numeric columns
    gp::FitOptions fit;
    acquisition::SearchOptions search;
    Schedule schedule;
    TrustRegion trust_region;
    std::size_t smooth_levels = 21;
    std::size_t n_incumbents = 5;
    std::size_t n_noisy_draws = 32;  // draws of the incumbents' values in a noisy view
    std::size_t fit_rows = 250;      // hyperparameters are fitted on at most this many rows
    std::size_t model_rows = 1000;   // the model holds at most about this many rows
};

// One call of Suggester::suggest.
struct Request {
    const double* rows = nullptr;        // (n, d) canonical rows with a value
    const double* values = nullptr;      // (n,) lower is better
    const double* std_errors = nullptr;  // (n,) in the units of the values, or null
    std::size_t n = 0;
    const double* pending = nullptr;  // (n_pending, d) rows asked for and not told yet
    std::size_t n_pending = 0;
    std::size_t count = 1;    // suggestions wanted
    std::size_t repeats = 1;  // how often a row may be suggested in all; more than once where all columns are gridded
    Philox::Key key;
    std::uint64_t attempt = 0;  // raised when an earlier answer was refused
    std::uint64_t number = 0;   // trial number of the first suggestion
    acquisition::Feasible feasible;
    const double* extra = nullptr;  // (n_extra, d) further candidates without NaN, where random rows are hardly allowed
    std::size_t n_extra = 0;
    Deadline deadline;
};

// Gaussian-process suggestions for one search. Its state between calls (hyperparameters, a factor) is only a cache of
// results that follow from the request alone: the same request gets the same answer to the last bit from a suggester
// that has seen the whole search and from a new one. Calls from several threads wait for each other.
class Suggester {
  public:
    Suggester(const linalg::Lapack& lapack, std::shared_ptr<const space::Codec> codec,
              const std::vector<bool>& categorical, const SuggestOptions& options);

    // Rows (k, d), k <= request.count: fewer only if no unseen, allowed row is left or was met, or if the deadline
    // leaves no time for a model or for more rows. `step` becomes the lowest step that any of them took.
    std::vector<double> suggest(const Request& request, Step* step = nullptr);

    std::size_t d() const { return moves_.d(); }

  private:
    struct Model {
        std::vector<double> theta;
        gp::Warp warp;
        std::optional<gp::Regressor> regressor;
    };
    // Models of one choice of transforms, warp and length scale factor, what they were computed from, and the rows they
    // hold.
    struct Cache {
        std::vector<gp::TransformKind> transforms;
        gp::TransformKind transform = gp::TransformKind::clip;  // the chosen one
        bool warp = false;
        double length_scale_factor = 1.0;
        std::size_t fitted = 0;
        std::vector<double> rows, values, errors;
        std::vector<Model> models;
        std::vector<std::size_t> members;  // rows of the history, in order
        std::vector<double> member_rows;
    };

    bool suggest_one(const Request& request, std::size_t k, const std::vector<double>& chosen,
                     const acquisition::Seen& seen, double* row, Step& step);
    static bool holds(const Cache& cache, const Request& request, std::size_t d);
    static double n_fits(const Cache& cache) {
        return static_cast<double>(cache.transforms.size()) + (cache.warp ? 1.0 : 0.0);
    }
    bool in_time(const Request& request, std::size_t view, std::size_t n_fit) const;
    bool fall_back(const Request& request, std::size_t& view, std::size_t& n_fit, Step& step) const;
    bool refit(const Request& request, std::size_t n_fit, Cache& cache);
    void extend(const Request& request, std::size_t n_fit, Cache& cache) const;
    void grow(Cache& cache, Model& model, std::size_t base, std::size_t held, const std::vector<double>& noise) const;

    const linalg::Lapack& lapack_;
    acquisition::MoveSet moves_;
    SuggestOptions options_;
    std::mutex mutex_;
    std::vector<Cache> caches_;
    std::vector<std::size_t> cache_of_;  // index of each view's cache
    Costs costs_;
};

}  // namespace hpcore::bo
