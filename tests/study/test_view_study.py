"""`view_study`: a stored study read without its program, and without a change of the store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sklearn.linear_model import Ridge
from sklearn.svm import SVC

import hpcore as hp
from hpcore.errors import HpcoreError, InvalidArgument, UnknownStudy
from hpcore.samplers import RandomSampler
from hpcore.schedulers import Judge, Scheduler
from hpcore.space.columns import Columns
from hpcore.study import view_study


def small(params: Any) -> bool:
    return bool(params["x"] < 0.9)


class Unlike:
    """Two of these have one label."""

    def __repr__(self) -> str:
        return "unlike"


class Mine(RandomSampler):
    def __init__(self, rule: Callable[..., Any]) -> None:
        super().__init__()
        self.rule = rule


class Stop(Scheduler):
    def __init__(self, rule: Callable[..., Any]) -> None:
        self.rule = rule

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        return Judge()


def space() -> hp.Space:
    return hp.Space(
        {
            "model": hp.Categorical([SVC, Ridge(alpha=2.0), small, None]),
            "C": hp.Float(1e-2, 1e2, log=True, when={"model": SVC}),
            "same": hp.Categorical([Unlike(), Unlike()]),
            "pair": hp.Categorical([(Ridge, 1), b"\xff"]),
            "x": hp.Float(0.0, 1.0),
        },
        [small],
    )


def objective(trial: hp.Trial) -> float:
    for step in range(1, 4):
        trial.report(trial["x"] / step, step)
    if trial.number % 5 == 4:
        raise ValueError("no")
    return float(trial["x"])


def content(path: Path) -> bytes:
    """Bytes of a store, with those that were written since, of which its journal has none after reading."""
    journal = path.with_name(f"{path.name}-wal")
    return path.read_bytes() + (journal.read_bytes() if journal.exists() else b"")


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    path = tmp_path / "code.db"
    study = hp.Study(space(), storage=path, name="code", sampler=Mine(small), scheduler=Stop(small), seed=0)
    study.run(objective, n_trials=20)
    study.note = "a note"
    return path


def test_objects_are_shown_by_their_labels(stored: Path) -> None:
    before = content(stored)
    study = view_study(stored)
    assert len(study.trials) == 20
    assert content(stored) == before
    whole = hp.load_study(stored, space=space(), sampler=Mine(small), scheduler=Stop(small))
    for seen, trial in zip(study.trials, whole.trials, strict=True):
        assert (seen.state, seen.values, seen.reports, seen.error) == (
            trial.state, trial.values, trial.reports, trial.error,
        )  # fmt: skip
        assert seen.params.keys() == trial.params.keys()
        assert seen["x"] == trial["x"]
        assert ("C" in seen) == (trial["model"] is SVC)
        if trial["model"] is SVC:
            assert repr(seen["model"]) == "sklearn.svm._classes.SVC"
    assert {repr(t["model"]) for t in study.trials} >= {"Ridge(alpha=2.0)", f"{__name__}.small", "None"}
    assert {repr(t["pair"]) for t in study.trials} == {"(sklearn.linear_model._ridge.Ridge, 1)", "b'\\xff'"}
    assert study.best_trial.number == whole.best_trial.number
    assert study.note == "a note"
    assert repr(study.optimizer.sampler).startswith("Mine(")
    assert repr(study.optimizer.scheduler).startswith("Stop(")


def test_choices_with_one_label_stay_two(stored: Path) -> None:
    study = view_study(stored)
    first, second = study.space["same"].choices
    assert first is not second
    assert repr(first) == repr(second) == "unlike"
    assert {id(t["same"]) for t in study.trials} == {id(first), id(second)}


def test_it_is_read_only(stored: Path) -> None:
    before = content(stored)
    study = view_study(stored)
    with pytest.raises(HpcoreError):
        study.ask()
    with pytest.raises(HpcoreError):
        study.run(objective, n_trials=1)
    with pytest.raises(HpcoreError):
        study.note = "b"
    assert content(stored) == before


def test_a_report_of_it(stored: Path, tmp_path: Path) -> None:
    pytest.importorskip("plotly")

    for name in ("history", "parallel", "curves", "failures"):
        hp.report.figure(view_study(stored), name)
    labels = hp.report.figure(view_study(stored), "slice", params=["model"]).layout.xaxis.ticktext
    assert labels == ("SVC", "Ridge(alpha=2…", "small", "None")


def test_a_study_that_is_running(tmp_path: Path) -> None:
    path = tmp_path / "running.db"
    study = hp.Study({"x": hp.Float(0, 1)}, storage=path, name="a", sampler="random", seed=0)
    first, second = study.ask(2)
    study.tell(first, 0.5)
    seen = view_study(path, "a")
    assert [t.state for t in seen.trials] == ["complete", "running"]
    study.tell(second, 0.25)  # the one who looks holds no lock
    assert [t.state for t in view_study(path).trials] == ["complete", "complete"]
    assert study.best_value == 0.25


def test_options_and_limits_are_those_that_were_stored(tmp_path: Path) -> None:
    path = tmp_path / "limits.db"
    made = hp.Study(
        {"x": hp.Float(0, 1)}, storage=path, name="a", sampler="tpe", scheduler="median",
        limits={"ms": hp.at_most(3.0)}, directions=["maximize"], seed=0,
    )  # fmt: skip
    made.run(lambda t: hp.Outcome(t["x"], metrics={"ms": 10.0 * t["x"]}), 12)
    seen = view_study(path)
    assert repr(seen.optimizer.sampler) == repr(made.optimizer.sampler)
    assert repr(seen.optimizer.scheduler) == repr(made.optimizer.scheduler)
    assert seen.optimizer.limits == made.optimizer.limits
    assert seen.optimizer.directions == made.optimizer.directions
    assert seen.best_trial.number == made.best_trial.number


def test_wrong_names_and_places(stored: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownStudy, match="cod"):
        view_study(stored, "cod")
    with pytest.raises(InvalidArgument):
        view_study(tmp_path / "none.db")
    assert not (tmp_path / "none.db").exists()
