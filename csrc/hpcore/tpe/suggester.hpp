#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "hpcore/records/trials.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/space/row_set.hpp"
#include "hpcore/tpe/merit.hpp"
#include "hpcore/tpe/mixture.hpp"
#include "hpcore/tpe/normalised_prior.hpp"
#include "hpcore/tpe/ranking.hpp"
#include "hpcore/tpe/trend.hpp"
#include "hpcore/view.hpp"

namespace hpcore::tpe {

enum class Weights { rank, uniform };

struct Options {
    bool joint = true;          // one density over columns that are active together, else one a column
    std::size_t n_startup = 8;  // even points before the densities rule
    double gamma = 0.1;         // share of trials that count as good ...
    std::size_t max_good = 25;  // ... and the most that may
    std::size_t max_bad = 128;  // the most others that are kernels, the newest
    Weights weights = Weights::rank;
    double prior_weight = 1.0;
    double bandwidth = 0.25;  // h = clip(bandwidth * scale * n^(-1/(d + 4)), min_bandwidth, 1)
    double min_bandwidth = 0.02;
    bool adaptive = true;  // scale follows success, else it is 1
    double scale_up = 1.6, scale_down = 0.92, scale_min = 0.25;
    bool trend = true;       // every third proposal, every other without the regression, asks the values' trend as well
    bool regression = true;  // every third one, and all while few trials are known, asks a kernel regression as well
    bool local = true;       // every fourth one, once enough are known, models the trials nearest to the best one only
    bool constant_liar = true;                                  // pending points are kernels of the bad density
    std::size_t n_draws = 128, n_uniform = 32, n_mutants = 64;  // candidates, by where they come from

    std::size_t candidates() const { return n_draws + n_uniform + n_mutants; }
};

// What is asked of a Suggester: rows for one trial.
struct Request {
    Philox::Key key;
    std::uint64_t number = 0;   // of the trial
    std::uint64_t attempt = 0;  // raised when an earlier answer was refused
    Rows pending = {};          // (p, d) canonical rows that are being evaluated
};

// The tree-structured Parzen estimator at work on a space: columns that are active together form a group with its own
// two densities, of the points that were active there. Groups are chosen parents first, each by its own ratio, so that
// a branch with more columns has no advantage.
//
// Everything kept is a function of the trials given so far: fed at once or one by one, the suggestions are the same.
// Not for several threads at once: see sampler.hpp.
class Suggester {
  public:
    // unordered (d,): columns whose levels have no order.
    Suggester(std::shared_ptr<const space::Codec> codec, const std::vector<bool>& unordered, const Options& options);

    // Learn new rows and results: states and the first of the values, or ranks in their place. A trial once seen ended
    // is not read again. If memory runs out all is forgotten, and the next update learns everything anew.
    void update(const records::Trials& trials);

    // Forget all results, but not the rows, for values that were ranked anew.
    void forget_results();

    // Rows (k, d) for one trial, best first. They repeat known points only where nothing new was among the candidates,
    // and in the start. Throws KernelFailed if the user's prior raised or answered NaN.
    void suggest(const Request& request, MutableRows out);

    // The same where trials came to more than one value: candidates are chosen by their merit as well. The outcomes are
    // those of the trials of the last update, whose values say how trials rank.
    void suggest(const Request& request, const Outcomes& told, MutableRows out);

    // log l - log g of rows (n, d) by each group's densities, nothing pending, into out (n, groups); NaN where a row
    // has NaN in a group's columns, 0 for a group without a finite value.
    void log_ratio(Rows rows, MutableRows out);

    // The log probability of turning out good by each group's trend, likewise; 0 for a group that has none yet.
    void log_trend(Rows rows, MutableRows out);

    // The good density's prior component, and every other startup point. Needs a space whose columns are one group
    // (std::invalid_argument); throws KernelFailed.
    void set_prior(const Kernel<DensityKernel>& prior);
    std::size_t n_groups() const { return groups_.size(); }

  private:
    // What a group looks at: the whole cube, or a box of it, whose continuous axes become [0, 1] for the densities.
    struct Box {
        explicit Box(std::size_t axes) : low(axes, 0.0), width(axes, 1.0) {}
        bool whole = true;
        std::vector<double> low, width;      // (axes,)
        std::vector<Ranking::Entry> trials;  // that a box which is not whole holds, best first
        double inside(std::size_t axis, double x) const { return (x - low[axis]) / width[axis]; }
        double outside(std::size_t axis, double x) const { return low[axis] + width[axis] * x; }
    };
    struct Group {
        Group(std::vector<std::size_t> its, std::vector<Axis> axes, const Options& options)
            : columns(std::move(its)),
              continuous(std::ranges::any_of(axes, &Axis::continuous)),
              good(axes),
              bad(axes),
              trend(axes),
              ranking(options.gamma, options.max_good),
              box(columns.size()) {}
        std::vector<std::size_t> columns;
        bool continuous = false;  // one of them is
        Mixture good, bad;
        Trend trend;
        Ranking ranking;
        // state of the suggestion being made
        Box box;
        bool proposed = false;
        std::size_t n_idle = 0;  // candidates that repeated a point in which this group was not active
        std::size_t n_draws = 0, n_uniform = 0, n_mutants = 0;
        Batch batch;
        std::vector<double> score;        // -infinity where not known yet, and where it has become one of the best
        std::vector<std::uint32_t> open;  // candidates whose score is not known yet ...
        std::vector<double> bound;        // ... and what it does not exceed
        std::vector<double> log_good, log_prior;
        // A score is `weight` times the ratio of the densities, and what else speaks for a candidate.
        double weight = 1.0;
        std::vector<double> merit;
        std::vector<std::uint32_t> best;  // candidates, best first, as far as they were needed
    };

    void clear();
    std::vector<double> waiting_of(Rows pending, space::RowSet& taken) const;
    void start(const Request& request, MutableRows out);
    void cheap_start(const Request& request, const std::vector<double>& waiting, MutableRows out);
    bool has_regression() const;
    bool has_regression_turn(std::uint64_t number) const;
    bool has_trend_turn(std::uint64_t number) const;
    bool has_local_turn(std::uint64_t number) const;
    void by_improvement(const Request& request, MutableRows out);
    // Candidates by the ratio of the densities, `weight` times, and their merit.
    void by_merit(Merit& merit, double weight, const Request& request, const std::vector<double>& waiting,
                  space::RowSet& taken, MutableRows out);
    void by_merit_of_rows(Merit& merit, double weight, const Request& request, const std::vector<double>& waiting,
                          space::RowSet& taken, MutableRows out);
    void absorb(const records::Trials& trials);
    void even_point(Philox::Key key, std::uint64_t number, MutableColumn u) const;
    void prior_point(Philox& random, MutableColumn u);
    void random_point(Philox& random, MutableColumn u) const;
    void coordinates_of(Column u, std::vector<space::Value>& scratch, MutableColumn out) const;
    Rows known() const { return {coordinates_.data(), rows_, d_}; }
    // Candidates of a group, and their ratios, or what comes before them.
    void propose(Group& group, Philox random, const std::vector<double>& pending);
    bool draw_candidates(Group& group, Philox& random, const std::vector<double>& pending, bool local = false);
    // Bounds of the scores, from which nth finds the best; all scores at once if many are wanted.
    void weigh(Group& group, double weight, std::size_t n_wanted);
    bool can_look_near_best(const Group& group) const;
    void look_near_best(Group& group) const;
    bool holds(const Group& group, const double* row) const;
    // Trials that count as good, best first.
    std::span<const Ranking::Entry> good_of(const Group& group) const;
    void fit(Group& group, const std::vector<double>& pending);
    void candidates(Group& group, Philox& random);
    bool fit_trend(Group& group);
    template <class Judge>
    void for_each_group(Rows rows, MutableRows out, Judge judge);
    void uniforms(Group& group, Philox& random, std::size_t first, std::size_t n);
    void mutants(Group& group, Philox& random, std::size_t first);
    void score(Group& group);
    void score_good(Group& group);
    void score_most_promising(Group& group, double least);
    std::uint32_t nth(Group& group, std::size_t rank);
    void place(const Group& group, std::uint32_t candidate, MutableColumn u) const;
    double bandwidth(const Group& group, std::size_t n) const;

    std::shared_ptr<const space::Codec> codec_;
    Options options_;
    std::size_t d_;
    bool endless_ = false;  // some column is continuous
    std::vector<Axis> axes_;
    std::vector<Group> groups_;
    std::optional<NormalisedPrior> prior_;
    std::unique_ptr<Merit> merit_;        // of outcomes beyond one value
    std::unique_ptr<Merit> improvement_;  // of one value alone

    std::size_t rows_ = 0, first_open_ = 0, n_finite_ = 0;
    std::vector<double> coordinates_;  // (rows, d)
    std::vector<std::uint8_t> ended_;
    std::vector<double> value_;  // NaN: running or without a value
    // After trial i: the least value so far and the bandwidths' scale. A function of trials in order of their numbers.
    std::vector<double> least_, scale_;
    space::RowSet seen_;
    // scratch
    struct Move {
        std::uint32_t axis, slot;
        double step;
    };
    std::vector<Move> moves_;
    std::vector<double> steps_, probabilities_, words_;
    std::vector<double> points_, values_, weights_, h_, log_bad_, some_prior_, coordinates_scratch_;
    std::vector<std::uint32_t> promising_;
    Batch some_;
};

}  // namespace hpcore::tpe
