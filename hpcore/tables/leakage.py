"""Reasons to doubt a good score: what a constant answer gets, and columns that alone say the answer."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.metrics import balanced_accuracy_score, get_scorer, r2_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from hpcore.tables.preprocessing import to_dates

if TYPE_CHECKING:
    from hpcore.tables.table import Columns
    from hpcore.tables.target import Problem

__all__ = ["Leak", "find_leaks"]

# A column alone, by a tree, that explains so much of the target (balanced accuracy, or R2 of ranks) nearly is it.
TELLING = 0.99
# Half of some rows is enough to see whether a column deserves a closer look.
SCREENED, SCREEN_ROWS, CHECK_ROWS = 0.95, 4000, 20_000
SECONDS = 5.0


@dataclass(frozen=True)
class Leak:
    """A column that alone gives a nearly perfect score, and that score.

    Attributes
    ----------
    column : str
    score : float
        Mean over the folds of a decision tree that sees this column only, by the score that is maximised.
    distinct : bool
        Whether the column has another value in each row, as ids have.
    """

    column: str
    score: float
    distinct: bool


def find_leaks(problem: Problem, columns: Columns, folds: Any, scoring: str, seed: int) -> tuple[list[Leak], int]:
    """Find columns that alone say what the target is, as what is known only afterwards does.

    Parameters
    ----------
    problem : Problem
        With features as they were read.
    columns : Columns
        What each feature holds.
    folds : cross-validator
        Of the search.
    scoring : str
        What is maximised.
    seed : int
        Chooses the rows that are looked at, where there are very many.

    Returns
    -------
    found : list of Leak
        The best first.
    n_checked : int
        How many columns there was time for.
    """
    rng = np.random.default_rng(seed)
    y = problem.y.to_numpy()
    classes = problem.task == "classification"
    # Ranks of a quantity: at the ends of a long tail a tree would be far off, however well it knows the order.
    target = pd.factorize(y)[0] if classes else rankdata(y) / len(y)
    measure = balanced_accuracy_score if classes else r2_score
    deadline, n_checked, found, splits = time.monotonic() + SECONDS, 0, [], None
    rows = rng.permutation(len(y))[:SCREEN_ROWS]
    some, half = problem.X.iloc[rows], len(rows) // 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that half of the rows do not have
        for name in _promising_first(some, columns, target[rows], classes):
            if time.monotonic() > deadline:
                break
            n_checked += 1
            few = _as_one_number(some[name], columns)
            model = _tree(classes).fit(few[:half], target[rows[:half]])
            if measure(target[rows[half:]], model.predict(few[half:])) < SCREENED:
                continue
            splits = splits or _splits(folds, y, rng)
            values = _as_one_number(problem.X[name], columns)
            own = [
                measure(target[test], _tree(classes).fit(values[train], target[train]).predict(values[test]))
                for train, test in splits
            ]
            if np.mean(own) >= TELLING:
                score = _score(classes, values, y, splits, scoring)
                found.append(Leak(name, score, len(np.unique(values)) == len(values)))
    return sorted(found, key=lambda leak: -leak.score), n_checked


def _promising_first(X: pd.DataFrame, columns: Columns, target: NDArray[Any], classes: bool) -> list[str]:
    """Names of the columns: text and dates, then numbers by how much of their ranks the target explains."""
    others = [*columns.text, *columns.dates]
    if not columns.numbers:
        return others
    ranks = X[columns.numbers].rank(na_option="top").to_numpy()
    ranks = ranks - ranks.mean(axis=0)  # a new array: the frame may own the old one
    if classes:
        members = target[:, None] == np.unique(target)
        sums = members.T.astype(float) @ ranks
        explained = (sums**2 / members.sum(axis=0)[:, None]).sum(axis=0)
    else:
        explained = ((target - target.mean()) @ ranks) ** 2
    share = explained / np.maximum((ranks**2).sum(axis=0), 1e-12)
    return others + [columns.numbers[i] for i in np.argsort(-share, kind="stable")]


def _tree(classes: bool) -> Any:
    return (DecisionTreeClassifier if classes else DecisionTreeRegressor)(random_state=0)


def _splits(folds: Any, y: NDArray[Any], rng: np.random.Generator) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    kept = np.zeros(len(y), dtype=bool)
    kept[rng.permutation(len(y))[:CHECK_ROWS]] = True
    return [(train[kept[train]], test[kept[test]]) for train, test in folds.split(np.zeros((len(y), 1)), y)]


def _score(classes: bool, values: NDArray[np.float64], y: NDArray[Any], splits: Any, scoring: str) -> float:
    scorer = get_scorer(scoring)
    scores = []
    for train, test in splits:
        model = _tree(classes).fit(values[train], y[train])
        try:
            scores.append(float(scorer(model, values[test], y[test])))
        except ValueError:  # such as a score of probabilities where a fold lacks a class
            scores.append(np.nan)
    return float(np.mean(scores))


def _as_one_number(column: pd.Series[Any], columns: Columns) -> NDArray[np.float64]:
    """A column as a matrix of one column that a tree can split; what is missing is below everything else."""
    name = str(column.name)
    if name in columns.dates:
        dates = to_dates(column, columns.dates[name]).to_numpy()
        values = np.where(np.isnat(dates), np.nan, dates.astype(np.int64).astype(float))
    elif column.dtype == object:
        values = pd.factorize(column, sort=True)[0].astype(float)
    else:
        values = column.to_numpy(dtype=float)
    # Ranks: trees compute in single precision, which cannot tell large numbers apart, such as dates.
    ranks = np.unique(np.where(np.isnan(values), -np.inf, values), return_inverse=True)[1].astype(float)
    ranks[~np.isnan(values)] += len(values)  # far from what is missing: no threshold falls among those present
    return ranks.reshape(-1, 1)
