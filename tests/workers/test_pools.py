"""A pool of our own: workers that go, and the threads that serve them."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hpcore.workers import ending, process, serving
from hpcore.workers.pools import BorrowedPool, OwnPool


def grow(n_bytes: int, folder: str) -> int:
    # A worker looks at its memory once a second; this one cannot wait.
    serving._SECONDS_BETWEEN_LOOKS = 0.0
    # A module of its own name, because this one is pickled by value.
    np.__dict__.setdefault("_held_by_test", []).append(b"x" * n_bytes)
    Path(folder, str(time.monotonic_ns())).touch()
    return os.getpid()


class Refused:
    def __init__(self, one):
        pass

    def __reduce__(self):
        return Refused, ()


def _refuse(start):
    raise OSError("too many")


def test_finished_tasks_come_in_the_order_given():
    with ThreadPoolExecutor(1) as executor:
        for pool in (OwnPool(1), BorrowedPool(executor, 1)):
            tasks: list[Future[int]] = [Future() for _ in range(20)]
            for task in tasks[::-1]:
                task.set_result(0)
            assert pool.wait(tasks) == tasks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks /proc for the memory")
def test_a_worker_that_grew_is_replaced_between_two_tasks_and_nobody_waits_for_it(tmp_path):
    pool = OwnPool(1)
    with warnings.catch_warnings(), pool.bounded():
        warnings.simplefilter("error")
        first = pool.wait([pool.submit(os.getpid)])[0].result()
        pool.wait([pool.submit(atexit.register, time.sleep, 600)])
        tasks = [pool.submit(grow, 310_000_000, str(tmp_path)) for _ in range(2)] + [pool.submit(os.getpid)]
        while not all(task.done() for task in tasks):
            pool.wait([task for task in tasks if not task.done()])
    pids = [task.result() for task in tasks]
    # Growth counts from the first task on.
    assert pids[0] == first != pids[1] == pids[2]
    assert len(list(tmp_path.iterdir())) == 2, "and is done once"
    _until(lambda: not _lives(first))


def test_a_death_costs_the_task_that_the_worker_was_at():
    pool = OwnPool(1)
    with pool.bounded():
        tasks = [pool.submit(os.getpid), pool.submit(os._exit, 7), pool.submit(os.getpid), pool.submit(os.abort)]
        for task, code in ((tasks[1], "with exit code 7"), (tasks[3], "by SIGABRT")):
            pool.wait([task])
            with pytest.raises(BrokenExecutor, match=code):
                task.result()
        assert tasks[0].result() != tasks[2].result()
        assert pool.wait([pool.submit(abs, -1)])[0].result() == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_worker_that_died_while_it_idled_costs_nothing():
    pool = OwnPool(1)
    with pool.bounded():
        pid = pool.wait([pool.submit(os.getpid)])[0].result()
        os.kill(pid, signal.SIGKILL)
        _until(lambda: pool._workers[0]._child.ended)
        assert pool.wait([pool.submit(abs, -1)])[0].result() == 1


def test_idle_workers_leave(monkeypatch):
    monkeypatch.setattr(process, "_SECONDS_IDLE", 0.05)
    pool = OwnPool(1)
    with pool.bounded():
        pid = pool.wait([pool.submit(os.getpid)])[0].result()
        _until(lambda: not _lives(pid))
        assert pool.wait([pool.submit(os.getpid)])[0].result() != pid


def test_abort_ends_what_runs_and_drops_what_waits():
    pool = OwnPool(1)
    running = pool.submit(time.sleep, 600)
    _until(running.running)
    waiting = pool.submit(abs, -1)
    pool.abort()
    assert waiting.cancelled()
    with pytest.raises(BrokenExecutor):
        running.result(timeout=60)


def test_a_worker_that_cannot_be_started(monkeypatch):
    monkeypatch.setattr(process, "_without_interrupts", _refuse)
    pool = OwnPool(1)
    with pytest.raises(BrokenExecutor, match=r"no worker process can be started: .*too many"):
        pool.wait([pool.submit(abs, -1)])[0].result()
    monkeypatch.undo()
    assert pool.wait([pool.submit(abs, -1)])[0].result() == 1
    pool.abort()


def test_arguments_and_results_that_do_not_travel_are_the_task_s_own_errors():
    pool = OwnPool(1)
    with pool.bounded():
        lock = threading.Lock()
        pid = pool.wait([pool.submit(os.getpid)])[0].result()
        for task in (pool.submit(id, lock), pool.submit(threading.Lock), pool.submit(Refused, 1)):
            pool.wait([task])
            with pytest.raises(TypeError):
                task.result()
        task = pool.submit(int, "no number")
        pool.wait([task])
        with pytest.raises(ValueError, match="no number") as caught:
            task.result()
        assert "Traceback" in str(caught.value.__cause__)
        assert pool.wait([pool.submit(os.getpid)])[0].result() == pid


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_cannot_be_killed_is_named(monkeypatch, caplog):
    """A program of another user, or one that waits for a device; here one that nobody sends a signal to."""
    child = subprocess.Popen(["sleep", "600"], start_new_session=True)
    with monkeypatch.context() as patched:
        patched.setattr(ending.os, "kill", lambda pid, number: None)
        patched.setattr(ending, "_SECONDS_TO_DIE", 0.1)
        started = [p for p in ending.started_by([os.getpid()]) if p.pid == child.pid]
        left = ending.wait_until_gone(ending.kill_trees([], started), 0.1)
    ending.left_running([process.pid for process in left])
    assert f"left running: {child.pid} (sleep)" in caplog.text
    ending.kill_trees([child.pid])
    child.wait()
    assert ending.wait_until_gone(started, 0.1) == []


def start_far_away_and_die(path: str) -> None:
    """A program in a session of its own, whose parent has ended before anybody looks for its children."""
    subprocess.run(["sh", "-c", f"sleep 600 & echo $! > {path}"], start_new_session=True, check=True)
    os.abort()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_what_outlives_a_worker_that_died_is_named(tmp_path, caplog):
    pool = OwnPool(1)
    with pool.bounded():
        (task,) = pool.wait([pool.submit(start_far_away_and_die, str(tmp_path / "pid"))])
        with pytest.raises(BrokenExecutor, match="SIGABRT"):
            task.result()
    pid = int((tmp_path / "pid").read_text())
    try:
        _until(lambda: f"left running: {pid} (sleep)" in caplog.text)
        assert _lives(pid)
    finally:
        os.kill(pid, signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "setpgrp"), reason="process groups are POSIX's")
def test_workers_of_a_killed_process_end_though_they_are_at_work(tmp_path):
    code = (
        "import os, sys, time, hpcore as hp\n"
        "def objective(trial):\n"
        "    open(os.path.join(sys.argv[1], str(os.getpid())), 'w').close()\n"
        "    time.sleep(600)\n"
        "hp.minimize(objective, {'x': hp.Float(0, 1)}, n_trials=2, n_jobs=2, sampler='random')\n"
    )
    code = code.replace("sys.argv[1]", repr(str(tmp_path)))
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _until(lambda: len(list(tmp_path.iterdir())) == 2)
        process.kill()
    for path in tmp_path.iterdir():
        _until(lambda pid=int(path.name): not _lives(pid))


def _lives(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not status.exists() or " Z " not in status.read_text()  # its parent may not reap it


def _until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)
