"""Interface of a scheduler: options that bind to a space, and then decide which trial goes on and how far."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.records.history import History
from hpcore.records.streams import Rng
from hpcore.space.columns import Columns

__all__ = ["Judge", "Resume", "Scheduler", "Start"]

FloatArray = npt.NDArray[np.float64]
StateArray = npt.NDArray[np.uint8]


class Start(NamedTuple):
    """Order to begin a new trial.

    Attributes
    ----------
    until : float
        Resource that the trial's first job goes to; infinite for as far as it will.
    point : ndarray of shape (d,), optional
        Point of the unit cube; None asks the sampler.
    parent : int, optional
        Trial whose checkpoint is copied; the new one goes on from there.
    parent_job : int, optional
        Job of the parent whose checkpoint it is; its last one by default.
    replaces : int, optional
        Trial that the new one stands for from now on. It is kept with the trial, and changes nothing else.
    """

    until: float = math.inf
    point: FloatArray | None = None
    parent: int | None = None
    parent_job: int | None = None
    replaces: int | None = None


class Resume(NamedTuple):
    """Order to begin another job of a paused trial.

    Attributes
    ----------
    number : int
        Number of the paused trial.
    until : float
        Resource that the job goes to.
    """

    number: int
    until: float


class Judge:
    """A scheduler at work on one search.

    Its state between calls is derived: built again from the history alone it decides the same, so that nothing needs to
    be stored. It can be pickled.
    """

    max_resource: float = math.inf
    """Resource of a full evaluation; a trial that reports it is complete. Infinite if there is none."""

    keeps_checkpoints: bool = False
    """True if new trials may go on from the checkpoints of others, so that those of ended jobs are kept a while."""

    def full_resource(self, curves: Curves, state: StateArray) -> float:
        """Return `max_resource`, or where none was given, what the reports say of it."""
        return self.max_resource

    def levels(self, curves: Curves, state: StateArray) -> tuple[float, ...]:
        """Return the rungs at which trials are compared, increasing; empty if there are none, or not known yet."""
        return ()

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """Choose the next job.

        Parameters
        ----------
        history : History
            All trials so far, and their reports in ``history.curves``; lower values are better. In a deterministic
            order it is a view without the latest results.
        rng : Rng
            Random numbers of the job ``rng.number``.

        Returns
        -------
        Start, Resume or None
            None if the next job depends on results of running trials.
        """
        return Start()

    def decide(self, number: int, step: float, curves: Curves, state: StateArray) -> Decision:
        """Decide on a trial after its report of a step, which `curves` holds already.

        A pure function: the same reports give the same decision. That a job pauses at its ``until`` is not decided
        here.

        Parameters
        ----------
        number : int
            Number of the trial.
        step : float
            Resource used so far.
        curves : Curves
            Reports of all trials in order of arrival.
        state : ndarray of shape (n,)
            States of the trials, as in `History.state`.
        """
        return Decision.CONTINUE

    def snapshot(self, number: int, curves: Curves, state: StateArray) -> tuple[Curves, StateArray] | None:
        """Reports that `decide` needs for a trial in a worker, as small as possible; None if it always continues."""
        return None if type(self).decide is Judge.decide else (curves.copy(), state.copy())


class Scheduler(ABC):
    """Options of a scheduler; immutable, so that several optimizers may share one."""

    @abstractmethod
    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """Make a judge for a search; raises if the scheduler cannot work there.

        Parameters
        ----------
        columns : Columns
            Columns of the space's unit cube.
        directions : tuple of str
            ``"minimize"`` or ``"maximize"`` per objective. A judge sees values that are signed so that lower is better;
            only options in the user's own sign need to know.
        seed : int
            Seed of the search.
        """

    def __repr__(self) -> str:
        options = ", ".join(f"{k.lstrip('_')}={v!r}" for k, v in vars(self).items())
        return f"{type(self).__name__}({options})"
