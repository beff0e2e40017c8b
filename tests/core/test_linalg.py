"""The native Cholesky routines against SciPy."""

import subprocess
import sys
import threading

import numpy as np
import pytest
import scipy.linalg

from hpcore._core import linalg


def positive_definite(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    a = rng.standard_normal((n, n + 2))
    return a @ a.T + 0.1 * np.eye(n)


@pytest.mark.parametrize("n", [1, 2, 3, 17, 64, 200])
def test_factor(n: int) -> None:
    K = positive_definite(n)
    L = K.copy()
    linalg.cholesky_factor(L)
    np.testing.assert_allclose(np.tril(L), scipy.linalg.cholesky(K, lower=True), rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(np.triu(L, 1), np.triu(K, 1))
    assert linalg.log_determinant(L) == pytest.approx(np.linalg.slogdet(K)[1], rel=1e-10)


@pytest.mark.parametrize("n", [1, 5, 60])
@pytest.mark.parametrize("m", [1, 4])
def test_solves_and_inverse(n: int, m: int) -> None:
    K = positive_definite(n)
    L = np.ascontiguousarray(scipy.linalg.cholesky(K, lower=True))
    B = np.random.default_rng(1).standard_normal((m, n))
    down, up, inverse = B.copy(), B.copy(), L.copy()
    linalg.solve_lower(L, down)
    linalg.solve_upper(L, up)
    linalg.cholesky_inverse(inverse)
    np.testing.assert_allclose(down.T, scipy.linalg.solve_triangular(L, B.T, lower=True), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(up.T, scipy.linalg.solve_triangular(L.T, B.T), rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(np.tril(inverse), np.tril(np.linalg.inv(K)), rtol=1e-7, atol=1e-9)


def test_appended_rows_make_the_same_factor() -> None:
    K = positive_definite(40)
    grown = np.zeros((40, 40))
    for i in range(40):
        linalg.cholesky_append(grown, i, K[i, :i].copy(), K[i, i])
    np.testing.assert_allclose(grown, scipy.linalg.cholesky(K, lower=True), rtol=1e-10, atol=1e-12)


def test_nothing_to_do_is_no_error() -> None:
    linalg.cholesky_factor(np.empty((0, 0)))
    linalg.solve_lower(np.eye(3), np.empty((0, 3)))


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan])
def test_a_matrix_without_a_factor_is_named(bad: float) -> None:
    K = positive_definite(5)
    K[3, 3] = bad
    with pytest.raises(np.linalg.LinAlgError, match="pivot 3"):
        linalg.cholesky_factor(K)


def test_a_failed_append_leaves_the_factor_alone() -> None:
    L = np.zeros((3, 3))
    L[:2, :2] = np.linalg.cholesky(positive_definite(2))
    before = L[:2].copy()
    for kappa in (1e-9, np.nan):
        with pytest.raises(np.linalg.LinAlgError, match="pivot 2"):
            linalg.cholesky_append(L, 2, np.ones(2), kappa)
    np.testing.assert_array_equal(L[:2], before)


def read_only() -> np.ndarray:
    a = np.eye(3)
    a.flags.writeable = False
    return a


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: linalg.cholesky_factor(np.eye(3)[:2]), ValueError),
        (lambda: linalg.cholesky_factor(np.ones(4)), ValueError),
        (lambda: linalg.cholesky_factor(np.eye(4)[::2, ::2]), TypeError),
        (lambda: linalg.cholesky_factor(np.asfortranarray(positive_definite(3))), TypeError),
        (lambda: linalg.cholesky_factor(np.eye(3, dtype=np.float32)), TypeError),
        (lambda: linalg.cholesky_factor(np.eye(3, dtype=int)), TypeError),
        (lambda: linalg.cholesky_factor([[1.0]]), TypeError),
        (lambda: linalg.cholesky_factor(read_only()), ValueError),
        (lambda: linalg.cholesky_append(np.eye(3), 3, np.ones(3), 1.0), ValueError),
        (lambda: linalg.cholesky_append(np.eye(3), 2, np.ones(3), 1.0), ValueError),
        (lambda: linalg.cholesky_append(np.eye(3), -1, np.ones(3), 1.0), TypeError),
        (lambda: linalg.solve_lower(np.eye(3), np.ones((2, 4))), ValueError),
        (lambda: linalg.solve_lower(np.eye(3), np.ones(3)), ValueError),
        (lambda: linalg.solve_upper(np.ones((3, 2)), np.ones((2, 3))), ValueError),
        (lambda: linalg.solve_upper(np.eye(3), np.ones((3, 2)).T), TypeError),
        (lambda: linalg.log_determinant(np.ones((2, 3))), ValueError),
    ],
)
def test_bad_shapes_types_and_layouts_are_refused(call: object, error: type[Exception]) -> None:
    with pytest.raises(error):
        call()  # type: ignore[operator]


def test_scipy_is_not_loaded() -> None:
    code = """
import sys
import hpcore as hp
opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, "gp", seed=0)
for _ in range(8):
    trial = opt.ask()
    opt.tell(trial, trial.params["x"] + trial.params["y"])
print([name for name in sys.modules if name.startswith("scipy")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout == "[]\n"


def test_threads_share_nothing() -> None:
    K = positive_definite(80)
    expected = K.copy()
    linalg.cholesky_factor(expected)
    results: list[np.ndarray] = []

    def work() -> None:
        for _ in range(10):
            L = K.copy()
            linalg.cholesky_factor(L)
            results.append(L)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 40
    for L in results:
        np.testing.assert_array_equal(L, expected)
