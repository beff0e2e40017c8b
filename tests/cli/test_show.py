"""`hpcore show` of a directory: what is in it, and how to go on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

NEW = ("model.json", "predict.py", "table_steps.py", "requirements.txt")


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the first test leaves its model for the others."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def tuned(hpcore: Any, kept: Path) -> dict[str, Any]:
    """Put a tuned model into `a b`, and return its report."""
    if not (kept / "report.json").exists():
        options = ("--trials", 2, "--cv", 2, "--jobs", 1, "--json", "--out", "a b")
        result = hpcore("tune", "iris", "--model", "decision_tree", *options)
        assert result.exit_code == 0, result.stderr
        shutil.copytree("a b", kept / "a b")
        (kept / "report.json").write_text(result.stdout)
    else:
        shutil.copytree(kept / "a b", "a b")
    return dict(json.loads((kept / "report.json").read_text()))


def test_a_directory_of_tune(hpcore: Any, tuned: dict[str, Any]) -> None:
    answer = json.loads(hpcore("show", "a b", "--json").stdout, parse_constant=pytest.fail)
    for key, other in (
        ("score", "best_score"),
        ("params", "best_params"),
        *((k, k) for k in ("model", "target", "task")),
    ):
        assert answer[key] == tuned[other]
    assert {each["name"]: each["bytes"] for each in answer["files"]} == {
        path.name: path.stat().st_size for path in Path("a b").iterdir()
    }
    assert [row["trials"] for row in answer["studies"]] == [2]
    text = hpcore("show", "a b").stdout
    assert f"accuracy {tuned['best_score']:.6g} +- {tuned['score_std']:.6g}  (2 folds)" in text
    assert f"accuracy {tuned['constant_score']:.6g}  (the same answer for every row)" in text
    assert "decision_tree for classification of 'target' in iris" in text
    for name in (*tuned["best_params"], *NEW, "best_model.joblib", "trials.csv", "runs.db"):
        assert name in text
    for command in answer["commands"]:
        assert command in text and "'a b" in command
    assert {command.split()[1] for command in answer["commands"]} == {"predict", "'a", "resume", "show", "report"}
    assert hpcore("show", "a b/runs.db").stdout.startswith("study ")
    assert hpcore("show", "a b", answer["studies"][0]["study"]).stdout.startswith("study ")


def test_an_older_directory(hpcore: Any, tuned: dict[str, Any]) -> None:
    for name in NEW:
        Path("a b", name).unlink()
    answer = json.loads(hpcore("show", "a b", "--json").stdout)
    for key, other in (("score", "best_score"), ("params", "best_params"), ("model", "model"), ("constant_score",) * 2):
        assert answer[key] == tuned[other]
    assert answer["data"] == "iris" and answer["folds"] == 2
    commands = answer["commands"]
    assert [command.split()[1] for command in commands] == ["resume", "show", "report"]
    assert "decision_tree of 'target' in iris" in hpcore("show", "a b").stdout
    # The parameters of another search.
    Path("a b/best_params.json").write_text('{"x": 1}')
    assert json.loads(hpcore("show", "a b", "--json").stdout)["params"] == {"x": 1}
    assert "score" not in json.loads(hpcore("show", "a b", "--json").stdout)
    Path("a b/runs.db").unlink()
    result = hpcore("show", "a b")
    assert result.exit_code == 0 and "go on" not in result.stdout and "x  1" in result.stdout


def test_several_studies(hpcore: Any, tuned: dict[str, Any]) -> None:
    other = ("--trials", 1, "--cv", 2, "--jobs", 1, "--out", "a b", "--seed", 1, "--overwrite")
    assert hpcore("tune", "iris", "--model", "knn", *other).exit_code == 0
    text = hpcore("show", "a b").stdout
    assert text.count("trials, maximize, begun") == 2
    assert "hpcore resume 'a b' STUDY --trials N" in text and "knn for classification" in text


def test_a_directory_with_a_store_alone_is_shown_as_the_store(hpcore: Any, tuned: dict[str, Any]) -> None:
    for path in Path("a b").iterdir():
        if path.name != "runs.db":
            path.unlink()
    assert hpcore("show", "a b").stdout == hpcore("show", "a b/runs.db").stdout


def test_what_others_wrote_does_not_steer_the_terminal(hpcore: Any, tuned: dict[str, Any]) -> None:
    facts = json.loads(Path("a b/model.json").read_text())
    facts |= {"params": {"\x1b[31m": "\x07"}, "model": "\x1b]0;evil", "classes": ["\x1b"], "score": "x", "folds": None}
    Path("a b/model.json").write_text(json.dumps(facts))
    text = hpcore("show", "a b").stdout
    assert "\x1b" not in text and "\x07" not in text and "evil" in text


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("model.json", "{", "model.json' cannot be read"),
        ("model.json", "[]", "not a file of a saved model"),
        ("best_params.json", "{", "best_params.json' cannot be read"),
        ("best_params.json", "[1]", "must hold the best parameters"),
        ("notes.txt", "", "has none of model.json, best_params.json and runs.db"),
    ],
)
def test_no_results(hpcore: Any, name: str, text: str, words: str) -> None:
    Path("folder").mkdir()
    Path("folder", name).write_text(text)
    result = hpcore("show", "folder")
    assert result.exit_code == 2 and words in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_damaged_store_does_not_hide_the_model(hpcore: Any, tuned: dict[str, Any]) -> None:
    Path("a b/runs.db").write_text("not a database" * 500)
    result = hpcore("show", "a b")
    assert result.exit_code == 0 and "runs.db cannot be read" in result.stdout and "decision_tree" in result.stdout
