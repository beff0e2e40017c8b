"""The start of the GP sampler: how many trials are Sobol points before the model takes over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.samplers import GPSampler, SobolSampler


def n_sobol(d: int, n: int = 14, m: int = 1, **options: Any) -> int:
    """Count the trials of a search that begin it with the points of a Sobol search with the same seed."""
    space = {f"x{j}": hp.Float(0, 1) for j in range(d)}
    directions = ["minimize"] * m
    opt = hp.Optimizer(space, GPSampler(**options), directions=directions, seed=3)
    sobol = hp.Optimizer(space, SobolSampler(), directions=directions, seed=3)
    for number in range(n):
        trial, other = opt.ask(), sobol.ask()
        if trial.params != other.params:
            return number
        x = np.array(list(trial.params.values()))
        values = [float(((x - k / 4) ** 2).sum()) for k in range(m)]
        opt.tell(trial, values[0] if m == 1 else values)
        sobol.tell(other, values[0] if m == 1 else values)
    return n


@pytest.mark.parametrize(
    ("d", "m", "wanted"), [(1, 1, 4), (2, 1, 4), (7, 1, 4), (20, 1, 4), (21, 1, 10), (2, 2, 4), (3, 2, 6), (9, 3, 6)]
)
def test_the_start_by_itself(d: int, m: int, wanted: int) -> None:
    assert n_sobol(d, m=m) == wanted


@pytest.mark.parametrize("n", [1, 3, 9])
def test_the_start_that_was_asked_for(n: int) -> None:
    assert n_sobol(5, n_startup_trials=n) == n
    assert n_sobol(5, m=2, n_startup_trials=n) == n


def test_failed_trials_do_not_count() -> None:
    space = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
    opt, sobol = (hp.Optimizer(space, sampler, seed=0) for sampler in ("gp", "sobol"))
    for number in range(7):
        trial, other = opt.ask(), sobol.ask()
        assert trial.params == other.params
        failed = number in (1, 2, 4)
        for each, search in ((trial, opt), (other, sobol)):
            search.tell(each, None if failed else each.params["x"], state="failed" if failed else None)
    assert opt.ask().params != sobol.ask().params
