#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/gp/warp.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/vectorize.hpp"
#include "mixed_rows.hpp"

using namespace hpcore;
using namespace hpcore::gp;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();
const double nan = std::numeric_limits<double>::quiet_NaN();

using mixed::types;

std::vector<double> rows(std::size_t n) {
    return mixed::rows(n, n);
}

const std::vector<double> theta{-0.7, 0.2, -0.3, 0.4, 0.3, -4.0, -1.2};

TEST(exponential) {
    double worst = 0.0;
    for (int i = 0; i <= 200000; ++i) {
        const double x = -700.0 * i / 200000.0;
        worst = std::max(worst, std::fabs(exp_nonpositive(x) / std::exp(x) - 1.0));
    }
    CHECK(worst < 5e-16);
    CHECK(exp_nonpositive(0.0) == 1.0);
    CHECK(exp_nonpositive(-1e300) < 1e-300);
}

// Fewer observations leave more of a variance, and all of it is what a prediction says.
TEST(variances_are_below_their_bounds) {
    constexpr std::size_t m = 90, d = 4;
    const std::vector<double> asked = rows(m);
    for (const std::size_t n : {20, 64, 300}) {
        const std::vector<double> told = rows(n);
        std::vector<double> y;
        for (std::size_t i = 0; i < n; ++i) y.push_back(std::sin(3.0 * told[d * i]));
        Regressor model(lapack, types, theta);
        model.assign({told.data(), n, d});
        model.set_targets(y);
        Prediction expected, bound;
        model.predict({asked.data(), m, d}, expected);
        model.predict_bound({asked.data(), m, d}, bound);
        CHECK(bound.mean == expected.mean);
        std::size_t n_tight = 0;  // far from what is known without observations
        const double prior = mean_variance + model.scales().signal;
        for (std::size_t i = 0; i < m; ++i) {
            CHECK(bound.variance[i] > expected.variance[i]);
            if (n <= 64) CHECK_NEAR(bound.variance[i], expected.variance[i], 1e-12);
            if (bound.variance[i] < 0.3 * prior) ++n_tight;
        }
        CHECK(n_tight > m / 2);
    }
}

TEST(fit_is_a_function_of_its_arguments) {
    Points points(types);
    const std::vector<double> x = rows(15);
    std::vector<double> y;
    for (std::size_t i = 0; i < 15; ++i) {
        points.append({x.data() + 4 * i, 4});
        y.push_back(std::sin(3.0 * x[4 * i]));
    }
    FitOptions options;
    options.prior = Prior::standard(4);
    const std::vector<double> first = fit_map(lapack, points, y, {}, options);
    CHECK(first == fit_map(lapack, points, y, {}, options));
    CHECK(first == fit_map(lapack, points, y, {}, options, Deadline::in(1000.0)));
    CHECK(fit_map(lapack, points, y, {}, options, Deadline::in(0.0)).empty());
    Philox stream({1, 2}, 3, 4);
    CHECK(sample_posterior(lapack, points, y, {}, options.prior, first, 2, stream, Deadline::in(0.0)).empty());
    LogPosterior posterior(lapack, points, y, {}, options.prior);
    CHECK(posterior(first) >= posterior(theta));
}

// Without observations the posterior is the prior, cut at its bounds: its moments by the trapezoidal rule.
TEST(draws_without_data_are_the_priors) {
    const Points none({{false, false}});
    const Prior prior = Prior::standard(1);
    Philox stream({1, 2}, 3, 4);
    constexpr int n = 1500;
    const std::vector<double> start{0.0, 0.0, -5.0};
    const auto draws = sample_posterior(lapack, none, {}, {}, prior, start, n, stream);
    CHECK(draws.size() == n);
    for (std::size_t i = 0; i < 3; ++i) {
        const LogNormal& p = prior.of(none.layout(), i);
        double mass = 0.0, mean = 0.0, square = 0.0, drawn = 0.0, spread = 0.0;
        for (int k = 0; k <= 2000; ++k) {
            const double t = p.low + (p.high - p.low) * k / 2000.0, z = (t - p.mean) / p.std;
            const double w = (k % 2000 == 0 ? 0.5 : 1.0) * std::exp(-0.5 * z * z);
            mass += w;
            mean += w * t;
            square += w * t * t;
        }
        mean /= mass;
        const double variance = square / mass - mean * mean;
        for (const std::vector<double>& draw : draws) {
            CHECK(draw[i] >= p.low && draw[i] <= p.high);
            drawn += draw[i] / n;
            spread += (draw[i] - mean) * (draw[i] - mean) / n;
        }
        // One draw after another counts for half of an independent one.
        CHECK_NEAR(drawn, mean, 4.5 * std::sqrt(2.0 * variance / n));
        CHECK_NEAR(spread, variance, 4.5 * variance * std::sqrt(4.0 / n));
    }
}

// Draws have the correlation of the density, whose curvature is the inverse of their covariance.
TEST(length_scales_share_a_part) {
    constexpr std::size_t d = 3, n = 20000;
    const std::vector<ColumnType> numbers(d);
    const Points none(numbers);
    Prior prior = Prior::standard(d);
    prior.shared = 0.5;
    const Layout layout = none.layout();
    Philox stream({1, 2}, 3, 4);
    std::vector<double> sum(d), product(d * d);
    for (std::size_t k = 0; k < n; ++k) {
        const std::vector<double> draw = prior.draw(layout, stream);
        for (std::size_t i = 0; i < d; ++i) {
            sum[i] += draw[i] - prior.length_scale.mean;
            for (std::size_t j = 0; j < d; ++j)
                product[i * d + j] += (draw[i] - prior.length_scale.mean) * (draw[j] - prior.length_scale.mean);
        }
    }
    std::vector<double> at(layout.size(), 0.1), up(layout.size()), down(layout.size());
    for (std::size_t i = 0; i < d; ++i) {
        CHECK_NEAR(sum[i] / n, 0.0, 0.05);
        for (std::size_t j = 0; j < d; ++j) CHECK_NEAR(product[i * d + j] / n, i == j ? 1.0 : 0.5, 0.05);
        std::vector<double> moved = at;
        std::fill(up.begin(), up.end(), 0.0);
        std::fill(down.begin(), down.end(), 0.0);
        moved[i] += 1.0;
        const double rise = prior.log_density(layout, moved, up);
        moved[i] -= 2.0;
        const double fall = prior.log_density(layout, moved, down);
        // Quadratic, so that differences are exact: 1.5 and -0.5 are the inverse of 1 and 0.5.
        for (std::size_t j = 0; j < d; ++j) CHECK_NEAR((up[j] - down[j]) / 2.0, i == j ? -1.5 : 0.5, 1e-12);
        CHECK_NEAR((rise - fall) / 2.0, (up[i] + down[i]) / 2.0, 1e-12);
    }
}

// A density of the objective's own values: between two transforms it differs by their slopes, taken by differences.
TEST(evidence_is_a_density_of_the_values) {
    Points points({{false, false}});
    std::vector<double> values;
    for (int i = 0; i < 12; ++i) {
        const double u = (i + 0.5) / 12.0;
        points.append({&u, 1});
        values.push_back(3.0 + std::sin(7.0 * u) + u);
    }
    const Prior prior = Prior::standard(1);
    const std::vector<double> at{-1.0, 0.2, -3.0};
    const auto evidence = [&](TransformKind transform) {
        const TargetTransform out = standardise(values, transform);
        return log_evidence(lapack, points, out.y, {}, prior, at, out);
    };
    const auto expected = [&](TransformKind transform) {
        const TargetTransform out = standardise(values, transform);
        double sum = LogPosterior(lapack, points, out.y, {}, prior)(at);
        for (const double v : values) sum += std::log((apply(out, v + 1e-6) - apply(out, v - 1e-6)) / 2e-6);
        return sum;
    };
    for (const auto transform : {TransformKind::clip, TransformKind::half_log, TransformKind::log})
        CHECK_NEAR(evidence(transform) - evidence(TransformKind::standard),
                   expected(transform) - expected(TransformKind::standard), 1e-4);
    values[3] = 40.0;  // cut off: no density there
    CHECK(evidence(TransformKind::clip) == -std::numeric_limits<double>::infinity());
    CHECK_NEAR(evidence(TransformKind::log) - evidence(TransformKind::standard),
               expected(TransformKind::log) - expected(TransformKind::standard), 1e-4);
}

TEST(outputs_are_finite) {
    const std::vector<std::vector<double>> hostile{
        {0.0}, {1e308, -1e308}, {3.0, 3.0, 3.0}, {5e-324, 0.0}, {0, 1, 2, 3, 4, 5, 1e308}, {0, 1, 2, 3, 4, 5, -1e308}};
    for (const auto& values : hostile)
        for (const auto transform :
             {TransformKind::standard, TransformKind::clip, TransformKind::half_log, TransformKind::log}) {
            const TargetTransform out = standardise(values, transform);
            for (const double v : out.y) CHECK(std::isfinite(v));
            CHECK(std::isfinite(out.scale) && std::isfinite(out.offset));
            for (const double y : {-1e308, -3.0, 0.0, 3.0, 1e308}) CHECK(std::isfinite(restore(out, y)));
            for (const double v : {-1.7e308, 0.0, 1.7e308}) CHECK(std::isfinite(apply(out, v)));
            for (const double y : out.y) CHECK(!std::isnan(log_slope(out, y)));
        }
}

TEST(a_warp_raises_the_density) {
    const std::vector<ColumnType> columns{{false, false}, {true, false}, {false, true}};
    Points points(columns);
    std::vector<double> y;
    Philox stream({4, 2}, 0, 0);
    for (int i = 0; i < 30; ++i) {
        const double row[]{stream.uniform(), stream.uniform() < 0.5 ? 0.25 : 0.75, i % 3 == 0 ? nan : stream.uniform()};
        points.append(row);
        y.push_back(std::sin(20.0 * std::pow(row[0], 5.0)) + row[1]);
    }
    FitOptions options;
    options.prior = Prior::standard(3);
    std::vector<double> fitted = fit_map(lapack, points, y, {}, options);
    const double before = LogPosterior(lapack, points, y, {}, options.prior)(fitted);
    const std::vector<double> parameters = fit_warp(lapack, points, y, {}, options, fitted);
    CHECK(parameters.size() == 4 && Warp::n_parameters(columns) == 4);
    const Warp warp(columns, parameters);
    Points warped(columns);
    std::vector<double> row(3);
    double prior = 0.0;
    for (const double p : parameters) prior -= 0.5 * p * p / (warp_prior_std * warp_prior_std);
    for (std::size_t i = 0; i < points.size(); ++i) {
        points.row(i, row);
        warp.apply(row, row);
        warped.append(row);
    }
    CHECK(LogPosterior(lapack, warped, y, {}, options.prior)(fitted) + prior > before);
    CHECK(fit_warp(lapack, points, y, {}, options, fitted, Deadline::in(0.0)).empty());
}

}  // namespace
