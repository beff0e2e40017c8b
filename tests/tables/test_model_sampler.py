"""Sampler of a space of several models."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidSpace
from hpcore.tables.choice_space import MODEL, ChoiceSpace
from hpcore.tables.model_sampler import ModelSampler

CHOICE = ChoiceSpace.of(
    {
        "a": {"x": hp.Float(0.0, 1.0), "k": hp.Categorical(["p", "q"]), "z": hp.Float(0.0, 1.0, when={"k": "p"})},
        "b": {"x": hp.Float(0.0, 1.0)},
        "c": {"y": hp.Float(1e-3, 1.0, log=True), "i": hp.Int(1, 9)},
    }
)


def _loss(params: Any) -> float:
    if params[MODEL] == "a":
        return (params["a__x"] - 0.3) ** 2 + (params.get("a__z", 0.0) - 0.7) ** 2
    return 0.2 + (params["b__x"] - 0.5) ** 2 if params[MODEL] == "b" else 1.0 + params["c__y"]


def _run(n: int, sampler: Any = "gp", seed: int = 0) -> hp.Optimizer:
    optimizer = hp.Optimizer(CHOICE.space, sampler=ModelSampler(CHOICE, sampler), seed=seed)
    for _ in range(n):
        trial = optimizer.ask()
        optimizer.tell(trial, _loss(trial.params))
    return optimizer


@pytest.mark.parametrize("sampler", ["gp", "tpe", "random"])
def test_all_models_are_tried_and_the_best_gets_most(sampler: str) -> None:
    optimizer = _run(60, sampler)
    counts = Counter(trial.params[MODEL] for trial in optimizer.trials)
    assert set(counts) == {"a", "b", "c"}
    assert min(counts.values()) >= 3
    assert counts["a"] > counts["b"] > counts["c"]
    assert optimizer.best_params[MODEL] == "a"


def test_the_model_of_each_is_learnt() -> None:
    optimizer = _run(60)
    assert optimizer.best_value < 1e-4
    best_b = min(trial.value for trial in optimizer.trials if trial.params[MODEL] == "b")
    assert best_b < 0.201


def test_the_same_seed_gives_the_same_trials() -> None:
    first, second, other = _run(25), _run(25), _run(25, seed=1)
    assert [t.params for t in first.trials] == [t.params for t in second.trials]
    assert [t.params for t in first.trials] != [t.params for t in other.trials]


def test_a_batch_has_different_points_of_several_models() -> None:
    optimizer = _run(12)
    batch = optimizer.ask(6)
    assert len({tuple(sorted(trial.params.items())) for trial in batch}) == 6
    fresh = hp.Optimizer(CHOICE.space, sampler=ModelSampler(CHOICE), seed=0)
    assert [trial.params[MODEL] for trial in fresh.ask(3)] == ["a", "b", "c"]


def test_failures_withdrawn_trials_and_told_results_are_taken() -> None:
    optimizer = hp.Optimizer(CHOICE.space, sampler=ModelSampler(CHOICE), seed=3)
    optimizer.add({MODEL: "b", "b__x": 0.25}, 0.3)
    for i in range(40):
        trial = optimizer.ask()
        if trial.params[MODEL] == "c":
            optimizer.tell(trial, None, error="it fails")
        elif i % 7 == 3:
            optimizer.withdraw(trial)
        else:
            optimizer.tell(trial, _loss(trial.params))
    failed = [trial for trial in optimizer.trials if trial.state == "failed"]
    assert len(failed) == 3  # then no more of this model


def test_time_is_shared_where_that_is_wanted() -> None:
    history_seconds = {"a": 1.0, "b": 1.0, "c": 50.0}
    optimizer = hp.Optimizer(CHOICE.space, sampler=ModelSampler(CHOICE, "random", by_time=True), seed=0)
    now = 1000.0
    for _ in range(80):
        trial = optimizer.ask()
        trial.started, now = now, now + history_seconds[trial.params[MODEL]]
        trial.finished = now
        optimizer.tell(trial, _loss(trial.params))
    counts = Counter(trial.params[MODEL] for trial in optimizer.trials)
    assert counts["c"] <= 3
    assert counts["a"] > 30


def test_it_says_what_it_is() -> None:
    assert repr(ModelSampler(CHOICE, "tpe")) == "ModelSampler(['a', 'b', 'c'], 'tpe', by_time=False)"


def test_another_space_is_refused() -> None:
    choice = ChoiceSpace.of({"a": {"x": hp.Float(0.0, 1.0)}})
    with pytest.raises(InvalidSpace, match="model, a__x, got a space of x"):
        hp.Optimizer(hp.Space({"x": hp.Float(0.0, 1.0)}), sampler=ModelSampler(choice))
