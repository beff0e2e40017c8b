"""The native twin of a parameter: what a copy keeps, and what only the core refuses."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import hpcore as hp
from hpcore._core import space as native
from hpcore.errors import InvalidArgument
from hpcore.space.parameter import Parameter

FIELDS = [name for name in dir(native.Column) if isinstance(getattr(native.Column, name), property)]


def fields(column: native.Column) -> dict[str, Any]:
    return {name: getattr(column, name) for name in FIELDS}


@pytest.mark.parametrize(
    "parameter",
    [
        hp.Float(0.1, 0.9999999999999999, step=0.1),
        hp.Float(1.0, 1.0 + 1e-12, step=3.3e-15),  # a step of a few roundings
        hp.Float(1e-3, 1.0, log=True),
        hp.Normal(0, 1, step=0.25),
        hp.Normal(1, 2, log=True, high=5.0),
        hp.Int(1, 100, log=True, step=7),
        hp.Categorical(list("abc"), weights=[1, 2, 3]),
    ],
    ids=repr,
)
def test_a_copy_has_the_same_column(parameter: Parameter) -> None:
    for other in (pickle.loads(pickle.dumps(parameter)), copy.deepcopy(parameter), copy.copy(parameter)):  # noqa: S301
        assert fields(other.core.column) == fields(parameter.core.column)
        assert other == parameter


@pytest.mark.parametrize(
    ("mean", "options"),
    [
        (2.9e293, {"step": 2.7e-232}),
        (0, {"log": True, "high": 1.2, "step": 5e-324}),
        (0, {"log": True, "high": 1.2, "step": 1.7e308}),
    ],
)
def test_a_normal_whose_step_has_no_multiple_is_refused_by_a_typed_error(mean: float, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgument, match=r"step must have a multiple within 8\.3 std"):
        hp.Normal(mean, 1, **options)


def test_columns_cannot_be_made_or_changed_by_hand() -> None:
    with pytest.raises(TypeError, match="No constructor"):
        native.Column()
    with pytest.raises(AttributeError):
        hp.Int(1, 3).core.column.last = 7  # type: ignore[misc]


def test_the_core_refuses_what_no_space_can_be() -> None:
    a = native.integer("a", 0, 3, log=False, step=1)
    for parameters, words in (
        ([], "at least one"),
        ([a, a], "'a' twice"),
        ([native.when(a, "b", at_least=1)], "of 'a' must name a parameter of the space, got 'b'"),
        ([native.when(a, "a", values=[1])], "cycle"),
        ([a, native.when(a.named("b"), "a", at_least=3.5)], "of 'b' on 'a' can never hold, got at_least 3.5"),
    ):
        with pytest.raises(ValueError, match=words):
            native.Space(parameters)
