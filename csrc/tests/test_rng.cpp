#include <vector>

#include "check.hpp"
#include "hpcore/normal.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/sobol.hpp"
#include "hpcore/wide.hpp"

using namespace hpcore;

namespace {

// Known answer of Philox4x64-10: counter and key all ones, then the digits of pi (Random123's kat_vectors).
TEST(block_against_published_vectors) {
    const std::uint64_t ones = ~std::uint64_t{0};
    const auto a = Philox::block({0, 0, 0, 0}, {0, 0});
    CHECK(a[0] == 0x16554d9eca36314cu && a[1] == 0xdb20fe9d672d0fdcu);
    CHECK(a[2] == 0xd7e772cee186176bu && a[3] == 0x7e68b68aec7ba23bu);
    const auto b = Philox::block({ones, ones, ones, ones}, {ones, ones});
    CHECK(b[0] == 0x87b092c3013fe90bu && b[1] == 0x438c3c67be8d0224u);
    CHECK(b[2] == 0x9cc7d7c69cd777b6u && b[3] == 0xa09caebf594f0ba0u);
}

TEST(streams) {
    Philox a({1, 2}, 3, 4), b({1, 2}, 3, 4), c({1, 2}, 3, 5), d({1, 2}, 4, 4);
    bool purpose_differs = false, number_differs = false;
    double sum = 0.0, square = 0.0;
    constexpr int draws = 20000;
    for (int i = 0; i < draws; ++i) {
        const double u = a.uniform();
        CHECK(u == b.uniform());
        CHECK(u >= 0.0 && u < 1.0);
        purpose_differs |= u != c.uniform();
        number_differs |= u != d.uniform();
    }
    CHECK(purpose_differs && number_differs);
    for (int i = 0; i < draws; ++i) {
        const double z = a.normal();
        sum += z;
        square += z * z;
        CHECK(a.below(7) < 7);
    }
    CHECK_NEAR(sum / draws, 0.0, 0.03);
    CHECK_NEAR(square / draws, 1.0, 0.05);
    CHECK(a.below(1) == 0);
}

TEST(normal) {
    CHECK_NEAR(normal_cdf(0.0), 0.5, 0.0);
    CHECK_NEAR(normal_cdf(-10.0) / 7.619853024160527e-24, 1.0, 1e-12);
    CHECK_NEAR(normal_quantile(0.975), 1.959963984540054, 1e-14);
    for (const double p : {1e-300, 1e-20, 1e-5, 0.07, 0.3, 0.5, 0.9, 1.0 - 1e-12})
        CHECK_NEAR(normal_cdf(normal_quantile(p)) / p, 1.0, 1e-12);
    CHECK(std::isinf(normal_quantile(0.0)) && normal_quantile(0.0) < 0.0);
    CHECK(std::isinf(normal_quantile(1.0)) && normal_quantile(1.0) > 0.0);
    CHECK(std::isnan(normal_quantile(-0.5)) && std::isnan(normal_quantile(1.5)));
    CHECK(std::isnan(normal_quantile(std::nan(""))));
}

TEST(wide_product) {
    const std::uint64_t ones = ~std::uint64_t{0};
    const Wide square = multiply_wide(ones, ones);
    CHECK(square.low == 1 && square.high == ones - 1);
    const Wide shift = multiply_wide(std::uint64_t{1} << 63, 6);
    CHECK(shift.low == 0 && shift.high == 3);
}

// In every column one point in each of 2^m slices, of the first 2^m numbers and of an aligned run of them later.
TEST(sobol_columns_are_even) {
    constexpr std::size_t d = 150, n = 64;
    for (const std::uint64_t first : {std::uint64_t{0}, std::uint64_t{5 * n}, (std::uint64_t{1} << 32) - n}) {
        std::vector<double> points(n * d);
        for (std::size_t i = 0; i < n; ++i) sobol_point({7, 8}, first + i, {points.data() + i * d, d});
        for (std::size_t j = 0; j < d; ++j) {
            std::vector<int> count(n, 0);
            for (std::size_t i = 0; i < n; ++i)
                ++count[static_cast<std::size_t>(points[i * d + j] * static_cast<double>(n))];
            for (const int c : count) CHECK(c == 1);
        }
    }
}

}  // namespace
