"""Estimator that is one of several, by name, so that the choice of a model is a parameter like others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if

from hpcore.errors import InvalidArgument, closest
from hpcore.evaluation.cloning import replicate

__all__ = ["ModelChoice", "resolved"]


def _chosen_has(name: str) -> Any:
    def check(choice: ModelChoice) -> bool:
        inner = vars(choice).get("estimator_") or choice.models[choice.model]
        getattr(inner, name)  # whose AttributeError says what is missing
        return True

    return check


class ModelChoice(BaseEstimator):  # type: ignore[misc]  # scikit-learn is not typed
    """One of several estimators.

    Parameters
    ----------
    models : mapping of str to estimator
        Unfitted estimators by name, of one task. They are shared by all copies of this object and never changed.
    model : str
        Name of the estimator that is fitted.
    settings : mapping of str to object, optional
        Parameters of the estimators as ``name__parameter``, in place of their own; those of other models than the
        chosen one have no effect. `set_params` sets them one by one.

    Attributes
    ----------
    estimator_ : estimator
        Fitted copy of the chosen estimator.

    Notes
    -----
    In a search the chosen estimator itself is fitted, see `resolved`: transformers of a pipeline are then kept from fit
    to fit as those of any other pipeline.
    """

    def __init__(self, models: Mapping[str, Any], model: str, settings: Mapping[str, Any] | None = None) -> None:
        self.models = models
        self.model = model
        self.settings = settings

    def __sklearn_clone__(self) -> ModelChoice:
        return ModelChoice(self.models, self.model, dict(self.settings or {}))

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters; with `deep` those of all estimators too, as ``name__parameter``."""
        own = {"models": self.models, "model": self.model, "settings": self.settings}
        if not deep:
            return own
        inner = {
            f"{name}__{key}": value
            for name, estimator in self.models.items()
            for key, value in estimator.get_params(deep=True).items()
        }
        return {**own, **inner, **(self.settings or {})}

    def set_params(self, **params: Any) -> ModelChoice:
        """Set `model`, or parameters of the estimators by ``name__parameter``.

        Raises
        ------
        InvalidArgument
            There is no such model.
        """
        for name, value in params.items():
            if name in ("models", "model", "settings"):
                setattr(self, name, value)
                continue
            owner, mark, _ = name.partition("__")
            if not mark or owner not in self.models:
                raise InvalidArgument(
                    f"parameters must begin with the name of a model and two underscores ({', '.join(self.models)}), "
                    f"got {name!r}{closest(owner, self.models)}"
                )
            self.settings = {**(self.settings or {}), name: value}
        return self

    def chosen(self) -> tuple[Any, dict[str, Any]]:
        """Make a copy of the chosen estimator.

        Returns
        -------
        estimator : estimator
            Unfitted copy with its parameters set.
        params : dict
            These parameters, under the names that the estimator has for them.

        Raises
        ------
        InvalidArgument
            There is no model of the name.
        """
        if self.model not in self.models:
            raise InvalidArgument(
                f"model must be one of {', '.join(self.models)}, got {self.model!r}{closest(self.model, self.models)}"
            )
        prefix = f"{self.model}__"
        params = {
            name.removeprefix(prefix): value for name, value in (self.settings or {}).items() if name.startswith(prefix)
        }
        estimator = replicate(self.models[self.model])
        return estimator.set_params(**{name: replicate(value) for name, value in params.items()}), params

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> ModelChoice:
        """Fit a copy of the chosen estimator; see its `fit`."""
        estimator = self.chosen()[0]
        self.estimator_ = estimator.fit(X, **fit_params) if y is None else estimator.fit(X, y, **fit_params)
        return self

    @available_if(_chosen_has("predict"))  # type: ignore[untyped-decorator]
    def predict(self, X: Any) -> Any:
        """Return the predictions of the fitted estimator."""
        return self.estimator_.predict(X)

    @available_if(_chosen_has("predict_proba"))  # type: ignore[untyped-decorator]
    def predict_proba(self, X: Any) -> Any:
        """Return the class probabilities of the fitted estimator."""
        return self.estimator_.predict_proba(X)

    @available_if(_chosen_has("decision_function"))  # type: ignore[untyped-decorator]
    def decision_function(self, X: Any) -> Any:
        """Return the decision values of the fitted estimator."""
        return self.estimator_.decision_function(X)

    @available_if(_chosen_has("score"))  # type: ignore[untyped-decorator]
    def score(self, X: Any, y: Any = None, **score_params: Any) -> Any:
        """Return the score of the fitted estimator."""
        return self.estimator_.score(X, y, **score_params)

    @property
    def classes_(self) -> Any:
        """Classes of the fitted estimator."""
        return self.estimator_.classes_

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "estimator_")

    def __sklearn_tags__(self) -> Any:
        return get_tags(self.models[self.model])

    def __repr__(self, N_CHAR_MAX: int = 700) -> str:
        return f"ModelChoice({list(self.models)!r}, {self.model!r}, {dict(self.settings or {})!r})"


def resolved(estimator: Any, params: Mapping[str, Any]) -> tuple[Any, Mapping[str, Any]]:
    """Replace a `ModelChoice` by the estimator that it stands for.

    Parameters
    ----------
    estimator : estimator
        Unfitted estimator with `params` set.
    params : mapping
        Parameters that were set on it.

    Returns
    -------
    estimator : estimator
        Estimator to fit.
    params : mapping
        Parameters under its own names. That of the choice is among them, under a name that no estimator has: equal
        parameters of two models are different ones.
    """
    if type(estimator) is not ModelChoice:
        return estimator, params
    inner, own = estimator.chosen()
    return inner, {"": estimator.model, **own}
