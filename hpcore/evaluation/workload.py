"""Data that all tasks of a search share, and the evaluation of one configuration on some folds."""

from __future__ import annotations

import numbers
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from hpcore.evaluation.choice import resolved
from hpcore.evaluation.cloning import is_copied_whole, replicate
from hpcore.evaluation.hypergradients.fold import Differentiator, LastFit, recorded
from hpcore.evaluation.models import Models
from hpcore.evaluation.predictions import respond
from hpcore.evaluation.prefixes import Key, PrefixCache
from hpcore.evaluation.resources import Resource, fit

__all__ = ["FoldScore", "Indices", "Scores", "Workload", "decisive"]

Indices = npt.NDArray[Any]
Scores = float | dict[str, float]


class FoldScore(NamedTuple):
    """Result of one (configuration, fold); a tuple, because it travels between processes.

    Attributes
    ----------
    fold : int
        Index of the split.
    test_scores, train_scores : float, dict of str to float, or None
        Scores on the test and training rows; a dict if there are several metrics, None for training scores that
        were not asked for.
    fit_time, score_time : float
        Seconds of fit and scoring; those of the fit as if no transformers had been kept from another one.
    error : str or None
        Traceback of a fit that failed.
    complaints : tuple of str
        Tracebacks of scorers that failed; their scores are `error_score`.
    saved_time : float
        Seconds of `fit_time` that did not pass, because transformers were kept from another fit.
    gradient : dict of str to float, or None
        Derivative of the test score that decides by the estimator's parameters that have one; its time is in none of
        the others.
    response : ndarray or None
        Predictions for the test rows, see `respond`, where they are kept.
    """

    fold: int
    test_scores: Scores
    train_scores: Scores | None
    fit_time: float
    score_time: float
    error: str | None
    complaints: tuple[str, ...]
    saved_time: float = 0.0
    gradient: dict[str, float] | None = None
    response: npt.NDArray[np.float64] | None = None


def decisive(score: FoldScore, metric: str | None) -> float:
    """Return the score that the search follows: the one of this name if there are several, otherwise the first."""
    value = score.test_scores
    if isinstance(value, dict):
        value = value[metric] if metric in value else next(iter(value.values()))
    return float(value)


@dataclass
class Workload:
    """Data and settings that the tasks of one search have in common.

    Parameters
    ----------
    estimator : estimator
        Unfitted estimator; only copies of it are fitted.
    X, y : array-like
        Data; `y` may be None.
    splits : sequence of (train, test)
        Arrays of row indices or boolean masks; the same for all configurations.
    scorer : callable
        Function ``scorer(estimator, X, y)`` that returns a number or a dict of numbers.
    fit_params, score_params : mapping
        Metadata for `fit` and for the scorer; values with an entry per row are indexed like `X`.
    error_score : float or "raise"
        Score of a fit that failed.
    return_train_score : bool
        True to score on the training rows too.
    caching : bool
        True to keep fitted transformers of a pipeline and their outputs on a fold for the next configuration with the
        same ones; see `prefixes`.
    resource : Resource, optional
        Resource that fits may have less of than in full.
    differentiator : Differentiator, optional
        Function that gives the derivatives of scores by parameters; none are computed without it.
    responding : bool
        True to return the predictions for the test rows with the scores.

    Attributes
    ----------
    models : Models
        Fitted estimators from which the next level of a configuration continues.

    Notes
    -----
    Every fit gets its own copy of its rows, as under scikit-learn: one kept for the next fit would be overwritten by an
    estimator that works in place (``copy_X=False``), and indexing costs less than a tenth of scikit-learn's overhead.
    """

    estimator: Any
    X: Any
    y: Any
    splits: Sequence[tuple[Indices, Indices]]
    scorer: Any
    fit_params: Mapping[str, Any]
    score_params: Mapping[str, Any]
    error_score: float | Literal["raise"]
    return_train_score: bool
    caching: bool = False
    resource: Resource | None = None
    differentiator: Differentiator | None = None
    responding: bool = False
    models: Models = field(default_factory=Models, init=False, repr=False)
    _prefixes: PrefixCache = field(default_factory=PrefixCache, init=False, repr=False)

    @cached_property
    def classes(self) -> npt.NDArray[Any] | None:
        """Classes of the whole target, if the estimator is a classifier."""
        return np.unique(np.asarray(self.y)) if is_classifier(self.estimator) else None

    def evaluate(
        self, params: Mapping[str, Any], folds: Iterable[int], levels: Sequence[int] = (), number: int = 0
    ) -> Iterator[FoldScore]:
        """Fit and score one configuration on the given folds, each when its score is asked for.

        Parameters
        ----------
        params : mapping
            Parameters of the estimator.
        folds : iterable of int
            Indices of splits.
        levels : sequence of int
            Levels of the resource that the configuration went through, in order, the present one last. Empty for fits
            without a limited resource.
        number : int
            Number of the trial, by which models are kept for the next level.

        Notes
        -----
        Where the resource `continues`, the score is that of fits at all these levels, one after the other, whoever runs
        them: the model of the level before is used if it is kept, and made again if not.
        """
        if levels:
            assert self.resource is not None
            params = {**params, **self.resource.params(levels[-1])}
        given = params
        template, params = resolved(self._configured(params), params)
        pairwise = bool(get_tags(template).input_tags.pairwise)
        keys = self._prefixes.keys(template, params) if self.caching else []
        whole = is_copied_whole(template)
        for fold in folds:
            estimator = replicate(template) if whole else resolved(self._configured(given), given)[0]
            yield self._evaluate_fold(estimator, params, fold, pairwise, keys, levels, number)

    def failed(self, fold: int, error: str, fit_time: float = 0.0) -> FoldScore:
        """Make the result of a fold whose fit failed with `error`, a traceback or another explanation."""
        score: Any = self.error_score
        if isinstance(self.scorer, _MultimetricScorer):
            score = dict.fromkeys(self.scorer._scorers, score)
        train = (score.copy() if isinstance(score, dict) else score) if self.return_train_score else None
        return FoldScore(fold, score, train, fit_time, 0.0, error, ())

    def _configured(self, params: Mapping[str, Any]) -> Any:
        # Values may be estimators or generators: each configuration gets copies, as if set by a user on a clone.
        return replicate(self.estimator).set_params(**{k: replicate(v) for k, v in params.items()})

    def _evaluate_fold(
        self,
        estimator: Any,
        params: Mapping[str, Any],
        fold: int,
        pairwise: bool,
        keys: list[Key],
        levels: Sequence[int],
        number: int,
    ) -> FoldScore:
        train, test = self.splits[fold]
        resource = self.resource if levels else None
        if resource is not None:
            train = resource.rows(fold, train, levels[-1])
        fit_params = _check_method_params(self.X, params=self.fit_params, indices=train) if self.fit_params else {}
        last_fit = LastFit()
        start = time.perf_counter()
        X_train, y_train = self._cut(estimator, train, None, pairwise)
        try:
            if resource is not None and resource.continues:
                estimator, begun, saved = self._climb(
                    estimator, X_train, y_train, fit_params, fold, keys, levels, number
                )
            else:
                part = fold if resource is None else (fold, resource.rows_key(levels[-1]))
                record = nullcontext() if self.differentiator is None else recorded(estimator, last_fit)
                with record, self._prefixes.serving(estimator, X_train, part, keys) as prefix:
                    fit(estimator, X_train, y_train, fit_params)
                begun, saved = start, prefix.saved
        except Exception:
            if self.error_score == "raise":
                raise
            return self.failed(fold, traceback.format_exc(), time.perf_counter() - start)
        fitted = time.perf_counter()
        X_test, y_test = self._cut(estimator, test, train, pairwise)
        complaints: list[str] = []
        test_scores = self._score(estimator, X_test, y_test, test, complaints)
        scored = time.perf_counter()
        train_scores = None
        if self.return_train_score:
            train_scores = self._score(estimator, X_train, y_train, train, complaints)
        # The same for all configurations that share transformers, in any order: `refit` may choose by time.
        fit_time = max(0.0, fitted - begun + saved)
        saved = fit_time - (fitted - start)
        gradient = None
        if self.differentiator is not None and not complaints:
            score_params = self._score_params(test)
            gradient = self.differentiator(estimator, last_fit, params, X_test, y_test, self.scorer, score_params)
        response = respond(estimator, X_test, self.classes) if self.responding else None
        seconds = scored - fitted
        return FoldScore(
            fold, test_scores, train_scores, fit_time, seconds, None, tuple(complaints), saved, gradient, response
        )

    def _climb(
        self,
        estimator: Any,
        X: Any,
        y: Any,
        fit_params: Mapping[str, Any],
        fold: int,
        keys: list[Key],
        levels: Sequence[int],
        number: int,
    ) -> tuple[Any, float, float]:
        """Fit an estimator at all levels that no kept model has behind it.

        Returns
        -------
        estimator : estimator
            Fitted estimator.
        begun : float
            Time at which the last level began.
        saved : float
            Seconds of the last level that transformers saved which were kept.
        """
        resource = self.resource
        assert resource is not None
        begun = time.perf_counter()
        n_done, kept = self.models.latest(number, fold, len(levels) - 1)
        estimator = estimator if kept is None else kept
        saved = 0.0
        for i in range(n_done, len(levels)):
            begun = begun if i == n_done else time.perf_counter()
            estimator.set_params(**resource.params(levels[i]))
            with self._prefixes.serving(estimator, X, fold, keys) as prefix:
                resource.fit(estimator, X, y, fit_params, levels[i - 1] if i else 0, levels[i])
            saved = prefix.saved
        if levels[-1] < resource.most:
            self.models.put(number, fold, len(levels), estimator)
        return estimator, begun, saved

    def _cut(self, estimator: Any, rows: Indices, columns: Indices | None, pairwise: bool) -> tuple[Any, Any]:
        if pairwise or type(self.X) is not np.ndarray or not (self.y is None or type(self.y) is np.ndarray):
            return _safe_split(estimator, self.X, self.y, rows, columns)  # type: ignore[no-any-return]
        return self.X[rows], None if self.y is None else self.y[rows]

    def _score_params(self, rows: Indices) -> dict[str, Any]:
        return _check_method_params(self.X, params=self.score_params, indices=rows) if self.score_params else {}

    def _score(self, estimator: Any, X: Any, y: Any, rows: Indices, complaints: list[str]) -> Scores:
        params = self._score_params(rows)
        try:
            scores = self.scorer(estimator, X, **params) if y is None else self.scorer(estimator, X, y, **params)
        except Exception:
            # A _MultimetricScorer raises only if error_score is "raise"; otherwise it answers with tracebacks.
            if self.error_score == "raise" or isinstance(self.scorer, _MultimetricScorer):
                raise
            complaints.append(traceback.format_exc())
            return self.error_score
        if isinstance(scores, dict):
            if isinstance(self.scorer, _MultimetricScorer):
                for name, score in scores.items():
                    if isinstance(score, str):
                        complaints.append(score)
                        scores[name] = self.error_score
            return {name: _number(score, name) for name, score in scores.items()}
        return _number(scores, self.scorer)


def _number(score: Any, source: Any) -> float:
    if hasattr(score, "item"):
        with suppress(ValueError):  # an array of several values has no item; the check below names it
            score = score.item()
    if not isinstance(score, numbers.Number):
        raise ValueError(f"scoring must return a number, got {score} ({type(score)}) instead. (scorer={source})")
    return score  # type: ignore[return-value]
