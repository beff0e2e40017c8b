"""Folders of checkpoints: one per job of a trial, which begins with the files of the job that it goes on from."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import NamedTuple

__all__ = ["Checkpoint", "remove_older"]

log = logging.getLogger("hpcore")


class Checkpoint(NamedTuple):
    """Folder of a job.

    Attributes
    ----------
    root : str
        Folder of all trials.
    number, job : int
        Numbers of the trial and of the job.
    parent : tuple of int, or None
        Trial and job whose files a new trial begins with.
    keeps : bool
        True if the folder of the earlier job stays as it is, because other trials may copy it.
    """

    root: str
    number: int
    job: int
    parent: tuple[int, int] | None = None
    keeps: bool = False

    @property
    def path(self) -> Path:
        """Path of the folder, which may not exist yet."""
        return _path(self.root, self.number, self.job)

    def open(self) -> Path:
        """Make the folder, if it is not there, with the files of the job that it goes on from."""
        path = self.path
        if path.is_dir():  # also that of a job whose worker died
            return path
        source = self.source()
        if source is None:
            path.mkdir(parents=True, exist_ok=True)
        elif source.parent == path.parent and not self.keeps:
            source.replace(path)
        else:
            # Complete or not there: a copy that was cut off has another name.
            path.parent.mkdir(parents=True, exist_ok=True)
            begun = path.with_name(f"{path.name}.copy-{os.getpid()}")
            shutil.rmtree(begun, ignore_errors=True)
            shutil.copytree(source, begun)
            begun.replace(path)
        return path

    def source(self) -> Path | None:
        """Return the folder whose files this one begins with; None if there is none."""
        earlier = [job for job in _jobs(self.path.parent) if job < self.job]
        if earlier:
            return _path(self.root, self.number, max(earlier))
        if self.parent is None:
            return None
        source = _path(self.root, *self.parent)
        if source.is_dir():
            return source
        log.warning(
            "the checkpoint of trial %d has vanished: trial %d, which goes on from it, begins with an empty folder",
            self.parent[0],
            self.number,
        )
        return None


def remove_older(checkpoint: Checkpoint) -> None:
    """Remove the folders of a trial's jobs before the last but one, which no other trial copies any more."""
    earlier = sorted(job for job in _jobs(checkpoint.path.parent) if job < checkpoint.job)
    for job in earlier[:-1]:
        shutil.rmtree(_path(checkpoint.root, checkpoint.number, job), ignore_errors=True)


def _path(root: str, number: int, job: int) -> Path:
    return Path(root, f"trial-{number}", f"job-{job}")


def _jobs(folder: Path) -> list[int]:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [int(name[4:]) for name in names if name.startswith("job-") and name[4:].isdigit()]
