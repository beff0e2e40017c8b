"""Conditions that must all hold, and alternatives any one of which suffices, against what they say in plain Python."""

import copy
import itertools
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType
from hpcore.space.conditions import alternatives_of, parents_of
from tests.reference import spaces as ref

EITHER = [{"kernel": "rbf"}, {"kernel": "poly", "degree": [2, 5]}]


def make() -> hp.Space:
    return hp.Space(
        {
            "kernel": hp.Categorical(["rbf", "poly", "linear"]),
            "degree": hp.Int(1, 5, when={"kernel": "poly"}),
            "gamma": hp.Int(1, 3, when=EITHER),
            "shrink": hp.Float(0, 1, step=0.5, when=[{"gamma": hp.at_least(2)}, {"degree": 1}]),
        }
    )


def expected(kernel: str, degree: int, gamma: int) -> set[str]:
    names = {"kernel"}
    if kernel == "poly":
        names.add("degree")
    if kernel == "rbf" or (kernel == "poly" and degree in (2, 5)):
        names.add("gamma")
    if ("gamma" in names and gamma >= 2) or ("degree" in names and degree == 1):
        names.add("shrink")
    return names


def test_a_parameter_is_active_where_any_alternative_holds() -> None:
    space = make()
    values = list(itertools.product(["rbf", "poly", "linear"], range(1, 6), range(1, 4), [0.0, 0.5, 1.0]))
    points = set()
    for kernel, degree, gamma, shrink in values:
        names = expected(kernel, degree, gamma)
        whole = {"kernel": kernel, "degree": degree, "gamma": gamma, "shrink": shrink}
        params = {name: value for name, value in whole.items() if name in names}
        assert space.check(params) == params and space.decode(np.array(space.encode(params))) == params
        assert space.explains(params)
        points.add(repr(params))
        for name in params:
            fewer = {other: value for other, value in params.items() if other != name}
            with pytest.raises(InvalidArgument):
                space.check(fewer)
        for name in whole.keys() - names:
            with pytest.raises(InvalidArgument, match="active only when"):
                space.check({**params, name: whole[name]})
    assert space.n_points == len(points) == len(list(space.grid()))
    assert {repr(params) for params in space.grid()} == points


@settings(max_examples=150, deadline=None)
@given(ref.spaces(), st.integers(0, 2**32))
def test_what_is_active_is_what_the_conditions_say(space: hp.Space, seed: int) -> None:
    for u in np.random.default_rng(seed).random((8, len(space))):
        params = space.decode(u)
        chosen: dict = {}
        # The codec's order has parents first.
        for j in space.columns.order:
            name = space.names[j]
            assert (name in params) == ref.is_active(space, name, chosen)
            if name in params:
                chosen[name] = params[name]
        assert space.explains(params) and space.explains(params, complete=False)
        again = hp.Space.from_json(space.to_json())
        assert again == space and ref.same_params(again.decode(u), params)


@settings(max_examples=150, deadline=None)
@given(ref.spaces(ref.small_parameters, 4))
def test_points_are_counted_as_brute_force_lists_them(space: hp.Space) -> None:
    listed = ref.all_points(space, {name: ref.values_of(space[name]) for name in space})
    assert space.n_points == len(listed)
    assert {repr(params) for params in space.grid()} == {repr(params) for params in listed}


@settings(max_examples=150, deadline=None)
@given(ref.spaces(ref.small_parameters, 5), st.integers(0, 2**32))
def test_any_part_of_a_point_can_be_completed(space: hp.Space, seed: int) -> None:
    """Some way to the given values is always found, whichever alternatives it takes."""
    rng = np.random.default_rng(seed)
    for u in rng.random((6, len(space))):
        params = space.decode(u)
        part = {name: value for name, value in params.items() if rng.random() < 0.4}
        assert ref.same_params(space.check_partial(part), part)
        whole = space.complete(part, rng.random(len(space)))
        assert space.check(whole) == whole
        assert all(ref.same(whole[name], value) for name, value in part.items())


def test_a_part_that_nothing_completes_is_refused() -> None:
    space = make()
    with pytest.raises(InvalidArgument, match=r"leave out 'gamma'.* or .*'degree': \[2, 5\]"):
        space.check_partial({"kernel": "poly", "degree": 3, "gamma": 1})
    with pytest.raises(InvalidArgument, match="leave out"):
        space.check_partial({"kernel": "linear", "shrink": 0.5})
    assert space.check_partial({"degree": 2, "shrink": 0.5}) == {"degree": 2, "shrink": 0.5}


def test_completions_use_every_alternative() -> None:
    rows = np.random.default_rng(0).random((200, 4))
    space = make()
    kernels = [space.complete({"gamma": 2}, u)["kernel"] for u in rows]
    assert 60 < kernels.count("rbf") < 140 and kernels.count("rbf") + kernels.count("poly") == 200
    one_parent = hp.Space({"n": hp.Int(1, 9), "x": hp.Float(0, 1, when=[{"n": [1]}, {"n": hp.at_least(7)}])})
    found = [one_parent.complete({"x": 0.5}, u)["n"] for u in rows[:, :2]]
    assert set(found) == {1, 7, 8, 9} and found.count(1) < 80  # uniform over both


def test_forms() -> None:
    one = hp.Float(0, 1, when=[{"kernel": "rbf"}])
    assert one.when == {"kernel": "rbf"} and one == hp.Float(0, 1, when={"kernel": "rbf"})
    two = hp.Float(0, 1, when=({"a": {2, 1}}, {"a": np.int64(3), "b": range(2)}))
    assert two.when == [{"a": [1, 2]}, {"a": 3, "b": [0, 1]}]
    assert alternatives_of(two.when) == two.when and parents_of(two.when) == ["a", "b"]
    assert alternatives_of({}) == [] and parents_of(one.when) == ["kernel"]
    assert two == copy.deepcopy(two) == pickle.loads(pickle.dumps(two))  # noqa: S301
    assert two != hp.Float(0, 1, when=two.when[::-1]) and "when=[{'a'" in repr(two)
    assert make() == pickle.loads(pickle.dumps(make()))  # noqa: S301


@pytest.mark.parametrize(
    ("when", "error", "message"),
    [
        ([], InvalidArgument, "at least one alternative"),
        ([{"a": 1}, {}], InvalidArgument, r"when\[1\] must hold at least one condition"),
        ([{"a": 1}, 3], InvalidType, r"when\[1\]"),
        ([{"a": 1}, {2: 3}], InvalidType, "name 2"),
        ([{"a": 1}, {"b": []}], InvalidArgument, r"when\[1\]\['b'\] must list"),
        ("a", InvalidType, "when"),
    ],
)
def test_wrong_forms_are_refused(when, error, message) -> None:
    with pytest.raises(error, match=message):
        hp.Float(0, 1, when=when)


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ([{"n": 1}, {"m": 1}], r"when of 'x' must name parameters of the space .* got 'm'"),
        ([{"n": 1}, {"n": 6}], r"when\['n'\] of 'x' must be something that 'n' can be"),
        ([{"n": 1}, {"n": hp.at_least(6)}], r"when\['n'\] of 'x' can never hold"),
        ([{"n": 1}, {"x": hp.at_least(0.5)}], "cycle"),
    ],
)
def test_alternatives_that_can_never_hold_are_refused_by_name(when, message) -> None:
    with pytest.raises(InvalidSpace, match=message):
        hp.Space({"n": hp.Int(1, 5), "x": hp.Float(0, 1, when=when)})


def test_a_single_dict_is_written_as_before() -> None:
    when = {entry["name"]: entry["when"] for entry in json.loads(make().to_json())["parameters"]}
    assert when["kernel"] == {} and when["degree"] == {"kernel": {"equals": "poly"}}
    assert when["gamma"] == [
        {"kernel": {"equals": "rbf"}},
        {"kernel": {"equals": "poly"}, "degree": {"equals": {"list": [2, 5]}}},
    ]
    for wrong in ("[]", "[[]]", "[{}]", "3", '[{"kernel": 3}]'):
        text = make().to_json().replace('{"kernel": {"equals": "poly"}}', wrong, 1)
        with pytest.raises((InvalidArgument, InvalidType)):
            hp.Space.from_json(text)


@pytest.mark.parametrize("sampler", ["random", "sobol", "grid", "gp", "tpe", "auto", "annealing", "evolution", "cmaes"])
def test_a_search_visits_each_point_once(sampler: str) -> None:
    space = hp.Space({name: parameter for name, parameter in make().items() if name != "shrink"})
    opt = hp.Optimizer(space, sampler, seed=0)
    seen = set()
    for _ in range(space.n_points):
        trial = opt.ask()
        seen.add(repr(trial.params))
        opt.tell(trial, float(len(trial.params)))
    assert len(seen) == space.n_points
    with pytest.raises(hp.errors.SearchSpaceExhausted):
        opt.ask()
