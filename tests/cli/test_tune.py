"""The main job, from data to files."""

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

FILES = ["trials.csv", "best_params.json", "best_model.joblib"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_classification(hpcore: Any, tmp_path: Path) -> None:
    result = hpcore("tune", "breast_cancer", "--model", "svc", "--trials", 6, "--cv", 3, "--jobs", 1)
    assert result.exit_code == 0, result.stderr
    assert "best accuracy" in result.stdout
    assert "trial 6/6" in result.stderr
    out = tmp_path / "hpcore-out"
    assert sorted(path.name for path in out.iterdir() if path.suffix != ".db-journal") == sorted([*FILES, "runs.db"])

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
    assert "'hue' is a column of numbers; taken as missing: 1 cell ('?')" in result.stderr

    pipeline = joblib.load(tmp_path / "hpcore-out/best_model.joblib")
    raw = pd.read_csv("wine.csv")
    assert (pipeline.predict(raw) == raw["cultivar"]).mean() > 0.9
    features = set(pipeline[:-1].get_feature_names_out())
    assert {"colour_(missing)", "region_east", "bottled_days", "organic", "hue"} <= features
    assert not features & {"id", "unit", "note_bottle 0", "cultivar"}
    # What was never seen must not stop a prediction.
    strange = raw.head(3).assign(region="moon", bottled="soon", hue="?", alcohol=np.inf)
    assert len(pipeline.predict(strange)) == 3


@pytest.mark.parametrize(
    "name", ["wine.parquet", "indexed.parquet", "wine.tsv", "wine.csv.gz", "semicolons.csv", "commas.csv", "commas.tsv"]
)
def test_formats_agree(hpcore: Any, untidy: pd.DataFrame, name: str) -> None:
    if name == "indexed.parquet":
        untidy.set_index("id").to_parquet(name)
    elif name.endswith("parquet"):
        untidy.to_parquet(name)
    else:
        separator = "\t" if name.endswith("tsv") else ";" if name in ("semicolons.csv", "commas.csv") else ","
        untidy.to_csv(name, index=False, sep=separator, decimal="," if name.startswith("commas") else ".")
    untidy.to_csv("plain.csv", index=False)
    answers = []
    for data in (name, "plain.csv"):
        result = hpcore(
            "tune", data, "--target", "cultivar", "--model", "decision_tree", "--trials", 2, "--jobs", 1, "--json"
        )
        assert result.exit_code == 0, result.stderr
        answers.append(json.loads(result.stdout))
    assert answers[0]["best_score"] == answers[1]["best_score"]
    assert answers[0]["best_params"] == answers[1]["best_params"]
    assert answers[0]["columns"] == answers[1]["columns"]


def test_a_decimal_comma_is_told(hpcore: Any) -> None:
    # Separated by commas, the same cells would be two columns, and quoted ones are text.
    rows = [f"{'?' if i == 7 else f'{i},5'};{i % 3},{i};{i},25" for i in range(60)]
    Path("german.csv").write_text("\n".join(["a;b;price", *rows]))
    result = hpcore("tune", "german.csv", "--target", "price", "--model", "ridge", "--trials", 2, "--jobs", 1, "--json")
    assert result.exit_code == 0, result.stderr
    assert "note: numbers in 'german.csv' are read with a decimal comma" in result.stderr
    answer = json.loads(result.stdout)
    assert (answer["task"], answer["columns"]) == ("regression", 2)
    assert answer["best_score"] > 0.9


def test_the_index_of_a_parquet_file_may_be_the_target(hpcore: Any, untidy: pd.DataFrame) -> None:
    untidy.set_index("cultivar").to_parquet("wine.parquet")
    options = ("--model", "decision_tree", "--trials", 1, "--jobs", 1)
    result = hpcore("tune", "wine.parquet", "--target", "cultivar", *options)
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize(
    ("target", "task"),
    [
        (["no", "yes"] * 30, "classification"),
        ([True, False] * 30, "classification"),
        ([0, 1, 2] * 20, "classification"),
        ([0.0, 1.0, np.nan] * 20, "classification"),
        (list(range(60)), "regression"),
        ([1.5, 2.25, 3.0] * 20, "regression"),
        ([0, 1, 2] * 4 + list(range(48)), "regression"),
    ],
)
def test_task_is_found_out(hpcore: Any, target: list[Any], task: str) -> None:
    rng = np.random.default_rng(1)
    pd.DataFrame({"x": rng.normal(size=60), "y": target}).to_csv("table.csv", index=False)
    args = ("tune", "table.csv", "--target", "y", "--model", "ridge", "--trials", 1, "--cv", 2, "--jobs", 1, "--json")
    result = hpcore(*args)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["task"] == task
    assert f"note: {task}, because 'y'" in result.stderr


def test_task_can_be_chosen(hpcore: Any) -> None:
    args = ("--model", "ridge", "--trials", 1, "--cv", 3, "--jobs", 1, "--json", "--task", "regression")
    result = hpcore("tune", "iris", *args)
    assert json.loads(result.stdout)["scoring"] == "r2"


def test_other_target_of_a_known_data_set(hpcore: Any) -> None:
    result = hpcore("tune", "iris", "--target", "petal width (cm)", "--trials", 2, "--jobs", 1, "--json")
    answer = json.loads(result.stdout)
    assert (answer["task"], answer["columns"]) == ("regression", 4)


def test_seed_repeats(hpcore: Any, tmp_path: Path) -> None:
    seen = []
    for out, seed in (("a", 3), ("b", 3), ("c", 4)):
        args = ("--model", "decision_tree", "--trials", 3, "--jobs", 1, "--seed", seed, "--out", out)
        assert hpcore("tune", "iris", *args).exit_code == 0
        rows = rows_of(tmp_path / out / "trials.csv")
        seen.append([{name: cell for name, cell in row.items() if "seconds" not in name} for row in rows])
    assert seen[0] == seen[1] != seen[2]


@pytest.mark.parametrize("sampler", ["random", "sobol", "grid"])
def test_samplers(hpcore: Any, sampler: str) -> None:
    args = ("--model", "knn", "--trials", 12, "--cv", 2, "--jobs", 1, "--json", "--sampler", sampler)
    answer = json.loads(hpcore("tune", "iris", *args).stdout)
    assert answer["sampler"] == sampler
    assert answer["n_trials"] == 12  # for the grid 2 * 2 * 3: as fine as twelve trials allow


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


@pytest.mark.parametrize(("model", "scoring"), [("svc", "roc_auc"), ("ridge", "f1"), ("logistic", "neg_log_loss")])
def test_scoring(hpcore: Any, model: str, scoring: str) -> None:
    args = ("--model", model, "--scoring", scoring, "--trials", 1, "--cv", 2, "--jobs", 1, "--json")
    result = hpcore("tune", "breast_cancer", *args)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["scoring"] == scoring


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
        "4",
        "--jobs",
        "2",
        "--json",
    ]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["jobs"] == 2
    X, y = load_iris(as_frame=True, return_X_y=True)
    assert joblib.load(tmp_path / "hpcore-out/best_model.joblib").score(X, y) > 0.8
