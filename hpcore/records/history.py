"""History of a search in growing columns: one row per trial, at the index that is its number.

A trial of ten parameters takes about a hundred bytes. `Trial` objects are made on access.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from operator import is_
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import records as native
from hpcore.records.curves import Curves
from hpcore.records.rows import Rows
from hpcore.records.trial import TrialState

__all__ = ["COMPLETE", "FAILED", "PAUSED", "PRUNED", "RUNNING", "STATES", "WITHDRAWN", "History"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
IntArray = npt.NDArray[np.int64]

# Stored in databases: these numbers must not change.
RUNNING, COMPLETE, PRUNED, FAILED, PAUSED, WITHDRAWN = range(6)
STATES = (
    TrialState.RUNNING,
    TrialState.COMPLETE,
    TrialState.PRUNED,
    TrialState.FAILED,
    TrialState.PAUSED,
    TrialState.WITHDRAWN,
)

FIRST_ROOM = 64


class History:
    """Trials and reports of a search, as samplers, schedulers and stopping rules read them.

    Parameters
    ----------
    d : int
        Number of columns of the space.
    m : int
        Number of objectives.
    k : int, default=0
        Number of bounds of metrics.

    Attributes
    ----------
    n : int
        Number of trials, running ones included; row i is trial number i.
    n_complete, n_running : int
        Numbers of complete trials, and of trials that are being evaluated.
    n_pruned, n_paused : int
        Numbers of trials that were stopped early, and of trials that may be resumed.
    n_withdrawn : int
        Number of trials that say nothing of their points; among them the numbers that no trial has, whose points are
        NaN.
    n_given : int
        Number of trials whose parameters a user gave: known results, and parameters that waited in the queue; without
        withdrawn ones.
    curves : Curves
        Partial results.
    notes : dict of int to dict
        Facts that few trials have, by trial number: ``params`` that a user gave, or, ``mirrored``, as a record that is
        kept elsewhere has them; ``info``, ``error``, ``user_attrs``, ``metrics``, ``gradient``; of trials that a
        scheduler began, the ``parent`` and ``parent_job`` whose checkpoint was copied, the trial that it ``replaces``,
        and ``as_of``, the last job whose results its job saw, where its number does not tell.
    """

    def __init__(self, d: int, m: int, k: int = 0) -> None:
        self.n = 0
        self._n_resumed = 0
        self.n_complete = self.n_running = self.n_pruned = self.n_paused = self.n_withdrawn = self.n_given = 0
        self.curves = Curves(m)
        self._X = np.empty((FIRST_ROOM, d))
        self._values = np.empty((FIRST_ROOM, m))
        self._state = np.empty(FIRST_ROOM, dtype=np.uint8)
        self._violations = np.full((FIRST_ROOM, k), math.nan)
        # None until a trial has one; `_job` is None until the job of a trial differs from its number.
        self._times: FloatArray | None = None
        self._std_errors: FloatArray | None = None
        self._cost: FloatArray | None = None
        self._gradients: FloatArray | None = None
        self._until: FloatArray | None = None
        self._job: IntArray | None = None
        # What samplers read, and the columns that it is of.
        self._bound: tuple[native.Trials, tuple[FloatArray | npt.NDArray[np.uint8] | None, ...]] | None = None
        self.notes: dict[int, dict[str, Any]] = {}
        # (number, sampler): the sampler that a rule chose for the trials from this number on; None if not known.
        self._proposers: list[tuple[int, str | None]] = []

    @property
    def X(self) -> FloatArray:
        """(n, d) points of the unit cube, equal to the encoding of their parameters; NaN where inactive."""
        return self._X[: self.n]

    @property
    def values(self) -> FloatArray:
        """(n, m) objective values, signed so that lower is better: results of complete trials, estimates of pruned
        trials that have one, NaN otherwise."""
        return self._values[: self.n]

    @property
    def trials(self) -> native.Trials:
        """Trials as the samplers of the core read them; valid until one is added or told."""
        columns = (
            self._state, self._X, self._values, self._std_errors, self._cost, self._violations, self._gradients
        )  # fmt: skip
        if self._bound is None or not all(map(is_, columns, self._bound[1])):
            self._bound = _bound(*columns), columns
        # Withdrawn trials are no more a sampler's own than given ones are, where it counts these.
        return self._bound[0].first(self.n, self.n_given + self.n_withdrawn)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_bound": None}

    @property
    def state(self) -> npt.NDArray[np.uint8]:
        """(n,) indices into `STATES`."""
        return self._state[: self.n]

    @property
    def complete(self) -> BoolArray:
        """(n,) True where the trial is complete."""
        mask: BoolArray = self.state == COMPLETE
        return mask

    @property
    def n_limits(self) -> int:
        """Number of bounds of metrics, two for a metric that is limited from both sides."""
        return self._violations.shape[1]

    @property
    def violations(self) -> FloatArray:
        """(n, k) distances of the metrics beyond each bound: value - limit for an upper one, limit - value for a lower
        one. At most 0 is allowed; NaN is not known. Trials in any state may have them."""
        return self._violations[: self.n]

    @property
    def feasible(self) -> BoolArray:
        """(n,) True where the trial is complete and known to keep all limits."""
        mask = self.complete
        if self.n_limits:
            mask &= (self.violations <= 0.0).all(axis=1)
        return mask

    @property
    def n_observed(self) -> int:
        """Number of trials with a value: complete ones, and pruned ones with an estimate."""
        return self.n_complete if not self.n_pruned else int(self.observed.sum())

    @property
    def observed(self) -> BoolArray:
        """(n,) True where the trial has a value: a result, or the estimate of a pruned trial."""
        return self.observed_in(0, self.n)

    def observed_in(self, first: int, end: int) -> BoolArray:
        """(end - first,) True where one of the trials first .. end - 1 has a value; see `observed`."""
        state = self._state[first:end]
        mask: BoolArray = state == COMPLETE
        if self.n_pruned:
            mask |= (state == PRUNED) & ~np.isnan(self._values[first:end, 0])
        return mask

    @property
    def observed_state(self) -> npt.NDArray[np.uint8]:
        """(n,) states for a model: a pruned trial with an estimate counts as complete, a paused one as running."""
        if not (self.n_pruned or self.n_paused):
            return self.state
        state: npt.NDArray[np.uint8] = self.state.copy()
        state[self.observed] = COMPLETE
        state[state == PAUSED] = RUNNING
        return state

    @property
    def n_ended(self) -> int:
        """Number of trials that have ended: neither running nor paused, nor withdrawn."""
        return self.n - self.n_running - self.n_paused - self.n_withdrawn

    @property
    def present(self) -> BoolArray:
        """(n,) True where there is a trial that was not withdrawn."""
        mask: BoolArray = self.state != WITHDRAWN
        return mask

    @property
    def times(self) -> FloatArray:
        """(n, 2) unix times of start and finish; NaN if not known."""
        return np.full((self.n, 2), math.nan) if self._times is None else self._times[: self.n]

    def times_of(self, number: int) -> tuple[float | None, float | None]:
        """Unix times of start and finish of one trial; None where not known."""
        if self._times is None:
            return None, None
        started, finished = self._times[number].tolist()
        return None if math.isnan(started) else started, None if math.isnan(finished) else finished

    @property
    def std_errors(self) -> FloatArray | None:
        """(n, m) standard errors of the values, NaN if not known; None if no trial has one."""
        return None if self._std_errors is None else self._std_errors[: self.n]

    def cost_of(self, number: int) -> float | None:
        """Cost of one trial; None if not known."""
        return _known(self._cost, number)

    def std_error(self, number: int) -> float | tuple[float, ...] | None:
        """Standard error of one trial's first value, or a tuple if those of all values are known; None if not known."""
        if self._std_errors is None or math.isnan(self._std_errors[number, 0]):
            return None
        errors = self._std_errors[number].tolist()
        return errors[0] if len(errors) == 1 or math.isnan(errors[1]) else tuple(errors)

    @property
    def cost(self) -> FloatArray | None:
        """(n,) cost of each trial, NaN if not known; None if no trial has one."""
        return None if self._cost is None else self._cost[: self.n]

    @property
    def gradients(self) -> FloatArray | None:
        """(n, d) derivatives of the first objective by coordinate of the unit cube, signed like `values`; NaN where
        none was told, None if no trial has one. Trials in any state may have them."""
        return None if self._gradients is None else self._gradients[: self.n]

    @property
    def until(self) -> FloatArray | None:
        """(n,) resource that each trial's last job goes to, NaN if no scheduler began it; None if it began none."""
        return None if self._until is None else self._until[: self.n]

    def until_of(self, number: int) -> float:
        """Resource that a trial's last job goes to; infinite if no scheduler began it."""
        until = _known(self._until, number)
        return math.inf if until is None else until

    def set_until(self, number: int, until: float) -> None:
        """Set the resource that a trial's last job goes to, as its scheduler ordered."""
        self._until = self._column(self._until)
        self._until[number] = until

    @property
    def n_jobs(self) -> int:
        """Number of jobs: one per trial, and one more each time that a paused trial is resumed."""
        return self.n + self._n_resumed

    @property
    def job(self) -> IntArray:
        """(n,) last job of each trial."""
        return np.arange(self.n) if self._job is None else self._job[: self.n]

    def job_of(self, number: int) -> int:
        """Last job of one trial."""
        return number if self._job is None else int(self._job[number])

    # --- changes of state ----------------------------------------------------------------------------------------

    def append(self, u: FloatArray) -> int:
        """Add a running trial at the point `u` (d,) and return its number. Amortised O(d)."""
        i = self.n
        if i == len(self._state):
            self._grow()
        if self._job is not None:
            self._job[i] = self.n_jobs
        self._X[i] = u
        self._values[i] = math.nan
        self._state[i] = RUNNING
        self.n = i + 1
        self.n_running += 1
        return i

    def give(self, number: int, params: Mapping[str, Any]) -> None:
        """Note the parameters that a user gave for the trial that has just begun."""
        self.notes[number] = {"params": dict(params)}
        self.n_given += 1

    def mirror(self, number: int, params: Mapping[str, Any] | None) -> None:
        """Note the parameters of the copy of a trial; None if they are what its point decodes to."""
        self.n_given -= self.is_given(number)
        if params is not None:
            self.notes.setdefault(number, {}).update(params=dict(params), mirrored=True)
        elif number in self.notes:
            self.notes[number].pop("params", None)

    def truncate(self, n: int) -> None:
        """Remove the trials from number `n` on; all of them must be running and in their first job, or withdrawn."""
        n_withdrawn = int((self.state[n:] == WITHDRAWN).sum()) if self.n_withdrawn else 0
        self.n_withdrawn -= n_withdrawn
        self.n_running -= self.n - n - n_withdrawn
        for number in range(n, self.n):
            self.n_given -= self.is_given(number)
            self.notes.pop(number, None)
            for column in (self._times, self._std_errors, self._cost, self._gradients, self._until, self._violations):
                if column is not None:
                    column[number] = math.nan
        self._proposers = [entry for entry in self._proposers if entry[0] < n]
        self.n = n

    def skip(self, n: int) -> None:
        """Let the numbers before `n` that no trial has stay without one: their rows are withdrawn, their points NaN."""
        first = self.n
        if n <= first:
            return
        while n > len(self._state):
            self._grow()
        self._X[first:n], self._values[first:n], self._state[first:n] = math.nan, math.nan, WITHDRAWN
        if self._job is not None:
            self._job[first:n] = np.arange(self.n_jobs, self.n_jobs + n - first)
        self.n_withdrawn += n - first
        self.n = n

    def begin_anew(self, number: int, u: FloatArray) -> None:
        """Make a trial in any state a running one at the point `u` (d,); nothing else of it is kept but its reports."""
        self._count(number, -1)
        self.notes.pop(number, None)
        self._X[number] = u
        self._clear(number)
        self._state[number] = RUNNING
        self.n_running += 1

    def withdraw(self, number: int) -> None:
        """Record that a trial in any state says nothing of its point; its results are removed, but not its reports."""
        self._count(number, -1)
        self._clear(number)
        for name in ("metrics", "gradient", "error"):
            self.notes.get(number, {}).pop(name, None)
        self._state[number] = WITHDRAWN
        self.n_withdrawn += 1

    def _clear(self, number: int) -> None:
        """Remove a trial's results."""
        self._values[number] = math.nan
        for column in (self._times, self._std_errors, self._cost, self._gradients, self._violations):
            if column is not None:
                column[number] = math.nan

    def _count(self, number: int, by: int) -> None:
        """Count a trial in its state, or no more."""
        name = _COUNTED[self._state[number]]
        self.n_given += by * self.is_given(number)
        if name is not None:
            setattr(self, name, getattr(self, name) + by)

    def is_given(self, number: int) -> bool:
        """True if a user gave the parameters of a trial that was not withdrawn."""
        note = self.notes.get(number)
        return note is not None and "params" in note and "mirrored" not in note and self._state[number] != WITHDRAWN

    def extend(self, rows: Rows, violations: FloatArray | None = None, gradients: FloatArray | None = None) -> None:
        """Append trials in any state, with their `violations` (n, k) if there are limits, and their `gradients` (n, d)
        if there are any; values, gradients and reports must be signed so that lower is better."""
        first, last = self.n, self.n + len(rows)
        self.set_proposed_by(first, None)
        while last > len(self._state):
            self._grow()
        self._X[first:last], self._state[first:last] = rows.X, rows.state
        self._values[first:last] = rows.values
        if violations is not None:
            self._violations[first:last] = violations
        if self._times is not None or not np.isnan(rows.times).all():
            self._times = self._column(self._times, 2)
            self._times[first:last] = rows.times
        if rows.std_errors is not None:
            self._std_errors = self._column(self._std_errors, self._values.shape[1])
            self._std_errors[first:last] = rows.std_errors
        if rows.cost is not None:
            self._cost = self._column(self._cost)
            self._cost[first:last] = rows.cost
        if gradients is not None:
            self._gradients = self._column(self._gradients, self._X.shape[1])
            self._gradients[first:last] = gradients
        if rows.until is not None:
            self._until = self._column(self._until)
            self._until[first:last] = rows.until
        job = np.arange(self.n_jobs, self.n_jobs + len(rows)) if rows.job is None else rows.job
        if self._job is not None or not np.array_equal(job, np.arange(first, last)):
            self._use_jobs()
            assert self._job is not None
            self._job[first:last] = job
        n_jobs = max(self.n_jobs, int(job.max()) + 1) if len(rows) else self.n_jobs
        self.n, self._n_resumed = last, n_jobs - last
        self.n_complete += int((rows.state == COMPLETE).sum())
        self.n_running += int((rows.state == RUNNING).sum())
        self.n_pruned += int((rows.state == PRUNED).sum())
        self.n_paused += int((rows.state == PAUSED).sum())
        self.n_withdrawn += int((rows.state == WITHDRAWN).sum())
        self.notes.update(rows.notes)
        self.n_given += sum(map(self.is_given, rows.notes))
        for report in rows.reports:
            self.curves.append(*report)

    def finish(
        self,
        number: int,
        state: int,
        values: tuple[float, ...] | None,
        std_error: float | tuple[float, ...] | None = None,
        times: tuple[float | None, float | None] = (None, None),
        cost: float | None = None,
        violations: tuple[float, ...] | None = None,
        gradient: FloatArray | None = None,
    ) -> None:
        """Record the end of a running trial, or that it pauses.

        Parameters
        ----------
        number, state : int
            Number of the trial, and index into `STATES`.
        values : tuple of float, or None
            Values, signed so that lower is better.
        std_error : float or tuple of float, optional
            Standard error of the first value, or of each.
        times : tuple
            Unix times of start and finish, None where not known.
        cost : float, optional
            Cost of the evaluation.
        violations : tuple of float, optional
            Distance beyond each bound; those of an earlier job are kept without it.
        gradient : ndarray of shape (d,), optional
            Derivative of the first value by coordinate, NaN where not known; that of an earlier job is kept without it.
        """
        self._state[number] = state
        self.n_running -= 1
        if state == COMPLETE:
            self.n_complete += 1
        elif state == PRUNED:
            self.n_pruned += 1
        elif state == PAUSED:
            self.n_paused += 1
        if values is not None:
            self._values[number] = values
        if std_error is not None:
            self._std_errors = self._column(self._std_errors, self._values.shape[1])
            if isinstance(std_error, tuple):
                self._std_errors[number] = std_error
            else:
                self._std_errors[number, 0] = std_error
        if violations is not None:
            self._violations[number] = violations
        if gradient is not None:
            self._gradients = self._column(self._gradients, self._X.shape[1])
            self._gradients[number] = gradient
        if cost is not None:
            self._cost = self._column(self._cost)
            self._cost[number] = cost
        for k, seconds in enumerate(times):
            if seconds is not None:
                self._times = self._column(self._times, 2)
                self._times[number, k] = seconds

    def resume(self, number: int, job: int | None = None) -> int:
        """Record that a paused trial runs again, in the next job or in a given one, and return the job's number."""
        self._use_jobs()
        assert self._job is not None
        job = self.n_jobs if job is None else job
        self._job[number] = job
        self._n_resumed = max(self.n_jobs, job + 1) - self.n
        self._state[number] = RUNNING
        self.n_running += 1
        self.n_paused -= 1
        return job

    # --- views ---------------------------------------------------------------------------------------------------

    def as_of(self, job: int) -> History:
        """View of the history without the results and reports of later jobs: trials whose last job is later than `job`
        count as running.

        Parameters
        ----------
        job : int
            Last job whose result is visible; -1 for none.

        Returns
        -------
        History
            Snapshot of the present state, to be read only; this object itself if nothing is hidden.

        Notes
        -----
        Proposals for job j that are made from ``as_of(j - q)`` do not depend on the order in which results are told,
        as long as those of the jobs up to j - q are in. O(n) if something is hidden. Values, standard errors, costs,
        gradients, violations and reports are hidden; times and notes are not.
        """
        unfinished = np.arange(max(job + 1, 0), self.n) if self._job is None else np.flatnonzero(self.job > job)
        state = self.state[unfinished]
        # A withdrawn trial says nothing at any time.
        later = unfinished[(state != RUNNING) & (state != WITHDRAWN)]
        # Cost, gradient and metrics of an earlier job are hidden too: the later job's own ones replace them.
        has_cost = self._cost is not None and not np.isnan(self._cost[unfinished]).all()
        has_violations = self.n_limits > 0 and not np.isnan(self._violations[unfinished]).all()
        has_gradients = self._gradients is not None and not np.isnan(self._gradients[unfinished]).all()
        curves = self.curves.as_of(job)
        if not (len(later) or has_cost or has_violations or has_gradients) and curves is self.curves:
            return self
        view = History.__new__(History)
        vars(view).update(vars(self))
        view.curves = curves
        view._state, view._values = self.state.copy(), self.values.copy()
        hidden = self.state[later]
        view._state[later], view._values[later] = RUNNING, math.nan
        if self._std_errors is not None:
            view._std_errors = self._std_errors[: self.n].copy()
            view._std_errors[later] = math.nan
        if self._cost is not None and has_cost:
            view._cost = self._cost[: self.n].copy()
            view._cost[unfinished] = math.nan
        if self._gradients is not None and has_gradients:
            view._gradients = self._gradients[: self.n].copy()
            view._gradients[unfinished] = math.nan
        if has_violations:
            view._violations = self.violations.copy()
            view._violations[unfinished] = math.nan
        view.n_running += len(later)
        view.n_complete -= int((hidden == COMPLETE).sum())
        view.n_pruned -= int((hidden == PRUNED).sum())
        view.n_paused -= int((hidden == PAUSED).sum())
        return view

    def first(self, n: int) -> History:
        """View of the first `n` trials as they are now, to be read only, without the reports and notes."""
        view = History.__new__(History)
        vars(view).update(vars(self))
        view.n, view.notes, view._proposers = n, {}, []
        counts = np.bincount(view.state, minlength=len(STATES)).tolist()
        for name, count in zip(_COUNTED, counts, strict=True):
            if name is not None:
                setattr(view, name, count)
        return view

    def for_schedulers(self) -> History:
        """View in which withdrawn trials have failed, to be read only: to a scheduler both have left their place."""
        if not self.n_withdrawn:
            return self
        view = History.__new__(History)
        vars(view).update(vars(self))
        view._state = np.where(self.present, self.state, np.uint8(FAILED))
        view.n_withdrawn = 0
        return view

    def set_proposed_by(self, number: int, proposed_by: str | None) -> None:
        """Note the sampler that proposed this trial, and those after it until another one is noted."""
        known = self._proposers[-1][1] if self._proposers else None
        if proposed_by != known:
            self._proposers.append((number, proposed_by))

    def proposed_by(self, number: int) -> str | None:
        """Sampler that a rule chose for a trial; None if no rule chose, or if a user gave the parameters."""
        if not self._proposers or "params" in self.notes.get(number, ()):
            return None
        i = bisect_right(self._proposers, number, key=lambda entry: entry[0])
        return self._proposers[i - 1][1] if i else None

    def snapshot(self) -> History:
        """Copy for another thread, without notes; later tells do not change it. O(n d)."""
        copy = History.__new__(History)
        vars(copy).update(vars(self))
        copy._X, copy._values = self.X.copy(), self.values.copy()
        copy._state, copy._violations = self.state.copy(), self.violations.copy()
        for name in ("_times", "_std_errors", "_cost", "_gradients", "_until", "_job"):
            column = getattr(self, name)
            setattr(copy, name, None if column is None else column[: self.n].copy())
        copy.curves = self.curves.copy()
        copy.notes, copy._proposers = {}, []
        return copy

    def running(self) -> FloatArray:
        """(p, d) points without a result yet: those of running and paused trials."""
        if not (self.n_running or self.n_paused):
            return np.empty((0, self._X.shape[1]))
        rows: FloatArray = self.X[(self.state == RUNNING) | (self.state == PAUSED)]
        return rows

    def _grow(self) -> None:
        room, grown = 2 * len(self._state), {}
        # The common rows are always written whole. The rarer columns are filled with NaN, "not known", in advance.
        rarer = ("_times", "_std_errors", "_cost", "_gradients", "_until", "_violations")
        for name in ("_X", "_values", "_state", "_job", *rarer):
            column = getattr(self, name)
            if column is not None:
                shape = (room, *column.shape[1:])
                rare = name in rarer
                grown[name] = np.full(shape, math.nan) if rare else np.empty(shape, dtype=column.dtype)
                grown[name][: self.n] = column[: self.n]
        vars(self).update(grown)

    def _column(self, column: FloatArray | None, *width: int) -> FloatArray:
        """The column, or a new one of NaN: columns that few trials need are made on first use."""
        return np.full((len(self._state), *width), math.nan) if column is None else column

    def _use_jobs(self) -> None:
        if self._job is None:
            self._job = np.arange(len(self._state))


# Counts of the states; that of failed trials is not kept.
_COUNTED = ("n_running", "n_complete", "n_pruned", None, "n_paused", "n_withdrawn")


def _bound(state: npt.NDArray[np.uint8], X: FloatArray, values: FloatArray, *rare: FloatArray | None) -> native.Trials:
    """Columns with all their room as samplers read them; a view of another history shares longer ones with it."""
    room = len(state)
    std_errors, cost, violations, gradients = (
        None if column is None or column.shape[-1] == 0 else column[:room] for column in rare
    )
    return native.Trials(X[:room], values[:room], state, std_errors, cost, violations, gradients)


def _known(column: FloatArray | None, number: int) -> float | None:
    if column is None or math.isnan(column[number]):
        return None
    return float(column[number])
