"""A study as a table."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from hpcore.errors import MissingDependency

if TYPE_CHECKING:
    from hpcore.study.study import Study

__all__ = ["columns_of", "to_frame"]


def columns_of(study: Study) -> dict[str, list[Any]]:
    """The table's columns by name: one row a trial, None where there is nothing."""
    trials = list(study.trials)
    m = len(study.optimizer.directions)
    columns: dict[str, list[Any]] = {"number": [t.number for t in trials], "state": [str(t.state) for t in trials]}
    for i in range(m):
        columns["value" if m == 1 else f"value_{i}"] = [t.values[i] if t.values else None for t in trials]
    for name in study.space:
        columns[f"param_{name}"] = [t.params.get(name) for t in trials]
    columns["started"] = [_utc(t.started) for t in trials]
    columns["finished"] = [_utc(t.finished) for t in trials]
    columns["seconds"] = [None if t.started is None or t.finished is None else t.finished - t.started for t in trials]
    attributes = [t.extras[0] or {} for t in trials]
    for name in dict.fromkeys(name for held in attributes for name in held):
        columns[f"attr_{name}"] = [held.get(name) for held in attributes]
    columns["error"] = [t.error for t in trials]
    return columns


def _utc(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)


def to_frame(study: Study) -> Any:
    """See `Study.to_frame`."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MissingDependency("to_frame needs pandas: pip install pandas") from error
    columns = columns_of(study)
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
    for name in frame:
        if name == "state" or name == "error" or name.startswith("attr_"):
            continue
        if name in ("started", "finished"):
            frame[name] = pd.to_datetime(frame[name], utc=True)
        elif name.startswith("value") or name == "seconds":
            frame[name] = frame[name].astype(float)
        elif name.startswith("param_"):
            kinds = {type(value) for value in columns[name]}
            if kinds in ({int}, {bool}):
                frame[name] = frame[name].astype(kinds.pop())
            elif kinds and kinds <= {float, type(None)}:
                frame[name] = frame[name].astype(float)
        else:
            frame[name] = frame[name].astype(int)
    return frame
