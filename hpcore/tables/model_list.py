"""Models that `autotune` chooses among: those that are named, or those that suit the size of the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sklearn.utils.validation import has_fit_parameter

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.tables import presets
from hpcore.tables.wording import PYTHON, Wording

if TYPE_CHECKING:
    from hpcore.tables.presets import Task

__all__ = ["choose_models", "is_automatic", "takes_weights"]

# Cheap ones first; the number is the most rows for which a fit takes seconds and not minutes.
_USUAL = {
    "logistic": 10**9,
    "ridge": 10**9,
    "lightgbm": 10**9,
    "extra_trees": 200_000,
    "svc": 5_000,
    "svr": 5_000,
    "knn": 20_000,
    "xgboost": 10**9,
    "random_forest": 200_000,
    "mlp": 20_000,
    "catboost": 10**9,
}
# In place of the boosting libraries where none is installed.
_BOOSTING, _BUILT_IN = ("lightgbm", "xgboost", "catboost"), "hist_gradient_boosting"


def choose_models(models: Any, task: Task, n_rows: int, wording: Wording = PYTHON) -> list[str]:
    """Choose the models of a search.

    Parameters
    ----------
    models : sequence of str, str or None
        Names of presets; None or ``"auto"`` for those that suit the table and are installed.
    task : {"classification", "regression"}
        Kind of prediction.
    n_rows : int
        Number of rows of the table.
    wording : Wording
        Names of the arguments in messages.

    Returns
    -------
    list of str
        Names, the cheapest first.

    Raises
    ------
    InvalidArgument
        A name is not known, is for another task, or is given twice; or there is none.
    InvalidType
        `models` is no list of names.
    MissingDependency
        The library of a named model is not installed.
    """
    if is_automatic(models):
        installed = presets.available(task)
        usual = [name for name, most in _USUAL.items() if name in installed and n_rows <= most]
        if not any(name in usual for name in _BOOSTING):
            usual.insert(1, _BUILT_IN)
        return usual
    what = "models" if wording.in_python else wording.option("model")
    if isinstance(models, str):
        models = [models]
    if not isinstance(models, Sequence) or not all(isinstance(name, str) for name in models):
        raise InvalidType(f"{what} must be a list of names ({', '.join(presets.names(task))}), got {models!r}")
    if not models:
        raise InvalidArgument(f"{what} must name at least one of {', '.join(presets.names(task))}, got an empty list")
    for name in models:
        if name == "auto":
            raise InvalidArgument(f"{what} must be 'auto' alone or names of models, got {list(models)!r}")
        presets.get(name, task)
        if models.count(name) > 1:
            raise InvalidArgument(f"{what} must name each model once, got {name!r} twice")
    order = [*_USUAL, _BUILT_IN]
    return sorted(models, key=lambda name: order.index(name) if name in order else len(order))


def is_automatic(models: Any) -> bool:
    """Tell whether the size of the table chooses the models."""
    if models is None or isinstance(models, str):
        return models in (None, "auto")
    return isinstance(models, Sequence) and list(models) == ["auto"]


def takes_weights(estimator: Any) -> bool:
    """Tell whether the `fit` of an estimator takes weights of the rows."""
    inner = getattr(estimator, "regressor", estimator)  # that of a scaled target passes on what it is given
    return bool(has_fit_parameter(inner, "sample_weight"))
