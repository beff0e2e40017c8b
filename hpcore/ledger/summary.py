"""Contents of a stored study as plain data, for people, tables and reports; the program that wrote it is not needed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hpcore.errors import DamagedStore
from hpcore.ledger.attributes import user_attributes
from hpcore.ledger.leases import is_waiting
from hpcore.ledger.reading import read_facts, read_reports
from hpcore.ledger.spaces import shown_params
from hpcore.ledger.studies import find, read_spec
from hpcore.records.history import COMPLETE, PAUSED, RUNNING, STATES, WITHDRAWN
from hpcore.records.limits import Limits
from hpcore.records.table import Row, columns_of
from hpcore.storage import Storage
from hpcore.storage.records import TrialRecord
from hpcore.storage.transaction import Transaction

__all__ = ["WAITING", "Contents", "named", "read_contents", "row_of"]

WAITING = "waiting"
"""State shown for a trial that has neither a result nor a worker, for instance after Ctrl-C. The next worker that asks
gets it."""


@dataclass
class Contents:
    """Contents of a study as plain data; choices that are objects are shown by their stored labels.

    Attributes
    ----------
    name : str
        Name of the study.
    created : float
        Unix time of creation in seconds, UTC.
    directions : list of str
        Direction of each objective.
    sampler : str
        Name of the sampler, or its text if it has no name.
    scheduler : str or None
        The same of the scheduler; None if there is none.
    limits : Limits
        Limits of metrics.
    seed : int
        Seed of the study.
    mode : str
        Mode of all runs, see `hpcore.Study.mode`.
    note : str
        Note of the study.
    attributes : dict
        User attributes of the study.
    names : list of str
        Names of the parameters, in their order.
    trials : list of Row
        Trials by number.
    """

    name: str
    created: float
    directions: list[str]
    sampler: str
    scheduler: str | None
    limits: Limits
    seed: int
    mode: str
    note: str
    attributes: dict[str, Any]
    names: list[str]
    trials: list[Row]

    @property
    def states(self) -> dict[str, int]:
        """Number of trials by state, in descending order of the numbers."""
        return dict(Counter(trial.state for trial in self.trials).most_common())

    def best(self, n: int) -> list[Row]:
        """Return up to `n` best complete trials that keep all limits, the best first; empty if there are several
        objectives."""
        if len(self.directions) != 1:
            return []
        sign = -1.0 if self.directions[0] == "maximize" else 1.0
        complete = [
            trial
            for trial in self.trials
            if trial.state == STATES[COMPLETE] and trial.values and trial.feasible is not False
        ]
        return sorted(complete, key=lambda trial: (sign * (trial.values or [0.0])[0], trial.number))[:n]

    def columns(self) -> dict[str, list[Any]]:
        """Return the trials as columns, see `hpcore.records.table.columns_of`."""
        return columns_of(self.trials, self.names, len(self.directions))


def read_contents(store: Storage, name: str | None) -> Contents:
    """Read a study of a store by its name; without a name, the only study.

    Raises
    ------
    UnknownStudy, InvalidArgument
        There is no study of that name; or no name is given and the number of studies is not one.
    DamagedStore
        A record is damaged.
    """
    record = find(store, name)
    spec = read_spec(record)
    m, scheduler = len(spec["directions"]), spec.get("scheduler")
    limits = Limits.from_plain(spec.get("limits") or {})

    def work(t: Transaction) -> tuple[Any, ...]:
        # Reports are shown of trials that a scheduler began; others may have very many.
        reports = t.reports_after(record.id, 0) if scheduler is not None else []
        return t.trials(t.get(record.name)), t.attributes(record.id), t.now(), reports

    rows, attributes, now, reports = store.read(work)
    known: dict[int, tuple[int, tuple[float, float]]] = {}
    for number, step, values, _, _ in read_reports(reports, m, record.name, len(rows)):
        known[number] = known.get(number, (0,))[0] + 1, (step, values[0])
    return Contents(
        name=record.name,
        created=record.created,
        directions=spec["directions"],
        sampler=named(spec["sampler"]),
        scheduler=None if scheduler is None else named(scheduler),
        limits=limits,
        seed=spec["seed"],
        mode=record.mode,
        note=attributes.get("note", ""),
        attributes=user_attributes(attributes),
        names=[entry["name"] for entry in spec["space"]["parameters"]],
        trials=[
            row_of(TrialRecord(*fields), m, record.name, now, known.get(fields[1], (0, None)), limits)
            for fields in rows
        ],
    )


def named(spec: dict[str, Any]) -> str:
    """Return the name of a sampler or scheduler, or its text if it has no name."""
    name: str = spec.get("name") or spec.get("shown") or "another"
    return name


def row_of(
    record: TrialRecord, m: int, study: str, now: float, known: tuple[int, tuple[float, float] | None], limits: Limits
) -> Row:
    """Return a stored trial as a row.

    Parameters
    ----------
    record : TrialRecord
        Record of the trial.
    m : int
        Number of objectives.
    study : str
        Name of the study, for errors.
    now : float
        Time of the store.
    known : tuple
        Number of its reports, and the last one, see `Row`.
    limits : Limits
        Limits of the study.

    Raises
    ------
    DamagedStore
        The record is damaged.
    """
    values, notes = read_facts(record, m, study)
    try:
        params = shown_params(record.params)
    except ValueError as error:
        raise DamagedStore(f"trial {record.number} of study {study!r:.80} is damaged: {error}") from None
    waiting = record.state == RUNNING and is_waiting(record, now)
    feasible = None
    if limits and record.state not in (RUNNING, PAUSED, WITHDRAWN):
        feasible = record.state == COMPLETE and all(beyond <= 0.0 for beyond in limits.violations(notes.metrics))
    return Row(
        number=record.number,
        state=WAITING if waiting else STATES[record.state].value,
        values=None if values is None else list(values),
        params=params,
        std_error=record.std_error if notes.std_errors is None else notes.std_errors,
        started=record.started,
        finished=record.finished,
        user_attrs=notes.user_attrs or {},
        error=record.error,
        until=notes.until,
        reports=known[0],
        last=known[1],
        cost=record.cost,
        metrics=notes.metrics or {},
        feasible=feasible,
    )
