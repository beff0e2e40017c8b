"""Surfaces and maps of two parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures.surface import draw, draw_contour
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told

SPACE = {"x": hp.Float(1e-3, 1e3, log=True), "y": hp.Float(-1.0, 1.0), "c": hp.Categorical(["a", "b"])}


def value(trial: dict[str, float]) -> float:
    return math.log10(trial["x"]) + trial["y"] ** 2


@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_heights_are_near_the_function(way: str) -> None:
    opt = told(60, value, SPACE, direction=way)
    for made in (section(draw, opt, params=["x", "y"]), section(draw_contour, opt, params=["x", "y"])):
        field, points = made.panels[0].data[:2]
        x, y = np.meshgrid(field["x"], field["y"])
        np.testing.assert_allclose(field["z"], np.log10(x) + y**2, atol=0.2)
        assert field["reversescale"] is (way == "minimize")  # light is good
        assert len(points["x"]) == 60
    star = made.panels[0].data[2]
    assert (star["x"][0], star["y"][0]) == pytest.approx((opt.best_trial["x"], opt.best_trial["y"]), rel=1e-6)
    assert made.panels[0].layout["xaxis"]["range"] == pytest.approx([-3.0, 3.0])


def test_a_surface_is_of_numbers_and_a_map_of_choices_too() -> None:
    opt = told(30, value, SPACE)
    assert {panel.label for panel in section(draw, opt).panels} in ({"x × y"}, {"y × x"})
    maps = section(draw_contour, opt).panels
    assert len(maps) == 3
    assert {panel.data[0]["type"] for panel in maps if "c" in panel.label} == {"heatmap"}


def test_no_surface_where_a_parameter_is_inactive() -> None:
    space = {
        "a": hp.Int(1, 5),
        "b": hp.Float(0.0, 1.0, when={"a": hp.at_least(3)}),
        "k": hp.Categorical([0, 1]),
        "d": hp.Float(0.0, 1.0, when={"k": 0}),
        "e": hp.Float(0.0, 1.0, when={"k": 1}),
    }
    opt = told(40, lambda t: t.get("b", 0.5) + t.get("d", 0.0) + t.get("e", 0.0) + t["a"], space)
    (field, *_) = section(draw, opt, params=["a", "b"]).panels[0].data
    assert np.isnan(field["z"]).tolist() == [[a < 3 for a in field["x"]] for _ in field["y"]]
    with pytest.raises(NothingToShow, match="no two of these parameters are active together"):
        section(draw, opt, params=["d", "e"])


@pytest.mark.parametrize("high", [1.0, 1e300])
def test_a_parameter_that_plotly_cannot_draw(high: float) -> None:
    opt = told(20, lambda t: t["y"], {"x": hp.Float(1.0 if high == 1.0 else -high, high), "y": hp.Float(0, 1)})
    with pytest.raises(NothingToShow):
        section(draw_contour, opt, params=["x", "y"])


def test_the_star_keeps_the_limits() -> None:
    def limited(trial: hp.Trial) -> dict[str, object]:
        return {"value": value(trial), "metrics": {"y": trial["y"]}}

    opt = told(60, limited, SPACE, limits={"y": hp.at_least(0.5)})
    assert opt.best_trial["y"] >= 0.5
    star = section(draw_contour, opt, params=["x", "y"]).panels[0].data[2]
    assert (star["x"][0], star["y"][0]) == pytest.approx((opt.best_trial["x"], opt.best_trial["y"]), rel=1e-6)
    opt = told(20, limited, SPACE, limits={"y": hp.at_least(2.0)})
    assert not len(section(draw_contour, opt, params=["x", "y"]).panels[0].data[2]["x"])


def test_one_parameter() -> None:
    with pytest.raises(NothingToShow, match="a surface needs two numeric parameters, got 1"):
        section(draw, told(9, lambda t: t["x"], {"x": hp.Float(0, 1), "c": hp.Categorical(["a", "b"])}))
