"""Reports of jobs in worker processes while they run: written to a file by each worker, read by the search.

The files are messages between our own processes, not records: what a search did not read before it was killed is lost,
and the job, which begins again, reports it again.
"""

from __future__ import annotations

import json
import logging
import os
import pickle
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpcore.errors import StorageError
from hpcore.optimizer.snapshot import Snapshot
from hpcore.records.channel import Decision
from hpcore.workers.interrupts import uninterrupted

if TYPE_CHECKING:
    from hpcore.ledger.trial_log import TrialLog
    from hpcore.records.rows import Report
    from hpcore.records.trial import Trial

__all__ = ["Listener", "LiveChannel"]

log = logging.getLogger("hpcore")

# Seconds between two looks at the files: with a scheduler, which may stop a job because of them, and without one.
SECONDS_SCHEDULED, SECONDS = 0.1, 1.0

_REPORTS, _SEEN = "reports-", "seen-"

# Open file of this process, by process and path; a worker has one at a time.
_files: dict[tuple[int, str], int] = {}


class LiveChannel:
    """Channel of a job in a worker process: it writes reports to a file of the worker, and decides by a snapshot, which
    the search may have replaced by a newer one.

    Parameters
    ----------
    folder : str
        Folder of the files.
    job : int
        Number of the job.
    snapshot : Snapshot or None
        Scheduler as of the begin of the job; None decides nothing.
    """

    # The reports also come home with the trial, whatever was read of the file.
    keeps = portable = True

    def __init__(self, folder: str, job: int, snapshot: Snapshot | None) -> None:
        self._folder, self._job, self.snapshot = folder, job, snapshot
        self._known: tuple[int, int] | None = None  # newer snapshot that was read last: inode and time

    def report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """See `Channel`."""
        line = json.dumps([number, step, list(values), cost, self._job]) + "\n"
        try:
            os.write(_file_of(self._folder), line.encode())
        except OSError as error:  # the report comes home with the trial
            log.debug("a report was not written: %s", error)
        if self.snapshot is None:
            return Decision.CONTINUE
        self._renew(self.snapshot, number)
        return self.snapshot.report(number, step, values, cost)

    def _renew(self, snapshot: Snapshot, number: int) -> None:
        path = os.path.join(self._folder, f"{_SEEN}{self._job}")  # noqa: PTH118 - for every report
        try:
            found = os.stat(path)  # noqa: PTH116 - the same
        except OSError:
            return
        if (found.st_ino, found.st_mtime_ns) != self._known:
            self._known = found.st_ino, found.st_mtime_ns
            with suppress(FileNotFoundError):
                snapshot.renew(number, pickle.loads(Path(path).read_bytes()))  # noqa: S301 - by our own parent process

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_known": None}


def _file_of(folder: str) -> int:
    """Return the open file of this process in a folder; that in another folder is closed."""
    key = (os.getpid(), folder)
    if key not in _files:
        for old in list(_files):
            with suppress(OSError):
                os.close(_files.pop(old))
        path = Path(folder, f"{_REPORTS}{key[0]}")
        path.parent.mkdir(0o700, exist_ok=True)
        _files[key] = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    return _files[key]


class Listener:
    """Reader of the reports of a run's workers, while the context lasts.

    Parameters
    ----------
    trial_log : TrialLog
        Log that records the reports.
    renews : bool
        True if the scheduler decides from what is known at any time, so that jobs get newer snapshots; False in a
        deterministic order.

    Attributes
    ----------
    seconds : float
        Time between two looks.
    """

    def __init__(self, trial_log: TrialLog, renews: bool) -> None:
        self._log = trial_log
        self._renews = renews
        self.seconds = SECONDS if trial_log.optimizer.scheduler is None else SECONDS_SCHEDULED
        # Made by the first report; most objectives make none.
        self._folder = os.path.join(tempfile.gettempdir(), f"hpcore-{os.urandom(16).hex()}")  # noqa: PTH118
        self._read: dict[str, int] = {}  # bytes of each file that were read
        self._open: dict[int, Trial] = {}
        self._written: dict[int, int] = {}  # number of reports that the last snapshot of a trial has seen
        self._next_look = 0.0

    def __enter__(self) -> Listener:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if Path(self._folder).exists():
            uninterrupted(shutil.rmtree, self._folder, True)

    def attach(self, trial: Trial) -> None:
        """Give a trial that is about to be sent to a worker a channel that this object reads."""
        progress = trial.progress
        if progress is None:
            return
        snapshot = progress.channel if isinstance(progress.channel, Snapshot) else None
        progress.channel = LiveChannel(self._folder, progress.job, snapshot)
        if snapshot is not None and snapshot.decides and self._renews:
            self._open[trial.number] = trial
            self._written[trial.number] = len(self._log.optimizer.history.curves)

    def detach(self, number: int) -> None:
        """Note that a job has ended."""
        self._open.pop(number, None)

    def look(self) -> None:
        """Record new reports, and let the scheduler see them in the jobs that run; unless it is too early."""
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + self.seconds
        reports = [report for path in self._files() for report in self._new(path)]
        if reports:
            try:
                self._log.take_reports(reports)
            except StorageError as error:
                log.warning("%d reports could not be stored, and come with their results: %s", len(reports), error)
        self._send()

    def _files(self) -> list[str]:
        try:
            with os.scandir(self._folder) as entries:
                return sorted(entry.path for entry in entries if entry.name.startswith(_REPORTS))
        except FileNotFoundError:
            return []

    def _new(self, path: str) -> list[Report]:
        """Read the complete lines that a worker has written since the last look."""
        first = self._read.get(path, 0)
        with open(path, "rb") as file:  # noqa: PTH123 - for every look
            file.seek(first)
            lines = file.read()
        lines = lines[: lines.rfind(b"\n") + 1]
        self._read[path] = first + len(lines)
        return [
            (number, step, tuple(values), cost, job)
            for number, step, values, cost, job in map(json.loads, lines.splitlines())
        ]

    def _send(self) -> None:
        """Write newer snapshots for jobs that run."""
        n = len(self._log.optimizer.history.curves)
        for number, trial in self._open.items():
            if self._written[number] == n or trial.progress is None:
                continue
            self._written[number] = n
            seen = self._log.optimizer.jobs.seen_by(number)
            path = Path(self._folder, f"{_SEEN}{trial.progress.job}")
            part = path.with_suffix(".part")
            try:
                path.parent.mkdir(0o700, exist_ok=True)
                part.write_bytes(pickle.dumps(seen))
                part.replace(path)
            except OSError as error:  # the job decides from what was known before
                log.debug("a newer snapshot was not written: %s", error)
