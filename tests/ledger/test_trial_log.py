"""Logs of trials in memory: terms, trials that are given back, and results."""

from __future__ import annotations

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted, TrialAlreadyTold, UnknownTrial
from hpcore.ledger.trial_log import Terms, TrialLog, number_of
from hpcore.records.history import FAILED
from hpcore.records.outcome import Outcome
from hpcore.workers.waiting import WAIT


def trial_log(space: dict | None = None) -> TrialLog:
    return TrialLog(hp.Optimizer(space or {"x": hp.Float(0, 1)}, sampler="random", seed=0))


# --- terms ------------------------------------------------------------------------------------------------------------


def test_a_number_of_trials_in_all() -> None:
    log = trial_log()
    assert [log.ask(Terms(most=2)).number for _ in range(2)] == [0, 1]
    assert log.ask(Terms(most=2)) is None
    assert log.ask(Terms(most=3)).number == 2


def test_an_order_waits_for_the_results_that_a_proposal_sees() -> None:
    log, terms = trial_log(), Terms(staleness=2)
    first, second = log.ask(terms), log.ask(terms)
    assert log.ask(terms) is WAIT
    log.tell(second, Outcome((1.0,)))
    assert log.ask(terms) is WAIT
    log.tell(first, Outcome((1.0,)))
    assert log.ask(terms).number == 2
    assert (log.as_of(2), log.as_of(9), log.as_of(None)) == (1, -1, 3)


def test_a_rule_of_an_order_sees_what_the_proposal_sees() -> None:
    log, seen = trial_log(), []

    def reached(view) -> bool:
        seen.append(view.history.n_complete)
        return view.history.n_complete == 2

    terms = Terms(staleness=1, reached=reached)
    while (trial := log.ask(terms)) is not None:
        log.tell(trial, Outcome((1.0,)))
    assert seen == [0, 1, 2] and log.optimizer.n_trials == 2


# --- trials that are given back ---------------------------------------------------------------------------------------


def test_trials_that_were_given_back_come_first_without_what_was_written_on_them() -> None:
    log = trial_log()
    trials = [log.ask() for _ in range(4)]
    trials[2].user_attrs["old"] = 1
    log.give_back([trials[2], trials[0]])
    log.give_back([trials[2]])
    log.tell(0, Outcome((1.0,)))  # the caller had it
    again = log.ask(Terms(most=4))
    assert again.number == 2 and again is not trials[2]
    assert (again.params, again.user_attrs) == (trials[2].params, {})
    assert log.ask(Terms(most=4)) is None


def test_callers_get_them_too_and_they_are_not_lost_if_the_space_ends() -> None:
    log = trial_log({"k": hp.Int(1, 3)})
    trials = log.hand_out(2, None, alone=False)
    log.give_back(trials)
    assert [trial.number for trial in log.hand_out(9, None, alone=False)] == [0, 1, 2]
    with pytest.raises(SearchSpaceExhausted):
        log.hand_out(1, None, alone=True)
    log.give_back(trials)
    assert [trial.number for trial in log.hand_out(9, None, alone=False)] == [0, 1]


def test_a_trial_of_a_caller_prevents_an_order() -> None:
    log = trial_log()
    trial = log.ask()
    with pytest.raises(InvalidArgument, match="trial 0 is still running; tell it first"):
        log.begin("lag 4", 4)
    log.give_back([trial])
    log.begin("lag 4", 4)
    assert log.mode == "lag 4"
    log.begin("lag 1")
    assert log.mode == "fast"


# --- results ----------------------------------------------------------------------------------------------------------


def test_the_first_result_counts() -> None:
    log = trial_log()
    trial = log.ask()
    log.tell(0, Outcome((2.0,), std_error=0.5, cost=3.0, metrics={"f1": 0.5}, gradient={"x": 1.0}))
    finished = log.finish(trial, Outcome((1.0,)), then=Terms(most=1))
    assert finished.outcome == Outcome((2.0,), std_error=0.5, cost=3.0, metrics={"f1": 0.5}, gradient={"x": 1.0})
    assert finished.following is finished.end is None


def test_an_error_of_the_next_proposal_loses_no_result() -> None:
    log = trial_log({"k": hp.Int(1, 1)})
    finished = log.finish(log.ask(), Outcome((1.0,)), then=Terms())
    assert log.optimizer.best_value == 1.0
    assert finished.following is None and isinstance(finished.end, SearchSpaceExhausted)


class Raising:
    def __float__(self) -> float:
        raise ZeroDivisionError("no number")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("text", "the objective returned 'text': value must be a number or one number per objective"),
        ([1.0, 2.0], "value must have one number per objective (1), got 2"),
        (Raising(), "ZeroDivisionError: no number"),
        (None, "the value was None"),
    ],
    ids=range(4),
)
def test_a_value_that_is_not_allowed_is_a_failure(value: object, reason: str) -> None:
    outcome = trial_log().judge(value, None, None)
    assert (outcome.state, outcome.values) == (FAILED, None)
    assert reason in outcome.error


def test_trials_by_number() -> None:
    log = trial_log()
    trial = log.ask()
    assert number_of(trial) == number_of(0) == 0
    for wrong in ("0", 0.0, True, None):
        with pytest.raises(InvalidType, match="trial must be"):
            number_of(wrong)
    log.renew()
    log.renew(trial)
    with pytest.raises(UnknownTrial):
        log.renew(1)
    log.tell(trial, Outcome((1.0,)))
    with pytest.raises(TrialAlreadyTold):
        log.renew(0)


def test_attributes_are_copies() -> None:
    log = trial_log()
    log.set_attribute("a", {"b": [1]})
    log.attributes()["a"]["b"].append(2)
    assert log.attributes() == {"a": {"b": [1]}}
    log.set_attribute("a", None)
    log.set_attribute("a", None)
    assert log.attributes() == {}
