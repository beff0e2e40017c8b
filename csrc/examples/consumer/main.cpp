// The C++ library from an installed tree; the version that CMake or pkg-config found is the argument.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <hpcore/linalg/cholesky.hpp>
#include <hpcore/linalg/default.hpp>
#include <hpcore/version.hpp>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 2 || std::strcmp(argv[1], hpcore::version) != 0) {
        std::fprintf(stderr, "the headers are of hpcore %s, which is not what was found\n", hpcore::version);
        return 1;
    }
    // The determinant of a covariance of points on a line, which has a closed form: rho^2 from each to the next.
    constexpr std::size_t n = 100;
    constexpr double rho = 0.9;
    std::vector<double> k(n * n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j <= i; ++j) k[i * n + j] = std::pow(rho, static_cast<double>(i - j));
    hpcore::linalg::cholesky_factor(hpcore::linalg::default_lapack(), k.data(), n, n);
    const double expected = static_cast<double>(n - 1) * std::log(1.0 - rho * rho);
    const double found = hpcore::linalg::log_determinant(k.data(), n, n);
    if (!(std::fabs(found - expected) < 1e-9)) {
        std::fprintf(stderr, "log determinant %.12g, expected %.12g\n", found, expected);
        return 1;
    }
    std::printf("hpcore %s\n", hpcore::version);
}
