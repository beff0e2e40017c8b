#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "feasible.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/samplers/agreement.hpp"
#include "hpcore/samplers/auto_rule.hpp"
#include "hpcore/samplers/cliffs.hpp"
#include "hpcore/samplers/failures.hpp"
#include "hpcore/samplers/samplers.hpp"
#include "hpcore/samplers/start.hpp"
#include "kernels.hpp"
#include "trials.hpp"

namespace hpcore::bindings {
namespace {

using samplers::AutoOptions;
using samplers::AutoRule;
using samplers::GpOptions;
using samplers::TpeOptions;

// The space's constraints and walks among allowed points: Python functions, or None.
struct Constraints {
    py::object feasible, around;
};

// A sampler, and the space's constraints, for which it takes the GIL back while a suggestion is computed.
struct BoundSampler {
    std::unique_ptr<Sampler> sampler;
    std::size_t d;
    Constraints constraints;
};

// No owner of the function: a copy is made without the GIL.
acquisition::Feasible borrowed_feasible(py::handle callable) {
    if (callable.is_none()) return {};
    return [callable](Rows rows, std::span<bool> allowed) {
        const py::gil_scoped_acquire gil;
        ask_feasible(callable, rows, allowed);
    };
}

decltype(Ask::around) around_of(py::handle callable, std::size_t d, Philox::Key key) {
    if (callable.is_none()) return {};
    return [callable, d, key](Rows near, std::uint64_t number, std::uint64_t attempt) -> std::vector<double> {
        const py::gil_scoped_acquire gil;
        Array copy({near.n, d});
        std::copy(near.data, near.data + near.size(), copy.mutable_data());
        const py::object answer = callable(copy, key.low, key.high, number, attempt);
        if (answer.is_none()) return {};
        const auto rows = answer.cast<py::array_t<double, py::array::c_style | py::array::forcecast>>();
        rows_of("the answer of around", rows, d);
        return {rows.data(), rows.data() + rows.size()};
    };
}

const char* name_of(Level level) {
    switch (level) {
        case Level::full:
            return "full";
        case Level::reuse:
            return "reuse";
        case Level::search:
            return "search";
        case Level::draft:
            return "draft";
        case Level::earlier_ranking:
            return "earlier_ranking";
        case Level::tpe:
            return "tpe";
        case Level::sobol:
            return "sobol";
        default:
            return "random";
    }
}

// Calls a method of the sampler without the GIL.
template <class Method>
auto call(BoundSampler& self, const BoundTrials& trials, const Array& pending, const Ask& given, Method method) {
    const std::size_t d = self.d;
    if (trials.view.d() != d) throw py::value_error("trials must have " + std::to_string(d) + " columns");
    const Rows waiting = rows_in("pending", pending, d);
    Ask ask = given;
    ask.feasible = borrowed_feasible(self.constraints.feasible);
    ask.around = around_of(self.constraints.around, d, ask.key);
    const py::gil_scoped_release nogil;
    return (self.sampler.get()->*method)(trials.view, waiting, ask);
}

py::tuple tuple_of(const Proposal& proposal, std::size_t d) {
    Array out({proposal.rows.size() / d, d});
    std::copy(proposal.rows.begin(), proposal.rows.end(), out.mutable_data());
    return py::make_tuple(std::move(out), name_of(proposal.level));
}

py::tuple suggest(BoundSampler& self, const BoundTrials& trials, const Array& pending, const Ask& ask) {
    return tuple_of(call(self, trials, pending, ask, &Sampler::suggest), self.d);
}

std::optional<py::tuple> at_once(BoundSampler& self, const BoundTrials& trials, const Array& pending, const Ask& ask) {
    const std::optional<Proposal> proposal = call(self, trials, pending, ask, &Sampler::at_once);
    if (!proposal) return std::nullopt;
    return tuple_of(*proposal, self.d);
}

Ask make_ask(std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t number, std::uint64_t attempt,
             std::size_t count, bool per_cost, double seconds) {
    Ask ask;
    ask.key = {seed_low, seed_high};
    ask.number = number;
    ask.attempt = attempt;
    ask.count = count;
    ask.per_cost = per_cost;
    ask.deadline = Deadline::in(seconds);
    return ask;
}

// Rows that need no results: a call of numbers alone, because it takes less time than what describes trials.
template <std::vector<double> (*make)(const Ask&, std::size_t, std::size_t)>
Array rows_by(std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t number, std::uint64_t attempt,
              std::size_t count, std::size_t d) {
    Ask ask;
    ask.key = {seed_low, seed_high};
    ask.number = number;
    ask.attempt = attempt;
    const std::vector<double> rows = make(ask, count, d);
    Array out({count, d});
    std::copy(rows.begin(), rows.end(), out.mutable_data());
    return out;
}

BoolArray mask_of(const std::vector<bool>& mask) {
    BoolArray out(static_cast<py::ssize_t>(mask.size()));
    std::copy(mask.begin(), mask.end(), out.mutable_data());
    return out;
}

bool agree(const Array& X, const Array& values, const Array& gradients) {
    if (X.ndim() != 2) throw py::value_error("X must have shape (n, d)");
    const Rows rows = as_rows(X);
    check_length("values", values, rows.n);
    if (rows_of("gradients", gradients, rows.d) != rows.n) throw py::value_error("gradients must have a row a value");
    return samplers::agree(rows, {values.data(), rows.n}, as_rows(gradients));
}

void bind_options(py::module_& s) {
    py::class_<TpeOptions>(s, "TpeOptions",
                           "Options of the tree-structured Parzen estimator; `hpcore.samplers.TPESampler` explains\n"
                           "them.")
        .def(py::init<>())
        .def_readwrite("engine", &TpeOptions::engine, "Options of the estimator.")
        .def("set_candidates", &TpeOptions::set_candidates, py::arg("n"),
             "Set the number of candidates: four in seven are draws, one is uniform, two are variations.")
        .def(
            "set_prior",
            [](TpeOptions& options, std::uintptr_t address, const std::string& name) {
                options.prior = kernel_at<DensityKernel>(address, name);
            },
            py::arg("address"), py::arg("name"),
            "Use a user's log density, by the address of its compiled function; the caller keeps its code alive.");
    py::class_<GpOptions> gp(s, "GpOptions",
                             "Options of the Gaussian process; `hpcore.samplers.GPSampler` explains them.");
    py::enum_<GpOptions::Acquisition>(gp, "Acquisition", "Acquisition function.")
        .value("log_ei", GpOptions::Acquisition::log_ei)
        .value("noisy_log_ei", GpOptions::Acquisition::noisy_log_ei)
        .value("ucb", GpOptions::Acquisition::ucb)
        .value("pi", GpOptions::Acquisition::pi)
        .value("thompson", GpOptions::Acquisition::thompson);
    py::enum_<GpOptions::Transform>(gp, "Transform", "Targets of the model; `likeliest` is \"auto\" of the sampler.")
        .value("turns", GpOptions::Transform::turns)
        .value("likeliest", GpOptions::Transform::likeliest)
        .value("standard", GpOptions::Transform::standard)
        .value("half_log", GpOptions::Transform::half_log)
        .value("log", GpOptions::Transform::log)
        .value("clip", GpOptions::Transform::clip);
    gp.def(py::init<>())
        .def_readwrite("acquisition", &GpOptions::acquisition, "Acquisition function.")
        .def_readwrite("n_draws", &GpOptions::n_draws,
                       "Number of draws of the hyperparameters; 0 for their maximum a posteriori.")
        .def_readwrite("n_startup", &GpOptions::n_startup,
                       "Number of trials with a value before the model takes over; None for the rule's.")
        .def_readwrite("kappa", &GpOptions::kappa, "Standard deviations below the mean, for a confidence bound.")
        .def_readwrite("transform", &GpOptions::transform, "Targets of the model.")
        .def_readwrite("warp", &GpOptions::warp, "True if numeric columns are warped as is likeliest.")
        .def_readwrite("trust_region", &GpOptions::trust_region,
                       "True if the search keeps to a box round the best point; None for the rule's answer.")
        .def_readwrite("explore", &GpOptions::explore, "True if every third trial goes where little is known.")
        .def_readwrite("gradients", &GpOptions::gradients, "True if gradients are learnt from.")
        .def(
            "set_acquisition",
            [](GpOptions& options, std::uintptr_t address, const std::string& name, bool logarithmic) {
                options.user_acquisition = {kernel_at<AcquisitionKernel>(address, name), logarithmic};
            },
            py::arg("address"), py::arg("name"), py::arg("logarithmic"),
            "Use a user's acquisition function, by the address of its compiled code; the caller keeps it alive.")
        .def(
            "set_prior",
            [](GpOptions& options, std::uintptr_t address, const std::string& name, double beta) {
                options.prior = acquisition::UserPrior(kernel_at<DensityKernel>(address, name), beta);
            },
            py::arg("address"), py::arg("name"), py::arg("beta"),
            "Use a user's prior density, which counts as its power beta / n; the caller keeps its code alive.")
        .def(
            "set_covariance",
            [](GpOptions& options, std::shared_ptr<gp::UserCovariance> covariance,
               const std::vector<gp::LogNormal>& prior) {
                options.covariance = std::move(covariance);
                options.covariance_prior = prior;
            },
            py::arg("covariance"), py::arg("prior"),
            "Use a user's covariance of the numeric columns, with a prior of each of its hyperparameters.");
}

}  // namespace

void bind_samplers(py::module_& m) {
    auto s = m.def_submodule("samplers", "Samplers: what to try next, given what was tried.");
    py::class_<Ask>(s, "Ask",
                    "Request to a sampler: `count` rows for trials number .. number + count - 1.\n"
                    "\n"
                    "Random numbers are a function of the seed's two words, number and attempt, which counts refused\n"
                    "proposals for this trial; per_cost: results are weighed by what they cost; seconds, from now on,\n"
                    "is the time that is left.")
        .def(py::init(&make_ask), py::arg("seed_low"), py::arg("seed_high"), py::arg("number"), py::arg("attempt"),
             py::arg("count"), py::arg("per_cost") = false, py::arg("seconds") = HUGE_VAL);
    py::class_<Constraints>(
        s, "Constraints",
        "Functions by which a sampler learns what a space allows, or None.\n"
        "\n"
        "feasible maps rows (n, d) to booleans (n,); around maps rows (k, d), the two words of the\n"
        "seed, number and attempt to allowed rows (m, d) without NaN near the given ones, or None.\n"
        "Their exceptions are passed on.")
        .def(py::init<py::object, py::object>(), py::arg("feasible") = py::none(), py::arg("around") = py::none());
    bind_options(s);
    py::class_<BoundSampler>(s, "Sampler",
                             "A sampler at work on one search; calls from several threads wait for each other.")
        .def("suggest", &suggest, py::arg("trials"), py::arg("pending").noconvert(), py::arg("ask"),
             "Suggest rows (k, d), 1 <= k <= ask.count, and the name of the ladder's level that they come from.\n"
             "\n"
             "pending (p, d) are rows that are being evaluated. The trials only grow, and none changes once it has\n"
             "ended. Raises ValueError for a wrong shape, KernelError if a user's kernel raised or answered NaN.")
        .def("at_once", &at_once, py::arg("trials"), py::arg("pending").noconvert(), py::arg("ask"),
             "Suggest as `suggest` does, in well under a millisecond: also while another thread is in a call. None if "
             "the\n"
             "sampler cannot do this.")
        .def(
            "allow_repeats",
            [](BoundSampler& self, std::size_t n) {
                if (n == 0) throw std::invalid_argument("n must be at least 1");
                self.sampler->allow_repeats(n);
            },
            py::arg("n"), py::call_guard<py::gil_scoped_release>(),
            "Suggest a row up to n times, at least 1, where all columns are gridded. Raises ValueError for 0.")
        .def(
            "know_costs",
            [](BoundSampler& self, const Array& rows, const Array& costs) {
                const Rows points{rows.data(), rows_of("rows", rows, self.d), self.d};
                check_length("costs", costs, points.n);
                const py::gil_scoped_release nogil;
                self.sampler->know_costs(points, {costs.data(), points.n});
            },
            py::arg("rows").noconvert(), py::arg("costs").noconvert(),
            "Learn the costs (q,), greater than 0, of rows (q, d) that are known in advance.");
    s.def("uniform_rows", &rows_by<samplers::uniform_rows>, py::arg("seed_low"), py::arg("seed_high"),
          py::arg("number"), py::arg("attempt"), py::arg("count"), py::arg("d"),
          "Make independent uniform rows (count, d) for trials number .. number + count - 1.");
    s.def("start_rows", &rows_by<samplers::start_rows>, py::arg("seed_low"), py::arg("seed_high"), py::arg("number"),
          py::arg("attempt"), py::arg("count"), py::arg("d"),
          "Make the points (count, d) of a scrambled Sobol sequence that have the numbers of the trials, or uniform "
          "rows\n"
          "in place of refused ones, where attempt is greater than 0.");
    s.def(
        "tpe",
        [](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical, const TpeOptions& options,
           const Constraints& constraints) {
            const std::size_t d = codec->size();
            return BoundSampler{samplers::make_tpe(std::move(codec), categorical, options), d, constraints};
        },
        py::arg("codec"), py::arg("categorical"), py::arg("options"), py::arg("constraints"),
        "Make a tree-structured Parzen estimator; `categorical` (d,) marks columns without an order.\n"
        "\n"
        "Raises ValueError for another length, or for a prior where there are several groups of columns, KernelError\n"
        "if the prior raised or answered NaN.");
    s.def(
        "gp",
        [](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical, const GpOptions& options,
           const Constraints& constraints) {
            const std::size_t d = codec->size();
            return BoundSampler{samplers::make_gp(std::move(codec), categorical, options, linalg::plain_lapack()), d,
                                constraints};
        },
        py::arg("codec"), py::arg("categorical"), py::arg("options"), py::arg("constraints"),
        "Make a sampler by a Gaussian process; `categorical` (d,) marks columns without an order.\n"
        "\n"
        "Raises ValueError for another length.");
    py::class_<AutoRule>(s, "AutoRule", "Rule by which one sampler is chosen for each trial.")
        .def(
            py::init([](std::optional<std::size_t> n_gp_trials, double trial_seconds, bool has_cmaes,
                        bool has_gradient) { return AutoRule({n_gp_trials, trial_seconds}, has_cmaes, has_gradient); }),
            py::arg("n_gp_trials"), py::arg("trial_seconds"), py::arg("has_cmaes"), py::arg("has_gradient"))
        .def(
            "choose",
            [](const AutoRule& rule, std::uint64_t number, const BoundTrials& trials, bool per_cost) {
                switch (rule.choose(number, trials.view, per_cost)) {
                    case AutoRule::Choice::gp:
                        return "gp";
                    case AutoRule::Choice::tpe:
                        return "tpe";
                    case AutoRule::Choice::cmaes:
                        return "cmaes";
                    default:
                        return "gradient";
                }
            },
            py::arg("number"), py::arg("trials"), py::arg("per_cost"), "Name of the sampler of a trial.");
    s.def(
        "split",
        [](const BoundTrials& trials) {
            const samplers::Split parts = samplers::split(trials.view);
            return py::make_tuple(mask_of(parts.complete), mask_of(parts.failed), mask_of(parts.penalised));
        },
        py::arg("trials"),
        "Masks (n,) of trials with a result to learn from, that count as failed, and that returned a penalty.");
    s.def(
        "beyond_cliff",
        [](const Array& values) -> std::optional<BoolArray> {
            check_length("values", values, static_cast<std::size_t>(values.size()));
            const auto beyond = samplers::beyond_cliff({values.data(), static_cast<std::size_t>(values.size())});
            if (!beyond) return std::nullopt;
            return mask_of(*beyond);
        },
        py::arg("values").noconvert(),
        "Mask (n,) of the finite values that are penalties rather than results; None if none are.\n"
        "\n"
        "They are in the order of the trials, and lower is better.");
    s.def("agree", &agree, py::arg("X").noconvert(), py::arg("values").noconvert(), py::arg("gradients").noconvert(),
          "True if gradients (n, d), NaN where not told, predict how finite values (n,) at rows X (n, d) differ\n"
          "between neighbours, or if fewer than four trials have one.");
}

}  // namespace hpcore::bindings
