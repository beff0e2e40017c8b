"""Derivative of the score of one fold by the hyperparameters of the last step of a pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.metrics._scorer import _MultimetricScorer
from sklearn.pipeline import Pipeline

from hpcore.errors import InvalidArgument
from hpcore.evaluation.hypergradients.losses import Validation, score_slope
from hpcore.evaluation.hypergradients.registry import Family, find

__all__ = ["Differentiator", "LastFit", "decisive_scorer", "last_step", "recorded"]


def last_step(estimator: Any) -> tuple[str, Any]:
    """Return the last step of a pipeline, which may be in another one, after the prefix of its parameters' names."""
    prefix = ""
    while isinstance(estimator, Pipeline) and estimator.steps:
        name, estimator = estimator.steps[-1]
        prefix += f"{name}__"
    return prefix, estimator


def decisive_scorer(scorer: Any, metric: str | None) -> Any:
    """Return the scorer that the search follows: the one of this name if there are several, otherwise the first."""
    if not isinstance(scorer, _MultimetricScorer):
        return scorer
    return scorer._scorers[metric] if metric in scorer._scorers else next(iter(scorer._scorers.values()))


@dataclass
class LastFit:
    """Arguments that the last step was fitted with; see `recorded`.

    Attributes
    ----------
    X, y : array-like
        Rows, as the steps before have transformed them, and target.
    params : mapping
        Further arguments, such as ``sample_weight``.
    """

    X: Any = None
    y: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)


@contextmanager
def recorded(estimator: Any, fitted: LastFit) -> Iterator[None]:
    """Record in `fitted` the arguments with which the last step of an unfitted pipeline is fitted.

    Transforming the rows again would cost time, and would give other rows where ``fit_transform`` differs from
    ``transform`` on purpose, as that of `TargetEncoder` does.
    """
    _, last = last_step(estimator)

    def fit(X: Any, y: Any = None, **params: Any) -> Any:
        kept = X.copy() if getattr(last, "copy_X", True) is False else X  # a fit in place changes its own
        result = type(last).fit(last, X, y, **params)
        fitted.X, fitted.y, fitted.params = kept, y, params
        return result

    last.fit = fit
    try:
        yield
    finally:
        vars(last).pop("fit", None)


@dataclass(frozen=True)
class Differentiator:
    """Function that differentiates the score of a fold; it travels to workers with the data.

    Parameters
    ----------
    names : tuple of str
        Parameters of the estimator to differentiate by, where they have a derivative.
    metric : str or None
        Name of the score that the search follows, of several.
    families : mapping of type to Family
        Families of the estimators, for processes in which functions of the user are not registered.
    """

    names: tuple[str, ...]
    metric: str | None
    families: Mapping[type, Family]

    def family_of(self, estimator: Any) -> Family | None:
        """Return the family of the last step; None if it has no hypergradient."""
        return self.families.get(type(estimator)) or find(type(estimator))

    def covered(self, estimator: Any, names: Any) -> tuple[str, Any, Family | None, list[str]]:
        """Find those of the names that have a derivative for an estimator as it is set.

        Returns
        -------
        prefix : str
            Prefix of the names of the last step.
        last : estimator
            Last step.
        family : Family or None
            Its family.
        own : list of str
            Names, without the prefix.

        Raises
        ------
        InvalidArgument
            If settings of the last step exclude them all; see `Family.covered`.
        """
        prefix, last = last_step(estimator)
        family = self.family_of(last)
        own = [name[len(prefix) :] for name in self.names if name in names and name.startswith(prefix)]
        return prefix, last, family, [] if family is None else family.covered(last, own)

    def __call__(
        self,
        estimator: Any,
        fitted: LastFit,
        params: Mapping[str, Any],
        X_valid: Any,
        y_valid: Any,
        scorer: Any,
        score_params: Mapping[str, Any],
    ) -> dict[str, float] | None:
        """Differentiate the score of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            Fitted estimator.
        fitted : LastFit
            Arguments that its last step was fitted with.
        params : mapping
            Parameters of the candidate.
        X_valid, y_valid : array-like
            Rows and targets of the validation.
        scorer : callable
            Scorer of the search.
        score_params : mapping
            Metadata of the scorer, for these rows.

        Returns
        -------
        dict of str to float, or None
            Derivative of the score by the parameters of the candidate that have one, in their own units; None if none
            has, under these settings.

        Raises
        ------
        InvalidArgument, InvalidType
            If data or metadata allow no derivative, or if a function of the user returns something else.
        """
        try:
            prefix, last, family, names = self.covered(estimator, params)
        except InvalidArgument:  # the search checks that not all settings are so
            return None
        if family is None or not names:
            return None
        slope = score_slope(decisive_scorer(scorer, self.metric), last, family)
        for what, given in (("fit", fitted.params), ("the scorer", score_params)):
            unknown = [name for name in given if name != "sample_weight"]
            if unknown:
                raise InvalidArgument(
                    f"a hypergradient knows no metadata but sample_weight, and {what} was given {unknown[0]!r}"
                )
        rows = X_valid
        pipeline = estimator
        while isinstance(pipeline, Pipeline):
            for _, step in pipeline.steps[:-1]:
                rows = rows if step is None or step == "passthrough" else step.transform(rows)
            pipeline = pipeline.steps[-1][1]
        response = np.asarray(getattr(last, family.response)(rows), dtype=float)
        weights = score_params.get("sample_weight")
        weights = np.ones(len(response)) if weights is None else np.asarray(weights, dtype=float)
        validation = Validation(response, y_valid, weights / weights.sum(), family, getattr(last, "classes_", None))
        v = slope(validation)
        found = family(last, fitted.X, fitted.y, rows, v, names, fitted.params.get("sample_weight"))
        return {prefix + name: value for name, value in found.items()}
