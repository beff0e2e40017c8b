#include <cmath>
#include <vector>

#include "check.hpp"
#include "differences.hpp"
#include "hpcore/acquisition/product.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/normal.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;

namespace {

const linalg::Lapack& lapack = linalg::plain_lapack();
const std::vector<std::size_t> both{0, 1};

// A model of five rows in two columns.
gp::Regressor model_of(const std::vector<double>& targets) {
    const std::vector<double> rows{0.1, 0.2, 0.4, 0.8, 0.7, 0.9, 0.9, 0.5, 0.3, 0.4};
    gp::Regressor model(lapack, {{false, false}, {false, false}}, {-0.7, -0.4, 0.1, -5.0});
    model.assign({rows.data(), 5, 2});
    model.set_targets(targets);
    return model;
}

int decaying(const double* u, std::size_t, double* out) {
    *out = -2.0 * u[0] - u[1];
    return kernel_ok;
}

int improvement(double mean, double std, double best, double* out) {
    const Value v = log_expected_improvement(mean, std, best);
    out[0] = std::exp(v.value);
    out[1] = out[0] * v.by_mean;
    out[2] = out[0] * v.by_std;
    return kernel_ok;
}

void check_gradients(Product& product, const std::vector<double>& at, double tolerance) {
    double value = 0.0, again = 0.0;
    std::vector<std::vector<double>> gradients(1);
    product.values({at.data(), 1, 2}, {&value, 1});
    product.values_and_gradients({at.data(), 1, 2}, {&both}, {&again, 1}, gradients);
    CHECK_NEAR(value, again, 1e-10 * (1.0 + std::fabs(value)));
    const std::vector<double> slopes = differences::central(
        [&](Column u) {
            double v = 0.0;
            product.values({u.data(), 1, 2}, {&v, 1});
            return v;
        },
        at, both);
    for (std::size_t j = 0; j < 2; ++j)
        CHECK_NEAR(gradients[0][j], slopes[j], tolerance * (1.0 + std::fabs(slopes[j])));
}

TEST(a_product_is_a_sum_of_logarithms) {
    const gp::Regressor objective = model_of({0.3, -0.8, 0.1, 1.2, -0.2}),
                        limit = model_of({-1.0, 0.5, 1.4, -0.3, 0.2}), cost = model_of({1.0, -1.0, 0.4, 0.2, -0.6});
    const UserPrior prior(Kernel<DensityKernel>(&decaying, "decaying"), 3.0);
    Ensemble improved({Kind::log_ei, 0.0, {}});
    improved.add(objective, -0.5);
    for (const bool weighs : {true, false}) {
        Product product(improved, weighs);
        CHECK(product.empty());
        product.add_probability().add(limit, 0.1);
        product.add_inverse(2.5).add(cost, 0.0);
        product.weigh(prior, 6);
        CHECK(!product.empty() && product.has_unit() && &product.model() == &objective);
        for (const std::vector<double>& at : {std::vector<double>{0.35, 0.6}, {0.8, 0.15}}) {
            gp::Prediction p, q, r;
            objective.predict({at.data(), 1, 2}, p);
            limit.predict({at.data(), 1, 2}, q);
            cost.predict({at.data(), 1, 2}, r);
            const double kept = std::log(normal_cdf((0.1 - q.mean[0]) / std::sqrt(q.variance[0])));
            double expected = kept - 2.5 * r.mean[0] + 3.0 / 6.0 * (-2.0 * at[0] - at[1]);
            if (weighs) expected += log_expected_improvement(p.mean[0], std::sqrt(p.variance[0]), -0.5).value;
            double value = 0.0;
            product.values({at.data(), 1, 2}, {&value, 1});
            CHECK_NEAR(value, expected, 1e-9);
            check_gradients(product, at, 1e-5);
        }
    }
}

TEST(values_that_are_no_logarithms_are_multiplied) {
    const gp::Regressor objective = model_of({0.3, -0.8, 0.1, 1.2, -0.2}),
                        limit = model_of({-1.0, 0.5, 1.4, -0.3, 0.2});
    Ensemble improved({Kind::user, 0.0, {Kernel<AcquisitionKernel>(&improvement, "improvement"), false}});
    improved.add(objective, 0.4);
    Product product(improved, true);
    product.add_probability().add(limit, 0.1);
    CHECK(!product.has_unit());
    for (const std::vector<double>& at : {std::vector<double>{0.35, 0.6}, {0.8, 0.15}}) {
        gp::Prediction q;
        limit.predict({at.data(), 1, 2}, q);
        double base = 0.0, value = 0.0;
        improved.values({at.data(), 1, 2}, {&base, 1});
        product.values({at.data(), 1, 2}, {&value, 1});
        CHECK_NEAR(value, base * normal_cdf((0.1 - q.mean[0]) / std::sqrt(q.variance[0])), 1e-10);
        check_gradients(product, at, 1e-5);
    }
}

}  // namespace
