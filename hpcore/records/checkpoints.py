"""Folders of checkpoints: one per job of a trial, which begins with the files of the job that it goes on from."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path
from typing import NamedTuple

__all__ = ["Checkpoint", "Root", "remove_older"]

log = logging.getLogger("hpcore")


class Root(NamedTuple):
    """Folder of all checkpoints of a study.

    Attributes
    ----------
    path : str
        Absolute path; the folder is made with the first checkpoint.
    keeps : bool
        True if the folder of an earlier job stays as it is, because other trials may copy it.
    is_private : bool
        True if other users of the machine must not read it, as in a folder for temporary files.
    """

    path: str
    keeps: bool = False
    is_private: bool = False

    @property
    def root(self) -> Root:
        """Folder itself."""
        return self


class Checkpoint(NamedTuple):
    """Folder of a job.

    Attributes
    ----------
    root : Root
        Folder of all trials.
    number, job : int
        Numbers of the trial and of the job.
    parent : tuple of int, or None
        Trial and job whose files a new trial begins with.
    is_resumed : bool
        True if an earlier job of the trial may have left files.
    """

    root: Root
    number: int
    job: int
    parent: tuple[int, int] | None = None
    is_resumed: bool = False

    @property
    def path(self) -> Path:
        """Path of the folder, which may not exist yet."""
        return _path(self.root, self.number, self.job)

    def open(self) -> Path:
        """Make the folder, if it is not there, with the files of the job that it goes on from.

        Raises
        ------
        OSError
            The folder cannot be made, or the files cannot be copied.
        """
        path = self.path
        if path.is_dir():  # also that of a job whose worker died
            return path
        _make_root(self.root)
        path.parent.mkdir(exist_ok=True)
        source = self.source()
        if source is None:
            path.mkdir(exist_ok=True)
        elif source.parent == path.parent and not self.root.keeps:
            source.replace(path)
        else:
            # Complete or not there: a copy that was cut off has another name.
            for cut_off in path.parent.glob(f"{path.name}.copy-*"):
                shutil.rmtree(cut_off, ignore_errors=True)
            begun = path.with_name(f"{path.name}.copy-{os.getpid()}")
            shutil.copytree(source, begun)
            begun.replace(path)
        return path

    def source(self) -> Path | None:
        """Return the folder whose files this one begins with; None, with a warning if there should be one."""
        earlier = [job for job in _jobs(self.path.parent) if job < self.job]
        if earlier:
            return _path(self.root, self.number, max(earlier))
        if self.parent is None:
            if self.is_resumed:
                log.warning(
                    "the checkpoint of trial %d has vanished: its job %d begins with an empty folder",
                    self.number,
                    self.job,
                )
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


def _make_root(root: Root) -> None:
    path = Path(root.path)
    if not path.is_dir():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(0o700 if root.is_private else 0o777, exist_ok=True)


def _path(root: Root, number: int, job: int) -> Path:
    return Path(root.path, f"trial-{number}", f"job-{job}")


def _jobs(folder: Path) -> list[int]:
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [int(name[4:]) for name in names if name.startswith("job-") and name[4:].isdigit()]
