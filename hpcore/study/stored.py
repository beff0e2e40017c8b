"""Public functions that load, list and delete stored studies."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpcore.optimizer.costs import CostFunction
from hpcore.optimizer.remaining import STORED
from hpcore.samplers import Sampler
from hpcore.space.space import Space
from hpcore.study.checkpoints import check_folder, folder_of, remove_folder
from hpcore.study.study import Study

if TYPE_CHECKING:
    from hpcore.ledger.studies import StudySummary
    from hpcore.schedulers import Scheduler
    from hpcore.storage import Storage

__all__ = ["delete_study", "list_studies", "load_study", "view_study"]


def load_study(
    storage: str | os.PathLike[str] | Storage,
    name: str | None = None,
    *,
    space: Space | Mapping[str, Any] | None = None,
    sampler: str | Sampler | None = None,
    lease: float = 60.0,
    retries: int = 3,
    repeats: int | str | None = STORED,
    strategy: str | Sampler | None = None,
    prefetch: bool = False,
    scheduler: str | Scheduler | None = None,
    checkpoints: str | os.PathLike[str] | None = None,
    limits: Mapping[str, Any] | None = None,
    per_cost: bool | None = None,
    cost: CostFunction | None = None,
) -> Study:
    """Open a stored study.

    Parameters
    ----------
    storage, space, sampler, lease, retries, repeats, strategy, prefetch, scheduler, checkpoints, limits, per_cost, cost
        Storage and options of the study, see `Study`.
    name : str, optional
        Name of the study; not needed if it is the only one of the storage.

    Returns
    -------
    Study
        Study with all its trials, to read or to continue.

    Raises
    ------
    UnknownStudy
        There is no study of that name.
    InvalidArgument, InvalidType, SpaceMismatch, StorageError
        See `Study`.
    """
    from hpcore.ledger.studies import find
    from hpcore.storage import open_storage

    store = open_storage(storage, create=False)
    return Study(
        space,
        storage=store,
        name=find(store, name).name,
        sampler=sampler,
        lease=lease,
        retries=retries,
        repeats=repeats,
        strategy=strategy,
        prefetch=prefetch,
        scheduler=scheduler,
        checkpoints=checkpoints,
        limits=limits,
        per_cost=per_cost,
        cost=cost,
    )


def view_study(storage: str | os.PathLike[str] | Storage, name: str | None = None) -> Study:
    """Open a stored study to be read, without the program that made it.

    Choices that are objects are shown by their labels, and constraints are not known; nothing can be stored.

    Parameters
    ----------
    storage : str, path or Storage
        Existing storage, see `Study`.
    name : str, optional
        Name of the study; not needed if it is the only one of the storage.

    Raises
    ------
    UnknownStudy, InvalidArgument, StorageError
        There is no such study, or it cannot be read.
    """
    from hpcore.ledger.shown import shown_sampler, shown_scheduler
    from hpcore.ledger.spaces import shown_space
    from hpcore.ledger.studies import find, read_spec
    from hpcore.storage import open_storage

    store = open_storage(storage, create=False, read_only=True)
    record = find(store, name)
    spec = read_spec(record)
    return Study(
        shown_space(record.name, spec["space"]),
        storage=store,
        name=record.name,
        sampler=shown_sampler(record.name, spec["sampler"]),
        scheduler=shown_scheduler(record.name, spec.get("scheduler")),
    )


def list_studies(storage: str | os.PathLike[str] | Storage) -> list[StudySummary]:
    """List the studies of a storage.

    Parameters
    ----------
    storage : str, path or Storage
        Existing storage, see `Study`.

    Returns
    -------
    list of StudySummary
        Summaries with name, created, directions, n_trials and mode, the oldest study first.

    Raises
    ------
    InvalidArgument, StorageError
        There is no such storage, or it cannot be read.
    """
    from hpcore.ledger.studies import summaries

    return summaries(storage)


def delete_study(
    storage: str | os.PathLike[str] | Storage, name: str, *, checkpoints: str | os.PathLike[str] | None = None
) -> None:
    """Delete a study and its trials from a storage, and the checkpoints of its trials.

    Parameters
    ----------
    storage : str, path or Storage
        Existing storage, see `Study`.
    name : str
        Name of the study.
    checkpoints : path, optional
        Folder of checkpoints that was given to the study, see `Study`.

    Raises
    ------
    UnknownStudy
        There is no study of that name.
    InvalidArgument, StorageError
        There is no such storage, or it cannot be written.
    """
    from hpcore.ledger.studies import remove
    from hpcore.storage import open_storage
    from hpcore.storage.plain import check_name

    given = check_folder(checkpoints)
    check_name("name", name)
    store = open_storage(storage, create=False)
    folder = folder_of(given, store, remove(store, name))
    if folder is not None:
        remove_folder(folder)
