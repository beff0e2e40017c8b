"""Parallel coordinates."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures.parallel import INACTIVE, draw
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told

CONDITIONAL = {
    "c": hp.Categorical(["<a>", "b"]),
    "x": hp.Float(1.0, 100.0, log=True, when={"c": "b"}),
}


@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_lines(way: str) -> None:
    opt = told(30, lambda t: t.get("x", 50.0) if t.number != 7 else -1e9, CONDITIONAL, direction=way)
    (lines,) = section(draw, opt, params=["c", "x"]).panels[0].data
    choice, x, value = lines["dimensions"]
    order = sorted(range(30), key=lambda i: opt.trials[i].value, reverse=way == "minimize")  # type: ignore[arg-type,return-value]
    trials = [opt.trials[i] for i in order]
    assert choice["ticktext"] == ["‹a›", "b"]  # plotly reads no entities here
    inactive = ["x" not in t for t in trials]
    assert (x["values"] == np.float32(INACTIVE)).tolist() == inactive
    expected = [np.log10(t["x"]) / 2 for t in trials if "x" in t]
    np.testing.assert_allclose(x["values"][~np.array(inactive)], expected, atol=1e-6)
    for tick, label in list(zip(x["tickvals"], x["ticktext"], strict=True))[1:]:
        assert tick == pytest.approx(np.log10(float(label)) / 2)
    for axis in lines["dimensions"]:
        assert np.all((axis["values"] >= axis["range"][0]) & (axis["values"] <= axis["range"][1]))
    # The best is within the range, and its colour is the light end of the scale; others far off are at the edge.
    assert value["range"][0] <= opt.best_value <= value["range"][1]
    assert lines["line"]["reversescale"] is (way == "minimize")
    assert np.argmax(lines["line"]["color"] * (-1 if way == "minimize" else 1)) == 29


def test_nothing_to_show() -> None:
    with pytest.raises(NothingToShow, match="two trials with a value, got 1"):
        section(draw, told(1))
    with pytest.raises(NothingToShow, match="no parameter has two values"):
        section(draw, told(5, lambda t: 1.0, {"c": hp.Categorical(["a"])}, repeats=None))
