"""Conditions that are read off trials, against the programs that made the trials."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType

RANGES = {
    "kernel": hp.Categorical(["rbf", "poly", "linear", "sigmoid"]),
    "C": hp.Float(1e-3, 1e3, log=True),
    "layers": hp.Int(1, 5),
    "gamma": hp.Float(1e-5, 10.0, log=True),
    "degree": hp.Int(2, 5),
    "coef": hp.Float(0, 1),
    "size": hp.Categorical(["s", "m", "l"], ordered=True),
    "width": hp.Int(8, 512, log=True),
}


class Asks(dict):
    """A trial of a program: what it asks for is drawn and kept."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __call__(self, name: str) -> Any:
        if name not in self:
            self[name] = hp.Space({name: RANGES[name]}).decode(self._rng.random(1))[name]
        return self[name]


def branches(ask: Asks) -> None:
    ask("C")
    if ask("kernel") in ("rbf", "poly"):
        ask("gamma")
    if ask("kernel") == "poly" and ask("degree") >= 4:
        ask("coef")


def thresholds(ask: Asks) -> None:
    ask("kernel")
    if ask("layers") >= 3:
        ask("degree")
    if ask("C") < 1.0:
        ask("gamma")
    if ask("size") != "l":
        ask("width")


def listed(ask: Asks) -> None:
    if ask("layers") in (2, 4):
        ask("gamma")


def together(ask: Asks) -> None:
    ask("layers"), ask("C")
    if ask("kernel") in ("rbf", "poly") and ask("layers") >= 3:
        ask("gamma")


def either(ask: Asks) -> None:
    if ask("kernel") == "linear":
        ask("size")
    elif ask("kernel") == "poly":
        ask("degree")
    if (ask("kernel") == "linear" and ask("size") == "l") or (ask("kernel") == "poly" and ask("degree") == 5):
        ask("coef")


PROGRAMS = [branches, thresholds, listed, together, either]


def trials_of(program: Callable[[Asks], None], n: int, seed: int = 0) -> list[dict]:
    rng = np.random.default_rng(seed)
    trials = []
    for _ in range(n):
        ask = Asks(rng)
        program(ask)
        trials.append(dict(ask))
    return trials


def ranges_of(trials: list[dict]) -> dict:
    names = {name for trial in trials for name in trial}
    return {name: parameter for name, parameter in RANGES.items() if name in names}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_is_learnt(program) -> None:
    """After many trials hardly any other trial contradicts; a threshold of a continuous value stays a little off."""
    seen, others = trials_of(program, 600), trials_of(program, 300, seed=1)
    space = hp.Space.learn(ranges_of(seen), seen)
    assert space.unexplained == ()
    assert all(space.explains(trial) for trial in seen)
    wrong = [trial for trial in others if not space.explains(trial)]
    assert len(wrong) <= (3 if program is thresholds else 0)


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("n", [1, 2, 3, 8, 25])
def test_what_was_learnt_explains_what_it_was_learnt_from(program, n: int) -> None:
    for seed in range(10):
        seen = trials_of(program, n, seed)
        space = hp.Space.learn(ranges_of(seen), seen)
        assert all(space.explains(trial) for trial in seen), (seed, space)
        dropped = hp.Space.learn(ranges_of(seen), seen, unexplained="drop")
        assert dropped.unexplained == ()
        for trial in seen:
            assert dropped.explains({name: value for name, value in trial.items() if name in dropped})


def test_conditions_are_those_of_the_program() -> None:
    seen = trials_of(branches, 400)
    space = hp.Space.learn(RANGES | {}, [*seen, ({}, False)])
    assert space["gamma"].when == {"kernel": ["rbf", "poly"]}
    assert space["degree"].when == {"kernel": ["poly"]}
    assert space["coef"].when == {"degree": hp.at_least(4)}
    assert space["C"].when == {} and space.unexplained == ("layers", "size", "width")
    learnt = hp.Space.learn(ranges_of(trials_of(thresholds, 400)), trials_of(thresholds, 400))
    assert learnt["degree"].when == {"layers": hp.at_least(3)}
    assert learnt["width"].when == {"size": hp.at_most("m")}
    assert list(learnt["gamma"].when) == ["C"] and learnt["gamma"].when["C"].value == pytest.approx(1.0, rel=0.2)
    assert hp.Space.learn(ranges_of(trials_of(listed, 50)), trials_of(listed, 50))["gamma"].when == {"layers": [2, 4]}
    both = hp.Space.learn(ranges_of(trials_of(together, 400)), trials_of(together, 400))
    assert both["gamma"].when == {"kernel": ["rbf", "poly"], "layers": hp.at_least(3)}
    any_of = hp.Space.learn(ranges_of(trials_of(either, 400)), trials_of(either, 400))
    assert any_of["coef"].when == [{"size": hp.at_least("l")}, {"degree": hp.at_least(5)}]


def test_a_trial_that_ended_early_shows_only_what_is_active() -> None:
    seen = [{"kernel": "rbf", "gamma": 0.1}, {"kernel": "linear"}, ({"kernel": "poly"}, False), ({}, False)]
    assert hp.Space.learn(ranges_of(seen[:2]), seen)["gamma"].when == {"kernel": ["rbf"]}
    seen.append(({"kernel": "poly", "gamma": 0.2}, False))
    assert hp.Space.learn(ranges_of(seen[:2]), seen)["gamma"].when == {"kernel": ["rbf", "poly"]}
    assert hp.Space.learn(ranges_of(seen[:2]), [({"kernel": "rbf"}, False)])["gamma"].when == {}


@pytest.mark.parametrize(
    ("parameter", "without", "with_it", "expected"),
    [
        (hp.Int(0, 100), 2, 5, hp.at_least(4)),
        (hp.Int(0, 100), 2, 4, hp.at_least(4)),  # 3 is just in the middle
        (hp.Int(0, 100), 2, 3, hp.at_least(3)),
        (hp.Int(0, 100), 5, 2, hp.at_most(3)),
        (hp.Int(0, 100), 4, 2, hp.at_most(2)),
        (hp.Int(1, 100, log=True), 4, 64, hp.at_least(17)),
        (hp.Float(0, 1), 0.25, 0.75, hp.at_least(0.5)),
        (hp.Float(0, 1), 0.75, 0.25, hp.at_most(0.5)),
        (hp.Float(1e-4, 1, log=True), 1e-3, 1e-1, hp.at_least(pytest.approx(1e-2))),
        (hp.Normal(0, 1), -3.0, 1.0, hp.at_least(-1.0)),
        (hp.Categorical(["a", "b", "c", "d"], ordered=True), "a", "d", hp.at_least("c")),
        (hp.Categorical(["a", "b", "c"], ordered=True), "c", "a", hp.at_most("a")),
        (hp.Categorical(["a", "b", "c"]), "a", "c", ["c"]),  # "b" counts as without
    ],
)
def test_values_that_were_not_seen(parameter, without, with_it, expected) -> None:
    space = hp.Space.learn(
        {"p": parameter, "x": hp.Float(0, 1)}, [{"p": without}, {"p": with_it, "x": 0.5}, {"p": with_it, "x": 0.25}]
    )
    assert space["x"].when == {"p": expected}


def test_a_parameter_explains_only_what_was_asked_for_after_it() -> None:
    later = [{"x": 0.1, "k": "a"}, {"k": "b"}]
    space = hp.Space.learn({"k": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1)}, later)
    assert space["x"].when == {} and space.unexplained == ("x",)
    assert space.explains({"k": "b"}) and not space.explains({"x": 0.5})
    assert "x" not in hp.Space.learn(space, later, unexplained="drop")
    for same in (copy.copy(space), copy.deepcopy(space), pickle.loads(pickle.dumps(space))):  # noqa: S301
        assert same == space and same.unexplained == ("x",)


def test_the_simplest_explanation_is_taken() -> None:
    """A choice of two tells little by chance, where a continuous value that was never seen twice tells anything."""
    rng = np.random.default_rng(0)
    seen = []
    for i in range(12):
        params = {"k": "ab"[i % 2], "u": float(i % 2) / 2 + rng.random() / 4}
        seen.append({**params, "x": 0.5} if i % 2 else params)
    space = hp.Space.learn({"u": hp.Float(0, 1), "k": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1)}, seen)
    assert space["x"].when == {"k": ["b"]}


def test_trials_of_an_optimizer_and_conditions_that_are_given() -> None:
    opt = hp.Optimizer({"k": ["a", "b"], "x": hp.Float(0, 1, when={"k": "a"})}, "random", seed=0)
    for _ in range(10):
        trial = opt.ask()
        opt.tell(trial, 0.0)
    opt.ask()
    parameters = {"k": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1)}
    assert hp.Space.learn(parameters, opt.trials)["x"].when == {"k": ["a"]}
    given = {**parameters, "x": hp.Float(0, 1, when={"k": ["a", "b"]})}
    assert hp.Space.learn(given, opt.trials) == hp.Space(given)
    limited = hp.Space.learn(parameters, opt.trials, constraints=[lambda p: p["k"] == "a"])
    assert len(limited.constraints) == 1 and parameters["x"].when == {}


def test_wrong_arguments_are_refused() -> None:
    parameters = {"n": hp.Int(1, 5), "x": hp.Float(0, 1), "k": hp.Categorical(["a", "b"])}
    lacking = [{"n": 1, "k": "a"}, {"n": 2, "k": "b", "x": 0.5}]
    for trials in ([3], [("a", True)], [({}, 1)], [object()]):
        with pytest.raises(InvalidType, match="a trial must be"):
            hp.Space.learn(parameters, trials)
    with pytest.raises(InvalidType, match="parameters must be"):
        hp.Space.learn({"n": (1, 5)}, lacking)
    with pytest.raises(InvalidArgument, match="unexplained must be"):
        hp.Space.learn(parameters, lacking, unexplained="forget")
    with pytest.raises(InvalidArgument, match="'n' must be within"):
        hp.Space.learn(parameters, [*lacking, {"n": 9, "k": "a", "x": 0.5}])
    with pytest.raises(InvalidArgument, match="'k' must be one of"):
        hp.Space.learn(parameters, [*lacking, {"n": 1, "k": "c", "x": 0.5}])
    with pytest.raises(InvalidType, match="'n' must be an integer"):
        hp.Space.learn(parameters, [*lacking, {"n": "one", "k": "a", "x": 0.5}])
    # Names that are no parameters are not looked at.
    assert hp.Space.learn(parameters, [{**trial, "more": 1} for trial in lacking])["x"].when
