"""`hpcore.report.figure`: every figure as plotly takes it, subplots, wrong use."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

import hpcore as hp
import hpcore.report
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.report.figure import ACROSS
from tests.report.samples import SPACE, told

go = pytest.importorskip("plotly.graph_objects")

OF_TWO = ("history", "pareto", "importance", "slice", "surface", "contour", "parallel", "cost", "timeline", "failures")


@pytest.fixture(scope="module")
def two() -> hp.Optimizer:
    """Return a search of two objectives, with failures and times."""
    opt = hp.Optimizer(SPACE, sampler="random", directions=["minimize", "maximize"], seed=0)
    opt.add_many(
        {
            "params": params,
            "value": None if k % 9 == 0 else (params["x"], params["x"] * params["k"]),
            "started": float(k),
            "finished": 1.5 * k + 1.0,
        }
        for k, params in enumerate(opt.space.sample(24, seed=1))
    )
    return opt


@pytest.mark.parametrize("name", OF_TWO)
def test_every_figure_is_one_of_plotly(two: hp.Optimizer, name: str) -> None:
    figure = hp.report.figure(two, name)
    assert isinstance(figure, go.Figure)  # which checks the name of every property
    assert len(figure.data) >= 1
    json.loads(figure.to_json())


def test_names_are_those_that_are_drawn() -> None:
    assert set(hp.report.names()) == {*OF_TWO, "curves", "folds"}
    assert all(f'"{name}"' in (hp.report.figure.__doc__ or "") for name in hp.report.names())


def test_panels_become_subplots_that_do_not_overlap(two: hp.Optimizer) -> None:
    figure = hp.report.figure(two, "slice", objective=0)
    layout = figure.to_plotly_json()["layout"]
    n = len(SPACE)
    boxes = []
    for k in range(n):
        suffix = str(k + 1) if k else ""
        x, y = layout[f"xaxis{suffix}"], layout[f"yaxis{suffix}"]
        assert (x["anchor"], y["anchor"]) == (f"y{suffix}", f"x{suffix}")
        boxes.append((*x["domain"], *y["domain"]))
    assert all(0.0 <= a < b <= 1.0 and 0.0 <= c < d <= 1.0 for a, b, c, d in boxes)
    for i, (a, b, c, d) in enumerate(boxes):
        for e, f, g, h in boxes[:i]:
            assert b <= e or f <= a or d <= g or h <= c
    assert {trace.xaxis for trace in figure.data} == {"x", "x2", "x3"}
    assert {x["title"]["text"] for key, x in layout.items() if key.startswith("xaxis")} == set(SPACE)


def test_many_subplots_go_on_in_further_rows() -> None:
    space: dict[str, hp.space.Parameter] = {f"p{i}": hp.Float(0, 1) for i in range(ACROSS + 1)}
    layout = hp.report.figure(told(12, lambda t: t["p0"], space), "slice").to_plotly_json()["layout"]
    tops = [layout[f"yaxis{k or ''}"]["domain"][1] for k in (0, 2, 3, 4)]
    assert tops[0] == tops[1] == tops[2] > tops[3]


def test_params_and_objective_are_obeyed(two: hp.Optimizer) -> None:
    assert hp.report.figure(two, "slice", params=["k"], objective=1).layout.xaxis.title.text == "k"
    figure = hp.report.figure(two, "contour", params=["k", "x"], objective=1)
    assert (figure.layout.xaxis.title.text, figure.layout.yaxis.title.text) == ("k", "x")
    assert figure.data[0].colorbar.title.text == "objective 1"
    assert hp.report.figure(two, "parallel", params=["c"]).data[0].dimensions[0].label == "c"
    assert hp.report.figure(two, "surface", params=["x", "c"]).data[0].type == "surface"


@pytest.mark.parametrize(
    ("name", "options", "error", "message"),
    [
        ("histroy", {}, InvalidArgument, "name must be one of 'history'.*'histroy'.*did you mean 'history'"),
        ("history", {"params": ["x"]}, InvalidArgument, "params belongs to 'slice'"),
        ("timeline", {"objective": 0}, InvalidArgument, "objective belongs to 'slice'"),
        ("slice", {"params": "x"}, InvalidType, "params must be a list of names, got 'x'"),
        ("slice", {"params": ["y"]}, InvalidArgument, "params must name parameters of the space, got 'y'"),
        ("contour", {"params": ["x"]}, InvalidArgument, "params must name two parameters"),
        ("contour", {"params": ["x", "x"]}, InvalidArgument, "params must name two parameters"),
        ("slice", {"objective": 2}, InvalidArgument, r"objective must be within 0 \.\. 1, got 2"),
        ("slice", {"objective": 0.0}, InvalidType, "objective must be an integer"),
        ("curves", {}, InvalidArgument, "no trial has reported values of two steps"),
        ("folds", {}, InvalidArgument, "no candidates of a cross-validated search"),
    ],
)
def test_wrong_use(two: hp.Optimizer, name: str, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        hp.report.figure(two, name, **options)
    assert re.search(message, str(caught.value))
