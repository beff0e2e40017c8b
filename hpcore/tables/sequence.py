"""Rows in the order of time, for which shuffled folds give too good a score."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from hpcore.tables.preprocessing import to_dates
from hpcore.tables.remark import Remark
from hpcore.tables.wording import PYTHON, Wording

if TYPE_CHECKING:
    from hpcore.tables.table import Columns
    from hpcore.tables.target import Problem

__all__ = ["ALIKE", "neighbours_alike", "time_order"]

# Correlation of the target of neighbouring rows, or the excess of equal classes over chance, from 0 to 1.
ALIKE = 0.3
# Standard errors of that correlation for independent rows, 1 / sqrt(n).
SURE = 4.0
ROWS = 30
# Share of the steps of a numeric column that have the same size, as the steps of a clock or a calendar have. A table
# that is sorted by a measurement has steps of all sizes.
REGULAR = 0.9


def time_order(
    problem: Problem,
    columns: Columns,
    splits: Sequence[tuple[Any, Any]],
    index: pd.Index[Any] | None = None,
    wording: Wording = PYTHON,
) -> Remark | None:
    """Return a remark if rows look like a time series and folds test rows before those they are trained on.

    Parameters
    ----------
    problem : Problem
        Features and target, in the order of the table.
    columns : Columns
        Contents of the features.
    splits : sequence of (train, test)
        Folds.
    index : Index of length n_rows, optional
        Labels of the rows, which may be dates.
    wording : Wording
        Names of the arguments in messages.

    Returns
    -------
    Remark or None
        Remark, if in the order of a date column or index, or of a numeric column that increases or decreases with the
        row number in steps of one size, the target of neighbouring rows is alike (`ALIKE`).
    """
    n = len(problem.y)
    if n < ROWS or all(np.max(train) < np.min(test) for train, test in splits):
        return None
    dates = {f"the dates {name!r}": to_dates(problem.X[name], pattern) for name, pattern in columns.dates.items()}
    if isinstance(index, pd.DatetimeIndex):
        dates = {"the index": pd.Series(index), **dates}
    for name, days in dates.items():
        order = np.argsort(days.to_numpy(), kind="stable")[: int(days.notna().sum())]  # NaT is last
        alike = neighbours_alike(problem, order)
        if len(order) >= ROWS and alike > max(ALIKE, SURE / np.sqrt(len(order))):
            ordered = bool(days.dropna().is_monotonic_increasing)
            first = "" if ordered else f"sort the rows by {name} and "
            return _remark(problem, f"in the order of {name}", alike, first, wording)
    alike = neighbours_alike(problem, np.arange(n))
    if alike > max(ALIKE, SURE / np.sqrt(n)):
        for name in columns.numbers:
            values = problem.X[name].to_numpy(dtype=float)
            for way, first, signed in (("increases", "", values), ("decreases", "reverse the rows and ", -values)):
                if _counts_time(signed):
                    return _remark(
                        problem, f"in the order of the rows, in which {name!r} {way},", alike, first, wording
                    )
    return None


def neighbours_alike(problem: Problem, order: NDArray[np.intp]) -> float:
    """Return how alike the target of neighbouring rows is in some order, from about 0 for independent rows to 1.

    It is the correlation of neighbouring ranks for a regression, and for classes Cohen's kappa of neighbouring rows.
    """
    if len(order) < 3:
        return 0.0
    y = problem.y.to_numpy()[order]
    if problem.task == "regression":
        ranks = rankdata(y)
        first, second = ranks[:-1] - ranks[:-1].mean(), ranks[1:] - ranks[1:].mean()
        size = float(np.sqrt((first**2).sum() * (second**2).sum()))
        return float(first @ second) / size if size > 0 else 0.0
    codes = pd.factorize(y)[0]
    chance = float(((np.bincount(codes) / len(codes)) ** 2).sum())
    return (float((codes[1:] == codes[:-1]).mean()) - chance) / (1.0 - chance) if chance < 1.0 else 0.0


def _counts_time(values: NDArray[np.float64]) -> bool:
    steps = np.diff(values)
    if np.isnan(steps).any() or (steps < 0).any():
        return False
    rising = steps[steps > 0]
    if len(rising) < 5:
        return False
    usual = float(np.median(rising))
    return bool((np.abs(rising - usual) <= 1e-6 * usual).mean() >= REGULAR)


def _remark(problem: Problem, where: str, alike: float, first: str, wording: Wording) -> Remark:
    measure = "rank correlation" if problem.task == "regression" else "kappa"
    return Remark(
        "time",
        f"{where} neighbouring rows have similar values of {problem.target!r} ({measure} {alike:.2f}, 0 by chance), as "
        f"in a time series, and folds that mix past and future give too good a score: {first}use folds in the order "
        f"of time: pass{wording.in_call} cv=TimeSeriesSplit()",
    )
