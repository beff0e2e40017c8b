"""From fold scores to scikit-learn's tables, and to the one number that the optimizer hears."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sklearn.model_selection._validation import _insert_error_scores, _warn_or_raise_about_fit_failures

from hpcore.evaluation.workload import FoldScore
from hpcore.sklearn.errors import AllFitsFailed

__all__ = ["Evaluated", "objective", "rows"]


class Evaluated(NamedTuple):
    """A complete candidate.

    Attributes
    ----------
    number : int
        Of the trial.
    params : mapping
        The estimator's.
    scores : sequence of FoldScore
        By fold.
    """

    number: int
    params: Mapping[str, Any]
    scores: Sequence[FoldScore]


def objective(scores: Sequence[FoldScore], refit: Any) -> tuple[float | None, str | None]:
    """The value of a candidate for the optimizer, and why there is none.

    The mean over the folds; of several metrics the one that `refit` names, or the first.
    """
    total = 0.0
    for score in scores:
        value = score.test_scores
        if isinstance(value, dict):
            value = value[refit] if isinstance(refit, str) and refit in value else next(iter(value.values()))
        total += float(value)
    mean = total / len(scores)
    if math.isfinite(mean):
        return mean, None
    errors = [score.error or next(iter(score.complaints), None) for score in scores]
    return None, next((error for error in errors if error), f"the mean score is {mean}")


def rows(evaluated: Sequence[Evaluated], error_score: Any, callable_scoring: bool) -> list[dict[str, Any]]:
    """One dictionary a fit, candidate by candidate, as scikit-learn's own functions take them.

    Raises
    ------
    AllFitsFailed
        If not a single fit succeeded.

    Warns
    -----
    FitFailedWarning
        If some fits failed.
    """
    out = []
    for candidate in evaluated:
        for score in candidate.scores:
            row = {
                "fit_error": score.error,
                "test_scores": score.test_scores,
                "fit_time": score.fit_time,
                "score_time": score.score_time,
            }
            if score.train_scores is not None:
                row["train_scores"] = score.train_scores
            out.append(row)
    try:
        _warn_or_raise_about_fit_failures(out, error_score)
    except ValueError as error:
        raise AllFitsFailed(str(error)) from None
    if callable_scoring:
        # Only now is it known whether a callable answers with a dict: failed fits get the same keys.
        _insert_error_scores(out, error_score)
    return out
