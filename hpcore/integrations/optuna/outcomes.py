"""Results of trials of Optuna."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from typing import Any

from hpcore.space.conditions import at_most

__all__ = ["STATES", "directions_of", "limits_of", "outcome_of"]

HUGE = sys.float_info.max
# By the name of a state of Optuna.
STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}


def directions_of(study: Any) -> tuple[str, ...]:
    """Direction of each objective of a study."""
    return tuple(direction.name.lower() for direction in study.directions)


def limits_of(constraints: Iterable[str]) -> dict[str, Any]:
    """Limits for constraints, which are kept where they are at most 0."""
    return {name: at_most(0.0) for name in constraints}


def _last_value(trial: Any) -> float | None:
    """The last intermediate value of a trial, None if there is none or it is not finite."""
    step = trial.last_step
    value = None if step is None else trial.intermediate_values[step]
    return value if value is not None and math.isfinite(value) else None


def outcome_of(trial: Any) -> dict[str, Any]:
    """State and result of a trial that has ended, as arguments of `Optimizer.put`."""
    state = STATES[trial.state.name]
    values: Any = trial.values
    if state == "pruned" and (values is None or not all(map(math.isfinite, values))):
        only = _last_value(trial)
        values = None if only is None else [only]
    if state == "failed":
        values = None
    value = None if values is None else values[0] if len(values) == 1 else tuple(values)
    # Infinite distances are very large ones.
    metrics = {name: min(max(beyond, -HUGE), HUGE) for name, beyond in trial.constraints.items()}
    return {"state": state, "value": value, "metrics": metrics or None}
