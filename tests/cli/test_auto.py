"""`hpcore tune` with several models: the search among them, its files, and the commands that go on with it."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

import hpcore as hp
from hpcore.tables import autotune
from hpcore.tables.leaderboard import Row

SEVERAL = ("--model", "logistic", "--model", "decision_tree", "--jobs", 1)
FILES = ["trials.csv", "best_params.json", "best_model.joblib", "table_steps.py", "predict.py", "requirements.txt"]
FILES += ["model.json", "leaderboard.csv"]
AUTO = ["logistic", "ridge"]


def table(n: int = 160, seed: int = 0) -> pd.DataFrame:
    """Two classes that follow a number, in words, and a category; one cell in ten is missing."""
    rng = np.random.default_rng(seed)
    price, kind = rng.uniform(5, 90, n), rng.choice(["red", "green", "blue"], n)
    frame = pd.DataFrame({"price": [f"${value:.2f}" for value in price], "kind": kind, "noise": rng.normal(size=n)})
    frame["outcome"] = np.where(price + 20 * (kind == "red") + 8 * rng.normal(size=n) > 50, "buys", "leaves")
    frame.loc[rng.random(n) < 0.1, "noise"] = np.nan
    return frame


@pytest.fixture
def data(tmp_path: Path) -> pd.DataFrame:
    """Return the table, which is t.csv in the empty folder."""
    frame = table()
    frame.to_csv(tmp_path / "t.csv", index=False)
    return frame


@pytest.fixture
def few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the automatic choice have two cheap models only."""
    monkeypatch.setattr("hpcore.tables.model_list._USUAL", dict.fromkeys(AUTO, 10**9))
    monkeypatch.setattr("hpcore.tables.model_list._BOOSTING", ("ridge",))


def run(hpcore: Any, *arguments: object, models: tuple[object, ...] = SEVERAL) -> tuple[dict[str, Any], str]:
    """Run the command with --json; return the report and what was printed beside it."""
    result = hpcore("tune", "t.csv", "--target", "outcome", *models, *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout, parse_constant=pytest.fail), result.stderr


def rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_report_and_files(hpcore: Any, data: pd.DataFrame) -> None:
    answer, said = run(hpcore, "--trials", 6)
    assert answer["models"] == ["logistic", "decision_tree"]
    assert answer["model"] == answer["best_params"]["model"] == answer["leaderboard"][0]["model"]
    assert (answer["n_trials"], answer["cv"], answer["task"], answer["target"]) == (6, 10, "classification", "outcome")
    assert answer["best_score"] == pytest.approx(answer["leaderboard"][0]["score"])
    assert answer["constant_score"] < answer["default_score"] <= answer["best_score"]
    assert answer["better_than_constant"] is True
    assert answer["scheduler"] is None and answer["levels"] is None and answer["ensemble_score"] is None
    assert sum(row["n_trials"] for row in answer["leaderboard"]) == 6
    assert set(answer["leaderboard"][0]) == set(Row.__dataclass_fields__)
    assert "note: models, the cheapest first: logistic, decision_tree" in said
    assert "trial 6/6" in said
    assert answer["files"] == [f"hpcore-out/{name}" for name in FILES]
    there = sorted(path.name for path in Path("hpcore-out").iterdir() if path.suffix != ".db-journal")
    assert there == sorted([*FILES, "runs.db", "study.json"])
    assert json.loads(Path("hpcore-out/best_params.json").read_text()) == answer["best_params"]

    model = joblib.load("hpcore-out/best_model.joblib")
    assert model.score(data.drop(columns="outcome"), data["outcome"]) > 0.85
    assert not type(model.steps[-1][1]).__module__.startswith("hpcore")

    for row, shown in zip(rows_of("hpcore-out/leaderboard.csv"), answer["leaderboard"], strict=True):
        assert row["model"] == shown["model"]
        assert {name: value for name, value in row.items() if value == ""}.keys() == {
            name for name, value in shown.items() if value is None
        }
    states = [row["state"] for row in rows_of("hpcore-out/trials.csv")]
    assert len(states) == 6 and set(states) <= {"complete", "pruned"}
    assert states.count("pruned") == answer["n_pruned"]


def test_text(hpcore: Any, data: pd.DataFrame) -> None:
    result = hpcore("tune", "t.csv", "--target", "outcome", *SEVERAL, "--trials", 4)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    head = next(i for i, line in enumerate(lines) if line.split()[:3] == ["model", "score", "interval"])
    assert {lines[head + 1].split()[0], lines[head + 2].split()[0]} == {"logistic", "decision_tree"}
    assert any(line.startswith("default accuracy") for line in lines)
    assert lines[lines.index("best parameters") + 1].split()[0] == "model"


def test_the_command_and_the_function_find_the_same(hpcore: Any, data: pd.DataFrame) -> None:
    answer, _ = run(hpcore, "--trials", 6)
    tuned = autotune(data, "outcome", models=["decision_tree", "logistic"], n_trials=6, n_jobs=1)
    assert (tuned.best_model_, tuned.best_score_) == (answer["model"], pytest.approx(answer["best_score"], abs=1e-12))
    assert tuned.default_score_ == pytest.approx(answer["default_score"])


@pytest.mark.usefixtures("few_models")
def test_an_automatic_choice_within_a_time(hpcore: Any, data: pd.DataFrame) -> None:
    answer, said = run(hpcore, "--time", 3, models=("--model", "auto", "--jobs", 1))
    assert answer["models"] == AUTO
    assert answer["n_trials"] >= 1
    assert f"note: models, the cheapest first: {', '.join(AUTO)}" in said
    repeated, _ = run(hpcore, "--trials", 3, models=("--model", "auto", "--model", "auto", "--jobs", 1))
    assert repeated["models"] == AUTO


def test_predict_and_show(hpcore: Any, data: pd.DataFrame) -> None:
    answer, _ = run(hpcore, "--trials", 3, "--out", "run")
    data.drop(columns="outcome").to_csv("new.csv", index=False)
    result = hpcore("predict", "run", "new.csv")
    assert result.exit_code == 0, result.stderr
    expected = joblib.load("run/best_model.joblib").predict(data.drop(columns="outcome"))
    assert result.stdout.splitlines() == ["outcome", *expected]
    shown = hpcore("show", "run")
    assert shown.exit_code == 0, shown.stderr
    assert f"{answer['model']} for classification of 'outcome' in t.csv" in shown.stdout
    assert "the models that were compared" in shown.stdout
    assert "hpcore resume run --trials N" in shown.stdout
    facts = json.loads(hpcore("show", "run", "--json").stdout)
    assert facts["score"] == answer["best_score"] and facts["constant_score"] == answer["constant_score"]
    assert hpcore("show", "run/runs.db").exit_code == 0


def test_a_stored_search_goes_on(hpcore: Any, data: pd.DataFrame) -> None:
    run(hpcore, "--trials", 3)
    first = Path("hpcore-out/trials.csv").read_text().splitlines()[1:]
    answer, said = run(hpcore, "--trials", 5)
    assert "continuing with 3 candidates from hpcore-out" in said
    assert answer["n_trials"] == 5
    rows = [line.split(",")[:2] for line in Path("hpcore-out/trials.csv").read_text().splitlines()[1:]]
    assert rows[:3] == [line.split(",")[:2] for line in first] and len(rows) == 5
    resumed = hpcore("resume", "hpcore-out", "--trials", 6, "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["n_trials"] == 6
    limited = hpcore("resume", "hpcore-out", "--time", 2, "--trials", 8, "--json")
    assert limited.exit_code == 0, limited.stderr
    assert 6 <= json.loads(limited.stdout)["n_trials"] <= 8
    assert [study.name.split()[1] for study in hp.list_studies("hpcore-out/runs.db")] == ["autotune"]
    # Data that has changed is another search.
    data.iloc[:-1].to_csv("t.csv", index=False)
    changed = hpcore("resume", "hpcore-out")
    assert changed.exit_code == 2 and "cannot be resumed" in changed.stderr


def test_an_ensemble(hpcore: Any, data: pd.DataFrame) -> None:
    options = ("--model", "decision_tree", "--model", "knn", "--jobs", 1)
    answer, _ = run(hpcore, "--trials", 8, "--ensemble", "--scoring", "neg_log_loss", models=options)
    assert answer["ensemble_score"] > answer["best_score"]
    model = joblib.load("hpcore-out/best_model.joblib")
    assert len(model.estimators_) > 1
    facts = json.loads(Path("hpcore-out/model.json").read_text())
    assert (facts["model"], facts["score"]) == ("ensemble", answer["ensemble_score"])
    result = hpcore("predict", "hpcore-out", "t.csv", "--proba")
    assert result.exit_code == 0, result.stderr
    found = np.array([line.split(",") for line in result.stdout.splitlines()[1:]], dtype=float)
    np.testing.assert_allclose(found, model.predict_proba(data.drop(columns="outcome")), rtol=1e-12)


def test_a_large_table_is_not_stored(hpcore: Any, tmp_path: Path) -> None:
    table(5200).to_csv(tmp_path / "t.csv", index=False)
    answer, said = run(hpcore, "--trials", 6)
    assert "such a search is not stored" in said
    assert not Path("hpcore-out/runs.db").exists()
    assert (answer["scheduler"], answer["resource"]) == ("asha", "n_samples")
    assert answer["levels"] == [1733, 5200] and answer["best_score"] == answer["leaderboard"][0]["score"]
    assert sum(row["n_trials"] for row in answer["leaderboard"]) == answer["n_trials"] == 6
    assert answer["leaderboard"][0]["resource"] == 5200
    stored, said = run(hpcore, "--trials", 2, "--scheduler", "none", "--out", "other")
    assert "not stored" not in said
    assert stored["scheduler"] is None and Path("other/runs.db").exists()
    resumed = hpcore("resume", "other", "--trials", 3, "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["n_trials"] == 3


def test_a_scheduler_by_name(hpcore: Any, data: pd.DataFrame) -> None:
    answer, said = run(hpcore, "--trials", 4, "--scheduler", "hyperband")
    assert (answer["scheduler"], answer["resource"]) == ("hyperband", "n_samples")
    assert "not stored" in said and not Path("hpcore-out/runs.db").exists()


def test_columns_and_the_positive_class(hpcore: Any, data: pd.DataFrame) -> None:
    options = ("--trials", 2, "--drop", "noise", "--scoring", "f1")
    first, _ = run(hpcore, *options, "--positive", "buys")
    second, _ = run(hpcore, *options, "--positive", "leaves", "--out", "other")
    assert first["columns"] == second["columns"] == 2
    assert first["scoring"] == "f1" and first["best_score"] != second["best_score"]
    facts = json.loads(Path("other/model.json").read_text())
    assert [column["name"] for column in facts["columns"]] == ["price", "kind"]
    resumed = hpcore("resume", "other", "--trials", 3, "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["columns"] == 2


def test_remarks_are_said_once(hpcore: Any, data: pd.DataFrame) -> None:
    data["copy"] = np.where(data["outcome"] == "buys", "b", "c")
    data["gaps"] = np.where(np.arange(len(data)) % 10, np.nan, 1.5 + np.arange(len(data)))
    data.to_csv("t.csv", index=False)
    answer, said = run(hpcore, "--trials", 2)
    assert len([remark for remark in answer["remarks"] if "'copy' alone predicts" in remark]) == 1
    assert said.count("'copy' alone predicts") == 1
    assert any("'gaps' (90 %)" in remark for remark in answer["remarks"])
    assert len(set(answer["remarks"])) == len(answer["remarks"])


def test_a_model_of_nothing(hpcore: Any, data: pd.DataFrame) -> None:
    data["outcome"] = np.random.default_rng(5).permutation(data["outcome"].to_numpy())
    data.to_csv("t.csv", index=False)
    result = hpcore("tune", "t.csv", "--target", "outcome", *SEVERAL, "--trials", 2)
    assert result.stdout.count("not clearly better than a constant answer") == 1


def test_imbalanced_classes(hpcore: Any, data: pd.DataFrame) -> None:
    data["outcome"] = np.where(data["noise"].rank() <= 20, "rare", "usual")
    data.to_csv("t.csv", index=False)
    answer, _ = run(hpcore, "--trials", 2)
    assert answer["scoring"] == "roc_auc"
    assert sum("roc_auc" in remark for remark in answer["remarks"]) == 1
    named, _ = run(hpcore, "--trials", 2, "--scoring", "accuracy", "--out", "other")
    assert sum("accuracy misleads" in remark for remark in named["remarks"]) == 1


def test_a_directory_of_several_models_is_replaced_by_one_of_one(hpcore: Any, data: pd.DataFrame) -> None:
    run(hpcore, "--trials", 2)
    run(hpcore, "--trials", 2, "--overwrite", "--out", "hpcore-out", models=("--model", "knn", "--jobs", 1))
    assert not Path("hpcore-out/leaderboard.csv").exists()


def test_some_model_fails(hpcore: Any, data: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(self: Any, X: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        raise ValueError("no luck today")

    options = ("--model", "logistic", "--model", "knn", "--jobs", 1)
    monkeypatch.setattr("sklearn.neighbors.KNeighborsClassifier.fit", fit)
    answer, _ = run(hpcore, "--trials", 7, models=options)
    assert answer["model"] == "logistic" and answer["n_failed"] == 3
    failed = answer["leaderboard"][1]
    assert (failed["model"], failed["score"], failed["n_failed"]) == ("knn", None, 3)
    monkeypatch.setattr("sklearn.linear_model.LogisticRegression.fit", fit)
    result = hpcore("tune", "t.csv", "--target", "outcome", *options, "--trials", 2, "--out", "other")
    assert result.exit_code == 1
    assert "every trial failed" in result.stderr and "no luck today" in result.stderr


def test_ctrl_c(hpcore: Any, data: pd.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(self: Any, X: Any, y: Any, *args: Any, **kwargs: Any) -> Any:
        raise KeyboardInterrupt

    command = ("tune", "t.csv", "--target", "outcome", "--model", "logistic", "--model", "knn", "--jobs", 1)
    with monkeypatch.context() as patched:
        patched.setattr("sklearn.neighbors.KNeighborsClassifier.fit", pressed)
        result = hpcore(*command, "--trials", 4, "--json", "--out", "run")
        assert result.exit_code == 130, result.stderr
        answer = json.loads(result.stdout)
        assert answer["interrupted"] and answer["model"] == "logistic" and answer["n_trials"] == 1
        assert "interrupted; to go on: hpcore resume run" in result.stderr
        assert rows_of("run/leaderboard.csv")[0]["model"] == "logistic"
        patched.setattr("sklearn.linear_model.LogisticRegression.fit", pressed)
        nothing = hpcore(*command, "--trials", 4, "--out", "nothing")
        assert nothing.exit_code == 130 and nothing.stdout == ""
        assert "to go on: hpcore resume nothing" in nothing.stderr
    resumed = hpcore("resume", "run", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    answer = json.loads(resumed.stdout)
    assert answer["n_trials"] == 4 and not answer["interrupted"]
    assert all(math.isfinite(row["score"]) for row in answer["leaderboard"])
    assert hpcore("resume", "nothing", "--trials", 2).exit_code == 0
