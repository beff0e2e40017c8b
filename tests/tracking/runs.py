"""A run with all kinds of results, and its continuation, for every tracker."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hpcore as hp


def objective(trial: hp.Trial) -> Any:
    """Report twice; the second trial fails, and a metric is no number."""
    for step in (1, 2):
        trial.report(trial["x"] * step, step)
    if trial.number == 1:
        raise ValueError("the loss is\nnegative")
    return hp.Outcome(trial["x"], metrics={"latency": 3.0, "gap": math.nan})


def continued(space: dict[str, Any], make: Callable[[], Any], folder: Path, n_jobs: int, name: str) -> hp.Study:
    """Run three trials of a stored study with a tracker, then another one with a new tracker."""
    for n in (3, 1):
        study = hp.maximize(
            objective,
            space,
            n_trials=n,
            n_jobs=n_jobs,
            storage=folder / "runs.db",
            name=name,
            sampler="random",
            seed=0,
            progress=False,
            callbacks=[make()],
        )
    return study
