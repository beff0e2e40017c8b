"""The loop of a search: one queue of (candidate, fold), no barrier between candidates."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Future, wait
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from hpcore.errors import WorkerDied
from hpcore.evaluation.interrupts import Interrupts
from hpcore.evaluation.pools import Pool
from hpcore.evaluation.sharing import Handle, SharedWorkload
from hpcore.evaluation.worker import run_bundle
from hpcore.evaluation.workload import FoldScore, Workload

__all__ = ["Candidate", "Complete", "Propose", "run"]

# A bundle should take this long. Sending one costs about half a millisecond here and there, so one part in a hundred;
# shorter bundles bring results sooner to a sampler that learns from them and leave less imbalance at the end.
_BUNDLE_SECONDS = 0.05

# Bundles in flight a worker: one that runs and one that waits in its queue.
_BUNDLES_PER_WORKER = 2


@dataclass(slots=True, eq=False)
class Candidate:
    """A configuration and what is known of it.

    Attributes
    ----------
    trial : object
        The optimizer's trial, or whatever the caller wants to find it by.
    params : mapping
        Parameters of the estimator.
    scores : list of FoldScore or None
        One a fold, None while it is not known.
    """

    trial: Any
    params: Mapping[str, Any]
    scores: list[FoldScore | None] = field(default_factory=list)


Propose = Callable[[], Candidate | None]
Complete = Callable[[Candidate, list[FoldScore]], None]
Unit = tuple[Candidate, int]


def run(
    workload: Workload,
    pool: Pool | None,
    propose: Propose,
    complete: Complete,
    expected: int | None = None,
    learns: bool = False,
) -> None:
    """Evaluate candidates on all folds until no more are proposed.

    Parameters
    ----------
    workload : Workload
        Data, estimator and folds.
    pool : Pool or None
        The workers; None evaluates in this thread, with nothing started and no thread setting changed.
    propose : callable
        Gives the next candidate, or None when there is none any more.
    complete : callable
        Called as ``complete(candidate, scores)`` in this thread when all folds of a candidate are known.
    expected : int, optional
        About how many candidates there will be; keeps the last bundles small, so that workers finish together.
    learns : bool
        Proposals depend on results: at most one candidate a worker and one more are open at a time, so that each
        proposal knows nearly all that can be known. Otherwise cheap fits are bundled as is best for the workers.

    Raises
    ------
    KeyboardInterrupt
        On Ctrl-C, after stopping the workers. What is complete has been reported.
    """
    if pool is None:
        folds = range(len(workload.splits))
        with Interrupts() as interrupts:
            while (candidate := propose()) is not None:
                complete(candidate, workload.evaluate(candidate.params, interrupts.checked(folds)))
        return
    with SharedWorkload(workload, pool.n_threads, pool.by_file) as handle, pool.bounded():
        _Queue(workload, pool, handle, propose, complete, expected, learns).run()


class _Queue:
    def __init__(
        self,
        workload: Workload,
        pool: Pool,
        handle: Handle,
        propose: Propose,
        complete: Complete,
        expected: int | None,
        learns: bool,
    ) -> None:
        self._workload = workload
        self._pool = pool
        self._handle = handle
        self._propose = propose
        self._complete = complete
        self._n_folds = len(workload.splits)
        self._waiting: deque[Unit] = deque()
        self._in_flight: dict[Future[Any], list[Unit]] = {}
        self._left = None if expected is None else expected * self._n_folds
        self._proposing = True
        self._unit_seconds: float | None = None
        self._last_size = 1
        self._most_open = pool.n_workers + 1 if learns else None
        self._n_open = 0

    def run(self) -> None:
        try:
            while self._fill():
                done, _ = wait(self._in_flight, return_when=FIRST_COMPLETED)
                lost = self._collect(done)
                if lost:
                    self._recover(lost)
        except BaseException:
            for future in self._in_flight:
                future.cancel()
            self._pool.abort()
            raise

    def _fill(self) -> bool:
        """Keep the workers busy; False when nothing is left to do."""
        while len(self._in_flight) < _BUNDLES_PER_WORKER * self._pool.n_workers:
            bundle = self._next_bundle()
            if not bundle:
                break
            self._send(bundle)
        return bool(self._in_flight)

    def _next_bundle(self) -> list[Unit]:
        size = self._bundle_size()
        while self._proposing and len(self._waiting) < size and self._n_open != self._most_open:
            candidate = self._propose()
            if candidate is None:
                self._proposing = False
                break
            candidate.scores = [None] * self._n_folds
            self._n_open += 1
            self._waiting.extend((candidate, fold) for fold in range(self._n_folds))
        return [self._waiting.popleft() for _ in range(min(size, len(self._waiting)))]

    def _bundle_size(self) -> int:
        if self._unit_seconds is None:
            return 1
        size = min(int(_BUNDLE_SECONDS / self._unit_seconds), 2 * self._last_size)
        if self._left is not None:
            # Guided self-scheduling: a share of what is left, not more, so that no worker ends up alone.
            size = min(size, self._left // (_BUNDLES_PER_WORKER * self._pool.n_workers))
        if self._most_open is not None:
            # Few candidates are open: no worker takes more than its share of their folds.
            size = min(size, self._most_open * self._n_folds // (_BUNDLES_PER_WORKER * self._pool.n_workers))
        self._last_size = max(1, size)
        return self._last_size

    def _send(self, bundle: list[Unit]) -> None:
        try:
            future = self._submit(bundle)
        except BrokenExecutor:
            # A worker died between two of our calls: what is in flight is lost as well, and found out by `wait`.
            future = Future()
            future.cancel()
            future.set_running_or_notify_cancel()
        self._in_flight[future] = bundle
        if self._left is not None:
            self._left = max(0, self._left - len(bundle))

    def _submit(self, bundle: Sequence[Unit]) -> Future[Any]:
        items = [
            (candidate.params, [fold for _, fold in units])
            for candidate, units in groupby(bundle, key=lambda unit: unit[0])
        ]
        return self._pool.submit(run_bundle, self._handle, items)

    def _collect(self, done: set[Future[Any]]) -> list[Unit]:
        """Take the results of finished bundles; returns the units of those that were lost with their worker."""
        lost: list[Unit] = []
        for future in done:
            bundle = self._in_flight.pop(future)
            try:
                scores, seconds = future.result()
            except (BrokenExecutor, CancelledError):
                lost += bundle
                continue
            each = max(seconds / len(bundle), 1e-6)
            self._unit_seconds = each if self._unit_seconds is None else 0.5 * (each + self._unit_seconds)
            for (candidate, _), score in zip(bundle, (score for item in scores for score in item), strict=True):
                self._store(candidate, score)
        return lost

    def _store(self, candidate: Candidate, score: FoldScore) -> None:
        candidate.scores[score.fold] = score
        known = [score for score in candidate.scores if score is not None]
        if len(known) == self._n_folds:
            self._n_open -= 1
            self._complete(candidate, known)

    def _recover(self, lost: list[Unit]) -> None:
        """Run lost folds again, once.

        All that is in flight goes down with a worker, and which fold killed it nobody knows. So each lost fold runs
        alone this time: one that kills its worker again fails, and takes no innocent one with it.
        """
        wait(self._in_flight)  # an executor that broke ends every future it has
        lost += self._collect(set(self._in_flight))
        if not self._pool.renew():
            # The caller's executor is gone and not ours to replace: nothing that waits can run any more.
            self._proposing = False
            lost += self._waiting
            self._waiting.clear()
            for candidate, fold in lost:
                self._bury(candidate, fold, "the executor given as executor= broke: a worker process ended")
            return
        for candidate, fold in lost:
            try:
                [[score]], _ = self._submit([(candidate, fold)]).result()
            except BrokenExecutor as error:
                self._bury(candidate, fold, f"the worker process ended during this fold, twice: {error}")
                self._pool.renew()
            else:
                self._store(candidate, score)

    def _bury(self, candidate: Candidate, fold: int, cause: str) -> None:
        if self._workload.error_score == "raise":
            raise WorkerDied(cause)
        self._store(candidate, self._workload.failed(fold, f"{WorkerDied.__name__}: {cause}"))
