"""HpcoreScheduler, the scheduler for Ray Tune, without a cluster."""

from __future__ import annotations

import copy
import math
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.schedulers import ASHA, Bandit, FreezeThaw, Hyperband, MedianStopping, SuccessiveHalving, Threshold

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
pytest.importorskip("ray.tune")

from ray.tune.schedulers import FIFOScheduler, TrialScheduler

from hpcore.integrations.ray import HpcoreScheduler

pytestmark = pytest.mark.doors

STEPS = 27
SCHEDULERS: dict[str, Any] = {
    "asha": "asha",
    "with bounds": ASHA(max_resource=STEPS),
    "hyperband": Hyperband(max_resource=STEPS),
    "halving": SuccessiveHalving(max_resource=STEPS),
    "median": "median",
    "bandit": Bandit(slack_factor=0.2),
}


class Trial:
    """What a scheduler sees of a trial."""

    def __init__(self, k: int) -> None:
        self.trial_id = f"trial-{k}"


def curve(k: int, step: int) -> float:
    """Loss of trial k after a step: it falls towards (7 k mod 10) / 10, and curves hardly cross."""
    return k * 7 % 10 / 10 + 1.0 / (1 + step)


def begin(scheduler: Any = "asha", mode: str = "min", **options: Any) -> Any:
    made = HpcoreScheduler(scheduler, **options)
    assert made.set_search_properties("loss", mode)
    return made


def train(scheduler: Any, k: int, steps: int = STEPS, sign: float = 1.0) -> int:
    """Train a trial as Tune does, and return the number of its steps."""
    trial = Trial(k)
    scheduler.on_trial_add(None, trial)
    result: dict[str, Any] = {}
    for step in range(1, steps + 1):
        result = {"loss": sign * curve(k, step), "training_iteration": step}
        if scheduler.on_trial_result(None, trial, result) == TrialScheduler.STOP:
            break
    scheduler.on_trial_complete(None, trial, result)
    return int(result["training_iteration"])


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_steps_are_saved_and_the_best_goes_on(name: str, mode: str) -> None:
    scheduler = begin(SCHEDULERS[name], mode)
    done = {k: train(scheduler, k, sign=1.0 if mode == "min" else -1.0) for k in range(40)}
    stopped = [k * 7 % 10 for k in done if done[k] < STEPS]
    assert sum(done.values()) < 0.75 * STEPS * len(done)
    assert stopped and min(stopped) > 0
    assert f"{len(stopped)} of 40 trials stopped early" in scheduler.debug_string()


def test_decisions_are_those_of_the_scheduler_in_a_search_of_hpcore() -> None:
    import hpcore as hp

    steps: dict[int, int] = {}

    def objective(trial: Any) -> float:
        for step in range(1, STEPS + 1):
            steps[trial.number] = step
            trial.report(curve(trial.number, step), step)
            if trial.should_stop():
                raise hp.Pruned
        return curve(trial.number, STEPS)

    rule = ASHA(max_resource=STEPS, kind="stopping")
    hp.minimize(objective, {"x": hp.Float(0, 1)}, n_trials=30, sampler="random", scheduler=rule, seed=0)
    scheduler = begin(rule)
    assert {k: train(scheduler, k) for k in range(30)} == steps


def test_the_full_resource_and_nan_stop() -> None:
    scheduler = begin(ASHA(max_resource=9))
    assert train(scheduler, 0) == 9
    assert "0 of 1 trials stopped early" in scheduler.debug_string()
    trial = Trial(1)
    assert scheduler.on_trial_result(None, trial, {"loss": math.nan, "training_iteration": 1}) == TrialScheduler.STOP


def test_other_clocks_and_results_without_them() -> None:
    scheduler = begin(Threshold(upper=0.5), time_attr="epoch")
    trial = Trial(0)
    scheduler.on_trial_add(None, trial)
    for result in (
        {},
        {"loss": 9.0},
        {"loss": 9.0, "training_iteration": 5},
        {"epoch": 3},
        {"loss": None, "epoch": 3},
        {"loss": 9.0, "epoch": math.nan},
        {"loss": 9.0, "epoch": math.inf},
        {"loss": 9.0, "epoch": "third"},
    ):
        assert scheduler.on_trial_result(None, trial, result) == TrialScheduler.CONTINUE
    assert scheduler.on_trial_result(None, trial, {"loss": 0.1, "epoch": 4}) == TrialScheduler.CONTINUE
    # The last result once more, as from a function that has returned.
    assert scheduler.on_trial_result(None, trial, {"loss": 9.0, "epoch": 4}) == TrialScheduler.CONTINUE
    assert scheduler.on_trial_result(None, trial, {"loss": 9.0, "epoch": 5}) == TrialScheduler.STOP


def test_trials_that_fail_or_are_taken_away() -> None:
    scheduler = begin("median")
    for k in range(6):
        train(scheduler, k)
    failed, removed = Trial(6), Trial(7)
    scheduler.on_trial_add(None, failed)
    scheduler.on_trial_result(None, failed, {"loss": 0.0, "training_iteration": 1})
    scheduler.on_trial_error(None, failed)
    scheduler.on_trial_add(None, removed)
    scheduler.on_trial_remove(None, removed)
    assert train(scheduler, 8) <= STEPS


@pytest.mark.parametrize("crash_after", [0, 1])
def test_a_trial_that_tune_runs_again_is_not_stopped_for_its_crash(crash_after: int) -> None:
    scheduler = begin("asha")
    for k in range(12):
        train(scheduler, k)
    best = Trial(12)
    scheduler.on_trial_add(None, best)
    for step in range(1, crash_after + 1):
        scheduler.on_trial_result(None, best, {"loss": -1e3, "training_iteration": step})
    # As Tune's controller does with max_failures.
    scheduler.on_trial_error(None, best)
    scheduler.on_trial_add(None, best)
    for step in range(crash_after + 1, STEPS):
        told = {"loss": -1e3, "training_iteration": step}
        assert scheduler.on_trial_result(None, best, told) == scheduler.CONTINUE, step


@pytest.mark.parametrize("way", ["file", "pickle", "copy"])
def test_a_scheduler_that_was_saved_decides_the_same(way: str, tmp_path: Path) -> None:
    scheduler = begin()
    for k in range(12):
        train(scheduler, k)
    other = HpcoreScheduler("median")
    if way == "file":
        scheduler.save(str(tmp_path / "s"))
        other.restore(str(tmp_path / "s"))
    elif way == "pickle":
        other = pickle.loads(pickle.dumps(scheduler))  # noqa: S301 - our own data
    else:
        other = copy.deepcopy(scheduler)
    expected = [train(scheduler, k) for k in range(12, 30)]
    assert [train(other, k) for k in range(12, 30)] == expected
    assert min(expected) < STEPS


def test_metric_and_mode() -> None:
    given = HpcoreScheduler("median", metric="loss", mode="max")
    assert not given.set_search_properties("loss", None) and not given.set_search_properties(None, "max")
    assert given.set_search_properties(None, None) and given.metric == "loss"
    anonymous = HpcoreScheduler("median", mode="max")
    assert anonymous.set_search_properties(None, None) and anonymous.metric == "_metric"
    with pytest.raises(InvalidArgument, match=r"metric and mode must be given to HpcoreScheduler or tune\.TuneConfig"):
        HpcoreScheduler().on_trial_add(None, Trial(0))
    assert isinstance(given, FIFOScheduler)


@pytest.mark.parametrize(
    ("scheduler", "options", "words"),
    [
        ("best", {}, "scheduler must be one of"),
        (3, {}, "scheduler must be a name or a Scheduler"),
        ("auto", {}, "since HpcoreScheduler cannot pause trials, got 'auto'"),
        ("pbt", {}, "scheduler must be one that stops trials"),
        (FreezeThaw(), {}, "scheduler must be one that stops trials"),
        ("asha", {"mode": "least"}, "mode must be 'min' or 'max'"),
        ("asha", {"metric": ["a"]}, "metric must be a str"),
        ("asha", {"time_attr": None}, "time_attr must be a str"),
    ],
)
def test_arguments(scheduler: Any, options: dict[str, Any], words: str) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match=words):
        HpcoreScheduler(scheduler, **options)


def test_several_metrics_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="must have one metric"):
        HpcoreScheduler(MedianStopping()).set_search_properties(["a", "b"], ["min", "min"])  # type: ignore[arg-type]
