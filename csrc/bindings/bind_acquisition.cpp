#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/acquisition/criterion.hpp"
#include "hpcore/acquisition/functions.hpp"
#include "hpcore/acquisition/maximizer.hpp"

namespace hpcore::bindings {
namespace {

using acquisition::SearchOptions;
using acquisition::Value;

// (value, d/dmean, d/dstd) of arrays of means and standard deviations.
template <auto function>
py::tuple evaluate(const Array& mean, const Array& std, double parameter) {
    const auto n = static_cast<std::size_t>(mean.size());
    check_length("mean", mean, n);
    check_length("std", std, n);
    Array value(mean.size()), by_mean(mean.size()), by_std(mean.size());
    double* v = value.mutable_data();
    double* m = by_mean.mutable_data();
    double* s = by_std.mutable_data();
    const double* mu = mean.data();
    const double* sigma = std.data();
    {
        py::gil_scoped_release nogil;
        for (std::size_t i = 0; i < n; ++i) {
            const Value out = function(mu[i], sigma[i], parameter);
            v[i] = out.value;
            m[i] = out.by_mean;
            s[i] = out.by_std;
        }
    }
    return py::make_tuple(value, by_mean, by_std);
}

}  // namespace

void bind_acquisition(py::module_& m) {
    auto s = m.def_submodule("acquisition", "Acquisition functions for minimisation, and options of their maximiser.");
    s.def("log_expected_improvement", &evaluate<&acquisition::log_expected_improvement>, py::arg("mean").noconvert(),
          py::arg("std").noconvert(), py::arg("best"));
    s.def("log_probability_of_improvement", &evaluate<&acquisition::log_probability_of_improvement>,
          py::arg("mean").noconvert(), py::arg("std").noconvert(), py::arg("best"));
    s.def("lower_confidence_bound", &evaluate<&acquisition::lower_confidence_bound>, py::arg("mean").noconvert(),
          py::arg("std").noconvert(), py::arg("kappa"));
    py::enum_<acquisition::Kind>(s, "Kind")
        .value("log_ei", acquisition::Kind::log_ei)
        .value("pi", acquisition::Kind::pi)
        .value("ucb", acquisition::Kind::ucb)
        .value("user", acquisition::Kind::user);
    py::class_<SearchOptions>(s, "SearchOptions")
        .def(py::init<>())
        .def_readwrite("n_global", &SearchOptions::n_global)
        .def_readwrite("n_local", &SearchOptions::n_local)
        .def_readwrite("n_starts", &SearchOptions::n_starts)
        .def_readwrite("rounds", &SearchOptions::rounds)
        .def_readwrite("iterations", &SearchOptions::iterations)
        .def_readwrite("min_start_distance", &SearchOptions::min_start_distance)
        .def_readwrite("full_sweep", &SearchOptions::full_sweep);
}

}  // namespace hpcore::bindings
