"""Means of fold scores and their differences, with standard errors for folds that share training rows.

The variance of a mean over k folds is s² (1/k + r / (1 - r)) with r the share of test rows (Nadeau & Bengio 2003,
Inference for the generalization error, Machine Learning 52): training sets overlap, so the scores are not independent
and s²/k is too small.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from hpcore.errors import InvalidArgument

__all__ = ["interval", "p_value", "standard_error"]

FloatArray = NDArray[np.float64]


def standard_error(scores: FloatArray, test_share: float) -> float:
    """Return the corrected standard error of the mean of fold scores.

    Parameters
    ----------
    scores : ndarray of shape (n_folds,)
        Scores, or differences of scores, on the folds.
    test_share : float
        Share of the test rows among the rows of a fold, in [0, 1); 0 for independent scores.

    Returns
    -------
    float
        Standard error; NaN for fewer than two folds or where a score is not finite.
    """
    if not 0.0 <= test_share < 1.0:
        raise InvalidArgument(f"test_share must be in [0, 1), got {test_share}")
    k = len(scores)
    if k < 2 or not np.isfinite(scores).all():
        return math.nan
    return float(np.sqrt(_variance(scores) * (1.0 / k + test_share / (1.0 - test_share))))


def interval(scores: FloatArray, test_share: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the bounds of a confidence interval of the mean of fold scores, by Student's t distribution.

    Parameters
    ----------
    scores : ndarray of shape (n_folds,)
        Scores on the folds.
    test_share : float
        Share of the test rows, as for `standard_error`.
    confidence : float, default=0.95
        Probability of the interval, in (0, 1).

    Returns
    -------
    low, high : float
        Bounds; NaN for fewer than two folds.
    """
    if not 0.0 < confidence < 1.0:
        raise InvalidArgument(f"confidence must be in (0, 1), got {confidence}")
    error = standard_error(scores, test_share)
    if math.isnan(error):
        return math.nan, math.nan
    half = float(student.ppf((1.0 + confidence) / 2.0, len(scores) - 1)) * error
    mean = float(scores.mean())
    return mean - half, mean + half


def p_value(first: FloatArray, second: FloatArray, test_share: float) -> float:
    """Return the two-sided p-value of the corrected paired t-test that two models have the same score.

    Parameters
    ----------
    first, second : ndarray of shape (n_folds,)
        Scores on the same folds; folds where one is NaN are left out.
    test_share : float
        Share of the test rows, as for `standard_error`.

    Returns
    -------
    float
        p-value; NaN for fewer than two common folds. If all differences are equal, as often with few test rows, the
        t-test is not defined: then it is that of the sign test, 2^(1 - k) for k folds, and 1 where they are 0.
    """
    difference = first - second
    common = np.isfinite(difference)
    difference = difference[common]
    error = standard_error(difference, test_share)
    if math.isnan(error):
        return math.nan
    mean = float(difference.mean())
    # Equal up to the rounding of the scores, of which the differences keep every bit.
    rounding = 4.0 * np.finfo(float).eps * float(max(np.abs(first[common]).max(), np.abs(second[common]).max()))
    if error == 0.0 or float(np.ptp(difference)) <= rounding:
        return 1.0 if abs(mean) <= rounding else 2.0 ** (1 - len(difference))
    return float(2.0 * student.sf(abs(mean) / error, len(difference) - 1))


def _variance(scores: FloatArray) -> float:
    """Return the sample variance; exactly 0 for equal scores, whose mean may differ from them by rounding."""
    variance = float(np.var(scores, ddof=1))
    rounding = len(scores) * np.finfo(float).eps * float(np.abs(scores).max())
    return 0.0 if variance <= rounding**2 else variance
