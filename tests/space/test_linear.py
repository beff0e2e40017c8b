"""`linear`: a weighted sum between bounds, as an object."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import hpcore as hp

SPACE = {
    "a": hp.Float(0.0, 1.0),
    "n": hp.Int(0, 9),
    "kind": hp.Categorical(["x", "y"]),
    "b": hp.Float(0.0, 1.0, when={"kind": "x"}),
}


@pytest.mark.parametrize(
    ("bounds", "params", "allowed"),
    [
        ({"at_most": 2.5}, {"a": 0.5, "n": 1}, True),
        ({"at_most": 2.5}, {"a": 0.5001, "n": 1}, False),
        ({"at_least": 2.5}, {"a": 0.5, "n": 1}, True),
        ({"at_least": 2.5}, {"a": 0.4, "n": 1}, False),
        ({"at_least": 0, "at_most": 1}, {"a": 0.5, "n": 0, "b": 0.1}, True),
        ({"at_least": 0, "at_most": 1}, {"a": 0.0, "n": 0, "b": 0.1}, False),
    ],
)
def test_the_sum_of_what_is_active_is_between_the_bounds(bounds: Any, params: Any, allowed: bool) -> None:
    constraint = hp.linear({"a": 1.0, "n": 2, "b": -1}, **bounds)
    assert constraint(params) is allowed


def test_it_is_a_value() -> None:
    one, other = hp.linear({"a": 1, "n": 2.0}, at_most=3), hp.linear({"a": 1, "n": 2.0}, at_most=4)
    assert one == hp.linear({"n": 2, "a": 1.0}, at_most=3.0) and one != other and one != "linear"
    assert len({one, other, hp.linear({"n": 2, "a": 1.0}, at_most=3.0)}) == 2
    for again in (copy.deepcopy(one), pickle.loads(pickle.dumps(one)), eval(repr(one), {"linear": hp.linear})):  # noqa: S301, S307
        assert again == one and again({"a": 1.0, "n": 1}) is True
    space = hp.Space(SPACE, constraints=[one])
    assert pickle.loads(pickle.dumps(space)) == space  # noqa: S301


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [
        (lambda: hp.linear({"a": 1}), hp.errors.InvalidArgument, "at_most, at_least or both"),
        (lambda: hp.linear({}, at_most=1), hp.errors.InvalidArgument, "at least one parameter"),
        (lambda: hp.linear(["a"], at_most=1), hp.errors.InvalidType, "mapping"),
        (lambda: hp.linear({1: 1}, at_most=1), hp.errors.InvalidType, "named by str"),
        (lambda: hp.linear({"a": "1"}, at_most=1), hp.errors.InvalidType, "coefficients\\['a'\\]"),
        (lambda: hp.linear({"a": float("nan")}, at_most=1), hp.errors.InvalidArgument, "finite"),
        (lambda: hp.linear({"a": 1}, at_most=float("inf")), hp.errors.InvalidArgument, "at_most"),
        (lambda: hp.linear({"a": 1}, at_most=True), hp.errors.InvalidType, "at_most"),
        (lambda: hp.linear({"a": 1}, at_most=1, at_least=2), hp.errors.InvalidArgument, "at_least must be <="),
        (lambda: hp.Space(SPACE, [hp.linear({"z": 1}, at_most=1)]), hp.errors.InvalidSpace, "'z'"),
        (lambda: hp.Space(SPACE, [hp.linear({"kind": 1}, at_most=1)]), hp.errors.InvalidSpace, "categorical"),
        (lambda: hp.Space(SPACE, [hp.linear({"a": 1}, at_least=2)]), hp.errors.InfeasibleSpace, "must allow"),
    ],
)
def test_wrong_use_is_an_error_that_names_it(given: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        given()
