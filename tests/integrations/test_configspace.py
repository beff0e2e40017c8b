"""Spaces of ConfigSpace as ours: points go both ways."""

from __future__ import annotations

import pickle
import sys
from collections import Counter
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidSpace, InvalidType, MissingDependency

pytest.importorskip("ConfigSpace")

from ConfigSpace import (
    AndConjunction,
    BetaFloatHyperparameter,
    BetaIntegerHyperparameter,
    CategoricalHyperparameter,
    Configuration,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    ForbiddenEqualsRelation,
    ForbiddenGreaterThanRelation,
    ForbiddenInClause,
    ForbiddenLessThanRelation,
    GreaterThanCondition,
    InCondition,
    LessThanCondition,
    NormalFloatHyperparameter,
    NormalIntegerHyperparameter,
    NotEqualsCondition,
    OrConjunction,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from hpcore.integrations.configspace import space

pytestmark = pytest.mark.doors


def everything() -> ConfigurationSpace:
    """Each kind of hyperparameter, condition and clause."""
    cs = ConfigurationSpace(seed=3)
    cs.add(
        UniformFloatHyperparameter("C", 1e-3, 1e3, log=True),
        UniformFloatHyperparameter("x", -2, 2),
        UniformIntegerHyperparameter("n", 1, 20),
        UniformIntegerHyperparameter("m", 1, 1000, log=True),
        NormalFloatHyperparameter("nf", mu=0.5, sigma=2, lower=-1, upper=4),
        NormalIntegerHyperparameter("ni", mu=5, sigma=3, lower=1, upper=12),
        CategoricalHyperparameter("kernel", ["rbf", "poly", "linear"], weights=[1, 2, 3]),
        CategoricalHyperparameter("mixed", ["a", 1, 2.5, None, False]),
        CategoricalHyperparameter("flag", [True, False]),
        OrdinalHyperparameter("size", ["s", "m", "l", "xl"]),
        OrdinalHyperparameter("batch", [8, 16, 32, 64]),
        Constant("version", 3),
        UniformFloatHyperparameter("gamma", 0, 1),
        UniformIntegerHyperparameter("degree", 2, 5),
        UniformFloatHyperparameter("large", 0, 1),
        UniformFloatHyperparameter("below", 0, 1),
        UniformFloatHyperparameter("either", 0, 1),
        UniformFloatHyperparameter("deep", 0, 1),
        UniformFloatHyperparameter("unflagged", 0, 1),
        UniformFloatHyperparameter("several", 0, 1),
    )
    cs.add(
        InCondition(cs["gamma"], cs["kernel"], ["rbf", "poly"]),
        EqualsCondition(cs["degree"], cs["kernel"], "poly"),
        GreaterThanCondition(cs["large"], cs["size"], "m"),
        LessThanCondition(cs["below"], cs["x"], 0.5),
        OrConjunction(
            EqualsCondition(cs["either"], cs["mixed"], None), GreaterThanCondition(cs["either"], cs["n"], 15)
        ),
        AndConjunction(
            GreaterThanCondition(cs["deep"], cs["degree"], 2), NotEqualsCondition(cs["deep"], cs["flag"], True)
        ),
        NotEqualsCondition(cs["unflagged"], cs["flag"], True),
        AndConjunction(
            OrConjunction(LessThanCondition(cs["several"], cs["n"], 5), InCondition(cs["several"], cs["n"], [7, 9])),
            OrConjunction(
                EqualsCondition(cs["several"], cs["size"], "s"), EqualsCondition(cs["several"], cs["batch"], 64)
            ),
        ),
    )
    cs.add(
        ForbiddenEqualsClause(cs["ni"], 7),
        ForbiddenInClause(cs["mixed"], [1, False]),
        ForbiddenAndConjunction(
            ForbiddenEqualsClause(cs["kernel"], "linear"), ForbiddenInClause(cs["batch"], [32, 64])
        ),
        ForbiddenGreaterThanRelation(cs["n"], cs["m"]),
        ForbiddenEqualsRelation(cs["n"], cs["ni"]),
        ForbiddenAndConjunction(ForbiddenLessThanRelation(cs["x"], cs["nf"]), ForbiddenEqualsClause(cs["flag"], False)),
    )
    return cs


def test_points_go_both_ways() -> None:
    cs = everything()
    found = space(cs)
    for configuration in cs.sample_configuration(500):
        params = dict(configuration)
        assert found.check(params) == params
        assert found.allows(params)
    active: Counter[str] = Counter()
    for params in found.sample(500, seed=0):
        configuration = Configuration(cs, values=params)  # raises if it is not legal
        configuration.check_valid_configuration()
        read = dict(configuration)
        assert read.keys() == params.keys()
        for name, value in params.items():  # ConfigSpace rounds floats to 13 places
            assert read[name] == (pytest.approx(value, abs=1e-12) if type(value) is float else value)
        active.update(list(params))
    assert active.keys() == set(cs) == set(found)


def test_forbidden_points_are_refused_on_both_sides() -> None:
    cs = everything()
    found, bare = space(cs), everything()
    free = hp.Space(dict(found))
    allowed = refused = 0
    for params in free.sample(1000, seed=1):
        try:
            Configuration(bare, values=params).check_valid_configuration()
            legal = True
        except Exception as error:
            assert type(error).__name__ == "ForbiddenValueError"
            legal = False
        assert found.allows(params) == legal
        allowed, refused = allowed + legal, refused + (not legal)
    assert allowed > 100 and refused > 100


def test_the_conditions_and_constraints() -> None:
    found = space(everything())
    assert found["gamma"].when == {"kernel": ["rbf", "poly"]}
    assert found["large"].when == {"size": hp.at_least("l")}
    assert found["below"].when == {"x": hp.at_most(np.nextafter(0.5, -1).item())}
    assert found["either"].when == [{"mixed": [None]}, {"n": hp.at_least(16)}]
    assert found["deep"].when == {"degree": hp.at_least(3), "flag": [False]}
    assert found["several"].when == [
        {"n": hp.at_most(4), "size": ["s"]},
        {"n": hp.at_most(4), "batch": [64]},
        {"n": [7, 9], "size": ["s"]},
        {"n": [7, 9], "batch": [64]},
    ]
    assert sorted(constraint.__name__ for constraint in found.constraints) == [
        "not (kernel == 'linear' and batch in [32, 64])",
        "not (mixed in [1, False])",
        "not (n == ni)",
        "not (n > m)",
        "not (ni == 7)",
        "not (x < nf and flag == False)",
    ]


def test_it_is_the_same_space_when_read_again_or_pickled() -> None:
    found = space(everything())
    assert found == space(everything())
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301


@pytest.mark.parametrize(
    "hyperparameter",
    [
        UniformFloatHyperparameter("x", 1e-3, 10, log=True),
        UniformIntegerHyperparameter("x", 1, 9),
        NormalFloatHyperparameter("x", mu=0.5, sigma=2, lower=-1, upper=4),
        NormalFloatHyperparameter("x", mu=2, sigma=0.5, lower=1.5, upper=40, log=True),
        NormalIntegerHyperparameter("x", mu=5, sigma=3, lower=1, upper=12),
        NormalIntegerHyperparameter("x", mu=0, sigma=1, lower=-500, upper=500),
        CategoricalHyperparameter("x", [3, 1, 2], weights=[0.2, 0.5, 0.3]),
    ],
    ids=repr,
)
def test_distributions(hyperparameter: Any) -> None:
    n = 5_000
    cs = ConfigurationSpace({"x": hyperparameter}, seed=0)
    theirs = np.sort([configuration["x"] for configuration in cs.sample_configuration(n)])
    ours = np.sort([params["x"] for params in space(cs).sample(n, seed=0)])
    at = np.union1d(theirs, ours)
    distance = np.abs(np.searchsorted(theirs, at, "right") - np.searchsorted(ours, at, "right")).max() / n
    assert distance < 1.95 * np.sqrt(2 / n)


def test_a_normal_integer_on_a_log_scale_has_all_its_values() -> None:
    found = space(ConfigurationSpace({"x": NormalIntegerHyperparameter("x", 5, 3, 1, 12, log=True)}))["x"]
    assert isinstance(found, hp.Categorical) and found.choices == tuple(range(1, 13))
    assert found.weights is not None and found.weights[1] == max(found.weights)


def test_choices_of_weight_0_are_left_out_with_what_they_lead_to() -> None:
    cs = ConfigurationSpace()
    cs.add(
        CategoricalHyperparameter("c", ["a", "b", "never"], weights=[1, 1, 0]),
        UniformFloatHyperparameter("x", 0, 1),
        UniformFloatHyperparameter("y", 0, 1),
        UniformFloatHyperparameter("z", 0, 1),
    )
    cs.add(
        EqualsCondition(cs["x"], cs["c"], "never"),
        LessThanCondition(cs["y"], cs["x"], 0.5),
        InCondition(cs["z"], cs["c"], ["b", "never"]),
        ForbiddenEqualsClause(cs["x"], 0.5),
    )
    found = space(cs)
    assert list(found) == ["c", "z"] and found.constraints == ()
    assert found["c"] == hp.Categorical(["a", "b"], weights=[1, 1])
    assert found["z"].when == {"c": ["b"]}


def test_conditions_on_many_values() -> None:
    cs = ConfigurationSpace()
    cs.add(
        UniformIntegerHyperparameter("big", 0, 10**6),
        UniformFloatHyperparameter("f", 0, 1),
        *(UniformFloatHyperparameter(name, 0, 1) for name in "abcd"),
    )
    cs.add(
        LessThanCondition(cs["a"], cs["big"], 1000),
        GreaterThanCondition(cs["b"], cs["big"], 1000),
        EqualsCondition(cs["c"], cs["big"], 5),
        NotEqualsCondition(cs["d"], cs["f"], 0.5),
    )
    found = space(cs)
    assert found["a"].when == {"big": hp.at_most(999)}
    assert found["b"].when == {"big": hp.at_least(1001)}
    assert found["c"].when == {"big": [5]}
    assert found["d"].when == {"f": hp.at_most(1.0)}  # which always holds


def optimised(cs: ConfigurationSpace) -> None:
    opt = hp.Optimizer(space(cs), seed=0)
    for _ in range(15):
        trial = opt.ask()
        Configuration(cs, values=trial.params).check_valid_configuration()
        opt.tell(trial, trial["C"] + trial["x"] ** 2)


def test_an_optimizer_stays_in_the_space() -> None:
    optimised(everything())


def child_of(*build: Any, parent: Any = None) -> ConfigurationSpace:
    cs = ConfigurationSpace()
    cs.add(parent or UniformFloatHyperparameter("p", 0, 1), UniformFloatHyperparameter("child", 0, 1))
    made = [kind(cs["child"], cs["p"], value) for kind, value in build]
    cs.add(made[0] if len(made) == 1 else AndConjunction(*made))
    return cs


@pytest.mark.parametrize(
    ("cs", "message"),
    [
        (ConfigurationSpace(), "at least one parameter"),
        (
            ConfigurationSpace({"b": BetaFloatHyperparameter("b", 2, 3, lower=0, upper=1)}),
            r"'b' has a beta distribution \(BetaFloatHyperparameter\).*use NormalFloatHyperparameter",
        ),
        (
            ConfigurationSpace({"b": BetaIntegerHyperparameter("b", 2, 3, lower=0, upper=9)}),
            "use NormalIntegerHyperparameter.*UniformIntegerHyperparameter",
        ),
        (
            ConfigurationSpace({"n": NormalIntegerHyperparameter("n", 0, 9, -(10**6), 10**6)}),
            "'n', NormalIntegerHyperparameter: a normal integer may have at most 10000 values",
        ),
        (child_of((EqualsCondition, 0.5)), "a single value of 'p', which is continuous"),
        (child_of((InCondition, [0.25, 0.5])), "a single value of 'p', which is continuous"),
        (child_of((GreaterThanCondition, 0.2), (LessThanCondition, 0.5)), "'child' is active for 'p' from 0.2"),
        (
            child_of((NotEqualsCondition, 5), parent=UniformIntegerHyperparameter("p", 0, 10**6)),
            "NotEqualsCondition on 'p', which has 1000001 values",
        ),
        (
            child_of((InCondition, [5, 6]), parent=UniformIntegerHyperparameter("p", 0, 10**6)),
            "a list of values of 'p', which has 1000001",
        ),
    ],
)
def test_what_has_no_counterpart_is_named(cs: ConfigurationSpace, message: str) -> None:
    with pytest.raises(InvalidSpace, match=message):
        space(cs)


def test_other_objects_are_refused() -> None:
    with pytest.raises(InvalidType, match=r"cs must be a ConfigSpace.ConfigurationSpace, got \{'x'"):
        space({"x": (0, 1)})


def test_without_configspace_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hpcore.integrations.configspace")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == "ConfigSpace"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependency, match=r"needs ConfigSpace.*pip install 'hpcore\[configspace\]'"):
        import_module("hpcore.integrations.configspace")
