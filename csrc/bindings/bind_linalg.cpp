#include "arrays.hpp"
#include "bindings.hpp"
#include "hpcore/linalg/cholesky.hpp"
#include "hpcore/linalg/plain.hpp"

namespace hpcore::bindings {
namespace {

std::size_t order_of(const char* name, const Array& a) {
    if (a.ndim() != 2 || a.shape(0) != a.shape(1))
        throw py::value_error(std::string(name) + " must be square, of shape (n, n)");
    return static_cast<std::size_t>(a.shape(0));
}

void cholesky_factor(Array& K) {
    const std::size_t n = order_of("K", K);
    double* data = K.mutable_data();  // refuses read-only arrays
    const py::gil_scoped_release nogil;
    linalg::cholesky_factor(linalg::plain_lapack(), data, n, n);
}

void cholesky_append(Array& L, std::size_t n, const Array& k, double kappa) {
    if (L.ndim() != 2 || static_cast<std::size_t>(L.shape(0)) <= n || static_cast<std::size_t>(L.shape(1)) <= n)
        throw py::value_error("L must have room for a row more than n = " + std::to_string(n));
    check_length("k", k, n);
    double* out = L.mutable_data();
    const double* in = k.data();
    const auto ld = static_cast<std::size_t>(L.shape(1));
    const py::gil_scoped_release nogil;
    linalg::cholesky_append(linalg::plain_lapack(), out, ld, n, in, kappa);
}

template <auto solve>
void bound_solve(const Array& L, Array& B) {
    const std::size_t n = order_of("L", L), m = rows_of("B", B, n);
    const double* factor = L.data();
    double* data = B.mutable_data();
    const py::gil_scoped_release nogil;
    solve(linalg::plain_lapack(), factor, n, n, data, n, m);
}

void cholesky_inverse(Array& L) {
    const std::size_t n = order_of("L", L);
    double* data = L.mutable_data();
    const py::gil_scoped_release nogil;
    linalg::cholesky_inverse(linalg::plain_lapack(), data, n, n);
}

double log_determinant(const Array& L) {
    const std::size_t n = order_of("L", L);
    const double* data = L.data();
    const py::gil_scoped_release nogil;
    return linalg::log_determinant(data, n, n);
}

}  // namespace

void bind_linalg(py::module_& m) {
    auto s = m.def_submodule("linalg", "Cholesky factors.");
    s.def("cholesky_factor", &cholesky_factor, py::arg("K").noconvert(),
          "Factor K (n, n), symmetric, in place: its lower triangle becomes L with K = L L'.\n"
          "\n"
          "Only the lower triangle is read. Raises numpy.linalg.LinAlgError if a pivot is not positive, NaN\n"
          "included; the triangle then holds nothing useful.");
    s.def("cholesky_append", &cholesky_append, py::arg("L").noconvert(), py::arg("n"), py::arg("k").noconvert(),
          py::arg("kappa"),
          "Append row n to a lower factor L, in place. O(n^2).\n"
          "\n"
          "L (r, c) with r, c > n holds chol(K) in rows [0, n); k (n,) = K(X, x*) and kappa = k(x*, x*) + noise.\n"
          "Raises numpy.linalg.LinAlgError if the new pivot is not positive; rows [0, n) are unchanged.");
    s.def("solve_lower", &bound_solve<&linalg::solve_lower>, py::arg("L").noconvert(), py::arg("B").noconvert(),
          "Solve L x = b for each row b of B (m, n), in place; L (n, n) is a lower factor.");
    s.def("solve_upper", &bound_solve<&linalg::solve_upper>, py::arg("L").noconvert(), py::arg("B").noconvert(),
          "Solve L' x = b for each row b of B (m, n), in place; L (n, n) is a lower factor.");
    s.def("cholesky_inverse", &cholesky_inverse, py::arg("L").noconvert(),
          "Turn a lower factor L (n, n) into the lower triangle of K^-1, in place. O(n^3).");
    s.def("log_determinant", &log_determinant, py::arg("L").noconvert(),
          "Logarithm of det K from its lower factor L (n, n).");
}

}  // namespace hpcore::bindings
