"""Trials as a data frame."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from hpcore.errors import MissingDependency
from hpcore.records.table import Row, columns_of

if TYPE_CHECKING:
    from hpcore.optimizer import Optimizer

__all__ = ["to_frame"]


_FLOATS = ("seconds", "cost", "until", "last_step", "last_value")


def to_frame(optimizer: Optimizer) -> Any:
    """Return the trials of an optimizer as a table; see `Study.to_frame`."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependency("to_frame needs pandas: pip install pandas") from error
    std_error = optimizer.history.std_error
    sign = -1.0 if optimizer.directions[0] == "maximize" else 1.0
    rows = [
        Row(
            trial.number,
            str(trial.state),
            trial.values,
            trial.params,
            std_error(trial.number),
            trial.started,
            trial.finished,
            trial.extras[0] or {},
            trial.error,
            *_reports_of(optimizer, trial.number, sign),
            trial.cost,
            trial.metrics,
            trial.feasible,
        )
        for trial in list(optimizer.trials)
    ]
    columns = columns_of(rows, optimizer.space, len(optimizer.directions))
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    for name in frame:
        if name in ("state", "error", "feasible") or name.startswith("attr_"):
            continue
        if name in ("started", "finished"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif name.startswith(("value", "std_error", "metric_")) or name in _FLOATS:
            frame[name] = frame[name].astype(float)
        elif name.startswith("param_"):
            kinds = {type(value) for value in columns[name]}
            if kinds in ({int}, {bool}):
                frame[name] = frame[name].astype(kinds.pop())
            elif kinds and kinds <= {float, type(None)} and not _tells_nan_from_none(columns[name]):
                frame[name] = frame[name].astype(float)
        else:
            frame[name] = frame[name].astype(int)
    return frame


def _reports_of(optimizer: Optimizer, number: int, sign: float) -> tuple[float | None, int, tuple[float, float] | None]:
    """Return the resource of a trial's last job, the number of reports, and the last one."""
    history = optimizer.history
    if history.until is None:
        return None, 0, None
    until, rows = float(history.until[number]), history.curves.of(number)
    last = None
    if rows:
        last = float(history.curves.step[rows[-1]]), sign * float(history.curves.values[rows[-1], 0])
    return None if math.isnan(until) else until, len(rows), last


def _tells_nan_from_none(values: list[Any]) -> bool:
    """Tell whether a column of floats would mix up None and NaN, which are both among its values."""
    return None in values and any(value is not None and math.isnan(value) for value in values)
