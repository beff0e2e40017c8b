"""Record of a search: history, running trials and best trial. Values change their sign here."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hpcore.errors import (
    InvalidArgument,
    InvalidType,
    NoCompletedTrial,
    NoFeasibleTrial,
    TrialAlreadyTold,
    UnknownTrial,
)
from hpcore.optimizer.gradients import gradients_by_coordinate
from hpcore.records.channel import Channel
from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING, STATES, WITHDRAWN, History
from hpcore.records.limits import Limits, least_violation
from hpcore.records.outcome import Outcome
from hpcore.records.pareto import non_dominated
from hpcore.records.progress import Progress, Rooted
from hpcore.records.rows import Report, Rows
from hpcore.records.trial import Trial
from hpcore.space.space import Params, Space

if TYPE_CHECKING:
    from hpcore.schedulers.base import Start

__all__ = ["Record"]

log = logging.getLogger("hpcore")

FloatArray = npt.NDArray[np.float64]


class Record:
    """Trials of a search in all states.

    Parameters
    ----------
    space : Space
        Space of the search.
    directions : sequence of {"minimize", "maximize"}
        Direction of each objective.
    limits : Limits, optional
        Limits of metrics.

    Attributes
    ----------
    history : History
        All trials; lower values are better whatever the directions.
    running : dict of int to Trial
        Running trials by number: the objects that callers have.
    channel : Channel or None
        Way of the reports of trials that begin.
    root : Rooted or None
        Folder of the checkpoints of trials that begin.
    full : float
        Resource of a full evaluation, for trials that begin.
    """

    channel: Channel | None = None
    root: Rooted | None = None
    full = math.inf

    def __init__(self, space: Space, directions: Sequence[str], limits: Limits | None = None) -> None:
        self._space = space
        self._limits = Limits() if limits is None else limits
        # The only place with signs: in the history lower is better.
        self._signs = tuple(-1.0 if way == "maximize" else 1.0 for way in directions)
        self.clear()

    def __getstate__(self) -> dict[str, Any]:
        # They belong to objects of this process; those that unpickle the record set their own.
        return {name: value for name, value in vars(self).items() if name not in ("channel", "root")}

    def clear(self) -> None:
        """Remove all trials."""
        self.history = History(len(self._space), len(self._signs), self._limits.n_bounds)
        self.running: dict[int, Trial] = {}
        self._best: int | None = None
        self._least = math.inf  # loss of the best
        # Names of metrics that trials told, and of those with a limit that the log has said to be missing.
        self._measured: set[str] = set()
        self._said_missing: set[str] = set()

    def keep_said(self, other: Record) -> None:
        """Keep what the log has said of metrics for another record of the same trials."""
        self._measured, self._said_missing = set(other._measured), set(other._said_missing)

    def keep_running(self, other: Record) -> None:
        """Keep the objects of running trials of another record of the same trials, with the parameters of this one."""
        for number, trial in other.running.items():
            trial.enlarge(self.running[number].params)
            self.running[number] = trial

    # --- changes of state ----------------------------------------------------------------------------------------

    def begin(self, u: FloatArray, params: Params, exact: bool = False) -> Trial:
        """Begin a trial at `u` (d,); `exact` keeps its parameters too, if decoding `u` may give others."""
        number = self.history.append(u)
        if exact:
            self.history.give(number, params)
        trial = Trial(number, params)
        trial.progress = Progress(len(self._signs), self.channel, self.history.job_of(number), self.root)
        self.running[number] = trial
        return trial

    def order(self, trial: Trial, order: Start) -> None:
        """Note how far a running trial's job goes, whose checkpoint it goes on from, and which trial it replaces."""
        number, history = trial.number, self.history
        history.set_until(number, order.until)
        note: dict[str, Any] = {}
        if order.parent is not None:
            job = history.job_of(order.parent) if order.parent_job is None else order.parent_job
            note.update(parent=order.parent, parent_job=job)
        if order.replaces is not None:
            note["replaces"] = order.replaces
        if note:
            history.notes.setdefault(number, {}).update(note)
        trial.progress = self._progress(number)

    def note_view(self, number: int, as_of: int | None) -> None:
        """Note the last job whose results were known when a trial's job began; None if its number tells."""
        note = self.history.notes.get(number)
        if as_of is not None:
            self.history.notes.setdefault(number, {})["as_of"] = as_of
        elif note is not None:
            note.pop("as_of", None)

    def _progress(self, number: int) -> Progress:
        """Make the progress of a trial's last job, after the reports of earlier jobs and of those of its parent."""
        history = self.history
        curves, job, until = history.curves, history.job_of(number), history.until_of(number)
        rows = curves.of(number)
        earlier = [float(curves.step[i]) for i in rows if curves.job[i] < job]
        note = history.notes.get(number, {})
        if "parent" in note:
            earlier += [float(curves.step[i]) for i in curves.of(note["parent"]) if curves.job[i] <= note["parent_job"]]
        step = max(earlier, default=-math.inf)
        progress = Progress(len(self._signs), self.channel, job, self.root)
        progress.until, progress.step, progress.full, progress.is_resumed = until, step, self.full, bool(earlier)
        if "parent" in note:
            progress.parent = note["parent"], note["parent_job"]
        progress.has_reached = bool(rows) and curves.job[rows[-1]] == job and until <= float(curves.step[rows[-1]])
        return progress

    def explain(self, trial: Trial, info: dict[str, Any] | None, proposed_by: str | None) -> None:
        """Note facts of a trial's proposal, and the sampler that a rule chose for it."""
        if info is not None:
            trial.info = info if proposed_by is None else {**info, "sampler": proposed_by}
            self.history.notes.setdefault(trial.number, {})["info"] = trial.info
        elif proposed_by is not None:
            trial.info = {"sampler": proposed_by}
            if trial.number == self.history.n - 1:
                self.history.set_proposed_by(trial.number, proposed_by)
            else:
                self.history.notes.setdefault(trial.number, {})["info"] = trial.info

    def find(self, trial: Trial | int) -> Trial:
        """Find a running trial, given itself, a copy or its number.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold, InvalidType
            There is no such running trial.
        """
        number = trial.number if isinstance(trial, Trial) else self._number_of(trial)
        known = self.running.get(number)
        if known is trial and known is not None:
            return known
        if known is None:
            if 0 <= number < self.history.n:
                state = STATES[self.history.state[number]]
                told = f"has been told already, it is {state.value}"
                if state in (STATES[PAUSED], STATES[WITHDRAWN]):
                    told = "is paused; resume it first" if state == STATES[PAUSED] else "was withdrawn"
                raise TrialAlreadyTold(f"trial {number} {told}")
            raise self._unknown(number)
        if isinstance(trial, Trial):
            known.check_copy(trial)
            theirs, ours = trial.progress, known.progress
            if theirs is not None and ours is not None and theirs.job != ours.job:
                raise TrialAlreadyTold(
                    f"job {theirs.job} of trial {number} has ended: the trial went on in another one"
                )
        return known

    def number_of(self, trial: Trial | int) -> int:
        """Return the number of a trial in any state, given itself, a copy or its number.

        Raises
        ------
        UnknownTrial, InvalidType
            There is no such trial, or it comes from another optimizer.
        """
        number = self._number_of(trial)
        if not 0 <= number < self.history.n:
            raise self._unknown(number)
        if isinstance(trial, Trial):
            self.trials[number].check_copy(trial)
        return number

    def _unknown(self, number: int) -> UnknownTrial:
        known = f"(0 .. {self.history.n - 1})" if self.history.n else "(none yet)"
        return UnknownTrial(f"trial must be one that was asked for {known}, got {number}")

    @staticmethod
    def _number_of(trial: Trial | int) -> int:
        if isinstance(trial, Trial):
            return trial.number
        if isinstance(trial, bool) or not isinstance(trial, int | np.integer):
            raise InvalidType(f"trial must be a Trial or its number, got {trial!r}")
        return int(trial)

    def report(self, trial: Trial, value: float | Sequence[float], step: float, cost: float | None = None) -> None:
        """Record a partial result of a running trial, in the user's own sign."""
        values = (value,) if isinstance(value, float | int) else tuple(value)
        signed = [v * sign for v, sign in zip(values, self._signs, strict=False)]
        self.history.curves.append(trial.number, step, signed, cost, self.history.job_of(trial.number))

    def in_own_sign(self, values: FloatArray) -> tuple[float, ...]:
        """Return values (m,) of the history in the user's own sign."""
        return tuple((values * np.array(self._signs)).tolist())

    def finish(self, trial: Trial, outcome: Outcome) -> None:
        """Record the end of a running trial, or that it pauses."""
        number, history = trial.number, self.history
        values, state, std_error, error, cost, metrics, gradient, _ = outcome
        signed = None if values is None else tuple(map(float.__mul__, values, self._signs))
        trial.values, trial.state, trial.error = values, STATES[state], error
        # Without metrics those of earlier jobs stay, as other facts do.
        violations = self._limits.violations(metrics) if self._limits and metrics is not None else None
        slope = None
        if gradient:
            (slope,) = gradients_by_coordinate(self._space, history.X[number : number + 1], [gradient], self._signs[0])
        history.finish(number, state, signed, std_error, (trial.started, trial.finished), cost, violations, slope)
        if self._limits:
            trial.set_violations(self._limits.by_name(history.violations[number].tolist()))
        del self.running[number]
        user_attrs, reports = trial.settle()
        if trial.progress is not None:
            for report in trial.progress.reports:
                self.take_report(trial, *report)
            trial.progress = None
        if reports:
            self._take_reports(trial, reports)
        facts = metrics is not None or gradient is not None
        if facts or cost is not None:
            # Facts that this job did not measure stay those of earlier jobs.
            trial.add_facts(cost, metrics, gradient)
        if facts or error is not None or user_attrs:
            history.notes.setdefault(number, {}).update(error=error, user_attrs=user_attrs, **outcome.extras)
        if self._limits:
            self.say_missing(number, outcome)
        if state == COMPLETE and signed is not None and len(signed) == 1 and self._is_allowed(number):
            best, loss = self._best, signed[0]
            if best is None or loss < self._least or (loss == self._least and number < best):
                self._best, self._least = number, loss

    def say_missing(self, number: int, outcome: Outcome) -> None:
        """Log, once per metric, that a complete trial was told without a metric that has a limit."""
        if outcome.state != COMPLETE or not self._limits:
            return
        metrics = {**(self.history.notes.get(number, {}).get("metrics") or {}), **(outcome.metrics or {})}
        self._measured |= metrics.keys()
        for name in self._limits.missing(metrics):
            if name in self._said_missing:
                continue
            self._said_missing.add(name)
            if name in self._measured:
                log.warning(
                    "trial %d was told without the metric %r, which has a limit: it is not known whether the trial "
                    "keeps it, so that the trial is not feasible",
                    number,
                    name,
                )
            else:
                others = ", ".join(map(repr, sorted(self._measured))) or "no metric"
                log.warning(
                    "limits name the metric %r, which no trial has told yet (trial %d told %s): trials without it are "
                    "not feasible",
                    name,
                    number,
                    others,
                )

    def _is_allowed(self, number: int) -> bool:
        """True if a trial is known to keep all limits."""
        return not self._limits or bool((self.history.violations[number] <= 0.0).all())

    def _take_reports(self, trial: Trial, reports: dict[int, float]) -> None:
        """Record the entries of ``trial.reports`` whose steps were not reported before."""
        curves = self.history.curves
        known = {curves.step[i] for i in curves.of(trial.number)}
        for step, value in reports.items():
            if step not in known:
                self.report(trial, value, step)

    def take_report(self, trial: Trial, step: float, values: Sequence[float], cost: float | None) -> bool:
        """Record a report in the user's own sign, unless this or a larger step is known; True if it was recorded.

        A job that begins again, after its worker died or with another worker, reports what is known already.
        """
        if step <= self.last_step(trial.number):
            return False
        self.report(trial, values, step, cost)
        return True

    def last_step(self, number: int) -> float:
        """Last step that a trial reported; minus infinity if there is none."""
        curves = self.history.curves
        rows = curves.of(number)
        return float(curves.step[rows[-1]]) if rows else -math.inf

    def resume(self, given: Trial | int, job: int | None = None, until: float = math.inf) -> Trial:
        """Begin another job of a paused trial; see `Optimizer.resume`."""
        number = self.number_of(given)
        if self.history.state[number] != PAUSED:
            raise InvalidArgument(
                f"trial must be paused to be resumed, trial {number} is {STATES[self.history.state[number]].value}"
            )
        trial = self.trials[number]
        trial.state, trial.values, trial.finished = STATES[RUNNING], None, None
        trial.set_violations(None)
        self.history.resume(number, job)
        if until < math.inf or self.history.until is not None:
            self.history.set_until(number, until)
        trial.progress = self._progress(number)
        trial.progress.is_resumed = True
        self.running[number] = trial
        return trial

    # --- trials by number ----------------------------------------------------------------------------------------

    def begin_at(self, number: int, u: FloatArray, params: Params) -> Trial:
        """Begin the trial of a number at `u` (d,), anew if it is known; numbers before it that no trial has stay
        without one."""
        history = self.history
        if number >= history.n:
            self.skip(number + 1)
        elif history.curves.of(number):
            history.curves = history.curves.without(number)
        history.begin_anew(number, u)
        # The object that a caller has goes on.
        trial = self.running.setdefault(number, Trial(number, params))
        trial.params, trial.info = params, None
        trial.extras = None, None
        trial.progress = Progress(len(self._signs), self.channel, history.job_of(number), self.root)
        return trial

    def put(
        self, number: int, u: FloatArray, params: Params, outcome: Outcome | None, reports: Mapping[float, Any] | None
    ) -> bool:
        """Copy a trial that is recorded elsewhere; see `Optimizer.put`.

        Parameters
        ----------
        number : int
            Number of the trial.
        u : ndarray of shape (d,)
            Its point.
        params : dict
            Its parameters.
        outcome : Outcome or None
            Its outcome; None if it runs.
        reports : mapping of float to tuple of float, or None
            Its partial results, in the user's own sign; None if they are those that are known.

        Returns
        -------
        bool
            True if it is not what followed from the trial before: its point, or a result, has changed.
        """
        history = self.history
        before = int(history.state[number]) if number < history.n else None
        stays = before not in (None, WITHDRAWN) and history.X[number].tobytes() == u.tobytes()
        is_exact = stays and _same(self._params_of(number), params)
        has_changed = False
        if not (is_exact and self._has_come_to(number, outcome)):
            if stays and before == RUNNING:
                trial = self.running[number]
                trial.params = params
            else:
                has_changed = before is not None
                reported = history.curves if stays else None
                trial = self.begin_at(number, u, params)
                history.curves = history.curves if reported is None else reported
            if outcome is not None:
                self.finish(trial, outcome)
            if before == COMPLETE:
                self._find_best()
        if not is_exact or history.is_given(number):
            # The copy of a trial is no given one, whoever made its parameters: afterwards both look the same.
            self._mirror(number, params)
        if reports is not None:
            has_changed |= self._put_reports(number, reports)
        return has_changed

    def keep_params(self, number: int) -> None:
        """Keep the parameters of a running trial as they are, where its point decodes to others."""
        self._mirror(number, self.running[number].params)

    def _mirror(self, number: int, params: Params) -> None:
        is_decoded = _same(self._space.decode_recorded(self.history.X[number : number + 1])[0], params)
        self.history.mirror(number, None if is_decoded else params)

    def move(self, trial: Trial, params: Mapping[str, Any]) -> bool:
        """Replace the parameters of a running trial by those that were really used; True if its point changed."""
        number, history = trial.number, self.history
        if _same(trial.params, params):
            return False
        u = np.asarray(self._space.encode(params))
        has_moved: bool = history.X[number].tobytes() != u.tobytes()
        history.X[number] = u
        trial.params = dict(params)
        self._mirror(number, trial.params)
        return has_moved

    def _params_of(self, number: int) -> Params:
        """Parameters of a trial, which must not be changed."""
        note = self.history.notes.get(number)
        if note is not None and "params" in note:
            given: Params = note["params"]
            return given
        return self._space.decode_recorded(self.history.X[number : number + 1])[0]

    def _has_come_to(self, number: int, outcome: Outcome | None) -> bool:
        """True if a trial has this outcome already, or is running if that is None."""
        history = self.history
        if history.state[number] != (RUNNING if outcome is None else outcome.state):
            return False
        if outcome is None:
            return True
        note = history.notes.get(number, {})
        known = None if math.isnan(history.values[number, 0]) else self.in_own_sign(history.values[number])
        return (
            known == outcome.values
            and history.std_error(number) == outcome.std_error
            and history.cost_of(number) == outcome.cost
            and _same(note.get("metrics") or {}, outcome.metrics or {})
            and note.get("error") == outcome.error
        )

    def _put_reports(self, number: int, reports: Mapping[float, Any]) -> bool:
        """Replace the partial results of a trial; True if one that was known has changed."""
        history, job = self.history, self.history.job_of(number)
        curves = history.curves
        known = {float(curves.step[i]): self.in_own_sign(curves.values[i]) for i in curves.of(number)}
        has_changed = any(step not in reports or not _equal(reports[step], values) for step, values in known.items())
        if has_changed:
            history.curves, known = curves.without(number), {}
        for step in sorted(reports.keys() - known.keys()):
            signed = [v * sign for v, sign in zip(reports[step], self._signs, strict=True)]
            history.curves.append(number, step, signed, None, job)
        running = self.running.get(number)
        if running is not None:
            first: dict[Any, float] = {int(s) if s.is_integer() else s: reports[s][0] for s in sorted(reports)}
            running.extras = running.extras[0], first or None
            assert running.progress is not None
            running.progress.step = max(reports, default=-math.inf)
        return has_changed

    def skip(self, n: int) -> None:
        """Let the numbers before `n` that no trial has stay without one."""
        if n > self.history.n:
            self.history.set_proposed_by(self.history.n, None)
            self.history.skip(n)

    def withdraw(self, number: int) -> None:
        """Record that a trial in any state says nothing of its point."""
        was_best = self._best == number
        trial = self.running.pop(number, None)
        if trial is not None:
            trial.state, trial.values, trial.progress = STATES[WITHDRAWN], None, None
            trial.set_facts(None, None, None)
            user_attrs, _ = trial.settle()
            if user_attrs:
                self.history.notes.setdefault(number, {})["user_attrs"] = user_attrs
        self.history.withdraw(number)
        if was_best:
            self._find_best()

    # --- several trials ------------------------------------------------------------------------------------------

    def take_back(self, first: int) -> None:
        """Remove the trials from number `first` on; all of them must be running."""
        for number in range(first, self.history.n):
            del self.running[number]
        self.history.truncate(first)

    def restore(self, rows: Rows) -> None:
        """Append trials of another record; see `Optimizer.restore`."""
        first = self.history.n
        values = rows.values * np.array(self._signs)
        violations = None
        if self._limits:
            metrics = [rows.notes.get(first + i, {}).get("metrics") for i in range(len(rows))]
            violations = np.array([self._limits.violations(known) for known in metrics])
        gradients = None
        told = [rows.notes.get(first + i, {}).get("gradient") for i in range(len(rows))] if rows.notes else []
        if any(told):
            gradients = gradients_by_coordinate(self._space, rows.X, told, self._signs[0])
        rows = replace(rows, values=values, reports=self._signed(rows.reports))
        self.history.extend(rows, violations, gradients)
        running = np.flatnonzero(rows.state == RUNNING)
        for i, params in zip(running.tolist(), self._space.decode_recorded(rows.X[running]), strict=True):
            params = dict(rows.notes.get(first + i, {}).get("params", params))
            self.running[first + i] = self._evaluated_again(first + i, params)
        self._find_best()

    def _signed(self, reports: Sequence[Report]) -> list[Report]:
        return [
            (number, step, tuple(v * sign for v, sign in zip(values, self._signs, strict=False)), cost, job)
            for number, step, values, cost, job in reports
        ]

    def rows(self, n: int) -> Rows:
        """See `Optimizer.rows`."""
        history, signs = self.history, np.array(self._signs)
        curves = history.curves
        return Rows(
            history.X[:n].copy(),
            history.state[:n].copy(),
            history.values[:n] * signs,
            history.times[:n].copy(),
            None if history.std_errors is None else history.std_errors[:n].copy(),
            None if history.cost is None else history.cost[:n].copy(),
            history.job[:n].copy(),
            {number: dict(note) for number, note in history.notes.items() if number < n},
            [
                (number, step, tuple((values * signs).tolist()), None if math.isnan(cost) else cost, job)
                for number, step, values, cost, job in zip(
                    curves.trial.tolist(),
                    curves.step.tolist(),
                    curves.values,
                    curves.cost.tolist(),
                    curves.job.tolist(),
                    strict=True,
                )
                if number < n
            ],
            None if history.until is None else history.until[:n].copy(),
        )

    def restart(self, number: int) -> Trial:
        """See `Optimizer.restart`."""
        before = self.running[number]
        params = self.history.notes.get(number, {}).get("params")
        if params is None:
            (params,) = self._space.decode_recorded(self.history.X[number : number + 1])
        trial = self._evaluated_again(number, dict(params))
        trial.info = before.info
        self.running[number] = trial
        return trial

    def _evaluated_again(self, number: int, params: Params) -> Trial:
        """Make a running trial, with the attributes and reports of its earlier jobs if it was paused."""
        trial, history = Trial(number, params), self.history
        curves, job = history.curves, history.job_of(number)
        reports: dict[Any, float] = {}
        for i in curves.of(number):
            if curves.job[i] < job:
                step = float(curves.step[i])
                reports[int(step) if step.is_integer() else step] = float(curves.values[i, 0]) * self._signs[0]
        note = history.notes.get(number, {})
        trial.extras = note.get("user_attrs"), reports or None
        trial.set_facts(history.cost_of(number), note.get("metrics"), note.get("gradient"))
        trial.progress = self._progress(number)
        return trial

    def _find_best(self) -> None:
        allowed = self.history.feasible
        found = len(self._signs) == 1 and bool(allowed.any())
        losses = np.where(allowed, self.history.values[:, 0], np.inf) if found else None
        self._best = None if losses is None else int(np.argmin(losses))
        self._least = math.inf if losses is None else float(losses[self._best])

    # --- results -------------------------------------------------------------------------------------------------

    @property
    def trials(self) -> Sequence[Trial]:
        """Live view of all trials by number."""
        from hpcore.records.view import TrialsView

        return TrialsView(self.history, self.running, self._space.decode_recorded, self._signs, self._limits)

    @property
    def best(self) -> Trial:
        """See `Optimizer.best_trial`."""
        if len(self._signs) != 1:
            raise InvalidArgument("best_trial needs a single objective; of several, pareto_front holds the best")
        if self._best is None and self.history.n_complete:
            raise self.no_feasible_trial()
        if self._best is None:
            raise NoCompletedTrial(f"no trial has completed yet{self._why()}")
        return self.trials[self._best]

    def recommended(self, choose: Callable[[History], int]) -> Trial:
        """Return the trial whose number ``choose(history)`` answers, once one could be best; see
        `Optimizer.recommend`."""
        if len(self._signs) != 1:
            raise InvalidArgument("recommend needs a single objective; of several, pareto_front holds the best")
        if self._best is None:
            return self.best  # which raises the reason
        return self.trials[choose(self.history)]

    def no_feasible_trial(self) -> NoFeasibleTrial:
        """Make the error that says which complete trial is nearest to keeping the limits."""
        complete = np.flatnonzero(self.history.complete)
        nearest = self.trials[int(complete[least_violation(self.history.violations[complete])])]
        metrics = nearest.metrics
        beyond = self._limits.by_name(self.history.violations[nearest.number].tolist())
        broken = [
            f"{name} is {metrics.get(name, 'not known')!s}, must be {self._limits[name]}"
            for name, distance in beyond.items()
            if not distance <= 0.0
        ]
        return NoFeasibleTrial(
            f"no complete trial keeps the limits yet ({len(complete)} complete); trial {nearest.number}, "
            f"trials[{nearest.number}], comes nearest: {'; '.join(broken)}",
            nearest,
        )

    def _why(self) -> str:
        failed = np.flatnonzero(self.history.state == FAILED)
        if not len(failed):
            return f" ({self.history.n} asked for, none failed)"
        error = self.trials[int(failed[-1])].error or ""
        last = error.strip().splitlines()[-1] if error.strip() else "no reason given"
        return f" ({self.history.n} asked for, {len(failed)} failed; the last failure: {last})"

    @property
    def front(self) -> list[Trial]:
        """See `Optimizer.pareto_front`."""
        numbers = np.flatnonzero(self.history.feasible)
        trials = self.trials
        return [trials[int(i)] for i in numbers[non_dominated(self.history.values[numbers])]]


def _same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """True if two mappings hold the same values: 1, 1.0 and True are three, and NaN is one."""
    if a.keys() != b.keys():
        return False
    pairs = [(value, b[name]) for name, value in a.items()]
    return all(x is y or (type(x) is type(y) and (x == y or (x != x and y != y))) for x, y in pairs)


def _equal(a: Sequence[float], b: Sequence[float]) -> bool:
    """True if numbers are equal; NaN equals NaN."""
    return all(x == y or (x != x and y != y) for x, y in zip(a, b, strict=True))
