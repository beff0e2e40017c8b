"""Names and order of the columns of a table of trials."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any, NamedTuple

__all__ = ["Row", "columns_of"]


class Row(NamedTuple):
    """Trial as a row of a table.

    Attributes
    ----------
    number : int
        Number of the trial.
    state : str
        Name of its state.
    values : sequence of float, or None
        One value per objective in the user's own sign; empty or None if there are none.
    params : mapping
        Active parameters.
    std_error : float, tuple of float, or None
        Standard error of the first value, or of each of several.
    started, finished : float or None
        Unix times.
    user_attrs : mapping
        User attributes.
    error : str or None
        Reason of a failure.
    until : float or None
        Resource that the last job goes to, if a scheduler began it.
    reports : int
        Number of reports.
    last : tuple of float, or None
        Step of the last report, and the value of the first objective there, in the user's own sign.
    cost : float or None
        Cost of the evaluation.
    metrics : mapping of str to float
        Further measurements.
    feasible : bool or None
        True if the trial is known to keep all limits; None without limits, or before its end.
    """

    number: int
    state: str
    values: Sequence[float] | None
    params: Mapping[str, Any]
    std_error: float | tuple[float, ...] | None
    started: float | None
    finished: float | None
    user_attrs: Mapping[str, Any]
    error: str | None
    until: float | None = None
    reports: int = 0
    last: tuple[float, float] | None = None
    cost: float | None = None
    metrics: Mapping[str, float] = MappingProxyType({})
    feasible: bool | None = None


def columns_of(rows: Sequence[Row], names: Iterable[str], m: int) -> dict[str, list[Any]]:
    """Return the columns of a table by name, with one entry per trial, None for a missing one.

    Resources and reports have columns if a scheduler began any of the trials; costs, metrics and feasibility, if any
    trial has them.

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
    errors = [r.std_error if isinstance(r.std_error, tuple) else (r.std_error,) for r in rows]
    for i in range(m):
        column = [known[i] if i < len(known) else None for known in errors]
        if any(error is not None for error in column):
            columns["std_error" if i == 0 else f"std_error_{i}"] = column
    if any(r.feasible is not None for r in rows):
        columns["feasible"] = [r.feasible for r in rows]
    for name in names:
        columns[f"param_{name}"] = [r.params.get(name) for r in rows]
    if any(r.until is not None for r in rows):
        columns["until"] = [r.until for r in rows]
        columns["reports"] = [r.reports for r in rows]
        columns["last_step"] = [None if r.last is None else r.last[0] for r in rows]
        columns["last_value"] = [None if r.last is None else r.last[1] for r in rows]
    columns["started"] = [_utc(r.started) for r in rows]
    columns["finished"] = [_utc(r.finished) for r in rows]
    columns["seconds"] = [None if r.started is None or r.finished is None else r.finished - r.started for r in rows]
    if any(r.cost is not None for r in rows):
        columns["cost"] = [r.cost for r in rows]
    for name in dict.fromkeys(name for r in rows for name in r.metrics):
        columns[f"metric_{name}"] = [r.metrics.get(name) for r in rows]
    for name in dict.fromkeys(name for r in rows for name in r.user_attrs):
        columns[f"attr_{name}"] = [r.user_attrs.get(name) for r in rows]
    columns["error"] = [r.error for r in rows]
    return columns


def _utc(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc)
