#pragma once

#include <pybind11/pybind11.h>

namespace hpcore::bindings {

void bind_acquisition(pybind11::module_& m);
void bind_bo(pybind11::module_& m);
void bind_errors(pybind11::module_& m);
void bind_fidelity(pybind11::module_& m);
void bind_gp(pybind11::module_& m);
void bind_linalg(pybind11::module_& m);
void bind_records(pybind11::module_& m);
void bind_rng(pybind11::module_& m);
void bind_samplers(pybind11::module_& m);
void bind_space(pybind11::module_& m);
void bind_tpe(pybind11::module_& m);

}  // namespace hpcore::bindings
