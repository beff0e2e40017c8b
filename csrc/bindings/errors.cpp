#include "hpcore/errors.hpp"

#include "bindings.hpp"
#include "hpcore/kernels.hpp"

namespace hpcore::bindings {

namespace py = pybind11;

void bind_errors(py::module_&) {
    // Users already catch numpy.linalg.LinAlgError. It is looked up when it is needed: numpy.linalg is not ours to
    // load.
    py::register_exception_translator([](std::exception_ptr p) {
        try {
            if (p) std::rethrow_exception(p);
        } catch (const NotPositiveDefinite& e) {
            const py::object type = py::module_::import("numpy.linalg").attr("LinAlgError");
            PyErr_SetString(type.ptr(), e.what());
        } catch (const KernelFailed& e) {
            const py::object type = py::module_::import("hpcore.errors").attr("KernelError");
            PyErr_SetString(type.ptr(), e.what());
        }
    });
}

}  // namespace hpcore::bindings
