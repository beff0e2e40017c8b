#include <pybind11/stl.h>

#include <string>
#include <utility>
#include <vector>

#include "bindings.hpp"
#include "hpcore/records/dominance.hpp"
#include "hpcore/records/limits.hpp"
#include "hpcore/records/tradeoff.hpp"
#include "trials.hpp"

namespace hpcore::bindings {

// Columns that no trial has anything in stay empty.
BoundTrials::BoundTrials(Array rows, Array objectives, StateArray states, std::optional<Array> errors,
                         std::optional<Array> costs, std::optional<Array> beyond, std::optional<Array> slopes,
                         std::size_t n_given)
    : X(std::move(rows)),
      values(std::move(objectives)),
      state(std::move(states)),
      std_errors(std::move(errors)),
      cost(std::move(costs)),
      violations(std::move(beyond)),
      gradients(std::move(slopes)) {
    if (X.ndim() != 2) throw py::value_error("X must have shape (n, d)");
    view.rows = as_rows(X);
    const std::size_t n = view.rows.n;
    const auto columns = [&](const char* name, const Array& a) {
        if (a.ndim() != 2 || static_cast<std::size_t>(a.shape(0)) != n || a.shape(1) < 1)
            throw py::value_error(std::string(name) + " must have shape (" + std::to_string(n) + ", columns)");
        return as_rows(a);
    };
    view.values = columns("values", values);
    check_length("state", state, n);
    view.state = {state.data(), n};
    if (std_errors) {
        view.std_errors = columns("std_errors", *std_errors);
        if (view.std_errors.d != view.values.d) throw py::value_error("std_errors must have the shape of values");
    }
    if (cost) {
        check_length("cost", *cost, n);
        view.cost = {cost->data(), n};
    }
    if (violations) view.violations = columns("violations", *violations);
    if (gradients) {
        view.gradients = columns("gradients", *gradients);
        if (view.gradients.d != view.rows.d) throw py::value_error("gradients must have the shape of X");
    }
    view.n_given = n_given;
}

namespace {

using records::Worth;

Rows table_of(const char* name, const Array& a) {
    if (a.ndim() != 2) throw py::value_error(std::string(name) + " must have two dimensions");
    return as_rows(a);
}

Array array_of(const std::vector<double>& numbers) {
    return Array(static_cast<py::ssize_t>(numbers.size()), numbers.data());
}

Array order_by_front(const Array& values, std::optional<std::size_t> first, bool crowding) {
    const Rows rows = table_of("values", values);
    std::vector<double> place;
    {
        const py::gil_scoped_release nogil;
        place = records::order_by_front(rows, first.value_or(records::all_places),
                                        crowding ? Worth::crowding : Worth::contribution);
    }
    return array_of(place);
}

Array order_by_limits(const Array& values, const Array& violations, std::optional<std::size_t> first, bool crowding) {
    const Rows rows = table_of("values", values), beyond = table_of("violations", violations);
    if (beyond.n != rows.n) throw py::value_error("violations must have a row a value");
    std::vector<double> place;
    {
        const py::gil_scoped_release nogil;
        place = records::order_by_limits(rows, beyond, first.value_or(records::all_places),
                                         crowding ? Worth::crowding : Worth::contribution);
    }
    return array_of(place);
}

Rows with_corner(const Array& values, const Array& reference) {
    const Rows rows = table_of("values", values);
    check_length("reference", reference, rows.d);
    return rows;
}

Column column_of(const Array& a) {
    return {a.data(), static_cast<std::size_t>(a.size())};
}

}  // namespace

void bind_records(py::module_& m) {
    auto s = m.def_submodule("records", "Trials, and orders of trials with several objectives or limits.");
    py::class_<BoundTrials>(
        s, "Trials",
        "Trials of one search, as every sampler reads them: a view of arrays, row i being trial number i.\n"
        "\n"
        "X (n, d) are canonical rows of the cube, NaN where inactive; values (n, m), lower is better, NaN without a\n"
        "value; state (n,) as in `hpcore.records.history`. Columns that no trial has anything in are None: std_errors\n"
        "(n, m) of the values; cost (n,); violations (n, k), how far each limit is exceeded, at most 0 keeps it;\n"
        "gradients (n, d) of the first value by coordinate; NaN where not known. n_given counts the trials whose\n"
        "parameters a user gave. Raises ValueError for a wrong shape.")
        .def(py::init<Array, Array, StateArray, std::optional<Array>, std::optional<Array>, std::optional<Array>,
                      std::optional<Array>, std::size_t>(),
             py::arg("X").noconvert(), py::arg("values").noconvert(), py::arg("state").noconvert(),
             py::arg("std_errors").noconvert() = py::none(), py::arg("cost").noconvert() = py::none(),
             py::arg("violations").noconvert() = py::none(), py::arg("gradients").noconvert() = py::none(),
             py::arg("n_given") = 0)
        .def(
            "first",
            [](const BoundTrials& trials, std::size_t n, std::size_t n_given) {
                if (n > trials.view.n())
                    throw py::value_error("n must be at most " + std::to_string(trials.view.n()) + ", got " +
                                          std::to_string(n));
                BoundTrials out = trials;
                out.view = trials.view.first(n, n_given);
                return out;
            },
            py::arg("n"), py::arg("n_given"), "The first n of them, a view too, of which a user gave n_given.")
        .def("__len__", [](const BoundTrials& trials) { return trials.view.n(); }, "Number of trials.");
    s.def("order_by_front", &order_by_front, py::arg("values").noconvert(), py::arg("first") = py::none(),
          py::arg("crowding") = false,
          "Place (n,) of each row of finite values (n, m), as floats; `hpcore.records.tradeoff` explains it.\n"
          "\n"
          "first is the number of places that matter; crowding orders a front by crowding distance, not by\n"
          "hypervolume.");
    s.def("order_by_limits", &order_by_limits, py::arg("values").noconvert(), py::arg("violations").noconvert(),
          py::arg("first") = py::none(), py::arg("crowding") = false,
          "Place (n,) of each row, those that keep all limits first: violations (n, k) are at most 0 there.");
    s.def(
        "half_range",
        [](const Array& values) {
            const Rows rows = table_of("values", values);
            if (rows.n == 0) throw py::value_error("values must have at least one row");
            return array_of(records::half_range(rows));
        },
        py::arg("values").noconvert(),
        "Half the range (m,) of each column of values (n, m), finite for all finite ones; 1 for a constant column.");
    s.def(
        "typical_size",
        [](const Array& violations) {
            check_length("violations", violations, static_cast<std::size_t>(violations.size()));
            return records::typical_size({violations.data(), static_cast<std::size_t>(violations.size()), 1}, 0);
        },
        py::arg("violations").noconvert(),
        "Median size of the known distances (n,) of one bound; `hpcore.records.limits` explains it.");
    s.def(
        "total_violation",
        [](const Array& violations) { return array_of(records::total_violation(table_of("violations", violations))); },
        py::arg("violations").noconvert(),
        "Sum (n,) of the distances (n, k) beyond all bounds, each in units of its median size.");
    s.def(
        "non_dominated_rank",
        [](const Array& values) {
            const Rows rows = table_of("values", values);
            std::vector<std::size_t> fronts;
            {
                const py::gil_scoped_release nogil;
                fronts = records::non_dominated_rank(rows);
            }
            WholeArray out(static_cast<py::ssize_t>(fronts.size()));
            std::copy(fronts.begin(), fronts.end(), out.mutable_data());
            return out;
        },
        py::arg("values").noconvert(), "Front (n,) of each row of finite values (n, m); 0 if nothing dominates it.");
    s.def(
        "hypervolume",
        [](const Array& values, const Array& reference) {
            const Rows rows = with_corner(values, reference);
            const py::gil_scoped_release nogil;
            return records::hypervolume(rows, column_of(reference));
        },
        py::arg("values").noconvert(), py::arg("reference").noconvert(),
        "Volume that finite values (n, m) dominate up to a reference (m,).");
    s.def(
        "hypervolume_contributions",
        [](const Array& values, const Array& reference) {
            const Rows rows = with_corner(values, reference);
            std::vector<double> out;
            {
                const py::gil_scoped_release nogil;
                out = records::hypervolume_contributions(rows, column_of(reference));
            }
            return array_of(out);
        },
        py::arg("values").noconvert(), py::arg("reference").noconvert(),
        "Volume (n,) that would be lost without each of finite values (n, m), up to a reference (m,).");
}

}  // namespace hpcore::bindings
