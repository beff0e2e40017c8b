"""Final fits of a search: the best candidate on all rows, and the members of an ensemble."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from numpy.typing import NDArray

from hpcore.evaluation.choice import ModelChoice
from hpcore.tables.early import finalise
from hpcore.tables.ensemble import combine, scorer_of, select
from hpcore.tables.preprocessing import reader
from hpcore.tables.remark import Remark
from hpcore.workers.threads import bounded

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from hpcore.sklearn import SearchCV
    from hpcore.tables.budget import Budget
    from hpcore.tables.ready import Ready
    from hpcore.tables.table import Columns
    from hpcore.tables.target import Problem

__all__ = ["combined", "final_threads", "fit_final", "with_reader"]

# Names of the parameter that says on how many cores an estimator is fitted.
_CORES = ("n_jobs", "thread_count")
# Seconds of a fit in a fold below which threads lose more time by waiting for each other than they gain: LightGBM on
# 400 to 20,000 rows took 3 to 20 times the processor time with two threads, and longer on busy cores.
LONG_FIT = 2.0
# Weight of the log loss beside the score in the choice of an ensemble, and difference of scores that is none.
SMALL, ROUNDING = 1e-3, 1e-9


def final_threads(fold_seconds: float, n_jobs: int | None) -> int:
    """Choose the number of threads of a final fit.

    Parameters
    ----------
    fold_seconds : float
        Mean time of the fits of the candidate in the folds, each with one thread.
    n_jobs : int or None
        Number of worker processes of the search, as for `autotune`.

    Returns
    -------
    int
        1 for a short fit, otherwise the number of processes that `n_jobs` means. Cores that this process may not use
        do not count.
    """
    return int(joblib.effective_n_jobs(n_jobs)) if fold_seconds >= LONG_FIT else 1


def fit_final(
    choice: ModelChoice, params: Mapping[str, Any], problem: Problem, sample_weight: Any, n_threads: int
) -> Pipeline:
    """Fit a candidate to all rows.

    Parameters
    ----------
    choice : ModelChoice
        Estimator of the search.
    params : mapping
        Parameters of the candidate.
    problem : Problem
        Features after `reader`, and the target.
    sample_weight : ndarray of shape (n_rows,), or None
        Weights.
    n_threads : int
        Number of threads, see `final_threads`.

    Returns
    -------
    Pipeline
        Fitted pipeline whose model needs no class of hpcore, see `finalise`.
    """
    chosen = copy.copy(choice)
    pipeline, _ = chosen.set_params(**params).chosen()
    own = pipeline.get_params()
    before = {name: own[name] for name in own if name.startswith("model__") and name.rpartition("__")[2] in _CORES}
    weights = {} if sample_weight is None else {"model__sample_weight": sample_weight}
    with warnings.catch_warnings(), bounded(n_threads):
        warnings.simplefilter("ignore")  # as in the search
        pipeline.set_params(**dict.fromkeys(before, n_threads))
        pipeline.fit(problem.X, problem.y, **weights)
        pipeline = finalise(pipeline, problem.X, problem.y, sample_weight)
    kept = pipeline.get_params()
    pipeline.set_params(**{name: value for name, value in before.items() if name in kept})
    return pipeline


def with_reader(pipeline: Pipeline, columns: Columns) -> Pipeline:
    """Put the step that reads raw tables into a pipeline that was fitted to rows that had been read."""
    return pipeline.set_params(prepare__read=reader(columns))


def combined(
    choice: ModelChoice,
    search: SearchCV,
    best: tuple[Mapping[str, Any], Pipeline],
    ready: Ready,
    budget: Budget,
    n_jobs: int | None,
) -> tuple[Any, float | None, list[Remark]]:
    """Combine the best candidates to a weighted mean.

    Parameters
    ----------
    choice : ModelChoice
        Estimator of the search.
    search : SearchCV
        Finished search that kept predictions.
    best : tuple of (mapping, Pipeline)
        Parameters of the best candidate, and its fitted pipeline.
    ready : Ready
        Data, folds and score, as in the search.
    budget : Budget
        Time; members for whose fits it does not suffice are left out.
    n_jobs : int or None
        Number of worker processes of the search.

    Returns
    -------
    ensemble : estimator or None
        Fitted ensemble; None if no mean of candidates is better than the best of them.
    score : float or None
        Its score on rows that the members had not seen.
    remarks : list of Remark
        Reason, where no mean of candidates could be scored.
    """
    kept = {number: table for number, table in search.predictions_.items() if np.isfinite(table).any()}
    if len(kept) < 2:
        return None, None, []
    problem = ready.problem
    classes = np.unique(problem.y) if problem.task == "classification" else None
    features = None if isinstance(ready.scorer, str) else problem.X
    score = scorer_of(ready.scorer, problem.y.to_numpy(), classes, ready.splits, features)
    numbers, tables = list(kept), list(kept.values())

    def graded(predictions: NDArray[Any]) -> float:
        # Many means have the same accuracy on few rows; of these the probabilities should fit best.
        value = score(predictions)
        return value if classes is None else value - SMALL * _log_loss(problem.y.to_numpy(), classes, predictions)

    try:
        weights = select(tables, graded)
    except Exception as error:  # a function of the user, which may need more of an estimator than its predictions
        reason = f"there is no ensemble, because {ready.scoring} cannot score predictions alone"
        return None, None, [Remark("ensemble", f"{reason}: {type(error).__name__}: {error}")]
    times = dict(zip(search.trial_numbers_.tolist(), search.cv_results_["mean_fit_time"].tolist(), strict=True))
    pipelines: list[Pipeline] = []
    members: list[int] = []
    for i in np.argsort(-weights, kind="stable").tolist():
        if weights[i] <= 0.0:
            break
        params = search.trials_[numbers[i]].params
        if params == dict(best[0]):
            pipeline = best[1]
        elif budget.left() < 1.5 * times.get(numbers[i], 0.0):
            continue
        else:
            n_threads = final_threads(times.get(numbers[i], 0.0), n_jobs)
            fitted = fit_final(choice, params, problem, ready.sample_weight, n_threads)
            pipeline = with_reader(fitted, ready.columns)
        pipelines.append(pipeline)
        members.append(i)
    if len(members) < 2:
        return None, None, []
    shares = weights[members] / weights[members].sum()
    mean = np.tensordot(shares, np.stack([tables[i] for i in members]), axes=1)
    reached = score(mean)
    # The best candidate may be one without probabilities, which is not among the tables.
    if reached < float(search.best_score_) - ROUNDING or not graded(mean) > max(map(graded, tables)):
        return None, None, []
    return combine(pipelines, shares, problem.task, classes), float(reached), []


def _log_loss(y: NDArray[Any], classes: NDArray[Any], probabilities: NDArray[Any]) -> float:
    """Mean log loss of the rows that have predictions."""
    known = np.isfinite(probabilities).all(axis=1)
    told = probabilities[known, np.searchsorted(classes, y[known])]
    return float(-np.log(np.clip(told, 1e-6, 1.0)).mean())
