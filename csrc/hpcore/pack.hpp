#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hpcore/vectorize.hpp"

// Eight doubles that are computed on together. Lanes never mix and nothing here is fused, so a lane's bits do not
// depend on how wide the CPU's registers are.
namespace hpcore {

constexpr std::size_t lanes = 8;

#if defined(__GNUC__) && !defined(HPCORE_PLAIN_PACKS)
typedef double Pack __attribute__((vector_size(64)));
typedef std::int64_t WholePack __attribute__((vector_size(64)));
typedef std::uint64_t UnsignedPack __attribute__((vector_size(64)));

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

}  // namespace hpcore
