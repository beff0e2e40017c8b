"""Surrogate of a report: signs, rows of the cube, outliers."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.model import MIN_TRIALS, MOST_ROWS, Surrogate
from hpcore.report.record import read
from hpcore.report.section import Material, NothingToShow
from tests.report.samples import told

CHAIN = {
    "kind": hp.Categorical(["a", "b"]),
    "depth": hp.Int(1, 5, when={"kind": "a"}),
    "width": hp.Float(0.0, 1.0, when={"depth": hp.at_least(3)}),
    "rate": hp.Float(1e-4, 1.0, log=True, when={"kind": "b"}),
}


def value(trial: hp.Trial) -> float:
    return trial.get("width", 0.5) + 0.1 * trial.get("depth", 3) + math.log10(trial.get("rate", 1.0)) ** 2


@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_predictions_are_in_the_users_sign(way: str) -> None:
    record = read(told(30, lambda t: 3.0 + t["x"], direction=way))
    model = Surrogate(record, 0)
    mean, std = model.predict(record.X)
    np.testing.assert_allclose(mean, record.values[:, 0], atol=0.02)
    assert np.all(std >= 0.0)


def test_rows_keep_conditions_and_grids() -> None:
    record = read(told(40, value, CHAIN))
    model = Surrogate(record, 0)
    space = record.space
    for column, name in enumerate(space.names):
        u = record.axes[name].grid(13)
        rows = model.rows(model.base(column), (column,), u[:, None])
        back = space.encode(space.decode(rows))
        np.testing.assert_allclose(rows, back, rtol=0, atol=1e-12)  # legal points, NaN where inactive
        np.testing.assert_allclose(rows[:, column], u, atol=0.1)  # that is what was varied


def test_the_base_is_the_best_trial_in_which_the_parameters_are_active() -> None:
    record = read(told(40, value, CHAIN))
    model = Surrogate(record, 0)
    lower = record.values[:, 0]
    for names in (("kind",), ("depth",), ("depth", "width"), ("rate",)):
        columns = [record.space.names.index(name) for name in names]
        active = ~np.isnan(record.X[:, columns]).any(axis=1)
        best = min(np.flatnonzero(active), key=lambda i: lower[i])
        np.testing.assert_array_equal(model.base(*columns), record.X[best])


def test_the_base_keeps_the_limits() -> None:
    opt = told(30, lambda t: {"value": t["x"], "metrics": {"x": t["x"]}}, limits={"x": hp.at_least(0.5)})
    record = read(opt)
    np.testing.assert_array_equal(Surrogate(record, 0).base(0), record.X[opt.best_trial.number])


def test_a_diverged_trial_does_not_hide_the_others() -> None:
    record = read(told(40, lambda t: 1e300 if t.number in (3, 9) else t["x"]))
    mean, _ = Surrogate(record, 0).predict(record.X)
    ordinary = np.setdiff1d(np.arange(40), [3, 9])
    assert np.corrcoef(mean[ordinary], record.values[ordinary, 0])[0, 1] > 0.9


def test_many_trials_are_represented() -> None:
    record = read(told(MOST_ROWS + 50, lambda t: t["x"], {"x": hp.Float(0, 1)}))
    assert Surrogate(record, 0).n == MOST_ROWS


def test_failed_running_and_missing_trials_are_left_out() -> None:
    opt = told(20, lambda t: {"error": "no"} if t.number % 5 == 0 else None if t.number % 5 == 1 else t["x"])
    opt.history.skip(25)
    assert Surrogate(read(opt), 0).n == 12


def test_too_few_trials() -> None:
    with pytest.raises(NothingToShow, match=f"at least {MIN_TRIALS} trials with a value, got {MIN_TRIALS - 1}"):
        Material(read(told(MIN_TRIALS - 1))).surrogate()
