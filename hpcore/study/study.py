"""Study: a search with runs of an objective, in memory or in a store."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from hpcore.arguments import check_alias, check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.ledger.attributes import UserAttributes
from hpcore.ledger.heartbeat import keeping_leases
from hpcore.ledger.trial_log import DEFAULT_STALENESS, TrialLog, number_of
from hpcore.optimizer import Optimizer
from hpcore.optimizer.costs import CostFunction
from hpcore.optimizer.known import Known, read_known
from hpcore.optimizer.remaining import STORED, check_repeats
from hpcore.records.history import WITHDRAWN
from hpcore.records.outcome import Outcome as Ended
from hpcore.records.returned import Outcome
from hpcore.records.trial import Trial
from hpcore.samplers import DEFAULT, Sampler
from hpcore.space.space import Params, Space
from hpcore.study.carrying import carry
from hpcore.study.checkpoints import Checkpoints, check_folder
from hpcore.study.closing import closing
from hpcore.study.objective import Objective
from hpcore.study.progress import open_progress
from hpcore.study.run import Run
from hpcore.study.stopping import CostBudget, StoppingRule
from hpcore.study.trackers import Tracker, is_tracker
from hpcore.study.tracking import TrackerQueue, begin_tracking, split_callbacks
from hpcore.study.trials import TrialSource
from hpcore.study.workers import ObjectiveWork
from hpcore.workers.engine import run as evaluate
from hpcore.workers.interrupts import Interrupts

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.records.schedule import Schedule
    from hpcore.schedulers import Scheduler
    from hpcore.storage import Storage
    from hpcore.study.live import Listener
    from hpcore.workers.pools import Pool

__all__ = ["Callback", "Study"]

log = logging.getLogger("hpcore")

Callback = Callable[["Study", Trial], Any] | Tracker


class Study:
    """Search with its trials, in memory or in a store that outlives the process.

    Parameters
    ----------
    space : Space or mapping
        Space to search; a mapping is read by `Space.of`. For a stored study it may be left out, unless it has
        constraints, or choices that are not plain data: these are code, which is never stored.
    storage : str, path or Storage, optional
        A file (``"runs.db"`` or ``"sqlite:///runs.db"``), ``"postgresql://USER@HOST/DATABASE"``, or a return of
        `hpcore.storage.open_storage`; None keeps everything in memory.
    name : str, optional
        Name of the study in the storage, 1 to 512 bytes. The same storage and name continue an earlier study.
    direction, directions : optional
        Directions, see `Optimizer`. None is that of the stored study.
    sampler : str or Sampler, optional
        Sampler, see `Optimizer`; None is that of the stored study, or ``"gp"``. Another sampler replaces the stored
        one.
    seed : int, optional
        Seed, see `Optimizer`; None is that of the stored study.
    lease : float
        Seconds after which a running trial that its worker did not renew may be started again by a worker of another
        machine; 0.1 to 86400. Leases are renewed in the background from `ask` to `tell`. Workers of one machine do not
        depend on leases: a worker keeps its trials as long as its process and its study exist, and loses them at once
        when one of these ends.
    retries : int
        Number of times that a trial whose worker died is evaluated again, at least 0; after that it counts as failed.
        Trials that were interrupted or given back do not count.
    repeats : int, None or "stored", default="stored"
        Number of repeats, see `Optimizer`; ``"stored"`` is that of the stored study, or 1. Another number replaces the
        stored one, as does None, which leaves it to the optimizer.
    strategy, random_state : optional
        Other names for `sampler` and `seed`, known from scikit-learn.
    prefetch : bool or "delayed"
        Computation of suggestions ahead, see `Optimizer`. For a stored study False or True, because its proposals must
        follow from the stored trials.
    scheduler : str, Scheduler or None
        Scheduler that decides which trial goes on and how far, see `Optimizer`; None is that of the stored study, or
        none. Another scheduler replaces the stored one.
    checkpoints : path, optional
        Folder in which the study makes a folder of its own for `Trial.checkpoint`. None is ``FILE.checkpoints`` for a
        store in a file, for a study in memory a folder for temporary files that is removed when the study does not
        exist any more, and for one on a server no folder. Files of trials that have ended stay; `clear_checkpoints`
        and `delete_study` remove them.
    limits : mapping of str to limit, optional
        Limits of metrics, see `Optimizer`; None is those of the stored study, or none. They are stored with the study,
        and cannot change.
    per_cost : bool, optional
        Whether suggestions weigh a result by its cost, see `Optimizer`. None: in a run with `timeout` or `budget_cost`
        (in a deterministic one, which must not depend on measured seconds, only if `cost` is given), and in `ask` if
        `cost` is given. Not stored.
    cost : callable, optional
        Cost of a trial as a function of its params, see `Optimizer`. A function is code, which is never stored: give it
        again when the study is opened again.

    Attributes
    ----------
    optimizer : Optimizer
        Record of the trials, to be read. In memory it may also be used directly between runs. For a stored study its
        methods that would change the trials without the store raise InvalidType.
    interrupted : bool
        True if Ctrl-C ended the last run.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        An argument is not allowed, or direction or seed is not that of the stored study.
    SpaceMismatch
        The space is not that of the stored study; the message lists the differences.
    StorageError
        The store cannot be used, see `hpcore.storage.open_storage`.

    Notes
    -----
    A result is on disk when `tell` returns, and before callbacks of `run` are called. Proposals are a function of seed
    and history to the last bit, so a study that is continued after a kill has the trials of one that was never
    interrupted; `mode` says whether that holds. Trials that were running when their process died, or when Ctrl-C or an
    error ended their run, are no failures: they stay running, and the next caller of `ask` or `run` gets them, also in
    memory. Any process may tell any running trial, also after the process that asked for it has ended; the first result
    counts.
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any] | None = None,
        *,
        storage: str | os.PathLike[str] | Storage | None = None,
        name: str | None = None,
        direction: str | None = None,
        directions: Sequence[str] | None = None,
        sampler: str | Sampler | None = None,
        seed: int | None = None,
        lease: float = 60.0,
        retries: int = 3,
        repeats: int | str | None = STORED,
        strategy: str | Sampler | None = None,
        random_state: int | None = None,
        prefetch: bool | str = False,
        scheduler: str | Scheduler | None = None,
        checkpoints: str | os.PathLike[str] | None = None,
        limits: Mapping[str, Any] | None = None,
        per_cost: bool | None = None,
        cost: CostFunction | None = None,
    ) -> None:
        sampler = check_alias("sampler", sampler, "strategy", strategy)
        seed = check_alias("seed", seed, "random_state", random_state)
        lease = check_number("lease", lease, 0.1, 86400.0, unit=" of seconds")
        retries = check_integer("retries", retries, 0)
        folder = check_folder(checkpoints)
        if storage is None:
            if space is None:
                raise InvalidType("space must be a Space or a mapping of names to parameters, got None")
            chosen = DEFAULT if sampler is None else sampler
            often = 1 if repeats == STORED else check_repeats(repeats)
            self._trial_log = TrialLog(
                Optimizer(
                    space,
                    chosen,
                    direction,
                    directions,
                    seed,
                    prefetch,
                    repeats=often,
                    scheduler=scheduler,
                    limits=limits,
                    per_cost=per_cost,
                    cost=cost,
                )
            )
            self.name = name
        else:
            # Imported here: a study in memory needs no SQLAlchemy.
            from hpcore.ledger.studies import open_stored_log

            stored_log = open_stored_log(
                space,
                storage,
                name,
                direction,
                directions,
                sampler,
                seed,
                lease,
                retries,
                repeats,
                prefetch,
                scheduler,
                limits,
                per_cost,
                cost,
            )
            self._trial_log, self.name = stored_log, stored_log.record.name
        # Costs are measured in every run, so that they count only where the budget is one of cost or time.
        self._per_cost = per_cost
        self._weigh_costs()
        self._checkpoints = Checkpoints(folder, self._trial_log)
        self.interrupted = False
        # None between runs: no reference may keep the study alive, because its end gives its trials back.
        self._run: Run | None = None
        self._stopped = False

    def _weigh_costs(self, on: bool | None = None) -> None:
        """Let costs count in suggestions, unless the user decided that; None is for suggestions outside of runs."""
        if self._per_cost is None:
            optimizer = self._trial_log.optimizer
            costs = optimizer.costs
            optimizer.use_costs(costs._replace(per_cost=costs.known is not None if on is None else on))

    @property
    def optimizer(self) -> Optimizer:
        """Record of the trials, to be read; in memory it also asks and tells."""
        return self._trial_log.shown

    # --- running -------------------------------------------------------------------------------------------------

    def run(
        self,
        objective: Objective,
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int | None = None,
        executor: Executor | None = None,
        callbacks: Sequence[Callback] = (),
        progress: bool | None = None,
        *,
        stop: Sequence[StoppingRule] = (),
        deterministic: bool = False,
        budget_cost: float | None = None,
    ) -> Study:
        """Evaluate more trials.

        Parameters
        ----------
        objective : callable
            Function ``objective(trial) -> float``, or one float per objective, or a `hpcore.Outcome`; the trial is a
            mapping of its parameters. An exception, None, NaN or an infinity marks the trial as failed, and the run
            continues. The seconds of an evaluation are its cost, unless an Outcome says another one.
        n_trials : int, optional
            Number of trials to evaluate, at least 1; None runs until `timeout`, `budget_cost`, a rule of `stop` or the
            end of the space. Trials that an earlier run left unfinished count. If the space has no more points (see
            `repeats`), or none that the constraints allow, the run ends early, with a warning in the log.
        timeout : float, optional
            Seconds after which no trial begins, greater than 0; running trials are finished.
        n_jobs : int, optional
            Number of trials at a time. Without `executor`, 1 (or None) evaluates in this process, another number in so
            many worker processes, -1 uses every core; with it, None is the number of its workers. With workers,
            proposals depend on the results that are in, so with samplers that learn only ``n_jobs=1`` or
            `deterministic` repeats exactly. Arrays behind the objective are written to a temporary file once and mapped
            by the workers; changes that an objective makes in them are seen by its own worker only. Workers that do not
            end within 5 s when they have to, for instance at the exit of the interpreter, are killed with their child
            processes.
        executor : concurrent.futures.Executor, optional
            Executor that runs the trials instead of a pool of this run; it is not shut down. With threads, objective
            and trial are the caller's own objects, with processes they are copies. A worker on another machine, which
            does not reach the temporary file, gets the objective with a trial, once. The number of workers is known of
            executors of the standard library, joblib, Dask (``client.get_executor(pure=False)``) and mpi4py, and of
            those with an attribute `n_workers`; of others it is taken to be the number of cores of this machine.
        callbacks : sequence of callable
            Functions called as ``callback(study, trial)`` in this thread after each trial, once its result is stored;
            they may call `stop`. Their exceptions end the run. At its end, also after an error or Ctrl-C, the method
            ``close()`` of each callback that has one is called. Trackers, such as those of `hpcore.tracking`, are given
            here too: objects that log the run elsewhere on a thread of their own, and whose errors do not end it.
        progress : bool, optional
            True shows the trials that are done, failed or stopped early, the best value, the reports and the time left:
            in a line on a terminal or in a notebook, in lines elsewhere. False shows nothing; None shows it on a
            terminal and in a notebook. Trials of earlier runs are included. If it cannot be written any more, the run
            continues without it.
        stop : sequence of StoppingRule
            Rules of `hpcore.stopping`, any of which ends the run.
        deterministic : bool
            Make proposal k from exactly the results 0 .. k - 4, whatever the number of workers, which then changes
            only the speed. The trials are the same to the last bit, also if the run is killed and continued, and if
            several processes run a stored study in this way at once. At most four trials run at a time. Rules of `stop`
            decide from the same results; callbacks are called in the order in which results arrive.
        budget_cost : float, optional
            Cost that the trials of this run may have in all, greater than 0, see `hpcore.stopping.CostBudget`: no trial
            begins once it is reached, and running ones are finished.

        Returns
        -------
        Study
            This study. Ctrl-C ends a run early: finished trials are kept and `interrupted` is True. Trials that were
            being evaluated come first in the next run.

        Raises
        ------
        BaseException
            A callback, a rule or a sampler raised an error, or the objective SystemExit. All results so far are kept,
            and the error has this study as its attribute `result`; if the error cannot have one, a
            `hpcore.errors.RunEnded` at the end of its chain has it.
        InfeasibleSpace, SearchSpaceExhausted
            The space has no allowed point, or none was found, and the study has no trial.
        InvalidArgument, InvalidType
            An argument is not allowed, the objective cannot be sent to a worker, or the executor is shut down; before
            any evaluation. With `deterministic`, also if a caller of `ask` has a trial without a result.
        StorageError
            The store cannot be written. The last result is kept in memory, and stored when the study continues.
        """
        budget = () if budget_cost is None else (CostBudget(check_budget(budget_cost)),)
        deadline = _check_run(objective, n_trials, timeout, callbacks, progress, stop, bool(budget))
        rules = (*stop, *budget)
        deterministic = check_flag("deterministic", deterministic)
        pool: Pool | None = None
        if executor is not None or not (n_jobs is None or (type(n_jobs) is int and n_jobs == 1)):
            # Imported here: a run in this process needs no executors.
            from hpcore.workers.pools import choose_pool

            pool = choose_pool(n_jobs, executor)
        staleness, mode = _order(deterministic, pool is not None)
        self.interrupted = self._stopped = False
        has_cost_function = self._trial_log.optimizer.costs.known is not None
        self._weigh_costs((timeout is not None or bool(budget)) and (has_cost_function or not deterministic))
        plain, trackers = split_callbacks(callbacks)
        n_workers = 1 if pool is None else pool.n_workers
        ways = self.optimizer.directions
        display = open_progress(n_trials, "value", ways, progress, deadline, n_workers)
        with display as shown, keeping_leases(self._trial_log):
            try:
                with closing([*plain, *trackers]):
                    self._trial_log.refresh()
                    shown.begin_from(self.optimizer, more=True)
                    # The objective is packed before anything is stored.
                    work = ObjectiveWork(objective, pool)
                    self._begin_tracking(trackers)
                    hooks: list[Callable[[Trial], Any]] = [partial(callback, self) for callback in plain]
                    interrupts = Interrupts()
                    with interrupts, interrupts.held():
                        self._run = Run(
                            self._trial_log,
                            hooks,
                            n_trials=n_trials,
                            deadline=deadline,
                            rules=rules,
                            staleness=staleness,
                            mode=mode,
                            eager=not plain,
                            checkpoints=self._checkpoints,
                            display=partial(shown, self) if shown.visible else None,
                            trackers=trackers,
                        )
                    remote = pool is not None and pool.by_file
                    with self._listening(pool, staleness) as listener:
                        evaluate(work, pool, [TrialSource(self._run, remote, listener)], interrupts, listener)
            except KeyboardInterrupt:
                self.interrupted = True
            except BaseException as error:
                carry(error, self, sendable=not self._trial_log.durable)
                raise
            finally:
                run, self._stopped, self._run = self._run, self.stopping, None
                self._weigh_costs()
                self._say_infeasible()
                if run is not None:
                    run.say_failures()
        if self.interrupted:
            self._say_interrupted()
        return self

    def _say_interrupted(self) -> None:
        """Log after Ctrl-C what is kept, and how to go on; after the display, so that it is the last line."""
        n, running = self.optimizer.n_trials, len(self.optimizer.running())
        left = f"; still to be evaluated: {running}" if running else ""
        if self._trial_log.durable:
            place = self._trial_log.storage.shown  # type: ignore[attr-defined]
            go_on = f"the same call goes on with study {self.name!r} of {place}"
        else:
            go_on = "they are in the study that is returned, whose run(...) goes on"
        log.warning("interrupted: %d trials are kept%s; %s", n - running, left, go_on)

    def _begin_tracking(self, trackers: Sequence[TrackerQueue]) -> None:
        settings = {"note": self.note} if trackers and self.note else {}
        begin_tracking(
            trackers, self._trial_log, self, name=self.name, parameters=self.optimizer.space, settings=settings
        )

    def _say_infeasible(self) -> None:
        """Log that no trial keeps the limits, at the end of a run."""
        history = self.optimizer.history
        if history.n_limits and history.n_complete and not history.feasible.any():
            log.warning("%s", self.optimizer.no_feasible_trial())

    def _listening(self, pool: Pool | None, staleness: int | None) -> AbstractContextManager[Listener | None]:
        """Return a context in which the reports of workers are read while they run, in a pool of processes of ours."""
        if pool is None or not (pool.by_file and pool.timed):
            return nullcontext()
        from hpcore.study.live import Listener

        return Listener(self._trial_log, renews=staleness is None)

    @property
    def stopping(self) -> bool:
        """True if `stop` was called in this run."""
        return self._stopped if self._run is None else self._run.stopping

    def stop(self) -> None:
        """Begin no more trials in this run; for callbacks."""
        if self._run is not None:
            self._run.stop()

    @overload
    def ask(
        self,
        n: None = None,
        *,
        deadline_ms: float | None = None,
        repeat: Trial | int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Trial: ...
    @overload
    def ask(
        self,
        n: int,
        *,
        deadline_ms: float | None = None,
        repeat: Trial | int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> list[Trial]: ...
    def ask(
        self,
        n: int | None = None,
        *,
        deadline_ms: float | None = None,
        repeat: Trial | int | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Trial | list[Trial]:
        """Return the next trials to evaluate, for callers with their own loop; for a stored study in one transaction.

        Trials that were given back, or that lost their worker, come first. No other worker gets a trial of a stored
        study while this process and this study exist; any process may tell it.

        Parameters
        ----------
        n : int, optional
            Number of trials, at least 1. With it a list is returned, without it one trial. The list has fewer than `n`
            trials only if the space has no more points.
        deadline_ms : float, optional
            Time in milliseconds from the call for the sampler, see `Optimizer.ask`; waiting for a busy store counts.
        repeat : Trial or int, optional
            Trial in any state, or its number, whose parameters are to be evaluated again; see `Optimizer.ask`. Trials
            that were given back stay where they are.
        given : mapping of str to value, optional
            Legal values of some parameters, which the sampler completes; see `Optimizer.ask`. Trials that were given
            back, and enqueued parameters, stay where they are. Not together with `deadline_ms` or `repeat`.

        Returns
        -------
        Trial or list of Trial
            Running trials.

        Raises
        ------
        InvalidArgument, InvalidType
            An argument is not allowed.
        SearchSpaceExhausted, InfeasibleSpace, InfeasibleParams, ConstraintError
            See `Optimizer.ask`.
        StorageError
            The store cannot be written. No trial began.
        """
        many = 1 if n is None else check_integer("n", n, 1)
        if deadline_ms is not None:
            deadline_ms = check_number("deadline_ms", deadline_ms, 0.0, open_low=True, unit=" of milliseconds")
        if given is not None:
            if deadline_ms is not None or repeat is not None:
                raise InvalidArgument("given values are completed from all results: leave deadline_ms and repeat out")
            trials = self._trial_log.hand_out_given(many, given)
            return trials[0] if n is None else trials
        if repeat is not None:
            if deadline_ms is not None:
                raise InvalidArgument("repeat needs no proposal: leave deadline_ms out")
            trials = self._trial_log.hand_out_again(many, repeat)
            return trials[0] if n is None else trials
        trials = self._trial_log.hand_out(many, deadline_ms, alone=n is None)
        if self._trial_log.optimizer.scheduler is not None:
            for trial in trials:
                self._checkpoints.copy_parent(trial)
        return trials[0] if n is None else trials

    def tell(
        self,
        trial: Trial | int,
        value: float | Sequence[float] | Outcome | None = None,
        *,
        std_error: float | Sequence[float] | None = None,
        error: str | None = None,
        cost: float | None = None,
        metrics: Mapping[str, float] | None = None,
        gradient: Mapping[str, float] | None = None,
        state: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:
        """Record the result of a trial. For a stored study it is on disk when this returns.

        Any process may tell any trial that has no result, also one of another process that has ended: the first result
        counts. A trial that failed because too many of its workers died has no result either: a late value is recorded
        (other processes that know the trial as failed see it when they open the study again).

        Parameters
        ----------
        trial : Trial or int
            Trial that `ask` returned, a copy of it (for instance a pickled one), or its number. Attributes and reports
            of a copy are kept.
        value, std_error, error, cost, metrics, gradient, state
            Result, see `Optimizer.tell`.
        params : mapping of str to value, optional
            Parameters that were really used, if they are not those of the trial; see `Optimizer.tell`.

        Raises
        ------
        TrialAlreadyTold
            The trial has a result, which stays. `LeaseExpired`, a subclass, if this process asked for the trial and
            another one told it first. Nothing is stored.
        UnknownTrial
            There is no such trial, or the copy has other parameters.
        InvalidArgument, InvalidType
            An argument is not allowed, see `Optimizer.tell`. The trial does not change.
        StorageError
            The store cannot be written. The result of a trial that this process asked for is kept in memory, and stored
            in the next transaction.
        """
        number = number_of(trial)
        optimizer = self._trial_log.optimizer
        used: Mapping[str, Any] | None = None
        if params is not None:
            used = params = optimizer.used_params(params)
        elif isinstance(trial, Trial):
            used = trial.params
        elif 0 <= number < optimizer.n_trials:  # else another process began it, of which this one has not read yet
            used = optimizer.trials[number].params
        outcome = optimizer.outcome(value, std_error, error, cost, metrics, gradient, state, used)
        if params is not None:
            outcome = outcome._replace(params=params)
        self._trial_log.tell(trial, outcome)
        if self._trial_log.optimizer.scheduler is not None:
            self._checkpoints.ended(number)

    def withdraw(self, trial: Trial | int) -> None:
        """Record that a running trial says nothing of its point; see `Optimizer.withdraw`.

        For a stored study it is on disk when this returns, and any process may withdraw any trial without a result. In
        a run, another trial is evaluated in its place. A trial that somebody may still evaluate need not be withdrawn:
        those that a run leaves unfinished come first in the next one.

        Parameters
        ----------
        trial : Trial or int
            Trial that `ask` returned, a copy of it, or its number.

        Raises
        ------
        UnknownTrial, TrialAlreadyTold, StorageError
            As in `tell`.
        """
        self._trial_log.tell(trial, Ended(None, WITHDRAWN))
        if self._trial_log.optimizer.scheduler is not None:
            self._checkpoints.ended(number_of(trial))

    def renew(self, trial: Trial | int | None = None) -> None:
        """Renew the lease of a trial, or claim a trial without a worker for this process.

        Leases are renewed in the background. This method is for evaluations that let no other thread run for longer
        than `lease` while workers of other machines share the study, and for a process that continues a trial whose
        worker has ended. In memory there is nothing to renew.

        Parameters
        ----------
        trial : Trial or int, optional
            Running trial, a copy or its number; None renews all trials of this process.

        Raises
        ------
        TrialAlreadyTold, UnknownTrial, InvalidType
            There is no such running trial.
        LeaseExpired
            Another worker has the trial. It may be told nevertheless; the first result counts.
        StorageError
            The store cannot be written.
        """
        self._trial_log.renew(trial)

    def add(
        self,
        params: Mapping[str, Any],
        value: float | Sequence[float] | Outcome | None,
        *,
        std_error: float | Sequence[float] | None = None,
        metrics: Mapping[str, float] | None = None,
        cost: float | None = None,
        gradient: Mapping[str, float] | None = None,
        user_attrs: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Record an evaluation made elsewhere; see `Optimizer.add`."""
        facts = {
            "std_error": std_error,
            "metrics": metrics,
            "cost": cost,
            "gradient": gradient,
            "user_attrs": user_attrs,
        }
        return self._trial_log.add(params, value, facts)

    def add_many(self, rows: Iterable[tuple[Mapping[str, Any], Any] | Mapping[str, Any]]) -> list[Trial]:
        """Record many evaluations made elsewhere, all of them or none; see `Optimizer.add_many`.

        For a stored study this is one transaction, which is on disk when this returns.
        """
        return self.add_known(read_known(self.space, self.optimizer.outcome, rows))

    def add_known(self, known: Known) -> list[Trial]:
        """Record checked results; see `add_many`."""
        return self._trial_log.add_known(known)

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
        """Record the evaluations in a table that `to_frame` wrote, or in any other; see `Optimizer.add_frame`.

        For a stored study this is one transaction, which is on disk when this returns.
        """
        from hpcore.optimizer.frames import ColumnsChosen, read_frame

        optimizer, m = self.optimizer, len(self.optimizer.directions)
        chosen = ColumnsChosen(value, params, std_error, metrics, cost, user_attrs)
        return self._trial_log.add_known(read_frame(frame, optimizer.space, optimizer.outcome, m, chosen))

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Add parameters to the queue of next trials; see `Optimizer.enqueue`.

        The queue of a stored study is stored, and is that of all its workers.
        """
        self._trial_log.enqueue(params)

    def extend(self, space: Space | Mapping[str, Any], *, defaults: Mapping[str, Any] | None = None) -> None:
        """Go on in a larger space, with all trials; see `Optimizer.extend`.

        For a stored study all trials and the queue are written anew in one transaction, and the larger space is that of
        the study from then on. A study object that another process, or this one, opened before raises `SpaceMismatch`
        at its next call that reads or writes trials: open the study again.

        Parameters
        ----------
        space : Space or mapping
            Space with all parameters of the present one, each of the same type with the same or wider bounds or more
            choices, and with new ones.
        defaults : mapping of str to value, optional
            Values that earlier trials have of new parameters; see `Optimizer.extend`.

        Raises
        ------
        SpaceMismatch
            A parameter is missing, of another type, or has lost values; or another worker made the space larger.
        InvalidArgument, InvalidType, InvalidSpace
            An argument is not allowed; a run of this study is not over, or another worker has a running trial. Nothing
            has changed.
        StorageError
            The store cannot be written. Nothing has changed.
        """
        if self._run is not None:
            raise InvalidArgument("space cannot become larger during a run of the study: wait for its end")
        self._trial_log.extend(space, defaults)

    def clear_checkpoints(self) -> None:
        """Remove the files of `Trial.checkpoint` of all trials that are not running.

        A paused trial that goes on later begins with an empty folder.

        Raises
        ------
        OSError
            A file cannot be removed.
        """
        self._checkpoints.clear()

    # --- results -------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the changes that other workers stored; in memory there are none."""
        self._trial_log.refresh()

    @property
    def mode(self) -> str:
        """Mode of all runs so far.

        ``"lag q"`` if proposal k was made from exactly the results 0 .. k - q, where 1 means one trial after the other;
        ``"fast"`` if proposals depended on the order of results; empty before the first run.
        """
        return self._trial_log.mode

    @property
    def space(self) -> Space:
        """Space of the search."""
        return self.optimizer.space

    @property
    def trials(self) -> Sequence[Trial]:
        """All trials by number; see `Optimizer.trials`."""
        return self.optimizer.trials

    @property
    def best_trial(self) -> Trial:
        """See `Optimizer.best_trial`."""
        return self.optimizer.best_trial

    @property
    def best_params(self) -> Params:
        """Parameters of the best trial."""
        return self.optimizer.best_params

    @property
    def best_value(self) -> float:
        """Value of the best trial."""
        return self.optimizer.best_value

    def recommend(self) -> Trial:
        """Return the best trial by a model's mean, where values are noisy; see `Optimizer.recommend`."""
        return self.optimizer.recommend()

    def schedule(self, trial: Trial | int | None = None) -> Schedule:
        """Return the schedule of hyperparameters that led to a trial; see `Optimizer.schedule`."""
        return self.optimizer.schedule(trial)

    @property
    def pareto_front(self) -> list[Trial]:
        """See `Optimizer.pareto_front`."""
        return self.optimizer.pareto_front

    @property
    def user_attrs(self) -> MutableMapping[str, Any]:
        """User attributes of the study by name, as plain data (see `Trial.user_attrs`); those of a stored study are
        read and written at once."""
        return UserAttributes(self._trial_log)

    @user_attrs.setter
    def user_attrs(self, given: MutableMapping[str, Any]) -> None:
        if not (isinstance(given, UserAttributes) and given.trial_log is self._trial_log):  # after `|=`
            raise InvalidType("user_attrs cannot be replaced; set single ones, or use study.user_attrs.update(...)")

    @property
    def note(self) -> str:
        """Text about the study; empty by default."""
        return str(self._trial_log.attributes().get("note", ""))

    @note.setter
    def note(self, text: str) -> None:
        if not isinstance(text, str):
            raise InvalidType(f"note must be a str, got {text!r}")
        self._trial_log.set_attribute("note", text)

    @property
    def search_settings(self) -> dict[str, str] | None:
        """Settings of the stored `SearchCV` whose candidates the trials are, as texts: ``"estimator"``, ``"scoring"``,
        and digests of data and splits. None for any other study."""
        found = self._trial_log.attributes().get("search")
        return {str(key): str(value) for key, value in found.items()} if isinstance(found, dict) else None

    def to_frame(self) -> pd.DataFrame:
        """Return the trials as a pandas DataFrame with one row per trial.

        The columns are number, state, value (or value_0, ...), std_error if any trial has one (and std_error_1, ... of
        further objectives), feasible if there are limits, param_NAME, started, finished (UTC), seconds, cost and
        metric_NAME if any trial has them, attr_NAME, error. With a scheduler there are also until, the resource that
        the trial's last job goes to, reports, the number of reports, and last_step and last_value of the last one.
        `add_frame` reads the table.

        Raises
        ------
        MissingDependency
            pandas is not installed.
        """
        from hpcore.study.frame import to_frame

        frame: pd.DataFrame = to_frame(self.optimizer)
        return frame

    def __getstate__(self) -> dict[str, Any]:
        # A copy made in a callback is a study between runs: threads, trackers and displays of this run stay here.
        return {**vars(self), "_run": None, "_stopped": self.stopping}

    def __repr__(self) -> str:
        return f"Study({self.optimizer!r})"

    def _repr_html_(self) -> str:
        """Return a compact summary for notebooks."""
        from hpcore.study.summary_html import study_html

        place = self._trial_log.storage.shown if self._trial_log.durable else ""  # type: ignore[attr-defined]
        state = "interrupted" if self.interrupted else ""
        return study_html(self.optimizer, f"Study {self.name or ''}".strip(), {"store": place, "last run": state})


def _order(deterministic: bool, workers: bool) -> tuple[int | None, str]:
    """Return the staleness of proposals, None for proposals from all known results, and the name of the mode."""
    if deterministic:
        return DEFAULT_STALENESS, f"lag {DEFAULT_STALENESS}"
    # Without workers each trial is told before the next one is proposed, which is the order "lag 1".
    return None, "fast" if workers else "lag 1"


def check_budget(budget_cost: Any) -> float:
    """Check the argument `budget_cost`."""
    return check_number("budget_cost", budget_cost, 0.0, open_low=True)


def _check_run(
    objective: Any, n_trials: Any, timeout: Any, callbacks: Any, progress: Any, stop: Any, has_budget: bool
) -> float | None:
    """Check the arguments of `run`, and return its deadline on the monotonic clock; None without a timeout."""
    if not callable(objective):
        raise InvalidType(f"objective must be a function of a trial, got {objective!r}")
    if isinstance(stop, StoppingRule):
        raise InvalidType(f"stop must be a list of rules of hpcore.stopping, got the rule {stop!r} itself")
    if not isinstance(stop, Sequence) or not all(isinstance(rule, StoppingRule) for rule in stop):
        raise InvalidType(f"stop must be a list of rules of hpcore.stopping, got {stop!r}")
    if n_trials is None and timeout is None and not stop and not has_budget:
        raise InvalidArgument("give n_trials, timeout, budget_cost or stop, got none of them")
    if n_trials is not None:
        check_integer("n_trials", n_trials, 1)
    if (
        isinstance(callbacks, str)
        or not isinstance(callbacks, Sequence)
        or not all(callable(callback) or is_tracker(callback) for callback in callbacks)
    ):
        raise InvalidType(f"callbacks must be a list of functions of (study, trial), or of trackers, got {callbacks!r}")
    if progress is not None and not isinstance(progress, bool):
        raise InvalidType(f"progress must be True, False or None, got {progress!r}")
    if timeout is None:
        return None
    return time.monotonic() + check_number("timeout", timeout, 0.0, open_low=True, unit=" of seconds")
