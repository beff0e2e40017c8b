"""The main loop of a worker: its memory, and the end of the process that it works for."""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest

from hpcore.workers import serving
from hpcore.workers.pools import OwnPool
from tests.workers.living import lives, until


def grow(n_bytes: int, folder: str) -> int:
    # A worker looks at its memory once a second; this one cannot wait.
    serving._SECONDS_BETWEEN_LOOKS = 0.0
    # A module of its own name, because this one is pickled by value.
    np.__dict__.setdefault("_held_by_test", []).append(b"x" * n_bytes)
    Path(folder, str(time.monotonic_ns())).touch()
    return os.getpid()


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
    until(lambda: not lives(first))


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
        until(lambda: len(list(tmp_path.iterdir())) == 2)
        process.kill()
    for path in tmp_path.iterdir():
        until(lambda pid=int(path.name): not lives(pid))
