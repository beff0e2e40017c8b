"""Trials as a data frame."""

from __future__ import annotations

import math
from datetime import timezone
from pathlib import Path

import hpcore as hp
from tests.study.samples import SPACE, cost


def test_frame(runs: Path) -> None:
    def objective(trial: hp.Trial) -> float | None:
        trial.user_attrs["fold"] = [1, 2]
        return None if trial.number == 1 else cost(trial)

    frame = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0).run(objective, n_trials=3).to_frame()
    assert list(frame.number) == [0, 1, 2]
    assert list(frame.state) == ["complete", "failed", "complete"]
    assert math.isnan(frame.value[1]) and frame.param_x.dtype == float and frame.param_k.dtype == int
    assert frame.started.dt.tz is timezone.utc or str(frame.started.dt.tz) == "UTC"
    assert (frame.seconds >= 0).all() and frame.attr_fold[0] == [1, 2]
    assert "not a finite number" in frame.error[1]
    empty = hp.Study(SPACE).to_frame()
    assert len(empty) == 0 and "param_x" in empty
