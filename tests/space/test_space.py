"""The space as a whole: other forms, JSON, grids, samples, sizes."""

import copy
import itertools
import json
import math
import pickle
import threading
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import hpcore as hp
from hpcore.errors import ConstraintError, InfeasibleSpace, InvalidArgument, InvalidSpace, InvalidType
from hpcore.space.parameter import Parameter
from tests.reference import spaces as ref

N = 4000


def column(parameter: Parameter, n: int = N, seed: int = 0) -> list:
    return [p["x"] for p in hp.Space({"x": parameter}).sample(n, seed)]


# --- JSON, copies, equality ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=200)
@given(space=ref.spaces(), seed=st.integers(0, 2**128 - 1))
def test_json_and_pickle_give_an_equal_space(space: hp.Space, seed: int) -> None:
    again = hp.Space.from_json(space.to_json())
    copied = pickle.loads(pickle.dumps(space))  # noqa: S301
    points = space.sample(4, seed)
    for other in (again, copied, copy.deepcopy(space)):
        assert other == space
        assert all(map(ref.same_params, other.sample(4, seed), points))
        assert other.n_points == space.n_points
    json.loads(space.to_json(), parse_constant=lambda c: pytest.fail(f"{c} is not JSON"))


def test_json_keeps_what_is_hard_to_spell() -> None:
    choices = [float("nan"), math.inf, -math.inf, b"\x00\xff", ("a", (1, [2.5])), [], None, "\u00e9\U0001f600", 2**70]
    space = hp.Space(
        {
            "c": hp.Categorical(choices, weights=range(1, 10)),
            "o": hp.Categorical(["low", "high"], ordered=True),
            "x": hp.Float(0, 1, when={"c": [float("nan"), ("a", (1, [2.5]))], "o": hp.at_least("high")}),
            "y": hp.Int(1, 9, step=2, when={"o": {"low", "high"}}),
            "n": hp.Normal(0, 1, low=np.float32(-1), step=0.5, when={"x": hp.at_most(np.float64(0.5))}),
        }
    )
    again = hp.Space.from_json(space.to_json())
    assert again == space
    assert list(map(type, again["c"].choices)) == list(map(type, choices))
    assert hp.Space.from_json(again.to_json()).to_json() == space.to_json()


def test_constraints_are_given_again() -> None:
    allow = [lambda p: p["a"] > 1]
    space = hp.Space({"a": hp.Int(1, 3)}, allow)
    assert hp.Space.from_json(space.to_json(), allow) == space
    with pytest.raises(InvalidArgument, match="constraints must be given again"):
        hp.Space.from_json(space.to_json())


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (hp.Categorical([1]), hp.Categorical([True])),
        (hp.Categorical([1]), hp.Categorical([1.0])),
        (hp.Categorical([0.0]), hp.Categorical([-0.0])),
        (hp.Categorical([1, 2]), hp.Categorical([2, 1])),
        (hp.Categorical([1, 2]), hp.Categorical([1, 2], ordered=True)),
        (hp.Categorical([1, 2]), hp.Categorical([1, 2], weights=[1, 2])),
        (hp.Float(0, 1), hp.Float(0, 1, step=0.5)),
        (hp.Float(1, 2), hp.Float(1, 2, log=True)),
        (hp.Float(1, 2), hp.Int(1, 2)),
        (hp.Float(0, 1), hp.Float(0, 1, when={"a": 1})),
        (hp.Float(0, 1, when={"a": 1}), hp.Float(0, 1, when={"a": True})),
        (hp.Float(0, 1, when={"a": hp.at_least(1)}), hp.Float(0, 1, when={"a": hp.at_most(1)})),
        (hp.Normal(0, 1), hp.Normal(0, 1, low=-5)),
    ],
)
def test_parameters_that_differ(a: Parameter, b: Parameter) -> None:
    assert a != b
    assert a == copy.deepcopy(a)


def test_spaces_that_differ() -> None:
    a, b = hp.Int(1, 2), hp.Float(0, 1)
    assert hp.Space({"a": a, "b": b}) != hp.Space({"b": b, "a": a})
    assert hp.Space({"a": a}) != hp.Space({"a": a}, [lambda p: True])
    assert hp.Space({"a": a}) != {"a": a}


def test_choices_that_are_objects_survive_pickling() -> None:
    space = hp.Space({"m": hp.Categorical([np.arange(2), np.arange(3)]), "x": hp.Int(0, 5)})
    again = pickle.loads(pickle.dumps(space))  # noqa: S301
    for choice in again["m"].choices:
        assert again.decode(again.encode({"m": choice, "x": 2}))["m"] is choice


def test_repr_can_be_read_back() -> None:
    for text in ["Float(low=0.0, high=1.0)", "Int(low=1, high=9, step=2)", "Float(low=0.5, high=8.0, log=True)"]:
        kind, rest = text.split("(", 1)
        fields = dict(pair.split("=") for pair in rest[:-1].split(", "))
        made = getattr(hp, kind)(**{name: json.loads(value.lower()) for name, value in fields.items()})
        assert repr(made) == text


# --- samples ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "distribution"),
    [
        (hp.Float(-2, 5), stats.uniform(-2, 7)),
        (hp.Float(1e-5, 1e3, log=True), stats.loguniform(1e-5, 1e3)),
        (hp.Float(1e-300, 1e300, log=True), stats.loguniform(1e-300, 1e300)),
        (hp.Normal(3, 2), stats.norm(3, 2)),
        (hp.Normal(-1, 0.5, log=True), stats.lognorm(0.5, scale=math.exp(-1))),
        (hp.Normal(0, 1, low=-0.5, high=2), stats.truncnorm(-0.5, 2)),
        (hp.Normal(1, 2, low=9), stats.truncnorm(4, np.inf, loc=1, scale=2)),
        (hp.Normal(1, 2, high=-9), stats.truncnorm(-np.inf, -5, loc=1, scale=2)),
        (hp.Normal(0, 1, low=6, high=7), stats.truncnorm(6, 7)),
        (hp.Normal(0, 1, low=0.1, high=0.10001), stats.uniform(0.1, 1e-5)),
    ],
    ids=lambda v: repr(v)[:50] if isinstance(v, Parameter) else "",
)
def test_continuous_samples_follow_their_distribution(parameter: Parameter, distribution) -> None:
    assert stats.kstest(column(parameter), distribution.cdf).pvalue > 1e-3


def expected_shares(parameter: Parameter) -> np.ndarray:
    values = np.array(ref.values_of(parameter)) if not isinstance(parameter, hp.Categorical) else None
    if isinstance(parameter, hp.Categorical):
        weights = np.array(parameter.weights or np.ones(len(parameter.choices)))
        return weights / weights.sum()
    if isinstance(parameter, hp.Normal):
        half = parameter.step / 2
        shares = np.diff(stats.norm(parameter.mean, parameter.std).cdf([values[0] - half, *(values + half)]))
    elif parameter.log:
        half = parameter.step / 2
        shares = np.diff(np.log([max(values[0] - half, values[0] / 2), *(values + half)]))
    else:
        shares = np.ones(len(values))
    return shares / shares.sum()


@pytest.mark.parametrize(
    "parameter",
    [
        hp.Int(-3, 4),
        hp.Int(1, 12, log=True),
        hp.Int(0, 20, step=5),
        hp.Float(0, 1, step=0.1),
        hp.Float(0.5, 8, log=True, step=0.5),
        hp.Normal(0, 1, low=-2, high=2, step=0.5),
        hp.Categorical(["a", "b", "c"], weights=[1, 5, 2.5]),
        hp.Categorical(range(7), ordered=True),
    ],
    ids=lambda p: repr(p)[:50],
)
def test_discrete_samples_follow_their_shares(parameter: Parameter) -> None:
    space = hp.Space({"x": parameter})
    values = ref.values_of(parameter)
    found = [p["x"] for p in space.sample(N, seed=3)]
    counts = [found.count(value) for value in values]
    assert stats.chisquare(counts, N * expected_shares(parameter)).pvalue > 1e-3


def test_parameters_are_independent() -> None:
    points = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}).sample(N, 0)
    assert abs(stats.spearmanr([p["x"] for p in points], [p["y"] for p in points]).statistic) < 0.05


def test_a_sample_is_a_function_of_its_seed() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "c": hp.Categorical([1, True])})
    assert space.sample(5, 2**100) == space.sample(9, 2**100)[:5]
    assert space.sample(5, 0) != space.sample(5, 1)
    assert space.sample(0, 0) == []


def test_samples_obey_constraints() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [lambda p: p["x"] + p["y"] < 0.2])
    points = space.sample(500, 0)
    assert len(points) == 500
    assert all(p["x"] + p["y"] < 0.2 for p in points)
    assert stats.kstest([p["x"] for p in points], lambda x: 1 - (1 - np.asarray(x) / 0.2) ** 2).pvalue > 1e-3


def test_no_point_is_drawn_after_the_last_one() -> None:
    left = [1]

    def one_more(params: dict[str, Any]) -> bool:
        left[0] -= 1
        return left[0] >= 0

    space = hp.Space({"x": hp.Float(0, 1)}, [one_more])
    left[0] = 3
    assert len(space.sample(3, 0)) == 3
    assert left == [0]


# --- grids and sizes ----------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=300)
@given(space=ref.spaces(ref.small_parameters, max_size=5))
def test_the_grid_and_its_size_against_brute_force(space: hp.Space) -> None:
    expected = ref.all_points(space, {name: ref.values_of(space[name]) for name in space})
    found = list(space.grid())
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert space.n_points == len(expected)


def test_the_grid_of_a_flat_space_is_a_product_in_order() -> None:
    space = hp.Space({"a": hp.Int(1, 3), "b": hp.Categorical([True, 1, None]), "c": hp.Float(0, 0.3, step=0.1)})
    product = itertools.product([1, 2, 3], [True, 1, None], [0.0, 0.1, 0.2, 0.3])
    expected = [dict(zip("abc", point, strict=True)) for point in product]
    assert all(map(ref.same_params, space.grid(), expected))
    assert len(list(space.grid())) == len(expected) == space.n_points


def test_levels_of_continuous_parameters() -> None:
    space = hp.Space({"x": hp.Float(1e-2, 1e2, log=True), "y": hp.Float(0, 1), "k": hp.Int(0, 100)})
    found = list(space.grid({"x": 3, "y": 2, "k": 3}))
    assert [p["x"] for p in found[::6]] == pytest.approx([1e-2, 1.0, 1e2])
    assert sorted({p["y"] for p in found}) == [0.0, 1.0]
    assert sorted({p["k"] for p in found}) == [0, 50, 100]
    assert len(list(space.grid(np.int64(2)))) == 2 * 2 * 101
    assert [p["y"] for p in hp.Space({"y": hp.Float(0, 1)}).grid(1)] == [0.5]


def test_a_continuous_parent_decides_by_its_value() -> None:
    space = hp.Space({"x": hp.Float(0, 1), "k": hp.Int(1, 2, when={"x": hp.at_least(0.5)})})
    assert list(space.grid(3)) == [
        {"x": 0.0},
        {"x": 0.5, "k": 1},
        {"x": 0.5, "k": 2},
        {"x": 1.0, "k": 1},
        {"x": 1.0, "k": 2},
    ]


def test_children_may_be_declared_before_their_parents() -> None:
    space = hp.Space({"b": hp.Int(1, 2, when={"a": True}), "a": hp.Categorical([True, False])})
    assert sorted(map(repr, space.grid())) == sorted(["{'b': 1, 'a': True}", "{'b': 2, 'a': True}", "{'a': False}"])
    assert space.n_points == 3


@pytest.mark.parametrize("levels", [True, 2.5, "3", [3], {"x": 1.5}, {"x": True}])
def test_wrong_levels_are_refused_at_the_call(levels) -> None:
    with pytest.raises(InvalidType, match="levels"):
        hp.Space({"x": hp.Float(0, 1)}).grid(levels)


def test_a_grid_of_any_size_may_be_begun() -> None:
    space = hp.Space({f"p{i}": hp.Int(0, 2**62) for i in range(30)})
    assert next(space.grid()) == dict.fromkeys(space, 0)
    assert space.n_points == (2**62 + 1) ** 30


def test_sizes_of_independent_conditions_multiply() -> None:
    switches = {f"a{i}": hp.Categorical([True, False]) for i in range(60)}
    children = {f"b{i}": hp.Int(1, 4, when={f"a{i}": True}) for i in range(60)}
    assert hp.Space({**switches, **children}).n_points == 5**60
    assert hp.Space({**switches, "x": hp.Float(0, 1)}).n_points is None


# --- degenerate spaces --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        (hp.Float(3, 3), 3.0),
        (hp.Float(3, 3, log=True), 3.0),
        (hp.Int(-(2**63), -(2**63)), -(2**63)),
        (hp.Int(7, 7, log=True), 7),
        (hp.Normal(0, 1, low=2, high=2), 2.0),
        (hp.Normal(0, 1, log=True, low=2, high=2), 2.0),
        (hp.Categorical([None]), None),
        (hp.Categorical([None], weights=[3]), None),
    ],
    ids=repr,
)
def test_one_value(parameter: Parameter, value) -> None:
    space = hp.Space({"x": parameter})
    assert space.sample(3, 0) == [{"x": value}] * 3
    assert space.decode([[0.0], [0.3], [1.0]]) == [{"x": value}] * 3
    assert space.decode(space.encode([{"x": value}])) == [{"x": value}]
    assert {p["x"] for p in space.grid(2)} == {value}
    assert hp.Space.from_json(space.to_json()) == space


def test_two_hundred_dimensions() -> None:
    kinds = [hp.Float(0, 1), hp.Int(1, 9), hp.Categorical(["a", "b", "c"]), hp.Normal(0, 1)]
    space = hp.Space({f"p{i}": kinds[i % 4] for i in range(200)})
    points = space.sample(5, 0)
    assert space.decode(space.encode(points)) == points
    assert len(next(space.grid(2))) == 200


def test_a_chain_longer_than_the_recursion_limit() -> None:
    names = [f"p{i}" for i in range(1200)]
    made = {"p0": hp.Int(0, 1), **{b: hp.Int(0, 1, when={a: 1}) for a, b in itertools.pairwise(names)}}
    space = hp.Space(dict(reversed(made.items())))
    assert space.n_points == 1201
    assert next(space.grid()) == {"p0": 0}
    assert len(space.decode(np.ones(1200))) == 1200


def test_ten_thousand_choices() -> None:
    choices = [f"c{i}" for i in range(10_000)]
    space = hp.Space({"c": hp.Categorical(choices)})
    assert [p["c"] for p in space.grid()] == choices
    assert space.decode(space.encode([{"c": c} for c in choices])) == [{"c": c} for c in choices]


def test_log_integers_to_two_to_the_53() -> None:
    space = hp.Space({"k": hp.Int(1, 2**53, log=True)})
    found = [p["k"] for p in space.sample(1000, 0)]
    assert stats.kstest(np.log2(found), stats.uniform(-1, 54).cdf).pvalue > 1e-3
    assert space.decode([[0.0], [1.0]]) == [{"k": 1}, {"k": 2**53}]


# --- conditions and constraints -----------------------------------------------------------------------------------


def test_chains_and_conjunctions() -> None:
    space = hp.Space(
        {
            "a": hp.Categorical(["x", "y"]),
            "b": hp.Int(1, 3, when={"a": "y"}),
            "c": hp.Float(0, 1, when={"a": "y", "b": hp.at_least(2)}),
        }
    )
    assert space.check({"a": "x"}) == {"a": "x"}
    assert space.check({"c": 1, "b": 3, "a": "y"}) == {"a": "y", "b": 3, "c": 1.0}
    for wrong in ({"a": "y"}, {"a": "x", "b": 1}, {"a": "y", "b": 1, "c": 0.5}, {"a": "y", "b": 2}):
        with pytest.raises(InvalidArgument, match=r"must (give the active|leave out)"):
            space.check(wrong)


@pytest.mark.parametrize("form", [["x", "y"], ("x", "y"), {"x", "y"}, frozenset("xy")])
def test_forms_of_several_values(form) -> None:
    space = hp.Space({"a": hp.Categorical(["x", "y", "z"]), "b": hp.Int(1, 2, when={"a": form})})
    assert space.n_points == 5


def test_a_tuple_that_is_a_choice_is_one_value() -> None:
    space = hp.Space({"a": hp.Categorical([(1, 2), 1, 2]), "b": hp.Int(1, 2, when={"a": (1, 2)})})
    assert space.n_points == 4


def test_a_constraint_that_nothing_satisfies() -> None:
    with pytest.raises(InfeasibleSpace, match="constraints must allow"):
        hp.Space({"x": hp.Float(0, 1)}, [lambda p: p["x"] > 2])


def test_a_single_allowed_point_among_many_is_found() -> None:
    space = hp.Space({"a": hp.Int(0, 299), "b": hp.Int(0, 299)}, [lambda p: p["a"] == 123 and p["b"] == 77])
    assert list(space.grid()) == [{"a": 123, "b": 77}]


@pytest.mark.parametrize("answer", [None, 1, "yes", np.float64(1)])
def test_a_constraint_must_answer_true_or_false(answer) -> None:
    with pytest.raises(ConstraintError, match="must answer True or False"):
        hp.Space({"x": hp.Float(0, 1)}, [lambda p: answer])


def test_a_constraint_that_raises_is_named() -> None:
    def no_such_key(p):
        return p["y"] < 1

    with pytest.raises(ConstraintError, match=r"no_such_key.*KeyError.*params\.get"):
        hp.Space({"x": hp.Float(0, 1)}, [no_such_key])


# --- Space.of -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "parameter"),
    [
        (hp.Float(0, 1), hp.Float(0, 1)),
        (["a", 1, True], hp.Categorical(["a", 1, True])),
        ([(50,), (50, 50)], hp.Categorical([(50,), (50, 50)])),
        (np.array([0.1, 1.0]), hp.Categorical([0.1, 1.0])),
        (np.array(["a", "b"]), hp.Categorical(["a", "b"])),
        ([1, 2], hp.Categorical([1, 2])),
        ([1, 10, 100], hp.Categorical([1, 10, 100], ordered=True)),
        ([100, 10, 1], hp.Categorical([100, 10, 1], ordered=True)),
        ([3, 0.5, 2], hp.Categorical([0.5, 2, 3], ordered=True)),
        (np.array([3, 1, 2]), hp.Categorical([1, 2, 3], ordered=True)),
        ([1.0, math.inf, -math.inf], hp.Categorical([-math.inf, 1.0, math.inf], ordered=True)),
        ([1, 2, 1.0], hp.Categorical([1, 1.0, 2], ordered=True)),
        ([1, 2, True], hp.Categorical([1, 2, True])),
        ([1, 2, None], hp.Categorical([1, 2, None])),
        ([1, 2, math.nan], hp.Categorical([1, 2, math.nan])),
        ([1j, 2, 3], hp.Categorical([1j, 2, 3])),
        (range(2, 10, 3), hp.Int(2, 8, step=3)),
        (range(10, 2, -4), hp.Int(6, 10, step=4)),
        (range(5, 6), hp.Int(5, 5)),
        ((1, 5), hp.Int(1, 5)),
        ((np.int64(1), np.int32(5)), hp.Int(1, 5)),
        ((1, 5.0), hp.Float(1, 5)),
        ((0.0, 1), hp.Float(0, 1)),
        ("rbf", hp.Categorical(["rbf"])),
        (None, hp.Categorical([None])),
        (3, hp.Categorical([3])),
        (stats.uniform(1, 4), hp.Float(1, 5)),
        (stats.uniform(loc=-2, scale=1), hp.Float(-2, -1)),
        (stats.loguniform(1e-3, 10), hp.Float(1e-3, 10, log=True)),
        (stats.reciprocal(1, 2), hp.Float(1, 2, log=True)),
        (stats.loguniform(1, 2, scale=10), hp.Float(10, 20, log=True)),
        (stats.randint(3, 9), hp.Int(3, 8)),
        (stats.randint(1, 4, loc=2), hp.Int(3, 5)),
        (
            stats.rv_discrete(values=([9, 1, 5], [0.5, 0.25, 0.25])),
            hp.Categorical([1, 5, 9], ordered=True, weights=[0.25, 0.25, 0.5]),
        ),
        (
            stats.rv_discrete(values=([0.5, 1.5, 2], [0.5, 0.0, 0.5]))(loc=1),
            hp.Categorical([1.5, 3.0], ordered=True, weights=[0.5, 0.5]),
        ),
        (stats.norm(1, 2), hp.Normal(1, 2)),
        (stats.norm(loc=-1), hp.Normal(-1, 1)),
        (stats.truncnorm(-1, 2, loc=3, scale=2), hp.Normal(3, 2, low=1, high=7)),
        (stats.truncnorm(-1, np.inf), hp.Normal(0, 1, low=-1)),
        (stats.lognorm(0.5, scale=math.e), hp.Normal(1, 0.5, log=True)),
    ],
    ids=lambda v: repr(v)[:40] if not hasattr(v, "dist") else str(v.dist.name),
)
def test_space_of(form, parameter: Parameter) -> None:
    assert hp.Space.of({"x": form})["x"] == parameter


@pytest.mark.parametrize(
    "frozen", [stats.binom(6, 0.3), stats.poisson(2.5), stats.geom(0.4, loc=3)], ids=("binom", "poisson", "geom")
)
def test_discrete_distributions_keep_their_probabilities(frozen) -> None:
    parameter = hp.Space.of({"k": frozen})["k"]
    assert isinstance(parameter, hp.Categorical)
    assert parameter.ordered
    assert all(type(k) is int for k in parameter.choices)
    np.testing.assert_allclose(parameter.weights, frozen.pmf(parameter.choices))
    assert sum(parameter.weights) == pytest.approx(1.0, abs=1e-10)


@pytest.mark.parametrize(
    "form",
    [
        stats.norm,
        stats.uniform([0, 1], 1),
        stats.truncnorm([0, 1], 2),
        stats.expon(),
        stats.loguniform(1, 10, loc=5),
        stats.lognorm(0.5, loc=1),
        stats.poisson(1e9),
        stats.poisson(-1),
        stats.zipf(2.0),
        stats.zipf(1.01),
        stats.planck(1e-4),
        stats.skellam(1e6, 1e7),
        [1, 2, 3, 2],
        [3, 1, 2, 1],
        {1, 2},
        {"a": 1},
        (1, 2, 3),
        (True, False),
        (5, 1),
        (0.0, math.nan),
        ("a", "b"),
        range(0),
        [],
        np.eye(2),
    ],
    ids=lambda v: repr(v)[:30],
)
def test_space_of_refuses(form) -> None:
    with pytest.raises((InvalidSpace, InvalidType), match="'x'"):
        hp.Space.of({"x": form})


def test_choices_that_are_no_plain_data_as_items_are_themselves() -> None:
    # Their items are other objects at each call.
    for choices in (
        np.array([1j, 2 + 1j, 3]),
        np.arange(5).astype("datetime64[D]"),
        np.arange(5).astype("timedelta64[D]"),
        np.array([(1, 2.0), (3, 4.0)], dtype=[("a", "i4"), ("b", "f8")]),
    ):
        space = hp.Space({"c": hp.Categorical(list(choices)), "x": hp.Float(0, 1)})
        for i, choice in enumerate(choices):
            assert space.check({"c": choices.copy()[i], "x": 0})["c"] is space["c"].choices[i]
            assert space.encode({"c": choice, "x": 0})[0] == (i + 0.5) / len(choices)
        with pytest.raises(InvalidArgument, match="distinct"):
            hp.Categorical([choices[0], choices[1], choices[0].copy()])


@pytest.mark.parametrize(
    "parameter",
    [
        hp.Float(1.0, 1.0, step=0.1),
        hp.Float(0.5, 1.0, step=3),
        hp.Float(1e-3, 1e-3, log=True, step=0.1),
        hp.Float(0.5, 1.0, log=True, step=3),
        hp.Float(-1e308, 0.5e308, step=1.7e308),
        hp.Float(0.0, 5e-324, step=1.0),
        hp.Int(4, 4, step=2),
        hp.Int(1, 2, step=5),
        hp.Int(3, 3, log=True, step=2),
        hp.Int(3, 4, log=True, step=9),
        hp.Int(0, 0, step=2**63 - 1),
        hp.Int(2**63 - 2, 2**63 - 1, step=2),
        hp.Normal(0, 1, step=100),
        hp.Normal(0, 1, low=1, high=1, step=0.1),
        hp.Normal(0, 1, low=1, high=1, step=1e-18),
        hp.Normal(0, 1, low=0.5, high=1, step=1e9),
        hp.Normal(0, 1, low=8, high=9, step=2),
        hp.Normal(0, 1, log=True, low=1, high=2, step=5),
        hp.Normal(0, 1, log=True, step=4000),
    ],
    ids=repr,
)
def test_a_range_that_a_step_leaves_one_value(parameter: Parameter) -> None:
    assert parameter.levels == 1
    space = hp.Space({"p": parameter, "x": hp.Float(0, 1)})
    assert hp.Space.from_json(space.to_json()) == space
    [value] = {params["p"] for params in space.decode([[u, 0.5] for u in np.linspace(0, 1, 9)])}
    assert type(value) is type(parameter.low)
    assert value == parameter.low == parameter.high
    assert list(space.grid(2)) == [{"p": value, "x": 0.0}, {"p": value, "x": 1.0}]
    assert space.decode(space.encode({"p": value, "x": 0.25})) == {"p": value, "x": 0.25}
    assert hp.Space({"p": parameter}).n_points == 1
    for sampler in ("gp", "tpe", "sobol"):
        study = hp.minimize(lambda p: p["x"], space, sampler=sampler, n_trials=12, seed=0)
        assert {trial.params["p"] for trial in study.trials} == {value}


def test_space_of_a_space_is_itself() -> None:
    space = hp.Space({"a": hp.Int(1, 3)})
    assert hp.Space.of(space) is space
    more = hp.Space.of(space, [lambda p: p["a"] > 1])
    assert [p["a"] for p in more.grid()] == [2, 3]


# --- ranges and lists in conditions, and copies of constraints ----------------------------------------------------


def test_a_condition_takes_a_range() -> None:
    space = hp.Space({"k": hp.Int(0, 9), "x": hp.Float(0, 1, when={"k": range(2, 4)})})
    assert space["x"].when == {"k": [2, 3]}
    assert [k for k in range(10) if space.decode([(k + 0.5) / 10, 0.5]).keys() == {"k", "x"}] == [2, 3]
    assert hp.Space.from_json(space.to_json()) == space


@pytest.mark.parametrize(("values", "words"), [(range(0), "at least one value"), (range(10**9), "at_least")])
def test_a_range_of_nothing_or_too_much_is_refused(values: range, words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        hp.Float(0, 1, when={"k": values})


def test_a_list_in_a_condition_is_a_choice_where_it_is_one() -> None:
    def active(choices: list[Any], wanted: Any) -> list[Any]:
        space = hp.Space({"k": hp.Categorical(choices), "x": hp.Float(0, 1, when={"k": wanted})})
        n = len(choices)
        return [choice for i, choice in enumerate(choices) if "x" in space.decode([(i + 0.5) / n, 0.5])]

    assert active([[1, 2], [3]], [1, 2]) == [[1, 2]]
    assert active([[1, 2], [3]], [[1, 2], [3]]) == [[1, 2], [3]]
    with pytest.raises(InvalidSpace, match=r"one of its choices and a list of them.*\[\[1, 2\]\].*\(1, 2\)"):
        active([[1, 2], 1, 2], [1, 2])
    assert active([[1, 2], 1, 2], [[1, 2]]) == [[1, 2]]
    assert active([[1, 2], 1, 2], (1, 2)) == [1, 2]


def test_local_constraints_are_pickled_and_stay_themselves_in_copies() -> None:
    most = 0.5
    space = hp.Space({"x": hp.Float(0, 1)}, [lambda p: p["x"] < most])
    assert copy.deepcopy(space) == copy.copy(space) == space
    for again in (pickle.loads(pickle.dumps(space)), pickle.loads(pickle.dumps(hp.Optimizer(space, seed=0))).space):  # noqa: S301
        assert again.allows({"x": 0.4})
        assert not again.allows({"x": 0.6})
        assert list(again.items()) == list(space.items())


def test_a_constraint_that_cannot_be_pickled_is_named() -> None:
    lock = threading.Lock()

    def locked(params: dict[str, Any]) -> bool:
        with lock:
            return True

    with pytest.raises(InvalidType, match=r"constraint 0 \(locked\) must be a function that can be pickled"):
        pickle.dumps(hp.Optimizer(hp.Space({"x": hp.Float(0, 1)}, [locked])))
