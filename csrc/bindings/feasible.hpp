#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>

#include "arrays.hpp"
#include "hpcore/acquisition/maximizer.hpp"

namespace hpcore::bindings {

// Asks a space's constraints, which are Python, what they allow. Needs the GIL.
inline void ask_feasible(py::handle callable, Rows rows, std::span<bool> allowed) {
    Array copy({rows.n, rows.d});
    std::ranges::copy(rows.flat(), copy.mutable_data());
    const auto answer = callable(copy).cast<py::array_t<bool, py::array::c_style | py::array::forcecast>>();
    check_length("the answer of feasible", answer, rows.n);
    std::copy_n(answer.data(), rows.n, allowed.begin());
}

// The one thing that takes the GIL back while a suggestion is computed. Empty for None. To be destroyed with the GIL
// held.
inline acquisition::Feasible feasible_of(const py::object& callable) {
    if (callable.is_none()) return {};
    return [callable](Rows rows, std::span<bool> allowed) {
        py::gil_scoped_acquire gil;
        ask_feasible(callable, rows, allowed);
    };
}

}  // namespace hpcore::bindings
