"""Folds of candidates on workers: bundles, threads, rows, several searches, an executor that breaks."""

from __future__ import annotations

import os
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import Any

import joblib
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from hpcore.errors import WorkerDied
from hpcore.evaluation.engine import run
from hpcore.evaluation.source import Candidate, Source
from hpcore.workers.pools import BorrowedPool, OwnPool
from hpcore.workers.threads import threads_per_worker
from tests.evaluation.reports import search, workload


@pytest.mark.parametrize("n", [0, 1, 2, 50])
@pytest.mark.parametrize("expected", [None, 5, 1000])
def test_every_fold_of_every_candidate_once(n, expected):
    with ThreadPoolExecutor(3) as executor:
        assert search(BorrowedPool(executor, 3), n, expected=expected) == {k: [k] * 3 for k in range(n)}
    assert search(OwnPool(2), n, expected=expected) == {k: [k] * 3 for k in range(n)}
    assert search(None, n) == {k: [k] * 3 for k in range(n)}


def test_cheap_fits_are_bundled_and_the_queue_is_short():
    class Counting(BorrowedPool):
        sizes: list[int] = []  # noqa: RUF012
        open = most = 0

        def submit(self, function: Any, *args: Any) -> Future[Any]:
            self.sizes.append(sum(len(item.folds) for item in args[1]))
            future = super().submit(function, *args)
            type(self).open += 1
            type(self).most = max(self.most, self.open)
            future.add_done_callback(lambda _: setattr(Counting, "open", Counting.open - 1))
            return future

    with ThreadPoolExecutor(2) as executor:
        search(Counting(executor, 2), 300)
    assert sum(Counting.sizes) == 900
    assert Counting.sizes[0] == 1
    assert len(Counting.sizes) < 450
    assert Counting.most <= 4


def test_threads_are_bounded_in_workers():
    bound = threads_per_worker(2)
    assert bound == max(1, joblib.cpu_count() // 2)
    assert threads_per_worker(10_000) == 1
    for what in ("threads", "cores"):
        for values in search(OwnPool(2), 4, what).values():
            assert set(values) == {bound}
    with ThreadPoolExecutor(2) as executor:
        for values in search(BorrowedPool(executor, 2), 4, "threads").values():
            assert max(values) <= max(bound, 1)


def test_threads_are_left_alone_in_process():
    before = [pool["num_threads"] for pool in threadpool_info()]
    with threadpool_limits(1):
        assert search(None, 1, "threads") == {0: [1.0] * 3}
    search(OwnPool(2), 2)
    assert [pool["num_threads"] for pool in threadpool_info()] == before


def test_work_is_done_elsewhere():
    assert set(search(None, 1, "pid")[0]) == {float(os.getpid())}
    assert float(os.getpid()) not in search(OwnPool(2), 1, "pid")[0]


def test_rows_given_to_a_fit_are_its_own():
    # Neither mapped nor read-only: an estimator that works in place may have them.
    assert search(OwnPool(2), 2, "shared") == {0: [0.0] * 3, 1: [0.0] * 3}


class Breaking(Executor):
    """Breaks at the third task and stays broken."""

    def __init__(self) -> None:
        self.n = 0

    def submit(self, function: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.n += 1
        future: Future[Any] = Future()
        if self.n >= 3:
            future.set_exception(BrokenExecutor("gone"))
        else:
            future.set_result(function(*args, **kwargs))
        return future


def test_a_borrowed_executor_that_breaks_ends_the_search_and_keeps_what_is_done():
    done = []
    pool = BorrowedPool(Breaking(), 1)
    numbers = iter(range(100))
    run(
        workload(),
        pool,
        [
            Source(
                lambda: Candidate(k := next(numbers), {"k": k}),
                lambda candidate, scores: done.append((candidate.trial, [score.error is None for score in scores])),
                range(3),
            )
        ],
    )
    assert done[0][0] == 0
    assert done[0][1].count(True) == 2
    assert all(not any(good) for _, good in done[1:])
    assert len(done) < 10
    with pytest.raises(WorkerDied):
        run(
            workload(error_score="raise"),
            BorrowedPool(Breaking(), 1),
            [Source(lambda: Candidate(0, {"k": 0}), lambda candidate, scores: None, range(3))],
        )


def test_folds_are_told_one_by_one_and_those_that_are_known_are_not_run_again():
    told: list[tuple[int, int]] = []
    done: dict[int, list[float]] = {}
    numbers = iter(range(4))
    known = workload().failed(1, "from a store")._replace(test_scores=9.0, error=None)

    def propose() -> Candidate | None:
        k = next(numbers, None)
        if k is None:
            return None
        scores = {1: [None, known, None], 2: [known._replace(fold=fold) for fold in range(3)]}.get(k, [])
        return Candidate(k, {"k": k}, list(scores))

    source = Source(
        propose,
        lambda candidate, scores: done.setdefault(candidate.trial, [score.test_scores for score in scores]),
        range(3),
        fold_done=lambda candidate, score: told.append((candidate.trial, score.fold)),
    )
    run(workload(), OwnPool(2), [source])
    assert done == {0: [0.0] * 3, 1: [1.0, 9.0, 1.0], 2: [9.0] * 3, 3: [3.0] * 3}
    assert sorted(told) == [(k, fold) for k in (0, 1, 3) for fold in range(3) if (k, fold) != (1, 1)]


@pytest.mark.parametrize("pool", [None, OwnPool(2)], ids=["here", "pool"])
def test_several_searches_share_the_workers(pool):
    done: dict[str, list[Any]] = {"a": [], "b": []}

    def source(name: str, folds: list[int], n: int) -> Source:
        numbers = iter(range(n))

        def propose() -> Candidate | None:
            k = next(numbers, None)
            return None if k is None else Candidate(k, {"k": k})

        def complete(candidate: Candidate, scores: Any) -> None:
            assert [score.fold for score in scores] == folds
            done[name].append(candidate.trial)

        return Source(propose, complete, folds, learns=name == "a")

    run(workload(), pool, [source("a", [2, 0], 7), source("b", [1], 5)])
    assert sorted(done["a"]) == list(range(7))
    assert sorted(done["b"]) == list(range(5))
