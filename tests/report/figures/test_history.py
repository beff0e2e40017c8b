"""Progress of a search: best so far, random expectation, hypervolume."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures.history import draw, expected_best
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told, trace


def test_expected_best_against_monte_carlo() -> None:
    rng = np.random.default_rng(0)
    values = rng.lognormal(size=40)
    k = np.array([1, 2, 5, 30])
    expected = expected_best(values, k)
    assert expected[0] == pytest.approx(values.mean())
    for each, count in zip(expected, k, strict=True):
        draws = rng.choice(values, (20_000, count)).min(axis=1)
        assert abs(each - draws.mean()) < 5.0 * draws.std() / math.sqrt(len(draws))


@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_the_lines_of_a_search(way: str) -> None:
    opt = told(40, lambda t: t["x"], direction=way)
    drawn = section(draw, opt)
    line = trace(drawn, "best so far")
    values = np.array([t.value for t in opt.trials])
    so_far = (np.minimum if way == "minimize" else np.maximum).accumulate(values)
    for x, y in zip(line["x"].astype(int), line["y"], strict=True):
        assert y == pytest.approx(so_far[x])
    assert line["x"][-1] == 39
    assert str(opt.best_trial.number) in drawn.lead
    random = trace(drawn, "random search, expected")
    steps = np.diff(random["y"])
    assert np.all(steps <= 1e-6) if way == "minimize" else np.all(steps >= -1e-6)
    assert random["y"][0] == pytest.approx(0.5, abs=0.05)  # the mean of x
    # The best of n uniform draws is 1 / (n + 1) from the edge.
    assert random["y"][-1] == pytest.approx(1 / 41 if way == "minimize" else 40 / 41, abs=0.03)


def test_what_is_not_complete() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0)
    stopped, failed, *rest = opt.ask(8)
    opt.report(stopped, 0.25, 1)
    opt.tell(stopped, state="pruned")
    opt.tell(failed, error="Traceback\nValueError: <no>")
    for trial in rest:
        opt.tell(trial, 1.0 + trial.number)
    drawn = section(draw, opt)
    assert trace(drawn, "pruned")["y"].tolist() == [0.25]
    assert trace(drawn, "failed")["x"].tolist() == [1.0]
    assert "ValueError: &lt;no&gt;" in trace(drawn, "failed")["text"][0]
    assert "stopped early at their last report" in drawn.lead
    low, high = drawn.panels[0].layout["yaxis"]["range"]
    assert low < 0.25 < 8.0 < high


def test_trials_beyond_the_axis_are_counted() -> None:
    drawn = section(draw, told(30, lambda t: 1e9 if t.number in (4, 8) else t["x"]))
    assert "2 trials far from the others are beyond the axis" in drawn.lead
    assert drawn.panels[0].layout["yaxis"]["range"][1] < 2.0
    assert "beyond" not in section(draw, told(30, lambda t: t["x"])).lead


def test_the_share_of_the_hypervolume() -> None:
    opt = told(30, lambda t: (t["x"], t["k"]), directions=["minimize", "maximize"])
    line = trace(section(draw, opt), "hypervolume")
    # By counting cells of a fine grid that are dominated.
    values = np.array([t.values for t in opt.trials]) * [1.0, -1.0]
    scaled = (values - values.min(axis=0)) / np.ptp(values, axis=0)
    u = (np.arange(400) + 0.5) / 400 * 1.1
    share = []
    covered = np.zeros((400, 400), dtype=bool)
    for a, b in scaled:
        covered |= (u[:, None] >= a) & (u[None, :] >= b)
        share.append(covered.mean())
    np.testing.assert_allclose(line["y"], np.array(share) / share[-1], atol=0.01)


def test_nothing_to_show() -> None:
    with pytest.raises(NothingToShow, match="no trial is complete"):
        section(draw, told(3, lambda t: None))
