#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "differences.hpp"
#include "hpcore/acquisition/path.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/slopes.hpp"
#include "hpcore/linalg/plain.hpp"
#include "mixed_rows.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::gp;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
// Length scales, signal, noise, the height of inactive, and the noise of derivatives.
const std::vector<double> theta{-0.7, 0.2, -0.3, 0.4, 0.3, -6.0, -1.2, -5.0};

// Rows of one column of each kind, and the derivatives by their numbers where these are active.
Points mixed_points(std::size_t n, std::vector<double>& rows, std::vector<Slope>& slopes) {
    rows = mixed::rows(n, 3);
    Points points(mixed::types);
    slopes.clear();
    for (std::size_t i = 0; i < n; ++i) {
        points.append({rows.data() + 4 * i, 4});
        for (const std::size_t j : {std::size_t{0}, std::size_t{2}})
            if (!std::isnan(rows[4 * i + j])) slopes.push_back({i, j});
    }
    return points;
}

double covariance(const Scales& scales, Column one, Column other) {
    Points single(mixed::types);
    single.append(other);
    double k = 0.0;
    Scratch scratch;
    covariances(single, scales, one, {&k, 1}, {}, scratch);
    return k;
}

TEST(blocks_of_the_covariance_are_differences_of_it) {
    std::vector<double> rows;
    std::vector<Slope> slopes;
    Points points = mixed_points(6, rows, slopes);
    points.observe(slopes);
    const Scales scales(points.layout(), theta);
    const std::size_t n = 6, all = points.n_observations();
    CHECK(all == n + slopes.size() && points.layout().size() == theta.size());
    std::vector<double> K(all * all, 0.0);
    fill_slope_rows(points, scales, K.data(), all);
    for (std::size_t e = 0; e < slopes.size(); ++e) {
        const auto [a, i] = slopes[e];
        const std::vector<double> one(rows.begin() + static_cast<std::ptrdiff_t>(4 * a),
                                      rows.begin() + static_cast<std::ptrdiff_t>(4 * a + 4));
        for (std::size_t b = 0; b < n; ++b) {
            const auto value = [&](Column at) { return covariance(scales, at, {rows.data() + 4 * b, 4}); };
            CHECK_NEAR(K[(n + e) * all + b], differences::central(value, one, {i})[0], 1e-7);
        }
        for (std::size_t f = 0; f < e; ++f) {
            const auto [b, j] = slopes[f];
            if (a == b) continue;  // the second difference of |s|^3 at 0 converges slowly; the diagonal is below
            const std::vector<double> other(rows.begin() + static_cast<std::ptrdiff_t>(4 * b),
                                            rows.begin() + static_cast<std::ptrdiff_t>(4 * b + 4));
            const std::size_t column = j;
            const auto slope = [&](Column at) {
                const auto value = [&](Column there) { return covariance(scales, at, there); };
                return differences::central(value, other, {column})[0];
            };
            CHECK_NEAR(K[(n + e) * all + n + f], differences::central(slope, one, {i})[0], 2e-4);
        }
        CHECK_NEAR(K[(n + e) * all + n + e], (1.0 + scales.slope_noise) * slope_variance(scales, i), 1e-12);
    }
}

TEST(derivatives_are_those_of_active_numbers_in_order) {
    std::vector<double> rows;
    std::vector<Slope> slopes;
    Points points = mixed_points(4, rows, slopes);
    CHECK_THROWS(points.observe({{4, 0}}), std::invalid_argument);
    CHECK_THROWS(points.observe({{0, 1}}), std::invalid_argument);  // a category
    CHECK_THROWS(points.observe({{1, 0}, {0, 0}}), std::invalid_argument);
    for (std::size_t i = 0; i < 4; ++i)
        if (std::isnan(rows[4 * i + 2])) CHECK_THROWS(points.observe({{i, 2}}), std::invalid_argument);
    points.observe(slopes);
    points.append({rows.data(), 4});
    CHECK(points.observation(3) == 3 && points.observation(4) == 4 + slopes.size());
    points.truncate(4);
    CHECK(points.slopes().size() == slopes.size());
    points.truncate(3);
    CHECK(points.slopes().empty() && points.n_observations() == 3);
}

TEST(the_likelihood_falls_off_as_its_gradient_says) {
    std::vector<double> rows;
    std::vector<Slope> slopes;
    Points points = mixed_points(5, rows, slopes);
    points.observe(slopes);
    std::vector<double> y;
    for (std::size_t i = 0; i < points.n_observations(); ++i) y.push_back(std::cos(1.7 * static_cast<double>(i)));
    LogPosterior posterior(lapack, points, y, {}, Prior::standard(4));
    std::vector<double> gradient(theta.size());
    const double value = posterior(theta, gradient);
    CHECK_NEAR(value, posterior(theta), 1e-12);
    const auto at = [&](Column t) { return posterior(t); };
    std::vector<std::size_t> each;
    for (std::size_t i = 0; i < theta.size(); ++i) each.push_back(i);
    const std::vector<double> expected = differences::central(at, theta, each);
    for (std::size_t i = 0; i < theta.size(); ++i) CHECK_NEAR(gradient[i], expected[i], 1e-4);
}

TEST(a_path_has_the_derivatives_that_were_observed) {
    std::vector<double> rows;
    std::vector<Slope> slopes;
    mixed_points(4, rows, slopes);
    std::vector<double> quiet = theta;
    quiet[5] = quiet[7] = std::log(1e-10);
    Regressor model(lapack, mixed::types, quiet);
    model.assign({rows.data(), 4, 4}, {}, slopes);
    std::vector<double> derivatives;
    for (std::size_t e = 0; e < slopes.size(); ++e) derivatives.push_back(std::sin(static_cast<double>(e)));
    model.set_slope_targets(derivatives);
    const std::vector<double> y{0.3, -0.2, 0.5, 0.1};
    model.set_targets(y);
    Philox stream({1, 2}, 3, 4);
    acquisition::Path path(model, y, stream);
    Prediction prediction;
    for (std::size_t e = 0; e < slopes.size(); ++e) {
        const Column row{rows.data() + 4 * slopes[e].point, 4};
        double own = 0.0, moved = 0.0;
        const double prior = path.prior(row, {slopes[e].column}, {&own, 1});
        model.predict_for_gradient({row.data(), 1, 4}, prediction);
        model.gradient({row.data(), 1, 4}, 0, 1.0, 0.0, {slopes[e].column}, prediction, {&moved, 1});
        CHECK_NEAR(prior + prediction.mean[0], y[slopes[e].point], 1e-3);
        CHECK_NEAR(own + moved, derivatives[e], 1e-3);
    }
}

// A bowl with its minimum at (0.3, 0.6).
double bowl(const double* u, double* slope) {
    slope[0] = 2.0 * (u[0] - 0.3);
    slope[1] = 8.0 * (u[1] - 0.6);
    return (u[0] - 0.3) * (u[0] - 0.3) + 4.0 * (u[1] - 0.6) * (u[1] - 0.6);
}

TEST(a_suggester_with_gradients_is_a_function_of_the_request) {
    const auto codec = spaces::codec({space::Column{}, space::Column{}});
    bo::SuggestOptions options;
    options.fit.prior = Prior::standard(2);
    options.schedule.every_until = 6;
    options.schedule.growth = 0.5;
    options.fit_observations = 12;
    options.model_observations = 20;
    bo::Suggester old(lapack, codec, {false, false}, options);
    std::vector<double> rows{0.9, 0.9, 0.1, 0.2}, values, gradients;
    double best = 1.0;
    for (std::size_t n = 0; n < 14; ++n) {
        if (n >= 2) {
            bo::Request request;
            request.rows = {rows.data(), values.size(), 2};
            request.values = values;
            request.gradients = {gradients.data(), values.size(), 2};
            request.number = n;
            const std::vector<double> row = old.suggest(request);
            bo::Suggester fresh(lapack, codec, {false, false}, options);
            CHECK(row == fresh.suggest(request));
            request.gradients = {};
            CHECK(row != fresh.suggest(request));
            rows.insert(rows.end(), row.begin(), row.end());
        }
        double slope[2];
        values.push_back(bowl(rows.data() + 2 * n, slope));
        gradients.push_back(n == 5 ? nan : slope[0]);
        gradients.push_back(n % 4 == 3 ? nan : slope[1]);
        best = std::min(best, values.back());
    }
    CHECK(best < 1e-4);
}

}  // namespace
