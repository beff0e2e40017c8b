#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/optim/lbfgsb.hpp"

using hpcore::optim::BoxMinimizer;

namespace {

double rosenbrock(const std::vector<double>& x, double* g) {
    const double a = 1.0 - x[0], b = x[1] - x[0] * x[0];
    g[0] = -2.0 * a - 400.0 * x[0] * b;
    g[1] = 200.0 * b;
    return a * a + 100.0 * b * b;
}

BoxMinimizer run(std::vector<double> start, double low, double high) {
    BoxMinimizer::Options options;
    options.max_iterations = 200;
    options.max_evaluations = 500;
    BoxMinimizer m(std::move(start), {low, low}, {high, high}, options);
    double g[2];
    while (!m.done()) {
        for (const double v : m.trial()) CHECK(v >= low && v <= high);
        const double f = rosenbrock(m.trial(), g);
        m.tell(f, g);
    }
    return m;
}

TEST(inside_and_on_the_boundary) {
    const BoxMinimizer inside = run({-1.2, 1.0}, -2.0, 2.0);
    CHECK_NEAR(inside.x()[0], 1.0, 1e-4);
    CHECK_NEAR(inside.x()[1], 1.0, 1e-4);
    // With both at most 1/2 the minimum is at (1/2, 1/4).
    const BoxMinimizer bound = run({-1.0, 0.4}, -2.0, 0.5);
    CHECK_NEAR(bound.x()[0], 0.5, 1e-6);
    CHECK_NEAR(bound.x()[1], 0.25, 1e-5);
    const BoxMinimizer corner = run({3.0, 7.0}, 2.0, 3.0);  // a start outside is brought in; the corner is (2, 3)
    CHECK_NEAR(corner.x()[0], std::sqrt(3.0), 0.3);
    CHECK(corner.x()[1] == 3.0);
}

TEST(values_that_are_not_finite_are_never_accepted) {
    BoxMinimizer m({0.9}, {0.0}, {1.0}, {});
    while (!m.done()) {
        const double x = m.trial()[0];
        const double g = 2.0 * (x - 0.2);
        m.tell(x < 0.1 || (x > 0.3 && x < 0.4) ? std::numeric_limits<double>::quiet_NaN() : (x - 0.2) * (x - 0.2),
               {&g, 1});
    }
    CHECK(std::isfinite(m.value()));
    BoxMinimizer lost({0.5}, {0.0}, {1.0}, {});
    const double g = 1.0;
    lost.tell(std::numeric_limits<double>::infinity(), {&g, 1});
    CHECK(lost.done());
    CHECK(lost.x()[0] == 0.5);
}

TEST(degenerate_boxes_end) {
    BoxMinimizer empty({}, {}, {}, {});
    CHECK(empty.done());
    BoxMinimizer point({0.3}, {0.3}, {0.3}, {});
    const double g = 5.0;
    if (!point.done()) point.tell(1.0, {&g, 1});
    CHECK(point.done() && point.x()[0] == 0.3);
}

}  // namespace
