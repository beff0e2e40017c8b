#include "hpcore/rng.hpp"

#include "hpcore/normal.hpp"
#include "hpcore/wide.hpp"

namespace hpcore {

namespace {

// Multipliers and Weyl increments of Philox4x64: Salmon et al. 2011, table 2.
constexpr std::uint64_t m0 = 0xD2E7470EE14C6C93u, m1 = 0xCA5A826395121157u;
constexpr std::uint64_t w0 = 0x9E3779B97F4A7C15u, w1 = 0xBB67AE8584CAA73Bu;

inline void round(std::array<std::uint64_t, 4>& c, Philox::Key key) {
    const Wide p0 = multiply_wide(m0, c[0]);
    const Wide p1 = multiply_wide(m1, c[2]);
    c = {p1.high ^ c[1] ^ key.low, p1.low, p0.high ^ c[3] ^ key.high, p0.low};
}

}  // namespace

std::array<std::uint64_t, 4> Philox::block(std::array<std::uint64_t, 4> c, Key key) {
    for (int r = 0; r < 10; ++r) {
        if (r > 0) {
            key.low += w0;
            key.high += w1;
        }
        round(c, key);
    }
    return c;
}

void Philox::fill_uniform(MutableColumn numbers) {
    double* out = numbers.data();
    std::size_t n = numbers.size();
    while (n > 0 && used_ < 4) {
        *out++ = uniform();
        --n;
    }
    // The CPU overlaps the multiplications of several blocks by itself, as none waits for another.
    for (; n >= 4; n -= 4) {
        ++counter_[0];
        for (const std::uint64_t word : block(counter_, key_))
            *out++ = static_cast<double>(static_cast<std::int64_t>(word >> 11)) * 0x1.0p-53;
    }
    for (; n > 0; --n) *out++ = uniform();
}

double Philox::normal() {
    // The middle of one of 2^53 cells, so that neither end of (0, 1) is ever reached.
    return normal_quantile((static_cast<double>(next() >> 11) + 0.5) * 0x1.0p-53);
}

std::uint64_t Philox::below(std::uint64_t n) {
    return multiply_wide(next(), n).high;
}

}  // namespace hpcore
