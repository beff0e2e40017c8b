#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "check.hpp"
#include "differences.hpp"
#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/acquisition/ensemble.hpp"
#include "hpcore/acquisition/functions.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/normal.hpp"
#include "user_kernels.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();

TEST(functions_and_their_derivatives) {
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
        models.back().assign({rows.data(), 4, 2});
        models.back().set_targets(y);
    }
    return models;
}

TEST(ensembles_and_their_gradients) {
    const std::vector<gp::Regressor> models = two_models();
    const UserPrior prior({&user_kernels::around_a_third, "density kernel 'third'"}, 6.0);
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
            if (weighed) ensemble.weigh(prior, 4);
            const double at[2] = {0.3, 0.6};
            double value = 0.0, bare = 0.0, again = 0.0;
            std::vector<std::vector<double>> gradients(1);
            ensemble.values({at, 1, 2}, {&value, 1});
            plain.values({at, 1, 2}, {&bare, 1});
            ensemble.values_and_gradients({at, 1, 2}, {&both}, {&again, 1}, gradients);
            CHECK_NEAR(value, again, 1e-12);
            const double log_prior =
                6.0 / 4.0 * -8.0 * ((0.3 - 1.0 / 3.0) * (0.3 - 1.0 / 3.0) + (0.6 - 1.0 / 3.0) * (0.6 - 1.0 / 3.0));
            if (weighed && criterion.kind == Kind::user && !criterion.user.logarithmic)
                CHECK_NEAR(value, bare * std::exp(log_prior), 1e-12);
            else
                CHECK_NEAR(value, bare + (weighed ? log_prior : 0.0), 1e-12);
            const std::vector<double> slopes = differences::central(
                [&](Column u) {
                    double v = 0.0;
                    ensemble.values({u.data(), 1, 2}, {&v, 1});
                    return v;
                },
                {at[0], at[1]}, both);
            for (std::size_t j = 0; j < 2; ++j)
                CHECK_NEAR(gradients[0][j], slopes[j], 1e-5 * (1.0 + std::fabs(slopes[j])));
        }
}

TEST(a_users_value_is_that_of_the_built_in) {
    const std::vector<gp::Regressor> models = two_models();
    Ensemble own({Kind::log_ei, 2.0, {}}), user(of_user(&log_expected_improvement_of_a_user, true)),
        raw(of_user(&expected_improvement, false));
    for (Ensemble* ensemble : {&own, &user, &raw})
        for (const gp::Regressor& model : models) ensemble->add(model, -0.8);
    const double at[4] = {0.3, 0.6, 0.35, std::numeric_limits<double>::quiet_NaN()};
    double a[2], b[2], c[2];
    own.values({at, 2, 2}, a);
    user.values({at, 2, 2}, b);
    raw.values({at, 2, 2}, c);
    for (int i = 0; i < 2; ++i) {
        CHECK(a[i] == b[i]);
        CHECK_NEAR(std::log(c[i]), a[i], 1e-12);
    }
}

TEST(a_users_errors_are_typed) {
    const std::vector<gp::Regressor> models = two_models();
    const UserPrior prior({&user_kernels::around_a_third, "density kernel 'third'"}, 6.0);
    const double at[2] = {0.3, 0.6};
    double out = 0.0;
    for (const AcquisitionKernel call : {&raises, &not_a_number, &no_slope}) {
        Ensemble ensemble(of_user(call, false));
        ensemble.add(models[0], 0.0);
        CHECK_THROWS(ensemble.values({at, 1, 2}, {&out, 1}), KernelFailed);
    }
    Ensemble empty(of_user(&nowhere, true));  // allowed: worse than anything
    empty.add(models[0], 0.0);
    empty.add(models[1], 0.0);
    empty.values({at, 1, 2}, {&out, 1});
    CHECK(out == -std::numeric_limits<double>::infinity());
    Ensemble negative(of_user(
        [](double mean, double, double, double* into) {
            into[0] = -std::fabs(mean) - 1.0;
            into[1] = into[2] = 0.0;
            return kernel_ok;
        },
        false));
    negative.add(models[0], 0.0);
    negative.values({at, 1, 2}, {&out, 1});
    negative.weigh(prior, 4);
    negative.values({at, 1, 2}, {&out, 1});
    CHECK(out == 0.0);
    CHECK_THROWS(negative.check_sign(), KernelFailed);
}

}  // namespace
