"""One estimator for a choice between pipelines, so that searches with a flat space can choose the model as well.

The pipelines and their spaces are those of `hpcore tune`: its preprocessing, and presets of models.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone

import hpcore as hp

MODELS = {
    "classification": ("logistic", "random_forest", "hist_gradient_boosting"),
    "regression": ("ridge", "random_forest", "hist_gradient_boosting"),
}


class Choice(BaseEstimator):
    """A pipeline by name, with the parameters that belong to it.

    Parameters
    ----------
    options : dict of str to (Pipeline, Space)
        Pipelines and their spaces by name.
    chosen : dict, optional
        ``"model"``, a name, and the values of parameters as ``name.parameter``; those of other pipelines, and those
        that are not active, are not used. By default the last pipeline as it is.
    """

    def __init__(self, options: dict[str, tuple[Any, hp.Space]], chosen: dict[str, Any] | None = None) -> None:
        self.options = options
        self.chosen = chosen

    def set_params(self, **params: Any) -> Choice:
        own = {name: params.pop(name) for name in ("options", "chosen") if name in params}
        super().set_params(**own)
        if params:
            self.chosen = {**(self.chosen or {}), **params}
        return self

    def fit(self, X: Any, y: Any) -> Choice:
        chosen = self.chosen or {"model": list(self.options)[-1]}
        pipeline, space = self.options[chosen["model"]]
        values = {n.removeprefix(f"{chosen['model']}."): v for n, v in chosen.items()}
        self.pipeline_ = clone(pipeline).set_params(**active(space, values)).fit(X, y)
        self.classes_ = getattr(self.pipeline_, "classes_", None)
        return self

    def predict(self, X: Any) -> Any:
        return self.pipeline_.predict(X)


class ChoiceClassifier(ClassifierMixin, Choice):  # type: ignore[misc]
    """A choice between classifiers with probabilities."""

    def predict_proba(self, X: Any) -> Any:
        return self.pipeline_.predict_proba(X)


class ChoiceRegressor(RegressorMixin, Choice):  # type: ignore[misc]
    """A choice between regressors."""


def active(space: hp.Space, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of the parameters that are active; conditions must be values or lists of values."""
    kept: dict[str, Any] = {}
    for name, parameter in space.items():
        conditions = parameter.when or {}
        assert isinstance(conditions, dict)
        met = all(
            parent in kept and kept[parent] in (allowed if isinstance(allowed, (list, tuple)) else [allowed])
            for parent, allowed in conditions.items()
        )
        if met and name in values:
            kept[name] = values[name]
    return kept


def choice(X: pd.DataFrame, task: str, seed: int) -> Choice:
    """Make the choice between the models for a task, with the preprocessing of a table."""
    from sklearn.pipeline import Pipeline

    from hpcore.tables import presets
    from hpcore.tables.columns import classify
    from hpcore.tables.preprocessing import preprocessor

    columns = classify(X)
    options = {}
    for name in MODELS[task]:
        preset = presets.get(name)
        model, space = presets.build(
            name, preset.tasks[0] if len(preset.tasks) == 1 else task, n_rows=len(X), random_state=seed,
            prefix="model__",
        )  # fmt: skip
        steps = [("prepare", preprocessor(columns, scale=preset.scale, missing=preset.missing)), ("model", model)]
        options[name] = (Pipeline(steps), space)
    return (ChoiceClassifier if task == "classification" else ChoiceRegressor)(options)


def draw(one: Choice, n: int, seed: int) -> list[dict[str, Any]]:
    """Draw random choices, as many of each model up to one."""
    drawn = {name: space.sample(-(-n // len(one.options)), seed) for name, (_, space) in one.options.items()}
    names = list(one.options)
    return [
        {"model": (name := names[k % len(names)])}
        | {f"{name}.{key}": value for key, value in drawn[name][k // len(names)].items()}
        for k in range(n)
    ]
