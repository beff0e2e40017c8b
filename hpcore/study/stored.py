"""Stored studies by their names: opened, listed and deleted."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpcore.samplers import Sampler
from hpcore.space.space import Space
from hpcore.study.study import Study

if TYPE_CHECKING:
    from hpcore.ledger.studies import StudySummary
    from hpcore.storage import Storage

__all__ = ["delete_study", "list_studies", "load_study"]


def load_study(
    storage: str | os.PathLike[str] | Storage,
    name: str | None = None,
    *,
    space: Space | Mapping[str, Any] | None = None,
    sampler: str | Sampler | None = None,
    lease: float = 60.0,
    retries: int = 3,
    repeats: int | None = None,
    strategy: str | Sampler | None = None,
    prefetch: bool = False,
) -> Study:
    """Open a stored study.

    Parameters
    ----------
    storage, space, sampler, lease, retries, repeats, strategy, prefetch
        As for `Study`.
    name : str, optional
        The study's name; may be left out if the storage holds one study only.

    Returns
    -------
    Study
        With all its trials, to be read or gone on with.

    Raises
    ------
    UnknownStudy
        There is none of that name.
    InvalidArgument, InvalidType, SpaceMismatch, StorageError
        As for `Study`.
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
    )


def list_studies(storage: str | os.PathLike[str] | Storage) -> list[StudySummary]:
    """The studies of a storage.

    Parameters
    ----------
    storage : str, path or Storage
        As for `Study`; it must exist.

    Returns
    -------
    list of StudySummary
        Oldest first, each with name, created, directions, n_trials and mode.

    Raises
    ------
    InvalidArgument, StorageError
        There is no such storage, or it cannot be read.
    """
    from hpcore.ledger.studies import summaries

    return summaries(storage)


def delete_study(storage: str | os.PathLike[str] | Storage, name: str) -> None:
    """Remove a study and its trials from a storage, for good.

    Parameters
    ----------
    storage : str, path or Storage
        As for `Study`; it must exist.
    name : str
        The study's name.

    Raises
    ------
    UnknownStudy
        There is none of that name.
    InvalidArgument, StorageError
        There is no such storage, or it cannot be written.
    """
    from hpcore.ledger.studies import remove

    remove(storage, name)
