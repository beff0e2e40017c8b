#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <unordered_map>
#include <vector>

#include "hpcore/deadline.hpp"
#include "hpcore/gp/predictor.hpp"
#include "hpcore/linalg/lapack.hpp"
#include "hpcore/records/trial_table.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/sampler.hpp"
#include "hpcore/space/remaining.hpp"
#include "hpcore/space/space.hpp"
#include "hpcore/view.hpp"

namespace hpcore {

// Every point of the space has been proposed, or no new one was met.
class SpaceExhausted : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// There is no trial of that number.
class UnknownTrial : public std::out_of_range {
  public:
    using std::out_of_range::out_of_range;
};

// The trial is in another state than running.
class NotRunning : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

// There is no trial that the answer could be made from.
class NoResult : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Bytes that are no saved search, or that of another space.
class Damaged : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A saved search of a later version of the format.
class LaterVersion : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

struct OptimizerOptions {
    Philox::Key seed{};
    std::vector<bool> maximize{false};       // by objective, one or more
    std::size_t n_limits = 0;                // distances beyond limits that results come with
    std::size_t repeats = 1;                 // times that a point of a finite space may be proposed, at least 1
    std::optional<bool> per_cost{};          // results are weighed by cost; by default as soon as a cost is told
    const linalg::Lapack* lapack = nullptr;  // for predict; null: linalg/default.hpp. It outlives the optimizer
};

// A result in the user's own sign, where higher may be better. Whatever is empty, or NaN, is not told.
struct Outcome {
    records::State state = records::complete;  // complete, pruned or failed
    Column values = {};                        // (m,) finite; of a pruned trial an estimate, of a failed one not read
    Column std_errors = {};                    // (m,) at least 0, NaN where not known
    double cost = std::numeric_limits<double>::quiet_NaN();  // at least 0
    Column violations = {};                                  // (k,) how far each limit is exceeded, at most 0 keeps it
};

struct Asked {
    std::uint64_t number = 0;
    Level level = Level::full;
};

// Ask and tell for a space and a sampler. Proposals are those of Python's `Optimizer` by the same seed, to the last
// bit: no point is proposed twice, or after it was enqueued or added.
//
// Several threads may share one: a call waits for those before it, an ask with a deadline no longer than that before it
// takes what is cheapest. Whatever throws leaves the trials as they were; std::bad_alloc may come from any call.
class Optimizer {
  public:
    using MakeSampler = std::function<std::unique_ptr<Sampler>()>;

    // `make` is called now, and again when the sampler has to forget trials. Throws std::invalid_argument for options
    // that are not allowed.
    Optimizer(space::Space space, MakeSampler make, const OptimizerOptions& options);

    const space::Space& space() const { return space_; }
    std::size_t d() const { return space_.size(); }
    std::size_t m() const { return signs_.size(); }
    std::size_t n_limits() const { return n_limits_; }

    // Propose the next trial and write its canonical row (d,): NaN where a column is inactive. Enqueued rows come
    // first. Throws SpaceExhausted.
    Asked ask(MutableColumn row, const Deadline& deadline = {});
    // Propose up to rows.n trials at once, into rows (k, d) and asked (k,), and return how many: fewer only if the
    // space has no more points. Throws SpaceExhausted if there is none.
    std::size_t ask(MutableRows rows, std::span<Asked> asked, const Deadline& deadline = {});

    // Record a value (m,) of a running trial at a step that it has reached, NaN if it is not known there. The newest
    // one counts as the estimate of a trial that is told as pruned without a value.
    // Throws UnknownTrial, NotRunning, std::invalid_argument.
    void report(std::uint64_t number, double step, Column values);
    // Record the result of a running trial. Throws as report does.
    void tell(std::uint64_t number, const Outcome& outcome);
    void tell(std::uint64_t number, double value) { tell(number, {.values = {&value, 1}}); }
    // Record that a running trial says nothing of its point: its machine was lost, a user stopped it. It keeps its
    // number; no sampler learns from it, and its point may be proposed again. Throws UnknownTrial, NotRunning.
    void withdraw(std::uint64_t number);
    // Add a result from elsewhere at a row (d,), which is made canonical; return the number of its trial. NaN in an
    // active column is std::invalid_argument.
    std::uint64_t add(Column row, const Outcome& outcome);
    // Propose a row (d,) before all suggestions. NaN: drawn at random where the column is active.
    // Throws std::invalid_argument if a number would be in an inactive column.
    void enqueue(Column row);

    // The number of the best of the complete trials that keep all limits. Throws NoResult if there is none,
    // std::invalid_argument if there are several objectives.
    std::uint64_t best() const;
    // Numbers of such trials that no other one dominates, rising.
    std::vector<std::uint64_t> pareto_front() const;
    std::size_t n_trials() const;
    // Copy the row (d,) and the values (m,) of a trial, NaN without values, and return its state. An empty view is not
    // written to. Throws UnknownTrial.
    records::State trial(std::uint64_t number, MutableColumn row, MutableColumn values) const;

    // Mean and standard deviation (q,), in the objective's own units, of the function at rows (q, d), by a Gaussian
    // process of all values of one objective. Throws NoResult without a value.
    void predict(Rows rows, std::size_t objective, MutableColumn mean, MutableColumn std) const;

    // The trials, enqueued rows and newest reports as bytes, which are the same on every machine. The options are not
    // among them, but the seed is.
    std::vector<std::uint8_t> save() const;
    // Go on with a saved search of the same space, in an optimizer without trials. Nothing that is read is trusted.
    // Throws Damaged, LaterVersion; std::invalid_argument if there are trials.
    void load(std::span<const std::uint8_t> bytes);

  private:
    struct Report {
        double step;
        std::vector<double> values;  // lower is better
    };
    struct Best {
        std::optional<std::uint64_t> number;
        double loss = std::numeric_limits<double>::infinity();
        void take(std::uint64_t other, double value);
    };
    class Turn;

    Proposal suggested(std::size_t count, std::uint64_t attempt, const Deadline& deadline);
    Asked ask_one(const Deadline& deadline);
    Asked accept(Column suggestion, Level level, const Deadline& deadline);
    Asked begin(const double* row, Level level, bool given);
    Asked begin_remaining(Level level);
    Asked begin_queued();
    void take_back(std::size_t n, std::deque<std::vector<double>> queue);
    void forget_withdrawn();
    void begin_remaining_anew();
    void check_running(std::uint64_t number) const;
    void check(const Outcome& outcome) const;
    records::Result signed_result(const Outcome& outcome, const Report* newest);
    void snap(double* row);
    bool keeps_limits(Column violations) const;
    std::uint64_t fingerprint() const;

    space::Space space_;
    MakeSampler make_;
    Philox::Key seed_;
    std::vector<double> signs_;  // -1 where higher is better
    std::size_t n_limits_, repeats_;
    std::optional<bool> per_cost_;
    const linalg::Lapack* lapack_;

    mutable std::timed_mutex mutex_;
    std::unique_ptr<Sampler> sampler_;
    records::TrialTable trials_;
    space::Remaining remaining_;
    std::deque<std::vector<double>> queue_;
    std::unordered_map<std::uint64_t, Report> reports_;  // the newest of each running trial that has one
    Best best_;
    bool has_cost_ = false;
    bool has_withdrawn_ = false;        // a trial that the sampler and the remaining points still count
    std::vector<space::Value> values_;  // scratch of snap
    std::vector<double> row_, told_;    // scratch of accept and tell
    // The model of `predict` and the number of results and the objective that it knows.
    mutable std::unique_ptr<gp::Predictor> predictor_;
    mutable std::size_t predictor_results_ = 0, predictor_objective_ = 0;
    std::size_t n_results_ = 0;
};

}  // namespace hpcore
