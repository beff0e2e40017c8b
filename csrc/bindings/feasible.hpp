#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>

#include "arrays.hpp"
#include "hpcore/acquisition/maximizer.hpp"

namespace hpcore::bindings {

// The answer of a space's constraints, which are Python: which rows (n, d) they allow. Needs the GIL.
inline void ask_feasible(py::handle callable, const double* rows, std::size_t n, std::size_t d, bool* allowed) {
    Array copy({n, d});
    std::copy(rows, rows + n * d, copy.mutable_data());
    const auto answer = callable(copy).cast<py::array_t<bool, py::array::c_style | py::array::forcecast>>();
    check_length("the answer of feasible", answer, n);
    std::copy(answer.data(), answer.data() + n, allowed);
}

// The one thing that takes the GIL back while a suggestion is computed. Empty for None. To be destroyed with the GIL
// held.
inline acquisition::Feasible feasible_of(const py::object& callable, std::size_t d) {
    if (callable.is_none()) return {};
    return [callable, d](const double* rows, std::size_t n, bool* allowed) {
        py::gil_scoped_acquire gil;
        ask_feasible(callable, rows, n, d, allowed);
    };
}

}  // namespace hpcore::bindings
