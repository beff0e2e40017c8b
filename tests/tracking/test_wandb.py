"""Runs in Weights & Biases: without a network, read back from their files."""

from __future__ import annotations

import json
import pickle
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidType
from tests.tracking.runs import continued, objective

pytest.importorskip("wandb")
pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("default")]

from hpcore.tracking import WandbCallback  # noqa: E402

SPACE = {"x": hp.Float(0, 1), "c": ["a", "ü"]}


@pytest.fixture(autouse=True)
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MODE", "offline"), ("ERROR_REPORTING", "false"), ("SILENT", "true")):
        monkeypatch.setenv(f"WANDB_{name}", value)
    for name in ("CACHE_DIR", "CONFIG_DIR", "DATA_DIR"):
        monkeypatch.setenv(f"WANDB_{name}", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))


def records(path: Path) -> Iterator[Any]:
    """Read the records of a file, which is a log of LevelDB after a header of 7 bytes."""
    from wandb.proto import wandb_internal_pb2

    data, at, part = path.read_bytes(), 7, b""
    while at + 7 <= len(data):
        room = 32768 - at % 32768
        if room < 7:
            at += room
            continue
        _, length, kind = struct.unpack_from("<IHB", data, at)
        part += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(part)
            yield record
            part = b""


def read(folder: Path, n: int = 1) -> list[dict[str, Any]]:
    """Read the files of `n` runs, which are complete with their exit records."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        found = []
        for path in sorted(folder.glob("wandb/offline-run-*/run-*.wandb"), key=lambda path: path.stat().st_ctime_ns):
            run: dict[str, Any] = {"history": [], "summary": {}, "config": {}}
            for record in records(path):
                kind = record.WhichOneof("record_type")
                if kind == "run":
                    run |= {"id": record.run.run_id, "name": record.run.display_name, "group": record.run.run_group}
                    run["project"] = record.run.project
                    run["config"] |= {u.key: json.loads(u.value_json) for u in record.run.config.update}
                if kind == "history":
                    row = {i.key or i.nested_key[0]: json.loads(i.value_json) for i in record.history.item}
                    run["history"].append({key: value for key, value in row.items() if not key.startswith("_")})
                if kind == "summary":
                    for item in record.summary.update:
                        name = item.key or item.nested_key[0]
                        run["summary"][name] = json.loads(item.value_json)
                if kind == "exit":
                    run["exit"] = record.exit.exit_code
            found.append(run)
        if len(found) == n and all("exit" in run for run in found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"the files are not complete: {found}")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_one_run_of_a_study_that_continues(tmp_path: Path, n_jobs: int) -> None:
    study = continued(
        SPACE,
        lambda: WandbCallback(wandb_kwargs={"dir": str(tmp_path), "project": "p", "config": {"team": "a"}}),
        tmp_path,
        n_jobs,
        "stored",
    )
    first, second = read(tmp_path, 2)
    assert first["id"] == second["id"]
    assert (first["name"], first["project"], first["exit"]) == ("stored", "p", 0)
    assert first["config"]["team"] == "a" and "RandomSampler" in first["config"]["sampler"]
    rows = [row for run in (first, second) for row in run["history"]]
    ended = {row["trial"]: row for row in rows if "trial" in row}
    assert len([row for row in rows if "trial" in row]) == len(ended) == 4
    for trial in study.trials:
        row = ended[trial.number]
        assert (row["params/x"], row["params/c"], row["state"]) == (trial["x"], trial["c"], trial.state)
        if trial.number != 1:
            assert (row["value"], row["latency"]) == (trial.value, 3.0)
            assert str(row["gap"]).lower() == "nan"
    assert ended[1]["error"] == "negative" and "value" not in ended[1]
    reports = sorted(
        (row["report_trial"], row["report_step"], row["value_report"]) for row in rows if "trial" not in row
    )
    assert reports == [(trial.number, step, trial["x"] * step) for trial in study.trials for step in (1, 2)]
    best = second if "best_value" in second["summary"] else first
    assert best["summary"]["best_value"] == study.best_value
    assert second["summary"]["state"] == "finished"


def test_a_run_of_each_trial_in_a_group(tmp_path: Path) -> None:
    study = hp.Study(SPACE, name="many", sampler="random", seed=0)
    tracker = WandbCallback("loss", {"mode": "offline", "dir": str(tmp_path)}, as_multirun=True)
    study.run(objective, n_trials=3, progress=False, callbacks=[tracker])
    found = {run["name"]: run for run in read(tmp_path, 3)}
    assert sorted(found) == ["trial 0", "trial 1", "trial 2"]
    for trial in study.trials:
        run = found[f"trial {trial.number}"]
        assert (run["group"], run["config"]["x"], run["exit"]) == ("many", trial["x"], int(trial.number == 1))
        steps = [(row["step"], row["loss_report"]) for row in run["history"] if "step" in row]
        assert steps == [(step, trial["x"] * step) for step in (1, 2)]
        assert run["summary"]["state"] == trial.state
        if trial.number != 1:
            assert run["summary"]["loss"] == trial.value


def test_the_folds_of_a_search(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC

    from hpcore.sklearn import SearchCV

    X, y = load_iris(return_X_y=True)
    tracker = WandbCallback("score", {"dir": str(tmp_path)})
    search = SearchCV(SVC(), {"C": [0.1, 1]}, strategy="grid", cv=3, callbacks=[tracker]).fit(X, y)
    [run] = read(tmp_path)
    assert run["name"] == "SVC"
    folds = [
        (row["report_trial"], row["report_step"], row["score_fold"]) for row in run["history"] if "trial" not in row
    ]
    results = search.cv_results_
    assert folds == [
        (int(n), i, results[f"split{i}_test_score"][row])
        for row, n in enumerate(search.trial_numbers_)
        for i in range(3)
    ]
    assert run["summary"]["best_score"] == search.best_score_


def test_without_a_key_nobody_is_asked(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    study = hp.minimize(lambda trial: trial["x"], SPACE, n_trials=3, progress=False, callbacks=[WandbCallback()])
    assert len(study.trials) == 3
    assert "wandb has no key" in caplog.text and "lost 3 of 3 records" in caplog.text


def test_arguments() -> None:
    with pytest.raises(InvalidType, match="wandb_kwargs"):
        WandbCallback(wandb_kwargs=[("project", "a")])  # type: ignore[arg-type]
    copied = pickle.loads(pickle.dumps(WandbCallback(["a", "b"], {"project": "p"}, True)))  # noqa: S301 - our own data
    assert (copied.metric_name, copied.wandb_kwargs, copied.as_multirun) == (("a", "b"), {"project": "p"}, True)
