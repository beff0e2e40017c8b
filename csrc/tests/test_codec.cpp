#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>
#include <vector>

#include "check.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/space/codec.hpp"
#include "spaces.hpp"

using namespace hpcore::space;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

Column scaled(Column c, Scale scale, double low, double high, double mean = 0.0, double std = 1.0) {
    c.scale = scale;
    c.low = low;
    c.high = high;
    c.mean = mean;
    c.std = std;
    return c;
}

Column number(Scale scale, double low, double high, double mean = 0.0, double std = 1.0) {
    return scaled(Column{}, scale, low, high, mean, std);
}

// low, low + step, ..., `last` steps of them.
Column stepped(Scale scale, double low, double step, std::uint64_t last, double mean = 0.0, double std = 1.0) {
    Column c = number(scale, low, std::min(low + static_cast<double>(last) * step, 1e308), mean, std);
    c.gridded = true;
    c.step = step;
    c.last = last;
    return c;
}

Column whole(Scale scale, std::int64_t low, std::int64_t high, double mean = 0.0, double std = 1.0) {
    return scaled(spaces::integer(low, high), scale, static_cast<double>(low), static_cast<double>(high), mean, std);
}

Column tenths() {  // the way that people write them
    Column c = stepped(Scale::linear, 0.0, 0.1, 10);
    c.high = 1.0;
    c.tick_step = 1;
    c.ticks = 10.0;
    return c;
}

Column by_three() {
    Column c = whole(Scale::linear, -7, 14);
    c.whole_step = 3;
    c.last = 7;
    return c;
}

Column weighted() {
    Column c = spaces::choice(4);
    c.cumulative = {0.1, 0.55, 0.6, 1.0};
    return c;
}

// The distribution function of a scale, by its definition and up to a constant: of the tail that the column lies in.
double cumulative(const Column& c, double x) {
    const bool logged = c.scale == Scale::log || c.scale == Scale::log_normal;
    const double t = logged ? std::log(x) : x;
    if (c.scale == Scale::linear) return 0.125 * t;  // the widest ranges are wider than the largest double
    if (c.scale == Scale::log) return t;
    const double z = (t - c.mean) / c.std / std::sqrt(2.0);
    return c.high < c.mean ? 0.5 * std::erfc(-z) : -0.5 * std::erfc(z);
}

double share_below(const Column& c, double x, double low, double high) {
    return (cumulative(c, x) - cumulative(c, low)) / (cumulative(c, high) - cumulative(c, low));
}

double decoded(const Codec& codec, double u) {
    Value v;
    codec.decode({&u, 1}, {&v, 1});
    CHECK(v.active);
    return codec.column(0).kind == Kind::real ? v.real : static_cast<double>(v.whole);
}

// Every coordinate's value comes back, exactly; snapping twice is snapping once.
void check_round_trips(const Codec& codec, double u) {
    Value first, second, third;
    codec.decode({&u, 1}, {&first, 1});
    codec.snap({&u, 1}, {&second, 1});
    const double once = u;
    CHECK(u >= 0.0 && u <= 1.0);
    CHECK(second.real == first.real && second.whole == first.whole);
    codec.snap({&u, 1}, {&third, 1});
    CHECK(u == once);
    CHECK(third.real == first.real && third.whole == first.whole);
}

TEST(continuous_columns_follow_their_distribution) {
    for (const Column& c :
         {number(Scale::linear, -2.0, 5.0), number(Scale::linear, -1.5e308, 1.5e308), number(Scale::log, 1e-5, 1e5),
          number(Scale::normal, -inf, inf, 1.0, 2.0), number(Scale::normal, 0.0, 3.0, 1.0, 2.0),
          number(Scale::normal, 8.0, 20.0), number(Scale::normal, -20.0, -8.0), number(Scale::log_normal, 0.0, inf),
          number(Scale::log_normal, 2.0, 5.0, 1.0, 0.5), number(Scale::linear, 3.0, 3.0)}) {
        const Codec codec({c}, {0});
        double before = -inf;
        for (int i = 0; i <= 400; ++i) {
            const double u = i / 400.0, x = decoded(codec, u);
            CHECK(x >= c.low && x <= c.high && std::isfinite(x));
            CHECK(x >= before);
            before = x;
            check_round_trips(codec, u);
            if (c.low < c.high) CHECK_NEAR(share_below(c, x, c.low, c.high), u, 1e-9);
        }
        if (std::isfinite(c.low) && !(c.scale == Scale::log_normal && c.low == 0.0))
            CHECK(decoded(codec, 0.0) == c.low);
        if (std::isfinite(c.high)) CHECK(decoded(codec, 1.0) == c.high);
        CHECK(codec.encode_real(0, c.low) == 0.0 || c.low == -inf || c.low == 0.0);
        if (c.low < c.high) CHECK(codec.encode_real(0, c.high) == 1.0);
    }
}

// A value that no coordinate decodes to gets the coordinate of the nearest one.
TEST(a_value_between_two_goes_to_the_nearer) {
    const Codec codec({number(Scale::linear, -1.0, 1e6)}, {0});
    hpcore::Philox random({1, 2}, 3, 4);
    for (int i = 0; i < 200; ++i) {
        const double x = std::pow(10.0, -8.0 + 13.0 * random.uniform()), u = codec.encode_real(0, x);
        const double gap = std::fabs(decoded(codec, u) - x);
        CHECK(gap <= std::fabs(decoded(codec, std::nextafter(u, 0.0)) - x));
        CHECK(gap <= std::fabs(decoded(codec, std::nextafter(u, 1.0)) - x));
    }
}

// Each level's cell is its share of the distribution, and every level in it comes back.
TEST(grids_divide_their_distribution) {
    const std::vector<std::pair<Column, double>> cases{
        {tenths(), 0.1},
        {stepped(Scale::linear, -1.0, 0.25, 9), 0.25},
        {stepped(Scale::log, 0.5, 0.5, 19), 0.5},
        {stepped(Scale::log, 0.5, 2.0, 7), 2.0},
        {stepped(Scale::normal, -1.0, 0.5, 8, 0.3, 1.2), 0.5},
        {stepped(Scale::log_normal, 1.0, 1.0, 12, 1.0, 0.7), 1.0},
        {stepped(Scale::linear, -1e308, 1e307, 20), 1e307},
        {whole(Scale::linear, 0, 9), 1.0},
        {by_three(), 3.0},
        {whole(Scale::log, 1, 300), 1.0},
        {whole(Scale::normal, 0, 20, 10.0, 3.0), 1.0},
        {whole(Scale::normal, 30, 50, 10.0, 4.0), 1.0},
        {whole(Scale::log_normal, 1, 60, 2.0, 1.0), 1.0},
    };
    for (const auto& [c, step] : cases) {
        const Codec codec({c}, {0});
        const auto value = [&, by = step](std::uint64_t level) {
            return std::fma(static_cast<double>(level), by, c.low);
        };
        const bool logged = c.scale == Scale::log || c.scale == Scale::log_normal;
        // Half a step to either side, but above zero on a logarithmic scale.
        const double low = logged ? std::max(c.low - 0.5 * step, 0.5 * c.low) : c.low - 0.5 * step;
        const double high = value(c.last) + 0.5 * step;
        const double rounding = c.kind == Kind::integer ? 0.0 : 1e-15 * std::max(std::fabs(low), std::fabs(high));
        for (std::uint64_t level = 0; level <= c.last; ++level) {
            const double u = c.kind == Kind::integer ? codec.encode_whole(0, static_cast<std::int64_t>(value(level)))
                                                     : codec.encode_real(0, value(level));
            CHECK_NEAR(decoded(codec, u), value(level), rounding);
            check_round_trips(codec, u);
            CHECK(codec.level_of_real(0, value(level) + 0.3 * step) == level);
            const double end = codec.cell_end(0, level);
            if (level == c.last) {
                CHECK(end == 1.0);
                continue;
            }
            const double middle = 0.5 * value(level) + 0.5 * value(level + 1);
            CHECK_NEAR(end, share_below(c, middle, low, high), 1e-9);
            const double narrow =
                std::min(end - (level > 0 ? codec.cell_end(0, level - 1) : 0.0), codec.cell_end(0, level + 1) - end);
            if (narrow < 1e-12) continue;  // hardly more than a few doubles
            CHECK_NEAR(decoded(codec, end - 1e-3 * narrow), value(level), rounding);
            CHECK_NEAR(decoded(codec, end + 1e-3 * narrow), value(level + 1), rounding);
        }
        CHECK(decoded(codec, 0.0) == c.low && decoded(codec, 1.0) == codec.column(0).high);
        CHECK(codec.level_of_real(0, -1.7e308) == 0 && codec.level_of_real(0, 1.7e308) == c.last);
    }
}

TEST(choices_have_their_weights) {
    const Codec even({spaces::choice(4)}, {0}), uneven({weighted()}, {0});
    for (std::uint64_t level = 0; level < 4; ++level) {
        CHECK_NEAR(even.cell_end(0, level), 0.25 * static_cast<double>(level + 1), 1e-15);
        CHECK(uneven.cell_end(0, level) == weighted().cumulative[level]);
        const double middles[] = {0.05, 0.325, 0.575, 0.8};
        CHECK_NEAR(uneven.encode_whole(0, static_cast<std::int64_t>(level)), middles[level], 1e-15);
    }
    for (int i = 0; i <= 1000; ++i) {
        const double u = i / 1000.0;
        CHECK(decoded(even, u) == std::min(std::floor(4.0 * u), 3.0));
        CHECK(decoded(uneven, u) == (u < 0.1 ? 0.0 : u < 0.55 ? 1.0 : u < 0.6 ? 2.0 : 3.0));
        check_round_trips(uneven, u);
    }
}

// More levels than the cube has doubles, and cells that lie where the cube's last doubles do.
TEST(ranges_that_are_hard_to_divide) {
    constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min(),
                           greatest = std::numeric_limits<std::int64_t>::max();
    hpcore::Philox random({5, 6}, 7, 8);
    for (const Column& c :
         {whole(Scale::linear, least, greatest), whole(Scale::linear, -5, greatest), whole(Scale::linear, least, 12),
          whole(Scale::normal, 0, 100), whole(Scale::normal, -90, 5), whole(Scale::log, 1, greatest)}) {
        const Codec codec({c}, {0});
        for (int i = 0; i < 300; ++i) {
            const double near = std::ldexp(random.uniform(), -(i % 60));
            check_round_trips(codec, near);
            check_round_trips(codec, 1.0 - near);
        }
        Value v;
        for (const double u : {0.0, 1.0}) {
            codec.decode({&u, 1}, {&v, 1});
            CHECK(v.whole == (u == 0.0 ? c.whole_low : static_cast<std::int64_t>(c.high)) || c.high > 1e18);
            if (u == 1.0 && c.high > 1e18) CHECK(v.whole == greatest);
        }
    }
    // A level that no coordinate stands for goes to the last one before it that some does.
    const Codec tail({whole(Scale::normal, 0, 100)}, {0});
    const double u = tail.encode_whole(0, 60), reached = decoded(tail, u);
    CHECK(u < 1.0 && reached > 5.0 && reached < 60.0);
    CHECK(decoded(tail, std::nextafter(u, 1.0)) > 60.0);
}

// Conditions on every kind of parent, against the sentence each of them is.
TEST(conditions_on_every_kind_of_parent) {
    Column::Condition by_range;  // of an integer's levels: 2 <= value <= 4
    by_range.parent = 1;
    by_range.level_low = 2;
    by_range.level_high = 4;
    Column::Condition by_level;  // of a stepped number: 0.3 or 0.7
    by_level.parent = 2;
    by_level.levels = {3, 7};
    Column::Condition by_value;  // of a continuous number: within [0.25, 0.5]
    by_value.parent = 3;
    by_value.by_level = false;
    by_value.real_low = 0.25;
    by_value.real_high = 0.5;
    Column child, both, grandchild, either;
    child.conditions = {by_range};
    both.conditions = {by_level, by_value};
    either.conditions = {by_level, by_value, by_range};
    either.conditions[2].alternative = true;
    Column::Condition of_child = by_value;
    of_child.parent = 4;
    grandchild.conditions = {of_child};
    // A choice that has nothing to do with it, the three parents, the children, a child of the first child, and one
    // that is active where any of the children is.
    const auto codec =
        spaces::codec({spaces::choice(3), spaces::integer(0, 6), tenths(), Column{}, child, both, grandchild, either});
    hpcore::Philox random({1, 2}, 3, 4);
    int met[3] = {0, 0, 0};
    for (int i = 0; i < 3000; ++i) {
        double u[8];
        for (double& x : u) x = random.uniform();
        Value v[8], again[8];
        codec->decode(u, v);
        const bool first = v[1].whole >= 2 && v[1].whole <= 4;
        const bool second = (v[2].real == 0.3 || v[2].real == 0.7) && v[3].real >= 0.25 && v[3].real <= 0.5;
        const bool third = first && v[4].real >= 0.25 && v[4].real <= 0.5;
        CHECK(v[4].active == first && v[5].active == second && v[6].active == third);
        CHECK(v[7].active == (first || second));
        met[0] += first;
        met[1] += second;
        met[2] += third;
        codec->snap(u, again);
        for (int j = 0; j < 8; ++j) {
            CHECK(std::isnan(u[j]) == !v[j].active);
            CHECK(again[j].active == v[j].active && again[j].real == v[j].real && again[j].whole == v[j].whole);
        }
    }
    CHECK(met[0] > 1000 && met[1] > 50 && met[2] > 250);
}

TEST(refusals) {
    const Codec codec({spaces::choice(3), Column{}}, {0, 1});
    Value v[2];
    const double u[2] = {0.5, nan};
    CHECK_THROWS(codec.decode(u, v), std::invalid_argument);
    CHECK_THROWS(Codec({Column{}}, {0, 0}), std::invalid_argument);
    CHECK_THROWS(Codec({Column{}, Column{}}, {0, 0}), std::invalid_argument);
    CHECK_THROWS(Codec({Column{}, Column{}}, {0, 2}), std::invalid_argument);
    const Column child = spaces::when(0, {1}, Column{}), orphan = spaces::when(2, {1}, Column{});
    CHECK_THROWS(Codec({spaces::choice(2), child}, {1, 0}), std::invalid_argument);
    CHECK_THROWS(Codec({spaces::choice(2), orphan}, {0, 1}), std::invalid_argument);
}

}  // namespace
