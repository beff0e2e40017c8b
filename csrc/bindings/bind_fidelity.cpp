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
#include "feasible.hpp"
#include "hpcore/fidelity/fit.hpp"
#include "hpcore/fidelity/log_posterior.hpp"
#include "hpcore/fidelity/model.hpp"
#include "hpcore/fidelity/search.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/streams.hpp"
#include "turns.hpp"

namespace hpcore::bindings {
namespace {

using acquisition::SearchOptions;
using fidelity::ColumnType;
using fidelity::Normal;
using fidelity::Prior;
using Model = InTurn<fidelity::Model>;

std::vector<ColumnType> types_of(const std::vector<bool>& categorical, const std::vector<bool>& conditional) {
    if (categorical.size() != conditional.size())
        throw py::value_error("categorical and conditional must have one entry a column");
    std::vector<ColumnType> types(categorical.size());
    for (std::size_t j = 0; j < types.size(); ++j) types[j] = {categorical[j], conditional[j]};
    return types;
}

void check_rows(const Array& X, const WholeArray& configuration, const Array& fidelity, std::size_t d) {
    const auto m = static_cast<std::int64_t>(rows_of("X", X, d));
    const auto n = static_cast<std::size_t>(fidelity.size());
    check_length("fidelity", fidelity, n);
    check_length("configuration", configuration, n);
    for (std::size_t i = 0; i < n; ++i) {
        if (configuration.data()[i] < 0 || configuration.data()[i] >= m)
            throw py::value_error("configuration must have indices of rows of X");
        if (!(fidelity.data()[i] >= 0.0 && fidelity.data()[i] <= 1.0))
            throw py::value_error("fidelity must be within [0, 1]");
    }
}

fidelity::Rows to_rows(const std::vector<ColumnType>& types, Rows X, const std::int64_t* configuration,
                       Column fidelity) {
    fidelity::Rows rows(types);
    for (std::size_t p = 0; p < X.n; ++p) rows.add_configuration(X[p]);
    for (std::size_t i = 0; i < fidelity.size(); ++i) rows.add(static_cast<std::size_t>(configuration[i]), fidelity[i]);
    return rows;
}

Array fit_map(const Array& X, const WholeArray& configuration, const Array& fidelity, const Array& y,
              const std::vector<bool>& categorical, const std::vector<bool>& conditional, const Prior& prior,
              int max_iterations, const std::vector<double>& start) {
    const auto types = types_of(categorical, conditional);
    check_rows(X, configuration, fidelity, types.size());
    const auto n = static_cast<std::size_t>(fidelity.size()), m = static_cast<std::size_t>(X.shape(0));
    check_length("y", y, n);
    if (!start.empty() && start.size() != fidelity::Layout(types).size())
        throw py::value_error("start must have one entry a hyperparameter");
    std::vector<double> theta;
    {
        const py::gil_scoped_release nogil;
        const fidelity::Rows rows = to_rows(types, {X.data(), m, types.size()}, configuration.data(), flat(fidelity));
        theta = fidelity::fit_map(linalg::plain_lapack(), rows, flat(y), prior, max_iterations, start);
    }
    return Array(static_cast<py::ssize_t>(theta.size()), theta.data());
}

// (value, gradient) of the log posterior density.
py::tuple log_posterior(const Array& X, const WholeArray& configuration, const Array& fidelity, const Array& y,
                        const Array& theta, const std::vector<bool>& categorical, const std::vector<bool>& conditional,
                        const Prior& prior) {
    const auto types = types_of(categorical, conditional);
    check_rows(X, configuration, fidelity, types.size());
    const auto n = static_cast<std::size_t>(fidelity.size()), m = static_cast<std::size_t>(X.shape(0));
    check_length("y", y, n);
    const std::size_t size = fidelity::Layout(types).size();
    check_length("theta", theta, size);
    Array gradient(static_cast<py::ssize_t>(size));
    const MutableColumn into = room_of(gradient);
    double value = 0.0;
    {
        const py::gil_scoped_release nogil;
        const fidelity::Rows rows = to_rows(types, {X.data(), m, types.size()}, configuration.data(), flat(fidelity));
        value = fidelity::LogPosterior(linalg::plain_lapack(), rows, flat(y), prior)(flat(theta), into);
    }
    return py::make_tuple(value, gradient);
}

void assign(Model& model, const std::vector<double>& theta, const Array& X, const WholeArray& configuration,
            const Array& fidelity, const Array& y) {
    check_rows(X, configuration, fidelity, model.d());
    const auto n = static_cast<std::size_t>(fidelity.size()), m = static_cast<std::size_t>(X.shape(0));
    const auto n_known = static_cast<std::size_t>(y.size());
    if (n_known > n) throw py::value_error("y must not have more entries than fidelity");
    check_length("y", y, n_known);
    const std::vector<ColumnType> types = model.columns();
    if (theta.size() != fidelity::Layout(types).size())
        throw py::value_error("theta must have one entry a hyperparameter");
    const py::gil_scoped_release nogil;
    const ToChange turn(model.turn);
    model.assign(theta, to_rows(types, {X.data(), m, types.size()}, configuration.data(), flat(fidelity)), flat(y));
}

py::tuple to_arrays(const std::vector<Normal>& found) {
    Array mean(static_cast<py::ssize_t>(found.size())), variance(static_cast<py::ssize_t>(found.size()));
    for (std::size_t i = 0; i < found.size(); ++i) {
        mean.mutable_data()[i] = found[i].mean;
        variance.mutable_data()[i] = found[i].variance;
    }
    return py::make_tuple(mean, variance);
}

py::tuple predict(const Model& model, const WholeArray& configuration, const Array& fidelity) {
    const auto k = static_cast<std::size_t>(fidelity.size());
    check_length("fidelity", fidelity, k);
    check_length("configuration", configuration, k);
    std::vector<Normal> found(k);
    {
        const py::gil_scoped_release nogil;
        const ToRead turn(model.turn);
        for (std::size_t i = 0; i < k; ++i) {
            const std::int64_t p = configuration.data()[i];
            if (p < 0 || static_cast<std::size_t>(p) >= model.rows().points().size())
                throw std::invalid_argument("configuration must have indices of rows of X");
            found[i] = model.at(static_cast<std::size_t>(p), fidelity.data()[i]);
        }
    }
    return to_arrays(found);
}

py::tuple predict_full(const Model& model) {
    std::vector<Normal> found;
    {
        const py::gil_scoped_release nogil;
        const ToRead turn(model.turn);
        for (std::size_t p = 0; p < model.rows().points().size(); ++p) found.push_back(model.at_full(p));
    }
    return to_arrays(found);
}

py::tuple predict_new(const Model& model, const Array& X) {
    std::vector<Normal> found(rows_of("X", X, model.d()));
    {
        const py::gil_scoped_release nogil;
        const ToRead turn(model.turn);
        model.at_full({X.data(), found.size(), model.d()}, found);
    }
    return to_arrays(found);
}

constexpr std::size_t smooth_levels = 21;  // grids from this size on are moved along the gradient

// The space in which new configurations are looked for.
struct Search {
    acquisition::MoveSet moves;
    SearchOptions options;
};

py::object propose(const Search& search, const Model& model, acquisition::Kind kind, double kappa, const Array& known,
                   std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t number, std::uint64_t attempt,
                   const py::object& feasible, const std::optional<Array>& extra) {
    const std::size_t d = search.moves.d();
    const Rows known_rows = rows_in("known", known, d);
    const Rows extra_rows = extra ? rows_in("extra", *extra, d) : Rows{};
    if (model.d() != d) throw py::value_error("the model must have the columns of the space");
    if (kind == acquisition::Kind::user) throw py::value_error("kind must be log_ei, pi or ucb");
    fidelity::Proposal found;
    {
        const acquisition::Feasible allowed = feasible_of(feasible);
        const py::gil_scoped_release nogil;
        const ToRead turn(model.turn);
        acquisition::Seen seen;
        for (std::size_t i = 0; i < known_rows.n; ++i) seen.insert(known_rows[i]);
        Philox stream({seed_low, seed_high}, number, streams::at_attempt(streams::fidelity_search, attempt));
        found = fidelity::propose(model, search.moves, search.options, {kind, kappa, {}}, seen, allowed, extra_rows,
                                  stream);
    }
    if (found.row.empty()) return py::none();
    return py::make_tuple(Array(static_cast<py::ssize_t>(d), found.row.data()), found.at_full.mean,
                          found.at_full.variance);
}

}  // namespace

void bind_fidelity(py::module_& m) {
    auto s = m.def_submodule("fidelity", "Gaussian process of learning curves: configurations at several fidelities.");
    py::class_<Prior>(s, "Prior", "Prior densities of the hyperparameters; a standard deviation of 0 fixes one.")
        .def(py::init<>())
        .def_static("standard", &Prior::standard, py::arg("d"), "Default priors for d columns.")
        .def_readwrite("base", &Prior::base,
                       "Priors of length scales, of the variance at full fidelity (signal), and of the noise.")
        .def_readwrite("drift", &Prior::drift, "Prior of the variance of the drift that depends on the point.")
        .def_readwrite("stretch", &Prior::stretch, "Prior of the drift's length scales over those at full fidelity.")
        .def_readwrite("common", &Prior::common, "Prior of the variance of the drift of all configurations.")
        .def_readwrite("memory", &Prior::memory, "Prior of the drift's length scale along the fidelity.")
        .def_readwrite("offset", &Prior::offset, "Prior of the variance of a configuration's own offset.")
        .def_readwrite("own", &Prior::own, "Prior of the variance of a configuration's own drift.")
        .def_readwrite("jump", &Prior::jump, "Prior of the part of the drift that does not vanish towards 1.");
    s.def("fit_map", &fit_map, py::arg("X").noconvert(), py::arg("configuration").noconvert(),
          py::arg("fidelity").noconvert(), py::arg("y").noconvert(), py::arg("categorical"), py::arg("conditional"),
          py::arg("prior"), py::arg("max_iterations"), py::arg("start") = std::vector<double>(),
          "Logarithms of the hyperparameters that maximise the posterior density, of shape (p,).\n"
          "\n"
          "X (m, d) are canonical rows, configuration (n,) indices of them, fidelity (n,) within [0, 1], y (n,)\n"
          "standardised values. theta is that of `gp.fit_map`, then drift, stretch, common, memory, offset, own and\n"
          "jump, see `Prior`. Raises ValueError for a wrong shape.");
    s.def("log_posterior", &log_posterior, py::arg("X").noconvert(), py::arg("configuration").noconvert(),
          py::arg("fidelity").noconvert(), py::arg("y").noconvert(), py::arg("theta").noconvert(),
          py::arg("categorical"), py::arg("conditional"), py::arg("prior"),
          "Log posterior density of theta (p,), up to a constant, and its gradient (p,); see `fit_map`.");
    py::class_<Model>(s, "Model",
                      "Posterior of configurations at fidelities, with given hyperparameters; see `fit_map`.\n"
                      "\n"
                      "Calls from several threads wait for each other.")
        .def(py::init([](const std::vector<bool>& categorical, const std::vector<bool>& conditional) {
                 return std::make_unique<Model>(linalg::plain_lapack(), types_of(categorical, conditional));
             }),
             py::arg("categorical"), py::arg("conditional"))
        .def("assign", &assign, py::arg("theta"), py::arg("X").noconvert(), py::arg("configuration").noconvert(),
             py::arg("fidelity").noconvert(), py::arg("y").noconvert(),
             "Condition on y (k,), the values of the first k rows; the others are jobs that run, and enter at their\n"
             "posterior mean. Raises LinAlgError if the covariance has no Cholesky factor, ValueError.")
        .def("predict", &predict, py::arg("configuration").noconvert(), py::arg("fidelity").noconvert(),
             "Mean and variance (k,) of configurations (k,) at fidelities (k,), without noise.")
        .def("predict_full", &predict_full, "Mean and variance (m,) of all configurations at full fidelity.")
        .def("predict_new", &predict_new, py::arg("X").noconvert(),
             "Mean and variance (k,) at full fidelity of further configurations X (k, d), canonical rows.");
    py::class_<Search>(s, "Search",
                       "Search for new configurations.\n"
                       "\n"
                       "`categorical` (d,) marks columns without an order. Raises ValueError if its length is not d.")
        .def(py::init([](std::shared_ptr<space::Codec> codec, const std::vector<bool>& categorical,
                         const SearchOptions& options) {
                 return std::make_unique<Search>(
                     Search{acquisition::MoveSet(std::move(codec), categorical, smooth_levels), options});
             }),
             py::arg("codec"), py::arg("categorical"), py::arg("options"))
        .def(
            "propose", &propose, py::arg("model"), py::arg("kind"), py::arg("kappa"), py::arg("known").noconvert(),
            py::arg("seed_low"), py::arg("seed_high"), py::arg("number"), py::arg("attempt"), py::arg("feasible"),
            py::arg("extra") = py::none(),
            "The point (d,) that maximises an acquisition function at full fidelity, and its mean and variance there;\n"
            "None if no new, allowed point was met.\n"
            "\n"
            "Improvements are over the lowest posterior mean of a configuration; kappa is that of a bound. known (n,\n"
            "d) are canonical rows that are not proposed. `feasible` maps rows to booleans (its exceptions are passed\n"
            "on); extra (e, d) are further candidates.");
}

}  // namespace hpcore::bindings
