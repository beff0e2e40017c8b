"""Functions that run a whole search, and their other names of arguments."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.samplers import AutoSampler, TPESampler

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9)}


def cost(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"]


def test_whatever_a_study_takes_the_one_call_takes() -> None:
    study = {*inspect.signature(hp.Study).parameters, *inspect.signature(hp.Study.run).parameters} - {
        "self",
        "direction",
    }
    for function in (hp.minimize, hp.maximize):
        assert {*inspect.signature(function).parameters} == study
        assert all(p.kind is p.KEYWORD_ONLY for p in list(inspect.signature(function).parameters.values())[2:])
    assert inspect.signature(hp.minimize) == inspect.signature(hp.maximize)


def test_stop() -> None:
    study = hp.minimize(cost, SPACE, n_trials=None, stop=[hp.stopping.MaxTrials(7)], seed=0, sampler="random")
    assert len(study.trials) == 7


def test_directions() -> None:
    for function in (hp.minimize, hp.maximize):
        study = function(lambda t: (t["x"], t["k"]), SPACE, directions=["minimize", "maximize"], n_trials=9, seed=0)
        assert study.optimizer.directions == ("minimize", "maximize")
        assert study.pareto_front


def test_a_storage_goes_on(tmp_path: Path) -> None:
    where: dict[str, Any] = {"storage": tmp_path / "runs.db", "name": "a", "n_trials": 6}
    first = hp.minimize(cost, SPACE, seed=0, **where)
    assert repr(first.optimizer.sampler) == repr(AutoSampler(6))
    second = hp.minimize(cost, SPACE, **where)
    assert [t.number for t in second.trials] == list(range(12))
    assert second.optimizer.seed == 0
    assert repr(second.optimizer.sampler) == repr(AutoSampler(6))  # the sampler of the stored study
    third = hp.minimize(cost, SPACE, sampler="random", lease=5.0, retries=1, **where)
    assert len(third.trials) == 18
    whole = hp.minimize(cost, SPACE, seed=0, n_trials=12, sampler=AutoSampler(6))
    assert [t.params for t in second.trials[:12]] == [t.params for t in whole.trials]
    with pytest.raises(InvalidArgument, match="direction"):
        hp.maximize(cost, SPACE, **where)
    with pytest.raises(InvalidArgument, match="name must be given"):
        hp.minimize(cost, SPACE, storage=tmp_path / "runs.db")


def test_deterministic() -> None:
    options: dict[str, Any] = {"n_trials": 12, "seed": 0, "sampler": "tpe", "deterministic": True}
    one, two = hp.minimize(cost, SPACE, **options), hp.minimize(cost, SPACE, n_jobs=2, **options)
    assert [t.params for t in one.trials] == [t.params for t in two.trials]
    assert one.mode == two.mode == "lag 4"


# --- two names for one argument ------------------------------------------------------------------------------------


def made(where: str, tmp_path: Path, **options: Any) -> hp.Optimizer:
    if where in ("minimize", "maximize"):
        optimizer: hp.Optimizer = getattr(hp, where)(cost, SPACE, n_trials=1, **options).optimizer
        return optimizer
    if where == "optimizer":
        return hp.Optimizer(SPACE, **options)
    stored = {"storage": tmp_path / "runs.db", "name": "a"} if where == "stored" else {}
    return hp.Study(SPACE, **stored, **options).optimizer


everywhere = pytest.mark.parametrize("where", ["optimizer", "study", "stored", "minimize", "maximize"])


@everywhere
def test_both_names_are_understood(where: str, tmp_path: Path) -> None:
    optimizer = made(where, tmp_path, strategy="tpe", random_state=7)
    assert isinstance(optimizer.sampler, TPESampler)
    assert optimizer.seed == 7


@everywhere
def test_both_at_once_must_agree(where: str, tmp_path: Path) -> None:
    sampler = TPESampler()
    optimizer = made(where, tmp_path, sampler=sampler, strategy=sampler, seed=7, random_state=np.int64(7))
    assert optimizer.sampler is sampler
    assert optimizer.seed == 7


@everywhere
@pytest.mark.parametrize(
    "options",
    [
        {"sampler": "gp", "strategy": "tpe"},
        {"sampler": "tpe", "strategy": "gp"},
        {"sampler": TPESampler(), "strategy": TPESampler()},
        {"seed": 0, "random_state": 1},
        {"seed": 1, "random_state": np.random.RandomState(1)},
    ],
    ids=lambda given: "-".join(given),
)
def test_two_different_values_are_refused(where: str, options: dict, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="are two names of one argument, got"):
        made(where, tmp_path, **options)


@everywhere
def test_wrong_values_by_the_other_name(where: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidType, match="seed must be"):
        made(where, tmp_path, random_state="zero")
    with pytest.raises(InvalidArgument, match="sampler must be one of"):
        made(where, tmp_path, strategy="tpee")


def test_load_study_takes_a_strategy(tmp_path: Path) -> None:
    hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", sampler="random")
    assert isinstance(hp.load_study(tmp_path / "runs.db", strategy="tpe").optimizer.sampler, TPESampler)


# --- hpcore.stopping -----------------------------------------------------------------------------------------------


def test_stopping_is_a_module() -> None:
    import subprocess

    code = (
        "import sys, hpcore as hp\n"
        "assert 'hpcore.stopping' not in sys.modules and 'hpcore.study' not in sys.modules\n"
        "from hpcore.stopping import NoImprovement, Timeout\n"
        "import hpcore.stopping\n"
        "assert hp.stopping is hpcore.stopping is sys.modules['hpcore.stopping']\n"
        "assert hp.stopping.NoImprovement is NoImprovement\n"
        "from hpcore.study.stopping import StoppingRule\n"
        "assert issubclass(NoImprovement, StoppingRule)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert "NoImprovement" in hp.stopping.__all__


def test_stopping_is_loaded_by_its_attribute() -> None:
    import subprocess

    code = "import hpcore as hp, sys; m = hp.stopping; from hpcore import stopping; assert m is stopping"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_of_it_is_there() -> None:
    from hpcore.study import stopping as inside

    assert hp.stopping.__all__ == inside.__all__
