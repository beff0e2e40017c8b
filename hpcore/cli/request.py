"""Options of ``hpcore tune``, and their stored form, by which ``hpcore resume`` repeats the command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcore.cli.directory import owner_of
from hpcore.cli.fidelity import check_scheduler
from hpcore.errors import DamagedStore, InvalidArgument, closest

if TYPE_CHECKING:
    from hpcore.tables.presets import Task

__all__ = ["REQUEST", "Request", "check_request", "read_request", "to_plain"]

REQUEST = "hpcore tune"  # attribute of a study with the options of its command
OF_THE_OUTPUT = ("out", "as_json", "debug", "overwrite")  # options that are not stored
LISTS = ("models", "drop")


@dataclass(frozen=True)
class Request:
    """Options of the command as they were given."""

    data: str
    target: str | None
    task: Task | None
    models: tuple[str, ...]
    sampler: str
    trials: int | None
    timeout: float | None
    cv: int | None
    scoring: str | None
    jobs: int
    seed: int
    out: str | None
    as_json: bool
    debug: bool
    encoding: str | None = None
    scheduler: str | None = None
    resource: str | None = None
    drop: tuple[str, ...] = ()
    positive: str | None = None
    racing: bool = False
    fit_timeout: float | None = None
    time: float | None = None
    overwrite: bool = False
    ensemble: bool = False

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return 5 if self.cv is None else self.cv

    @property
    def model(self) -> str | None:
        """Name of the model, of a search of one; None if it was not given."""
        return self.models[0] if self.models else None


def check_request(request: Request) -> None:
    """Check options as far as they do not depend on the data.

    Raises
    ------
    InvalidArgument
        There is no such sampler or scheduler, or options exclude each other.
    """
    from hpcore import samplers

    if request.sampler not in samplers.names():
        raise InvalidArgument(
            f"--sampler must be one of {', '.join(samplers.names())}, got {request.sampler!r}"
            f"{closest(request.sampler, samplers.names())}"
        )
    check_scheduler(request.scheduler, request.resource)
    if request.time is not None and request.timeout is not None:
        raise InvalidArgument(
            f"--time {request.time:g} and --timeout {request.timeout:g} exclude each other: --time limits the whole "
            f"command, and --timeout the search alone"
        )


def to_plain(request: Request) -> dict[str, Any]:
    """Return the options that belong to a search, with an absolute path of its data, as plain data."""
    data = Path(request.data).expanduser()
    kept = {**asdict(request), "data": str(data.absolute()) if data.exists() else request.data}
    return {name: list(kept[name]) if name in LISTS else kept[name] for name in kept if name not in OF_THE_OUTPUT}


def read_request(path: Path, study: str | None, changes: Mapping[str, Any]) -> tuple[str, Request]:
    """Read the options of a study.

    Parameters
    ----------
    path : Path
        Path of the store.
    study : str or None
        Name of the study; None for the one that the files beside the store belong to, or else the only one.
    changes : mapping
        Options that replace the stored ones.

    Returns
    -------
    name : str
        Name of the study.
    request : Request
        Options of its command.

    Raises
    ------
    InvalidArgument
        The study is not one of ``hpcore tune``.
    DamagedStore
        The stored options are damaged.
    """
    from hpcore.ledger.attributes import user_attributes
    from hpcore.ledger.studies import find, summaries
    from hpcore.storage import open_storage

    kept = open_storage(path, create=False, read_only=True)
    if study is None:
        owner = owner_of(path.parent)
        study = owner if owner in [summary.name for summary in summaries(kept)] else None
    record = find(kept, study)
    stored = user_attributes(kept.read(lambda t: t.attributes(record.id))).get(REQUEST)
    kept.close()
    if stored is None:
        raise InvalidArgument(
            f"study {record.name!r} was not created by hpcore tune: continue it from the program that created it"
        )
    try:
        options = dict(stored)
        if "model" in options:  # as earlier versions stored it
            model = options.pop("model")
            options["models"] = [] if model is None else [model]
        if not options.keys() <= {field.name for field in fields(Request)}:
            raise ValueError("not the options of hpcore tune")
        options.update({name: tuple(map(str, options.get(name, ()))) for name in LISTS})
        request = Request(**{"out": str(path.parent), "as_json": False, "debug": False, **options, **changes})
        if not isinstance(request.data, str):
            raise ValueError("not the options of hpcore tune")
    except (TypeError, ValueError, AttributeError) as error:
        raise DamagedStore(f"the stored options of study {record.name!r} are damaged: {error}") from None
    return record.name, request
