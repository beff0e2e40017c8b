"""One space for several models."""

from __future__ import annotations

import hpcore as hp
from hpcore.tables.choice_space import MODEL, ChoiceSpace

A = {"x": hp.Float(0.0, 1.0), "kind": hp.Categorical(["p", "q"]), "z": hp.Int(1, 5, when={"kind": "p"})}
B = {"x": hp.Float(1e-3, 1.0, log=True)}


def test_parameters_are_active_with_their_model_alone() -> None:
    choice = ChoiceSpace.of({"a": A, "b": B})
    assert list(choice.space) == [MODEL, "a__x", "a__kind", "a__z", "b__x"]
    for params in choice.space.sample(60, seed=0):
        model = params[MODEL]
        own = choice.models[model]
        inner = {name: value for name, value in params.items() if name != MODEL}
        assert all(name.startswith(f"{model}__") for name in inner)
        assert own.check(inner) == inner


def test_conditions_of_a_model_are_kept() -> None:
    choice = ChoiceSpace.of({"a": A, "b": B})
    seen = {
        (params["a__kind"], "a__z" in params)
        for params in choice.space.sample(80, seed=1)
        if MODEL in params and params[MODEL] == "a"
    }
    assert seen == {("p", True), ("q", False)}
    several = {**A, "w": hp.Float(0.0, 1.0, when=[{"kind": "q"}, {"z": [1, 2]}])}
    space = ChoiceSpace.of({"a": several}).space
    for params in space.sample(80, seed=2):
        assert ("a__w" in params) == (params["a__kind"] == "q" or params.get("a__z", 9) <= 2)


def test_the_given_parameters_are_not_changed() -> None:
    ChoiceSpace.of({"a": A})
    assert A["x"].when == {}
    assert A["z"].when == {"kind": "p"}
