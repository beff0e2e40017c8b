"""Contract of every pool of workers; a new one is asked as soon as `POOLS` names it."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np  # noqa: F401 - brings a library with threads, which must be there to be bounded
import pytest
from threadpoolctl import threadpool_info

from hpcore.workers.pools import BorrowedPool, OwnPool, Pool


class Inline(Executor):
    """Runs a task at once, in `submit`."""

    def __init__(self) -> None:
        self.closed = False

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self.closed:
            raise RuntimeError("cannot schedule new futures after shutdown")
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.closed = True


@contextmanager
def own() -> Iterator[Pool]:
    pool = OwnPool(2)
    try:
        yield pool
    finally:
        pool.abort()


@contextmanager
def borrowed(executor: Executor, n_workers: int) -> Iterator[Pool]:
    with executor:
        yield BorrowedPool(executor, n_workers)


def processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


class Member(NamedTuple):
    """A pool, and its properties that the questions depend on."""

    make: Callable[[], Any]
    is_elsewhere: bool  # workers are other processes
    is_ours: bool  # workers that died are replaced


POOLS = {
    "own": Member(own, True, True),
    "threads": Member(lambda: borrowed(ThreadPoolExecutor(2), 2), False, False),
    "processes": Member(lambda: borrowed(processes(), 2), True, False),
    "inline": Member(lambda: borrowed(Inline(), 1), False, False),
}

pytestmark = pytest.mark.parametrize("name", POOLS)


@pytest.fixture
def pool(name: str) -> Iterator[Pool]:
    with POOLS[name].make() as made:
        yield made


def result(pool: Pool, function: Callable[..., Any], *args: Any) -> Any:
    task = pool.submit(function, *args)
    assert pool.wait([task]) == [task]
    return task.result()


def collect(pool: Pool, tasks: list[Future[Any]]) -> None:
    while not all(task.done() for task in tasks):
        pool.wait([task for task in tasks if not task.done()])


# --- tasks and results ----------------------------------------------------------------------------------------------


def test_the_pool_says_what_its_workers_are(name: str, pool: Pool) -> None:
    assert pool.n_workers >= 1 and pool.n_threads >= 1
    pid = result(pool, os.getpid)
    assert (pid != os.getpid()) == POOLS[name].is_elsewhere
    # The data must reach a worker by a file if it is elsewhere, and only a process of its own can be killed.
    assert pool.by_file or not POOLS[name].is_elsewhere
    assert pool.timed <= POOLS[name].is_elsewhere


def test_each_task_is_run_once_and_has_its_own_result(name: str, pool: Pool) -> None:
    tasks = [pool.submit(divmod, n, 7) for n in range(50)]
    collect(pool, tasks)
    assert [task.result() for task in tasks] == [divmod(n, 7) for n in range(50)]


def test_finished_tasks_come_in_the_order_given(name: str, pool: Pool) -> None:
    tasks = [pool.submit(abs, -n) for n in range(20)]
    collect(pool, tasks)
    assert pool.wait(tasks) == tasks
    assert pool.wait(tasks[::-1]) == tasks[::-1]
    waiting: Future[Any] = Future()
    assert pool.wait([tasks[7], waiting, tasks[3]]) == [tasks[7], tasks[3]]


def test_wait_returns_as_soon_as_one_task_is_done(name: str, pool: Pool) -> None:
    never: Future[Any] = Future()
    task = pool.submit(abs, -3)
    assert pool.wait([never, task]) == [task]


def test_an_error_of_a_task_is_its_result(name: str, pool: Pool) -> None:
    task = pool.submit(int, "no number")
    pool.wait([task])
    with pytest.raises(ValueError, match="no number"):
        task.result()
    assert result(pool, abs, -1) == 1


def test_what_does_not_travel_is_an_error_of_the_task(name: str, pool: Pool) -> None:
    for task in (pool.submit(threading.Lock), pool.submit(bool, threading.Lock())):
        pool.wait([task])
        if POOLS[name].is_elsewhere:
            with pytest.raises(TypeError, match="lock"):
                task.result()
        else:
            assert task.result()
    assert result(pool, abs, -1) == 1


def test_a_large_argument_and_a_large_result(name: str, pool: Pool) -> None:
    data = bytes(3_000_000)
    assert len(result(pool, bytes.replace, data, b"\0", b"ab")) == 6_000_000


# --- workers that die -----------------------------------------------------------------------------------------------


def test_a_worker_that_dies(name: str, pool: Pool) -> None:
    if not POOLS[name].is_elsewhere:
        pytest.skip("it would be this process")
    task = pool.submit(os._exit, 3)
    pool.wait([task])
    with pytest.raises(BrokenExecutor) as caught:
        task.result()
    assert pool.renew(caught.value) == POOLS[name].is_ours
    if POOLS[name].is_ours:
        assert result(pool, abs, -1) == 1
    else:
        with pytest.raises(BrokenExecutor):
            pool.submit(abs, -1)


def test_a_task_that_was_lost_without_a_death_may_run_again(name: str, pool: Pool) -> None:
    assert pool.renew(LookupError("the machine is gone"))
    assert result(pool, abs, -1) == 1


def test_an_executor_that_was_shut_down(name: str) -> None:
    if POOLS[name].is_ours:
        pytest.skip("nobody else can")
    with POOLS[name].make() as pool:
        pass
    with pytest.raises(BrokenExecutor, match="shutdown") as caught:
        pool.submit(abs, -1)
    assert not pool.renew(caught.value)


def test_kill_ends_a_worker_of_ours_and_nobody_else_s(name: str, pool: Pool) -> None:
    if name == "inline":
        pytest.skip("nobody can kill while it runs")
    pid = result(pool, os.getpid)
    task = pool.submit(time.sleep, 60 if POOLS[name].is_ours else 0.2)
    while not task.running():
        time.sleep(0.005)
    pool.kill(pid)
    pool.wait([task])
    if POOLS[name].is_ours:
        with pytest.raises(BrokenExecutor):
            task.result()
    else:
        assert task.result() is None
    assert result(pool, abs, -1) == 1


# --- the end of a search --------------------------------------------------------------------------------------------


def test_abort_leaves_an_executor_to_its_owner_and_ends_workers_of_ours(name: str, pool: Pool) -> None:
    long = 60 if POOLS[name].is_ours else 0.1
    running = pool.submit(time.sleep, long)
    while not (running.running() or running.done()):
        time.sleep(0.005)
    pool.abort()
    pool.wait([running])
    assert isinstance(running.exception(), BrokenExecutor) == POOLS[name].is_ours
    assert result(pool, abs, -1) == 1
    pool.abort()
    pool.abort()


def test_workers_are_kept_after_a_search(name: str, pool: Pool) -> None:
    with pool.bounded():
        collect(pool, [pool.submit(time.sleep, 0.01) for _ in range(4)])
    with pool.bounded():
        assert result(pool, abs, -1) == 1


def n_threads_here() -> list[int]:
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


def test_this_process_is_bounded_while_a_search_lasts(name: str, pool: Pool) -> None:
    before = n_threads_here()
    with pool.bounded(1):
        assert set(n_threads_here()) <= {1}
        assert result(pool, abs, -1) == 1
    assert n_threads_here() == before
    with pytest.raises(ZeroDivisionError), pool.bounded():
        raise ZeroDivisionError
    assert n_threads_here() == before


def test_an_error_in_a_search_leaves_a_pool_that_can_be_used_again(name: str, pool: Pool) -> None:
    with pytest.raises(KeyboardInterrupt), pool.bounded():
        pool.submit(abs, -1)
        raise KeyboardInterrupt
    pool.abort()
    with pool.bounded():
        assert result(pool, abs, -1) == 1
