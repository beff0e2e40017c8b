"""A study: an optimizer, an objective, and the workers, the clock and the store between them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import TYPE_CHECKING, Any, overload

from hpcore.arguments import check_alias, check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.ledger.attributes import UserAttributes
from hpcore.ledger.heartbeat import keeping_leases
from hpcore.ledger.trial_log import DEFAULT_STALENESS, TrialLog, number_of
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import read_known
from hpcore.records.trial import Trial
from hpcore.samplers import DEFAULT, Sampler
from hpcore.space.space import Params, Space
from hpcore.study.carrying import carry
from hpcore.study.objective import Objective
from hpcore.study.progress import open_progress
from hpcore.study.run import Run
from hpcore.study.stopping import StoppingRule
from hpcore.study.trials import TrialSource
from hpcore.study.workers import ObjectiveWork
from hpcore.workers.engine import run as evaluate
from hpcore.workers.interrupts import Interrupts

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.storage import Storage
    from hpcore.workers.pools import Pool

__all__ = ["Callback", "Study"]

log = logging.getLogger("hpcore")

Callback = Callable[["Study", Trial], Any]


class Study:
    """A search that proposes, evaluates and remembers: in memory, or in a store that outlives the process.

    Parameters
    ----------
    space : Space or mapping
        What to search; a mapping is read by `Space.of`. Of a stored study it may be left out, unless it has
        constraints, or choices that are not plain data: these are code, which is never stored.
    storage : str, path or Storage, optional
        A file (``"runs.db"`` or ``"sqlite:///runs.db"``), ``"postgresql://USER@HOST/DATABASE"``, or what
        `hpcore.storage.open_storage` gave; None keeps everything in memory.
    name : str, optional
        The study's name in the storage, 1 to 512 bytes. The same storage and name continue an earlier study.
    direction, directions : optional
        As for `Optimizer`.
    sampler : str or Sampler, optional
        As for `Optimizer`; None is that of the stored study, or ``"gp"``. Another one than the stored one takes its
        place.
    seed : int, optional
        As for `Optimizer`; None is that of the stored study.
    lease : float
        Seconds after which a running trial that its worker did not renew may be started again by a worker of another
        machine; at least 0.1. Leases are renewed in the background from `ask` to `tell`. On one machine none is needed:
        a worker keeps its trials as long as its process and its study live, and one that ended is noticed at once.
    retries : int
        How often a trial whose worker died is evaluated again, at least 0; after that it counts as failed. Trials that
        were interrupted or given back do not count.
    repeats : int, optional
        As for `Optimizer`; None is that of the stored study, or 1. Another one than the stored one takes its place.
    strategy, random_state : optional
        `sampler` and `seed` by the names that scikit-learn's users know.
    prefetch : bool or "delayed"
        As for `Optimizer`; a stored study takes False or True, because its proposals must follow from what is stored.

    Attributes
    ----------
    optimizer : Optimizer
        Record of the trials, to be read. In memory it may also be used directly between runs; that of a stored study
        refuses calls that would change it past its store, and names the study's own instead.
    interrupted : bool
        The last run was stopped by Ctrl-C.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        An argument that is not allowed, or another direction or seed than the stored study's.
    SpaceMismatch
        Another space than the stored study's; the message says what differs.
    StorageError
        See `hpcore.storage.open_storage`.

    Notes
    -----
    A result is on the disk before `tell`, or a callback of `run`, knows of it. Proposals are a function of seed and
    history to the last bit, so a study that was killed and goes on gives the trials of one that was not; `mode` says
    whether that holds. Trials that were running when their process died, or when Ctrl-C or an error ended their run,
    are no failures: they go on running, and whoever asks next evaluates them; in memory as well. Any process may tell
    any running trial, also after the one that asked for it has ended; the first result counts.
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
        repeats: int | None = None,
        strategy: str | Sampler | None = None,
        random_state: int | None = None,
        prefetch: bool | str = False,
    ) -> None:
        sampler = check_alias("sampler", sampler, "strategy", strategy)
        seed = check_alias("seed", seed, "random_state", random_state)
        lease = check_number("lease", lease, 0.1, 86400.0, unit=" of seconds")
        retries = check_integer("retries", retries, 0)
        if storage is None:
            if space is None:
                raise InvalidType("space must be a Space or a mapping of names to parameters, got None")
            chosen = DEFAULT if sampler is None else sampler
            often = 1 if repeats is None else repeats
            self._trial_log = TrialLog(Optimizer(space, chosen, direction, directions, seed, prefetch, repeats=often))
            self.name = name
        else:
            # Imported here: a study in memory needs no SQLAlchemy.
            from hpcore.ledger.opening import open_stored_log

            ledger = open_stored_log(
                space, storage, name, direction, directions, sampler, seed, lease, retries, repeats, prefetch
            )
            self._trial_log, self.name = ledger, ledger.record.name
        self.interrupted = False
        # While it lasts; afterwards nothing must keep the study alive, whose end gives back what it holds.
        self._run: Run | None = None
        self._stopped = False

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
        n_jobs: int | None = 1,
        executor: Executor | None = None,
        callbacks: Sequence[Callback] = (),
        progress: bool | None = None,
        *,
        stop: Sequence[StoppingRule] = (),
        deterministic: bool = False,
    ) -> Study:
        """Evaluate more trials.

        Parameters
        ----------
        objective : callable
            ``objective(trial) -> float`` (or one float per objective); the trial is a mapping of its params. An
            exception, None, NaN or an infinity marks the trial as failed and the run goes on.
        n_trials : int, optional
            How many more, at least 1; None runs until `timeout`, a rule of `stop` or the end of the space. A trial that
            an earlier run left unfinished counts as one. Where the space has fewer points left (see `repeats`), or its
            constraints let no more be found, the run ends early, with a warning in the log.
        timeout : float, optional
            Seconds after which no trial is begun; running ones are finished. Greater than 0.
        n_jobs : int, optional
            Worker processes; 1 (or None) evaluates in this process, -1 means every core. With workers, proposals
            depend on which results are in, so without `deterministic` only ``n_jobs=1`` repeats exactly with samplers
            that learn. Arrays behind the objective are written to a temporary file once and mapped by the workers;
            what an objective writes into them only its own worker sees. Workers that do not leave within 5 s when
            they are asked to, at the exit of the interpreter for one, are killed with all that they started.
        executor : concurrent.futures.Executor, optional
            Runs the trials instead of a pool of our own; it is not shut down. With a thread pool, objective and trial
            are the caller's own objects, with processes they are copies.
        callbacks : sequence of callable
            Called as ``callback(study, trial)`` in this thread after each trial, once it is durable; may call `stop`.
            Their exceptions end the run.
        progress : bool, optional
            True shows a progress bar, False nothing; None shows it on a terminal. It begins with the trials that the
            study has, and their best. Where it cannot be written any more the run goes on without.
        stop : sequence of StoppingRule
            Rules of `hpcore.stopping`, any of which ends the run.
        deterministic : bool
            Make proposal k from exactly the results 0 .. k - 4, whatever the number of workers, which then changes
            only the speed: the same trials to the last bit, also when the run is killed and goes on, and when several
            processes run a stored study in this way at once. At most four trials are open at a time. Rules of `stop`
            decide from the same results; callbacks are called as results come.

        Returns
        -------
        Study
            Itself. Ctrl-C ends a run early, with what is finished kept and `interrupted` set; what was being evaluated
            comes first in the next run.

        Raises
        ------
        BaseException
            What a callback, a rule or a sampler raised, SystemExit of the objective and the like. All that is known is
            kept, and the error carries this study as its attribute `result`; where it has no room for that, a
            `hpcore.errors.RunEnded` at the end of its chain does.
        InfeasibleSpace, SearchSpaceExhausted
            The space has no allowed point, or none was found, and the study has no trial.
        InvalidArgument, InvalidType
            An argument that is not allowed, an objective that cannot be sent to a worker, an executor that is shut
            down; before any evaluation.
        StorageError
            The store takes no results any more. The last one is kept in memory, and stored when the study goes on.
        """
        deadline = _check_run(objective, n_trials, timeout, callbacks, progress, stop)
        deterministic = check_flag("deterministic", deterministic)
        pool: Pool | None = None
        if executor is not None or not (n_jobs is None or (type(n_jobs) is int and n_jobs == 1)):
            # Imported here: asking in this process needs no executors.
            from hpcore.workers.pools import choose_pool

            pool = choose_pool(n_jobs, executor)
        staleness, mode = _order(deterministic, pool is not None)
        self.interrupted = self._stopped = False
        direction = self.optimizer.directions[0] if len(self.optimizer.directions) == 1 else ""
        with open_progress(n_trials, "value", direction, progress) as shown, keeping_leases(self._trial_log):
            try:
                self._trial_log.refresh()
                shown.begin_from(self.optimizer, more=True)
                # The objective is packed before anything is stored.
                work = ObjectiveWork(objective, pool)
                hooks: list[Callable[[Trial], Any]] = [partial(callback, self) for callback in callbacks]
                if shown.visible:
                    hooks.append(partial(shown, self))
                interrupts = Interrupts()
                with interrupts, interrupts.held():
                    self._run = Run(
                        self._trial_log,
                        hooks,
                        n_trials=n_trials,
                        deadline=deadline,
                        rules=stop,
                        staleness=staleness,
                        mode=mode,
                        eager=not callbacks,
                    )
                evaluate(work, pool, [TrialSource(self._run)], interrupts)
            except KeyboardInterrupt:
                self.interrupted = True
                n, running = self.optimizer.n_trials, len(self.optimizer.running())
                log.warning(
                    "interrupted: %d trials are kept%s",
                    n - running,
                    f"; still to be evaluated: {running}" if running else "",
                )
            except BaseException as error:
                carry(error, self, sendable=not self._trial_log.durable)
                raise
            finally:
                self._stopped, self._run = self.stopping, None
        return self

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called in this run."""
        return self._stopped if self._run is None else self._run.stopping

    def stop(self) -> None:
        """Begin no more trials in this run; for callbacks."""
        if self._run is not None:
            self._run.stop()

    @overload
    def ask(self, n: None = None, *, deadline_ms: float | None = None) -> Trial: ...
    @overload
    def ask(self, n: int, *, deadline_ms: float | None = None) -> list[Trial]: ...
    def ask(self, n: int | None = None, *, deadline_ms: float | None = None) -> Trial | list[Trial]:
        """The next trials to evaluate, for those who run their own loop; of a stored study, in one transaction.

        Trials that were given back, or that lost their worker, come first. Nobody else is given a trial of a stored
        study while this process and this study live; anybody may tell it.

        Parameters
        ----------
        n : int, optional
            How many, at least 1. Without it one trial is given, with it a list. Fewer than `n` come only when the space
            runs out.
        deadline_ms : float, optional
            Milliseconds from the call that suggesting may take, see `Optimizer.ask`; waiting for a busy store counts.

        Raises
        ------
        InvalidArgument, InvalidType
            An argument that is not allowed.
        SearchSpaceExhausted, InfeasibleSpace, ConstraintError
            As for `Optimizer.ask`.
        StorageError
            The store cannot be written. No trial began.
        """
        many = 1 if n is None else check_integer("n", n, 1)
        if deadline_ms is not None:
            deadline_ms = check_number("deadline_ms", deadline_ms, 0.0, open_low=True, unit=" of milliseconds")
        trials = self._trial_log.hand_out(many, deadline_ms, alone=n is None)
        return trials[0] if n is None else trials

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
        """Report the result of a trial. It is durable when this returns.

        Any process may tell any trial that has no result, also one that another process asked for, whether that still
        lives or not: the first result counts. A trial that was given up, because its workers ended, has none: values
        that come late are taken (processes that know it as failed see them when they open the study again).

        Parameters
        ----------
        trial : Trial or int
            As given by `ask`, a copy, for instance a pickled one, or its number. Attributes and reports of a
            copy are kept.
        value, std_error, error, cost, metrics, gradient, state
            As for `Optimizer.tell`.

        Raises
        ------
        TrialAlreadyTold
            It has a result, which stays; LeaseExpired, which also is one, where this process asked for it and somebody
            else was first. Nothing is stored.
        UnknownTrial
            There is no such trial, or the params of the copy are not its.
        InvalidArgument, InvalidType
            As for `Optimizer.tell`. The trial stays as it was.
        StorageError
            The store does not take it. The result of a trial that this process asked for is kept in memory and stored
            with what comes next.
        """
        number_of(trial)
        outcome = self._trial_log.optimizer.outcome(value, std_error, error, cost, metrics, gradient, state)
        self._trial_log.tell(trial, outcome)

    def renew(self, trial: Trial | int | None = None) -> None:
        """Say that a trial is still, or from now on, evaluated by this process.

        Leases are renewed in the background already; this is for evaluations that let no other thread run for longer
        than `lease` while workers of other machines share the study, and for a process that evaluates what another one
        asked for and nobody keeps any more. In memory nothing needs to be renewed.

        Parameters
        ----------
        trial : Trial or int, optional
            A running trial, a copy or its number; None is all that this process evaluates.

        Raises
        ------
        TrialAlreadyTold, UnknownTrial, InvalidType
            There is no such running trial.
        LeaseExpired
            Another worker evaluates it. Its result is taken all the same, if it is the first.
        StorageError
            The store cannot be written.
        """
        self._trial_log.renew(trial)

    def add(
        self,
        params: Mapping[str, Any],
        value: float | Sequence[float] | None,
        *,
        std_error: float | None = None,
        user_attrs: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Record an evaluation made elsewhere; see `Optimizer.add`."""
        return self._trial_log.add(params, value, std_error, user_attrs)

    def add_many(self, rows: Iterable[tuple[Mapping[str, Any], Any] | Mapping[str, Any]]) -> list[Trial]:
        """Record many evaluations made elsewhere, all of them or none; see `Optimizer.add_many`.

        Of a stored study they are one transaction, on the disk when this returns.
        """
        return self._trial_log.add_known(read_known(self.space, self.optimizer.outcome, rows))

    def add_frame(
        self,
        frame: pd.DataFrame,
        *,
        value: str | Sequence[str] | None = None,
        params: Mapping[str, str] | None = None,
        std_error: str | None = None,
        user_attrs: Sequence[str] = (),
    ) -> list[Trial]:
        """Record the evaluations in a table that `to_frame` wrote, or in any other; see `Optimizer.add_frame`.

        Of a stored study they are one transaction, on the disk when this returns.
        """
        from hpcore.optimizer.frames import read_frame

        optimizer, m = self.optimizer, len(self.optimizer.directions)
        return self._trial_log.add_known(
            read_frame(frame, optimizer.space, optimizer.outcome, m, value, params, std_error, user_attrs)
        )

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Evaluate these parameters next; see `Optimizer.enqueue`. Of a stored study, by whichever worker asks next."""
        self._trial_log.enqueue(params)

    # --- what is known -------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Learn what other workers stored since the last trial; in memory there are none."""
        self._trial_log.refresh()

    @property
    def mode(self) -> str:
        """How trials followed from each other in all runs so far: ``"lag q"``, deterministic, proposal k made from
        exactly the results 0 .. k - q (1 is one after the other); ``"fast"``, as results came in; empty before the
        first run."""
        return self._trial_log.mode

    @property
    def space(self) -> Space:
        """What is searched."""
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

    @property
    def pareto_front(self) -> list[Trial]:
        """See `Optimizer.pareto_front`."""
        return self.optimizer.pareto_front

    @property
    def user_attrs(self) -> MutableMapping[str, Any]:
        """Whatever the user keeps with the study, by name, as plain data (see `Trial.user_attrs`); of a stored study
        written at once."""
        return UserAttributes(self._trial_log)

    @user_attrs.setter
    def user_attrs(self, given: MutableMapping[str, Any]) -> None:
        if not (isinstance(given, UserAttributes) and given.trial_log is self._trial_log):  # what |= leaves
            raise InvalidType("user_attrs cannot be replaced; set single ones, or use study.user_attrs.update(...)")

    @property
    def note(self) -> str:
        """A text about the study; empty until somebody writes one."""
        return str(self._trial_log.attributes().get("note", ""))

    @note.setter
    def note(self, text: str) -> None:
        if not isinstance(text, str):
            raise InvalidType(f"note must be a str, got {text!r}")
        self._trial_log.set_attribute("note", text)

    def to_frame(self) -> pd.DataFrame:
        """The trials as a pandas DataFrame, one row each: number, state, value (or value_0, ...), std_error if any
        trial has one, param_NAME, started, finished (UTC), seconds, attr_NAME, error. `add_frame` reads it back.

        Raises
        ------
        MissingDependency
            pandas is not installed.
        """
        from hpcore.study.frame import to_frame

        frame: pd.DataFrame = to_frame(self.optimizer)
        return frame

    def __repr__(self) -> str:
        return f"Study({self.optimizer!r})"


def _order(deterministic: bool, workers: bool) -> tuple[int | None, str]:
    """The staleness of proposals, None for that of the results as they come, and the mode's name."""
    if deterministic:
        return DEFAULT_STALENESS, f"lag {DEFAULT_STALENESS}"
    # One after the other is the order of lag 1 by itself.
    return None, "fast" if workers else "lag 1"


def _check_run(objective: Any, n_trials: Any, timeout: Any, callbacks: Any, progress: Any, stop: Any) -> float | None:
    """Check what `run` was given; the deadline on the monotonic clock."""
    if not callable(objective):
        raise InvalidType(f"objective must be a function of a trial, got {objective!r}")
    if isinstance(stop, StoppingRule):
        raise InvalidType(f"stop must be a list of rules of hpcore.stopping, got the rule {stop!r} itself")
    if not isinstance(stop, Sequence) or not all(isinstance(rule, StoppingRule) for rule in stop):
        raise InvalidType(f"stop must be a list of rules of hpcore.stopping, got {stop!r}")
    if n_trials is None and timeout is None and not stop:
        raise InvalidArgument("give n_trials, timeout or stop, got none of them")
    if n_trials is not None:
        check_integer("n_trials", n_trials, 1)
    if isinstance(callbacks, str) or not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise InvalidType(f"callbacks must be a list of functions of (study, trial), got {callbacks!r}")
    if progress is not None and not isinstance(progress, bool):
        raise InvalidType(f"progress must be True, False or None, got {progress!r}")
    if timeout is None:
        return None
    return time.monotonic() + check_number("timeout", timeout, 0.0, open_low=True, unit=" of seconds")
