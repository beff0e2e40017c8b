"""Rows that are equal in all features, and are both trained on and tested."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hpcore.tables.remark import Remark
from hpcore.tables.wording import PYTHON, Wording

__all__ = ["DUPLICATES", "duplicates", "row_ids"]

# Share of the test rows with an equal row among the training rows; iris has 1.3 %, two flowers of one size.
DUPLICATES = 0.02


def duplicates(
    X: pd.DataFrame, splits: Sequence[tuple[Any, Any]], grouped: bool = False, wording: Wording = PYTHON
) -> Remark | None:
    """Return a remark if many test rows equal a training row in every feature.

    Parameters
    ----------
    X : DataFrame
        Features.
    splits : sequence of (train, test)
        Folds.
    grouped : bool, default=False
        True if the folds already keep groups together.
    wording : Wording
        Names of the arguments in messages.

    Returns
    -------
    Remark or None
        Remark, if the share is above `DUPLICATES` and at least twice what chance gives: a table of a few columns with
        a few categories each has equal rows of different cases.
    """
    ids = row_ids(X)
    equal = tested = 0
    for train, test in splits:
        equal += int(np.isin(ids[test], ids[train]).sum())
        tested += len(test)
    share = equal / tested if tested else 0.0
    if share <= DUPLICATES or share < 2 * _by_chance(X):
        return None
    way = "the groups do not keep them together"
    if not grouped:
        groups = f"pass{wording.in_call} groups= with a number for each case"
        way = f"if they are the same case, {groups}, or remove the copies"
    return Remark(
        "duplicates",
        f"{100 * share:.3g} % of the test rows equal a training row in every feature, so their score says little about "
        f"new rows: {way}",
    )


def row_ids(X: pd.DataFrame) -> NDArray[np.intp]:
    """Return a number for each row, the same for rows that are equal in all columns; missing cells are equal."""
    ids = np.zeros(len(X), dtype=np.intp)
    numbers = [i for i, dtype in enumerate(X.dtypes) if isinstance(dtype, np.dtype) and dtype.kind in "fiub"]
    if numbers and len(X):
        values = np.ascontiguousarray(X.iloc[:, numbers].to_numpy(dtype=float)) + 0.0  # a new array; -0.0 becomes 0.0
        values[np.isnan(values)] = np.nan  # NaNs may differ in their bits
        as_bytes = values.view(np.dtype((np.void, values.shape[1] * values.itemsize)))[:, 0]
        ids = np.unique(as_bytes, return_inverse=True)[1].reshape(-1)
    for i in sorted(set(range(X.shape[1])) - set(numbers)):
        codes = _codes(X.iloc[:, i])
        # Numbered anew after each column, so that the numbers stay below the number of rows.
        ids = np.unique(ids * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].reshape(-1)
    return ids


def _codes(column: pd.Series[Any]) -> NDArray[np.intp]:
    try:
        codes = pd.factorize(column)[0]
    except TypeError:  # cells such as lists
        codes = pd.factorize(column.map(repr))[0]
    return np.asarray(codes, dtype=np.intp) + 1


def _by_chance(X: pd.DataFrame) -> float:
    """Estimate the share of rows with an equal row if the columns were independent."""
    same = 1.0
    for i in range(X.shape[1]):
        if same * len(X) < 1e-6:
            break
        counts = np.bincount(_codes(X.iloc[:, i]))
        same *= float(((counts / len(X)) ** 2).sum())
    return float(1.0 - (1.0 - same) ** (len(X) - 1))
