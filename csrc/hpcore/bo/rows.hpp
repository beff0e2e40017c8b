#pragma once

#include <chrono>
#include <cstddef>
#include <vector>

#include "hpcore/deadline.hpp"
#include "hpcore/view.hpp"

namespace hpcore::bo {

// Some of the rows (n, d).
inline std::vector<double> gather(Rows rows, const std::vector<std::size_t>& which) {
    std::vector<double> out;
    out.reserve(which.size() * rows.d);
    for (const std::size_t i : which) out.insert(out.end(), rows[i].begin(), rows[i].end());
    return out;
}

inline double seconds_since(Deadline::Clock::time_point begin) {
    return std::chrono::duration<double>(Deadline::Clock::now() - begin).count();
}

}  // namespace hpcore::bo
