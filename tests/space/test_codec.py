"""Values to the unit cube and back, on random spaces."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.space.parameter import Parameter
from tests.reference import spaces as ref

units = st.one_of(st.floats(0.0, 1.0), st.sampled_from([0.0, 1.0, 0.5, 5e-324, 1.0 - 2.0**-53, 2.0**-53]))
LARGEST = 1.7976931348623157e308

EXTREMES = [
    hp.Float(1e-300, 1e300, log=True),
    hp.Float(5e-324, LARGEST, log=True),
    hp.Float(-1.7e308, 1.7e308),
    hp.Float(-LARGEST, LARGEST),
    hp.Float(-1.7e308, 1.7e308, step=1e300),
    hp.Float(0.0, 1.0, step=0.1),
    hp.Float(0.1, 100.0, log=True, step=0.1),
    hp.Float(1e-7, 1e-6, step=1e-8),
    hp.Float(1e15, 1e15 + 10, step=0.5),
    hp.Float(1e10, 1e10 + 1e-3, log=True),
    hp.Float(1.0, math.nextafter(1.0, 2.0)),
    hp.Int(-(2**63), 2**63 - 1),
    hp.Int(0, 2**63 - 1, step=3),
    hp.Int(1, 2**63 - 1, log=True),
    hp.Int(1, 2**53, log=True),
    hp.Int(2**62, 2**62 + 3, log=True),
    hp.Int(2**63 - 4, 2**63 - 1),
    hp.Normal(0.0, 1.0),
    hp.Normal(0.0, 1.0, log=True),
    hp.Normal(0.0, 80.0, log=True),
    hp.Normal(0.0, 1.0, low=7.0),
    hp.Normal(0.0, 1.0, high=-7.0),
    hp.Normal(0.0, 1e308, low=-1e308, high=1e308),
    hp.Normal(0.0, 1e308, log=True, low=1e-300, high=1e300),
    hp.Normal(0.0, 1.0, low=-10.0, high=10.0, step=0.5),
    hp.Normal(0.0, 1.0, step=0.01),
    hp.Normal(0.0, 1.0, log=True, low=0.5, step=0.5, high=30.0),
    hp.Categorical(ref.LOOKALIKES),
    hp.Categorical([1, 2, 3], weights=[1.0, 1e-300, 1e300]),
    hp.Categorical(range(10_000)),
]


def check_legal(parameter: Parameter, value: object) -> None:
    """Bounds, grid and type, from the parameter's definition alone."""
    if isinstance(parameter, hp.Categorical):
        assert any(value is choice for choice in parameter.choices)
        return
    assert isinstance(parameter, hp.Int | hp.Float | hp.Normal)
    assert type(value) is (int if isinstance(parameter, hp.Int) else float)
    assert parameter.low <= value <= parameter.high
    assert math.isfinite(value)
    if isinstance(parameter, hp.Int):
        assert (value - parameter.low) % parameter.step == 0
    elif parameter.step is not None:
        # The double nearest to a point of the grid, up to the roundings of low + level * step.
        level = round((value / 2 - parameter.low / 2) / (parameter.step / 2))
        assert value == parameter.at(level)
        exact = Fraction(parameter.low) + level * Fraction(parameter.step)
        assert abs(Fraction(value) - exact) <= 4 * Fraction(math.ulp(max(abs(value), abs(parameter.low))))


@settings(deadline=None, max_examples=400)
@given(space=ref.spaces(), data=st.data())
def test_decoded_values_are_legal_and_come_back(space: hp.Space, data: st.DataObject) -> None:
    u = np.array(data.draw(st.lists(units, min_size=len(space), max_size=len(space))))
    params = space.decode(u)
    for name, value in params.items():
        check_legal(space[name], value)
        assert ref.is_active(space, name, params)
    assert all(name in params or not ref.is_active(space, name, params) for name in space)
    point = space.encode(params)
    np.testing.assert_array_equal(np.isnan(point), [name not in params for name in space])
    assert np.all((point[~np.isnan(point)] >= 0) & (point[~np.isnan(point)] <= 1))
    # Twice: with what the point remembers, and from its coordinates alone.
    assert ref.same_params(space.decode(point), params)
    assert ref.same_params(space.decode(np.array(point)), params)


@pytest.mark.parametrize("parameter", EXTREMES, ids=lambda p: repr(p)[:60])
def test_extreme_parameters(parameter: Parameter) -> None:
    space = hp.Space({"x": parameter})
    u = np.unique(np.concatenate([np.linspace(0, 1, 2001), np.geomspace(1e-300, 1, 500), 1 - np.geomspace(1e-16, 1)]))
    found = [p["x"] for p in space.decode(u[:, None])]
    for value in found:
        check_legal(parameter, value)
    if not isinstance(parameter, hp.Categorical):
        assert found == sorted(found)
        bounded = math.isfinite(parameter.low) and not (isinstance(parameter, hp.Normal) and parameter.step is None)
        if bounded:
            assert (found[0], found[-1]) == (parameter.low, parameter.high)
    points = space.encode([{"x": value} for value in found])
    again = [p["x"] for p in space.decode(points)]
    assert all(map(ref.same, again, found))


@settings(deadline=None, max_examples=400)
@given(parameter=ref.parameters, data=st.data())
def test_every_legal_value_comes_back(parameter: Parameter, data: st.DataObject) -> None:
    space = hp.Space({"x": parameter})
    if parameter.levels is not None:
        value = parameter.at(data.draw(st.integers(0, parameter.levels - 1)))
    else:
        low = parameter.low if math.isfinite(parameter.low) else -1e300
        high = parameter.high if math.isfinite(parameter.high) else 1e300
        value = data.draw(st.floats(low, high))
    assert ref.same(space.decode(space.encode({"x": value}))["x"], value)
    if parameter.levels is not None and parameter.levels <= 10_000:
        assert ref.same(space.decode(space.encode([{"x": value}]))[0]["x"], value)


@pytest.mark.parametrize(
    ("parameter", "values"),
    [
        (hp.Int(-(2**63), 2**63 - 1), [-(2**63), -(2**62) - 1, -1, 0, 1, 2**53 + 1, 2**63 - 2, 2**63 - 1]),
        (hp.Int(1, 2**63 - 1, log=True), [1, 2, 3, 2**53 - 1, 2**53 + 1, 2**63 - 2, 2**63 - 1]),
        (hp.Float(1e-300, 1e300, log=True), [1e-300, 1e-299, 1.0, math.pi, math.nextafter(1e300, 0), 1e300]),
        (hp.Float(-1.7e308, 1.7e308), [-1.7e308, 5e-324, 0.0, 1.0, 1.6999999999999999e308, 1.7e308]),
        (hp.Float(0.0, 1.0, step=0.1), [i / 10 for i in range(11)]),
        (hp.Categorical(ref.LOOKALIKES), ref.LOOKALIKES),
    ],
    ids=["int64", "log int64", "log 1e+-300", "+-1.7e308", "tenths", "lookalikes"],
)
def test_named_values_come_back(parameter: Parameter, values: list) -> None:
    space = hp.Space({"x": parameter})
    for value in values:
        got = space.decode(space.encode({"x": value}))["x"]
        assert ref.same(got, value)
        if isinstance(parameter, hp.Categorical):
            assert got is value


def test_a_sum_near_a_grid_value_means_the_grid_value() -> None:
    space = hp.Space({"x": hp.Float(0.0, 1.0, step=0.1)})
    assert space.check({"x": 0.1 + 0.2}) == {"x": 0.3}
    assert space.decode(space.encode({"x": 0.1 + 0.2})) == {"x": 0.3}


@settings(deadline=None, max_examples=300)
@given(space=ref.spaces(), seed=st.integers(0, 2**32))
@example(space=hp.Space({"p0": hp.Float(-0.0, 0.0), "p1": hp.Normal(0.0, 1.0, low=-0.0)}), seed=0)
def test_snap_is_idempotent_and_keeps_the_values(space: hp.Space, seed: int) -> None:
    u = np.random.default_rng(seed).uniform(size=(5, len(space)))
    before = space.decode(u)
    once = u.copy()
    space.columns.codec.snap(once)
    twice = once.copy()
    space.columns.codec.snap(twice)
    np.testing.assert_array_equal(once, twice)
    for params, again in zip(before, space.decode(once), strict=True):
        assert ref.same_params(params, again)


@settings(deadline=None, max_examples=200)
@given(space=ref.spaces(), seed=st.integers(0, 2**32), n=st.integers(0, 7))
def test_rows_together_and_one_by_one(space: hp.Space, seed: int, n: int) -> None:
    u = np.random.default_rng(seed).uniform(size=(n, len(space)))
    rows = space.decode(u)
    assert len(rows) == n
    for params, row in zip(rows, u, strict=True):
        assert ref.same_params(params, space.decode(row))
    points = space.encode(rows)
    assert points.shape == (n, len(space))
    for point, params in zip(points, rows, strict=True):
        np.testing.assert_array_equal(point, np.asarray(space.encode(params)))


@settings(deadline=None, max_examples=300)
@given(space=ref.spaces(), data=st.data())
def test_one_row_is_encoded_as_several_are(space: hp.Space, data: st.DataObject) -> None:
    """One row has a way of its own through the core: the same point, values and errors."""
    whole = space.sample(1, seed=data.draw(st.integers(0, 2**64)))[0]
    other = space.sample(1, seed=0)[0]
    row = dict(whole)
    for name in data.draw(st.lists(st.sampled_from(list(space)), max_size=2)):
        change = data.draw(st.sampled_from(["drop", "other", "nothing"]))
        row.pop(name, None)
        if change != "drop":
            row[name] = other.get(name) if change == "other" else object()

    def answer(rows: list[dict]) -> list:
        try:
            params, points = space.coder.encode(rows)
        except (InvalidArgument, InvalidType) as error:
            return [type(error), str(error)]
        return [params[0], points[0].tobytes()]

    alone, among = answer([row]), answer([row, whole])
    assert len(alone) == 2 and alone[1] == among[1]
    assert alone[0] is among[0] if isinstance(alone[0], type) else ref.same_params(alone[0], among[0])
    known = {name: value for name, value in whole.items() if name not in row or row[name] is whole[name]}
    several = space.coder.encode_values([known, known])[:1]
    assert space.coder.encode_values([known]).tobytes() == several.tobytes()


def test_coordinates_outside_the_cube_are_clamped() -> None:
    space = hp.Space({"x": hp.Float(2.0, 5.0), "k": hp.Int(1, 3), "c": hp.Categorical(["a", "b"])})
    assert space.decode([-0.5, -math.inf, -1e300]) == {"x": 2.0, "k": 1, "c": "a"}
    assert space.decode([1.5, math.inf, 1e300]) == {"x": 5.0, "k": 3, "c": "b"}


def test_what_stands_in_an_inactive_column_is_not_read() -> None:
    space = hp.Space({"c": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1, when={"c": "b"})})
    assert space.decode([0.1, math.nan]) == {"c": "a"}
    assert np.isnan(space.encode({"c": "a"})[1])


def test_a_point_that_another_space_encoded_decodes_as_it_stands() -> None:
    point = hp.Space({"x": hp.Float(0, 8), "k": hp.Int(1, 3)}).encode({"x": 2.0, "k": 2})
    assert hp.Space({"y": hp.Float(0, 1), "z": hp.Float(0, 4)}).decode(point) == {"y": 0.25, "z": 2.0}
    assert hp.Space({"x": hp.Float(0, 1), "k": hp.Categorical(["a", "b", "c"])}).decode(point) == {"x": 0.25, "k": "b"}


def test_an_encoded_point_that_was_changed_decodes_as_it_stands() -> None:
    space = hp.Space({"x": hp.Int(0, 2**63 - 1)})
    point = space.encode({"x": 2**62 + 1})
    assert space.decode(point) == {"x": 2**62 + 1}
    point[0] = 0.0
    assert space.decode(point) == {"x": 0}
    other = space.encode({"x": 5}) + 0.5
    assert space.decode(other)["x"] > 2**61


@settings(deadline=None, max_examples=300)
@given(parameter=st.one_of(ref.floats(), ref.normals()), a=units, b=units)
@example(parameter=hp.Float(-LARGEST, LARGEST), a=0.3, b=0.3000001)
def test_values_grow_with_their_coordinate(parameter: Parameter, a: float, b: float) -> None:
    space = hp.Space({"x": parameter})
    low, high = (p["x"] for p in space.decode([[min(a, b)], [max(a, b)]]))
    assert low <= high


@settings(deadline=None, max_examples=100)
@given(parameter=st.one_of(ref.stepped_floats(), ref.ints(), ref.stepped_normals(), ref.categoricals()))
def test_equal_shares_of_the_cube_belong_to_the_levels_of_a_grid(parameter: Parameter) -> None:
    space = hp.Space({"x": parameter})
    assert parameter.levels is not None
    n = min(parameter.levels, 50)
    chosen = sorted({level * (parameter.levels - 1) // max(1, n - 1) for level in range(n)})
    u = space.encode([{"x": parameter.at(level)} for level in chosen])[:, 0]
    assert np.all(np.diff(u) >= 0)
    if parameter.levels <= 10_000:
        assert np.all(np.diff(u) > 0)


@pytest.mark.parametrize("low", [-20.0, -3.0, 0.0])
@pytest.mark.parametrize("step", [0.5, 1.0])
def test_no_value_of_a_quantised_normal_is_out_of_reach(low: float, step: float) -> None:
    parameter = hp.Normal(0.0, 1.0, low=low, high=20.0, step=step)
    values = ref.values_of(parameter)
    space = hp.Space({"x": parameter})
    assert [p["x"] for p in space.decode(space.encode([{"x": v} for v in values]))] == values
    assert [p["x"] for p in space.grid()] == values


def test_an_open_normal_may_begin_at_zero() -> None:
    # 8.3 std below the mean lies 0, which is out of reach on a log scale only.
    assert hp.Space({"x": hp.Normal(8.3, 1.0)}).decode([0.5]) == {"x": 8.3}
    assert hp.Space({"x": hp.Normal(16.6, 2.0, step=0.1)}).decode([0.0])["x"] >= 0.0


def test_an_open_lognormal_is_never_zero() -> None:
    space = hp.Space({"x": hp.Normal(0.0, 1.0, log=True)})
    assert all(p["x"] > 0 for p in space.decode([[0.0], [-1.0], [1e-320]]))


def test_choices_are_the_very_objects() -> None:
    class Model:
        pass

    objects = [Model(), Model(), [1], [1.0], np.arange(3), float("nan"), Model]
    space = hp.Space({"m": hp.Categorical(objects)})
    for o in objects:
        assert space.decode(space.encode({"m": o}))["m"] is o


def test_a_nan_made_elsewhere_is_the_nan_among_the_choices() -> None:
    nan = float("nan")
    space = hp.Space({"x": hp.Categorical([nan, 1.0])})
    assert space.check({"x": np.float64("nan")})["x"] is nan


def test_numpy_numbers_stand_for_pythons() -> None:
    space = hp.Space({"k": hp.Int(0, 2**63 - 1), "x": hp.Float(0, 1), "c": hp.Categorical([1, 2.5, "a"])})
    params = space.check({"k": np.int64(2**63 - 1), "x": np.float32(0.5), "c": np.str_("a")})
    assert ref.same_params(params, {"k": 2**63 - 1, "x": 0.5, "c": "a"})
    assert space.check({"k": 3.0, "x": 1, "c": np.int32(1)}) == {"k": 3, "x": 1.0, "c": 1}
    assert hp.Categorical(np.array([0.1, 0.2])).choices == (0.1, 0.2)
    assert all(type(c) is float for c in hp.Categorical(np.array([0.1, 0.2])).choices)
