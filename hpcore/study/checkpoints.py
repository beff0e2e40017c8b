"""Checkpoints of a study: where the folders of its trials are, and how long they stay."""

from __future__ import annotations

import logging
import os
import weakref
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.progress import checkpoint_of
from hpcore.records.trial import Trial

if TYPE_CHECKING:
    from hpcore.ledger.trial_log import TrialLog
    from hpcore.records.checkpoints import Root
    from hpcore.storage.records import StudyRecord
    from hpcore.storage.sql import Storage

__all__ = ["Checkpoints", "check_folder", "folder_of", "remove_folder"]

log = logging.getLogger("hpcore")

Folder = str | os.PathLike[str]


class Place:
    """Place of the checkpoints of a study; where that is in a folder for temporary files, it is found when needed, and
    removed with this object.

    Parameters
    ----------
    folder : Path or None
        Folder of the study; None for one for temporary files.
    keeps : bool
        See `hpcore.records.checkpoints.Root`.
    """

    def __init__(self, folder: Path | None, keeps: bool) -> None:
        self._folder, self._keeps = folder, keeps
        self._root: Root | None = None
        self._found_by: int | None = None  # process

    @property
    def root(self) -> Root:
        """Folder of all trials."""
        pid = os.getpid()
        if self._root is None or (self._found_by != pid and self._root.is_private):
            self._root, self._found_by = self._find(), pid  # a fork of a study in memory is another study
        return self._root

    def _find(self) -> Root:
        # Imported here: most programs have no checkpoints.
        from hpcore.records.checkpoints import Root

        if self._folder is not None:
            return Root(str(self._folder), self._keeps)
        import tempfile

        path = Path(tempfile.gettempdir(), _new_name()).absolute()
        weakref.finalize(self, _remove_temporary, path, os.getpid())
        return Root(str(path), self._keeps, is_private=True)


class Checkpoints:
    """Checkpoints of a study.

    A stored study has a folder of its own in ``FILE.checkpoints``, beside the file, or in the one that is given. A
    study in memory has one for temporary files, which is removed with the study, or a new one in the one that is
    given, which stays. A study on a server has none unless one is given.

    Parameters
    ----------
    given : path or None
        Folder that the user gave.
    trial_log : TrialLog
        Log of the study's trials.
    """

    def __init__(self, given: Path | None, trial_log: TrialLog) -> None:
        self._given, self._log = given, trial_log
        self._find()

    def _find(self) -> None:
        log, keeps = self._log, self._log.optimizer.jobs.keeps_checkpoints
        self._place: Place | None = None
        if not log.durable:
            self._place = Place(None if self._given is None else self._given / _new_name(), keeps)
        else:
            folder = folder_of(self._given, log.storage, log.record)  # type: ignore[attr-defined]
            if folder is not None or log.storage.private:  # type: ignore[attr-defined]
                self._place = Place(folder, keeps)
        log.optimizer.jobs.set_checkpoints(self._place)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_place"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._find()  # a copy of a study in memory is another study

    def copy_parent(self, trial: Trial) -> None:
        """Copy the checkpoint that a new trial goes on from, before the trial that it is of trains on."""
        progress = trial.progress
        if progress is None or progress.root is None or progress.parent is None:
            return
        from hpcore.records.checkpoints import Checkpoint

        if not Checkpoint(progress.root.root, *progress.parent).path.is_dir():
            return  # most likely the objective uses none; if it does, it warns
        try:
            checkpoint_of(trial.number, progress)
        except OSError as error:
            # The objective tries again, and fails with the error if it needs the files.
            log.warning("the checkpoint that trial %d goes on from could not be copied: %s", trial.number, error)

    def ended(self, number: int) -> None:
        """Remove what no trial can go on from any more, after a job of a trial has ended."""
        if self._place is not None and self._log.optimizer.jobs.keeps_checkpoints:
            from hpcore.records.checkpoints import Checkpoint, remove_older

            remove_older(Checkpoint(self._place.root, number, self._log.optimizer.history.job_of(number)))

    def clear(self) -> None:
        """Remove the checkpoints of all trials that are not running; see `Study.clear_checkpoints`."""
        if self._place is None or not (root := Path(self._place.root.path)).is_dir():
            return
        import shutil

        self._log.refresh()
        running = {f"trial-{number}" for number in self._log.optimizer.running()}
        for folder in root.iterdir():
            if folder.name.startswith("trial-") and folder.name not in running:
                shutil.rmtree(folder)
        _remove_empty(root)


def check_folder(given: Any) -> Path | None:
    """Check the argument `checkpoints`.

    Raises
    ------
    InvalidType, InvalidArgument
        The argument is no path, or that of a file.
    """
    if given is None:
        return None
    if not isinstance(given, str | os.PathLike) or not isinstance(os.fspath(given), str):
        raise InvalidType(f"checkpoints must be a folder, or None for the default, got {given!r}")
    if not os.fspath(given) or "\0" in os.fspath(given):
        raise InvalidArgument(f"checkpoints must be a folder, got {given!r}")
    path = Path(given).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise InvalidArgument(f"checkpoints must be a folder, got {os.fspath(given)!r}, which is a file")
    return path


def folder_of(given: Path | None, storage: Storage, record: StudyRecord) -> Path | None:
    """Return the folder of the checkpoints of a stored study; None if there is none by default.

    Another study never has the same one, also not one of the same name after this one was deleted.
    """
    if given is None and storage.path is not None:
        given = storage.path.with_name(f"{storage.path.name}.checkpoints")
    return None if given is None else given / f"study-{record.id}-{int(1e3 * record.created):x}"


def _new_name() -> str:
    return f"hpcore-{os.urandom(16).hex()}"


def remove_folder(path: Path) -> None:
    """Remove the checkpoints of a study that does not exist any more."""
    import shutil

    shutil.rmtree(path, ignore_errors=True)
    _remove_empty(path)


def _remove_empty(path: Path) -> None:
    """Remove a folder of checkpoints, and the one around it if that is the default of a store, if they are empty."""
    with suppress(OSError):
        if path.exists():
            path.rmdir()
        if path.parent.name.endswith(".checkpoints"):
            path.parent.rmdir()


def _remove_temporary(path: Path, pid: int) -> None:
    import shutil

    if os.getpid() == pid:  # a fork of the process may end first
        shutil.rmtree(path, ignore_errors=True)
