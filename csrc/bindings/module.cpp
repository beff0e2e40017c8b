#include <pybind11/pybind11.h>

#include "bindings.hpp"
#include "hpcore/version.hpp"

namespace py = pybind11;

// Nothing here counts on the GIL: engines have a lock of their own, as hpcore/sampler.hpp says, and so have tables.
// The parts are bound in this order: errors first, since the others may throw them.
PYBIND11_MODULE(_core, m, py::mod_gil_not_used()) {
    m.doc() = "hpcore's compiled core: arrays and opaque handles, no parameters and no policies.";
    m.attr("__version__") = hpcore::version;
    hpcore::bindings::bind_errors(m);
    hpcore::bindings::bind_linalg(m);
    hpcore::bindings::bind_rng(m);
    hpcore::bindings::bind_space(m);
    hpcore::bindings::bind_records(m);
    hpcore::bindings::bind_gp(m);
    hpcore::bindings::bind_acquisition(m);
    hpcore::bindings::bind_bo(m);
    hpcore::bindings::bind_fidelity(m);
    hpcore::bindings::bind_tpe(m);
    hpcore::bindings::bind_samplers(m);
}
