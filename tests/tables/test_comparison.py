"""Standard errors, intervals and tests of fold scores, compared with SciPy and with the published formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from hpcore.errors import InvalidArgument
from hpcore.tables.comparison import interval, p_value, standard_error

RNG = np.random.default_rng(0)
A, B = RNG.normal(0.8, 0.02, 10), RNG.normal(0.79, 0.02, 10)


def test_without_correction_it_is_the_t_test_of_scipy() -> None:
    assert standard_error(A, 0.0) == pytest.approx(stats.sem(A), rel=1e-12)
    assert p_value(A, B, 0.0) == pytest.approx(stats.ttest_rel(A, B).pvalue, rel=1e-12)
    expected = stats.t.interval(0.9, 9, loc=A.mean(), scale=stats.sem(A))
    assert interval(A, 0.0, 0.9) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("n_train", "n_test"), [(90, 10), (80, 20), (300, 700)])
def test_the_corrected_test_is_the_published_one(n_train: int, n_test: int) -> None:
    # Nadeau & Bengio 2003: t = mean / sqrt((1 / J + n_2 / n_1) s^2) with J - 1 degrees of freedom.
    difference = [a - b for a, b in zip(A.tolist(), B.tolist(), strict=True)]
    mean = sum(difference) / 10
    variance = sum((d - mean) ** 2 for d in difference) / 9
    t = mean / math.sqrt((1 / 10 + n_test / n_train) * variance)
    expected = 2 * (1 - stats.t.cdf(abs(t), 9))
    assert p_value(A, B, n_test / (n_train + n_test)) == pytest.approx(expected, rel=1e-9)
    assert p_value(B, A, n_test / (n_train + n_test)) == pytest.approx(expected, rel=1e-9)
    error = math.sqrt((1 / 10 + n_test / n_train) * np.var(A, ddof=1))
    low, high = interval(A, n_test / (n_train + n_test))
    assert (low + high) / 2 == pytest.approx(A.mean()) and (high - low) / 2 == pytest.approx(2.262157163 * error)


def test_folds_that_only_one_ran_are_left_out() -> None:
    first, second = A.copy(), B.copy()
    first[2] = second[[5, 7]] = np.nan
    kept = np.isfinite(first) & np.isfinite(second)
    assert p_value(first, second, 0.1) == p_value(A[kept], B[kept], 0.1)
    first[1:] = np.nan
    assert math.isnan(p_value(first, second, 0.1))


def test_no_spread() -> None:
    for value in (0.1, 0.7, 1 / 3):
        same = np.full(7, value)
        assert standard_error(same, 0.2) == 0.0 and interval(same, 0.2) == pytest.approx((value, value))
    assert p_value(A, A, 0.1) == 1.0
    # The t-test is not defined, and a p-value of 0 would claim more than a few folds can show.
    for k in (2, 3, 5):
        signs = stats.binomtest(k, k).pvalue
        assert p_value(np.full(k, 0.9), np.full(k, 0.8), 0.1) == pytest.approx(signs)
        assert p_value(A[:k] + 0.1, A[:k], 0.1) == pytest.approx(signs)  # equal up to rounding
        assert p_value(A[:k], A[:k] + 1e-17, 0.1) == 1.0


def test_one_fold_has_no_interval() -> None:
    assert math.isnan(standard_error(A[:1], 0.1)) and all(map(math.isnan, interval(A[:1], 0.1)))
    assert math.isnan(p_value(A[:1], B[:1], 0.1)) and math.isnan(standard_error(A[:0], 0.1))


@pytest.mark.parametrize("share", [-0.1, 1.0, math.nan])
def test_wrong_shares(share: float) -> None:
    with pytest.raises(InvalidArgument, match="test_share"):
        standard_error(A, share)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95.0])
def test_wrong_confidences(confidence: float) -> None:
    with pytest.raises(InvalidArgument, match="confidence"):
        interval(A, 0.1, confidence)
