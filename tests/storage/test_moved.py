"""A file that is moved, removed or replaced while a study uses it: said so, nothing lost, nothing mixed up."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import StorageError

SPACE = {"x": hp.Float(-5, 5)}


def cost(trial: hp.Trial) -> float:
    return float(trial["x"] ** 2)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


@pytest.fixture
def study(path: Path) -> hp.Study:
    return hp.Study(SPACE, storage=path, name="a", sampler="tpe", seed=0).run(cost, n_trials=3)


def values(trials: Any) -> list[Any]:
    return [(t.number, t.params, t.values) for t in trials]


USES: dict[str, Callable[[hp.Study], Any]] = {
    "run": lambda study: study.run(cost, n_trials=1),
    "ask": lambda study: study.ask(),
    "add": lambda study: study.add({"x": 1.0}, 1.0),
    "add_many": lambda study: study.add_many([({"x": 1.0}, 1.0)]),
    "enqueue": lambda study: study.enqueue({"x": 1.0}),
    "refresh": lambda study: study.refresh(),
    "attributes": lambda study: dict(study.user_attrs),
    "note": lambda study: setattr(study, "note", "text"),
    "list": lambda study: hp.list_studies(study._trial_log.storage),
}


@pytest.mark.parametrize("use", USES)
def test_a_file_that_is_gone_is_named_and_the_moved_one_is_whole(use: str, study: hp.Study, path: Path) -> None:
    before = values(study.trials)
    moved = path.rename(path.with_name("moved.db"))
    for _ in range(2):
        with pytest.raises(StorageError, match=r"runs\.db is gone: there is no file.*put the file back"):
            USES[use](study)
    assert not path.exists() and values(study.trials)[:3] == before
    # Also without the log, which stayed behind.
    assert values(hp.load_study(moved).trials) == before


@pytest.mark.parametrize("back", ["moved", "copied", "copied without a log"])
def test_results_are_stored_when_the_file_is_back(back: str, study: hp.Study, path: Path) -> None:
    whole = hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=8)
    away = path.with_name("away.db")

    def objective(trial: hp.Trial) -> float:
        if trial.number == 5:
            path.rename(away)
        return cost(trial)

    with pytest.raises(StorageError, match="is gone"):
        study.run(objective, n_trials=9)
    assert len(study.trials) == 6
    if back == "moved":
        away.rename(path)
    else:
        if back == "copied without a log":
            for other in path.parent.glob("runs.db-*"):
                other.unlink()
        shutil.copy(away, path)
    study.run(cost, n_trials=2)
    assert values(study.trials) == values(whole.trials) == values(hp.load_study(path).trials)


def test_a_removed_file(study: hp.Study, path: Path) -> None:
    path.unlink()
    with pytest.raises(StorageError, match="is gone"):
        study.run(cost, n_trials=1)
    assert not path.exists() and len(study.trials) == 3


@pytest.mark.parametrize("same_name", [True, False])
def test_another_store_in_its_place_is_not_written_to(same_name: bool, study: hp.Study, path: Path) -> None:
    other = path.with_name("other.db")
    its = hp.Study(SPACE, storage=other, name="a" if same_name else "b", sampler="random", seed=5)
    its.run(cost, n_trials=4)
    its.ask()  # number 4 runs there, as it will here
    its._trial_log.storage.close()
    trial = study.ask(), study.ask()
    path.rename(path.with_name("away.db"))
    there = values(hp.load_study(other).trials)
    shutil.copy(other, path)
    for log in path.parent.glob("runs.db-*"):
        log.unlink()
    for use in (lambda: study.tell(trial[1], 1.0), lambda: study.ask(), lambda: study.tell(trial[0], 2.0)):
        with pytest.raises(StorageError, match=r"replaced by another file while it was in use: .*study 'a'"):
            use()
    assert values(hp.load_study(path).trials) == there
    # With the right file back everything is stored, the results that had to wait as well.
    path.with_name("away.db").rename(path)
    study.refresh()
    assert [t.value for t in hp.load_study(path).trials][3:5] == [2.0, 1.0]


def test_an_older_copy_and_an_empty_file(study: hp.Study, path: Path) -> None:
    study._trial_log.storage.close()
    backup = shutil.copy(path, path.with_name("backup.db"))
    study.run(cost, n_trials=2).refresh()
    path.rename(path.with_name("away.db"))
    shutil.copy(backup, path)
    with pytest.raises(StorageError, match="older file while it was in use: it holds 3 of 5 trials of study 'a'"):
        study.run(cost, n_trials=1)
    path.write_bytes(b"")
    with pytest.raises(StorageError, match="empty file"):
        study.run(cost, n_trials=1)
    assert len(study.trials) == 5
    path.with_name("away.db").rename(path)
    assert len(study.run(cost, n_trials=1).trials) == 6


def test_a_file_that_is_replaced_in_a_transaction(study: hp.Study, path: Path) -> None:
    def work(transaction: Any) -> None:
        transaction.set_attribute(1, "note", '"lost"')
        path.rename(path.with_name("away.db"))
        shutil.copy(path.with_name("away.db"), path)

    study._trial_log.storage.close()
    with pytest.raises(StorageError, match="middle of a transaction"):
        study._trial_log.storage.write(work)
    study.refresh()
    assert study.note == ""
