#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "check.hpp"
#include "differences.hpp"
#include "hpcore/acquisition/functions.hpp"
#include "hpcore/acquisition/hypervolume.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"

using namespace hpcore;
using namespace hpcore::acquisition;

namespace {

std::vector<double> random_rows(std::size_t n, std::size_t m, Philox& stream, bool ties) {
    std::vector<double> rows(n * m);
    for (double& v : rows) v = ties ? static_cast<double>(stream.below(5)) / 4.0 : stream.uniform();
    return rows;
}

bool dominated(const std::vector<double>& front, std::size_t m, const double* y) {
    for (std::size_t i = 0; i * m < front.size(); ++i) {
        bool below = true;
        for (std::size_t k = 0; below && k < m; ++k) below = front[i * m + k] <= y[k];
        if (below) return true;
    }
    return false;
}

// Boxes that hold a point in their inside or on their lower edges.
std::size_t holding(const Boxes& boxes, const double* y) {
    std::size_t count = 0;
    for (std::size_t b = 0; b < boxes.size(); ++b) {
        bool inside = true;
        for (std::size_t k = 0; inside && k < boxes.m; ++k)
            inside = boxes.edges[k][boxes.lower[b * boxes.m + k]] <= y[k] &&
                     y[k] < boxes.edges[k][boxes.upper[b * boxes.m + k]];
        count += inside;
    }
    return count;
}

TEST(boxes_hold_each_undominated_point_once) {
    for (const std::size_t m : {2, 3})
        for (std::uint64_t seed = 0; seed < 60; ++seed) {
            Philox stream({seed, 0}, m, 0);
            const std::size_t n = stream.below(13);
            const std::vector<double> front = random_rows(n, m, stream, seed % 2 == 0);
            const std::vector<double> reference(m, seed % 3 == 0 ? 0.75 : 1.1);
            const Boxes boxes = undominated({front.data(), n, m}, reference);
            CHECK(boxes.size() <= (m == 2 ? n + 1 : 2 * n + 1));
            for (int draw = 0; draw < 200; ++draw) {
                double y[3];
                bool below = true;
                for (std::size_t k = 0; k < m; ++k) {
                    y[k] = 1.4 * stream.uniform() - 0.2;
                    below = below && y[k] < reference[k];
                }
                CHECK(holding(boxes, y) == (below && !dominated(front, m, y) ? 1u : 0u));
            }
        }
}

// Volume that a point adds to what the front dominates below the reference, by what the boxes hold of it.
double improvement(const Boxes& boxes, const double* y) {
    double total = 0.0;
    for (std::size_t b = 0; b < boxes.size(); ++b) {
        double volume = 1.0;
        for (std::size_t k = 0; k < boxes.m; ++k) {
            const double low = boxes.edges[k][boxes.lower[b * boxes.m + k]];
            volume *= std::max(0.0, boxes.edges[k][boxes.upper[b * boxes.m + k]] - std::max(low, y[k]));
        }
        total += volume;
    }
    return total;
}

TEST(values_equal_a_monte_carlo_mean) {
    for (const std::size_t m : {2, 3}) {
        Philox stream({7, 0}, m, 0);
        const std::vector<double> front = random_rows(9, m, stream, false), reference(m, 1.1);
        HypervolumeImprovement expected(undominated({front.data(), 9, m}, reference));
        const double mean[3] = {0.35, 0.3, 0.5}, std[3] = {0.3, 0.2, 0.25};
        double sum = 0.0, squares = 0.0;
        const int draws = 200'000;
        for (int i = 0; i < draws; ++i) {
            double y[3];
            for (std::size_t k = 0; k < m; ++k) y[k] = mean[k] + std[k] * stream.normal();
            const double v = improvement(expected.boxes(), y);
            sum += v;
            squares += v * v;
        }
        const double average = sum / draws, error = std::sqrt((squares / draws - average * average) / draws);
        CHECK_NEAR(std::exp(expected.at(mean, std)), average, 4.0 * error);
    }
}

TEST(derivatives_equal_central_differences_far_from_the_front_too) {
    for (const std::size_t m : {2, 3})
        for (const double away : {0.0, 1.0, 20.0}) {
            Philox stream({3, 0}, m, 0);
            const std::vector<double> front = random_rows(6, m, stream, false), reference(m, 1.1);
            HypervolumeImprovement expected(undominated({front.data(), 6, m}, reference));
            double mean[3] = {0.4 + away, 0.2 + away, 0.6}, std[3] = {0.3, 0.2, 0.4}, by_mean[3], by_std[3];
            CHECK(std::isfinite(expected.at(mean, std, by_mean, by_std)));
            const auto slope = [&](double& x) {
                const double here = x, h = 1e-6;
                x = here + h;
                const double above = expected.at(mean, std);
                x = here - h;
                const double below = expected.at(mean, std);
                x = here;
                return (above - below) / (2 * h);
            };
            for (std::size_t k = 0; k < m; ++k) {
                const double by_m = slope(mean[k]), by_s = slope(std[k]);
                CHECK_NEAR(by_mean[k], by_m, 1e-5 * (1.0 + std::fabs(by_m)));
                CHECK_NEAR(by_std[k], by_s, 1e-5 * (1.0 + std::fabs(by_s)));
            }
        }
}

TEST(an_empty_front_leaves_a_product_of_improvements) {
    const double reference[2] = {1.0, 2.0}, mean[2] = {0.5, 2.5}, std[2] = {0.2, 0.3};
    HypervolumeImprovement expected(undominated({nullptr, 0, 2}, reference));
    const double product =
        log_expected_improvement(0.5, 0.2, 1.0).value + log_expected_improvement(2.5, 0.3, 2.0).value;
    CHECK_NEAR(expected.at(mean, std), product, 1e-12);
}

TEST(models_of_objectives_and_their_gradients) {
    static const linalg::Lapack& lapack = linalg::plain_lapack();
    const double off = std::numeric_limits<double>::quiet_NaN();
    const std::vector<double> rows{0.1, 0.2, 0.4, off, 0.7, 0.9, 0.9, 0.5};
    const std::vector<double> targets[3] = {{0.3, -0.8, 0.1, 1.2}, {0.1, 0.9, -0.5, -0.9}, {0.0, 0.4, 0.6, -0.2}};
    const std::vector<std::size_t> both{0, 1};
    for (const std::size_t m : {2, 3}) {
        std::vector<gp::Regressor> models;
        std::vector<double> front(4 * m);
        for (std::size_t k = 0; k < m; ++k) {
            models.emplace_back(lapack, std::vector<gp::ColumnType>{{false, false}, {false, true}},
                                std::vector<double>{-1.0, -0.5, 0.2, -5.0, -1.0});
            models.back().assign({rows.data(), 4, 2});
            models.back().set_targets(targets[k]);
            for (std::size_t i = 0; i < 4; ++i) front[i * m + k] = targets[k][i];
        }
        std::vector<const gp::Regressor*> of;
        for (const gp::Regressor& model : models) of.push_back(&model);
        const std::vector<double> reference(m, 1.3);
        // The second draw has the objectives' models the other way round.
        const std::vector<const gp::Regressor*> reversed(of.rbegin(), of.rend());
        const Boxes boxes = undominated({front.data(), 4, m}, reference);
        ParetoImprovement expected({of, reversed}, boxes), first({of}, boxes), second({reversed}, boxes);
        CHECK(&expected.model() == of[0]);
        const double at[4] = {0.3, 0.6, 0.8, 0.4};
        double value[2], again[2];
        std::vector<std::vector<double>> gradients(2);
        expected.values({at, 2, 2}, value);
        expected.values_and_gradients({at, 2, 2}, {&both, &both}, again, gradients);
        for (std::size_t i = 0; i < 2; ++i) {
            CHECK_NEAR(value[i], again[i], 1e-10);
            double one = 0.0, other = 0.0;
            first.values({at + 2 * i, 1, 2}, {&one, 1});
            second.values({at + 2 * i, 1, 2}, {&other, 1});
            CHECK_NEAR(value[i], std::log(0.5 * (std::exp(one) + std::exp(other))), 1e-10);
            const std::vector<double> slopes = differences::central(
                [&](Column u) {
                    double v = 0.0;
                    expected.values({u.data(), 1, 2}, {&v, 1});
                    return v;
                },
                {at[2 * i], at[2 * i + 1]}, both);
            for (std::size_t j = 0; j < 2; ++j)
                CHECK_NEAR(gradients[i][j], slopes[j], 1e-5 * (1.0 + std::fabs(slopes[j])));
        }
    }
}

}  // namespace
