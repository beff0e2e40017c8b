"""Trials as a table."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, NamedTuple

from hpcore.errors import MissingDependency

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hpcore.optimizer import Optimizer

__all__ = ["Row", "columns_of", "to_frame"]


class Row(NamedTuple):
    """A trial as a row of the table."""

    number: int
    state: str
    values: Sequence[float] | None
    params: Mapping[str, Any]
    std_error: float | None
    started: float | None
    finished: float | None
    user_attrs: Mapping[str, Any]
    error: str | None


def columns_of(rows: Sequence[Row], names: Iterable[str], m: int) -> dict[str, list[Any]]:
    """The table's columns by name: one row a trial, None where there is nothing.

    Parameters
    ----------
    rows : sequence of Row
        The trials.
    names : iterable of str
        Parameters, in their order.
    m : int
        Number of objectives.
    """
    columns: dict[str, list[Any]] = {"number": [r.number for r in rows], "state": [r.state for r in rows]}
    for i in range(m):
        columns["value" if m == 1 else f"value_{i}"] = [r.values[i] if r.values else None for r in rows]
    if any(r.std_error is not None for r in rows):
        columns["std_error"] = [r.std_error for r in rows]
    for name in names:
        columns[f"param_{name}"] = [r.params.get(name) for r in rows]
    columns["started"] = [_utc(r.started) for r in rows]
    columns["finished"] = [_utc(r.finished) for r in rows]
    columns["seconds"] = [None if r.started is None or r.finished is None else r.finished - r.started for r in rows]
    for name in dict.fromkeys(name for r in rows for name in r.user_attrs):
        columns[f"attr_{name}"] = [r.user_attrs.get(name) for r in rows]
    columns["error"] = [r.error for r in rows]
    return columns


def _utc(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def to_frame(optimizer: Optimizer) -> Any:
    """The trials of an optimizer as a table; see `Study.to_frame`."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependency("to_frame needs pandas: pip install pandas") from error
    std_error = optimizer.history.std_error
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
        )
        for trial in list(optimizer.trials)
    ]
    columns = columns_of(rows, optimizer.space, len(optimizer.directions))
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    for name in frame:
        if name == "state" or name == "error" or name.startswith("attr_"):
            continue
        if name in ("started", "finished"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif name.startswith("value") or name in ("seconds", "std_error"):
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


def _tells_nan_from_none(values: list[Any]) -> bool:
    """Tell whether a column of floats would mix up None and NaN, which are both among its values."""
    return None in values and any(value is not None and math.isnan(value) for value in values)
