"""`hpcore tune` with a scheduler."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.datasets import load_breast_cancer

from hpcore.cli.fidelity import check_scheduler, options_of
from hpcore.errors import InvalidArgument
from hpcore.tables import presets

FAST = ("--cv", 3, "--jobs", 1, "--json")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("sampler", ["random", "grid"])
def test_rows(hpcore: Any, tmp_path: Path, sampler: str) -> None:
    result = hpcore(
        "tune",
        "breast_cancer",
        "--model",
        "decision_tree",
        "--scheduler",
        "halving",
        "--sampler",
        sampler,
        "--trials",
        9,
        *FAST,
    )
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["scheduler"], answer["resource"]) == ("halving", "n_samples")
    assert answer["levels"] == [63, 189, 567]
    assert answer["n_trials"] <= 9
    assert answer["best_score"] > 0.85
    assert "is not stored" in result.stderr
    out = tmp_path / "hpcore-out"
    assert not (out / "runs.db").exists()
    rows = rows_of(out / "trials.csv")
    assert {row["n_resources"] for row in rows} == {"63", "189", "567"}
    assert len({row["number"] for row in rows}) == answer["n_trials"]
    best = [row for row in rows if row["number"] == str(answer["best_trial"])]
    assert float(best[-1]["mean_score"]) == pytest.approx(answer["best_score"])
    X, y = load_breast_cancer(as_frame=True, return_X_y=True)
    assert joblib.load(out / "best_model.joblib").score(X, y) > 0.9


def test_parameter_of_the_model(hpcore: Any, tmp_path: Path) -> None:
    result = hpcore(
        "tune", "iris", "--model", "random_forest", "--scheduler", "hyperband", "--resource", "n_estimators",
        "--sampler", "tpe", "--trials", 30, *FAST,
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    assert answer["levels"][-1] == 400  # the end of its range
    assert answer["best_params"]["n_estimators"] == 400
    assert joblib.load(tmp_path / "hpcore-out" / "best_model.joblib")[-1].n_estimators == 400
    assert {row["n_resources"] for row in rows_of(tmp_path / "hpcore-out" / "trials.csv")} == {
        str(level) for level in answer["levels"]
    }


def test_report(hpcore: Any) -> None:
    result = hpcore(
        "tune", "iris", "--model", "decision_tree", "--scheduler", "asha", "--trials", 9, "--cv", 2, "--jobs", 1
    )
    assert result.exit_code == 0, result.stderr
    assert "asha on n_samples: " in result.stdout


def test_halving_with_a_timeout_has_a_number_of_candidates(hpcore: Any) -> None:
    result = hpcore(
        "tune",
        "iris",
        "--model",
        "decision_tree",
        "--scheduler",
        "halving",
        "--sampler",
        "random",
        "--timeout",
        60,
        *FAST,
    )
    assert result.exit_code == 0, result.stderr
    assert len(json.loads(result.stdout)["levels"]) > 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--scheduler", "hyperbnad"), ["--scheduler must be one of", "did you mean 'hyperband'"]),
        (("--resource", "n_samples"), ["--resource needs --scheduler"]),
        (("--scheduler", "asha", "--resource", "n_trees"), ["--resource must be n_samples or one of", "'n_trees'"]),
        (("--scheduler", "asha", "--resource", "epochs"), ["needs a number of epochs"]),
    ],
)
def test_wrong_options(hpcore: Any, options: Any, says: list[str]) -> None:
    result = hpcore("tune", "iris", "--model", "random_forest", *options, *FAST)
    assert result.exit_code == 2
    for words in says:
        assert words in result.stderr


def test_help_lists_the_schedulers(hpcore: Any) -> None:
    said = hpcore("tune", "--help").stdout
    assert "--scheduler" in said and "--resource" in said and "hyperband" in said


def test_parameter_leaves_the_space() -> None:
    from sklearn.pipeline import Pipeline

    model, space = presets.build("random_forest", "classification", n_rows=200, prefix="model__")
    pipeline = Pipeline([("model", model)])
    left, options = options_of("asha", "n_estimators", pipeline, space)
    assert options == {"scheduler": "asha", "resource": "model__n_estimators", "max_resources": 400}
    assert set(space) - set(left) == {"model__n_estimators"}
    assert options_of("asha", None, pipeline, space) == (space, {"scheduler": "asha", "resource": "n_samples"})
    check_scheduler(None, None)
    with pytest.raises(InvalidArgument, match="--resource must be"):
        options_of("asha", "min_samples_split_", pipeline, space)


def test_rounds_of_an_estimator_that_stops_early_are_no_resource() -> None:
    pytest.importorskip("lightgbm")
    from sklearn.pipeline import Pipeline

    for n_rows, resource, other in ((200, "n_estimators", "most_rounds"), (2000, "most_rounds", "n_estimators")):
        model, space = presets.build("lightgbm", "classification", n_rows=n_rows, prefix="model__")
        pipeline = Pipeline([("model", model)])
        assert options_of("asha", resource, pipeline, space)[1]["resource"] == f"model__{resource}"
        with pytest.raises(InvalidArgument, match="--resource must be"):
            options_of("asha", other, pipeline, space)


def test_no_scheduler_by_name_is_none(hpcore: Any) -> None:
    args = ("tune", "iris", "--model", "knn", "--trials", 3, "--cv", 2, "--jobs", 1, "--json")
    first = hpcore(*args, "--scheduler", "none")
    assert first.exit_code == 0, first.stderr
    again = hpcore(*args)
    assert "continuing with 3 candidates" in again.stderr  # it is the same stored search
    found, expected = json.loads(first.stdout), json.loads(again.stdout)
    assert found["scheduler"] is None and "levels" in found
    for name in ("best_score", "best_params", "n_trials", "default_score", "corrected_score"):
        assert found[name] == expected[name]
