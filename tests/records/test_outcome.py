"""Outcomes: results of jobs."""

from __future__ import annotations

import pickle

import pytest

from hpcore.records.history import COMPLETE, FAILED
from hpcore.records.outcome import Outcome


def test_an_outcome_is_complete_by_default_and_fixed() -> None:
    outcome = Outcome((1.0, 2.0))
    assert (outcome.state, outcome.extras) == (COMPLETE, {})
    with pytest.raises(AttributeError):
        outcome.values = None  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(outcome)) == outcome  # noqa: S301


def test_a_failure_has_a_reason_and_no_value() -> None:
    outcome = Outcome.failed("it broke", cost=2.0)
    assert (outcome.values, outcome.state, outcome.error, outcome.cost) == (None, FAILED, "it broke", 2.0)


@pytest.mark.parametrize(
    ("facts", "extras"),
    [
        ({"cost": 0.0}, {}),
        ({"metrics": {}}, {"metrics": {}}),
        ({"metrics": {"f1": 0.5}}, {"metrics": {"f1": 0.5}}),
        ({"cost": 1.0, "gradient": {"x": -1.0}}, {"gradient": {"x": -1.0}}),
    ],
    ids=range(4),
)
def test_facts_that_few_trials_have(facts: dict, extras: dict) -> None:
    outcome = Outcome((1.0,), **facts)
    assert outcome.extras == extras
    assert outcome.cost == facts.get("cost")


def test_extras_are_copies() -> None:
    metrics = {"f1": 0.5}
    Outcome((1.0,), metrics=metrics).extras["metrics"]["f1"] = 1.0
    assert metrics == {"f1": 0.5}
