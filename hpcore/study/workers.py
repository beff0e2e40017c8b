"""Work of `hpcore.workers.engine` that evaluates trials, in this thread or on a pool of workers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument
from hpcore.study.objective import Evaluation, Objective, call
from hpcore.study.trials import TrialJob

if TYPE_CHECKING:
    from hpcore.workers.engine import Piece
    from hpcore.workers.packing import Miss, Missed, Packed, Shared
    from hpcore.workers.pools import Pool

__all__ = ["ObjectiveWork"]


class ObjectiveWork:
    """Evaluation of trials by an objective.

    Parameters
    ----------
    objective : callable
        Function of a trial.
    pool : Pool or None
        Pool of workers. The objective is packed for worker processes here, before any trial is stored.

    Raises
    ------
    InvalidArgument
        The objective cannot be pickled.
    """

    # No more trials are submitted than there are workers, so that each proposal uses as many results as possible.
    bundles = False

    def __init__(self, objective: Objective, pool: Pool | None) -> None:
        self._objective = objective
        self._shared: Shared | None = None
        self._missed: Missed | None = None
        if pool is not None and pool.by_file:
            from hpcore.workers.packing import Missed, Shared

            self._shared = Shared(_pack(objective))
            self._missed = Missed(lambda: _pack(objective))

    def opened(self, pool: Pool | None) -> AbstractContextManager[Any]:
        """See `Work`."""
        # Without a pool not a generator: errors are thrown into a generator and changed there, which some classes of
        # errors do not permit.
        return nullcontext() if pool is None else self._opened(pool)

    @contextmanager
    def _opened(self, pool: Pool) -> Iterator[None]:
        with pool.bounded(), nullcontext() if self._shared is None else self._shared:
            try:
                yield
            finally:
                if self._missed is not None:
                    self._missed.clear()

    def here(self, job: TrialJob, positions: Sequence[int]) -> Iterable[Evaluation]:
        """See `Work`; without a generator, which the one piece does not need."""
        return (call(self._objective, job.trial),)

    def submit(self, pool: Pool, bundle: Sequence[Piece]) -> Future[Any]:
        """See `Work`."""
        [piece] = bundle
        if self._shared is None or self._missed is None:
            return pool.submit(_call_in_thread, self._objective, piece.job.trial)
        from hpcore.study.remote import call_in_worker

        along = self._missed.along(pool, bundle)
        return pool.submit(call_in_worker, os.getpid(), self._shared.handle, piece.job.trial, along)

    def results(self, found: Evaluation | Miss, bundle: Sequence[Piece]) -> tuple[list[list[Evaluation]], float] | None:
        """See `Work`."""
        if not isinstance(found, Evaluation):
            assert self._missed is not None
            self._missed.note(found, bundle)
            return None
        return [[found]], 0.0

    def is_loss(self, failure: Exception) -> bool:
        """See `Work`; other errors mean that a result could not be pickled or unpickled."""
        loss = isinstance(failure, BrokenExecutor | CancelledError)
        if loss and self._missed is not None:
            self._missed.lost()
        return loss

    def failed(self, job: TrialJob, position: int, cause: Exception, seconds: float) -> Evaluation:
        """See `Work`."""
        return Evaluation(None, f"{type(cause).__name__}: {cause}", job.trial)

    def begun(self) -> set[int]:
        """See `Work`."""
        return set()

    def expired(self, serial: int) -> None:
        """See `Work`."""


def _call_in_thread(objective: Objective, trial: Any) -> Evaluation:
    from hpcore.workers.nesting import working

    with working():
        return call(objective, trial)


def _pack(objective: Objective) -> Packed:
    from hpcore.workers.packing import Packed

    try:
        return Packed(objective)
    except Exception as error:
        raise InvalidArgument(
            f"objective must be picklable to reach worker processes (n_jobs=1 needs no pickling): "
            f"{type(error).__name__}: {error}"
        ) from error
