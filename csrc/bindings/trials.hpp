#pragma once

#include <cstdint>
#include <optional>

#include "arrays.hpp"
#include "hpcore/records/trials.hpp"

namespace hpcore::bindings {

using StateArray = py::array_t<std::uint8_t, py::array::c_style>;

inline Rows as_rows(const Array& a) {
    return {a.data(), static_cast<std::size_t>(a.shape(0)), static_cast<std::size_t>(a.shape(1))};
}

// A view of trials, and the arrays that it is of.
struct BoundTrials {
    Array X, values;
    StateArray state;
    std::optional<Array> std_errors, cost, violations, gradients;
    records::Trials view;

    BoundTrials(Array rows, Array objectives, StateArray states, std::optional<Array> errors,
                std::optional<Array> costs, std::optional<Array> beyond, std::optional<Array> slopes,
                std::size_t n_given);
};

}  // namespace hpcore::bindings
