"""Slices through the surrogate."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures import slices
from hpcore.report.figures.slices import draw
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told, trace


@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_a_slice_is_near_the_function_and_its_band_around_it(way: str) -> None:
    sign = 1.0 if way == "minimize" else -1.0
    space = {"x": hp.Float(0.0, 1.0), "y": hp.Float(0.0, 1.0)}
    opt = told(40, lambda t: sign * ((t["x"] - 0.3) ** 2 + t["y"]), space, direction=way)
    drawn = section(draw, opt, params=["x"])
    line = trace(drawn, "surrogate")
    best = opt.best_trial
    np.testing.assert_allclose(line["y"], sign * ((line["x"] - 0.3) ** 2 + best["y"]), atol=0.05)
    band = next(each for each in drawn.panels[0].data if each.get("fill") == "toself")
    n = len(line["x"])
    assert np.all(band["y"][:n] <= line["y"] + 1e-6)
    assert np.all(line["y"] <= band["y"][n:][::-1] + 1e-6)
    star = trace(drawn, "best")
    assert (star["x"][0], star["y"][0]) == pytest.approx((best["x"], best.value))
    low, high = drawn.panels[0].layout["yaxis"]["range"]
    assert low <= star["y"][0] <= high


def test_choices_have_a_bar_each_and_inactive_trials_no_point() -> None:
    space = {"c": hp.Categorical(["a", "b", "c"]), "x": hp.Float(0, 1, when={"c": "b"})}
    opt = told(30, lambda t: t.get("x", 2.0), space)
    drawn = section(draw, opt, params=["c", "x"])
    assert trace(drawn, "surrogate", 0)["x"].tolist() == [0.0, 1.0, 2.0]
    assert len(trace(drawn, "trials", 0)["x"]) == 30
    active = [t["x"] for t in opt.trials if "x" in t]
    assert trace(drawn, "trials", 1)["x"].tolist() == pytest.approx(active)


def test_many_trials_are_thinned_by_rank(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "MOST_TRIALS", 10)
    opt = told(60, lambda t: t["x"], {"x": hp.Float(0, 1)})
    drawn = section(draw, opt)
    shown = trace(drawn, "trials")["y"]
    values = sorted(t.value for t in opt.trials)  # type: ignore[type-var]
    assert len(shown) == 10
    assert (shown.min(), shown.max()) == pytest.approx((values[0], values[-1]))
    assert "10 of even ranks are drawn" in drawn.lead


def test_too_few_trials() -> None:
    with pytest.raises(NothingToShow, match="a surrogate needs at least"):
        section(draw, told(3))
