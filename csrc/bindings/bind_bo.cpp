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
#include "feasible.hpp"
#include "hpcore/bo/pareto_suggester.hpp"
#include "hpcore/bo/schedule.hpp"
#include "hpcore/bo/suggester.hpp"
#include "kernels.hpp"
#include "scipy_lapack.hpp"

namespace hpcore::bindings {
namespace {

using bo::ParetoSuggester;
using bo::Request;
using bo::Schedule;
using bo::Step;
using bo::Suggester;
using bo::SuggestOptions;
using bo::TrustRegion;
using bo::View;

// Rows and values of one more outcome; the arrays are the caller's.
bo::Outcome outcome_of(const char* name, const std::pair<Array, Array>& given, std::size_t d) {
    bo::Outcome outcome;
    outcome.rows = rows_in(name, given.first, d);
    outcome.values = column_in(name, given.second, outcome.n());
    for (const double v : outcome.values)
        if (!std::isfinite(v)) throw py::value_error(std::string(name) + " must be finite");
    return outcome;
}

using Outcomes = std::vector<std::pair<Array, Array>>;

std::size_t objectives_of(const Suggester&) {
    return 1;
}
std::size_t objectives_of(const ParetoSuggester& suggester) {
    return suggester.m();
}

template <class Engine, std::vector<double> (Engine::*call)(const Request&, Step*)>
py::tuple suggest(Engine& suggester, const Array& X, const Array& values, const std::optional<Array>& std_errors,
                  const Array& pending, std::size_t n, std::uint64_t seed_low, std::uint64_t seed_high,
                  std::uint64_t number, std::uint64_t attempt, const py::object& feasible, double seconds,
                  std::size_t repeats, const std::optional<Array>& extra, const Outcomes& limits,
                  const std::optional<Array>& violations, const std::optional<std::pair<Array, Array>>& cost,
                  const std::optional<Array>& failed, const std::optional<Array>& gradients) {
    const std::size_t d = suggester.d(), m = objectives_of(suggester);
    Request request;
    request.deadline = Deadline::in(seconds);
    request.rows = rows_in("X", X, d);
    request.values = column_in("values", values, m * request.n());
    for (std::size_t i = 0; i < request.values.size(); ++i)
        if (!std::isfinite(request.values[i]))
            throw py::value_error("values must be finite, row " + std::to_string(i % request.n()) + " is not");
    if (std_errors) request.std_errors = column_in("std_errors", *std_errors, m * request.n());
    request.pending = rows_in("pending", pending, d);
    if (extra) request.extra = rows_in("extra", *extra, d);
    if (violations) request.violations = column_in("violations", *violations, request.n());
    for (const auto& limit : limits) request.limits.push_back(outcome_of("limits", limit, d));
    if (cost) request.cost = outcome_of("cost", *cost, d);
    if (failed) request.failed = rows_in("failed", *failed, d);
    if (gradients) {
        if (m > 1) throw py::value_error("gradients need a single objective");
        request.gradients = rows_in("gradients", *gradients, d);
        if (request.gradients.n != request.n()) throw py::value_error("gradients must have a row a value");
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
        request.feasible = feasible_of(feasible);
        const Unlocked native;
        rows = (suggester.*call)(request, &step);
    }
    Array out({rows.size() / d, d});
    std::copy(rows.begin(), rows.end(), out.mutable_data());
    return py::make_tuple(out, step);
}

template <class Engine, std::vector<double> (Engine::*call)(const Request&, Step*)>
void add_suggest(py::class_<Engine>& type, const char* name, const char* doc) {
    type.def(name, &suggest<Engine, call>, py::arg("X").noconvert(), py::arg("values").noconvert(),
             py::arg("std_errors").noconvert(), py::arg("pending").noconvert(), py::arg("n"), py::arg("seed_low"),
             py::arg("seed_high"), py::arg("number"), py::arg("attempt"), py::arg("feasible"), py::arg("seconds"),
             py::arg("repeats") = 1, py::arg("extra") = py::none(), py::arg("limits") = Outcomes{},
             py::arg("violations") = py::none(), py::arg("cost") = py::none(), py::arg("failed") = py::none(),
             py::arg("gradients") = py::none(), doc);
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
        .def_readwrite("n_draws", &SuggestOptions::n_draws,
                       "Number of draws of the hyperparameters; 0 for their maximum a posteriori.")
        .def_readwrite("fit", &SuggestOptions::fit, "Options of the fit.")
        .def_readwrite("search", &SuggestOptions::search, "Options of the maximiser.")
        .def_readwrite("schedule", &SuggestOptions::schedule, "Sizes at which hyperparameters are fitted.")
        .def_readwrite("trust_region", &SuggestOptions::trust_region, "Rules of the box that the search keeps to.")
        .def_readwrite("smooth_levels", &SuggestOptions::smooth_levels,
                       "Number of levels from which a grid is moved along the gradient.")
        .def_readwrite("n_incumbents", &SuggestOptions::n_incumbents, "Number of best points that are perturbed.")
        .def_readwrite("n_noisy_draws", &SuggestOptions::n_noisy_draws,
                       "Number of draws of the incumbents' values in a noisy view.")
        .def_readwrite("fit_rows", &SuggestOptions::fit_rows,
                       "Greatest number of rows that hyperparameters are fitted on.")
        .def_readwrite("model_rows", &SuggestOptions::model_rows,
                       "Approximate greatest number of rows that the model holds.")
        .def_readwrite("fit_observations", &SuggestOptions::fit_observations,
                       "Number of rows and derivatives up to which a fit takes further derivatives into account.")
        .def_readwrite("model_observations", &SuggestOptions::model_observations,
                       "Number of rows and derivatives up to which the model holds further derivatives.")
        .def(
            "set_acquisition",
            [](SuggestOptions& options, std::uintptr_t address, const std::string& name, bool logarithmic) {
                options.acquisition = {kernel_at<AcquisitionKernel>(address, name), logarithmic};
            },
            py::arg("address"), py::arg("name"), py::arg("logarithmic"),
            "Use a user's acquisition function, by the address of its compiled code; the caller keeps it alive.")
        .def(
            "set_prior",
            [](SuggestOptions& options, std::uintptr_t address, const std::string& name, double beta) {
                options.prior = acquisition::UserPrior(kernel_at<DensityKernel>(address, name), beta);
            },
            py::arg("address"), py::arg("name"), py::arg("beta"),
            "Use a user's prior density, which counts as its power beta / n; the caller keeps its code alive.")
        .def(
            "set_covariance",
            [](SuggestOptions& options, std::shared_ptr<gp::UserCovariance> covariance) {
                options.covariance = std::move(covariance);
            },
            py::arg("covariance"), "Use a user's covariance of the numeric columns; None for the built-in one.");
    py::class_<Suggester> suggester(
        s, "Suggester",
        "Gaussian-process suggestions for one search; calls from several threads wait for each other.\n"
        "\n"
        "`categorical` (d,) marks columns without an order. Raises ValueError if its length is not d, or without\n"
        "a view.");
    suggester.def(py::init([](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical,
                              const SuggestOptions& options) {
                      return std::make_unique<Suggester>(scipy_lapack(), std::move(codec), categorical, options);
                  }),
                  py::arg("codec"), py::arg("categorical"), py::arg("options"));
    add_suggest<Suggester, &Suggester::suggest>(
        suggester, "suggest",
        "Suggest up to n rows, of shape (k, d), and the lowest level of the ladder that one of them reached.\n"
        "\n"
        "X (m, d) are canonical rows with finite values (m,), lower is better, and std_errors (m,) or None;\n"
        "pending (p, d) are rows without a value yet. `feasible` maps rows to booleans (its exceptions are passed\n"
        "on); seconds is the time that is left, inf for any; a row is suggested up to `repeats` times in all;\n"
        "extra (e, d) are further candidates. `limits` has a pair for each limit: rows (k, d) and by how much it is\n"
        "exceeded there (k,); violations (m,), 0 for the rows of X that keep all limits, and how far the others\n"
        "are from that; `cost` is a pair of rows (k, d) and logarithms of costs (k,); failed (f, d) are rows\n"
        "without a value, to be avoided; gradients (m, d) are derivatives of the values, NaN where not known. Fewer "
        "than n rows are returned only if no new, allowed row was met.\n"
        "Raises ValueError for a wrong shape or a value that is not finite, KernelError if a\n"
        "user's kernel raised or answered NaN.");
    add_suggest<Suggester, &Suggester::draft>(
        suggester, "draft",
        "Suggest as `suggest` does, by the smallest model, at once: also while another thread is in a call, and "
        "whatever\n"
        "`seconds` says. No rows and the step `none` if there is nothing to make a model of.");
    suggester.def(
        "cheap_start",
        [](Suggester& self, const Array& X, const Array& candidates, const std::pair<Array, Array>& cost) {
            Request request;
            request.rows = rows_in("X", X, self.d());
            request.extra = rows_in("candidates", candidates, self.d());
            if (request.extra.n == 0) throw py::value_error("candidates must have at least one row");
            request.cost = outcome_of("cost", cost, self.d());
            if (request.cost.n() == 0) throw py::value_error("cost must have at least one row");
            std::vector<double> row;
            {
                const Unlocked native;
                row = self.cheap_start(request);
            }
            Array out(row.size());
            std::copy(row.begin(), row.end(), out.mutable_data());
            return out;
        },
        py::arg("X").noconvert(), py::arg("candidates").noconvert(), py::arg("cost"),
        "Choose one of candidates (m, d), as a canonical row (d,): far from X (n, d), which are tried or pending, and\n"
        "among the cheapest by a model of `cost`, rows (k, d) and logarithms of costs (k,). Raises ValueError without\n"
        "a candidate or a cost.");
    py::class_<ParetoSuggester> pareto(
        s, "ParetoSuggester",
        "Gaussian-process suggestions for 2 or 3 objectives, by the expected improvement of the hypervolume.\n"
        "\n"
        "The first view's transforms and warp are those of every objective. Raises ValueError for another number m of\n"
        "objectives, as `Suggester` otherwise.");
    pareto.def(py::init([](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical,
                           const SuggestOptions& options, std::size_t n_objectives) {
                   return std::make_unique<ParetoSuggester>(scipy_lapack(), std::move(codec), categorical, options,
                                                            n_objectives);
               }),
               py::arg("codec"), py::arg("categorical"), py::arg("options"), py::arg("m"));
    add_suggest<ParetoSuggester, &ParetoSuggester::suggest>(
        pareto, "suggest",
        "Suggest as `Suggester.suggest` does, for values (objectives * m,) and std_errors of that shape or None:\n"
        "one objective after the other.");
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
