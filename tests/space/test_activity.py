"""Points with missing values: what is active is open where a missing value decides."""

import math

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType

NAN = math.nan


def make() -> hp.Space:
    return hp.Space(
        {
            "layers": hp.Int(1, 3),
            "kind": hp.Categorical(["a", "b"], when={"layers": hp.at_least(2)}),
            "rate": hp.Float(0, 1, when=[{"kind": "a"}, {"layers": 1}]),
        }
    )


def is_nan(space: hp.Space, params: dict, **options) -> list[bool]:
    return np.isnan(space.encode(params, missing="inactive", **options)).tolist()


def test_a_missing_value_is_nan_as_an_inactive_one() -> None:
    space = make()
    assert is_nan(space, {"layers": 2}) == [False, True, True]
    assert is_nan(space, {"layers": 1}) == [False, True, True]
    assert is_nan(space, {"layers": 2, "kind": "a"}) == [False, False, True]
    assert is_nan(space, {}) == [True, True, True]
    whole = {"layers": 2, "kind": "a", "rate": 0.25}
    assert np.array_equal(space.encode(whole, missing="inactive"), space.encode(whole))
    rows = space.encode([whole, {"layers": 3}], missing="inactive")
    assert np.array_equal(rows[0], space.encode(whole)) and np.isnan(rows[1]).tolist() == [False, True, True]


def test_what_depends_on_a_missing_value_may_be_there() -> None:
    space = make()
    assert is_nan(space, {"rate": 0.5}) == [True, True, False]
    assert is_nan(space, {"layers": 2, "rate": 0.5}) == [False, True, False]
    with pytest.raises(InvalidArgument, match="leave out 'kind'"):
        space.encode({"layers": 1, "kind": "a"}, missing="inactive")
    with pytest.raises(InvalidArgument, match=r"leave out 'rate'.* or "):
        space.encode({"layers": 3, "kind": "b", "rate": 0.5}, missing="inactive")


def test_defaults_stand_for_missing_values_of_active_parameters() -> None:
    space = make()
    defaults = {"layers": 2, "kind": "a", "rate": 0.5}
    assert space.complete_missing({}, defaults) == defaults
    assert space.complete_missing({"layers": 1}, defaults) == {"layers": 1, "rate": 0.5}
    assert space.complete_missing({"kind": "b"}, defaults) == {"layers": 2, "kind": "b"}
    assert list(space.complete_missing({"rate": 0.25}, defaults)) == ["layers", "kind", "rate"]
    assert np.array_equal(space.encode({}, defaults=defaults), space.encode(defaults))
    assert is_nan(space, {}, defaults={"layers": 3}) == [False, True, True]
    with pytest.raises(InvalidArgument, match="must give the active parameter 'kind'"):
        space.encode({}, defaults={"layers": 3})


def test_the_default_is_strict() -> None:
    space = make()
    with pytest.raises(InvalidArgument, match="must give the active parameter"):
        space.encode({"layers": 2})
    with pytest.raises(InvalidArgument, match="missing must be"):
        space.encode({"layers": 2}, missing="ignore")
    for wrong in ({"none": 1}, {"layers": 9}):
        with pytest.raises(InvalidArgument):
            space.encode(wrong, missing="inactive")
        with pytest.raises(InvalidArgument):
            space.encode({"layers": 1}, defaults=wrong)
    with pytest.raises(InvalidType):
        space.encode(3, missing="inactive")
    with pytest.raises(InvalidArgument, match="finite where a parameter is active"):
        space.decode(space.encode({"layers": 2}, missing="inactive"))


def test_recorded_points_are_decoded_without_what_is_missing() -> None:
    space = make()
    given = [{"layers": 2}, {"layers": 2, "kind": "a", "rate": 0.25}, {"rate": 0.5}, {}, {"layers": 1}]
    assert space.decode_recorded(space.encode(given, missing="inactive")) == given


@pytest.mark.parametrize(
    ("params", "complete", "partly"),
    [
        ({"layers": 1, "rate": 0.5}, True, True),
        ({"layers": 1}, False, True),
        ({"layers": 2, "kind": "b"}, True, True),
        ({"layers": 2, "kind": "b", "rate": 0.5}, False, False),
        ({"layers": 1, "kind": "a", "rate": 0.5}, False, False),
        ({"layers": 2}, False, True),
        ({}, False, True),
        ({"layers": 4}, False, False),
        ({"layers": 1, "rate": 0.5, "more": 1}, False, False),
        ({"layers": "one"}, False, False),
    ],
)
def test_explains(params: dict, complete: bool, partly: bool) -> None:
    assert make().explains(params) is complete
    assert make().explains(params, complete=False) is partly
