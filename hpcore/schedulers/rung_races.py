"""Races at several rungs: a candidate races against the best one that had the same resource."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping

from hpcore.schedulers.racing import Incumbent, Race

__all__ = ["RungRaces"]

Known = Mapping[int, float]


class RungRaces:
    """One race a level of the resource.

    Parameters
    ----------
    make : callable
        Function that makes the race of one level, not ordered.
    ordered : bool
        True if jobs count in the order of their numbers, and not in that in which they end, so that the incumbent as of
        a job is the same in every run.

    Attributes
    ----------
    metric : str or None
        Score that decides, of several.
    """

    def __init__(self, make: Callable[[], Race], ordered: bool) -> None:
        self._make, self._ordered = make, ordered
        self.metric = make().metric
        self._races: dict[int, Race] = {}
        self._waiting: dict[int, tuple[int, int, Known, Incumbent | None]] = {}
        self._n_counted = 0
        # With `ordered`: for each level the jobs after which its incumbent changed, and the incumbents.
        self._changes: dict[int, tuple[list[int], list[Incumbent | None]]] = {}

    @property
    def n_counted(self) -> int:
        """Number of jobs that count by now, in their order."""
        return self._n_counted

    def incumbent(self, level: int) -> Incumbent | None:
        """Return the latest incumbent of a level."""
        race = self._races.get(level)
        return None if race is None else race.incumbent

    def incumbent_as_of(self, level: int, job: int) -> Incumbent | None:
        """Return the incumbent of a level after the jobs up to `job`, all of which must have been observed."""
        jobs, incumbents = self._changes.get(level, ([], []))
        i = bisect_right(jobs, job)
        return incumbents[i - 1] if i else None

    def observe(self, level: int, job: int, number: int, known: Known, incumbent: Incumbent | None) -> None:
        """Record the scores of a trial in a job at a level, and the incumbent that it raced against.

        Parameters
        ----------
        level : int
            Level of the resource.
        job : int
            Number of the job.
        number : int
            Number of the trial.
        known : mapping of int to float
            Scores by position of the fold; empty for a job without any.
        incumbent : Incumbent or None
            Incumbent that it raced against.
        """
        if not self._ordered:
            self._count(level, number, known, incumbent)
            return
        if job < self._n_counted:  # counted already, as it was then
            return
        self._waiting[job] = level, number, known, incumbent
        while (due := self._waiting.pop(self._n_counted, None)) is not None:
            self._count(*due)
            jobs, incumbents = self._changes.setdefault(due[0], ([], []))
            jobs.append(self._n_counted)
            incumbents.append(self.incumbent(due[0]))
            self._n_counted += 1

    def _count(self, level: int, number: int, known: Known, incumbent: Incumbent | None) -> None:
        if level not in self._races:
            self._races[level] = self._make()
        self._races[level].observe(number, known, incumbent)
