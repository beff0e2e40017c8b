"""Cross-validation as work of the engine: folds of candidates, evaluated here or sent to workers in bundles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, nullcontext
from typing import Any

from hpcore.errors import FitTimeout
from hpcore.evaluation.sharing import Handle, SharedWorkload
from hpcore.evaluation.source import Candidate, Source
from hpcore.evaluation.worker import Deadline, Item, run_bundle
from hpcore.evaluation.workload import FoldScore, Workload
from hpcore.workers import engine
from hpcore.workers.engine import Piece
from hpcore.workers.packing import Miss, Missed
from hpcore.workers.pools import Pool
from hpcore.workers.threads import bounded
from hpcore.workers.watchdog import Watchdog

__all__ = ["CrossValidation", "run"]


def run(
    workload: Workload,
    pool: Pool | None,
    sources: Sequence[Source],
    *,
    n_threads: int | None = None,
    fit_timeout: float | None = None,
) -> None:
    """Evaluate candidates until no source proposes more.

    Parameters
    ----------
    workload : Workload
        Data, estimator and folds.
    pool : Pool or None
        Workers; None evaluates in this thread, and nothing is started.
    sources : sequence of Source
        Searches that share the workers.
    n_threads : int, optional
        Threads that numerical libraries may use for a fold, in this process or a worker; None is a worker's share of
        the cores, and no bound without workers.
    fit_timeout : float, optional
        Seconds after which a fold is ended together with its process; needs a pool that can do that.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after stopping the workers. Finished candidates are complete.
    """
    engine.run(CrossValidation(workload, n_threads, fit_timeout), pool, sources)


class CrossValidation:
    """Folds of candidates as pieces of work; see `hpcore.workers.engine.Work`. Arguments are those of `run`."""

    bundles = True

    def __init__(self, workload: Workload, n_threads: int | None, fit_timeout: float | None) -> None:
        self._workload, self._n_threads, self._fit_timeout = workload, n_threads, fit_timeout
        self._handle: Handle | None = None
        self._watchdog: Watchdog | None = None
        self._missed: Missed | None = None

    @contextmanager
    def opened(self, pool: Pool | None) -> Iterator[None]:
        """See `Work`."""
        with nullcontext() if self._n_threads is None else bounded(self._n_threads):
            if pool is None:
                yield
                return
            limit = pool.n_threads if self._n_threads is None else self._n_threads
            shared = SharedWorkload(self._workload, limit, pool.by_file, timed=pool.timed)
            self._missed = Missed(shared.pack)
            with (
                pool.bounded(limit),
                shared as self._handle,
                Watchdog(self._handle.path, self._fit_timeout, pool.kill) as self._watchdog,
            ):
                try:
                    yield
                finally:
                    self._missed.clear()

    def here(self, job: Candidate, positions: Sequence[int]) -> Iterator[FoldScore]:
        """See `Work`."""
        return self._workload.evaluate(job.params, [_fold(job, i) for i in positions], job.levels, job.number)

    def submit(self, pool: Pool, bundle: Sequence[Piece]) -> Future[Any]:
        """See `Work`."""
        assert self._missed is not None
        along = self._missed.along(pool, bundle)
        return pool.submit(run_bundle, self._handle, [_item(piece, pool) for piece in bundle], along)

    def results(self, found: Any, bundle: Sequence[Piece]) -> tuple[list[list[FoldScore]], float] | None:
        """See `Work`."""
        if isinstance(found, Miss):
            assert self._missed is not None
            self._missed.note(found, bundle)
            return None
        scores, error, seconds = found
        if error is not None:
            carried, told = error
            raise carried.error from _WorkerTraceback(told)
        return scores, seconds

    def is_loss(self, failure: Exception) -> bool:
        """See `Work`: an error of the model would have come as a value."""
        assert self._missed is not None
        self._missed.lost()
        return True

    def failed(self, job: Candidate, position: int, cause: Exception, seconds: float) -> FoldScore:
        """See `Work`."""
        if self._workload.error_score == "raise":
            raise cause
        return self._workload.failed(_fold(job, position), f"{type(cause).__name__}: {cause}", seconds)

    def begun(self) -> set[int]:
        """See `Work`."""
        assert self._watchdog is not None
        return self._watchdog.begun()

    def expired(self, serial: int) -> tuple[Exception, float] | None:
        """See `Work`."""
        assert self._watchdog is not None
        limit = self._watchdog.expired(serial)
        if limit is None:
            return None
        return FitTimeout(f"the fold took longer than fit_timeout={limit:g} s"), limit


def _fold(candidate: Candidate, position: int) -> int:
    source: Any = candidate.source
    fold: int = source.folds[position]
    return fold


def _item(piece: Piece, pool: Pool) -> Item:
    candidate: Candidate = piece.job
    incumbent = candidate.incumbent
    known = {} if incumbent is None else candidate.decisive(incumbent.metric)
    folds = [(i, _fold(candidate, i)) for i in piece.positions]
    source: Any = candidate.source
    at = source.deadline_of(candidate)
    # The workers of another's executor may be on other machines.
    deadline = None if at is None else Deadline.of(at, shared_clock=pool.timed or not pool.by_file)
    return Item(candidate.params, folds, piece.serial, known, incumbent, candidate.number, candidate.levels, deadline)


class _WorkerTraceback(Exception):
    """Traceback of an error in a worker."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"
