"""The queue of (candidate, fold), the way of the data to workers, and the threads inside them."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_info, threadpool_limits

from hpcore.errors import InvalidArgument, WorkerDied
from hpcore.evaluation import sharing
from hpcore.evaluation.engine import run
from hpcore.evaluation.sharing import SharedWorkload, fetch
from hpcore.evaluation.source import Candidate, Source
from hpcore.evaluation.worker import Item, run_bundle
from hpcore.evaluation.workload import Workload
from hpcore.workers.nesting import inside_worker, working
from hpcore.workers.pools import BorrowedPool, OwnPool, choose_pool
from hpcore.workers.threads import threads_per_worker

X = np.arange(60.0).reshape(30, 2)
SPLITS = [(np.arange(0, 20), np.arange(20, 30)), (np.arange(10, 30), np.arange(10)), (np.arange(15), np.arange(15, 30))]


class Report(BaseEstimator):
    """Scores with what it finds where it is fitted."""

    def __init__(self, what: str = "k", k: int = 0) -> None:
        self.what = what
        self.k = k

    def fit(self, X: Any, y: Any = None) -> Report:
        found = {
            "k": lambda: self.k,
            "pid": os.getpid,
            "threads": lambda: max((pool["num_threads"] for pool in threadpool_info()), default=1),
            "cores": joblib.cpu_count,
            "shared": lambda: _is_mapped(X) + 10 * (not X.flags.writeable),
            "nested": inside_worker,
        }
        self.found_ = float(found[self.what]())
        return self

    def score(self, X: Any, y: Any = None) -> float:
        return self.found_


def _is_mapped(array: Any) -> bool:
    while array is not None:
        if isinstance(array, np.memmap | mmap.mmap):
            return True
        array = array.obj if isinstance(array, memoryview) else getattr(array, "base", None)
    return False


def workload(what: str = "k", **options: Any) -> Workload:
    given: dict[str, Any] = {
        "estimator": Report(what),
        "X": X,
        "y": None,
        "splits": SPLITS,
        "scorer": lambda estimator, X: estimator.score(X),
        "fit_params": {},
        "score_params": {},
        "error_score": np.nan,
        "return_train_score": False,
    }
    return Workload(**{**given, **options})


def search(pool: Any, n: int, what: str = "k", expected: int | None = None) -> dict[int, list[float]]:
    numbers: Iterator[int] = iter(range(n))
    found: dict[int, list[float]] = {}

    def propose() -> Candidate | None:
        k = next(numbers, None)
        return None if k is None else Candidate(k, {"k": k})

    def complete(candidate: Candidate, scores: Any) -> None:
        assert candidate.trial not in found
        assert [score.fold for score in scores] == [0, 1, 2]
        found[candidate.trial] = [score.test_scores for score in scores]

    run(workload(what), pool, [Source(propose, complete, range(3), expected=expected)])
    return found


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


def test_data_is_mapped_and_kept_and_removed():
    sharing._fetched.clear()
    large = np.arange(6000.0).reshape(2000, 3)
    data = {
        "X": large[:, ::2],
        "y": [large.T, "text", np.arange(5000).astype("M8[s]"), np.zeros((0, 3))],
        "fit_params": {"frame": pd.DataFrame(large), "sparse": scipy.sparse.csr_matrix(large)},
    }
    with SharedWorkload(workload(**data), 1, by_file=True) as handle:
        elsewhere = handle._replace(owner=-1)  # as a worker sees it
        found, _ = fetch(elsewhere)
        for array, expected in (
            (found.X, large[:, ::2]),
            (found.y[0], large.T),
            (found.fit_params["frame"].to_numpy(), large),
            (found.fit_params["sparse"].data, scipy.sparse.csr_matrix(large).data),
        ):
            assert _is_mapped(array)
            assert not array.flags.writeable
            np.testing.assert_array_equal(array, expected)
        assert found.y[1] == "text"
        np.testing.assert_array_equal(found.y[2], data["y"][2])
        assert found.y[3].shape == (0, 3)
        assert fetch(elsewhere)[0] is found
        assert os.path.isdir(handle.path)  # noqa: PTH112
        others = [SharedWorkload(workload(), 1, by_file=True) for _ in range(5)]
        for other in others:
            with other as next_handle:
                fetch(next_handle._replace(owner=-1))
        assert len(sharing._fetched) <= 2
    assert not os.path.exists(handle.path)  # noqa: PTH110
    assert handle.token not in sharing._owned


def test_owner_uses_its_own_objects():
    mine = workload()
    with SharedWorkload(mine, 1, by_file=False) as handle:
        assert fetch(handle)[0] is mine
        assert handle.path == ""
        [[score]], error, seconds = run_bundle(handle, [Item({"k": 7}, [(0, 1)])])
        assert error is None
        assert score.test_scores == 7.0
        assert seconds > 0


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


def test_threads_of_one_worker_read_a_workload_once(monkeypatch):
    n_reads = []

    def read(folder):
        n_reads.append(folder)
        time.sleep(0.05)
        return (workload(), sharing.Surroundings({}, []))

    monkeypatch.setattr(sharing, "_read", read)
    sharing._fetched.clear()
    handle = sharing.Handle("token", -1, "somewhere", 1)
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(fetch, [handle] * 4))
    assert len(n_reads) == 1
    assert all(pair is found[0] for pair in found)
    sharing._fetched.clear()


def test_who_does_the_work():
    assert choose_pool(None, None) is None
    assert choose_pool(1, None) is None
    two = choose_pool(2, None)
    assert isinstance(two, OwnPool)
    assert two.n_workers == 2
    with joblib.parallel_config(n_jobs=2):
        assert choose_pool(None, None) is not None
    with ThreadPoolExecutor(3) as executor:
        borrowed = choose_pool(None, executor)
        assert isinstance(borrowed, BorrowedPool)
        assert borrowed.n_workers == 3
        assert not borrowed.by_file
    with pytest.raises(InvalidArgument, match="shutdown"):
        choose_pool(None, executor)
    with working():
        assert choose_pool(2, None) is None
        with ThreadPoolExecutor(1) as executor:
            assert choose_pool(None, executor) is None, "a task that waits for its own executor waits for ever"


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
