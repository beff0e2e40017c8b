"""Checks for what makes scores misleading, before and after a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpcore.tables.baseline import is_better
from hpcore.tables.columns import ID_NAME
from hpcore.tables.duplicates import duplicates
from hpcore.tables.leakage import find_leaks
from hpcore.tables.preprocessing import MISSING
from hpcore.tables.remark import Remark
from hpcore.tables.scoring import misleading
from hpcore.tables.sequence import time_order
from hpcore.tables.wording import PYTHON, Wording

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.tables.table import Columns
    from hpcore.tables.target import Problem

__all__ = [
    "FEW_FOLDS",
    "FEW_OF_A_CLASS",
    "FEW_TESTED",
    "MOSTLY_MISSING",
    "NEAR_UNIQUE",
    "about_rows",
    "few_folds",
    "few_tested",
    "identifiers",
    "leaks",
    "mostly_missing",
    "remarks_after",
    "remarks_before",
]

FloatArray = NDArray[np.float64]
Splits = Sequence[tuple[Any, Any]]

FEW_FOLDS = 3
# Test rows of a class in a fold, and of all in a regression: with fewer, one row moves the score by 10 % and more.
FEW_OF_A_CLASS, FEW_TESTED = 8, 10
MOSTLY_MISSING = 0.5
# Share of distinct values above which a text column is taken for names; above 90 % it is left out by `classify`.
NEAR_UNIQUE = 0.5
# Rows below which a share of distinct values says little.
ROWS = 50
SHOWN = 6


def remarks_before(
    problem: Problem,
    columns: Columns,
    splits: Splits,
    scoring: Any,
    *,
    groups: NDArray[Any] | None = None,
    index: pd.Index[Any] | None = None,
    seed: int = 0,
    wording: Wording = PYTHON,
) -> list[Remark]:
    """Check data and folds before a search.

    Parameters
    ----------
    problem : Problem
        Features after `reader`, and the target.
    columns : Columns
        Contents of the features.
    splits : sequence of (train, test)
        Folds.
    scoring : str or callable
        Score to maximise.
    groups : ndarray of shape (n_rows,), optional
        Group of each row, if the folds keep groups together.
    index : Index of length n_rows, optional
        Labels of the rows, which may be dates, see `Given`.
    seed : int, default=0
        Seed of the sample of rows in which leaks are looked for.
    wording : Wording
        Names of the arguments in messages.

    Returns
    -------
    list of Remark
        Remarks, the gravest first; empty if nothing was found.
    """
    score = misleading(problem, scoring)
    return [
        *leaks(problem, columns, splits, scoring, seed),
        *([] if score is None else [score]),
        *about_rows(problem, columns, splits, groups=groups, index=index, wording=wording),
    ]


def about_rows(
    problem: Problem,
    columns: Columns,
    splits: Splits,
    *,
    groups: NDArray[Any] | None = None,
    index: pd.Index[Any] | None = None,
    wording: Wording = PYTHON,
) -> list[Remark]:
    """Check rows, folds and columns, without the score and without fits: the part of `remarks_before` for a caller that
    reports leaks and the choice of the score itself. Parameters are those of `remarks_before`."""
    found = [
        time_order(problem, columns, splits, index, wording),
        duplicates(problem.X, splits, grouped=groups is not None, wording=wording),
        few_folds(splits),
        few_tested(problem, splits),
        identifiers(problem.X, columns, wording),
        mostly_missing(problem.X, columns),
    ]
    return [remark for remark in found if remark is not None]


def leaks(problem: Problem, columns: Columns, splits: Splits, scoring: Any, seed: int = 0) -> list[Remark]:
    """Return a remark for each column that alone predicts the target, see `find_leaks`."""
    found, n_checked = find_leaks(problem, columns, list(splits), scoring, seed)
    remarks = [
        Remark(
            "leak",
            f"{leak.column!r} alone predicts {problem.target!r} nearly perfectly (score {leak.score:.4f}): "
            + ("it has a different value in each row, as ids have; " if leak.distinct else "")
            + f"leave it out if it is not known before {problem.target!r} is",
        )
        for leak in found[:SHOWN]
    ]
    if n_checked < len(columns):
        remarks.append(
            Remark(
                "leak",
                f"{n_checked} of {len(columns)} columns were checked for whether they alone predict {problem.target!r}",
            )
        )
    return remarks


def few_folds(splits: Splits) -> Remark | None:
    """Return a remark if there are fewer than `FEW_FOLDS` folds."""
    n = len(splits)
    if n >= FEW_FOLDS:
        return None
    return Remark(
        "folds",
        f"scores are means of {n} {'fold' if n == 1 else 'folds'}, so differences of candidates are uncertain: use "
        f"{FEW_FOLDS} or more",
    )


def few_tested(problem: Problem, splits: Splits) -> Remark | None:
    """Return a remark if some fold has few test rows of a class, or of all rows in a regression."""
    y = problem.y.to_numpy()
    if problem.task == "regression":
        least = min(len(test) for _, test in splits)
        if least >= FEW_TESTED:
            return None
        rows = "1 row" if least == 1 else f"{least} rows"
        return Remark("rows", f"the score of a fold is computed from {rows}, so scores vary by chance: use fewer folds")
    counts: dict[Any, int] = {}
    tested = np.zeros(len(y), dtype=bool)
    for _, test in splits:
        tested[test] = True
    for label in np.unique(y[tested]):  # a class that is never tested has a remark of its own, see `choose_folds`
        counts[label] = min(int((y[test] == label).sum()) for _, test in splits)
    label = min(counts, key=lambda name: counts[name])
    if counts[label] >= FEW_OF_A_CLASS:
        return None
    rows = {0: "no row", 1: "1 row"}.get(counts[label], f"{counts[label]} rows")
    others = sum(n < FEW_OF_A_CLASS for n in counts.values()) - 1
    more = (
        f", and on fewer than {FEW_OF_A_CLASS} of {others} other {'class' if others == 1 else 'classes'}"
        if others
        else ""
    )
    shown = label.item() if hasattr(label, "item") else label
    return Remark(
        "rows",
        f"some fold is tested on {rows} of class {shown!r} of {problem.target!r}{more}, so scores that count the class "
        f"vary by chance: use fewer folds, or repeat them",
    )


def identifiers(X: pd.DataFrame, columns: Columns, wording: Wording = PYTHON) -> Remark | None:
    """Return a remark about columns that look like identifiers, by their name or by their distinct values."""
    if len(X) < ROWS:
        return None
    found = []
    for name in columns.text:
        distinct = int(X[name].nunique())
        if distinct > NEAR_UNIQUE * len(X) or (ID_NAME.search(name) and distinct > 2):
            found.append(f"{name!r} ({distinct} distinct values)")
    for name in columns.numbers:
        if ID_NAME.search(name):
            values = X[name].to_numpy(dtype=float)
            values = values[~np.isnan(values)]
            if (values == np.floor(values)).all() and len(np.unique(values)) > 2:
                found.append(f"{name!r} ({len(np.unique(values))} distinct values)")
    if not found:
        return None
    they, them = ("it looks like an identifier", "it") if len(found) == 1 else ("they look like identifiers", "them")
    return Remark(
        "identifiers",
        f"{_listed(found)} in {len(X)} rows: {they}, which says nothing about new rows; leave {them} "
        f"out, or pass{wording.in_call} as groups= what several rows share",
    )


def mostly_missing(X: pd.DataFrame, columns: Columns) -> Remark | None:
    """Return a remark about columns with a share of missing cells above `MOSTLY_MISSING`."""
    shares = X[[*columns.numbers, *columns.dates]].isna().mean().to_dict() if len(X) else {}
    for name in columns.text:
        cells = X[name]
        shares[name] = float((cells.isna() | (cells == columns.missing.get(name, MISSING))).mean())
    found = [(share, name) for name, share in shares.items() if share > MOSTLY_MISSING]
    if not found:
        return None
    found.sort(key=lambda pair: -pair[0])
    shown = [f"{name!r} ({100 * share:.0f} %)" for share, name in found]
    return Remark(
        "missing", f"most cells are missing in {_listed(shown)}: check that they are missing for new rows just as often"
    )


def remarks_after(
    best: FloatArray, default: FloatArray | None, constant: FloatArray | None, n_draws: int = 1
) -> list[Remark]:
    """Compare the winner of a search with what needs no search.

    Parameters
    ----------
    best : ndarray of shape (n_folds,)
        Scores of the winner, higher is better.
    default : ndarray of shape (n_folds,), optional
        Scores of the default parameters of the same model.
    constant : ndarray of shape (n_folds,), optional
        Scores of a constant answer, see `constant_scores`.
    n_draws : int, default=1
        Number of times that the folds were drawn.

    Returns
    -------
    list of Remark
        Remarks where the winner is not better by more than the standard error over the folds that both have.
    """
    remarks = []
    if constant is not None:
        pair = _unclear(best, constant, n_draws)
        if pair is not None:
            remarks.append(
                Remark(
                    "constant",
                    f"the best model ({pair[0]:.4g}) is not clearly better than a constant answer ({pair[1]:.4g}): it "
                    "learnt little or nothing from the columns",
                )
            )
    if default is not None:
        pair = _unclear(best, default, n_draws)
        if pair is not None:
            remarks.append(
                Remark(
                    "default",
                    f"the tuned model ({pair[0]:.4g}) is not clearly better than the same model with its default "
                    f"parameters ({pair[1]:.4g}) on these folds",
                )
            )
    return remarks


def _unclear(best: FloatArray, other: FloatArray, n_draws: int) -> tuple[float, float] | None:
    """Return both means if the best is not clearly better; None if it is, or if they have no fold in common."""
    common = np.isfinite(best) & np.isfinite(other)
    first, second = best[common], other[common]
    if not len(first):
        return None
    means = float(first.mean()), float(second.mean())
    # The spread of a single fold is unknown.
    better = means[0] > means[1] and not math.isclose(*means) if len(first) == 1 else is_better(first, second, n_draws)
    return None if better else means


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
