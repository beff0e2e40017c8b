"""Progress of a running job: the way of its reports, what was decided on the last one, and its folder."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from hpcore.arguments import check_number, check_values
from hpcore.errors import InvalidArgument, InvalidType, StorageError
from hpcore.records.channel import Channel, Decision

if TYPE_CHECKING:
    from hpcore.records.checkpoints import Root

__all__ = ["Progress", "Rooted", "checkpoint_of"]


class Rooted(Protocol):
    """Object that knows the folder of all checkpoints."""

    @property
    def root(self) -> Root:
        """Folder of all checkpoints."""
        ...


Report = tuple[float, tuple[float, ...], "float | None"]


class Progress:
    """Progress of a running job of a trial.

    Parameters
    ----------
    m : int
        Number of objectives.
    channel : Channel, optional
        Way of the reports; without it they are kept in `reports`, and nothing is decided.
    job : int
        Number of the job.
    root : Rooted or None
        Folder of the checkpoints of all trials.

    Attributes
    ----------
    until : float
        Resource that the job goes to.
    step : float
        Last step that this job, or an earlier one, reported, also that of another trial from whose checkpoint this one
        goes on.
    full : float
        Resource of a full evaluation; a job that reports it completes the trial.
    is_resumed : bool
        True if the trial was paused before, or goes on from another one's checkpoint.
    decision : Decision
        Decision on the last report.
    reports : list of tuple
        Reports ``(step, values, cost)`` that were not recorded where the optimizer is, in the user's own sign.
    parent : tuple of int, or None
        Trial and job whose checkpoint the trial goes on from.
    has_reported : bool
        True if the job has reported.
    has_reached : bool
        True if the job reached its resource before, with a worker that died: it may have nothing left to report.
    trouble : StorageError or None
        Reason for which a report was not stored; `LeaseExpired` if another worker has the trial.
    """

    # Most jobs keep these.
    until = full = math.inf
    step = -math.inf
    is_resumed = False
    decision = Decision.CONTINUE
    parent: tuple[int, int] | None = None
    has_reported = has_reached = False
    trouble: StorageError | None = None

    def __init__(
        self,
        m: int,
        channel: Channel | None = None,
        job: int = 0,
        root: Rooted | None = None,
    ) -> None:
        self.m, self.channel, self.job, self.root = m, channel, job, root
        self.reports: list[Report] = []

    @property
    def should_stop(self) -> bool:
        """True if the job ends."""
        return self.decision is not Decision.CONTINUE

    def report(
        self, number: int, value: float | Sequence[float], step: float, cost: float | None
    ) -> tuple[float, float] | None:
        """Report a partial result of trial `number`, see `Trial.report`.

        Returns
        -------
        tuple of float, or None
            The step and the first value; None if the report was ignored.
        """
        if type(value) is float and self.m == 1:
            values: tuple[float, ...] | None = (value,)
        else:
            values = check_values(value, self.m)
        if values is None:
            raise InvalidType("value must be a number or one number per objective, got None")
        step = check_number("step", step)
        if cost is not None:
            cost = check_number("cost", cost, 0.0)
        if step <= self.step:  # a training that begins again
            return None
        if self.channel is None:
            self.reports.append((step, values, cost))
        else:
            try:
                self.decision = self.channel.report(number, step, values, cost)
            except StorageError as trouble:
                self.trouble = trouble
                raise
            if self.channel.keeps:
                self.reports.append((step, values, cost))
        self.step, self.has_reported = step, True
        return step, values[0]

    @property
    def is_full(self) -> bool:
        """True if the full resource was reported."""
        return self.step >= self.full

    def decide(self, step: float, ruled: Decision) -> Decision:
        """Combine what a scheduler ruled after the report of a step with the resource that the job goes to."""
        if step >= self.full:
            return Decision.STOP
        return Decision.PAUSE if ruled is Decision.CONTINUE and step >= self.until else ruled

    def __getstate__(self) -> dict[str, Any]:
        state = dict(vars(self))
        # A channel into the memory of this process stays here: the copy keeps its reports until it is told.
        if self.channel is not None and not self.channel.portable:
            state["channel"] = None
        if self.root is not None:
            state["root"] = self.root.root
        return state


def checkpoint_of(number: int, progress: Progress | None) -> Path:
    """Return the folder of a trial's checkpoint; see `Trial.checkpoint`."""
    if progress is None or progress.root is None:
        raise InvalidArgument(
            f"trial {number} has no folder for a checkpoint: it must run in a study, with checkpoints= if that is not "
            "stored in a file"
        )
    from hpcore.records.checkpoints import Checkpoint

    return Checkpoint(progress.root.root, number, progress.job, progress.parent, progress.is_resumed).open()
