#include "hpcore/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "hpcore/linalg/default.hpp"
#include "hpcore/optimizer_parts.hpp"
#include "hpcore/records/dominance.hpp"
#include "hpcore/streams.hpp"

namespace hpcore {

namespace {

// The numbers of hpcore/optimizer/proposer.py, where they are explained.
constexpr std::size_t max_tries = 20'000, max_repeats = 50, patience = 4;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void check_length(const char* what, std::size_t length, std::size_t wanted) {
    if (length != wanted)
        throw std::invalid_argument(std::string(what) + " must have length " + std::to_string(wanted) + ", got " +
                                    std::to_string(length));
}

void check_finite(const char* what, Column values) {
    for (const double x : values)
        if (!std::isfinite(x))
            throw std::invalid_argument(std::string(what) + " must be finite, got " + std::to_string(x));
}

std::vector<double> signs_of(const std::vector<bool>& maximize) {
    std::vector<double> signs;
    for (const bool up : maximize) signs.push_back(up ? -1.0 : 1.0);
    return signs;
}

}  // namespace

Optimizer::Optimizer(space::Space space, MakeSampler make, const OptimizerOptions& options)
    : space_(std::move(space)),
      make_(std::move(make)),
      seed_(options.seed),
      signs_(signs_of(options.maximize)),
      n_limits_(options.n_limits),
      repeats_(options.repeats),
      per_cost_(options.per_cost),
      lapack_(options.lapack),
      trials_(space_.size(), signs_.size(), n_limits_),
      remaining_(space_, seed_, repeats_),
      values_(space_.size()),
      row_(space_.size()) {
    if (repeats_ == 0) throw std::invalid_argument("repeats must be at least 1, got 0");
    const auto make_sampler = std::move(make_);
    const std::size_t repeats = repeats_;
    make_ = [make_sampler, repeats] {
        std::unique_ptr<Sampler> sampler = make_sampler();
        if (repeats > 1) sampler->allow_repeats(repeats);
        return sampler;
    };
    sampler_ = make_();
}

// --- ask ----------------------------------------------------------------------------------------------------------

void Optimizer::snap(double* row) {
    space_.codec()->snap({row, d()}, values_);
}

Proposal Optimizer::suggested(std::size_t count, std::uint64_t attempt, const Deadline& deadline) {
    std::vector<double> pending;
    if (sampler_->uses_pending()) pending = trials_.pending();
    Ask ask;
    ask.key = seed_;
    ask.number = trials_.n();
    ask.attempt = attempt;
    ask.count = count;
    ask.deadline = deadline;
    ask.per_cost = per_cost_.value_or(has_cost_);
    return sampler_->suggest(trials_.view(), {pending.data(), pending.size() / d(), d()}, ask);
}

Asked Optimizer::begin(const double* row, Level level, bool given) {
    const std::size_t number = trials_.append({row, d()}, given);
    try {
        remaining_.discard(row);
    } catch (...) {
        trials_.truncate(number);
        throw;
    }
    return {number, level};
}

Asked Optimizer::begin_remaining(Level level) {
    if (!remaining_.next(row_.data()))
        throw SpaceExhausted("every point of the space has been proposed (" + std::to_string(remaining_.n_seen()) +
                             " points)");
    return begin(row_.data(), level, false);
}

Asked Optimizer::accept(Column suggestion, Level level, const Deadline& deadline) {
    std::copy(suggestion.begin(), suggestion.end(), row_.begin());
    std::size_t refused = 0;
    for (std::size_t attempt = 1; attempt <= max_tries; ++attempt) {
        snap(row_.data());
        if (remaining_.contains(row_.data())) return begin(row_.data(), level, false);
        ++refused;
        if (remaining_.finite() && refused >= max_repeats) return begin_remaining(level);
        if (sampler_->uses_pending() && (attempt > patience || deadline.passed())) {
            Philox(seed_, trials_.n(), streams::at_attempt(streams::fill, attempt)).fill_uniform(row_);
            level = Level::random;
        } else {
            const Proposal again = suggested(1, attempt, deadline);
            std::copy_n(again.rows.begin(), d(), row_.begin());
            level = again.level;
        }
    }
    if (remaining_.finite()) return begin_remaining(level);
    throw SpaceExhausted("no point was met that is new, in " + std::to_string(max_tries) +
                         " tries: all were among the " + std::to_string(remaining_.n_seen()) +
                         " that have been proposed");
}

Asked Optimizer::begin_queued() {
    const std::vector<double>& given = queue_.front();
    std::vector<double> drawn(d());
    for (std::size_t attempt = 0;; ++attempt) {
        Philox(seed_, trials_.n(), streams::at_attempt(streams::fill, attempt)).fill_uniform(drawn);
        for (std::size_t j = 0; j < d(); ++j) row_[j] = std::isnan(given[j]) ? drawn[j] : given[j];
        snap(row_.data());
        // Drawn parents must not make given columns inactive.
        bool kept = true;
        for (std::size_t j = 0; j < d(); ++j) kept = kept && (std::isnan(given[j]) || values_[j].active);
        if (kept) break;
        if (attempt == max_tries) {
            queue_.pop_front();
            throw std::invalid_argument(
                "no draw of the missing columns keeps the given ones of an enqueued row "
                "active; it has left the queue");
        }
    }
    const Asked asked = begin(row_.data(), Level::full, true);
    queue_.pop_front();
    return asked;
}

Asked Optimizer::ask_one(const Deadline& deadline) {
    if (!queue_.empty()) return begin_queued();
    const Proposal proposal = suggested(1, 0, deadline);
    return accept({proposal.rows.data(), d()}, proposal.level, deadline);
}

Asked Optimizer::ask(MutableColumn row, const Deadline& deadline) {
    check_length("row", row.size(), d());
    const Turn turn(mutex_, deadline);
    forget_withdrawn();
    const Asked asked = ask_one(deadline);
    const auto begun = trials_.view().rows[static_cast<std::size_t>(asked.number)];
    std::copy(begun.begin(), begun.end(), row.begin());
    return asked;
}

std::size_t Optimizer::ask(MutableRows rows, std::span<Asked> asked, const Deadline& deadline) {
    check_length("each row", rows.d, d());
    check_length("asked", asked.size(), rows.n);
    if (rows.n == 0) throw std::invalid_argument("n must be at least 1, got 0");
    const Turn turn(mutex_, deadline);
    forget_withdrawn();
    const std::size_t first = trials_.n();
    const auto queue = queue_;
    std::size_t n = 0;
    try {
        while (n < rows.n && !queue_.empty()) asked[n++] = begin_queued();
        if (n < rows.n) {
            const Proposal proposal = suggested(rows.n - n, 0, deadline);
            const Rows suggestions{proposal.rows.data(), proposal.rows.size() / d(), d()};
            for (std::size_t i = 0; i < suggestions.n && n < rows.n; ++i) {
                asked[n] = accept(suggestions[i], proposal.level, deadline);
                ++n;
            }
        }
        while (n < rows.n) {
            asked[n] = ask_one(deadline);
            ++n;
        }
    } catch (const SpaceExhausted&) {
        if (n == 0) throw;
    } catch (...) {
        take_back(first, queue);
        throw;
    }
    const Rows begun = trials_.view().rows.part(first, n);
    std::copy_n(begun.data, begun.size(), rows.data);
    return n;
}

// Remove the trials from number n on, which no caller has.
void Optimizer::take_back(std::size_t n, std::deque<std::vector<double>> queue) {
    queue_ = std::move(queue);
    if (trials_.n() == n) return;
    trials_.truncate(n);
    begin_remaining_anew();
    sampler_ = make_();
}

// Let the sampler, and the remaining points, follow trials that were withdrawn: neither forgets one by itself.
void Optimizer::forget_withdrawn() {
    if (!has_withdrawn_) return;
    begin_remaining_anew();
    sampler_ = make_();
    has_withdrawn_ = false;
}

void Optimizer::begin_remaining_anew() {
    const records::Trials trials = trials_.view();
    std::vector<double> present;
    present.reserve(trials.rows.size());
    for (std::size_t i = 0; i < trials.n(); ++i)
        if (!trials.absent(i)) present.insert(present.end(), trials.rows[i].begin(), trials.rows[i].end());
    remaining_.begin_anew({present.data(), present.size() / d(), d()});
}

void Optimizer::enqueue(Column row) {
    check_length("row", row.size(), d());
    const Turn turn(mutex_);
    std::vector<double> given(row.begin(), row.end()), whole(d());
    for (std::size_t j = 0; j < d(); ++j) {
        if (!std::isnan(given[j]) && !(given[j] >= 0.0 && given[j] <= 1.0))
            throw std::invalid_argument("a row must lie within [0, 1], got " + std::to_string(given[j]) +
                                        " in column " + std::to_string(j));
        whole[j] = std::isnan(given[j]) ? 0.5 : given[j];
    }
    // What is inactive although all its parents are given can never be active.
    snap(whole.data());
    for (std::size_t j = 0; j < d(); ++j) {
        if (std::isnan(given[j]) || values_[j].active) continue;
        const auto& conditions = space_.codec()->column(j).conditions;
        if (std::none_of(conditions.begin(), conditions.end(),
                         [&](const auto& condition) { return std::isnan(given[condition.parent]); }))
            throw std::invalid_argument("an enqueued row must have NaN in inactive columns, got " +
                                        std::to_string(given[j]) + " in column " + std::to_string(j));
    }
    queue_.push_back(std::move(given));
}

// --- results ------------------------------------------------------------------------------------------------------

void Optimizer::Best::take(std::uint64_t other, double value) {
    if (!number || value < loss || (value == loss && other < *number)) {
        number = other;
        loss = value;
    }
}

void Optimizer::check_running(std::uint64_t number) const {
    if (number >= trials_.n())
        throw UnknownTrial("trial must be one that was asked for (" + std::to_string(trials_.n()) + " so far), got " +
                           std::to_string(number));
    const std::uint8_t state = trials_.view().state[static_cast<std::size_t>(number)];
    if (state != records::running)
        throw NotRunning("trial " + std::to_string(number) +
                         (state == records::withdrawn ? " was withdrawn" : " has been told already"));
}

void Optimizer::check(const Outcome& outcome) const {
    if (outcome.state != records::complete && outcome.state != records::pruned && outcome.state != records::failed)
        throw std::invalid_argument("state must be complete, pruned or failed, got " +
                                    std::to_string(int(outcome.state)));
    if (outcome.state == records::complete || (outcome.state == records::pruned && !outcome.values.empty())) {
        check_length("values", outcome.values.size(), m());
        check_finite("values", outcome.values);
    }
    if (!outcome.std_errors.empty()) check_length("std_errors", outcome.std_errors.size(), m());
    for (const double error : outcome.std_errors)
        if (!std::isnan(error) && !is_size(error))
            throw std::invalid_argument("std_errors must be finite and at least 0, got " + std::to_string(error));
    if (!std::isnan(outcome.cost) && !is_size(outcome.cost))
        throw std::invalid_argument("cost must be finite and at least 0, got " + std::to_string(outcome.cost));
    if (!outcome.violations.empty()) check_length("violations", outcome.violations.size(), n_limits_);
    for (const double beyond : outcome.violations)
        if (std::isinf(beyond)) throw std::invalid_argument("violations must be finite, or NaN where not known");
}

records::Result Optimizer::signed_result(const Outcome& outcome, const Report* newest) {
    records::Result result{.state = outcome.state,
                           .std_error = outcome.std_errors,
                           .cost = outcome.cost,
                           .violations = outcome.violations};
    if (outcome.state == records::failed) return result;
    if (!outcome.values.empty()) {
        told_.resize(m());
        for (std::size_t k = 0; k < m(); ++k) told_[k] = signs_[k] * outcome.values[k];
        result.values = told_;
    } else if (newest != nullptr) {
        result.values = newest->values;
    }
    return result;
}

bool Optimizer::keeps_limits(Column violations) const {
    return std::all_of(violations.begin(), violations.end(), [](double beyond) { return beyond <= 0.0; });
}

void Optimizer::report(std::uint64_t number, double step, Column values) {
    check_length("values", values.size(), m());
    check_finite("values", values);
    if (!std::isfinite(step)) throw std::invalid_argument("step must be finite, got " + std::to_string(step));
    const Turn turn(mutex_);
    check_running(number);
    Report report{step, {values.begin(), values.end()}};
    for (std::size_t k = 0; k < m(); ++k) report.values[k] *= signs_[k];
    reports_[number] = std::move(report);
}

void Optimizer::tell(std::uint64_t number, const Outcome& outcome) {
    check(outcome);
    const Turn turn(mutex_);
    check_running(number);
    const auto reported = reports_.empty() ? reports_.end() : reports_.find(number);
    const records::Result result = signed_result(outcome, reported == reports_.end() ? nullptr : &reported->second);
    const auto i = static_cast<std::size_t>(number);
    trials_.finish(i, result);
    ++n_results_;
    has_cost_ = has_cost_ || !std::isnan(outcome.cost);
    const records::Trials trials = trials_.view();
    if (m() == 1 && outcome.state == records::complete && (n_limits_ == 0 || keeps_limits(trials.violations[i])))
        best_.take(number, trials.values(i, 0));
    if (reported != reports_.end()) reports_.erase(reported);
}

void Optimizer::withdraw(std::uint64_t number) {
    const Turn turn(mutex_);
    check_running(number);
    trials_.withdraw(static_cast<std::size_t>(number));
    reports_.erase(number);
    has_withdrawn_ = true;
}

std::uint64_t Optimizer::add(Column row, const Outcome& outcome) {
    check_length("row", row.size(), d());
    check(outcome);
    const Turn turn(mutex_);
    std::copy(row.begin(), row.end(), row_.begin());
    for (const double u : row_)
        if (!std::isnan(u) && !(u >= 0.0 && u <= 1.0))
            throw std::invalid_argument("a row must lie within [0, 1], got " + std::to_string(u));
    snap(row_.data());
    const std::size_t number = trials_.n();
    begin(row_.data(), Level::full, true);
    try {
        trials_.finish(number, signed_result(outcome, nullptr));
    } catch (...) {
        // The point counts as proposed from here on: a set of rows does not forget one.
        trials_.truncate(number);
        throw;
    }
    ++n_results_;
    has_cost_ = has_cost_ || !std::isnan(outcome.cost);
    const records::Trials trials = trials_.view();
    if (m() == 1 && outcome.state == records::complete && (n_limits_ == 0 || keeps_limits(trials.violations[number])))
        best_.take(number, trials.values(number, 0));
    return number;
}

std::uint64_t Optimizer::best() const {
    const Turn turn(mutex_);
    if (m() != 1) throw std::invalid_argument("best needs a single objective; of several, the Pareto front is best");
    if (!best_.number)
        throw NoResult("no trial is complete and keeps the limits yet (" + std::to_string(trials_.n()) + " trials)");
    return *best_.number;
}

std::vector<std::uint64_t> Optimizer::pareto_front() const {
    const Turn turn(mutex_);
    const records::Trials trials = trials_.view();
    std::vector<std::uint64_t> numbers;
    std::vector<double> values;
    for (std::size_t i = 0; i < trials.n(); ++i) {
        if (trials.state[i] != records::complete || (n_limits_ > 0 && !keeps_limits(trials.violations[i]))) continue;
        numbers.push_back(i);
        const auto row = trials.values[i];
        values.insert(values.end(), row.begin(), row.end());
    }
    const std::vector<std::size_t> ranks = records::non_dominated_rank({values.data(), numbers.size(), m()});
    std::vector<std::uint64_t> front;
    for (std::size_t i = 0; i < numbers.size(); ++i)
        if (ranks[i] == 0) front.push_back(numbers[i]);
    return front;
}

std::size_t Optimizer::n_trials() const {
    const Turn turn(mutex_);
    return trials_.n();
}

records::State Optimizer::trial(std::uint64_t number, MutableColumn row, MutableColumn values) const {
    if (!row.empty()) check_length("row", row.size(), d());
    if (!values.empty()) check_length("values", values.size(), m());
    const Turn turn(mutex_);
    if (number >= trials_.n())
        throw UnknownTrial("trial must be one of " + std::to_string(trials_.n()) + ", got " + std::to_string(number));
    const auto i = static_cast<std::size_t>(number);
    const records::Trials trials = trials_.view();
    if (!row.empty()) std::copy_n(trials.rows[i].begin(), d(), row.begin());
    for (std::size_t k = 0; k < values.size(); ++k) values[k] = signs_[k] * trials.values(i, k);
    return static_cast<records::State>(trials.state[i]);
}

void Optimizer::predict(Rows rows, std::size_t objective, MutableColumn mean, MutableColumn std) const {
    check_length("each row", rows.d, d());
    check_length("mean", mean.size(), rows.n);
    check_length("std", std.size(), rows.n);
    if (objective >= m())
        throw std::invalid_argument("objective must be below " + std::to_string(m()) + ", got " +
                                    std::to_string(objective));
    std::vector<double> points(rows.data, rows.data + rows.size());
    std::vector<space::Value> scratch(d());
    for (std::size_t i = 0; i < rows.n; ++i) space_.codec()->snap({points.data() + i * d(), d()}, scratch);

    const Turn turn(mutex_);
    if (!predictor_ || predictor_results_ != n_results_ || predictor_objective_ != objective) {
        predictor_.reset();
        const records::Trials trials = trials_.view();
        std::vector<double> X, y, errors;
        bool known = false;
        for (std::size_t i = 0; i < trials.n(); ++i) {
            if (!trials.observed(i)) continue;
            X.insert(X.end(), trials.rows[i].begin(), trials.rows[i].end());
            y.push_back(trials.values(i, objective));
            const double error = trials.std_errors.empty() ? nan : trials.std_errors(i, objective);
            known = known || !std::isnan(error);
            errors.push_back(std::isnan(error) ? 0.0 : error);
        }
        if (y.empty())
            throw NoResult("no trial has a value to predict from yet (" + std::to_string(trials.n()) + " trials)");
        std::vector<gp::ColumnType> types(d());
        for (std::size_t j = 0; j < d(); ++j)
            types[j] = {space_.categorical()[j], !space_.codec()->column(j).conditions.empty()};
        const linalg::Lapack& lapack = lapack_ != nullptr ? *lapack_ : linalg::default_lapack();
        predictor_ = std::make_unique<gp::Predictor>(lapack, types, Rows{X.data(), y.size(), d()}, y,
                                                     known ? Column(errors) : Column());
        predictor_results_ = n_results_;
        predictor_objective_ = objective;
    }
    predictor_->predict({points.data(), rows.n, d()}, mean, std);
    for (double& x : mean) x *= signs_[objective];
}

}  // namespace hpcore
