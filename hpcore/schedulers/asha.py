"""Asynchronous successive halving (ASHA): promotions, or stops, without complete rungs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_choice, check_integer
from hpcore.records.channel import Decision
from hpcore.records.curves import Curves
from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING, History
from hpcore.records.streams import Rng
from hpcore.schedulers.base import Judge, Resume, Start
from hpcore.schedulers.hyperband import bracket_size
from hpcore.schedulers.ordering import Ranking, place
from hpcore.schedulers.resources import ResourceJudge, Resources, RungScheduler, exact
from hpcore.schedulers.rungs import Rungs
from hpcore.space.columns import Columns

__all__ = ["ASHA", "Membership"]

StateArray = npt.NDArray[np.uint8]
IntArray = npt.NDArray[np.int64]
KINDS = ("promotion", "stopping")


class Membership:
    """Bracket of each trial, by its number: as often as Hyperband's bracket has trials, evenly mixed.

    Parameters
    ----------
    brackets, n_rungs : int
        Numbers of brackets and of rungs; no more brackets than rungs are used.
    eta : float
        Factor between rungs.

    Attributes
    ----------
    entry, entries : list of int and ndarray
        Lowest rung of each trial's bracket, which is also the bracket's index.
    """

    def __init__(self, brackets: int, n_rungs: int, eta: float) -> None:
        self._sizes = [bracket_size(n_rungs - 1 - entry, n_rungs, eta) for entry in range(min(brackets, n_rungs))]
        self._credit = [0] * len(self._sizes)
        self.entry: list[int] = []
        self.entries = np.empty(0, dtype=np.int64)

    def read(self, n: int) -> None:
        """Make the brackets of the first `n` trials known, and some more."""
        if n <= len(self.entry):
            return
        while len(self.entry) < 2 * n:
            self._credit = [credit + size for credit, size in zip(self._credit, self._sizes, strict=True)]
            entry = self._credit.index(max(self._credit))
            self._credit[entry] -= sum(self._sizes)
            self.entry.append(entry)
        self.entries = np.array(self.entry)


class _Judge(ResourceJudge):
    """Rungs and brackets of both kinds, and the ranking of trials in each."""

    def __init__(self, resources: Resources, brackets: int, m: int, objective: str) -> None:
        super().__init__(resources)
        self._options = (resources, brackets, m, objective)
        self._eta = exact(resources.eta)
        self._rungs: Rungs | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # What is derived from the history is left out.
        return type(self), self._options

    def _among(self, n: int) -> int:
        """Number of trials that go on, of `n`."""
        return math.floor(n / self._eta)

    def _ready(self, full: float) -> bool:
        """False if there are no rungs up to the resource `full` yet: they were made, and rankings are empty."""
        if self._rungs is not None and self._rungs.levels[-1] == full:
            return True
        self._rungs = Rungs(self._resources.levels(full))
        self._membership = Membership(self._options[1], len(self._rungs.levels), self._resources.eta)
        return False

    def _clear(self, rungs: Rungs) -> None:
        n = len(self._membership._sizes)
        self._n_read = 0
        self._rankings = [[Ranking(*self._options[2:]) for _ in rungs.levels] for _ in range(n)]
        self._waiting: list[list[set[int]]] = [[set() for _ in rungs.levels] for _ in range(n)]


class _Promotion(_Judge):
    def __init__(self, resources: Resources, brackets: int, m: int, objective: str) -> None:
        super().__init__(resources, brackets, m, objective)
        # Trials of this object only move on, so that what was read of them is kept.
        self._history: History | None = None

    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """See `Judge.next`."""
        full = self.full_resource(history.curves, history.state)
        if math.isinf(full):
            return Start()
        rungs = self._read(history, full)
        if history.n_paused and history.until is not None:
            job = self._interrupted(history, rungs) or self._promotion(history, rungs)
            if job is not None:
                return job
        return Start(rungs.levels[self._membership.entry[history.n]])

    def _interrupted(self, history: History, rungs: Rungs) -> Resume | None:
        """Choose a trial that paused before the resource that its job went to."""
        assert history.until is not None
        paused = np.flatnonzero(history.state == PAUSED)
        goal = np.minimum(history.until[paused], rungs.levels[-1])
        goal = np.maximum(goal, np.array(rungs.levels)[self._membership.entries[paused]])
        short = rungs.last[paused] < goal
        if not short.any():
            return None
        i = int(short.argmax())
        return Resume(int(paused[i]), float(goal[i]))

    def _promotion(self, history: History, rungs: Rungs) -> Resume | None:
        """Choose the best trial of the highest rung that has one to promote."""
        for rung in range(len(rungs.levels) - 2, -1, -1):
            for rankings, waiting in zip(self._rankings, self._waiting, strict=True):
                if waiting[rung]:
                    for number in rankings[rung].best(self._among(len(rankings[rung]))):
                        if number in waiting[rung] and history.state[number] == PAUSED:
                            return Resume(number, rungs.levels[rung + 1])
        return None

    def _read(self, history: History, full: float) -> Rungs:
        same = self._ready(full) and history is self._history
        rungs = self._rungs
        assert rungs is not None
        same &= rungs.read(history.curves, history.n)
        self._membership.read(history.n + 1)
        if not same:
            self._clear(rungs)
            self._n_ended, self._ended = 0, np.zeros(0, dtype=np.bool_)
        self._history = history
        if history.until is not None:
            self._read_crossings(history, rungs)
            if history.n_ended != self._n_ended:
                self._read_ended(history, rungs)
        return rungs

    def _read_crossings(self, history: History, rungs: Rungs) -> None:
        assert history.until is not None
        for number, rung, row in rungs.crossings[self._n_read :]:
            entry = self._membership.entry[number]
            if rung >= entry and not math.isnan(history.until[number]):
                self._rankings[entry][rung].set(number, history.curves.values[row].tolist())
                self._waiting[entry][rung].add(number)
                if rung:
                    self._waiting[entry][rung - 1].discard(number)
        self._n_read = len(rungs.crossings)

    def _read_ended(self, history: History, rungs: Rungs) -> None:
        """Count trials that ended below the full resource: with their result if complete, else as worst."""
        until, state, top = history.until, history.state, len(rungs.levels) - 1
        assert until is not None
        ended = (state != RUNNING) & (state != PAUSED)
        before = np.zeros(history.n, dtype=np.bool_)
        before[: len(self._ended)] = self._ended[: history.n]
        worst = [math.nan] * history.values.shape[1]
        for number in np.flatnonzero(ended & ~before & ~np.isnan(until)).tolist():
            entry = self._membership.entry[number]
            reached = int(rungs.reached[number])
            if reached >= entry:
                self._waiting[entry][reached].discard(number)
            above = max(reached + 1, entry)
            if state[number] == COMPLETE:
                for rung in range(above, top + 1):
                    self._rankings[entry][rung].set(number, history.values[number].tolist())
            elif above <= top and until[number] >= rungs.levels[above]:
                self._rankings[entry][above].set(number, worst)
            elif state[number] == FAILED and reached >= entry:
                self._rankings[entry][reached].set(number, worst)
        self._n_ended, self._ended = history.n_ended, ended


class _Stopping(_Judge):
    def next(self, history: History, rng: Rng) -> Start | Resume | None:
        """See `Judge.next`."""
        full = self.full_resource(history.curves, history.state)
        return Start(full)

    def decide(self, number: int, step: float, curves: Curves, state: StateArray) -> Decision:
        """See `Judge.decide`."""
        if isinstance(curves, _Limited):
            return curves.decide(number, step)
        if isinstance(curves, _Seen) and curves.judge is not self:
            return curves.judge.decide(number, step, curves, state)
        full = self.full_resource(curves, state)
        if math.isinf(full):
            return Decision.CONTINUE
        rungs = self._read(curves, state, full)
        entry = self._membership.entry[number]
        rankings = self._rankings[entry]
        for rung in range(len(rungs.levels) - 2, entry - 1, -1):
            row = rungs.row[number, rung]
            if row >= 0 and curves.step[row] <= step:
                if curves.step[row] < step:  # decided before, as were the rungs below
                    break
                if not rankings[rung].is_among(number, self._n_best(len(rankings[rung]))):
                    return Decision.STOP
        return Decision.CONTINUE

    def snapshot(self, number: int, curves: Curves, state: StateArray) -> tuple[Curves, StateArray]:
        """See `Judge.snapshot`: a limit for each rung that the trial has not reached, or with several objectives the
        others' reports there, and its own reports."""
        full = self.full_resource(curves, state)
        own, m = np.array(curves.of(number), dtype=np.int64), curves.values.shape[1]
        if math.isinf(full):
            return self._filled(_Limited(m, []), curves, own), state[:0]
        rungs = self._read(curves, state, full)
        above = int(rungs.reached[number]) + 1 if number < len(rungs.reached) else 0
        if m == 1 or self._options[3] == "first":
            self._membership.read(number + 1)
            entry = self._membership.entry[number]
            limits = []
            for rung in range(max(above, entry), len(rungs.levels) - 1):
                ranking = self._rankings[entry][rung]
                limit = ranking.limit(self._n_best(len(ranking) + 1))
                assert limit is not None
                limits.append((rungs.levels[rung], limit))
            return self._filled(_Limited(m, limits), curves, own), state[:0]
        others = rungs.row[:, above:]
        rows = np.union1d(own, others[others >= 0])
        return self._filled(_Seen(m, _Stopping(*self._options)), curves, rows), state.copy()

    @staticmethod
    def _filled(taken: Curves, curves: Curves, rows: IntArray) -> Curves:
        vars(taken).update(vars(curves.take(rows)))
        return taken

    def _n_best(self, n: int) -> int:
        """Number of trials that go on, of `n`, the first one always."""
        return max(self._among(n), 1)

    def _read(self, curves: Curves, state: StateArray, full: float) -> Rungs:
        same = self._ready(full)
        rungs = self._rungs
        assert rungs is not None
        same &= rungs.read(curves, len(state))
        if not same:
            self._clear(rungs)
            self._failed = np.zeros(0, dtype=np.bool_)
        self._membership.read(len(state))
        failed = state == FAILED
        if not np.array_equal(failed, self._failed):
            before, self._failed = self._failed, failed
            changed = failed.copy()
            changed[: len(before)] ^= before[: len(failed)]
            for number in np.flatnonzero(changed).tolist():
                for rung in range(int(rungs.reached[number]) + 1):
                    self._rank(number, rung, int(rungs.row[number, rung]), curves)
        for number, rung, row in rungs.crossings[self._n_read :]:
            self._rank(number, rung, row, curves)
        self._n_read = len(rungs.crossings)
        return rungs

    def _rank(self, number: int, rung: int, row: int, curves: Curves) -> None:
        """Add a trial to a rung, or change it; one that failed counts as worst."""
        entry = self._membership.entry[number]
        if rung >= entry:
            values = curves.values[row].tolist()
            self._rankings[entry][rung].set(number, [math.nan] * len(values) if self._failed[number] else values)


class _Limited(Curves):
    """Reports of one trial that travel to a worker, and the last places at which it goes on.

    Parameters
    ----------
    m : int
        Number of objectives.
    limits : list
        ``(level, place)`` of the rungs that it has not reached.
    """

    def __init__(self, m: int, limits: list[tuple[float, tuple[float, bool]]]) -> None:
        super().__init__(m)
        self._limits = limits

    def decide(self, number: int, step: float) -> Decision:
        """Decide on a report; see `Judge.decide`."""
        before, value = -math.inf, math.nan
        for i in self.of(number):
            if self.step[i] < step:
                before = max(before, float(self.step[i]))
            elif self.step[i] == step:
                value = float(self.values[i, 0])
        # Rungs below what was reached before were decided there.
        poor = any(before < level <= step and place(value) > limit for level, limit in self._limits)
        return Decision.STOP if poor else Decision.CONTINUE


class _Seen(Curves):
    """Reports that travel to a worker, with a judge of their own, so that the judge of all trials keeps what it read.

    Parameters
    ----------
    m : int
        Number of objectives.
    judge : _Stopping
        Judge that decides from these reports.
    """

    def __init__(self, m: int, judge: _Stopping) -> None:
        super().__init__(m)
        self.judge = judge


class ASHA(RungScheduler):
    """Asynchronous successive halving: a trial goes on as soon as it is among the best ``1 / eta`` of its rung.

    Parameters
    ----------
    min_resource : float
        Smallest resource at which trials are compared.
    max_resource : float, optional
        Resource of a full evaluation. None takes the largest step that the first complete trial reports; until then
        trials run as far as they will.
    eta : float
        Factor between the resources of two rungs, and of the trials that are left out; at least 1.1. The rungs are
        ``max_resource / eta**k``, as far as that is not below `min_resource`, rounded if both are integers.
    kind : str
        ``"promotion"`` pauses each trial at its rung, and resumes it once it is among the best; ``"stopping"`` lets
        trials run, and stops one that is not among the best of the reports so far at a rung. Promotion needs trainings
        that can be continued, or it repeats their beginning.
    brackets : int
        Number of brackets, as in Hyperband: that with index k has no rungs below the k-th. Trials are dealt to them in
        proportion to the sizes of Hyperband's brackets.
    objective : str
        With several objectives, ``"dominance"`` orders trials by fronts, and within a front by the hypervolume that
        they contribute; ``"first"`` compares the first objective only.

    Notes
    -----
    Li et al. (2020), "A system for massively parallel hyperparameter tuning", MLSys. Promotion looks at the highest
    rung first; of the n trials at a rung, the best floor(n / eta) may go on, and a new trial begins if none can. A
    trial's value at a rung is its first report with a step at or beyond it. A trial that fails counts as worst, and so
    does NaN; one that ended by itself counts with its result in the rungs above.

    Stopping keeps the best max(1, floor(n / eta)) of the n trials at a rung, and those equal to the last of them, so
    that the first trial, and the best so far, always goes on.

    Examples
    --------
    >>> from hpcore.schedulers import ASHA
    >>> scheduler = ASHA(max_resource=81, eta=3)  # rungs 1, 3, 9, 27, 81
    """

    def __init__(
        self,
        min_resource: float = 1,
        max_resource: float | None = None,
        eta: float = 3,
        *,
        kind: str = "promotion",
        brackets: int = 1,
        objective: str = "dominance",
    ) -> None:
        super().__init__(min_resource, max_resource, eta, objective=objective)
        self.kind = check_choice("kind", kind, KINDS)
        self.brackets = check_integer("brackets", brackets, 1)

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        judge = _Promotion if self.kind == "promotion" else _Stopping
        return judge(self._resources(), self.brackets, len(directions), self.objective)
