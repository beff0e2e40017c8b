#include <algorithm>
#include <cmath>
#include <set>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "hpcore/bo/factors.hpp"
#include "hpcore/bo/pareto_suggester.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/linalg/plain.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::bo;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();

SuggestOptions options(std::size_t d) {
    SuggestOptions o;
    o.fit.prior = gp::Prior::standard(d);
    return o;
}

// A search over the unit square: what was told of it so far.
struct Search {
    std::vector<double> rows, values, excess, log_costs, violations;
    std::size_t n = 0;
    bool with_limit = false, with_cost = false;

    void tell(const double* row, double value, double beyond, double log_cost) {
        rows.insert(rows.end(), row, row + 2);
        values.push_back(value);
        excess.push_back(beyond);
        violations.push_back(std::max(beyond, 0.0));
        log_costs.push_back(log_cost);
        ++n;
    }
    Request request() const {
        Request r;
        const Rows all{rows.data(), n, 2};
        r.rows = all;
        r.values = values;
        r.number = n;
        r.key = {3, 5};
        if (with_limit) {
            r.limits.push_back({all, excess});
            r.violations = violations;
        }
        if (with_cost) r.cost = {all, log_costs};
        return r;
    }
};

TEST(a_limit_keeps_its_sign_in_units_of_its_median_size) {
    const std::vector<double> values{-4.0, 1.0, 2.0, -2.0, 900.0};
    const gp::TargetTransform out = gp::standardise(values, gp::TransformKind::limit);
    // Cut at twice the median of 4, 1, 2, 2, 900.
    const std::vector<double> cut{-4.0, 1.0, 2.0, -2.0, 4.0};
    double mean = 0.0, square = 0.0;
    for (const double v : cut) mean += v / 5.0;
    for (const double v : cut) square += (v - mean) * (v - mean) / 5.0;
    for (std::size_t i = 0; i < 5; ++i) CHECK_NEAR(out.y[i], (cut[i] - mean) / std::sqrt(square), 1e-12);
    CHECK_NEAR(gp::apply(out, 0.0), -mean / std::sqrt(square), 1e-12);
    CHECK_NEAR(gp::restore(out, gp::apply(out, 1.5)), 1.5, 1e-12);
    CHECK(std::isinf(gp::log_slope(out, out.y[4])) && std::isfinite(gp::log_slope(out, out.y[1])));
    for (const std::vector<double>& hostile :
         {std::vector<double>{0.0, 0.0}, {1e308, -1e308, 0.0}, {5e-324, 0.0}, {7.0}}) {
        const gp::TargetTransform t = gp::standardise(hostile, gp::TransformKind::limit);
        for (const double y : t.y) CHECK(std::isfinite(y));
        CHECK(std::isfinite(gp::apply(t, 0.0)));
    }
}

TEST(a_new_suggester_with_limits_and_costs_says_what_the_old_one_says) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    Suggester old(lapack, codec, {false, false}, options(2));
    Search search;
    search.with_limit = search.with_cost = true;
    for (std::size_t n = 0; n < 25; ++n) {
        Request request = search.request();
        const double pending[4] = {0.3, 0.3, 0.9, 0.1};
        request.pending = {pending, n % 3, 2};
        request.count = 1 + n % 2;
        const std::vector<double> row = old.suggest(request);
        Suggester fresh(lapack, codec, {false, false}, options(2));
        CHECK(row == fresh.suggest(request));
        // Nothing keeps the limit before the eighth; the limit is x + y <= 0.8 then.
        search.tell(row.data(), -row[0], n < 8 ? 1.0 : row[0] + row[1] - 0.8, 3.0 * row[1]);
    }
    double best = 0.0;
    for (std::size_t i = 0; i < search.n; ++i)
        if (search.excess[i] <= 0.0) best = std::min(best, search.values[i]);
    CHECK(best < -0.7);
}

TEST(rows_that_failed_are_not_suggested_again) {
    const auto codec = spaces::codec({spaces::integer(0, 4), spaces::integer(0, 3)});
    Suggester suggester(lapack, codec, {false, false}, options(2));
    std::vector<double> rows, values, failed, ended, success;
    std::set<std::vector<double>> seen;
    for (std::size_t n = 0; n < 20; ++n) {
        Request request;
        request.rows = {rows.data(), values.size(), 2};
        request.values = values;
        request.number = n;
        request.failed = {failed.data(), failed.size() / 2, 2};
        if (!failed.empty()) request.limits.push_back({{ended.data(), success.size(), 2}, success});
        const std::vector<double> row = suggester.suggest(request);
        CHECK(row.size() == 2 && seen.insert(row).second);
        if (row.size() != 2) return;
        ended.insert(ended.end(), row.begin(), row.end());
        const bool fails = row[0] > 0.5;
        success.push_back(fails ? 1.0 : -1.0);
        (fails ? failed : rows).insert((fails ? failed : rows).end(), row.begin(), row.end());
        if (!fails) values.push_back(row[1]);
    }
    CHECK(seen.size() == 20);
}

TEST(the_cheap_start_is_far_from_what_is_known_and_cheap) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    Suggester suggester(lapack, codec, {false, false}, options(2));
    Search search;
    search.with_cost = true;
    for (const double y : {0.1, 0.3, 0.5, 0.7, 0.9}) {
        const double row[2] = {0.2, y};
        search.tell(row, 0.0, 0.0, 5.0 * y);
    }
    Request request = search.request();
    // Of five, 40 % are the two cheapest; of these the second is farther from what is known.
    const std::vector<double> candidates{0.25, 0.2, 0.9, 0.25, 0.95, 0.95, 0.9, 0.8, 0.1, 0.7};
    request.extra = {candidates.data(), 5, 2};
    const std::vector<double> row = suggester.cheap_start(request);
    CHECK(row == std::vector<double>({0.9, 0.25}));
}

// Two objectives in conflict along x, both worse away from y = 0.5; with a limit x <= 0.6.
TEST(a_front_is_found_within_a_limit) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    SuggestOptions o = options(2);
    o.views.front().transforms = {gp::TransformKind::standard, gp::TransformKind::half_log};
    ParetoSuggester old(lapack, codec, {false, false}, o, 2);
    std::vector<double> rows, first, second, excess, violations;
    for (std::size_t n = 0; n < 30; ++n) {
        std::vector<double> values = first;
        values.insert(values.end(), second.begin(), second.end());
        Request request;
        const Rows all{rows.data(), n, 2};
        request.rows = all;
        request.values = values;
        request.number = n;
        request.count = 1 + n % 2;
        request.limits.push_back({all, excess});
        request.violations = violations;
        const std::vector<double> row = old.suggest(request);
        if (n % 5 == 0) {
            ParetoSuggester fresh(lapack, codec, {false, false}, o, 2);
            CHECK(row == fresh.suggest(request));
        }
        CHECK(row.size() == 2 * request.count);
        const double off = (row[1] - 0.5) * (row[1] - 0.5);
        rows.insert(rows.end(), row.begin(), row.begin() + 2);
        first.push_back(row[0] + off);
        second.push_back((1.0 - row[0]) + off);
        excess.push_back(row[0] - 0.6);
        violations.push_back(std::max(row[0] - 0.6, 0.0));
    }
    std::size_t beyond = 0, on_front = 0;
    for (std::size_t i = 12; i < 30; ++i) {
        beyond += excess[i] > 0.05;
        on_front += first[i] + second[i] < 1.02 && excess[i] <= 0.0;
    }
    CHECK(beyond <= 3);
    CHECK(on_front >= 10);
}

TEST(numbers_of_objectives_are_checked) {
    const auto codec = spaces::codec({space::Column{}});
    const std::vector<bool> ordered{false};
    for (const std::size_t m : {0, 1, 4})
        CHECK_THROWS(ParetoSuggester(lapack, codec, ordered, options(1), m), std::invalid_argument);
}

}  // namespace
