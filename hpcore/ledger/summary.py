"""A stored study as plain data, without the program that wrote it: for people, tables and reports."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hpcore.errors import DamagedStore
from hpcore.ledger.attributes import user_attributes
from hpcore.ledger.codec import read_facts
from hpcore.ledger.leases import is_waiting
from hpcore.ledger.opening import find, read_spec
from hpcore.ledger.spaces import shown_params
from hpcore.records.history import COMPLETE, RUNNING, STATES
from hpcore.records.table import Row, columns_of
from hpcore.storage import Storage
from hpcore.storage.records import TrialRecord

__all__ = ["WAITING", "Contents", "read_contents"]

WAITING = "waiting"
"""State in which a trial is shown that was begun and has neither a result nor a worker, for instance after Ctrl-C: the
next worker that asks is given it."""


@dataclass
class Contents:
    """A study as plain data: objects among its choices are the labels that they were stored under.

    Attributes
    ----------
    name : str
        Name of the study.
    created : float
        Unix time in seconds, UTC.
    directions : list of str
        One per objective.
    sampler : str
        Name of the sampler, or its text where it has none.
    seed : int
        Seed of the study.
    mode : str
        See `hpcore.Study.mode`.
    note : str
        Note of the study.
    attributes : dict
        User attributes of the study.
    names : list of str
        Parameters, in their order.
    trials : list of Row
        Trials by number.
    """

    name: str
    created: float
    directions: list[str]
    sampler: str
    seed: int
    mode: str
    note: str
    attributes: dict[str, Any]
    names: list[str]
    trials: list[Row]

    @property
    def states(self) -> dict[str, int]:
        """Number of trials by state, the most frequent first."""
        return dict(Counter(trial.state for trial in self.trials).most_common())

    def best(self, n: int) -> list[Row]:
        """Find the best complete trials, of one objective."""
        if len(self.directions) != 1:
            return []
        sign = -1.0 if self.directions[0] == "maximize" else 1.0
        complete = [trial for trial in self.trials if trial.state == STATES[COMPLETE] and trial.values]
        return sorted(complete, key=lambda trial: (sign * (trial.values or [0.0])[0], trial.number))[:n]

    def columns(self) -> dict[str, list[Any]]:
        """Give the trials as columns, see `hpcore.records.table.columns_of`."""
        return columns_of(self.trials, self.names, len(self.directions))


def read_contents(store: Storage, name: str | None) -> Contents:
    """Read a study of a store, the only one if there is no name.

    Raises
    ------
    UnknownStudy, InvalidArgument
        There is none of that name; no name, and not just one study.
    DamagedStore
        A record is not what was written.
    """
    record = find(store, name)
    spec = read_spec(record)
    rows, attributes, now = store.read(lambda t: (t.trials(t.get(record.name)), t.attributes(record.id), t.now()))
    m = len(spec["directions"])
    return Contents(
        name=record.name,
        created=record.created,
        directions=spec["directions"],
        sampler=spec["sampler"].get("name") or spec["sampler"].get("shown") or "another",
        seed=spec["seed"],
        mode=record.mode,
        note=attributes.get("note", ""),
        attributes=user_attributes(attributes),
        names=[entry["name"] for entry in spec["space"]["parameters"]],
        trials=[_row(TrialRecord(*fields), m, record.name, now) for fields in rows],
    )


def _row(record: TrialRecord, m: int, study: str, now: float) -> Row:
    values, notes = read_facts(record, m, study)
    try:
        params = shown_params(record.params)
    except ValueError as error:
        raise DamagedStore(f"trial {record.number} of study {study!r:.80} is damaged: {error}") from None
    waiting = record.state == RUNNING and is_waiting(record, now)
    return Row(
        number=record.number,
        state=WAITING if waiting else STATES[record.state].value,
        values=None if values is None else list(values),
        params=params,
        std_error=record.std_error,
        started=record.started,
        finished=record.finished,
        user_attrs=notes.user_attrs or {},
        error=record.error,
    )
