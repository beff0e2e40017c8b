"""A study: an optimizer, an objective, and the workers and clock between them."""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from typing import TYPE_CHECKING, Any

from hpcore.arguments import check_integer, check_number
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted, WorkerDied
from hpcore.evaluation.interrupts import Interrupts
from hpcore.evaluation.nesting import working
from hpcore.optimizer import Optimizer
from hpcore.records.trial import Trial
from hpcore.samplers import Sampler
from hpcore.space.space import Params, Space
from hpcore.study.objective import Objective, call, call_in_worker
from hpcore.study.progress import open_progress

if TYPE_CHECKING:
    from hpcore.evaluation.pools import Pool

__all__ = ["Callback", "Study"]

log = logging.getLogger("hpcore")

Callback = Callable[["Study", Trial], Any]


class Study:
    """A search in memory: proposes, evaluates and remembers.

    Parameters
    ----------
    space : Space or mapping
        What to search; a mapping is read by `Space.of`.
    direction, directions, sampler, seed
        As for `Optimizer`.

    Attributes
    ----------
    optimizer : Optimizer
        Asks and tells; may also be used directly between runs.
    interrupted : bool
        The last run was stopped by Ctrl-C.
    """

    def __init__(
        self,
        space: Space | Mapping[str, Any],
        *,
        direction: str | None = None,
        directions: Sequence[str] | None = None,
        sampler: str | Sampler = "gp",
        seed: int | None = None,
    ) -> None:
        self.optimizer = Optimizer(space, sampler, direction, directions, seed)
        self.interrupted = False
        self._stopping = False

    def run(
        self,
        objective: Objective,
        n_trials: int | None = None,
        timeout: float | None = None,
        n_jobs: int | None = 1,
        executor: Executor | None = None,
        callbacks: Sequence[Callback] = (),
        progress: bool | None = None,
    ) -> Study:
        """Evaluate more trials.

        Parameters
        ----------
        objective : callable
            ``objective(trial) -> float`` (or one float per objective); the trial is a mapping of its params. An
            exception, None, NaN or an infinity marks the trial as failed and the run goes on.
        n_trials : int, optional
            How many more, at least 1; None runs until `timeout` or the end of the space.
        timeout : float, optional
            Seconds after which no trial is begun; running ones are finished. Greater than 0.
        n_jobs : int, optional
            Worker processes; 1 (or None) evaluates in this process, -1 means every core. With workers, proposals
            depend on which results are in, so only ``n_jobs=1`` repeats exactly with samplers that learn.
        executor : concurrent.futures.Executor, optional
            Runs the trials instead of a pool of our own; it is not shut down. With a thread pool, objective and trial
            are the caller's own objects, with processes they are copies.
        callbacks : sequence of callable
            Called as ``callback(study, trial)`` in this thread after each trial; may call `stop`. Their exceptions
            end the run.
        progress : bool, optional
            True shows a progress bar, False nothing; None shows it on a terminal.

        Returns
        -------
        Study
            Itself. Ctrl-C ends a run early, with what is finished kept and `interrupted` set.

        Raises
        ------
        InvalidArgument, InvalidType
            An argument that is not allowed, an objective that cannot be sent to a worker, an executor that is shut
            down; before any evaluation.
        """
        deadline = _check_run(objective, n_trials, timeout, callbacks, progress)
        pool: Pool | None = None
        if executor is not None or not (n_jobs is None or (type(n_jobs) is int and n_jobs == 1)):
            # Imported here: asking in this process needs no executors.
            from hpcore.evaluation.pools import choose_pool

            pool = choose_pool(n_jobs, executor)
        self.interrupted = self._stopping = False
        budget = _Budget(self, n_trials, deadline)
        direction = self.optimizer.directions[0] if len(self.optimizer.directions) == 1 else ""
        with open_progress(n_trials, "value", direction, progress) as shown:
            hooks: list[Callback] = [*callbacks, shown]
            try:
                if pool is None:
                    self._run_here(objective, budget, hooks)
                else:
                    _Workers(self, pool, objective).run(budget, hooks)
            except KeyboardInterrupt:
                self.interrupted = True
                log.warning("interrupted: %d trials are kept", self.optimizer.n_trials)
        return self

    def _run_here(self, objective: Objective, budget: _Budget, hooks: Sequence[Callback]) -> None:
        with Interrupts() as interrupts:
            while (trial := budget.next_trial()) is not None:
                try:
                    value, error = call(objective, trial)
                    interrupts.check()
                except BaseException:
                    self.optimizer.tell(trial, None, error="interrupted")
                    raise
                self._record(trial, value, error, hooks)

    def _record(self, trial: Trial, value: Any, error: str | None, hooks: Sequence[Callback]) -> None:
        if error is None:
            try:
                self.optimizer.tell(trial, value)
            except (InvalidArgument, InvalidType) as wrong:
                error = f"the objective returned {value!r}: {wrong}"
        if error is not None:
            self.optimizer.tell(trial, None, error=error)
            log.info("trial %d failed: %s", trial.number, error.strip().splitlines()[-1])
        for hook in hooks:
            hook(self, trial)

    def stop(self) -> None:
        """Begin no more trials in this run; for callbacks."""
        self._stopping = True

    def add(self, params: Mapping[str, Any], value: float | Sequence[float] | None) -> Trial:
        """Record an evaluation made elsewhere; see `Optimizer.add`."""
        return self.optimizer.add(params, value)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Evaluate these parameters next; see `Optimizer.enqueue`."""
        self.optimizer.enqueue(params)

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

    def __repr__(self) -> str:
        return f"Study({self.optimizer!r})"


class _Budget:
    """Gives trials until the count, the clock, the space or the user says stop."""

    def __init__(self, study: Study, n_trials: int | None, deadline: float | None) -> None:
        self._study, self._left, self._deadline = study, n_trials, deadline

    def next_trial(self) -> Trial | None:
        if self._study._stopping or self._left == 0:
            return None
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return None
        try:
            trial = self._study.optimizer.ask()
        except SearchSpaceExhausted as end:
            log.info("%s", end)
            self._left = 0
            return None
        if self._left is not None:
            self._left -= 1
        return trial


class _Workers:
    """Trials on a pool: as many in flight as there are workers, so that a proposal knows all it can."""

    def __init__(self, study: Study, pool: Pool, objective: Objective) -> None:
        self._study, self._pool, self._objective = study, pool, objective
        self._key, self._packed = uuid.uuid4().hex, b""
        if pool.by_file:
            self._packed = _pack(objective)
        self._in_flight: dict[Future[Any], Trial] = {}

    def run(self, budget: _Budget, hooks: Sequence[Callback]) -> None:
        try:
            with self._pool.bounded():
                while self._fill(budget):
                    done, _ = wait(self._in_flight, return_when=FIRST_COMPLETED)
                    lost = [trial for future in done if (trial := self._collect(future, hooks)) is not None]
                    if lost:
                        self._recover(lost, hooks)
        except BaseException:
            for future, trial in self._in_flight.items():
                future.cancel()
                self._study.optimizer.tell(trial, None, error="interrupted")
            self._pool.abort()
            raise

    def _fill(self, budget: _Budget) -> bool:
        while len(self._in_flight) < self._pool.n_workers and (trial := budget.next_trial()) is not None:
            self._in_flight[self._submit(trial)] = trial
        return bool(self._in_flight)

    def _submit(self, trial: Trial) -> Future[Any]:
        try:
            if self._pool.by_file:
                return self._pool.submit(call_in_worker, os.getpid(), self._key, self._packed, trial)
            return self._pool.submit(_call_in_thread, self._objective, trial)
        except BrokenExecutor as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def _collect(self, future: Future[Any], hooks: Sequence[Callback]) -> Trial | None:
        """Record one result; gives the trial back if its worker died."""
        trial = self._in_flight.pop(future)
        try:
            (value, error), copy = future.result()
        except (BrokenExecutor, CancelledError):
            return trial
        except Exception as failure:  # the result could not be pickled, or its copy not unpickled
            value, error, copy = None, f"{type(failure).__name__}: {failure}", trial
        trial.started, trial.finished = copy.started, copy.finished
        trial._user_attrs, trial._reports = copy._user_attrs, copy._reports
        self._study._record(trial, value, error, hooks)
        return None

    def _recover(self, lost: list[Trial], hooks: Sequence[Callback]) -> None:
        """Evaluate lost trials again, once and alone: nobody knows which of them killed its worker."""
        wait(self._in_flight)
        lost += [trial for future in list(self._in_flight) if (trial := self._collect(future, hooks)) is not None]
        renewed = self._pool.renew()
        for trial in sorted(lost, key=lambda t: t.number):
            if renewed:
                future = self._submit(trial)
                self._in_flight[future] = trial
                wait([future])
                if self._collect(future, hooks) is None:
                    continue
                self._pool.renew()
            self._study._record(trial, None, f"{WorkerDied.__name__}: the worker process ended", hooks)
        if not renewed:
            raise WorkerDied("the executor given as executor= broke: a worker process ended")


def _call_in_thread(objective: Objective, trial: Trial) -> tuple[Any, Trial]:
    with working():
        return call(objective, trial), trial


def _pack(objective: Objective) -> bytes:
    import cloudpickle

    try:
        packed: bytes = cloudpickle.dumps(objective)
    except Exception as error:
        raise InvalidArgument(
            f"objective must be picklable to reach worker processes (n_jobs=1 needs no pickling): "
            f"{type(error).__name__}: {error}"
        ) from error
    return packed


def _check_run(objective: Any, n_trials: Any, timeout: Any, callbacks: Any, progress: Any) -> float | None:
    """Check what `run` was given; the deadline on the monotonic clock."""
    if not callable(objective):
        raise InvalidType(f"objective must be a function of a trial, got {objective!r}")
    if n_trials is None and timeout is None:
        raise InvalidArgument("give n_trials or timeout, got neither")
    if n_trials is not None:
        check_integer("n_trials", n_trials, 1)
    if isinstance(callbacks, str) or not isinstance(callbacks, Sequence) or not all(map(callable, callbacks)):
        raise InvalidType(f"callbacks must be a list of functions of (study, trial), got {callbacks!r}")
    if progress is not None and not isinstance(progress, bool):
        raise InvalidType(f"progress must be True, False or None, got {progress!r}")
    if timeout is None:
        return None
    return time.monotonic() + check_number("timeout", timeout, 0.0, open_low=True, unit=" of seconds")
