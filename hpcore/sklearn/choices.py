"""Rules that choose the best candidate of a search by more than its mean score."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidArgument, InvalidType

__all__ = ["ONE_STANDARD_ERROR", "RECOMMEND", "RULES", "OneStandardError"]

RECOMMEND, ONE_STANDARD_ERROR = "recommend", "1se"
RULES = (RECOMMEND, ONE_STANDARD_ERROR)


class OneStandardError:
    """One-standard-error rule: the simplest candidate whose mean score is within one standard error of the best.

    An object of the class is a function for `refit`, of `SearchCV` and of scikit-learn's own searches;
    ``refit="1se"`` of `SearchCV` is the one with the default options.

    Parameters
    ----------
    by : str or callable, default="mean_fit_time"
        Measure by which the smallest is the simplest: a column of `cv_results_`, a parameter with numbers as values, or
        a function ``by(params)`` that returns a number.
    metric : str, optional
        Metric that decides, where there are several.
    largest : bool, default=False
        True if the largest is the simplest, as for the strength of a penalty.

    Raises
    ------
    InvalidArgument, InvalidType
        An argument is not allowed; by the call, if the measure of a candidate near the best is not a number.

    Notes
    -----
    The standard error is that of the best candidate's mean over its folds. Breiman, Friedman, Olshen & Stone 1984,
    "Classification and regression trees", section 3.4.3. Of equally simple candidates the one with the better mean is
    chosen. Fit times vary from run to run, so that a search is repeated exactly with another measure only.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> from hpcore.sklearn import OneStandardError, SearchCV
    >>> tree = DecisionTreeClassifier(random_state=0)
    >>> search = SearchCV(tree, {"max_depth": [1, 2, 3, 9]}, strategy="grid", refit=OneStandardError("max_depth"))
    >>> search.fit(X, y).best_params_
    {'max_depth': 3}
    """

    def __init__(
        self,
        by: str | Callable[[Mapping[str, Any]], float] = "mean_fit_time",
        *,
        metric: str | None = None,
        largest: bool = False,
    ) -> None:
        if not (isinstance(by, str) or callable(by)):
            raise InvalidType(f"by must be the name of a column or parameter, or a function of params, got {by!r}")
        if metric is not None and not isinstance(metric, str):
            raise InvalidType(f"metric must be a metric's name or None, got {metric!r}")
        if not isinstance(largest, bool | np.bool_):
            raise InvalidType(f"largest must be True or False, got {largest!r}")
        self.by, self.metric, self.largest = by, metric, bool(largest)

    def check(self, n_folds: int, metrics: Sequence[str] | None) -> None:
        """Check, before a search, that the rule can choose.

        Parameters
        ----------
        n_folds : int
            Number of folds.
        metrics : sequence of str, or None
            Names of the metrics; None if they are not known yet.

        Raises
        ------
        InvalidArgument
            There are too few folds, or the metric that decides is none of the search.
        """
        if metrics is not None and self._metric not in metrics:
            raise InvalidArgument(
                f"metric must name the one of several that decides ({list(metrics)}), got {self.metric!r}"
            )
        if n_folds < 2:
            raise InvalidArgument(f"refit by one standard error needs at least 2 folds, got {n_folds} from cv")

    @property
    def _metric(self) -> str:
        return "score" if self.metric is None else self.metric

    def __call__(self, cv_results: Mapping[str, Any]) -> int:
        """Return the index of the chosen candidate.

        Candidates without a score, those that a race stopped and those of lower levels of a resource are passed over.
        """
        metric = self._metric
        n_folds = sum(_is_fold(key, metric) for key in cv_results)
        self.check(n_folds, [key.removeprefix("mean_test_") for key in cv_results if key.startswith("mean_test_")])
        mean = np.asarray(cv_results[f"mean_test_{metric}"], dtype=float)
        counts = np.isfinite(mean)
        for name, wanted in (("pruned", False), ("iter", np.max(cv_results.get("iter", 0)))):
            if name in cv_results:
                counts = counts & (np.asarray(cv_results[name]) == wanted)
        if not counts.any():
            raise InvalidArgument("refit must have a candidate to choose, and none has a score")
        means = np.where(counts, mean, -math.inf)
        best = int(np.argmax(means))
        folds = [cv_results[key][best] for key in cv_results if _is_fold(key, metric)]
        error = float(np.std(folds, ddof=1)) / math.sqrt(len(folds))
        near = np.flatnonzero(means >= means[best] - error)
        measure = self._measures(cv_results, near)
        simplest = near[measure == measure.min()]
        return int(simplest[np.argmax(means[simplest])])

    def _measures(self, cv_results: Mapping[str, Any], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        params = [cv_results["params"][i] for i in rows]
        if callable(self.by):
            values = [self.by(p) for p in params]
        elif self.by in cv_results:
            values = [cv_results[self.by][i] for i in rows]
        elif any(self.by in p for p in params):
            values = [p.get(self.by, math.inf) for p in params]  # one that does not have it is not simpler by it
        else:
            raise InvalidArgument(f"by must be a column of cv_results_ or a parameter, got {self.by!r}")
        sign = -1.0 if self.largest else 1.0
        try:
            out = np.array([math.inf if v == math.inf else sign * float(v) for v in values])
        except (TypeError, ValueError):
            out = np.array([math.nan])
        if np.isnan(out).any():
            raise InvalidArgument(
                f"by must give a number for each candidate near the best, got {values!r:.200} from {self.by!r}"
            )
        return out

    def __repr__(self) -> str:
        return f"OneStandardError({self.by!r}, metric={self.metric!r}, largest={self.largest!r})"


def _is_fold(key: str, metric: str) -> bool:
    return key.startswith("split") and key.endswith(f"_test_{metric}") and key[5 : -len(f"_test_{metric}")].isdigit()
