"""Folds of a cross-validation that suit the rows, the classes and the groups of a problem."""

from __future__ import annotations

import inspect
import warnings
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.tables.remark import Remark
from hpcore.tables.target import Problem

__all__ = ["DEFAULT_FOLDS", "Split", "choose_folds", "share_tested"]

DEFAULT_FOLDS = 5
Split = tuple[NDArray[np.intp], NDArray[np.intp]]


def choose_folds(
    problem: Problem,
    cv: Any = None,
    groups: NDArray[Any] | None = None,
    seed: int = 0,
    *,
    rows: NDArray[np.bool_] | None = None,
) -> tuple[list[Split], list[Remark]]:
    """Choose the rows that each fold trains on and those it is tested on.

    Parameters
    ----------
    problem : Problem
        Task with the target.
    cv : int, splitter or iterable, optional
        Number of shuffled folds, 5 by default, stratified for a classification; or folds as in scikit-learn. An
        iterable of pairs of rows, as positions or masks, counts the rows of the call.
    groups : ndarray of shape (n_rows,), optional
        Group of each row; no group is in both parts of a fold.
    seed : int, default=0
        Seed of the order of the rows.
    rows : ndarray of bool, shape (n_given,), optional
        Rows of the call that the problem has, see `Given`; all by default.

    Returns
    -------
    splits : list of (train, test)
        Positions of rows of the problem.
    remarks : list of Remark
        Differences from the folds that were asked for.

    Raises
    ------
    InvalidArgument
        There are more folds than rows, fewer than two classes have two members, or `cv` or `groups` cannot be used.
    InvalidType
        `cv` has a wrong type.

    Notes
    -----
    A number of folds is reduced, down to 2, where a class has fewer members: some scores are not defined on a fold
    without one of the classes, and a mean over other folds than those of another candidate cannot be compared.

    A class with a single row, or of a single group, can be learnt or tested, not both, and scores that use class
    probabilities are not defined where a model knows a class that is not tested. Its rows are in no fold; they stay in
    the problem, for a final fit.
    """
    if cv is None or (isinstance(cv, Integral) and not isinstance(cv, bool)):
        return _shuffled(problem, None if cv is None else int(cv), groups, seed)
    if isinstance(cv, str | bytes | bool | float):
        raise InvalidType(f"cv must be a number of folds, a splitter or an iterable of (train, test), got {cv!r}")
    n = len(problem.y)
    if hasattr(cv, "split"):
        try:
            splits = [_pair(k, pair, n) for k, pair in enumerate(cv.split(np.zeros((n, 1)), problem.y, groups))]
        except (ValueError, TypeError) as error:
            if isinstance(error, InvalidArgument):
                raise
            raise InvalidArgument(f"cv={cv!r} cannot split the {n} rows: {error}") from error
    else:
        try:
            pairs = list(cv)
        except TypeError:
            raise InvalidType(
                f"cv must be a number of folds, a splitter or an iterable of (train, test), got {type(cv).__name__}"
            ) from None
        kept = np.ones(n, dtype=bool) if rows is None else rows
        splits = [_renumbered(_pair(k, pair, len(kept)), kept) for k, pair in enumerate(pairs)]
    _check(splits)
    return splits, []


def share_tested(splits: list[Split]) -> float:
    """Return the mean share of the test rows among the rows of a fold, for intervals of scores."""
    return float(np.mean([len(test) / (len(train) + len(test)) for train, test in splits]))


def _shuffled(
    problem: Problem, asked: int | None, groups: NDArray[Any] | None, seed: int
) -> tuple[list[Split], list[Remark]]:
    n, folds, y = len(problem.y), DEFAULT_FOLDS if asked is None else asked, problem.y.to_numpy()
    if folds < 2:
        raise InvalidArgument(f"cv must be at least 2 folds, got {folds}")
    if asked is not None and asked > n:
        raise InvalidArgument(f"cv must be at most the number of rows, {n}, got {asked}")
    if groups is not None:
        return _grouped(problem, folds, groups, seed)
    remarks: list[Remark] = []
    if problem.task == "regression":
        # A score such as r2 is not defined on a single row.
        if n < 4:
            raise InvalidArgument(f"X must have at least 4 rows, two for each of two folds, got {n}")
        if folds > n // 2:
            remarks.append(_fewer(n // 2, folds, f"there are {n} rows", "every fold has two"))
        split = KFold(min(folds, n // 2), shuffle=True, random_state=seed).split(y)
        return _pairs(split), remarks
    classes, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    single = [_plain(classes[i]) for i in np.flatnonzero(counts == 1)]
    if (counts > 1).sum() < 2:
        raise InvalidArgument(
            f"y must have at least two classes with two rows or more, but it has {_listed(single)} with one row each"
        )
    scored = np.flatnonzero(counts[codes] > 1)
    rarest = int(np.where(counts > 1, counts, n + 1).argmin())
    if counts[rarest] < folds:
        reason = f"class {_plain(classes[rarest])!r} of {problem.target!r} has {counts[rarest]} rows"
        remarks.append(_fewer(int(counts[rarest]), folds, reason, "every fold has one of them"))
        folds = int(counts[rarest])
    if single:
        remarks.append(_left_out(problem, single, "has one row", "have one row each"))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    splits = [(scored[train], scored[test]) for train, test in _pairs(splitter.split(scored, codes[scored]))]
    return splits, remarks


def _grouped(problem: Problem, folds: int, groups: NDArray[Any], seed: int) -> tuple[list[Split], list[Remark]]:
    """Split by groups; fewer folds where the groups, or the groups with a class, are fewer."""
    if len(groups) != len(problem.y):
        raise InvalidArgument(f"groups must have a group for each of the {len(problem.y)} rows, got {len(groups)}")
    n_groups = len(np.unique(groups))
    if n_groups < 2:
        raise InvalidArgument("groups must have at least two different values, but every row is in the same group")
    y, remarks = problem.y.to_numpy(), list[Remark]()
    rows = np.arange(len(y))
    if problem.task == "classification":
        classes, codes = np.unique(y, return_inverse=True)
        spread = np.array([len(np.unique(groups[codes == i])) for i in range(len(classes))])
        if (spread > 1).sum() < 2:
            raise InvalidArgument(
                f"groups must have at least two classes in two groups or more, but {problem.target!r} has "
                f"{_listed([_plain(label) for label in classes[spread == 1]])} in one group each"
            )
        rows = np.flatnonzero(spread[codes] > 1)
        one = [_plain(label) for label in classes[spread == 1]]
        if one:
            remarks.append(_left_out(problem, one, "is in one group", "are in one group each"))
    y, groups = y[rows], groups[rows]
    # Folds whose training rows have every class, or else two classes.
    for every in (True, False):
        for n in range(min(folds, len(np.unique(groups))), 1, -1):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # a class with fewer members than folds
                    splits = _pairs(_splitter_of_groups(problem, n, seed).split(np.zeros((len(y), 1)), y, groups))
            except ValueError:  # every class has fewer members than folds
                continue
            if all(_usable(problem, y, train, test, every) for train, test in splits):
                if n != folds:
                    purpose = "every fold can be trained and scored"
                    remarks.append(_fewer(n, folds, f"there are {n_groups} groups", purpose))
                return [(rows[train], rows[test]) for train, test in splits], remarks
    raise InvalidArgument(
        "groups must leave rows to test and at least two classes or rows to train on in each fold, but the "
        f"{n_groups} groups cannot be split so"
    )


def _splitter_of_groups(problem: Problem, n: int, seed: int) -> Any:
    if problem.task == "classification":
        return StratifiedGroupKFold(n, shuffle=True, random_state=seed)
    # scikit-learn shuffles whole groups since 1.6.
    if "shuffle" in inspect.signature(GroupKFold.__init__).parameters:
        return GroupKFold(n, shuffle=True, random_state=seed)
    return GroupKFold(n)


def _usable(problem: Problem, y: NDArray[Any], train: NDArray[np.intp], test: NDArray[np.intp], every: bool) -> bool:
    if problem.task == "regression":
        return len(train) > 1 and len(test) > 1
    return len(test) > 0 and len(np.unique(y[train])) >= (len(np.unique(y)) if every else 2)


def _left_out(problem: Problem, labels: list[Any], one: str, several: str) -> Remark:
    reason, them = (one, "it") if len(labels) == 1 else (several, "them")
    return Remark(
        "single",
        f"{_listed(labels)} of {problem.target!r} {reason}, too few to train and to score, and in no fold: merge "
        f"{them} with another class, or leave {them} out",
    )


def _fewer(folds: int, asked: int, reason: str, purpose: str) -> Remark:
    return Remark("folds", f"{folds} folds instead of {asked}, because {reason}: so {purpose}")


def _pairs(split: Any) -> list[Split]:
    return [(np.asarray(train, dtype=np.intp), np.asarray(test, dtype=np.intp)) for train, test in split]


def _pair(k: int, pair: Any, n: int) -> Split:
    """Return the positions of one fold, checked."""
    try:
        train, test = pair
    except (TypeError, ValueError):
        raise InvalidArgument(f"cv must be an iterable of pairs (train, test), but entry {k} is {pair!r}") from None
    return _positions(f"training rows of fold {k}", train, n), _positions(f"test rows of fold {k}", test, n)


def _positions(what: str, values: Any, n: int) -> NDArray[np.intp]:
    array = np.asarray(values)
    if array.dtype == bool:
        if array.shape != (n,):
            raise InvalidArgument(f"cv: the mask of the {what} must have {n} entries, got shape {array.shape}")
        return np.flatnonzero(array)
    if array.ndim != 1 or (array.size and array.dtype.kind not in "iu"):
        raise InvalidArgument(f"cv: the {what} must be positions of rows or a mask, got {values!r}")
    if array.size and not (-n <= array.min() and array.max() < n):
        wrong = array.max() if array.max() >= n else array.min()
        raise InvalidArgument(f"cv: the {what} must be positions below {n}, got {wrong}")
    return np.asarray(array, dtype=np.intp) % max(n, 1)


def _renumbered(split: Split, kept: NDArray[np.bool_]) -> Split:
    """Return positions among the rows that are kept."""
    place = np.cumsum(kept) - 1
    train, test = (part[kept[part]] for part in split)
    return place[train].astype(np.intp), place[test].astype(np.intp)


def _check(splits: list[Split]) -> None:
    if not splits:
        raise InvalidArgument("cv must have at least one fold, got none")
    for k, (train, test) in enumerate(splits):
        if not len(train) or not len(test):
            raise InvalidArgument(
                f"cv: fold {k} must have rows to train on and rows to test on, got {len(train)} and {len(test)}"
            )
        both = np.intersect1d(train, test)
        if both.size:
            raise InvalidArgument(
                f"cv: fold {k} must not be tested on rows that it is trained on, but both have {both.size} rows"
            )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _listed(names: list[Any], most: int = 6) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more
