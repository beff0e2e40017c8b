"""Slopes of continuous parameters against central differences of `decode`."""

from __future__ import annotations

import math

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument

KINDS = [
    hp.Float(-2.0, 5.0),
    hp.Float(1e-4, 1e3, log=True),
    hp.Float(1e3, 1e3 + 1.0),
    hp.Normal(1.0, 2.0),
    hp.Normal(0.5, 1.5, log=True),
    hp.Normal(0.0, 1.0, low=-0.5),
    hp.Normal(0.0, 1.0, high=0.25),
    hp.Normal(0.0, 1.0, low=2.0, high=5.0),  # the upper tail
    hp.Normal(0.0, 1.0, low=-6.0, high=-3.0),  # the lower tail
    hp.Normal(0.0, 1.0, log=True, low=0.5, high=20.0),
    hp.Normal(0.0, 1e3, low=1.0, high=1.01),  # so narrow that its density is even
    hp.Normal(0.0, 1e3, log=True, low=1.0, high=1.01),
]


@pytest.mark.parametrize("parameter", KINDS, ids=repr)
def test_slopes_against_central_differences(parameter: hp.Parameter) -> None:
    space = hp.Space({"p": parameter})
    for u in (0.001, 0.1, 0.37, 0.5, 0.8, 0.999):
        h = 0.02 * min(u, 1.0 - u)
        # Richardson's step removes the error of order h^2.
        coarse, fine = (
            (space.decode([u + step])["p"] - space.decode([u - step])["p"]) / (2.0 * step) for step in (h, h / 2.0)
        )
        slope = space.slopes(space.decode([u]))["p"]
        assert slope == pytest.approx((4.0 * fine - coarse) / 3.0, rel=1e-5)


@pytest.mark.parametrize("parameter", KINDS[:2] + KINDS[7:10], ids=repr)
def test_slopes_at_the_bounds_are_those_inside(parameter: hp.Parameter) -> None:
    space = hp.Space({"p": parameter})
    for u, inside in ((0.0, 1e-9), (1.0, 1.0 - 1e-9)):
        assert space.slopes(space.decode([u]))["p"] == pytest.approx(
            space.slopes(space.decode([inside]))["p"], rel=2e-3
        )


def test_parameters_whose_values_jump_have_none() -> None:
    space = hp.Space(
        {
            "a": hp.Float(0.0, 1.0, step=0.25),
            "b": hp.Normal(0.0, 1.0, step=0.5),
            "c": hp.Int(1, 5),
            "d": hp.Categorical([1, 2]),
            "e": hp.Float(0.0, 3.0),
        }
    )
    assert space.slopes({"a": 0.25, "b": 0.5, "c": 2, "d": 1, "e": 1.0}) == {"e": 3.0}


def test_only_active_parameters_have_one() -> None:
    space = hp.Space({"d": hp.Categorical(["x", "y"]), "e": hp.Float(0.0, 3.0, when={"d": "x"})})
    assert space.slopes({"d": "x", "e": 1.0}) == {"e": 3.0}
    assert space.slopes({"d": "y"}) == {}
    with pytest.raises(InvalidArgument, match="params must leave out 'e'"):
        space.slopes({"d": "y", "e": 1.0})


def test_a_single_value_has_no_slope() -> None:
    assert hp.Space({"x": hp.Float(2.0, 2.0)}).slopes({"x": 2.0}) == {"x": 0.0}
    assert hp.Space({"x": hp.Normal(0.0, 1.0, low=1.0, high=1.0)}).slopes({"x": 1.0}) == {"x": 0.0}


def test_a_range_beyond_doubles() -> None:
    assert hp.Space({"x": hp.Float(-1.5e308, 1.5e308)}).slopes({"x": 0.0}) == {"x": math.inf}


def test_slopes_of_many_rows() -> None:
    space = hp.Space({"x": hp.Float(1.0, 10.0, log=True), "n": hp.Int(0, 4), "z": hp.Normal(0.0, 1.0)})
    rows = np.random.default_rng(0).uniform(size=(20, 3))
    slopes = space.columns.codec.slopes(rows)
    for row, slope in zip(rows, slopes, strict=True):
        expected = space.slopes(space.decode(row))
        assert slope[[0, 2]].tolist() == pytest.approx([expected["x"], expected["z"]], rel=1e-9)
        assert math.isnan(slope[1])
