"""Ask and tell for a space and a sampler, in memory."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, overload

from hpcore.arguments import check_alias, check_attributes, check_integer, check_number, check_values
from hpcore.errors import InvalidType, NoFeasibleTrial
from hpcore.optimizer.asking import check_question
from hpcore.optimizer.assembly import assemble
from hpcore.optimizer.by_number import check_number_given
from hpcore.optimizer.copied import read_copied
from hpcore.optimizer.costs import CostFunction, Costs, read_costs
from hpcore.optimizer.forks import watch
from hpcore.optimizer.jobs import Jobs
from hpcore.optimizer.known import Known, read_known
from hpcore.optimizer.objectives import check_directions, told_outcome
from hpcore.optimizer.prefetch import check_prefetch
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining, check_repeats
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
from hpcore.space.reading import read_row, without_missing
from hpcore.space.space import Params, Space

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.optimizer.search_view import SearchView
    from hpcore.records.schedule import Schedule
    from hpcore.schedulers.base import Resume, Scheduler, Start

__all__ = ["Optimizer"]


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
        self._begin(Turn())

    def _begin(self, lock: Turn, has_moved: bool = False) -> None:
        """Build the members that are not pickled; for `has_moved` see `Basis`."""
        self._lock = lock
        self._suggestions, self._jobs, self._basis, self._asking, self._numbered, self._telling = assemble(
            self.space,
            self.directions,
            self.seed,
            self.sampler,
            self.scheduler,
            self.prefetch,
            self.repeats,
            self._costs,
            self._record,
            self._queue,
            self._remaining,
            lock,
            has_moved,
        )
        watch(self)

    def _after_fork(self) -> None:
        """Re-create the lock and suggestions in a forked child, which has no other threads."""
        self._suggestions.after_fork(idle=self._lock.after_fork())

    def __getstate__(self) -> dict[str, Any]:
        made_anew = ("_lock", "_suggestions", "_jobs", "_basis", "_asking", "_numbered", "_telling")
        kept = {k: v for k, v in vars(self).items() if k not in made_anew}
        return {**kept, "_has_moved": self._basis.has_moved}

    def __setstate__(self, state: dict[str, Any]) -> None:
        kept = dict(state)
        has_moved = kept.pop("_has_moved")
        vars(self).update(kept)
        self._begin(Turn(), has_moved)

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
        end, as_of, number = check_question(n, deadline_ms, as_of, repeat, number, given, self.scheduler is not None)
        if number is not None or given is not None:
            with self._lock:
                values = None if given is None else self.space.check_partial(given)
                return self._numbered.ask(n, number, values)
        if end is None or as_of is not None or self.scheduler is not None or not self._suggestions.learns:
            with self._lock:
                return self._asking.ask(n, end, as_of, repeat)
        mine = self._lock.take(end)
        if mine is None:
            with self._lock.overtake():
                return self._asking.at_once(None if n is None else check_integer("n", n, 1))
        try:
            return self._asking.ask(n, mine, as_of, repeat)
        finally:
            self._lock.release()

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
            return self._asking.begin_job(order, as_of, end, is_late)

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
                self._telling.finish(known, outcome, trial)
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
            self._telling.finish(self._record.find(trial), outcome, trial)

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
            resumed = self._jobs.resume(trial, job, until)
            self._record.note_view(resumed.number, as_of)
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
        is_plain = (
            type(value) is float and self._single and math.isfinite(value) and std_error is None and error is None
        )
        if is_plain and state is None and cost is None and metrics is None and gradient is None:
            return Outcome((value,))
        m = len(self.directions)
        return told_outcome(self.space, m, value, std_error, error, cost, metrics, gradient, state, params)

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
        number = check_number_given("number", number, self.scheduler is not None)
        facts = {"std_error": std_error, "cost": cost, "metrics": metrics}
        copied = read_copied(self.space, len(self.directions), params, state, value, reports, facts, missing)
        with self._lock:
            self._numbered.put(number, copied)

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
            return self._telling.add(point, outcome, attributes)

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
            return self._telling.take_known(known, len(self.directions), self.limits)

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
            old = self.space
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
            record.keep_running(self._record)
            self.space, self._record, self._costs = larger, record, costs
            self._queue, self._remaining = queue, remaining
            # The lock stays: other threads may be waiting for it.
            self._begin(self._lock)

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
            self._telling.restore(rows)

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
            self._basis.begin_anew()

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
        from hpcore.records.schedule import schedule_of

        with self._lock:
            number = self._record.number_of(self.best_trial if trial is None else trial)
            return schedule_of(self._record.history, self._record.trials, number)

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


def _scheduler(given: str | Scheduler | None) -> Scheduler | None:
    if given is None:
        return None
    from hpcore.schedulers import resolve as resolve_scheduler

    return resolve_scheduler(given)
