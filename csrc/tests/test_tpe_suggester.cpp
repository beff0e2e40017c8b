// The tree-structured Parzen estimator at work on a space: its densities against their formulas, its suggestions
// against what they promise.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "check.hpp"
#include "hpcore/normal.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/space/row_set.hpp"
#include "hpcore/tpe/mixture.hpp"
#include "hpcore/tpe/suggester.hpp"
#include "spaces.hpp"
#include "user_kernels.hpp"

using namespace hpcore;
using namespace hpcore::tpe;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

// Trials of one or several objectives: (n, d) rows, (n, stride) values, (n,) states.
struct Trials {
    std::vector<double> rows, values;
    std::vector<std::uint8_t> state;
    std::size_t n() const { return state.size(); }
    void tell(Suggester& suggester, std::size_t objectives = 1) const {
        suggester.update({.rows = {rows.data(), n(), n() > 0 ? rows.size() / n() : 0},
                          .values = {values.data(), n(), objectives},
                          .state = state});
    }
};

// Canonical rows at random, with the values that f gives them.
template <class Function>
Trials trials(const space::Codec& codec, std::size_t n, Function f) {
    Trials out;
    const std::size_t d = codec.size();
    std::vector<space::Value> scratch(d);
    std::vector<double> row(d);
    Philox random({1, 2}, 3, 4);
    for (std::size_t i = 0; i < n; ++i) {
        for (double& u : row) u = random.uniform();
        codec.snap(row, scratch);
        out.rows.insert(out.rows.end(), row.begin(), row.end());
        out.values.push_back(f(row.data()));
        out.state.push_back(1);
    }
    return out;
}

// A Gaussian kernel cut to [0, 1].
double kernel(double x, double mean, double h) {
    const double mass = normal_cdf((1.0 - mean) / h) - normal_cdf(-mean / h);
    return std::exp(-0.5 * (x - mean) * (x - mean) / (h * h)) / (h * 2.5066282746310002 * mass);
}

// log l - log g of one continuous column, from the trials alone.
TEST(the_ratio_is_that_of_the_two_densities) {
    const auto codec = spaces::codec({space::Column{}});
    const Trials given = trials(*codec, 30, [](const double* u) { return std::fabs(u[0] - 0.6); });
    for (const Weights weights : {Weights::rank, Weights::uniform}) {
        Options options;
        options.gamma = 0.2;
        options.max_bad = 15;
        options.adaptive = false;
        options.weights = weights;
        options.prior_weight = 0.8;
        Suggester suggester(codec, {false}, options);
        given.tell(suggester);
        std::vector<std::size_t> order(30);
        std::iota(order.begin(), order.end(), std::size_t{0});
        std::sort(order.begin(), order.end(),
                  [&](std::size_t a, std::size_t b) { return given.values[a] < given.values[b]; });
        order.resize(6);  // a fifth are good
        // The spacing of 30 points, which is less than the usual bandwidth.
        const auto bandwidth = [](double n) { return std::min(std::max(0.25 * std::pow(n, -0.2), 0.02), 1.0 / 30.0); };
        double sum = 0.0;
        for (std::size_t r = 0; r < 6; ++r) sum += std::log(7.0) - std::log(static_cast<double>(r + 1));
        for (const double x : {0.0, 0.1, 0.35, 0.6, 0.99}) {
            double good = 0.8 * kernel(x, 0.5, 1.0), bad = good;
            for (std::size_t r = 0; r < 6; ++r) {
                const double w = std::log(7.0) - std::log(static_cast<double>(r + 1));
                good += (weights == Weights::uniform ? 1.0 : 6.0 * w / sum) *
                        kernel(x, given.rows[order[r]], bandwidth(6.0));
            }
            std::size_t n_bad = 0;  // the newest
            for (std::size_t i = 30; i-- > 0 && n_bad < 15;) {
                if (std::find(order.begin(), order.end(), i) != order.end()) continue;
                bad += kernel(x, given.rows[i], bandwidth(15.0));
                ++n_bad;
            }
            double got = 0.0;
            suggester.log_ratio({&x, 1, 1}, {&got, 1, 1});
            CHECK_NEAR(got, std::log(good / 6.8) - std::log(bad / 15.8), 1e-9);
        }
    }
}

// Unevenly wide levels of an ordered column, against the masses of their cells.
TEST(levels_of_uneven_cells) {
    space::Column c = spaces::integer(1, 12);
    c.scale = space::Scale::log;
    const auto codec = spaces::codec({c});
    Axis axis = even_axis(12, false);
    axis.even = false;
    for (std::size_t l = 0; l < 12; ++l) axis.edges[l + 1] = codec->cell_end(0, l);
    for (int i = 0; i < 500; ++i) {
        const double u = i / 500.0;
        const std::size_t level = axis.level_of(u);
        CHECK(axis.edges[level] <= u && u < axis.edges[level + 1]);
    }
    Mixture mixture({axis});
    const std::vector<double> points{2.0, 9.0}, weights{1.0, 2.0}, h{0.2};
    mixture.fit({points.data(), 2, 1}, weights, 0.5, h, 0.0);
    Batch batch;
    batch.reset(1, 12);
    batch.resize(12);
    for (std::size_t l = 0; l < 12; ++l) batch.at(0, l) = static_cast<double>(l);
    std::vector<double> got(batch.padded()), masses(12);
    mixture.log_density(batch, got);
    const auto mass = [&](double mean, double deviation, std::size_t l) {
        const auto below = [&](double edge) { return normal_cdf((edge - mean) / deviation); };
        return (below(axis.edges[l + 1]) - below(axis.edges[l])) / (below(1.0) - below(0.0));
    };
    for (std::size_t l = 0; l < 12; ++l) {
        masses[l] = (mass(axis.middle(2), 0.2, l) + 2.0 * mass(axis.middle(9), 0.2, l) + 0.5 * mass(0.5, 1.0, l)) / 3.5;
        CHECK_NEAR(got[l], std::log(masses[l]), 1e-9);
    }
    // Draws, independent and shared out, have these masses.
    Philox random({1, 2}, 3, 4);
    for (const bool even : {false, true}) {
        constexpr std::size_t n = 20000;
        Batch drawn;
        drawn.reset(1, n);
        mixture.draw(random, drawn, 0, n, even);
        std::vector<double> share(12, 0.0);
        for (std::size_t i = 0; i < n; ++i) share[static_cast<std::size_t>(drawn.at(0, i))] += 1.0 / n;
        for (std::size_t l = 0; l < 12; ++l)
            CHECK_NEAR(share[l], masses[l], 4.5 * std::sqrt(masses[l] * (1.0 - masses[l]) / n));
    }
}

// Before the densities rule: one point in each slice of every column, and afterwards or on another attempt others.
TEST(the_start_is_even) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    Options options;
    options.n_startup = 10;
    Suggester suggester(codec, {false, false}, options);
    std::set<int> first, second;
    std::set<double> all;
    for (std::uint64_t number = 0; number < 10; ++number) {
        double row[4], again[2];
        suggester.suggest({{7, 8}, number, 0}, {row, 2, codec->size()});
        first.insert(static_cast<int>(10.0 * row[0]));
        second.insert(static_cast<int>(10.0 * row[1]));
        suggester.suggest({{7, 8}, number, 1}, {again, 1, codec->size()});
        all.insert({row[0], row[2], again[0]});
    }
    CHECK(first.size() == 10 && second.size() == 10);
    CHECK(all.size() == 30);
}

// Only the first objective of each row is read.
TEST(a_stride_is_stepped_over) {
    const auto codec = spaces::codec({space::Column{}, spaces::choice(3)});
    const Trials given = trials(*codec, 40, [](const double* u) { return u[0] + u[1]; });
    Trials wide = given;
    wide.values.assign(3 * 40, nan);
    for (std::size_t i = 0; i < 40; ++i) wide.values[3 * i] = given.values[i];
    Suggester narrow(codec, {false, true}, {}), strided(codec, {false, true}, {});
    given.tell(narrow);
    wide.tell(strided, 3);
    double a[2], b[2];
    for (std::uint64_t number = 40; number < 44; ++number) {
        narrow.suggest({{7, 8}, number, 0}, {a, 1, codec->size()});
        strided.suggest({{7, 8}, number, 0}, {b, 1, codec->size()});
        CHECK(a[0] == b[0] && a[1] == b[1]);
    }
}

// After clear() other values may be told of the same trials, as if they had been the only ones.
TEST(forgotten_is_forgotten) {
    const auto codec = spaces::codec({space::Column{}, spaces::choice(2)});
    const auto up = trials(*codec, 40, [](const double* u) { return u[0]; });
    const auto down = trials(*codec, 40, [](const double* u) { return -u[0]; });
    Suggester once(codec, {false, true}, {}), twice(codec, {false, true}, {});
    down.tell(once);
    up.tell(twice);
    twice.forget_results();
    down.tell(twice);
    double a[2], b[2];
    for (std::uint64_t number = 40; number < 44; ++number) {
        once.suggest({{7, 8}, number, 0}, {a, 1, codec->size()});
        twice.suggest({{7, 8}, number, 0}, {b, 1, codec->size()});
        CHECK(a[0] == b[0] && a[1] == b[1] && a[0] > 0.5);
    }
}

// The constant liar keeps suggestions away from a pending point; without it the point does not count.
TEST(pending_points_are_kept_away_from) {
    const auto codec = spaces::codec({space::Column{}});
    const Trials given = trials(*codec, 40, [](const double* u) { return std::fabs(u[0] - 0.6); });
    double away[2] = {0.0, 0.0};
    for (const bool liar : {false, true}) {
        Options options;
        options.constant_liar = liar;
        options.trend = options.regression = false;
        Suggester suggester(codec, {false}, options);
        given.tell(suggester);
        for (std::uint64_t number = 40; number < 60; ++number) {
            double alone = 0.0, beside = 0.0;
            suggester.suggest({{7, 8}, number, 0}, {&alone, 1, codec->size()});
            const std::vector<double> pending(12, alone + 1e-12);  // not the very point, which nobody asks for again
            suggester.suggest({{7, 8}, number, 0, {pending.data(), 12, 1}}, {&beside, 1, 1});
            if (!liar) CHECK(beside == alone);
            away[liar] += std::fabs(beside - alone);
        }
    }
    CHECK(away[0] == 0.0 && away[1] > 20 * 0.05);
}

// Every fourth proposal is made in a box that 16 trials and 4 an axis are in, half as wide as their farthest.
TEST(local_turns_stay_near_the_best_point) {
    const std::vector<double> centre{0.3, 0.7};
    const auto codec = spaces::codec(std::vector<space::Column>(2));
    const Trials given =
        trials(*codec, 200, [&](const double* u) { return std::hypot(u[0] - centre[0], u[1] - centre[1]); });
    std::vector<double> distance;
    const auto best = std::min_element(given.values.begin(), given.values.end()) - given.values.begin();
    const double* at = given.rows.data() + 2 * best;
    for (std::size_t i = 0; i < 200; ++i)
        distance.push_back(std::max(std::fabs(given.rows[2 * i] - at[0]), std::fabs(given.rows[2 * i + 1] - at[1])));
    std::nth_element(distance.begin(), distance.begin() + 23, distance.end());
    const double reach = distance[23];
    CHECK(reach < 0.4);
    Suggester suggester(codec, {false, false}, {});
    given.tell(suggester);
    const double waiting[4] = {centre[0] + 1e-4, centre[1], 0.99, 0.01};  // inside the box, and outside
    for (std::uint64_t number = 203; number < 263; number += 4) {
        double u[2], beside[2];
        suggester.suggest({{7, 8}, number, 0}, {u, 1, 2});
        suggester.suggest({{7, 8}, number, 0, {waiting, 2, 2}}, {beside, 1, 2});
        for (std::size_t j = 0; j < 2; ++j)
            CHECK(std::fabs(u[j] - at[j]) <= reach + 1e-12 && std::fabs(beside[j] - at[j]) <= reach + 1e-12);
    }
}

// A choice of three whose levels have a number, an integer of few values, and nothing of their own; and one number
// more.
std::shared_ptr<const space::Codec> branches() {
    return spaces::codec({spaces::choice(3), spaces::when(0, {0}, space::Column{}),
                          spaces::when(0, {1}, spaces::integer(0, 3)), space::Column{}});
}

TEST(branches_are_groups_of_their_own) {
    const auto codec = branches();
    Options apart;
    apart.joint = false;
    CHECK(Suggester(codec, {true, false, false, false}, {}).n_groups() == 3);
    CHECK(Suggester(codec, {true, false, false, false}, apart).n_groups() == 4);
    // The branch of level 2 is the best one, nobody has been to that of level 0, and that of level 1 has failed.
    Trials given;
    Philox random({3, 4}, 5, 6);
    for (int i = 0; i < 40; ++i) {
        const bool last = i % 2 == 0;
        given.rows.insert(given.rows.end(),
                          {last ? 5.0 / 6.0 : 0.5, nan, last ? nan : (i % 4 + 0.5) / 4.0, random.uniform()});
        given.values.push_back(last ? given.rows.back() : inf);
        given.state.push_back(last ? 1 : 2);
    }
    for (const Options& options : {Options{}, apart}) {
        Suggester suggester(codec, {true, false, false, false}, options);
        given.tell(suggester);
        int failed = 0;
        std::vector<space::Value> v(4);
        for (std::uint64_t number = 40; number < 60; ++number) {
            double u[4];
            suggester.suggest({{7, 8}, number, 0}, {u, 1, codec->size()});
            for (const double x : u) CHECK(x >= 0.0 && x <= 1.0);
            codec->decode(u, v);
            failed += v[0].whole == 1;
        }
        CHECK(failed <= 2);
        // Ratio and trend of rows: NaN where the branch is inactive, 0 where it has no trial.
        const std::size_t groups = suggester.n_groups();
        const double asked[12] = {1.0 / 6.0, 0.3, nan, 0.2, 0.5, nan, 0.4, 0.2, 5.0 / 6.0, nan, nan, 0.05};
        std::vector<double> ratio(3 * groups), trend(3 * groups);
        suggester.log_ratio({asked, 3, 4}, {ratio.data(), 3, groups});
        suggester.log_trend({asked, 3, 4}, {trend.data(), 3, groups});
        for (const std::vector<double>& out : {ratio, trend}) {
            CHECK(out[2 * groups] > out[groups]);  // the group of the choice
            for (std::size_t g = 0; g < groups; ++g) CHECK(!std::isnan(out[g]) || g == 2);
            CHECK(out[1] == 0.0 && out[groups + 2] == 0.0);
            CHECK(std::isnan(out[2]) && std::isnan(out[groups + 1]) && std::isnan(out[2 * groups + 1]));
        }
    }
}

TEST(columns_with_the_same_alternatives_are_a_group) {
    const auto either = [](bool alternative) {
        space::Column c = spaces::when(0, {1}, spaces::when(0, {0}, space::Column{}));
        c.conditions[1].alternative = alternative;
        return c;
    };
    const auto codec = spaces::codec({spaces::choice(3), either(true), either(true), either(false)});
    CHECK(Suggester(codec, {true, false, false, false}, {}).n_groups() == 3);
}

// Rows that lack some values of a group are in it all the same, and say nothing of the columns that they lack.
TEST(rows_may_lack_values) {
    const auto codec = spaces::codec({spaces::choice(3), space::Column{}, space::Column{}, spaces::integer(0, 3)});
    for (const bool trend : {false, true}) {
        Options options;
        options.trend = trend;
        Suggester suggester(codec, {true, false, false, false}, options);
        Trials given;
        Philox random({3, 4}, 5, 6);
        for (int i = 0; i < 60; ++i) {
            const double x = random.uniform();
            const bool lacks = i % 3 == 0;
            given.rows.insert(given.rows.end(), {i % 4 == 1 ? nan : 0.5, x, lacks ? nan : random.uniform(),
                                                 i % 5 == 2 ? nan : 0.125 + 0.25 * (i % 4)});
            given.values.push_back(std::fabs(x - 0.3));
            given.state.push_back(1);
        }
        given.tell(suggester);
        std::vector<double> waiting(given.rows.begin(), given.rows.begin() + 8);
        double sum = 0.0;
        for (std::uint64_t number = 60; number < 90; ++number) {
            double u[4];
            suggester.suggest({{7, 8}, number, 0, {waiting.data(), 2, 4}}, {u, 1, 4});
            for (const double v : u) CHECK(v >= 0.0 && v <= 1.0);
            sum += std::fabs(u[1] - 0.3);
        }
        CHECK(sum / 30 < 0.15);  // they do say where the column is good that they have
    }
}

// In a space of few points none is asked for twice while there is a new one, alone, together or beside a pending one.
// Few rows come from bounds, many from all scores: the first of many are the few.
TEST(bounds_change_no_suggestion) {
    const auto line = spaces::codec({space::Column{}});
    const auto plane = spaces::codec(std::vector<space::Column>(5));
    const auto mixed =
        spaces::codec({space::Column{}, spaces::choice(3), spaces::integer(1, 50), spaces::integer(0, 3)});
    const auto forked = spaces::codec({spaces::choice(2), spaces::when(0, {1}, space::Column{}), space::Column{}});
    for (const auto& [codec, unordered] :
         {std::pair{line, std::vector<bool>(1, false)}, std::pair{plane, std::vector<bool>(5, false)},
          std::pair{mixed, std::vector<bool>{false, true, false, false}},
          std::pair{forked, std::vector<bool>{true, false, false}}}) {
        const std::size_t d = codec->size();
        for (const std::size_t n : {12u, 90u, 200u}) {
            const Trials given = trials(*codec, n, [&](const double* u) {
                double sum = 0.0;
                for (std::size_t j = 0; j < d; ++j) sum += std::isnan(u[j]) ? 0.1 : (u[j] - 0.3) * (u[j] - 0.3);
                return sum;
            });
            Suggester suggester(codec, unordered, {});
            given.tell(suggester);
            for (std::uint64_t number = n; number < n + 9; ++number) {
                std::vector<double> many(20 * d), few(3 * d);
                suggester.suggest({{7, 8}, number, 0}, {many.data(), 20, d});
                for (const std::size_t want : {1u, 3u}) {
                    suggester.suggest({{7, 8}, number, 0}, {few.data(), want, d});
                    CHECK(std::equal(few.data(), few.data() + want * d, many.data()));
                }
            }
        }
    }
}

TEST(no_point_twice) {
    const auto codec = spaces::codec({spaces::choice(3), spaces::integer(0, 4)});
    constexpr std::size_t d = 2, n_points = 15;
    Options options;
    options.n_startup = 3;
    using Point = std::pair<double, double>;
    std::vector<space::Value> scratch(d);
    for (const std::size_t want : {1u, 3u}) {
        Suggester suggester(codec, {true, false}, options);
        Trials told;
        std::set<Point> met;
        const auto tell = [&](double* row) {
            codec->snap({row, d}, scratch);
            met.insert({row[0], row[1]});
            told.rows.insert(told.rows.end(), row, row + d);
            told.values.push_back(row[0] + row[1]);
            told.state.push_back(1);
            told.tell(suggester);
        };
        for (const double u : {0.1, 0.5, 0.9}) {
            double row[d] = {u, u};
            tell(row);
        }
        while (told.n() + want <= n_points) {
            std::vector<double> rows(want * d);
            suggester.suggest({{7, 8}, told.n(), 0}, {rows.data(), want, codec->size()});
            for (std::size_t r = 0; r < want; ++r) tell(rows.data() + r * d);
            CHECK(met.size() == told.n());
        }
        CHECK(met.size() == n_points);
    }
    // Two are left, and one of them is pending.
    Trials most;
    double left[2][d];
    for (int i = 0; i < 15; ++i) {
        double row[d] = {(i % 3 + 0.5) / 3.0, (i / 3 + 0.5) / 5.0};
        codec->snap({row, d}, scratch);
        if (i == 4 || i == 11) {
            std::copy(row, row + d, left[i == 11]);
            continue;
        }
        most.rows.insert(most.rows.end(), row, row + d);
        most.values.push_back(i);
        most.state.push_back(1);
    }
    Suggester suggester(codec, {true, false}, options);
    most.tell(suggester);
    for (std::uint64_t number = 13; number < 19; ++number)
        for (const int pending : {0, 1}) {
            double u[d];
            suggester.suggest({{7, 8}, number, 0, {left[pending], 1, d}}, {u, 1, d});
            codec->snap(u, scratch);
            CHECK(u[0] == left[1 - pending][0] && u[1] == left[1 - pending][1]);
        }
}

// Neither where a column is continuous: the end of a range, to which every candidate beyond it is moved, is asked for
// once, and the points of a branch that has few of them.
TEST(no_point_twice_without_end) {
    const auto line = spaces::codec({space::Column{}});
    const auto mixed = spaces::codec({space::Column{}, spaces::choice(3)});
    const auto forked = spaces::codec(
        {spaces::choice(2), spaces::when(0, {0}, space::Column{}), spaces::when(0, {1}, spaces::integer(1, 3))});
    for (const auto& codec : {line, mixed, forked}) {
        const std::size_t d = codec->size();
        std::vector<space::Value> scratch(d);
        const auto value = [](const double* row, std::size_t n) {
            double sum = 0.0;
            for (std::size_t j = 0; j < n; ++j) sum += std::isnan(row[j]) ? 0.0 : row[j];
            return sum;
        };
        Options options;
        options.n_startup = 3;
        Suggester suggester(codec, codec == mixed ? std::vector<bool>{false, true} : std::vector<bool>(d, false),
                            options);
        Trials told;
        space::RowSet met;
        std::vector<double> row(d), pending;
        std::size_t n_ends = 0;
        const auto take = [&](std::vector<double>& into) {
            codec->snap(row, scratch);
            CHECK(met.insert(row));
            n_ends += row[0] == 0.0;
            into.insert(into.end(), row.begin(), row.end());
        };
        const auto end = [&](std::size_t n) {
            told.values.push_back(value(told.rows.data() + (n - 1) * d, d));
            told.state.push_back(1);
        };
        for (const double u : {0.2, 0.45, 0.8}) {
            row.assign(d, u);
            take(told.rows);
            end(told.n() + 1);
        }
        while (told.n() < 120) {  // two at a time, the second beside the first
            told.tell(suggester);
            suggester.suggest({{7, 8}, told.n(), 0}, {row.data(), 1, codec->size()});
            pending.clear();
            take(pending);
            suggester.suggest({{7, 8}, told.n() + 1, 0, {pending.data(), 1, d}}, {row.data(), 1, d});
            take(pending);
            for (int k = 0; k < 2; ++k) {
                told.rows.insert(told.rows.end(), pending.begin() + static_cast<std::ptrdiff_t>(k * d),
                                 pending.begin() + static_cast<std::ptrdiff_t>((k + 1) * d));
                end(told.n() + 1);
            }
        }
        if (codec == line) CHECK(n_ends == 1);
        if (codec == mixed) CHECK(n_ends >= 1);
        if (codec == forked) CHECK(*std::min_element(told.values.begin(), told.values.end()) < 0.27);
    }
}

// log density 6 u_0 over the cube: a mean of 1 / (1 - e^-6) - 1/6.
int slope(const double* u, std::size_t, double* out) {
    out[0] = 6.0 * u[0];
    return kernel_ok;
}

TEST(a_prior_rules_the_start_and_fades) {
    const auto codec = spaces::codec({space::Column{}, spaces::integer(0, 4), spaces::choice(3)});
    Options options;
    options.n_startup = 400;
    Suggester guided(codec, {false, false, true}, options);
    guided.set_prior({&slope, "density kernel 'slope'"});
    double mean[2] = {0.0, 0.0};
    for (std::uint64_t number = 0; number < 400; ++number) {
        double u[3];
        guided.suggest({{7, 8}, number, 0}, {u, 1, codec->size()});
        mean[number % 2] += u[0] / 200.0;
    }
    CHECK_NEAR(mean[0], 1.0 / (1.0 - std::exp(-6.0)) - 1.0 / 6.0, 0.05);  // every other one
    CHECK_NEAR(mean[1], 0.5, 0.1);
    // In the densities its share is that of the prior component: great with few trials, small with many.
    const auto told_best_at = [&](std::size_t n) {
        const Trials given = trials(*codec, n, [](const double* u) { return std::fabs(u[0] - 0.2); });
        Suggester with(codec, {false, false, true}, {}), without(codec, {false, false, true}, {});
        with.set_prior({&slope, "density kernel 'slope'"});
        given.tell(with);
        given.tell(without);
        double shift[2];
        for (int end = 0; end < 2; ++end) {
            const double u[3] = {end == 0 ? 0.02 : 0.98, 0.5, 0.5};
            double a = 0.0, b = 0.0;
            with.log_ratio({u, 1, 3}, {&a, 1, 1});
            without.log_ratio({u, 1, 3}, {&b, 1, 1});
            shift[end] = a - b;
        }
        return shift[1] - shift[0];
    };
    CHECK(told_best_at(10) > 0.5);
    Suggester grouped(branches(), {true, false, false, false}, {});
    CHECK_THROWS(grouped.set_prior({&slope, "density kernel 'slope'"}), std::invalid_argument);
}

}  // namespace
