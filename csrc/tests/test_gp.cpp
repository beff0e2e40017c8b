#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/outputs.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/warp.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/vectorize.hpp"
#include "reference_lapack.hpp"

using namespace hpcore;
using namespace hpcore::gp;

namespace {

const linalg::Lapack lapack = reference::lapack();
const double nan = std::numeric_limits<double>::quiet_NaN();

// A number, a category of three, a conditional number and a conditional category.
const std::vector<ColumnType> types{{false, false}, {true, false}, {false, true}, {true, true}};

std::vector<double> rows(std::size_t n) {
    Philox stream({5, 6}, n, 0);
    std::vector<double> out;
    for (std::size_t i = 0; i < n; ++i) {
        out.push_back(stream.uniform());
        out.push_back((static_cast<double>(stream.below(3)) + 0.5) / 3.0);
        out.push_back(stream.uniform() < 0.4 ? nan : stream.uniform());
        out.push_back(stream.uniform() < 0.4 ? nan : (static_cast<double>(stream.below(2)) + 0.5) / 2.0);
    }
    return out;
}

const std::vector<double> theta{-0.7, 0.2, -0.3, 0.4, 0.3, -4.0, -1.2};

void test_exponential() {
    double worst = 0.0;
    for (int i = 0; i <= 200000; ++i) {
        const double x = -700.0 * i / 200000.0;
        worst = std::max(worst, std::fabs(exp_nonpositive(x) / std::exp(x) - 1.0));
    }
    CHECK(worst < 5e-16);
    CHECK(exp_nonpositive(0.0) == 1.0);
    CHECK(exp_nonpositive(-1e300) < 1e-300);
}

void test_likelihood_gradient_against_central_differences() {
    Points points(types);
    const std::vector<double> x = rows(12);
    std::vector<double> y;
    for (std::size_t i = 0; i < 12; ++i) {
        points.append(x.data() + 4 * i);
        y.push_back(std::sin(3.0 * x[4 * i]));
    }
    LogPosterior posterior(lapack, points, y.data(), nullptr, Prior::standard(4));
    std::vector<double> gradient(theta.size()), ignored(theta.size());
    const double value = posterior(theta.data(), gradient.data());
    CHECK_NEAR(value, posterior(theta.data(), nullptr), 1e-9);
    for (std::size_t i = 0; i < theta.size(); ++i) {
        std::vector<double> up = theta, down = theta;
        up[i] += 1e-5;
        down[i] -= 1e-5;
        const double slope = (posterior(up.data(), nullptr) - posterior(down.data(), nullptr)) / 2e-5;
        CHECK_NEAR(gradient[i], slope, 1e-5 * (1.0 + std::fabs(slope)));
    }
}

void test_append_and_truncate_equal_assign() {
    const std::vector<double> x = rows(20), z = rows(5);
    std::vector<double> y;
    for (std::size_t i = 0; i < 20; ++i) y.push_back(std::cos(static_cast<double>(i)));
    Regressor whole(lapack, types, theta), grown(lapack, types, theta);
    whole.assign(x.data(), 20, nullptr);
    grown.assign(x.data(), 3, nullptr);
    for (std::size_t i = 3; i < 20; ++i) grown.append(x.data() + 4 * i, 0.0);
    grown.append(z.data(), 0.0);  // a fantasy, taken back
    grown.truncate(20);
    whole.set_targets(y.data());
    grown.set_targets(y.data());
    Prediction a, b;
    whole.predict(z.data(), 5, a);
    grown.predict(z.data(), 5, b);
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK_NEAR(a.mean[i], b.mean[i], 1e-11);
        CHECK_NEAR(a.variance[i], b.variance[i], 1e-11);
    }
}

void test_posterior_gradient_against_central_differences() {
    const std::vector<double> x = rows(20);
    std::vector<double> y, z = rows(5);
    for (std::size_t i = 0; i < 20; ++i) y.push_back(std::cos(static_cast<double>(i)));
    Regressor model(lapack, types, theta);
    model.assign(x.data(), 20, nullptr);
    model.set_targets(y.data());
    Prediction p, up, down;
    model.predict_for_gradient(z.data(), 5, p);
    for (std::size_t i = 0; i < 5; ++i) {
        std::vector<std::size_t> columns{0};
        if (!std::isnan(z[4 * i + 2])) columns.push_back(2);
        double g[2];
        model.gradient(z.data(), i, 2.0, -3.0, columns, p, g);
        for (std::size_t t = 0; t < columns.size(); ++t) {
            double row[4] = {z[4 * i], z[4 * i + 1], z[4 * i + 2], z[4 * i + 3]};
            const std::size_t j = columns[t];
            row[j] += 1e-5;
            model.predict(row, 1, up);
            row[j] -= 2e-5;
            model.predict(row, 1, down);
            const double slope = (2.0 * (up.mean[0] - down.mean[0]) - 3.0 * (up.variance[0] - down.variance[0])) / 2e-5;
            CHECK_NEAR(g[t], slope, 1e-5 * (1.0 + std::fabs(slope)));
        }
    }
}

void test_fit_is_a_function_of_its_arguments() {
    Points points(types);
    const std::vector<double> x = rows(15);
    std::vector<double> y;
    for (std::size_t i = 0; i < 15; ++i) {
        points.append(x.data() + 4 * i);
        y.push_back(std::sin(3.0 * x[4 * i]));
    }
    FitOptions options;
    options.prior = Prior::standard(4);
    const std::vector<double> first = fit_map(lapack, points, y.data(), nullptr, options);
    CHECK(first == fit_map(lapack, points, y.data(), nullptr, options));
    CHECK(first == fit_map(lapack, points, y.data(), nullptr, options, Deadline::in(1000.0)));
    CHECK(fit_map(lapack, points, y.data(), nullptr, options, Deadline::in(0.0)).empty());
    Philox stream({1, 2}, 3, 4);
    CHECK(sample_posterior(lapack, points, y.data(), nullptr, options.prior, first, 2, stream, Deadline::in(0.0))
              .empty());
    LogPosterior posterior(lapack, points, y.data(), nullptr, options.prior);
    CHECK(posterior(first.data(), nullptr) >= posterior(theta.data(), nullptr));
}

void test_outputs_are_finite() {
    const std::vector<std::vector<double>> hostile{
        {0.0}, {1e308, -1e308}, {3.0, 3.0, 3.0}, {5e-324, 0.0}, {0, 1, 2, 3, 4, 5, 1e308}, {0, 1, 2, 3, 4, 5, -1e308}};
    for (const auto& values : hostile)
        for (const auto transform :
             {OutputTransform::standard, OutputTransform::clip, OutputTransform::half_log, OutputTransform::log}) {
            const Outputs out = standardise(values.data(), values.size(), transform);
            for (const double v : out.y) CHECK(std::isfinite(v));
            CHECK(std::isfinite(out.scale) && std::isfinite(out.offset));
            for (const double y : {-1e308, -3.0, 0.0, 3.0, 1e308}) CHECK(std::isfinite(restore(out, y)));
            for (const double v : {-1.7e308, 0.0, 1.7e308}) CHECK(std::isfinite(apply(out, v)));
            for (const double y : out.y) CHECK(!std::isnan(log_slope(out, y)));
        }
}

void test_a_warp_raises_the_density() {
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
    std::vector<double> fitted = fit_map(lapack, points, y.data(), nullptr, options);
    const double before = LogPosterior(lapack, points, y.data(), nullptr, options.prior)(fitted.data(), nullptr);
    const std::vector<double> parameters = fit_warp(lapack, points, y.data(), nullptr, options, fitted);
    CHECK(parameters.size() == 4 && Warp::n_parameters(columns) == 4);
    const Warp warp(columns, parameters);
    Points warped(columns);
    std::vector<double> row(3);
    double prior = 0.0;
    for (const double p : parameters) prior -= 0.5 * p * p / (warp_prior_std * warp_prior_std);
    for (std::size_t i = 0; i < points.size(); ++i) {
        points.row(i, row.data());
        warp.apply(row.data(), row.data());
        warped.append(row.data());
    }
    CHECK(LogPosterior(lapack, warped, y.data(), nullptr, options.prior)(fitted.data(), nullptr) + prior > before);
    CHECK(fit_warp(lapack, points, y.data(), nullptr, options, fitted, Deadline::in(0.0)).empty());
}

}  // namespace

int main() {
    test_exponential();
    test_likelihood_gradient_against_central_differences();
    test_append_and_truncate_equal_assign();
    test_posterior_gradient_against_central_differences();
    test_fit_is_a_function_of_its_arguments();
    test_outputs_are_finite();
    test_a_warp_raises_the_density();
    return check::result();
}
