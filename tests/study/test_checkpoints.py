"""Checkpoints of studies: where they are, what goes on from them, and when they are removed."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.schedulers import Judge, Resume, Scheduler, Start
from hpcore.study.checkpoints import Checkpoints

SPACE = {"x": hp.Float(0, 1)}


def train(trial: hp.Trial) -> float | None:
    """Count steps up to 9 in a file, which another job of the trial goes on from."""
    file = trial.checkpoint / "step"
    step = int(file.read_text()) if file.exists() else 0
    while step < 9:
        step += 1
        file.write_text(str(step))
        trial.report(trial["x"] + 1 / step, step)
        if trial.should_stop():
            return None
    return trial["x"]


def steps(study: hp.Study) -> list[list[float]]:
    curves = study.optimizer.history.curves
    return [curves.step[curves.of(t.number)].tolist() for t in study.trials]


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("stored", [False, True])
def test_trials_go_on_from_their_checkpoint(n_jobs: int, stored: bool, tmp_path: Path) -> None:
    options: dict[str, Any] = {"storage": tmp_path / "runs.db", "name": "a"} if stored else {}
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler=hp.schedulers.ASHA(max_resource=9), **options)
    study.run(train, n_trials=12, n_jobs=n_jobs)
    found = steps(study)
    assert all(of == list(range(1, len(of) + 1)) for of in found), "every step was made once"
    assert max(map(len, found)) == 9 and min(map(len, found)) == 1


def test_a_store_in_a_file_has_a_folder_beside_it(tmp_path: Path) -> None:
    file, folder = tmp_path / "runs.db", tmp_path / "runs.db.checkpoints"
    for name in ("a/../../b", "c"):
        study = hp.Study(SPACE, storage=file, name=name, sampler="random", seed=0)
        assert not folder.exists() or name == "c"
        study.run(train, n_trials=2)
    assert len(list(folder.iterdir())) == 2
    assert len(list(folder.glob("study-*/trial-*/job-*/step"))) == 4
    hp.delete_study(file, "c")
    assert len(list(folder.iterdir())) == 1
    study = hp.load_study(file)
    running = study.ask()
    (running.checkpoint / "mine").write_text("")
    study.clear_checkpoints()
    assert [path.name for path in folder.glob("study-*/trial-*")] == ["trial-2"]
    study.tell(running, 1.0)
    study.clear_checkpoints()
    study.clear_checkpoints()
    assert not folder.exists()
    hp.delete_study(file, "a/../../b")


def test_a_study_made_anew_has_other_checkpoints(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    for _ in range(2):
        study = hp.Study(SPACE, storage=file, name="a", sampler="random", seed=0)
        assert steps(study.run(train, n_trials=1)) == [list(range(1, 10))]
        study._trial_log.storage.close()
        file.unlink()


def test_a_study_in_memory_removes_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    study = hp.minimize(train, SPACE, n_trials=2, sampler="random", seed=0)
    again = pickle.loads(pickle.dumps(study))  # noqa: S301
    assert len(list(tmp_path.iterdir())) == 1
    again.run(train, n_trials=1)
    assert len(list(tmp_path.iterdir())) == 2, "a copy is another study"
    del study, again
    gc.collect()
    assert list(tmp_path.iterdir()) == []


def test_files_are_removed_at_the_end_of_the_program(tmp_path: Path) -> None:
    code = """
import os, tempfile, hpcore as hp
tempfile.tempdir = os.environ["WHERE"]
study = hp.Study({"x": hp.Float(0, 1)}, sampler="random", seed=0)
trial = study.ask()
theirs = trial.checkpoint
(theirs / "a").write_text("a")
child = os.fork()
if not child:
    mine = study.ask().checkpoint
    assert mine.parents[1] != theirs.parents[1]
    raise SystemExit
assert os.waitpid(child, 0)[1] == 0
print((trial.checkpoint / "a").read_text())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "WHERE": str(tmp_path)}, capture_output=True, text=True
    )
    assert done.stdout == "a\n", done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_given(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    hp.minimize(train, SPACE, n_trials=1, sampler="random", seed=0, checkpoints=kept)
    gc.collect()
    assert len(list(kept.glob("hpcore-*/trial-0/job-0/step"))) == 1
    study = hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", checkpoints=str(kept), sampler="random", seed=0)
    study.run(train, n_trials=1)
    hp.load_study(tmp_path / "runs.db", checkpoints=kept).run(train, n_trials=1)
    assert len(list(kept.glob("study-*/trial-*"))) == 2 and not (tmp_path / "runs.db.checkpoints").exists()
    hp.delete_study(tmp_path / "runs.db", "a", checkpoints=kept)
    assert not list(kept.glob("study-*")) and kept.exists()


@pytest.mark.parametrize(
    ("given", "error", "match"),
    [(5, InvalidType, "got 5"), ("", InvalidArgument, "got ''"), (__file__, InvalidArgument, "which is a file")],
)
def test_what_is_no_folder(given: Any, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        hp.Study(SPACE, checkpoints=given)


def test_without_a_folder_the_argument_is_named() -> None:
    class Server:
        durable, storage, record = True, type("", (), {"path": None, "private": False}), None
        optimizer = hp.Optimizer(SPACE, seed=0)

    Checkpoints(None, Server())  # type: ignore[arg-type]
    trial = Server.optimizer.ask()
    with pytest.raises(InvalidArgument, match="checkpoints="):
        trial.checkpoint  # noqa: B018


class Family(Scheduler):
    """Trial 0 trains to 3 and again to 6; trial 1 goes on from where trial 0 was at 3."""

    def bind(self, columns: Any, directions: tuple[str, ...], seed: int) -> Judge:
        return FamilyJudge()


class FamilyJudge(Judge):
    max_resource = 9.0
    keeps_checkpoints = True

    def next(self, history: Any, rng: Any) -> Any:
        orders = (Start(3.0), Resume(0, 6.0), Start(5.0, history.X[0] if history.n else None, 0, 0), Resume(0, 7.0))
        return orders[rng.number] if rng.number < len(orders) else Start(1.0)


@pytest.mark.parametrize("stored", [False, True])
def test_a_child_goes_on_from_an_earlier_job_of_its_parent(stored: bool, tmp_path: Path) -> None:
    options: dict[str, Any] = {"storage": tmp_path / "runs.db", "name": "a"} if stored else {}
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler=Family(), checkpoints=tmp_path / "kept", **options)
    for _ in range(3):
        trial = study.ask()
        train(trial)
        study.tell(trial, state="paused")
    assert steps(study) == [[1, 2, 3, 4, 5, 6], [4, 5]]
    assert study.trials[0].params == study.trials[1].params
    parent = trial.checkpoint if trial.progress else next((tmp_path / "kept").glob("*/trial-0"))
    assert sorted(path.name for path in parent.iterdir()) == ["job-0", "job-1"]
    trial = study.ask()
    train(trial)
    study.tell(trial, state="paused")
    assert sorted(path.name for path in parent.iterdir()) == ["job-1", "job-3"], "older ones are removed"


def test_a_child_is_copied_before_it_is_evaluated(tmp_path: Path) -> None:
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler=Family(), checkpoints=tmp_path)
    seen: list[Path] = []

    def objective(trial: hp.Trial) -> None:
        seen.extend(path for path in tmp_path.glob("*/trial-1/job-2/step") if trial.number == 1)
        train(trial)

    study.run(objective, n_trials=2)
    assert len(seen) == 1


@pytest.mark.parametrize("uses", [False, True])
def test_a_checkpoint_that_is_not_used_is_not_missed(uses: bool, caplog: pytest.LogCaptureFixture) -> None:
    def objective(trial: hp.Trial) -> None:
        trial.report(1.0, trial.until)
        if trial.number == 1 and uses:
            assert not list(trial.checkpoint.iterdir())

    with caplog.at_level(logging.WARNING, "hpcore"):
        hp.Study(SPACE, sampler="random", seed=0, scheduler=Family()).run(objective, n_trials=2)
    assert ("checkpoint of trial 0 has vanished: trial 1" in caplog.text) == uses


def test_a_copy_that_fails_is_the_failure_of_the_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler=Family(), checkpoints=tmp_path)

    def fails(source: Path, target: Path) -> None:
        if "trial-1" in str(target):
            raise OSError("no space left on device")
        target.mkdir()

    monkeypatch.setattr("shutil.copytree", fails)
    with caplog.at_level(logging.WARNING, "hpcore"):
        study.run(train, n_trials=2)
    assert study.trials[1].state == "failed" and "no space left" in str(study.trials[1].error)
    assert "trial 1 goes on from could not be copied" in caplog.text


def test_a_killed_job_finds_its_files_again(tmp_path: Path) -> None:
    study = hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0)
    trial = study.ask()
    (trial.checkpoint / "step").write_text("4")
    del study
    gc.collect()
    again = hp.load_study(tmp_path / "runs.db").run(train, n_trials=1)
    assert steps(again) == [[5, 6, 7, 8, 9]]
