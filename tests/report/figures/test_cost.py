"""Cost against score."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures.cost import draw
from hpcore.report.section import NothingToShow
from tests.report.samples import dated, section, told, trace


@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_the_line_is_the_best_value_up_to_each_cost(way: str) -> None:
    rng = np.random.default_rng(0)
    costs, values = rng.integers(1, 40, 60).astype(float), rng.normal(size=60)
    opt = told(60, lambda t: {"value": values[t.number], "cost": costs[t.number]}, direction=way)
    drawn = section(draw, opt)
    line = trace(drawn, "best for its cost")
    best = min if way == "minimize" else max
    for x, y in zip(line["x"], line["y"], strict=True):
        assert y == pytest.approx(best(values[costs <= x]))
    assert np.all(np.diff(line["x"]) > 0.0)
    assert line["y"][-1] == pytest.approx(best(values))
    assert line["x"][-1] == costs[np.flatnonzero(values == best(values))].min()
    assert drawn.panels[0].layout["xaxis"]["title"]["text"] == "cost"
    assert drawn.panels[0].layout["xaxis"]["type"] == "log"


def test_seconds_where_no_cost_was_told() -> None:
    drawn = section(draw, dated([(3.0, 0.0, 0.0), (2.0, 0.0, 1.0), (1.0, 0.0, 2.0), (1.5, 0.0, 5.0)]))
    assert drawn.panels[0].layout["xaxis"]["title"]["text"] == "seconds"
    assert drawn.panels[0].layout["xaxis"]["type"] == "linear"
    assert trace(drawn, "best for its cost")["x"].tolist() == [1.0, 2.0]  # a trial of no time has no place


def test_trials_beyond_limits_buy_nothing() -> None:
    rows = [(0.0, 9.0), (1.0, 1.0), (2.0, 1.0)]
    opt = told(
        3,
        lambda t: {"value": rows[t.number][0], "metrics": {"ms": rows[t.number][1]}, "cost": 1.0 + t.number},
        limits={"ms": hp.at_most(5.0)},
    )
    assert trace(section(draw, opt), "best for its cost")["y"].tolist() == [1.0]


def test_no_costs() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0)
    opt.add_many([({"x": 0.1}, 1.0), ({"x": 0.2}, 2.0)])
    with pytest.raises(NothingToShow, match="fewer than two complete trials have a cost"):
        section(draw, opt)
