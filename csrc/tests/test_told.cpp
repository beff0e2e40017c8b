// What trials tell the models: failures and penalties, limits, costs, gradients, scalarisations.

#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/records/trial_table.hpp"
#include "hpcore/samplers/agreement.hpp"
#include "hpcore/samplers/cliffs.hpp"
#include "hpcore/samplers/failures.hpp"
#include "hpcore/samplers/told.hpp"

using namespace hpcore;
using namespace hpcore::samplers;
using records::TrialTable;

namespace {

using Numbers = std::vector<double>;

const double nan = std::numeric_limits<double>::quiet_NaN();

void add(TrialTable& table, const Numbers& values, records::Result result = {}) {
    const Numbers row{0.01 * static_cast<double>(table.n() + 1)};
    result.state = values.empty() ? records::failed : records::complete;
    result.values = values;
    table.add(row, result);
}

Numbers rows(const TrialTable& table, const std::vector<std::size_t>& numbers) {
    Numbers out;
    for (const std::size_t i : numbers) out.push_back(table.view().rows(i, 0));
    return out;
}

TEST(values_of_each_objective_and_their_errors) {
    TrialTable table(1, 2);
    const Numbers errors{0.1, 0.2};
    for (std::size_t k = 0; k < 3; ++k) {
        records::Result result;
        if (k == 1) result.std_error = errors;
        const auto v = static_cast<double>(k);
        add(table, {v, -10.0 * v}, result);
    }
    const Told told = told_of(table.view(), false, {});
    CHECK(told.n == 3 && told.rows == rows(table, {0, 1, 2}));
    CHECK((told.values == Numbers{0.0, 1.0, 2.0, 0.0, -10.0, -20.0}));
    CHECK((told.std_errors == Numbers{0.0, 0.1, 0.0, 0.0, 0.2, 0.0}));
    CHECK(told.limits.empty() && told.violations.empty() && told.cost.values.empty() && told.failed.empty());
}

TEST(a_chebyshev_distance_of_two_objectives) {
    TrialTable table(1, 2);
    const Numbers errors{0.5, nan};
    records::Result result;
    result.std_error = errors;
    add(table, {0.0, 4.0}, result);
    add(table, {2.0, 0.0});
    add(table, {1.0, 1.0});
    const Told told = told_of(table.view(), false, {}, Numbers{0.25, 0.75});
    const double units[3][2] = {{0.0, 0.75}, {0.25, 0.0}, {0.125, 0.1875}};
    for (std::size_t i = 0; i < 3; ++i)
        CHECK_NEAR(told.values[i], std::fmax(units[i][0], units[i][1]) + 0.05 * (units[i][0] + units[i][1]), 1e-15);
    // The range of the first objective is 2, and its weight 1 / 4.
    CHECK((told.std_errors == Numbers{0.0625, 0.0, 0.0}));
}

TEST(limits_where_their_metric_is_known_of_failed_trials_too) {
    TrialTable table(1, 1, 2);
    const auto tell = [&](const Numbers& values, const Numbers& beyond) {
        records::Result result;
        result.violations = beyond;
        add(table, values, result);
    };
    tell({1.0}, {2.0, -1.0});
    tell({2.0}, {-0.5, nan});
    tell({}, {1.0, 4.0});
    tell({3.0}, {0.0, -2.0});
    const Told told = told_of(table.view(), false, {});
    CHECK((told.values == Numbers{1.0, 2.0, 3.0}));
    CHECK(told.limits.size() == 3);
    CHECK(told.limits[0].rows == rows(table, {0, 1, 2, 3}));
    CHECK((told.limits[0].values == Numbers{2.0, -0.5, 1.0, 0.0}));
    CHECK(told.limits[1].rows == rows(table, {0, 2, 3}));
    CHECK((told.limits[1].values == Numbers{-1.0, 4.0, -2.0}));
    // Whether a trial succeeds is one more limit.
    CHECK((told.limits[2].values == Numbers{-1.0, -1.0, 1.0, -1.0}));
    CHECK(told.failed == rows(table, {2}));
    // In units of the median sizes, 0.75 and 2; what is not known is a unit beyond.
    const double expected[] = {2.0 / 0.75, 1.0, 0.0};
    for (std::size_t i = 0; i < 3; ++i) CHECK_NEAR(told.violations[i], expected[i], 1e-15);
}

TEST(costs_in_logarithms_with_known_ones_first) {
    TrialTable table(1, 1);
    for (const double cost : {10.0, nan, 0.0, 1000.0}) {
        records::Result result;
        result.cost = cost;
        add(table, {1.0}, result);
    }
    const KnownAt known{{0.5}, {std::log(5.0)}};
    const KnownAt cost = cost_of(table.view(), known);
    CHECK((cost.rows == Numbers{0.5, 0.01, 0.03, 0.04}));
    const double expected[] = {5.0, 10.0, 10.0, 1000.0};  // 0 counts as the smallest positive one
    for (std::size_t i = 0; i < 4; ++i) CHECK_NEAR(std::exp(cost.values[i]), expected[i], 1e-12 * expected[i]);
    CHECK(told_of(table.view(), false, known).cost.values.empty());
    CHECK(told_of(table.view(), true, known).cost.values == cost.values);
    TrialTable other(1, 1);
    records::Result result;
    result.cost = 0.0;
    add(other, {1.0}, result);
    CHECK(log_costs(other.view()).empty() && cost_of(other.view(), {}).values.empty());
}

TEST(hostile_values_make_finite_distances) {
    for (const Numbers& values : {Numbers{0.0, 5e-324}, Numbers{-1e308, 1e308}, Numbers{7.0, 7.0}}) {
        TrialTable table(1, 2);
        for (std::size_t i = 0; i < 6; ++i) {
            records::Result result;
            const Numbers errors{0.1, nan};
            if (i % 3 == 0) result.std_error = errors;
            if (i == 4)
                add(table, {}, result);
            else
                add(table, {values[i % 2], static_cast<double>(i)}, result);
        }
        for (const Numbers& weights : {Numbers{}, Numbers{0.5, 0.5}}) {
            const Told told = told_of(table.view(), false, {}, weights);
            for (const double v : told.values) CHECK(std::isfinite(v));
            for (const double v : told.std_errors) CHECK(std::isfinite(v));
        }
    }
}

TEST(gradients_are_told_of_one_objective_where_they_agree) {
    for (const double sign : {1.0, -1.0}) {
        TrialTable table(1, 1), several(1, 2);
        for (std::size_t i = 0; i < 8; ++i) {
            const double x = 0.01 * static_cast<double>(i + 1);
            const Numbers slope{sign * 2.0 * x};
            records::Result result;
            result.gradient = slope;
            if (i == 3) result.gradient = {};
            add(table, {x * x}, result);
            add(several, {x * x, x}, result);
        }
        const Told told = told_of(table.view(), false, {});
        CHECK(told.gradients.size() == (sign > 0.0 ? 8u : 0u));
        if (sign > 0.0) CHECK(std::isnan(told.gradients[3]) && told.gradients[0] == 0.02);
        CHECK(told_of(several.view(), false, {}).gradients.empty());
    }
    TrialTable table(1, 1);
    const Numbers slope{1.0};
    records::Result result;
    result.gradient = slope;
    add(table, {}, result);  // of a failure alone
    add(table, {1.0});
    CHECK(told_of(table.view(), false, {}).gradients.empty());
}

TEST(penalties_count_as_failures) {
    const Numbers results{3.1, 3.7, 3.3, 3.9, 3.2, 3.5};
    Numbers values = results;
    for (int k = 0; k < 3; ++k) values.push_back(1e5);
    CHECK(!beyond_cliff(results) && beyond_cliff(values));
    for (std::size_t m = 1; m <= 2; ++m) {
        TrialTable table(1, m), mixed(1, m);
        for (const double v : values) {
            add(table, Numbers(m, v));
            Numbers one(m, v);
            one.back() = 3.0 - 0.1 * v;  // no penalty in the last objective
            if (v == 1e5) one.back() = 2.0;
            add(mixed, one);
        }
        const Split parts = split(table.view());
        for (std::size_t i = 0; i < values.size(); ++i) {
            CHECK(parts.complete[i] == (i < 6) && parts.failed[i] == (i >= 6) && parts.penalised[i] == (i >= 6));
            CHECK(!split(mixed.view()).failed[i]);
        }
    }
}

TEST(every_state_has_its_mask) {
    TrialTable table(1, 1);
    add(table, {1.0});
    records::Result result;
    const Numbers row{0.5}, estimate{2.0};
    result.state = records::pruned;
    table.add(row, result);
    result.values = estimate;
    table.add(row, result);
    add(table, {});
    table.append(row);
    result.state = records::paused;
    result.values = {};
    table.add(row, result);
    const Split parts = split(table.view());
    CHECK((parts.complete == std::vector<bool>{true, false, true, false, false, false}));
    CHECK((parts.failed == std::vector<bool>{false, true, false, true, false, false}));
}

TEST(few_gradients_say_nothing) {
    const Numbers x{0.1, 0.2, 0.3, 0.4}, values{1.0, 2.0, 3.0, 4.0}, wrong{-10.0, -10.0, -10.0, -10.0};
    CHECK(agree({x.data(), 3, 1}, Column(values).first(3), {wrong.data(), 3, 1}));
    CHECK(!agree({x.data(), 4, 1}, values, {wrong.data(), 4, 1}));
    const Numbers right{10.0, 10.0, 10.0, 10.0};
    CHECK(agree({x.data(), 4, 1}, values, {right.data(), 4, 1}));
}

}  // namespace
