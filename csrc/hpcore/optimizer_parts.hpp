#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <mutex>

#include "hpcore/optimizer.hpp"

// What the files of the optimizer share.
namespace hpcore {

// The turn of a call: it waits for those before it. Past its deadline it still waits, and then takes what is cheapest.
class Optimizer::Turn {
  public:
    explicit Turn(std::timed_mutex& mutex, const Deadline& deadline = {}) : lock_(mutex, std::defer_lock) {
        if (deadline.limited() && lock_.try_lock_for(std::chrono::duration<double>(std::max(deadline.left(), 0.0))))
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
