// Orders of trials with several objectives or limits, and volumes: by hand, and against their definitions.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/records/dominance.hpp"
#include "hpcore/records/limits.hpp"
#include "hpcore/records/tradeoff.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/sums.hpp"

using namespace hpcore;
using namespace hpcore::records;

namespace {

using Numbers = std::vector<double>;

const double nan = std::numeric_limits<double>::quiet_NaN();

Rows rows_of(const Numbers& numbers, std::size_t d) {
    return {numbers.data(), numbers.size() / d, d};
}

// Whole numbers below `limit`.
Numbers whole_numbers(std::size_t n, std::uint64_t limit, std::uint64_t number) {
    Philox random({5, 6}, number, 7);
    Numbers out(n);
    for (double& v : out) v = static_cast<double>(random.below(limit));
    return out;
}

bool dominates(std::span<const double> a, std::span<const double> b) {
    bool below = false;
    for (std::size_t k = 0; k < a.size(); ++k) {
        if (a[k] > b[k]) return false;
        below = below || a[k] < b[k];
    }
    return below;
}

std::vector<std::size_t> ranks_by_definition(Rows rows) {
    std::vector<std::size_t> out(rows.n, rows.n);
    for (std::size_t front = 0, left = rows.n; left > 0; ++front) {
        std::vector<std::size_t> best;
        for (std::size_t i = 0; i < rows.n; ++i) {
            bool dominated = out[i] != rows.n;
            for (std::size_t j = 0; j < rows.n && !dominated; ++j)
                dominated = out[j] == rows.n && dominates(rows[j], rows[i]);
            if (!dominated) best.push_back(i);
        }
        for (const std::size_t i : best) out[i] = front;
        left -= best.size();
    }
    return out;
}

// Volume of rows of whole numbers in 3 objectives: unit cells up to the reference that some row dominates.
double volume_by_cells(Rows rows, std::size_t side) {
    double out = 0.0;
    for (std::size_t cell = 0; cell < side * side * side; ++cell) {
        const double at[] = {static_cast<double>(cell % side), static_cast<double>(cell / side % side),
                             static_cast<double>(cell / side / side)};
        bool inside = false;
        for (std::size_t i = 0; i < rows.n && !inside; ++i)
            inside = rows(i, 0) <= at[0] && rows(i, 1) <= at[1] && rows(i, 2) <= at[2];
        out += inside ? 1.0 : 0.0;
    }
    return out;
}

TEST(ranks_are_those_of_the_definition) {
    for (std::size_t m = 1; m <= 4; ++m) {
        const Numbers numbers = whole_numbers(40 * m, 6, m);
        CHECK(non_dominated_rank(rows_of(numbers, m)) == ranks_by_definition(rows_of(numbers, m)));
    }
    CHECK(non_dominated_rank({nullptr, 0, 2}).empty());
}

TEST(volumes_are_those_of_unit_cells) {
    const Numbers corner{6.0, 6.0, 6.0};
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
        const Numbers numbers = whole_numbers(36, 7, seed);
        const Rows rows = rows_of(numbers, 3);
        const double whole = volume_by_cells(rows, 6);
        CHECK_NEAR(hypervolume(rows, corner), whole, 1e-9);
        const Numbers added = hypervolume_contributions(rows, corner);
        for (std::size_t i = 0; i < rows.n; ++i) {
            Numbers others = numbers;
            others.erase(others.begin() + static_cast<std::ptrdiff_t>(3 * i),
                         others.begin() + static_cast<std::ptrdiff_t>(3 * i + 3));
            CHECK_NEAR(added[i], whole - volume_by_cells(rows_of(others, 3), 6), 1e-9);
        }
    }
    const Numbers line{1.0, 2.0, 2.0, 1.0, 9.0, 0.0};  // the last one is not below the corner
    CHECK_NEAR(hypervolume(rows_of(line, 2), Numbers{3.0, 3.0}), 3.0, 0.0);
    CHECK_NEAR(hypervolume(rows_of(line, 1), Numbers{3.0}), 3.0, 0.0);
}

TEST(fronts_come_in_turn_and_the_earlier_of_equals_first) {
    const Numbers values{0.0, 4.0, 1.0, 1.0, 1.01, 0.99, 4.0, 0.0, 3.0, 3.0, 1.0, 1.0};
    const Numbers place = order_by_front(rows_of(values, 2));
    CHECK(place[4] == 5.0);
    CHECK(std::max(place[0], place[3]) < std::min(place[1], place[5]));
    CHECK(place[1] < place[5]);
    CHECK((order_by_front(rows_of({3.0, 1.0, 1.0, -2.0}, 1)) == Numbers{3.0, 1.0, 2.0, 0.0}));
    CHECK(order_by_front({nullptr, 0, 3}).empty());
    CHECK((order_by_front(rows_of({1e308, -1e308, -1e308, -1e308}, 2)) == Numbers{1.0, 0.0}));
}

TEST(places_beyond_those_that_matter_are_by_front_and_arrival) {
    const Numbers values = whole_numbers(400, 1000, 4);
    const Rows rows = rows_of(values, 2);
    const Numbers whole = order_by_front(rows), first = order_by_front(rows, 30);
    const auto fronts = non_dominated_rank(rows);
    bool differs = false;
    for (std::size_t i = 0; i < rows.n; ++i) {
        if (whole[i] < 30.0) CHECK(first[i] == whole[i]);
        differs = differs || first[i] != whole[i];
        for (std::size_t j = 0; j < rows.n; ++j)
            if (fronts[i] < fronts[j]) CHECK(first[i] < first[j]);
    }
    CHECK(differs);
}

TEST(feasible_rows_come_first_and_then_the_least_violation) {
    // Medians of the sizes: 1 and 300. Totals: 1 for row 1, whose second is not known, 4, 1 and 2 / 3 + 1 / 2.
    const Numbers values{5.0, 1.0, 0.0, 0.0, 0.0, 2.0};
    const Numbers beyond{-4.0, -300.0, -1.0, nan, 4.0, -300.0, 1.0, -600.0, 2.0 / 3, 150.0, 0.0, -1e3};
    CHECK((order_by_limits(rows_of(values, 1), rows_of(beyond, 2)) == Numbers{1.0, 2.0, 5.0, 3.0, 4.0, 0.0}));
}

TEST(total_violations_by_hand) {
    const Numbers beyond{2.0, -1.0, -4.0, 6.0, 0.0, nan, -1.0, -2.0, 5e-324, -3.0};
    // Median sizes 1, of 2, 4, 0, 1, 0, and 2.5, of 1, 6, 2, 3.
    const Numbers total = total_violation(rows_of(beyond, 2));
    const Numbers expected{2.0, 2.4, 1.0, 0.0, 0.0};
    for (std::size_t i = 0; i < 5; ++i) CHECK_NEAR(total[i], expected[i], 1e-300);
    CHECK(total[4] > 0.0);  // a bound is broken, by however little
    for (const double t : total_violation(rows_of({1e308, 1e308, 1e-308, 0.0, 0.0, 0.0}, 2))) CHECK(std::isfinite(t));
    const double inf = std::numeric_limits<double>::infinity();
    for (const double t : total_violation(rows_of({inf, inf, inf, 1.0}, 1))) CHECK(std::isfinite(t));
    CHECK((total_violation(rows_of({nan, nan}, 1)) == Numbers{1.0, 1.0}));
    CHECK(typical_size(rows_of({nan, nan}, 1), 0) == 0.0);
    CHECK_NEAR(typical_size(rows_of({-1.6e308, 1.2e308}, 1), 0), 1.4e308, 1e294);
}

TEST(chebyshev_sums_by_hand) {
    const Numbers values{0.0, 10.0, 1.0, 0.0, 0.5, 2.5, 2.0, 5.0}, weights{0.25, 0.75};
    const Numbers sums = chebyshev(rows_of(values, 2), weights);
    const double expected[] = {0.75 + 0.0375, 0.125 + 0.00625, 0.1875 + 0.05 * 0.25, 0.375 + 0.05 * 0.625};
    for (std::size_t i = 0; i < 4; ++i) CHECK_NEAR(sums[i], expected[i], 1e-15);
    for (const double s : chebyshev(rows_of({-1e308, 1.0, 1e308, 1.0}, 2), Numbers{0.5, 0.5})) CHECK(std::isfinite(s));
    CHECK((half_range(rows_of({-1e308, 7.0, 1e308, 7.0}, 2)) == Numbers{1e308, 1.0}));
}

TEST(weights_are_uniform_on_the_simplex_and_a_function_of_trial_and_attempt) {
    double mean = 0.0, below = 0.0;
    for (std::uint64_t number = 1; number <= 2000; ++number) {
        const Numbers weights = random_weights(3, {1, 2}, number, 0);
        CHECK_NEAR(weights[0] + weights[1] + weights[2], 1.0, 1e-14);
        mean += weights[0] / 2000.0;
        below += weights[1] < 0.5 ? 1.0 / 2000.0 : 0.0;
    }
    CHECK_NEAR(mean, 1.0 / 3.0, 0.02);
    CHECK_NEAR(below, 0.75, 0.04);  // of a triangle, the part off one corner
    CHECK(random_weights(3, {1, 2}, 1, 0) != random_weights(3, {1, 2}, 1, 1));
    CHECK(random_weights(3, {1, 2}, 1, 0) != random_weights(3, {1, 2}, 2, 0));
    CHECK((random_weights(1, {1, 2}, 3, 4) == Numbers{1.0}));
}

TEST(pairwise_sums_keep_their_order) {
    // Numbers whose sum depends on the order: 14 by parts, as NumPy has it, and 7 one after the other.
    Numbers numbers(16, 1.0);
    numbers[0] = 0x1p53;
    numbers[8] = -0x1p53;
    CHECK(pairwise_sum(numbers.data(), 16) == 14.0);
    CHECK(pairwise_sum(numbers.data(), 7) == 0x1p53);
    const Numbers many(1001, 1.0);
    CHECK(pairwise_sum(many.data(), many.size()) == 1001.0);
}

}  // namespace
