// Ask and tell without Python. tests/core/test_capi.py compares proposals with those of Python's Optimizer.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <thread>
#include <vector>

#include "check.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/optimizer.hpp"
#include "hpcore/samplers/samplers.hpp"
#include "hpcore/streams.hpp"

using namespace hpcore;
using space::Space;

namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();

Space real_space() {
    return Space({space::real("x", 0.0, 1.0), space::real("y", 0.0, 1.0)});
}

Space conditional_space() {
    return Space(
        {space::choice("kind", 2), space::when(space::real("x", -1.0, 1.0), {.parent = "kind", .values = {1}})});
}

Optimizer random_search(const Space& space, OptimizerOptions options = {}) {
    return Optimizer(space, [d = space.size()] { return samplers::make_random(d); }, options);
}

Optimizer::MakeSampler tpe_of(const Space& space) {
    return [space] { return samplers::make_tpe(space.codec(), space.categorical()); };
}

std::vector<double> asked(Optimizer& search) {
    std::vector<double> row(search.d());
    search.ask(row);
    return row;
}

bool same(double a, double b) {
    return a == b || (std::isnan(a) && std::isnan(b));
}

bool same(const std::vector<double>& a, const std::vector<double>& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](double x, double y) { return same(x, y); });
}

TEST(trials_have_numbers_and_values) {
    Optimizer search = random_search(real_space());
    std::vector<double> row(2), stored(2), values(1);
    for (std::uint64_t i = 0; i < 5; ++i) {
        CHECK(search.ask(row).number == i);
        CHECK(search.trial(i, stored, values) == records::running && same(stored, row) && std::isnan(values[0]));
        search.tell(i, double(i) - 2.5);
        CHECK(search.trial(i, {}, values) == records::complete && values[0] == double(i) - 2.5);
    }
    CHECK(search.n_trials() == 5);
    CHECK(search.best() == 0);
}

TEST(a_search_for_the_highest_value) {
    Optimizer search = random_search(real_space(), {.maximize = {true}});
    for (const double value : {1.0, 3.0, 2.0, 3.0}) {
        std::vector<double> row(2);
        search.tell(search.ask(row).number, value);
    }
    CHECK(search.best() == 1);
}

TEST(failed_and_pruned_trials_are_never_best) {
    Optimizer search = random_search(real_space());
    asked(search);
    asked(search);
    asked(search);
    CHECK_THROWS(search.best(), NoResult);
    const double estimate = -7.0;
    search.report(0, 1.0, {&estimate, 1});
    search.tell(0, {.state = records::pruned});
    search.tell(1, {.state = records::failed});
    CHECK_THROWS(search.best(), NoResult);
    search.tell(2, 5.0);
    CHECK(search.best() == 2);
    std::vector<double> values(1);
    CHECK(search.trial(0, {}, values) == records::pruned && values[0] == -7.0);
    CHECK(search.trial(1, {}, values) == records::failed && std::isnan(values[0]));
}

TEST(the_newest_report_is_the_estimate) {
    Optimizer search = random_search(real_space(), {.maximize = {true}});
    asked(search);
    asked(search);
    asked(search);
    for (const double value : {1.0, 4.0, 2.0}) search.report(1, value, {&value, 1});
    search.tell(1, {.state = records::pruned});
    const double given = 9.0, reported = 1.0;
    search.report(2, 1.0, {&reported, 1});
    search.tell(2, {.state = records::pruned, .values = {&given, 1}});
    search.tell(0, {.state = records::pruned});
    std::vector<double> values(1);
    search.trial(1, {}, values);
    CHECK(values[0] == 2.0);
    search.trial(2, {}, values);
    CHECK(values[0] == 9.0);
    search.trial(0, {}, values);
    CHECK(std::isnan(values[0]));
}

TEST(only_trials_within_all_limits_are_best) {
    Optimizer search = random_search(real_space(), {.n_limits = 2});
    const std::vector<std::vector<double>> beyond{{1.0, -1.0}, {-1.0, 0.0}, {nan, -1.0}, {}};
    for (std::size_t i = 0; i < 4; ++i) {
        asked(search);
        const double value = double(i) - 10.0 * double(i == 2);
        search.tell(i, {.values = {&value, 1}, .violations = beyond[i]});
    }
    CHECK(search.best() == 1);
    CHECK((search.pareto_front() == std::vector<std::uint64_t>{1}));
}

TEST(several_objectives_have_a_front) {
    Optimizer search = random_search(real_space(), {.maximize = {false, true}});
    const std::vector<std::vector<double>> values{{1.0, 1.0}, {2.0, 2.0}, {2.0, 1.0}, {0.5, 0.0}};
    for (std::size_t i = 0; i < values.size(); ++i) {
        asked(search);
        search.tell(i, {.values = values[i]});
    }
    CHECK((search.pareto_front() == std::vector<std::uint64_t>{0, 1, 3}));
    CHECK_THROWS(search.best(), std::invalid_argument);
}

TEST(wrong_input_is_an_error_that_changes_nothing) {
    Optimizer search = random_search(real_space(), {.n_limits = 1});
    std::vector<double> row(2), three(3);
    search.ask(row);
    const double one = 1.0, infinite = std::numeric_limits<double>::infinity(), negative = -1.0;
    CHECK_THROWS(search.ask(three), std::invalid_argument);
    CHECK_THROWS(search.tell(1, 1.0), UnknownTrial);
    CHECK_THROWS(search.tell(0, nan), std::invalid_argument);
    CHECK_THROWS(search.tell(0, infinite), std::invalid_argument);
    CHECK_THROWS(search.tell(0, {.values = three}), std::invalid_argument);
    CHECK_THROWS(search.tell(0, {.state = records::running}), std::invalid_argument);
    CHECK_THROWS(search.tell(0, {.state = records::paused}), std::invalid_argument);
    CHECK_THROWS(search.tell(0, {.values = {&one, 1}, .std_errors = {&negative, 1}}), std::invalid_argument);
    CHECK_THROWS(search.tell(0, {.values = {&one, 1}, .cost = -1.0}), std::invalid_argument);
    CHECK_THROWS(search.tell(0, {.values = {&one, 1}, .violations = row}), std::invalid_argument);
    CHECK_THROWS(search.report(0, nan, {&one, 1}), std::invalid_argument);
    CHECK_THROWS(search.report(0, 1.0, {&infinite, 1}), std::invalid_argument);
    CHECK_THROWS(search.add(three, {.values = {&one, 1}}), std::invalid_argument);
    CHECK_THROWS(search.add(std::vector{0.5, nan}, {.values = {&one, 1}}), std::invalid_argument);
    CHECK_THROWS(search.add(std::vector{0.5, 1.5}, {.values = {&one, 1}}), std::invalid_argument);
    CHECK_THROWS(search.enqueue(std::vector{0.5, -0.5}), std::invalid_argument);
    CHECK_THROWS(search.predict({row.data(), 1, 2}, 1, {&row[0], 1}, {&row[1], 1}), std::invalid_argument);
    CHECK_THROWS(random_search(real_space(), {.maximize = {}}), std::invalid_argument);
    CHECK_THROWS(random_search(real_space(), {.repeats = 0}), std::invalid_argument);
    std::vector<double> values(1);
    CHECK(search.n_trials() == 1 && search.trial(0, {}, values) == records::running);
    search.tell(0, 1.0);
    CHECK_THROWS(search.tell(0, 1.0), NotRunning);
    CHECK_THROWS(search.report(0, 1.0, {&one, 1}), NotRunning);
}

TEST(no_point_of_a_finite_space_comes_twice) {
    const Space space(
        {space::choice("kind", 3), space::when(space::integer("n", 0, 4), {.parent = "kind", .values = {2}})});
    for (const bool learns : {false, true}) {
        Optimizer search = learns ? Optimizer(space, tpe_of(space), {}) : random_search(space);
        std::set<std::vector<double>> points;
        for (int i = 0; i < 7; ++i) {
            std::vector<double> row(2);
            const Asked asked = search.ask(row);
            if (std::isnan(row[1])) row[1] = -1.0;
            CHECK(points.insert(row).second);
            search.tell(asked.number, row[0]);
        }
        CHECK_THROWS(asked(search), SpaceExhausted);
        CHECK(search.n_trials() == 7);
    }
}

TEST(points_of_a_finite_space_come_as_often_as_is_asked) {
    const Space space({space::choice("kind", 3)});
    Optimizer search = random_search(space, {.repeats = 2});
    std::multiset<double> points;
    for (int i = 0; i < 6; ++i) points.insert(asked(search)[0]);
    for (const double u : points) CHECK(points.count(u) == 2);
    CHECK_THROWS(asked(search), SpaceExhausted);
}

TEST(a_batch_ends_with_the_space) {
    Optimizer search = random_search(Space({space::integer("n", 0, 3)}));
    std::vector<double> rows(6);
    std::vector<Asked> trials(6);
    CHECK(search.ask({rows.data(), 6, 1}, trials) == 4);
    for (std::uint64_t i = 0; i < 4; ++i) CHECK(trials[i].number == i);
    CHECK_THROWS(search.ask({rows.data(), 6, 1}, trials), SpaceExhausted);
}

TEST(a_grid_walk_meets_each_point_once) {
    const Space space({space::when(space::integer("n", -1, 1), {.parent = "kind", .values = {1, 2}}),
                       space::choice("kind", 3),
                       space::when(space::real("x", 0.0, 1.0, {.step = 0.5}), {.parent = "n", .at_least = 0})});
    space::GridWalk walk(*space.codec());
    std::set<std::vector<double>> points;
    std::vector<double> row(3);
    std::vector<space::Value> values(3);
    std::size_t n = 0;
    for (; walk.next(row.data()); ++n) {
        std::vector<double> snapped = row;
        space.codec()->snap(snapped, values);
        CHECK(same(snapped, row));
        for (double& u : snapped) u = std::isnan(u) ? -1.0 : u;
        points.insert(snapped);
    }
    CHECK(n == 1 + 2 * (1 + 2 * 3) && points.size() == n && space.finite_size() == n);
}

TEST(the_order_of_numpy) {
    // numpy.random.Generator(PCG64(SeedSequence([5, 0, 0, 3, 0]))).permutation(12)
    const std::vector<std::size_t> expected{1, 8, 2, 7, 9, 6, 4, 10, 11, 5, 0, 3};
    CHECK(space::numpy_permutation({5, 0}, 0, streams::unseen, 0, 12) == expected);
}

TEST(added_and_enqueued_points_are_known) {
    Optimizer search = random_search(conditional_space());
    const double one = 1.0;
    CHECK(search.add(std::vector{0.1, 0.5}, {.values = {&one, 1}}) == 0);
    std::vector<double> row(2);
    search.trial(0, row, {});
    CHECK(row[0] == 0.25 && std::isnan(row[1]));
    search.enqueue(std::vector{0.75, nan});
    search.enqueue(std::vector{nan, 0.125});
    CHECK_THROWS(search.enqueue(std::vector{0.25, 0.125}), std::invalid_argument);
    search.ask(row);
    CHECK(row[0] == 0.75 && row[1] >= 0.0 && row[1] < 1.0);
    search.ask(row);
    CHECK(row[0] == 0.75 && row[1] == 0.125);
    // The other choice was added: it does not come again.
    for (int i = 0; i < 50; ++i) CHECK(asked(search)[0] == 0.75);
}

TEST(a_deadline_that_has_passed_still_gives_a_trial) {
    const Space space = real_space();
    Optimizer search(
        space, [space] { return samplers::make_gp(space.codec(), space.categorical(), {}, linalg::plain_lapack()); },
        {});
    std::vector<double> row(2);
    for (int i = 0; i < 30; ++i) {
        const Asked asked = search.ask(row);
        search.tell(asked.number, row[0]);
    }
    const Asked late = search.ask(row, Deadline::in(1e-9));
    CHECK(late.level != Level::full && late.number == 30);
    CHECK(search.ask(row, Deadline::in(1e3)).level == Level::full);
}

TEST(a_withdrawn_point_may_come_again) {
    Optimizer search = random_search(Space({space::integer("n", 0, 4)}));
    std::vector<double> row(1);
    for (int i = 0; i < 5; ++i) search.ask(row);
    CHECK_THROWS(search.ask(row), SpaceExhausted);
    std::vector<double> lost(1);
    search.trial(2, lost, {});
    search.withdraw(2);
    CHECK_THROWS(search.tell(2, 1.0), NotRunning);
    CHECK_THROWS(search.withdraw(2), NotRunning);
    CHECK_THROWS(search.withdraw(9), UnknownTrial);
    std::vector<double> values(1);
    CHECK(search.trial(2, row, values) == records::withdrawn && row == lost && std::isnan(values[0]));
    CHECK(search.ask(row).number == 5 && row == lost);
    CHECK_THROWS(search.ask(row), SpaceExhausted);
    CHECK_THROWS(search.best(), NoResult);
    CHECK(search.pareto_front().empty());
}

// Row by row, as a reader of the format that knows the checksum.
std::vector<std::uint8_t> of_format_1(std::vector<std::uint8_t> bytes, std::size_t words, std::size_t n) {
    bytes[8] = 1;
    for (std::size_t i = 0; i < n; ++i) bytes[8 * (10 + i * words) + 1] = 0;  // the mark of a given trial
    std::uint64_t hash = 0xcbf29ce484222325u;
    for (std::size_t i = 0; i + 8 < bytes.size(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
    for (unsigned i = 0; i < 8; ++i) bytes[bytes.size() - 8 + i] = static_cast<std::uint8_t>(hash >> (8 * i));
    return bytes;
}

TEST(a_search_saved_in_format_1_is_read) {
    const Space space = real_space();
    Optimizer first(space, tpe_of(space), {});
    const double value = 0.5;
    first.add(std::vector{0.25, 0.5}, {.values = {&value, 1}});
    for (int i = 0; i < 12; ++i) first.tell(asked(first).empty() ? 0 : std::uint64_t(i) + 1, double(i));
    const std::size_t words = 1 + 2 + 2 + 1;
    Optimizer second(space, tpe_of(space), {}), third(space, tpe_of(space), {});
    second.load(of_format_1(first.save(), words, 13));
    CHECK(second.save() == first.save());
    for (int i = 0; i < 5; ++i) CHECK(same(asked(first), asked(second)));
    // It knows no withdrawn trials.
    first.withdraw(13);
    CHECK_THROWS(third.load(of_format_1(first.save(), words, 18)), Damaged);
    third.load(first.save());
    CHECK(third.save() == first.save());
}

TEST(a_saved_search_goes_on_alike) {
    for (const Space& space : {real_space(), conditional_space(), Space({space::integer("n", 0, 40)})}) {
        OptimizerOptions options{.seed = {3, 4}, .maximize = {true}, .n_limits = 1};
        Optimizer first(space, tpe_of(space), options);
        std::vector<double> row(space.size());
        for (int i = 0; i < 25; ++i) {
            const Asked asked = first.ask(row);
            const double value = row[0], cost = 2.0, beyond = row[0] - 0.9;
            if (i % 5 == 3) continue;
            if (i % 11 == 6)
                first.withdraw(asked.number);
            else if (i % 7 == 4)
                first.tell(asked.number, {.state = records::failed});
            else
                first.tell(asked.number, {.values = {&value, 1}, .cost = cost, .violations = {&beyond, 1}});
        }
        const double reported = 0.5;
        first.report(3, 1.0, {&reported, 1});
        first.enqueue(row);
        const std::vector<std::uint8_t> bytes = first.save();
        Optimizer second(space, tpe_of(space), {.maximize = {true}, .n_limits = 1});
        second.load(bytes);
        CHECK(second.save() == bytes);
        CHECK(second.best() == first.best());
        for (Optimizer* search : {&first, &second}) search->withdraw(8);
        for (int i = 0; i < 10; ++i) {
            const std::vector<double> a = asked(first), b = asked(second);
            CHECK(same(a, b));
            first.tell(first.n_trials() - 1, a[0]);
            second.tell(second.n_trials() - 1, b[0]);
        }
        for (Optimizer* search : {&first, &second}) search->tell(3, {.state = records::pruned});
        std::vector<double> values(1);
        second.trial(3, {}, values);
        CHECK(values[0] == 0.5);
    }
}

TEST(damaged_bytes_are_noticed) {
    Optimizer search = random_search(real_space());
    for (int i = 0; i < 4; ++i) search.tell(asked(search).empty() ? 9 : std::uint64_t(i), double(i));
    const std::vector<std::uint8_t> bytes = search.save();
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::vector<std::uint8_t> changed = bytes;
        changed[i] ^= 0x10;
        Optimizer other = random_search(real_space());
        bool refused = false;
        try {
            other.load(changed);
        } catch (const Damaged&) {
            refused = true;
        } catch (const LaterVersion&) {
            refused = i >= 8 && i < 16;
        }
        CHECK(refused && other.n_trials() == 0);
    }
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        Optimizer other = random_search(real_space());
        CHECK_THROWS(other.load(std::span(bytes).first(size)), Damaged);
    }
    Optimizer other = random_search(conditional_space());
    CHECK_THROWS(other.load(bytes), Damaged);
    CHECK_THROWS(search.load(bytes), std::invalid_argument);
}

TEST(predictions_follow_the_values) {
    const Space space = real_space();
    Optimizer search = random_search(space, {.maximize = {true}});
    std::vector<double> row(2);
    CHECK_THROWS(search.predict({row.data(), 1, 2}, 0, {&row[0], 1}, {&row[1], 1}), NoResult);
    for (int i = 0; i < 30; ++i) {
        const Asked asked = search.ask(row);
        search.tell(asked.number, 3.0 + row[0]);
    }
    const std::vector<double> points{0.1, 0.5, 0.9, 0.5};
    std::vector<double> mean(2), std(2);
    search.predict({points.data(), 2, 2}, 0, mean, std);
    CHECK_NEAR(mean[0], 3.1, 0.05);
    CHECK_NEAR(mean[1], 3.9, 0.05);
    CHECK(std[0] > 0.0 && std[0] < 0.1);
}

TEST(threads_share_an_optimizer) {
    const Space space = real_space();
    Optimizer search(space, tpe_of(space), {});
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
        threads.emplace_back([&search] {
            std::vector<double> row(2);
            for (int i = 0; i < 25; ++i) {
                const Asked asked = search.ask(row, i % 2 ? Deadline::in(0.05) : Deadline());
                search.tell(asked.number, row[0] + row[1]);
            }
        });
    for (std::thread& thread : threads) thread.join();
    CHECK(search.n_trials() == 100);
    std::set<std::vector<double>> points;
    for (std::uint64_t i = 0; i < 100; ++i) {
        std::vector<double> row(2);
        CHECK(search.trial(i, row, {}) == records::complete);
        points.insert(row);
    }
    CHECK(points.size() == 100);
}

}  // namespace
