"""Spaces of stored studies: compared with the one that is given, and restored."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import (
    InvalidArgument,
    SpaceMismatch,
)
from hpcore.storage import open_storage
from tests.study.samples import SPACE, cost

# --- choices and constraints that are code ----------------------------------------------------------------------------


def test_objects_as_choices_and_constraints(runs: Path) -> None:
    def space() -> hp.Space:
        return hp.Space(
            {"kind": hp.Categorical([int, str, len, (1, "a"), [2], math.nan]), "x": hp.Float(0, 1)},
            constraints=[lambda p: p["x"] < 0.9],
        )

    study = hp.Study(space(), storage=runs, name="a", sampler="random", seed=0)
    study.run(lambda t: float(space()["kind"].level("kind", t["kind"])), n_trials=20)
    study.enqueue({"kind": str})
    study.add({"kind": len, "x": 0.5}, 3.0)
    with pytest.raises(InvalidArgument, match=r"space must be given.*'kind'.*code"):
        hp.load_study(runs, "a")
    again = hp.load_study(runs, "a", space=space())
    assert [repr(t.params) for t in again.trials] == [repr(t.params) for t in study.trials]
    assert again.ask()["kind"] is str
    constrained = hp.Space({"x": hp.Float(0, 1)}, constraints=[lambda p: True])
    hp.Study(constrained, storage=runs, name="b", seed=0)
    with pytest.raises(InvalidArgument, match=r"space must be given.*1 constraints"):
        hp.load_study(runs, "b")


# --- comparison with the stored space ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "match"),
    [
        ({**SPACE, "x": hp.Float(-5, 6)}, r"high of 'x' was 5\.0, is 6\.0"),
        ({**SPACE, "c": hp.Categorical(["a", "b", None, 1])}, "choices of 'c' was"),
        ({**SPACE, "y": hp.Int(1, 2)}, "'y' is new"),
        ({"x": SPACE["x"], "k": SPACE["k"]}, "'c' is missing"),
        ({"k": SPACE["k"], "x": SPACE["x"], "c": SPACE["c"]}, "order of the parameters was x, k, c, is k, x, c"),
        ({**SPACE, "x": hp.Float(-5, 5, when={"k": 3})}, "when of 'x'"),
        ({**SPACE, "k": hp.Float(1, 9)}, 'type of \'k\' was "Int", is "Float"'),
        (hp.Space(SPACE, [lambda p: True]), "it had 0 constraints, has 1"),
    ],
    ids=range(8),
)
def test_two_spaces_for_one_name(space, match: str) -> None:
    store = open_storage("sqlite:///:memory:")
    hp.Study(SPACE, storage=store, name="a", sampler="random", seed=0).run(cost, n_trials=1)
    with pytest.raises(SpaceMismatch, match=match):
        hp.Study(space, storage=store, name="a")
    assert [s.n_trials for s in hp.list_studies(store)] == [1]


def test_alternatives_are_stored(runs: Path) -> None:
    def space(last: int) -> dict:
        either = [{"k": 1}, {"c": ["a", None], "k": hp.at_least(last)}]
        return {"k": hp.Int(1, 5), "c": hp.Categorical(["a", "b", None]), "x": hp.Float(0, 1, when=either)}

    study = hp.Study(space(3), storage=runs, name="a", sampler="random", seed=0)
    study.run(lambda trial: float(len(trial.params)), n_trials=20)
    again = hp.load_study(runs, "a")
    assert again.space == hp.Space(space(3)) and again.trials[:] == study.trials[:]
    assert {len(trial.params) for trial in again.trials} == {2, 3}
    assert hp.Study(space(3), storage=runs, name="a").ask().number == 20
    with pytest.raises(SpaceMismatch, match="when of 'x' was"):
        hp.Study(space(4), storage=runs, name="a")


@pytest.mark.parametrize(("was", "now"), [(["a", True], ["a", 1]), ([1, 2], [1.0, 2.0])])
def test_equal_is_not_the_same_choice(was: list, now: list, runs: Path) -> None:
    hp.Study({"c": hp.Categorical(was)}, storage=runs, name="a", seed=0)
    with pytest.raises(SpaceMismatch, match="choices of 'c'"):
        hp.Study({"c": hp.Categorical(now)}, storage=runs, name="a")


@pytest.mark.parametrize("values", [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 4, 2], [3.0, 1, 4, 2.5]])
def test_a_study_of_choices_without_an_order_goes_on_as_a_list(values: list, runs: Path) -> None:
    # Earlier versions read a list in this way.
    before = hp.Study({"c": hp.Categorical(values)}, storage=runs, name="a", sampler="random", seed=0)
    before.run(lambda p: p["c"], n_trials=2)
    after = hp.Study({"c": values}, storage=runs, name="a", sampler="gp")
    assert after.space["c"].choices == tuple(values)
    assert after.space["c"].ordered == (values[1] in (2, 3))
    assert [trial.params for trial in after.trials] == [trial.params for trial in before.trials]
    after.run(lambda p: p["c"], n_trials=2)
    assert sorted(trial.params["c"] for trial in after.trials) == sorted(values)
    assert all(trial.params["c"] == trial.value for trial in after.trials)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (hp.Categorical(["a", "b"]), hp.Categorical(["b", "a"])),
        (hp.Categorical([1, 2], weights=[1, 3]), hp.Categorical([2, 1], weights=[1, 3])),
        (hp.Categorical([1, 2, 2.5]), hp.Categorical([1, 2, 3])),
        (hp.Categorical([1, 2, True]), hp.Categorical([1, True, 2])),
        (hp.Categorical([max, min]), hp.Categorical([min, max])),
        (hp.Categorical([1, 2, 3], ordered=True), hp.Categorical([3, 2, 1], ordered=True)),
    ],
    ids=range(6),
)
def test_choices_in_another_order_are_others_unless_they_are_mere_numbers(was, now, runs: Path) -> None:
    more = {"x": hp.Float(0, 1, when={"c": hp.at_least(2)})} if was.ordered else {}
    hp.Study({"c": was, **more}, storage=runs, name="a", seed=0)
    with pytest.raises(SpaceMismatch, match="choices of 'c'"):
        hp.Study({"c": now, **more}, storage=runs, name="a")
