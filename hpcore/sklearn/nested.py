"""Nested cross-validation: the score of a whole search on new data, with all its searches on one set of workers."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import sklearn
from sklearn.base import clone, is_classifier
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.utils import _safe_indexing
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.validation import _check_method_params, indexable

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.engine import run
from hpcore.evaluation.fingerprint import watch
from hpcore.evaluation.source import Candidate, Source
from hpcore.evaluation.workload import FoldScore, Indices, decisive
from hpcore.ledger.heartbeat import keeping_leases
from hpcore.sklearn.checks import check_target, make_splits
from hpcore.sklearn.course import Course
from hpcore.sklearn.hooks import FitHooks
from hpcore.sklearn.plan import make_plan
from hpcore.sklearn.search import SearchCV, choose
from hpcore.sklearn.stored import check_same_search, open_trial_log
from hpcore.study.closing import closing
from hpcore.study.tracking import split_callbacks
from hpcore.workers.pools import choose_pool

__all__ = ["NestedScores", "nested_cross_validate"]

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class NestedScores:
    """Results of a search on each outer fold.

    Attributes
    ----------
    test_scores : ndarray of shape (n_outer,)
        Score on the outer test rows of the configuration that the search chose, fitted on all outer training rows.
    inner_scores : ndarray of shape (n_outer,)
        Score of that configuration in the search itself, its ``best_score_``.
    corrected_scores : ndarray of shape (n_outer,)
        Bias-corrected score of the search, its ``best_score_corrected_``; NaN if that is not defined.
    best_params : list of dict
        Configuration chosen on each outer fold.
    all_test_scores : list of float or dict
        Scores of all metrics if there are several; otherwise the same as `test_scores`.
    searches : list of SearchCV
        Searches of the outer folds, with ``cv_results_`` and ``trials_`` and without a refitted estimator.
    fit_times, score_times : ndarray of shape (n_outer,)
        Seconds of the chosen configuration on the outer fold.
    """

    test_scores: FloatArray
    inner_scores: FloatArray
    corrected_scores: FloatArray
    best_params: list[dict[str, Any]]
    all_test_scores: list[Any]
    searches: list[SearchCV]
    fit_times: FloatArray
    score_times: FloatArray

    @property
    def mean(self) -> float:
        """Mean of `test_scores`: an estimate of the score of the whole procedure on new data."""
        return float(self.test_scores.mean())

    @property
    def std(self) -> float:
        """Standard deviation of `test_scores` over the outer folds."""
        return float(self.test_scores.std())

    @property
    def optimism(self) -> float:
        """Mean excess of the inner scores over the test scores: the bias of a score that was chosen as the best."""
        return float((self.inner_scores - self.test_scores).mean())


def nested_cross_validate(
    search: SearchCV,
    X: Any,
    y: Any = None,
    *,
    cv: Any = None,
    n_jobs: int | None = None,
    executor: Executor | None = None,
    params: dict[str, Any] | None = None,
) -> NestedScores:
    """Run a search inside each fold of an outer cross-validation, and score its choice on the outer test rows.

    Parameters
    ----------
    search : SearchCV
        Search to run; clones of it are fitted. The ``n_jobs`` and ``executor`` of this function replace its own, and
        its ``progress`` is not shown; its ``refit`` must define the best candidate. If ``refit`` is a function, there
        is no single score, and `inner_scores`, `corrected_scores` and `optimism` are NaN.
    X, y : array-like
        Data.
    cv : int, splitter or iterable, optional
        Outer folds, as in scikit-learn; the inner ones are those of the search.
    n_jobs, executor
        Workers that all searches and outer folds share, as for `SearchCV`.
    params : dict, optional
        Metadata, as for `SearchCV.fit`; values with an entry per row are indexed like `X`.

    Returns
    -------
    NestedScores
        Results by outer fold.

    Raises
    ------
    InvalidArgument, InvalidType
        If an argument is wrong, as from `SearchCV.fit`; before the first fit.
    AllFitsFailed
        If no fit succeeded on some outer fold.
    DataChanged
        If `X` or `y` changed meanwhile.

    Notes
    -----
    The scores are those of ``sklearn.model_selection.cross_validate(search, X, y)``, which runs the searches one after
    the other or each in one worker. Here the unit of work is one fold of one candidate of one search: all searches
    share one queue, and none waits for another. The data is sent to each worker once.

    A ``timeout`` of the search counts from the start for all searches together: after it no inner fold starts, except
    in a search that has no complete candidate yet, which finishes one; the outer folds follow. With ``storage`` the
    search of outer fold k is the study ``"NAME/k"``; a repeated call continues the searches and runs no stored inner
    fold again.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.svm import SVC
    >>> X, y = load_iris(return_X_y=True)
    >>> search = SearchCV(SVC(), {"C": [0.1, 1, 10]}, strategy="grid", cv=3)
    >>> nested = nested_cross_validate(search, X, y, cv=3)
    >>> len(nested.test_scores), len(nested.best_params)
    (3, 3)
    """
    if not isinstance(search, SearchCV):
        raise InvalidType(f"search must be a SearchCV, got {search!r}")
    if not search.refit:
        raise InvalidArgument(f"search must have a refit that says what decides, got refit={search.refit!r}")
    start = time.monotonic()
    plan = make_plan(search)
    check_target(plan.settings.estimator, y)
    X, y = indexable(X, y)
    given = _check_method_params(X, params=params or {})
    routed, for_outer = _route(search, cv, given)
    classifier = is_classifier(search.estimator)
    outer = make_splits(cv, X, y, classifier, for_outer)
    splits: list[tuple[Indices, Indices]] = []
    folds: list[range] = []
    for train, test in (map(_as_rows, split) for split in outer):
        metadata = _check_method_params(X, params=routed.splitter.split, indices=train)
        inner = make_splits(search.cv, _rows_of(X, train), _rows_of(y, train), classifier, metadata)
        folds.append(range(len(splits), len(splits) + len(inner)))
        splits += [(train[_as_rows(a)], train[_as_rows(b)]) for a, b in inner]
        splits.append((train, test))
    plan = plan.on(X, y, splits)
    workload = plan.workload(X, y, splits, routed)
    pool = choose_pool(n_jobs, executor, killing=plan.settings.fit_timeout is not None)
    deadline = None if plan.settings.timeout is None else start + plan.settings.timeout

    searches: list[SearchCV] = []
    courses: list[Course] = []
    sources: list[Source] = []
    judges: list[_Judge] = []
    check_unchanged = watch(X, y)
    plain, _ = split_callbacks(plan.settings.callbacks)
    closed: list[Any] = [*plain]
    with closing(closed), ExitStack() as leases:
        try:
            for k, inner_folds in enumerate(folds):
                own = clone(search).set_params(progress=False)
                trial_log = open_trial_log(plan.settings, plan.space.space, f"/{k}", plan.fidelity)
                if trial_log.durable:
                    check_same_search(trial_log, plan.settings, workload)
                leases.enter_context(keeping_leases(trial_log))
                hooks = [partial(own._call_back, callback) for callback in plain]
                own.optimizer_, own.n_splits_ = trial_log.optimizer, len(inner_folds)
                own.time_fitting_ = own.time_suggesting_ = 0.0
                _, trackers = split_callbacks(plan.settings.callbacks, copies=True)
                closed += trackers
                plan.track(trackers, trial_log, own, len(inner_folds), f"/{k}")
                quiet = replace(plan, settings=replace(plan.settings, progress=False))
                source, course = quiet.begin(
                    inner_folds, deadline, FitHooks(own, X, y, {}), trial_log, pool is not None, hooks, trackers
                )
                levels = () if plan.fidelity is None else (plan.fidelity.full,)
                judge = _Judge(source, partial(choose, own, course, plan), inner_folds.stop, levels)
                searches.append(own)
                courses.append(course)
                judges.append(judge)
                # A search before its judge: without workers the sources are served in this order.
                sources += [source, judge]
            run(workload, pool, sources, n_threads=plan.n_threads, fit_timeout=plan.settings.fit_timeout)
        finally:
            for course in courses:
                course.abandon()
    check_unchanged()

    scores = [judge.score for judge in judges if judge.score is not None]
    _warn_or_raise_about_fit_failures([{"fit_error": score.error} for score in scores], search.error_score)
    metric = plan.settings.metric
    nan = np.nan
    return NestedScores(
        test_scores=np.array([decisive(score, metric) for score in scores]),
        inner_scores=np.array([getattr(own, "best_score_", nan) for own in searches]),
        corrected_scores=np.array([getattr(own, "best_score_corrected_", nan) for own in searches]),
        best_params=[own.best_params_ for own in searches],
        all_test_scores=[score.test_scores for score in scores],
        searches=searches,
        fit_times=np.array([score.fit_time for score in scores]),
        score_times=np.array([score.score_time for score in scores]),
    )


class _Judge(Source):
    """Source of one candidate: the configuration that a search chose, evaluated on the outer fold after the search."""

    def __init__(
        self, search: Source, choose: Callable[[], dict[str, Any]], fold: int, levels: tuple[int, ...]
    ) -> None:
        super().__init__(self._propose_chosen, self._keep, [fold])
        self.score: FoldScore | None = None
        self._search, self._choose, self._levels, self._chosen = search, choose, levels, False

    def may_begin(self, most_open: int) -> bool:
        """See the protocol: not before the search is over."""
        return self._search.is_over and super().may_begin(most_open)

    def _propose_chosen(self) -> Candidate | None:
        if self._chosen:
            return None
        self._chosen = True
        return Candidate(None, self._choose(), number=-1, levels=self._levels)

    def _keep(self, candidate: Candidate, scores: list[FoldScore]) -> None:
        [self.score] = scores


def _route(search: SearchCV, cv: Any, given: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Route metadata to the search and to the outer splitter, which may be the only one to request some of it."""
    if not sklearn.get_config()["enable_metadata_routing"] or not hasattr(cv, "get_metadata_routing"):
        routed = search._get_routed_params_for_fit(given)
        return routed, routed.splitter.split
    router = MetadataRouter(owner="nested_cross_validate")
    router.add(search=search, method_mapping=MethodMapping().add(caller="fit", callee="fit"))
    router.add(splitter=cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
    router.validate_metadata(method="fit", params=given)
    shares = router.route_params(caller="fit", params=given)
    return search._get_routed_params_for_fit(shares.search.fit), shares.splitter.split


def _as_rows(rows: Indices) -> Indices:
    return np.flatnonzero(rows) if rows.dtype == bool else rows


def _rows_of(X: Any, rows: Indices) -> Any:
    return None if X is None else _safe_indexing(X, rows)
