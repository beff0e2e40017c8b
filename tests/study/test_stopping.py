"""Stopping rules, with the view of an optimizer and in studies."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.study.stopping import MaxTrials, NoImprovement, RegretBound, TargetValue, Timeout

LINE = {"x": hp.Float(0, 1)}


def searched(results: list[tuple[str, float | None]], direction: str = "minimize") -> hp.Optimizer:
    """Make an optimizer with trials of these states and values."""
    opt = hp.Optimizer(LINE, sampler="random", direction=direction, seed=0)
    for state, value in results:
        trial = opt.ask()
        if state != "running":
            opt.tell(trial, value, state=state)
    return opt


# --- asked with a view ------------------------------------------------------------------------------------------------


def test_max_trials_counts_what_has_ended() -> None:
    results = [("complete", 1.0), ("failed", None), ("pruned", 0.5), ("running", None), ("paused", None)]
    view = searched(results).view()
    assert [MaxTrials(n).reached(view) for n in (1, 3, 4, 5)] == [True, True, False, False]
    assert MaxTrials(2).reached(searched(results).view(as_of=1))
    assert not MaxTrials(2).reached(searched(results).view(as_of=0))


def test_a_target_is_reached_by_complete_trials_only() -> None:
    assert not TargetValue(1.0).reached(searched([]).view())
    assert not TargetValue(1.0).reached(searched([("complete", 1.5), ("pruned", 0.5), ("running", None)]).view())
    assert TargetValue(1.0).reached(searched([("complete", 1.5), ("complete", 1.0)]).view())
    up = searched([("complete", 1.5), ("complete", 2.0)], "maximize")
    assert [TargetValue(t).reached(up.view()) for t in (1.9, 2.0, 2.1)] == [True, True, False]
    assert not TargetValue(2.0).reached(up.view(as_of=0))


def test_a_timeout_begins_with_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("hpcore.study.stopping.time.monotonic", lambda: now)
    view, rule = searched([]).view(), Timeout(2.0)
    assert not rule.reached(view)
    rule.start(view)
    now = 101.9
    assert not rule.reached(view)
    now = 102.0
    assert rule.reached(view)
    rule.start(view)
    assert not rule.reached(view)


@pytest.mark.parametrize("rule", [TargetValue(1.0), NoImprovement(1), RegretBound(1.0)], ids=repr)
def test_rules_of_one_objective(rule: object) -> None:
    view = hp.Optimizer(LINE, directions=["minimize"] * 2, seed=0).view()
    with pytest.raises(InvalidArgument, match=r"stop: \w+ needs a single objective, got 2"):
        rule.start(view)


def test_the_regret_bound_is_computed_after_enough_results() -> None:
    opt = searched([("complete", float(i)) for i in range(4)])
    rule = RegretBound(100.0, n_min=5, every=2)
    rule.start(opt.view())
    assert not rule.reached(opt.view()) and rule.bound is None
    opt.tell(opt.ask(), 0.5)
    assert rule.reached(opt.view()) and rule.bound is not None
    opt.tell(opt.ask(), 0.25)
    assert not rule.reached(opt.view())  # one result since the last bound
    opt.tell(opt.ask(), 0.125)
    assert rule.reached(opt.view())


def idle(opt: hp.Optimizer, min_delta: float) -> int | None:
    """Count the trials that ended since the last improvement, from all trials; None if no trial is complete."""
    sign = -1.0 if opt.directions[0] == "maximize" else 1.0
    best, since = None, 0
    for trial in opt.trials:
        if trial.state in ("running", "paused"):
            continue
        since += 1
        if trial.state == "complete" and (best is None or sign * trial.value < best - min_delta):
            best, since = sign * trial.value, 0
    return None if best is None else since


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_no_improvement_against_its_slow_twin(data: st.DataObject) -> None:
    k, min_delta = data.draw(st.integers(1, 4)), data.draw(st.sampled_from([0.0, 1.0]))
    opt = searched([], data.draw(st.sampled_from(["minimize", "maximize"])))
    rule = NoImprovement(k, min_delta)
    rule.start(opt.view())
    for _ in range(data.draw(st.integers(1, 30))):
        running = sorted(opt.running())
        paused = [trial.number for trial in opt.trials if trial.state == "paused"]
        kind = data.draw(st.sampled_from(["ask"] + ["tell"] * 2 * bool(running) + ["resume"] * bool(paused)))
        if kind == "ask":
            opt.ask()
        elif kind == "resume":
            opt.resume(data.draw(st.sampled_from(paused)))
        else:
            state = data.draw(st.sampled_from(["complete", "complete", "failed", "pruned", "paused"]))
            has_value = state == "complete" or (state == "pruned" and data.draw(st.booleans()))
            value = float(data.draw(st.integers(0, 9))) if has_value else None
            opt.tell(data.draw(st.sampled_from(running)), value, state=state)
        since = idle(opt, min_delta)
        assert rule.reached(opt.view()) == (since is not None and since >= k)


# --- in studies -------------------------------------------------------------------------------------------------------


def test_a_number_of_trials_in_all(tmp_path: Path) -> None:
    study = hp.Study(LINE, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0)
    other = hp.load_study(tmp_path / "runs.db")
    study.run(lambda t: t["x"] if t.number % 3 else None, stop=[MaxTrials(5)])
    assert len(study.trials) == 5
    other.run(lambda t: t["x"], stop=[MaxTrials(7)])
    assert len(other.trials) == 7
    assert len(study.run(lambda t: t["x"], stop=[MaxTrials(7)]).trials) == 7


def test_a_target() -> None:
    values = [3.0, 2.0, 2.5, 1.0, 0.0]
    down = hp.Study(LINE, seed=0).run(lambda t: values[t.number], 5, stop=[TargetValue(2.0)])
    assert [t.value for t in down.trials] == [3.0, 2.0]
    up = hp.Study(LINE, direction="maximize", seed=0).run(lambda t: -values[t.number], 5, stop=[TargetValue(-1.0)])
    assert len(up.trials) == 4


@pytest.mark.parametrize(
    ("values", "rule", "n"),
    [
        ([5, 4, 4, 4, 3, 3], NoImprovement(2), 4),
        ([5, 4, 4, 3, 3, 3], NoImprovement(2), 6),
        ([5, 4.95, 4.9, 4.85, 1], NoImprovement(3, min_delta=0.2), 4),
        ([None, None, None, 5, None, None], NoImprovement(2), 6),
        ([5, None, None, 1], NoImprovement(2), 3),
    ],
    ids=range(5),
)
def test_no_improvement(values: list, rule: NoImprovement, n: int) -> None:
    study = hp.Study(LINE, sampler="random", seed=0).run(lambda t: values[t.number], len(values), stop=[rule])
    assert len(study.trials) == n


def test_time() -> None:
    import time

    begin = time.monotonic()
    study = hp.Study(LINE, sampler="random", seed=0).run(lambda t: time.sleep(0.02) or 1.0, stop=[Timeout(0.1)])
    assert 1 <= len(study.trials) <= 6
    assert time.monotonic() - begin >= 0.1


def test_the_regret_bound_bounds_the_regret() -> None:
    """The bound of Makarova et al. holds here, falls, and stops a search that found the optimum."""

    def valley(trial: hp.Trial) -> float:
        return (trial["x"] - 0.3) ** 2 + 0.1 * math.sin(9 * trial["x"])

    best = min((x / 1e4 - 0.3) ** 2 + 0.1 * math.sin(9 * x / 1e4) for x in range(10_001))
    rule = RegretBound(0.005, n_min=5)
    bounds = []

    def note(study: hp.Study, trial: hp.Trial) -> None:
        if rule.bound is not None:
            bounds.append((rule.bound, study.best_value - best))

    study = hp.Study(LINE, sampler="gp", seed=0).run(valley, 60, stop=[rule], callbacks=[note])
    assert len(study.trials) < 60
    assert study.best_value - best <= 0.005
    assert rule.bound <= 0.005 < max(bound for bound, _ in bounds)
    assert sum(regret <= bound + 1e-12 for bound, regret in bounds) >= 0.9 * len(bounds)


def test_the_regret_bound_and_a_constant() -> None:
    study = hp.Study(LINE, sampler="random", seed=0).run(lambda t: 1.0, 8, stop=[RegretBound(1.0, n_min=2)])
    assert len(study.trials) == 8


def test_any_rule_ends_it_with_workers_too() -> None:
    study = hp.Study(LINE, sampler="random", seed=0)
    study.run(lambda t: float(t.number), n_jobs=2, stop=[MaxTrials(30), NoImprovement(5)])
    assert 6 <= len(study.trials) <= 8
    assert all(t.state == "complete" for t in study.trials)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: MaxTrials(0), InvalidArgument),
        (lambda: MaxTrials(1.0), InvalidType),
        (lambda: Timeout(0), InvalidArgument),
        (lambda: TargetValue(math.nan), InvalidArgument),
        (lambda: NoImprovement(0), InvalidArgument),
        (lambda: NoImprovement(1, -1.0), InvalidArgument),
        (lambda: RegretBound(0.0), InvalidArgument),
        (lambda: RegretBound(1.0, n_min=1), InvalidArgument),
        (lambda: hp.Study(LINE).run(lambda t: 1.0), InvalidArgument),
        (lambda: hp.Study(LINE).run(lambda t: 1.0, stop=MaxTrials(1)), InvalidType),
        (lambda: hp.Study(LINE).run(lambda t: 1.0, stop=[lambda s: True]), InvalidType),
        (
            lambda: hp.Study(LINE, directions=["minimize"] * 2).run(lambda t: 1.0, stop=[TargetValue(1.0)]),
            InvalidArgument,
        ),
    ],
    ids=range(12),
)
def test_bad_rules(make, error: type[Exception]) -> None:
    with pytest.raises(error):
        make()


def test_withdrawn_trials_are_no_results() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0)
    idle, most = NoImprovement(2), MaxTrials(3)
    idle.start(opt.view())
    opt.tell(opt.ask(), 1.0)
    for _ in range(4):
        opt.withdraw(opt.ask())
    running = opt.ask()
    opt.tell(opt.ask(), 2.0)
    assert not idle.reached(opt.view())
    assert not most.reached(opt.view())
    opt.withdraw(running)
    opt.tell(opt.ask(), 2.0)
    assert idle.reached(opt.view())
    assert most.reached(opt.view())
