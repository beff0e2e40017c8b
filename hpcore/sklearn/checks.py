"""Checks of the arguments of a search, before anything is fitted."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state, get_tags
from sklearn.utils.validation import _num_samples

from hpcore.arguments import check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType, closest
from hpcore.evaluation.workload import Indices
from hpcore.ledger.trial_log import DEFAULT_STALENESS
from hpcore.samplers import GridSampler, Sampler, resolve
from hpcore.schedulers.racing import Racing
from hpcore.sklearn.choices import ONE_STANDARD_ERROR, RECOMMEND, OneStandardError
from hpcore.sklearn.gradients import wants_gradient
from hpcore.sklearn.schedule import SAMPLERS, Schedule, read_schedule
from hpcore.study.stopping import CostBudget, StoppingRule
from hpcore.study.trackers import Tracker, is_tracker

__all__ = ["Settings", "check_scoring_names", "check_settings", "check_target", "make_splits"]

# Candidates of a strategy that has no end of its own.
_DEFAULT_TRIALS = 50


@dataclass(frozen=True)
class Settings:
    """Arguments of a search, checked, in the form in which they are used.

    Attributes
    ----------
    estimator : estimator
        Estimator as given.
    sampler : Sampler
        Sampler of the `strategy`.
    n_trials : int or None
        Largest number of candidates; None runs a grid to its end.
    gives_trials : bool
        True if `n_trials` was given.
    is_count : bool
        True if `n_trials` alone was to end the search, so that an earlier end of the space is logged.
    timeout : float or None
        Seconds after which no candidate begins.
    seed : int
        Seed of the optimizer.
    has_seed : bool
        True if the seed was given, and must be that of a stored search.
    callbacks : tuple of callable or Tracker
        Functions called when a candidate is finished, and trackers.
    stop : tuple of StoppingRule
        Rules that end the search.
    racing : Racing or None
        Rules of the race, if there is one.
    schedule : Schedule or None
        Schedule of a limited resource, if there is one.
    staleness : int
        Number of open candidates in deterministic mode; 0 is the fast mode.
    fit_timeout : float or None
        Limit for a fold, in seconds.
    refit_in_timeout : float
        Number of refits whose time `timeout` counts too.
    warm_start : tuple of mapping
        Candidates to begin with.
    default_first : bool or None
        True if the estimator's own parameters are a candidate; None leaves that to the strategy.
    caching : bool
        True if transformers are fitted once for each fold.
    responding : bool
        True if predictions for the test folds are kept.
    fold_errors : bool
        True if the optimizer is told the standard error of the mean over the folds.
    gradient : bool
        True if the optimizer is told the derivatives of the mean over the folds.
    scoring, refit, error_score : object
        Arguments as given.
    return_train_score : bool
        True if training rows are scored too.
    progress : bool or None
        Display of the progress; see `SearchCV`.
    verbose : int
        Level of the lines that are printed.
    storage, study_name : object
        Store and name of the search, or None.
    """

    estimator: Any
    sampler: Sampler
    n_trials: int | None
    gives_trials: bool
    is_count: bool
    timeout: float | None
    seed: int
    has_seed: bool
    callbacks: tuple[Callable[..., object] | Tracker, ...]
    stop: tuple[StoppingRule, ...]
    racing: Racing | None
    schedule: Schedule | None
    staleness: int
    fit_timeout: float | None
    refit_in_timeout: float
    warm_start: tuple[Mapping[str, Any], ...]
    default_first: bool | None
    caching: bool
    responding: bool
    fold_errors: bool
    gradient: bool
    scoring: Any
    refit: Any
    error_score: Any
    return_train_score: bool
    progress: bool | None
    verbose: int
    storage: Any
    study_name: str | None

    @property
    def metric(self) -> str | None:
        """Name of the metric that decides, of several; None is the first."""
        if isinstance(self.refit, OneStandardError):
            return self.refit.metric
        return self.refit if isinstance(self.refit, str) and not self.recommends and self.one_se is None else None

    @property
    def recommends(self) -> bool:
        """True if the best candidate is the one that the optimizer recommends."""
        return self._is_rule(RECOMMEND)

    @property
    def one_se(self) -> OneStandardError | None:
        """One-standard-error rule, if that chooses the best candidate."""
        if isinstance(self.refit, OneStandardError):
            return self.refit
        return OneStandardError() if self._is_rule(ONE_STANDARD_ERROR) else None

    def _is_rule(self, name: str) -> bool:
        # Several metrics may have one of this name.
        return isinstance(self.refit, str) and self.refit == name and not self._has_several

    @property
    def _has_several(self) -> bool:
        return not (self.scoring is None or isinstance(self.scoring, str) or callable(self.scoring))

    @property
    def metrics(self) -> list[str] | None:
        """Names of the metrics; None for a function, which may return several."""
        if callable(self.scoring):
            return None
        return list(self.scoring) if self._has_several else ["score"]


def check_settings(search: Any) -> Settings:
    """Check arguments as far as they do not depend on the data.

    Raises
    ------
    InvalidArgument, InvalidType
        If an argument is wrong; the message names it, its value and what is allowed.
    """
    if not callable(getattr(search.estimator, "fit", None)) or isinstance(search.estimator, type):
        raise InvalidType(f"estimator must be an object with a fit method, got {search.estimator!r}")
    for name in ("get_params", "set_params"):
        if not hasattr(search.estimator, name):
            raise InvalidType(f"estimator must have a {name} method, got {search.estimator!r}")
    if not isinstance(search.return_train_score, bool | np.bool_):
        raise InvalidType(f"return_train_score must be True or False, got {search.return_train_score!r}")
    if not (isinstance(search.refit, bool | np.bool_ | str) or callable(search.refit)):
        raise InvalidType(
            f"refit must be True, False, 'recommend', '1se', a metric's name or a function, got {search.refit!r}"
        )
    _check_error_score(search.error_score)
    if search.progress is not None:
        check_flag("progress", search.progress)
    if isinstance(search.verbose, bool | np.bool_) or not isinstance(search.verbose, numbers.Integral):
        raise InvalidType(f"verbose must be an integer, got {search.verbose!r}")
    sampler = _check_strategy(search.strategy)
    n_trials = _check_n_trials(search.n_trials, sampler)
    stop = _check_stop(search.stop)
    schedule = read_schedule(search)
    plain = search.timeout is None and not search.racing and not stop and schedule is None
    if isinstance(search.strategy, str) and plain:
        # All trials will be run, with all folds.
        sampler = resolve(search.strategy, n_trials)
    return Settings(
        estimator=search.estimator,
        sampler=sampler,
        n_trials=n_trials,
        gives_trials=search.n_trials is not None,
        is_count=search.n_trials is not None and search.timeout is None,
        timeout=_check_timeout("timeout", search.timeout),
        seed=_check_seed(search.random_state, sampler),
        has_seed=search.random_state is not None,
        callbacks=_check_callbacks(search.callbacks),
        stop=stop,
        racing=Racing.of(search.racing),
        schedule=schedule,
        staleness=_check_staleness(search.deterministic),
        fit_timeout=_check_timeout("fit_timeout", search.fit_timeout),
        refit_in_timeout=_check_refit_in_timeout(search),
        warm_start=_check_warm_start(search.warm_start),
        default_first=None if search.default_first is None else check_flag("default_first", search.default_first),
        caching=check_flag("cache_transformers", search.cache_transformers),
        responding=check_flag("keep_predictions", search.keep_predictions),
        fold_errors=check_flag("fold_errors", search.fold_errors),
        gradient=wants_gradient(search.gradient, sampler, schedule),
        scoring=search.scoring,
        refit=search.refit,
        error_score=search.error_score,
        return_train_score=bool(search.return_train_score),
        progress=search.progress,
        verbose=int(search.verbose),
        storage=search.storage,
        study_name=search.study_name,
    )


def _check_refit_in_timeout(search: Any) -> float:
    given = search.refit_in_timeout
    if isinstance(given, bool | np.bool_):
        given = float(given)
    else:
        try:
            given = check_number("refit_in_timeout", given, 0.0)
        except InvalidType:
            raise InvalidType(f"refit_in_timeout must be True, False or a number of refits, got {given!r}") from None
    if given and search.timeout is None:
        raise InvalidArgument(
            f"refit_in_timeout needs a timeout, got refit_in_timeout={search.refit_in_timeout!r} with timeout=None"
        )
    return given


def _check_stop(stop: Any) -> tuple[StoppingRule, ...]:
    if isinstance(stop, StoppingRule):
        raise InvalidType(f"stop must be a list of rules of hpcore.stopping, got the rule {stop!r} itself")
    if not isinstance(stop, Sequence) or not all(isinstance(rule, StoppingRule) for rule in stop):
        raise InvalidType(f"stop must be a list of rules of hpcore.stopping, got {stop!r}")
    if any(isinstance(rule, CostBudget) for rule in stop):
        raise InvalidArgument(f"stop must have no CostBudget, as candidates have no costs: use timeout, got {stop!r}")
    return tuple(stop)


def _check_error_score(error_score: Any) -> None:
    if isinstance(error_score, str):
        if error_score != "raise":
            raise InvalidArgument(f"error_score must be a number or 'raise', got {error_score!r}")
    elif isinstance(error_score, bool | np.bool_) or not isinstance(error_score, numbers.Real):
        raise InvalidType(f"error_score must be a number or 'raise', got {error_score!r}")


def _check_strategy(strategy: Any) -> Sampler:
    if isinstance(strategy, str):
        strategy = SAMPLERS.get(strategy, strategy)
    try:
        return resolve(strategy)
    except InvalidType:
        raise InvalidType(f"strategy must be a sampler's name or a Sampler, got {strategy!r}") from None
    except InvalidArgument as error:
        raise InvalidArgument(str(error).replace("sampler must", "strategy must", 1)) from None


def _check_n_trials(n_trials: Any, sampler: Sampler) -> int | None:
    if n_trials is None:
        return None if isinstance(sampler, GridSampler) else _DEFAULT_TRIALS
    if isinstance(n_trials, bool | np.bool_) or not isinstance(n_trials, numbers.Integral):
        raise InvalidType(f"n_trials must be an integer or None, got {n_trials!r}")
    if n_trials < 1:
        raise InvalidArgument(f"n_trials must be >= 1, got {n_trials}")
    return int(n_trials)


def _check_timeout(name: str, timeout: Any) -> float | None:
    if timeout is None:
        return None
    if isinstance(timeout, bool | np.bool_) or not isinstance(timeout, numbers.Real):
        raise InvalidType(f"{name} must be a number of seconds or None, got {timeout!r}")
    seconds = float(timeout)
    if math.isnan(seconds) or seconds <= 0:
        raise InvalidArgument(f"{name} must be > 0 seconds, got {timeout!r}")
    return seconds


def _check_staleness(deterministic: Any) -> int:
    if isinstance(deterministic, bool | np.bool_):
        return DEFAULT_STALENESS if deterministic else 0
    if not isinstance(deterministic, numbers.Integral):
        raise InvalidType(f"deterministic must be True, False or a number of open candidates, got {deterministic!r}")
    return check_integer("deterministic", deterministic, 1)


def _check_warm_start(points: Any) -> tuple[Mapping[str, Any], ...]:
    if points is False:
        # The value that scikit-learn's tools set for a parameter of this name, on any estimator that has one.
        return ()
    if isinstance(points, str | Mapping) or not isinstance(points, Sequence):
        raise InvalidType(f"warm_start must be a list of dictionaries of parameters, got {points!r}")
    for i, point in enumerate(points):
        if not isinstance(point, Mapping):
            raise InvalidType(f"warm_start[{i}] must be a dictionary of parameters, got {point!r}")
    return tuple(points)


def _check_callbacks(callbacks: Any) -> tuple[Callable[..., object] | Tracker, ...]:
    if callable(callbacks) or isinstance(callbacks, str) or not isinstance(callbacks, Sequence):
        raise InvalidType(f"callbacks must be a list of functions, got {callbacks!r}")
    for callback in callbacks:
        if not (callable(callback) or is_tracker(callback)):
            raise InvalidType(f"callbacks must be functions of (search, trial), or trackers, got {callback!r}")
    return tuple(callbacks)


def _check_seed(random_state: Any, sampler: Sampler) -> int:
    if random_state is None and isinstance(sampler, GridSampler):
        # A grid draws nothing; what estimators without a seed draw from numpy.random is then what GridSearchCV sees.
        return 0
    if isinstance(random_state, numbers.Integral) and not isinstance(random_state, bool | np.bool_):
        if random_state < 0:
            raise InvalidArgument(f"random_state must be >= 0, got {random_state}")
        return int(random_state)
    try:
        generator = check_random_state(random_state)
    except ValueError:
        raise InvalidType(f"random_state must be an integer, a RandomState or None, got {random_state!r}") from None
    # None follows numpy.random.seed, as everywhere in scikit-learn.
    return int(generator.randint(2**31 - 1))


def check_scoring_names(scoring: Any) -> None:
    """Check that scorers of all names exist.

    Raises
    ------
    InvalidArgument
        If there is no scorer of a name; the message has the closest names.
    InvalidType
        If `scoring` has no form that scikit-learn accepts.
    """
    if scoring is None or callable(scoring):
        return
    if isinstance(scoring, dict):
        names = [scorer for scorer in scoring.values() if isinstance(scorer, str)]
    elif isinstance(scoring, list | tuple | set):
        names = [scorer for scorer in scoring if isinstance(scorer, str)]
    elif isinstance(scoring, str):
        names = [scoring]
    else:
        raise InvalidType(f"scoring must be a name, a function, a list or dictionary of them, or None, got {scoring!r}")
    known = get_scorer_names()
    for name in names:
        if name not in known:
            hint = closest(name, known, n=3) or "; see get_scorer_names()"
            raise InvalidArgument(f"scoring names {name!r}, which is no scorer{hint}")


def check_target(estimator: Any, y: Any) -> None:
    """Check that a required target is given.

    Raises
    ------
    InvalidArgument
        If the estimator needs `y` and there is none.
    """
    if y is None and get_tags(estimator).target_tags.required:
        raise InvalidArgument(f"{type(estimator).__name__} requires y to be passed, but the target y is None")


def make_splits(
    cv: Any, X: Any, y: Any, classifier: bool, split_params: dict[str, Any]
) -> list[tuple[Indices, Indices]]:
    """Compute the splits as arrays of row indices or masks, once for all candidates.

    Raises
    ------
    InvalidArgument
        If there are no rows, or `cv` is no splitter, does not fit the data, or asks for more folds than any class has
        members.

    Warns
    -----
    UserWarning
        By scikit-learn, if some class has fewer members than there are stratified folds.
    """
    n_rows = _num_samples(X)
    if not n_rows:
        raise InvalidArgument(f"X must have at least one row, got none, of shape {np.shape(X)}")
    try:
        splitter = check_cv(cv, y, classifier=classifier)
    except (ValueError, TypeError) as error:
        raise InvalidArgument(
            f"cv must be a number of folds >= 2, a splitter or an iterable of splits: {error}"
        ) from error
    try:
        n_splits = splitter.get_n_splits(X, y, **split_params)
        splits = [(np.asarray(train), np.asarray(test)) for train, test in splitter.split(X, y, **split_params)]
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"cv does not fit the data: {error}") from error
    for i, rows in ((i, rows) for i, split in enumerate(splits) for rows in split):
        mask = rows.dtype == bool and rows.shape == (n_rows,)
        if rows.ndim != 1 or not (mask or rows.dtype.kind in "iu") or not (rows.any() if mask else rows.size):
            raise InvalidArgument(
                f"cv must give two 1-d arrays a split, of indices of rows or masks of all {n_rows} rows, none of them "
                f"empty; got {rows!r:.80} in split {i}"
            )
        if not mask and not -n_rows <= rows.min() <= rows.max() < n_rows:
            raise InvalidArgument(
                f"cv must give indices of rows, 0 .. {n_rows - 1}, got one of {rows.min()} .. {rows.max()}"
            )
    if not splits:
        raise InvalidArgument(f"cv must give at least one split, got none from {cv!r}")
    if len(splits) != n_splits:
        raise InvalidArgument(
            f"cv.split and cv.get_n_splits return inconsistent results. Expected {n_splits} splits, got {len(splits)}"
        )
    return splits
