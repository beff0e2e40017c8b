// Trials as a view, and the table that owns them. Memory runs out here as in test_memory.cpp.

#include <cmath>
#include <cstdlib>
#include <limits>
#include <new>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "hpcore/records/trial_table.hpp"

// GCC warns of a mismatch if it inlines one of the two below and not the other.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

namespace {

long until_failure = -1;  // allocations left before one fails; below zero none does

}  // namespace

void* operator new(std::size_t size) {
    if (until_failure == 0) throw std::bad_alloc();
    if (until_failure > 0) --until_failure;
    if (void* memory = std::malloc(size > 0 ? size : 1)) return memory;
    throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

using namespace hpcore;
using namespace hpcore::records;

namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();

bool same(Column a, Column b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i)
        if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])))) return false;
    return true;
}

bool same(const Trials& a, const Trials& b) {
    return same(a.rows.flat(), b.rows.flat()) && same(a.values.flat(), b.values.flat()) &&
           std::vector(a.state.begin(), a.state.end()) == std::vector(b.state.begin(), b.state.end()) &&
           same(a.std_errors.flat(), b.std_errors.flat()) && same(a.cost, b.cost) &&
           same(a.violations.flat(), b.violations.flat()) && same(a.gradients.flat(), b.gradients.flat()) &&
           a.n_given == b.n_given;
}

// Two columns, one objective, a limit: trial i is at (i, -i).
TrialTable table_of(std::size_t n) {
    TrialTable table(2, 1, 1);
    for (std::size_t i = 0; i < n; ++i) table.append(std::vector{double(i), -double(i)});
    return table;
}

TEST(numbers_of_states_are_those_of_databases) {
    CHECK(running == 0 && complete == 1 && pruned == 2 && failed == 3 && paused == 4 && withdrawn == 5);
}

TEST(a_running_trial_has_a_row_and_nothing_else) {
    const TrialTable table = table_of(3);
    const Trials trials = table.view();
    CHECK(trials.n() == 3 && trials.d() == 2 && trials.m() == 1 && trials.n_limits() == 1);
    CHECK(trials.rows(2, 0) == 2.0 && trials.rows(2, 1) == -2.0);
    for (std::size_t i = 0; i < 3; ++i) {
        CHECK(trials.state[i] == running && trials.pending(i) && !trials.observed(i));
        CHECK(std::isnan(trials.values(i, 0)) && std::isnan(trials.violations(i, 0)));
    }
    CHECK(trials.std_errors.empty() && trials.cost.empty() && trials.gradients.empty());
}

TEST(a_result_is_in_the_row_of_its_trial) {
    TrialTable table = table_of(3);
    const double value = 5.0, error = 0.5, beyond = -1.0;
    const std::vector<double> gradient{1.0, nan};
    table.finish(1, {.values = {&value, 1},
                     .std_error = {&error, 1},
                     .cost = 7.0,
                     .violations = {&beyond, 1},
                     .gradient = gradient});
    const Trials trials = table.view();
    CHECK(trials.state[1] == complete && trials.observed(1));
    CHECK(same(trials.values.flat(), std::vector{nan, 5.0, nan}));
    CHECK(same(trials.std_errors.flat(), std::vector{nan, 0.5, nan}));
    CHECK(same(trials.cost, std::vector{nan, 7.0, nan}));
    CHECK(same(trials.violations.flat(), std::vector{nan, -1.0, nan}));
    CHECK(same(trials.gradients.flat(), std::vector{nan, nan, 1.0, nan, nan, nan}));
}

TEST(a_trial_counts_as_observed_if_it_has_a_value) {
    TrialTable table = table_of(5);
    const double value = 1.0;
    table.finish(0, {.state = pruned});
    table.finish(1, {.state = pruned, .values = {&value, 1}});
    table.finish(2, {.state = failed});
    table.finish(3, {.state = paused});
    const Trials trials = table.view();
    const bool observed[]{false, true, false, false, false};
    const State counted[]{pruned, complete, failed, running, running};
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK(trials.observed(i) == observed[i]);
        CHECK(trials.counted(i) == counted[i]);
    }
}

TEST(a_withdrawn_trial_keeps_its_row_and_nothing_else) {
    TrialTable table = table_of(3);
    const double value = 5.0, error = 0.5, beyond = -1.0;
    table.finish(
        1, {.state = paused, .values = {&value, 1}, .std_error = {&error, 1}, .cost = 7.0, .violations = {&beyond, 1}});
    CHECK_THROWS(table.withdraw(1), std::invalid_argument);
    CHECK_THROWS(table.withdraw(3), std::invalid_argument);
    table.resume(1);
    table.withdraw(1);
    const Trials trials = table.view();
    CHECK(trials.absent(1) && !trials.pending(1) && !trials.observed(1) && trials.rows(1, 0) == 1.0);
    CHECK(std::isnan(trials.values(1, 0)) && std::isnan(trials.std_errors(1, 0)) && std::isnan(trials.cost[1]) &&
          std::isnan(trials.violations(1, 0)));
    CHECK((table.pending_numbers() == std::vector<std::size_t>{0, 2}));
    CHECK(trials.n_given == 1 && table.is_given(1) && !table.is_given(0));
    CHECK_THROWS(table.withdraw(1), std::invalid_argument);
    table.append(std::vector{3.0, -3.0}, true);
    CHECK(table.view().n_given == 2);
    table.withdraw(3);
    CHECK(table.view().n_given == 2);
}

TEST(running_and_paused_trials_are_pending_by_number) {
    TrialTable table = table_of(5);
    table.finish(1, {.state = failed});
    table.finish(3, {.state = paused});
    CHECK(table.n_pending() == 4);
    CHECK(same(table.pending(), std::vector{0.0, -0.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0}));
    table.resume(3);
    CHECK(table.view().state[3] == running && table.n_pending() == 4);
    table.finish(3, {.state = failed});
    CHECK((table.pending_numbers() == std::vector<std::size_t>{0, 2, 4}));
}

TEST(what_a_job_does_not_tell_an_earlier_one_told) {
    TrialTable table = table_of(1);
    const double beyond = 2.0, value = 3.0;
    const std::vector<double> gradient{1.0, 2.0};
    table.finish(0, {.state = paused, .cost = 4.0, .violations = {&beyond, 1}, .gradient = gradient});
    table.resume(0);
    table.finish(0, {.values = {&value, 1}});
    const Trials trials = table.view();
    CHECK(trials.values(0, 0) == 3.0 && trials.violations(0, 0) == 2.0 && trials.cost[0] == 4.0);
    CHECK(same(trials.gradients[0], gradient));
}

TEST(columns_grow_together_and_rare_ones_from_any_trial_on) {
    TrialTable table(1, 2);
    const std::vector<double> error{0.5, 0.25};
    for (std::size_t i = 0; i < 1000; ++i) {
        const double u = double(i);
        const std::vector<double> values{u, 2.0 * u};
        Result result{.values = values};
        if (i == 300) result.std_error = error;
        CHECK(table.add({&u, 1}, result, i % 2 == 0) == i);
    }
    const Trials trials = table.view();
    CHECK(trials.n() == 1000 && trials.n_given == 500 && table.n_pending() == 0);
    CHECK(trials.std_errors.n == 1000 && trials.n_limits() == 0);
    for (std::size_t i = 0; i < 1000; ++i) {
        CHECK(trials.rows(i, 0) == double(i) && trials.values(i, 1) == 2.0 * double(i));
        CHECK(i == 300 ? trials.std_errors(i, 1) == 0.25 : std::isnan(trials.std_errors(i, 1)));
    }
}

TEST(trials_that_have_just_begun_can_be_removed) {
    TrialTable table = table_of(3);
    table.append(std::vector{9.0, 9.0}, true);
    CHECK(table.view().n_given == 1);
    table.truncate(2);
    CHECK(table.n() == 2 && table.n_pending() == 2 && table.view().n_given == 0);
    CHECK(same(table.view(), table_of(2).view()));
    table.finish(1, {.state = failed});
    CHECK_THROWS(table.truncate(1), std::invalid_argument);
    CHECK(table.n() == 2);
    table.truncate(5);
    CHECK(table.n() == 2);
}

TEST(wrong_input_is_an_error_that_changes_nothing) {
    TrialTable table = table_of(2);
    table.finish(0, {.state = failed});
    const TrialTable before = table;
    const std::vector<double> two{1.0, 2.0}, three{1.0, 2.0, 3.0};
    CHECK_THROWS(TrialTable(2, 0), std::invalid_argument);
    CHECK_THROWS(table.append(three), std::invalid_argument);
    CHECK_THROWS(table.finish(0, {.state = failed}), std::invalid_argument);
    CHECK_THROWS(table.finish(7, {.state = failed}), std::invalid_argument);
    CHECK_THROWS(table.finish(1, {.state = running}), std::invalid_argument);
    CHECK_THROWS(table.finish(1, {.state = static_cast<State>(5)}), std::invalid_argument);
    CHECK_THROWS(table.finish(1, {.values = two}), std::invalid_argument);
    CHECK_THROWS(table.finish(1, {.std_error = two}), std::invalid_argument);
    CHECK_THROWS(table.finish(1, {.violations = two}), std::invalid_argument);
    CHECK_THROWS(table.finish(1, {.gradient = three}), std::invalid_argument);
    CHECK_THROWS(table.add(two, {.values = two}), std::invalid_argument);
    CHECK_THROWS(table.add(three, {.state = failed}), std::invalid_argument);
    CHECK_THROWS(table.resume(1), std::invalid_argument);
    CHECK_THROWS(table.resume(7), std::invalid_argument);
    CHECK(same(table.view(), before.view()) && table.n_pending() == before.n_pending());
}

// `change` with the n-th allocation failing, for n = 0, 1, ... until it succeeds: the table is as it was each time, but
// for room that it keeps. How often it failed.
template <class Change>
long failures_of(TrialTable& table, const Change& change) {
    for (long n = 0;; ++n) {
        const TrialTable before = table;
        bool failed_once = false;
        until_failure = n;
        try {
            change(table);
        } catch (const std::bad_alloc&) {
            failed_once = true;
        }
        until_failure = -1;
        if (!failed_once) return n;
        CHECK(same(table.view(), before.view()) && table.pending_numbers() == before.pending_numbers());
    }
}

TEST(memory_that_runs_out_leaves_the_table_as_it_was) {
    TrialTable table(2, 1, 1);
    const std::vector<double> row{0.5, 0.25}, one{1.0};
    const Result all{.values = one, .std_error = one, .cost = 2.0, .violations = one, .gradient = row};
    CHECK(failures_of(table, [&](TrialTable& t) { t.append(row); }) >= 3);
    for (std::size_t i = 1; i < 64; ++i) table.append(row);
    CHECK(failures_of(table, [&](TrialTable& t) { t.append(row); }) >= 3);
    CHECK(failures_of(table, [&](TrialTable& t) { t.finish(3, all); }) >= 2);
    CHECK(table.view().observed(3) && table.view().cost[3] == 2.0);
    while (table.n() < 128) table.append(row);
    CHECK(failures_of(table, [&](TrialTable& t) { t.add(row, all, true); }) >= 3);
    CHECK(table.view().n() == 129 && table.view().observed(128) && table.n_pending() == 127);
    TrialTable fresh = table_of(1);
    CHECK(failures_of(fresh, [&](TrialTable& t) { t.add(row, all); }) >= 3);
    CHECK(fresh.view().observed(1));
}

}  // namespace
