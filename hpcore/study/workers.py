"""Trials on a pool of workers."""

from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, WorkerDied
from hpcore.records.trial import Trial
from hpcore.study.objective import Objective, call
from hpcore.study.remote import call_in_worker
from hpcore.study.run import Run
from hpcore.workers.interrupts import interruptible
from hpcore.workers.nesting import working
from hpcore.workers.packing import Packed, Shared

if TYPE_CHECKING:
    from hpcore.workers.pools import Pool

__all__ = ["Workers"]


class Workers:
    """Trials on a pool: as many in flight as there are workers, so that a proposal knows all it can."""

    def __init__(self, pool: Pool, objective: Objective) -> None:
        self._pool, self._objective = pool, objective
        self._shared = Shared(pack(objective)) if pool.by_file else None
        self._in_flight: dict[Future[Any], Trial] = {}
        self._lost: dict[int, Trial] = {}  # by number: begun, and no worker has them

    def run(self, run: Run) -> None:
        """Evaluate until no trial is left to begin."""
        self._run = run
        with run.interrupts as interrupts:
            try:
                with self._pool.bounded(), nullcontext() if self._shared is None else self._shared:
                    while self._fill():
                        self._collect_some()
                        if self._lost:
                            self._recover()
                with interrupts.held():
                    run.close()
            except BaseException:
                for future in self._in_flight:
                    future.cancel()
                try:
                    known = self._known()
                    run.give_up([*self._in_flight.values(), *self._lost.values()], known)
                finally:
                    self._pool.abort()
                raise

    def _fill(self) -> bool:
        with self._run.interrupts.held():
            while len(self._in_flight) < self._pool.n_workers and (trial := self._run.next_trial()) is not None:
                self._start(trial)
        return bool(self._in_flight)

    def _start(self, trial: Trial) -> None:
        self._lost[trial.number] = trial
        self._in_flight[self._submit(trial)] = trial
        del self._lost[trial.number]

    def _submit(self, trial: Trial) -> Future[Any]:
        try:
            with interruptible():  # an executor may run it right there
                if self._shared is not None:
                    return self._pool.submit(call_in_worker, os.getpid(), self._shared.handle, trial)
                return self._pool.submit(_call_in_thread, self._objective, trial)
        except BrokenExecutor as error:
            future: Future[Any] = Future()
            future.set_exception(error)
            return future

    def _collect_some(self) -> None:
        """Wait for results and record them."""
        done = self._pool.wait(self._in_flight)
        with self._run.interrupts.held():
            for future in done:
                self._collect(future)

    def _collect(self, future: Future[Any]) -> None:
        """Record one result, or that its worker died."""
        trial = self._in_flight.pop(future)
        self._lost[trial.number] = trial
        try:
            found = future.result()
            if found is None:  # not begun: the worker is elsewhere, and the data must travel
                assert self._shared is not None
                self._shared.send_along(pack(self._objective))
                self._start(trial)
                return
            (value, error), copy = found
        except (BrokenExecutor, CancelledError):
            return
        except Exception as failure:  # the result could not be pickled, or its copy not unpickled
            value, error, copy = None, f"{type(failure).__name__}: {failure}", trial
        # Any other, such as the objective's SystemExit, ends the run, which gives back what has no result.
        del self._lost[trial.number]
        trial.adopt(copy)
        self._run.finish(trial, value, error)

    def _known(self) -> list[tuple[Trial, Any, str | None]]:
        """Results that came in while the run ended; their trials are no longer in flight."""
        known = []
        for future, trial in list(self._in_flight.items()):
            if future.done() and not future.cancelled() and future.exception() is None:
                found = future.result()
                if found is None:  # it was not begun
                    continue
                (value, error), copy = found
                del self._in_flight[future]
                trial.adopt(copy)
                known.append((trial, value, error))
        return known

    def _recover(self) -> None:
        """Evaluate lost trials again, once and alone: nobody knows which of them killed its worker."""
        while self._in_flight:
            self._collect_some()
        renewed = self._pool.renew()
        for number in sorted(self._lost):
            trial = self._lost[number]
            if renewed:
                with self._run.interrupts.held():
                    self._start(trial)
                self._collect_some()
                if number not in self._lost:
                    continue
                self._pool.renew()
            with self._run.interrupts.held():
                del self._lost[number]
                self._run.finish(trial, None, f"{WorkerDied.__name__}: the worker process ended")
        if not renewed:
            raise WorkerDied("the executor given as executor= broke: a worker process ended")


def _call_in_thread(objective: Objective, trial: Trial) -> tuple[Any, Trial]:
    with working():
        return call(objective, trial), trial


def pack(objective: Objective) -> Packed:
    """An objective for worker processes.

    Raises
    ------
    InvalidArgument
        It cannot be pickled.
    """
    try:
        return Packed(objective)
    except Exception as error:
        raise InvalidArgument(
            f"objective must be picklable to reach worker processes (n_jobs=1 needs no pickling): "
            f"{type(error).__name__}: {error}"
        ) from error
