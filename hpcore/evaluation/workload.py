"""Data that all tasks of a search share, and the evaluation of one configuration on some folds."""

from __future__ import annotations

import numbers
import time
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from hpcore.evaluation.cloning import is_copied_whole, replicate
from hpcore.evaluation.prefixes import Key, PrefixCache

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
    """

    fold: int
    test_scores: Scores
    train_scores: Scores | None
    fit_time: float
    score_time: float
    error: str | None
    complaints: tuple[str, ...]
    saved_time: float = 0.0


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
    _prefixes: PrefixCache = field(default_factory=PrefixCache, init=False, repr=False)

    def evaluate(self, params: Mapping[str, Any], folds: Iterable[int]) -> Iterator[FoldScore]:
        """Fit and score one configuration on the given folds, each when its score is asked for."""
        template = self._configured(params)
        pairwise = bool(get_tags(template).input_tags.pairwise)
        keys = self._prefixes.keys(template, params) if self.caching else []
        whole = is_copied_whole(template)
        for fold in folds:
            estimator = replicate(template) if whole else self._configured(params)
            yield self._evaluate_fold(estimator, fold, pairwise, keys)

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

    def _evaluate_fold(self, estimator: Any, fold: int, pairwise: bool, keys: list[Key]) -> FoldScore:
        train, test = self.splits[fold]
        fit_params = _check_method_params(self.X, params=self.fit_params, indices=train) if self.fit_params else {}
        start = time.perf_counter()
        X_train, y_train = self._cut(estimator, train, None, pairwise)
        try:
            with self._prefixes.serving(estimator, X_train, fold, keys) as prefix:
                if y_train is None:
                    estimator.fit(X_train, **fit_params)
                else:
                    estimator.fit(X_train, y_train, **fit_params)
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
        fit_time = max(0.0, fitted - start + prefix.saved)
        saved = fit_time - (fitted - start)
        return FoldScore(fold, test_scores, train_scores, fit_time, scored - fitted, None, tuple(complaints), saved)

    def _cut(self, estimator: Any, rows: Indices, columns: Indices | None, pairwise: bool) -> tuple[Any, Any]:
        if pairwise or type(self.X) is not np.ndarray or not (self.y is None or type(self.y) is np.ndarray):
            return _safe_split(estimator, self.X, self.y, rows, columns)  # type: ignore[no-any-return]
        return self.X[rows], None if self.y is None else self.y[rows]

    def _score(self, estimator: Any, X: Any, y: Any, rows: Indices, complaints: list[str]) -> Scores:
        params = _check_method_params(self.X, params=self.score_params, indices=rows) if self.score_params else {}
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
