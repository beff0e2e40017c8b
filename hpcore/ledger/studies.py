"""Records of studies in a store: create, find, list and delete them, and open their trial logs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from hpcore.errors import DamagedStore, HpcoreError, InvalidArgument, InvalidType
from hpcore.ledger.shapes import spec_from
from hpcore.ledger.spaces import (
    check_same,
    sampler_from_spec,
    sampler_to_spec,
    scheduler_from_spec,
    scheduler_to_spec,
    space_from_spec,
    space_to_spec,
)
from hpcore.ledger.stored_trial_log import StoredTrialLog
from hpcore.optimizer import Optimizer
from hpcore.optimizer.costs import CostFunction, read_costs
from hpcore.optimizer.objectives import check_directions
from hpcore.optimizer.prefetch import check_prefetch
from hpcore.optimizer.remaining import STORED, check_repeats
from hpcore.records.limits import Limits
from hpcore.samplers import Sampler, resolve
from hpcore.schedulers import Scheduler
from hpcore.schedulers import resolve as resolve_scheduler
from hpcore.space.space import Space
from hpcore.storage.opening import open_storage
from hpcore.storage.plain import check_name
from hpcore.storage.records import StudyRecord

if TYPE_CHECKING:
    from hpcore.storage.sql import Storage
    from hpcore.storage.transaction import Transaction

__all__ = ["StudySummary", "find", "open_stored_log", "read_spec", "remove", "summaries"]


@dataclass(frozen=True)
class StudySummary:
    """Summary of a stored study.

    Attributes
    ----------
    name : str
        Name of the study, unique in its store.
    created : datetime
        Time of creation, UTC.
    directions : tuple of str
        Direction of each objective.
    n_trials : int
        Number of trials, running ones included.
    mode : str
        Mode of all runs, see `hpcore.Study.mode`.
    """

    name: str
    created: datetime
    directions: tuple[str, ...]
    n_trials: int
    mode: str


def open_stored_log(
    space: Space | Mapping[str, Any] | None,
    storage: str | os.PathLike[str] | Storage,
    name: str | None,
    direction: str | None,
    directions: Sequence[str] | None,
    sampler: str | Sampler | None,
    seed: int | None,
    lease: float,
    retries: int,
    repeats: int | str | None = STORED,
    prefetch: bool | str = False,
    scheduler: str | Scheduler | None = None,
    limits: Mapping[str, Any] | None = None,
    per_cost: bool | None = None,
    cost: CostFunction | None = None,
) -> StoredTrialLog:
    """Open the trial log of a stored study, which is created if there is none of that name.

    For the arguments see `hpcore.Study`. Another sampler, scheduler or number of repeats replaces the stored one.

    Raises
    ------
    InvalidArgument, InvalidType, SpaceMismatch, StorageError
        See `hpcore.Study`.
    """
    if prefetch == "delayed":
        raise InvalidArgument(
            "prefetch must be True or False for a stored study, got 'delayed': its proposals follow from what is "
            "stored, so that it goes on after a kill as if nothing had been, and a delayed one does not"
        )
    if name is None:
        raise InvalidArgument("name must be given with storage=: the same storage and name continue an earlier study")
    wanted = check_name("name", name)
    often = 1 if repeats == STORED else check_repeats(repeats)
    ways = check_directions(direction, directions) if direction is not None or directions is not None else None
    given = None if space is None else Space.of(space)
    chosen = None if sampler is None else resolve(sampler)
    schedules = resolve_scheduler(scheduler)
    bounds = None if limits is None else Limits(limits)
    store = open_storage(storage)
    record = store.read(lambda transaction: transaction.find(wanted))
    if record is None:
        if given is None:
            raise InvalidType("space must be given for a new study, got None")
        # All arguments are checked before the study is stored.
        wanted_ways = ways or ("minimize",)
        new = Optimizer(
            given,
            chosen or "gp",
            None,
            wanted_ways,
            seed,
            prefetch,
            repeats=often,
            scheduler=schedules,
            limits=bounds,
            per_cost=per_cost,
            cost=cost,
        )
        spec = _spec_of(new)
        record = store.write(lambda transaction: transaction.create(wanted, spec))
    spec_data = read_spec(record)
    if given is not None:
        given = check_same(record.name, spec_data["space"], given)
    else:
        given = space_from_spec(record.name, spec_data["space"])
    kept_limits = Limits.from_plain(spec_data.get("limits") or {})
    _check_fits(record, spec_data, ways, seed)
    if bounds is not None and bounds != kept_limits:
        raise InvalidArgument(
            f"limits must be those of study {record.name!r}, {kept_limits!r}, or be left out, got {bounds!r}"
        )
    if chosen is None:
        chosen = sampler_from_spec(record.name, spec_data["sampler"])
    elif not store.read_only and sampler_to_spec(chosen) != spec_data["sampler"]:
        record = _change_spec(store, record, sampler=sampler_to_spec(chosen))
    kept_scheduler = spec_data.get("scheduler")
    if schedules is None:
        schedules = None if kept_scheduler is None else scheduler_from_spec(record.name, kept_scheduler)
        check_prefetch(prefetch, schedules)
    else:
        # Before anything is stored: it may not fit the study.
        schedules.bind(given.columns, tuple(spec_data["directions"]), spec_data["seed"])
        check_prefetch(prefetch, schedules)
        if not store.read_only and scheduler_to_spec(schedules) != kept_scheduler:
            record = _change_spec(store, record, scheduler=scheduler_to_spec(schedules))
    kept = spec_data.get("repeats", 1)
    if repeats == STORED:
        often = kept
    elif not store.read_only and often != kept:
        record = _change_spec(store, record, repeats=often)
    try:
        optimizer = Optimizer(
            given,
            chosen,
            None,
            spec_data["directions"],
            spec_data["seed"],
            prefetch,
            repeats=often,
            scheduler=schedules,
            limits=kept_limits,
        )
    except HpcoreError as error:
        raise DamagedStore(f"the record of study {record.name!r} is damaged: {error}") from error
    optimizer.use_costs(read_costs(given, per_cost, cost, optimizer.seed))
    return StoredTrialLog(optimizer, store, record, lease, retries)


def find(store: Storage, name: str | None) -> StudyRecord:
    """Find a study by its name; without a name, the only study of the store.

    Raises
    ------
    UnknownStudy, InvalidArgument
        There is no study of that name; or no name is given and the number of studies is not one.
    """
    if name is not None:
        wanted = check_name("name", name)
        return store.read(lambda transaction: transaction.get(wanted))
    found = store.read(lambda transaction: transaction.studies())
    if len(found) != 1:
        shown = ", ".join(f"{record.name!r:.60}" for record in found[:5]) or "none"
        raise InvalidArgument(f"name must say which study of {store.shown} is meant; it has {len(found)}: {shown}")
    return found[0]


def _spec_of(optimizer: Optimizer) -> str:
    spec: dict[str, Any] = {
        "space": space_to_spec(optimizer.space),
        "directions": list(optimizer.directions),
        "seed": optimizer.seed,
        "sampler": sampler_to_spec(optimizer.sampler),
    }
    if optimizer.repeats != 1:  # left out if it is the default, as in older stores
        spec["repeats"] = optimizer.repeats
    if optimizer.limits:
        spec["limits"] = optimizer.limits.to_plain()
    if optimizer.scheduler is not None:
        spec["scheduler"] = scheduler_to_spec(optimizer.scheduler)
    return json.dumps(spec, allow_nan=False)


def read_spec(record: StudyRecord) -> dict[str, Any]:
    """Read space, directions, seed, limits, sampler and scheduler of a study from its record.

    Raises
    ------
    DamagedStore
        The record is damaged.
    """
    try:
        return spec_from(record.spec)
    except ValueError as error:
        raise DamagedStore(f"the record of study {record.name!r:.80} is damaged: {error}") from None


def _check_fits(record: StudyRecord, spec: dict[str, Any], ways: tuple[str, ...] | None, seed: int | None) -> None:
    if ways is not None and list(ways) != spec["directions"]:
        raise InvalidArgument(
            f"direction must be that of study {record.name!r}, {spec['directions']!r}, got {list(ways)!r}"
        )
    if seed is not None and seed != spec["seed"]:
        raise InvalidArgument(
            f"seed must be that of study {record.name!r}, {spec['seed']}, or be left out, got {seed!r}"
        )


def _change_spec(store: Storage, record: StudyRecord, **fields: Any) -> StudyRecord:
    def work(transaction: Any) -> StudyRecord:
        now: StudyRecord = transaction.current(record.id, lock=True)
        now = replace(now, spec=json.dumps({**read_spec(now), **fields}, allow_nan=False))
        transaction.change(now)
        return now

    return store.write(work)


def summaries(storage: str | os.PathLike[str] | Storage) -> list[StudySummary]:
    """See `hpcore.list_studies`."""
    store = open_storage(storage, create=False, read_only=True)
    return [
        StudySummary(
            record.name,
            datetime.fromtimestamp(record.created, timezone.utc),
            tuple(read_spec(record)["directions"]),
            record.n_trials,
            record.mode,
        )
        for record in store.read(lambda transaction: transaction.studies())
    ]


def remove(store: Storage, name: str) -> StudyRecord:
    """Delete a study, and return its record; see `hpcore.delete_study`."""

    def work(transaction: Transaction) -> StudyRecord:
        record = transaction.get(name)
        transaction.delete(record.id)
        return record

    return store.write(work)
