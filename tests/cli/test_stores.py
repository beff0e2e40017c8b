"""Stored studies: shown, resumed, exported, repaired."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp


@pytest.fixture
def store(tmp_path: Path) -> Path:
    def objective(trial: hp.Trial) -> float:
        trial.user_attrs["=cmd"] = [1, "x"]
        if trial.number == 1:
            raise RuntimeError("=HYPERLINK('x')")
        return trial["x"]

    space = {"x": hp.Float(0, 1), "c": hp.Categorical(["=1+1", int, None])}
    study = hp.Study(space, storage=tmp_path / "s.db", name="a\x1b[31m", sampler="random", seed=0)
    study.run(objective, n_trials=6)
    study.note = "told \x1b]0;evil\x07"
    return tmp_path / "s.db"


def test_resume_of_other_studies(hpcore: Any, store: Path) -> None:
    result = hpcore("resume", store)
    assert result.exit_code == 2 and "runs.db of hpcore tune" in result.stderr
    store.rename(store.with_name("runs.db"))
    result = hpcore("resume", store.with_name("runs.db"))
    assert result.exit_code == 2 and "not created by hpcore tune" in result.stderr


def test_show(hpcore: Any, store: Path) -> None:
    result = hpcore("show", store)
    assert result.exit_code == 0, result.stderr
    assert "5 complete, 1 failed" in result.stdout and "builtins.int" in result.stdout
    assert "\x1b" not in result.stdout and "\x07" not in result.stdout
    answer = json.loads(hpcore("show", store, "--json").stdout)
    assert answer["trials"] == {"complete": 5, "failed": 1}
    best = hp.load_study(store, space={"x": hp.Float(0, 1), "c": hp.Categorical(["=1+1", int, None])}).best_trial
    assert answer["best"][0]["number"] == best.number
    hp.Study({"x": hp.Float(0, 1)}, storage=store, name="b", directions=["minimize", "maximize"], seed=0)
    listed = hpcore("show", store)
    assert listed.exit_code == 0 and len(listed.stdout.splitlines()) == 2 and "\x1b" not in listed.stdout
    assert len(json.loads(hpcore("show", store, "--json").stdout)) == 2
    assert "0" not in hpcore("show", store, "b").stdout.splitlines()[-1]


def states(hpcore: Any, path: Path) -> list[Any]:
    """Return the states in show, show --json, export and export --json, which must agree."""
    shown = json.loads(hpcore("show", path, "--json").stdout)["trials"]
    line = next(line for line in hpcore("show", path).stdout.splitlines() if line.startswith("trials"))
    assert line.split(maxsplit=1)[1] == ", ".join(f"{n} {state}" for state, n in shown.items())
    rows = list(csv.DictReader(io.StringIO(hpcore("export", path).stdout)))
    document = json.loads(hpcore("export", path, "--json").stdout)
    assert [row["state"] for row in rows] == [trial["state"] for trial in document["trials"]]
    assert Counter(row["state"] for row in rows) == shown
    return [row["state"] for row in rows]


@pytest.mark.usefixtures("ctrl_c")
def test_a_trial_without_a_worker_waits(hpcore: Any, tmp_path: Path) -> None:
    path = tmp_path / "w.db"
    study = hp.Study({"x": hp.Float(0, 1)}, storage=path, name="a", sampler="random", seed=0)
    study.run(lambda trial: signal.raise_signal(signal.SIGINT) if trial.number == 2 else trial["x"], n_trials=5)
    assert study.interrupted
    assert states(hpcore, path) == ["complete", "complete", "waiting"]
    kept = study.ask(2)
    assert [trial.number for trial in kept] == [2, 3]
    assert states(hpcore, path) == ["complete", "complete", "running", "running"]
    study.tell(2, 1.0)
    # A process that was killed: its lease is valid, but it is known to be dead.
    child = os.fork()
    if not child:
        hp.load_study(path).ask()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert states(hpcore, path) == ["complete"] * 3 + ["running", "waiting"]
    # A process of another machine counts until its lease expires.
    store, study_id = study._trial_log.storage, study._trial_log.record.id
    stored = store.read(lambda transaction: transaction.trial(study_id, 4))
    for lease, expected in ((60.0, "running"), (-1.0, "waiting"), (1e9, "waiting")):
        elsewhere = replace(stored, worker="elsewhere|1|2|3", lease=time.time() + lease)
        store.write(lambda transaction: transaction.replace(elsewhere, stored.token))  # noqa: B023
        assert states(hpcore, path)[4] == expected


def test_export(hpcore: Any, store: Path, tmp_path: Path) -> None:
    result = hpcore("export", store, "--csv")
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["number"] for row in rows] == list("012345")
    space = {"x": hp.Float(0, 1), "c": hp.Categorical(["=1+1", int, None])}
    trials = hp.load_study(store, space=space).trials
    assert [float(row["param_x"]) for row in rows] == [t["x"] for t in trials]
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    assert rows[1]["state"] == "failed" and rows[1]["value"] == "" and "HYPERLINK" in rows[1]["error"]
    assert hpcore("export", store, "--json", "--out", "out.json").exit_code == 0
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["trials"][0]["values"] == [trials[0].value]
    assert document["trials"][0]["user_attrs"] == {"=cmd": [1, "x"]}
    assert hpcore("export", store, "--out", "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text().splitlines() == result.stdout.splitlines()


@pytest.mark.parametrize("kind", ["--csv", "--json"])
@pytest.mark.parametrize("out", ["none/x", ".", "", "~nobody-of-this-name/x"])
def test_export_to_no_file(kind: str, out: str, hpcore: Any, store: Path) -> None:
    result = hpcore("export", store, kind, "--out", out)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"Error: --out must be a file that can be written, got {out!r}: ")


def test_reports_of_a_scheduler_are_shown(hpcore: Any, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    study = hp.Study({"x": hp.Float(0, 1)}, storage=path, name="a", sampler="random", seed=0, scheduler="asha")
    full, running = study.ask(), study.ask()
    for step, value in ((1, 0.5), (3, 0.25)):
        full.report(value, step)
    study.tell(full, 0.25)
    running.report(0.75, 1)
    paused = study.ask()
    paused.report(1.5, 1)
    study.tell(paused, state="paused")
    shown = hpcore("show", path).stdout
    assert "scheduler" in shown and "1 complete, 1 running, 1 paused" in shown
    lines = [line.split() for line in shown.splitlines()]
    assert [line[1:] for line in lines if line[:1] == ["2"]][-1][:6] == ["paused", "-", "1.5", "at", "1", "of"]
    assert [line[1:] for line in lines if line[:1] == ["1"]][-1][:5] == ["running", "-", "0.75", "at", "1"]
    answer = json.loads(hpcore("show", path, "--json").stdout)
    assert answer["scheduler"] == "asha" and answer["best"][0]["last"] == [3.0, 0.25]
    table = hpcore("export", path).stdout.splitlines()
    assert table[0].startswith("number,state,value,param_x,until,reports,last_step,last_value,started")
    assert table[1].split(",")[4:8] == ["inf", "2", "3.0", "0.25"]
    frame = study.to_frame()
    assert frame["reports"].tolist() == [2, 1, 1] and frame["last_value"].tolist() == [0.25, 0.75, 1.5]
    assert frame.columns.tolist() == table[0].split(",")


def test_text_that_is_no_unicode_is_shown_and_exported(hpcore: Any, tmp_path: Path) -> None:
    study = hp.Study({"c": hp.Categorical(["\udcff", "b"])}, storage=tmp_path / "s.db", name="a", seed=0)
    study.run(lambda t: 1.0, n_trials=2)
    study.note = study.user_attrs["path"] = "caf\udce9.csv"
    for command in ("show", "export"):
        assert json.loads(hpcore(command, "s.db", "--json").stdout)["attributes"] == {"path": "caf\udce9.csv"}
    assert "\\udcff" in hpcore("export", "s.db").stdout
    assert hpcore("export", "s.db", "--json", "--out", "s.json").exit_code == 0
    assert json.loads((tmp_path / "s.json").read_text())["note"] == "caf\udce9.csv"


def test_repair(hpcore: Any, store: Path, tmp_path: Path) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=tmp_path / "t.db", name="a", sampler="random", seed=0)
    study.run(lambda t: t.number / 7, n_trials=9)
    study._trial_log.storage.close()
    data = (tmp_path / "t.db").read_bytes()
    (tmp_path / "t.db").write_bytes(data.replace(b"[0.7142857142857143]", b"[0.7142957142857143]"))
    assert hpcore("show", "t.db").exit_code == 1
    result = hpcore("repair", "t.db")
    assert result.exit_code == 1
    assert "a: 8 of 9 trials are intact; lost: 5" in result.stdout
    assert hpcore("show", "t.repaired.db").exit_code == 0
    whole = hpcore("repair", "t.repaired.db", "--to", "new.db")
    assert (whole.exit_code, "9 of 9" in whole.stdout) == (0, True)


@pytest.mark.parametrize("command", ["show", "export", "repair", "resume"])
@pytest.mark.parametrize("path", ["missing.db", "text.db"])
def test_no_store(command: str, path: str, hpcore: Any, tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a database" * 500)
    result = hpcore(command, path)
    assert result.exit_code in (1, 2)
    assert result.stderr.startswith("Error: ") and len(result.stderr.splitlines()) == 1


def test_a_deleted_study_is_no_damage(hpcore: Any, store: Path) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=store, name="gone", sampler="random", seed=0)
    study.run(lambda trial: trial["x"], n_trials=60)
    hp.delete_study(store, "gone")
    result = hpcore("repair", str(store), "--to", "new.db")
    assert result.exit_code == 0, result.stdout + result.stderr
    assert "gone" not in result.stdout
    assert [s.n_trials for s in hp.list_studies("new.db")] == [6]
