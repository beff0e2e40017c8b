"""The native Sobol sequence against SciPy's: the same net in every pair of columns, as even, and scrambled."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import kstest, qmc

from hpcore._core import rng

GROUP = 64  # columns of one sequence


def boxes(points: np.ndarray, powers: tuple[int, int]) -> np.ndarray:
    """Number of points in each of 2^a x 2^b boxes, in order of size: scrambling does not change it."""
    cell = np.floor(points[:, 0] * 2.0 ** powers[0]) * 2 ** powers[1] + np.floor(points[:, 1] * 2.0 ** powers[1])
    return np.sort(np.bincount(cell.astype(int), minlength=2 ** sum(powers)))


@pytest.mark.parametrize("gap", [1, 7, 32])
def test_pairs_of_columns_are_those_of_scipy(gap: int) -> None:
    ours, theirs = rng.sobol(5, 0, 0, 256, GROUP), qmc.Sobol(GROUP, scramble=False).random(256)
    for j in range(GROUP - gap):
        for powers in ((8, 0), (5, 3), (4, 4), (2, 6)):
            pair = [j, j + gap]
            np.testing.assert_array_equal(boxes(ours[:, pair], powers), boxes(theirs[:, pair], powers))


@pytest.mark.parametrize(("n", "d"), [(16, 2), (64, 5), (128, 8), (256, 10), (512, 20)])
def test_the_discrepancy_is_that_of_scipy(n: int, d: int) -> None:
    def mean(points_of) -> float:  # type: ignore[no-untyped-def]
        return float(np.mean([qmc.discrepancy(points_of(seed), method="CD") for seed in range(20)]))

    ours = mean(lambda seed: rng.sobol(seed, 0, 0, n, d))
    owen = mean(lambda seed: qmc.Sobol(d, rng=np.random.default_rng(seed)).random(n))
    assert ours < 1.15 * owen
    assert ours < 0.8 * mean(lambda seed: np.random.default_rng(seed).random((n, d)))


def test_each_of_many_columns_is_even_and_the_groups_differ() -> None:
    points = rng.sobol(3, 9, 0, 256, 200)
    for column in points.T:
        np.testing.assert_array_equal(np.sort(np.floor(256 * column)), np.arange(256))
    first, second = points[:, :8], points[:, GROUP : GROUP + 8]
    assert abs(np.corrcoef(first.T, second.T)[:8, 8:]).max() < 0.3
    # An aligned block in the middle is as even as the beginning, in every group.
    for column in rng.sobol(3, 9, 512, 64, 200).T:
        np.testing.assert_array_equal(np.sort(np.floor(64 * column)), np.arange(64))


def test_a_point_is_uniform_over_the_seeds() -> None:
    points = np.array([rng.sobol(seed, 0, 11, 1, 70)[0] for seed in range(3000)])
    assert points.min() >= 0.0
    assert points.max() < 1.0
    for j in (0, 1, 30, 63, 64, 69):
        assert kstest(points[:, j], "uniform").pvalue > 1e-4
        assert kstest(points[:, j] * 2.0**20 % 1.0, "uniform").pvalue > 1e-4  # the deep bits too


def test_a_point_does_not_depend_on_what_is_asked_beside_it() -> None:
    points = rng.sobol(1, 2, 0, 50, 90)
    np.testing.assert_array_equal(points[17:23], rng.sobol(1, 2, 17, 6, 90))
    np.testing.assert_array_equal(points[:, :30], rng.sobol(1, 2, 0, 50, 30))
    assert not np.intersect1d(points, rng.sobol(2, 2, 0, 50, 90)).size
    assert rng.sobol(1, 2, 2**32 - 1, 2, 3).shape == (2, 3)
    assert rng.sobol(1, 2, 0, 0, 3).shape == (0, 3)


def test_the_first_suggestions_of_a_process_load_no_scipy_statistics() -> None:
    code = """
import sys, hpcore as hp
for sampler in ("gp", "sobol"):
    opt = hp.Optimizer({"x": hp.Float(0, 1), "k": hp.Int(1, 9)}, sampler, seed=0)
    for _ in range(12):
        trial = opt.ask()
        opt.tell(trial, trial["x"])
assert "scipy.stats" not in sys.modules and "numba" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)
