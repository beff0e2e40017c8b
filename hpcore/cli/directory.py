"""Directory of the results of a command: it remembers which study its files belong to, and keeps them from others."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import click

from hpcore.cli.files import MODEL, PARAMS, STORE, TRIALS, prepare_directory, replace_file, to_json
from hpcore.errors import HpcoreError, InvalidArgument

__all__ = ["OWNER", "claim", "held", "owner_of", "release"]

OWNER = "study.json"
UNKNOWN = ""  # owner of files that do not say it
RESULTS = (TRIALS, PARAMS, MODEL)


def claim(out: str | None, default: str, study: str, overwrite: bool = False) -> Path:
    """Choose the directory of a study's results, create it, and note in it that its files belong to the study.

    Parameters
    ----------
    out : str or None
        Directory that the user gave.
    default : str
        Directory if the user gave none. If its files belong to another study, the one that belongs to this study, or
        else the next free one, of ``default-2``, ``default-3``, ... is taken, with a note.
    study : str
        Name of the study, the same for the same search.
    overwrite : bool
        True to take a directory that belongs to another study.

    Raises
    ------
    InvalidArgument
        The directory that the user gave belongs to another study, or cannot be created or written.
    """
    if out is not None or overwrite:
        path = prepare_directory(default if out is None else out)
        if not (_take(path, study) or overwrite):
            raise InvalidArgument(
                f"--out {out} holds the files of {_named(owner_of(path))}, and this is {study!r}: take another "
                f"directory, such as --out {_free(str(out), study)}, or replace the files with --overwrite"
            )
        _write(path, study)
        return path
    while True:
        path = prepare_directory(_own(default, study) or _free(default, study))
        if _take(path, study):  # unless another process was faster
            break
    first = Path(default)
    if path != first and owner_of(first) != study:
        click.echo(f"note: {default} holds the files of {_named(owner_of(first))}: these go to {path}", err=True)
    return path


def release(path: Path, study: str) -> None:
    """Leave a directory without results to others."""
    if not _has_results(path) and owner_of(path) == study:
        (path / OWNER).unlink(missing_ok=True)


@contextmanager
def held(path: Path, study: str) -> Iterator[None]:
    """Leave the directory of a search to others if the search ends without anything to go on with.

    That is so if every trial failed, or if it was interrupted before its store was made.
    """
    try:
        yield
    except click.ClickException:
        release(path, study)
        raise
    except KeyboardInterrupt:
        if not (path / STORE).exists():
            release(path, study)
        raise


def owner_of(path: Path) -> str | None:
    """Return the name of the study that the files of a directory belong to.

    A directory of a version that did not note it belongs to the study of its store that ended a trial last.

    Returns
    -------
    str or None
        Name, empty if there are files of an unknown study, and None if there are none.
    """
    try:
        owner = json.loads((path / OWNER).read_text(encoding="utf-8"))["study"]
        return owner if isinstance(owner, str) else UNKNOWN
    except FileNotFoundError:
        return (_latest(path) or UNKNOWN) if _has_results(path) else None
    except (OSError, ValueError, KeyError, TypeError):
        return UNKNOWN


def _has_results(path: Path) -> bool:
    return any((path / name).exists() for name in RESULTS)


def _latest(path: Path) -> str | None:
    """Return the study of a store that ended a trial last; None without a store that can be read."""
    if not (path / STORE).exists():
        return None
    from hpcore.ledger.studies import summaries
    from hpcore.ledger.summary import read_contents
    from hpcore.storage import open_storage

    with suppress(HpcoreError, OSError):
        store = open_storage(path / STORE, create=False, read_only=True)
        try:
            studies = [read_contents(store, summary.name) for summary in summaries(store)]
        finally:
            store.close()
        ends = {study.name: max((t.finished or 0.0 for t in study.trials), default=0.0) for study in studies}
        return max(ends, key=lambda name: ends[name], default=None)
    return None


def _take(path: Path, study: str) -> bool:
    """Note a study in a directory that belongs to none; tell whether the directory belongs to it."""
    owner = owner_of(path)
    if owner is None:
        with suppress(FileExistsError), (path / OWNER).open("x", encoding="utf-8") as stream:
            stream.write(_note(study))
            return True
        owner = owner_of(path)
    if owner == study and not (path / OWNER).exists():
        _write(path, study)
    return owner == study


def _write(path: Path, study: str) -> None:
    replace_file(path / OWNER, lambda part: part.write_text(_note(study), encoding="utf-8"))


def _note(study: str) -> str:
    return to_json({"study": study}, indent=2) + "\n"


def _own(default: str, study: str) -> str | None:
    """Return the first of the default directories that belongs to a study; None if there is none."""
    first = Path(default)
    others = [path for path in first.parent.glob(f"{first.name}-*") if path.name[len(first.name) + 1 :].isdecimal()]
    others.sort(key=lambda path: int(path.name[len(first.name) + 1 :]))
    return next((str(path) for path in [first, *others] if owner_of(path) == study), None)


def _free(base: str, study: str) -> str:
    """Return the first of a directory and those with the endings -2, -3, ... that a study can have."""
    base, n = base.rstrip("/\\") or base, 1
    while True:
        name = base if n == 1 else f"{base}-{n}"
        if owner_of(Path(name).expanduser()) in (None, study):
            return name
        n += 1


def _named(owner: str | None) -> str:
    return f"the search {owner!r}" if owner else "an earlier search"
