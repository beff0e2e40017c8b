#include <limits>
#include <vector>

#include "check.hpp"
#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/rng.hpp"
#include "reference_lapack.hpp"

using namespace hpcore;
using linalg::Lapack;

namespace {

const Lapack lapack = reference::lapack();

constexpr std::size_t n = 7, ld = 9;

// A' A + I / 10 in the rows of a wider array, the room that a growing factor has.
std::vector<double> positive_definite() {
    Philox stream({1, 2}, 3, 4);
    std::vector<double> a(n * n), k(n * ld, std::numeric_limits<double>::quiet_NaN());
    for (double& v : a) v = stream.normal();
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double s = i == j ? 0.1 : 0.0;
            for (std::size_t l = 0; l < n; ++l) s += a[l * n + i] * a[l * n + j];
            k[i * ld + j] = s;
        }
    return k;
}

TEST(factor_and_solves) {
    const std::vector<double> k = positive_definite();
    std::vector<double> factor = k;
    linalg::cholesky_factor(lapack, factor.data(), ld, n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            double s = 0.0;
            for (std::size_t l = 0; l <= j; ++l) s += factor[i * ld + l] * factor[j * ld + l];
            CHECK_NEAR(s, k[i * ld + j], 1e-12);
        }
    for (const std::size_t m : {std::size_t{1}, std::size_t{3}}) {
        std::vector<double> b(m * n), x;
        for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<double>(i) - 2.0;
        x = b;
        linalg::solve_lower(lapack, factor.data(), ld, n, x.data(), n, m);
        linalg::solve_upper(lapack, factor.data(), ld, n, x.data(), n, m);
        for (std::size_t r = 0; r < m; ++r)
            for (std::size_t i = 0; i < n; ++i) {
                double s = 0.0;
                for (std::size_t j = 0; j < n; ++j) s += k[i >= j ? i * ld + j : j * ld + i] * x[r * n + j];
                CHECK_NEAR(s, b[r * n + i], 1e-9);
            }
    }
    std::vector<double> inverse = factor;
    linalg::cholesky_inverse(lapack, inverse.data(), ld, n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
            double s = 0.0;
            for (std::size_t l = 0; l < n; ++l)
                s += k[i >= l ? i * ld + l : l * ld + i] * inverse[j >= l ? j * ld + l : l * ld + j];
            CHECK_NEAR(s, i == j ? 1.0 : 0.0, 1e-9);
        }
}

TEST(appended_rows_make_the_same_factor) {
    const std::vector<double> k = positive_definite();
    std::vector<double> whole = k, grown(n * ld, 0.0);
    linalg::cholesky_factor(lapack, whole.data(), ld, n);
    for (std::size_t i = 0; i < n; ++i)
        linalg::cholesky_append(lapack, grown.data(), ld, i, k.data() + i * ld, k[i * ld + i]);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) CHECK_NEAR(grown[i * ld + j], whole[i * ld + j], 1e-11);
    CHECK_NEAR(linalg::log_determinant(grown.data(), ld, n), linalg::log_determinant(whole.data(), ld, n), 1e-11);
}

TEST(named_failures) {
    const double nan = std::numeric_limits<double>::quiet_NaN();
    for (const double bad : {0.0, -1.0, nan}) {
        std::vector<double> k = positive_definite();
        k[3 * ld + 3] = bad;
        CHECK_THROWS(linalg::cholesky_factor(lapack, k.data(), ld, n), NotPositiveDefinite);
    }
    std::vector<double> factor = positive_definite();
    linalg::cholesky_factor(lapack, factor.data(), ld, n - 1);
    const std::vector<double> before = factor, row(n - 1, 1.0);
    CHECK_THROWS(linalg::cholesky_append(lapack, factor.data(), ld, n - 1, row.data(), 1e-9), NotPositiveDefinite);
    CHECK_THROWS(linalg::cholesky_append(lapack, factor.data(), ld, n - 1, row.data(), nan), NotPositiveDefinite);
    for (std::size_t i = 0; i + 1 < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) CHECK(factor[i * ld + j] == before[i * ld + j]);
}

}  // namespace
