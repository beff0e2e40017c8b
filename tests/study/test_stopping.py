"""When runs end."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.study.stopping import MaxTrials, NoImprovement, RegretBound, TargetValue, Timeout

LINE = {"x": hp.Float(0, 1)}


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
