"""Thread that renews leases: it runs only while a worker has a trial."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import StorageError
from hpcore.ledger.heartbeat import Heartbeat
from hpcore.storage.dialects.sqlite import driver

SPACE = {"x": hp.Float(-5, 5)}


def beating() -> int:
    """List the threads of heartbeats."""
    return sum(thread.name == "hpcore-heartbeat" for thread in threading.enumerate())


def until(condition) -> bool:
    """Tell whether a condition becomes true within ten seconds."""
    end = time.monotonic() + 10.0
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.fixture(autouse=True)
def alone() -> None:
    """Wait until the threads of other tests have ended."""
    gc.collect()
    assert until(lambda: beating() == 0)


class Leases:
    """Holder that counts its beats."""

    def __init__(self) -> None:
        self.n_held, self.n_beats, self.error = 1, 0, None

    def holds_leases(self) -> bool:
        return self.n_held > 0

    def renew(self) -> None:
        self.n_beats += 1
        if self.error is not None:
            raise self.error


def test_it_beats_while_something_is_held_and_begins_again() -> None:
    leases = Leases()
    heart = Heartbeat(leases, 0.01, lambda: None)
    for _ in range(2):
        heart.start()
        heart.start()
        assert beating() == 1
        assert until(lambda: leases.n_beats >= 3)
        leases.n_held = 0
        assert until(lambda: beating() == 0)
        leases.n_held, leases.n_beats = 1, 0


def test_it_stops_at_once_and_begins_again() -> None:
    leases = Leases()
    heart = Heartbeat(leases, 3600.0, lambda: None)
    for _ in range(3):
        heart.start()
        assert beating() == 1
        heart.stop()
        heart.stop()
        assert beating() == 0
    heart = Heartbeat(leases, 0.01, lambda: None)
    heart.start()
    assert until(lambda: leases.n_beats > 0)
    heart.stop()


def test_a_process_that_can_begin_no_thread_goes_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    leases = Leases()
    heart = Heartbeat(leases, 0.01, lambda: None)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        heart.start()
        heart.stop()
    heart.start()
    assert until(lambda: leases.n_beats > 0)
    heart.stop()


def test_an_error_of_a_store_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    leases = Leases()
    leases.error = StorageError("away")
    heart = Heartbeat(leases, 0.01, lambda: None)
    heart.start()
    assert until(lambda: leases.n_beats >= 3)
    leases.n_held = 0
    assert until(lambda: beating() == 0)
    assert "leases could not be renewed, and will be tried again: away" in caplog.text


def test_it_keeps_no_holder_and_says_when_it_is_gone() -> None:
    leases, gone = Leases(), threading.Event()
    heart = Heartbeat(leases, 3600.0, gone.set)
    heart.start()
    seen = weakref.ref(leases)
    del leases
    gc.collect()
    assert seen() is None
    assert gone.wait(10)
    assert until(lambda: beating() == 0)


def test_a_study_beats_from_ask_to_tell_and_in_runs(tmp_path: Path) -> None:
    study = hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0, lease=0.1)
    assert beating() == 0
    trials = study.ask(2)
    assert beating() == 1
    for trial in trials:
        study.tell(trial, 1.0)
    assert until(lambda: beating() == 0)
    seen = []
    study.run(lambda trial: seen.append(beating()) or 1.0, n_trials=2)
    assert (seen, beating()) == ([1, 1], 0)
    trial = study.ask()
    study.run(lambda trial: 1.0, n_trials=1)
    assert beating() == 1, "a trial is still out"
    study.tell(trial, 1.0)
    assert until(lambda: beating() == 0)


def test_memory_has_none() -> None:
    for storage in (None, "sqlite:///:memory:"):
        study = hp.Study(SPACE, storage=storage, name="a", sampler="random", seed=0, lease=0.1)
        trial = study.ask()
        assert beating() == 0
        study.tell(trial, 1.0)


def test_a_study_is_not_kept(tmp_path: Path) -> None:
    study = hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0)
    study.ask()
    seen = [weakref.ref(study), weakref.ref(study._trial_log), weakref.ref(study.optimizer)]
    optimizer = weakref.ref(study._trial_log.optimizer)
    del study
    assert [ref() for ref in seen] == [None] * 3
    assert until(lambda: beating() == 0)
    assert optimizer() is None


def test_a_program_ends_though_its_store_does_not_answer(tmp_path: Path) -> None:
    code = (
        "import sys, hpcore as hp\n"
        "study = hp.Study({'x': hp.Float(0, 1)}, storage=sys.argv[1], name='a', sampler='random', seed=0)\n"
        "study.ask(3)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    path = tmp_path / "runs.db"
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        lock = driver().connect(str(path), isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        process.communicate("go on\n", timeout=50)  # other calls wait for a store for 60 s
        lock.close()
    assert process.returncode == 0
    assert [str(t.state) for t in hp.load_study(path).trials] == ["running"] * 3
    assert hp.load_study(path, retries=1).ask().number == 0
