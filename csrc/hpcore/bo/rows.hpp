#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "hpcore/deadline.hpp"

namespace hpcore::bo {

// Some of the rows (n, d).
inline std::vector<double> gather(const double* rows, std::size_t d, const std::vector<std::size_t>& which) {
    std::vector<double> out;
    out.reserve(which.size() * d);
    for (const std::size_t i : which) out.insert(out.end(), rows + i * d, rows + i * d + d);
    return out;
}

inline double seconds_since(Deadline::Clock::time_point begin) {
    return std::chrono::duration<double>(Deadline::Clock::now() - begin).count();
}

}  // namespace hpcore::bo
