"""The loop of every search: jobs in pieces from one queue, no barrier between jobs, one recovery of lost workers.

A job is a trial, a piece of it a fold or the whole; the loop knows neither. Sources begin jobs and take results, the
work says how pieces are evaluated here or sent to a worker.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hpcore.errors import WorkerDied
from hpcore.workers.interrupts import Interrupts, interruptible

if TYPE_CHECKING:
    from hpcore.workers.pools import Pool

__all__ = ["Job", "Look", "Piece", "Source", "Work", "run"]

log = logging.getLogger("hpcore")

# A bundle should take this long. Sending one costs about half a millisecond here and there, so one part in a hundred;
# shorter bundles bring results sooner to a sampler that learns from them and leave less imbalance at the end.
_BUNDLE_SECONDS = 0.05

# Bundles in flight a worker: one that runs and one that waits in its queue.
_BUNDLES_PER_WORKER = 2

# Pieces longer than this are sent to a worker when it is free and not before: the way there is short beside them, and
# what waits behind a long piece could run elsewhere.
_LONG_SECONDS = 1.0


@dataclass(slots=True, eq=False, kw_only=True)
class Job:
    """One evaluation that a source began.

    Attributes
    ----------
    source : Source
        Source that began it.
    unsent : list of int
        Positions of the pieces that no worker was given yet.
    n_sent, n_running : int
        Number of pieces that were given to a worker so far, and number of those that workers have now.
    n_lost : dict of int to int
        Number of times that a piece ended its worker, by position.
    """

    source: Source = field(init=False)
    unsent: list[int] = field(default_factory=list)
    n_sent: int = 0
    n_running: int = 0
    n_lost: dict[int, int] = field(default_factory=dict)

    @property
    def is_ended(self) -> bool:
        """Tell whether the remaining pieces need not run."""
        return False

    @property
    def is_optional(self) -> bool:
        """Tell whether a piece that runs now may make the remaining ones unnecessary."""
        return False


class Piece(NamedTuple):
    """Some positions of a job, with the serial number of the first for the watchdog; the others have the next ones."""

    job: Any
    positions: list[int]
    serial: int


class Source(Protocol):
    """Search, as the loop sees it."""

    learns: bool  # whether it begins jobs from results, so that only a few should be open

    @property
    def n_open(self) -> int:
        """Number of jobs that were begun and have not ended."""
        ...

    @property
    def n_pieces(self) -> int:
        """Number of pieces of a job."""
        ...

    @property
    def n_expected(self) -> int | None:
        """Approximate number of pieces of all jobs; None if it is unknown."""
        ...

    def may_begin(self, most_open: int) -> bool:
        """Tell whether `begin` may be called now; a source that learns has at most `most_open` jobs open."""
        ...

    def begin(self) -> Any:
        """Begin the next `Job`; None if there is none now."""
        ...

    def refresh(self, job: Any) -> bool:
        """Judge an open job by what is known by now, also the time; False if none of its pieces is to be sent.

        A job without running pieces has ended then; one with some ends with them.
        """
        ...

    def store(self, job: Any, position: int, result: Any) -> None:
        """Record the result of a piece."""
        ...

    def skip(self, job: Any, positions: Sequence[int]) -> None:
        """Note pieces that a worker was sent and did not run, because an earlier one ended the job."""
        ...

    def wait(self) -> bool:
        """Wait a moment for results of other processes; False if there is nothing to wait for."""
        ...

    def end(self) -> None:
        """Begin no more jobs."""
        ...

    def broken(self, cause: Exception) -> None:
        """Note that the workers are lost for good, after all pieces were failed."""
        ...

    def late(self, job: Any, position: int, result: Any) -> None:
        """Record a result that arrived while an error, or Ctrl-C, ended the search."""
        ...

    def give_up(self) -> None:
        """End after an error or Ctrl-C; open jobs get no more results."""
        ...


class Work(Protocol):
    """Evaluation of pieces."""

    bundles: bool  # whether several pieces may travel together, and wait behind each other

    def opened(self, pool: Pool | None) -> AbstractContextManager[Any]:
        """Return the context in which pieces are evaluated in this thread (None) or sent to a pool."""
        ...

    def here(self, job: Any, positions: Sequence[int]) -> Iterable[Any]:
        """Evaluate pieces in this thread, each when its result is asked for."""
        ...

    def submit(self, pool: Pool, bundle: Sequence[Piece]) -> Future[Any]:
        """Send a bundle to a worker."""
        ...

    def results(self, found: Any, bundle: Sequence[Piece]) -> tuple[list[list[Any]], float] | None:
        """Read the results of a bundle, a list for each piece, and the seconds they took.

        The list of a piece is shorter where its job ended. None if the worker could not begin and the bundle is to be
        sent again.
        """
        ...

    def is_loss(self, failure: Exception) -> bool:
        """Tell whether an error means that the worker, and not the work, failed."""
        ...

    def failed(self, job: Any, position: int, cause: Exception, seconds: float) -> Any:
        """Make the result of a piece that no worker returns; may raise the cause, which ends the search."""
        ...

    def begun(self) -> set[int]:
        """Return the serial numbers of pieces that workers evaluate now, or did when they died."""
        ...

    def expired(self, serial: int) -> tuple[Exception, float] | None:
        """Return the error and the seconds of a piece that exceeded its time limit; None if it did not."""
        ...


class Look(Protocol):
    """Look at what workers tell while they work."""

    seconds: float  # longest time between two looks

    def look(self) -> None:
        """Look."""
        ...


def run(
    work: Work,
    pool: Pool | None,
    sources: Sequence[Any],
    interrupts: Interrupts | None = None,
    listener: Look | None = None,
) -> None:
    """Evaluate jobs until no source begins more.

    Parameters
    ----------
    work : Work
        Evaluation of pieces.
    pool : Pool or None
        Workers; None evaluates in this thread, and nothing is started.
    sources : sequence of Source
        Searches that share the workers; without workers they are served in this order.
    interrupts : Interrupts, optional
        Handler of Ctrl-C; a new one by default.
    listener : Look, optional
        Object that looks at what workers tell, whenever there are results, and else at intervals.

    Raises
    ------
    BaseException
        Errors of sources and of the work, and KeyboardInterrupt, after the workers were stopped.
    """
    with interrupts or Interrupts() as heard:
        try:
            with work.opened(pool):
                if pool is None:
                    _run_here(work, sources, heard)
                else:
                    _Queue(work, pool, sources, heard, listener).run()
        except BaseException:
            for source in sources:
                source.give_up()
            raise


def _run_here(work: Work, sources: Sequence[Source], interrupts: Interrupts) -> None:
    for source in sources:
        while True:
            with interrupts.held():
                job = source.begin() if (more := source.may_begin(1)) else None
            if job is not None:
                _run_job(work, source, job, interrupts)
            elif not more and not source.wait():
                break


def _run_job(work: Work, source: Source, job: Job, interrupts: Interrupts) -> None:
    positions, job.unsent = job.unsent, []
    job.n_running = len(positions)
    i = 0
    for result in work.here(job, positions):
        interrupts.check()
        with interrupts.held():
            source.store(job, positions[i], result)
            if not job.n_running:
                return
            i += 1
            if job.is_ended and i < len(positions):
                source.skip(job, positions[i:])
                return


class _Queue:
    def __init__(
        self, work: Work, pool: Pool, sources: Sequence[Source], interrupts: Interrupts, listener: Look | None
    ) -> None:
        self._work = work
        self._pool = pool
        self._sources = sources
        self._interrupts = interrupts
        self._listener = listener
        self._open: list[Job] = []  # with pieces that no worker was given yet
        self._again: deque[Piece] = deque()  # lost with a worker: one piece each, which runs alone
        self._in_flight: dict[Future[Any], list[Piece]] = {}
        self._left: int | None = 0
        for source in sources:
            if source.n_expected is None or self._left is None:
                self._left = None
            else:
                self._left += source.n_expected
        self._unit_seconds: float | None = None
        self._last_size = 1
        self._n_sent = 0
        self._broken: WorkerDied | None = None
        # At most one job a worker and one more, so that none is free while a proposal is thought about.
        self._most_open = pool.n_workers + work.bundles

    def run(self) -> None:
        try:
            while True:
                with self._interrupts.held():
                    more = self._fill()
                if more:
                    if self._listener is None:
                        done = self._pool.wait(self._in_flight)
                    else:
                        done = self._pool.wait(self._in_flight, self._listener.seconds)
                        with self._interrupts.held():
                            self._listener.look()
                    with self._interrupts.held():
                        self._collect(done)
                elif not [source for source in self._sources if source.wait()]:  # all of them, not the first
                    break
            if self._broken is not None:
                for source in self._sources:
                    source.broken(self._broken)
        except BaseException:
            for future in self._in_flight:
                future.cancel()
            try:
                self._take_late()
            finally:
                self._pool.abort()
            raise

    # --- what runs next ------------------------------------------------------------------------------------------

    def _fill(self) -> bool:
        """Keep the workers busy; False when nothing is left to do now."""
        n_workers = self._pool.n_workers
        one = not self._work.bundles or (self._unit_seconds is not None and self._unit_seconds > _LONG_SECONDS)
        while len(self._in_flight) < (n_workers if one else _BUNDLES_PER_WORKER * n_workers):
            if self._again:
                piece = self._again.popleft()
                if not piece.job.source.refresh(piece.job):
                    piece.job.source.skip(piece.job, piece.positions)
                    continue
                bundle = [piece]
            else:
                bundle = self._next_bundle(idle=len(self._in_flight) < n_workers)
            if not bundle:
                break
            self._send(bundle)
        return bool(self._in_flight)

    def _next_bundle(self, idle: bool) -> list[Piece]:
        size = self._bundle_size()
        bundle: list[Piece] = []
        while size > 0 and (piece := self._next_piece(size, idle and not bundle)) is not None:
            bundle.append(piece)
            size -= len(piece.positions)
        return bundle

    def _next_piece(self, room: int, idle: bool) -> Piece | None:
        """Choose the pieces that are most useful now.

        Pieces that are needed in any case come first: those of the open job that has most of its pieces sent, so that
        its result comes soon, then those of a new job. If there are none and a worker would idle, a piece is chosen
        that is needed only if its job survives the piece that runs now.
        """
        for waiting in list(self._open):
            if not waiting.source.refresh(waiting):
                self._open.remove(waiting)
        needed = [job for job in self._open if not job.n_running or not job.is_optional]
        job: Job | None = max(needed, key=lambda job: job.n_sent, default=None)
        if job is None:
            job = self._begin()
        if job is None and idle:
            job = max(self._open, key=lambda job: job.n_sent, default=None)
        if job is None:
            return None
        positions, job.unsent = job.unsent[:room], job.unsent[room:]
        if not job.unsent:
            self._open.remove(job)
        job.n_sent += len(positions)
        job.n_running += len(positions)
        piece = Piece(job, positions, self._n_sent)
        self._n_sent += len(positions)
        return piece

    def _begin(self) -> Job | None:
        """Begin a job of the source that has the fewest open; None if no source begins one."""
        while ready := [source for source in self._sources if source.may_begin(self._most_open)]:
            job: Job | None = min(ready, key=lambda source: source.n_open).begin()
            if job is not None:
                self._open.append(job)
                return job
        return None

    def _bundle_size(self) -> int:
        if self._unit_seconds is None or not self._work.bundles:
            return 1
        n_shares = _BUNDLES_PER_WORKER * self._pool.n_workers
        size = min(int(_BUNDLE_SECONDS / self._unit_seconds), 2 * self._last_size)
        if self._left is not None:
            # Guided self-scheduling: a share of what is left, not more, so that no worker ends up alone.
            size = min(size, self._left // n_shares)
        if all(source.learns for source in self._sources):
            # Few jobs are open: no worker takes more than its share of their pieces.
            size = min(size, sum(self._most_open * source.n_pieces for source in self._sources) // n_shares)
        self._last_size = max(1, size)
        return self._last_size

    # --- there and back ------------------------------------------------------------------------------------------

    def _send(self, bundle: list[Piece]) -> None:
        try:
            with interruptible():  # an executor may run it right there
                future = self._work.submit(self._pool, bundle)
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self._in_flight[future] = bundle
        if self._left is not None:
            self._left = max(0, self._left - sum(len(piece.positions) for piece in bundle))

    def _collect(self, done: list[Future[Any]]) -> None:
        """Store the results of finished bundles, and recover those that were lost with their worker."""
        lost: list[tuple[list[Piece], Exception]] = []
        for future in done:
            bundle = self._in_flight[future]
            try:
                found = future.result()
            except Exception as failure:
                del self._in_flight[future]
                if self._work.is_loss(failure):
                    lost.append((bundle, failure))
                else:
                    for piece in bundle:
                        self._fail(piece.job, piece.positions, failure)
                continue
            # Any other, such as the SystemExit of a user's function, ends the search.
            del self._in_flight[future]
            results = self._work.results(found, bundle)
            if results is None:
                self._send(bundle)
                continue
            per_piece, seconds = results
            each = max(seconds / max(1, sum(map(len, per_piece))), 1e-6)
            self._unit_seconds = each if self._unit_seconds is None else 0.5 * (each + self._unit_seconds)
            for piece, of_piece in zip(bundle, per_piece, strict=True):
                self._store(piece, of_piece)
        for bundle, cause in lost:
            self._recover(bundle, cause)

    def _store(self, piece: Piece, results: Sequence[Any]) -> None:
        job: Job = piece.job
        for position, result in zip(piece.positions, results, strict=False):
            job.source.store(job, position, result)
        if len(results) < len(piece.positions):
            job.source.skip(job, piece.positions[len(results) :])
        if job.unsent and job not in self._open:
            self._open.append(job)
        elif not job.unsent and job in self._open:
            self._open.remove(job)

    def _take_late(self) -> None:
        """Record results that came in while an error, which is raised afterwards, ended the search."""
        for future, bundle in list(self._in_flight.items()):
            if not future.done() or future.cancelled() or future.exception() is not None:
                continue
            try:
                results = self._work.results(future.result(), bundle)
                for piece, of_piece in zip(bundle, () if results is None else results[0], strict=False):
                    for position, result in zip(piece.positions, of_piece, strict=False):
                        piece.job.source.late(piece.job, position, result)
            except Exception as error:
                log.warning("a result that came in at the end is lost: %s", _said(error))

    # --- lost workers --------------------------------------------------------------------------------------------

    def _recover(self, bundle: list[Piece], cause: Exception) -> None:
        """Queue pieces that were lost with their worker again, each alone; fail one that lost its worker twice."""
        if not self._pool.renew(cause):
            self._fail_all(bundle, cause)
            return
        units = [(piece.job, i, piece.serial + n) for piece in bundle for n, i in enumerate(piece.positions)]
        begun = self._work.begun() & {serial for _, _, serial in units}
        for job, position, serial in units:
            over = self._work.expired(serial)
            if over is not None:
                self._fail(job, [position], *over)
                continue
            # Where no note says which piece it was, it may have been any that the worker had begun on.
            suspect = not begun or serial in begun
            job.n_lost[position] = job.n_lost.get(position, 0) + suspect
            if job.n_lost[position] > 1:
                why = WorkerDied(f"no worker brought this back, twice: {_said(cause)}")
                self._fail(job, [position], why)
                continue
            self._again.append(Piece(job, [position], self._n_sent))
            self._n_sent += 1

    def _fail_all(self, bundle: list[Piece], cause: Exception) -> None:
        """Fail all remaining pieces: the caller's executor is broken, and only the caller can replace it."""
        why = WorkerDied(
            f"the executor given as executor= broke: {_said(cause)}; results are kept, and a new executor can continue"
        )
        for source in self._sources:
            source.end()
        pieces = [*bundle, *self._again]
        for job in self._open:
            job.n_running += len(job.unsent)
            pieces.append(Piece(job, job.unsent, -1))
            job.unsent = []
        self._open.clear()
        self._again.clear()
        for piece in pieces:
            self._fail(piece.job, piece.positions, why)
        self._broken = why

    def _fail(self, job: Job, positions: Sequence[int], cause: Exception, seconds: float = 0.0) -> None:
        for position in positions:
            job.source.store(job, position, self._work.failed(job, position, cause, seconds))


def _said(cause: Exception) -> str:
    return f"{type(cause).__name__}: {cause}"
