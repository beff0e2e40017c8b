// Which branch of a conditional space is proposed in next.

#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/samplers/branches.hpp"
#include "spaces.hpp"

namespace {

using namespace hpcore;
using samplers::Branches;
using samplers::Told;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

// A choice of three, a number of its first level and one of its second; the third has nothing of its own.
std::shared_ptr<const space::Codec> three() {
    return spaces::codec(
        {spaces::choice(3), spaces::when(0, {0}, space::Column{}), spaces::when(0, {1}, space::Column{})});
}

struct History {
    std::vector<double> rows;
    Told told;
    void add(int level, double value) {
        rows.insert(rows.end(), {(2.0 * level + 1.0) / 6.0, level == 0 ? 0.4 : nan, level == 1 ? 0.4 : nan});
        told.values.push_back(value);
        ++told.n;
    }
    Rows view() const { return {rows.data(), told.n, 3}; }
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
    CHECK(branches.next(h.view(), h.told, {}) == std::size_t{4});  // the best of branch 1, which was met first
    h.add(1, 4.0);
    CHECK(!branches.next(h.view(), h.told, {}));  // the newest is not in the branch of the best, and was in vain
    for (int i = 0; i < 3; ++i) h.add(0, 1.0 + i);
    CHECK(branches.next(h.view(), h.told, {}) == std::size_t{5});
    h.add(2, 2.0);
    CHECK(branches.next(h.view(), h.told, {}) == std::size_t{14});  // who is coming on goes on
    h.add(2, 2.0);
    CHECK(!branches.next(h.view(), h.told, {}));
    // Branch 1 came to a halt of its own, so that the other one is next although it has more trials.
    for (int i = 0; i < 4; ++i) h.add(1, 4.0);
    for (int i = 0; i < 4; ++i) h.add(2, 1.9 - 0.1 * i);
    for (int i = 0; i < 3; ++i) h.add(0, 1.0);
    CHECK(branches.next(h.view(), h.told, {}) == std::size_t{23});
}

TEST(there_is_no_halt_while_the_search_goes_on) {
    const auto codec = three();
    const Branches branches(*codec);
    History few = halted();
    few.told.n = 9;
    CHECK(!branches.next(few.view(), few.told, {}));
    History better = halted();
    better.told.values[8] = 0.8;  // 4 % of the distance to the median
    CHECK(!branches.next(better.view(), better.told, {}));
    better.told.values[8] = 0.99;
    CHECK(branches.next(better.view(), better.told, {}).has_value());
    // Somebody is in another branch already.
    History h = halted();
    const std::vector<double> here{1.0 / 6.0, 0.7, nan}, there{0.5, nan, 0.7};
    CHECK(branches.next(h.view(), h.told, {here.data(), 1, 3}).has_value());
    CHECK(!branches.next(h.view(), h.told, {there.data(), 1, 3}));
    // Of one branch alone there is no other.
    History one;
    for (int i = 0; i < 12; ++i) one.add(0, 1.0);
    CHECK(!branches.next(one.view(), one.told, {}));
}

TEST(limits_count_in_every_branch) {
    const auto codec = three();
    const Branches branches(*codec);
    History h = halted();
    h.told.violations.assign(h.told.n, 0.0);
    h.told.violations[3] = h.told.violations[4] = 2.0;  // nothing of branch 1 keeps the limits
    CHECK(branches.next(h.view(), h.told, {}) == std::size_t{5});
    const std::vector<double> out = branches.outside(h.view(), h.told, 5);
    for (std::size_t i = 0; i < h.told.n; ++i) CHECK((out[i] == 0.0) == (i == 5 || i == 6));
    CHECK(out[0] == 3.0 && out[3] == 3.0);
    h.told.violations.assign(h.told.n, 1.0);
    CHECK(!branches.next(h.view(), h.told, {}));
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
