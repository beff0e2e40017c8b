#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

// Elementwise loops that the compiler turns into vector code, in the width of the CPU that runs them. Elementwise
// operations round alike in every width, and fused multiply-adds are off for the whole build, so the bits do not
// depend on the CPU. Sums are kept in eight fixed lanes for the same reason.
//
// Function multiversioning is GCC's on x86-64 Linux; elsewhere the baseline is used. The sanitizers cannot see the
// resolver run before them; a build for coverage defines HPCORE_ONE_VERSION, so that each line is there once.
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11 && defined(__x86_64__) && defined(__linux__) && \
    defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                   \
    !defined(HPCORE_ONE_VERSION)
#define HPCORE_VECTORIZE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define HPCORE_VERSIONS
#else
#define HPCORE_VECTORIZE
#endif

#if defined(__GNUC__)
#define HPCORE_INLINE inline __attribute__((always_inline))
#else
#define HPCORE_INLINE inline
#endif

namespace hpcore {

// exp(x) for x <= 0, without branches, as gradients of a likelihood need it; tpe/pack.hpp has a shorter one for
// densities, which is good to 2e-12 only. Relative error below 4e-16 down to -708; exp(-708) = 3e-308 below that.
// x = k ln 2 + r, |r| <= ln 2 / 2, and the Taylor polynomial of degree 13 in r.
HPCORE_INLINE double exp_nonpositive(double x) {
    x = x < -708.0 ? -708.0 : x;
    constexpr double log2e = 1.4426950408889634, ln2_high = 0x1.62e42fefa3800p-1, ln2_low = 0x1.ef35793c76730p-45;
    constexpr double magic = 0x1.8p52;  // adding it leaves the rounded integer in the low bits
    const double shifted = x * log2e + magic;
    const double k = shifted - magic;
    const double r = (x - k * ln2_high) - k * ln2_low;
    double p = 1.0 / 6227020800.0;
    p = p * r + 1.0 / 479001600.0;
    p = p * r + 1.0 / 39916800.0;
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return p * std::bit_cast<double>((std::bit_cast<std::uint64_t>(shifted) + 1023u) << 52);
}

// sum_i term(i) in eight lanes, whatever the vector width.
template <class Term>
HPCORE_INLINE double sum_in_lanes(std::size_t n, Term term) {
    double lane[8] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    std::size_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (std::size_t l = 0; l < 8; ++l) lane[l] += term(i + l);
    for (std::size_t l = 0; i + l < n; ++l) lane[l] += term(i + l);
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

}  // namespace hpcore
