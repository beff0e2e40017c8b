"""Channel by snapshot: the scheduler travels with a job, and decides there from the reports that were known here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.records.channel import Channel, Decision
from hpcore.records.curves import Curves
from hpcore.schedulers.base import Judge

__all__ = ["Snapshot"]


class Snapshot:
    """Channel of a job's reports with the scheduler as it was when the job began.

    Parameters
    ----------
    judge : Judge
        Scheduler at work.
    seen : tuple of Curves and ndarray, or None
        Reports and states that it decides from; None if it always continues.
    signs : tuple of float
        1 or -1 per objective; values times these are lower when better.
    job : int
        Number of the job.
    until, full : float
        Resource that the job goes to, and that of a full evaluation.
    forward : Channel, optional
        Channel that records the reports as well. It stays in this process.
    """

    def __init__(
        self,
        judge: Judge,
        seen: tuple[Curves, npt.NDArray[np.uint8]] | None,
        signs: tuple[float, ...],
        job: int,
        until: float,
        full: float,
        forward: Channel | None = None,
    ) -> None:
        # A scheduler that always continues need not travel.
        self._judge: Judge | None = None if seen is None else judge
        self._seen, self._signs, self._job = seen, signs, job
        self._until, self._full = until, full
        self._forward = forward
        self._own: list[tuple[float, list[float], float | None]] = []
        self._has_travelled = False

    portable = True

    @property
    def keeps(self) -> bool:
        """See `Channel`."""
        return self._forward is None

    def report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """See `Channel`."""
        if self._forward is not None:
            self._forward.report(number, step, values, cost)
        ruled = Decision.CONTINUE
        if self._seen is not None and self._judge is not None:
            report = step, [v * s for v, s in zip(values, self._signs, strict=True)], cost
            self._own.append(report)
            self._append(number, *report)
            ruled = self._judge.decide(number, step, *self._seen)
        if step >= self._full:
            return Decision.STOP
        return Decision.PAUSE if ruled is Decision.CONTINUE and step >= self._until else ruled

    @property
    def decides(self) -> bool:
        """True if the scheduler may stop the job before it reaches its resource."""
        return self._seen is not None

    def renew(self, number: int, seen: tuple[Curves, npt.NDArray[np.uint8]] | None) -> None:
        """Let the scheduler decide on the reports to come from newer reports and states of others.

        Parameters
        ----------
        number : int
            Number of the trial.
        seen : tuple of Curves and ndarray, or None
            As for a new object; reports of this job may be missing.
        """
        self._seen = seen
        if seen is not None:
            for report in self._own:
                self._append(number, *report)

    def _append(self, number: int, step: float, values: list[float], cost: float | None) -> None:
        """Add a report of this job, unless this or a larger step is among those of the trial."""
        assert self._seen is not None
        curves = self._seen[0]
        rows = curves.of(number)
        if not rows or step > curves.step[rows[-1]]:
            curves.append(number, step, values, cost, self._job)

    def __getstate__(self) -> dict[str, Any]:
        # The way home carries the reports only.
        bare: dict[str, Any] = {"_judge": None, "_seen": None, "_own": []} if self._has_travelled else {}
        return {**vars(self), **bare, "_forward": None, "_has_travelled": True}
