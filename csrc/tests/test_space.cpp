#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/space/grid.hpp"
#include "hpcore/space/space.hpp"
#include "hpcore/space/text.hpp"

using namespace hpcore::space;

namespace {

// The name of the j-th of many parameters.
std::string numbered(char letter, std::size_t j) {
    std::string out(1, letter);
    out += std::to_string(j);
    return out;
}

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();

// The text of what a call throws; empty if it throws nothing.
template <class Call>
std::string refusal(Call call) {
    try {
        call();
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

std::vector<double> grid_of(const Parameter& p) {
    std::vector<double> out;
    for (std::uint64_t level = 0; level <= p.column().last; ++level) out.push_back(real_at(p.column(), level));
    return out;
}

// --- grids
// ------------------------------------------------------------------------------------------------------------

TEST(levels_of_a_step_are_the_doubles_that_people_write) {
    const std::vector<double> tenths{0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0};
    CHECK(grid_of(real("x", 0.0, 1.0, {.step = 0.1})) == tenths);
    CHECK(grid_of(real("x", 0.1, 0.7, {.step = 0.2})) == (std::vector<double>{0.1, 0.3, 0.5, 0.7}));
    CHECK(grid_of(real("x", -0.3, 0.3, {.step = 0.15})) == (std::vector<double>{-0.3, -0.15, 0.0, 0.15, 0.3}));
    CHECK(grid_of(real("x", 1e-7, 3.5e-7, {.step = 1e-7})) == (std::vector<double>{1e-7, 2e-7, 3e-7}));
    CHECK(grid_of(real("x", 1e22, 3e22, {.step = 1e22})) == (std::vector<double>{1e22, 2e22, 3e22}));
    CHECK(grid_of(real("x", 0.0, 1e300, {.step = 5e299})) == (std::vector<double>{0.0, 5e299, 1e300}));
    CHECK(grid_of(real("x", 2.5, 2.5, {.step = 0.1})) == (std::vector<double>{2.5}));
    CHECK(grid_of(real("x", 2.5, 3.0, {.step = 9.0})) == (std::vector<double>{2.5}));
}

TEST(a_bound_that_was_computed_may_fall_short_of_the_grid_by_its_rounding) {
    double sum = 0.0;
    for (int k = 0; k < 10; ++k) sum += 0.1;  // 0.9999999999999999
    CHECK(sum < 1.0);
    const Parameter p = real("x", 0.0, sum, {.step = 0.1});
    CHECK(p.column().last == 10);
    // Ticks would end at 1.0, which is above the bound.
    CHECK(p.column().ticks == 0.0);
    CHECK(p.column().high == sum && real_at(p.column(), 10) == sum);
    CHECK(real("x", 0.0, 0.999999, {.step = 0.1}).column().last == 9);
}

// Against whole numbers: bounds and step are multiples of 10^-places, so all is exact in 64 bits.
TEST(grids_of_decimals_are_those_of_whole_numbers) {
    hpcore::Philox random({3, 1}, 4, 1);
    const auto below = [&](std::int64_t n) {
        return static_cast<std::int64_t>(random.uniform() * static_cast<double>(n));
    };
    for (int i = 0; i < 3000; ++i) {
        const int places = static_cast<int>(below(12));
        double scale = 1.0;
        for (int k = 0; k < places; ++k) scale *= 10.0;
        const std::int64_t low = below(2'000'001) - 1'000'000, length = below(1'000'000), step = 1 + below(20'000);
        const auto value = [scale](std::int64_t ticks) { return static_cast<double>(ticks) / scale; };
        const Column c = real("x", value(low), value(low + length), {.step = value(step)}).column();
        CHECK(c.last == static_cast<std::uint64_t>(length / step));
        CHECK(c.high == value(low + length / step * step));
        for (const std::int64_t level : {std::int64_t{0}, length / step / 2, length / step}) {
            const double x = real_at(c, static_cast<std::uint64_t>(level));
            CHECK(x == value(low + level * step));
            CHECK(level_of_real(c, x) == static_cast<std::uint64_t>(level));
        }
    }
}

TEST(a_grid_of_any_size_has_the_invariants_of_a_column) {
    hpcore::Philox random({3, 2}, 4, 1);
    const auto number = [&] {
        return (2.0 * random.uniform() - 1.0) * std::pow(10.0, 600.0 * random.uniform() - 300.0);
    };
    int refused = 0;
    for (int i = 0; i < 3000; ++i) {
        double low = number(), high = number();
        if (low > high) std::swap(low, high);
        const double step =
            random.uniform() < 0.5 ? std::fabs(number()) : (high - low) / (1.0 + 1e6 * random.uniform());
        if (!(step > 0.0 && step < inf)) continue;
        Column c;
        c.low = low;
        if (!make_grid(c, high, step)) {
            ++refused;
            CHECK((0.5 * high - 0.5 * low) / step > 0x1p61);
            continue;
        }
        CHECK(c.gridded && c.step == step && c.last < std::uint64_t{1} << 63);
        CHECK(c.high >= low && c.high <= high);
        CHECK(real_at(c, 0) == low && real_at(c, c.last) == c.high);
        // The next level is beyond the bound, to the precision of this check.
        const double levels = (high - low) / step;
        if (std::isfinite(levels))
            CHECK(std::fabs(static_cast<double>(c.last) - std::floor(levels)) <= 1.0 + 1e-12 * levels);
        CHECK(std::fabs(static_cast<double>(c.tick_low)) < 0x1p53);
    }
    CHECK(refused > 100);
    CHECK(has(refusal([] { real("x", 0.0, 1.0, {.step = 1e-300}); }), "step of 'x' must leave at most 2**63 values"));
    Column c;
    c.low = 0.0;
    CHECK(!make_grid(c, 0x1p63, 1.0) && !c.gridded && c.step == 0.0);
    CHECK(make_grid(c, 9.223372036854775e18, 1.0) && c.last == 9'223'372'036'854'775'000);
}

TEST(whole_numbers_reach_all_64_bits) {
    const Column all = integer("n", least, most).column();
    CHECK(all.last == std::numeric_limits<std::uint64_t>::max() && all.whole_low == least && all.whole_step == 1);
    const Column c = integer("n", -7, 15, {.step = 3}).column();
    CHECK(c.last == 7 && c.low == -7.0 && c.high == 14.0 && c.kind == Kind::integer && c.gridded);
    CHECK(integer("n", most - 1, most, {.step = 2}).column().last == 0);
    CHECK(integer("n", least, most, {.step = most}).column().last == 2);
}

// --- scales and shares
// ------------------------------------------------------------------------------------------------

TEST(a_logarithm_is_used_where_it_bends) {
    CHECK(real("x", 1e-3, 1.0, {.log = true}).column().scale == Scale::log);
    CHECK(real("x", 1.0, 1.00005, {.log = true}).column().scale == Scale::linear);
    CHECK(real("x", 1.0, 2.0, {.log = true, .step = 3.0}).column().scale == Scale::linear);  // one value is left
    CHECK(integer("n", std::int64_t{1} << 62, (std::int64_t{1} << 62) + 1, {.log = true}).column().scale ==
          Scale::linear);
    CHECK(integer("n", 1, 100, {.log = true}).column().scale == Scale::log);
    CHECK(normal("x", 0.0, 1.0).column().scale == Scale::normal);
    CHECK(normal("x", 0.0, 1.0, {.low = 0.5, .high = 0.50001}).column().scale == Scale::linear);
    CHECK(normal("x", 0.0, 1.0, {.low = 2.0, .high = 2.00001, .log = true}).column().scale == Scale::log);
    CHECK(normal("x", 0.0, 1.0, {.log = true}).column().scale == Scale::log_normal);
}

TEST(open_ends_of_a_normal_are_infinite_or_zero) {
    const Column c = normal("x", 1.0, 2.0).column(), l = normal("x", 1.0, 2.0, {.high = 9.0, .log = true}).column();
    CHECK(c.low == -inf && c.high == inf && c.mean == 1.0 && c.std == 2.0 && !c.gridded);
    CHECK(l.low == 0.0 && l.high == 9.0);
    // On a grid an open end lies 8.3 standard deviations away, at a multiple of the step.
    const Column g = normal("x", 1.0, 2.0, {.step = 0.5}).column();
    CHECK(g.low == -15.5 && g.high == 17.5 && g.last == 66);
    const Column one = normal("x", 1.0, 2.0, {.step = 100.0}).column();
    CHECK(one.last == 0 && one.low == 0.0 && !std::signbit(one.low));
}

TEST(shares_of_choices_follow_their_weights) {
    CHECK(choice("c", 3).column().cumulative.empty());
    CHECK(choice("c", 4, {.weights = {1.0, 2.0, 1.0, 4.0}}).column().cumulative ==
          (std::vector<double>{0.125, 0.375, 0.5, 1.0}));
    // Ten tenths are 1 when they are summed exactly, and each edge is rounded on the way only.
    const auto tenths = choice("c", 10, {.weights = std::vector<double>(10, 0.1)}).column().cumulative;
    for (std::size_t k = 0; k < 10; ++k) CHECK_NEAR(tenths[k], 0.1 * static_cast<double>(k + 1), 1e-15);
    // A share that is next to nothing is one that the cube can still tell apart.
    const auto tiny = choice("c", 3, {.weights = {1.0, 1e-300, 1e300}}).column().cumulative;
    CHECK(tiny[0] > 0x1p-41 && tiny[1] - tiny[0] > 0x1p-41 && tiny[2] == 1.0);
}

TEST(shares_of_a_normal_on_a_grid_are_those_of_its_cells) {
    const auto below = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
    for (const bool logged : {false, true}) {
        const Column c = normal("x", 1.0, 0.8, {.low = 0.5, .high = 6.0, .log = logged, .step = 0.5}).column();
        CHECK(c.last == 11 && c.cumulative.size() == 12 && c.cumulative.back() == 1.0);
        const auto z = [&](double x) { return ((logged ? std::log(x) : x) - 1.0) / 0.8; };
        const double first = below(z(0.25)), whole = below(z(6.25)) - first;
        for (std::uint64_t level = 0; level < c.last; ++level)
            CHECK_NEAR(c.cumulative[level], (below(z(real_at(c, level) + 0.25)) - first) / whole, 1e-12);
    }
    CHECK(
        normal("x", 0.0, 1.0, {.low = -5.0, .high = 5.0, .step = 1e-3}).column().cumulative.empty());  // 10,001 values
}

// --- what is refused
// --------------------------------------------------------------------------------------------------

TEST(arguments_without_a_meaning_are_refused_by_name_and_value) {
    const auto refused = [](auto make, const std::string& words, const std::string& value) {
        const std::string text = refusal(make);
        CHECK(has(text, words) && has(text, value));
        if (!has(text, words) || !has(text, value)) std::fprintf(stderr, "    %s\n", text.c_str());
    };
    refused([] { real("lr", 2.0, 1.0); }, "low of 'lr' must be <= high", "low=2.0, high=1.0");
    refused([] { real("", 2.0, 1.0); }, "low must be <= high", "low=2.0, high=1.0");
    refused([] { real("lr", nan, 1.0); }, "low of 'lr' must be finite", "nan");
    refused([] { real("lr", 0.0, inf); }, "high of 'lr' must be finite", "inf");
    refused([] { real("lr", 0.0, 1.0, {.log = true}); }, "low of 'lr' must be > 0", "0.0");
    refused([] { real("lr", 0.0, 1.0, {.step = 0.0}); }, "step of 'lr' must be > 0", "0.0");
    refused([] { real("lr", 0.0, 1.0, {.step = nan}); }, "step of 'lr' must be finite", "nan");
    refused([] { integer("n", 2, 1); }, "low of 'n' must be <= high", "low=2, high=1");
    refused([] { integer("n", 0, 9, {.log = true}); }, "low of 'n' must be >= 1", "0");
    refused([] { integer("n", 0, 9, {.step = 0}); }, "step of 'n' must be >= 1", "0");
    refused([] { choice("c", 0); }, "n_choices of 'c' must be >= 1", "0");
    refused([] { choice("c", 2, {.weights = {1.0}}); }, "weights of 'c' must have one entry per choice (2)", "1");
    refused([] { choice("c", 2, {.weights = {1.0, -1.0}}); }, "weights of 'c' must be > 0", "-1.0");
    refused([] { choice("c", 2, {.weights = {1.0, nan}}); }, "weights of 'c' must be > 0", "nan");
    refused([] { choice("c", 2, {.weights = {1e308, 1e308}}); }, "weights of 'c' must have a finite sum", "inf");
    refused([] { normal("z", 0.0, 0.0); }, "std of 'z' must be > 0", "0.0");
    refused([] { normal("z", inf, 1.0); }, "mean of 'z' must be finite", "inf");
    refused([] { normal("z", 0.0, 1.0, {.low = 1.0, .high = 0.0}); }, "low of 'z' must be <= high", "low=1.0");
    refused([] { normal("z", 0.0, 1.0, {.low = -1.0, .log = true}); }, "low of 'z' must be > 0", "-1.0");
    refused([] { normal("z", 0.0, 1.0, {.low = 9.0}); }, "low and high of 'z' must leave some probability", "9.0");
    refused([] { normal("z", 700.0, 2.0, {.log = true}); }, "mean and std of 'z' must keep values within", "700.0");
    refused([] { normal("z", 0.0, 1.0, {.low = 0.3, .high = 0.7, .step = nan}); }, "step of 'z' must be finite", "nan");
    refused([] { normal("z", 5.0, 0.1, {.step = 100.0}); }, "step of 'z' must have a multiple", "100.0");
    refused([] { normal("z", 1e300, 1.0, {.step = 1e-300}); }, "step of 'z' must have a multiple", "1e-300");
    refused([] { normal("z", 0.0, 7.0, {.high = 9.0, .log = true, .step = 1e308}); },
            "step of 'z' must have a multiple", "1e+308");
}

TEST(numbers_in_texts_are_those_that_people_write) {
    CHECK(text(0.1) == "0.1" && text(1.0) == "1.0" && text(-0.0) == "-0.0" && text(1e22) == "1e+22");
    CHECK(text(1e15) == "1000000000000000.0" && text(1e-5) == "1e-05" && text(nan) == "nan" && text(-inf) == "-inf");
    CHECK(text(std::int64_t{-3}) == "-3" && quoted("a") == "'a'" && argument("low", "") == "low");
}

// --- conditions
// -------------------------------------------------------------------------------------------------------

Column::Condition condition_on(const Parameter& parent, When when) {
    when.parent = parent.name();
    return Space({parent, hpcore::space::when(real("child", 0.0, 1.0), std::move(when))})
        .codec()
        ->column(1)
        .conditions[0];
}

// The levels that a condition allows, against the same question asked of every value.
template <class Allowed>
void check_condition(const Parameter& parent, const When& when, Allowed allowed) {
    const Column::Condition found = condition_on(parent, when);
    CHECK(found.by_level && found.parent == 0);
    for (std::uint64_t level = 0; level <= parent.column().last; ++level) {
        const bool holds = found.levels.empty() ? level >= found.level_low && level <= found.level_high
                                                : std::count(found.levels.begin(), found.levels.end(), level) == 1;
        const Column& c = parent.column();
        const double x = c.kind == Kind::real ? real_at(c, level)
                         : c.kind == Kind::integer
                             ? static_cast<double>(c.whole_low) + static_cast<double>(level * c.whole_step)
                             : static_cast<double>(level);
        CHECK(holds == allowed(x));
    }
}

TEST(conditions_allow_the_levels_that_they_name) {
    const Parameter tenths = real("p", 0.0, 1.0, {.step = 0.1}), threes = integer("p", -7, 14, {.step = 3});
    const Parameter sizes = choice("p", 4, {.ordered = true});
    check_condition(tenths, {.values = {0.1 + 0.2, 1}}, [](double x) { return x == 0.3 || x == 1.0; });
    check_condition(tenths, {.at_least = 0.3}, [](double x) { return x >= 0.3; });
    check_condition(tenths, {.at_least = 0.1 + 0.2}, [](double x) { return x >= 0.4; });
    check_condition(tenths, {.at_most = 0.3}, [](double x) { return x <= 0.3; });
    check_condition(tenths, {.at_least = 0.15, .at_most = 0.75}, [](double x) { return x > 0.15 && x < 0.75; });
    check_condition(tenths, {.at_least = -5, .at_most = inf}, [](double) { return true; });
    check_condition(threes, {.values = {2, 14.0, 2}}, [](double x) { return x == 2.0 || x == 14.0; });
    for (const double bound : {-7.5, -7.0, -6.5, -4.0, 0.0, 2.25, 13.5, 14.0}) {
        check_condition(threes, {.at_least = bound}, [=](double x) { return x >= bound; });
        if (bound >= -7.0) check_condition(threes, {.at_most = bound}, [=](double x) { return x <= bound; });
    }
    check_condition(threes, {.at_least = -1e300, .at_most = 1e300}, [](double) { return true; });
    check_condition(threes, {.at_least = least, .at_most = most}, [](double) { return true; });
    check_condition(sizes, {.values = {3, 0}}, [](double x) { return x == 0.0 || x == 3.0; });
    check_condition(sizes, {.at_least = 1, .at_most = 2}, [](double x) { return x == 1.0 || x == 2.0; });
    check_condition(choice("p", 4), {.values = {2}}, [](double x) { return x == 2.0; });
}

TEST(conditions_on_wide_integers_are_exact) {
    const Parameter all = integer("p", least, most);
    const std::uint64_t middle = std::uint64_t{1} << 63;
    CHECK(condition_on(all, {.at_least = most}).level_low == std::numeric_limits<std::uint64_t>::max());
    CHECK(condition_on(all, {.at_least = 0}).level_low == middle);
    CHECK(condition_on(all, {.at_most = -0.5}).level_high == middle - 1);
    CHECK(condition_on(all, {.at_least = -0x1p63}).level_low == 0);
    CHECK(condition_on(all, {.at_most = 0x1p63}).level_high == std::numeric_limits<std::uint64_t>::max());
    CHECK(condition_on(all, {.values = {(std::int64_t{1} << 53) + 1}}).levels[0] == middle + (1ull << 53) + 1);
    CHECK(has(refusal([&] { condition_on(all, {.at_least = 0x1p63}); }), "can never hold"));
}

TEST(conditions_on_a_continuous_parent_are_bounds_of_its_values) {
    const Parameter x = real("p", 0.5, 8.0);
    const Column::Condition from = condition_on(x, {.at_least = 2}), to = condition_on(x, {.at_most = 2.5});
    CHECK(!from.by_level && from.real_low == 2.0 && from.real_high == 8.0);
    CHECK(!to.by_level && to.real_low == 0.5 && to.real_high == 2.5);
    const Column::Condition open = condition_on(normal("p", 0.0, 1.0), {.at_least = 1.0});
    CHECK(open.real_low == 1.0 && open.real_high == inf);
    CHECK(has(refusal([&] { condition_on(x, {.at_least = 8.5}); }), "can never hold, got at_least 8.5"));
    CHECK(has(refusal([&] { condition_on(x, {.at_least = 3.0, .at_most = 2.0}); }), "can never hold"));
    CHECK(has(refusal([&] { condition_on(x, {.values = {2.0}}); }), "must give bounds"));
}

TEST(conditions_that_cannot_be_are_refused) {
    const auto refused = [](const Parameter& parent, const When& when, const std::string& words) {
        const std::string text = refusal([&] { condition_on(parent, when); });
        CHECK(has(text, "the condition of 'child' on 'p' " + words));
    };
    const Parameter c = choice("p", 3), o = choice("p", 3, {.ordered = true}), n = integer("p", 1, 9, {.step = 2});
    const Parameter tenths = real("p", 0.0, 1.0, {.step = 0.1});
    refused(c, {.at_least = 1}, "needs choices with an order");
    refused(c, {.values = {3}}, "must be something that 'p' can be, got 3");
    refused(c, {.values = {-1}}, "must be something that 'p' can be, got -1");
    refused(c, {.values = {1.0}}, "must be the index of a choice, got 1.0");
    refused(o, {.at_least = 3}, "can never hold");
    refused(o, {.at_least = 2, .at_most = 1}, "can never hold");
    refused(n, {.values = {2}}, "must be something that 'p' can be, got 2");
    refused(n, {.values = {1.5}}, "must be something that 'p' can be, got 1.5");
    refused(n, {.values = {most}}, "must be something that 'p' can be");
    refused(n, {.at_least = 9.5}, "can never hold, got at_least 9.5");
    refused(n, {.at_least = 4, .at_most = 4}, "can never hold");
    refused(n, {.at_most = nan}, "must be a number, got nan");
    refused(tenths, {.values = {0.25}}, "must be something that 'p' can be, got 0.25");
    refused(tenths, {.values = {1.1}}, "must be something that 'p' can be, got 1.1");
    CHECK(has(refusal([] { when(real("x", 0.0, 1.0), {.parent = "p"}); }), "of 'x' must give values"));
    CHECK(has(refusal([] { when(real("x", 0.0, 1.0), {.parent = "p", .values = {1}, .at_most = 2}); }), "got both"));
}

TEST(alternatives_are_conditions_any_of_which_may_hold) {
    // kind is 0 and n at least 3, or kind is 2, or n is 0.
    Parameter child = when(real("x", 0.0, 1.0), {.parent = "kind", .values = {0}});
    child = or_when(when(std::move(child), {.parent = "n", .at_least = 3}));
    child = or_when(when(std::move(child), {.parent = "kind", .values = {2}}));
    child = when(std::move(child), {.parent = "n", .values = {0}});
    const Space space({choice("kind", 3), integer("n", 0, 4), child});
    const Codec& codec = *space.codec();
    CHECK(!codec.column(2).conditions[0].alternative && !codec.column(2).conditions[1].alternative);
    CHECK(codec.column(2).conditions[2].alternative && codec.column(2).conditions[3].alternative);
    for (std::int64_t kind = 0; kind < 3; ++kind) {
        for (std::int64_t n = 0; n <= 4; ++n) {
            const double u[3] = {codec.encode_whole(0, kind), codec.encode_whole(1, n), 0.5};
            Value values[3];
            codec.decode(u, values);
            CHECK(values[2].active == ((kind == 0 && n >= 3) || kind == 2 || n == 0));
        }
    }
    const std::string none = "an alternative of 'x' must have at least one condition, got none";
    CHECK(refusal([] { or_when(real("x", 0.0, 1.0)); }) == none);
    CHECK(refusal([&] { or_when(or_when(child)); }) == none);
    CHECK(refusal([&] { Space({choice("kind", 3), integer("n", 0, 4), or_when(child)}); }) == none);
    const Parameter never = when(or_when(child), {.parent = "n", .at_least = 5});
    CHECK(has(refusal([&] { Space({choice("kind", 3), integer("n", 0, 4), never}); }), "of 'x' on 'n' can never hold"));
    const Parameter back =
        when(or_when(when(integer("n", 0, 4), {.parent = "kind", .values = {1}})), {.parent = "x", .at_least = 0.5});
    CHECK(has(refusal([&] { Space({choice("kind", 3), back, child}); }), "must not form a cycle"));
}

// --- the space
// --------------------------------------------------------------------------------------------------------

TEST(a_space_knows_its_columns_by_name) {
    const Space space({choice("kernel", 2),
                       when(real("gamma", 1e-5, 10.0, {.log = true}), {.parent = "kernel", .values = {0}}),
                       choice("size", 3, {.ordered = true}), integer("n", 1, 9)});
    CHECK(space.size() == 4 && space.names() == (std::vector<std::string>{"kernel", "gamma", "size", "n"}));
    CHECK(space.categorical() == (std::vector<bool>{true, false, false, false}));
    for (std::size_t j = 0; j < space.size(); ++j) CHECK(space.find(space.names()[j]) == j);
    CHECK(!space.find("") && !space.find("gam") && !space.find("gammas") && !space.find("z"));
    const Space copy = space;  // keeps no view of the first
    CHECK(copy.find("size") == 2u && copy.codec() == space.codec());
    const double u[] = {0.75, 0.5, 0.5, 0.5};
    Value values[4];
    space.codec()->decode(u, values);
    CHECK(values[0].whole == 1 && !values[1].active && values[2].whole == 1 && values[3].whole == 5);
}

TEST(a_space_that_cannot_be_is_refused) {
    const auto x = [](const char* name, const char* parent = nullptr) {
        const Parameter p = integer(name, 0, 3);
        return parent == nullptr ? p : when(p, {.parent = parent, .at_least = 1});
    };
    CHECK(has(refusal([&] { Space({}); }), "at least one parameter"));
    CHECK(has(refusal([&] { Space({x("")}); }), "must have 1 to 512 bytes"));
    CHECK(has(refusal([&] { Space({x("").named(std::string(513, 'a'))}); }), "must have 1 to 512 bytes"));
    CHECK(refusal([&] { Space({x("").named(std::string(512, 'a'))}); }).empty());
    CHECK(has(refusal([&] { Space({x("a"), x("b"), x("a")}); }), "got 'a' twice"));
    CHECK(has(refusal([&] { Space({x("a", "b")}); }), "of 'a' must name a parameter of the space, got 'b'"));
    CHECK(has(refusal([&] { Space({x("a", "a")}); }), "cycle, got 'a' -> 'a'"));
    CHECK(has(refusal([&] { Space({x("z"), x("a", "b"), x("b", "c"), x("c", "a")}); }),
              "cycle, got 'a' -> 'c' -> 'b' -> 'a'"));
}

TEST(parents_come_first_and_the_rest_as_declared) {
    const Parameter a = integer("a", 0, 3), b = integer("b", 0, 3), c = integer("c", 0, 3), d = integer("d", 0, 3);
    const auto on = [](const Parameter& p, const char* parent) { return when(p, {.parent = parent, .at_least = 1}); };
    CHECK(Space({a, b, c, d}).codec()->order() == (std::vector<std::size_t>{0, 1, 2, 3}));
    CHECK(Space({on(a, "c"), b, c, d}).codec()->order() == (std::vector<std::size_t>{2, 0, 1, 3}));
    CHECK(Space({on(on(a, "d"), "b"), b, c, on(d, "c")}).codec()->order() == (std::vector<std::size_t>{2, 3, 1, 0}));
    // A chain that is longer than a thread's stack is deep.
    std::vector<Parameter> chain;
    const std::size_t n = 50'000;
    for (std::size_t j = 0; j < n; ++j) {
        const Parameter p = integer(numbered('p', j), 0, 3);
        chain.push_back(j + 1 < n ? when(p, {.parent = numbered('p', j + 1), .at_least = 1}) : p);
    }
    const Space space(std::move(chain));
    CHECK(space.codec()->order().front() == n - 1 && space.codec()->order().back() == 0);
}

// --- counts
// -----------------------------------------------------------------------------------------------------------

// Points of a space of small grids, each counted.
std::uint64_t counted(const Space& space) {
    const Codec& codec = *space.codec();
    std::set<std::vector<std::int64_t>> seen;
    std::vector<std::uint64_t> at(space.size(), 0);
    for (;;) {
        std::vector<double> u(space.size());
        for (std::size_t j = 0; j < u.size(); ++j)
            u[j] = codec.encode_whole(j, codec.column(j).whole_low + static_cast<std::int64_t>(at[j]));
        std::vector<Value> values(space.size());
        codec.decode(u, values);
        std::vector<std::int64_t> point;
        for (const Value& v : values) {
            point.push_back(v.active);
            point.push_back(v.active ? v.whole : 0);
        }
        seen.insert(point);
        std::size_t j = 0;
        while (j < at.size() && ++at[j] > codec.column(j).last) at[j++] = 0;
        if (j == at.size()) return seen.size();
    }
}

TEST(points_are_counted_as_a_list_of_them_is_long) {
    hpcore::Philox random({3, 3}, 4, 1);
    const auto below = [&](std::int64_t n) {
        return static_cast<std::int64_t>(random.uniform() * static_cast<double>(n));
    };
    for (int i = 0; i < 300; ++i) {
        std::vector<Parameter> parameters;
        const std::int64_t d = 1 + below(5);
        for (std::int64_t j = 0; j < d; ++j) {
            const std::string name(1, static_cast<char>('a' + j));
            const std::int64_t last = below(4);
            Parameter p =
                below(2) ? integer(name, 0, last) : choice(name, static_cast<std::size_t>(last) + 1, {.ordered = true});
            for (std::int64_t k = 0; k < j; ++k) {
                if (below(3) > 0) continue;
                const auto high = static_cast<std::int64_t>(parameters[static_cast<std::size_t>(k)].column().last);
                When w{.parent = std::string(1, static_cast<char>('a' + k))};
                if (below(2))
                    w.values = {below(high + 1), below(high + 1)};
                else
                    w.at_least = below(high + 1);
                if (!p.conditions().empty() && below(2)) p = or_when(std::move(p));
                p = when(std::move(p), std::move(w));
            }
            parameters.push_back(std::move(p));
        }
        std::reverse(parameters.begin(), parameters.end());  // children may be declared first
        const Space space(std::move(parameters));
        CHECK(space.finite_size() == counted(space));
        CHECK(space.points() == Natural(counted(space)));
    }
}

TEST(counts_may_be_of_any_size) {
    std::vector<Parameter> wide;
    Natural power = 1;
    for (std::size_t j = 0; j < 30; ++j) {
        wide.push_back(integer(numbered('p', j), 0, std::int64_t{1} << 62));
        power *= Natural((std::uint64_t{1} << 62) + 1);
    }
    CHECK(Space(wide).points() == power);
    CHECK(Space(wide).finite_size() == std::numeric_limits<std::uint64_t>::max());
    CHECK(!Space({integer("n", 0, 3), real("x", 0.0, 1.0)}).points());
    CHECK(!Space({integer("n", 0, 3), real("x", 0.0, 1.0)}).finite_size());
    CHECK(Space({integer("n", least, most)}).points() == Natural(std::numeric_limits<std::uint64_t>::max()) + 1);
    CHECK(Space({real("x", 0.0, 1.0, {.step = 0.1})}).finite_size() == 11u);
    // Families multiply without being walked: 60 switches with a child each.
    std::vector<Parameter> switches;
    Natural fives = 1;
    for (std::size_t j = 0; j < 60; ++j) {
        const std::string name = numbered('s', j);
        switches.push_back(choice(name, 2));
        switches.push_back(when(integer(numbered('c', j), 1, 4), {.parent = name, .values = {1}}));
        fives *= 5;
    }
    CHECK(Space(switches).points() == fives);
    // One family of 2^20 branches is given up.
    std::vector<Parameter> parents;
    Parameter child = integer("child", 0, 1);
    for (std::size_t j = 0; j < 20; ++j) {
        parents.push_back(choice(numbered('s', j), 2));
        child = when(std::move(child), {.parent = parents.back().name(), .values = {1}});
    }
    parents.push_back(child);
    CHECK(!Space(parents).points());
}

TEST(naturals_add_multiply_and_compare) {
    const Natural big = Natural(std::numeric_limits<std::uint64_t>::max());
    CHECK(big + 1 == Natural(std::uint64_t{1} << 32) * Natural(std::uint64_t{1} << 32));
    CHECK((big + 1).words() == (std::vector<std::uint32_t>{0, 0, 1}) && !(big + 1).small() && *big.small() == ~0ull);
    CHECK(big * big + big + big + 1 == (big + 1) * (big + 1));
    CHECK(Natural(0) * big == Natural(0) && Natural(0).words().empty() && *Natural(0).small() == 0);
    CHECK(big < big + 1 && Natural(3) < big && !(big < big) && big + 1 > big && Natural(7) > Natural(6));
}

}  // namespace
