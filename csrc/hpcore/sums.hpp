#pragma once

#include <algorithm>
#include <cstddef>

namespace hpcore {

// Sum of n numbers in the order in which NumPy adds them: one after the other below 8, then in 8 parts, and by halves
// beyond 128, so that rounding errors stay small.
inline double pairwise_sum(const double* a, std::size_t n) {
    if (n < 8) {
        double total = 0.0;
        for (std::size_t i = 0; i < n; ++i) total += a[i];
        return total;
    }
    if (n > 128) {
        const std::size_t half = n / 2 - n / 2 % 8;
        return pairwise_sum(a, half) + pairwise_sum(a + half, n - half);
    }
    double part[8];
    std::copy_n(a, 8, part);
    std::size_t i = 8;
    for (; i + 8 <= n; i += 8)
        for (std::size_t k = 0; k < 8; ++k) part[k] += a[i + k];
    double total = ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
    for (; i < n; ++i) total += a[i];
    return total;
}

}  // namespace hpcore
