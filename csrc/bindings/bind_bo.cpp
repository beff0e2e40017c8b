#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "blas_threads.hpp"
#include "hpcore/bo/suggester.hpp"
#include "kernels.hpp"
#include "scipy_lapack.hpp"

namespace hpcore::bindings {
namespace {

using bo::Request;
using bo::Schedule;
using bo::Step;
using bo::Suggester;
using bo::SuggestOptions;
using bo::TrustRegion;
using bo::View;

// The space's constraints are Python: the one thing that takes the GIL back while a suggestion is computed.
acquisition::Feasible feasible_of(const py::object& callable, std::size_t d) {
    if (callable.is_none()) return {};
    return [callable, d](const double* rows, std::size_t n, bool* allowed) {
        py::gil_scoped_acquire gil;
        Array copy({n, d});
        std::copy(rows, rows + n * d, copy.mutable_data());
        const auto answer = callable(copy).cast<py::array_t<bool, py::array::c_style | py::array::forcecast>>();
        check_length("the answer of feasible", answer, n);
        std::copy(answer.data(), answer.data() + n, allowed);
    };
}

py::tuple suggest(Suggester& suggester, const Array& X, const Array& values, const std::optional<Array>& std_errors,
                  const Array& pending, std::size_t n, std::uint64_t seed_low, std::uint64_t seed_high,
                  std::uint64_t number, std::uint64_t attempt, const py::object& feasible, double seconds,
                  std::size_t repeats, const std::optional<Array>& extra) {
    const std::size_t d = suggester.d();
    Request request;
    request.deadline = Deadline::in(seconds);
    request.n = rows_of("X", X, d);
    check_length("values", values, request.n);
    for (std::size_t i = 0; i < request.n; ++i)
        if (!std::isfinite(values.data()[i]))
            throw py::value_error("values must be finite, row " + std::to_string(i) + " is not");
    request.rows = X.data();
    request.values = values.data();
    if (std_errors) {
        check_length("std_errors", *std_errors, request.n);
        request.std_errors = std_errors->data();
    }
    request.n_pending = rows_of("pending", pending, d);
    request.pending = pending.data();
    if (extra) {
        request.n_extra = rows_of("extra", *extra, d);
        request.extra = extra->data();
    }
    request.count = n;
    if (repeats == 0) throw py::value_error("repeats must be at least 1");
    request.repeats = repeats;
    request.key = {seed_low, seed_high};
    request.number = number;
    request.attempt = attempt;
    std::vector<double> rows;
    Step step = Step::full;
    {
        // The constraint is destroyed outside this scope, where the GIL is held again.
        request.feasible = feasible_of(feasible, d);
        const Unlocked native;
        rows = suggester.suggest(request, &step);
    }
    Array out({rows.size() / d, d});
    std::copy(rows.begin(), rows.end(), out.mutable_data());
    return py::make_tuple(out, step);
}

}  // namespace

void bind_bo(py::module_& m) {
    auto s = m.def_submodule("bo", "Bayesian optimisation: Gaussian-process suggestions for one search.");
    py::enum_<Step>(s, "Step")
        .value("full", Step::full)
        .value("reuse", Step::reuse)
        .value("search", Step::search)
        .value("none", Step::none);
    py::class_<Schedule>(s, "Schedule")
        .def(py::init<>())
        .def_readwrite("every_until", &Schedule::every_until)
        .def_readwrite("growth", &Schedule::growth)
        .def_readwrite("longest", &Schedule::longest)
        .def("at", &Schedule::at, py::arg("n"));
    py::class_<TrustRegion>(s, "TrustRegion")
        .def(py::init<>())
        .def_readwrite("on", &TrustRegion::on)
        .def_readwrite("after", &TrustRegion::after)
        .def(
            "side",
            [](const TrustRegion& self, const Array& values, std::size_t d) {
                return self.side(values.data(), static_cast<std::size_t>(values.size()), d);
            },
            py::arg("values").noconvert(), py::arg("d"));
    py::class_<View>(s, "View")
        .def(py::init<>())
        .def_readwrite("warp", &View::warp)
        .def_readwrite("transforms", &View::transforms)
        .def_readwrite("length_scale_factor", &View::length_scale_factor)
        .def_readwrite("kind", &View::kind)
        .def_readwrite("thompson", &View::thompson)
        .def_readwrite("noisy", &View::noisy)
        .def_readwrite("kappa", &View::kappa)
        .def_readwrite("xi", &View::xi)
        .def_readwrite("posterior_best", &View::posterior_best);
    py::class_<SuggestOptions>(s, "SuggestOptions")
        .def(py::init<>())
        .def_readwrite("views", &SuggestOptions::views)
        .def_readwrite("n_draws", &SuggestOptions::n_draws)
        .def_readwrite("fit", &SuggestOptions::fit)
        .def_readwrite("search", &SuggestOptions::search)
        .def_readwrite("schedule", &SuggestOptions::schedule)
        .def_readwrite("trust_region", &SuggestOptions::trust_region)
        .def_readwrite("smooth_levels", &SuggestOptions::smooth_levels)
        .def_readwrite("n_incumbents", &SuggestOptions::n_incumbents)
        .def_readwrite("n_noisy_draws", &SuggestOptions::n_noisy_draws)
        .def_readwrite("fit_rows", &SuggestOptions::fit_rows)
        .def_readwrite("model_rows", &SuggestOptions::model_rows)
        .def(
            "set_acquisition",
            [](SuggestOptions& options, std::uintptr_t address, const std::string& name, bool logarithmic) {
                options.acquisition = {kernel_at<AcquisitionKernel>(address, name), logarithmic};
            },
            py::arg("address"), py::arg("name"), py::arg("logarithmic"))
        .def(
            "set_prior",
            [](SuggestOptions& options, std::uintptr_t address, const std::string& name, double beta) {
                options.prior = acquisition::UserPrior(kernel_at<DensityKernel>(address, name), beta);
            },
            py::arg("address"), py::arg("name"), py::arg("beta"))
        .def(
            "set_covariance",
            [](SuggestOptions& options, std::shared_ptr<gp::UserCovariance> covariance) {
                options.covariance = std::move(covariance);
            },
            py::arg("covariance"));
    py::class_<Suggester>(s, "Suggester")
        .def(py::init([](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical,
                         const SuggestOptions& options) {
                 return std::make_unique<Suggester>(scipy_lapack(), std::move(codec), categorical, options);
             }),
             py::arg("codec"), py::arg("categorical"), py::arg("options"))
        .def("suggest", &suggest, py::arg("X").noconvert(), py::arg("values").noconvert(),
             py::arg("std_errors").noconvert(), py::arg("pending").noconvert(), py::arg("n"), py::arg("seed_low"),
             py::arg("seed_high"), py::arg("number"), py::arg("attempt"), py::arg("feasible"), py::arg("seconds"),
             py::arg("repeats") = 1, py::arg("extra") = py::none());
}

}  // namespace hpcore::bindings
