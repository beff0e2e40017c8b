// Time of the plain linear algebra beside that of a BLAS, one thread, and the largest difference of their answers.
//
//   cmake -S . -B build/native && cmake --build build/native --target hpcore_core
//   c++ -std=c++20 -O2 -I csrc benchmarks/native/plain_lapack.cpp build/native/libhpcore_core.a -ldl -o
//   build/plain_lapack OPENBLAS_NUM_THREADS=1 taskset -c 0 build/plain_lapack $(python -c "import glob, scipy
//   print(glob.glob(scipy.__path__[0] + '.libs/libscipy_openblas*')[0])")
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "hpcore/linalg/plain.hpp"
#include "hpcore/rng.hpp"

namespace {

using hpcore::linalg::Lapack;
using Array = std::vector<double>;

char upper = 'U', left = 'L', no = 'N';
int one = 1, info = 0;
double unit = 1.0;

template <class Function>
void fetch(void* library, const std::string& name, Function*& slot) {
    void* found = dlsym(library, ("scipy_" + name + "_").c_str());  // as SciPy's wheels have it
    if (found == nullptr) found = dlsym(library, (name + "_").c_str());
    if (found == nullptr) {
        std::fprintf(stderr, "the library has no %s\n", name.c_str());
        std::exit(1);
    }
    slot = reinterpret_cast<Function*>(found);
}

// Seconds of run(data) on a fresh copy, the shortest of some; `out` is what it made of it.
template <class Run>
double shortest(int repeats, const Array& data, Array& out, Run run) {
    double best = 1e9;
    for (int r = 0; r < repeats; ++r) {
        out = data;
        const auto start = std::chrono::steady_clock::now();
        run(out);
        best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    }
    return best;
}

template <class Run>
void compare(const char* what, int n, const Array& data, const Lapack& plain, const Lapack& blas, Run run) {
    const int repeats = n < 200 ? 300 : n < 800 ? 40 : 10;
    Array expected, found;
    const double theirs = shortest(repeats, data, expected, [&](Array& x) { run(blas, x); });
    const double ours = shortest(repeats, data, found, [&](Array& x) { run(plain, x); });
    double difference = 0.0, largest = 0.0;
    for (std::size_t i = 0; i < found.size(); ++i) {
        difference = std::max(difference, std::fabs(found[i] - expected[i]));
        largest = std::max(largest, std::fabs(expected[i]));
    }
    if (!(difference <= 1e-9 * largest) || info != 0) {
        std::fprintf(stderr, "%s of %d: the answers differ by %g\n", what, n, difference);
        std::exit(1);
    }
    std::printf("%6d %-10s %10.1f %10.1f %7.2f %10.1e\n", n, what, 1e6 * ours, 1e6 * theirs, ours / theirs,
                difference / largest);
}

// A covariance of points in four dimensions, in rows of `lead` doubles.
Array covariance(int n, int lead, hpcore::Philox& random) {
    Array u(static_cast<std::size_t>(4 * n)), k(static_cast<std::size_t>(n * lead));
    for (double& v : u) v = random.uniform();
    for (int i = 0; i < n; ++i)
        for (int j = 0; j < n; ++j) {
            double squares = 0.0;
            for (int c = 0; c < 4; ++c) {
                const double t = u[static_cast<std::size_t>(4 * i + c)] - u[static_cast<std::size_t>(4 * j + c)];
                squares += t * t;
            }
            k[static_cast<std::size_t>(i * lead + j)] = std::exp(-3.0 * squares) + (i == j ? 1e-3 : 0.0);
        }
    return k;
}

}  // namespace

int main(int argc, char** argv) {
    void* library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : nullptr;
    if (library == nullptr) {
        std::fprintf(stderr, "usage: plain_lapack LIBRARY, %s\n", argc == 2 ? dlerror() : "a BLAS with LAPACK");
        return 1;
    }
    const Lapack& plain = hpcore::linalg::plain_lapack();
    Lapack blas;
    fetch(library, "dpotrf", blas.dpotrf);
    fetch(library, "dpotri", blas.dpotri);
    fetch(library, "dtrsv", blas.dtrsv);
    fetch(library, "dtrsm", blas.dtrsm);
    std::printf("%6s %-10s %10s %10s %7s %10s\n", "n", "routine", "plain, us", "BLAS, us", "ratio", "difference");
    for (int n : {8, 30, 64, 100, 200, 300, 500, 700, 1000}) {
        int lead = n + 5;
        hpcore::Philox random({1, 2}, 3, 4);
        const Array k = covariance(n, lead, random);
        compare("dpotrf", n, k, plain, blas,
                [&](const Lapack& t, Array& x) { t.dpotrf(&upper, &n, x.data(), &lead, &info); });
        Array factor = k;
        plain.dpotrf(&upper, &n, factor.data(), &lead, &info);
        compare("dpotri", n, factor, plain, blas,
                [&](const Lapack& t, Array& x) { t.dpotri(&upper, &n, x.data(), &lead, &info); });
        for (char trans : {'T', 'N'}) {
            const std::string name = std::string(" ") + trans;
            compare(("dtrsv" + name).c_str(), n, Array(static_cast<std::size_t>(n), 1.0), plain, blas,
                    [&](const Lapack& t, Array& x) {
                        t.dtrsv(&upper, &trans, &no, &n, factor.data(), &lead, x.data(), &one);
                    });
            for (int m : {5, 64, 500}) {
                Array sides(static_cast<std::size_t>(m * lead));
                for (double& v : sides) v = random.normal();
                compare(("dtrsm" + name + " " + std::to_string(m)).c_str(), n, sides, plain, blas,
                        [&](const Lapack& t, Array& x) {
                            t.dtrsm(&left, &upper, &trans, &no, &n, &m, &unit, factor.data(), &lead, x.data(), &lead);
                        });
            }
        }
    }
}
