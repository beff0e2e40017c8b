#pragma once

#include <cstddef>
#include <vector>

// Central differences, which derivatives are checked against.
namespace differences {

constexpr double step = 1e-5;

// df/du_j at u for every j of `columns`, f(Column u) being a number.
template <class Function>
std::vector<double> central(Function f, std::vector<double> u, const std::vector<std::size_t>& columns) {
    std::vector<double> out;
    for (const std::size_t j : columns) {
        const double here = u[j];
        u[j] = here + step;
        const double above = f(u);
        u[j] = here - step;
        const double below = f(u);
        u[j] = here;
        out.push_back((above - below) / (2.0 * step));
    }
    return out;
}

}  // namespace differences
