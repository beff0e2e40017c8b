"""The loop of every search, with toy jobs: order, bundles, skipped pieces, lost workers, errors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

import pytest

from hpcore.errors import WorkerDied
from hpcore.workers.engine import Job, Piece, run


@dataclass(slots=True, eq=False)
class ToyJob(Job):
    """Job with a number, which ends after some of its pieces if `ends_after` says so."""

    number: int
    results: dict[int, Any] = field(default_factory=dict)
    ends_after: int | None = None
    optional: bool = False

    @property
    def is_ended(self) -> bool:
        return self.ends_after is not None and len(self.results) >= self.ends_after

    @property
    def is_optional(self) -> bool:
        return self.optional


class ToySource:
    """Gives jobs of a list, and keeps the record of its calls."""

    def __init__(self, jobs: list[ToyJob], n_pieces: int = 3, *, learns: bool = False, known: bool = True) -> None:
        self.jobs, self.n_pieces, self.learns = jobs, n_pieces, learns
        self.n_expected = len(jobs) * n_pieces if known else None
        self.n_open = self.most_open = 0
        self.done: list[ToyJob] = []
        self.begun: list[ToyJob] = []
        self.late_results: list[Any] = []
        self.broken_by: list[Exception] = []
        self.n_waits = 0
        self.ended = self.gave_up = False
        self.on_store: Callable[[ToyJob, int], None] = lambda job, position: None

    def may_begin(self, most_open: int) -> bool:
        return not self.ended and bool(self.jobs) and (not self.learns or self.n_open < most_open)

    def begin(self) -> ToyJob | None:
        job = self.jobs.pop(0)
        job.source, job.unsent = self, list(range(self.n_pieces))
        self.n_open += 1
        self.most_open = max(self.most_open, self.n_open)
        self.begun.append(job)
        return job

    def refresh(self, job: ToyJob) -> bool:
        return True

    def store(self, job: ToyJob, position: int, result: Any) -> None:
        assert position not in job.results, "stored twice"
        self.on_store(job, position)
        job.n_running -= 1
        job.results[position] = result
        if job.is_ended:
            job.unsent = []
        self._finish(job)

    def skip(self, job: ToyJob, positions: Sequence[int]) -> None:
        job.n_running -= len(positions)
        self._finish(job)

    def _finish(self, job: ToyJob) -> None:
        if not job.n_running and not job.unsent:
            assert job not in self.done
            self.n_open -= 1
            self.done.append(job)

    def wait(self) -> bool:
        self.n_waits += 1
        return False

    def end(self) -> None:
        self.ended = True

    def broken(self, cause: Exception) -> None:
        self.broken_by.append(cause)

    def late(self, job: ToyJob, position: int, result: Any) -> None:
        self.late_results.append(result)

    def give_up(self) -> None:
        self.gave_up = True


class ToyWork:
    """The result of a piece is its job's number and its position."""

    def __init__(self, bundles: bool = True, seconds: float = 1e-4) -> None:
        self.bundles, self.seconds = bundles, seconds
        self.sizes: list[int] = []
        self.sent: list[tuple[int, int]] = []
        self.at: set[int] = set()  # serial numbers that workers are at
        self.late: dict[int, Exception] = {}
        self.refused = 0
        self.is_loss: Callable[[Exception], bool] = lambda failure: True

    def opened(self, pool: Any) -> AbstractContextManager[Any]:
        return nullcontext()

    def here(self, job: ToyJob, positions: Sequence[int]) -> Iterator[Any]:
        for position in positions:
            self.sent.append((job.number, position))
            yield job.number, position

    def submit(self, pool: Any, bundle: Sequence[Piece]) -> Future[Any]:
        self.sizes.append(sum(len(piece.positions) for piece in bundle))
        self.sent += [(piece.job.number, i) for piece in bundle for i in piece.positions]
        found: Future[Any] = pool.submit(self._evaluate, list(bundle))
        return found

    def _evaluate(self, bundle: list[Piece]) -> Any:
        out = []
        for piece in bundle:
            job: ToyJob = piece.job
            n = len(piece.positions)
            if job.ends_after is not None:
                n = min(n, max(1, job.ends_after - len(job.results)))
            out.append([(job.number, i) for i in piece.positions[:n]])
        return out

    def results(self, found: Any, bundle: Sequence[Piece]) -> tuple[list[list[Any]], float] | None:
        if self.refused:
            self.refused -= 1
            return None
        return found, self.seconds * sum(map(len, found))

    def failed(self, job: ToyJob, position: int, cause: Exception, seconds: float) -> Any:
        return "failed", str(cause), seconds

    def begun(self) -> set[int]:
        return self.at

    def expired(self, serial: int) -> tuple[Exception, float] | None:
        return (self.late[serial], 7.0) if serial in self.late else None


class ToyPool:
    """Runs one waiting task in each `wait`: the first, or another that `pick` chooses. Loses those of some numbers."""

    n_threads, by_file, timed = 1, False, False

    def __init__(self, n_workers: int = 2, lost: Sequence[int] = (), renews: bool = True) -> None:
        self.n_workers, self.lost, self.renews = n_workers, set(lost), renews
        self.pick: Callable[[int], int] = lambda n: 0
        self.tasks: list[tuple[int, Future[Any], Callable[..., Any], tuple[Any, ...]]] = []
        self.n_submitted = self.most = 0
        self.aborted = False

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.tasks.append((self.n_submitted, future, function, args))
        self.n_submitted += 1
        self.most = max(self.most, len(self.tasks))
        return future

    def step(self, which: int) -> None:
        number, future, function, args = self.tasks.pop(which)
        future.set_running_or_notify_cancel()
        if number in self.lost:
            future.set_exception(BrokenExecutor("gone"))
        else:
            future.set_result(function(*args))

    def wait(self, tasks: Any) -> list[Future[Any]]:
        if self.tasks and not any(task.done() for task in tasks):
            self.step(self.pick(len(self.tasks)))
        return [task for task in tasks if task.done()]

    def renew(self, cause: BaseException | None = None) -> bool:
        return self.renews

    def abort(self) -> None:
        self.aborted = True


def jobs(n: int, first: int = 0, **options: Any) -> list[ToyJob]:
    return [ToyJob(number, **options) for number in range(first, first + n)]


def whole(job: ToyJob, n_pieces: int = 3) -> bool:
    return job.results == {i: (job.number, i) for i in range(n_pieces)}


# --- order ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 2, 40])
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("bundles", [False, True])
@pytest.mark.parametrize("pool", [None, 1, 3])
def test_every_piece_of_every_job_once(n: int, known: bool, bundles: bool, pool: int | None) -> None:
    source, work = ToySource(jobs(n), known=known), ToyWork(bundles)
    run(work, None if pool is None else ToyPool(pool), [source])
    assert sorted(work.sent) == [(k, i) for k in range(n) for i in range(3)]
    assert sorted(job.number for job in source.done) == list(range(n))
    assert all(map(whole, source.done))
    assert not source.gave_up and not source.n_open


@pytest.mark.parametrize("seed", range(5))
def test_results_may_come_in_any_order(seed: int) -> None:
    pool, source = ToyPool(3), ToySource(jobs(20))
    pool.pick = lambda n: (7 * pool.n_submitted + seed) % n
    run(ToyWork(), pool, [source])
    assert len(source.done) == 20 and all(map(whole, source.done))


def test_without_workers_sources_are_served_one_after_the_other() -> None:
    work = ToyWork()
    run(work, None, [ToySource(jobs(2)), ToySource(jobs(2, first=10), n_pieces=1)])
    assert [number for number, _ in work.sent] == [0, 0, 0, 1, 1, 1, 10, 11]


def test_the_source_with_the_fewest_open_jobs_begins_the_next() -> None:
    one, other = ToySource(jobs(8), 1), ToySource(jobs(8, first=100), 1)
    work = ToyWork(bundles=False)
    run(work, ToyPool(4), [one, other])
    assert [number for number, _ in work.sent[:4]] == [0, 100, 1, 101]
    assert len(one.done) == len(other.done) == 8


def test_an_open_job_is_finished_before_another_begins() -> None:
    work, source = ToyWork(bundles=False), ToySource(jobs(5))
    run(work, ToyPool(1), [source])
    assert work.sent == [(k, i) for k in range(5) for i in range(3)]


def test_few_jobs_are_open_where_a_source_learns() -> None:
    for bundles in (False, True):
        source = ToySource(jobs(30), 2, learns=True)
        run(ToyWork(bundles), ToyPool(3), [source])
        assert source.most_open <= 3 + bundles
        assert len(source.done) == 30


def test_optional_pieces_run_only_where_a_worker_would_idle() -> None:
    source, work = ToySource(jobs(4, optional=True)), ToyWork(bundles=False)
    run(work, ToyPool(2), [source])
    # The other worker begins the next job before it takes a piece that may become unnecessary.
    assert [number for number, _ in work.sent[:2]] == [0, 1]
    last = ToySource(jobs(1, optional=True))
    work = ToyWork(bundles=False)
    pool = ToyPool(2)
    run(work, pool, [last])
    assert pool.most == 2 and whole(last.done[0])


# --- bundles --------------------------------------------------------------------------------------------------------


def test_cheap_pieces_travel_together_and_few_bundles_wait() -> None:
    pool, work, source = ToyPool(2), ToyWork(seconds=1e-4), ToySource(jobs(300))
    run(work, pool, [source])
    assert sum(work.sizes) == 900
    assert work.sizes[0] == 1 and max(work.sizes) > 20 and len(work.sizes) < 120
    assert all(after <= 2 * before for before, after in zip(work.sizes, work.sizes[1:], strict=False) if before > 1)
    assert work.sizes[-1] == 1, "so that workers finish together"
    assert pool.most == 4


@pytest.mark.parametrize(("bundles", "seconds", "most"), [(False, 1e-4, 2), (True, 0.2, 4), (True, 5.0, 4)])
def test_dear_pieces_travel_alone(bundles: bool, seconds: float, most: int) -> None:
    pool, work = ToyPool(2), ToyWork(bundles, seconds)
    run(work, pool, [ToySource(jobs(20))])
    assert set(work.sizes) == {1}
    assert pool.most <= most


def test_long_pieces_wait_for_a_free_worker() -> None:
    pool, work = ToyPool(2), ToyWork(True, 5.0)
    in_flight = []
    pool.pick = lambda n: in_flight.append(n) or 0  # type: ignore[func-returns-value]
    run(work, pool, [ToySource(jobs(20))])
    assert in_flight[0] == 4 and max(in_flight[4:]) == 2, "nothing waits once it is known how long they are"


@pytest.mark.parametrize("pool", [None, 1, 2])
def test_pieces_of_a_job_that_ends_early_are_skipped(pool: int | None) -> None:
    source, work = ToySource(jobs(30, ends_after=1), 5), ToyWork()
    run(work, None if pool is None else ToyPool(pool), [source])
    assert len(source.done) == 30
    assert all(1 <= len(job.results) < 5 for job in source.done)
    if pool is None:
        assert [len(job.results) for job in source.done] == [1] * 30


def test_a_bundle_that_could_not_begin_is_sent_again() -> None:
    source, work = ToySource(jobs(3)), ToyWork(bundles=False)
    work.refused = 2
    run(work, ToyPool(2), [source])
    assert all(map(whole, source.done)) and len(source.done) == 3
    assert len(work.sent) == 9 + 2


class LimitedSource(ToySource):
    """Source whose time is over when the test says so: then no piece is to be sent."""

    over = False

    def may_begin(self, most_open: int) -> bool:
        return not self.over and super().may_begin(most_open)

    def refresh(self, job: ToyJob) -> bool:
        if self.over:
            job.unsent = []
            if not job.n_running:
                self._finish(job)
        return not self.over


@pytest.mark.parametrize("bundles", [False, True])
def test_no_piece_is_sent_that_its_source_refuses(bundles: bool) -> None:
    source, work = LimitedSource(jobs(4), 5), ToyWork(bundles)
    source.on_store = lambda job, position: setattr(source, "over", True)
    run(work, ToyPool(2), [source])
    assert len(work.sent) <= 2 * (1 + bundles)
    assert sum(len(job.results) for job in source.begun) == len(work.sent)
    assert sorted(job.number for job in source.done) == [job.number for job in source.begun]


def test_a_job_that_ends_with_a_piece_that_failed_is_not_open_any_more() -> None:
    source, work, pool = LimitedSource(jobs(1), 4), ToyWork(bundles=False), ToyPool(1, lost=[1])
    work.is_loss = lambda failure: False

    def stop(job: ToyJob, position: int) -> None:
        source.over = position == 1
        job.unsent = [] if source.over else job.unsent

    source.on_store = stop
    run(work, pool, [source])
    assert work.sent == [(0, 0), (0, 1)]
    assert [list(job.results) for job in source.done] == [[0, 1]]


def test_a_lost_piece_is_not_sent_again_if_its_source_refuses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    source, work, pool = LimitedSource(jobs(2)), ToyWork(bundles=False), ToyPool(1, lost=[1])

    def renew(cause: BaseException | None = None) -> bool:
        source.over = True
        return True

    monkeypatch.setattr(pool, "renew", renew)
    run(work, pool, [source])
    assert work.sent == [(0, 0), (0, 1)]
    assert [job.results for job in source.done] == [{0: (0, 0)}]


# --- lost workers ---------------------------------------------------------------------------------------------------


def test_pieces_lost_once_run_again_alone() -> None:
    source, work = ToySource(jobs(40)), ToyWork()
    run(work, ToyPool(2, lost=[5, 6]), [source])
    assert len(source.done) == 40 and all(map(whole, source.done))
    again = [piece for piece in set(work.sent) if work.sent.count(piece) == 2]
    assert len(work.sent) == 120 + len(again)
    assert work.sizes.count(1) >= len(again)


def test_a_piece_lost_twice_fails_and_nothing_else() -> None:
    source, work = ToySource(jobs(4)), ToyWork(bundles=False)
    run(work, ToyPool(1, lost=[4, 5]), [source])
    assert [whole(job) for job in source.done] == [True, False, True, True]
    assert source.done[1].results[0] == (1, 0) and source.done[1].results[2] == (1, 2)
    kind, why, seconds = source.done[1].results[1]
    assert (kind, seconds) == ("failed", 0.0)
    assert why == "no worker brought this back, twice: BrokenExecutor: gone"


def test_only_the_piece_that_a_worker_was_at_is_suspected() -> None:
    """Of a bundle that is lost again and again, the pieces that had not begun are never failed."""
    source, work = ToySource(jobs(1), 6), ToyWork()
    pool = ToyPool(1)
    submit = pool.submit

    def losing(function: Callable[..., Any], bundle: list[Piece]) -> Future[Any]:
        if any(2 in piece.positions for piece in bundle):  # whoever runs position 2 dies
            [piece] = [piece for piece in bundle if 2 in piece.positions]
            work.at = {piece.serial + piece.positions.index(2)}
            pool.lost.add(pool.n_submitted)
        return submit(function, bundle)

    pool.submit = losing  # type: ignore[method-assign, assignment]
    run(work, pool, [source])
    [job] = source.done
    assert job.results[2][0] == "failed"
    assert all(job.results[i] == (0, i) for i in (0, 1, 3, 4, 5))


def test_a_piece_whose_time_is_over_fails_with_that_reason_and_does_not_run_again() -> None:
    source, work = ToySource(jobs(2)), ToyWork(bundles=False)
    work.late = {1: TimeoutError("too long")}
    run(work, ToyPool(1, lost=[1]), [source])
    assert source.done[0].results[1] == ("failed", "too long", 7.0)
    assert work.sent.count((0, 1)) == 1
    assert whole(source.done[1])


def test_an_error_that_is_no_loss_fails_its_pieces_at_once() -> None:
    source, work = ToySource(jobs(2)), ToyWork(bundles=False)
    work.is_loss = lambda failure: False
    run(work, ToyPool(1, lost=[1]), [source])
    assert source.done[0].results[1] == ("failed", "gone", 0.0)
    assert work.sent.count((0, 1)) == 1


def test_workers_that_are_lost_for_good_end_all_sources() -> None:
    one, other = ToySource(jobs(10)), ToySource(jobs(10, first=100))
    run(ToyWork(bundles=False), ToyPool(2, lost=range(7, 1000), renews=False), [one, other])
    for source in (one, other):
        assert source.ended and not source.n_open and source.jobs
        [cause] = source.broken_by
        assert isinstance(cause, WorkerDied) and "the executor given as executor= broke" in str(cause)
        assert all(len(job.results) == 3 for job in source.done), "each piece has a result, if that it failed"
    kept = [r for source in (one, other) for job in source.done for r in job.results.values() if r[0] != "failed"]
    assert len(kept) == 7


# --- waiting and errors ---------------------------------------------------------------------------------------------


class Waiting(ToySource):
    """Has its second job after three waits only."""

    def may_begin(self, most_open: int) -> bool:
        return super().may_begin(most_open) and (len(self.begun) != 1 or self.n_waits >= 3)

    def wait(self) -> bool:
        self.n_waits += 1
        return bool(self.jobs)


@pytest.mark.parametrize("pool", [None, 2])
def test_a_source_that_waits_for_others_is_asked_again(pool: int | None) -> None:
    source = Waiting(jobs(4))
    run(ToyWork(), None if pool is None else ToyPool(pool), [source])
    assert len(source.done) == 4 and source.n_waits >= 3


class Stop(Exception):
    pass


@pytest.mark.parametrize("pool", [None, 3])
@pytest.mark.parametrize("error", [Stop, KeyboardInterrupt, SystemExit])
def test_an_error_gives_up_all_sources_and_stops_the_workers(pool: int | None, error: type[BaseException]) -> None:
    one, other = ToySource(jobs(10)), ToySource(jobs(10, first=100))

    def fail(job: ToyJob, position: int) -> None:
        if (job.number, position) == (2, 1):
            raise error

    one.on_store = fail
    workers = None if pool is None else ToyPool(pool)
    with pytest.raises(error):
        run(ToyWork(), workers, [one, other])
    assert one.gave_up and other.gave_up
    assert workers is None or workers.aborted


def test_results_that_are_there_at_an_error_are_not_lost() -> None:
    pool, source = ToyPool(3), ToySource(jobs(10), 1)

    def fail(job: ToyJob, position: int) -> None:
        while len(pool.tasks) > 1:
            pool.step(0)  # other workers are done by now
        raise Stop

    source.on_store = fail
    with pytest.raises(Stop):
        run(ToyWork(bundles=False), pool, [source])
    assert source.late_results == [(1, 0)]
    assert pool.tasks[0][1].cancelled()
