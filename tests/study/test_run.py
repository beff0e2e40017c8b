"""Runs without a study: trials that begin, ends, and results."""

from __future__ import annotations

import logging
import time

import pytest

import hpcore as hp
from hpcore.errors import SearchSpaceExhausted
from hpcore.ledger.trial_log import TrialLog
from hpcore.optimizer.search_view import SearchView
from hpcore.records.outcome import Outcome
from hpcore.study.run import Run
from hpcore.study.stopping import MaxTrials, StoppingRule
from hpcore.workers.waiting import Wait

LINE = {"x": hp.Float(0, 1)}


def trial_log(space: dict | None = None, **options) -> TrialLog:
    return TrialLog(hp.Optimizer(space or LINE, **{"sampler": "random", "seed": 0, **options}))


def evaluate(run: Run) -> list[int]:
    """Begin and finish trials until the run ends; return their numbers."""
    numbers = []
    while (trial := run.next_trial()) is not None:
        outcome = run.finish(trial, run.judge(float(trial.number), None, None))
        run.tell_hooks(trial, outcome)
        numbers.append(trial.number)
    return numbers


def test_a_number_of_trials_of_this_run_and_in_all() -> None:
    log = trial_log()
    assert evaluate(Run(log, n_trials=2)) == [0, 1]
    assert evaluate(Run(log, n_trials=2)) == [2, 3]
    assert evaluate(Run(log, n_trials=5, most=6)) == [4, 5]
    run = Run(log, most=6)
    assert run.next_trial() is None and run.over and run.n_begun == 0


def test_the_clock() -> None:
    late = time.monotonic() - 1
    assert evaluate(Run(trial_log(), n_trials=3, deadline=late)) == []
    log = trial_log()
    assert evaluate(Run(log, n_trials=3, deadline=late, at_least_one=lambda: log.optimizer.n_trials < 2)) == [0, 1]


def test_stop_ends_it_after_the_trials_that_were_begun() -> None:
    log = trial_log()
    run = Run(log, [lambda trial: run.stop() if trial.number == 2 else None], n_trials=9)
    assert evaluate(run) == [0, 1, 2]
    assert run.stopping and run.over


def test_a_space_that_ends(caplog: pytest.LogCaptureFixture) -> None:
    reasons: list[Exception] = []
    assert len(evaluate(Run(trial_log({"k": hp.Int(1, 3)}), n_trials=9, say_why=reasons.append))) == 3
    assert [type(reason).__name__ for reason in reasons] == ["SearchSpaceExhausted"]
    with caplog.at_level(logging.WARNING, "hpcore"):
        evaluate(Run(trial_log({"k": hp.Int(1, 3)}), n_trials=9))
    assert "the run ends after 3 of n_trials=9, with 3 trials in the study" in caplog.text


def test_a_search_without_a_point_is_an_error() -> None:
    allowed = [True]
    space = hp.Space({"k": hp.Int(1, 3)}, constraints=[lambda params: allowed[0]])
    run = Run(TrialLog(hp.Optimizer(space, sampler="random", seed=0)), n_trials=1)
    allowed[0] = False
    with pytest.raises(SearchSpaceExhausted):
        run.next_trial()


class Seen(StoppingRule):
    """Rule that records the number of ended trials of each view."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.seen: list[int] = []

    def start(self, view: SearchView) -> None:
        self.started.append(view.history.n)

    def reached(self, view: SearchView) -> bool:
        self.seen.append(view.history.n_ended)
        return False


def test_rules_are_asked_when_results_came_in() -> None:
    rule = Seen()
    run = Run(trial_log(), n_trials=4, rules=[rule])
    trials = [run.next_trial() for _ in range(3)]
    assert (rule.started, rule.seen) == ([0], [0])  # no result since
    run.tell_hooks(trials[1], run.finish(trials[1], Outcome((1.0,))))
    run.next_trial()
    assert rule.seen == [0, 1]
    log = trial_log()
    evaluate(Run(log, n_trials=2))
    assert evaluate(Run(log, n_trials=9, rules=[MaxTrials(4)])) == [2, 3]


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]])
def test_rules_of_a_deterministic_run_see_what_the_proposal_sees(order: list[int]) -> None:
    rule = Seen()
    run = Run(trial_log(), n_trials=9, rules=[rule], staleness=4)
    trials = [run.next_trial() for _ in range(4)]
    assert rule.seen == [0] * 4
    assert isinstance(run.next_trial(), Wait)
    for number in order:
        run.tell_hooks(trials[number], run.finish(trials[number], Outcome((1.0,))))
    for n in (1, 2, 3, 4):
        assert isinstance(run.next_trial(), hp.Trial)
        assert rule.seen[-1] == n


def test_a_result_that_is_not_allowed_is_a_failure() -> None:
    log = trial_log()
    run = Run(log, n_trials=1)
    trial = run.next_trial()
    outcome = run.finish(trial, run.judge("text", None, None))
    assert outcome.values is None and "the objective returned 'text'" in outcome.error
    assert trial.state == "failed"


def test_what_another_told_first_counts(caplog: pytest.LogCaptureFixture) -> None:
    log = trial_log()
    run = Run(log, n_trials=1)
    trial = run.next_trial()
    log.tell(trial.number, Outcome((2.0,)))
    assert run.finish(trial, Outcome((1.0,))).values == (2.0,)
    assert "came too late" in caplog.text


def test_given_up_trials_come_first_in_the_next_run_and_late_results_reach_the_hooks() -> None:
    log = trial_log()
    told: list[int] = []
    run = Run(log, [lambda trial: told.append(trial.number)], n_trials=9)
    trials = [run.next_trial() for _ in range(4)]
    run.finish_late(trials[1], Outcome((1.0,)))
    assert [trial.number for trial in run.open_trials] == [0, 2, 3] and told == []
    run.finish_late(trials[1], Outcome((5.0,)))  # it has a result
    run.give_up()
    assert told == [1] and run.over and run.open_trials == []
    assert log.optimizer.trials[1].value == 1.0
    params = [trial.params for trial in trials]
    again = Run(log, n_trials=4)
    assert [(trial.number, trial.params) for trial in (again.next_trial() for _ in range(4))][:3] == [
        (number, params[number]) for number in (0, 2, 3)
    ]


def test_paused_trials_go_on_after_the_last_point_of_the_space():
    from hpcore.schedulers import ASHA

    study = hp.Study({"x": list(range(9))}, sampler="random", scheduler=ASHA(1, 9), seed=0)
    study.run(lambda trial: trial["x"] + 1 / trial.until, n_trials=50)
    curves = study.optimizer.history.curves
    assert [int((curves.step == step).sum()) for step in (1, 3, 9)] == [9, 3, 1]
    assert study.best_params == {"x": 0}
