// The Gaussian process against the formulas of gp/covariance.hpp, written down once more for a pair of rows and put
// into plain dense algebra: with the built-in covariance, and with a user's.

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

#include "check.hpp"
#include "differences.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/user_covariance.hpp"
#include "hpcore/gp/warp.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"
#include "mixed_rows.hpp"
#include "user_kernels.hpp"

using namespace hpcore;
using namespace hpcore::gp;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();

using User = std::shared_ptr<const UserCovariance>;
using Matrix = std::vector<std::vector<double>>;

using mixed::types;
constexpr std::size_t d = 4;

std::vector<double> some_targets(const std::vector<double>& rows) {
    std::vector<double> y;
    for (std::size_t i = 0; i < rows.size() / d; ++i) y.push_back(std::sin(6.0 * rows[i * d]) + rows[i * d + 1]);
    return y;
}

User tilted(bool logarithmic) {
    return std::make_shared<UserCovariance>(Kernel<CovarianceKernel>{&user_kernels::tilted, "covariance kernel"}, 2,
                                            logarithmic);
}

// Length scales, signal, noise, height of inactive; a user's two as they are, or as logarithms.
std::vector<double> theta_of(const User& user) {
    std::vector<double> theta{-0.7, 0.2, -0.3, 0.4, 0.3, -4.0, -1.2};
    if (user) {
        theta.push_back(user->logarithmic() ? std::log(0.4) : 0.4);
        theta.push_back(user->logarithmic() ? std::log(0.7) : 0.7);
    }
    return theta;
}

Prior prior_of(const User& user) {
    Prior prior = Prior::standard(d);
    if (user)
        prior.user.assign(2, user->logarithmic() ? LogNormal{-1.0, 1.0, -4.0, 2.0} : LogNormal{0.5, 0.5, 0.05, 4.0});
    return prior;
}

double covariance(const double* u, const double* v, const std::vector<double>& theta, const User& user) {
    const double height = std::exp(theta[d + 2]);
    double s2 = 0.0;
    for (std::size_t j = 0; j < d; ++j) {
        const bool on_u = !std::isnan(u[j]), on_v = !std::isnan(v[j]);
        double distance = 0.0;
        if (types[j].categorical) {
            if (on_u && on_v) distance = u[j] == v[j] ? 0.0 : 1.0;
            if (on_u != on_v) distance = 0.5 + height;
        } else {
            const double gap = (on_u ? u[j] : 0.5) - (on_v ? v[j] : 0.5);
            distance = (user ? 0.0 : gap * gap) + (on_u != on_v ? height : 0.0);
        }
        s2 += 5.0 * distance / std::exp(2.0 * theta[j]);
    }
    double kappa = 1.0;
    if (user) {
        const double l = user->logarithmic() ? std::exp(theta[d + 3]) : theta[d + 3];
        const double a = user->logarithmic() ? std::exp(theta[d + 4]) : theta[d + 4];
        double square = 0.0, product = 0.0;
        for (const std::size_t j : {std::size_t{0}, std::size_t{2}}) {
            const double x = std::isnan(u[j]) ? 0.5 : u[j], y = std::isnan(v[j]) ? 0.5 : v[j];
            square += (x - y) * (x - y);
            product += x * y;
        }
        kappa = (1.0 + a * product) * std::exp(-0.5 * square / (l * l));
    }
    const double s = std::sqrt(s2);
    return 1.0 + std::exp(theta[d]) * kappa * (1.0 + s + s2 / 3.0) * std::exp(-s);
}

Matrix covariances(const std::vector<double>& a, const std::vector<double>& b, const std::vector<double>& theta,
                   const User& user) {
    Matrix out(a.size() / d, std::vector<double>(b.size() / d));
    for (std::size_t i = 0; i < out.size(); ++i)
        for (std::size_t k = 0; k < out[i].size(); ++k)
            out[i][k] = covariance(a.data() + i * d, b.data() + k * d, theta, user);
    return out;
}

// A^-1 B' by elimination with pivots, a row of B a right-hand side; and log |det A|.
Matrix solve(Matrix A, Matrix B, double& log_determinant) {
    const std::size_t n = A.size();
    log_determinant = 0.0;
    for (std::size_t k = 0; k < n; ++k) {
        std::size_t pivot = k;
        for (std::size_t i = k + 1; i < n; ++i)
            if (std::fabs(A[i][k]) > std::fabs(A[pivot][k])) pivot = i;
        std::swap(A[k], A[pivot]);
        for (std::vector<double>& b : B) std::swap(b[k], b[pivot]);
        log_determinant += std::log(std::fabs(A[k][k]));
        for (std::size_t i = k + 1; i < n; ++i) {
            const double f = A[i][k] / A[k][k];
            for (std::size_t c = k; c < n; ++c) A[i][c] -= f * A[k][c];
            for (std::vector<double>& b : B) b[i] -= f * b[k];
        }
    }
    for (std::vector<double>& b : B)
        for (std::size_t k = n; k-- > 0;) {
            for (std::size_t c = k + 1; c < n; ++c) b[k] -= A[k][c] * b[c];
            b[k] /= A[k][k];
        }
    return B;
}

double product(const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
}

// K + noise of the rows.
Matrix noisy(const std::vector<double>& rows, const std::vector<double>& theta, const User& user,
             const std::vector<double>& known) {
    Matrix K = covariances(rows, rows, theta, user);
    for (std::size_t i = 0; i < K.size(); ++i) K[i][i] += std::exp(theta[d + 1]) + (known.empty() ? 0.0 : known[i]);
    return K;
}

void check_likelihood(const User& user) {
    constexpr std::size_t n = 14;
    const std::vector<double> rows = mixed::rows(n, 1), y = some_targets(rows), theta = theta_of(user);
    std::vector<double> known;
    for (std::size_t i = 0; i < n; ++i) known.push_back(0.01 * static_cast<double>(i % 4));
    Points points(types, user);
    for (std::size_t i = 0; i < n; ++i) points.append({rows.data() + i * d, d});
    LogPosterior posterior(lapack, points, y, known, prior_of(user));
    CHECK(posterior.layout().size() == theta.size());
    double log_determinant = 0.0;
    const Matrix alpha = solve(noisy(rows, theta, user, known), {y}, log_determinant);
    const double expected = -0.5 * (product(y, alpha[0]) + log_determinant + n * std::log(2.0 * std::numbers::pi));
    std::vector<double> gradient(theta.size());
    CHECK_NEAR(posterior.likelihood(theta, gradient), expected, 1e-9);
    CHECK_NEAR(posterior.likelihood(theta, {}), expected, 1e-9);
    std::vector<std::size_t> all;
    for (std::size_t i = 0; i < theta.size(); ++i) all.push_back(i);
    const std::vector<double> slopes =
        differences::central([&](Column t) { return posterior.likelihood(t, {}); }, theta, all);
    for (const std::size_t i : all) {
        CHECK_NEAR(gradient[i], slopes[i], 1e-5 * (1.0 + std::fabs(slopes[i])));
        if (!posterior.layout().used(i)) CHECK(gradient[i] == 0.0);
    }
    CHECK(posterior.layout().used(0) == !user);  // the length scale of a number that a user's covariance sees
}

// More rows than the points have room for at first, and asked about at once and one by one.
void check_posterior(const User& user) {
    constexpr std::size_t n = 70, m = 6;
    const std::vector<double> rows = mixed::rows(n, 2), asked = mixed::rows(m, 3), y = some_targets(rows),
                              theta = theta_of(user);
    const Matrix K = noisy(rows, theta, user, {}), k = covariances(asked, rows, theta, user),
                 prior = covariances(asked, asked, theta, user);
    double unused = 0.0;
    const std::vector<double> alpha = solve(K, {y}, unused)[0];
    const Matrix w = solve(K, k, unused);
    Regressor model(lapack, types, theta, user), grown(lapack, types, theta, user);
    model.assign({rows.data(), n, d});
    grown.assign({rows.data(), 20, d});
    for (std::size_t i = 20; i < n; ++i) grown.append({rows.data() + i * d, d}, 0.0);
    grown.append({asked.data(), d}, 0.0);  // taken back
    grown.truncate(n);
    Prediction out;
    std::vector<double> joint(m * m), fitted(n);
    for (Regressor* regressor : {&model, &grown}) {
        regressor->set_targets(y);
        regressor->predict({asked.data(), m, d}, out);
        regressor->covariance({asked.data(), m, d}, {joint.data(), m, m});
        for (std::size_t i = 0; i < m; ++i) {
            CHECK_NEAR(out.mean[i], product(k[i], alpha), 1e-9);
            CHECK_NEAR(out.variance[i], prior[i][i] - product(k[i], w[i]), 1e-9);
            for (std::size_t l = 0; l < m; ++l) CHECK_NEAR(joint[i * m + l], prior[i][l] - product(k[i], w[l]), 1e-9);
        }
        regressor->fitted(y, fitted);
        regressor->predict_mean({rows.data(), n, d}, false, out);
        for (std::size_t i = 0; i < n; ++i) CHECK_NEAR(fitted[i], out.mean[i], 1e-9);
    }
}

void check_posterior_gradient(const User& user, const std::vector<double>& bend) {
    constexpr std::size_t n = 20, m = 5;
    const std::vector<double> rows = mixed::rows(n, 2), asked = mixed::rows(m, 4), y = some_targets(rows);
    Regressor model(lapack, types, theta_of(user), user);
    if (!bend.empty()) model.set_warp(Warp(types, bend));
    model.assign({rows.data(), n, d});
    model.set_targets(y);
    Prediction p, scratch;
    model.predict_for_gradient({asked.data(), m, d}, p);
    for (std::size_t i = 0; i < m; ++i) {
        const double* row = asked.data() + i * d;
        std::vector<std::size_t> columns{0};
        if (!std::isnan(row[2])) columns.push_back(2);
        std::vector<double> gradient(columns.size());
        model.gradient({asked.data(), m, d}, i, 2.0, -3.0, columns, p, gradient);
        const std::vector<double> slopes = differences::central(
            [&](Column u) {
                model.predict({u.data(), 1, d}, scratch);
                return 2.0 * scratch.mean[0] - 3.0 * scratch.variance[0];
            },
            {row, row + d}, columns);
        for (std::size_t t = 0; t < columns.size(); ++t)
            CHECK_NEAR(gradient[t], slopes[t], 1e-5 * (1.0 + std::fabs(slopes[t])));
    }
}

TEST(a_users_errors_are_typed) {
    const double x[2] = {0.1, 0.2}, Y[4] = {0.3, 0.4, 0.5, 0.6}, theta[2] = {0.4, 0.7};
    double k[2], by_theta[4], by_x[4];
    const UserCovariance::Wanted all{k, {by_theta, 2, 2}, {by_x, 2, 2}};
    const struct {
        CovarianceKernel call;
        std::string message;
    } cases[] = {
        {&user_kernels::raises, "covariance kernel 'mine' raised an error"},
        {&user_kernels::not_a_number<want_value>, "covariance kernel 'mine' answered NaN"},
        {&user_kernels::not_a_number<want_by_theta>,
         "covariance kernel 'mine' answered infinity as a derivative in theta"},
        {&user_kernels::not_a_number<want_by_x>, "covariance kernel 'mine' answered infinity as a derivative in x"},
    };
    for (const auto& given : cases) {
        const UserCovariance user({given.call, "covariance kernel 'mine'"}, 2, false);
        user.evaluate(x, {Y, 0, 2}, theta, all);  // nothing to ask
        std::string said;
        try {
            user.evaluate(x, {Y, 2, 2}, theta, all);
        } catch (const KernelFailed& error) {
            said = error.what();
        }
        CHECK(said == given.message);
    }
}

// From the prior's median the steps climb a lesser peak; a probe shows the way to the true one.
TEST(a_fit_finds_the_period) {
    const auto user = std::make_shared<UserCovariance>(
        Kernel<CovarianceKernel>{&user_kernels::periodic, "covariance kernel"}, 1, true);
    Points points({{false, false}}, user);
    std::vector<double> y;
    constexpr double period = 0.29;
    for (int i = 0; i < 25; ++i) {
        const double u = (i * 7 % 25 + 0.5) / 25.0;
        points.append({&u, 1});
        y.push_back(std::sin(2.0 * std::numbers::pi * u / period));
    }
    FitOptions options;
    options.prior = Prior::standard(1);
    options.prior.user = {{std::log(0.45), 0.5, std::log(0.05), std::log(0.55)}};  // below twice the period
    options.several_starts_until = 0;
    options.n_probes = 0;
    const std::vector<double> stuck = fit_map(lapack, points, y, {}, options);
    options.n_probes = 40;
    const std::vector<double> found = fit_map(lapack, points, y, {}, options);
    LogPosterior posterior(lapack, points, y, {}, options.prior);
    CHECK(posterior(found) > posterior(stuck) + 1.0);
    CHECK_NEAR(std::exp(found.back()), period, 0.005);
    CHECK(fit_map(lapack, points, y, {}, options, Deadline::in(0.0)).empty());
}

TEST(likelihood) {
    for (const User& user : {User{}, tilted(false), tilted(true)}) check_likelihood(user);
}

TEST(posterior) {
    for (const User& user : {User{}, tilted(false), tilted(true)}) check_posterior(user);
}

TEST(posterior_gradient) {
    for (const User& user : {User{}, tilted(false), tilted(true)})
        for (const std::vector<double>& bend : {std::vector<double>{}, {0.4, -0.3, -0.2, 0.5}})
            check_posterior_gradient(user, bend);
}

}  // namespace
