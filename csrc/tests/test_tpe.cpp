#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "check.hpp"
#include "hpcore/normal.hpp"
#include "hpcore/tpe/kernel_sums.hpp"
#include "hpcore/tpe/mixture.hpp"
#include "hpcore/tpe/ranking.hpp"
#include "hpcore/tpe/suggester.hpp"
#include "hpcore/tpe/trend.hpp"

using namespace hpcore;
using namespace hpcore::tpe;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

TEST(array_functions_against_the_standard_library) {
    std::vector<double> x(4000), e, p;
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = 8.0 * static_cast<double>(i) / static_cast<double>(x.size());
    e = x;
    erf_array(e.data(), e.size());
    for (std::size_t i = 0; i < x.size(); ++i) CHECK_NEAR(e[i], std::erf(x[i]), 2e-12);
    p = x;
    for (double& v : p) v = (v + 0.001) / 8.01;
    e = p;
    quantile_array(e.data(), e.size());
    for (std::size_t i = 0; i < p.size(); ++i) CHECK_NEAR(e[i], normal_quantile(p[i]), 1e-10);
    e.assign(8, 0.0);
    e[1] = 1.0;
    quantile_array(e.data(), 8);
    CHECK(e[0] < -6.5 && e[0] > -7.0 && e[1] > 6.5 && e[1] < 7.0);
    std::vector<double> at(800), sum(800, 1.0);
    for (std::size_t i = 0; i < at.size(); ++i) at[i] = 0.05 * (static_cast<double>(i) - 600.0);
    add_log_cdf(at.data(), at.size(), sum.data());
    for (std::size_t i = 0; i < at.size(); ++i) CHECK_NEAR(sum[i], 1.0 + std::log(normal_cdf(at[i])), 1e-10);
    // log(exp(shift) a + exp(log prior)) - log total, with either or both of them absent
    std::vector<double> a{1.0, 0.0, 2.5, 0.0, 1e-300, 1e300, 0.3, 7.0},
        prior{0.0, 0.0, -inf, -inf, -2.0, 1.0, 3.0, -800.0};
    const std::vector<double> given = a;
    finish_log(a.data(), 8, 0.5, prior.data(), 0.25);
    for (std::size_t i = 0; i < 8; ++i) {
        const double kernels = std::log(given[i]) + 0.5, high = std::max(kernels, prior[i]);
        const double low = std::min(kernels, prior[i]);
        if (i == 3)
            CHECK(std::isinf(a[i]) && a[i] < 0.0);
        else
            CHECK_NEAR(a[i], high + std::log1p(std::exp(low - high)) - 0.25, 1e-10);
    }
}

TEST(mixture_against_its_formula) {
    Mixture mixture({Axis{}, even_axis(3, true)});
    const std::vector<double> points{0.2, 0.0, 0.9, 2.0}, weights{1.0, 3.0}, h{0.15, 1.0};
    const double q = 0.25;
    mixture.fit({points.data(), 2, mixture.axes().size()}, weights, 0.5, h, q);
    Batch batch;
    batch.reset(2, 30);
    batch.resize(30);
    for (std::size_t i = 0; i < 30; ++i) {
        batch.at(0, i) = static_cast<double>(i) / 29.0;
        batch.at(1, i) = static_cast<double>(i % 3);
    }
    std::vector<double> got(batch.padded());
    mixture.log_density(batch, got);
    const auto gauss = [](double x, double mean, double s) {
        const double mass = normal_cdf((1.0 - mean) / s) - normal_cdf(-mean / s);
        return std::exp(-0.5 * (x - mean) * (x - mean) / (s * s)) / (s * 2.5066282746310002 * mass);
    };
    for (std::size_t i = 0; i < 30; ++i) {
        const double x = batch.at(0, i), own = (1.0 + q) / (1.0 + 3.0 * q), other = q / (1.0 + 3.0 * q);
        const double first = gauss(x, 0.2, 0.15) * (i % 3 == 0 ? own : other);
        const double second = gauss(x, 0.9, 0.15) * (i % 3 == 2 ? own : other);
        const double expected = std::log((first + 3.0 * second + 0.5 * gauss(x, 0.5, 1.0) / 3.0) / 4.5);
        CHECK_NEAR(got[i], expected, 1e-10);
    }
}

// Far out, where exp's exponent leaves the range of a double, and of the integer that holds it.
TEST(the_prior_rules_where_no_kernel_reaches) {
    for (std::size_t d = 1; d <= 64; ++d) {
        Mixture mixture{std::vector<Axis>(d)};
        const std::vector<double> point(d, 0.0), h(d, 0.02);
        const double weight = 1.0;
        mixture.fit({point.data(), 1, mixture.axes().size()}, {&weight, 1}, 0.5, h, 0.0);
        Batch batch;
        batch.reset(d, 1);
        batch.resize(1);
        for (std::size_t j = 0; j < d; ++j) batch.at(j, 0) = 1.0;
        std::vector<double> got(batch.padded());
        mixture.log_density(batch, got);
        const double axis = -0.125 - std::log(2.5066282746310002 * (normal_cdf(0.5) - normal_cdf(-0.5)));
        CHECK_NEAR(got[0], static_cast<double>(d) * axis + std::log(0.5 / 1.5), 1e-9);
    }
}

// To the rounding of logarithms. Narrow and wide kernels, levels narrower than them, wider, and uneven, categories; few
// columns and many.
TEST(bounds_are_below_densities_and_near) {
    Axis uneven = even_axis(9, false);
    for (std::size_t l = 1; l < 9; ++l) uneven.edges[l] = static_cast<double>(l * l) / 81.0;
    uneven.even = false;
    std::vector<Axis> all{Axis{}, even_axis(50, false), even_axis(3, true), Axis{}, uneven, even_axis(4, false)};
    for (const std::size_t d : {1u, 3u, 6u, 40u}) {
        for (const double width : {0.02, 0.1, 0.6}) {
            std::vector<Axis> axes(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(d, 6)));
            axes.resize(d);
            Philox random({1, 2}, d, 3);
            const auto point = [&](std::size_t j) { return axes[j].coordinate(random.uniform()); };
            constexpr std::size_t n = 31, m = 70;
            std::vector<double> points(n * d), weights(n);
            for (std::size_t k = 0; k < n; ++k) {
                for (std::size_t j = 0; j < d; ++j) points[k * d + j] = point(j);
                weights[k] = 0.1 + random.uniform();
            }
            Mixture mixture(axes);
            mixture.fit({points.data(), n, d}, weights, 0.7, std::vector<double>(d, width), 0.2);
            Batch batch;
            batch.reset(d, m);
            batch.resize(m);
            for (std::size_t i = 0; i < m; ++i)
                for (std::size_t j = 0; j < d; ++j) batch.at(j, i) = i < n ? points[i * d + j] : point(j);
            std::vector<double> prior(batch.padded()), bound(prior), density(prior);
            mixture.log_prior(batch, prior);
            mixture.log_bound(batch, prior, bound);
            mixture.log_density(batch, density);
            for (std::size_t i = 0; i < m; ++i) {
                CHECK(bound[i] <= density[i] + 1e-12);
                if (d == 1 || width == 0.6) CHECK(bound[i] > density[i] - 0.02 * static_cast<double>(d));
            }
        }
    }
}

TEST(counting_finds_levels) {
    const std::vector<double> edges{0.25, 0.5, 0.75}, u{0.0, 0.2, 0.25, 0.3, 0.5, 0.74, 0.75, 1.0},
        expected{0.0, 0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0};
    std::vector<double> level(8);
    count_below(edges.data(), 3, u.data(), 8, level.data());
    CHECK(level == expected);
}

// A table of their kernel would take 80 GB.
TEST(a_hundred_thousand_categories) {
    constexpr std::size_t levels = 100'000;
    const double q = 0.5, whole = 1.0 + static_cast<double>(levels) * q;
    Mixture mixture({even_axis(levels, true)});
    const std::vector<double> points{7.0, 99'999.0}, weights{1.0, 3.0}, h{1.0};
    mixture.fit({points.data(), 2, mixture.axes().size()}, weights, 0.5, h, q);
    Batch batch;
    batch.reset(1, 4);
    batch.resize(4);
    const std::vector<double> asked{0.0, 7.0, 50'000.0, 99'999.0};
    for (std::size_t i = 0; i < 4; ++i) batch.at(0, i) = asked[i];
    std::vector<double> got(batch.padded());
    mixture.log_density(batch, got);
    for (std::size_t i = 0; i < 4; ++i) {
        double mass = 0.5 / static_cast<double>(levels);
        for (std::size_t k = 0; k < 2; ++k) mass += weights[k] * (asked[i] == points[k] ? 1.0 + q : q) / whole;
        CHECK_NEAR(got[i], std::log(mass / 4.5), 1e-10);
    }
}

TEST(draws_of_categories_follow_their_kernel) {
    constexpr std::size_t levels = 5, n = 200'000;
    for (const std::size_t centre : {0u, 2u, 4u}) {
        for (const double prior : {0.0, 1.0}) {
            Axis axis{levels, true, {0.0, 0.1, 0.2, 0.5, 0.9, 1.0}, false};
            const double point = static_cast<double>(centre), weight = 1.0, h = 1.0, q = 0.25;
            Mixture mixture({axis});
            mixture.fit({&point, 1, 1}, {&weight, 1}, prior, {&h, 1}, q);
            Batch batch;
            batch.reset(1, n);
            batch.resize(n);
            Philox random({1, 2}, 3, 4);
            mixture.draw(random, batch, 0, n, false);
            std::vector<double> share(levels, 0.0);
            for (std::size_t i = 0; i < n; ++i) share[static_cast<std::size_t>(batch.at(0, i))] += 1.0 / n;
            for (std::size_t l = 0; l < levels; ++l) {
                const double kernel = (l == centre ? 1.0 + q : q) / (1.0 + levels * q);
                CHECK_NEAR(share[l], (kernel + prior * axis.width(l)) / (1.0 + prior), 0.006);
            }
        }
    }
}

// Kernels at the very ends are cut there, not heaped up: Kolmogorov and Smirnov's distance to the mixture of cut normal
// distributions, which is above 1.95 / sqrt(n) once in a thousand times.
TEST(draws_are_cut_at_the_ends) {
    const std::vector<double> centres{0.0, 0.3, 1.0}, weights{3.0, 1.0, 2.0};
    const double prior_weight = 0.5;
    const auto below = [](double x, double mean, double h) {
        const auto phi = [](double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); };
        return (phi((x - mean) / h) - phi(-mean / h)) / (phi((1.0 - mean) / h) - phi(-mean / h));
    };
    for (const double h : {0.02, 0.25, 1.0}) {
        Mixture mixture({Axis{}});
        mixture.fit({centres.data(), 3, 1}, weights, prior_weight, {&h, 1}, 0.0);
        for (const bool even : {false, true}) {
            constexpr std::size_t n = 20000;
            Batch batch;
            batch.reset(1, n);
            Philox random({5, 6}, 7, 8);
            mixture.draw(random, batch, 0, n, even);
            std::vector<double> x(batch.column(0).begin(), batch.column(0).begin() + n);
            std::sort(x.begin(), x.end());
            CHECK(x.front() > 0.0 && x.back() < 1.0);
            double distance = 0.0;
            for (std::size_t i = 0; i < n; ++i) {
                double cdf = prior_weight * below(x[i], 0.5, 1.0);
                for (std::size_t k = 0; k < 3; ++k) cdf += weights[k] * below(x[i], centres[k], h);
                cdf /= 6.0 + prior_weight;
                const double first = static_cast<double>(i) / n, last = static_cast<double>(i + 1) / n;
                distance = std::max({distance, cdf - first, last - cdf});
            }
            CHECK(distance < 1.95 / std::sqrt(static_cast<double>(n)));
        }
    }
}

TEST(no_draws_are_no_draws) {
    Mixture mixture({Axis{}, even_axis(3, true)});
    const std::vector<double> point{0.2, 0.0}, h{0.15, 1.0};
    const double weight = 1.0;
    mixture.fit({point.data(), 1, mixture.axes().size()}, {&weight, 1}, 0.5, h, 0.25);
    Batch batch;
    batch.reset(2, 0);
    Philox random({1, 2}, 3, 4), untouched = random;
    mixture.draw(random, batch, 0, 0, false);
    mixture.draw(random, batch, 0, 0, true);
    CHECK(random.uniform() == untouched.uniform());
}

TEST(ranking_does_not_depend_on_the_order) {
    const std::vector<double> values{5.0, 1.0, inf, 3.0, 1.0, 9.0, 2.0, inf, 0.5, 4.0};
    Ranking forward(0.3, 4), backward(0.3, 4);
    const auto n = static_cast<std::uint32_t>(values.size());
    for (std::uint32_t i = 0; i < n; ++i) {
        forward.insert({values[i], i});
        backward.insert({values[n - 1 - i], n - 1 - i});
    }
    CHECK(forward.n_finite() == 8 && forward.good().size() == 3);
    const std::vector<std::uint32_t> best{8, 1, 4};
    for (std::size_t r = 0; r < 3; ++r)
        CHECK(forward.good()[r].trial == best[r] && backward.good()[r].trial == best[r]);
    for (std::uint32_t i = 0; i < n; ++i) {
        CHECK(forward.is_good(i) == backward.is_good(i));
        CHECK(forward.members()[i] == i && backward.members()[i] == i);
    }
}

TEST(a_trend_points_to_the_valley) {
    constexpr std::size_t n = 60;
    Philox random({5, 6}, 7, 8);
    std::vector<double> points(2 * n), values(n);
    for (std::size_t i = 0; i < n; ++i) {
        points[2 * i] = random.uniform();
        points[2 * i + 1] = static_cast<double>(i % 3);
        values[i] = std::fabs(points[2 * i] - 0.7) + (i % 3 == 1 ? 0.0 : 0.2);
    }
    Trend trend({Axis{}, even_axis(3, true)});
    Batch batch;
    batch.reset(2, 60);
    batch.resize(60);
    for (std::size_t i = 0; i < 60; ++i) {
        batch.at(0, i) = static_cast<double>(i / 3) / 19.0;
        batch.at(1, i) = static_cast<double>(i % 3);
    }
    const auto scores = [&] {
        std::vector<double> score(batch.padded(), 0.0);
        trend.add_log_probability(batch, score);
        return score;
    };
    CHECK(trend.fit({points.data(), n, points.size() / n}, {values.data(), n}, 6));
    std::vector<double> score = scores();
    const auto best = static_cast<std::size_t>(std::max_element(score.begin(), score.begin() + 60) - score.begin());
    CHECK(best % 3 == 1);
    CHECK_NEAR(batch.at(0, best), 0.7, 0.1);
    // Values that do not differ, or all failed, prefer nothing.
    for (const double value : {2.5, inf}) {
        values.assign(n, value);
        CHECK(trend.fit({points.data(), n, points.size() / n}, {values.data(), n}, 6));
        score = scores();
        for (std::size_t i = 0; i < 60; ++i) CHECK_NEAR(score[i], score[0], 1e-9);
    }
    CHECK(!trend.fit({points.data(), 3, points.size() / n}, {values.data(), 3}, 1));
}

TEST(incremental_equals_rebuilt) {
    constexpr std::size_t d = 4, n = 150;
    const auto codec =
        std::make_shared<space::Codec>(std::vector<space::Column>(d), std::vector<std::size_t>{0, 1, 2, 3});
    Options options;
    options.max_bad = 40;
    Suggester grown(codec, std::vector<bool>(d, false), options);
    Philox random({1, 2}, 3, 4);
    std::vector<double> X(n * d), y(n);
    std::vector<std::uint8_t> state(n, 0);
    for (double& x : X) x = random.uniform();
    for (double& v : y) v = random.uniform();
    std::vector<double> a(d), b(d);
    for (std::size_t i = 0; i < n; ++i) {
        if (i % 5 != 3) state[i] = i % 7 == 2 ? 3 : 1;  // some fail, some stay open ...
        if (i % 10 == 9) state[i - 6] = 1;              // ... and end later
        const records::Trials known{
            .rows = {X.data(), i + 1, d}, .values = {y.data(), i + 1, 1}, .state = {state.data(), i + 1}};
        grown.update(known);
        if (i % 6 != 5) continue;
        Suggester rebuilt(codec, std::vector<bool>(d, false), options);
        rebuilt.update(known);
        const Request request{{7, 8}, i, 0, {X.data(), 1, d}};
        grown.suggest(request, {a.data(), 1, d});
        rebuilt.suggest(request, {b.data(), 1, d});
        CHECK(a == b);
    }
}

int wedge(const double* u, std::size_t d, double* out) {
    out[0] = 0.0;
    for (std::size_t j = 0; j < d; ++j) out[0] += 3.0 + std::log(u[j]);  // mass e^3 / 2 a column
    return kernel_ok;
}
int refuse(const double*, std::size_t, double*) {
    return 0;
}
int not_a_number(const double*, std::size_t, double* out) {
    out[0] = std::nan("");
    return kernel_ok;
}

TEST(a_prior_finds_its_mass) {
    const NormalisedPrior prior({&wedge, "density kernel 'wedge'"}, {Axis{}, Axis{}}, {0, 1});
    Batch batch;
    batch.reset(2, 1);
    batch.resize(1);
    batch.at(0, 0) = 0.5;
    batch.at(1, 0) = 1.0;
    std::vector<double> got;
    prior.log_density(batch, got);
    CHECK_NEAR(got[0], std::log(2.0), 0.05);
    double mean = 0.0;
    Philox random({1, 2}, 3, 4);
    for (int i = 0; i < 4000; ++i) {
        prior.draw(random, batch, 0);
        mean += batch.at(0, 0) / 4000.0;
    }
    CHECK_NEAR(mean, 2.0 / 3.0, 0.02);
    CHECK_THROWS(NormalisedPrior({&refuse, "refuse"}, {Axis{}}, {0}), KernelFailed);
    CHECK_THROWS(NormalisedPrior({&not_a_number, "nan"}, {Axis{}}, {0}), KernelFailed);
}

}  // namespace
