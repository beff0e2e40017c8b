"""Processes that are ended with all that they started, and those that cannot be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import BrokenExecutor

import pytest

from hpcore.workers import ending
from hpcore.workers.pools import OwnPool
from tests.workers.living import lives, until


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
        until(lambda: f"left running: {pid} (sleep)" in caplog.text)
        assert lives(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
