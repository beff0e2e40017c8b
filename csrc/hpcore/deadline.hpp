#pragma once

#include <chrono>
#include <limits>

namespace hpcore {

// A moment on the monotonic clock by which an answer is wanted; by default there is none.
class Deadline {
  public:
    using Clock = std::chrono::steady_clock;

    Deadline() = default;

    // In so many seconds from now; any number, infinity and beyond mean none.
    static Deadline in(double seconds) {
        Deadline d;
        if (seconds < 1e6) {
            d.limited_ = true;
            d.end_ = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
        }
        return d;
    }

    bool limited() const { return limited_; }
    bool passed() const { return limited_ && Clock::now() >= end_; }
    double left() const {
        if (!limited_) return std::numeric_limits<double>::infinity();
        return std::chrono::duration<double>(end_ - Clock::now()).count();
    }

  private:
    bool limited_ = false;
    Clock::time_point end_{};
};

}  // namespace hpcore
