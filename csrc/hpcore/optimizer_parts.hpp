#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>

#include "hpcore/optimizer.hpp"

// What the files of the optimizer share.
namespace hpcore {

#if defined(__SANITIZE_THREAD__)
// GCC's ThreadSanitizer does not see locks that are waited for by the steady clock (pthread_mutex_clocklock).
using LockClock = std::chrono::system_clock;
#else
using LockClock = std::chrono::steady_clock;
#endif

// The turn of a call: it waits for those before it. Past its deadline it still waits, and then takes what is cheapest.
class Optimizer::Turn {
  public:
    explicit Turn(std::timed_mutex& mutex, const Deadline& deadline = {}) : lock_(mutex, std::defer_lock) {
        const std::chrono::duration<double> left(deadline.limited() ? std::clamp(deadline.left(), 0.0, 1e8) : 0.0);
        if (deadline.limited() && lock_.try_lock_until(LockClock::now() + std::chrono::ceil<LockClock::duration>(left)))
            return;
        lock_.lock();
    }

  private:
    std::unique_lock<std::timed_mutex> lock_;
};

// True for an error or a cost.
inline bool is_size(double x) {
    return x >= 0.0 && std::isfinite(x);
}

}  // namespace hpcore
