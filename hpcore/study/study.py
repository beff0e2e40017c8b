"""A study: an optimizer, an objective, and the workers, the clock and the store between them."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_flag, check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.evaluation.lockstep import DEFAULT_LAG
from hpcore.optimizer import Optimizer
from hpcore.optimizer.known import read_known
from hpcore.records.trial import Trial
from hpcore.samplers import Sampler
from hpcore.space.space import Params, Space
from hpcore.study.attributes import UserAttributes
from hpcore.study.book import Book
from hpcore.study.heartbeat import keeping_leases
from hpcore.study.objective import Objective
from hpcore.study.progress import open_progress
from hpcore.study.run import Run
from hpcore.study.stopping import StoppingRule

if TYPE_CHECKING:
    import pandas as pd

    from hpcore.evaluation.pools import Pool
    from hpcore.storage import Storage

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
        Seconds after which a running trial that its worker did not renew is given to another worker; at least 0.1.
        A run renews its leases in the background. On one machine a worker that ended is noticed at once.
    retries : int
        How often a trial whose worker died is evaluated again, at least 0; after that it counts as failed.

    Attributes
    ----------
    optimizer : Optimizer
        Asks and tells. Of a study in memory it may also be used directly between runs.
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
    whether that holds. Trials that were running when their process died are evaluated again.
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
    ) -> None:
        lease = check_number("lease", lease, 0.1, 86400.0, unit=" of seconds")
        retries = check_integer("retries", retries, 0)
        if storage is None:
            if space is None:
                raise InvalidType("space must be a Space or a mapping of names to parameters, got None")
            self._book = Book(Optimizer(space, "gp" if sampler is None else sampler, direction, directions, seed))
            self.name = name
        else:
            # Imported here: a study in memory needs no SQLAlchemy.
            from hpcore.study.opening import open_ledger

            ledger = open_ledger(space, storage, name, direction, directions, sampler, seed, lease, retries)
            self._book, self.name = ledger, ledger.record.name
        self.interrupted = False
        self._stopping = False

    @property
    def optimizer(self) -> Optimizer:
        """Asks and tells."""
        return self._book.optimizer

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
            an earlier run left unfinished counts as one.
        timeout : float, optional
            Seconds after which no trial is begun; running ones are finished. Greater than 0.
        n_jobs : int, optional
            Worker processes; 1 (or None) evaluates in this process, -1 means every core. With workers, proposals
            depend on which results are in, so without `deterministic` only ``n_jobs=1`` repeats exactly with samplers
            that learn.
        executor : concurrent.futures.Executor, optional
            Runs the trials instead of a pool of our own; it is not shut down. With a thread pool, objective and trial
            are the caller's own objects, with processes they are copies.
        callbacks : sequence of callable
            Called as ``callback(study, trial)`` in this thread after each trial, once it is durable; may call `stop`.
            Their exceptions end the run.
        progress : bool, optional
            True shows a progress bar, False nothing; None shows it on a terminal.
        stop : sequence of StoppingRule
            Rules of `hpcore.stopping`, any of which ends the run.
        deterministic : bool
            Make proposal k from exactly the results 0 .. k - 4, whatever the number of workers, which then changes
            only the speed: the same trials to the last bit, also when the run is killed and goes on. At most four
            trials are open at a time, and of a stored study no other process may run it meanwhile.

        Returns
        -------
        Study
            Itself. Ctrl-C ends a run early, with what is finished kept and `interrupted` set.

        Raises
        ------
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
            from hpcore.evaluation.pools import choose_pool
            from hpcore.study.workers import Workers

            pool = choose_pool(n_jobs, executor)
        lag, mode = _order(deterministic, pool is not None)
        self.interrupted = self._stopping = False
        direction = self.optimizer.directions[0] if len(self.optimizer.directions) == 1 else ""
        with open_progress(n_trials, "value", direction, progress) as shown, keeping_leases(self._book):
            try:
                if pool is None:
                    Run(self, self._book, callbacks, shown, n_trials, deadline, stop, lag, mode).here(objective)
                else:
                    # The objective is packed before anything is stored.
                    workers = Workers(pool, objective)
                    workers.run(Run(self, self._book, callbacks, shown, n_trials, deadline, stop, lag, mode))
            except KeyboardInterrupt:
                self.interrupted = True
                log.warning("interrupted: %d trials are kept", self.optimizer.n_trials)
        return self

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called in this run."""
        return self._stopping

    def stop(self) -> None:
        """Begin no more trials in this run; for callbacks."""
        self._stopping = True

    def ask(self) -> Trial:
        """The next trial to evaluate, for those who run their own loop; see `Optimizer.ask`.

        Of a stored study the trial is leased: without a result within `lease` seconds another worker may get it.
        """
        return self._book.ask()

    def tell(
        self,
        trial: Trial,
        value: float | Sequence[float] | None,
        *,
        std_error: float | None = None,
        error: str | None = None,
    ) -> None:
        """Report what a trial of `ask` came to; see `Optimizer.tell`. It is durable when this returns.

        Raises
        ------
        LeaseExpired
            The trial was given to another worker in the meantime. Nothing is stored.
        TrialAlreadyTold, UnknownTrial, InvalidArgument, InvalidType
            As for `Optimizer.tell`.
        """
        if not isinstance(trial, Trial):
            raise InvalidType(f"trial must be a Trial of ask, got {trial!r}")
        outcome = self.optimizer.outcome(value, std_error, error)
        self._book.tell(trial, self._book.save(trial, outcome))

    def add(
        self,
        params: Mapping[str, Any],
        value: float | Sequence[float] | None,
        *,
        std_error: float | None = None,
        user_attrs: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Record an evaluation made elsewhere; see `Optimizer.add`."""
        return self._book.add(params, value, std_error, user_attrs)

    def add_many(self, rows: Iterable[tuple[Mapping[str, Any], Any] | Mapping[str, Any]]) -> list[Trial]:
        """Record many evaluations made elsewhere, all of them or none; see `Optimizer.add_many`.

        Of a stored study they are one transaction, on the disk when this returns.
        """
        return self._book.add_known(read_known(self.space, self.optimizer.outcome, rows))

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
        return self._book.add_known(self.optimizer.read_frame(frame, value, params, std_error, user_attrs))

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Evaluate these parameters next; see `Optimizer.enqueue`. Of a stored study, by whichever worker asks next."""
        self._book.enqueue(params)

    # --- what is known -------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Learn what other workers stored since the last trial; in memory there are none."""
        self._book.refresh()

    @property
    def mode(self) -> str:
        """How trials followed from each other in all runs so far: ``"lag q"``, deterministic, proposal k made from
        exactly the results 0 .. k - q (1 is one after the other); ``"fast"``, as results came in; empty before the
        first run."""
        return self._book.mode

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
        """Whatever the user keeps with the study, by name; of a stored study plain data, written at once."""
        return UserAttributes(self._book)

    @property
    def note(self) -> str:
        """A text about the study; empty until somebody writes one."""
        return str(self._book.attributes().get("note", ""))

    @note.setter
    def note(self, text: str) -> None:
        if not isinstance(text, str):
            raise InvalidType(f"note must be a str, got {text!r}")
        self._book.set_attribute("note", text)

    def to_frame(self) -> pd.DataFrame:
        """The trials as a pandas DataFrame, one row each: number, state, value (or value_0, ...), std_error if any
        trial has one, param_NAME, started, finished (UTC), seconds, attr_NAME, error. `add_frame` reads it back.

        Raises
        ------
        MissingDependency
            pandas is not installed.
        """
        from hpcore.study.frame import to_frame

        frame: pd.DataFrame = to_frame(self)
        return frame

    def __repr__(self) -> str:
        return f"Study({self.optimizer!r})"


def _order(deterministic: bool, workers: bool) -> tuple[int | None, str]:
    """The lag of the order that results are taken in, None for as they come, and the mode's name."""
    if deterministic:
        return DEFAULT_LAG, f"lag {DEFAULT_LAG}"
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
