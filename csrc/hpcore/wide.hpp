#pragma once

#include <cstdint>

namespace hpcore {

struct Wide {
    std::uint64_t low;
    std::uint64_t high;
};

// The 128-bit product of two 64-bit words, in the four partial products of school arithmetic: every compiler has
// 64-bit words, not every one has __int128.
inline Wide multiply_wide(std::uint64_t a, std::uint64_t b) {
    const std::uint64_t mask = 0xFFFFFFFFu;
    const std::uint64_t a0 = a & mask, a1 = a >> 32, b0 = b & mask, b1 = b >> 32;
    const std::uint64_t low = a0 * b0;
    const std::uint64_t mid = a1 * b0 + (low >> 32);
    const std::uint64_t cross = a0 * b1 + (mid & mask);
    return {(cross << 32) | (low & mask), a1 * b1 + (mid >> 32) + (cross >> 32)};
}

}  // namespace hpcore
