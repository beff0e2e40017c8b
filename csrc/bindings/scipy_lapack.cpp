#include "scipy_lapack.hpp"

#include <pybind11/gil_safe_call_once.h>
#include <pybind11/pybind11.h>

#include <string>
#include <type_traits>

#include "blas_threads.hpp"

namespace hpcore::bindings {
namespace {

namespace py = pybind11;

// Cython's spelling of the type of an argument in the name of a capsule.
template <class T>
const char* spelling() {
    if constexpr (std::is_same_v<T, char*>)
        return "char *";
    else if constexpr (std::is_same_v<T, int*>)
        return "int *";
    else {
        static_assert(std::is_same_v<T, double*>);
        return "double *";
    }
}

template <class... Args>
std::string signature(void (*)(Args...)) {
    std::string out;
    ((out += (out.empty() ? "" : ", "), out += spelling<Args>()), ...);
    return "void (" + out + ")";
}

// Cython names double after the module's own typedef, __pyx_t_..._d.
std::string with_plain_doubles(std::string name) {
    for (std::size_t at = name.find("__pyx_t_"); at != std::string::npos; at = name.find("__pyx_t_", at)) {
        std::size_t end = at;
        while (end < name.size() && name[end] != ' ' && name[end] != ',' && name[end] != ')') ++end;
        const bool is_double = end - at >= 2 && name.compare(end - 2, 2, "_d") == 0;
        name.replace(at, end - at, is_double ? "double" : "?");
    }
    return name;
}

template <class Function>
void fetch(const py::dict& capsules, const char* routine, Function*& slot) {
    const py::object found = capsules[routine];
    const char* name = PyCapsule_GetName(found.ptr());
    if (name == nullptr) throw py::error_already_set();
    const std::string expected = signature(slot);
    if (with_plain_doubles(name) != expected)
        throw py::import_error(std::string("SciPy's ") + routine + " has the signature '" + name + "', hpcore needs '" +
                               expected + "'");
    slot = reinterpret_cast<Function*>(PyCapsule_GetPointer(found.ptr(), name));
}

linalg::Lapack fetch_all() {
    const auto capsules_of = [](const char* module) -> py::dict {
        return py::module_::import(module).attr("__pyx_capi__");
    };
    const py::dict blas = capsules_of("scipy.linalg.cython_blas");
    const py::dict lapack = capsules_of("scipy.linalg.cython_lapack");
    find_blas_threads();
    linalg::Lapack table;
    fetch(lapack, "dpotrf", table.dpotrf);
    fetch(lapack, "dpotri", table.dpotri);
    fetch(blas, "dtrsv", table.dtrsv);
    fetch(blas, "dtrsm", table.dtrsm);
    return table;
}

}  // namespace

const linalg::Lapack& scipy_lapack() {
    PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<linalg::Lapack> table;
    return table.call_once_and_store_result(fetch_all).get_stored();
}

}  // namespace hpcore::bindings
