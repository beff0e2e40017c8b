#pragma once

#include <pybind11/numpy.h>

#include <string>

#include "hpcore/view.hpp"

namespace hpcore::bindings {

namespace py = pybind11;

// Layout is asked for, not hoped for: with py::arg().noconvert() another one is a TypeError, never a silent copy.
using Array = py::array_t<double, py::array::c_style>;
using WholeArray = py::array_t<std::int64_t, py::array::c_style>;
using BoolArray = py::array_t<bool, py::array::c_style>;

// The shape of something (n, d), or a ValueError that names it.
inline std::size_t rows_of(const char* name, const py::array& a, std::size_t d) {
    if (a.ndim() != 2 || static_cast<std::size_t>(a.shape(1)) != d)
        throw py::value_error(std::string(name) + " must have shape (n, " + std::to_string(d) + ")");
    return static_cast<std::size_t>(a.shape(0));
}

inline void check_length(const char* name, const py::array& a, std::size_t n) {
    if (a.ndim() != 1 || static_cast<std::size_t>(a.shape(0)) != n)
        throw py::value_error(std::string(name) + " must have shape (" + std::to_string(n) + ",)");
}

// Views of arrays, whose shape is checked as above; the arrays must outlive them.
inline Rows rows_in(const char* name, const Array& a, std::size_t d) {
    return {a.data(), rows_of(name, a, d), d};
}
inline Column column_in(const char* name, const Array& a, std::size_t n) {
    check_length(name, a, n);
    return {a.data(), n};
}
// All numbers of an array, and those of a new one.
inline Column flat(const Array& a) {
    return {a.data(), static_cast<std::size_t>(a.size())};
}
inline MutableColumn room_of(Array& a) {
    return {a.mutable_data(), static_cast<std::size_t>(a.size())};
}

}  // namespace hpcore::bindings
