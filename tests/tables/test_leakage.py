"""Columns that alone predict the target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold, StratifiedKFold

from hpcore.tables import leakage
from hpcore.tables.columns import classify
from hpcore.tables.data import load
from hpcore.tables.leakage import find_leaks
from hpcore.tables.preprocessing import reader
from hpcore.tables.target import split_target

N = 240
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
ANSWER = np.where(RNG.random(N) < 0.4, "left", "stayed")
GROUPS = RNG.integers(0, 40, N)
TEXTS = [" ".join(RNG.choice(["the", "price", "was", "good", "but", "too", "late"], 9)) + f" {i}" for i in range(N)]
LEAKS: dict[str, Any] = {
    "copy as a number": (ANSWER == "left") * 1.5 + 2,
    "copy as text": np.where(ANSWER == "left", "churned", "active"),
    "many words, each of one class": [f"{answer[0]}{i % 25}" for i, answer in enumerate(ANSWER)],
    "a threshold": np.where(ANSWER == "left", RNG.uniform(5, 9, N), RNG.uniform(-3, 4, N)),
    "only the gaps tell": np.where(ANSWER == "left", NOISE, np.nan),
    "a date that only some have": np.where(ANSWER == "left", [f"2024-03-{i % 28 + 1:02d}" for i in range(N)], None),
    "an id in order of the classes": 7_000_000_000 + 3 * np.argsort(np.argsort(ANSWER, kind="stable")),
    "a word of prose": [f"{TEXTS[i]}, closed" if a == "left" else TEXTS[i] for i, a in enumerate(ANSWER)],
    "money": [f"${1000 + (a == 'left') * 500 + i % 50:,}" for i, a in enumerate(ANSWER)],
}


def problem_of(frame: pd.DataFrame, target: str = "y") -> tuple[Any, Any]:
    frame.to_csv("t.csv", index=False)
    table = load("t.csv")
    problem = split_target(table, target, None)
    columns = classify(problem.X, table.likely)
    problem.X = reader(columns).transform(problem.X)
    return problem, columns


@pytest.mark.parametrize("name", LEAKS)
@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc"])
def test_a_column_that_tells_the_class_is_named(name: str, scoring: str) -> None:
    problem, columns = problem_of(pd.DataFrame({"a": NOISE, name: LEAKS[name], "y": ANSWER}))
    found, checked = find_leaks(problem, columns, StratifiedKFold(5, shuffle=True, random_state=0), scoring, 0)
    assert [leak.column for leak in found] == [name]
    assert found[0].score > 0.98
    assert found[0].distinct == ("order" in name or "threshold" in name)
    assert checked == 2


def test_prose_that_tells_nothing() -> None:
    problem, columns = problem_of(pd.DataFrame({"t": TEXTS, "y": ANSWER}))
    assert columns.prose == ["t"]
    assert find_leaks(problem, columns, StratifiedKFold(5), "accuracy", 0) == ([], 1)


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
    found, _ = find_leaks(problem, columns, KFold(5, shuffle=True, random_state=0), "r2", 0)
    assert [leak.column for leak in found] == [name]


@pytest.mark.parametrize("data", ["iris", "wine", "breast_cancer", "digits", "diabetes"])
def test_honest_columns_are_not_suspected(data: str) -> None:
    problem = split_target(load(data), None, None)
    columns = classify(problem.X)
    problem.X = reader(columns).transform(problem.X)
    folds = (KFold if problem.task == "regression" else StratifiedKFold)(5, shuffle=True, random_state=0)
    scoring = "r2" if problem.task == "regression" else "accuracy"
    found, checked = find_leaks(problem, columns, folds, scoring, 0)
    assert (found, checked) == ([], len(columns))


def test_a_noisy_copy_and_a_text_of_groups_are_not_suspected() -> None:
    words = [f"g{group}" for group in GROUPS]
    frame = pd.DataFrame({"near": (ANSWER == "left") + RNG.normal(0, 0.4, N), "words": words, "y": ANSWER})
    problem, columns = problem_of(frame)
    assert find_leaks(problem, columns, StratifiedKFold(5), "accuracy", 0)[0] == []


@pytest.mark.parametrize("leak", ["copy as text", "a threshold", "only the gaps tell", "an id in order of the classes"])
def test_the_likeliest_columns_of_a_wide_table_come_first(leak: str, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(RNG.normal(size=(N, 60)), columns=[f"f{i}" for i in range(60)]).assign(**{leak: LEAKS[leak]})
    problem, columns = problem_of(frame.assign(y=ANSWER))
    ticks = iter(range(1000))
    monkeypatch.setattr(leakage.time, "monotonic", lambda: next(ticks))
    found, checked = find_leaks(problem, columns, StratifiedKFold(5, shuffle=True, random_state=0), "accuracy", 0)
    assert [leak.column for leak in found] == [leak]
    assert checked == leakage.SECONDS
    problem, columns = problem_of(
        frame.assign(y=LEAKS["a threshold"]).drop(columns=leak).assign(twice=2 * LEAKS["a threshold"])
    )
    found, checked = find_leaks(problem, columns, KFold(5, shuffle=True, random_state=0), "r2", 0)
    assert [leak.column for leak in found] == ["twice"]
    assert checked == leakage.SECONDS
