"""Scores that deserve doubt: no better than a constant, or a column alone gives them; categories that are merged."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import log_loss
from sklearn.model_selection import KFold, StratifiedKFold

from hpcore.tables import doubts
from hpcore.tables.columns import classify
from hpcore.tables.data import load
from hpcore.tables.preprocessing import preprocessor, reader
from hpcore.tables.target import pose

N = 240
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
RARE = np.where(RNG.permutation(N) < 20, "sick", "well")
OPTIONS = ("--model", "decision_tree", "--trials", 2, "--jobs", 1)


def problem_of(frame: pd.DataFrame, target: str = "y") -> tuple[Any, Any]:
    frame.to_csv("t.csv", index=False)
    table = load("t.csv")
    problem = pose(table, target, None)
    columns = classify(problem.X, table.likely)
    problem.X = reader(columns).transform(problem.X)
    return problem, columns


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_score_that_a_constant_has_is_said_to_be_none(hpcore: Any) -> None:
    pd.DataFrame({"a": NOISE, "b": NOISE[::-1], "y": RARE}).to_csv("t.csv", index=False)
    args = ("tune", "t.csv", "--target", "y", "--model", "svc", "--trials", 2, "--jobs", 1, "--sampler", "sobol")
    result = hpcore(*args)
    assert result.exit_code == 0, result.stderr
    assert "constant accuracy  0.9167" in result.stdout
    assert "the best is not clearly better than a constant answer" in result.stdout
    answer = json.loads(hpcore(*args, "--json").stdout)
    assert answer["constant_score"] == pytest.approx(220 / 240)
    assert answer["better_than_constant"] is False
    assert answer["suspects"] == []
    assert any("'y' has 2 distinct values" in note for note in answer["notes"])


def test_a_better_score_stands_beside_the_constant(hpcore: Any) -> None:
    result = hpcore("tune", "iris", *OPTIONS)
    assert "constant accuracy  0.3333" in result.stdout
    assert "not clearly better" not in result.stdout
    assert "too good" not in result.stdout
    answer = json.loads(hpcore("tune", "diabetes", *OPTIONS, "--scoring", "r2", "--json", "--out", "other").stdout)
    assert -0.1 < answer["constant_score"] <= 0
    assert answer["better_than_constant"] is True


@pytest.mark.parametrize(
    "scoring", ["accuracy", "balanced_accuracy", "neg_log_loss", "roc_auc", "r2", "neg_mean_absolute_error"]
)
def test_the_constant_is_the_one_of_the_folds(scoring: str) -> None:
    regression = scoring in ("r2", "neg_mean_absolute_error")
    y = NOISE if regression else (RARE == "sick").astype(int)
    problem, _ = problem_of(pd.DataFrame({"a": NOISE[::-1], "y": y}))
    folds = (KFold if regression else StratifiedKFold)(4, shuffle=True, random_state=1)
    expected = []
    for train, test in folds.split(problem.X, problem.y):
        seen, asked = problem.y.to_numpy()[train], problem.y.to_numpy()[test]
        mean = seen.mean()
        expected.append(
            {
                "accuracy": lambda a=asked: np.mean(a == 0),
                "balanced_accuracy": lambda: 0.5,
                "neg_log_loss": lambda a=asked, m=mean: -log_loss(a, np.full(len(a), m)),
                "roc_auc": lambda: 0.5,
                "r2": lambda a=asked, m=mean: 1 - np.sum((a - m) ** 2) / np.sum((a - a.mean()) ** 2),
                "neg_mean_absolute_error": lambda a=asked, m=mean: -np.mean(np.abs(a - m)),
            }[scoring]()
        )
    np.testing.assert_allclose(doubts.constant_scores(problem, folds, scoring), expected, rtol=1e-12)


def test_better_means_beyond_the_spread_of_the_folds() -> None:
    constant = np.array([0.9, 0.92, 0.91])
    assert doubts.is_better(constant + 0.05, constant)
    assert not doubts.is_better(constant, constant)
    assert not doubts.is_better(constant - 0.05, constant)
    assert not doubts.is_better(constant + np.array([0.03, -0.03, 0.01]), constant)


ANSWER = np.where(RNG.random(N) < 0.4, "left", "stayed")
GROUPS = RNG.integers(0, 40, N)
LEAKS: dict[str, Any] = {
    "copy as a number": (ANSWER == "left") * 1.5 + 2,
    "copy as text": np.where(ANSWER == "left", "churned", "active"),
    "many words, each of one class": [f"{answer[0]}{i % 25}" for i, answer in enumerate(ANSWER)],
    "a threshold": np.where(ANSWER == "left", RNG.uniform(5, 9, N), RNG.uniform(-3, 4, N)),
    "only the gaps tell": np.where(ANSWER == "left", NOISE, np.nan),
    "a date that only some have": np.where(ANSWER == "left", [f"2024-03-{i % 28 + 1:02d}" for i in range(N)], None),
    "an id in order of the classes": 7_000_000_000 + 3 * np.argsort(np.argsort(ANSWER, kind="stable")),
    "money": [f"${1000 + (a == 'left') * 500 + i % 50:,}" for i, a in enumerate(ANSWER)],
}


@pytest.mark.parametrize("name", LEAKS)
@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc"])
def test_a_column_that_tells_the_class_is_named(name: str, scoring: str) -> None:
    problem, columns = problem_of(pd.DataFrame({"a": NOISE, name: LEAKS[name], "y": ANSWER}))
    found, checked = doubts.suspects(problem, columns, StratifiedKFold(5, shuffle=True, random_state=0), scoring, 0)
    assert [suspect.column for suspect in found] == [name]
    assert found[0].score > 0.98
    assert found[0].distinct == ("order" in name or "threshold" in name)
    assert checked == 2


@pytest.mark.parametrize(
    ("name", "leak"),
    [
        ("copy", NOISE),
        ("other unit", 32 + 1.8 * NOISE),
        ("monotone", np.exp(NOISE)),
        ("not monotone, but exact", -np.sqrt(NOISE - NOISE.min())),
        ("rounded", NOISE.round(2)),
        ("for people", [f"{value:,.3f} kg" for value in NOISE * 1000]),
    ],
)
def test_a_column_that_tells_the_quantity_is_named(name: str, leak: Any) -> None:
    problem, columns = problem_of(pd.DataFrame({"a": RNG.normal(size=N), name: leak, "y": NOISE}))
    found, _ = doubts.suspects(problem, columns, KFold(5, shuffle=True, random_state=0), "r2", 0)
    assert [suspect.column for suspect in found] == [name]


@pytest.mark.parametrize("data", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_honest_columns_are_not_suspected(data: str) -> None:
    problem = pose(load(data), None, None)
    columns = classify(problem.X)
    problem.X = reader(columns).transform(problem.X)
    folds = (KFold if problem.task == "regression" else StratifiedKFold)(5, shuffle=True, random_state=0)
    scoring = "r2" if problem.task == "regression" else "accuracy"
    found, checked = doubts.suspects(problem, columns, folds, scoring, 0)
    assert (found, checked) == ([], len(columns))


def test_a_noisy_copy_and_a_text_of_groups_are_not_suspected() -> None:
    words = [f"g{group}" for group in GROUPS]
    frame = pd.DataFrame({"near": (ANSWER == "left") + RNG.normal(0, 0.4, N), "words": words, "y": ANSWER})
    problem, columns = problem_of(frame)
    assert doubts.suspects(problem, columns, StratifiedKFold(5), "accuracy", 0)[0] == []


def test_wide_tables_are_checked_as_far_as_there_is_time(hpcore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubts, "SECONDS", -1.0)
    result = hpcore("tune", "iris", *OPTIONS)
    assert "note: whether a column alone says what 'target' is was seen for 0 of 4 columns" in result.stderr


@pytest.mark.parametrize("leak", ["copy as text", "a threshold", "only the gaps tell", "an id in order of the classes"])
def test_the_likeliest_columns_of_a_wide_table_come_first(leak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(RNG.normal(size=(N, 300)), columns=[f"f{i}" for i in range(300)]).assign(**{leak: LEAKS[leak]})
    problem, columns = problem_of(frame.assign(y=ANSWER))
    ticks = iter(range(1000))
    monkeypatch.setattr(doubts.time, "monotonic", lambda: next(ticks))
    found, checked = doubts.suspects(problem, columns, StratifiedKFold(5, shuffle=True, random_state=0), "accuracy", 0)
    assert [suspect.column for suspect in found] == [leak]
    assert checked == doubts.SECONDS
    problem, columns = problem_of(
        frame.assign(y=LEAKS["a threshold"]).drop(columns=leak).assign(twice=2 * LEAKS["a threshold"])
    )
    found, checked = doubts.suspects(problem, columns, KFold(5, shuffle=True, random_state=0), "r2", 0)
    assert [suspect.column for suspect in found] == ["twice"]
    assert checked == doubts.SECONDS


def test_a_perfect_score_is_not_praised(hpcore: Any) -> None:
    frame = pd.DataFrame(
        {"a": NOISE, **{name: LEAKS[name] for name in ("copy as text", "only the gaps tell")}, "y": ANSWER}
    )
    frame.to_csv("t.csv", index=False)
    result = hpcore("tune", "t.csv", "--target", "y", *OPTIONS)
    assert result.exit_code == 0, result.stderr
    assert "warning: 'copy as text' alone gives accuracy 1.0000" in result.stderr
    assert "too good to be true? a column alone gives as much: 'copy as text' (1.0000)" in result.stdout
    answer = json.loads(hpcore("tune", "t.csv", "--target", "y", *OPTIONS, "--json").stdout)
    assert {found["column"] for found in answer["suspects"]} == {"copy as text", "only the gaps tell"}
    assert answer["best_score"] == answer["suspects"][0]["score"] == 1.0
    kept = json.loads(hpcore("show", "hpcore-out", "--json").stdout)["attributes"]
    assert set(kept["columns that alone tell the target"]) == {"copy as text", "only the gaps tell"}
    assert kept["constant score"] == answer["constant_score"]


def test_merged_categories_are_counted() -> None:
    cities = [f"city {int(i)}" for i in RNG.zipf(1.3, 3000) % 200]
    frame = pd.DataFrame({"city": cities, "few": ["u", "v"] * 1500})
    columns = classify(frame)
    step = preprocessor(columns, scale=False, missing=False)
    matrix = pd.DataFrame(step.fit_transform(frame), columns=step.get_feature_names_out())
    others = int(matrix["city_infrequent_sklearn"].sum())
    n = len(Counter(cities))
    assert (
        f"'city' has {n} categories: the 29 most frequent are told apart, the others, {others} of 3000 rows"
        in "\n".join(columns.notices)
    )
    assert "'few'" not in "\n".join(columns.notices)


def test_another_reading_is_another_study(hpcore: Any) -> None:
    text = "größe,y\n" + "".join(f"{NOISE[i]:.3f},{'ja' if i % 2 else 'né'}\n" for i in range(N))
    Path("t.csv").write_bytes(text.encode("latin-1"))
    args = ("tune", "t.csv", "--target", "y", *OPTIONS)
    assert hpcore(*args).exit_code == 0
    assert "going on with 2 candidates" in hpcore(*args).stderr
    other = hpcore(*args, "--encoding", "cp437")
    assert other.exit_code == 0
    assert "going on with" not in other.stderr
    assert "n\u0398" in set(joblib.load("hpcore-out/best_model.joblib").classes_)
    names = [study["study"] for study in json.loads(hpcore("show", "hpcore-out", "--json").stdout)]
    assert len(names) == 2
    for name in names:  # each goes on with the encoding that it was begun with
        result = hpcore("resume", "hpcore-out", name, "--trials", 3)
        assert result.exit_code == 0, result.stderr
        assert "going on with 2 candidates" in result.stderr
