"""Ask and tell for a space and a sampler, in memory."""

from __future__ import annotations

import math
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_alias, check_attributes, check_integer, check_number, check_values
from hpcore.errors import (
    HpcoreError,
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    NoFeasibleTrial,
    ResultsNeeded,
    SearchSpaceExhausted,
)
from hpcore.optimizer.copied import CopiedTrial, read_copied
from hpcore.optimizer.costs import CostFunction, Costs, read_costs
from hpcore.optimizer.jobs import Jobs
from hpcore.optimizer.known import Known, read_known
from hpcore.optimizer.objectives import check_directions, check_outcome
from hpcore.optimizer.proposer import Proposer, fill_in
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining, check_repeats
from hpcore.optimizer.suggestions import Suggestions
from hpcore.optimizer.turn import Turn
from hpcore.records.channel import Decision
from hpcore.records.history import WITHDRAWN, History
from hpcore.records.limits import Limits
from hpcore.records.outcome import Outcome
from hpcore.records.returned import Outcome as Returned
from hpcore.records.rows import Rows
from hpcore.records.streams import check_seed
from hpcore.records.trial import Trial
from hpcore.samplers import DEFAULT, Sampler, resolve
from hpcore.samplers.ladder import FULL
from hpcore.space.reading import read_row, without_missing
from hpcore.space.space import Params, Space

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.optimizer.scheduling import Scheduling
    from hpcore.optimizer.search_view import SearchView
    from hpcore.records.schedule import Schedule
    from hpcore.schedulers.base import Resume, Scheduler, Start

__all__ = ["Optimizer", "check_prefetch"]

FloatArray = npt.NDArray[np.float64]

# Numbers of a history that is copied for any caller that might overtake; a longer one only once there was a deadline.
SMALL = 20_000

# The largest number of trials whose numbers come from outside, each of which takes a row: a larger one is a mistake.
MOST_TRIALS = 10_000_000

# Optimizers of this process; their locks and threads are re-created in a forked child.
_ALIVE: weakref.WeakSet[Optimizer] = weakref.WeakSet()


class Optimizer:
    """Proposes parameters and learns from their results.

    Parameters
    ----------
    space : Space or mapping
        Space to search; a mapping is read by `Space.of`.
    sampler : str or Sampler, default="gp"
        ``"gp"``, ``"tpe"``, ``"cmaes"``, ``"evolution"``, ``"annealing"``, ``"random"``, ``"grid"``, ``"sobol"``,
        ``"gradient"`` (for gradients that are told with the values), ``"auto"`` (which chooses among them, see
        `hpcore.samplers.AutoSampler`), or an object of `hpcore.samplers` with its options.
    direction : {"minimize", "maximize"}, optional
        Direction of the single objective, ``"minimize"`` by default.
    directions : sequence of {"minimize", "maximize"}, optional
        Direction of each objective, instead of `direction`.
    seed : int, optional
        Seed, 0 .. 2**128 - 1. The same seed, space and history give the same proposals to the last bit. None draws a
        seed from the operating system, which the attribute `seed` shows.
    prefetch : bool or "delayed"
        Compute the next suggestion on a thread while the caller is busy. True starts at each `tell`; a suggestion that
        another `tell` made stale is dropped and computed again, so that proposals are those without prefetching.
        ``"delayed"`` starts at each `ask`, and the suggestion is used whatever is told meanwhile, so that the
        evaluation of a trial hides the cost of the next suggestion; trials in ``trial.info["unseen"]`` counted as
        running for it. Uses one core while it computes; has no effect for samplers that do not learn.
    repeats : int or None, default=1
        Number of times that a point of a finite space, or of a grid, may be proposed, at least 1; useful if values are
        noisy. Points of a space with continuous parameters are not counted, unless the sampler is ``"grid"``, which
        then visits each point so often. None leaves it to the optimizer: when all points have been proposed, it
        proposes contenders for the best again, those of which another value tells most, without an end.
    scheduler : str, Scheduler or None
        Scheduler that decides which trial goes on and how far: a name, or an object of `hpcore.schedulers` with its
        options. `ask` then also resumes paused trials; each trial says by `Trial.until` how far its job goes, and
        `report` tells what becomes of it. Not together with `prefetch`.
    limits : mapping of str to limit, optional
        Limit of each metric that has one: ``{"latency_ms": hp.at_most(20.0), "recall": hp.at_least(0.9)}``, or
        ``hp.between(low, high)``. Metrics come with ``tell(metrics=)``. Only complete trials that are known to keep all
        limits are feasible, and the best trial is one of these.
    per_cost : bool, optional
        Whether suggestions weigh a result by what it costs, for a search with a budget of cost or time rather than of
        trials; by default, as soon as a cost is told or `cost` is given.
    cost : callable, optional
        Cost of a trial as a function ``cost(params)``, where it is known in advance: finite and greater than 0. It is
        evaluated here at up to 64 points that are spread over the space; the function itself is never kept or stored.
    strategy, random_state : optional
        Other names for `sampler` and `seed`, known from scikit-learn.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        An argument is not allowed.

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
    Several threads may share an optimizer; calls take turns. No point is proposed twice, or after it was enqueued or
    added (with `repeats`, a point of a finite space is proposed up to so many times in all). In a finite space `ask`
    raises `SearchSpaceExhausted` after the last point. A forked child has its own copy, which may be used whatever
    threads of its parent were doing, and makes the same proposals; with ``prefetch="delayed"`` a suggestion that the
    parent had begun to compute is lost.
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
        repeats: int | None = 1,
        scheduler: str | Scheduler | None = None,
        limits: Mapping[str, Any] | None = None,
        per_cost: bool | None = None,
        cost: CostFunction | None = None,
        strategy: str | Sampler | None = None,
        random_state: int | None = None,
    ) -> None:
        if strategy is not None:
            sampler = check_alias("sampler", None if sampler is DEFAULT else sampler, "strategy", strategy)
        self.space = Space.of(space)
        self.sampler = resolve(sampler)
        self.directions = check_directions(direction, directions)
        self.seed = check_seed(check_alias("seed", seed, "random_state", random_state))
        self.repeats = check_repeats(repeats)
        self.scheduler = _scheduler(scheduler)
        check_prefetch(prefetch, self.scheduler)
        self.prefetch = prefetch
        self._single = len(self.directions) == 1
        self.limits = Limits(limits)
        self._costs = read_costs(self.space, per_cost, cost, self.seed)
        self._record = Record(self.space, self.directions, self.limits)
        self._queue: deque[Params] = deque()
        self._remaining = Remaining(self.space, self.seed, self.repeats or 1)
        # True if a trial's point has changed, or may be proposed again, which the remaining points do not know yet.
        self._has_moved = False
        self._begin()

    def _begin(self) -> None:
        """Build the members that are not pickled."""
        self._in_order = False
        self._is_exhausted = False  # True once no new point was found, if points may be evaluated again without an end
        # Last job whose result the sampler may have learnt from.
        self._learnt_job = math.inf
        self._lock = Turn()
        self._n_overtaken = 0  # number after the last trial that began while another thread had its turn
        self._suggestions = Suggestions(
            self.sampler,
            self.space.columns,
            len(self.directions),
            self.seed,
            self.prefetch,
            self.repeats or 1,
            self._costs,
        )
        self._proposer = Proposer(self.space, self._suggestions, self._remaining, self.seed)
        scheduling: Scheduling | None = None
        if self.scheduler is not None:
            # Imported here: most searches have no scheduler.
            from hpcore.optimizer.scheduling import Scheduling

            scheduling = Scheduling(self.scheduler, self.space.columns, self.directions, self.seed)
            self._suggestions.learn_at_rungs(scheduling.judge)
        self._jobs = Jobs(self._record, self._suggestions, scheduling, self._lock)
        _ALIVE.add(self)

    def _after_fork(self) -> None:
        """Re-create the lock and suggestions in a forked child, which has no other threads."""
        idle = self._lock.acquire(blocking=False)
        if idle:
            self._lock.release()
        else:
            self._lock = self._jobs.lock = Turn()
        self._suggestions.after_fork(idle)

    def __getstate__(self) -> dict[str, Any]:
        made_anew = (
            "_lock",
            "_n_overtaken",
            "_suggestions",
            "_proposer",
            "_jobs",
            "_in_order",
            "_is_exhausted",
            "_learnt_job",
        )
        return {k: v for k, v in vars(self).items() if k not in made_anew}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()

    # --- ask -----------------------------------------------------------------------------------------------------

    @overload
    def ask(
        self,
        n: None = None,
        *,
        deadline_ms: float | None = None,
        as_of: int | None = None,
        repeat: Trial | int | None = None,
        number: int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Trial: ...
    @overload
    def ask(
        self,
        n: int,
        *,
        deadline_ms: float | None = None,
        as_of: int | None = None,
        repeat: Trial | int | None = None,
        number: int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> list[Trial]: ...
    def ask(
        self,
        n: int | None = None,
        *,
        deadline_ms: float | None = None,
        as_of: int | None = None,
        repeat: Trial | int | None = None,
        number: int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Trial | list[Trial]:
        """Propose the next parameters to evaluate.

        Parameters
        ----------
        n : int, optional
            Number of trials, at least 1. With it a list is returned, without it one trial. The list has fewer than `n`
            trials only if the space has no more points, or if a scheduler needs results first.
        deadline_ms : float, optional
            Time in milliseconds for all trials of the call, by a monotonic clock; greater than 0. The sampler then uses
            a ladder of cheaper levels, and ``trial.info["step"]`` names the level that led to the trial; ``"full"`` is
            the suggestion without a deadline, ``"draft"`` the cheapest by a Gaussian process, which takes well under a
            millisecond. Other levels than ``"full"`` are not repeatable, because they depend on the speed of the
            machine. ``"random"`` is a random point: constraints or repeats refused the sampler's proposals until the
            time was over, or more than four times; or the sampler was busy and has nothing at once.

            The wait for other threads counts: who waits shortens the proposals of those before, where these have a
            deadline, and overtakes them when its time is over, without knowing their points. With `prefetch` the time
            is waited for the suggestion that is being computed. With `as_of` or a scheduler, and for samplers that do
            not learn, each caller waits for its turn.
        as_of : int, optional
            Last job whose result the proposal may use, -1 for none; the trials of later jobs count as running. A job
            begins with each `ask` and each `resume`; without resumed trials jobs are numbered as the trials are. With
            ``as_of=opt.history.n_jobs - q`` proposals do not depend on the order in which results are told, as long as
            those of the jobs up to `as_of` are in. Not together with `n`.
        repeat : Trial or int, optional
            Trial in any state, or its number, whose parameters are to be evaluated again, whatever `repeats` says;
            ``trial.info["repeat_of"]`` is its number. Enqueued parameters stay in the queue. Not together with
            `deadline_ms`, `as_of` or a scheduler.
        number : int, optional
            Number of the trial, from 0, where trials are numbered elsewhere, see `put`; the next number by default.
            What is proposed follows from the seed, the trials that are known and the number alone: asked for again
            in another process, with the same trials, it is the same point. Numbers may be left out, and be asked for
            later. A trial that is running already is returned as it is. Enqueued parameters stay in the queue. Not
            together with `n`, `deadline_ms`, `as_of`, `repeat` or a scheduler.
        given : mapping of str to value, optional
            Legal values of some parameters, which the sampler completes: ``"gp"`` and ``"tpe"`` choose the other values
            by their own criterion with these values fixed, samplers that propose without one have the given values in
            place of their own, and samplers that do not learn draw the others at random. Parents are such that the
            given parameters are active. A known point comes again if no new one with these values is found. Enqueued
            parameters stay in the queue. Not together with `deadline_ms`, `as_of`, `repeat` or a scheduler.

        Returns
        -------
        Trial or list of Trial
            Running trials; enqueued parameters come first.

        Raises
        ------
        SearchSpaceExhausted
            The space has no more points; or, with a continuous parameter, none of 20,000 proposals in a row was both
            new and allowed.
        InfeasibleSpace
            The constraints refused 20,000 proposals in a row.
        ResultsNeeded
            The scheduler needs results of running trials first.
        ConstraintError
            A constraint raised an exception. Then no trial begins, also none of a list.
        UnknownTrial
            There is no trial to `repeat`, or it comes from another optimizer.
        TrialAlreadyTold
            The trial with the `number` has ended, or is paused.
        InfeasibleParams
            No allowed point with the `given` values was found.
        InvalidArgument, InvalidType
            An argument is not allowed.
        """
        end = None
        if deadline_ms is not None:
            deadline_ms = check_number("deadline_ms", deadline_ms, 0.0, open_low=True, unit=" of milliseconds")
            end = time.monotonic() + min(deadline_ms / 1e3, threading.TIMEOUT_MAX)
        if as_of is not None:
            as_of = check_integer("as_of", as_of, -1)
            if n is not None:
                raise InvalidArgument("as_of needs one trial at a time, leave n out")
        if repeat is not None and (deadline_ms is not None or as_of is not None):
            raise InvalidArgument("repeat needs no proposal: leave deadline_ms and as_of out")
        if number is not None:
            if not (n is None and deadline_ms is None and as_of is None and repeat is None):
                raise InvalidArgument("number stands for one trial, leave n, deadline_ms, as_of and repeat out")
            number = self._check_number("number", number)
            with self._lock:
                return self._ask_number(number, None if given is None else self.space.check_partial(given))
        if given is not None:
            if not (deadline_ms is None and as_of is None and repeat is None and self.scheduler is None):
                raise InvalidArgument("given values are completed from all results: leave deadline_ms, as_of and "
                                      "repeat out, and have no scheduler")  # fmt: skip
            with self._lock:
                return self._ask_given(n, self.space.check_partial(given))
        if end is None or as_of is not None or self.scheduler is not None or not self._suggestions.learns:
            with self._lock:
                return self._ask(n, end, as_of, repeat)
        mine = self._lock.take(end)
        if mine is None:
            with self._lock.overtake():
                return self._ask_at_once(None if n is None else check_integer("n", n, 1))
        try:
            return self._ask(n, mine, as_of, repeat)
        finally:
            self._lock.release()

    def _ask(
        self, n: int | None, end: float | None, as_of: int | None, repeat: Trial | int | None
    ) -> Trial | list[Trial]:
        """Propose trials, as `ask` says, for the thread whose turn it is."""
        self._see(as_of)
        asked: Trial | list[Trial]
        if repeat is not None:
            asked = self._ask_again(n, repeat)
        elif n is None:
            asked = self._ask_one(end, as_of)
        else:
            asked = self._ask_many(check_integer("n", n, 1), end)
        if self.prefetch:
            self._suggestions.look_ahead(self._record.history, self._wants_ahead)
        return asked

    def _ask_at_once(self, n: int | None) -> Trial | list[Trial]:
        """Propose trials that take no time, for a caller whose time is over while another thread has its turn."""
        history, end = self._record.history, time.monotonic()
        many = 1 if n is None else n
        trials: list[Trial] = []
        try:
            while len(trials) < many and self._queue:
                trials.append(self._ask_queued())
            while len(trials) < many:
                rows, step = self._suggestions.at_once(history, many - len(trials))
                for u in rows:
                    trials.append(self._propose(history, history.n, u, step, None, end))
        except HpcoreError:
            if not trials:
                raise
        self._n_overtaken = history.n
        self._suggestions.changed()
        return trials[0] if n is None else trials

    @contextmanager
    def _away(self, history: History) -> Iterator[History]:
        """Let callers whose time is over overtake while the sampler computes; yield what it computes from."""
        seen = history.snapshot()
        with self._lock.away():
            yield seen

    def _stays(self, history: History) -> bool:
        """True if nobody can overtake, or hardly anybody would, so that the turn is kept while the sampler computes."""
        if not self._suggestions.learns or self.scheduler is not None or threading.active_count() == 1:
            return True
        return history.X.size > SMALL and not self._lock.hurried

    def _see(self, as_of: int | None) -> None:
        """Prepare for proposals from the results of the jobs up to `as_of`, or from all."""
        if self._has_moved:
            self._has_moved = self._is_exhausted = False
            self._remaining.begin_anew(self._record.history.X[self._record.history.present])
        self._in_order = as_of is not None
        if as_of is None:
            self._learnt_job = math.inf
        else:
            if as_of < self._learnt_job:  # a suggester does not forget
                self._suggestions.begin_anew()
            self._learnt_job = as_of

    @property
    def _wants_ahead(self) -> bool:
        """True if the next trial is a sampler's suggestion, from all results."""
        return not (self._queue or self._in_order or self._is_exhausted)

    def _ask_one(self, end: float | None, as_of: int | None = None) -> Trial:
        if self.scheduler is not None:
            order = self._jobs.next(as_of)
            if order is None:
                raise ResultsNeeded("the scheduler needs results of running trials first, tell one of them")
            return self._begin_job(order, end, as_of)
        return self._ask_new(end, as_of)

    def _ask_new(self, end: float | None, as_of: int | None = None) -> Trial:
        if self._queue:
            return self._ask_queued()
        history = self._record.history
        # A suggestion computed ahead is not used in a deterministic order: it may have seen later results.
        seen = history if as_of is None else history.as_of(as_of)
        if not self._is_exhausted:
            try:
                if as_of is None:
                    number = history.n
                    if self._stays(history):
                        u, step, info = self._suggestions.first(history, end)
                    else:
                        with self._away(history) as seen:
                            u, step, info = self._suggestions.first(seen, end)
                    return self._propose(history, number, u, step, info, end)
                rows, step = self._suggestions.rows(seen, 1, end=end)
                return self._propose(seen, history.n, rows[0], step, None, end)
            except SearchSpaceExhausted:
                if self.repeats is not None or not history.n:
                    raise
                self._is_exhausted = True
        # Imported here: most searches do not come to the end of their space.
        from hpcore.optimizer.replication import most_telling

        return self._begin_again(most_telling(seen, self.space.columns), None if end is None else FULL)

    def _ask_many(self, n: int, end: float | None) -> list[Trial]:
        """Propose `n` trials, fewer if the space has no more points; after an error no trial begins."""
        if self.scheduler is not None or self._is_exhausted:
            return self._ask_ordered(n, end)
        history, queue = self._record.history, self._queue.copy()
        first = history.n
        trials: list[Trial] = []
        try:
            while len(trials) < n and self._queue:
                trials.append(self._ask_queued())
            if len(trials) < n:
                number = history.n
                if self._stays(history):
                    rows, step = self._suggestions.rows(history, n - len(trials), end=end)
                else:
                    with self._away(history) as seen:
                        rows, step = self._suggestions.rows(seen, n - len(trials), end=end)
                for k, u in enumerate(rows):
                    trials.append(self._propose(history, number + k, u, step, None, end))
            while len(trials) < n:
                trials.append(self._ask_one(end))
        except SearchSpaceExhausted:
            if self.repeats is None and history.n:
                self._is_exhausted = True
                return trials + self._ask_ordered(n - len(trials), end)
            if not trials:
                raise
        except BaseException as error:
            self._take_back(first, queue, error)
            raise
        return trials

    def _ask_ordered(self, n: int, end: float | None) -> list[Trial]:
        """Begin up to `n` jobs that the scheduler orders; an error after the first one waits for the next call."""
        trials: list[Trial] = []
        while len(trials) < n:
            try:
                trials.append(self._ask_one(end))
            except HpcoreError:
                if trials:
                    break
                raise
        return trials

    def _ask_number(self, number: int, given: Params | None) -> Trial:
        """Begin the trial of a number, as `ask` says."""
        history = self._record.history
        if number < history.n and history.state[number] != WITHDRAWN:
            known = self._record.find(number)
            if given is not None and not (given.items() <= known.params.items()):
                raise InvalidArgument(f"given must agree with trial {number}, which is running with {known.params!r}")
            return known
        self._see(None)
        self._record.skip(number)
        return self._propose_at(number) if given is None else self._complete_at(number, given)

    def _ask_given(self, n: int | None, given: Params) -> Trial | list[Trial]:
        """Begin trials with some given values."""
        many = 1 if n is None else check_integer("n", n, 1)
        self._see(None)
        first, trials = self._record.history.n, []
        try:
            for _ in range(many):
                trials.append(self._complete_at(self._record.history.n, given))
        except BaseException as error:
            self._take_back(first, self._queue, error)
            raise
        return trials[0] if n is None else trials

    def _complete_at(self, number: int, given: Params) -> Trial:
        """Begin the trial of a number, which must not be beyond the next one, with some given values."""
        history = self._record.history
        u, params, proposed_by = self._proposer.complete(history, given, number)
        self._remaining.discard(u)
        if number < history.n:
            self._suggestions.revised(number)
        else:
            self._suggestions.changed()
        trial = self._record.begin_at(number, u, params)
        self._record.keep_params(number)
        if proposed_by is not None:
            self._record.explain(trial, None, proposed_by)
        return trial

    def _propose_at(self, number: int) -> Trial:
        """Begin the trial of a number, which must not be beyond the next one, at a point that follows from it."""
        history, suggestions = self._record.history, self._suggestions
        info: dict[str, Any] | None = None
        try:
            if self._is_exhausted:
                raise SearchSpaceExhausted("every point has been proposed")
            rows, _ = suggestions.rows(history, 1, number=number)
            u, params, _ = self._proposer.accept(history, rows[0], None, None, number)
            proposed_by = suggestions.proposed_by(number, None)
        except SearchSpaceExhausted:
            if self.repeats is not None or not history.present.any():
                raise
            self._is_exhausted = True
            from hpcore.optimizer.replication import most_telling

            again = most_telling(history, self.space.columns)
            u, params = history.X[again].copy(), dict(self._record.trials[again].params)
            self._remaining.discard(u)
            info, proposed_by = {"repeat_of": again}, None
        if number < history.n:
            suggestions.revised(number)
        trial = self._record.begin_at(number, u, params)
        if info is not None or proposed_by is not None:
            self._record.explain(trial, info, proposed_by)
        return trial

    def _check_number(self, name: str, number: Any) -> int:
        """Check the number of a trial that was given from outside."""
        if self.scheduler is not None:
            raise InvalidArgument("trials cannot be given numbers with a scheduler, which begins trials by itself")
        return check_integer(name, number, 0, MOST_TRIALS - 1)

    def _ask_queued(self) -> Trial:
        """Begin the first trial of the queue; missing parameters are drawn at random."""
        try:
            u, params = fill_in(self.space, self._queue[0], self.seed, self._record.history.n)
        except InfeasibleSpace:
            self._queue.popleft()  # otherwise every later ask would fail
            raise
        self._queue.popleft()
        return self._begin_given(u, params)

    def _propose(
        self,
        history: History,
        number: int,
        u: FloatArray,
        step: str | None,
        info: dict[str, Any] | None,
        end: float | None,
    ) -> Trial:
        """Begin a trial at a point that was suggested for trial `number`, or at another one if that repeats or is not
        allowed."""
        u, params, step = self._proposer.accept(history, u, step, end)
        trial = self._record.begin(u, params)
        proposed_by = self._suggestions.proposed_by(number, step if end is not None else None)
        if end is not None:
            info = {**(info or {}), "step": step}
        if info is not None or proposed_by is not None:
            self._record.explain(trial, info, proposed_by)
        return trial

    def _begin_given(self, u: FloatArray, params: Params) -> Trial:
        """Begin a trial with a user's own parameters."""
        self._remaining.discard(u)
        return self._record.begin(u, params, exact=True)

    def _ask_again(self, n: int | None, trial: Trial | int) -> Trial | list[Trial]:
        """Begin other evaluations of a trial's point."""
        if self.scheduler is not None:
            raise InvalidArgument("repeat cannot be given with a scheduler, which begins trials by itself")
        number = self._record.number_of(trial)
        if n is None:
            return self._begin_again(number)
        return [self._begin_again(number) for _ in range(check_integer("n", n, 1))]

    def _begin_again(self, number: int, step: str | None = None) -> Trial:
        """Begin another trial at the point of trial `number`."""
        history = self._record.history
        u, params = history.X[number].copy(), dict(self._record.trials[number].params)
        self._remaining.discard(u)
        trial = self._record.begin(u, params, exact="params" in history.notes.get(number, ()))
        info: dict[str, Any] = {"repeat_of": number}
        self._record.explain(trial, info if step is None else {**info, "step": step}, None)
        return trial

    def begin_job(
        self, order: Start | Resume, as_of: int | None = None, end: float | None = None, is_late: bool = False
    ) -> Trial:
        """Begin a job that `Jobs.next` ordered.

        Parameters
        ----------
        order : Start or Resume
            Order.
        as_of : int, optional
            Last job whose results the order was made from; all by default.
        end : float, optional
            Deadline of the monotonic clock for the sampler.
        is_late : bool
            True if `as_of` does not follow from the number of the job, and is noted with the trial.
        """
        with self._lock:
            self._see(as_of)
            trial = self._begin_job(order, end, as_of)
            self._record.note_view(trial.number, as_of if is_late else None)
            return trial

    def _begin_job(self, order: Start | Resume, end: float | None, as_of: int | None) -> Trial:
        from hpcore.schedulers.base import Resume

        if isinstance(order, Resume):
            return self._resume(order.number, None, order.until)
        if order.point is None or self._queue:
            trial = self._ask_new(end, as_of)
        elif order.parent is None and order.replaces is None:
            history = self._record.history
            seen = history if as_of is None else history.as_of(as_of)
            trial = self._propose(seen, history.n, order.point, None, None, None)
        else:
            # A point may come again: with another checkpoint, or in place of another trial.
            u = np.ascontiguousarray(order.point, dtype=np.float64)
            params = self.space.coder.settle(u)
            if order.parent is not None and self.space.constraints and not self.space.allows(params):
                u = self._record.history.X[order.parent].copy()
                params = self.space.coder.settle(u)
            self._remaining.discard(u)
            trial = self._record.begin(u, params)
        self._record.order(trial, order)
        return trial

    def _take_back(self, first: int, queue: deque[Params], error: BaseException) -> None:
        """Undo an `ask` that failed: remove the trials from number `first` on, which no caller has."""
        n_queued = len(queue) - len(self._queue)
        if isinstance(error, InfeasibleSpace) and n_queued > self._record.history.n - first:
            # Parameters that the constraints refuse leave the queue: otherwise every later ask would fail.
            del queue[n_queued - 1]
        self._queue = queue
        first = max(first, self._n_overtaken)
        if self._record.history.n > first:
            self._record.take_back(first)
            self._begin_anew()

    def _begin_anew(self) -> None:
        """Re-create the state that is derived from the record, after trials were removed."""
        self._has_moved = self._is_exhausted = False
        self._remaining.begin_anew(self._record.history.X[self._record.history.present])
        self._suggestions.begin_anew()

    # --- tell ----------------------------------------------------------------------------------------------------

    def tell(
        self,
        trial: Trial | int,
        value: float | Sequence[float] | Returned | None = None,
        *,
        std_error: float | Sequence[float] | None = None,
        error: str | None = None,
        cost: float | None = None,
        metrics: Mapping[str, float] | None = None,
        gradient: Mapping[str, float] | None = None,
        state: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the result of a trial.

        Parameters
        ----------
        trial : Trial or int
            Trial that `ask` returned, a copy of it, or its number.
        value : float, sequence of float, Outcome, or None
            One number per objective. None, NaN or an infinity marks the trial as failed: it is never best, and the
            search goes on. A `hpcore.Outcome` has the further arguments with it.
        std_error : float or sequence of float, optional
            Standard error of the first value, in its units, or one per objective; at least 0.
        error : str, optional
            Reason of a failure, kept as ``trial.error``; marks the trial as failed whatever the value.
        cost : float, optional
            Cost of the evaluation in any unit, at least 0, of all jobs of the trial so far if it was paused; kept as
            ``trial.cost``. To a model of costs, a cost of 0 is the smallest positive one.
        metrics : mapping of str to float, optional
            Further measurements; kept as ``trial.metrics``. Those that have `limits` decide whether the trial is
            feasible; one that is missing or NaN is not known, and the trial not feasible. Failed trials may have some.
        gradient : mapping of str to float, optional
            Derivative of the first value by parameter, in the parameters' own units; kept as ``trial.gradient``. Only
            active `Float` and `Normal` parameters without a `step` have one, and not all of them need to be given.
            Samplers that learn from gradients say so. Of a trial that failed, entries that are not finite are left out.
        state : {"complete", "pruned", "paused", "failed"}, optional
            State of the trial; by default it follows from `value` and `error`. A ``"pruned"`` trial was stopped early:
            its value, which may be left out, is an estimate, from which samplers learn and which is never best. A
            ``"paused"`` trial has no value yet; `resume` begins another job of it.
        params : mapping of str to value, optional
            Legal values of all active parameters, where others were really used than those that were proposed: the
            trial's parameters become these. Constraints are not checked, as in `add`.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold
            There is no such running trial.
        InvalidType, InvalidArgument
            The value is not a number (text and bytes included), the number of values is wrong, or another argument is
            not allowed. The trial does not change.
        """
        with self._lock:
            known = self._record.find(trial)
            if params is None:
                outcome = self.outcome(value, std_error, error, cost, metrics, gradient, state, known.params)
            else:
                params = self.used_params(params)
                outcome = self.outcome(value, std_error, error, cost, metrics, gradient, state, params)
                outcome = outcome._replace(params=params)
            if value is None and state is None and error is None and self.scheduler is not None:
                outcome = self._jobs.conclude(trial, known, outcome)
            if known is not trial or self.prefetch or params is not None:
                self._finish(known, outcome, trial)
            else:
                self._record.finish(known, outcome)

    def finish(self, trial: Trial | int, outcome: Outcome) -> None:
        """Record a checked outcome, as `outcome` returns it.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold, InvalidType
            There is no such running trial.
        """
        with self._lock:
            self._finish(self._record.find(trial), outcome, trial)

    def _finish(self, known: Trial, outcome: Outcome, told: Trial | int) -> None:
        if known is not told and isinstance(told, Trial):
            # A copy, for instance from a worker process: its times, attributes and reports belong to the trial.
            known.adopt(told)
        if outcome.params is not None and self._record.move(known, outcome.params):
            self._has_moved = True
            self._suggestions.revised(known.number)
        if outcome.state == WITHDRAWN:
            self._withdraw(known.number)
        else:
            self._record.finish(known, outcome)
        if self.prefetch:
            self._suggestions.look_ahead(self._record.history, self._wants_ahead, told=known.number)

    def withdraw(self, trial: Trial | int) -> None:
        """Record that a running trial says nothing of its point: its machine was lost, a user stopped it.

        It keeps its number, and is listed as ``"withdrawn"``. It counts neither as running nor as failed, and no
        sampler learns from it; its point may be proposed again.

        Parameters
        ----------
        trial : Trial or int
            Trial that `ask` returned, a copy of it, or its number.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold
            There is no such running trial.
        """
        self.finish(trial, Outcome(None, WITHDRAWN))

    def used_params(self, params: Mapping[str, Any]) -> Params:
        """Check the parameters that a trial was really evaluated with; see `tell`."""
        point = self.space.encode(without_missing(self.space, read_row(params)))
        assert point.params is not None
        return point.params

    def _withdraw(self, number: int) -> None:
        self._record.withdraw(number)
        self._has_moved = True
        self._suggestions.revised(number)

    def report(
        self, trial: Trial | int, value: float | Sequence[float], step: float, cost: float | None = None
    ) -> Decision:
        """Record a partial result of a running trial, in ``history.curves``, and decide what becomes of the trial.

        Parameters
        ----------
        trial : Trial or int
            Trial that `ask` returned, a copy of it, or its number.
        value : float or sequence of float
            One number per objective, which may be NaN.
        step : float
            Resource used so far: an epoch, a fold, a number of rows; finite. With a scheduler, steps that are not
            larger than the last one are ignored.
        cost : float, optional
            Cost of reaching the step in any unit, at least 0.

        Returns
        -------
        Decision
            ``CONTINUE``; ``PAUSE`` if the job has reached ``trial.until``: save a checkpoint and
            ``tell(trial, state="paused")``; ``STOP`` if the scheduler stops the trial, ``tell(trial,
            state="pruned")``, or if the trial has the full resource, ``tell(trial, value)``. ``tell(trial)`` without a
            value does what was decided. Without a scheduler always ``CONTINUE``.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold
            There is no such running trial.
        InvalidType, InvalidArgument
            An argument is not allowed.
        """
        values = check_values(value, len(self.directions))
        if values is None:
            raise InvalidType("value must be a number or one number per objective, got None")
        step = check_number("step", step)
        cost = None if cost is None else check_number("cost", cost, 0.0)
        with self._lock:
            return self._jobs.report(self._record.find(trial), step, values, cost)

    def resume(
        self, trial: Trial | int, *, job: int | None = None, until: float = math.inf, as_of: int | None = None
    ) -> Trial:
        """Begin another job of a paused trial.

        Parameters
        ----------
        trial : Trial or int
            Paused trial or its number.
        job : int, optional
            Number of the job, if another optimizer began it; the next number by default.
        until : float, optional
            Resource that the job goes to.
        as_of : int, optional
            Last job whose results the job saw, if another optimizer began it and the number of the job does not tell.

        Returns
        -------
        Trial
            Running trial with its parameters, reports and attributes.

        Raises
        ------
        UnknownTrial, InvalidType
            There is no such trial.
        InvalidArgument
            The trial is not paused.
        """
        with self._lock:
            self._jobs.know_full()
            resumed = self._resume(trial, job, until)
            self._record.note_view(resumed.number, as_of)
            return resumed

    def _resume(self, trial: Trial | int, job: int | None, until: float) -> Trial:
        resumed = self._record.resume(trial, job, until)
        self._suggestions.changed()
        return resumed

    def outcome(
        self,
        value: Any,
        std_error: float | Sequence[float] | None = None,
        error: str | None = None,
        cost: float | None = None,
        metrics: Mapping[str, float] | None = None,
        gradient: Mapping[str, float] | None = None,
        state: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Check the arguments of `tell` and return the outcome that it would record.

        The `params` of the trial tell which parameters a gradient may name.
        """
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
            return Outcome((value,))
        facts: dict[str, Any] = {
            "std_error": std_error,
            "error": error,
            "cost": cost,
            "metrics": metrics,
            "gradient": gradient,
        }
        if isinstance(value, Returned):
            value, facts = value.value, value.facts(facts)
        return check_outcome(self.space, len(self.directions), value, **facts, state=state, params=params)

    def put(
        self,
        number: int,
        params: Mapping[str, Any] | None,
        state: str = "complete",
        value: float | Sequence[float] | None = None,
        *,
        reports: Mapping[float, float | Sequence[float]] | None = None,
        std_error: float | Sequence[float] | None = None,
        cost: float | None = None,
        metrics: Mapping[str, float] | None = None,
        missing: str = "error",
    ) -> None:
        """Copy a trial of a record that is kept elsewhere: the storage of another tool, a file, another process.

        The copy follows the original: a trial with the number is made, or becomes what is told. The same once more
        changes nothing, and the order of the calls does not matter: proposals for numbers, ``ask(number=k)``, follow
        from the trials as they are.

        Parameters
        ----------
        number : int
            Number of the trial, from 0. A number that no trial has, though a later one does, stands for nothing: it
            counts neither as running nor as failed.
        params : mapping of str to value, or None
            Legal values of all active parameters, as for `add`; None for a trial that is ``"withdrawn"``, of which
            nothing is kept.
        state : {"running", "complete", "pruned", "failed", "withdrawn"}
            State of the trial.
        value : float, sequence of float, or None
            One number per objective; of a complete trial, or the estimate of a pruned one. NaN or an infinity makes a
            failed trial, as in `tell`.
        reports : mapping of float to value, optional
            All partial results so far by step, which replace those that are known; by default these stay.
        std_error, cost, metrics
            Further facts of a trial that has ended, see `tell`.
        missing : {"error", "inactive"}
            What an active parameter without a value is, such as one that the trial had not asked for yet; see
            `Space.encode`.

        Raises
        ------
        InvalidArgument, InvalidType
            An argument is not allowed, or does not fit the state; or there is a scheduler, which begins trials by
            itself. Nothing changes.

        Notes
        -----
        Takes about as long as `add`, whatever the number of trials. Where the result of a trial that had ended or the
        point of any trial changes, it takes O(n) now and at the next `ask`, and samplers that keep what they have
        learnt by trial learn anew there. Each number up to the largest takes a row of the record, about a hundred bytes
        with ten parameters. Trials that were put do not count as given by a user, whoever made their parameters.

        Examples
        --------
        >>> import hpcore as hp
        >>> space = {"x": hp.Float(0, 1)}
        >>> opt, other = hp.Optimizer(space, seed=0), hp.Optimizer(space, seed=0)
        >>> opt.put(7, {"x": 0.5}, "complete", 1.0)
        >>> opt.put(3, {"x": 0.25}, "running")
        >>> other.put(3, {"x": 0.25}, "running")
        >>> other.put(7, {"x": 0.5}, "complete", 1.0)
        >>> opt.ask(number=8) == other.ask(number=8)
        True
        """
        number = self._check_number("number", number)
        facts = {"std_error": std_error, "cost": cost, "metrics": metrics}
        copied = read_copied(self.space, len(self.directions), params, state, value, reports, facts, missing)
        with self._lock:
            self._put(number, copied)

    def _put(self, number: int, copied: CopiedTrial) -> None:
        history, record = self._record.history, self._record
        first = history.n
        if copied.point is None:
            if number >= first:
                record.skip(number + 1)
            elif history.state[number] != WITHDRAWN:
                self._withdraw(number)
            return
        assert copied.point.params is not None
        u = np.asarray(copied.point)
        if number >= first or history.state[number] == WITHDRAWN:
            self._remaining.discard(u)
        elif history.X[number].tobytes() != u.tobytes():
            self._has_moved = True
        if record.put(number, u, copied.point.params, copied.outcome, copied.reports):
            self._suggestions.revised(number)
        else:
            self._suggestions.changed()

    def add(
        self,
        params: Mapping[str, Any],
        value: float | Sequence[float] | Returned | None,
        *,
        std_error: float | Sequence[float] | None = None,
        metrics: Mapping[str, float] | None = None,
        cost: float | None = None,
        gradient: Mapping[str, float] | None = None,
        user_attrs: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Record an evaluation made elsewhere, for a warm start.

        Parameters
        ----------
        params : mapping of str to value, or pandas.Series
            Legal values of all active parameters. Constraints are not checked. In a row of a table, or a
            pandas.Series, None or NaN of an inactive parameter is ignored, and a missing value stands for the choice
            None (or NaN) if there is one.
        value, std_error, metrics, cost, gradient
            Result, see `tell`.
        user_attrs : mapping of str to value, optional
            Attributes kept with the trial, as plain data; see `Trial.user_attrs`.

        Returns
        -------
        Trial
            Trial with the next number, already told: later changes of its ``user_attrs`` are not kept.

        Raises
        ------
        InvalidArgument, InvalidType
            An argument is not allowed, see `Space.check` and `tell`; nothing is recorded.
        """
        with self._lock:
            point = self.space.encode(without_missing(self.space, read_row(params)))
            outcome = self.outcome(value, std_error, None, cost, metrics, gradient, params=point.params)
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
            Pairs ``(params, value)`` as for `add`; or mappings with ``"params"`` and ``"value"``, and optionally
            ``"std_error"``, ``"metrics"``, ``"gradient"``, ``"cost"``, ``"error"`` (reason of a failure), ``"state"``,
            ``"user_attrs"``, ``"started"`` and ``"finished"`` (unix times in seconds). A value of None, NaN or infinity
            is a failed trial.

        Returns
        -------
        list of Trial
            Trials with the next numbers in the order of the rows, as if `add` had been called for each.

        Raises
        ------
        InvalidArgument, InvalidType
            A row is not allowed, see `add`; the message begins with its position, from 0. Nothing is recorded.

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
        """Record checked results; see `add_many`."""
        with self._lock:
            first = self._record.history.n
            if not len(known):
                return []
            self.restore(known.rows(first, self._record.history.n_jobs, len(self.directions)))
            for i, outcome in enumerate(known.outcomes):
                self._record.say_missing(first + i, outcome)
            if self.prefetch and not self._in_order:
                last = self._record.history.n - 1
                for number in range(first, last + 1):
                    wanted = number == last and not self._queue
                    self._suggestions.look_ahead(self._record.history, wanted, told=number)
            return known.trials(first, self.limits)

    def add_frame(
        self,
        frame: pd.DataFrame,
        *,
        value: str | Sequence[str] | None = None,
        params: Mapping[str, str] | None = None,
        std_error: str | None = None,
        metrics: Mapping[str, str] | Sequence[str] = (),
        cost: str | None = None,
        user_attrs: Sequence[str] = (),
    ) -> list[Trial]:
        """Record the evaluations in a table that `Study.to_frame` wrote, or in any other table.

        Parameters
        ----------
        frame : pandas.DataFrame
            Table with one row per trial. A table of `Study.to_frame` is restored, also from a CSV, JSON or Parquet
            file: integers that became 3.0, choices that became text, and empty cells of inactive parameters or of the
            choice None. Rows of running and paused trials are left out with a warning in the log. Unknown columns are
            ignored.
        value : str or sequence of str, optional
            Column of the value, or one column per objective; by default ``"value"``, or ``"value_0"``, ...
        params : mapping of str to str, optional
            Column of each parameter whose column is not named ``param_NAME`` or, in a table without such columns,
            like the parameter.
        std_error : str, optional
            Column of the standard error of the first value; by default those that `Study.to_frame` wrote, of all
            values.
        metrics : sequence of str, or mapping of str to str
            Columns of metrics, or the column of each metric; those of a written table named ``metric_NAME`` are kept
            anyway. An empty cell is a metric that is not known.
        cost : str, optional
            Column of the cost; by default ``"cost"`` in a table that `Study.to_frame` wrote.
        user_attrs : sequence of str
            Columns kept as user attributes; those of a written table named ``attr_NAME`` are kept anyway.

        Returns
        -------
        list of Trial
            Recorded trials, in the order of the rows.

        Raises
        ------
        InvalidArgument, InvalidType
            A column is missing or unknown, or a cell cannot be read; the message names its row, from 0. Nothing is
            recorded.
        """
        # Imported here: ask and tell need no tables.
        from hpcore.optimizer.frames import ColumnsChosen, read_frame

        chosen = ColumnsChosen(value, params, std_error, metrics, cost, user_attrs)
        return self.take_known(read_frame(frame, self.space, self.outcome, len(self.directions), chosen))

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Add parameters to the queue of trials that come before the sampler's proposals; first in, first out.

        Parameters
        ----------
        params : mapping of str to value
            Legal values of some or all parameters. `ask` draws the others at random, parents such that the given
            parameters are active. If `ask` fails for an entry, that stays in the queue, unless the constraints refused
            all draws.

        Raises
        ------
        InvalidArgument, InvalidType
            A name is unknown, a value is illegal, a parameter is inactive given the others, or the constraints refuse a
            full set of parameters.
        """
        with self._lock:
            given = self.space.check_partial(params)
            self._queue.append(given)

    # --- for stores ----------------------------------------------------------------------------------------------

    def extend(self, space: Space | Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None) -> None:
        """Go on in a larger space, with all trials.

        Proposals are those of an optimizer that had the larger space and the same trials from the start.

        Parameters
        ----------
        space : Space or mapping
            Space with all parameters of the present one, each of the same type with the same or wider bounds or more
            choices, and with new ones.
        defaults : mapping of str to value, optional
            Values that earlier trials have of new parameters. Where a new parameter is active for a trial and has no
            default, its value is missing: for models it is as if it were inactive.

        Raises
        ------
        SpaceMismatch
            A parameter is missing, of another type, or has lost values.
        InvalidArgument, InvalidType, InvalidSpace
            An argument is not allowed, or the conditions of the larger space make a value of a trial, or of enqueued
            parameters, inactive. Nothing has changed.

        Examples
        --------
        >>> import hpcore as hp
        >>> opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
        >>> trial = opt.add({"x": 0.25}, 3.0)
        >>> opt.extend({"x": hp.Float(0, 2), "layers": hp.Int(1, 3)}, defaults={"layers": 1})
        >>> opt.best_params
        {'x': 0.25, 'layers': 1}
        """
        # Imported here: most spaces stay as they are.
        from hpcore.optimizer.extending import check_larger, extended_costs, extended_record

        larger, given = Space.of(space), dict(defaults or {})
        with self._lock:
            old, lock = self.space, self._lock
            check_larger(old, larger, given)
            record = extended_record(self._record, old, larger, self.directions, self.limits, given)
            costs = extended_costs(self._costs, old, larger, given)
            queue = deque(larger.check_partial(params) for params in self._queue)
            # What does not fit the larger space says so before anything changes.
            self.sampler.bind(larger.columns)
            if self.scheduler is not None:
                self.scheduler.bind(larger.columns, self.directions, self.seed)
            remaining = Remaining(larger, self.seed, self.repeats or 1)
            remaining.discard_all(record.history.X[record.history.present])
            self._has_moved = False
            self.space, self._record, self._costs = larger, record, costs
            self._queue, self._remaining = queue, remaining
            self._begin()
            # Other threads may be waiting for it.
            self._lock = self._jobs.lock = lock

    @property
    def jobs(self) -> Jobs:
        """Jobs, for logs and workers."""
        return self._jobs

    def use_costs(self, costs: Costs) -> None:
        """Replace the use of costs in suggestions."""
        with self._lock:
            before, self._costs = self._costs, costs
            if costs.per_cost is not before.per_cost or costs.known is not before.known:
                self._suggestions.use_costs(costs)
            if costs.known is not before.known:
                self._suggestions.begin_anew()

    @property
    def costs(self) -> Costs:
        """Use of costs in suggestions."""
        return self._costs

    def restore(self, rows: Rows) -> None:
        """Append trials of another optimizer of the same space; values are in the user's own sign."""
        with self._lock:
            first = self._record.history.n
            self._record.restore(rows)
            self._jobs.restored(first)
            self._remaining.discard_all(self._record.history.X[first:][self._record.history.present[first:]])
            self._suggestions.changed()

    def rows(self, n: int | None = None) -> Rows:
        """Copy the first `n` trials, or all, for `restore` of another optimizer of the same space."""
        with self._lock:
            return self._record.rows(self._record.history.n if n is None else check_integer("n", n, 0))

    def running(self) -> Mapping[int, Trial]:
        """Return the running trials by number."""
        return self._record.running

    def replace_running(self, trial: Trial) -> None:
        """Replace the object of a running trial, by number, by one that a caller has."""
        with self._lock:
            self._record.running[trial.number] = trial

    def restart(self, number: int, as_of: int | None = None) -> Trial:
        """Make a new object for a running trial, without the attributes and reports of an earlier evaluation, which may
        still be writing to the old object; with `as_of`, from what is known as of a job."""
        with self._lock:
            self._jobs.know_full(as_of)
            return self._record.restart(number)

    def forget(self) -> None:
        """Remove all trials and the queue."""
        with self._lock:
            self._record.clear()
            self._queue.clear()
            self._begin_anew()

    # --- results -------------------------------------------------------------------------------------------------

    @property
    def learns(self) -> bool:
        """True if proposals depend on the results that were told."""
        return self._suggestions.learns

    @property
    def history(self) -> History:
        """Trials as arrays, to be read only; lower values are better whatever the directions."""
        return self._record.history

    def view(self, as_of: int | None = None) -> SearchView:
        """Return the state of the search for a stopping rule: as of a job (see `ask`), or with all results."""
        # Imported here: asking and telling needs no rules.
        from hpcore.optimizer.search_view import SearchView

        with self._lock:
            history = self._record.history
            if as_of is not None:
                history = history.as_of(as_of)
            return SearchView(self.space, self.directions, self.seed, history)

    @property
    def n_trials(self) -> int:
        """Number of trials, running ones included."""
        return self._record.history.n

    @property
    def trials(self) -> Sequence[Trial]:
        """Live view of all trials, running ones included; trial k is ``trials[k]``."""
        return self._record.trials

    @property
    def best_trial(self) -> Trial:
        """Complete trial with the best value, the earliest among equals; with `limits`, of those that keep them.

        Raises
        ------
        NoCompletedTrial
            No trial is complete.
        NoFeasibleTrial
            No complete trial keeps the limits; ``error.nearest`` is the one with the least violation.
        InvalidArgument
            There are several objectives; see `pareto_front`.
        """
        return self._record.best

    def no_feasible_trial(self) -> NoFeasibleTrial:
        """Make the error of `best_trial` for a search in which some trial is complete and none keeps the limits."""
        return self._record.no_feasible_trial()

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

    def recommend(self) -> Trial:
        """Return the complete trial to use where values are noisy: the best by a model's mean, not the luckiest value.

        A Gaussian process with learnt noise is fitted to all values, whatever the sampler; the trial with the lowest
        mean plus one standard deviation (highest mean minus one, if the objective is maximized) is recommended. Repeats
        of a point and standard errors that were told count. If the learnt noise is near zero, or up to four trials are
        complete, it is `best_trial`. Neither a failed trial nor a pruned one is recommended, nor one that was observed
        to break a limit; where metrics are noisy it must also keep the limits more likely than not, by a model of each.

        Returns
        -------
        Trial
            Trial with its own observed value.

        Raises
        ------
        NoCompletedTrial
            No trial is complete, or none keeps the limits (`NoFeasibleTrial`).
        InvalidArgument
            There are several objectives; see `pareto_front`.

        Notes
        -----
        Takes milliseconds, depends on the trials alone, and does not change later proposals.
        """
        # Imported here: most searches recommend nothing, or once.
        from hpcore.optimizer.recommendation import recommended

        with self._lock:
            return self._record.recommended(lambda history: recommended(history, self.space.columns))

    def schedule(self, trial: Trial | int | None = None) -> Schedule:
        """Return the schedule of hyperparameters that led to a trial, where trials go on from others' checkpoints.

        Parameters
        ----------
        trial : Trial or int, optional
            Trial or its number; `best_trial` by default.

        Returns
        -------
        Schedule
            Pairs ``(step, params)``; a single one, at step 0, for a trial that goes on from no other. Its
            ``at(step)`` gives the parameters at a step.

        Raises
        ------
        UnknownTrial, InvalidType, NoCompletedTrial
            There is no such trial.
        """
        # Imported here: most searches have no such trials.
        from hpcore.records.schedule import Schedule, chain

        with self._lock:
            history = self._record.history
            number = self._record.number_of(self.best_trial if trial is None else trial)
            numbers, steps = zip(*chain(history, number), strict=True)
            rows, trials = history.curves.of(number), self._record.trials
            end = float(history.curves.step[rows].max()) if rows else steps[-1]
            return Schedule(numbers, steps, [trials[i].params for i in numbers], history.X[list(numbers)], end)

    @property
    def pareto_front(self) -> list[Trial]:
        """Complete trials that no other one dominates, by number; for a single objective, all trials with the best
        value. With `limits`, those that keep them are compared; empty if there are none."""
        return self._record.front

    def __repr__(self) -> str:
        ways = self.directions[0] if len(self.directions) == 1 else list(self.directions)
        return (
            f"Optimizer({len(self.space)} parameters, sampler={self.sampler!r}, {ways!r}, seed={self.seed}, "
            f"{self.n_trials} trials)"
        )


def check_prefetch(prefetch: Any, scheduler: Scheduler | None) -> None:
    """Check the argument `prefetch`; with a scheduler it must be False."""
    if not isinstance(prefetch, bool) and prefetch != "delayed":
        raise InvalidArgument(f"prefetch must be True, False or 'delayed', got {prefetch!r}")
    if scheduler is not None and prefetch:
        raise InvalidArgument("prefetch must be False with a scheduler, whose reports change the next proposal")


def _scheduler(given: str | Scheduler | None) -> Scheduler | None:
    if given is None:
        return None
    from hpcore.schedulers import resolve as resolve_scheduler

    return resolve_scheduler(given)


def _after_fork() -> None:
    for optimizer in list(_ALIVE):
        optimizer._after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
