#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "check.hpp"
#include "differences.hpp"
#include "hpcore/acquisition/noisy_ei.hpp"
#include "hpcore/acquisition/path.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/linalg/plain.hpp"
#include "user_kernels.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();

const double off = std::numeric_limits<double>::quiet_NaN();

// A number, a category, a conditional number and a conditional category, with noisy observations.
gp::Regressor mixed_model(std::vector<double>& targets, const std::vector<double>& warp = {}) {
    const std::vector<double> rows{0.1, 0.25, 0.3, 0.25, 0.9, 0.75, off, off,
                                   0.5, 0.25, 0.8, 0.75, 0.3, 0.25, off, 0.25};
    targets = {0.3, -0.8, 0.5, 1.2};
    gp::Regressor model(lapack, {{false, false}, {true, false}, {false, true}, {true, true}},
                        {-1.0, 0.2, -0.6, 0.1, 0.3, -1.5, -1.0});
    if (!warp.empty()) model.set_warp(gp::Warp(model.points().columns(), warp));
    model.assign({rows.data(), 4, model.points().d()});
    model.set_targets(targets);
    return model;
}

// clang-format off
const double elsewhere[20] = {0.2,  0.25, 0.4, 0.75,
                              0.7,  0.75, 0.6, off,
                              0.55, 0.25, off, 0.25,
                              0.1,  0.25, 0.3, 0.25,
                              0.95, 0.25, 0.1, 0.25};
// clang-format on

const std::vector<double> bent{0.4, -0.3, -0.2, 0.5};

// The ensemble's gradient in both numbers of a row; its value there.
double check_gradient(Ensemble& ensemble, const double* row) {
    const std::vector<std::size_t> columns{0, 2};
    const auto value_at = [&](Column u) {
        double v = 0.0;
        ensemble.values({u.data(), 1, 4}, {&v, 1});
        return v;
    };
    double value = 0.0;
    std::vector<std::vector<double>> gradients(1);
    ensemble.values_and_gradients({row, 1, 4}, {&columns}, {&value, 1}, gradients);
    CHECK_NEAR(value_at({row, 4}), value, 1e-12);
    const std::vector<double> slopes = differences::central(value_at, {row, row + 4}, columns);
    for (std::size_t t = 0; t < 2; ++t) CHECK_NEAR(gradients[0][t], slopes[t], 1e-5 * (1.0 + std::fabs(slopes[t])));
    return value;
}

void paths_have_the_moments_of_the_posterior(const std::vector<double>& warp) {
    std::vector<double> targets;
    gp::Regressor model = mixed_model(targets, warp);
    // Few features do for the moments: those of the prior are exact on average over the features.
    constexpr std::size_t m = 5, n = 4000, n_features = 8;
    gp::Prediction exact, update;
    model.predict({elsewhere, m, 4}, exact);
    double covariance[m * m], mean[m] = {}, square[m * m] = {};
    model.covariance({elsewhere, m, 4}, {covariance, m, m});
    Philox stream({3, 4}, 5, 6);
    for (std::size_t draw = 0; draw < n; ++draw) {
        Path path(model, targets, stream, n_features);
        model.predict_mean({elsewhere, m, 4}, false, update);
        double gap[m];
        for (std::size_t i = 0; i < m; ++i) {
            gap[i] = update.mean[i] + path.prior({elsewhere + 4 * i, 4}) - exact.mean[i];
            mean[i] += gap[i] / n;
        }
        for (std::size_t i = 0; i < m; ++i)
            for (std::size_t j = 0; j < m; ++j) square[i * m + j] += gap[i] * gap[j] / n;
    }
    for (std::size_t i = 0; i < m; ++i) {
        CHECK_NEAR(mean[i], 0.0, 4.5 * std::sqrt(covariance[i * m + i] / n));
        for (std::size_t j = 0; j < m; ++j) {
            const double c = covariance[i * m + j], v = covariance[i * m + i] * covariance[j * m + j];
            CHECK_NEAR(square[i * m + j], c, 4.5 * std::sqrt((v + c * c) / n));
        }
    }
}

void paths_and_their_gradients(const std::vector<double>& warp) {
    std::vector<double> targets;
    gp::Regressor model = mixed_model(targets, warp);
    Philox stream({3, 4}, 5, 6);
    Path path(model, targets, stream);
    const UserPrior prior({&user_kernels::around_a_third, "density kernel 'third'"}, 6.0);
    Ensemble ensemble({Kind::draw, 2.0, {}});
    ensemble.add(model, 0.0);
    ensemble.follow(path);
    ensemble.weigh(prior, 4);
    check_gradient(ensemble, elsewhere);
    // The same path again: a level has the same frequencies, whichever was met first.
    gp::Regressor other = mixed_model(targets, warp);
    Philox again({3, 4}, 5, 6);
    Path twin(other, targets, again);
    double forwards[5];
    for (std::size_t i = 0; i < 5; ++i) forwards[i] = twin.prior({elsewhere + 4 * i, 4});
    for (std::size_t i = 5; i-- > 0;) CHECK(path.prior({elsewhere + 4 * i, 4}) == forwards[i]);
}

// Improvement over the best of what the incumbents are really worth, by plain Monte Carlo over the joint posterior.
TEST(noisy_improvement_against_monte_carlo) {
    std::vector<double> targets;
    gp::Regressor model = mixed_model(targets);
    constexpr std::size_t q = 3, m = q + 1, n = 80000;
    const std::vector<double> incumbents(elsewhere + 4, elsewhere + 4 + 4 * q);  // one still out, two told
    const double at[4] = {0.8, 0.75, 0.6, 0.75};
    std::vector<double> rows(incumbents);
    rows.insert(rows.end(), at, at + 4);
    gp::Prediction exact;
    model.predict({rows.data(), m, model.points().d()}, exact);
    std::vector<double> root(m * m);
    model.covariance({rows.data(), m, model.points().d()}, {root.data(), m, m});
    linalg::cholesky_factor(lapack, root.data(), m, m);
    Philox stream({9, 9}, 0, 0);
    double expected = 0.0;
    for (std::size_t draw = 0; draw < n; ++draw) {
        double z[m], f[m];
        for (double& v : z) v = stream.normal();
        for (std::size_t i = 0; i < m; ++i) f[i] = exact.mean[i] + gp::dot({root.data() + i * m, i + 1}, z);
        expected += std::max(0.0, *std::min_element(f, f + q) - f[q]) / n;
    }
    for (const auto& [n_draws, tolerance] : {std::pair<std::size_t, double>{2048, 0.02}, {32, 0.1}}) {
        Ensemble ensemble({Kind::log_ei, 2.0, {}});
        gp::Regressor grown = model;
        add_noisy_ei(lapack, grown, targets, {incumbents.data(), q, grown.points().d()}, n_draws, 0.0, ensemble);
        CHECK_NEAR(std::exp(check_gradient(ensemble, at)) / expected, 1.0, tolerance);
    }
}

TEST(paths_have_the_moments_of_the_posterior) {
    paths_have_the_moments_of_the_posterior({});
}

TEST(paths_have_the_moments_of_the_posterior_under_a_warp) {
    paths_have_the_moments_of_the_posterior(bent);
}

TEST(paths_and_their_gradients) {
    paths_and_their_gradients({});
}

TEST(paths_and_their_gradients_under_a_warp) {
    paths_and_their_gradients(bent);
}

}  // namespace
