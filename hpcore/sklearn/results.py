"""Conversion of fold scores to scikit-learn's tables, and to the value that the optimizer is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata
from sklearn.model_selection._validation import _insert_error_scores, _warn_or_raise_about_fit_failures

from hpcore.errors import NoCompletedTrial
from hpcore.evaluation.source import Candidate
from hpcore.evaluation.workload import FoldScore
from hpcore.optimizer import Optimizer
from hpcore.schedulers.racing import estimate
from hpcore.sklearn.errors import AllFitsFailed

__all__ = ["Evaluated", "Value", "blank", "objective", "recommended_row", "rows"]


class Evaluated(NamedTuple):
    """Finished candidate.

    Attributes
    ----------
    number : int
        Number of the trial.
    params : mapping
        Parameters of the estimator.
    scores : sequence of FoldScore or None
        Scores by fold; None for folds that were not run.
    incumbent : int or None
        Number of the trial that it lost its race against, if that is why folds are missing.
    level : int or None
        Level of the resource, if it was limited.
    """

    number: int
    params: Mapping[str, Any]
    scores: Sequence[FoldScore | None]
    incumbent: int | None = None
    level: int | None = None


class Value(NamedTuple):
    """Result of a candidate for the optimizer.

    Attributes
    ----------
    value, std_error : float or None
        Mean over the folds, and its standard error where that is known.
    error : str or None
        Reason why there is no value.
    state : str or None
        ``"pruned"`` for a candidate that lost its race: its value is an estimate by paired differences.
    gradient : dict of str to float, or None
        Derivative of the mean over all folds by the estimator's parameters that have a finite one on each; None of a
        candidate without all its folds.
    """

    value: float | None
    std_error: float | None = None
    error: str | None = None
    state: str | None = None
    gradient: dict[str, float] | None = None


def objective(candidate: Candidate, metric: str | None, fold_errors: bool = False) -> Value:
    """Compute the result of a finished candidate by the metric that decides; with its standard error over the folds,
    if that is wanted."""
    known = candidate.decisive(metric)
    if candidate.stopped in ("bound", "test"):
        assert candidate.incumbent is not None
        mean, std_error = estimate(known, candidate.incumbent)
        return Value(mean, std_error if math.isfinite(std_error) else None, state="pruned")
    mean = sum(known.values()) / len(known)
    if math.isfinite(mean):
        n = len(known)
        gradient = _mean_gradient(candidate)
        if not fold_errors or n < 2:
            return Value(mean, gradient=gradient)
        std_error = float(np.std(list(known.values()), ddof=1)) / math.sqrt(n)
        return Value(mean, std_error if math.isfinite(std_error) else None, gradient=gradient)
    errors = [score.error or next(iter(score.complaints), None) for score in candidate.known]
    return Value(None, error=next((error for error in errors if error), f"the mean score is {mean}"))


def _mean_gradient(candidate: Candidate) -> dict[str, float] | None:
    """Average the gradients of the folds as their scores are; None without any."""
    gradients = [score.gradient if score is not None else None for score in candidate.scores]
    if not gradients or not all(gradients):
        return None
    folds = [gradient for gradient in gradients if gradient is not None]
    shared = set(folds[0]).intersection(*folds)
    means = {name: sum(fold[name] for fold in folds) / len(folds) for name in folds[0] if name in shared}
    return {name: mean for name, mean in means.items() if math.isfinite(mean)} or None


def rows(evaluated: Sequence[Evaluated], error_score: Any, callable_scoring: bool) -> list[dict[str, Any]]:
    """Make one dictionary for each fold, candidate by candidate, as scikit-learn's own functions expect.

    Folds that were not run are filled in, so that the mean of the row is the candidate's estimate; see `blank`.

    Raises
    ------
    AllFitsFailed
        If not a single fit succeeded.

    Warns
    -----
    FitFailedWarning
        If some fits failed.
    """
    table = [[None if score is None else _row(score) for score in candidate.scores] for candidate in evaluated]
    out = [row for cells in table for row in cells if row is not None]
    try:
        _warn_or_raise_about_fit_failures(out, error_score)
    except ValueError as error:
        raise AllFitsFailed(str(error)) from None
    if callable_scoring:
        # Only now is it known whether a callable returns a dict: failed fits get the same keys.
        _insert_error_scores(out, error_score)
    by_number = {(candidate.number, candidate.level): cells for candidate, cells in zip(evaluated, table, strict=True)}
    for candidate, cells in zip(evaluated, table, strict=True):
        if None in cells:
            _fill(cells, None if candidate.incumbent is None else by_number[candidate.incumbent, candidate.level])
    return [row for cells in table for row in cells if row is not None]


def recommended_row(optimizer: Optimizer, evaluated: Sequence[Evaluated], last: npt.NDArray[np.bool_]) -> int | None:
    """Row of the table with the candidate that the optimizer recommends; None if it has none.

    Parameters
    ----------
    optimizer : Optimizer
        Optimizer with all candidates.
    evaluated : sequence of Evaluated
        Candidates of the table, a row each.
    last : ndarray of bool
        Rows at the largest resource.
    """
    try:
        number = optimizer.recommend().number
    except NoCompletedTrial:
        return None
    found = [i for i, candidate in enumerate(evaluated) if candidate.number == number and last[i]]
    return found[0] if found else None


def _row(score: FoldScore) -> dict[str, Any]:
    row = {
        "fit_error": score.error,
        "test_scores": score.test_scores,
        "fit_time": score.fit_time,
        "score_time": score.score_time,
    }
    if score.train_scores is not None:
        row["train_scores"] = score.train_scores
    return row


def _fill(cells: list[dict[str, Any] | None], incumbent: Sequence[dict[str, Any] | None] | None) -> None:
    run = [i for i, row in enumerate(cells) if row is not None]

    def mean(key: str, metric: str | None, of: Sequence[Any]) -> float:
        return math.fsum(_cell(of[i], key, metric) for i in run) / len(run)

    for i in [i for i, row in enumerate(cells) if row is None]:
        first = cells[run[0]]
        assert first is not None
        row: dict[str, Any] = {"fit_error": None}
        for key in ("fit_time", "score_time"):
            row[key] = mean(key, None, cells)
        for key in ("test_scores", "train_scores"):
            if key not in first:
                continue
            metrics = list(first[key]) if isinstance(first[key], dict) else [None]
            values = {}
            for metric in metrics:
                values[metric] = mean(key, metric, cells)
                if key == "test_scores" and incumbent is not None:
                    # By paired differences, because other folds may be easier.
                    values[metric] += _cell(incumbent[i], key, metric) - mean(key, metric, incumbent)
            row[key] = values if isinstance(first[key], dict) else values[None]
        cells[i] = row


def _cell(row: Any, key: str, metric: str | None) -> float:
    return float(row[key] if metric is None else row[key][metric])


def blank(results: dict[str, Any], evaluated: Sequence[Evaluated]) -> None:
    """Mark folds that were not run in the table: their cells become NaN, and their candidates rank last.

    Means remain those of `rows`; standard deviations are those of the folds that were run. A stopped candidate ranks
    by its mean after all candidates that have all their folds; a failed one ranks last.
    """
    missing = np.array([[score is None for score in candidate.scores] for candidate in evaluated])
    n_folds = missing.shape[1]
    results["n_folds_evaluated"] = (~missing).sum(axis=1)
    results["pruned"] = np.array([candidate.incumbent is not None for candidate in evaluated])
    if not missing.any():
        return
    for name in ("std_fit_time", "std_score_time"):
        # Filled cells hold the mean, which made the deviation too small.
        results[name] = results[name] * np.sqrt(n_folds / np.maximum(1, results["n_folds_evaluated"]))
    for name in [key.removeprefix("split0_") for key in results if key.startswith("split0_")]:
        cells = np.array([results[f"split{i}_{name}"] for i in range(n_folds)]).T
        cells[missing] = np.nan
        for i in range(n_folds):
            results[f"split{i}_{name}"] = cells[:, i]
        for k in np.flatnonzero(results["pruned"]):
            results[f"std_{name}"][k] = np.std(cells[k, ~missing[k]])
        if f"rank_{name}" in results:
            results[f"rank_{name}"] = _ranks(results[f"mean_{name}"], results["pruned"])


def _ranks(means: npt.NDArray[Any], pruned: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    ranks = np.ones(len(means), dtype=np.int32)
    n = 0
    for group in (~pruned & ~np.isnan(means), pruned & ~np.isnan(means)):
        ranks[group] = n + rankdata(-means[group], method="min")
        n += int(group.sum())
    ranks[np.isnan(means)] = n + 1
    return ranks
