#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "hpcore/errors.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"

using namespace hpcore;
using linalg::Lapack;

namespace {

const Lapack& lapack = linalg::plain_lapack();  // the only table that needs no library

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

// A covariance of `size` points on a line, rows of `lead` doubles; NaN above the diagonal and in the room beside it.
std::vector<double> on_a_line(std::size_t size, std::size_t lead) {
    std::vector<double> k(size * lead, std::numeric_limits<double>::quiet_NaN());
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t j = 0; j <= i; ++j) {
            const double apart = static_cast<double>(i - j);
            k[i * lead + j] = std::exp(-apart / 20.0) * std::cos(0.3 * apart) + (i == j ? 0.01 : 0.0);
        }
    return k;
}

// Whether all that is not the lower triangle is NaN still.
bool kept(const std::vector<double>& k, std::size_t size, std::size_t lead) {
    for (std::size_t i = 0; i < size; ++i)
        for (std::size_t j = i + 1; j < lead; ++j)
            if (!std::isnan(k[i * lead + j])) return false;
    return true;
}

// Sizes below, at and above those of tiles and blocks.
TEST(plain_routines_of_every_size) {
    for (const std::size_t size : {1, 2, 4, 5, 8, 9, 12, 31, 63, 64, 65, 72, 127, 128, 131, 200}) {
        const std::size_t lead = size + size % 3;
        const std::vector<double> k = on_a_line(size, lead);
        const auto entry = [&](const std::vector<double>& a, std::size_t i, std::size_t j) {
            return i >= j ? a[i * lead + j] : a[j * lead + i];
        };
        std::vector<double> factor = k;
        linalg::cholesky_factor(lapack, factor.data(), lead, size);
        CHECK(kept(factor, size, lead));
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t j = 0; j <= i; ++j) {
                double s = 0.0;
                for (std::size_t l = 0; l <= j; ++l) s += factor[i * lead + l] * factor[j * lead + l];
                CHECK_NEAR(s, k[i * lead + j], 1e-14);
            }
        std::vector<double> inverse = factor;
        linalg::cholesky_inverse(lapack, inverse.data(), lead, size);
        CHECK(kept(inverse, size, lead));
        for (std::size_t i = 0; i < size; ++i)
            for (std::size_t j = 0; j < size; ++j) {
                double s = 0.0;
                for (std::size_t l = 0; l < size; ++l) s += entry(k, i, l) * entry(inverse, l, j);
                CHECK_NEAR(s, i == j ? 1.0 : 0.0, 1e-12);
            }
        for (const std::size_t m : {1, 2, 3, 4, 7, 8, 9, 17}) {
            const std::size_t room = size + 3;
            std::vector<double> b(m * room, std::numeric_limits<double>::quiet_NaN());
            for (std::size_t r = 0; r < m; ++r)
                for (std::size_t i = 0; i < size; ++i) b[r * room + i] = std::cos(static_cast<double>(r + i * i));
            std::vector<double> x = b, y = b;
            linalg::solve_lower(lapack, factor.data(), lead, size, x.data(), room, m);
            linalg::solve_upper(lapack, factor.data(), lead, size, y.data(), room, m);
            for (std::size_t r = 0; r < m; ++r) {
                for (std::size_t i = 0; i < size; ++i) {
                    double lower = 0.0, upper = 0.0;
                    for (std::size_t l = 0; l <= i; ++l) lower += factor[i * lead + l] * x[r * room + l];
                    for (std::size_t l = i; l < size; ++l) upper += factor[l * lead + i] * y[r * room + l];
                    CHECK_NEAR(lower, b[r * room + i], 1e-12);
                    CHECK_NEAR(upper, b[r * room + i], 1e-12);
                }
                for (std::size_t i = size; i < room; ++i)
                    CHECK(std::isnan(x[r * room + i]) && std::isnan(y[r * room + i]));
            }
        }
    }
}

// A suggestion must not depend on how many rows are solved for together.
TEST(few_rows_have_the_bits_of_many) {
    constexpr std::size_t m = 38;  // more than share what is read of the factor
    for (const std::size_t size : {1, 7, 8, 64, 65, 100, 128, 200, 333}) {
        const std::size_t lead = size + size % 3;
        std::vector<double> factor = on_a_line(size, lead), b(m * size);
        linalg::cholesky_factor(lapack, factor.data(), lead, size);
        for (std::size_t i = 0; i < b.size(); ++i) b[i] = std::cos(static_cast<double>(i * i % 1009));
        std::vector<double> lower = b, upper = b;
        linalg::solve_lower(lapack, factor.data(), lead, size, lower.data(), size, m);
        linalg::solve_upper(lapack, factor.data(), lead, size, upper.data(), size, m);
        for (const std::size_t few : {2, 3, 4, 5, 9, 33}) {
            std::vector<double> x = b, y = b;
            linalg::solve_lower(lapack, factor.data(), lead, size, x.data(), size, few);
            linalg::solve_upper(lapack, factor.data(), lead, size, y.data(), size, few);
            for (std::size_t i = 0; i < few * size; ++i) CHECK(x[i] == lower[i] && y[i] == upper[i]);
            for (std::size_t i = few * size; i < m * size; ++i) CHECK(x[i] == b[i] && y[i] == b[i]);
        }
    }
}

// The numbers are those of SciPy 1.17: lapack.dpotrf, lapack.dpotri and solve_triangular.
TEST(plain_routines_as_scipy_has_them) {
    constexpr std::size_t size = 150;
    std::vector<double> factor = on_a_line(size, size);
    linalg::cholesky_factor(lapack, factor.data(), size, size);
    CHECK_NEAR(factor[149 * size + 0], 0.00043583693023139527, 1e-15);
    CHECK_NEAR(factor[149 * size + 148], 0.37180978364295725, 1e-13);
    CHECK_NEAR(factor[149 * size + 149], 0.37249623397084786, 1e-13);
    CHECK_NEAR(factor[100 * size + 37], 0.015236534551420428, 1e-14);
    std::vector<double> x(size);
    for (std::size_t i = 0; i < size; ++i) x[i] = std::cos(0.01 * static_cast<double>(i * i));
    std::vector<double> y = x;
    linalg::solve_lower(lapack, factor.data(), size, size, x.data(), size, 1);
    linalg::solve_upper(lapack, factor.data(), size, size, y.data(), size, 1);
    double xx = 0.0, yy = 0.0, trace = 0.0;
    for (std::size_t i = 0; i < size; ++i) xx += x[i] * x[i], yy += y[i] * y[i];
    CHECK_NEAR(x[149], -3.020784888594469, 1e-12);
    CHECK_NEAR(xx, 1054.1180132997556, 1e-9);
    CHECK_NEAR(y[0], 2.159408934873402, 1e-12);
    CHECK_NEAR(yy, 1058.2292017760583, 1e-9);
    std::vector<double> inverse = factor;
    linalg::cholesky_inverse(lapack, inverse.data(), size, size);
    for (std::size_t i = 0; i < size; ++i) trace += inverse[i * size + i];
    CHECK_NEAR(inverse[149 * size + 0], 0.0, 1e-12);
    CHECK_NEAR(inverse[70 * size + 69], -7.246993741983455, 1e-11);
    CHECK_NEAR(trace, 2161.07453710166, 1e-8);
}

TEST(the_first_bad_pivot_is_named) {
    for (const std::size_t bad : {0, 5, 9, 63, 64, 70, 149}) {
        std::vector<double> k = on_a_line(150, 150);
        k[bad * 150 + bad] = -1.0;
        if (bad + 1 < 150) k[149 * 150 + 149] = -1.0;
        char uplo = 'U';
        int order = 150, lead = 150, info = 0;
        lapack.dpotrf(&uplo, &order, k.data(), &lead, &info);
        CHECK(info == static_cast<int>(bad) + 1);
    }
    std::vector<double> factor(9, 1.0);
    factor[4] = 0.0;
    CHECK_THROWS(linalg::cholesky_inverse(lapack, factor.data(), 3, 3), NotPositiveDefinite);
}

TEST(cases_that_the_plain_routines_lack) {
    double a = 1.0, b = 1.0, one = 1.0, two = 2.0;
    char left = 'L', upper = 'U', plain = 'N', conjugate = 'C';
    int order = 1, step = 2, info = 0;
    CHECK_THROWS(lapack.dpotrf(&left, &order, &a, &order, &info), std::invalid_argument);
    CHECK_THROWS(lapack.dpotri(&left, &order, &a, &order, &info), std::invalid_argument);
    CHECK_THROWS(lapack.dtrsv(&upper, &plain, &plain, &order, &a, &order, &b, &step), std::invalid_argument);
    CHECK_THROWS(lapack.dtrsv(&upper, &conjugate, &plain, &order, &a, &order, &b, &order), std::invalid_argument);
    CHECK_THROWS(lapack.dtrsm(&left, &upper, &plain, &plain, &order, &order, &two, &a, &order, &b, &order),
                 std::invalid_argument);
    CHECK_THROWS(lapack.dtrsm(&upper, &upper, &plain, &plain, &order, &order, &one, &a, &order, &b, &order),
                 std::invalid_argument);
    CHECK(a == 1.0 && b == 1.0);
}

}  // namespace
