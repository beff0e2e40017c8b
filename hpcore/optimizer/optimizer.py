"""Ask and tell: a space, a sampler and the record between them. No disk, no thread, and no clock but for deadlines."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_alias, check_attributes, check_integer, check_number
from hpcore.errors import InfeasibleSpace, InvalidArgument, InvalidType, SearchSpaceExhausted
from hpcore.optimizer.known import Known, read_known
from hpcore.optimizer.objectives import check_directions, check_outcome, check_values
from hpcore.optimizer.proposer import Proposer, fill_in
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.search_view import SearchView
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import History
from hpcore.records.outcome import Outcome
from hpcore.records.rows import Rows
from hpcore.records.streams import check_seed
from hpcore.records.trial import Trial
from hpcore.samplers import DEFAULT, Sampler, resolve
from hpcore.space.reading import read_row, without_missing
from hpcore.space.space import Params, Space

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Optimizer"]

FloatArray = npt.NDArray[np.float64]

# Optimizers of this process; their locks and threads are made anew in a forked child.
_ALIVE: weakref.WeakSet[Optimizer] = weakref.WeakSet()


class Optimizer:
    """Proposes parameters and learns from their results.

    Parameters
    ----------
    space : Space or mapping
        What to search; a mapping is read by `Space.of`.
    sampler : str or Sampler, default="gp"
        ``"gp"``, ``"tpe"``, ``"random"``, ``"grid"``, ``"sobol"``, ``"auto"`` (which chooses among them, see
        `hpcore.samplers.AutoSampler`), or an object of `hpcore.samplers` with its options.
    direction : {"minimize", "maximize"}, optional
        Of the one objective; ``"minimize"`` if nothing is said.
    directions : sequence of {"minimize", "maximize"}, optional
        One per objective, instead of `direction`.
    seed : int, optional
        0 .. 2**128 - 1. The same seed, space and history give the same proposals to the last bit; None draws one from
        the operating system, found in `seed`.
    prefetch : bool or "delayed"
        Compute the next suggestion on a thread while the caller is busy. True: from each `tell` on; a suggestion that
        another `tell` made stale is dropped and computed again, so proposals are those without prefetching.
        ``"delayed"``: from each `ask` on, and given whatever is told meanwhile, so that the evaluation of a trial
        hides the cost of the next suggestion; it took the trials in ``trial.info["unseen"]`` for running ones.
        Costs a core while it computes; samplers that do not learn have nothing to prefetch.
    repeats : int, default=1
        How often a point of a finite space, or of a grid, may be proposed, at least 1: where values are noisy, a good
        point deserves more than one look. A point of a space with continuous parameters is not counted, unless the
        sampler is ``"grid"``, which then walks its points so often.
    strategy, random_state : optional
        `sampler` and `seed` by the names that scikit-learn's users know.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        As the arguments' own checks say.

    Examples
    --------
    >>> import hpcore as hp
    >>> opt = hp.Optimizer({"x": hp.Float(-5, 5)}, sampler="sobol", seed=0)
    >>> for _ in range(20):
    ...     trial = opt.ask()
    ...     opt.tell(trial, (trial["x"] - 1) ** 2)
    >>> opt.best_value < 0.5
    True

    Notes
    -----
    Several threads may share an optimizer; calls take turns. No point is proposed twice, nor one that was enqueued or
    added (in a finite space, more than `repeats` times); there `ask` raises `SearchSpaceExhausted` after the last one.
    A forked child has an optimizer of its own, whatever threads of its parent were doing, which proposes what its
    parent's does; but with ``prefetch="delayed"`` not what the parent had begun to compute.
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any],
        sampler: str | Sampler = DEFAULT,
        direction: str | None = None,
        directions: Sequence[str] | None = None,
        seed: int | None = None,
        prefetch: bool | str = False,
        *,
        repeats: int = 1,
        strategy: str | Sampler | None = None,
        random_state: int | None = None,
    ) -> None:
        if strategy is not None:
            sampler = check_alias("sampler", None if sampler is DEFAULT else sampler, "strategy", strategy)
        self.space = Space.of(space)
        self.sampler = resolve(sampler)
        self.directions = check_directions(direction, directions)
        self.seed = check_seed(check_alias("seed", seed, "random_state", random_state))
        self.repeats = check_integer("repeats", repeats, 1)
        if not isinstance(prefetch, bool) and prefetch != "delayed":
            raise InvalidArgument(f"prefetch must be True, False or 'delayed', got {prefetch!r}")
        self.prefetch = prefetch
        self._single = len(self.directions) == 1
        self._record = Record(self.space, self.directions)
        self._queue: deque[Params] = deque()
        self._remaining = Remaining(self.space, self.seed, self.repeats)
        self._begin()

    def _begin(self) -> None:
        """Build the members that are not pickled."""
        self._in_order = False
        self._lock = threading.RLock()
        self._suggestions = Suggestions(
            self.sampler, self.space.columns, len(self.directions), self.seed, self.prefetch, self.repeats
        )
        self._proposer = Proposer(self.space, self._suggestions, self._remaining, self.seed)
        _ALIVE.add(self)

    def _after_fork(self) -> None:
        """In a child process, which has none of its parent's other threads."""
        idle = self._lock.acquire(blocking=False)
        if idle:
            self._lock.release()
        else:
            self._lock = threading.RLock()
        self._suggestions.after_fork(idle)

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k not in ("_lock", "_suggestions", "_proposer", "_in_order")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    # --- ask -----------------------------------------------------------------------------------------------------

    @overload
    def ask(self, n: None = None, *, deadline_ms: float | None = None, as_of: int | None = None) -> Trial: ...
    @overload
    def ask(self, n: int, *, deadline_ms: float | None = None, as_of: int | None = None) -> list[Trial]: ...
    def ask(
        self, n: int | None = None, *, deadline_ms: float | None = None, as_of: int | None = None
    ) -> Trial | list[Trial]:
        """The next parameters to evaluate.

        Parameters
        ----------
        n : int, optional
            How many, at least 1. Without it one trial is given, with it a list. Fewer than `n` come only when the
            space runs out.
        deadline_ms : float, optional
            Milliseconds from the call, by a monotonic clock, that the sampler may take for all it is asked for;
            greater than 0. It then goes down a ladder of cheaper steps, and says in ``trial.info["step"]`` which one
            led to the trial; ``"full"`` is the suggestion without a deadline. What a machine manages in a time is not
            repeatable, so neither are other steps. ``"random"`` is a point at random: constraints or repeats refused
            what the sampler proposed until the time was over, or four times more; or, with `prefetch`, the sampler
            was still busy on its thread.
        as_of : int, optional
            Propose from the results of the jobs (of trials that run once, their numbers) up to this one only, -1 for
            none; the others count as running. With ``as_of=opt.history.n_jobs - q`` proposals are the same in whatever
            order results are told, as long as those are in. Not together with `n`.

        Returns
        -------
        Trial or list of Trial
            Running until `tell`; enqueued parameters come first.

        Raises
        ------
        SearchSpaceExhausted
            Nothing is left to propose; or, where a parameter is continuous, none of 20,000 proposals in a row was both
            new and allowed.
        InfeasibleSpace
            The constraints refused 20,000 proposals in a row.
        ConstraintError
            A constraint raised. No trial begins then, not even of those of `n` that came before.
        """
        end = None
        if deadline_ms is not None:
            deadline_ms = check_number("deadline_ms", deadline_ms, 0.0, open_low=True, unit=" of milliseconds")
            end = time.monotonic() + min(deadline_ms / 1e3, threading.TIMEOUT_MAX)
        if as_of is not None:
            as_of = check_integer("as_of", as_of, -1)
            if n is not None:
                raise InvalidArgument("as_of needs one trial at a time, leave n out")
        with self._lock:
            self._in_order = as_of is not None
            if n is None:
                asked: Trial | list[Trial] = self._ask_one(end, as_of)
            else:
                asked = self._ask_many(check_integer("n", n, 1), end)
            if self.prefetch and not self._in_order:
                self._suggestions.look_ahead(self._record.history, not self._queue)
            return asked

    def _ask_one(self, end: float | None, as_of: int | None = None) -> Trial:
        if self._queue:
            return self._ask_queued()
        history = self._record.history
        if as_of is None:
            u, step, info = self._suggestions.first(history, end)
            return self._propose(history, u, step, info, end)
        # Without a look ahead, which would have seen more.
        history = history.as_of(as_of)
        rows, step = self._suggestions.rows(history, 1, end=end)
        return self._propose(history, rows[0], step, None, end)

    def _ask_many(self, n: int, end: float | None) -> list[Trial]:
        """All of them, fewer where the space runs out, or after an error none."""
        history, queue = self._record.history, self._queue.copy()
        first = history.n
        trials: list[Trial] = []
        try:
            while len(trials) < n and self._queue:
                trials.append(self._ask_queued())
            if len(trials) < n:
                rows, step = self._suggestions.rows(history, n - len(trials), end=end)
                for u in rows:
                    trials.append(self._propose(history, u, step, None, end))
            while len(trials) < n:
                trials.append(self._ask_one(end))
        except SearchSpaceExhausted:
            if not trials:
                raise
        except BaseException as error:
            self._take_back(first, queue, error)
            raise
        return trials

    def _ask_queued(self) -> Trial:
        """Enqueued parameters; those that were left out are drawn at random."""
        try:
            u, params = fill_in(self.space, self._queue[0], self.seed, self._record.history.n)
        except InfeasibleSpace:
            self._queue.popleft()  # or it would stand in the way of every later ask
            raise
        self._queue.popleft()
        return self._begin_given(u, params)

    def _propose(
        self, history: History, u: FloatArray, step: str | None, info: dict[str, Any] | None, end: float | None
    ) -> Trial:
        """A suggestion as a trial; if it repeats or is not allowed, another point instead."""
        u, params, step = self._proposer.accept(history, u, step, end)
        trial = self._record.begin(u, params)
        proposed_by = self._suggestions.proposed_by(trial.number, step if end is not None else None)
        if end is not None:
            info = {**(info or {}), "step": step}
        if info is not None or proposed_by is not None:
            self._record.explain(trial, info, proposed_by)
        return trial

    def _begin_given(self, u: FloatArray, params: Params) -> Trial:
        """A user's own parameters as a trial."""
        self._remaining.discard(u)
        return self._record.begin(u, params, exact=True)

    def _take_back(self, first: int, queue: deque[Params], error: BaseException) -> None:
        """Undo an `ask` that failed: nobody holds its trials from number `first` on, so nobody could tell them."""
        n_queued = len(queue) - len(self._queue)
        if isinstance(error, InfeasibleSpace) and n_queued > self._record.history.n - first:
            # What has no room in the space would be in the way for ever.
            del queue[n_queued - 1]
        self._queue = queue
        if self._record.history.n > first:
            self._record.take_back(first)
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Derive from the record, which has lost trials, all that follows from it."""
        self._remaining.begin_anew(self._record.history.X)
        self._suggestions.begin_anew()

    # --- tell ----------------------------------------------------------------------------------------------------

    def tell(
        self,
        trial: Trial | int,
        value: float | Sequence[float] | None = None,
        *,
        std_error: float | None = None,
        error: str | None = None,
        cost: float | None = None,
        metrics: Mapping[str, float] | None = None,
        gradient: Mapping[str, float] | None = None,
        state: str | None = None,
    ) -> None:
        """Report the result of a trial.

        Parameters
        ----------
        trial : Trial or int
            As given by `ask`, or its number.
        value : float, sequence of float, or None
            One number per objective. None, NaN or an infinity marks the trial as failed: it is never best, and the
            search goes on.
        std_error : float, optional
            Standard error of the (first) value, in its own units, where it is known; at least 0.
        error : str, optional
            Reason of a failure, kept as ``trial.error``; marks the trial as failed whatever the value.
        cost : float, optional
            Cost of the evaluation in any unit, at least 0; kept as ``trial.cost``.
        metrics : mapping of str to float, optional
            Further measurements; kept as ``trial.metrics``.
        gradient : mapping of str to float, optional
            Derivative of the first value by parameter, in the parameters' own units; kept as ``trial.gradient``.
        state : {"complete", "pruned", "paused", "failed"}, optional
            State of the trial; by default it follows from `value` and `error`. A ``"pruned"`` trial was stopped early:
            its value, which may be left out, is an estimate, from which samplers learn and which is never best. A
            ``"paused"`` trial has no value yet, and `resume` lets it go on.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold
            No such running trial.
        InvalidType, InvalidArgument
            A value that is not a number (text and bytes included), or the wrong number of values; another argument
            that is not allowed. The trial stays as it was.
        """
        with self._lock:
            known = self._record.find(trial)
            if (
                type(value) is float
                and self._single
                and math.isfinite(value)
                and std_error is None
                and error is None
                and state is None
                and cost is None
                and metrics is None
                and gradient is None
            ):
                outcome = Outcome((value,))
            else:
                outcome = self.outcome(value, std_error, error, cost, metrics, gradient, state)
            if known is not trial or self.prefetch:
                self._finish(known, outcome, trial)
            else:
                self._record.finish(known, outcome)

    def finish(self, trial: Trial | int, outcome: Outcome) -> None:
        """Record an outcome that was checked, as `outcome` gives it; raises what `tell` does of a trial."""
        with self._lock:
            self._finish(self._record.find(trial), outcome, trial)

    def _finish(self, known: Trial, outcome: Outcome, told: Trial | int) -> None:
        if known is not told and isinstance(told, Trial):
            # A copy, for instance from a worker process: what it brought back belongs to the trial.
            known.adopt(told)
        self._record.finish(known, outcome)
        if self.prefetch and not self._in_order:
            self._suggestions.look_ahead(self._record.history, not self._queue, told=known.number)

    def report(
        self, trial: Trial | int, value: float | Sequence[float], step: float, cost: float | None = None
    ) -> None:
        """Record a partial result of a running trial, in ``history.curves``.

        Parameters
        ----------
        trial : Trial or int
            As given by `ask`, or its number.
        value : float or sequence of float
            One number per objective, which may be NaN.
        step : float
            Resource used so far: an epoch, a fold, a number of rows; finite.
        cost : float, optional
            Cost of reaching the step in any unit, at least 0.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold
            No such running trial.
        InvalidType, InvalidArgument
            An argument that is not allowed.
        """
        values = check_values(value, len(self.directions))
        if values is None:
            raise InvalidType("value must be a number or one number per objective, got None")
        step = check_number("step", step)
        cost = None if cost is None else check_number("cost", cost, 0.0)
        with self._lock:
            self._record.report(self._record.find(trial), values, step, cost)
            self._suggestions.changed()

    def resume(self, trial: Trial | int) -> Trial:
        """Begin another job of a paused trial.

        Parameters
        ----------
        trial : Trial or int
            The trial or its number.

        Returns
        -------
        Trial
            Running again, with its parameters, reports and attributes.

        Raises
        ------
        UnknownTrial, InvalidType
            There is no such trial.
        InvalidArgument
            It is not paused.
        """
        with self._lock:
            resumed = self._record.resume(trial)
            self._suggestions.changed()
            return resumed

    def outcome(
        self,
        value: Any,
        std_error: float | None = None,
        error: str | None = None,
        cost: float | None = None,
        metrics: Mapping[str, float] | None = None,
        gradient: Mapping[str, float] | None = None,
        state: str | None = None,
    ) -> Outcome:
        """Check the arguments of `tell`; the outcome that it records."""
        return check_outcome(self.space, len(self.directions), value, std_error, error, cost, metrics, gradient, state)

    def add(
        self,
        params: Mapping[str, Any],
        value: float | Sequence[float] | None,
        *,
        std_error: float | None = None,
        user_attrs: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Record an evaluation made elsewhere, for a warm start.

        Parameters
        ----------
        params : mapping of str to value, or pandas.Series
            Every active parameter; need not be something the sampler would propose, but legal. Constraints are not
            asked: it has been evaluated. A row of a table, also as a pandas.Series, is taken as it is: None or NaN of
            an inactive parameter is left out, and where None (or NaN) is a choice, a missing value is that choice.
        value, std_error
            As for `tell`.
        user_attrs : mapping of str to value, optional
            Kept with the trial, as plain data; see `Trial.user_attrs`.

        Returns
        -------
        Trial
            With the next number, already told: what is put into its ``user_attrs`` later is not kept.

        Raises
        ------
        InvalidArgument, InvalidType
            As for `Space.check` and `tell`; nothing is recorded then.
        """
        with self._lock:
            point = self.space.encode(without_missing(self.space, read_row(params)))
            outcome = self.outcome(value, std_error, None)
            attributes = check_attributes("user_attrs", user_attrs)
            assert point.params is not None
            trial = self._begin_given(np.asarray(point), point.params)
            if attributes:
                trial.user_attrs.update(attributes)
            self._finish(trial, outcome, trial)
            return trial

    def add_many(self, rows: Iterable[tuple[Mapping[str, Any], Any] | Mapping[str, Any]]) -> list[Trial]:
        """Record many evaluations made elsewhere, all of them or none.

        Parameters
        ----------
        rows : iterable
            Pairs ``(params, value)`` as for `add`; or mappings with ``"params"`` and ``"value"`` and, where there is
            more to say, ``"std_error"``, ``"error"`` (why the trial failed), ``"user_attrs"``, and ``"started"`` and
            ``"finished"`` in seconds of unix time. A value of None, NaN or infinity is a failed trial.

        Returns
        -------
        list of Trial
            With the next numbers in the order of the rows, as if `add` had been called for each.

        Raises
        ------
        InvalidArgument, InvalidType
            As for `add`; the message begins with the position of the row, from 0. Nothing is recorded then.

        Examples
        --------
        >>> import hpcore as hp
        >>> opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
        >>> trials = opt.add_many([({"x": 0.25}, 3.0), {"params": {"x": 0.5}, "value": 1.0, "std_error": 0.1}])
        >>> opt.best_params
        {'x': 0.5}
        """
        return self.take_known(read_known(self.space, self.outcome, rows))

    def take_known(self, known: Known) -> list[Trial]:
        """Record results that were checked; see `add_many`."""
        with self._lock:
            first = self._record.history.n
            if not len(known):
                return []
            self.restore(known.rows(first, len(self.directions)))
            if self.prefetch:
                last = self._record.history.n - 1
                for number in range(first, last + 1):
                    wanted = number == last and not self._queue
                    self._suggestions.look_ahead(self._record.history, wanted, told=number)
            return known.trials(first)

    def add_frame(
        self,
        frame: pd.DataFrame,
        *,
        value: str | Sequence[str] | None = None,
        params: Mapping[str, str] | None = None,
        std_error: str | None = None,
        user_attrs: Sequence[str] = (),
    ) -> list[Trial]:
        """Record the evaluations in a table: one that `Study.to_frame` wrote, or any other.

        Parameters
        ----------
        frame : pandas.DataFrame
            A row a trial. The table of `Study.to_frame` is read with all that it says, directly or from a file of
            CSV, JSON or Parquet: whole numbers that became 3.0, choices that became text, and empty cells of what is
            inactive or None are what they were. Rows that are running are left out, and logged. Columns of no meaning
            here are not read.
        value : str or sequence of str, optional
            Column of the value, or the columns of several; by default ``"value"`` or ``"value_0"``, ...
        params : mapping of str to str, optional
            Column of each parameter whose column is called neither ``param_NAME`` nor, in a table without such
            columns, by the parameter's name.
        std_error : str, optional
            Column of the value's standard error; by default ``"std_error"`` of a table that `Study.to_frame` wrote.
        user_attrs : sequence of str
            Columns kept as user attributes, beside those called ``attr_NAME``.

        Returns
        -------
        list of Trial
            Those that were recorded, in the order of the rows.

        Raises
        ------
        InvalidArgument, InvalidType
            A column that is missing or unknown, or a cell that cannot be read, named by its row from 0. Nothing is
            recorded then.
        """
        # Imported here: asking and telling needs no tables.
        from hpcore.optimizer.frames import read_frame

        m = len(self.directions)
        return self.take_known(read_frame(frame, self.space, self.outcome, m, value, params, std_error, user_attrs))

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Ask for these parameters next, before the sampler's own proposals; first in, first out.

        Parameters
        ----------
        params : mapping of str to value
            Legal values; parameters that are left out are drawn at random when their turn comes, parents such that
            what is given is active. If `ask` fails for it, it stays in the queue, unless 20,000 draws were refused.

        Raises
        ------
        InvalidArgument, InvalidType
            An unknown name, an illegal value, a parameter that the others make inactive, or a full set of parameters
            that the constraints refuse.
        """
        with self._lock:
            given = self.space.check_partial(params)
            self._queue.append(given)

    # --- a record kept elsewhere ---------------------------------------------------------------------------------

    def restore(self, rows: Rows) -> None:
        """Append trials that another optimizer of the same space asked for; values in the user's own sign."""
        with self._lock:
            first = self._record.history.n
            self._record.restore(rows)
            self._remaining.discard_all(self._record.history.X[first:])
            self._suggestions.changed()

    def rows(self, n: int | None = None) -> Rows:
        """A copy of the first `n` trials, or of all, that `restore` of another optimizer of the same space takes."""
        with self._lock:
            return self._record.rows(self._record.history.n if n is None else check_integer("n", n, 0))

    def running(self) -> Mapping[int, Trial]:
        """The trials that are being evaluated, by number."""
        return self._record.running

    def replace_running(self, trial: Trial) -> None:
        """Let a caller's own object stand for a trial that was restored as running."""
        with self._lock:
            self._record.running[trial.number] = trial

    def restart(self, number: int) -> Trial:
        """A running trial as a new object, without anything that an earlier evaluation wrote on it, or still writes."""
        with self._lock:
            return self._record.restart(number)

    def forget(self) -> None:
        """Drop all trials and the queue."""
        with self._lock:
            self._record.clear()
            self._queue.clear()
            self._begin_anew()

    # --- what is known -------------------------------------------------------------------------------------------

    @property
    def learns(self) -> bool:
        """Whether proposals depend on what was told."""
        return self._suggestions.learns

    @property
    def history(self) -> History:
        """The record as arrays, in which lower values are better whatever the directions; to be read only."""
        return self._record.history

    def view(self, as_of: int | None = None) -> SearchView:
        """State of the search for a stopping rule, as of a job (see `ask`) or with all that is known."""
        with self._lock:
            history = self._record.history
            if as_of is not None:
                history = history.as_of(as_of)
            return SearchView(self.space, self.directions, self.seed, history)

    @property
    def n_trials(self) -> int:
        """Trials so far, running ones included."""
        return self._record.history.n

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials by number, running ones included; trial k is ``trials[k]``. A live view, cheap to get."""
        return self._record.trials

    @property
    def best_trial(self) -> Trial:
        """The complete trial with the best value, the earliest of equals.

        Raises
        ------
        NoCompletedTrial
            None has completed.
        InvalidArgument
            There are several objectives; see `pareto_front`.
        """
        return self._record.best

    @property
    def best_params(self) -> Params:
        """Parameters of `best_trial`."""
        return self.best_trial.params

    @property
    def best_value(self) -> float:
        """Value of `best_trial`."""
        value = self.best_trial.value
        assert value is not None
        return value

    @property
    def pareto_front(self) -> list[Trial]:
        """Complete trials that no other one dominates, by number; of a single objective, all those with its best."""
        return self._record.front

    def __repr__(self) -> str:
        ways = self.directions[0] if len(self.directions) == 1 else list(self.directions)
        return (
            f"Optimizer({len(self.space)} parameters, sampler={self.sampler!r}, {ways!r}, seed={self.seed}, "
            f"{self.n_trials} trials)"
        )


def _after_fork() -> None:
    for optimizer in list(_ALIVE):
        optimizer._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
