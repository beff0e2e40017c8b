// The Gaussian process of learning curves against the formula of fidelity/covariance.hpp, written down once more for a
// pair of rows and put into plain dense algebra.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <numeric>
#include <vector>

#include "check.hpp"
#include "differences.hpp"
#include "hpcore/acquisition/functions.hpp"
#include "hpcore/fidelity/fit.hpp"
#include "hpcore/fidelity/log_posterior.hpp"
#include "hpcore/fidelity/model.hpp"
#include "hpcore/fidelity/search.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"
#include "mixed_rows.hpp"
#include "spaces.hpp"

using namespace hpcore;
using namespace hpcore::fidelity;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();
constexpr std::size_t d = 4;
constexpr std::size_t n_configurations = 7;

// Four length scales, signal, noise, height of inactive; drift, stretch, common, memory, offset, own, jump.
const std::vector<double> theta{-0.7, 0.2,  -0.3, 0.4, 0.3,  -4.0, -1.2,  //
                                -0.5, -0.2, -0.8, -1., -3.0, -2.0, -2.5};

Prior all_free() {
    Prior prior = Prior::standard(d);
    prior.own = {-4.0, 1.5, -12.0, 2.0};
    prior.jump = {-5.0, 1.5, -12.0, 2.0};
    return prior;
}

struct Observed {
    std::size_t of;
    double u;
};

// Curves of different lengths; the last configuration is seen at full fidelity only.
std::vector<Observed> observed() {
    std::vector<Observed> out;
    for (std::size_t p = 0; p + 1 < n_configurations; ++p)
        for (std::size_t l = 0; l <= p % 4; ++l) out.push_back({p, static_cast<double>(l) / 3.0});
    out.push_back({n_configurations - 1, 1.0});
    return out;
}

fidelity::Rows to_rows(const std::vector<double>& X, const std::vector<Observed>& data) {
    fidelity::Rows rows(mixed::types);
    for (std::size_t p = 0; p < X.size() / d; ++p) rows.add_configuration({X.data() + p * d, d});
    for (const Observed& o : data) rows.add(o.of, o.u);
    return rows;
}

std::vector<double> values(const std::vector<double>& X, const std::vector<Observed>& data) {
    std::vector<double> y;
    for (const Observed& o : data) y.push_back(std::sin(5.0 * X[o.of * d]) + (1.0 - o.u) * X[o.of * d + 1]);
    return y;
}

double matern52(double s2) {
    const double s = std::sqrt(s2);
    return (1.0 + s + s2 / 3.0) * std::exp(-s);
}

// The covariance without n; `same` says that both are the same configuration.
double covariance(const double* x, double u, const double* z, double v, bool same, const std::vector<double>& at) {
    const double height = std::exp(at[d + 2]);
    double s2 = 0.0;
    for (std::size_t j = 0; j < d; ++j) {
        const bool on_x = !std::isnan(x[j]), on_z = !std::isnan(z[j]);
        double distance = 0.0;
        if (mixed::types[j].categorical) {
            if (on_x && on_z) distance = x[j] == z[j] ? 0.0 : 1.0;
            if (on_x != on_z) distance = 0.5 + height;
        } else {
            const double gap = (on_x ? x[j] : 0.5) - (on_z ? z[j] : 0.5);
            distance = gap * gap + (on_x != on_z ? height : 0.0);
        }
        s2 += 5.0 * distance / std::exp(2.0 * at[j]);
    }
    const double* drift = at.data() + d + 3;
    const double g = std::exp(drift[0]), rho = std::exp(drift[1]), c = std::exp(drift[2]), lt = std::exp(drift[3]);
    const double T = (1.0 - u) * (1.0 - v) * matern52(5.0 * (u - v) * (u - v) / (lt * lt)) +
                     (u < 1.0 && v < 1.0 ? std::exp(drift[6]) : 0.0);
    return 1.0 + std::exp(at[d]) * matern52(s2) + (same ? std::exp(drift[4]) : 0.0) +
           (c + g * matern52(s2 / (rho * rho)) + (same ? std::exp(drift[5]) : 0.0)) * T;
}

using Matrix = std::vector<std::vector<double>>;

// A^-1 b, by elimination with pivots; and log |det A|.
std::vector<double> solve(Matrix A, std::vector<double> b, double* log_determinant = nullptr) {
    const std::size_t n = A.size();
    double sum = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
        std::size_t pivot = k;
        for (std::size_t i = k + 1; i < n; ++i)
            if (std::fabs(A[i][k]) > std::fabs(A[pivot][k])) pivot = i;
        std::swap(A[k], A[pivot]);
        std::swap(b[k], b[pivot]);
        sum += std::log(std::fabs(A[k][k]));
        for (std::size_t i = k + 1; i < n; ++i) {
            const double f = A[i][k] / A[k][k];
            for (std::size_t j = k; j < n; ++j) A[i][j] -= f * A[k][j];
            b[i] -= f * b[k];
        }
    }
    for (std::size_t k = n; k-- > 0;) {
        for (std::size_t j = k + 1; j < n; ++j) b[k] -= A[k][j] * b[j];
        b[k] /= A[k][k];
    }
    if (log_determinant != nullptr) *log_determinant = sum;
    return b;
}

Matrix dense(const std::vector<double>& X, const std::vector<Observed>& data, const std::vector<double>& at) {
    Matrix K(data.size(), std::vector<double>(data.size()));
    for (std::size_t i = 0; i < data.size(); ++i)
        for (std::size_t j = 0; j < data.size(); ++j)
            K[i][j] = covariance(X.data() + data[i].of * d, data[i].u, X.data() + data[j].of * d, data[j].u,
                                 data[i].of == data[j].of, at) +
                      (i == j ? std::exp(at[d + 1]) : 0.0);
    return K;
}

TEST(density_is_that_of_dense_algebra) {
    const std::vector<double> X = mixed::rows(n_configurations, 3);
    const std::vector<Observed> data = observed();
    const std::vector<double> y = values(X, data);
    const fidelity::Rows rows = to_rows(X, data);
    const Prior prior = all_free();
    double log_determinant = 0.0;
    const std::vector<double> alpha = solve(dense(X, data, theta), y, &log_determinant);
    double expected = -0.5 * (std::inner_product(y.begin(), y.end(), alpha.begin(), 0.0) + log_determinant +
                              static_cast<double>(y.size()) * std::log(2.0 * std::numbers::pi));
    const Layout layout(mixed::types);
    CHECK(layout.size() == theta.size());
    for (std::size_t i = 0; i < theta.size(); ++i) {
        const double z = (theta[i] - prior.of(layout, i).mean) / prior.of(layout, i).std;
        expected -= 0.5 * z * z;
    }
    LogPosterior posterior(lapack, rows, y, prior);
    CHECK_NEAR(posterior(theta), expected, 1e-9);
}

TEST(gradient_is_that_of_differences) {
    const std::vector<double> X = mixed::rows(n_configurations, 3);
    const std::vector<double> y = values(X, observed());
    const fidelity::Rows rows = to_rows(X, observed());
    const Prior prior = all_free();
    LogPosterior posterior(lapack, rows, y, prior);
    std::vector<double> gradient(theta.size());
    std::vector<std::size_t> all(theta.size());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const double value = posterior(theta, gradient);
    CHECK_NEAR(value, posterior(theta), 1e-12);
    const auto expected = differences::central([&](Column at) { return posterior(at); }, theta, all);
    for (std::size_t i = 0; i < theta.size(); ++i) CHECK_NEAR(gradient[i], expected[i], 1e-6);
    // A hyperparameter that is fixed does not move.
    LogPosterior fixed(lapack, rows, y, Prior::standard(d));
    fixed(theta, gradient);
    CHECK(gradient[theta.size() - 1] == 0.0 && gradient[theta.size() - 2] == 0.0);
}

TEST(fit_is_a_function_of_its_arguments) {
    const std::vector<double> X = mixed::rows(n_configurations, 3);
    const std::vector<double> y = values(X, observed());
    const fidelity::Rows rows = to_rows(X, observed());
    const Prior prior = all_free();
    LogPosterior posterior(lapack, rows, y, prior);
    const std::vector<double> fitted = fit_map(lapack, rows, y, prior, 40, {});
    CHECK(fitted == fit_map(lapack, rows, y, prior, 40, {}));
    CHECK(posterior(fitted) > posterior(theta));
    const std::vector<double> again = fit_map(lapack, rows, y, prior, 15, fitted);
    CHECK(posterior(again) >= posterior(fitted));
    const std::vector<double> standard = fit_map(lapack, rows, y, Prior::standard(d), 40, {});
    CHECK(standard[theta.size() - 1] == -40.0);
    CHECK(fit_map(lapack, fidelity::Rows(mixed::types), {}, prior, 40, {}).size() == theta.size());
}

TEST(posterior_is_that_of_dense_algebra) {
    const std::vector<double> X = mixed::rows(n_configurations, 3), others = mixed::rows(5, 8);
    const std::vector<Observed> data = observed();
    const std::vector<double> y = values(X, data);
    Model model(lapack, mixed::types);
    model.assign(theta, to_rows(X, data), y);
    const Matrix K = dense(X, data, theta);
    const auto check = [&](const double* x, double u, std::size_t of, const Normal& found) {
        std::vector<double> k;
        for (const Observed& o : data) k.push_back(covariance(x, u, X.data() + o.of * d, o.u, o.of == of, theta));
        const std::vector<double> w = solve(K, k);
        CHECK_NEAR(found.mean, std::inner_product(w.begin(), w.end(), y.begin(), 0.0), 1e-9);
        CHECK_NEAR(found.variance,
                   covariance(x, u, x, u, true, theta) - std::inner_product(w.begin(), w.end(), k.begin(), 0.0), 1e-9);
    };
    for (std::size_t p = 0; p < n_configurations; ++p) {
        check(X.data() + p * d, 1.0, p, model.at_full(p));
        for (const double u : {0.0, 0.4, 1.0}) check(X.data() + p * d, u, p, model.at(p, u));
    }
    std::vector<Normal> found(5);
    model.at_full({others.data(), 5, d}, found);
    for (std::size_t i = 0; i < 5; ++i) check(others.data() + i * d, 1.0, n_configurations, found[i]);
}

TEST(the_process_over_configurations_is_the_posterior_at_full_fidelity) {
    const std::vector<double> X = mixed::rows(n_configurations, 3), others = mixed::rows(5, 8);
    const std::vector<double> y = values(X, observed());
    Model model(lapack, mixed::types);
    model.assign(theta, to_rows(X, observed()), y);
    std::vector<Normal> found(5);
    model.at_full({others.data(), 5, d}, found);
    gp::Prediction prediction;
    model.regressor().predict({others.data(), 5, d}, prediction);
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK_NEAR(prediction.mean[i], found[i].mean, 1e-9);
        CHECK_NEAR(prediction.variance[i] + std::exp(theta[d + 7]), found[i].variance, 1e-9);
    }
}

// A job that runs is a row at its own posterior mean.
TEST(running_jobs_enter_at_their_mean) {
    const std::vector<double> X = mixed::rows(n_configurations, 3), others = mixed::rows(5, 8);
    std::vector<Observed> data = observed();
    std::vector<double> y = values(X, data);
    Model before(lapack, mixed::types), after(lapack, mixed::types), told(lapack, mixed::types);
    before.assign(theta, to_rows(X, data), y);
    const std::size_t n_known = y.size();
    data.push_back({1, 1.0});
    y.push_back(before.at_full(1).mean);
    after.assign(theta, to_rows(X, data), {y.data(), n_known});
    told.assign(theta, to_rows(X, data), {y.data(), n_known + 1});
    CHECK(after.at_full(1).variance < before.at_full(1).variance);
    std::vector<Normal> a(5), b(5), c(5);
    before.at_full({others.data(), 5, d}, a);
    after.at_full({others.data(), 5, d}, b);
    told.at_full({others.data(), 5, d}, c);
    for (std::size_t i = 0; i < 5; ++i) {
        CHECK_NEAR(b[i].mean, a[i].mean, 1e-9);
        CHECK_NEAR(b[i].mean, c[i].mean, 1e-9);
        CHECK_NEAR(b[i].variance, c[i].variance, 1e-9);
        CHECK(b[i].variance <= a[i].variance);
    }
}

TEST(proposals_are_new_allowed_and_better_than_random_rows) {
    const auto codec = spaces::codec({{}, {}, spaces::choice(3), spaces::when(2, {1}, {})});
    const acquisition::MoveSet moves(codec, {false, false, true, false}, 21);
    Philox drawn({9, 9}, 0, 0);
    fidelity::Rows rows(moves.types());
    std::vector<space::Value> scratch(4);
    acquisition::Seen seen;
    std::vector<double> y;
    for (std::size_t p = 0; p < 12; ++p) {
        std::vector<double> full(4), row(4);
        drawn.fill_uniform(full);
        moves.snap(full, row, scratch);
        rows.add_configuration(row);
        rows.add(p, 1.0);
        seen.insert(row);
        y.push_back(std::pow(row[0] - 0.3, 2.0) + std::pow(row[1] - 0.6, 2.0) + (row[2] < 0.4 ? 0.0 : 0.2));
    }
    Model model(lapack, moves.types());
    model.assign({-0.7, -0.7, 0.0, 0.0, 0.0, -6.0, -1.2, -0.5, 0.0, -1.0, -0.5, -6.0, -40.0, -40.0}, std::move(rows),
                 y);
    const acquisition::Feasible right = [](hpcore::Rows X, std::span<bool> allowed) {
        for (std::size_t i = 0; i < X.n; ++i) allowed[i] = X(i, 0) > 0.35;
    };
    Philox one({1, 2}, 3, 4), same({1, 2}, 3, 4), other({1, 2}, 3, 4);
    const Proposal found = propose(model, moves, {}, {}, seen, {}, {}, one);
    CHECK(found.row == propose(model, moves, {}, {}, seen, {}, {}, same).row);
    CHECK(!seen.contains(found.row));
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t p = 0; p < 12; ++p) best = std::min(best, model.at_full(p).mean);
    const auto improvement = [&](const Normal& at) {
        return acquisition::log_expected_improvement(at.mean, std::sqrt(at.variance), best).value;
    };
    for (int i = 0; i < 100; ++i) {
        std::vector<double> full(4), row(4);
        drawn.fill_uniform(full);
        moves.snap(full, row, scratch);
        Normal at;
        model.at_full({row.data(), 1, 4}, {&at, 1});
        CHECK(improvement(at) <= improvement(found.at_full));
    }
    CHECK(propose(model, moves, {}, {}, seen, right, {}, other).row[0] > 0.35);
    const acquisition::Feasible never = [](hpcore::Rows, std::span<bool> allowed) {
        std::ranges::fill(allowed, false);
    };
    CHECK(propose(model, moves, {}, {}, seen, never, {}, other).row.empty());
}

}  // namespace
