"""Arguments of `SearchCV` that limit the resource of a fit, checked as far as they do not depend on the data."""

from __future__ import annotations

import numbers
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.pipeline import Pipeline

from hpcore import schedulers
from hpcore.arguments import check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType, closest
from hpcore.schedulers.base import Scheduler
from hpcore.schedulers.resources import SMALLEST_ETA

__all__ = ["HALVING", "SAMPLERS", "Schedule", "read_schedule", "trainer_of"]

# Strategies that are a scheduler, and the sampler that draws their candidates: all of a bracket before the first
# result, or as many as there are between two brackets.
SAMPLERS = {"halving": "random", "hyperband": "tpe"}

# Names of the schedule of scikit-learn's halving searches.
HALVING = ("halving", "successive_halving")

_DEFAULTS: dict[str, Any] = {"min_resources": "exhaust", "max_resources": "auto", "factor": 3}


@dataclass(frozen=True)
class Schedule:
    """Schedule of a search, checked.

    Attributes
    ----------
    scheduler : str or Scheduler
        Scheduler, or its name.
    resource : str
        ``"n_samples"``, ``"epochs"`` or the name of an integer parameter.
    kind : {"rows", "epochs", "parameter"}
        Kind of the resource.
    min_resources : int, "exhaust" or "smallest"
        Lowest level.
    max_resources : int or "auto"
        Full resource.
    factor : float
        Factor between levels.
    """

    scheduler: str | Scheduler
    resource: str
    kind: Literal["rows", "epochs", "parameter"]
    min_resources: int | str
    max_resources: int | str
    factor: float

    @property
    def halves(self) -> bool:
        """True for the schedule of scikit-learn's halving searches."""
        return self.scheduler in HALVING


def read_schedule(search: Any) -> Schedule | None:
    """Check the arguments of a search that limit the resource of a fit; None without a scheduler.

    Raises
    ------
    InvalidArgument, InvalidType
        If an argument is wrong, or given without the others that it needs.
    """
    by_strategy = isinstance(search.strategy, str) and search.strategy in SAMPLERS
    if by_strategy and search.scheduler is not None:
        raise InvalidArgument(
            f"strategy={search.strategy!r} is a scheduler by itself; give a sampler as strategy with "
            f"scheduler={search.scheduler!r}"
        )
    scheduler = search.strategy if by_strategy else search.scheduler
    if scheduler is None:
        given = [name for name, default in _DEFAULTS.items() if getattr(search, name) != default]
        for name in [*(["resource"] if search.resource is not None else []), *given]:
            raise InvalidArgument(
                f"{name} needs a scheduler, or strategy='halving' or 'hyperband', got "
                f"{name}={getattr(search, name)!r} alone"
            )
        return None
    if isinstance(scheduler, schedulers.Racing):
        raise InvalidType("scheduler must be one that decides on a resource; give a Racing as racing=")
    schedulers.resolve(scheduler)  # a name that does not exist is refused here
    resource = search.resource
    if resource is None:
        if not by_strategy:
            raise InvalidArgument(
                "scheduler needs resource=: 'n_samples', 'epochs' or an integer parameter of the estimator, got None"
            )
        resource = "n_samples"
    kind = _kind_of(resource, search.estimator)
    low, high = search.min_resources, search.max_resources
    low = _check_level("min_resources", low, ("exhaust", "smallest"))
    high = _check_level("max_resources", high, ("auto",))
    if isinstance(low, int) and isinstance(high, int) and low > high:
        raise InvalidArgument(f"min_resources must be <= max_resources={high}, got {low}")
    factor = check_number("factor", search.factor, SMALLEST_ETA)
    if isinstance(scheduler, Scheduler):
        for name in ("min_resources", "factor"):
            if getattr(search, name) != _DEFAULTS[name]:
                raise InvalidArgument(
                    f"{name} must be left out with a Scheduler object, which has its own, got "
                    f"{getattr(search, name)!r} and {scheduler!r}"
                )
    return Schedule(scheduler, resource, kind, low, high, factor)


def _check_level(name: str, level: Any, words: Collection[str]) -> int | str:
    if isinstance(level, str):
        if level not in words:
            raise InvalidArgument(f"{name} must be an integer or {' or '.join(map(repr, words))}, got {level!r}")
        return level
    return check_integer(name, level, 1)


def _kind_of(resource: Any, estimator: Any) -> Literal["rows", "epochs", "parameter"]:
    if not isinstance(resource, str):
        raise InvalidType(
            f"resource must be 'n_samples', 'epochs' or the name of an integer parameter, got {resource!r}"
        )
    if resource == "n_samples":
        return "rows"
    params = estimator.get_params(deep=True)
    if resource in params:
        value = params[resource]
        whole = isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_)
        if value is not None and not whole:
            raise InvalidArgument(f"resource must be an integer parameter, and {resource!r} has the value {value!r}")
        return "parameter"
    if resource == "epochs":
        trainer = trainer_of(estimator)
        if not callable(getattr(trainer, "partial_fit", None)):
            raise InvalidArgument(
                f"resource='epochs' needs an estimator with partial_fit, which {type(trainer).__name__} has not; an "
                "integer parameter of it, or 'n_samples', needs none"
            )
        return "epochs"
    known = ["n_samples", "epochs", *params]
    by_leaf = [name for name in params if name.rpartition("__")[2] == resource.rpartition("__")[2]]
    hint = closest(resource, known, n=3)
    if by_leaf and not hint:
        hint = f"; did you mean {' or '.join(map(repr, by_leaf))}?"
    raise InvalidArgument(
        f"resource must be 'n_samples', 'epochs' or an integer parameter of {type(estimator).__name__}, got "
        f"{resource!r}{hint or '; see estimator.get_params()'}"
    )


def trainer_of(estimator: Any) -> Any:
    """Return the estimator whose `partial_fit` an epoch calls: the last step of a pipeline."""
    return estimator.steps[-1][1] if isinstance(estimator, Pipeline) else estimator
