// Which branch of a conditional space is proposed in next.

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "check.hpp"
#include "hpcore/samplers/branches.hpp"
#include "spaces.hpp"

namespace {

using namespace hpcore;
using samplers::Branches;
using samplers::Told;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// A choice of three, a number of its first level and one of the others.
std::shared_ptr<const space::Codec> three() {
    return spaces::codec(
        {spaces::choice(3), spaces::when(0, {0}, space::Column{}), spaces::when(0, {1}, space::Column{})});
}

struct History {
    std::vector<double> rows, values;
    std::vector<std::uint8_t> state;
    Told told;
    // NaN: the trial failed, or was withdrawn.
    void add(int level, double value, records::State without = records::failed) {
        const double place = 0.001 * static_cast<double>(state.size());
        rows.insert(rows.end(), {(2.0 * level + 1.0) / 6.0, level == 0 ? place : nan, level > 0 ? place : nan});
        values.push_back(value);
        state.push_back(std::isnan(value) ? without : records::complete);
        if (std::isnan(value)) return;
        told.numbers.push_back(state.size() - 1);
        told.rows.insert(told.rows.end(), rows.end() - 3, rows.end());
        told.values.push_back(value);
        ++told.n;
    }
    records::Trials trials() const { return {{rows.data(), state.size(), 3}, {values.data(), state.size(), 1}, state}; }
    Rows view() const { return {told.rows.data(), told.n, 3}; }
    std::optional<std::size_t> next(const Branches& branches, Rows pending = {}) const {
        return branches.next(trials(), told, pending);
    }
};

// The best one, 1, is in branch 0, in which the last three are no better; branches 1 and 2 have two trials each.
History halted() {
    History h;
    for (const double v : {8.0, 6.0, 1.0}) h.add(0, v);
    for (const double v : {5.0, 3.0}) h.add(1, v);
    for (const double v : {7.0, 9.0}) h.add(2, v);
    for (const double v : {1.5, 2.0, 1.2}) h.add(0, v);
    return h;
}

TEST(a_space_without_conditions_has_no_branches) {
    CHECK(Branches(*spaces::codec({spaces::choice(3), space::Column{}})).none());
    // An integer that opens columns is a matter of degree.
    CHECK(Branches(*spaces::codec({spaces::integer(1, 3), spaces::when(0, {2}, space::Column{})})).none());
    CHECK(!Branches(*three()).none());
}

TEST(a_halt_leads_to_the_branch_of_the_fewest_trials) {
    const auto codec = three();
    const Branches branches(*codec);
    History h = halted();
    CHECK(h.next(branches) == std::size_t{4});  // the best of branch 1, which was met first
    h.add(1, 4.0);
    CHECK(!h.next(branches));  // the newest is not in the branch of the best, and was in vain
    for (int i = 0; i < 3; ++i) h.add(0, 1.0 + i);
    CHECK(h.next(branches) == std::size_t{5});
    h.add(2, 2.0);
    CHECK(h.next(branches) == std::size_t{14});  // who is coming on goes on
    h.add(2, 2.0);
    CHECK(!h.next(branches));
    // Branch 1 came to a halt of its own, so that the other one is next although it has more trials.
    for (int i = 0; i < 4; ++i) h.add(1, 4.0);
    for (int i = 0; i < 4; ++i) h.add(2, 1.9 - 0.1 * i);
    for (int i = 0; i < 3; ++i) h.add(0, 1.0);
    CHECK(h.next(branches) == std::size_t{23});
}

TEST(there_is_no_halt_while_the_search_goes_on) {
    const auto codec = three();
    const Branches branches(*codec);
    History few = halted();
    few.told.n = 9;
    few.told.numbers.pop_back();
    CHECK(!few.next(branches));
    History better = halted();
    better.told.values[8] = 0.8;  // 4 % of the distance to the median
    CHECK(!better.next(branches));
    better.told.values[8] = 0.99;
    CHECK(better.next(branches).has_value());
    // Somebody is in another branch already.
    History h = halted();
    const std::vector<double> here{1.0 / 6.0, 0.7, nan}, there{0.5, nan, 0.7};
    CHECK(h.next(branches, {here.data(), 1, 3}).has_value());
    CHECK(!h.next(branches, {there.data(), 1, 3}));
    // Of one branch alone there is no other.
    History one;
    for (int i = 0; i < 12; ++i) one.add(0, 1.0);
    CHECK(!one.next(branches));
}

// Trials without a value are told of nowhere, but whoever proposed them has left the branch of the best.
TEST(trials_without_a_value_were_in_vain) {
    const auto codec = three();
    const Branches branches(*codec);
    for (const records::State without : {records::failed, records::pruned, records::withdrawn}) {
        History h = halted();
        CHECK(h.next(branches).has_value());
        h.add(1, nan, without);
        CHECK(!h.next(branches));
        for (int i = 0; i < 2; ++i) h.add(0, 1.3);
        CHECK(!h.next(branches));
        h.add(0, 1.3);
        CHECK(h.next(branches) == std::size_t{5});  // branch 2, which now has fewer trials
    }
}

TEST(a_branch_that_is_used_up_is_left_alone) {
    // The third level has nothing of its own, and so one point.
    const auto codec = spaces::codec(
        {spaces::choice(3), spaces::when(0, {0}, space::Column{}), spaces::when(0, {1}, space::Column{})});
    const Branches branches(*codec);
    History h;
    const auto add = [&](int level, double value) {
        h.add(level, value);
        if (level == 2) h.rows.back() = h.told.rows.back() = nan;
    };
    for (const double v : {8.0, 6.0, 1.0}) add(0, v);
    for (const double v : {5.0, 3.0, 4.0}) add(1, v);
    add(2, 7.0);
    for (const double v : {1.5, 2.0, 1.2}) add(0, v);
    CHECK(h.next(branches) == std::size_t{4});
}

TEST(limits_count_in_every_branch) {
    const auto codec = three();
    const Branches branches(*codec);
    History h = halted();
    h.told.violations.assign(h.told.n, 0.0);
    h.told.violations[3] = h.told.violations[4] = 2.0;  // nothing of branch 1 keeps the limits
    CHECK(h.next(branches) == std::size_t{5});
    const std::vector<double> out = branches.outside(h.view(), h.told, 5);
    for (std::size_t i = 0; i < h.told.n; ++i) CHECK((out[i] == 0.0) == (i == 5 || i == 6));
    CHECK(out[0] == 3.0 && out[3] == 3.0);
    h.told.violations.assign(h.told.n, 1.0);
    CHECK(!h.next(branches));
}

TEST(candidates_and_constraints_keep_to_the_branch) {
    const auto codec = three();
    const Branches branches(*codec);
    const std::vector<double> row{0.5, nan, 0.4};
    const std::vector<double> rows = branches.candidates(row, Philox({1, 2}, 3, 4));
    const Rows all{rows.data(), rows.size() / 3, 3};
    CHECK(all.n > 0);
    const acquisition::Feasible half = [](Rows r, std::span<bool> allowed) {
        for (std::size_t i = 0; i < r.n; ++i) allowed[i] = r(i, 2) < 0.5;
    };
    std::vector<space::Value> scratch(3);
    std::size_t kept = 0;
    bool one = false;
    for (std::size_t i = 0; i < all.n; ++i) {
        CHECK(all(i, 0) == 0.5);
        within(branches, *codec, row, {})(all.part(i, 1), {&one, 1});
        CHECK(one);
        within(branches, *codec, row, half)(all.part(i, 1), {&one, 1});
        CHECK(one == (all(i, 2) < 0.5));
        kept += one ? 1 : 0;
    }
    CHECK(kept > 0 && kept < all.n);
    const std::vector<double> other{0.1, 0.3, 0.4};
    within(branches, *codec, row, {})({other.data(), 1, 3}, {&one, 1});
    CHECK(!one);
}

}  // namespace
