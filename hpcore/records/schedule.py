"""Schedule of hyperparameters: the trials, each from another one's checkpoint, that led to a trial."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_number
from hpcore.records.history import History
from hpcore.records.trial import Trial

__all__ = ["Schedule", "chain", "first_row", "schedule_of"]

FloatArray = npt.NDArray[np.float64]


class Schedule(Sequence[tuple[float, dict[str, Any]]]):
    """Hyperparameters by the resource of a training: a sequence of ``(step, params)``, each from that step on.

    Attributes
    ----------
    numbers : tuple of int
        Trials, the first one first.
    steps : tuple of float
        Step at which each began; the first is 0.
    params : tuple of dict
        Parameters of each.
    points : ndarray of shape (n, d)
        The same in the unit cube.
    end : float
        Last step that the last trial reported.
    """

    def __init__(
        self,
        numbers: Sequence[int],
        steps: Sequence[float],
        params: Sequence[Mapping[str, Any]],
        points: FloatArray,
        end: float,
    ) -> None:
        self.numbers, self.steps = tuple(numbers), tuple(steps)
        self.params = tuple(dict(p) for p in params)
        self.points, self.end = points, end

    def at(self, step: float) -> dict[str, Any]:
        """Return the parameters with which the training went on from a step, at least 0."""
        step = check_number("step", step, 0.0)
        return dict(self.params[int(np.searchsorted(self.steps, step, side="right")) - 1])

    def __len__(self) -> int:
        return len(self.steps)

    @overload
    def __getitem__(self, index: int) -> tuple[float, dict[str, Any]]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[float, dict[str, Any]]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        return self.steps[index], dict(self.params[index])

    def __iter__(self) -> Iterator[tuple[float, dict[str, Any]]]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Schedule({list(self)!r}, end={self.end:g})"


def first_row(history: History, number: int) -> int | None:
    """Row of the report that a trial goes on from: the last one of its parent's job whose checkpoint it copied.

    None for a trial that began at 0, or whose parent reported nothing.
    """
    note, curves = history.notes.get(number, {}), history.curves
    if "parent" not in note:
        return None
    rows = reversed(curves.of(note["parent"]))
    return next((i for i in rows if curves.job[i] <= note["parent_job"]), None)


def chain(history: History, number: int) -> list[tuple[int, float]]:
    """Trials that led to a trial, itself last, and the step at which each began."""
    found: list[tuple[int, float]] = []
    at: int | None = number
    while at is not None:
        row = first_row(history, at)
        found.append((at, 0.0 if row is None else float(history.curves.step[row])))
        at = history.notes.get(at, {}).get("parent")
    return found[::-1]


def schedule_of(history: History, trials: Sequence[Trial], number: int) -> Schedule:
    """Make the schedule that led to a trial; trial k is ``trials[k]``."""
    numbers, steps = zip(*chain(history, number), strict=True)
    rows = history.curves.of(number)
    end = float(history.curves.step[rows].max()) if rows else steps[-1]
    return Schedule(numbers, steps, [trials[i].params for i in numbers], history.X[list(numbers)], end)
