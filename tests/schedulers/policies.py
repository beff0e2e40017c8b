"""Decisions of stopping rules on curves that all trials report side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.records.history import RUNNING
from hpcore.schedulers.base import Scheduler
from hpcore.space import Float, Space

__all__ = ["decisions", "judge_of", "states"]


def judge_of(scheduler: Scheduler, direction: str = "minimize"):  # type: ignore[no-untyped-def]
    return scheduler.bind(Space({"x": Float(0.0, 1.0)}).columns, (direction,), 0)


def states(n: int, state: int = RUNNING) -> np.ndarray:
    return np.full(n, state, dtype=np.uint8)


def decisions(
    scheduler: Scheduler,
    values: Sequence[Sequence[float]],
    direction: str = "minimize",
    state: np.ndarray | None = None,
) -> list[str]:
    """Per trial a letter for each report, S if it stops there and . if not.

    All trials report their first value, in order of number, then all their second one. They go on reporting when they
    are told to stop.
    """
    judge, curves, sign = judge_of(scheduler, direction), Curves(1), -1.0 if direction == "maximize" else 1.0
    out = ["" for _ in values]
    for k in range(max(map(len, values))):
        for number, curve in enumerate(values):
            if k < len(curve):
                curves.append(number, k + 1.0, [sign * curve[k]])
        for number, curve in enumerate(values):
            if k < len(curve):
                now = states(len(values)) if state is None else state
                stops = judge.decide(number, k + 1.0, curves, now) is Decision.STOP
                out[number] += "S" if stops else "."
    return out
