"""The loop of a search: one queue of (candidate, fold), no barrier between candidates."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import nullcontext
from typing import Any, NamedTuple

from hpcore.errors import FitTimeout, WorkerDied
from hpcore.evaluation.sharing import Handle, SharedWorkload
from hpcore.evaluation.source import Candidate, Source
from hpcore.evaluation.worker import Item, run_bundle
from hpcore.evaluation.workload import FoldScore, Workload, decisive
from hpcore.workers.interrupts import Interrupts, interruptible
from hpcore.workers.pools import Pool
from hpcore.workers.threads import bounded
from hpcore.workers.watchdog import Watchdog

__all__ = ["run"]

# A bundle should take this long. Sending one costs about half a millisecond here and there, so one part in a hundred;
# shorter bundles bring results sooner to a sampler that learns from them and leave less imbalance at the end.
_BUNDLE_SECONDS = 0.05

# Bundles in flight a worker: one that runs and one that waits in its queue.
_BUNDLES_PER_WORKER = 2

# Folds longer than this are sent to a worker when it is free and not before: the way there is short beside them, and
# what waits behind a long fold could run elsewhere.
_LONG_SECONDS = 1.0


class _Piece(NamedTuple):
    """Some folds of a candidate, and the name that the watchdog knows the first of them by; the others follow."""

    candidate: Candidate
    positions: list[int]
    serial: int


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
        The workers; None evaluates in this thread, with nothing started.
    sources : sequence of Source
        The searches that share the workers.
    n_threads : int, optional
        Threads that numerical libraries may use for a fold, here as there; None is a worker's share of the cores,
        and without workers whatever is set.
    fit_timeout : float, optional
        Seconds after which a fold is ended together with its process; needs a pool that can do that.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after stopping the workers. What is finished has been handed on.
    """
    here = nullcontext() if n_threads is None else bounded(n_threads)
    try:
        with here:
            if pool is None:
                _run_here(workload, sources)
                return
            limit = pool.n_threads if n_threads is None else n_threads
            with (
                pool.bounded(limit),
                SharedWorkload(workload, limit, pool.by_file, timed=pool.timed) as handle,
                Watchdog(handle.path, fit_timeout, pool.kill) as watchdog,
            ):
                _Queue(workload, pool, handle, sources, watchdog).run()
    except KeyboardInterrupt:
        for source in sources:
            source.give_up()
        raise


def _run_here(workload: Workload, sources: Sequence[Source]) -> None:
    with Interrupts() as interrupts:
        for source in sources:
            while source.may_propose(1):
                with interrupts.held():
                    candidate = source.propose()
                if candidate is None:
                    continue
                positions, candidate.unsent = candidate.unsent, []
                candidate.n_running = len(positions)
                folds = [source.folds[i] for i in positions]
                for i, score in enumerate(workload.evaluate(candidate.params, folds), 1):
                    interrupts.check()
                    with interrupts.held():
                        source.store(candidate, score)
                    if candidate.stopped is not None and i < len(positions):
                        source.skipped(candidate, positions[i:])
                        break


class _Queue:
    def __init__(
        self, workload: Workload, pool: Pool, handle: Handle, sources: Sequence[Source], watchdog: Watchdog
    ) -> None:
        self._workload = workload
        self._pool = pool
        self._handle = handle
        self._sources = sources
        self._watchdog = watchdog
        self._open: list[Candidate] = []  # that have folds no worker was given yet
        self._again: deque[_Piece] = deque()  # lost with a worker: one fold each, which runs alone
        self._in_flight: dict[Future[Any], list[_Piece]] = {}
        self._left: int | None = 0
        for source in sources:
            if source.expected is None or self._left is None:
                self._left = None
            else:
                self._left += source.expected * len(source.folds)
        self._unit_seconds: float | None = None
        self._last_size = 1
        self._n_sent = 0
        # At most one candidate a worker and one more, so that none is free while a proposal is thought about.
        self._most_open = pool.n_workers + 1

    def run(self) -> None:
        with Interrupts() as interrupts:
            try:
                while True:
                    with interrupts.held():
                        more = self._fill()
                    if not more:
                        return
                    done = self._pool.wait(self._in_flight)
                    with interrupts.held():
                        self._collect(done)
            except BaseException:
                for future in self._in_flight:
                    future.cancel()
                self._pool.abort()
                raise

    # --- what runs next ------------------------------------------------------------------------------------------

    def _fill(self) -> bool:
        """Keep the workers busy; False when nothing is left to do."""
        n_workers = self._pool.n_workers
        long = self._unit_seconds is not None and self._unit_seconds > _LONG_SECONDS
        while len(self._in_flight) < (n_workers if long else _BUNDLES_PER_WORKER * n_workers):
            if self._again:
                bundle = [self._again.popleft()]
            else:
                bundle = self._next_bundle(idle=len(self._in_flight) < n_workers)
            if not bundle:
                break
            self._send(bundle)
        return bool(self._in_flight)

    def _next_bundle(self, idle: bool) -> list[_Piece]:
        size = self._bundle_size()
        bundle: list[_Piece] = []
        while size > 0 and (piece := self._next_piece(size, idle and not bundle)) is not None:
            bundle.append(piece)
            size -= len(piece.positions)
        return bundle

    def _next_piece(self, room: int, idle: bool) -> _Piece | None:
        """The folds that are worth most now.

        Those that will be needed whatever comes: of a candidate that waits for a worker, the one that is furthest, so
        that results come soon; then of a new candidate. Where neither is there and a worker would idle, a fold that
        is needed if its candidate survives the one that runs now.
        """
        for waiting in [c for c in self._open if not c.n_running]:
            if not waiting.source.refresh(waiting):
                self._open.remove(waiting)
        needed = [c for c in self._open if not c.n_running or c.incumbent is None]
        candidate: Candidate | None = max(needed, key=lambda c: c.n_sent, default=None)
        if candidate is None:
            candidate = self._propose()
        if candidate is None and idle:
            candidate = max(self._open, key=lambda c: c.n_sent, default=None)
        if candidate is None:
            return None
        positions, candidate.unsent = candidate.unsent[:room], candidate.unsent[room:]
        if not candidate.unsent:
            self._open.remove(candidate)
        candidate.n_sent += len(positions)
        candidate.n_running += len(positions)
        piece = _Piece(candidate, positions, self._n_sent)
        self._n_sent += len(positions)
        return piece

    def _propose(self) -> Candidate | None:
        """A new candidate, of the search that has the fewest open."""
        while ready := [source for source in self._sources if source.may_propose(self._most_open)]:
            candidate = min(ready, key=lambda source: source.n_open).propose()
            if candidate is not None:
                self._open.append(candidate)
                return candidate
        return None

    def _bundle_size(self) -> int:
        if self._unit_seconds is None:
            return 1
        n_shares = _BUNDLES_PER_WORKER * self._pool.n_workers
        size = min(int(_BUNDLE_SECONDS / self._unit_seconds), 2 * self._last_size)
        if self._left is not None:
            # Guided self-scheduling: a share of what is left, not more, so that no worker ends up alone.
            size = min(size, self._left // n_shares)
        if all(source.learns for source in self._sources):
            # Few candidates are open: no worker takes more than its share of their folds.
            size = min(size, sum(self._most_open * len(source.folds) for source in self._sources) // n_shares)
        self._last_size = max(1, size)
        return self._last_size

    # --- there and back ------------------------------------------------------------------------------------------

    def _send(self, bundle: list[_Piece]) -> None:
        try:
            with interruptible():  # an executor may run it right there
                future = self._pool.submit(run_bundle, self._handle, [self._item(piece) for piece in bundle])
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self._in_flight[future] = bundle
        if self._left is not None:
            self._left = max(0, self._left - sum(len(piece.positions) for piece in bundle))

    def _item(self, piece: _Piece) -> Item:
        candidate, source = piece.candidate, piece.candidate.source
        known: dict[int, float] = {}
        if candidate.incumbent is not None:
            metric = candidate.incumbent.metric
            known = {i: decisive(s, metric) for i, s in enumerate(candidate.scores) if s is not None}
        folds = [(i, source.folds[i]) for i in piece.positions]
        return Item(candidate.params, folds, piece.serial, known, candidate.incumbent)

    def _collect(self, done: list[Future[Any]]) -> None:
        """Take the results of finished bundles, and see to those that were lost with their worker."""
        lost: list[tuple[list[_Piece], Exception]] = []
        for future in done:
            bundle = self._in_flight.pop(future)
            try:
                scores, error, seconds = future.result()
            except Exception as failure:
                # Not the model's own: that one would have come as a value.
                lost.append((bundle, failure))
                continue
            if error is not None:
                carried, told = error
                raise carried.error from _WorkerTraceback(told)
            n_run = sum(map(len, scores))
            each = max(seconds / max(1, n_run), 1e-6)
            self._unit_seconds = each if self._unit_seconds is None else 0.5 * (each + self._unit_seconds)
            for piece, found in zip(bundle, scores, strict=True):
                self._store(piece, found)
        for bundle, cause in lost:
            self._recover(bundle, cause)

    def _store(self, piece: _Piece, scores: list[FoldScore]) -> None:
        candidate = piece.candidate
        for score in scores:
            candidate.source.store(candidate, score)
        if len(scores) < len(piece.positions):
            candidate.source.skipped(candidate, piece.positions[len(scores) :])
            if candidate.unsent and candidate not in self._open:
                self._open.append(candidate)
        if candidate.stopped is not None and candidate in self._open:
            self._open.remove(candidate)

    # --- lost workers --------------------------------------------------------------------------------------------

    def _recover(self, bundle: list[_Piece], cause: Exception) -> None:
        """Run folds that were lost with their worker again, each alone; but not one that ends its worker again."""
        if not self._pool.renew(cause):
            self._surrender(bundle, cause)
            return
        units = [(piece.candidate, i, piece.serial + n) for piece in bundle for n, i in enumerate(piece.positions)]
        begun = self._watchdog.begun() & {serial for _, _, serial in units}
        for candidate, position, serial in units:
            limit = self._watchdog.expired(serial)
            if limit is not None:
                why = FitTimeout(f"the fold took longer than fit_timeout={limit:g} s")
                self._bury(candidate, [position], why, limit)
                continue
            # Where no note says which fold it was, it may have been any that the worker had begun on.
            guilty = not begun or serial in begun
            candidate.n_lost[position] = candidate.n_lost.get(position, 0) + guilty
            if candidate.n_lost[position] > 1:
                self._bury(
                    candidate, [position], WorkerDied(f"no worker brought this fold back, twice: {_said(cause)}")
                )
                continue
            self._again.append(_Piece(candidate, [position], self._n_sent))
            self._n_sent += 1

    def _surrender(self, bundle: list[_Piece], cause: Exception) -> None:
        """Fail all that is left: the caller's executor is gone and not ours to replace."""
        why = WorkerDied(f"the executor given as executor= broke: {_said(cause)}")
        for source in self._sources:
            source.end()
        pieces = [*bundle, *self._again]
        for candidate in self._open:
            candidate.n_running += len(candidate.unsent)
            pieces.append(_Piece(candidate, candidate.unsent, -1))
            candidate.unsent = []
        self._open.clear()
        self._again.clear()
        for piece in pieces:
            self._bury(piece.candidate, piece.positions, why)

    def _bury(self, candidate: Candidate, positions: Sequence[int], cause: Exception, seconds: float = 0.0) -> None:
        if self._workload.error_score == "raise":
            raise cause
        for position in positions:
            fold = candidate.source.folds[position]
            error = f"{type(cause).__name__}: {cause}"
            candidate.source.store(candidate, self._workload.failed(fold, error, seconds))


class _WorkerTraceback(Exception):
    """Shows where in a worker an error was raised."""

    def __str__(self) -> str:
        return f"\n{self.args[0]}"


def _said(cause: Exception) -> str:
    return f"{type(cause).__name__}: {cause}"
