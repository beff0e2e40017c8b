"""Contract of every trial log: in memory, in SQLite, and on a PostgreSQL server where one is installed."""

from __future__ import annotations

import importlib.util
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import (
    HpcoreError,
    InvalidArgument,
    LeaseExpired,
    ResultsNeeded,
    SpaceMismatch,
    TrialAlreadyTold,
    UnknownTrial,
)
from hpcore.ledger.summary import WAITING, read_contents
from hpcore.ledger.trial_log import Terms, TrialLog
from hpcore.optimizer.known import read_known
from hpcore.records.history import PAUSED, PRUNED
from hpcore.records.outcome import Outcome
from hpcore.schedulers import ASHA, Judge, Resume, Scheduler, Start
from hpcore.storage import open_storage
from hpcore.workers.waiting import WAIT

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9)}
SERVER = Path(__file__).parents[2] / "benchmarks" / "reliability" / "postgres_server.py"


class Study:
    """A study of which logs are opened; in memory there is one, which is opened again and again."""

    def __init__(self, url: str | None, **options: Any) -> None:
        self.url, self.name, self._options = url, uuid.uuid4().hex, {"sampler": "random", "seed": 0, **options}
        self._only = None if url else hp.Study(SPACE, **self._options)

    def with_options(self, **options: Any) -> Study:
        return Study(self.url, **options)

    @property
    def durable(self) -> bool:
        return self._only is None

    def study(self) -> hp.Study:
        if self._only is not None:
            return self._only
        return hp.Study(SPACE, storage=self.url, name=self.name, **self._options)

    def log(self) -> TrialLog:
        return self.study()._trial_log


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("postgres_server", SERVER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.binaries() is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    with module.PostgresServer() as running:
        yield running


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def of(request: pytest.FixtureRequest, tmp_path: Path) -> Study:
    if request.param == "memory":
        return Study(None)
    return Study(str(tmp_path / "runs.db") if request.param == "sqlite" else request.getfixturevalue("server").url)


@pytest.fixture
def stored(of: Study) -> Study:
    if not of.durable:
        pytest.skip("nobody else has it")
    return of


def states(log: TrialLog) -> list[str]:
    return [trial.state.value for trial in log.optimizer.trials]


def pause(log: TrialLog, trial: hp.Trial, **facts: Any) -> None:
    log.finish(trial, Outcome(None, PAUSED, **facts))


def in_every_state(log: TrialLog) -> list[hp.Trial]:
    """Trials 0 .. 4: complete, pruned, failed, paused, running."""
    trials = [log.ask() for _ in range(5)]
    log.finish(trials[0], Outcome((1.5,), std_error=0.25, cost=3.0, metrics={"f1": 0.5}, gradient={"x": -2.0}))
    log.finish(trials[1], Outcome((0.5,), PRUNED, cost=1.0))
    log.finish(trials[2], Outcome.failed("it broke", cost=2.0))
    trials[3].user_attrs["fold"] = [1, 2]
    pause(log, trials[3], cost=4.0, metrics={"f1": 0.25})
    return trials


# --- ask, finish, tell --------------------------------------------------------------------------------------------


def test_trials_are_those_of_an_optimizer(of: Study) -> None:
    log, alone = of.log(), hp.Optimizer(SPACE, sampler="random", seed=0)
    for i in range(5):
        trial = log.ask()
        assert (trial.number, trial.params) == (i, alone.ask().params)
        finished = log.finish(trial, log.judge(float(i), None, None))
        assert finished.outcome == Outcome((float(i),)) and finished.following is finished.end is None
    assert [t.value for t in of.log().optimizer.trials] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_the_next_trial_comes_with_the_result(of: Study) -> None:
    log = of.log()
    following = log.ask()
    for i in range(3):
        following = log.finish(following, Outcome((float(i),)), then=Terms()).following
        assert following.number == i + 1
    assert log.finish(following, Outcome((3.0,)), then=Terms(most=4)).following is None
    assert states(of.log()) == ["complete"] * 4


def test_values_that_are_none_are_failures(of: Study) -> None:
    log = of.log()
    for value, reason in (
        (float("nan"), "finite"),
        ("a", "must be a number"),
        ([1.0, 2.0], "one number per objective"),
    ):
        trial = log.ask()
        log.finish(trial, log.judge(value, None, None))
        assert trial.state == "failed" and reason in of.log().optimizer.trials[trial.number].error
    assert log.judge(True, None, None) == log.judge(np.float32(1.0), None, None) == Outcome((1.0,))


@pytest.mark.parametrize("how", ["itself", "number", "copy"])
def test_the_first_result_counts(of: Study, how: str) -> None:
    log = of.log()
    trial = log.hand_out(1, None, alone=True)[0]
    copy = hp.Trial(trial.number, dict(trial.params))
    log.tell({"itself": trial, "number": 0, "copy": copy}[how], Outcome((1.0,)))
    for again in (trial, 0, copy):
        with pytest.raises(TrialAlreadyTold):
            log.tell(again, Outcome((2.0,)))
    with pytest.raises(UnknownTrial):
        log.tell(1, Outcome((2.0,)))
    assert of.log().optimizer.trials[0].value == 1.0


def test_a_run_learns_that_somebody_told_its_trial(of: Study, caplog: pytest.LogCaptureFixture) -> None:
    log, other = of.log(), of.log()
    trial = log.ask()
    other.refresh()
    other.tell(trial.number, Outcome((1.0,)))
    assert log.finish(trial, Outcome((2.0,))).outcome.values == (1.0,)
    assert "came too late" in caplog.text
    assert of.log().optimizer.trials[0].value == log.optimizer.trials[0].value == 1.0


# --- states and facts ---------------------------------------------------------------------------------------------


def test_states_and_facts_come_back(of: Study) -> None:
    log = of.log()
    in_every_state(log)
    for known in (log, of.log()):
        trials = known.optimizer.trials
        assert states(known) == ["complete", "pruned", "failed", "paused", "running"]
        assert [t.value for t in trials] == [1.5, 0.5, None, None, None]
        assert [t.cost for t in trials] == [3.0, 1.0, 2.0, 4.0, None]
        assert [t.metrics for t in trials] == [{"f1": 0.5}, {}, {}, {"f1": 0.25}, {}]
        assert [t.gradient for t in trials] == [{"x": -2.0}, {}, {}, {}, {}]
        assert [t.error for t in trials] == [None, None, "it broke", None, None]
        assert trials[3].user_attrs == {"fold": [1, 2]}
        history = known.optimizer.history
        assert (history.n_complete, history.n_pruned, history.n_paused, history.n_running) == (1, 1, 1, 1)
        assert history.std_error(0) == 0.25 and known.optimizer.best_trial.number == 0
        assert known.outcome_of(0) == Outcome((1.5,), std_error=0.25, cost=3.0, metrics={"f1": 0.5}, gradient={"x": -2})


def test_states_are_shown_as_they_are(of: Study) -> None:
    log = of.log()
    trials = in_every_state(log)
    wanted = ["complete", "pruned", "failed", "paused", "running"]
    assert of.study().to_frame()["state"].tolist() == wanted
    if of.durable:
        shown = read_contents(open_storage(of.url, read_only=True), of.name)
        assert [row.state for row in shown.trials] == wanted
        assert [row.number for row in shown.best(9)] == [0] and shown.columns()["state"] == wanted
    else:
        assert [t.state for t in of.study().trials] == wanted
    of.log().tell(trials[4], Outcome((2.0,)))
    assert of.study().to_frame()["state"].tolist() == [*wanted[:4], "complete"]


def test_reports_come_back(of: Study) -> None:
    log = of.log()
    trial, other = log.ask(), log.ask()
    log.add_report(trial.number, 1, [0.5], cost=2.0)
    log.add_report(trial.number, 2, [0.25], data={"fold": "b"})
    other.reports[7] = 0.125
    log.finish(trial, Outcome((0.25,)))
    log.finish(other, Outcome((1.0,)))
    for known in (log, of.log()):
        assert [t.reports for t in known.optimizer.trials] == [{1: 0.5, 2: 0.25}, {7: 0.125}]
        curves = known.optimizer.history.curves
        assert curves.step[curves.of(0)].tolist() == [1.0, 2.0] and curves.cost[curves.of(0)[0]] == 2.0
    assert of.log().reports([0]) == ({(0, 1.0): None, (0, 2.0): {"fold": "b"}} if of.durable else {})


def test_attributes(of: Study) -> None:
    log = of.log()
    log.set_attribute("a", {"list": [1, None]})
    log.set_attribute("b", 1)
    log.set_attribute("b", None)
    assert of.log().attributes() == {"a": {"list": [1, None]}}
    log.attributes()["a"]["list"].append(2)
    assert log.attributes() == {"a": {"list": [1, None]}}


# --- give back, renew ---------------------------------------------------------------------------------------------


def test_trials_that_are_given_back_come_first_and_in_order(of: Study) -> None:
    log = of.log()
    trials = [log.ask() for _ in range(3)]
    log.give_back([trials[2], trials[0]])
    log.give_back([trials[2]])
    other = of.log()
    assert states(other) == ["running"] * 3
    again = [other.ask() for _ in range(3)]
    assert [t.number for t in again] == [0, 2, 3] and again[1].params == trials[2].params
    assert log.finish(trials[1], Outcome((1.0,))).outcome.values == (1.0,)


def test_a_trial_that_was_given_back_may_be_told(of: Study) -> None:
    log = of.log()
    log.give_back([log.ask()])
    other = of.log()
    other.tell(0, Outcome((1.0,)))
    assert other.ask().number == 1 and states(of.log()) == ["complete", "running"]


def test_renewing(of: Study) -> None:
    log = of.log()
    log.renew()
    trial = log.ask()
    for it in (None, trial, 0):
        log.renew(it)
    log.finish(trial, Outcome((1.0,)))
    with pytest.raises(TrialAlreadyTold):
        log.renew(0)
    with pytest.raises(UnknownTrial):
        log.renew(5)


# --- what comes from elsewhere ------------------------------------------------------------------------------------


def test_results_made_elsewhere_and_parameters_to_evaluate(of: Study) -> None:
    log = of.log()
    facts = {"std_error": 0.5, "metrics": {"size": 7.0}, "cost": 2.0, "user_attrs": {"from": "me"}}
    log.add({"x": 1.0, "k": 2}, 3.0, facts)
    known = read_known(
        log.optimizer.space, log.optimizer.outcome, [({"x": 2.0, "k": 2}, 4.0), ({"x": 3, "k": 3}, None)]
    )
    assert [t.number for t in log.add_known(known)] == [1, 2]
    log.enqueue({"x": -1.0, "k": 9})
    log.enqueue({"k": 8})
    log.refresh()
    other = of.log()
    first, second = other.ask(), log.ask()
    assert (first.params, second["k"]) == ({"x": -1.0, "k": 9}, 8)
    again = of.log()
    assert states(again) == ["complete", "complete", "failed", "running", "running"]
    assert again.optimizer.trials[0].user_attrs == {"from": "me"} and again.optimizer.history.std_error(0) == 0.5
    assert again.optimizer.history.n_jobs == 5
    assert again.optimizer.trials[0].metrics == {"size": 7.0}
    assert again.optimizer.history.cost.tolist()[0] == 2.0 and np.isnan(again.optimizer.history.cost[1:]).all()


# --- pause and resume ---------------------------------------------------------------------------------------------


def test_a_paused_trial_is_given_to_nobody(of: Study) -> None:
    log = of.log()
    in_every_state(log)
    other = of.log()
    assert [other.ask().number for _ in range(2)] == [5, 6]
    with pytest.raises(TrialAlreadyTold):
        other.tell(3, Outcome((1.0,)))
    with pytest.raises(TrialAlreadyTold):
        other.renew(3)
    log.give_back([log.optimizer.trials[3]])
    assert other.ask().number == 7 and states(of.log())[3] == "paused"
    if of.durable:
        record = log.storage.read(lambda transaction: transaction.trial(log.record.id, 3))
        assert record.state == PAUSED and record.worker is record.lease is None


def test_resuming_is_another_job(of: Study) -> None:
    log = of.log()
    in_every_state(log)
    log.add_report(4, 1, [9.0])
    trial = log.resume(3)
    assert trial.number == 3 and trial.state == "running" and trial.user_attrs == {"fold": [1, 2]}
    for known in (log, of.log()):
        assert known.optimizer.history.job.tolist() == [0, 1, 2, 5, 4]
        assert known.optimizer.history.n_jobs == 6 and states(known)[3] == "running"
    log.add_report(3, 2, [0.75])
    assert log.ask().number == 5
    trial.user_attrs["more"] = True
    log.finish(trial, Outcome((0.5,), cost=6.0))
    for known in (log, of.log()):
        history, resumed = known.optimizer.history, known.optimizer.trials[3]
        assert history.job.tolist() == [0, 1, 2, 5, 4, 6] and history.n_jobs == 7
        assert (resumed.value, resumed.cost, resumed.reports) == (0.5, 6.0, {2: 0.75})
        assert resumed.user_attrs == {"fold": [1, 2], "more": True}
        curves = history.curves
        assert [(int(curves.trial[i]), int(curves.job[i])) for i in range(len(curves))] == [(4, 4), (3, 5)]
        # Results and reports of the jobs up to one.
        assert history.as_of(4).state[3] == 0 and history.as_of(5).state[3] == 1
        assert len(history.as_of(4).curves) == 1 and len(history.as_of(5).curves) == 2


def test_only_a_paused_trial_can_be_resumed(of: Study) -> None:
    log = of.log()
    in_every_state(log)
    for number in (0, 1, 2, 4):
        with pytest.raises(InvalidArgument, match="must be paused"):
            log.resume(number)
    with pytest.raises(UnknownTrial):
        log.resume(5)
    assert of.log().optimizer.history.n_jobs == log.optimizer.history.n_jobs == 5


def test_pausing_and_resuming_again_and_again(of: Study) -> None:
    log, other = of.log(), of.log()
    trial = log.ask()
    for rung in range(4):
        log.add_report(0, rung, [1.0 / (1 + rung)])
        pause(log, trial)
        assert other.ask().number == rung + 1
        log, other = other, log
        trial = log.resume(0)
    other.refresh()
    for known in (log, other, of.log()):
        assert known.optimizer.history.job.tolist() == [8, 1, 3, 5, 7]
        assert known.optimizer.history.curves.job.tolist() == [0, 2, 4, 6]
        assert known.optimizer.trials[0].reports == {i: 1.0 / (1 + i) for i in range(4)}
    log.finish(trial, Outcome((0.1,)))
    other.refresh()
    assert states(other) == states(of.log()) == ["complete", *["running"] * 4]
    assert other.optimizer.history.n_paused == 0 and other.optimizer.best_value == 0.1


def test_one_of_many_resumes_it(of: Study) -> None:
    log = of.log()
    pause(log, log.ask())
    logs = [of.log() for _ in range(4)]

    def resume(mine: TrialLog) -> int:
        try:
            return mine.resume(0).number
        except InvalidArgument:
            return -1

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(resume, logs))
    assert sorted(found) == [-1, -1, -1, 0]
    assert of.log().optimizer.history.n_jobs == 2


def test_a_worker_that_was_away_learns_of_jobs_elsewhere(stored: Study) -> None:
    away, log = stored.log(), stored.log()
    in_every_state(log)
    away.refresh()
    trials = [log.ask(), log.ask()]
    trial = log.resume(3)
    log.add_report(3, 1, [0.5])
    pause(log, trial)
    trial = log.resume(trial)
    log.add_report(3, 2, [0.25])
    pause(log, log.optimizer.running()[4])
    pause(log, log.optimizer.running()[trials[0].number])
    log.resume(4)
    away.refresh()
    history, mine = away.optimizer.history, log.optimizer.history
    assert history.job.tolist() == mine.job.tolist() == [0, 1, 2, 8, 9, 5, 6]
    assert history.state.tolist() == mine.state.tolist() and history.n_jobs == mine.n_jobs == 10
    assert history.curves.job.tolist() == mine.curves.job.tolist() == [7, 8]
    log.finish(trial, Outcome((0.5,)))
    away.refresh()
    assert away.optimizer.trials[3].value == 0.5 and away.optimizer.trials[3].reports == {1: 0.5, 2: 0.25}
    assert (history.n_running, history.n_paused) == (mine.n_running, mine.n_paused)


def test_a_resumed_trial_that_is_given_back_is_evaluated_by_others(of: Study) -> None:
    log = of.log()
    pause(log, log.ask())
    log.give_back([log.resume(0)])
    if of.durable:
        assert read_contents(open_storage(of.url, read_only=True), of.name).trials[0].state == WAITING
    other = of.log()
    again = other.ask()
    assert again.number == 0 and other.optimizer.history.job.tolist() == [1]
    other.finish(again, Outcome((1.0,)))
    assert of.log().optimizer.trials[0].value == 1.0


def test_a_result_of_an_earlier_job_does_not_take_the_trial_back_to_it(stored: Study) -> None:
    log, other = stored.log(), stored.log()
    trial = log.ask()
    log.give_back([trial])
    pause(other, other.ask())
    again = other.resume(0)
    with pytest.raises((TrialAlreadyTold, LeaseExpired)):
        log.finish(trial, Outcome((2.0,)))
    assert other.finish(again, Outcome((1.0,))).outcome.values == (1.0,)
    assert stored.log().optimizer.history.job.tolist() == [1]


# --- terms --------------------------------------------------------------------------------------------------------


def test_terms(of: Study) -> None:
    log = of.log()
    seen: list[int] = []

    def reached(view: Any) -> bool:
        seen.append(view.history.n_ended)
        return view.history.n_ended >= 3

    terms = Terms(most=20, staleness=2, reached=reached)
    log.begin("lag 2", 2)
    trials = [log.ask(terms), log.ask(terms)]
    assert log.ask(terms) is WAIT
    assert log.finish(trials[1], Outcome((1.0,)), then=terms).following is WAIT
    third = log.finish(trials[0], Outcome((1.0,)), then=terms).following
    assert third.number == 2
    fourth = log.ask(terms)
    assert fourth.number == 3 and log.ask(terms) is WAIT
    log.finish(fourth, Outcome((1.0,)))
    # Trial 3 has ended, and the view of the proposal does not know it.
    assert log.finish(third, Outcome((1.0,)), then=terms).following is None
    assert seen == [0, 0, 1, 2, 3] and log.mode == of.log().mode == "lag 2"
    assert log.ask(Terms(most=4)) is None and log.ask(Terms(most=5)).number == 4


def test_jobs_are_waited_for_and_not_trials(of: Study) -> None:
    log = of.log()
    trial = log.ask()
    pause(log, trial)
    for _ in range(3):
        log.finish(log.ask(Terms(staleness=2)), Outcome((1.0,)))
    resumed = log.resume(0)
    assert log.as_of(2) == 3 and log.ask(Terms(staleness=2)).number == 4
    assert log.ask(Terms(staleness=2)) is WAIT
    log.finish(resumed, Outcome((0.5,)))
    assert log.ask(Terms(staleness=2)).number == 5


def test_wrong_trials(of: Study) -> None:
    log = of.log()
    for wrong in ("0", None, 1.0, True):
        for call in (log.resume, lambda trial: log.tell(trial, Outcome((1.0,)))):
            with pytest.raises(HpcoreError):
                _call(call, wrong)
    assert log.optimizer.n_trials == 0


def _call(function: Callable[[Any], Any], argument: Any) -> None:
    function(argument)


# --- schedulers ---------------------------------------------------------------------------------------------------


class Script(Scheduler):
    """Orders from a list, by the number of the job; trials are complete at 9."""

    def __init__(self, *orders: Any, full: float = 9.0) -> None:
        self.orders, self.full = orders, full

    def bind(self, columns: Any, directions: tuple[str, ...], seed: int) -> Judge:
        return ScriptJudge(self)


class ScriptJudge(Judge):
    def __init__(self, script: Script) -> None:
        self.orders, self.max_resource = script.orders, script.full

    def next(self, history: Any, rng: Any) -> Any:
        order = self.orders[rng.number] if rng.number < len(self.orders) else Start(1.0)
        waits = isinstance(order, Resume) and history.state[order.number] != PAUSED
        return None if order is None or waits else order


def train(trial: hp.Trial, *steps: float) -> None:
    for step in steps:
        trial.report(trial["x"] / step, step)


def end(log: TrialLog, trial: hp.Trial, value: float | None = None) -> Outcome:
    outcome = log.judge(value, None, None)
    log.finish(trial, outcome := log.conclude(trial, outcome, pruned=False))
    return outcome


def curve(log: TrialLog, number: int) -> list[tuple[float, int]]:
    curves = log.optimizer.history.curves
    return [(float(curves.step[i]), int(curves.job[i])) for i in curves.of(number)]


def test_a_paused_trial_goes_on_to_the_resource_that_is_ordered(of: Study) -> None:
    of = of.with_options(scheduler=Script(Start(1.0), Start(1.0), Resume(1, 3.0), Resume(1, 9.0)))
    log = of.log()
    for number in (0, 1):
        trial = log.ask(Terms())
        assert (trial.number, trial.until, trial.should_stop()) == (number, 1.0, False)
        train(trial, 0.5, 1.0)
        assert trial.should_stop() and end(log, trial).state == PAUSED
    for until, job in ((3.0, 2), (9.0, 3)):
        log = of.log()  # what is known of the earlier jobs is stored
        trial = log.ask(Terms(only_resumed=True))
        assert (trial.number, trial.until, log.optimizer.history.job_of(1)) == (1, until, job)
        train(trial, 0.5, 1.0)
        assert not trial.should_stop(), "these steps were reported before"
        train(trial, until)
        assert trial.should_stop()
        end(log, trial)
    log = of.log()
    assert states(log) == ["paused", "complete"]
    assert curve(log, 1) == [(0.5, 1), (1.0, 1), (3.0, 2), (9.0, 3)]
    best = log.optimizer.best_trial
    assert best.value == best.reports[9] == best["x"] / 9.0  # the last report is the value
    assert log.optimizer.history.until.tolist() == [1.0, 9.0]


def test_a_run_waits_or_ends_as_the_scheduler_orders(of: Study) -> None:
    of = of.with_options(scheduler=Script(Start(1.0), Resume(0, 3.0), None))
    log = of.log()
    trial = log.ask(Terms())
    assert log.ask(Terms()) is WAIT and log.ask(Terms(only_resumed=True)) is None
    with pytest.raises(ResultsNeeded, match="tell one of them"):
        log.hand_out(1, None, alone=True)
    train(trial, 1.0)
    end(log, trial)
    assert log.ask(Terms(most=1)).until == 3.0
    train(log.optimizer.running()[0], 3.0)
    end(log, log.optimizer.running()[0])
    with pytest.raises(ResultsNeeded, match="no running trial"):
        log.ask(Terms())


def test_the_queue_gets_new_trials_only(of: Study) -> None:
    of = of.with_options(scheduler=Script(Start(1.0), Resume(0, 3.0), Start(2.0), Start(4.0)))
    log = of.log()
    trial = log.ask(Terms())
    log.enqueue({"x": 0.25, "k": 3})
    train(trial, 1.0)
    end(log, trial)
    resumed, queued, proposed = log.hand_out(3, None, alone=False)
    assert [t.number for t in (resumed, queued, proposed)] == [0, 1, 2]
    assert queued.params == {"x": 0.25, "k": 3} and proposed.params != queued.params
    assert [t.until for t in (resumed, queued, proposed)] == [3.0, 2.0, 4.0]
    assert of.log().optimizer.history.until.tolist() == [3.0, 2.0, 4.0]


def test_fewer_trials_are_handed_out_if_the_scheduler_needs_results(of: Study) -> None:
    of = of.with_options(scheduler=Script(Start(1.0), Start(1.0), None))
    log = of.log()
    assert [t.number for t in log.hand_out(5, None, alone=False)] == [0, 1]
    assert states(of.log()) == ["running"] * 2


def test_a_job_that_is_given_back_goes_to_the_same_resource(of: Study) -> None:
    of = of.with_options(scheduler=Script(Start(1.0), Resume(0, 3.0)))
    log = of.log()
    train(trial := log.ask(Terms()), 1.0)
    end(log, trial)
    train(trial := log.ask(Terms()), 1.0, 2.0)
    log.give_back([trial])
    log = of.log()
    again = log.ask(Terms())
    assert (again.number, again.until, log.optimizer.history.job_of(0)) == (0, 3.0, 1)
    assert not again.should_stop() and list(again.reports) == [1]
    train(again, 1.0, 1.5, 2.0)  # it begins where the earlier job ended
    assert not again.should_stop()
    train(again, 3.0)
    assert again.should_stop() and end(log, again).state == PAUSED
    assert curve(log, 0) == curve(of.log(), 0) == [(1.0, 0), (2.0, 1), (3.0, 1)]


def test_what_a_trial_goes_on_from_is_kept(of: Study) -> None:
    point = np.array([0.5, 0.5])
    of = of.with_options(scheduler=Script(Start(1.0), Start(2.0, point, 0, None, 0), Start(2.0, point, 0, 0)))
    log = of.log()
    train(trial := log.ask(Terms()), 1.0)
    end(log, trial)
    child, other = log.ask(Terms()), log.ask(Terms())
    assert child.params == other.params
    child.user_attrs["a"] = 1
    train(child, 2.0)
    end(log, child)
    for known in (log, of.log()):
        notes = known.optimizer.history.notes
        assert {k: notes[1][k] for k in ("parent", "parent_job", "replaces")} == {
            "parent": 0,
            "parent_job": 0,
            "replaces": 0,
        }
        assert {k: notes[2].get(k) for k in ("parent", "parent_job", "replaces")} == {
            "parent": 0,
            "parent_job": 0,
            "replaces": None,
        }
        assert known.optimizer.trials[1].user_attrs == {"a": 1}


def test_reports_that_come_home_with_a_trial_are_kept_whole(of: Study) -> None:
    of = of.with_options(directions=["minimize", "maximize"])
    log = of.log()
    trial = log.ask(Terms())
    there = deepcopy(trial)  # as in a worker process
    there.report((1.0, 2.0), 1, cost=0.5)
    there.report((float("nan"), 3.0), 2.5)
    trial.adopt(there)
    log.finish(trial, Outcome((1.0, 3.0)))
    for known in (log, of.log()):
        curves = known.optimizer.history.curves
        np.testing.assert_array_equal(curves.values, [[1.0, -2.0], [np.nan, -3.0]])
        np.testing.assert_array_equal(curves.cost, [0.5, np.nan])
        assert curves.step.tolist() == [1.0, 2.5]


def test_a_late_end_of_a_job_does_not_end_the_next_one(stored: Study) -> None:
    of = stored.with_options(scheduler=Script(Start(1.0), Resume(0, 3.0)), lease=0.1)
    first, second = of.log(), of.log()
    trial = first.ask(Terms())
    copy = deepcopy(trial)
    held = first._replica.held(0)
    first._replica.leave(first._replica.let_go(0).record)  # its lease runs out: another worker takes it
    first.storage.write(lambda t: t.replace(replace(held.record, worker=None, lease=None), held.record.token))
    train(again := second.ask(Terms()), 1.0)
    end(second, again)
    going_on = second.ask(Terms())
    assert (going_on.number, going_on.until) == (0, 3.0)
    first._replica.hold(trial, held.record)
    with pytest.raises(LeaseExpired, match="another worker"):
        train(trial, 1.0)
    assert isinstance(trial.progress.trouble, LeaseExpired)
    assert first.finish(trial, Outcome(None, PAUSED)).outcome == Outcome(None, PAUSED)
    with pytest.raises(LeaseExpired, match="another job"):
        of.log().tell(copy, Outcome((1.0,)))
    assert states(of.log()) == states(first) == ["running"]
    train(going_on, 3.0)
    assert end(second, going_on).state == PAUSED
    first.refresh()
    assert curve(first, 0) == curve(second, 0) == [(1.0, 0), (3.0, 1)]


def test_reports_of_other_workers_are_seen_while_their_trials_run(stored: Study) -> None:
    of = stored.with_options(scheduler=Script())
    first, second = of.log(), of.log()
    mine, theirs = first.ask(Terms()), second.ask(Terms())
    train(theirs, 0.25, 0.5)
    train(mine, 0.25)  # a report reads those of others first
    assert curve(first, 1) == [(0.25, 1), (0.5, 1)]
    train(theirs, 1.0)
    end(second, theirs)
    first.refresh()
    assert curve(first, 1) == curve(second, 1) and states(first) == ["running", "paused"]


def test_of_several_workers_one_promotes_a_trial(stored: Study) -> None:
    of = stored.with_options(scheduler=ASHA(max_resource=9))
    logs = [of.log() for _ in range(4)]

    def work(log: TrialLog) -> list[tuple[int, int]]:
        jobs = []
        for _ in range(12):
            trial = log.ask(Terms())
            jobs.append((trial.number, log.optimizer.history.job_of(trial.number)))
            train(trial, trial.until)
            end(log, trial, 1.0)
        return jobs

    with ThreadPoolExecutor(4) as threads:
        jobs = sorted(job for of_one in threads.map(work, logs) for job in of_one)
    assert len({job for _, job in jobs}) == len(jobs) == 48
    log = of.log()
    assert log.optimizer.history.n_jobs == 48 and "running" not in states(log)
    untils = [(number, step) for number in range(log.optimizer.n_trials) for step, _ in curve(log, number)]
    assert len(untils) == len(set(untils)) == 48, "no trial reached a rung twice"


# --- trials that say nothing, and other parameters than those that were proposed -----------------------------------


def test_a_withdrawn_trial_says_nothing(of: Study) -> None:
    study = of.study()
    first, second, third = study.ask(3)
    study.tell(first, 1.0)
    second.user_attrs["host"] = "lost"
    study.withdraw(second)
    study.withdraw(third.number)
    assert states(study._trial_log) == ["complete", "withdrawn", "withdrawn"]
    for again in (second, 1):
        with pytest.raises(TrialAlreadyTold):
            study.tell(again, 2.0)
        with pytest.raises(TrialAlreadyTold):
            study.withdraw(again)
    with pytest.raises(UnknownTrial):
        study.withdraw(7)
    other = of.study()
    assert states(other._trial_log) == ["complete", "withdrawn", "withdrawn"]
    trial = other.trials[1]
    assert (trial.params, trial.value, trial.error, trial.user_attrs) == (second.params, None, None, {"host": "lost"})
    history = other.optimizer.history
    assert (history.n_ended, history.n_running, history.n_withdrawn) == (1, 0, 2)
    assert other.best_trial.number == 0
    assert other.ask().number == 3


def test_a_withdrawn_trial_leaves_its_point(of: Study) -> None:
    of = of.with_options(sampler="grid")
    study, points = of.study(), set()
    for _ in range(3):
        trial = study.ask(given={"x": 0.0})
        points.add(trial["k"])
        study.tell(trial, 0.0)
    gone = study.ask(given={"x": 0.0})
    study.withdraw(gone)
    again = of.study().ask(given=gone.params)
    assert again.params == gone.params
    assert again.number == 4
    study.refresh()
    study.tell(again, 1.0)
    assert of.study().trials[4].value == 1.0


def test_withdrawn_trials_do_not_count_in_a_run(of: Study) -> None:
    study, seen = of.study(), []

    def objective(trial: hp.Trial) -> float:
        seen.append(trial.number)
        if trial.number in (1, 4):
            study.withdraw(trial.number)
        return 1.0

    study.run(objective, n_trials=5, progress=False, callbacks=[lambda study, trial: seen.append(trial.state.value)])
    assert seen == [0, "complete", 1, 2, "complete", 3, "complete", 4, 5, "complete", 6, "complete"]
    assert states(of.log()).count("complete") == 5
    study.run(objective, stop=[hp.stopping.MaxTrials(6)], progress=False)
    assert states(of.log()).count("complete") == 6


def test_withdrawn_trials_do_not_count_on_threads(of: Study) -> None:
    study = of.study()

    def objective(trial: hp.Trial) -> float:
        if trial.number in (5, 7, 8):
            study.withdraw(trial.number)
        return 1.0

    with ThreadPoolExecutor(4) as pool:
        study.run(objective, n_trials=8, n_jobs=4, executor=pool, progress=False)
    assert states(of.log()).count("complete") == 8
    assert states(of.log()).count("withdrawn") == 3


def test_another_worker_withdraws(stored: Study) -> None:
    mine, other = stored.study(), stored.study()
    trial = mine.ask()
    other.refresh()
    other.withdraw(trial.number)
    with pytest.raises(LeaseExpired):
        mine.tell(trial, 1.0)
    mine.refresh()
    assert states(mine._trial_log) == states(other._trial_log) == ["withdrawn"]
    (row,) = read_contents(open_storage(stored.url, read_only=True), stored.name).trials
    assert row.state == "withdrawn"


def test_a_scheduler_goes_on_without_a_withdrawn_trial(of: Study) -> None:
    of = of.with_options(scheduler=hp.schedulers.SuccessiveHalving(1, 4, 2))
    study = of.study()
    withdrawn = study.ask()
    study.withdraw(withdrawn)

    def objective(trial: hp.Trial) -> float:
        for step in range(1, 5):
            trial.report(trial["x"] ** 2, step)
            if trial.should_stop():
                break
        return trial["x"] ** 2

    study.run(objective, n_trials=3, progress=False)
    assert states(of.log())[0] == "withdrawn"
    assert "complete" in states(of.log())
    assert not {"running"} & set(states(of.log()))


def test_a_trial_becomes_what_was_used(of: Study) -> None:
    study = of.study()
    first, second = study.ask(2)
    study.tell(first, 1.0, params={"x": 0.25, "k": 3})
    study.tell(second.number, 2.0, params=second.params)
    with pytest.raises(InvalidArgument):
        study.tell(study.ask(), 1.0, params={"x": 9.0, "k": 3})
    assert first.params == study.trials[0].params == {"x": 0.25, "k": 3}
    other = of.study()
    assert [t.params for t in list(other.trials)[:2]] == [{"x": 0.25, "k": 3}, second.params]
    assert other.optimizer.history.X[0].tobytes() == study.optimizer.history.X[0].tobytes()
    assert other.best_params == {"x": 0.25, "k": 3}


def test_another_worker_tells_what_was_used(stored: Study) -> None:
    mine, other = stored.study(), stored.study()
    trial = mine.ask()
    other.refresh()
    other.tell(trial.number, 1.0, params={"x": 0.5, "k": 2})
    mine.refresh()
    assert mine.trials[0].params == other.trials[0].params == {"x": 0.5, "k": 2}
    assert mine.ask().params == stored.with_options().study().ask(2)[1].params


def test_given_values_are_completed(of: Study) -> None:
    study = of.study()
    first, second = study.ask(given={"k": 4}), study.ask(2, given={"x": 1.0})[1]
    assert (first["k"], second["x"], second.number) == (4, 1.0, 2)
    study.tell(second, 1.0)
    assert of.study().trials[2].params == second.params
    with pytest.raises(InvalidArgument, match="given"):
        study.ask(given={"k": 4}, deadline_ms=1.0)
    with pytest.raises(InvalidArgument, match="'k'"):
        study.ask(given={"k": 40})
    assert study.optimizer.n_trials == 3


# --- a larger space --------------------------------------------------------------------------------------------------


def test_trials_in_every_state_go_on_in_a_larger_space(of: Study) -> None:
    log = of.log()
    trials = in_every_state(log)
    log.enqueue({"x": 0.5})

    def facts(log: TrialLog) -> list[Any]:
        return [
            (t.state, t.values, t.cost, t.metrics, t.gradient, t.error, t.user_attrs) for t in log.optimizer.trials[:]
        ]

    before, params = facts(log), [dict(trial.params) for trial in trials]
    larger = {"y": hp.Int(1, 3), **{name: SPACE[name] for name in reversed(list(SPACE))}}
    log.extend(larger, {"y": 2})
    again = log if not of.durable else hp.load_study(of.url, of.name)._trial_log
    for each in (log, again):
        assert facts(each) == before and each.optimizer.space == hp.Space(larger)
        assert [{"y": 2, **p} for p in params[:4]] == [dict(t.params) for t in each.optimizer.trials[:4]]
    resumed = log.resume(3)
    assert resumed["y"] == 2 and resumed.user_attrs == {"fold": [1, 2]}
    log.finish(resumed, Outcome((0.25,)))
    log.finish(trials[4], Outcome((0.75,)))
    queued = log.ask()
    assert queued["x"] == 0.5 and queued.number == 5
    log.finish(queued, Outcome((1.0,)))
    assert states(log) == ["complete", "pruned", "failed", "complete", "complete", "complete"]
    again.refresh()
    assert states(again) == states(log)
    assert again.optimizer.trials[4].params == {"y": 2, **params[4]}


def test_a_log_of_the_smaller_space_ends(stored: Study) -> None:
    first, second = stored.log(), stored.log()
    first.extend({**SPACE, "y": hp.Int(1, 3)}, None)
    for call in (second.refresh, second.ask, lambda: second.enqueue({"x": 0.5})):
        with pytest.raises(SpaceMismatch, match="larger one now"):
            call()
    assert first.ask().number == 0
