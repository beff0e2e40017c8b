#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/bo/schedule.hpp"
#include "hpcore/bo/suggester.hpp"
#include "hpcore/linalg/plain.hpp"

namespace hpcore::bindings {
namespace {

using bo::Request;
using bo::Schedule;
using bo::Step;
using bo::Suggester;
using bo::SuggestOptions;
using bo::TrustRegion;
using bo::View;

// One suggestion of a search without outcomes beyond one value: what a sampler asks of the engine at least.
py::tuple suggest(Suggester& suggester, const Array& X, const Array& values, std::uint64_t number) {
    Request request;
    request.rows = rows_in("X", X, suggester.d());
    request.values = column_in("values", values, request.n());
    for (std::size_t i = 0; i < request.n(); ++i)
        if (!std::isfinite(request.values[i]))
            throw py::value_error("values must be finite, row " + std::to_string(i) + " is not");
    request.number = number;
    std::vector<double> rows;
    Step step = Step::full;
    {
        const py::gil_scoped_release nogil;
        rows = suggester.suggest(request, &step);
    }
    Array out({rows.size() / suggester.d(), suggester.d()});
    std::copy(rows.begin(), rows.end(), out.mutable_data());
    return py::make_tuple(out, step);
}

}  // namespace

void bind_bo(py::module_& m) {
    auto s = m.def_submodule("bo", "Bayesian optimisation: Gaussian-process suggestions for one search.");
    py::enum_<Step>(
        s, "Step",
        "Level of the deadline ladder, best first, as `hpcore.samplers.ladder` has it; `none`: no time for a\n"
        "model.")
        .value("full", Step::full)
        .value("reuse", Step::reuse)
        .value("search", Step::search)
        .value("draft", Step::draft)
        .value("none", Step::none);
    py::class_<Schedule>(s, "Schedule", "Sizes of the history at which hyperparameters are fitted.")
        .def(py::init<>())
        .def_readwrite("every_until", &Schedule::every_until,
                       "Number of observations up to which each is followed by a fit.")
        .def_readwrite("growth", &Schedule::growth,
                       "Growth of the history, as a share, after which a fit is due from then on.")
        .def_readwrite("longest", &Schedule::longest, "Greatest number of observations between two fits.")
        .def("at", &Schedule::at, py::arg("n"), "Last scheduled size that is at most n.");
    py::class_<TrustRegion>(s, "TrustRegion",
                            "Box round the best point that widens with success and narrows with failure.")
        .def(py::init<>())
        .def_readwrite("on", &TrustRegion::on, "True if the search keeps to the box.")
        .def_readwrite("after", &TrustRegion::after,
                       "Number of startup observations, which are no successes or failures.")
        .def(
            "side",
            [](const TrustRegion& self, const Array& values, std::size_t d) { return self.side(flat(values), d); },
            py::arg("values").noconvert(), py::arg("d"),
            "Side of the box after values (n,) of a search with d parameters; at least 1 means everywhere.");
    py::class_<View>(s, "View",
                     "One way to look at the history: what the model is fitted to, and what is then maximised.")
        .def(py::init<>())
        .def_readwrite("warp", &View::warp, "True if numeric columns are warped as is likeliest.")
        .def_readwrite("transforms", &View::transforms,
                       "Transforms of the values to choose from, at least one; the likeliest is taken.")
        .def_readwrite("length_scale_factor", &View::length_scale_factor,
                       "Factor on the fitted length scales; below 1 the model generalises less.")
        .def_readwrite("kind", &View::kind, "Acquisition function.")
        .def_readwrite("thompson", &View::thompson, "True to maximise one draw of the objective in place of `kind`.")
        .def_readwrite("noisy", &View::noisy,
                       "True to average the improvement over what noisy incumbents may be worth.")
        .def_readwrite("kappa", &View::kappa, "Standard deviations below the mean, for a confidence bound.")
        .def_readwrite("xi", &View::xi, "Improvement asked for, in standard deviations of the standardised values.")
        .def_readwrite("posterior_best", &View::posterior_best,
                       "True to improve on the best fitted mean rather than on the best value.");
    py::class_<SuggestOptions>(s, "SuggestOptions", "Options of a Suggester.")
        .def(py::init<>())
        .def_readwrite("views", &SuggestOptions::views,
                       "Views of the history, taken in turn by trial number; at least one.")
        .def_readwrite("fit", &SuggestOptions::fit, "Options of the fit.")
        .def_readwrite("search", &SuggestOptions::search, "Options of the maximiser.")
        .def_readwrite("schedule", &SuggestOptions::schedule, "Sizes at which hyperparameters are fitted.")
        .def_readwrite("n_incumbents", &SuggestOptions::n_incumbents, "Number of best points that are perturbed.");
    py::class_<Suggester>(
        s, "Suggester",
        "Gaussian-process suggestions for one search, the engine of the sampler; calls from several threads wait for\n"
        "each other.\n"
        "\n"
        "`categorical` (d,) marks columns without an order. Raises ValueError if its length is not d, or without\n"
        "a view.")
        .def(py::init([](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical,
                         const SuggestOptions& options) {
                 return std::make_unique<Suggester>(linalg::plain_lapack(), std::move(codec), categorical, options);
             }),
             py::arg("codec"), py::arg("categorical"), py::arg("options"))
        .def("suggest", &suggest, py::arg("X").noconvert(), py::arg("values").noconvert(), py::arg("number"),
             "Suggest a row for trial `number`, of shape (1, d), and the level of the ladder that it reached.\n"
             "\n"
             "X (m, d) are canonical rows with finite values (m,), lower is better. No row is returned only if no new\n"
             "one was met. Raises ValueError for a wrong shape or a value that is not finite.");
    s.def(
        "representative",
        [](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical, const Array& X, const Array& y,
           std::size_t most) {
            const acquisition::MoveSet moves(std::move(codec), categorical, SuggestOptions{}.smooth_levels);
            const Rows rows = rows_in("X", X, moves.d());
            const Column values = column_in("y", y, rows.n);
            std::vector<std::size_t> chosen;
            {
                const py::gil_scoped_release nogil;
                chosen = bo::representative(moves, rows, values, most);
            }
            py::array_t<std::int64_t> out(static_cast<py::ssize_t>(chosen.size()));
            std::copy(chosen.begin(), chosen.end(), out.mutable_data());
            return out;
        },
        py::arg("codec"), py::arg("categorical"), py::arg("X").noconvert(), py::arg("y").noconvert(), py::arg("most"),
        "Positions, rising, of at most `most` rows that stand for X (n, d) with values y (n,) in a model: the best,\n"
        "those near the best, and an even spread over the rest.");
}

}  // namespace hpcore::bindings
