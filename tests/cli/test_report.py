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
