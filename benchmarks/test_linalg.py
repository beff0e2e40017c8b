"""Cholesky factors, beside the LAPACK and BLAS routine that is the limit of each.

OMP_NUM_THREADS=1 python -m pytest benchmarks --benchmark-json=new.json        all micro benchmarks
python benchmarks/compare.py old.json new.json                                 benchmarks that are faster or slower
"""

import numpy as np
import pytest
from scipy.linalg import blas, lapack

from hpcore._core import linalg

SIZES = [100, 1000]


def positive_definite(n):
    a = np.random.default_rng(0).standard_normal((n, n))
    return a @ a.T + n * np.eye(n)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("by", ["hpcore", "limit: dpotrf"])
def test_factor(benchmark, by, n):
    benchmark.group = f"factor n={n}"
    K = positive_definite(n)

    def setup():
        return (K.copy(order="C" if by == "hpcore" else "F"),), {}

    if by == "hpcore":

        def run(A):
            linalg.cholesky_factor(A)
            return A
    else:

        def run(A):
            return lapack.dpotrf(A, lower=1, overwrite_a=1)[0]

    L = np.tril(benchmark.pedantic(run, setup=setup, rounds=20, warmup_rounds=2))
    np.testing.assert_allclose(L @ L.T, K, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("by", ["hpcore", "limit: dtrsv"])
def test_append_a_row(benchmark, by, n):
    benchmark.group = f"append n={n}"
    K = positive_definite(n + 1)
    L = np.zeros((n + 1, n + 1))
    L[:n, :n] = np.linalg.cholesky(K[:n, :n])
    k = np.ascontiguousarray(K[n, :n])
    if by == "hpcore":
        benchmark(linalg.cholesky_append, L, n, k, K[n, n])
        np.testing.assert_allclose(L[n], np.linalg.cholesky(K)[n], rtol=1e-9, atol=1e-9)
    else:
        U = np.asfortranarray(L[:n, :n].T)
        row = benchmark(blas.dtrsv, U, k, trans=1)
        np.testing.assert_allclose(row, np.linalg.cholesky(K)[n, :n], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("by", ["hpcore", "limit: dtrsm"])
def test_solve_64_right_hand_sides(benchmark, by, n):
    benchmark.group = f"solve n={n}"
    L = np.linalg.cholesky(positive_definite(n))
    B = np.random.default_rng(1).standard_normal((64, n))
    expected = np.linalg.solve(L, B.T).T
    if by == "hpcore":

        def run(X):
            linalg.solve_lower(L, X)
            return X

        got = benchmark.pedantic(run, setup=lambda: ((B.copy(),), {}), rounds=20, warmup_rounds=2)
    else:
        U, X = np.asfortranarray(L.T), np.asfortranarray(B.T)
        got = benchmark.pedantic(lambda: blas.dtrsm(1.0, U, X, trans_a=1), rounds=20, warmup_rounds=2).T
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)
