#pragma once

#include <cstdint>
#include <string>

#include "hpcore/kernels.hpp"

namespace hpcore::bindings {

// A kernel from its address, which is what Numba gives. The object that owns the code is kept alive in Python.
template <class Function>
Kernel<Function> kernel_at(std::uintptr_t address, const std::string& name) {
    return {reinterpret_cast<Function>(address), name};
}

}  // namespace hpcore::bindings
