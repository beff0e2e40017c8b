#pragma once

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

#include "hpcore/normal_terms.hpp"
#include "hpcore/vectorize.hpp"

// Eight doubles that are computed on together, and exp, log and erf of them.
//
// Lanes never mix and nothing here is fused, so a lane's bits do not depend on how wide the CPU's registers are. The
// functions have no branches and no tables; each states its error, measured against SciPy in tests/core/test_tpe.py.
namespace hpcore::tpe {

constexpr std::size_t lanes = 8;

#if defined(__GNUC__) && !defined(HPCORE_PLAIN_PACKS)
typedef double Pack __attribute__((vector_size(64)));
typedef std::int64_t WholePack __attribute__((vector_size(64)));
typedef std::uint64_t UnsignedPack __attribute__((vector_size(64)));

typedef float FloatPack __attribute__((vector_size(64)));
typedef std::uint32_t UnsignedFloatPack __attribute__((vector_size(64)));

HPCORE_INLINE WholePack bits_of(Pack x) {
    return reinterpret_cast<WholePack>(x);
}
HPCORE_INLINE Pack as_double(WholePack x) {
    return reinterpret_cast<Pack>(x);
}
HPCORE_INLINE Pack choose(WholePack mask, Pack a, Pack b) {
    return as_double((mask & bits_of(a)) | (~mask & bits_of(b)));
}
HPCORE_INLINE Pack converted(WholePack x) {
    return __builtin_convertvector(x, Pack);
}
// Sums and differences of bits; they wrap around, as they do in lanes whose answer is not chosen.
HPCORE_INLINE WholePack wrapping_sum(WholePack a, WholePack b) {
    return reinterpret_cast<WholePack>(reinterpret_cast<UnsignedPack>(a) + reinterpret_cast<UnsignedPack>(b));
}
HPCORE_INLINE WholePack wrapping_difference(WholePack a, WholePack b) {
    return reinterpret_cast<WholePack>(reinterpret_cast<UnsignedPack>(a) - reinterpret_cast<UnsignedPack>(b));
}
// x times 2^n of the n in the low bits of `shifted`.
HPCORE_INLINE FloatPack times_power(FloatPack x, FloatPack shifted) {
    return reinterpret_cast<FloatPack>(reinterpret_cast<UnsignedFloatPack>(x) +
                                       (reinterpret_cast<UnsignedFloatPack>(shifted) << 23));
}
HPCORE_INLINE FloatPack where_equal(FloatPack a, float b, float x) {
    return a == b ? FloatPack{} + x : FloatPack{};
}
HPCORE_INLINE FloatPack at_least(FloatPack a, float least) {
    return a > least ? a : FloatPack{} + least;
}
HPCORE_INLINE FloatPack greater_of(FloatPack a, FloatPack b) {
    return a > b ? a : b;
}
HPCORE_INLINE bool any_above(FloatPack a, float x) {
    const WholePack above = reinterpret_cast<WholePack>(a > x);
    const auto half =
        __builtin_shufflevector(above, above, 0, 1, 2, 3) | __builtin_shufflevector(above, above, 4, 5, 6, 7);
    return ((half[0] | half[1]) | (half[2] | half[3])) != 0;
}
#else
// The same in plain loops, for compilers without vector types.
template <class T>
struct Lanes {
    T v[lanes];
    T operator[](std::size_t i) const { return v[i]; }
    T& operator[](std::size_t i) { return v[i]; }
};
using Pack = Lanes<double>;
using WholePack = Lanes<std::int64_t>;
#define HPCORE_LANES(T, expression)                              \
    Lanes<T> out;                                                \
    for (std::size_t i = 0; i < lanes; ++i) out[i] = expression; \
    return out
template <class T>
Lanes<T> operator+(Lanes<T> a, Lanes<T> b) {
    HPCORE_LANES(T, a[i] + b[i]);
}
template <class T>
Lanes<T> operator-(Lanes<T> a, Lanes<T> b) {
    HPCORE_LANES(T, a[i] - b[i]);
}
template <class T>
Lanes<T> operator*(Lanes<T> a, Lanes<T> b) {
    HPCORE_LANES(T, a[i] * b[i]);
}
template <class T>
Lanes<T> operator/(Lanes<T> a, Lanes<T> b) {
    HPCORE_LANES(T, a[i] / b[i]);
}
template <class T>
Lanes<T> operator+(Lanes<T> a, T b) {
    HPCORE_LANES(T, a[i] + b);
}
template <class T>
Lanes<T> operator-(Lanes<T> a, T b) {
    HPCORE_LANES(T, a[i] - b);
}
template <class T>
Lanes<T> operator*(Lanes<T> a, T b) {
    HPCORE_LANES(T, a[i] * b);
}
template <class T>
Lanes<T> operator+(T a, Lanes<T> b) {
    HPCORE_LANES(T, a + b[i]);
}
template <class T>
Lanes<T> operator-(T a, Lanes<T> b) {
    HPCORE_LANES(T, a - b[i]);
}
template <class T>
Lanes<T> operator*(T a, Lanes<T> b) {
    HPCORE_LANES(T, a * b[i]);
}
template <class T>
Lanes<T> operator/(T a, Lanes<T> b) {
    HPCORE_LANES(T, a / b[i]);
}
template <class T>
Lanes<T>& operator+=(Lanes<T>& a, Lanes<T> b) {
    return a = a + b;
}
template <class T>
Lanes<T>& operator*=(Lanes<T>& a, Lanes<T> b) {
    return a = a * b;
}
inline Pack operator-(Pack a) {
    HPCORE_LANES(double, -a[i]);
}
inline WholePack operator<(Pack a, double b) {
    HPCORE_LANES(std::int64_t, a[i] < b ? -1 : 0);
}
inline WholePack operator>(Pack a, Pack b) {
    HPCORE_LANES(std::int64_t, a[i] > b[i] ? -1 : 0);
}
inline WholePack operator>(Pack a, double b) {
    HPCORE_LANES(std::int64_t, a[i] > b ? -1 : 0);
}
inline WholePack operator<<(WholePack a, int k) {
    HPCORE_LANES(std::int64_t, static_cast<std::int64_t>(static_cast<std::uint64_t>(a[i]) << k));
}
inline WholePack operator>>(WholePack a, int k) {
    HPCORE_LANES(std::int64_t, a[i] >> k);
}
inline Pack choose(WholePack mask, Pack a, Pack b) {
    HPCORE_LANES(double, mask[i] ? a[i] : b[i]);
}
inline Pack converted(WholePack a) {
    HPCORE_LANES(double, static_cast<double>(a[i]));
}
inline WholePack wrapping_sum(WholePack a, WholePack b) {
    HPCORE_LANES(std::int64_t,
                 static_cast<std::int64_t>(static_cast<std::uint64_t>(a[i]) + static_cast<std::uint64_t>(b[i])));
}
inline WholePack wrapping_difference(WholePack a, WholePack b) {
    HPCORE_LANES(std::int64_t,
                 static_cast<std::int64_t>(static_cast<std::uint64_t>(a[i]) - static_cast<std::uint64_t>(b[i])));
}
using FloatPack = Lanes<float>;
inline FloatPack times_power(FloatPack x, FloatPack shifted) {
    FloatPack out;
    for (std::size_t i = 0; i < lanes; ++i)
        out[i] =
            std::bit_cast<float>(std::bit_cast<std::uint32_t>(x[i]) + (std::bit_cast<std::uint32_t>(shifted[i]) << 23));
    return out;
}
inline FloatPack where_equal(FloatPack a, float b, float x) {
    HPCORE_LANES(float, a[i] == b ? x : 0.0f);
}
inline FloatPack at_least(FloatPack a, float least) {
    HPCORE_LANES(float, a[i] > least ? a[i] : least);
}
inline FloatPack greater_of(FloatPack a, FloatPack b) {
    HPCORE_LANES(float, a[i] > b[i] ? a[i] : b[i]);
}
inline bool any_above(FloatPack a, float x) {
    bool any = false;
    for (std::size_t i = 0; i < lanes; ++i) any = any || a[i] > x;
    return any;
}
#undef HPCORE_LANES
inline WholePack bits_of(Pack x) {
    WholePack out;
    std::memcpy(&out, &x, sizeof out);
    return out;
}
inline Pack as_double(WholePack x) {
    Pack out;
    std::memcpy(&out, &x, sizeof out);
    return out;
}
#endif

// No alignment is asked of memory.
HPCORE_INLINE Pack load(const double* p) {
    Pack x;
    std::memcpy(&x, p, sizeof x);
    return x;
}
HPCORE_INLINE void store(double* p, Pack x) {
    std::memcpy(p, &x, sizeof x);
}
HPCORE_INLINE Pack repeat(double x) {
    Pack out{};
    return out + x;
}

// Eight entries of a row. Through an array the load would wait for eight stores.
HPCORE_INLINE Pack picked(const double* row, const std::int32_t* at) {
    return Pack{row[at[0]], row[at[1]], row[at[2]], row[at[3]], row[at[4]], row[at[5]], row[at[6]], row[at[7]]};
}

constexpr std::size_t float_lanes = sizeof(FloatPack) / sizeof(float);

HPCORE_INLINE FloatPack load(const float* p) {
    FloatPack x;
    std::memcpy(&x, p, sizeof x);
    return x;
}
HPCORE_INLINE void store(float* p, FloatPack x) {
    std::memcpy(p, &x, sizeof x);
}

// 2^x for x in [-126, 126], relative error below 2e-4; 2^-126 for less.
HPCORE_INLINE FloatPack exp2_roughly(FloatPack x) {
    constexpr float to_whole = 0x1.8p23f;  // as in exp below
    x = at_least(x, -126.0f);
    const FloatPack shifted = x + to_whole;
    const FloatPack r = x - (shifted - to_whole);  // |r| <= 1/2
    FloatPack p = r * 0.05517163f + 0.24261114f;
    p = p * r + 0.69326100f;
    p = p * r + 0.99992807f;
    return times_power(p, shifted);
}

// Polynomials through the Chebyshev points of the ranges named below.
constexpr double exp_terms[9] = {
    0x1.ffffffffffffdp-1, 0x1.ffffffffd38d5p-1,  0x1.fffffffff7d29p-2,  0x1.555555a26c0dcp-3,  0x1.5555557324844p-5,
    0x1.111080b05aea5p-7, 0x1.6c164fc6f4723p-10, 0x1.a1aa7bf9a6fdbp-13, 0x1.a1584b29de44bp-16,
};

// erfc(x) exp(x^2) in t = (x - 3) / (x + 3), for 0 <= x; the variable is that of Shepherd & Laframboise 1981.
constexpr double erfcx_terms[19] = {
    0x1.6e9827d229d2dp-3,   -0x1.4e102b9cf8ffep-2, 0x1.f6ff2041031b0p-3,  -0x1.336ffbeeb737cp-3,
    0x1.258b13b145b92p-4,   -0x1.8fa58ee25e9a5p-6, 0x1.17c8379e3a422p-8,  0x1.73104a897f06cp-11,
    -0x1.3907f6efad378p-11, 0x1.7b95462e24a1bp-15, 0x1.0ca05fdd99af1p-14, -0x1.af129c339af28p-17,
    -0x1.0aba9dec250d8p-17, 0x1.19e4d2ba86bcap-19, 0x1.439bf90a1af2ap-20, -0x1.2a6de20000003p-22,
    -0x1.9360cde50d798p-23, 0x1.8cb186bca1af3p-26, 0x1.4a5d435e50d79p-26,
};

template <std::size_t n>
HPCORE_INLINE Pack horner(const double (&c)[n], Pack x) {
    Pack sum = repeat(c[n - 1]);
    for (std::size_t i = n - 1; i-- > 0;) sum = sum * x + c[i];
    return sum;
}

// exp(x) for x <= 700, relative error below 2e-12; 0 where x < -700, -infinity included.
HPCORE_INLINE Pack exp(Pack x) {
    constexpr double to_whole = 0x1.8p52;  // added to a small double, leaves its nearest integer in the low bits
    const Pack shifted = x * 0x1.71547652b82fep+0 + to_whole;
    const Pack n = shifted - to_whole;
    // log 2 in two parts: n times the first is exact.
    const Pack r = (x - n * 0x1.62e42fefp-1) - n * 0x1.473de6af278edp-34;
    const Pack p = horner(exp_terms, r);  // |r| <= log(2) / 2
    const Pack scaled = as_double(wrapping_sum(bits_of(p), bits_of(shifted) << 52));
    return choose(x < -700.0, repeat(0.0), scaled);
}

// log(x) for normal x > 0, error below 1e-15 + 1e-15 |log x|; -infinity where x is smaller, 0 included.
HPCORE_INLINE Pack log(Pack x) {
    constexpr std::int64_t root_half = 0x3fe6a09e667f3bcd;  // bits of sqrt(1/2)
    const WholePack exponent = wrapping_difference(bits_of(x), WholePack{} + root_half) >> 52;
    const Pack m = as_double(wrapping_difference(bits_of(x), exponent << 52));  // in [sqrt(1/2), sqrt(2))
    // log m = 2 artanh s, by its series; s^2 <= 0.0295.
    const Pack s = (m - 1.0) / (m + 1.0);
    const Pack z = s * s;
    constexpr double series[11] = {2.0,        2.0 / 3.0,  2.0 / 5.0,  2.0 / 7.0,  2.0 / 9.0, 2.0 / 11.0,
                                   2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0, 2.0 / 19.0, 2.0 / 21.0};
    const Pack k = converted(exponent);
    const Pack y = (k * 0x1.62e42fefp-1 + s * horner(series, z)) + k * 0x1.473de6af278edp-34;
    return choose(x < 0x1p-1022, repeat(-std::numeric_limits<double>::infinity()), y);
}

// erfc(x) exp(x^2) for x >= 0.
HPCORE_INLINE Pack erfcx(Pack x) {
    return horner(erfcx_terms, (x - 3.0) / (x + 3.0));
}

// erf(x) for x >= 0, absolute error below 1e-12.
HPCORE_INLINE Pack erf(Pack x) {
    return 1.0 - exp(-(x * x)) * erfcx(x);
}

// The logarithm of the standard normal distribution function, error below 1e-11.
HPCORE_INLINE Pack log_normal_cdf(Pack x) {
    const Pack z = choose(x < 0.0, -x, x) * 0.70710678118654752;
    const Pack tail = 0.5 * erfcx(z), square = z * z;
    return choose(x < 0.0, log(tail) - square, log(1.0 - tail * exp(-square)));
}

HPCORE_INLINE Pack sqrt(Pack x) {
    for (std::size_t i = 0; i < lanes; ++i) x[i] = std::sqrt(x[i]);
    return x;
}

// The standard normal quantile, as hpcore::normal_quantile but for p in [1.4e-11, 1 - 1.4e-11] only (6.6 deviations),
// to which p is cut; in two parts.
constexpr double central_half = 0.425;  // central: |p - 1/2| is at most this

HPCORE_INLINE Pack central_quantile(Pack p) {
    const Pack q = p - 0.5;
    const Pack r = 0.180625 - q * q;
    return q * horner(as241::central_num, r) / horner(as241::central_den, r);
}
HPCORE_INLINE Pack tail_quantile(Pack p) {
    const Pack q = p - 0.5;
    Pack tail = 0.5 - choose(q < 0.0, -q, q);
    tail = choose(tail < 1.4e-11, repeat(1.4e-11), tail);
    const Pack s = sqrt(-log(tail)) - 1.6;
    const Pack outer = horner(as241::middle_num, s) / horner(as241::middle_den, s);
    return choose(q < 0.0, -outer, outer);
}

}  // namespace hpcore::tpe
