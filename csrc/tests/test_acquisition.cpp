#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <vector>

#include "check.hpp"
#include "hpcore/acquisition/functions.hpp"
#include "hpcore/acquisition/suggester.hpp"
#include "reference_lapack.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;

namespace {

const linalg::Lapack lapack = reference::lapack();

void test_functions_and_their_derivatives() {
    // log h at a few z, to 50 digits elsewhere.
    CHECK_NEAR(log_h(0.0).value, -0.91893853320467274178, 1e-15);
    CHECK_NEAR(log_h(-1.0).value / -2.4851210257126413, 1.0, 1e-12);
    const auto check_slopes = [](auto function, double mean, double std, double parameter) {
        const Value v = function(mean, std, parameter);
        const double h = 1e-6 * std;
        const double by_mean =
            (function(mean + h, std, parameter).value - function(mean - h, std, parameter).value) / (2 * h);
        const double by_std =
            (function(mean, std + h, parameter).value - function(mean, std - h, parameter).value) / (2 * h);
        CHECK_NEAR(v.by_mean, by_mean, 1e-5 * (1.0 + std::fabs(by_mean)));
        CHECK_NEAR(v.by_std, by_std, 1e-5 * (1.0 + std::fabs(by_std)));
    };
    for (const double mean : {-3.0, -0.1, 0.0, 0.5, 2.0, 15.0, 40.0})
        for (const double std : {0.3, 1.0, 2.0}) {
            check_slopes(log_expected_improvement, mean, std, 0.2);
            check_slopes(log_probability_of_improvement, mean, std, 0.2);
            check_slopes(lower_confidence_bound, mean, std, 2.0);
        }
    for (const double z : {-1e6, -1e3, -20.000001, -19.999999, -1.000001, -0.999999, 0.0, 40.0}) {
        const LogH h = log_h(z);
        CHECK(std::isfinite(h.value) && h.slope > 0.0 && std::isfinite(h.slope) && std::isfinite(h.density));
    }
    for (const double edge : {-20.0, -1.0})  // the branches meet
        CHECK_NEAR(log_h(edge - 1e-12).value, log_h(edge + 1e-12).value, 1e-10);
}

// A category of two, a child integer in 1..3 of its second value, an integer in 0..4: 1 * 5 + 3 * 5 = 20 points.
std::shared_ptr<const space::Codec> finite_space() {
    space::Column parent, child, number;
    parent.kind = space::Kind::choice;
    parent.gridded = true;
    parent.last = 1;
    child.kind = space::Kind::integer;
    child.gridded = true;
    child.whole_low = 1;
    child.low = 1;
    child.high = 3;
    child.last = 2;
    space::Column::Condition when;
    when.parent = 0;
    when.levels = {1};
    child.conditions.push_back(when);
    number.kind = space::Kind::integer;
    number.gridded = true;
    number.low = 0;
    number.high = 4;
    number.last = 4;
    return std::make_shared<space::Codec>(std::vector<space::Column>{parent, child, number},
                                          std::vector<std::size_t>{0, 1, 2});
}

SuggestOptions options(std::size_t d) {
    SuggestOptions o;
    o.fit.prior = gp::Prior::standard(d);
    return o;
}

void test_a_finite_space_is_seen_once_and_whole() {
    const auto codec = finite_space();
    Suggester suggester(lapack, codec, {true, false, false}, options(3));
    std::vector<double> rows, values;
    Seen seen;
    for (std::size_t n = 0; n < 20; ++n) {
        Request request;
        request.rows = rows.data();
        request.values = values.data();
        request.n = n;
        request.number = n;
        const std::vector<double> row = suggester.suggest(request);
        CHECK(row.size() == 3);
        if (row.size() != 3) return;
        CHECK(!seen.contains(row.data(), 3));
        seen.insert(row.data(), 3);
        rows.insert(rows.end(), row.begin(), row.end());
        values.push_back(row[2] * row[2] - row[0]);
    }
    Request request;
    request.rows = rows.data();
    request.values = values.data();
    request.n = 20;
    CHECK(suggester.suggest(request).empty());
}

void test_a_new_suggester_says_what_the_old_one_says() {
    space::Column x;
    const auto codec = std::make_shared<space::Codec>(std::vector<space::Column>{x, x}, std::vector<std::size_t>{0, 1});
    SuggestOptions o = options(2);
    o.schedule.every_until = 8;
    o.schedule.growth = 0.5;
    Suggester old(lapack, codec, {false, false}, o);
    std::vector<double> rows, values;
    for (std::size_t n = 0; n < 30; ++n) {
        Request request;
        request.rows = rows.data();
        request.values = values.data();
        request.n = n;
        request.number = n;
        request.key = {7, 8};
        const double pending[4] = {0.3, 0.3, 0.9, 0.1};
        request.pending = pending;
        request.n_pending = n % 3;
        request.count = 1 + n % 2;
        const std::vector<double> row = old.suggest(request);
        Suggester fresh(lapack, codec, {false, false}, o);
        CHECK(row == fresh.suggest(request));
        for (const double u : row) CHECK(u >= 0.0 && u <= 1.0);
        rows.insert(rows.end(), row.begin(), row.begin() + 2);
        values.push_back((row[0] - 0.3) * (row[0] - 0.3) + row[1]);
    }
    double best = 1.0;
    for (const double v : values) best = std::min(best, v);
    CHECK(best < 1e-3);
}

void test_batches_differ_and_obey_constraints() {
    space::Column x;
    const auto codec = std::make_shared<space::Codec>(std::vector<space::Column>{x, x}, std::vector<std::size_t>{0, 1});
    Suggester suggester(lapack, codec, {false, false}, options(2));
    const std::vector<double> rows{0.1, 0.1, 0.9, 0.2, 0.4, 0.8, 0.6, 0.5}, values{1.0, 0.5, 0.7, 0.2};
    Request request;
    request.rows = rows.data();
    request.values = values.data();
    request.n = 4;
    request.count = 6;
    request.feasible = [](const double* at, std::size_t n, bool* allowed) {
        for (std::size_t i = 0; i < n; ++i) allowed[i] = at[2 * i] + at[2 * i + 1] < 1.0;
    };
    const std::vector<double> batch = suggester.suggest(request);
    CHECK(batch.size() == 12);
    std::set<double> distinct;
    for (std::size_t i = 0; i + 1 < batch.size(); i += 2) {
        CHECK(batch[i] + batch[i + 1] < 1.0);
        distinct.insert(batch[i]);
    }
    CHECK(distinct.size() > 3);
}

void test_schedule_and_subset() {
    const Schedule schedule;
    std::size_t previous = 0;
    for (std::size_t n = 1; n < 3000; ++n) {
        const std::size_t at = schedule.at(n);
        CHECK(at <= n && at >= previous);
        CHECK(n - at < 100);
        previous = at;
    }
    const Domain domain(finite_space(), {true, false, false}, 21);
    std::vector<double> rows, y;
    for (int i = 0; i < 300; ++i) {
        rows.insert(rows.end(), {0.25, std::numeric_limits<double>::quiet_NaN(), 0.1 * (i % 10)});
        y.push_back((i * 37) % 300);
    }
    const auto chosen = representative(domain, rows.data(), y.data(), 300, 60);
    CHECK(chosen.size() == 60);
    for (std::size_t i = 1; i < chosen.size(); ++i) CHECK(chosen[i] > chosen[i - 1]);
    CHECK(std::find(chosen.begin(), chosen.end(), std::size_t{0}) != chosen.end());  // the best
}

}  // namespace

int main() {
    test_functions_and_their_derivatives();
    test_a_finite_space_is_seen_once_and_whole();
    test_a_new_suggester_says_what_the_old_one_says();
    test_batches_differ_and_obey_constraints();
    test_schedule_and_subset();
    return check::result();
}
