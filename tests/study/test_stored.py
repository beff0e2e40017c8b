"""Studies in a store: what is kept, how they go on, and what is refused."""

from __future__ import annotations

import copy
import json
import math
import os
import pickle
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.errors import (
    ConstraintError,
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    SpaceMismatch,
    StorageError,
    TrialAlreadyTold,
    UnknownStudy,
    UnknownTrial,
    UnsupportedStore,
)
from hpcore.ledger.stored_trial_log import StoredTrialLog
from hpcore.storage import open_storage

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b", None, 1.5])}


def cost(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"] + (trial["c"] == "a")


def facts(study: hp.Study) -> list:
    return [(t.number, t.params, str(t.state), t.values) for t in study.trials]


# --- what is kept -------------------------------------------------------------------------------------------------


def test_everything_comes_back(runs: Path) -> None:
    def objective(trial: hp.Trial) -> float:
        trial.user_attrs.update(note="=1+1\0", nested={"a": [1, 2.5, None, True]}, array=np.float64(0.1))
        trial.reports[3] = 0.1 + 0.2
        if trial.number == 2:
            raise RuntimeError("on purpose \0 é")
        return -0.0 if trial.number == 1 else 0.1 + 0.2

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=2**128 - 1)
    study.run(objective, n_trials=4)
    study.add({"x": 0.1, "k": 3, "c": None}, 1e300, std_error=0.25)
    again = hp.load_study(runs, "a")
    assert again.space == study.space and again.optimizer.seed == 2**128 - 1
    assert repr(again.optimizer.sampler) == repr(study.optimizer.sampler)
    for kept, was in zip(again.trials, study.trials, strict=True):
        assert (kept.number, kept.params, kept.state, kept.values) == (was.number, was.params, was.state, was.values)
        assert (kept.started, kept.finished, kept.reports) == (was.started, was.finished, was.reports)
        assert (kept.error or "").replace("\\x00", "\0") == (was.error or "")
    assert math.copysign(1, again.trials[1].value) == -1.0
    assert again.trials[0].user_attrs == {
        "note": "=1+1\0",
        "nested": {"a": [1, 2.5, None, True]},
        "array": 0.1,
    }
    assert "on purpose" in again.trials[2].error
    assert again.trials[4].params["x"] == 0.1
    assert again.best_trial.number == study.best_trial.number == 1
    np.testing.assert_array_equal(again.optimizer.history.X, study.optimizer.history.X)
    np.testing.assert_array_equal(again.optimizer.history.std_errors, study.optimizer.history.std_errors)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4), st.data())
@settings(max_examples=15, deadline=None)
def test_values_are_kept_to_the_last_bit(values: list[float], data: st.DataObject) -> None:
    store = open_storage("sqlite:///:memory:")
    study = hp.Study({"x": hp.Float(-1e300, 1e300)}, storage=store, name="a", sampler="random", seed=0)
    for value in values:
        study.add({"x": data.draw(st.floats(-1e300, 1e300))}, value)
    again = hp.load_study(store, "a")
    assert [np.float64(t.value).tobytes() for t in again.trials] == [np.float64(v).tobytes() for v in values]
    assert [repr(t["x"]) for t in again.trials] == [repr(t["x"]) for t in study.trials]


def test_several_objectives(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", directions=["minimize", "maximize"], sampler="tpe", seed=0)
    study.run(lambda t: (t["x"], t["k"]), n_trials=12)
    again = hp.load_study(runs)
    assert facts(again) == facts(study)
    assert [t.number for t in again.pareto_front] == [t.number for t in study.pareto_front]
    assert facts(again.run(lambda t: (t["x"], t["k"]), n_trials=3)) == facts(
        hp.Study(SPACE, directions=["minimize", "maximize"], sampler="tpe", seed=0).run(
            lambda t: (t["x"], t["k"]), n_trials=15
        )
    )


def test_attributes_and_notes(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", seed=0)
    study.user_attrs["who"] = {"name": "é'\"%; \0", "n": [1, None]}
    study.user_attrs["none"] = None
    study.note = "first\nsecond"
    again = hp.load_study(runs)
    assert dict(again.user_attrs) == {"who": {"name": "é'\"%; \0", "n": [1, None]}, "none": None}
    assert again.note == "first\nsecond"
    del again.user_attrs["none"]
    assert list(study.user_attrs) == ["who"]
    memory = hp.Study(SPACE)
    memory.user_attrs["a"] = 1
    memory.note = "b"
    assert (dict(memory.user_attrs), memory.note) == ({"a": 1}, "b")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (object(), InvalidType),
        ({"a": [1j]}, InvalidType),
        ({1: 2, "1": 3}, InvalidArgument),
        ("x" * 2**20, InvalidArgument),
        (json.loads("[" * 40 + "]" * 40), InvalidArgument),
        (10**5000, InvalidArgument),
    ],
    ids=["object", "complex", "keys", "long", "deep", "int"],
)
def test_attributes_that_cannot_be_stored(value, error: type[Exception]) -> None:
    study = hp.Study(SPACE, storage="sqlite:///:memory:", name="a", sampler="random", seed=0)
    with pytest.raises(error, match="attribute"):
        study.user_attrs["a"] = value
    assert dict(study.user_attrs) == {}

    def objective(trial: hp.Trial) -> float:
        if trial.number == 1:
            trial.user_attrs["a"] = value
        return 1.0

    study.run(objective, n_trials=3)
    assert [t.state for t in study.trials] == ["complete", "failed", "complete"]
    assert "user_attrs" in study.trials[1].error


@pytest.mark.parametrize(
    "reports",
    [{"a": 1.0}, {1.5: 1.0}, {1: "x"}, {1: None}, {1: 10**5000}, {10**5000: 1.0}],
    ids=["text", "half", "value", "none", "large value", "large step"],
)
@pytest.mark.parametrize("storage", [None, "sqlite:///:memory:"])
def test_reports_that_cannot_be_kept_cost_no_value(
    storage: str | None, reports: dict, caplog: pytest.LogCaptureFixture
) -> None:
    def objective(trial: hp.Trial) -> float:
        trial.reports.update(reports if trial.number == 1 else {np.int64(2): math.nan})
        trial.reports[7] = 0.5
        return 1.0

    study = hp.Study(SPACE, storage=storage, name="a", sampler="random", seed=0)
    study.run(objective, n_trials=3)
    assert [(t.state, t.value) for t in study.trials] == [("complete", 1.0)] * 3
    assert study.trials[1].reports == {7: 0.5}
    assert [list(study.trials[2].reports), type(next(iter(study.trials[2].reports)))] == [[2, 7], int]
    assert "trial 1: a report is left out, reports must be numbers by step" in caplog.text


@pytest.mark.parametrize("storage", [None, "sqlite:///:memory:"])
def test_names_of_attributes(storage: str | None) -> None:
    study = hp.Study(SPACE, storage=storage, name="a", sampler="random", seed=0)
    study.user_attrs["x" * 500] = 1
    assert list(study.user_attrs) == ["x" * 500]
    for name, error in [
        ("", InvalidArgument),
        ("x" * 501, InvalidArgument),
        ("é" * 251, InvalidArgument),
        (5, InvalidType),
    ]:
        with pytest.raises(error, match="attribute's name"):
            study.user_attrs[name] = 1


def test_options_in_a_url_of_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"no options after '\?'"):
        open_storage(f"sqlite:///{tmp_path / 'a.db'}?timeout=5")
    open_storage(tmp_path / "a.db?b").close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db?b"]


def test_frame(runs: Path) -> None:
    def objective(trial: hp.Trial) -> float | None:
        trial.user_attrs["fold"] = [1, 2]
        return None if trial.number == 1 else cost(trial)

    frame = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0).run(objective, n_trials=3).to_frame()
    assert list(frame.number) == [0, 1, 2]
    assert list(frame.state) == ["complete", "failed", "complete"]
    assert math.isnan(frame.value[1]) and frame.param_x.dtype == float and frame.param_k.dtype == int
    assert frame.started.dt.tz is timezone.utc or str(frame.started.dt.tz) == "UTC"
    assert (frame.seconds >= 0).all() and frame.attr_fold[0] == [1, 2]
    assert "not a finite number" in frame.error[1]
    empty = hp.Study(SPACE).to_frame()
    assert len(empty) == 0 and "param_x" in empty


def test_objects_as_choices_and_constraints(runs: Path) -> None:
    def space() -> hp.Space:
        return hp.Space(
            {"kind": hp.Categorical([int, str, len, (1, "a"), [2], math.nan]), "x": hp.Float(0, 1)},
            constraints=[lambda p: p["x"] < 0.9],
        )

    study = hp.Study(space(), storage=runs, name="a", sampler="random", seed=0)
    study.run(lambda t: float(space()["kind"].level("kind", t["kind"])), n_trials=20)
    study.enqueue({"kind": str})
    study.add({"kind": len, "x": 0.5}, 3.0)
    with pytest.raises(InvalidArgument, match=r"space must be given.*'kind'.*code"):
        hp.load_study(runs, "a")
    again = hp.load_study(runs, "a", space=space())
    assert [repr(t.params) for t in again.trials] == [repr(t.params) for t in study.trials]
    assert again.ask()["kind"] is str
    constrained = hp.Space({"x": hp.Float(0, 1)}, constraints=[lambda p: True])
    hp.Study(constrained, storage=runs, name="b", seed=0)
    with pytest.raises(InvalidArgument, match=r"space must be given.*1 constraints"):
        hp.load_study(runs, "b")


# --- going on -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["random", "sobol", "grid", "gp", "tpe"])
def test_a_study_that_goes_on_is_the_one_that_never_stopped(sampler: str, runs: Path) -> None:
    whole = hp.Study(SPACE, sampler=sampler, seed=5).run(cost, n_trials=16)
    for n in (3, 9, 4):
        hp.Study(SPACE, storage=runs, name="a", sampler=sampler, seed=5).run(cost, n_trials=n)
    study = hp.load_study(runs)
    assert facts(study) == facts(whole)
    assert study.mode == "lag 1"


@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_killed_at_every_trial(sampler: str, runs: Path) -> None:
    """SystemExit out of a callback or the objective leaves what a kill leaves: see benchmarks/reliability for kills."""
    n = 14
    whole = facts(hp.Study(SPACE, sampler=sampler, seed=1).run(cost, n_trials=n))
    for k in range(n):
        study = hp.Study(SPACE, storage=runs, name=f"{k}", sampler=sampler, seed=1)
        if k:
            study.run(cost, n_trials=k)
        study.ask()  # asked for and never told
        del study
        again = hp.load_study(runs, f"{k}").run(cost, n_trials=n - k)
        assert facts(again) == whole


def test_the_deterministic_order_is_the_same_for_any_workers_and_stops(tmp_path: Path) -> None:
    runs = tmp_path / "runs.db"
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=20, deterministic=True))
    assert whole != facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=20))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    study.run(cost, n_trials=6, deterministic=True)
    study.run(cost, n_trials=3, deterministic=True, n_jobs=2)
    dying = (
        "import os, signal, sys, time, hpcore as hp\n"
        "def objective(t):\n"
        "    if t.number == 11: os.kill(MAIN, signal.SIGKILL)\n"
        "    if t.number == 10: time.sleep(1)\n"
        "    return (t['x'] - 1) ** 2 + t['k'] + (t['c'] == 'a')\n"
        "MAIN = os.getpid()\n"
        "hp.load_study(sys.argv[1]).run(objective, n_trials=9, deterministic=True, n_jobs=2)\n"
    )
    # Not through pipes, which its orphaned workers would hold open.
    died = subprocess.run([sys.executable, "-c", dying, str(runs)], stdout=subprocess.DEVNULL, timeout=60)
    assert died.returncode == -9
    assert hp.load_study(runs).trials[11].state == "running"
    study = hp.load_study(runs)
    n_left = 20 - sum(t.state == "complete" for t in study.trials)
    study.run(cost, n_trials=n_left, deterministic=True, n_jobs=2)
    assert facts(study) == whole
    assert study.mode == "lag 4"
    memory = hp.Study(SPACE, sampler="tpe", seed=0)
    for n in (1, 2, 17):
        memory.run(cost, n_trials=n, deterministic=True)
    assert facts(memory) == whole
    study.run(cost, n_trials=1, n_jobs=2)
    assert study.mode == hp.load_study(runs).mode == hp.list_studies(runs)[0].mode == "fast"


def test_interrupted_trials_are_given_back(runs: Path) -> None:
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=12))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)

    def interrupted(trial: hp.Trial) -> float:
        if trial.number == 5:
            raise KeyboardInterrupt
        return cost(trial)

    study.run(interrupted, n_trials=12)
    assert study.interrupted and len(study.trials) == 6
    assert facts(study.run(cost, n_trials=7)) == whole
    assert study.trials[5].state == "complete"


def test_enqueued_trials_are_kept(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    study.enqueue({"x": 0.1, "k": 2, "c": 1.5})
    study.enqueue({"k": 7})
    again = hp.load_study(runs)
    again.run(cost, n_trials=1)
    study.run(cost, n_trials=2)
    assert [t["k"] for t in study.trials][:2] == [2, 7]
    assert study.trials[0].params == {"x": 0.1, "k": 2, "c": 1.5}
    with pytest.raises(InvalidArgument):
        study.enqueue({"k": 700})


def test_attributes_added_with_a_trial_are_kept(runs: Path) -> None:
    params = {"x": 0.1, "k": 2, "c": 1.5}
    for study in (hp.Study(SPACE, sampler="random"), hp.Study(SPACE, storage=runs, name="a", sampler="random")):
        study.add(params, 1.0, user_attrs={"source": "paper"})
        with pytest.raises(InvalidType, match="user_attrs"):
            study.add(params, 1.0, user_attrs=["paper"])
        assert [t.user_attrs for t in study.trials] == [{"source": "paper"}]
    with pytest.raises(InvalidType, match="user_attrs"):
        study.add(params, 1.0, user_attrs={"source": object()})
    assert len(study.trials) == 1
    assert [t.user_attrs for t in hp.load_study(runs).trials] == [{"source": "paper"}]


def test_an_enqueued_point_whose_constraint_failed_stays_in_the_store(runs: Path) -> None:
    broken = [True]

    def constraint(params):
        if broken and params["x"] == 0.25:
            raise OSError("the disk is away")
        return True

    space = hp.Space({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, [constraint])
    study = hp.Study(space, storage=runs, name="a", sampler="random", seed=0)
    study.enqueue({"x": 0.25})
    with pytest.raises(ConstraintError):
        study.run(lambda trial: trial["x"], n_trials=1)
    broken.clear()
    study.run(lambda trial: trial["x"], n_trials=2)
    assert [t["x"] == 0.25 for t in study.trials] == [True, False]


def test_callbacks_see_durable_trials(runs: Path) -> None:
    seen = []

    def look(study: hp.Study, trial: hp.Trial) -> None:
        stored = hp.load_study(runs).trials[trial.number]
        seen.append((stored.state, stored.value) == (trial.state, trial.value))

    hp.Study(SPACE, storage=runs, name="a", seed=0).run(cost, n_trials=3, callbacks=[look])
    assert seen == [True] * 3


def test_the_sampler_and_its_options_are_kept(runs: Path) -> None:
    sampler = hp.samplers.TPESampler(gamma=0.3, n_startup_trials=3)
    hp.Study(SPACE, storage=runs, name="a", sampler=sampler, seed=0)
    assert repr(hp.load_study(runs).optimizer.sampler) == repr(sampler)
    hp.Study(SPACE, storage=runs, name="a", sampler="sobol")
    assert type(hp.load_study(runs).optimizer.sampler) is hp.samplers.SobolSampler

    class Mine(hp.samplers.RandomSampler):
        pass

    hp.Study(SPACE, storage=runs, name="b", sampler=Mine(), seed=0).run(cost, n_trials=2)
    with pytest.raises(InvalidArgument, match=r"sampler must be given.*Mine"):
        hp.load_study(runs, "b")
    assert len(hp.load_study(runs, "b", sampler=Mine()).run(cost, n_trials=2).trials) == 4


def test_list_and_delete(runs: Path) -> None:
    for name in ("a", 'it\'s; "quoted" % é 🙂'):
        hp.Study(SPACE, storage=runs, name=name, direction="maximize", seed=0).run(cost, n_trials=2)
    listed = hp.list_studies(runs)
    assert [(s.name, s.n_trials, s.directions) for s in listed] == [
        ("a", 2, ("maximize",)),
        ('it\'s; "quoted" % é 🙂', 2, ("maximize",)),
    ]
    assert listed[0].created.tzinfo is timezone.utc
    stale = hp.load_study(runs, "a")
    hp.delete_study(runs, "a")
    assert [s.name for s in hp.list_studies(runs)] == [listed[1].name]
    with pytest.raises(UnknownStudy, match="quoted"):
        hp.load_study(runs, "a")
    fresh = hp.Study(SPACE, storage=runs, name="a", seed=1)
    with pytest.raises(UnknownStudy, match="deleted"):
        stale.run(cost, n_trials=1)
    assert len(fresh.trials) == 0


@pytest.mark.parametrize(("umask", "mode"), [(0, 0o666), (0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_new_files_have_the_permissions_that_the_umask_leaves(umask: int, mode: int, tmp_path: Path) -> None:
    old = os.umask(umask)
    try:
        study = hp.Study(SPACE, storage=tmp_path / "a.db", name="a", seed=0).run(cost, n_trials=1)
        names = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(old)
    assert len(names) > 1 and set(names.values()) == {mode}, names  # the log's files as well
    assert len(study.trials) == 1


def test_relative_paths_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = hp.Study(SPACE, storage="sqlite:///a b#%.db", name="a", seed=0).run(cost, n_trials=1)
    assert all(path.name.startswith("a b#%.db") for path in tmp_path.iterdir())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    study.run(cost, n_trials=1)
    assert not list((tmp_path / "elsewhere").iterdir())
    copy = pickle.loads(pickle.dumps(study._trial_log.storage))  # noqa: S301
    assert [s.n_trials for s in hp.list_studies(copy)] == [2]


def test_a_study_in_memory_loads_no_database() -> None:
    code = (
        "import sys, hpcore as hp\n"
        "hp.minimize(lambda t: t['x'], {'x': hp.Float(0, 1)}, n_trials=2, sampler='random')\n"
        "print([m for m in ('sqlalchemy', 'sqlite3', 'pysqlite3', 'psycopg') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- what is refused ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "error", "match"),
    [
        ("mysql://user:secret@host/db", InvalidArgument, "unknown kind mysql://"),
        ("redis://x", InvalidArgument, "unknown kind"),
        ("sqlite://runs.db", InvalidArgument, "three slashes"),
        ("", InvalidArgument, "storage must be a file"),
        ("a\0b", InvalidArgument, "storage must be a file"),
        (5, InvalidType, "storage must be a file"),
        (b"runs.db", InvalidType, "storage must be a file"),
        ("{dir}", InvalidArgument, "directory"),
        ("{dir}/missing/runs.db", StorageError, "its directory must exist"),
        ("{dir}/text.txt", StorageError, "not a database"),
        ("{dir}/text.txt/runs.db", StorageError, "cannot be opened"),
        ("/dev/null", InvalidArgument, "regular file"),
        ("postgresql://host:port/db", InvalidArgument, "postgresql://USER"),
    ],
    ids=lambda v: str(v)[:25] if not isinstance(v, type) else "",
)
def test_bad_storages(storage, error: type[Exception], match: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("number,value\n" * 1000)
    if isinstance(storage, str):
        storage = storage.replace("{dir}", str(tmp_path))
    for use in (lambda: hp.Study(SPACE, storage=storage, name="a"), lambda: hp.list_studies(storage)):
        with pytest.raises((error, InvalidArgument)) as caught:
            use()
        assert "secret" not in str(caught.value)
    with pytest.raises(error, match=match):
        hp.Study(SPACE, storage=storage, name="a")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["text.txt"]
    assert (tmp_path / "text.txt").read_text() == "number,value\n" * 1000


def test_no_storage_is_made_by_looking(tmp_path: Path) -> None:
    for look in (hp.list_studies, hp.load_study, lambda s: hp.delete_study(s, "a")):
        with pytest.raises(InvalidArgument, match="no file"):
            look(tmp_path / "runs.db")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["file", "directory", "both"])
def test_what_may_only_be_read_says_what_can_be_done(what: str, tmp_path: Path) -> None:
    from hpcore.storage import open_storage

    runs = tmp_path / "shared" / "runs.db"
    runs.parent.mkdir()
    hp.Study(SPACE, storage=runs, name="a", seed=0).run(cost, n_trials=2)._trial_log.storage.close()
    before = sorted(path.name for path in runs.parent.iterdir())
    runs.chmod(0o600 if what == "directory" else 0o400)
    runs.parent.chmod(0o700 if what == "file" else 0o500)
    try:
        for use in (
            lambda: hp.Study(SPACE, storage=runs, name="a"),
            lambda: hp.load_study(runs),
            lambda: hp.delete_study(runs, "a"),
        ):
            with pytest.raises(StorageError, match=r"read-only.*copy it.*read_only=True.*hpcore show"):
                use()
        # And that way is there.
        study = hp.load_study(open_storage(runs, read_only=True))
        assert len(study.trials) == 2 and len(study.to_frame()) == 2
        with pytest.raises(StorageError, match="reading only"):
            study.run(cost, n_trials=1)
        assert hp.list_studies(runs)[0].n_trials == 2
        assert sorted(path.name for path in runs.parent.iterdir()) == before or what == "file"
    finally:
        runs.parent.chmod(0o700)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(InvalidArgument, match="'studies'"):
        hp.Study(SPACE, storage=path, name="a")
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version(runs: Path) -> None:
    from hpcore.storage.dialects.sqlite import driver

    hp.Study(SPACE, storage=runs, name="a", seed=0)
    connection = driver().connect(str(runs))
    connection.execute("UPDATE hpcore_meta SET value = '3' WHERE name = 'schema'")
    connection.commit()
    connection.close()
    before = runs.read_bytes()
    with pytest.raises(UnsupportedStore, match=r"newer hpcore.*upgrade"):
        hp.Study(SPACE, storage=runs, name="a")
    assert runs.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("x" * 10_000, InvalidArgument, "512 bytes, got 10000"),
        ("é" * 257, InvalidArgument, "512 bytes"),
        ("", InvalidArgument, "512 bytes"),
        ("a\0b", InvalidArgument, "NUL"),
        ("\ud800", InvalidArgument, "UTF-8"),
        (5, InvalidType, "must be a str"),
        (None, InvalidArgument, "name must be given"),
    ],
    ids=range(7),
)
def test_bad_names(name, error: type[Exception], match: str) -> None:
    store = open_storage("sqlite:///:memory:")
    with pytest.raises(error, match=match):
        hp.Study(SPACE, storage=store, name=name)
    assert hp.list_studies(store) == []


@pytest.mark.parametrize(
    ("space", "match"),
    [
        ({**SPACE, "x": hp.Float(-5, 6)}, r"high of 'x' was 5\.0, is 6\.0"),
        ({**SPACE, "c": hp.Categorical(["a", "b", None, 1])}, "choices of 'c' was"),
        ({**SPACE, "y": hp.Int(1, 2)}, "'y' is new"),
        ({"x": SPACE["x"], "k": SPACE["k"]}, "'c' is missing"),
        ({"k": SPACE["k"], "x": SPACE["x"], "c": SPACE["c"]}, "order of the parameters was x, k, c, is k, x, c"),
        ({**SPACE, "x": hp.Float(-5, 5, when={"k": 3})}, "when of 'x'"),
        ({**SPACE, "k": hp.Float(1, 9)}, 'type of \'k\' was "Int", is "Float"'),
        (hp.Space(SPACE, [lambda p: True]), "it had 0 constraints, has 1"),
    ],
    ids=range(8),
)
def test_two_spaces_for_one_name(space, match: str) -> None:
    store = open_storage("sqlite:///:memory:")
    hp.Study(SPACE, storage=store, name="a", sampler="random", seed=0).run(cost, n_trials=1)
    with pytest.raises(SpaceMismatch, match=match):
        hp.Study(space, storage=store, name="a")
    assert [s.n_trials for s in hp.list_studies(store)] == [1]


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"direction": "maximize"}, InvalidArgument, "direction must be that of study 'a'"),
        ({"directions": ["minimize", "minimize"]}, InvalidArgument, "direction must be"),
        ({"seed": 1}, InvalidArgument, "seed must be that of study 'a', 0"),
        ({"sampler": "best"}, InvalidArgument, "sampler must be one of"),
        ({"lease": 0.0}, InvalidArgument, "lease must be"),
        ({"retries": -1}, InvalidArgument, "retries must be"),
        ({"retries": 1.0}, InvalidType, "retries must be"),
    ],
    ids=lambda v: str(v) if isinstance(v, dict) else "",
)
def test_what_does_not_fit(options: dict, error: type[Exception], match: str) -> None:
    store = open_storage("sqlite:///:memory:")
    hp.Study(SPACE, storage=store, name="a", seed=0)
    with pytest.raises(error, match=match):
        hp.Study(SPACE, storage=store, name="a", **options)


def test_a_new_study_needs_a_space() -> None:
    with pytest.raises(InvalidType, match="space must be given"):
        hp.Study(storage="sqlite:///:memory:", name="a")
    with pytest.raises(InvalidType, match="space must be"):
        hp.Study()


def test_an_objective_that_cannot_be_sent_leaves_the_store_unchanged(runs: Path) -> None:
    import threading

    lock = threading.Lock()
    study = hp.Study(SPACE, storage=runs, name="a", seed=0)
    with pytest.raises(InvalidArgument, match="objective must be picklable"):
        study.run(lambda trial: lock is None, n_trials=4, n_jobs=2)
    assert (hp.list_studies(runs)[0].n_trials, hp.list_studies(runs)[0].mode) == (0, "")


def test_a_trial_of_another_study_is_refused_before_anything_is_stored(runs: Path) -> None:
    mine, other = (hp.Study(SPACE, storage=runs, name=name, seed=k) for k, name in enumerate(("mine", "other")))
    trial, stranger = mine.ask(), other.ask()
    with pytest.raises(UnknownTrial, match="comes from another optimizer"):
        mine.tell(stranger, 7.0)
    assert hp.load_study(runs, "mine").trials[0].state == "running"
    mine.tell(pickle.loads(pickle.dumps(trial)), 1.0)  # noqa: S301 - a copy is not a stranger
    assert hp.load_study(runs, "mine").best_value == mine.best_value == 1.0


def test_telling_twice_or_what_was_never_asked(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    trial = study.ask()
    with pytest.raises(InvalidType, match="value must be a number"):
        study.tell(trial, "0.1")
    study.tell(trial, 1.0)
    with pytest.raises(TrialAlreadyTold):
        study.tell(trial, 2.0)
    with pytest.raises(TrialAlreadyTold):
        study.tell(0, 2.0)
    for number in (1, -1, 10**30):
        with pytest.raises(UnknownTrial):
            study.tell(number, 2.0)
    for wrong in ("0", None, True, 0.0, trial.params):
        with pytest.raises(InvalidType, match="trial must be a Trial of ask or its number"):
            study.tell(wrong, 2.0)
    assert [t.value for t in hp.load_study(runs).trials] == [1.0]


def test_a_result_is_kept_when_the_next_proposal_fails(runs: Path, caplog: pytest.LogCaptureFixture) -> None:
    refuse = []
    space = hp.Space({"x": hp.Float(0, 1)}, [lambda p: not refuse])

    def objective(trial: hp.Trial) -> float:
        if trial.number == 2:
            refuse.append(True)
        return float(trial.number)

    study = hp.Study(space, storage=runs, name="a", sampler="random", seed=0)
    study.run(objective, n_trials=9)
    assert "ends after 3 of n_trials=9" in caplog.text and "20000 in a row were refused" in caplog.text
    refuse.clear()
    again = hp.load_study(runs, space=space)
    assert [t.value for t in again.trials] == [0.0, 1.0, 2.0]
    assert [t.value for t in study.run(lambda t: 5.0, n_trials=1).trials] == [0.0, 1.0, 2.0, 5.0]


def test_a_finite_space_ends(runs: Path) -> None:
    study = hp.Study({"a": range(5)}, storage=runs, name="a", sampler="grid", seed=0)
    study.run(lambda t: float(t["a"]), n_trials=50)
    assert [t.value for t in hp.load_study(runs).trials] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(study.run(lambda t: 1.0, n_trials=3).trials) == 5


def test_a_timeout_and_workers_leave_nothing_running(runs: Path) -> None:
    import time

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    study.run(lambda t: time.sleep(0.02) or 1.0, timeout=0.15)
    study.run(lambda t: time.sleep(0.02) or 1.0, timeout=0.6, n_jobs=2)
    assert len(study.trials) > 2
    assert {str(t.state) for t in hp.load_study(runs).trials} == {"complete"}


def test_a_short_run_leaves_the_rest_of_a_deterministic_one(tmp_path: Path) -> None:
    """Some of four open trials lost their worker, and the run that follows is to evaluate one."""
    runs = tmp_path / "runs.db"
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=16, deterministic=True))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    study.run(cost, n_trials=8, deterministic=True)
    code = (
        "import os, signal, sys, hpcore as hp\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import time\n"
        "def objective(t):\n"
        "    time.sleep(1)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "study = hp.load_study(sys.argv[1])\n"
        "study.run(objective, n_trials=8, deterministic=True, n_jobs=3, executor=ThreadPoolExecutor(3))\n"
    )
    study._trial_log.storage.close()
    assert subprocess.run([sys.executable, "-c", code, str(runs)]).returncode == -9
    assert sum(t.state == "running" for t in hp.load_study(runs).trials) >= 2
    done = sum(t.state != "running" for t in hp.load_study(runs).trials)
    while done < 16:
        hp.load_study(runs).run(cost, n_trials=1, deterministic=True)
        before, done = done, sum(t.state != "running" for t in hp.load_study(runs).trials)
        assert done == before + 1
    assert facts(hp.load_study(runs)) == whole


# --- found by a reviewer ------------------------------------------------------------------------------------------


def test_a_queued_point_that_is_not_allowed_leaves_the_queue(runs: Path) -> None:
    space = hp.Space({"a": hp.Float(0, 1), "b": hp.Float(0, 1)}, constraints=[lambda p: p["a"] < 0.5])
    study = hp.Study(space, storage=runs, name="a", sampler="random", seed=0)
    study.enqueue({"a": 0.9})
    with pytest.raises(InfeasibleSpace):
        study.run(lambda t: t["a"], n_trials=1)
    study.run(lambda t: t["a"], n_trials=2)
    assert len(hp.load_study(runs, "a", space=space).trials) == 2


def test_a_deleted_study_takes_no_queue(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", seed=0)
    hp.delete_study(runs, "a")
    with pytest.raises(UnknownStudy):
        study.enqueue({"k": 3})


def test_open_trials_end_the_order_of_one_after_the_other(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    study.run(cost, n_trials=2)
    assert study.mode == "lag 1"
    first, second = study.ask(), study.ask()
    study.tell(second, 1.0)
    study.tell(first, 2.0)
    assert study.mode == "fast"


@pytest.mark.parametrize(("was", "now"), [(["a", True], ["a", 1]), ([1, 2], [1.0, 2.0])])
def test_equal_is_not_the_same_choice(was: list, now: list, runs: Path) -> None:
    hp.Study({"c": hp.Categorical(was)}, storage=runs, name="a", seed=0)
    with pytest.raises(SpaceMismatch, match="choices of 'c'"):
        hp.Study({"c": hp.Categorical(now)}, storage=runs, name="a")


@pytest.mark.parametrize("values", [[1, 2, 3, 4], [4, 3, 2, 1], [3, 1, 4, 2], [3.0, 1, 4, 2.5]])
def test_a_study_of_choices_without_an_order_goes_on_as_a_list(values: list, runs: Path) -> None:
    # As earlier versions read a list.
    before = hp.Study({"c": hp.Categorical(values)}, storage=runs, name="a", sampler="random", seed=0)
    before.run(lambda p: p["c"], n_trials=2)
    after = hp.Study({"c": values}, storage=runs, name="a", sampler="gp")
    assert after.space["c"].choices == tuple(values)
    assert after.space["c"].ordered == (values[1] in (2, 3))
    assert [trial.params for trial in after.trials] == [trial.params for trial in before.trials]
    after.run(lambda p: p["c"], n_trials=2)
    assert sorted(trial.params["c"] for trial in after.trials) == sorted(values)
    assert all(trial.params["c"] == trial.value for trial in after.trials)


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (hp.Categorical(["a", "b"]), hp.Categorical(["b", "a"])),
        (hp.Categorical([1, 2], weights=[1, 3]), hp.Categorical([2, 1], weights=[1, 3])),
        (hp.Categorical([1, 2, 2.5]), hp.Categorical([1, 2, 3])),
        (hp.Categorical([1, 2, True]), hp.Categorical([1, True, 2])),
        (hp.Categorical([max, min]), hp.Categorical([min, max])),
        (hp.Categorical([1, 2, 3], ordered=True), hp.Categorical([3, 2, 1], ordered=True)),
    ],
    ids=range(6),
)
def test_choices_in_another_order_are_others_unless_they_are_mere_numbers(was, now, runs: Path) -> None:
    more = {"x": hp.Float(0, 1, when={"c": hp.at_least(2)})} if was.ordered else {}
    hp.Study({"c": was, **more}, storage=runs, name="a", seed=0)
    with pytest.raises(SpaceMismatch, match="choices of 'c'"):
        hp.Study({"c": now, **more}, storage=runs, name="a")


def test_copies_of_stores_and_studies(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", seed=0)
    with pytest.raises(InvalidType, match="load_study"):
        pickle.dumps(study)
    other = copy.deepcopy(open_storage(runs, read_only=True, patience=1.5))  # as pickle does it
    assert other.read_only
    assert other.patience == 1.5


def test_reading_after_a_kill_in_the_middle_of_a_commit(runs: Path, tmp_path: Path) -> None:
    hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0).run(cost, n_trials=3)
    code = (
        "import os, signal, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA journal_mode=DELETE')\n"
        "db.execute('PRAGMA cache_size=1')\n"
        "db.execute('BEGIN IMMEDIATE')\n"
        "db.execute('UPDATE hpcore_trials SET params = zeroblob(200000)')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(runs)]).returncode == -9
    assert runs.with_name(runs.name + "-journal").stat().st_size > 0
    assert [s.n_trials for s in hp.list_studies(runs)] == [3]
    assert len(hp.load_study(runs, "a").trials) == 3


# --- found by another ---------------------------------------------------------------------------------------------


def test_a_callback_that_raises_between_two_proposals_loses_no_trial(runs: Path) -> None:
    def stop(study: hp.Study, trial: hp.Trial) -> None:
        if trial.number == 3:
            raise RuntimeError("a callback's own")

    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=20, deterministic=True))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    with pytest.raises(RuntimeError):
        study.run(cost, n_trials=20, deterministic=True, callbacks=[stop])
    left = 20 - sum(trial.state == "complete" for trial in study.trials)
    study.run(cost, n_trials=left, deterministic=True)
    assert facts(study) == facts(hp.load_study(runs)) == whole


def test_a_rule_that_is_refused_takes_no_trial_with_it(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", directions=["minimize", "minimize"], sampler="random", seed=0)
    study._trial_log.give_back([study.ask()])
    with pytest.raises(InvalidArgument, match="single objective"):
        study.run(lambda t: (1.0, 2.0), n_trials=1, deterministic=True, stop=[hp.stopping.TargetValue(0.0)])
    study.run(lambda t: (1.0, 2.0), n_trials=1, deterministic=True)
    assert [str(trial.state) for trial in study.trials] == ["complete"]


def test_a_rule_starts_from_what_others_stored(runs: Path) -> None:
    class FiveMore(hp.stopping.StoppingRule):
        def start(self, view: Any) -> None:
            self.last = view.history.n + 5

        def reached(self, view: Any) -> bool:
            return view.history.n >= self.last

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    hp.load_study(runs, "a").run(cost, n_trials=7)
    assert len(study.run(cost, n_trials=50, stop=[FiveMore()]).trials) == 12


@pytest.mark.parametrize("threads", [True, False])
def test_system_exit_of_a_worker_gives_its_trial_back(threads: bool, runs: Path) -> None:
    def leave(trial: hp.Trial) -> float:
        if trial.number == 2:
            raise SystemExit(3)
        return 1.0

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    with ThreadPoolExecutor(2) as pool:
        executor = pool if threads else None
        with pytest.raises(SystemExit):
            study.run(leave, n_trials=4, n_jobs=2, executor=executor)
        study.run(cost, n_trials=4, n_jobs=2, executor=executor)
    assert {str(trial.state) for trial in study.trials} == {"complete"}


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("step", ["begin", "ask", "finish"])
@pytest.mark.parametrize("mode", ["here", "threads"])
def test_ctrl_c_never_falls_between_the_store_and_the_run(
    step: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C as each of the steps ends, in a notebook that goes on with the study afterwards."""
    runs = tmp_path / "runs.db"
    options = {"deterministic": mode != "here"}
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=12, **options))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    original = getattr(StoredTrialLog, step)
    calls = []

    def interrupted(*args, **kwargs):
        result = original(*args, **kwargs)
        calls.append(None)
        if len(calls) % 7 == 2:
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(StoredTrialLog, step, interrupted)
    with ThreadPoolExecutor(2) as pool:
        if mode == "threads":
            options["executor"] = pool
        for _ in range(12):
            left = 12 - sum(trial.state == "complete" for trial in study.trials)
            if left:
                try:
                    study.run(cost, n_trials=left, **options)
                except KeyboardInterrupt:  # before the run began
                    assert step == "begin"
    assert facts(study) == facts(hp.load_study(runs)) == whole
    assert study.mode == ("lag 1" if mode == "here" else "lag 4")


def test_a_paused_trial_is_not_told_before_it_is_resumed(tmp_path: Path) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=tmp_path / "runs.db", name="a", seed=0)
    trial = study.ask()
    study.tell(trial, state="paused")
    for there in (study, hp.load_study(tmp_path / "runs.db", "a")):
        with pytest.raises(TrialAlreadyTold, match="trial 0 is paused; resume it first"):
            there.tell(0, 1.0)
