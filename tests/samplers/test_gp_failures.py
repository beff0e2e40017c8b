"""Trials that failed as the Gaussian process sees them, and errors of several objectives."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.records.history import COMPLETE, FAILED, History
from hpcore.records.streams import Rng
from hpcore.samplers.gp import _observed


def history(values: list[float | None], std_errors: list[float] | None = None) -> History:
    out = History(1, 1)
    for i, value in enumerate(values):
        out.append(np.array([i / 10]))
        if value is None:
            out.finish(i, FAILED, None)
        else:
            out.finish(i, COMPLETE, (value,), None if std_errors is None else std_errors[i])
    return out


def test_a_failure_counts_as_a_poor_value_that_is_not_sure() -> None:
    X, values, errors = _observed(history([3.0, None, 1.0, 2.0, None]), Rng(0, 5))
    np.testing.assert_array_equal(X[:, 0], [0.0, 0.1, 0.2, 0.3, 0.4])
    # Median 3, spread 0 of the first; median 2, spread 1 of all three.
    np.testing.assert_array_equal(values, [3.0, 3.0, 1.0, 2.0, 4.0])
    np.testing.assert_array_equal(errors, [0.0, 0.0, 0.0, 0.0, 1.0])


def test_it_never_changes_later_and_keeps_known_errors() -> None:
    """Else each new result would undo the fits that a failure was part of."""
    rng = np.random.default_rng(0)
    outcomes = [None if rng.random() < 0.3 else float(v) for v in rng.standard_normal(150)]
    outcomes[0] = 1.0
    given = rng.random(150).tolist()
    whole = _observed(history(outcomes, given), Rng(0, 150))
    for n in (1, 2, 60, 149):
        for part, all_of_it in zip(_observed(history(outcomes[:n], given), Rng(0, n)), whole, strict=True):
            np.testing.assert_array_equal(part, all_of_it[:n])
    complete = [i for i, value in enumerate(outcomes) if value is not None]
    np.testing.assert_array_equal(whole[2][complete], np.array(given)[complete])


@pytest.mark.parametrize("values", [[0.0, 0.0, 0.0, -1e308, None], [1e308, 1e308, -1e308, None], [1e-320, 0.0, None]])
def test_failures_beside_hostile_values(values: list[float | None]) -> None:
    _, column, errors = _observed(history(values), Rng(0, len(values)))
    assert np.isfinite(column).all()
    assert np.isfinite(errors).all()
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, hp.samplers.GPSampler(n_startup_trials=1), seed=0)
    for value in values:
        opt.tell(opt.ask(), value)
    assert 0 <= opt.ask()["x"] <= 1


def test_without_failures_nothing_is_added() -> None:
    _, values, errors = _observed(history([3.0, 1.0]), Rng(0, 2))
    np.testing.assert_array_equal(values, [3.0, 1.0])
    assert errors is None


@pytest.mark.parametrize("seed", range(3))
def test_a_region_that_fails_is_left(seed: int) -> None:
    """Without learning from failures nearly every proposal was one: 53 of 60."""
    space = {"k": hp.Categorical(["a", "b", "c"]), "x": hp.Float(0, 1), "y": hp.Float(0, 1)}
    opt = hp.Optimizer(space, "gp", seed=seed)
    for _ in range(50):
        trial = opt.ask()
        bad = trial["k"] == "b" or trial["x"] < 0.3
        opt.tell(trial, None if bad else (trial["x"] - 0.25) ** 2 + (trial["y"] - 0.5) ** 2 + (trial["k"] == "c"))
    assert sum(t.state == "failed" for t in opt.trials) < 40
    assert opt.best_value < 0.05


def test_errors_of_objectives_that_hardly_differ() -> None:
    out = History(1, 2)
    for i in range(6):
        out.append(np.array([i / 10]))
        out.finish(i, COMPLETE, (5e-324 * (i % 2), float(i)), 0.1 * (i % 3))
    _, column, errors = _observed(out, Rng(0, 6))
    assert np.isfinite(column).all()
    assert np.isfinite(errors).all()


def test_units_of_several_objectives_do_not_matter() -> None:
    def run(scale: float) -> list[dict[str, float]]:
        space = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
        opt = hp.Optimizer(space, "gp", directions=["minimize"] * 2, seed=0)
        for _ in range(15):
            t = opt.ask()
            opt.tell(t, [scale * t["x"], scale * (1 + t["y"] - t["x"])], std_error=1e-3 * scale)
        return [t.params for t in opt.trials]

    assert run(1.0) == run(2.0**20)
