#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace hpcore {

// Views of doubles that somebody else owns and that must outlive them: a shape is part of the type, so that a length
// cannot be taken for another one. Bare pointers are left to what is called as they are: BLAS and LAPACK (linalg/), the
// compiled loops of tpe/kernel_sums.hpp, and users' kernels (kernels.hpp).

// (n,) numbers.
using Column = std::span<const double>;
using MutableColumn = std::span<double>;

// (n, d) numbers, row by row without gaps.
template <class T>
struct BasicRows {
    T* data = nullptr;
    std::size_t n = 0, d = 0;

    // True if there is nothing to see, because n or d is 0.
    bool empty() const { return n == 0 || d == 0; }
    std::size_t size() const { return n * d; }

    std::span<T> operator[](std::size_t i) const { return {data + i * d, d}; }
    T& operator()(std::size_t i, std::size_t j) const { return data[i * d + j]; }

    // Rows first .. first + count - 1.
    BasicRows part(std::size_t first, std::size_t count) const { return {data + first * d, count, d}; }
    // All numbers, one row after the other.
    std::span<T> flat() const { return {data, n * d}; }

    operator BasicRows<const T>() const  // NOLINT(google-explicit-constructor): a view that may change less
        requires(!std::is_const_v<T>)
    {
        return {data, n, d};
    }
};

using Rows = BasicRows<const double>;
using MutableRows = BasicRows<double>;

}  // namespace hpcore
