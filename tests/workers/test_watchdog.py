"""Notes of workers on the fold that they run, and the end of one that takes too long."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from hpcore.workers.watchdog import Clock, Watchdog, clock_of

pytestmark = pytest.mark.skipif(not hasattr(os, "pwrite"), reason="notes are written with pwrite")


def test_notes_say_which_fold_is_run(tmp_path: Path) -> None:
    clock, dog = Clock(str(tmp_path)), Watchdog(str(tmp_path), None, lambda pid: None)
    seen = [(fold, dog.begun()) for fold in clock.timed(iter([4, 0, 2]), 10)]
    assert seen == [(4, {10}), (0, {11}), (2, {12})]
    assert dog.begun() == set()
    clock.close()


def test_an_error_ends_the_note(tmp_path: Path) -> None:
    clock, dog = Clock(str(tmp_path)), Watchdog(str(tmp_path), None, lambda pid: None)
    folds = clock.timed(iter([0, 1]), 5)
    next(folds)
    assert dog.begun() == {5}
    folds.close()  # type: ignore[attr-defined]
    assert dog.begun() == set()
    clock.close()


def test_a_worker_has_one_clock_for_each_workload(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one = clock_of(str(tmp_path / "a"))
    assert clock_of(str(tmp_path / "a")) is one
    assert clock_of(str(tmp_path / "b")) is not one
    assert len(list(tmp_path.glob("*/clock-*"))) == 2


def test_a_late_fold_ends_with_its_process_once(tmp_path: Path) -> None:
    killed: list[int] = []
    clock = Clock(str(tmp_path))
    with Watchdog(str(tmp_path), 0.05, killed.append) as dog:
        for _ in clock.timed(iter([0]), 3):
            end = time.monotonic() + 30
            while not killed and time.monotonic() < end:
                time.sleep(0.01)
            time.sleep(0.05)
    assert killed == [os.getpid()]
    assert dog.expired(3) == 0.05 and dog.expired(4) is None
    clock.close()


def test_without_a_folder_there_are_no_notes() -> None:
    with Watchdog("", 1.0, lambda pid: None) as dog:
        assert dog.begun() == set() and dog.expired(0) is None


def test_a_note_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "clock-1").write_bytes(b"half")
    assert Watchdog(str(tmp_path), None, lambda pid: None).begun() == set()
