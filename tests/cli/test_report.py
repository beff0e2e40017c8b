"""The report: the best score, the score of a constant answer, and columns that leak the target."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpcore.cli.report import short

N = 240
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=N)
RARE = np.where(RNG.permutation(N) < 20, "sick", "well")
ANSWER = np.where(RNG.random(N) < 0.4, "left", "stayed")
OPTIONS = ("--model", "decision_tree", "--trials", 2, "--jobs", 1)


def test_names_are_shown_without_the_steps() -> None:
    names = ["model__C", "model__regressor__C", "prepare__encode__prose__n_components", "other__model__C"]
    assert [short(name) for name in names] == ["C", "C", "prose__n_components", "other__model__C"]


def test_a_score_that_a_constant_has_is_said_to_be_none(hpcore: Any) -> None:
    pd.DataFrame({"a": NOISE, "b": NOISE[::-1], "y": RARE}).to_csv("t.csv", index=False)
    args = ("tune", "t.csv", "--target", "y", "--model", "svc", "--trials", 2, "--jobs", 1, "--sampler", "sobol")
    args += ("--scoring", "accuracy")
    result = hpcore(*args)
    assert result.exit_code == 0, result.stderr
    assert "note: accuracy misleads, because 91.7 % of the rows are of class" in result.stderr
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


def test_a_perfect_score_is_not_praised(hpcore: Any) -> None:
    copy = np.where(ANSWER == "left", "churned", "active")
    gaps = np.where(ANSWER == "left", NOISE, np.nan)
    frame = pd.DataFrame({"a": NOISE, "copy as text": copy, "only the gaps tell": gaps, "y": ANSWER})
    frame.to_csv("t.csv", index=False)
    result = hpcore("tune", "t.csv", "--target", "y", *OPTIONS)
    assert result.exit_code == 0, result.stderr
    assert "warning: 'copy as text' alone gives accuracy 1.0000" in result.stderr
    assert "too good to be true? a column alone gives as much: 'copy as text' (1.0000)" in result.stdout
    answer = json.loads(hpcore("tune", "t.csv", "--target", "y", *OPTIONS, "--json").stdout)
    assert {found["column"] for found in answer["suspects"]} == {"copy as text", "only the gaps tell"}
    assert answer["best_score"] == answer["suspects"][0]["score"] == 1.0
    kept = json.loads(hpcore("show", "hpcore-out/runs.db", "--json").stdout)["attributes"]
    assert set(kept["columns that alone predict the target"]) == {"copy as text", "only the gaps tell"}
    assert kept["constant score"] == answer["constant_score"]


def test_facts_about_the_data_are_said_before_and_after(hpcore: Any) -> None:
    frame = pd.DataFrame({"a": NOISE, "y": np.where(NOISE + RNG.normal(size=N) > 0, "left", "stayed")})
    frame["gaps"] = np.where(np.arange(N) % 10, np.nan, NOISE)
    frame["copy"] = np.where(frame["y"] == "left", "churned", "active")
    frame.to_csv("t.csv", index=False)
    args = ("tune", "t.csv", "--target", "y", *OPTIONS, "--cv", 2)
    result = hpcore(*args)
    assert result.exit_code == 0, result.stderr
    for fact in ("most cells are missing in 'gaps' (90 %)", "scores are means of 2 folds"):
        assert result.stderr.count(f"note: {fact}") == 1
        assert result.stdout.count(f"remark: {fact}") == 1
    assert result.stderr.count("'copy'") == 1  # the warning
    assert not [line for line in result.stdout.splitlines() if line.startswith("remark") and "'copy'" in line]
    answer = json.loads(hpcore(*args, "--json").stdout)
    assert sum("'gaps'" in remark for remark in answer["remarks"]) == 1


def test_a_remark_names_what_the_command_does_not_have(hpcore: Any) -> None:
    days = pd.date_range("2024", periods=N).strftime("%Y-%m-%d")
    pd.DataFrame({"a": NOISE, "day": days, "y": np.cumsum(RNG.normal(size=N))}).to_csv("t.csv", index=False)
    for models in (("--model", "ridge"), ("--model", "ridge", "--model", "knn")):
        answer = json.loads(hpcore("tune", "t.csv", "--target", "y", *models, *OPTIONS[2:], "--json").stdout)
        assert any("pass to hpcore.tables.autotune cv=TimeSeriesSplit()" in remark for remark in answer["remarks"])


def test_the_model_as_it_is_stands_beside_the_best(hpcore: Any) -> None:
    rows = "hpcore-out/trials.csv"
    for model, first in (("svc", {"C": 1.0, "gamma": 0.25}), ("knn", {"n_neighbors": 5, "weights": "uniform"})):
        args = ("tune", "iris", "--model", model, "--trials", 3, "--jobs", 1, "--overwrite", "--out", "hpcore-out")
        answer = json.loads(hpcore(*args, "--json").stdout)
        trial = pd.read_csv(rows).iloc[0]
        assert {name: trial[name] for name in first} == first  # gamma="scale" is one over the number of columns
        assert answer["default_score"] == pytest.approx(trial["mean_score"])
        text = hpcore(*args).stdout
        assert f"default accuracy  {answer['default_score']:.4f}  ({model} with its own parameters" in text
        unclear = [remark for remark in answer["remarks"] if "with its default parameters" in remark]
        assert len(unclear) == (answer["best_trial"] != 0 and "not clearly better than the same model" in text)
    other = json.loads(hpcore("tune", "iris", *OPTIONS, "--sampler", "random", "--json", "--out", "other").stdout)
    assert other["default_score"] is None


def test_a_constant_answer_is_compared_once(hpcore: Any) -> None:
    pd.DataFrame({"a": NOISE, "b": NOISE[::-1], "y": ANSWER}).to_csv("t.csv", index=False)
    result = hpcore("tune", "t.csv", "--target", "y", *OPTIONS)
    assert result.stdout.count("constant answer") == 1, result.stdout
