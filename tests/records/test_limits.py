"""Limits of metrics."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore._core.records import total_violation
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.limits import Limit, Limits, least_violation, typical_size

THREE = Limits({"ms": hp.at_most(20.0), "recall": hp.at_least(0.9), "load": hp.between(1, 2)})


def test_a_bound_per_column_and_the_lower_one_first() -> None:
    assert THREE.n_bounds == 4 and THREE.columns == ["ms", "recall", "load", "load"]
    assert THREE["load"] == Limit(1.0, 2.0) and list(THREE) == ["ms", "recall", "load"] and len(THREE) == 3


def test_distances_beyond_the_bounds() -> None:
    assert THREE.violations({"ms": 25.0, "recall": 0.95, "load": 1.5}) == pytest.approx((5.0, -0.05, -0.5, -0.5))
    assert THREE.violations({"ms": 20.0, "recall": 0.9, "load": 2.0}) == (0.0, 0.0, -1.0, 0.0)
    assert repr(THREE.violations({"ms": math.nan, "load": 0.0})) == "(nan, nan, 1.0, -2.0)"
    assert all(map(math.isnan, THREE.violations(None)))


def test_distances_are_finite() -> None:
    (beyond,) = Limits({"a": hp.at_most(-1e308)}).violations({"a": 1e308})
    assert beyond == np.finfo(float).max


def test_the_larger_distance_of_a_metric() -> None:
    assert THREE.by_name((5.0, -0.1, 1.0, -2.0)) == {"ms": 5.0, "recall": -0.1, "load": 1.0}
    assert THREE.missing({"ms": 1.0, "load": math.nan}) == ["recall", "load"]
    assert THREE.missing(None) == ["ms", "recall", "load"]


def test_limits_that_are_equal_are_equal() -> None:
    assert hp.between(1, 2) == Limit(1.0, 2.0) != hp.between(1, 3)
    assert hp.between(1, 1) == Limit(1.0, 1.0)  # a metric that counts may equal its bound
    assert pickle.loads(pickle.dumps(THREE)) == THREE  # noqa: S301 - our own data
    assert not Limits(None) and Limits({}).n_bounds == 0
    assert repr(THREE) == "{'ms': <= 20, 'recall': >= 0.9, 'load': >= 1 and <= 2}"


@pytest.mark.parametrize(
    ("violations", "row"),
    [
        ([[5.0, 0.0], [1.0, 0.0]], 1),
        ([[1e6, -1.0], [2e6, 0.001], [3e6, 0.0]], 0),
        ([[0.0, 1.0], [1e9, 0.0]], 0),  # in shares both are the largest: the earlier one
        ([[math.nan, -1.0], [3.0, -1.0], [2.0, -1.0]], 2),
        ([[math.nan, math.nan], [math.nan, 5.0]], 0),
        ([[math.nan, 5.0], [math.nan, 1.0]], 1),
    ],
)
def test_the_row_that_is_nearest_to_the_limits(violations, row: int) -> None:
    assert least_violation(np.array(violations)) == row


@pytest.mark.parametrize(
    ("distances", "size"),
    [
        ([1.0, -3.0, math.nan, 2.0], 2.0),
        ([], 0.0),
        ([math.nan], 0.0),
        ([0.0, 0.0, 5.0], 0.0),
        ([1.5e308, -1.7e308], 1.6e308),
        ([5e-324], 5e-324),
    ],
)
def test_the_typical_size_of_distances_is_finite(distances: list[float], size: float) -> None:
    assert typical_size(np.array(distances)) == pytest.approx(size, abs=0.0)


def test_the_nearest_row_does_not_depend_on_units() -> None:
    violations = np.abs(np.random.default_rng(0).normal(size=(20, 3)))
    assert least_violation(violations) == least_violation(violations * [1e-9, 1.0, 1e12])


@pytest.mark.parametrize(
    ("make", "error", "match"),
    [
        (lambda: hp.between(2, 1), InvalidArgument, "low must be <= high, got low=2.0, high=1.0"),
        (lambda: hp.between(math.nan, 1), InvalidArgument, "low must be finite, got nan"),
        (lambda: hp.between(0, math.inf), InvalidArgument, "high must be finite, got inf"),
        (lambda: hp.between("0", 1), InvalidType, "low must be a number, got '0'"),
        (lambda: hp.between(True, 1), InvalidType, "low must be a number, got True"),
        (lambda: Limit(), InvalidArgument, "a finite bound"),
        (lambda: Limit(math.inf, math.inf), InvalidArgument, "low must be finite"),
        (lambda: Limit("a"), InvalidType, "low must be a number"),
        (lambda: Limits([("ms", hp.at_most(1))]), InvalidType, "limits must be a mapping"),
        (lambda: Limits({1: hp.at_most(1)}), InvalidType, r"limits must be named .* got 1"),
        (lambda: Limits({"ms": 20.0}), InvalidType, r"limits\['ms'\] must be made by hp.at_most, .* got 20.0"),
        (lambda: Limits({"ms": (1, 2)}), InvalidType, r"limits\['ms'\]"),
        (lambda: Limits({"ms": hp.at_most(math.nan)}), InvalidArgument, r"limits\['ms'\] must be finite, got nan"),
        (lambda: Limits({"ms": hp.at_least(-math.inf)}), InvalidArgument, r"limits\['ms'\] must be finite"),
        (lambda: Limits({"ms": hp.at_most("20")}), InvalidType, r"limits\['ms'\] must be a number, got '20'"),
        (lambda: Limits({"ms": hp.at_most(10**400)}), InvalidArgument, r"limits\['ms'\] must be finite"),
    ],
)
def test_wrong_limits(make, error, match: str) -> None:
    with pytest.raises(error, match=match):
        make()


def test_total_violations_by_hand() -> None:
    violations = np.array([[2.0, -1.0], [-4.0, 6.0], [0.0, np.nan], [-1.0, -2.0], [5e-324, -3.0]])
    # Median sizes 1, of 2, 4, 0, 1, 0, and 2.5, of 1, 6, 2, 3.
    total = total_violation(violations)
    np.testing.assert_allclose(total, [2.0, 2.4, 1.0, 0.0, 0.0], atol=1e-300)
    assert total[4] > 0.0  # a bound is broken, by however little
    assert np.isfinite(total_violation(np.array([[1e308, 1e308], [1e-308, 0.0], [0.0, 0.0]]))).all()
    np.testing.assert_array_equal(total_violation(np.full((3, 1), np.nan)), 1.0)
