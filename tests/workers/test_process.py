"""A worker process: deaths, idleness, starts that fail, and objects that do not travel."""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import BrokenExecutor

import pytest

from hpcore.workers import pools, process
from hpcore.workers.pools import OwnPool
from tests.workers.living import lives, until


class Refused:
    def __init__(self, one):
        pass

    def __reduce__(self):
        return Refused, ()


def _refuse(start):
    raise OSError("too many")


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
        until(lambda: pool._workers[0]._child.ended)
        assert pool.wait([pool.submit(abs, -1)])[0].result() == 1


def test_idle_workers_leave(monkeypatch):
    monkeypatch.setattr(process, "_SECONDS_IDLE", 0.05)
    pool = OwnPool(1)
    with pool.bounded():
        pid = pool.wait([pool.submit(os.getpid)])[0].result()
        until(lambda: not lives(pid))
        assert pool.wait([pool.submit(os.getpid)])[0].result() != pid


def test_a_worker_that_cannot_be_started(monkeypatch):
    monkeypatch.setattr(pools, "_idle", {})
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
