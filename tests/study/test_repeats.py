"""Points that may be evaluated more than once: `repeats`."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore._core import samplers
from hpcore.errors import DamagedStore, InvalidArgument, InvalidType, SearchSpaceExhausted
from hpcore.samplers import GPSampler, GridSampler
from hpcore.samplers.native import constraints_of

SAMPLERS = ["random", "grid", "sobol", "gp", "tpe", "auto"]
SPACE = {"a": hp.Int(1, 3), "b": ["x", "y"]}
BRANCHES = {"m": ["p", "q"], "a": hp.Int(1, 3, when={"m": "p"}), "b": hp.Int(1, 2, when={"m": "q"})}


def cost(trial: hp.Trial) -> float:
    return float(np.random.default_rng(trial.number).normal()) + len(trial)


def counts(study: Any) -> Counter:
    return Counter(tuple(sorted(t.params.items())) for t in study.trials)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize(("space", "size"), [(SPACE, 6), (BRANCHES, 5)], ids=["plain", "branches"])
def test_each_point_is_evaluated_as_often_as_it_may(
    sampler: str, space: dict, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    study = hp.minimize(cost, space, sampler=sampler, n_trials=3 * size, repeats=3, seed=0)
    assert counts(study) == dict.fromkeys(counts(study), 3)
    assert len(counts(study)) == size
    assert caplog.text == ""
    study.run(cost, 2)
    assert len(study.trials) == 3 * size
    assert f"with {3 * size} trials in the study" in caplog.text
    assert study.best_value == min(t.value for t in study.trials)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("deterministic", [False, True])
def test_a_stored_study_with_repeats_goes_on_as_if_it_had_not_stopped(
    sampler: str, deterministic: bool, tmp_path: Path
) -> None:
    whole = hp.Study(SPACE, sampler=sampler, seed=1, repeats=3).run(cost, 18, deterministic=deterministic)
    path = tmp_path / "runs.db"
    hp.Study(SPACE, storage=path, name="a", sampler=sampler, seed=1, repeats=3).run(
        cost, 5, deterministic=deterministic
    )
    for n in (4, 9):
        hp.load_study(path).run(cost, n, deterministic=deterministic)
    again = hp.load_study(path)
    assert [(t.params, t.values) for t in again.trials] == [(t.params, t.values) for t in whole.trials]
    assert again.optimizer.repeats == 3


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_workers_and_a_deterministic_order(n_jobs: int) -> None:
    def objective(trial: hp.Trial) -> float:
        return float((7 * trial.number) % 5)

    study = hp.minimize(
        objective, SPACE, sampler="tpe", n_trials=12, repeats=2, seed=2, n_jobs=n_jobs, deterministic=True
    )
    whole = hp.minimize(objective, SPACE, sampler="tpe", n_trials=12, repeats=2, seed=2, deterministic=True)
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]
    assert set(counts(study).values()) == {2}


@pytest.mark.parametrize("walks", [1, 2, 3])
def test_a_grid_is_walked_so_often(walks: int) -> None:
    """Grids of spaces that are not finite have an end too; constraints and added points count."""
    space = hp.Space({"x": hp.Float(0, 1), "k": hp.Int(1, 2)}, [lambda p: p["x"] < 0.9 or p["k"] == 1])
    opt = hp.Optimizer(space, GridSampler(3), repeats=walks, seed=0)
    opt.add({"x": 0.5, "k": 2}, 1.0)
    once = [(0.0, 1), (0.0, 2), (0.5, 1), (1.0, 1)]
    asked = []
    while True:
        try:
            asked += [(t["x"], t["k"]) for t in opt.ask(3)]
        except SearchSpaceExhausted:
            break
    again = [(0.0, 1), (0.0, 2), (0.5, 1), (0.5, 2), (1.0, 1)]
    assert asked == once + again * (walks - 1)


def test_a_good_point_is_looked_at_again() -> None:
    """With noise as large as the differences of values, the Gaussian process repeats the best point."""
    share, right = [], 0
    for seed in range(4):
        rng = np.random.default_rng(seed)
        study = hp.minimize(
            lambda t, rng=rng: 0.2 * t["depth"] + 0.3 * rng.normal(),
            {"depth": hp.Int(1, 6)},
            n_trials=40,
            repeats=40,
            sampler="gp",
            seed=seed,
        )
        assert len(study.trials) == 40
        found = Counter(t["depth"] for t in study.trials)
        share.append((found[1] + found[2]) / 40)
        right += found.most_common(1)[0][0] == 1
    assert min(share) > 0.5  # by chance it would be a third
    assert right >= 3


@pytest.mark.parametrize("acquisition", ["log_ei", "noisy_log_ei", "ucb", "pi", "thompson"])
def test_every_acquisition_repeats(acquisition: str) -> None:
    sampler = GPSampler(acquisition=acquisition)
    study = hp.minimize(cost, SPACE, n_trials=18, repeats=3, sampler=sampler, seed=0)
    assert set(counts(study).values()) == {3}


def test_points_that_run_are_counted() -> None:
    opt = hp.Optimizer({"a": hp.Int(1, 2)}, "gp", seed=0, repeats=2)
    assert Counter(t["a"] for t in opt.ask(4)) == {1: 2, 2: 2}
    with pytest.raises(SearchSpaceExhausted, match="2 points"):
        opt.ask()


def test_a_copy_goes_on_alike() -> None:
    import copy

    opt = hp.Optimizer(SPACE, "random", seed=0, repeats=2)
    opt.ask(8)
    other = copy.deepcopy(opt)
    assert [t.params for t in opt.ask(4)] == [t.params for t in other.ask(4)]


def test_auto_walks_the_grid_where_there_is_time_for_all_repeats() -> None:
    def sources(n: int) -> set:
        return {t.info["sampler"] for t in hp.minimize(cost, SPACE, n_trials=n, repeats=3, seed=0).trials}

    assert sources(18) == {"grid"}
    assert sources(12) == {"gp"}


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_batches_count_too(sampler: str) -> None:
    opt = hp.Optimizer({"a": hp.Int(1, 5)}, sampler, seed=0, repeats=3)
    while opt.n_trials < 15:
        for trial in opt.ask(4):
            opt.tell(trial, float(trial["a"] % 3))
    assert Counter(t["a"] for t in opt.trials) == dict.fromkeys(range(1, 6), 3)


def test_the_native_argument_is_checked() -> None:
    columns = hp.Space({"a": hp.Int(1, 5)}).columns
    options, allowed = hp.samplers.GPSampler()._native_options(columns), constraints_of(columns)
    with pytest.raises(ValueError, match="n must be at least 1"):
        samplers.gp(columns.codec, [False], options, allowed).allow_repeats(0)


# --- stored repeats ------------------------------------------------------------------------------------------------


def test_another_number_takes_the_place_of_the_stored_one(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    study = hp.Study({"a": range(3)}, storage=path, name="a", sampler="random", seed=0)
    assert len(study.run(cost, 9).trials) == 3
    assert len(hp.load_study(path, repeats=2).run(cost, 9).trials) == 6
    assert len(hp.load_study(path).run(cost, 9).trials) == 6
    assert len(hp.Study(storage=path, name="a", repeats=3).run(cost, 9).trials) == 9


def test_a_store_without_repeats_is_as_before(tmp_path: Path) -> None:
    study = hp.Study({"a": range(3)}, storage=tmp_path / "runs.db", name="a", seed=0)
    assert "repeats" not in json.loads(study._trial_log.record.spec)


@pytest.mark.parametrize("stored", [0, "2", 1.5, "stored", True])
def test_a_damaged_number(stored: Any, tmp_path: Path) -> None:
    from dataclasses import replace

    path = tmp_path / "runs.db"
    trial_log = hp.Study({"a": range(3)}, storage=path, name="a", seed=0)._trial_log
    spec = json.dumps({**json.loads(trial_log.record.spec), "repeats": stored})
    trial_log.storage.write(lambda transaction: transaction.change(replace(trial_log.record, spec=spec)))
    with pytest.raises(DamagedStore, match="repeats"):
        hp.load_study(path)


@pytest.mark.parametrize(
    ("value", "error"), [(0, InvalidArgument), (-1, InvalidArgument), (1.5, InvalidType), (True, InvalidType)]
)
@pytest.mark.parametrize("where", ["optimizer", "study", "stored", "minimize"])
def test_wrong_repeats(value: Any, error: type[Exception], where: str, tmp_path: Path) -> None:
    calls = {
        "optimizer": lambda: hp.Optimizer(SPACE, repeats=value),
        "study": lambda: hp.Study(SPACE, repeats=value),
        "stored": lambda: hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", repeats=value),
        "minimize": lambda: hp.minimize(cost, SPACE, repeats=value),
    }
    with pytest.raises(error, match="repeats must be"):
        calls[where]()
