"""Trials for callbacks: one that records what it is told, and runs whose jobs pause twice."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.records.history import PAUSED
from hpcore.schedulers import Judge, Resume, Scheduler, Start


class RecordingTrial:
    """Trial that pauses at `until`, and keeps reports and a folder; the folder of each job has another path."""

    def __init__(self, root: Path, until: float = math.inf) -> None:
        self._root = root
        self._job = 0
        self.until = until
        self.reports: dict[float, float] = {}
        (root / "0").mkdir()

    @property
    def checkpoint(self) -> Path:
        return self._root / str(self._job)

    def report(self, value: float, step: float) -> None:
        assert type(value) is float
        assert step not in self.reports, "a step is reported once"
        self.reports[step] = value

    def should_stop(self) -> bool:
        return max(self.reports) >= self.until

    def resume(self, until: float) -> None:
        before = self.checkpoint
        self._job += 1
        shutil.move(before, self.checkpoint)
        self.until = until


@pytest.fixture
def make_trial(tmp_path: Path) -> Callable[..., RecordingTrial]:
    """Make trials that record."""
    made = 0

    def make(until: float = math.inf) -> RecordingTrial:
        nonlocal made
        made += 1
        root = tmp_path / f"trial-{made}"
        root.mkdir()
        return RecordingTrial(root, until)

    return make


class TwoPauses(Scheduler):
    """Trials in jobs to 2, 4 and 6; two begin before the first goes on."""

    def bind(self, *_: Any, **__: Any) -> Judge:
        return TwoPausesJudge()


class TwoPausesJudge(Judge):
    max_resource = 6.0

    def next(self, history: Any, rng: Any) -> Start | Resume | None:
        paused = np.flatnonzero(np.asarray(history.state) == PAUSED)
        if len(history.state) < 2 or not len(paused):
            return Start(2.0)
        return Resume(int(paused[0]), float(history.until[paused[0]]) + 2.0)


@pytest.fixture
def check_run() -> Callable[[Callable[[Any, Path], float]], None]:
    """Check that an objective, which trains up to 6 steps and continues from a folder, does so in a real run."""

    def check(objective: Callable[[Any, Path], float]) -> None:
        jobs: list[tuple[int, float]] = []

        def counting(trial: Any) -> float:
            jobs.append((trial.number, trial.until))
            return objective(trial, trial.checkpoint)

        study = hp.minimize(counting, {"x": hp.Float(0.05, 0.5)}, n_trials=6, scheduler=TwoPauses(), seed=0)
        assert sorted(job for job in jobs if job[0] < 2) == [(n, until) for n in (0, 1) for until in (2.0, 4.0, 6.0)]
        for trial in study.trials[:2]:
            assert trial.state == "complete"
            assert list(trial.reports) == [1, 2, 3, 4, 5, 6]
            assert trial.value == trial.reports[6]

    return check
