#include <pybind11/stl.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/space/row_set.hpp"
#include "hpcore/space/space.hpp"
#include "turns.hpp"

namespace hpcore::bindings {
namespace {

using space::Codec;
using space::Column;
using space::Kind;
using space::Natural;
using space::Number;
using space::Parameter;
using RowSet = InTurn<space::RowSet>;
using space::Scale;
using space::Space;
using space::Value;

// (real, whole, active), each (n, d): the values of n points; real for float columns, whole for the others.
py::tuple decode(const Codec& codec, const Array& u) {
    const std::size_t d = codec.size(), n = rows_of("u", u, d);
    const py::array::ShapeContainer shape{n, d};
    Array real(shape);
    WholeArray whole(shape);
    BoolArray active(shape);
    const double* in = u.data();
    double* x = real.mutable_data();
    std::int64_t* w = whole.mutable_data();
    bool* on = active.mutable_data();
    {
        py::gil_scoped_release nogil;
        std::vector<Value> row(d);
        for (std::size_t i = 0; i < n; ++i) {
            codec.decode({in + i * d, d}, row);
            for (std::size_t j = 0; j < d; ++j) {
                x[i * d + j] = row[j].real;
                w[i * d + j] = row[j].whole;
                on[i * d + j] = row[j].active;
            }
        }
    }
    return py::make_tuple(real, whole, active);
}

// d value / d coordinate at rows u (n, d); NaN where inactive, or where values jump.
Array slopes(const Codec& codec, const Array& u) {
    const std::size_t d = codec.size(), n = rows_of("u", u, d);
    Array out(py::array::ShapeContainer{n, d});
    const double* in = u.data();
    double* slope = out.mutable_data();
    py::gil_scoped_release nogil;
    std::vector<Value> row(d);
    for (std::size_t i = 0; i < n; ++i) {
        codec.decode({in + i * d, d}, row);
        for (std::size_t j = 0; j < d; ++j)
            slope[i * d + j] = row[j].active ? codec.slope(j, row[j].real) : std::numeric_limits<double>::quiet_NaN();
    }
    return out;
}

void snap(const Codec& codec, Array& u) {
    const std::size_t d = codec.size(), n = rows_of("u", u, d);
    double* data = u.mutable_data();
    py::gil_scoped_release nogil;
    std::vector<Value> row(d);
    for (std::size_t i = 0; i < n; ++i) codec.snap({data + i * d, d}, row);
}

// Snap one point u (d,) in place, as every ask does; its values, None where inactive.
py::list settle(const Codec& codec, Array& u) {
    const std::size_t d = codec.size();
    check_length("u", u, d);
    std::vector<Value> row(d);
    codec.snap(room_of(u), row);
    py::list out(d);
    for (std::size_t j = 0; j < d; ++j) {
        if (!row[j].active)
            out[j] = py::none();
        else if (codec.column(j).kind == Kind::real)
            out[j] = py::float_(row[j].real);
        else
            out[j] = py::int_(row[j].whole);
    }
    return out;
}

std::int64_t checked_whole(const Column& c, std::int64_t w) {
    const bool inside = c.kind == Kind::choice ? w >= 0 && static_cast<std::uint64_t>(w) <= c.last : w >= c.whole_low;
    if (!inside) throw py::value_error("value " + std::to_string(w) + " is outside the column");
    return w;
}

// Encode one point's values, as every trial from outside needs it; None where there is no value. The row (d,), NaN
// there, and the first column that is active without a value, or the other way round; None if there is none.
py::tuple encode(const Codec& codec, const py::list& values) {
    const std::size_t d = codec.size();
    if (values.size() != d) throw py::value_error("values must have length " + std::to_string(d));
    Array out(static_cast<py::ssize_t>(d));
    const MutableColumn u = room_of(out);
    for (std::size_t j = 0; j < d; ++j) {
        PyObject* const value = PyList_GET_ITEM(values.ptr(), static_cast<py::ssize_t>(j));
        u[j] = 0.5;
        if (value == Py_None) continue;
        if (codec.column(j).kind == Kind::real) {
            const double x = PyFloat_AsDouble(value);
            if (x == -1.0 && PyErr_Occurred() != nullptr) throw py::error_already_set();
            u[j] = codec.encode_real(j, x);
        } else {
            const long long w = PyLong_AsLongLong(value);
            if (w == -1 && PyErr_Occurred() != nullptr) throw py::error_already_set();
            u[j] = codec.encode_whole(j, checked_whole(codec.column(j), w));
        }
    }
    std::vector<Value> row(d);
    codec.decode(u, row);
    py::object differs = py::none();
    for (std::size_t j = d; j-- > 0;) {
        const bool given = PyList_GET_ITEM(values.ptr(), static_cast<py::ssize_t>(j)) != Py_None;
        if (given != row[j].active) differs = py::int_(j);
        if (!given) u[j] = std::numeric_limits<double>::quiet_NaN();
    }
    return py::make_tuple(std::move(out), std::move(differs));
}

Array encode_real(const Codec& codec, std::size_t j, const Array& x) {
    if (j >= codec.size() || codec.column(j).kind != Kind::real) throw py::value_error("not a real column");
    check_length("x", x, static_cast<std::size_t>(x.size()));
    Array u(x.size());
    const double* in = x.data();
    double* out = u.mutable_data();
    const auto n = static_cast<std::size_t>(x.size());
    py::gil_scoped_release nogil;
    for (std::size_t i = 0; i < n; ++i) out[i] = codec.encode_real(j, in[i]);
    return u;
}

// Values off the column's range or grid must have been refused before.
Array encode_whole(const Codec& codec, std::size_t j, const WholeArray& w) {
    if (j >= codec.size() || codec.column(j).kind == Kind::real) throw py::value_error("not a whole column");
    check_length("w", w, static_cast<std::size_t>(w.size()));
    const Column& c = codec.column(j);
    Array u(w.size());
    const std::int64_t* in = w.data();
    double* out = u.mutable_data();
    const auto n = static_cast<std::size_t>(w.size());
    for (std::size_t i = 0; i < n; ++i) checked_whole(c, in[i]);
    py::gil_scoped_release nogil;
    for (std::size_t i = 0; i < n; ++i) out[i] = codec.encode_whole(j, in[i]);
    return u;
}

// Rows are canonical. A set is touched for too short a time to let go of the GIL, whose owner never waits for a turn
// then; without a GIL it does.
bool insert(RowSet& rows, const Array& u) {
    if (u.ndim() != 1) throw py::value_error("u must have shape (d,)");
    const ToChange turn(rows.turn);
    return rows.insert(flat(u));
}

bool contains(const RowSet& rows, const Array& u) {
    if (u.ndim() != 1) throw py::value_error("u must have shape (d,)");
    const ToRead turn(rows.turn);
    return rows.contains(flat(u));
}

void update(RowSet& rows, const Array& X) {
    if (X.ndim() != 2) throw py::value_error("X must have shape (n, d)");
    const auto n = static_cast<std::size_t>(X.shape(0)), d = static_cast<std::size_t>(X.shape(1));
    const ToChange turn(rows.turn);
    for (std::size_t i = 0; i < n; ++i) rows.insert(hpcore::Column{X.data() + i * d, d});
}

using HashArray = py::array_t<std::uint64_t, py::array::c_style>;

HashArray hashes(const RowSet& rows) {
    const std::vector<std::uint64_t> all = [&] {
        const ToRead turn(rows.turn);
        return rows.hashes();
    }();
    return HashArray(static_cast<py::ssize_t>(all.size()), all.data());
}

std::unique_ptr<RowSet> of_hashes(const HashArray& hashes) {
    auto rows = std::make_unique<RowSet>();
    for (py::ssize_t i = 0; i < hashes.size(); ++i)
        if (hashes.data()[i] != 0) rows->insert(hashes.data()[i]);
    return rows;
}

// A Python int, of any size.
py::object points(const Space& space) {
    std::optional<Natural> found;
    {
        py::gil_scoped_release nogil;
        found = space.points();
    }
    if (!found) return py::none();
    py::int_ out(0);
    for (auto word = found->words().rbegin(); word != found->words().rend(); ++word)
        out = py::int_((out << py::int_(32)) | py::int_(*word));
    return out;
}

std::vector<Column> columns(const Space& space) {
    std::vector<Column> out;
    for (std::size_t j = 0; j < space.size(); ++j) out.push_back(space.codec()->column(j));
    return out;
}

void bind_columns(py::module_& s) {
    py::enum_<Kind>(s, "Kind", "Type of a parameter's values: floating-point, integer, or one of several choices.")
        .value("real", Kind::real)
        .value("integer", Kind::integer)
        .value("choice", Kind::choice);
    py::enum_<Scale>(s, "Scale", "Distribution of a real column: uniform, log-uniform, normal or log-normal.")
        .value("linear", Scale::linear)
        .value("log", Scale::log)
        .value("normal", Scale::normal)
        .value("log_normal", Scale::log_normal);

    using Condition = Column::Condition;
    py::class_<Condition>(s, "Condition", "Requirement on an earlier column under which a column is active.")
        .def_readonly("parent", &Condition::parent, "Index of the column that is required to have a value.")
        .def_readonly("alternative", &Condition::alternative, "True if it begins another alternative.")
        .def_readonly("by_level", &Condition::by_level,
                      "True if levels are compared, false if values of a continuous parent.")
        .def_readonly("levels", &Condition::levels,
                      "Allowed levels of the parent; if empty, the range level_low .. level_high.")
        .def_readonly("level_low", &Condition::level_low, "Lowest allowed level.")
        .def_readonly("level_high", &Condition::level_high, "Highest allowed level.")
        .def_readonly("real_low", &Condition::real_low, "Lowest allowed value of a continuous parent.")
        .def_readonly("real_high", &Condition::real_high, "Highest allowed value of a continuous parent.");
    py::class_<Column>(s, "Column",
                       "One parameter as a column of the unit cube: its range, distribution, grid and conditions.")
        .def_readonly("kind", &Column::kind, "Type of the values.")
        .def_readonly("scale", &Column::scale, "Distribution of a real column.")
        .def_readonly("low", &Column::low, "Lower bound of a real column; -inf, or 0 on a log scale, if open.")
        .def_readonly("high", &Column::high, "Upper bound of a real column; inf if open.")
        .def_readonly("mean", &Column::mean, "Mean of a normal column, in units of the value or of its logarithm.")
        .def_readonly("std", &Column::std, "Standard deviation of a normal column, likewise; greater than 0.")
        .def_readonly("gridded", &Column::gridded, "True for a grid of last + 1 levels, false for a continuous column.")
        .def_readonly("last", &Column::last, "Highest level of a grid or of a choice.")
        .def_readonly("whole_low", &Column::whole_low, "Lowest value of an integer column.")
        .def_readonly("whole_step", &Column::whole_step, "Distance of two values of an integer column.")
        .def_readonly("step", &Column::step, "Distance of two values of a real grid.")
        .def_readonly("tick_low", &Column::tick_low,
                      "Numerator of the lowest value of a real grid whose values are exact fractions.")
        .def_readonly("tick_step", &Column::tick_step, "Difference of two such numerators.")
        .def_readonly("ticks", &Column::ticks, "Denominator of such values; 0 where they are no exact fractions.")
        .def_readonly("cumulative", &Column::cumulative,
                      "Upper edge of each level's share of [0, 1], ascending; empty for shares by the scale.")
        .def_readonly(
            "conditions", &Column::conditions,
            "Conditions that must all hold for the column to be active, up to one that begins an alternative;\n"
            "or all from there on.")
        .def("real_at", &space::real_at, py::arg("level"), "Value at a level of a real grid.")
        .def("level_of_real", &space::level_of_real, py::arg("x"),
             "Level of a grid of numbers nearest to x, clamped to the grid.");
}

void bind_parameters(py::module_& s) {
    py::class_<Parameter>(s, "Parameter", "One dimension of a space, made by `real`, `integer`, `choice` or `normal`.")
        .def_property_readonly("column", &Parameter::column, py::return_value_policy::reference_internal,
                               "Column of the parameter, without conditions.")
        .def("named", &Parameter::named, py::arg("name"), "Copy with another name.");
    s.def(
        "real",
        [](std::string name, double low, double high, bool log, std::optional<double> step) {
            return space::real(std::move(name), low, high, {.log = log, .step = step});
        },
        py::arg("name"), py::arg("low"), py::arg("high"), py::kw_only(), py::arg("log"), py::arg("step"),
        "Floating-point parameter between two bounds, perhaps on a grid of decimals.\n"
        "\n"
        "Raises ValueError for arguments that have no meaning.");
    s.def(
        "integer",
        [](std::string name, std::int64_t low, std::int64_t high, bool log, std::int64_t step) {
            return space::integer(std::move(name), low, high, {.log = log, .step = step});
        },
        py::arg("name"), py::arg("low"), py::arg("high"), py::kw_only(), py::arg("log"), py::arg("step"),
        "Integer parameter between two bounds. Raises ValueError for arguments that have no meaning.");
    s.def(
        "choice",
        [](std::string name, std::size_t n_choices, bool ordered, std::vector<double> weights) {
            return space::choice(std::move(name), n_choices, {.ordered = ordered, .weights = std::move(weights)});
        },
        py::arg("name"), py::arg("n_choices"), py::kw_only(), py::arg("ordered"), py::arg("weights"),
        "One of several choices, by index, with relative probabilities `weights`, equal ones if empty.\n"
        "\n"
        "Raises ValueError for arguments that have no meaning.");
    s.def(
        "normal",
        [](std::string name, double mean, double std, std::optional<double> low, std::optional<double> high, bool log,
           std::optional<double> step) {
            return space::normal(std::move(name), mean, std, {.low = low, .high = high, .log = log, .step = step});
        },
        py::arg("name"), py::arg("mean"), py::arg("std"), py::kw_only(), py::arg("low"), py::arg("high"),
        py::arg("log"), py::arg("step"),
        "Floating-point parameter with a normal or log-normal prior, perhaps cut to bounds or on a grid.\n"
        "\n"
        "Raises ValueError for arguments that have no meaning, and for bounds that leave no probability.");
    s.def(
        "when",
        [](const Parameter& parameter, std::string parent, std::vector<Number> values, std::optional<Number> at_least,
           std::optional<Number> at_most) {
            return space::when(
                parameter,
                {.parent = std::move(parent), .values = std::move(values), .at_least = at_least, .at_most = at_most});
        },
        py::arg("parameter"), py::arg("parent"), py::kw_only(), py::arg("values") = std::vector<Number>{},
        py::arg("at_least") = py::none(), py::arg("at_most") = py::none(),
        "Copy that is active only where the parent has one of the values or lies within the bounds.\n"
        "\n"
        "Values of a choice are indices. Raises ValueError unless there are either values or bounds.");
    s.def("or_when", &space::or_when, py::arg("parameter"),
          "Copy that is active also where the conditions hold that are added next.\n"
          "\n"
          "Raises ValueError if there are no conditions yet, or none since the last call.");
    py::class_<Space>(
        s, "Space",
        "Search space of named parameters; immutable.\n"
        "\n"
        "Raises ValueError for a name given twice, an unknown parent, a cycle of parents, or a condition\n"
        "that cannot hold.")
        .def(py::init<std::vector<Parameter>>(), py::arg("parameters"))
        .def("__len__", &Space::size, "Number of parameters, d.")
        .def_property_readonly(
            "codec", [](const Space& space) { return std::const_pointer_cast<Codec>(space.codec()); },
            "Map between rows of the unit cube and values.")
        .def_property_readonly("columns", &columns, "Columns with their conditions, in the order of the parameters.")
        .def("points", &points, "Number of distinct points; None if it is infinite or has too many branches to count.");
}

}  // namespace

void bind_space(py::module_& m) {
    auto s = m.def_submodule("space", "Between parameter values and the unit cube.");
    bind_columns(s);
    py::class_<Codec, std::shared_ptr<Codec>>(
        s, "Codec", "Map between rows of the unit cube and parameter values, of a `Space`; immutable.")
        .def_property_readonly("order", &Codec::order, "Columns with every parent before its children.")
        .def("__len__", &Codec::size, "Number of columns, d.")
        .def("decode", &decode, py::arg("u").noconvert(),
             "Values of rows u (n, d): real (float columns), whole (others) and active, each (n, d).\n"
             "\n"
             "Inactive entries of u are not read, active ones are clamped to [0, 1]. Raises ValueError for an active\n"
             "NaN.")
        .def("slopes", &slopes, py::arg("u").noconvert(),
             "Derivatives (n, d) of the values of continuous columns by their coordinates, at rows u (n, d).\n"
             "\n"
             "NaN where a column is inactive, a grid or a choice. Raises ValueError for an active NaN.")
        .def("snap", &snap, py::arg("u").noconvert(),
             "Replace rows u (n, d), in place, by the canonical rows of their values: NaN where inactive.")
        .def("settle", &settle, py::arg("u").noconvert(),
             "Snap one row u (d,) in place; its values, None where inactive.")
        .def("encode", &encode, py::arg("values"),
             "Row u (d,) of one point's values, indices of choices; None where there is no value, where u is NaN.\n"
             "\n"
             "Also the first column that is active without a value, or inactive with one; None if there is none.\n"
             "Raises ValueError for an integer or an index outside of its column.")
        .def("encode_real", &encode_real, py::arg("column"), py::arg("x").noconvert(),
             "Coordinates (n,) of values x (n,) of a real column. Raises ValueError for another column.")
        .def("encode_whole", &encode_whole, py::arg("column"), py::arg("w").noconvert(),
             "Coordinates (n,) of values w (n,) of an integer column, or indices of a choice.\n"
             "\n"
             "Raises ValueError for another column, or a value outside of it.");
    bind_parameters(s);
    py::class_<RowSet>(s, "RowSet",
                       "Set of canonical rows of the cube, by 64-bit hashes of their bits; it can be pickled.")
        .def(py::init<>())
        .def("insert", &insert, py::arg("u").noconvert(), "Insert a row u (d,); False if it was there.")
        .def("update", &update, py::arg("X").noconvert(), "Insert rows X (n, d).")
        .def("__contains__", &contains, py::arg("u").noconvert(), "True if the row u (d,) is in the set.")
        .def(
            "__len__",
            [](const RowSet& rows) {
                const ToRead turn(rows.turn);
                return rows.size();
            },
            "Number of rows.")
        .def(py::pickle(&hashes, &of_hashes));
}

}  // namespace hpcore::bindings
