#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <set>
#include <utility>
#include <vector>

#include "check.hpp"
#include "hpcore/acquisition/functions.hpp"
#include "hpcore/acquisition/path.hpp"
#include "hpcore/acquisition/suggester.hpp"
#include "hpcore/acquisition/worlds.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/normal.hpp"
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

int expected_improvement(double mean, double std, double best, double* out) {
    const double z = (best - mean) / std;
    const double cdf = normal_cdf(z), pdf = std::exp(-0.5 * z * z) / std::sqrt(2.0 * std::numbers::pi);
    out[0] = (best - mean) * cdf + std * pdf;
    out[1] = -cdf;
    out[2] = pdf;
    return kernel_ok;
}

int log_expected_improvement_of_a_user(double mean, double std, double best, double* out) {
    const Value v = log_expected_improvement(mean, std, best);
    out[0] = v.value;
    out[1] = v.by_mean;
    out[2] = v.by_std;
    return kernel_ok;
}

int around_a_third(const double* u, std::size_t d, double* out) {
    out[0] = 0.0;
    for (std::size_t j = 0; j < d; ++j) out[0] -= 8.0 * (u[j] - 1.0 / 3.0) * (u[j] - 1.0 / 3.0);
    return kernel_ok;
}

int raises(double, double, double, double*) {
    return 0;
}

int not_a_number(double, double, double, double* out) {
    out[0] = std::numeric_limits<double>::quiet_NaN();
    return kernel_ok;
}

int no_slope(double, double, double, double* out) {
    out[0] = 0.0;
    out[1] = std::numeric_limits<double>::infinity();
    out[2] = 0.0;
    return kernel_ok;
}

int nowhere(double, double, double, double* out) {
    out[0] = -std::numeric_limits<double>::infinity();
    return kernel_ok;
}

Criterion of_user(AcquisitionKernel call, bool logarithmic) {
    return {Kind::user, 2.0, {{call, "acquisition kernel 'mine'"}, logarithmic}};
}

// Two models with different length scales, a number and a conditional number.
std::vector<gp::Regressor> two_models() {
    const double off = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> rows{0.1, 0.2, 0.4, off, 0.7, 0.9, 0.9, 0.5}, y{0.3, -0.8, 0.1, 1.2};
    std::vector<gp::Regressor> models;
    for (const double length : {-1.0, -0.3}) {
        models.emplace_back(lapack, std::vector<gp::ColumnType>{{false, false}, {false, true}},
                            std::vector<double>{length, length, 0.2, -5.0, -1.0});
        models.back().assign(rows.data(), 4, nullptr);
        models.back().set_targets(y.data());
    }
    return models;
}

void test_ensembles_and_their_gradients() {
    const std::vector<gp::Regressor> models = two_models();
    const Belief belief({&around_a_third, "density kernel 'third'"}, 6.0);
    const std::vector<std::size_t> both{0, 1};
    for (const Criterion& criterion :
         {Criterion{Kind::log_ei, 2.0, {}}, Criterion{Kind::pi, 2.0, {}}, Criterion{Kind::ucb, 2.0, {}},
          of_user(&expected_improvement, false), of_user(&log_expected_improvement_of_a_user, true)})
        for (const bool weighed : {false, true}) {
            Ensemble ensemble(criterion), plain(criterion);
            for (const gp::Regressor& model : models) {
                ensemble.add(model, -0.8);
                plain.add(model, -0.8);
            }
            if (weighed) ensemble.weigh(belief, 4);
            const double at[2] = {0.3, 0.6};
            double value = 0.0, bare = 0.0, again = 0.0;
            std::vector<std::vector<double>> gradients(1);
            ensemble.values(at, 1, &value);
            plain.values(at, 1, &bare);
            ensemble.values_and_gradients(at, 1, {&both}, &again, gradients);
            CHECK_NEAR(value, again, 1e-12);
            const double log_belief =
                6.0 / 4.0 * -8.0 * ((0.3 - 1.0 / 3.0) * (0.3 - 1.0 / 3.0) + (0.6 - 1.0 / 3.0) * (0.6 - 1.0 / 3.0));
            if (weighed && criterion.kind == Kind::user && !criterion.user.logarithmic)
                CHECK_NEAR(value, bare * std::exp(log_belief), 1e-12);
            else
                CHECK_NEAR(value, bare + (weighed ? log_belief : 0.0), 1e-12);
            for (std::size_t j = 0; j < 2; ++j) {
                double up[2] = {at[0], at[1]}, down[2] = {at[0], at[1]}, above = 0.0, below = 0.0;
                up[j] += 1e-5;
                down[j] -= 1e-5;
                ensemble.values(up, 1, &above);
                ensemble.values(down, 1, &below);
                CHECK_NEAR(gradients[0][j], (above - below) / 2e-5, 1e-5 * (1.0 + std::fabs(gradients[0][j])));
            }
        }
}

void test_a_users_value_is_that_of_the_built_in() {
    const std::vector<gp::Regressor> models = two_models();
    Ensemble own({Kind::log_ei, 2.0, {}}), user(of_user(&log_expected_improvement_of_a_user, true)),
        raw(of_user(&expected_improvement, false));
    for (Ensemble* ensemble : {&own, &user, &raw})
        for (const gp::Regressor& model : models) ensemble->add(model, -0.8);
    const double at[4] = {0.3, 0.6, 0.35, std::numeric_limits<double>::quiet_NaN()};
    double a[2], b[2], c[2];
    own.values(at, 2, a);
    user.values(at, 2, b);
    raw.values(at, 2, c);
    for (int i = 0; i < 2; ++i) {
        CHECK(a[i] == b[i]);
        CHECK_NEAR(std::log(c[i]), a[i], 1e-12);
    }
}

void test_a_users_errors_are_typed() {
    const std::vector<gp::Regressor> models = two_models();
    const Belief belief({&around_a_third, "density kernel 'third'"}, 6.0);
    const double at[2] = {0.3, 0.6};
    double out = 0.0;
    for (const AcquisitionKernel call : {&raises, &not_a_number, &no_slope}) {
        Ensemble ensemble(of_user(call, false));
        ensemble.add(models[0], 0.0);
        CHECK_THROWS(ensemble.values(at, 1, &out), KernelFailed);
    }
    Ensemble empty(of_user(&nowhere, true));  // allowed: worse than anything
    empty.add(models[0], 0.0);
    empty.add(models[1], 0.0);
    empty.values(at, 1, &out);
    CHECK(out == -std::numeric_limits<double>::infinity());
    Ensemble negative(of_user(
        [](double mean, double, double, double* into) {
            into[0] = -std::fabs(mean) - 1.0;
            into[1] = into[2] = 0.0;
            return kernel_ok;
        },
        false));
    negative.add(models[0], 0.0);
    negative.values(at, 1, &out);
    negative.weigh(belief, 4);
    negative.values(at, 1, &out);
    CHECK(out == 0.0);
    CHECK_THROWS(negative.check_sign(), KernelFailed);
}

// A number, a category, a conditional number and a conditional category, with noisy observations.
gp::Regressor mixed_model(std::vector<double>& targets, const std::vector<double>& warp = {}) {
    const double off = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> rows{0.1, 0.25, 0.3, 0.25, 0.9, 0.75, off, off,
                                   0.5, 0.25, 0.8, 0.75, 0.3, 0.25, off, 0.25};
    targets = {0.3, -0.8, 0.5, 1.2};
    gp::Regressor model(lapack, {{false, false}, {true, false}, {false, true}, {true, true}},
                        {-1.0, 0.2, -0.6, 0.1, 0.3, -1.5, -1.0});
    if (!warp.empty()) model.set_warp(gp::Warp(model.points().columns(), warp));
    model.assign(rows.data(), 4, nullptr);
    model.set_targets(targets.data());
    return model;
}

const double elsewhere[20] = {0.2,
                              0.25,
                              0.4,
                              0.75,
                              0.7,
                              0.75,
                              0.6,
                              std::numeric_limits<double>::quiet_NaN(),
                              0.55,
                              0.25,
                              std::numeric_limits<double>::quiet_NaN(),
                              0.25,
                              0.1,
                              0.25,
                              0.3,
                              0.25,
                              0.95,
                              0.25,
                              0.1,
                              0.25};

const std::vector<double> bent{0.4, -0.3, -0.2, 0.5};

void test_paths_have_the_moments_of_the_posterior(const std::vector<double>& warp) {
    std::vector<double> targets;
    gp::Regressor model = mixed_model(targets, warp);
    constexpr std::size_t m = 5, n = 4000;
    gp::Prediction exact, update;
    model.predict(elsewhere, m, exact);
    double covariance[m * m], mean[m] = {}, square[m * m] = {};
    model.covariance(elsewhere, m, covariance);
    Philox stream({3, 4}, 5, 6);
    for (std::size_t draw = 0; draw < n; ++draw) {
        const Path path(model, targets, stream, 96);
        model.predict_mean(elsewhere, m, false, update);
        double gap[m];
        for (std::size_t i = 0; i < m; ++i) {
            gap[i] = update.mean[i] + path.prior(elsewhere + 4 * i) - exact.mean[i];
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

void test_paths_and_their_gradients(const std::vector<double>& warp) {
    std::vector<double> targets;
    gp::Regressor model = mixed_model(targets, warp);
    Philox stream({3, 4}, 5, 6);
    const Path path(model, targets, stream);
    const Belief belief({&around_a_third, "density kernel 'third'"}, 6.0);
    Ensemble ensemble({Kind::draw, 2.0, {}});
    ensemble.add(model, 0.0);
    ensemble.follow(path);
    ensemble.weigh(belief, 4);
    const std::vector<std::size_t> columns{0, 2};
    double value = 0.0, again = 0.0, above = 0.0, below = 0.0;
    std::vector<std::vector<double>> gradients(1);
    ensemble.values(elsewhere, 1, &value);
    ensemble.values_and_gradients(elsewhere, 1, {&columns}, &again, gradients);
    CHECK_NEAR(value, again, 1e-12);
    for (std::size_t t = 0; t < 2; ++t) {
        double up[4], down[4];
        std::copy(elsewhere, elsewhere + 4, up);
        std::copy(elsewhere, elsewhere + 4, down);
        up[columns[t]] += 1e-5;
        down[columns[t]] -= 1e-5;
        ensemble.values(up, 1, &above);
        ensemble.values(down, 1, &below);
        CHECK_NEAR(gradients[0][t], (above - below) / 2e-5, 1e-5 * (1.0 + std::fabs(gradients[0][t])));
    }
    // The same level has the same frequencies, whichever was met first.
    CHECK(path.prior(elsewhere + 16) == path.prior(elsewhere + 16));
}

// Improvement over the best of what the incumbents are really worth, by plain Monte Carlo over the joint posterior.
void test_noisy_improvement_against_monte_carlo() {
    std::vector<double> targets;
    gp::Regressor model = mixed_model(targets);
    constexpr std::size_t q = 3, m = q + 1, n = 200000;
    const std::vector<double> incumbents(elsewhere + 4, elsewhere + 4 + 4 * q);  // one still out, two told
    const double at[4] = {0.8, 0.75, 0.6, 0.75};
    std::vector<double> rows(incumbents);
    rows.insert(rows.end(), at, at + 4);
    gp::Prediction exact;
    model.predict(rows.data(), m, exact);
    std::vector<double> root(m * m);
    model.covariance(rows.data(), m, root.data());
    linalg::cholesky_factor(lapack, root.data(), m, m);
    Philox stream({9, 9}, 0, 0);
    double expected = 0.0;
    for (std::size_t draw = 0; draw < n; ++draw) {
        double z[m], f[m];
        for (double& v : z) v = stream.normal();
        for (std::size_t i = 0; i < m; ++i) f[i] = exact.mean[i] + gp::dot(root.data() + i * m, z, i + 1);
        expected += std::max(0.0, *std::min_element(f, f + q) - f[q]) / n;
    }
    for (const auto& [worlds, tolerance] : {std::pair<std::size_t, double>{2048, 0.02}, {32, 0.1}}) {
        Ensemble ensemble({Kind::log_ei, 2.0, {}});
        gp::Regressor grown = model;
        add_worlds(lapack, grown, targets, incumbents.data(), q, worlds, 0.0, ensemble);
        double value = 0.0, again = 0.0;
        ensemble.values(at, 1, &value);
        CHECK_NEAR(std::exp(value) / expected, 1.0, tolerance);
        const std::vector<std::size_t> columns{0, 2};
        std::vector<std::vector<double>> gradients(1);
        ensemble.values_and_gradients(at, 1, {&columns}, &again, gradients);
        for (std::size_t t = 0; t < 2; ++t) {
            double up[4] = {at[0], at[1], at[2], at[3]}, down[4] = {at[0], at[1], at[2], at[3]}, above = 0.0,
                   below = 0.0;
            up[columns[t]] += 1e-5;
            down[columns[t]] -= 1e-5;
            ensemble.values(up, 1, &above);
            ensemble.values(down, 1, &below);
            CHECK_NEAR(gradients[0][t], (above - below) / 2e-5, 1e-5 * (1.0 + std::fabs(gradients[0][t])));
        }
    }
}

}  // namespace

int main() {
    test_functions_and_their_derivatives();
    test_a_finite_space_is_seen_once_and_whole();
    test_a_new_suggester_says_what_the_old_one_says();
    test_batches_differ_and_obey_constraints();
    test_schedule_and_subset();
    test_ensembles_and_their_gradients();
    test_a_users_value_is_that_of_the_built_in();
    test_a_users_errors_are_typed();
    for (const std::vector<double>& warp : {std::vector<double>{}, bent}) {
        test_paths_have_the_moments_of_the_posterior(warp);
        test_paths_and_their_gradients(warp);
    }
    test_noisy_improvement_against_monte_carlo();
    return check::result();
}
