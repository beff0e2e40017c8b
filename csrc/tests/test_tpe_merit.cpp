// Kernel regressions and the merit of candidates: against dense formulas, the standard library and the hypervolume
// improvement of the Gaussian process.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "hpcore/acquisition/hypervolume.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/normal.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/space/row_set.hpp"
#include "hpcore/tpe/kernel_sums.hpp"
#include "hpcore/tpe/merit.hpp"
#include "hpcore/tpe/regression.hpp"
#include "hpcore/tpe/suggester.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::tpe;

namespace {

const double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> uniforms(std::size_t n, std::uint64_t number) {
    Philox random({1, 2}, number, 3);
    std::vector<double> out(n);
    random.fill_uniform(out);
    return out;
}

// Solution of A x = b by elimination with pivots.
std::vector<double> solved(std::vector<double> A, std::vector<double> b) {
    const std::size_t n = b.size();
    for (std::size_t k = 0; k < n; ++k) {
        std::size_t pivot = k;
        for (std::size_t r = k; r < n; ++r)
            if (std::fabs(A[r * n + k]) > std::fabs(A[pivot * n + k])) pivot = r;
        for (std::size_t c = 0; c < n; ++c) std::swap(A[k * n + c], A[pivot * n + c]);
        std::swap(b[k], b[pivot]);
        for (std::size_t r = k + 1; r < n; ++r) {
            const double f = A[r * n + k] / A[k * n + k];
            for (std::size_t c = k; c < n; ++c) A[r * n + c] -= f * A[k * n + c];
            b[r] -= f * b[k];
        }
    }
    for (std::size_t k = n; k-- > 0;) {
        for (std::size_t c = k + 1; c < n; ++c) b[k] -= A[k * n + c] * b[c];
        b[k] /= A[k * n + k];
    }
    return b;
}

double matern(double squared, double length) {
    const double q = std::sqrt(5.0 * squared) / length;
    return (1.0 + q + q * q / 3.0) * std::exp(-q);
}

// Two numbers, one of three categories: a length of 0.3 sqrt(2 + 3).
double covariance(const double* a, const double* b) {
    double squared = (a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]);
    if (a[2] != b[2]) squared += 0.245;
    return matern(squared, 0.3 * std::sqrt(5.0));
}

TEST(improvements_against_the_normal_distribution) {
    std::vector<double> mean, std, linear(192), sum(192, 2.0);
    for (int i = 0; i < 192; ++i) {
        mean.push_back(0.25 * (i - 96));
        std.push_back(0.5 + 0.01 * i);
    }
    expected_below(mean.data(), std.data(), 0.3, 192, linear.data());
    add_log_expected_below(mean.data(), std.data(), 0.3, 192, sum.data());
    for (std::size_t i = 0; i < 192; ++i) {
        const double z = (0.3 - mean[i]) / std[i];
        const double phi = std::exp(-0.5 * z * z) / 2.5066282746310002;
        // Far out the two terms cancel; the asymptotic series (Abramowitz & Stegun 26.2.12) takes their place.
        const double a = 1.0 / (z * z);
        const double h =
            z > -8.0 ? z * normal_cdf(z) + phi : phi * a * (1.0 - 3.0 * a * (1.0 - 5.0 * a * (1.0 - 7.0 * a)));
        CHECK_NEAR(linear[i], std[i] * h, 1e-10);
        CHECK_NEAR(sum[i], 2.0 + std::log(std[i] * h), z > -8.0 ? 1e-3 * a + 1e-8 : 1e-3);
    }
    // Where the improvement underflows its logarithm still has a slope.
    const std::vector<double> far(8, 60.0), nearer(8, 59.0), one(8, 1.0);
    std::vector<double> low(8, 0.0), high(8, 0.0);
    add_log_expected_below(far.data(), one.data(), 0.0, 8, low.data());
    add_log_expected_below(nearer.data(), one.data(), 0.0, 8, high.data());
    CHECK(std::isfinite(low[0]) && high[0] - low[0] > 50.0 && high[0] - low[0] < 70.0);
}

TEST(a_regression_is_that_of_dense_algebra) {
    const std::vector<Axis> axes{Axis{}, even_axis(3, true), Axis{}};
    const Embedding embedding(axes);
    CHECK(embedding.axes() == 3 && embedding.numeric() == 2);
    const std::size_t n = 40, pending = 3, size = n + pending;
    const std::vector<double> u = uniforms(3 * size, 1), rows = uniforms(3 * 50, 2);
    std::vector<double> points(3 * size);
    for (std::size_t i = 0; i < size; ++i) {
        std::vector<double> row{u[3 * i], std::floor(3.0 * u[3 * i + 1]), u[3 * i + 2]};
        if (i % 9 == 0) row[2] = row[1] = nan;  // inactive
        embedding.place(row, {points.data() + 3 * i, 3});
        if (i % 9 == 0) CHECK(points[3 * i + 1] == 0.5 && points[3 * i + 2] == -1.0);
    }
    std::vector<double> y(n), other(n, 7.0);
    for (std::size_t i = 0; i < n; ++i) y[i] = 1e4 + 30.0 * std::sin(6.0 * points[3 * i]) + points[3 * i + 2];
    Regression regression(embedding);
    regression.fit({points.data(), size, 3}, pending);
    regression.add_output(y);
    regression.add_output(other);  // a constant one
    CHECK(regression.outputs() == 2 && regression.n() == n);

    std::vector<double> K(n * n), whole(size * size);
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t j = 0; j < size; ++j) {
            const double k = covariance(&points[3 * i], &points[3 * j]) + (i == j ? 0.005 : 0.0);
            whole[i * size + j] = k;
            if (i < n && j < n) K[i * n + j] = k;
        }
    double average = 0.0, variance = 0.0;
    for (const double v : y) average += v / static_cast<double>(n);
    for (const double v : y) variance += (v - average) * (v - average) / static_cast<double>(n);
    std::vector<double> centred = y;
    for (double& v : centred) v -= average;
    const std::vector<double> alpha = solved(K, centred);

    std::vector<double> columns(3 * 64, 0.0), mean(2 * 64), std(2 * 64);
    for (std::size_t i = 0; i < 50; ++i) {
        const std::vector<double> row{rows[3 * i], std::floor(3.0 * rows[3 * i + 1]), rows[3 * i + 2]};
        std::vector<double> placed(3);
        embedding.place(row, placed);
        for (std::size_t a = 0; a < 3; ++a) columns[a * 64 + i] = placed[a];
    }
    regression.predict({columns.data(), 3, 64}, {mean.data(), 2, 64}, {std.data(), 2, 64});
    for (std::size_t i = 0; i < 50; ++i) {
        const double at[3] = {columns[i], columns[64 + i], columns[128 + i]};
        double expected = average, left = 1.0 + 0.0025;
        std::vector<double> k(size);
        for (std::size_t j = 0; j < size; ++j) k[j] = covariance(at, &points[3 * j]);
        for (std::size_t j = 0; j < n; ++j) expected += k[j] * alpha[j];
        const std::vector<double> shared = solved(whole, k);  // pending points narrow the deviation alone
        for (std::size_t j = 0; j < size; ++j) left -= k[j] * shared[j];
        CHECK_NEAR(mean[i], expected, 1e-7);
        CHECK_NEAR(std[i], std::sqrt(variance * left), 1e-6);
        CHECK_NEAR(mean[64 + i], 7.0, 1e-12);
        CHECK(std[64 + i] > 0.0 && std[64 + i] < 0.02);
        CHECK_NEAR(embedding.distance(at, columns.data() + i, 64), 0.0, 0.0);
    }
}

// Ten trials of one column, of which the values, a limit and costs are known, but for gaps.
struct Case {
    std::vector<double> points = uniforms(10, 5), place, objectives, violations, log_cost;
    Case() {
        for (std::size_t i = 0; i < 10; ++i) {
            place.push_back(static_cast<double>(i));
            objectives.push_back(std::fabs(points[i] - 0.4));
            violations.push_back(2.0 * (0.5 - points[i]));
            log_cost.push_back(3.0 * points[i]);
        }
    }
};

// Means and deviations of one output of the case at 20 points along the column.
struct Predicted {
    std::vector<double> mean = std::vector<double>(32), std = std::vector<double>(32);
    Predicted(const Case& c, const std::vector<double>& y, std::size_t first = 0) {
        const Embedding embedding({Axis{}});
        Regression regression(embedding);
        regression.fit({c.points.data() + first, 10 - first, 1}, 0);
        regression.add_output(y);
        std::vector<double> x(32, 0.0);
        for (std::size_t i = 0; i < 20; ++i) x[i] = static_cast<double>(i) / 19.0;
        regression.predict({x.data(), 1, 32}, {mean.data(), 1, 32}, {std.data(), 1, 32});
    }
};

std::vector<double> merits(const Case& c, const Outcomes& told) {
    Merit merit({Axis{}});
    merit.fit({c.points.data(), c.points.size(), 1}, c.place, told, {});
    std::vector<double> rows(20), score(20, 1.0);
    for (std::size_t i = 0; i < 20; ++i) rows[i] = static_cast<double>(i) / 19.0;
    merit.add({rows.data(), 20, 1}, score);
    return score;
}

double log_improvement(double mean, double std, double best) {
    std::vector<double> m(8, mean), s(8, std), out(8, 0.0);
    add_log_expected_below(m.data(), s.data(), best, 8, out.data());
    return out[0];
}

TEST(the_merit_is_improvement_times_feasibility_over_cost) {
    Case c;
    c.violations[0] = nan;  // not known: left out of the limit's regression, and not feasible
    const std::vector<double> y = gp::standardise(c.objectives, gp::TransformKind::half_log).y;
    double best = std::numeric_limits<double>::infinity();
    std::vector<double> sizes, scaled;
    for (std::size_t i = 1; i < 10; ++i) {
        if (c.violations[i] <= 0.0) best = std::min(best, y[i]);
        sizes.push_back(std::fabs(c.violations[i]));
    }
    std::sort(sizes.begin(), sizes.end());
    for (std::size_t i = 1; i < 10; ++i) scaled.push_back(std::clamp(c.violations[i] / sizes[4], -2.0, 2.0));
    const Predicted objective(c, y), limit(c, scaled, 1), cost(c, c.log_cost);
    Outcomes told;
    told.objectives = {c.objectives.data(), 10, 1};
    told.violations = {c.violations.data(), 10, 1};
    told.log_cost = c.log_cost;
    const std::vector<double> got = merits(c, told);
    for (std::size_t i = 0; i < 20; ++i)
        CHECK_NEAR(got[i],
                   1.0 + log_improvement(objective.mean[i], objective.std[i], best) +
                       std::log(normal_cdf(-limit.mean[i] / limit.std[i])) - cost.mean[i],
                   1e-9);

    // While nothing is feasible the way there is all that counts.
    for (double& v : c.violations) v = std::fabs(v) + 0.1;
    told.log_cost = {};
    sizes = c.violations;
    sizes[0] = c.violations[0] = 0.3;
    std::sort(sizes.begin(), sizes.end());
    scaled.clear();
    for (const double v : c.violations) scaled.push_back(std::clamp(v / sizes[5], -2.0, 2.0));
    const Predicted away(c, scaled);
    const std::vector<double> towards = merits(c, told);
    for (std::size_t i = 0; i < 20; ++i)
        CHECK_NEAR(towards[i], 1.0 + std::log(normal_cdf(-away.mean[i] / away.std[i])), 1e-9);

    // Nothing known at all: no opinion.
    for (double& v : c.violations) v = nan;
    for (const double v : merits(c, told)) CHECK_NEAR(v, 1.0, 0.0);
}

TEST(several_objectives_improve_the_hypervolume) {
    for (const std::size_t m : {2u, 3u}) {
        Case c;
        std::vector<double> values(10 * m), columns(10);
        for (std::size_t i = 0; i < 10; ++i)
            for (std::size_t j = 0; j < m; ++j)
                values[i * m + j] =
                    std::fabs(c.points[i] - 0.3 * static_cast<double>(j)) + 0.01 * static_cast<double>(i);
        std::vector<Predicted> objectives;
        std::vector<double> front(10 * m), reference(m);
        for (std::size_t j = 0; j < m; ++j) {
            for (std::size_t i = 0; i < 10; ++i) columns[i] = values[i * m + j];
            const std::vector<double> y = gp::standardise(columns, gp::TransformKind::half_log).y;
            objectives.emplace_back(c, y);
            const auto [low, high] = std::minmax_element(y.begin(), y.end());
            reference[j] = *high + 0.1 * (*high - *low);
            for (std::size_t i = 0; i < 10; ++i) front[i * m + j] = y[i];
        }
        acquisition::HypervolumeImprovement improvement(acquisition::undominated({front.data(), 10, m}, reference));
        Outcomes told;
        told.objectives = {values.data(), 10, m};
        told.violations = {nullptr, 10, 0};
        const std::vector<double> got = merits(c, told);
        for (std::size_t i = 0; i < 20; ++i) {
            std::vector<double> mean, std;
            for (const Predicted& o : objectives) {
                mean.push_back(o.mean[i]);
                std.push_back(o.std[i]);
            }
            CHECK_NEAR(got[i], 1.0 + improvement.at(mean, std), 1e-5);
        }
    }
}

TEST(costs_known_in_advance_guide_the_start) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    Options options;
    Suggester suggester(codec, {false, false}, options);
    suggester.update({.rows = {nullptr, 0, 2}, .values = {nullptr, 0, 1}, .state = {}});
    std::vector<double> points, logs, row(2);
    for (int i = 0; i <= 4; ++i)
        for (int j = 0; j <= 4; ++j) {
            points.insert(points.end(), {0.25 * i, 0.25 * j});
            logs.push_back(2.0 * i);
        }
    Outcomes told;
    told.objectives = {nullptr, 0, 1};
    told.cost_points = {points.data(), logs.size(), 2};
    told.cost_logs = logs;
    std::vector<double> pending;
    for (std::uint64_t number = 0; number < 6; ++number) {
        suggester.suggest({{7, 8}, number, 0, {pending.data(), number, 2}}, told, {row.data(), 1, 2});
        CHECK(row[0] < 0.6);                      // the cheapest two fifths
        for (std::size_t p = 0; p < number; ++p)  // and far from each other
            CHECK(std::hypot(row[0] - pending[2 * p], row[1] - pending[2 * p + 1]) > 0.1);
        pending.insert(pending.end(), row.begin(), row.end());
    }
}

// Fed at once or one by one the suggestions are the same, and none repeats; in a space with branches too.
TEST(suggestions_by_merit_depend_on_the_rows_alone) {
    const auto codec = spaces::codec({spaces::choice(2), spaces::when(0, {1}, space::Column{}), spaces::integer(0, 5)});
    const std::vector<bool> unordered{true, false, false};
    Options options;
    options.n_startup = 4;
    Suggester grown(codec, unordered, options);
    std::vector<double> rows, values, violations;
    std::vector<std::uint8_t> state;
    space::RowSet met;
    std::vector<space::Value> scratch(3);
    for (std::uint64_t number = 0; number < 40; ++number) {
        const std::size_t n = state.size();
        const records::Trials trials{.rows = {rows.data(), n, 3}, .values = {values.data(), n, 1}, .state = state};
        grown.update(trials);
        Suggester fresh(codec, unordered, options);
        fresh.update(trials);
        Outcomes told;
        told.objectives = trials.values;
        told.violations = {violations.data(), n, 1};
        std::vector<double> a(3), b(3);
        grown.suggest({{7, 8}, number, 0}, told, {a.data(), 1, 3});
        fresh.suggest({{7, 8}, number, 0}, told, {b.data(), 1, 3});
        CHECK(a == b);
        codec->snap(a, scratch);
        if (number >= 4)
            CHECK(met.insert(a));
        else
            met.insert(a);
        rows.insert(rows.end(), a.begin(), a.end());
        const double x = std::isnan(a[1]) ? 0.3 : a[1];
        values.push_back((x - 0.8) * (x - 0.8) + a[2]);
        violations.push_back(x - 0.6);
        state.push_back(1);
    }
}

// One value alone: the regression's turns, all below 25 trials and every third from there on, and no others depend on
// it. A parabola's valley is then met at once.
TEST(turns_of_the_regression) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    Options with, without;
    with.trend = without.trend = false;
    without.regression = false;
    Suggester a(codec, {false, false}, with), b(codec, {false, false}, without);
    std::vector<double> rows, values;
    std::vector<std::uint8_t> state;
    Philox random({5, 6}, 0, 1);
    const auto gap = [](const double* u) { return std::hypot(u[0] - 0.7, u[1] - 0.4); };
    for (std::uint64_t number = 0; number < 40; ++number) {
        double x[2], y[2];
        const std::size_t n = state.size();
        const records::Trials trials{.rows = {rows.data(), n, 2}, .values = {values.data(), n, 1}, .state = state};
        a.update(trials);
        b.update(trials);
        a.suggest({{7, 8}, number, 0}, {x, 1, 2});
        b.suggest({{7, 8}, number, 0}, {y, 1, 2});
        const bool differ = x[0] != y[0] || x[1] != y[1];
        if (number < 8) CHECK(!differ);
        if (number >= 25 && number % 3 != 0) CHECK(!differ);
        if (number == 24 || number == 27 || number == 33) CHECK(differ && gap(x) < 0.15);
        rows.push_back(random.uniform());
        rows.push_back(random.uniform());
        const double value = gap(rows.data() + 2 * number);
        values.push_back(value * value);
        state.push_back(1);
    }
}

}  // namespace
