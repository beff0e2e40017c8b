"""Parents of given parameters: drawn from where the conditions hold, as they are distributed there."""

import numpy as np
import pytest
from scipy.stats import kstest

import hpcore as hp

WEIGHTED = hp.Categorical([0, 1, 2, 3, 4], weights=[1, 2, 3, 4, 5], ordered=True)

CASES = [
    (hp.Int(1, 1000, log=True), hp.at_least(7)),
    (hp.Int(1, 1000, log=True), [3, 4, 5, 900]),
    (hp.Int(0, 2**62, step=2), hp.at_most(11)),
    (hp.Int(-3, 9), [-3, 9]),
    (hp.Float(0, 1, step=0.1), hp.at_least(0.75)),
    (hp.Float(1e-3, 1, log=True), hp.at_most(0.01)),
    (hp.Float(0, 1), hp.at_least(1)),
    (hp.Normal(0, 1), hp.at_least(0.75)),
    (WEIGHTED, [1, 2, 4]),
    (WEIGHTED, hp.at_most(1)),
]


@pytest.mark.parametrize(("parent", "when"), CASES)
def test_a_parent_that_is_left_out_is_drawn_where_the_child_is_active(parent, when):
    """Against the oracle of drawing both until the child is active, where that can be done."""
    space = hp.Space({"p": parent, "x": hp.Float(0, 1, when={"p": when})})
    rows = np.random.default_rng(0).random((150, 2))
    drawn = [space.complete({"x": 0.5}, u) for u in rows]
    assert all(params["x"] == 0.5 and space.check(params) == params for params in drawn)
    oracle = [params["p"] for params in space.sample(6000, seed=1) if "x" in params]
    if len(oracle) >= 30:
        mine, theirs = np.array([p["p"] for p in drawn], float), np.array(oracle, float)
        assert kstest(mine, theirs).pvalue > 1e-3


def test_several_children_leave_what_suits_them_all():
    space = hp.Space(
        {
            "p": hp.Int(0, 100),
            "x": hp.Float(0, 1, when={"p": hp.at_least(40)}),
            "y": hp.Float(0, 1, when={"p": [1, 41, 42, 90]}),
            "z": hp.Float(0, 1, when={"p": hp.at_most(89)}),
        }
    )
    rows = np.random.default_rng(0).random((60, 4))
    assert {space.complete({"x": 0.1, "y": 0.2, "z": 0.3}, u)["p"] for u in rows} == {41, 42}


def test_what_is_given_is_not_drawn():
    space = hp.Space({"p": hp.Int(0, 100), "x": hp.Float(0, 1, when={"p": hp.at_least(40)})})
    assert space.complete({"p": 40, "x": 0.5}, np.array([0.9, 0.1])) == {"p": 40, "x": 0.5}
