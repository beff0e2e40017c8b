#pragma once

#include <cstdint>

namespace hpcore {

struct Wide {
    std::uint64_t low;
    std::uint64_t high;
};

// The 128-bit product of two 64-bit words; in the four partial products of school arithmetic where the compiler has
// no __int128 (which makes Philox about three times faster).
inline Wide multiply_wide(std::uint64_t a, std::uint64_t b) {
#ifdef __SIZEOF_INT128__
    __extension__ typedef unsigned __int128 Whole128;
    const Whole128 product = static_cast<Whole128>(a) * b;
    return {static_cast<std::uint64_t>(product), static_cast<std::uint64_t>(product >> 64)};
#else
    const std::uint64_t mask = 0xFFFFFFFFu;
    const std::uint64_t a0 = a & mask, a1 = a >> 32, b0 = b & mask, b1 = b >> 32;
    const std::uint64_t low = a0 * b0;
    const std::uint64_t mid = a1 * b0 + (low >> 32);
    const std::uint64_t cross = a0 * b1 + (mid & mask);
    return {(cross << 32) | (low & mask), a1 * b1 + (mid >> 32) + (cross >> 32)};
#endif
}

}  // namespace hpcore
