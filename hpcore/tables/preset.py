"""Preset: an estimator by name with its search space; and what the spaces of several presets share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from hpcore.space import Categorical
from hpcore.space.parameter import Parameter
from hpcore.tables.catalogue import is_installed

__all__ = ["TASKS", "Parameters", "Preset", "Task", "class_weights", "up_to"]

Task = Literal["classification", "regression"]
TASKS: tuple[Task, ...] = ("classification", "regression")
Parameters = dict[str, Parameter]


@dataclass(frozen=True)
class Preset:
    """A model by name, with its tasks, the needs of its features, and its search space.

    Attributes
    ----------
    name, summary : str
        Name of the preset, and a description in a few words.
    tasks : tuple of str
        Tasks of the model: ``"classification"``, ``"regression"`` or both.
    scale : bool
        True if the model needs standardised features.
    missing : bool
        True if the model handles missing numeric values.
    estimator : callable
        Factory of the estimator, from a task, a number of rows and a seed.
    space : callable
        Factory of the parameters, from a task, a number of rows and a prefix of their names.
    scale_target : bool
        True if a regression needs a standardised target.
    single_precision : bool
        True if the predictions of a regression are in single precision.
    requires : str, optional
        Module of an optional package that the estimator needs; the extra of hpcore has the same name.
    """

    name: str
    summary: str
    tasks: tuple[Task, ...]
    scale: bool
    missing: bool
    estimator: Callable[[Task, int, int | None], Any]
    space: Callable[[Task, int, str], Parameters]
    scale_target: bool = False
    single_precision: bool = False
    requires: str | None = None

    @property
    def is_installed(self) -> bool:
        """True if the package that the model needs is installed; it is not imported."""
        return self.requires is None or is_installed(self.requires)


def class_weights(task: Task, prefix: str) -> Parameters:
    """Return the choice of class weights, or nothing for a regression."""
    return {f"{prefix}class_weight": Categorical([None, "balanced"])} if task == "classification" else {}


def up_to(rows: int, most: int, least: int = 2) -> int:
    """Return an upper bound of a range: `rows`, but between `least` and `most`."""
    return max(least, min(most, rows))
