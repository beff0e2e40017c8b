"""`hpcore tune` from data to files, and the same command again with a stored study."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris

import hpcore as hp

TUNE = ("tune", "iris", "--model", "knn", "--cv", 2, "--jobs", 1, "--json")
FILES = ["trials.csv", "best_params.json", "best_model.joblib", "table_steps.py", "predict.py", "requirements.txt"]
FILES += ["model.json"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_classification(hpcore: Any, tmp_path: Path) -> None:
    result = hpcore("tune", "breast_cancer", "--model", "svc", "--trials", 6, "--cv", 3, "--jobs", 1)
    assert result.exit_code == 0, result.stderr
    assert "best accuracy" in result.stdout
    assert "trial 6/6" in result.stderr
    out = tmp_path / "hpcore-out"
    there = sorted(path.name for path in out.iterdir() if path.suffix != ".db-journal")
    assert there == sorted([*FILES, "runs.db", "study.json"])

    rows = rows_of(out / "trials.csv")
    assert [row["number"] for row in rows] == [str(i) for i in range(6)]
    assert {row["state"] for row in rows} == {"complete"}
    for row in rows:
        splits = [float(row[f"split{i}_score"]) for i in range(3)]
        assert float(row["mean_score"]) == pytest.approx(np.mean(splits))
        assert float(row["std_score"]) == pytest.approx(np.std(splits))
        assert (row["degree"] == "") == (row["kernel"] != "poly")
    best = max(rows, key=lambda row: float(row["mean_score"]))
    params = json.loads((out / "best_params.json").read_text())
    assert {name: str(value) for name, value in params.items() if value is not None} == {
        name: best[name] for name in params if best[name]
    }

    X, y = load_breast_cancer(as_frame=True, return_X_y=True)
    model = joblib.load(out / "best_model.joblib")
    assert model.score(X, y) > 0.95
    assert params["C"] == model.named_steps["model"].C


def test_regression_as_json(hpcore: Any, tmp_path: Path) -> None:
    result = hpcore("tune", "diabetes", "--trials", 8, "--cv", 3, "--jobs", 1, "--json", "--out", "here/there")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout, parse_constant=pytest.fail)
    assert answer["task"] == "regression"
    assert answer["model"] == "svr"
    assert answer["scoring"] == "r2"
    assert 0.3 < answer["best_score"] < 0.6
    assert answer["score_std"] > 0
    assert answer["n_trials"] == 8
    assert answer["n_failed"] == 0
    assert not answer["interrupted"]
    assert {"C", "epsilon", "kernel"} <= answer["best_params"].keys()
    assert answer["files"] == [f"here/there/{name}" for name in FILES]
    assert all((tmp_path / name).exists() for name in answer["files"])
    assert 0 < answer["seconds_fitting"] <= answer["seconds"]
    model = joblib.load(tmp_path / "here/there/best_model.joblib")
    X, y = load_diabetes(as_frame=True, return_X_y=True)
    assert model.score(X, y) > 0.4


@pytest.mark.parametrize("model", ["logistic", "hist_gradient_boosting"])
def test_untidy_csv(hpcore: Any, tmp_path: Path, untidy: pd.DataFrame, model: str) -> None:
    untidy.to_csv("wine.csv", index=False)
    result = hpcore("tune", "wine.csv", "--target", "cultivar", "--model", model, "--trials", 1, "--cv", 3, "--jobs", 1)
    assert result.exit_code == 0, result.stderr
    assert "1 of 178 rows have no 'cultivar'" in result.stderr
    assert "classification, because 'cultivar' has 3 distinct values" in result.stderr
    assert "'unit' left out: one value in every row" in result.stderr
    assert "'id' left out: it only numbers the rows" in result.stderr
    assert "'note' left out" in result.stderr
    assert "'bottled' holds dates" in result.stderr
    assert "'hue' is a column of numbers; treated as missing: 1 cell ('?')" in result.stderr

    pipeline = joblib.load(tmp_path / "hpcore-out/best_model.joblib")
    raw = pd.read_csv("wine.csv")
    assert (pipeline.predict(raw) == raw["cultivar"]).mean() > 0.9
    features = set(pipeline[:-1].get_feature_names_out())
    assert {"colour_(missing)", "region_east", "bottled_days", "organic", "hue"} <= features
    assert not features & {"id", "unit", "note_bottle 0", "cultivar"}
    # Values not seen in training must not stop a prediction.
    strange = raw.head(3).assign(region="moon", bottled="soon", hue="?", alcohol=np.inf)
    assert len(pipeline.predict(strange)) == 3


def test_task_can_be_chosen(hpcore: Any) -> None:
    args = ("--model", "ridge", "--trials", 1, "--cv", 3, "--jobs", 1, "--json", "--task", "regression")
    result = hpcore("tune", "iris", *args)
    assert json.loads(result.stdout)["scoring"] == "r2"


def test_other_target_of_a_known_data_set(hpcore: Any) -> None:
    result = hpcore("tune", "iris", "--target", "petal width (cm)", "--trials", 1, "--cv", 2, "--jobs", 1, "--json")
    answer = json.loads(result.stdout)
    assert (answer["task"], answer["columns"]) == ("regression", 4)


def test_seed_repeats(hpcore: Any, tmp_path: Path) -> None:
    seen = []
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        args = ("--model", "decision_tree", "--trials", 3, "--cv", 2, "--jobs", 1, "--seed", seed, "--out", out)
        assert hpcore("tune", "iris", *args).exit_code == 0
        rows = rows_of(tmp_path / out / "trials.csv")
        seen.append([{name: cell for name, cell in row.items() if "seconds" not in name} for row in rows])
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize(("sampler", "n"), [("random", 3), ("sobol", 3), ("grid", 12)])
def test_samplers(hpcore: Any, sampler: str, n: int) -> None:
    args = ("--model", "knn", "--trials", n, "--cv", 2, "--jobs", 1, "--json", "--sampler", sampler)
    answer = json.loads(hpcore("tune", "iris", *args).stdout)
    assert answer["sampler"] == sampler
    assert answer["n_trials"] == n  # for the grid 2 * 2 * 3: as fine as twelve trials allow


def test_timeout_alone_ends_the_search(hpcore: Any) -> None:
    args = ("--model", "decision_tree", "--timeout", 0.2, "--cv", 2, "--jobs", 1, "--json")
    result = hpcore("tune", "iris", *args)
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["n_trials"] >= 1
    assert answer["seconds"] < 5


def test_network_that_does_not_converge_says_nothing(hpcore: Any, recwarn: pytest.WarningsRecorder) -> None:
    result = hpcore("tune", "wine", "--model", "mlp", "--trials", 1, "--cv", 2, "--jobs", 1)
    assert result.exit_code == 0, result.stderr
    assert "Warning" not in result.stderr
    assert not recwarn.list


def test_some_trials_fail(hpcore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.svm import SVC

    fit = SVC.fit

    def picky(self: SVC, X: Any, y: Any) -> SVC:
        if self.kernel != "rbf":
            raise ValueError("=only rbf today")
        return fit(self, X, y)

    monkeypatch.setattr(SVC, "fit", picky)
    result = hpcore("tune", "iris", "--model", "svc", "--trials", 8, "--cv", 2, "--jobs", 1, "--json")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    rows = rows_of(tmp_path / "hpcore-out/trials.csv")
    failed = [row for row in rows if row["state"] == "failed"]
    assert 0 < answer["n_failed"] == len(failed) < 8
    assert all(row["mean_score"] == "" and row["error"] == "ValueError: =only rbf today" for row in failed)
    assert f"{len(failed)} failed" in result.stderr


def test_every_trial_fails(hpcore: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any, X: Any, y: Any) -> Any:
        raise ValueError("not today")

    monkeypatch.setattr("sklearn.svm.SVC.fit", broken)
    result = hpcore("tune", "iris", "--model", "svc", "--trials", 2, "--cv", 2, "--jobs", 1, "--json")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines()[-1] == "Error: every trial failed: ValueError: not today"
    assert [path.name for path in (tmp_path / "hpcore-out").iterdir() if path.suffix == ".csv"] == []


def test_full_disk_does_not_hide_the_result(hpcore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(value: Any, path: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("joblib.dump", full)
    result = hpcore("tune", "iris", "--model", "knn", "--trials", 2, "--cv", 2, "--jobs", 1, "--json")
    assert result.exit_code == 1
    answer = json.loads(result.stdout)
    assert answer["n_trials"] == 2
    assert answer["files"] == ["hpcore-out/trials.csv", "hpcore-out/best_params.json"]
    assert "Error: the results could not be saved in hpcore-out: No space left" in result.stderr


def test_as_a_program_on_two_cores(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "hpcore.cli",
        "tune",
        "iris",
        "--trials",
        "3",
        "--cv",
        "2",
        "--jobs",
        "2",
        "--json",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["jobs"] == 2
    X, y = load_iris(as_frame=True, return_X_y=True)
    assert joblib.load(tmp_path / "hpcore-out/best_model.joblib").score(X, y) > 0.8


def test_tune_goes_on(hpcore: Any, tmp_path: Path) -> None:
    whole = hpcore(*TUNE, "--trials", 8, "--out", "whole")
    assert whole.exit_code == 0, whole.stderr
    for n in (3, 8, 8):
        result = hpcore(*TUNE, "--trials", n)
        assert result.exit_code == 0, result.stderr
    assert "continuing with 8 candidates" in result.stderr
    a, b = json.loads(whole.stdout), json.loads(result.stdout)
    for key in ("best_score", "best_params", "best_trial", "n_trials"):
        assert a[key] == b[key]
    assert [s.n_trials for s in hp.list_studies("hpcore-out/runs.db")] == [8]
    other = (*TUNE, "--trials", 2, "--seed", 1, "--out", "hpcore-out")
    kept = [(name, Path("hpcore-out", name).read_bytes()) for name in FILES]
    refused = hpcore(*other)
    assert refused.exit_code == 2 and "hpcore-out holds the files of the search 'iris knn gp " in refused.stderr
    assert kept == [(name, Path("hpcore-out", name).read_bytes()) for name in FILES]
    assert hpcore(*other, "--overwrite").exit_code == 0
    assert [s.n_trials for s in hp.list_studies("hpcore-out/runs.db")] == [8, 2]
    assert json.loads(hpcore("resume", "hpcore-out", "--json").stdout)["seed"] == 1
    first = hp.list_studies("hpcore-out/runs.db")[0].name
    refused = hpcore("resume", "hpcore-out", first)
    assert refused.exit_code == 2 and "--overwrite" in refused.stderr
    assert json.loads(hpcore("resume", "hpcore-out", first, "--json", "--overwrite").stdout)["seed"] == 0


def test_another_data_set_has_another_directory(hpcore: Any) -> None:
    options = ("--model", "knn", "--cv", 2, "--jobs", 1, "--json", "--trials", 2)
    for data, out in (
        ("iris", "hpcore-out"),
        ("wine", "hpcore-out-2"),
        ("iris", "hpcore-out"),
        ("wine", "hpcore-out-2"),
    ):
        result = hpcore("tune", data, *options)
        assert json.loads(result.stdout)["files"] == [f"{out}/{name}" for name in FILES], result.stderr
    assert "note: hpcore-out holds the files of the search 'iris knn gp " in result.stderr
    assert "continuing with 2 candidates from hpcore-out-2/runs.db" in result.stderr


def test_directory_of_an_earlier_version(hpcore: Any) -> None:
    assert hpcore(*TUNE, "--trials", 2).exit_code == 0
    Path("hpcore-out/study.json").unlink()
    assert "continuing with 2 candidates from hpcore-out/" in hpcore(*TUNE, "--trials", 2).stderr
    Path("hpcore-out/study.json").unlink()
    assert "hpcore-out-2" in hpcore(*TUNE, "--trials", 2, "--seed", 1).stderr


def test_racing_and_limits_of_time(hpcore: Any) -> None:
    options = ("tune", "iris", "--model", "decision_tree", "--sampler", "random", "--cv", 5, "--jobs", 1, "--json")
    result = hpcore(*options, "--trials", 12, "--racing", "--fit-timeout", 60, "--time", 100)
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["n_trials"] == 12
    assert 0 < answer["n_pruned"] < 12
    assert [row["state"] for row in rows_of(Path("hpcore-out/trials.csv"))].count("pruned") == answer["n_pruned"]
    again = hpcore("resume", "hpcore-out", "--trials", 13, "--timeout", 100, "--json")
    assert json.loads(again.stdout)["n_trials"] == 13, again.stderr
    # Without a race it is another search.
    assert json.loads(hpcore(*options, "--trials", 1).stdout)["files"][0] == "hpcore-out-2/trials.csv"


def test_time_of_the_whole_command(hpcore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from hpcore.sklearn import SearchCV

    seen: list[Any] = []
    fit = SearchCV.fit

    def noted(self: SearchCV, *args: Any, **params: Any) -> SearchCV:
        seen.append((self.timeout, self.refit_in_timeout, self.n_trials > 1000))
        return fit(self, *args, **params)

    monkeypatch.setattr("hpcore.sklearn.SearchCV.fit", noted)
    # Reading takes longer than this: one candidate is evaluated nevertheless.
    result = hpcore(*TUNE, "--time", 0.001)
    assert json.loads(result.stdout)["n_trials"] == 1
    assert seen == [(0.001, True, True)]
    assert hpcore("resume", "hpcore-out", "--trials", 2, "--timeout", 50).exit_code == 0
    assert seen[1:] == [(50, False, False)]
    assert hpcore("resume", "hpcore-out", "--time", 50).exit_code == 0
    assert 0 < seen[2][0] < 50 and seen[2][1:] == (True, False)


def test_interrupted_before_the_first_result(hpcore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(self: Any, X: Any, y: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sklearn.neighbors.KNeighborsClassifier.fit", pressed)
        result = hpcore(*TUNE, "--trials", 2, "--out", "my run")
        assert result.exit_code == 130
        assert "to go on: hpcore resume 'my run'" in result.stderr
        scheduled = hpcore(*TUNE, "--trials", 2, "--scheduler", "halving")
        assert scheduled.exit_code == 130 and "to go on" not in scheduled.stderr
    assert json.loads(hpcore("resume", "my run", "--json").stdout)["n_trials"] == 2


def test_another_process_goes_on(hpcore: Any, tmp_path: Path) -> None:
    # The pipeline of svc holds a function.
    options = ("tune", "iris", "--model", "svc", "--cv", 2, "--jobs", 1, "--json", "--out", tmp_path)
    assert hpcore(*options, "--trials", 2).exit_code == 0
    command = [sys.executable, "-m", "hpcore.cli", *map(str, options), "--trials", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "continuing with 2 candidates" in done.stderr
    assert [s.n_trials for s in hp.list_studies(tmp_path / "runs.db")] == [3]


def test_resume(hpcore: Any, tmp_path: Path) -> None:
    assert hpcore(*TUNE, "--trials", 2, "--out", "run").exit_code == 0
    for where in ("run", "run/runs.db"):
        result = hpcore("resume", where, "--trials", 4, "--json")
        assert result.exit_code == 0, result.stderr
        answer = json.loads(result.stdout)
        assert (answer["n_trials"], answer["model"], answer["cv"]) == (4, "knn", 2)
    assert all(name.startswith("run/") for name in answer["files"])
    assert hpcore("resume", "run", "nobody").exit_code == 2


def test_progress_of_a_resumed_search_begins_with_what_is_stored(hpcore: Any) -> None:
    first = hpcore("tune", "iris", "--trials", 3, "--cv", 2, "--jobs", 1, "--out", "run")
    assert first.exit_code == 0, first.stderr
    result = hpcore("resume", "run", "--trials", 6)
    lines = [line for line in result.stderr.splitlines() if line.startswith("trial ")]
    assert [line.split(":")[0] for line in lines] == ["trial 3/6", "trial 4/6", "trial 5/6", "trial 6/6"]
    assert lines[0].split(", ")[0].split(": ")[1] == first.stderr.splitlines()[-1].split(", ")[0].split(": ")[1]


def test_another_reading_is_another_study(hpcore: Any) -> None:
    noise = np.random.default_rng(0).normal(size=60)
    text = "größe,y\n" + "".join(f"{x:.3f},{'ja' if i % 2 else 'né'}\n" for i, x in enumerate(noise))
    Path("t.csv").write_bytes(text.encode("latin-1"))
    args = ("tune", "t.csv", "--target", "y", "--model", "decision_tree", "--trials", 2, "--jobs", 1)
    assert hpcore(*args).exit_code == 0
    assert "continuing with 2 candidates" in hpcore(*args).stderr
    other = hpcore(*args, "--encoding", "cp437")
    assert other.exit_code == 0
    assert "continuing with" not in other.stderr
    assert "n\u0398" in set(joblib.load("hpcore-out-2/best_model.joblib").classes_)
    for out in ("hpcore-out", "hpcore-out-2"):  # each continues with its own encoding
        result = hpcore("resume", out, "--trials", 3)
        assert result.exit_code == 0, result.stderr
        assert "continuing with 2 candidates" in result.stderr
