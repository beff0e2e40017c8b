"""Costs of trials in runs: measured seconds, told costs and budgets."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.samplers.base import Sampler, Suggester

SPACE = {"x": hp.Float(0.0, 1.0)}


class Listening(Suggester):
    def __init__(self, columns, heard: list[bool]) -> None:
        self.d, self.heard = columns.d, heard

    def use_cost(self, on: bool) -> None:
        self.heard.append(on)

    def suggest(self, history, pending, n, rng):
        return np.array([rng.uniform(self.d, 0, i) for i in range(n)])


class Listener(Sampler):
    """A sampler that notes whether costs count."""

    def __init__(self) -> None:
        self.heard: list[bool] = []

    def bind(self, columns) -> Listening:
        return Listening(columns, self.heard)


def slow(trial: hp.Trial) -> float:
    time.sleep(0.05)
    return trial["x"]


def priced(trial: hp.Trial) -> hp.Outcome:
    return hp.Outcome(trial["x"], cost=4.0)


def billed(trial: hp.Trial) -> hp.Outcome:
    trial.report(trial["x"], trial.until)
    return hp.Outcome(trial["x"], cost=1.0)


def broken(trial: hp.Trial) -> float:
    time.sleep(0.02)
    raise ValueError("it broke")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_seconds_are_the_cost_by_default(n_jobs: int, tmp_path: Path) -> None:
    options = {"sampler": "random", "n_trials": 4, "n_jobs": n_jobs, "storage": tmp_path / "a.db", "name": "a"}
    study = hp.minimize(slow, SPACE, **options)
    for one in (study, hp.load_study(tmp_path / "a.db")):
        seconds = [t.finished - t.started for t in one.trials]
        assert [t.cost for t in one.trials] == seconds == one.optimizer.history.cost.tolist()
        assert min(seconds) >= 0.05


def test_failed_evaluations_cost_their_seconds() -> None:
    study = hp.minimize(broken, SPACE, sampler="random", n_trials=2)
    assert all(t.state == "failed" and t.cost >= 0.02 for t in study.trials)


@pytest.mark.parametrize("again", [False, True])
def test_seconds_are_not_mixed_with_told_costs(again: bool) -> None:
    def told(trial: hp.Trial) -> hp.Outcome:
        if trial.number % 2:
            raise ValueError("it broke")
        return priced(trial)

    study = hp.Study(SPACE, sampler="random")
    for n in (1, 3) if again else (4,):
        study.run(told, n)
    assert [t.cost for t in study.trials] == [4.0, None, 4.0, None]


@pytest.mark.parametrize("deterministic", [False, True])
def test_a_budget_ends_the_run_after_the_trial_that_reaches_it(deterministic: bool) -> None:
    study = hp.minimize(priced, SPACE, sampler="random", budget_cost=9.0, deterministic=deterministic)
    # In a deterministic order the last three results are not seen yet.
    assert len(study.trials) == (6 if deterministic else 3)
    assert all(t.state == "complete" for t in study.trials)
    study.run(priced, budget_cost=4.0, n_trials=5)
    assert len(study.trials) == (7 if deterministic else 4)


def test_a_budget_in_seconds() -> None:
    study = hp.minimize(slow, SPACE, sampler="random", budget_cost=0.2, n_trials=None)
    assert 2 <= len(study.trials) <= 4 and sum(t.cost for t in study.trials) >= 0.2


def test_a_budget_of_a_store_is_that_of_the_run(tmp_path: Path) -> None:
    for n in (2, 4):
        study = hp.minimize(priced, SPACE, sampler="random", budget_cost=8, storage=tmp_path / "a.db", name="a")
        assert len(study.trials) == n


@pytest.mark.parametrize(
    ("budget", "error"),
    [(0, InvalidArgument), (-1.0, InvalidArgument), (float("nan"), InvalidArgument), ("1", InvalidType)],
)
def test_wrong_budgets(budget, error, tmp_path: Path) -> None:
    with pytest.raises(error, match="budget_cost must be"):
        hp.minimize(priced, SPACE, budget_cost=budget, storage=tmp_path / "a.db", name="a")
    assert not (tmp_path / "a.db").exists()
    with pytest.raises(error, match="budget_cost must be"):
        hp.Study(SPACE).run(priced, 1, budget_cost=budget)
    with pytest.raises(error, match="cost must be"):
        hp.stopping.CostBudget(budget)
    with pytest.raises(InvalidArgument, match="give n_trials, timeout, budget_cost or stop"):
        hp.minimize(priced, SPACE, n_trials=None)


@pytest.mark.parametrize(
    ("options", "on"),
    [
        ({}, False),
        ({"timeout": 60.0}, True),
        ({"budget_cost": 1e9}, True),
        ({"budget_cost": 1e9, "deterministic": True}, False),
        ({"budget_cost": 1e9, "deterministic": True, "cost": lambda params: 1.0}, True),
        ({"cost": lambda params: 1.0}, False),
        ({"per_cost": True}, True),
        ({"per_cost": False, "timeout": 60.0}, False),
    ],
    ids=lambda v: ", ".join(v) or "nothing" if isinstance(v, dict) else str(v),
)
def test_when_costs_count(options: dict, on: bool) -> None:
    sampler = Listener()
    hp.minimize(priced, SPACE, sampler=sampler, n_trials=5, **options)
    assert set(sampler.heard) == {on}


def test_costs_count_in_ask_only_with_a_cost_function() -> None:
    for options, on in (({}, False), ({"cost": lambda params: 1.0}, True), ({"per_cost": True}, True)):
        sampler = Listener()
        study = hp.Study(SPACE, sampler=sampler, **options)
        study.run(priced, 2, timeout=60.0)
        sampler.heard.clear()
        study.ask()
        assert sampler.heard == [on]


def test_a_cost_function_is_not_stored(tmp_path: Path) -> None:
    study = hp.Study(SPACE, storage=tmp_path / "a.db", name="a", cost=lambda params: 1.0 + params["x"])
    rows, costs = study.optimizer.costs.known
    np.testing.assert_array_equal(costs, 1.0 + rows[:, 0])
    assert hp.load_study(tmp_path / "a.db").optimizer.costs.known is None
    again = hp.load_study(tmp_path / "a.db", cost=lambda params: 2.0 + params["x"])
    np.testing.assert_array_equal(again.optimizer.costs.known[1], 2.0 + again.optimizer.costs.known[0][:, 0])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_told_costs_of_the_jobs_of_a_trial_add_up(n_jobs: int, tmp_path: Path) -> None:
    options = {"sampler": "random", "scheduler": hp.schedulers.SuccessiveHalving(1, 4, eta=2), "seed": 0}
    study = hp.minimize(billed, SPACE, n_trials=4, n_jobs=n_jobs, storage=tmp_path / "a.db", name="a", **options)
    assert sum(t.cost for t in study.trials) == study.optimizer.history.n_jobs > 4
    again = hp.load_study(tmp_path / "a.db")
    assert [t.cost for t in again.trials] == [t.cost for t in study.trials]
    limited = hp.minimize(billed, SPACE, n_trials=None, budget_cost=6, **options)
    assert limited.optimizer.history.n_jobs == 6


def test_seconds_of_the_jobs_of_a_trial_add_up() -> None:
    def trained(trial: hp.Trial) -> float:
        for epoch in range(1, 5):
            time.sleep(0.01)
            trial.report(trial["x"], epoch)
            if trial.should_stop():
                break
        return trial["x"]

    scheduler = hp.schedulers.SuccessiveHalving(min_resource=1, max_resource=4, eta=2)
    study = hp.minimize(trained, SPACE, sampler="random", scheduler=scheduler, n_trials=4, seed=0)
    resumed = [t for t in study.trials if study.optimizer.history.job_of(t.number) != t.number]
    assert resumed
    assert all(t.cost > t.finished - t.started for t in resumed)
