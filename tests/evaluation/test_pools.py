"""A pool of our own: workers that go, and the threads that serve them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import warnings
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hpcore.evaluation import pools
from hpcore.evaluation.pools import BorrowedPool, OwnPool

held = []


def grow(n_bytes: int) -> int:
    # A module of its own name, because this one is pickled by value.
    np.__dict__.setdefault("_held_by_test", []).append(np.ones(n_bytes // 8))
    time.sleep(1.1)  # loky looks at a worker's memory once a second
    return n_bytes


def test_finished_tasks_come_in_the_order_given():
    with ThreadPoolExecutor(1) as executor:
        for pool in (OwnPool(1), BorrowedPool(executor, 1)):
            tasks: list[Future[int]] = [Future() for _ in range(20)]
            for task in tasks[::-1]:
                task.set_result(0)
            assert pool.wait(tasks) == tasks


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_where_warnings_are_errors_a_worker_that_grew_is_replaced_and_nobody_waits_for_ever():
    pytest.importorskip("psutil")
    pool = OwnPool(1)
    n_lost = 0
    with warnings.catch_warnings(), pool.bounded():
        warnings.simplefilter("error")
        assert pool.wait([pool.submit(abs, -1)])[0].result() == 1
        tasks = [pool.submit(grow, 400_000_000) for _ in range(3)]
        while tasks:
            for task in pool.wait(tasks):
                tasks.remove(task)
                try:
                    assert task.result() == 400_000_000
                except BrokenExecutor:
                    n_lost += 1
                    assert not pool.blames(task)
                    tasks.append(pool.submit(abs, 400_000_000))
    assert n_lost > 0


def test_a_worker_whose_end_nobody_noticed_is_replaced(monkeypatch):
    """As when it ends between being started and being watched."""
    from joblib.externals.loky import process_executor

    watched = process_executor._ExecutorManagerThread.wait_result_broken_or_wakeup

    def blind(self):
        processes, self.processes = self.processes, {}
        try:
            return watched(self)
        finally:
            self.processes = processes

    pool = OwnPool(1)
    with pool.bounded(), monkeypatch.context() as patched:
        patched.setattr(process_executor._ExecutorManagerThread, "wait_result_broken_or_wakeup", blind)
        pool._slots = [pools._Slot(pool._new(), pool._innocent)]
        tasks = [pool.submit(os.getpid), pool.submit(os._exit, 1), pool.submit(abs, -1)]
        finished = []
        while len(finished) < len(tasks):
            finished += pool.wait([task for task in tasks if task not in finished])
        assert tasks[0].result() != os.getpid()
        for task in tasks[1:]:
            with pytest.raises(BrokenExecutor):
                task.result()
        assert pool.blames(tasks[1])
        assert not pool.blames(tasks[2])
        assert pool.wait([pool.submit(abs, -1)])[0].result() == 1


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
    return not status.exists() or " Z " not in status.read_text()  # nobody may be there to bury it


def _until(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
