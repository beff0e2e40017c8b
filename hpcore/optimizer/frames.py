"""Tables of results as rows for `Optimizer.add_many`: the space restores types that a file does not keep."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, NamedTuple

from hpcore.arguments import shown
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.optimizer.cells import EMPTY, reader_of
from hpcore.optimizer.known import Known, read_known
from hpcore.records.outcome import Outcome
from hpcore.space.reading import is_missing, without_missing
from hpcore.space.space import Space

__all__ = ["ColumnsChosen", "read_frame", "rows_of"]

log = logging.getLogger("hpcore")

UNFINISHED = ("running", "waiting", "paused")
STATES = (*UNFINISHED, "complete", "pruned", "failed")


class ColumnsChosen(NamedTuple):
    """Arguments of `Optimizer.add_frame` that name columns; see there."""

    value: str | Sequence[str] | None = None
    params: Mapping[str, str] | None = None
    std_error: str | None = None
    metrics: Mapping[str, str] | Sequence[str] = ()
    cost: str | None = None
    user_attrs: Sequence[str] = ()


def read_frame(frame: Any, space: Space, outcome: Callable[..., Outcome], m: int, chosen: ColumnsChosen) -> Known:
    """Read and check the results of a table for a space and `m` objectives; see `Optimizer.add_frame`."""
    positions, rows = rows_of(frame, space, m, chosen)
    return read_known(space, outcome, rows, positions)


def rows_of(frame: Any, space: Space, m: int, chosen: ColumnsChosen) -> tuple[list[int], list[dict[str, Any]]]:
    """Return positions and rows of the trials of a table that have ended; see `Optimizer.add_frame`.

    Raises
    ------
    InvalidArgument, InvalidType
        A column is missing, unknown or duplicate, or a cell cannot be read.
    """
    table = _Table(frame)
    # A table that `to_frame` wrote has known names of columns.
    written = any(f"param_{name}" in table for name in space)
    columns = {
        name: table.cells(column) for name, column in _param_columns(table, space, chosen.params, written).items()
    }
    readers = {name: reader_of(name, space[name], cells) for name, cells in columns.items()}
    values = [table.cells(column) for column in _value_columns(table, space, m, chosen.value, written)]
    facts = {name: table.cells(name) for name in ("state", "error", "started", "finished") if written and name in table}
    kept = {name: table.cells(column) for name, column in _attribute_columns(table, chosen.user_attrs, written).items()}
    metrics = {name: table.cells(column) for name, column in _metric_columns(table, chosen.metrics, written).items()}
    errors = [table.cells(column) for column in _error_columns(table, m, chosen.std_error, written)]
    cost = "cost" if chosen.cost is None and written and "cost" in table else chosen.cost
    costs = None if cost is None else table.cells(table.check("cost", cost))

    def row_at(i: int) -> dict[str, Any] | None:
        fact = {name: None if _is_empty(cells[i]) else cells[i] for name, cells in facts.items()}
        state = _state(fact.get("state"))
        if state in UNFINISHED:
            return None
        result = [_number("value", cells[i]) for cells in values]
        complete = None not in result if state is None else state == "complete"
        if complete and None in result:
            raise InvalidArgument("value must be a number where the state is 'complete', got an empty cell")
        given = {name: reader.read(columns[name][i]) for name, reader in readers.items()}
        row: dict[str, Any] = {
            "params": without_missing(space, given, lambda name, cell: readers[name].for_missing(cell)),
            "value": (result if m > 1 else result[0]) if complete else None,
            "user_attrs": {name: _plain(cells[i]) for name, cells in kept.items() if not is_missing(cells[i])},
        }
        if state == "pruned":
            row["state"] = state
            if None not in result:
                row["value"] = result if m > 1 else result[0]
        elif not complete and (state is not None or fact.get("error") is not None):
            row["error"] = str(fact.get("error") or f"{state}, the table does not say why")
        known = [_number("std_error", cells[i]) for cells in errors]
        if known and known[0] is not None:
            row["std_error"] = known[0] if None in known or len(known) < m else known
        if costs is not None:
            row["cost"] = _number("cost", costs[i])
        measured = {name: _number(f"metrics[{name!r}]", cells[i]) for name, cells in metrics.items()}
        row["metrics"] = {name: number for name, number in measured.items() if number is not None} or None
        for name in ("started", "finished"):
            if fact.get(name) is not None:
                row[name] = _seconds(name, fact[name])
        return row

    positions, rows = [], []
    for i in range(len(table)):
        try:
            row = row_at(i)
        except (InvalidArgument, InvalidType) as wrong:
            kind = InvalidType if isinstance(wrong, InvalidType) else InvalidArgument
            raise kind(f"row {i}: {wrong}") from None
        if row is not None:
            positions.append(i)
            rows.append(row)
    if len(rows) < len(table):
        n = len(table) - len(rows)
        log.warning("%d of %d rows are trials that were still running or paused; they are left out", n, len(table))
    return positions, rows


# --- which columns ----------------------------------------------------------------------------------------------------


class _Table:
    """Data frame with access by the names of its columns."""

    def __init__(self, frame: Any) -> None:
        if not hasattr(frame, "iloc") and hasattr(frame, "to_pandas"):  # Polars and Arrow tables
            frame = frame.to_pandas()
        if not hasattr(frame, "columns") or not hasattr(frame, "iloc"):
            raise InvalidType(f"frame must be a pandas.DataFrame, got {shown(frame):.200}")
        self._frame = frame
        self.names = list(frame.columns)

    def __len__(self) -> int:
        return len(self._frame)

    def __contains__(self, name: str) -> bool:
        return name in self.names

    def check(self, argument: str, name: Any) -> str:
        """Check that a name is that of exactly one column, and return it."""
        n = self.names.count(name) if isinstance(name, str) else 0
        if n != 1:
            what = "a column that is there once" if n else "a column of the table"
            raise InvalidArgument(f"{argument} must name {what} ({self.shown()}), got {name!r}")
        return str(name)

    def cells(self, name: str) -> list[Any]:
        """Return a column as Python objects."""
        cells: list[Any] = self._frame[self.check("a column", name)].tolist()
        return cells

    def shown(self) -> str:
        """Return some of the names, for messages."""
        some = ", ".join(f"{name!r:.60}" for name in self.names[:20])
        return f"it has {some or 'no columns'}{', ...' if len(self.names) > 20 else ''}"


def _param_columns(table: _Table, space: Space, params: Mapping[str, str] | None, written: bool) -> dict[str, str]:
    """Return the column of each parameter; a conditional parameter may have none, if it is active in no row."""
    given = {} if params is None else params
    if not isinstance(given, Mapping):
        raise InvalidType(f"params must be a mapping of parameters to columns, got {params!r}")
    for name, column in given.items():
        if name not in space:
            raise InvalidArgument(f"params must name parameters of the space ({_some(space)}), got {name!r}")
        table.check(f"params[{name!r}]", column)
    prefix = "param_"
    taken = set(given.values())
    unknown = [
        name
        for name in table.names
        if isinstance(name, str)
        and name.startswith(prefix)
        and name[len(prefix) :] not in space
        and name not in space
        and name not in taken
    ]
    if unknown:
        raise InvalidArgument(
            f"frame must have param_NAME columns of the space's own parameters ({_some(space)}) only, "
            f"got {', '.join(map(repr, unknown[:5]))}"
        )
    columns = {name: given.get(name, prefix + name if written else name) for name in space}
    missing = [name for name, column in columns.items() if column not in table]
    wanted = [name for name in missing if not space[name].when]
    if wanted:
        raise InvalidArgument(
            f"frame must have a column for each parameter: {columns[wanted[0]]!r} for {wanted[0]!r} is missing "
            f"({table.shown()}); params={{{wanted[0]!r}: COLUMN}} names another one"
        )
    return {name: column for name, column in columns.items() if name not in missing}


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return ", ".join(map(repr, listed[:12])) + (", ..." if len(listed) > 12 else "")


def _value_columns(table: _Table, space: Space, m: int, value: str | Sequence[str] | None, written: bool) -> list[str]:
    if value is None:
        names = ["value"] if m == 1 else [f"value_{i}" for i in range(m)]
        clash = [name for name in names if not written and name in space]
        if clash:
            raise InvalidArgument(f"value must name the column of the results, as {clash[0]!r} is a parameter")
    elif isinstance(value, str):
        names = [value]
    elif isinstance(value, Sequence):
        names = list(value)
    else:
        raise InvalidType(f"value must be the name of a column or a list of names, got {value!r}")
    if len(names) != m:
        raise InvalidArgument(f"value must name one column per objective ({m}), got {value!r}")
    return [table.check("value", name) for name in names]


def _attribute_columns(table: _Table, user_attrs: Sequence[str], written: bool) -> dict[str, str]:
    if isinstance(user_attrs, str) or not isinstance(user_attrs, Sequence):
        raise InvalidType(f"user_attrs must be a list of columns, got {user_attrs!r}")
    prefix = "attr_"
    names = [name for name in table.names if written and isinstance(name, str) and name.startswith(prefix)]
    return {
        **{name[len(prefix) :]: name for name in names},
        **{name: table.check("user_attrs", name) for name in user_attrs},
    }


def _metric_columns(table: _Table, metrics: Mapping[str, str] | Sequence[str], written: bool) -> dict[str, str]:
    if isinstance(metrics, str) or not isinstance(metrics, Mapping | Sequence):
        raise InvalidType(f"metrics must be a list of columns, or a mapping of metrics to columns, got {metrics!r}")
    chosen = dict(metrics) if isinstance(metrics, Mapping) else {name: name for name in metrics}
    prefix = "metric_"
    names = [name for name in table.names if written and isinstance(name, str) and name.startswith(prefix)]
    return {
        **{name[len(prefix) :]: name for name in names},
        **{name: table.check("metrics", column) for name, column in chosen.items()},
    }


def _error_columns(table: _Table, m: int, std_error: str | None, written: bool) -> list[str]:
    if std_error is not None:
        return [table.check("std_error", std_error)]
    names = ["std_error", *(f"std_error_{i}" for i in range(1, m))]
    return [name for name in names if written and name in table]


# --- other cells ------------------------------------------------------------------------------------------------------


def _is_empty(cell: Any) -> bool:
    return is_missing(cell) or (isinstance(cell, str) and cell in EMPTY)


def _state(cell: Any) -> str | None:
    if cell is None:
        return None
    state = str(cell).strip().lower()
    if state not in STATES:
        raise InvalidArgument(f"state must be one of {', '.join(STATES)}, got {cell!r:.80}")
    return state


def _number(name: str, cell: Any) -> float | None:
    """Read a number, also as text; None for an empty cell."""
    if _is_empty(cell):
        return None
    try:
        return float(cell)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        raise InvalidArgument(f"{name} must be a number, got {shown(cell):.80}") from None


def _seconds(name: str, cell: Any) -> float:
    """Return a unix time in seconds from a date, its ISO 8601 text, or a number of s, ms, us or ns."""
    if isinstance(cell, str):
        try:
            cell = datetime.fromisoformat(cell.strip().replace("Z", "+00:00"))
        except ValueError:
            raise InvalidArgument(f"{name} must be a date and time in the form of ISO 8601, got {cell!r:.80}") from None
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo is not None else cell.replace(tzinfo=timezone.utc)).timestamp()
    number = _number(name, cell)
    assert number is not None
    for _ in range(3):
        # A unix time in seconds exceeds this from the year 5138 on.
        number = number / 1e3 if abs(number) > 1e11 else number
    return number


def _plain(cell: Any) -> Any:
    return cell.tolist() if hasattr(cell, "dtype") and hasattr(cell, "tolist") else cell
