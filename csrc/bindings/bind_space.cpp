#include <pybind11/stl.h>

#include <cstdint>
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
            codec.decode(in + i * d, row.data());
            for (std::size_t j = 0; j < d; ++j) {
                x[i * d + j] = row[j].real;
                w[i * d + j] = row[j].whole;
                on[i * d + j] = row[j].active;
            }
        }
    }
    return py::make_tuple(real, whole, active);
}

void snap(const Codec& codec, Array& u) {
    const std::size_t d = codec.size(), n = rows_of("u", u, d);
    double* data = u.mutable_data();
    py::gil_scoped_release nogil;
    std::vector<Value> row(d);
    for (std::size_t i = 0; i < n; ++i) codec.snap(data + i * d, row.data());
}

// One point, the way of every ask: snaps u (d,) in place and answers with its values, None where inactive.
py::list settle(const Codec& codec, Array& u) {
    const std::size_t d = codec.size();
    check_length("u", u, d);
    thread_local std::vector<Value> row;
    row.resize(d);
    codec.snap(u.mutable_data(), row.data());
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
    return rows.insert(u.data(), static_cast<std::size_t>(u.size()));
}

bool contains(const RowSet& rows, const Array& u) {
    if (u.ndim() != 1) throw py::value_error("u must have shape (d,)");
    return rows.contains(u.data(), static_cast<std::size_t>(u.size()));
}

void update(RowSet& rows, const Array& X) {
    if (X.ndim() != 2) throw py::value_error("X must have shape (n, d)");
    const auto n = static_cast<std::size_t>(X.shape(0)), d = static_cast<std::size_t>(X.shape(1));
    for (std::size_t i = 0; i < n; ++i) rows.insert(X.data() + i * d, d);
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
    py::enum_<Kind>(s, "Kind").value("real", Kind::real).value("integer", Kind::integer).value("choice", Kind::choice);
    py::enum_<Scale>(s, "Scale")
        .value("linear", Scale::linear)
        .value("log", Scale::log)
        .value("normal", Scale::normal)
        .value("log_normal", Scale::log_normal);

    using Condition = Column::Condition;
    py::class_<Condition>(s, "Condition")
        .def(py::init<>())
        .def_readwrite("parent", &Condition::parent)
        .def_readwrite("by_level", &Condition::by_level)
        .def_readwrite("levels", &Condition::levels)
        .def_readwrite("level_low", &Condition::level_low)
        .def_readwrite("level_high", &Condition::level_high)
        .def_readwrite("real_low", &Condition::real_low)
        .def_readwrite("real_high", &Condition::real_high);
    py::class_<Column>(s, "Column")
        .def(py::init<>())
        .def_readwrite("kind", &Column::kind)
        .def_readwrite("scale", &Column::scale)
        .def_readwrite("low", &Column::low)
        .def_readwrite("high", &Column::high)
        .def_readwrite("mean", &Column::mean)
        .def_readwrite("std", &Column::std)
        .def_readwrite("gridded", &Column::gridded)
        .def_readwrite("last", &Column::last)
        .def_readwrite("whole_low", &Column::whole_low)
        .def_readwrite("whole_step", &Column::whole_step)
        .def_readwrite("step", &Column::step)
        .def_readwrite("tick_low", &Column::tick_low)
        .def_readwrite("tick_step", &Column::tick_step)
        .def_readwrite("ticks", &Column::ticks)
        .def_readwrite("cumulative", &Column::cumulative)
        .def_readwrite("conditions", &Column::conditions);

    py::class_<Codec, std::shared_ptr<Codec>>(s, "Codec")
        .def(py::init<std::vector<Column>, std::vector<std::size_t>>(), py::arg("columns"), py::arg("order"))
        .def("__len__", &Codec::size)
        .def("decode", &decode, py::arg("u").noconvert())
        .def("snap", &snap, py::arg("u").noconvert())
        .def("settle", &settle, py::arg("u").noconvert())
        .def("encode_real", &encode_real, py::arg("column"), py::arg("x").noconvert())
        .def("encode_whole", &encode_whole, py::arg("column"), py::arg("w").noconvert())
        .def("level_of_real", &Codec::level_of_real, py::arg("column"), py::arg("x"))
        .def("real_at", &Codec::real_at, py::arg("column"), py::arg("level"));
    py::class_<RowSet>(s, "RowSet")
        .def(py::init<>())
        .def("insert", &insert, py::arg("u").noconvert())
        .def("update", &update, py::arg("X").noconvert())
        .def("__contains__", &contains, py::arg("u").noconvert())
        .def("__len__", &RowSet::size)
        .def(py::pickle(&hashes, &of_hashes));
}

}  // namespace hpcore::bindings
