"""Limits of metrics and outcomes with further facts, in runs and in stores."""

from __future__ import annotations

import json
import logging
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

import hpcore as hp
from hpcore.cli import main
from hpcore.errors import InvalidArgument, NoFeasibleTrial
from hpcore.ledger.studies import find
from hpcore.storage import open_storage
from tests.study.children import in_child, kill_me

SPACE = {"x": hp.Float(0.0, 2.0)}
LIMITS = {"ms": hp.at_most(5.0), "load": hp.between(0.1, 0.9)}


def objective(trial: hp.Trial) -> hp.Outcome:
    """A good value is only where "ms" is too large."""
    x = trial["x"]
    return hp.Outcome((x - 1) ** 2, metrics={"ms": 10 * x, "load": x / 2}, std_error=0.1, cost=2.0 + x)


def two(trial: hp.Trial) -> hp.Outcome:
    x = trial["x"]
    return hp.Outcome([x, -x], std_error=[0.1, 0.2], metrics={"ms": 10 * x})


def failing(trial: hp.Trial) -> hp.Outcome:
    return hp.Outcome(1.0, error="it broke", metrics={"ms": 10 * trial["x"], "load": 0.5}, cost=3.0)


def facts(study: hp.Study) -> list:
    return [(t.params, str(t.state), tuple(t.values), t.metrics, t.cost, t.error, t.feasible) for t in study.trials]


def check(study: hp.Study) -> None:
    best = study.best_trial
    kept = [t for t in study.trials if 0.2 <= t["x"] <= 0.5]
    assert best.number == min(kept, key=lambda t: (t.value, t.number)).number
    assert best.feasible and best.violations["ms"] == pytest.approx(10 * best["x"] - 5.0)
    assert best.cost == 2.0 + best["x"] and best.metrics == {"ms": 10 * best["x"], "load": best["x"] / 2}
    assert study.optimizer.history.std_error(best.number) == 0.1
    assert all(t.feasible is (0.2 <= t["x"] <= 0.5) for t in study.trials)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_outcomes_of_workers_reach_memory_and_store(tmp_path: Path, n_jobs: int) -> None:
    study = hp.minimize(objective, SPACE, limits=LIMITS, sampler="random", seed=0, n_trials=20, n_jobs=n_jobs)
    check(study)
    options = {"storage": tmp_path / "runs.db", "name": "a"}
    stored = hp.minimize(
        objective, SPACE, limits=LIMITS, sampler="random", seed=0, n_trials=20, n_jobs=n_jobs, **options
    )
    check(stored)
    again = hp.load_study(tmp_path / "runs.db", "a")
    check(again)
    assert facts(again) == facts(stored)
    assert dict(again.optimizer.limits) == dict(stored.optimizer.limits)
    np.testing.assert_array_equal(again.optimizer.history.violations, stored.optimizer.history.violations)


def test_outcomes_of_threads() -> None:
    options = {"limits": LIMITS, "sampler": "random", "seed": 0, "n_trials": 20}
    with ThreadPoolExecutor(2) as threads:
        check(hp.minimize(objective, SPACE, executor=threads, **options))


def test_a_search_that_goes_on_has_its_limits(tmp_path: Path) -> None:
    for _ in range(2):
        study = hp.minimize(
            objective, SPACE, limits=LIMITS, sampler="gp", n_trials=10, storage=tmp_path / "a.db", name="a", seed=0
        )
    whole = hp.minimize(objective, SPACE, limits=LIMITS, sampler="gp", n_trials=20, seed=0)
    assert facts(study) == facts(whole)
    other = hp.load_study(tmp_path / "a.db", limits=LIMITS)
    assert other.best_trial == whole.best_trial
    for wrong in ({}, {"ms": hp.at_most(6.0)}, {**LIMITS, "z": hp.at_least(0)}):
        with pytest.raises(InvalidArgument, match=r"limits must be those of study 'a', \{'ms': <= 5, 'load'"):
            hp.load_study(tmp_path / "a.db", limits=wrong)


def test_the_order_of_limits_does_not_matter(tmp_path: Path) -> None:
    hp.Study(SPACE, storage=tmp_path / "a.db", name="a", limits=LIMITS)
    again = hp.Study(SPACE, storage=tmp_path / "a.db", name="a", limits=dict(reversed(LIMITS.items())))
    assert list(again.optimizer.limits) == list(LIMITS)


def test_a_store_without_limits_has_no_entry_for_them(tmp_path: Path) -> None:
    store = open_storage(tmp_path / "a.db")
    hp.Study(SPACE, storage=store, name="a")
    hp.Study(SPACE, storage=store, name="b", limits={"ms": hp.at_most(5)})
    assert "limits" not in json.loads(find(store, "a").spec)
    assert json.loads(find(store, "b").spec)["limits"] == {"ms": [None, 5.0]}


def test_an_outcome_with_an_error_is_a_failure_whose_metrics_count() -> None:
    study = hp.minimize(failing, SPACE, limits=LIMITS, sampler="random", seed=0, n_trials=3)
    trial = study.trials[1]
    assert (trial.state, trial.error, trial.cost, trial.feasible) == ("failed", "it broke", 3.0, False)
    assert study.optimizer.history.violations[1, 0] == pytest.approx(10 * trial["x"] - 5.0)


def test_standard_errors_of_all_objectives(tmp_path: Path) -> None:
    ways = ["minimize", "maximize"]
    study = hp.minimize(
        two, SPACE, directions=ways, sampler="random", n_trials=4, seed=0, storage=tmp_path / "a.db", name="a"
    )
    again = hp.load_study(tmp_path / "a.db")
    for one in (study, again):
        np.testing.assert_array_equal(one.optimizer.history.std_errors, [[0.1, 0.2]] * 4)
    assert again.to_frame()[["std_error", "std_error_1"]].to_numpy().tolist() == [[0.1, 0.2]] * 4
    copied = hp.Study(SPACE, directions=ways, limits={"ms": hp.at_most(5.0)})
    copied.add_frame(again.to_frame())
    np.testing.assert_array_equal(copied.optimizer.history.std_errors, [[0.1, 0.2]] * 4)
    assert [t.metrics for t in copied.trials] == [t.metrics for t in again.trials]
    assert [t.number for t in copied.pareto_front] == [t.number for t in study.trials if t["x"] <= 0.5]


def test_an_outcome_that_is_not_allowed_is_a_failure_with_the_reason() -> None:
    for wrong, reason in [
        (hp.Outcome("1"), "value must be"),
        (hp.Outcome(1.0, cost=-1), "cost must be finite and >= 0, got -1"),
        (hp.Outcome(1.0, metrics={"a": "b"}), "metrics"),
        (hp.Outcome([1.0, 2.0]), "one number per objective"),
        (hp.Outcome(1.0, std_error=[1.0, 2.0]), "std_error must be a number or one number per objective"),
    ]:
        study = hp.minimize(lambda trial, wrong=wrong: wrong, SPACE, n_trials=1, sampler="random")
        assert study.trials[0].state == "failed" and reason in study.trials[0].error


@pytest.mark.parametrize("stored", [False, True])
def test_tell_takes_an_outcome(stored: bool, tmp_path: Path) -> None:
    where = {"storage": tmp_path / "a.db", "name": "a"} if stored else {}
    study = hp.Study(SPACE, limits={"ms": hp.at_most(5.0)}, **where)
    study.tell(study.ask(), hp.Outcome(1.0, metrics={"ms": 4.0}, cost=2.0))
    study.add({"x": 0.5}, 0.5, metrics={"ms": 4.5}, cost=1.0)
    study.add({"x": 0.25}, hp.Outcome(0.25, metrics={"ms": 5.5}))
    study.add_many([{"params": {"x": 1.5}, "value": 0.75, "metrics": {"ms": 1.0}, "cost": 7.0}])
    assert study.best_trial.number == 1
    assert [t.feasible for t in study.trials] == [True, True, False, True]
    assert study.optimizer.history.cost[[0, 1, 3]].tolist() == [2.0, 1.0, 7.0]
    with pytest.raises(InvalidArgument, match="cost must be given once"):
        study.tell(study.ask(), hp.Outcome(1.0, cost=2.0), cost=3.0)


# --- nothing feasible -------------------------------------------------------------------------------------------------


def test_limits_that_nothing_satisfies_are_said_once(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "hpcore"):
        study = hp.minimize(objective, SPACE, limits={"ms": hp.at_most(-1.0)}, n_trials=15, sampler="gp", seed=0)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 1 and said[0].startswith("no complete trial keeps the limits yet (15 complete); trial ")
    nearest = min(study.trials, key=lambda trial: trial["x"])
    with pytest.raises(NoFeasibleTrial, match=rf"trials\[{nearest.number}\], comes nearest: ms is ") as error:
        _ = study.best_value
    assert error.value.nearest == nearest and len(study.trials) == 15


def test_a_metric_that_no_trial_tells_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    study = hp.Study(SPACE, limits={"latncy": hp.at_most(1.0), "ms": hp.at_most(30.0)}, sampler="random")
    with caplog.at_level(logging.WARNING, "hpcore"):
        for _ in range(3):
            study.tell(study.ask(), 1.0, metrics={"ms": 1.0})
        study.tell(study.ask(), None)  # a failed trial need not have metrics
        study.tell(study.ask(), 1.0)
        study.tell(study.ask(), 1.0)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("limits name the metric 'latncy', which no trial has told yet (trial 0 told 'ms')")
    assert second.startswith("trial 4 was told without the metric 'ms', which has a limit")


# --- what else reads the best -----------------------------------------------------------------------------------------


def test_rules_read_the_best_of_the_feasible() -> None:
    values = [(0.0, 9.0), (5.0, 1.0), (0.0, 9.0), (4.0, 1.0), (1.0, 9.0), (1.0, 9.0), (3.0, 1.0)]

    def told(trial: hp.Trial) -> hp.Outcome:
        value, ms = values[trial.number]
        return hp.Outcome(value, metrics={"ms": ms})

    limits = {"ms": hp.at_most(5.0)}
    stop = [hp.stopping.TargetValue(4.5)]
    assert len(hp.minimize(told, SPACE, limits=limits, stop=stop, n_trials=7, sampler="random").trials) == 4
    stop = [hp.stopping.NoImprovement(2)]
    assert len(hp.minimize(told, SPACE, limits=limits, stop=stop, n_trials=7, sampler="random").trials) == 6


def test_the_bound_on_the_regret_is_that_of_a_feasible_point() -> None:
    def told(trial: hp.Trial) -> hp.Outcome:
        return hp.Outcome(trial["x"], metrics={"ms": float(trial.number == 11)})

    rule = hp.stopping.RegretBound(1e-9)
    hp.minimize(told, SPACE, limits={"ms": hp.at_most(0.5)}, stop=[rule], n_trials=11, sampler="sobol", seed=0)
    free = rule.bound
    hp.minimize(told, SPACE, limits={"ms": hp.at_least(0.5)}, stop=[rule], n_trials=11, sampler="sobol", seed=0)
    assert rule.bound == float("inf") > free


def test_progress_shows_the_best_of_the_feasible(capsys: pytest.CaptureFixture[str]) -> None:
    values = [(0.0, 9.0), (5.0, 1.0), (1.0, 9.0)]

    def told(trial: hp.Trial) -> hp.Outcome:
        value, ms = values[trial.number % 3]
        return hp.Outcome(value, metrics={"ms": ms})

    study = hp.Study(SPACE, limits={"ms": hp.at_most(5.0)}, sampler="random")
    study.run(told, 1, progress=True)
    study.run(told, 2, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert "best value none yet" in lines[0] and "best value 5" in lines[-1]


def test_the_table_has_costs_metrics_and_feasibility() -> None:
    study = hp.minimize(objective, SPACE, limits=LIMITS, sampler="random", seed=0, n_trials=6)
    frame = study.to_frame()
    assert {"feasible", "cost", "metric_ms", "metric_load"} <= set(frame.columns)
    assert frame["feasible"].tolist() == [t.feasible for t in study.trials]
    copied = hp.Study(SPACE, limits=LIMITS)
    copied.add_frame(frame)
    assert facts(copied) == facts(study)
    chosen = hp.Study(SPACE, limits={"latency": hp.at_most(5.0)})
    plain = frame.rename(columns={"param_x": "x", "metric_ms": "t", "cost": "price"})
    chosen.add_frame(plain, metrics={"latency": "t"}, cost="price")
    assert [t.metrics for t in chosen.trials] == [{"latency": t.metrics["ms"]} for t in study.trials]
    assert [t.cost for t in chosen.trials] == [t.cost for t in study.trials]


# --- kills, schedulers and the command line ---------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a fork")
def test_a_search_that_is_killed_goes_on_with_its_limits(tmp_path: Path) -> None:
    def killed(trial: hp.Trial) -> hp.Outcome:
        if trial.number == 11:
            kill_me()
        return objective(trial)

    def search(function, n_trials: int) -> hp.Study:
        return hp.minimize(
            function, SPACE, limits=LIMITS, n_trials=n_trials, seed=0, sampler="gp", storage=tmp_path / "a.db", name="a"
        )

    assert in_child(lambda: search(killed, 20)) == signal.SIGKILL
    study = search(objective, 9)
    whole = hp.minimize(objective, SPACE, limits=LIMITS, n_trials=20, seed=0, sampler="gp")
    assert facts(study) == facts(whole) == facts(hp.load_study(tmp_path / "a.db"))
    np.testing.assert_array_equal(study.optimizer.history.violations, whole.optimizer.history.violations)
    assert study.best_trial == whole.best_trial


@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_limits_with_a_scheduler(sampler: str) -> None:
    def trained(trial: hp.Trial) -> hp.Outcome:
        for epoch in range(1, 5):
            trial.report((trial["x"] - 1) ** 2 / epoch, epoch)
            if trial.should_stop():
                break
        return hp.Outcome((trial["x"] - 1) ** 2, metrics={"ms": 10 * trial["x"]})

    scheduler = hp.schedulers.SuccessiveHalving(min_resource=1, max_resource=4, eta=2)
    limits = {"ms": hp.at_most(15.0)}
    study = hp.minimize(trained, SPACE, sampler=sampler, scheduler=scheduler, limits=limits, n_trials=40, seed=0)
    ended = [t for t in study.trials if t.state in ("complete", "pruned")]
    assert ended and all(t.feasible is (t.state == "complete" and t["x"] <= 1.5) for t in ended)
    assert all(t.metrics == {"ms": 10 * t["x"]} for t in study.trials)
    assert study.best_trial["x"] <= 1.5


def test_the_command_shows_limits_and_the_best_that_keeps_them(tmp_path: Path) -> None:
    options = {"storage": tmp_path / "a.db", "name": "a"}
    study = hp.minimize(objective, SPACE, limits=LIMITS, sampler="random", seed=0, n_trials=20, **options)
    shown = CliRunner().invoke(main, ["show", str(tmp_path / "a.db"), "a", "--json"])
    document = json.loads(shown.stdout)
    assert document["limits"] == {"ms": "<= 5", "load": ">= 0.1 and <= 0.9"}
    assert [best["number"] for best in document["best"]] == [study.best_trial.number]
    assert document["best"][0]["metrics"] == study.best_trial.metrics
    assert '"<= 5"' in CliRunner().invoke(main, ["show", str(tmp_path / "a.db"), "a"]).stdout
    exported = CliRunner().invoke(main, ["export", str(tmp_path / "a.db"), "a"]).stdout
    header = exported.splitlines()[0].split(",")
    assert header == list(study.to_frame().columns)
