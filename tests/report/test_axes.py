"""Axes of parameters, against the space's own decoding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.axes import FEW_TICKS, MOST_TICKS, NARROW_TICKS, SHORT, Axis

PARAMETERS: dict[str, hp.space.Parameter] = {
    "float": hp.Float(-3.0, 5.0),
    "float log": hp.Float(1e-8, 1e2, log=True),
    "narrow log": hp.Float(1.0, 2.0, log=True),
    "float step": hp.Float(0.0, 1.0, step=0.1),
    "float log step": hp.Float(0.1, 10.0, step=0.1, log=True),
    "far": hp.Float(1e9, 1e9 + 1.0),
    "huge": hp.Float(-1e300, 1e300),
    "int": hp.Int(-5, 5),
    "int log": hp.Int(1, 10**6, log=True),
    "int step": hp.Int(0, 1000, step=7),
    "int large": hp.Int(-(2**53), 2**53),
    "normal": hp.Normal(3.0, 2.0),
    "normal log": hp.Normal(0.0, 1.0, log=True),
    "half normal": hp.Normal(0.0, 1.0, low=0.0),
    "choices": hp.Categorical(["b", "a", None, 1.5, math.nan, b"\xff", (1, 2), ""]),
    "ordered": hp.Categorical([8, 16, 32, 64], ordered=True),
    "weighted": hp.Categorical(["a", "b", "c"], weights=[8, 1, 1]),
    "many": hp.Categorical([f"the choice of number {i}" for i in range(200)]),
    "one": hp.Categorical(["only"]),
    "constant": hp.Float(2.5, 2.5),
}


@pytest.fixture(params=PARAMETERS, name="name")
def name_(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def axis(name: str) -> Axis:
    return Axis(hp.Space({"before": hp.Int(0, 3), name: PARAMETERS[name]}), name)


def decoded(name: str, u: Any) -> list[Any]:
    space = hp.Space({name: PARAMETERS[name]})
    return [params[name] for params in space.decode(np.reshape(u, (-1, 1)))]


def place_of(name: str, value: Any) -> float:
    parameter = PARAMETERS[name]
    if isinstance(parameter, hp.Categorical):
        return next(i for i, c in enumerate(parameter.choices) if c is value or c == value)
    return float(value)


def test_places_are_decoded_values(name: str, axis: Axis) -> None:
    u = np.random.default_rng(0).random(50)
    expected = [place_of(name, value) for value in decoded(name, u)]
    np.testing.assert_array_equal(axis.places(u), expected)
    assert axis.column == 1
    assert np.isnan(axis.places(np.array([math.nan, 0.5]))).tolist() == [True, False]


def test_a_grid_covers_the_axis_once(name: str, axis: Axis) -> None:
    u = axis.grid(30)
    places = axis.places(u)
    levels = PARAMETERS[name].levels
    assert len(u) == (levels if levels is not None and levels <= 30 else 30)
    assert np.all((u >= 0.0) & (u <= 1.0))
    assert np.isfinite(places).all()
    assert np.all(np.diff(places) >= 0.0)
    if levels is not None and levels <= 30:
        assert len(np.unique(places)) == levels
    elif not any(PARAMETERS[name].open_ends):
        assert places[[0, -1]].tolist() == axis.places(np.array([0.0, 1.0])).tolist()


def test_ticks_are_where_their_labels_say(name: str, axis: Axis) -> None:
    u, labels = axis.ticks()
    assert 1 <= len(u) == len(labels) <= FEW_TICKS + 1
    assert np.all((u >= 0.0) & (u <= 1.0))
    assert all(len(label) <= SHORT for label in labels)
    if axis.coded:
        assert [axis.labels[int(place)][: SHORT - 1] for place in axis.places(u)] == [
            label[: SHORT - 1].rstrip("…") for label in labels
        ]
    else:
        np.testing.assert_allclose(axis.places(u), [float(label) for label in labels], rtol=1e-3, atol=1e-9)
        assert "-0" not in labels


@pytest.mark.parametrize("narrow", [False, True])
def test_an_axis_of_plotly(axis: Axis, narrow: bool) -> None:
    drawn = axis.drawn(narrow)
    assert drawn["type"] == ("log" if axis.log else "linear")
    assert drawn.get("dtick", 1) >= 1
    if axis.coded:
        assert len(drawn["tickvals"]) == len(drawn["ticktext"]) <= (NARROW_TICKS if narrow else MOST_TICKS)
        assert drawn["tickvals"][0] == 0


def test_labels_are_for_people_and_escaped_where_plotly_reads_tags() -> None:
    axis = Axis(hp.Space({"<i>": hp.Categorical(["<b>", dict, math.nan])}), "<i>")
    assert axis.labels == ("<b>", "dict", "nan")
    assert axis.title == "&lt;i&gt;"
    assert axis.drawn()["ticktext"] == ["&lt;b&gt;", "dict", "nan"]
    assert axis.ticks()[1] == ["‹b›", "dict", "nan"]


def test_conditions_do_not_change_places() -> None:
    space = hp.Space({"on": hp.Categorical([True, False]), "x": hp.Float(2.0, 4.0, when={"on": True})})
    assert Axis(space, "x").places(np.array([0.25])).tolist() == [2.5]
