"""Final fits of a search: the best candidate on all rows, and the members of an ensemble."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hpcore.evaluation.choice import ModelChoice
from hpcore.tables.early import finalise
from hpcore.tables.ensemble import combine, scorer_of, select
from hpcore.tables.preprocessing import reader

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from hpcore.sklearn import SearchCV
    from hpcore.tables.budget import Budget
    from hpcore.tables.ready import Ready
    from hpcore.tables.table import Columns
    from hpcore.tables.target import Problem

__all__ = ["combined", "fit_final", "with_reader"]

# Names of the parameter that says on how many cores an estimator is fitted.
_CORES = ("n_jobs", "thread_count")
# Seconds of a fit on one core from which on all cores are worth it. Threads wait for each other actively: with other
# processes on the cores, a fit of a second took one minute.
LONG_FIT = 2.0


def fit_final(
    choice: ModelChoice, params: Mapping[str, Any], problem: Problem, sample_weight: Any, seconds: float = 0.0
) -> Pipeline:
    """Fit a candidate to all rows, on all cores if that takes long.

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
    seconds : float
        Seconds that a fit to the rows of a fold took on one core.

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
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as in the search, where they were seen for each fold
        if seconds >= LONG_FIT:
            pipeline.set_params(**dict.fromkeys(before, os.cpu_count()))
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
) -> tuple[Any, float | None]:
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

    Returns
    -------
    ensemble : estimator or None
        Fitted ensemble; None if no mean of candidates is better than the best of them.
    score : float or None
        Its score on rows that the members had not seen.
    """
    kept = {number: table for number, table in search.predictions_.items() if np.isfinite(table).any()}
    if len(kept) < 2:
        return None, None
    problem = ready.problem
    classes = np.unique(problem.y) if problem.task == "classification" else None
    score = scorer_of(ready.scorer, problem.y.to_numpy(), classes, ready.splits)
    numbers, tables = list(kept), list(kept.values())
    weights = select(tables, score)
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
            seconds = times.get(numbers[i], 0.0)
            pipeline = with_reader(fit_final(choice, params, problem, ready.sample_weight, seconds), ready.columns)
        pipelines.append(pipeline)
        members.append(i)
    if len(members) < 2:
        return None, None
    shares = weights[members] / weights[members].sum()
    reached = score(np.tensordot(shares, np.stack([tables[i] for i in members]), axes=1))
    if reached <= max(score(table) for table in tables):
        return None, None
    return combine(pipelines, shares, problem.task, classes), float(reached)
