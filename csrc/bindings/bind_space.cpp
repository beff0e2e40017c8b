#include <pybind11/stl.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/space/codec.hpp"
#include "hpcore/space/row_set.hpp"

namespace hpcore::bindings {
namespace {

using space::Codec;
using space::Column;
using space::Kind;
using space::RowSet;
using space::Scale;
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
    for (std::size_t i = 0; i < n; ++i) {
        const bool inside =
            c.kind == Kind::choice ? in[i] >= 0 && static_cast<std::uint64_t>(in[i]) <= c.last : in[i] >= c.whole_low;
        if (!inside) throw py::value_error("value " + std::to_string(in[i]) + " is outside the column");
    }
    py::gil_scoped_release nogil;
    for (std::size_t i = 0; i < n; ++i) out[i] = codec.encode_whole(j, in[i]);
    return u;
}

// Rows are canonical; the GIL guards a set, which is touched for too short a time to let go of it.
bool insert(RowSet& rows, const Array& u) {
    if (u.ndim() != 1) throw py::value_error("u must have shape (d,)");
    return rows.insert(flat(u));
}

bool contains(const RowSet& rows, const Array& u) {
    if (u.ndim() != 1) throw py::value_error("u must have shape (d,)");
    return rows.contains(flat(u));
}

void update(RowSet& rows, const Array& X) {
    if (X.ndim() != 2) throw py::value_error("X must have shape (n, d)");
    const auto n = static_cast<std::size_t>(X.shape(0)), d = static_cast<std::size_t>(X.shape(1));
    for (std::size_t i = 0; i < n; ++i) rows.insert(hpcore::Column{X.data() + i * d, d});
}

using HashArray = py::array_t<std::uint64_t, py::array::c_style>;

HashArray hashes(const RowSet& rows) {
    const std::vector<std::uint64_t> all = rows.hashes();
    return HashArray(static_cast<py::ssize_t>(all.size()), all.data());
}

RowSet of_hashes(const HashArray& hashes) {
    RowSet rows;
    for (py::ssize_t i = 0; i < hashes.size(); ++i)
        if (hashes.data()[i] != 0) rows.insert(hashes.data()[i]);
    return rows;
}

}  // namespace

void bind_space(py::module_& m) {
    auto s = m.def_submodule("space", "Between parameter values and the unit cube.");
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
    py::class_<Condition>(s, "Condition",
                          "Requirement on an earlier column under which a column is active; several must all hold.")
        .def(py::init<>())
        .def_readwrite("parent", &Condition::parent, "Index of the column that is required to have a value.")
        .def_readwrite("by_level", &Condition::by_level,
                       "True if levels are compared, false if values of a continuous parent.")
        .def_readwrite("levels", &Condition::levels,
                       "Allowed levels of the parent; if empty, the range level_low .. level_high.")
        .def_readwrite("level_low", &Condition::level_low, "Lowest allowed level.")
        .def_readwrite("level_high", &Condition::level_high, "Highest allowed level.")
        .def_readwrite("real_low", &Condition::real_low, "Lowest allowed value of a continuous parent.")
        .def_readwrite("real_high", &Condition::real_high, "Highest allowed value of a continuous parent.");
    py::class_<Column>(s, "Column",
                       "One parameter as a column of the unit cube: its range, distribution, grid and conditions.")
        .def(py::init<>())
        .def_readwrite("kind", &Column::kind, "Type of the values.")
        .def_readwrite("scale", &Column::scale, "Distribution of a real column.")
        .def_readwrite("low", &Column::low, "Lower bound of a real column; -inf, or 0 on a log scale, if open.")
        .def_readwrite("high", &Column::high, "Upper bound of a real column; inf if open.")
        .def_readwrite("mean", &Column::mean, "Mean of a normal column, in units of the value or of its logarithm.")
        .def_readwrite("std", &Column::std, "Standard deviation of a normal column, likewise; greater than 0.")
        .def_readwrite("gridded", &Column::gridded,
                       "True for a grid of last + 1 levels, false for a continuous column.")
        .def_readwrite("last", &Column::last, "Highest level of a grid or of a choice.")
        .def_readwrite("whole_low", &Column::whole_low, "Lowest value of an integer column.")
        .def_readwrite("whole_step", &Column::whole_step, "Distance of two values of an integer column.")
        .def_readwrite("step", &Column::step, "Distance of two values of a real grid.")
        .def_readwrite("tick_low", &Column::tick_low,
                       "Numerator of the lowest value of a real grid whose values are exact fractions.")
        .def_readwrite("tick_step", &Column::tick_step, "Difference of two such numerators.")
        .def_readwrite("ticks", &Column::ticks, "Denominator of such values; 0 where they are no exact fractions.")
        .def_readwrite("cumulative", &Column::cumulative,
                       "Upper edge of each level's share of [0, 1], ascending; empty for shares by the scale.")
        .def_readwrite("conditions", &Column::conditions, "Conditions that must all hold for the column to be active.");

    py::class_<Codec, std::shared_ptr<Codec>>(
        s, "Codec",
        "Map between rows of the unit cube and parameter values; immutable.\n"
        "\n"
        "`order` lists the columns, parents before children. Raises ValueError if it does not.")
        .def(py::init<std::vector<Column>, std::vector<std::size_t>>(), py::arg("columns"), py::arg("order"))
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
        .def("encode_real", &encode_real, py::arg("column"), py::arg("x").noconvert(),
             "Coordinates (n,) of values x (n,) of a real column. Raises ValueError for another column.")
        .def("encode_whole", &encode_whole, py::arg("column"), py::arg("w").noconvert(),
             "Coordinates (n,) of values w (n,) of an integer column, or indices of a choice.\n"
             "\n"
             "Raises ValueError for another column, or a value outside of it.")
        .def("level_of_real", &Codec::level_of_real, py::arg("column"), py::arg("x"),
             "Level of a real grid nearest to x, clamped to the grid.")
        .def("real_at", &Codec::real_at, py::arg("column"), py::arg("level"), "Value at a level of a real grid.");
    py::class_<RowSet>(s, "RowSet",
                       "Set of canonical rows of the cube, by 64-bit hashes of their bits; it can be pickled.")
        .def(py::init<>())
        .def("insert", &insert, py::arg("u").noconvert(), "Insert a row u (d,); False if it was there.")
        .def("update", &update, py::arg("X").noconvert(), "Insert rows X (n, d).")
        .def("__contains__", &contains, py::arg("u").noconvert(), "True if the row u (d,) is in the set.")
        .def("__len__", &RowSet::size, "Number of rows.")
        .def(py::pickle(&hashes, &of_hashes));
}

}  // namespace hpcore::bindings
