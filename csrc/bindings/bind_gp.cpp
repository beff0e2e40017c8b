#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/gp/fit.hpp"
#include "hpcore/gp/marginal_likelihood.hpp"
#include "hpcore/gp/regressor.hpp"
#include "hpcore/gp/target_transform.hpp"
#include "hpcore/gp/warp.hpp"
#include "hpcore/linalg/plain.hpp"
#include "hpcore/streams.hpp"
#include "kernels.hpp"
#include "turns.hpp"

namespace hpcore::bindings {
namespace {

using gp::ColumnType;
using gp::LogNormal;
using gp::Prior;
using Regressor = InTurn<gp::Regressor>;
using MaybeArray = std::optional<Array>;
using Covariance = std::shared_ptr<gp::UserCovariance>;  // null: the built-in one

std::vector<ColumnType> types_of(const std::vector<bool>& categorical, const std::vector<bool>& conditional) {
    if (categorical.size() != conditional.size())
        throw py::value_error("categorical and conditional must have one entry a column");
    std::vector<ColumnType> types(categorical.size());
    for (std::size_t j = 0; j < types.size(); ++j) types[j] = {categorical[j], conditional[j]};
    return types;
}

gp::Points points_of(const std::vector<ColumnType>& types, Rows X, const Covariance& user) {
    gp::Points points(types, user);
    for (std::size_t i = 0; i < X.n; ++i) points.append(X[i]);
    return points;
}

Column noise_of(const MaybeArray& noise, std::size_t n) {
    return noise ? column_in("known_noise", *noise, n) : Column{};
}

// Derivatives (n, d) that are not NaN, and targets y (n,) followed by them.
struct Observations {
    std::vector<gp::Slope> slopes;
    std::vector<double> targets;
};

Observations observations_of(const Array& y, const MaybeArray& gradients, std::size_t n, std::size_t d) {
    Observations out;
    out.targets.assign(y.data(), y.data() + n);
    if (!gradients) return out;
    const Rows rows = rows_in("gradients", *gradients, d);
    if (rows.n != n) throw py::value_error("gradients must have a row a point");
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < d; ++j) {
            if (std::isnan(rows(i, j))) continue;
            out.slopes.push_back({i, j});
            out.targets.push_back(rows(i, j));
        }
    }
    return out;
}

Array to_array(const std::vector<double>& v) {
    return Array(static_cast<py::ssize_t>(v.size()), v.data());
}

Array fit_map(const Array& X, const Array& y, const MaybeArray& known_noise, const std::vector<bool>& categorical,
              const std::vector<bool>& conditional, const gp::FitOptions& options, const Covariance& covariance,
              const MaybeArray& gradients) {
    const auto types = types_of(categorical, conditional);
    const std::size_t n = rows_of("X", X, types.size());
    check_length("y", y, n);
    const Column noise = noise_of(known_noise, n);
    gp::Points points = points_of(types, {X.data(), n, types.size()}, covariance);
    Observations observed = observations_of(y, gradients, n, types.size());
    points.observe(std::move(observed.slopes));
    std::vector<double> theta;
    {
        const py::gil_scoped_release nogil;
        theta = gp::fit_map(linalg::plain_lapack(), points, observed.targets, noise, options);
    }
    return to_array(theta);
}

// (theta, warp) that are likelier than theta and no warp.
py::tuple fit_warp(const Array& X, const Array& y, const MaybeArray& known_noise, const std::vector<bool>& categorical,
                   const std::vector<bool>& conditional, const gp::FitOptions& options, std::vector<double> theta) {
    const auto types = types_of(categorical, conditional);
    const std::size_t n = rows_of("X", X, types.size());
    check_length("y", y, n);
    if (theta.size() != gp::Layout(types).size()) throw py::value_error("theta must have one entry a hyperparameter");
    const Column noise = noise_of(known_noise, n);
    const gp::Points points = points_of(types, {X.data(), n, types.size()}, nullptr);
    std::vector<double> warp;
    {
        const py::gil_scoped_release nogil;
        warp = gp::fit_warp(linalg::plain_lapack(), points, flat(y), noise, options, theta);
    }
    return py::make_tuple(to_array(theta), to_array(warp));
}

// (draws, theta): hyperparameters from their posterior.
Array sample_posterior(const Array& X, const Array& y, const MaybeArray& known_noise,
                       const std::vector<bool>& categorical, const std::vector<bool>& conditional, const Prior& prior,
                       const std::vector<double>& start, int n_draws, std::uint64_t seed_low, std::uint64_t seed_high,
                       const Covariance& covariance) {
    const auto types = types_of(categorical, conditional);
    const std::size_t n = rows_of("X", X, types.size());
    check_length("y", y, n);
    if (start.size() != gp::Layout(types, covariance.get()).size())
        throw py::value_error("start must have one entry a hyperparameter");
    const Column noise = noise_of(known_noise, n);
    const gp::Points points = points_of(types, {X.data(), n, types.size()}, covariance);
    std::vector<std::vector<double>> draws;
    {
        const py::gil_scoped_release nogil;
        Philox stream({seed_low, seed_high}, n, streams::own_key);
        draws = gp::sample_posterior(linalg::plain_lapack(), points, flat(y), noise, prior, start, n_draws, stream);
    }
    Array out({draws.size(), start.size()});
    double* into = out.mutable_data();
    for (const auto& draw : draws) into = std::copy(draw.begin(), draw.end(), into);
    return out;
}

// (value, gradient) of the log likelihood, with or without the prior.
py::tuple log_posterior(const Array& X, const Array& y, const MaybeArray& known_noise, const Array& theta,
                        const std::vector<bool>& categorical, const std::vector<bool>& conditional, const Prior& prior,
                        bool with_prior, const Covariance& covariance, const MaybeArray& gradients) {
    const auto types = types_of(categorical, conditional);
    const std::size_t n = rows_of("X", X, types.size());
    check_length("y", y, n);
    const Column noise = noise_of(known_noise, n);
    gp::Points points = points_of(types, {X.data(), n, types.size()}, covariance);
    Observations observed = observations_of(y, gradients, n, types.size());
    points.observe(std::move(observed.slopes));
    const gp::Layout layout = points.layout();
    check_length("theta", theta, layout.size());
    Array gradient(static_cast<py::ssize_t>(layout.size()));
    const MutableColumn into = room_of(gradient);
    double value = 0.0;
    {
        const py::gil_scoped_release nogil;
        gp::LogPosterior density(linalg::plain_lapack(), points, observed.targets, noise, prior);
        value = with_prior ? density(flat(theta), into) : density.likelihood(flat(theta), into);
    }
    return py::make_tuple(value, gradient);
}

gp::TargetTransform standardise(const Array& values, gp::TransformKind transform) {
    check_length("values", values, static_cast<std::size_t>(values.size()));
    return gp::standardise(flat(values), transform);
}

// A function of the map at every element of y.
template <auto function>
Array mapped(const gp::TargetTransform& map, const Array& y) {
    const std::vector<py::ssize_t> shape(y.shape(), y.shape() + y.ndim());
    Array out(shape);
    std::transform(y.data(), y.data() + y.size(), out.mutable_data(), [&](double v) { return function(map, v); });
    return out;
}

// Derivatives of y, elementwise.
Array turn_derivatives(const gp::TargetTransform& map, const Array& values, const Array& derivatives) {
    const auto n = static_cast<std::size_t>(values.size());
    check_length("values", values, n);
    check_length("derivatives", derivatives, n);
    Array out(static_cast<py::ssize_t>(n));
    std::transform(values.data(), values.data() + n, derivatives.data(), out.mutable_data(),
                   [&](double v, double derivative) { return gp::turn_derivative(map, v, derivative); });
    return out;
}

void assign(Regressor& model, const Array& X, const Array& y, const MaybeArray& known_noise,
            const MaybeArray& gradients) {
    const std::size_t d = model.points().d(), n = rows_of("X", X, d);
    check_length("y", y, n);
    const Column noise = noise_of(known_noise, n);
    Observations observed = observations_of(y, gradients, n, d);
    const py::gil_scoped_release nogil;
    const ToChange turn(model.turn);
    model.assign({X.data(), n, d}, noise, observed.slopes);
    model.set_slope_targets({observed.targets.begin() + static_cast<std::ptrdiff_t>(n), observed.targets.end()});
    model.set_targets(flat(y));
}

void append(Regressor& model, const Array& x, double known_noise) {
    check_length("x", x, model.points().d());
    const py::gil_scoped_release nogil;
    const ToChange turn(model.turn);
    model.append(flat(x), known_noise);
}

void set_targets(Regressor& model, const Array& y) {
    const auto n = static_cast<std::size_t>(y.size());
    check_length("y", y, n);
    const py::gil_scoped_release nogil;
    const ToChange turn(model.turn);
    if (n != model.size()) throw std::invalid_argument("y must have shape (" + std::to_string(model.size()) + ",)");
    model.set_targets(flat(y));
}

py::tuple predict(const Regressor& model, const Array& X) {
    const Rows rows = rows_in("X", X, model.points().d());
    gp::Prediction out;
    {
        const py::gil_scoped_release nogil;
        const ToRead turn(model.turn);
        model.predict(rows, out);
    }
    return py::make_tuple(to_array(out.mean), to_array(out.variance));
}

// (mean, variance, d mean / dX, d variance / dX), the gradients (m, d) with 0 in categorical and inactive columns.
py::tuple predict_with_gradients(const Regressor& model, const Array& X) {
    const std::size_t d = model.points().d(), m = rows_of("X", X, d);
    const Rows rows{X.data(), m, d};
    gp::Prediction out;
    Array by_mean({m, d}), by_variance({m, d});
    double* a = by_mean.mutable_data();
    double* b = by_variance.mutable_data();
    {
        const py::gil_scoped_release nogil;
        const ToRead turn(model.turn);
        model.predict_for_gradient(rows, out);
        std::vector<std::size_t> columns;
        std::vector<double> part(d);
        std::fill(a, a + m * d, 0.0);
        std::fill(b, b + m * d, 0.0);
        for (std::size_t i = 0; i < m; ++i) {
            columns.clear();
            for (std::size_t j = 0; j < d; ++j)
                if (!model.points().columns()[j].categorical && !std::isnan(rows(i, j))) columns.push_back(j);
            model.gradient(rows, i, 1.0, 0.0, columns, out, part);
            for (std::size_t t = 0; t < columns.size(); ++t) a[i * d + columns[t]] = part[t];
            model.gradient(rows, i, 0.0, 1.0, columns, out, part);
            for (std::size_t t = 0; t < columns.size(); ++t) b[i * d + columns[t]] = part[t];
        }
    }
    return py::make_tuple(to_array(out.mean), to_array(out.variance), by_mean, by_variance);
}

Array covariance(const Regressor& model, const Array& X) {
    const std::size_t m = rows_of("X", X, model.points().d());
    Array out({m, m});
    double* into = out.mutable_data();
    const py::gil_scoped_release nogil;
    const ToRead turn(model.turn);
    model.covariance({X.data(), m, model.points().d()}, {into, m, m});
    return out;
}

}  // namespace

void bind_gp(py::module_& m) {
    auto s = m.def_submodule("gp", "Gaussian-process regression on rows of the unit cube.");
    py::class_<LogNormal>(
        s, "LogNormal",
        "Log-normal prior density of a hyperparameter: mean, std and bounds low, high of its logarithm.")
        .def(py::init([](double mean, double std, double low, double high) { return LogNormal{mean, std, low, high}; }),
             py::arg("mean"), py::arg("std"), py::arg("low"), py::arg("high"))
        .def_readwrite("mean", &LogNormal::mean, "Mean of the logarithm.")
        .def_readwrite("std", &LogNormal::std, "Standard deviation of the logarithm; greater than 0.")
        .def_readwrite("low", &LogNormal::low, "Lower bound of the logarithm.")
        .def_readwrite("high", &LogNormal::high, "Upper bound of the logarithm.");
    s.attr("SHARED_SCALE") = gp::shared_scale;
    py::class_<Prior>(s, "Prior", "Prior densities of the hyperparameters.")
        .def(py::init<>())
        .def_static("standard", &Prior::standard, py::arg("d"), "Default priors for d columns.")
        .def_readwrite("length_scale", &Prior::length_scale, "Prior of each length scale.")
        .def_readwrite("shared", &Prior::shared,
                       "Correlation of the logarithms of the numbers' length scales, at least 0 and below 1.")
        .def_readwrite("signal", &Prior::signal, "Prior of the signal variance.")
        .def_readwrite("noise", &Prior::noise, "Prior of the noise variance.")
        .def_readwrite("inactive", &Prior::inactive,
                       "Prior of the squared distance of an inactive column from the active ones.")
        .def_readwrite("slope_noise", &Prior::slope_noise, "Prior of the relative noise variance of derivatives.")
        .def_readwrite("user", &Prior::user, "Priors of the hyperparameters of a user's covariance.");
    py::class_<gp::UserCovariance, Covariance>(
        s, "UserCovariance",
        "User's covariance of the numeric columns, by the address of its compiled code; the caller keeps it\n"
        "alive.")
        .def(py::init(
                 [](std::uintptr_t address, const std::string& name, std::size_t n_hyperparameters, bool logarithmic) {
                     return std::make_shared<gp::UserCovariance>(kernel_at<CovarianceKernel>(address, name),
                                                                 n_hyperparameters, logarithmic);
                 }),
             py::arg("address"), py::arg("name"), py::arg("n_hyperparameters"), py::arg("logarithmic"));
    py::enum_<gp::TransformKind>(
        s, "TransformKind",
        "Transform of the targets: only standardised, clipped above, logarithmic above the median, or\n"
        "logarithmic.")
        .value("standard", gp::TransformKind::standard)
        .value("clip", gp::TransformKind::clip)
        .value("half_log", gp::TransformKind::half_log)
        .value("log", gp::TransformKind::log);
    py::class_<gp::FitOptions>(s, "FitOptions", "Options of a fit of hyperparameters.")
        .def(py::init<>())
        .def_readwrite("prior", &gp::FitOptions::prior, "Prior densities.")
        .def_readwrite("n_starts", &gp::FitOptions::n_starts, "Number of L-BFGS runs.")
        .def_readwrite("n_probes", &gp::FitOptions::n_probes,
                       "Number of draws from the prior, the best of which starts a run.")
        .def_readwrite("several_starts_until", &gp::FitOptions::several_starts_until,
                       "Number of rows up to which there is more than one run.")
        .def_readwrite("max_iterations", &gp::FitOptions::max_iterations,
                       "Greatest number of L-BFGS iterations of a run.");
    s.def("fit_map", &fit_map, py::arg("X").noconvert(), py::arg("y").noconvert(), py::arg("known_noise").noconvert(),
          py::arg("categorical"), py::arg("conditional"), py::arg("options"), py::arg("covariance") = py::none(),
          py::arg("gradients") = py::none(),
          "Logarithms of the hyperparameters that maximise the posterior density, of shape (p,).\n"
          "\n"
          "X (n, d) are canonical rows, y (n,) standardised targets, known_noise (n,) variances or None;\n"
          "categorical (d,) and conditional (d,) describe the columns; gradients (n, d) are derivatives of y, NaN\n"
          "where not known. theta is d length scales, signal and noise variance, the squared height of inactive if a\n"
          "column is conditional, then the user's; with gradients, last their relative noise. Raises ValueError for a\n"
          "wrong shape, KernelError.");
    s.def("fit_warp", &fit_warp, py::arg("X").noconvert(), py::arg("y").noconvert(), py::arg("known_noise").noconvert(),
          py::arg("categorical"), py::arg("conditional"), py::arg("options"), py::arg("theta"),
          "Hyperparameters (p,) and warp parameters (two a numeric column) that are likelier than theta without a\n"
          "warp.\n"
          "\n"
          "Arguments as for `fit_map`.");
    s.def("sample_posterior", &sample_posterior, py::arg("X").noconvert(), py::arg("y").noconvert(),
          py::arg("known_noise").noconvert(), py::arg("categorical"), py::arg("conditional"), py::arg("prior"),
          py::arg("start"), py::arg("n_draws"), py::arg("seed_low"), py::arg("seed_high"),
          py::arg("covariance") = py::none(),
          "Draws of theta from its posterior by slice sampling from `start`, of shape (n_draws, p); see `fit_map`.");
    s.def("log_posterior", &log_posterior, py::arg("X").noconvert(), py::arg("y").noconvert(),
          py::arg("known_noise").noconvert(), py::arg("theta").noconvert(), py::arg("categorical"),
          py::arg("conditional"), py::arg("prior"), py::arg("with_prior"), py::arg("covariance") = py::none(),
          py::arg("gradients") = py::none(),
          "Log density of theta (p,) and its gradient (p,), with the prior or of the likelihood alone; see\n"
          "`fit_map`.");
    py::class_<gp::TargetTransform>(s, "TargetTransform",
                                    "Monotone map from an objective's values to standardised targets.")
        .def(py::init<>())
        .def_property_readonly(
            "y", [](const gp::TargetTransform& self) { return to_array(self.y); },
            "Targets (n,) of the values that the map was made from; lower is better.")
        .def_readonly("offset", &gp::TargetTransform::offset, "Value that the map takes to 0.")
        .def_readonly("scale", &gp::TargetTransform::scale,
                      "One standard deviation of the targets in the objective's units; 0 if it cannot be represented.")
        .def_readonly("affine", &gp::TargetTransform::affine, "True if offset + scale y gives the values back.")
        .def("apply", &mapped<&gp::apply>, py::arg("values").noconvert(),
             "Targets of finite values of any shape, in that shape; finite.")
        .def("restore", &mapped<&gp::restore>, py::arg("y").noconvert(),
             "Values of targets y of any shape, in that shape; finite. What a clip cut off is not restored.")
        .def("turn_derivatives", &turn_derivatives, py::arg("values").noconvert(), py::arg("derivatives").noconvert(),
             "Derivatives (n,) of the targets from those of the objective (n,) at points with values (n,); NaN where\n"
             "clipped.")
        .def("log_slope", &mapped<&gp::log_slope>, py::arg("y").noconvert(),
             "Logarithm of the map's slope at targets y, up to a constant shared by all transforms; -inf where\n"
             "clipped.");
    s.def("standardise", &standardise, py::arg("values").noconvert(), py::arg("transform"),
          "Map of finite values (n,) to targets of mean 0 and variance 1, after a transform.");
    py::class_<Regressor>(
        s, "Regressor",
        "Gaussian-process regression with given hyperparameters; readers share it, a change waits for them.\n"
        "\n"
        "theta is as from `fit_map`. Raises ValueError if its length is wrong.")
        .def(py::init([](const std::vector<bool>& categorical, const std::vector<bool>& conditional,
                         std::vector<double> theta, const Covariance& covariance) {
                 auto types = types_of(categorical, conditional);
                 const gp::Layout layout(types, covariance.get());
                 if (theta.size() != layout.size() && theta.size() != layout.size() + 1)
                     throw py::value_error("theta must have one entry a hyperparameter");
                 return std::make_unique<Regressor>(linalg::plain_lapack(), std::move(types), std::move(theta),
                                                    covariance);
             }),
             py::arg("categorical"), py::arg("conditional"), py::arg("theta"), py::arg("covariance") = py::none())
        .def(
            "__len__",
            [](const Regressor& model) {
                const ToRead turn(model.turn);
                return model.size();
            },
            py::call_guard<py::gil_scoped_release>(), "Number of rows that the model holds.")
        .def(
            "set_warp",
            [](Regressor& model, const std::vector<double>& parameters) {
                const auto& columns = model.points().columns();
                if (parameters.size() != gp::Warp::n_parameters(columns))
                    throw py::value_error("parameters must have two entries a numeric column");
                gp::Warp warp(columns, parameters);
                const py::gil_scoped_release nogil;
                const ToChange turn(model.turn);
                if (model.size() > 0) throw std::invalid_argument("the warp must be set before there are rows");
                model.set_warp(std::move(warp));
            },
            py::arg("parameters"), "Warp numeric columns by parameters from `fit_warp`, before there are rows.")
        .def(
            "warped",
            [](const Regressor& model, const Array& X) {
                const std::size_t d = model.points().d(), count = rows_of("X", X, d);
                Array out({count, d});
                const Rows rows{X.data(), count, d};
                const MutableRows into{out.mutable_data(), count, d};
                const py::gil_scoped_release nogil;
                const ToRead turn(model.turn);
                for (std::size_t i = 0; i < count; ++i) {
                    if (model.warp().identity())
                        std::ranges::copy(rows[i], into[i].begin());
                    else
                        model.warp().apply(rows[i], into[i]);
                }
                return out;
            },
            py::arg("X").noconvert(), "Rows X (n, d) as the covariance sees them.")
        .def("assign", &assign, py::arg("X").noconvert(), py::arg("y").noconvert(), py::arg("known_noise").noconvert(),
             py::arg("gradients") = py::none(),
             "Replace all rows by X (n, d) with targets y (n,) and known noise variances (n,) or None. O(n^3).\n"
             "\n"
             "gradients (n, d) are derivatives of y, NaN where not known: theta has their noise then. Raises\n"
             "numpy.linalg.LinAlgError if the covariance is not positive definite.")
        .def("append", &append, py::arg("x").noconvert(), py::arg("known_noise"),
             "Append a row x (d,) with a known noise variance. O(n^2); targets must be set next.\n"
             "\n"
             "Raises numpy.linalg.LinAlgError if the covariance is not positive definite; the rows before are\n"
             "unchanged.")
        .def("set_targets", &set_targets, py::arg("y").noconvert(), "Replace the targets of all rows by y (n,).")
        .def("predict", &predict, py::arg("X").noconvert(),
             "Posterior mean and variance at rows X (m, d), each of shape (m,).")
        .def("predict_with_gradients", &predict_with_gradients, py::arg("X").noconvert(),
             "Posterior mean (m,), variance (m,) and their derivatives (m, d), 0 in categorical and inactive columns.")
        .def("covariance", &covariance, py::arg("X").noconvert(),
             "Posterior covariance of rows X (m, d), of shape (m, m).")
        .def_property_readonly(
            "theta", [](const Regressor& model) { return to_array(model.theta()); },
            "Logarithms of the hyperparameters, of shape (p,).");
}

}  // namespace hpcore::bindings
