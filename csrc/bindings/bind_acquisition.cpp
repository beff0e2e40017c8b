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
          py::arg("std").noconvert(), py::arg("best"),
          "Logarithm of E[max(best - f, 0)] for f normal, and its derivatives by mean and by std.\n"
          "\n"
          "mean (n,), std (n,) greater than 0; three arrays of shape (n,).");
    s.def("log_probability_of_improvement", &evaluate<&acquisition::log_probability_of_improvement>,
          py::arg("mean").noconvert(), py::arg("std").noconvert(), py::arg("best"),
          "Logarithm of P(f < best) for f normal, and its derivatives by mean and by std.\n"
          "\n"
          "mean (n,), std (n,) greater than 0; three arrays of shape (n,).");
    s.def("lower_confidence_bound", &evaluate<&acquisition::lower_confidence_bound>, py::arg("mean").noconvert(),
          py::arg("std").noconvert(), py::arg("kappa"),
          "Negative lower confidence bound, kappa std - mean, and its derivatives by mean and by std.\n"
          "\n"
          "mean (n,), std (n,); three arrays of shape (n,).");
    py::enum_<acquisition::Kind>(
        s, "Kind",
        "Acquisition function: log expected improvement, log probability of improvement, confidence bound, or a\n"
        "user's.")
        .value("log_ei", acquisition::Kind::log_ei)
        .value("pi", acquisition::Kind::pi)
        .value("ucb", acquisition::Kind::ucb)
        .value("user", acquisition::Kind::user);
    py::class_<SearchOptions>(s, "SearchOptions", "Options of the maximiser of an acquisition function.")
        .def(py::init<>())
        .def_readwrite("n_global", &SearchOptions::n_global, "Number of candidates stratified over the whole box.")
        .def_readwrite("n_local", &SearchOptions::n_local, "Number of perturbations of each incumbent.")
        .def_readwrite("n_starts", &SearchOptions::n_starts, "Number of candidates that are refined.")
        .def_readwrite("rounds", &SearchOptions::rounds,
                       "Number of rounds of gradient steps and discrete moves in turn.")
        .def_readwrite("iterations", &SearchOptions::iterations, "Greatest number of L-BFGS iterations in a round.")
        .def_readwrite("min_start_distance", &SearchOptions::min_start_distance,
                       "Least distance of two refined candidates.")
        .def_readwrite("full_sweep", &SearchOptions::full_sweep,
                       "Greatest number of levels of a column that is searched exhaustively.");
}

}  // namespace hpcore::bindings
