"""Target leakage: columns that alone predict the target nearly perfectly."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.metrics import balanced_accuracy_score, get_scorer, r2_score
from sklearn.model_selection import check_cv
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from hpcore.tables.preprocessing import to_dates

if TYPE_CHECKING:
    from hpcore.tables.table import Columns
    from hpcore.tables.target import Problem

__all__ = ["Leak", "find_leaks"]

# A column leaks when a tree on it alone reaches this score (balanced accuracy, or R2 of the target's ranks).
TELLING = 0.99
# Screening: a tree is fitted to half of a sample of rows; only columns above SCREENED are cross-validated.
SCREENED, SCREEN_ROWS, CHECK_ROWS = 0.95, 4000, 20_000
SECONDS = 5.0
# Columns of the matrix of words of a column of prose.
HASHED_WORDS = 2**10


@dataclass(frozen=True)
class Leak:
    """A column that alone gives a nearly perfect score.

    Attributes
    ----------
    column : str
        Name of the column.
    score : float
        Mean score over the folds of a decision tree on this column only.
    distinct : bool
        True if the column has a different value in each row, as ids have; False for prose.
    """

    column: str
    score: float
    distinct: bool


def find_leaks(problem: Problem, columns: Columns, folds: Any, scoring: Any, seed: int) -> tuple[list[Leak], int]:
    """Find columns that alone predict the target, such as values that become known only after the target.

    Parameters
    ----------
    problem : Problem
        Features after `reader`, and the target.
    columns : Columns
        Contents of each feature.
    folds : cross-validator or list of (train, test)
        Folds of the search.
    scoring : str or callable
        Score that the search maximises.
    seed : int
        Seed of the sample of rows in a large table.

    Returns
    -------
    found : list of Leak
        Leaking columns, the highest score first.
    n_checked : int
        Number of columns that were checked within the time limit.
    """
    rng = np.random.default_rng(seed)
    y = problem.y.to_numpy()
    classes = problem.task == "classification"
    # Ranks for a regression: in a long tail a tree has a large error even if it predicts the order exactly.
    target = pd.factorize(y)[0] if classes else rankdata(y) / len(y)
    measure = balanced_accuracy_score if classes else r2_score
    n_checked, found, splits = 0, [], None
    rows = rng.permutation(len(y))[:SCREEN_ROWS]
    some, half = problem.X.iloc[rows], len(rows) // 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is absent from half of the rows
        ordered = _promising_first(some, columns, target[rows], classes)
        deadline = time.monotonic() + SECONDS
        for name in ordered:
            if time.monotonic() > deadline:
                break
            n_checked += 1
            few = _features(some[name], columns)
            model = _tree(classes).fit(few[:half], target[rows[:half]])
            if measure(target[rows[half:]], model.predict(few[half:])) < SCREENED:
                continue
            splits = splits or _splits(folds, y, rng)
            values = _features(problem.X[name], columns)
            own = [
                measure(target[test], _tree(classes).fit(values[train], target[train]).predict(values[test]))
                for train, test in splits
            ]
            if np.mean(own) >= TELLING:
                score = _score(classes, values, y, splits, scoring)
                distinct = name not in columns.prose and len(np.unique(values)) == len(values)
                found.append(Leak(name, score, distinct))
    return sorted(found, key=lambda leak: -leak.score), n_checked


def _promising_first(X: pd.DataFrame, columns: Columns, target: NDArray[Any], classes: bool) -> list[str]:
    """Order the columns: numbers come last, by the share of their rank variance that the target explains."""
    others = [*columns.text, *columns.dates, *columns.prose]
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
    return [(train[kept[train]], test[kept[test]]) for train, test in check_cv(folds).split(np.zeros((len(y), 1)), y)]


def _score(classes: bool, values: Any, y: NDArray[Any], splits: Any, scoring: Any) -> float:
    scorer = get_scorer(scoring)
    scores = []
    for train, test in splits:
        model = _tree(classes).fit(values[train], y[train])
        try:
            scores.append(float(scorer(model, values[test], y[test])))
        except ValueError:  # for instance a score of probabilities when a class is absent from a fold
            scores.append(np.nan)
    return float(np.mean(scores))


def _features(column: pd.Series[Any], columns: Columns) -> Any:
    """Return a column as a matrix that a tree can split: words of prose, otherwise one number."""
    if str(column.name) in columns.prose:
        # Which words a text has, without looking at the target; a single one may give the target away.
        return HashingVectorizer(n_features=HASHED_WORDS, binary=True, norm=None, alternate_sign=False).transform(
            column.to_numpy(dtype=object)
        )
    return _as_one_number(column, columns)


def _as_one_number(column: pd.Series[Any], columns: Columns) -> NDArray[np.float64]:
    """Return a column as a matrix of one column that a tree can split; missing values are below all others."""
    name = str(column.name)
    if name in columns.dates:
        dates = to_dates(column, columns.dates[name]).to_numpy()
        values = np.where(np.isnat(dates), np.nan, dates.astype(np.int64).astype(float))
    elif column.dtype == object:
        values = pd.factorize(column, sort=True)[0].astype(float)
    else:
        values = column.to_numpy(dtype=float)
    # Ranks, because trees compute in single precision, which is too coarse for large numbers such as dates.
    ranks = np.unique(np.where(np.isnan(values), -np.inf, values), return_inverse=True)[1].astype(float)
    ranks[~np.isnan(values)] += len(values)  # a wide gap: a threshold separates missing values from the others
    return ranks.reshape(-1, 1)
