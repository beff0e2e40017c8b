"""From a table to the best of several models, tuned together by cross-validation within a time."""

from __future__ import annotations

import time as clock
from collections.abc import Sequence
from typing import Any

from hpcore.arguments import check_flag, check_integer, check_number
from hpcore.tables.autotuned import AutoTuned
from hpcore.tables.frames import read_frame
from hpcore.tables.ready import Options, make_ready
from hpcore.tables.tuning import tune

__all__ = ["autotune"]


def autotune(
    X: Any,
    y: Any,
    *,
    time: float | None = None,
    n_trials: int | None = None,
    scoring: Any = None,
    cv: Any = None,
    models: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    n_jobs: int | None = -1,
    executor: Any = None,
    storage: Any = None,
    seed: int = 0,
    task: Any = None,
    positive: Any = None,
    ensemble: bool = False,
    progress: bool | None = False,
    callbacks: Sequence[Any] = (),
) -> AutoTuned:
    """Choose among models and tune them together.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
        Columns of any kind: numbers in any notation, categories, dates, prose; missing cells are allowed. What is in a
        column is found from its cells, see ``AutoTuned.notices``.
    y : array-like of shape (n_samples,), or str
        Target, or the name of its column in `X`. Rows without a value are left out.
    time : float, optional
        Seconds for all of it, the final fit included. The search stops early enough for the final fit as far as the
        fits so far allow to predict it, and a fold that has begun is finished. One that takes longer than a quarter of
        the time is ended, except with an `executor`, below 5 s, and with one job below 20 s, where there is no process
        of its own to end. The first candidate is always finished.
    n_trials : int, optional
        Number of candidates; 100 without `time`, and otherwise as many as it allows.
    scoring : str or callable, optional
        Score to maximise, by a scorer of scikit-learn. By default accuracy; ``"roc_auc"`` for two classes and
        ``"balanced_accuracy"`` for more where one of them is so frequent that accuracy misleads, see
        `hpcore.tables.scoring.IMBALANCE`; R squared for a regression.
    cv : int, splitter or iterable, optional
        Folds as in scikit-learn. By default 5 shuffled folds, stratified for a classification, which are drawn twice
        below 1,000 rows; 3 from 20,000 rows on; with `groups` the rows of a group are in one fold.
    models : list of str, optional
        Names of presets (``hpcore models`` lists them). By default those that suit the number of rows; LightGBM,
        XGBoost and CatBoost are among them if they are installed.
    groups : array-like of shape (n_samples,), optional
        Group of each row, such as a patient; no group is in both parts of a fold.
    sample_weight : array-like of shape (n_samples,), optional
        Weights of the rows in fits, at least 0; scores do not use them. Models that take no weights are left out.
    n_jobs : int, optional
        Number of worker processes; -1 is one for each core, 1 none.
    executor : concurrent.futures.Executor, optional
        Executor in place of own processes, see `SearchCV`.
    storage : str, path or Storage, optional
        Store of the search: the same call on the same data continues it. Candidates then have all rows from the start.
    seed : int, default=0
        Seed of folds, models and proposals.
    task : {"classification", "regression"}, optional
        Kind of prediction; by default the values of `y` decide.
    positive : object, optional
        Class that counts as positive for scores such as ``"f1"``, of two.
    ensemble : bool, default=False
        True to combine the best candidates to a weighted mean, if that is better on rows that they had not seen.
    progress : bool, optional
        Display of the progress, see `SearchCV`.
    callbacks : sequence of callable, default=()
        Functions ``callback(search, trial)`` and trackers, see `SearchCV`.

    Returns
    -------
    AutoTuned
        Best pipeline, leaderboard of the models, scores of a constant and of defaults for comparison, remarks.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is wrong or does not fit the data; nothing has been trained.
    MissingDependency
        The library of a model in `models` is not installed.
    AllFitsFailed
        No model could be fitted, or none has a score.

    Warns
    -----
    SearchInterrupted
        Ctrl-C ended the search; the result is that of the candidates so far.

    Notes
    -----
    The model is a parameter of one search, and a rule shares the candidates among the models: each model begins as it
    is, cheap ones first; a fifth of the time (of the candidates, without `time`) goes to all models in equal parts, the
    rest by rank, half as much for each rank. A Gaussian process for each model proposes its parameters. A candidate
    that is worse than the best by a paired test is stopped before its last fold. From 5,000 rows on, without `storage`,
    candidates begin with a ninth of the rows, and one in three goes on to three times as many (Li et al. 2020, "A
    system for massively parallel hyperparameter tuning"); with few `n_trials` they begin with a third, or all.

    The leaderboard's intervals and p-values are those of Nadeau & Bengio (2003), "Inference for the generalization
    error", because scores of folds with common training rows are correlated. The ensemble is the greedy selection of
    Caruana et al. (2004), "Ensemble selection from libraries of models", of predictions for rows that were not seen.

    Examples
    --------
    >>> from hpcore.tables import autotune
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> tuned = autotune(X, y, models=["logistic", "knn"], n_trials=6, n_jobs=1)
    >>> tuned.best_score_ > 0.9
    True
    """
    start = clock.monotonic()
    options = Options(
        time=None if time is None else check_number("time", time, 0.0, open_low=True),
        n_trials=None if n_trials is None else check_integer("n_trials", n_trials, 1),
        scoring=scoring,
        cv=cv,
        models=models,
        n_jobs=n_jobs,
        executor=executor,
        storage=storage,
        seed=check_integer("seed", seed, 0, 2**32 - 1),
        ensemble=check_flag("ensemble", ensemble),
        positive=positive,
        progress=progress,
        callbacks=callbacks,
    )
    given = read_frame(X, y, task=task, groups=groups, sample_weight=sample_weight)
    ready = make_ready(
        given.problem,
        options,
        groups=given.groups,
        sample_weight=given.sample_weight,
        rows=given.rows,
        index=given.index,
    )
    return tune(ready, options, start)
