"""Models of `hpcore tune` whose training stops early predict where hpcore is not installed."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest

from tests.tables.deployed import environment, required, run

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the environment is made of symbolic links"),
    pytest.mark.skipif(find_spec("lightgbm") is None or find_spec("xgboost") is None, reason="they are what is tested"),
]
ROWS = 1_200  # from 1,000 rows on the number of rounds is found by early stopping
SEARCHES: dict[str, tuple[object, ...]] = {
    "lightgbm": ("--target", "outcome", "--drop", "level", "--model", "lightgbm", "--trials", 1),
    "xgboost": ("--target", "level", "--drop", "outcome", "--model", "xgboost", "--trials", 1),
    "xgboost-classes": ("--target", "outcome", "--drop", "level", "--model", "xgboost", "--trials", 1),
    "auto": ("--target", "outcome", "--drop", "level", "--model", "lightgbm", "--model", "xgboost", "--trials", 2),
    "ensemble": (
        *("--target", "outcome", "--drop", "level", "--model", "lightgbm", "--model", "logistic", "--model", "xgboost"),
        *("--trials", 3, "--ensemble", "--scoring", "neg_log_loss"),
    ),
}


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    price, kind = rng.uniform(5, 90, ROWS), rng.choice(["red", "green", "blue"], ROWS)
    frame = pd.DataFrame({"price": [f"${value:.2f}" for value in price], "kind": kind, "noise": rng.normal(size=ROWS)})
    level = price / 30 + (kind == "red") + 0.3 * rng.normal(size=ROWS)
    frame["level"], frame["outcome"] = level.round(4), np.where(level > 2, "buys", "leaves")
    frame.loc[rng.random(ROWS) < 0.1, "noise"] = np.nan
    return frame


def test_models_with_early_stopping(hpcore: Any, tmp_path: Path) -> None:
    frame = table()
    frame.to_csv(tmp_path / "t.csv", index=False)
    features = frame.drop(columns=["level", "outcome"])
    for name, options in SEARCHES.items():
        result = hpcore("tune", "t.csv", *options, "--cv", 2, "--jobs", 1, "--json", "--out", name)
        assert result.exit_code == 0, result.stderr
        assert "needs hpcore" not in result.stderr, name
        assert f"{name}/predict.py" in json.loads(result.stdout)["files"]
    assert len(joblib.load("ensemble/best_model.joblib").estimators_) > 1
    python = environment(tmp_path, sorted({package for name in SEARCHES for package in required(tmp_path / name)}))
    for name in SEARCHES:
        done = run(python, tmp_path / name / "predict.py", "t.csv", cwd=tmp_path)
        assert done.returncode == 0, (name, done.stderr)
        expected = joblib.load(tmp_path / name / "best_model.joblib").predict(features)
        target, *found = done.stdout.splitlines()
        assert target == SEARCHES[name][1]
        if target == "level":
            np.testing.assert_allclose(np.array(found, dtype=float), expected, rtol=1e-6)
        else:
            assert found == expected.tolist()
