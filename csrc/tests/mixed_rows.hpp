#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "hpcore/gp/covariance.hpp"
#include "hpcore/rng.hpp"

// Rows of one column of each kind.
namespace mixed {

// A number, a category of three, a conditional number and a conditional category of two.
inline const std::vector<hpcore::gp::ColumnType> types{{false, false}, {true, false}, {false, true}, {true, true}};

inline std::vector<double> rows(std::size_t n, std::uint64_t seed) {
    constexpr double nan = std::numeric_limits<double>::quiet_NaN();
    hpcore::Philox stream({5, 6}, seed, 0);
    std::vector<double> out;
    for (std::size_t i = 0; i < n; ++i) {
        out.push_back(stream.uniform());
        out.push_back((static_cast<double>(stream.below(3)) + 0.5) / 3.0);
        out.push_back(stream.uniform() < 0.4 ? nan : stream.uniform());
        out.push_back(stream.uniform() < 0.4 ? nan : (static_cast<double>(stream.below(2)) + 0.5) / 2.0);
    }
    return out;
}

}  // namespace mixed
