#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "hpcore/view.hpp"

namespace hpcore {

// Counter-based random numbers: Philox4x64-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers:
// as easy as 1, 2, 3"). A stream is a pure function of (seed, trial number, purpose): there is no state to store,
// to share between threads or to lose in a fork.
//
// The key is the 128-bit seed; the counter is (block, number, purpose, 0), so that two streams never overlap.
class Philox {
  public:
    struct Key {
        std::uint64_t low = 0;
        std::uint64_t high = 0;
    };

    Philox(Key key, std::uint64_t number, std::uint64_t purpose) : key_(key), counter_{0, number, purpose, 0} {}

    std::uint64_t next() {
        if (used_ == 4) refill();
        return buffer_[used_++];
    }

    // Uniform in [0, 1): 53 random bits.
    double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

    // The next ones of uniform().
    void fill_uniform(MutableColumn out);

    // Standard normal: the quantile of one uniform, so that a draw costs one counter step whatever its value.
    double normal();

    // Uniform in {0, ..., n - 1} for n >= 1, by the high word of a product; the bias is below n / 2^64.
    std::uint64_t below(std::uint64_t n);

    static std::array<std::uint64_t, 4> block(std::array<std::uint64_t, 4> counter, Key key);

  private:
    void refill() {
        ++counter_[0];
        buffer_ = block(counter_, key_);
        used_ = 0;
    }

    Key key_;
    std::array<std::uint64_t, 4> counter_;
    std::array<std::uint64_t, 4> buffer_{};
    std::size_t used_ = 4;
};

}  // namespace hpcore
