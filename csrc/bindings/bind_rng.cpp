#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/rng.hpp"
#include "hpcore/sobol.hpp"
#include "hpcore/streams.hpp"

namespace hpcore::bindings {
namespace {

Array uniform(std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t number, std::uint64_t purpose,
              std::size_t n) {
    Array out(static_cast<py::ssize_t>(n));
    double* data = out.mutable_data();
    Philox stream({seed_low, seed_high}, number, purpose);
    for (std::size_t i = 0; i < n; ++i) data[i] = stream.uniform();
    return out;
}

Array normal(std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t number, std::uint64_t purpose,
             std::size_t n) {
    Array out(static_cast<py::ssize_t>(n));
    double* data = out.mutable_data();
    Philox stream({seed_low, seed_high}, number, purpose);
    for (std::size_t i = 0; i < n; ++i) data[i] = stream.normal();
    return out;
}

py::array_t<std::uint64_t> raw(std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t number,
                               std::uint64_t purpose, std::size_t n) {
    py::array_t<std::uint64_t> out(static_cast<py::ssize_t>(n));
    std::uint64_t* data = out.mutable_data();
    Philox stream({seed_low, seed_high}, number, purpose);
    for (std::size_t i = 0; i < n; ++i) data[i] = stream.next();
    return out;
}

// (n, d): points first .. first + n - 1 of the sequence.
Array sobol(std::uint64_t seed_low, std::uint64_t seed_high, std::uint64_t first, std::size_t n, std::size_t d) {
    Array out({n, d});
    double* data = out.mutable_data();
    py::gil_scoped_release nogil;
    for (std::size_t i = 0; i < n; ++i) sobol_point({seed_low, seed_high}, first + i, {data + i * d, d});
    return out;
}

}  // namespace

void bind_rng(py::module_& m) {
    auto rng = m.def_submodule("rng", "Counter-based random numbers, a pure function of (seed, number, purpose).");
    rng.def("uniform", &uniform, py::arg("seed_low"), py::arg("seed_high"), py::arg("number"), py::arg("purpose"),
            py::arg("n"),
            "Uniform numbers in [0, 1), of shape (n,): the beginning of a stream.\n"
            "\n"
            "seed_low and seed_high are the words of a 128-bit seed; number is a trial's; purpose is one of the\n"
            "constants of this module, plus the attempt times 2**32.");
    rng.def("normal", &normal, py::arg("seed_low"), py::arg("seed_high"), py::arg("number"), py::arg("purpose"),
            py::arg("n"), "Standard normal numbers of shape (n,): the beginning of a stream, see `uniform`.");
    rng.def("raw", &raw, py::arg("seed_low"), py::arg("seed_high"), py::arg("number"), py::arg("purpose"), py::arg("n"),
            "Random 64-bit words of shape (n,): the beginning of a stream, see `uniform`.");
    rng.def("sobol", &sobol, py::arg("seed_low"), py::arg("seed_high"), py::arg("first"), py::arg("n"), py::arg("d"),
            "Points first .. first + n - 1 of the scrambled Sobol sequence in [0, 1)^d, of shape (n, d).");
    for (const streams::Named& stream : streams::all)
        rng.attr(stream.name) = static_cast<std::uint64_t>(stream.purpose);
}

}  // namespace hpcore::bindings
