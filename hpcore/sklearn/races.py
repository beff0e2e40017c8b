"""Upper bounds of scikit-learn's scores, for the exact rule of a race."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from sklearn import metrics
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer

from hpcore.errors import InvalidArgument
from hpcore.schedulers.racing import Race
from hpcore.sklearn.checks import Settings

__all__ = ["make_race", "upper_bound"]

# Metrics with highest value 1, and metrics with lowest value 0, which scorers use with a minus sign.
_AT_MOST_ONE = (
    "accuracy_score",
    "adjusted_mutual_info_score",
    "adjusted_rand_score",
    "average_precision_score",
    "balanced_accuracy_score",
    "cohen_kappa_score",
    "completeness_score",
    "d2_absolute_error_score",
    "d2_brier_score",
    "d2_log_loss_score",
    "d2_pinball_score",
    "d2_tweedie_score",
    "explained_variance_score",
    "f1_score",
    "fbeta_score",
    "fowlkes_mallows_score",
    "homogeneity_score",
    "jaccard_score",
    "matthews_corrcoef",
    "ndcg_score",
    "normalized_mutual_info_score",
    "precision_score",
    "r2_score",
    "rand_score",
    "recall_score",
    "roc_auc_score",
    "top_k_accuracy_score",
    "v_measure_score",
)
_AT_LEAST_ZERO = (
    "brier_score_loss",
    "hamming_loss",
    "hinge_loss",
    "log_loss",
    "max_error",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_gamma_deviance",
    "mean_pinball_loss",
    "mean_poisson_deviance",
    "mean_squared_error",
    "mean_squared_log_error",
    "mean_tweedie_deviance",
    "median_absolute_error",
    "root_mean_squared_error",
    "root_mean_squared_log_error",
    "zero_one_loss",
)


def upper_bound(scorer: Any, estimator: Any) -> float:
    """Find the highest possible score; infinity if none is known.

    Parameters
    ----------
    scorer : callable
        Scorer of one metric, as scikit-learn made it.
    estimator : estimator
        Estimator that is scored; its `score` method matters if the scorer calls it.
    """
    if isinstance(scorer, _PassthroughScorer):
        return _of_score_method(estimator)
    if not isinstance(scorer, _BaseScorer):
        return math.inf
    # Counts instead of shares have no bound.
    if scorer._kwargs.get("normalize") is False:
        return math.inf
    for names, sign, bound in ((_AT_MOST_ONE, 1, 1.0), (_AT_LEAST_ZERO, -1, 0.0)):
        if scorer._sign == sign and any(scorer._score_func is getattr(metrics, name, None) for name in names):
            return bound
    return math.inf


def _of_score_method(estimator: Any) -> float:
    if hasattr(type(estimator), "_final_estimator"):
        return _of_score_method(estimator._final_estimator)
    score = getattr(type(estimator), "score", None)
    # Accuracy and R squared; anything else is a method of the estimator's own.
    return 1.0 if score in (ClassifierMixin.score, RegressorMixin.score) else math.inf


def make_race(settings: Settings, scorer: Any, n_folds: int, searched: Collection[str], ordered: bool) -> Race | None:
    """Make the race of a search; None if it has none.

    Parameters
    ----------
    settings : Settings
        Arguments of the search: `refit` names the metric that decides, and `error_score` may be above every score.
    scorer : callable
        Scorer as `SearchCV` uses it.
    n_folds : int
        Folds of a candidate.
    searched : collection of str
        Names of the parameters that are searched over.
    ordered : bool
        True if candidates count in the order of their numbers.

    Raises
    ------
    InvalidArgument
        If there is only one fold; if a function chooses the best candidate, which may be one that was stopped; if
        only the exact rule is wanted and the score has no known bound.
    """
    racing = settings.racing
    if racing is None:
        return None
    if n_folds < 2:
        raise InvalidArgument(f"racing needs at least 2 folds to compare candidates on, got {n_folds} from cv")
    if callable(settings.refit) and settings.one_se is None:
        raise InvalidArgument(
            "racing must know which score decides, so refit must be True, False or a metric's name, got "
            f"{settings.refit!r}"
        )
    metric = settings.metric
    single = scorer
    if isinstance(scorer, _MultimetricScorer):
        single = scorer._scorers[metric] if metric is not None else next(iter(scorer._scorers.values()))
    upper = racing.upper
    if upper is None:
        params = settings.estimator.get_params(deep=True)
        # A searched step may bring a score method of its own.
        own = isinstance(single, _PassthroughScorer) and any(hasattr(params.get(name), "fit") for name in searched)
        upper = math.inf if own else upper_bound(single, settings.estimator)
    if not racing.test and math.isinf(upper):
        raise InvalidArgument(
            f"racing='exact' needs a score with a known upper bound, and scoring={settings.scoring!r} has none; give "
            "it as racing=Racing(test=False, upper=...), or use racing=True"
        )
    if settings.error_score != "raise" and settings.error_score > upper:
        upper = float(settings.error_score)
    return Race(racing, n_folds, upper, metric, ordered)
