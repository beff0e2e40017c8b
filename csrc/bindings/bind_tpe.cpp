#include <pybind11/stl.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/tpe/mixture.hpp"
#include "hpcore/tpe/suggester.hpp"
#include "kernels.hpp"
#include "turns.hpp"

namespace hpcore::bindings {
namespace {

using tpe::Axis;
using tpe::Batch;
using tpe::Options;
using tpe::Weights;
using Mixture = InTurn<tpe::Mixture>;
using Suggester = InTurn<tpe::Suggester>;
using StateArray = py::array_t<std::uint8_t, py::array::c_style>;

// levels (d,): equal cells per column, 0 for a continuous one.
std::unique_ptr<Mixture> make_mixture(const std::vector<std::size_t>& levels, const std::vector<bool>& unordered) {
    if (levels.empty() || levels.size() != unordered.size())
        throw py::value_error("levels and unordered must have one entry per column");
    std::vector<Axis> axes;
    for (std::size_t j = 0; j < levels.size(); ++j)
        axes.push_back(levels[j] == 0 ? Axis{} : tpe::even_axis(levels[j], unordered[j]));
    return std::make_unique<Mixture>(std::move(axes));
}

// Rows of the cube as coordinates; the caller has checked that they are in it.
std::vector<double> coordinates(const tpe::Mixture& mixture, const double* u, std::size_t n) {
    const std::vector<Axis>& axes = mixture.axes();
    const std::size_t d = axes.size();
    std::vector<double> out(n * d);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < d; ++j) out[i * d + j] = axes[j].coordinate(u[i * d + j]);
    return out;
}

void check_cube(const char* name, const double* u, std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
        if (!(u[i] >= 0.0 && u[i] <= 1.0)) throw py::value_error(std::string(name) + " must lie in [0, 1]");
}

void fit(Mixture& mixture, const Array& X, const Array& weights, double prior_weight, const Array& bandwidth,
         double q) {
    const std::size_t d = mixture.axes().size(), n = rows_of("X", X, d);
    check_length("weights", weights, n);
    check_length("bandwidth", bandwidth, d);
    check_cube("X", X.data(), n * d);
    const double* in = X.data();
    py::gil_scoped_release nogil;
    const ToChange turn(mixture.turn);
    const std::vector<double> points = coordinates(mixture, in, n);
    mixture.fit({points.data(), n, d}, flat(weights), prior_weight, flat(bandwidth), q);
}

Array log_density(Mixture& mixture, const Array& X) {
    const std::size_t d = mixture.axes().size(), n = rows_of("X", X, d);
    check_cube("X", X.data(), n * d);
    Array out(static_cast<py::ssize_t>(n));
    const double* in = X.data();
    double* result = out.mutable_data();
    py::gil_scoped_release nogil;
    const std::vector<double> x = coordinates(mixture, in, n);
    Batch batch;
    batch.reset(d, n);
    batch.resize(n);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < d; ++j) batch.at(j, i) = x[i * d + j];
    std::vector<double> padded(batch.padded());
    const ToChange turn(mixture.turn);
    mixture.log_density(batch, padded);
    // A level has mass, the cube has density: mass over the cell's width.
    double log_cells = 0.0;
    for (const Axis& axis : mixture.axes())
        if (!axis.continuous()) log_cells += std::log(static_cast<double>(axis.levels));
    for (std::size_t i = 0; i < n; ++i) result[i] = padded[i] + log_cells;
    return out;
}

Array draw(Mixture& mixture, std::size_t n, std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t number,
           std::uint64_t purpose) {
    const std::size_t d = mixture.axes().size();
    Array out(py::array::ShapeContainer{n, d});
    double* result = out.mutable_data();
    py::gil_scoped_release nogil;
    Philox random({seed_low, seed_high}, number, purpose);
    Batch batch;
    batch.reset(d, n);
    const ToChange turn(mixture.turn);
    mixture.draw(random, batch, 0, n, false);
    for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < d; ++j) result[i * d + j] = mixture.axes()[j].position(batch.at(j, i));
    return out;
}

// Log ratio or trend of rows (n, d) by each group, (n, groups).
template <void (tpe::Suggester::*judge)(Rows, MutableRows)>
Array by_group(Suggester& suggester, const space::Codec& codec, const Array& U) {
    const std::size_t n = rows_of("U", U, codec.size());
    Array out(py::array::ShapeContainer{n, suggester.n_groups()});
    const Rows in{U.data(), n, codec.size()};
    const MutableRows result{out.mutable_data(), n, suggester.n_groups()};
    py::gil_scoped_release nogil;
    const ToChange turn(suggester.turn);
    (suggester.*judge)(in, result);
    return out;
}

std::unique_ptr<Suggester> make_suggester(std::shared_ptr<space::Codec> codec, const std::vector<bool>& unordered,
                                          const Options& options) {
    if (unordered.size() != codec->size()) throw py::value_error("unordered must have one entry per column");
    return std::make_unique<Suggester>(std::move(codec), unordered, options);
}

// What trials came to beyond one value, as arrays; see tpe::Outcomes.
struct Told {
    Array objectives, violations, log_cost, cost_points, cost_logs;

    tpe::Outcomes view(std::size_t n, std::size_t d) const {
        const auto rows = [&](const char* name, const Array& a) {
            if (a.ndim() != 2 || static_cast<std::size_t>(a.shape(0)) != n)
                throw py::value_error(std::string(name) + " must have shape (" + std::to_string(n) + ", columns)");
            return Rows{a.data(), n, static_cast<std::size_t>(a.shape(1))};
        };
        tpe::Outcomes out;
        out.objectives = rows("objectives", objectives);
        if (out.objectives.d < 1 || out.objectives.d > 3)
            throw py::value_error("objectives must have 1, 2 or 3 columns");
        out.violations = rows("violations", violations);
        out.cost_points = rows_in("cost_points", cost_points, d);
        out.cost_logs = column_in("cost_logs", cost_logs, out.cost_points.n);
        if (log_cost.size() > 0) out.log_cost = column_in("log_cost", log_cost, n);
        return out;
    }
};

// Learn the new part of the history, then suggest `want` rows for each of n trials, (n * want, d).
Array suggest(Suggester& suggester, const space::Codec& codec, const Array& X, const Array& values,
              const StateArray& state, const Array& pending, std::uint64_t seed_low, std::uint64_t seed_high,
              std::uint64_t number, std::uint64_t attempt, std::size_t n, std::size_t want, const Told* told) {
    const std::size_t d = codec.size();
    records::Trials trials;
    trials.rows = rows_in("X", X, d);
    if (values.ndim() != 2 || static_cast<std::size_t>(values.shape(0)) != trials.n() || values.shape(1) < 1)
        throw py::value_error("values must have shape (" + std::to_string(trials.n()) + ", m)");
    trials.values = {values.data(), trials.n(), static_cast<std::size_t>(values.shape(1))};
    check_length("state", state, trials.n());
    trials.state = {state.data(), trials.n()};
    const Rows running = rows_in("pending", pending, d);
    Array out(py::array::ShapeContainer{n * want, d});
    const MutableRows result{out.mutable_data(), n * want, d};
    const tpe::Outcomes outcomes = told == nullptr ? tpe::Outcomes{} : told->view(trials.n(), d);
    py::gil_scoped_release nogil;
    const ToChange turn(suggester.turn);
    suggester.update(trials);
    const auto one = [&](std::size_t i, Rows waiting) {
        const tpe::Request request{{seed_low, seed_high}, number + i, attempt, waiting};
        if (told == nullptr)
            suggester.suggest(request, result.part(i * want, want));
        else
            suggester.suggest(request, outcomes, result.part(i * want, want));
    };
    if (n == 1) {
        one(0, running);
        return out;
    }
    // Each trial of a batch sees those before it as pending, as they will be once they are snapped.
    std::vector<double> waiting(running.flat().begin(), running.flat().end());
    std::vector<space::Value> scratch(d);
    for (std::size_t i = 0; i < n; ++i) {
        one(i, {waiting.data(), running.n + i, d});
        const MutableColumn chosen = result[i * want];
        waiting.insert(waiting.end(), chosen.begin(), chosen.end());
        codec.snap({waiting.data() + (running.n + i) * d, d}, scratch);
    }
    return out;
}

}  // namespace

void bind_tpe(py::module_& m) {
    auto s = m.def_submodule("tpe", "Tree-structured Parzen estimators.");
    py::class_<Mixture>(
        s, "Mixture",
        "Weighted Parzen density over the unit cube.\n"
        "\n"
        "`levels` (d,) counts the equal cells of each column, 0 for a continuous one; `unordered` (d,) marks\n"
        "categories.")
        .def(py::init(&make_mixture), py::arg("levels"), py::arg("unordered"))
        .def("fit", &fit, py::arg("X").noconvert(), py::arg("weights").noconvert(), py::arg("prior_weight"),
             py::arg("bandwidth").noconvert(), py::arg("q"),
             "Place a kernel at each row of X (n, d) in [0, 1], and a wide prior component over all.\n"
             "\n"
             "weights (n,) are positive, bandwidth (d,) is a share of the range, q the probability that an unordered\n"
             "kernel leaves its category. Raises ValueError for rows outside the cube.")
        .def("log_density", &log_density, py::arg("X").noconvert(),
             "Log density at rows X (n, d) in [0, 1], of shape (n,).")
        .def("draw", &draw, py::arg("n"), py::arg("seed_low"), py::arg("seed_high"), py::arg("number"),
             py::arg("purpose"),
             "Draw n rows, of shape (n, d); the random stream is keyed as in `hpcore._core.rng.uniform`.");

    py::enum_<Weights>(s, "Weights", "Weights of good trials: logarithms of ranks, or equal.")
        .value("rank", Weights::rank)
        .value("uniform", Weights::uniform);
    py::class_<Options>(s, "Options",
                        "Options of the tree-structured Parzen estimator; `hpcore.samplers.TPESampler` explains them.")
        .def(py::init<>())
        .def_readwrite("joint", &Options::joint,
                       "True for one density over columns that are active together, false for one a column.")
        .def_readwrite("n_startup", &Options::n_startup, "Number of even points before the densities rule.")
        .def_readwrite("gamma", &Options::gamma, "Share of the trials that counts as good, in (0, 1).")
        .def_readwrite("max_good", &Options::max_good, "Greatest number of good trials.")
        .def_readwrite("max_bad", &Options::max_bad, "Greatest number of other trials that are kernels, the newest.")
        .def_readwrite("weights", &Options::weights, "Weights of the good trials.")
        .def_readwrite("prior_weight", &Options::prior_weight,
                       "Weight of the prior component, against about 1 a trial; greater than 0.")
        .def_readwrite("bandwidth", &Options::bandwidth, "Factor of the kernels' bandwidth; greater than 0.")
        .def_readwrite("min_bandwidth", &Options::min_bandwidth, "Least bandwidth, in (0, 1].")
        .def_readwrite("adaptive", &Options::adaptive, "True if the bandwidth follows success.")
        .def_readwrite("scale_up", &Options::scale_up, "Factor of the bandwidth after a new best value.")
        .def_readwrite("scale_down", &Options::scale_down, "Factor of the bandwidth after any other value.")
        .def_readwrite("scale_min", &Options::scale_min, "Least scale of the bandwidth.")
        .def_readwrite(
            "trend", &Options::trend,
            "True if every third proposal, every other without the regression, weighs candidates by a trend of the "
            "values.")
        .def_readwrite("regression", &Options::regression,
                       "True if every third proposal, and all while few trials are known, weighs candidates by "
                       "expected improvement.")
        .def_readwrite("local", &Options::local,
                       "True if every fourth proposal, once enough trials are known, models those nearest to the best "
                       "one only.")
        .def_readwrite("constant_liar", &Options::constant_liar, "True if pending points count as bad.")
        .def_readwrite("n_draws", &Options::n_draws, "Number of candidates from the density of the good.")
        .def_readwrite("n_uniform", &Options::n_uniform, "Number of uniform candidates.")
        .def_readwrite("n_mutants", &Options::n_mutants, "Number of candidates that vary the best trials.");

    py::class_<Told>(
        s, "Outcomes",
        "Results of k trials beyond one value, NaN where not known.\n"
        "\n"
        "objectives (k, m), m from 1 to 3, lower is better; violations (k, limits), at most 0 where a limit holds;\n"
        "log_cost (k,), or of length 0 where costs do not count; cost_points (q, d) and cost_logs (q,) of a cost\n"
        "function that is known in advance.")
        .def(py::init<Array, Array, Array, Array, Array>(), py::arg("objectives").noconvert(),
             py::arg("violations").noconvert(), py::arg("log_cost").noconvert(), py::arg("cost_points").noconvert(),
             py::arg("cost_logs").noconvert());

    py::class_<Suggester>(
        s, "Suggester",
        "Tree-structured Parzen estimator at work on one search; calls from several threads wait for each other.\n"
        "\n"
        "`unordered` (d,) marks columns whose levels have no order. Raises ValueError if its length is not d.")
        .def(py::init(&make_suggester), py::arg("codec"), py::arg("unordered"), py::arg("options"))
        .def(
            "suggest", &suggest, py::arg("codec"), py::arg("X").noconvert(), py::arg("values").noconvert(),
            py::arg("state").noconvert(), py::arg("pending").noconvert(), py::arg("seed_low"), py::arg("seed_high"),
            py::arg("number"), py::arg("attempt"), py::arg("n"), py::arg("want"), py::arg("told") = py::none(),
            "Suggest for trials number .. number + n - 1, `want` rows each, best first; of shape (n * want, d).\n"
            "\n"
            "X (k, d) are all rows so far, NaN where inactive; values (k, m), of which the first column counts, lower\n"
            "is better; state (k,) as in `hpcore.records.history`; pending (p, d). A row that has ended is not read\n"
            "again. With `told`, values say how trials rank, and candidates are chosen by the merit that it gives\n"
            "them too. Raises KernelError if the user's prior raised or answered NaN.")
        .def("log_ratio", &by_group<&tpe::Suggester::log_ratio>, py::arg("codec"), py::arg("U").noconvert(),
             "Log ratio of the good to the bad density at rows U (n, d).\n"
             "\n"
             "The shape is (n, n_groups), with NaN where a group is inactive.")
        .def("log_trend", &by_group<&tpe::Suggester::log_trend>, py::arg("codec"), py::arg("U").noconvert(),
             "Log probability of turning out good by each group's trend, shaped as `log_ratio`; 0 without a trend.")
        .def(
            "forget_results",
            [](Suggester& suggester) {
                const ToChange turn(suggester.turn);
                suggester.forget_results();
            },
            py::call_guard<py::gil_scoped_release>(),
            "Forget all results, but not the rows, for values that were ranked anew.")
        .def_property_readonly(
            "n_groups", [](const Suggester& suggester) { return suggester.n_groups(); },
            "Number of groups of columns that are active together.")
        .def(
            "set_prior",
            [](Suggester& suggester, std::uintptr_t address, const std::string& name) {
                const ToChange turn(suggester.turn);
                suggester.set_prior(kernel_at<DensityKernel>(address, name));
            },
            py::arg("address"), py::arg("name"), py::call_guard<py::gil_scoped_release>(),
            "Use a user's log density, by the address of its compiled function, as the prior component.\n"
            "\n"
            "Raises ValueError unless there is one group, KernelError if the kernel raised or answered NaN. The\n"
            "caller keeps the compiled code alive.");
}

}  // namespace hpcore::bindings
