"""``hpcore importance``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp


@pytest.fixture
def store(tmp_path: Path) -> Path:
    def objective(trial: hp.Trial) -> hp.Outcome:
        return hp.Outcome(trial["x"] ** 2 + 0.01 * trial["y\x1b"], cost=1 + trial["y\x1b"], metrics={"ms": 3.0})

    space = {"y\x1b": hp.Float(0, 1), "x": hp.Float(-1, 1)}
    study = hp.Study(space, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0)
    study.run(objective, n_trials=60)
    return tmp_path / "runs.db"


def test_table_and_json(hpcore: Any, store: Path) -> None:
    before = store.read_bytes()
    shown = hpcore("importance", store)
    assert shown.exit_code == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert len(lines) == 3 and lines[1].startswith("x ") and "\x1b" not in shown.stdout
    assert hpcore("importance", store.parent, "a").stdout == shown.stdout
    document = json.loads(hpcore("importance", store, "--json").stdout)
    expected = hp.importance(hp.load_study(store))
    assert document["trials"] == 60 and list(document["parameters"]) == ["x", "y\x1b"]
    assert document["parameters"]["x"]["low"] == pytest.approx(expected["x"].low)
    assert "pairs" not in document and store.read_bytes() == before


def test_method_target_and_pairs(hpcore: Any, store: Path) -> None:
    shown = hpcore("importance", store, "--method", "fanova", "--target", "cost", "--pairs", "--json")
    document = json.loads(shown.stdout)
    assert (document["method"], document["model"], document["target"]) == ("fanova", "gp", "cost")
    assert next(iter(document["parameters"])) == "y\x1b"
    assert [sorted(pair["parameters"]) for pair in document["pairs"]] == [["x", "y\x1b"]]
    forest = hpcore("importance", store, "--method", "fanova", "--model", "forest").stdout
    assert (
        forest == repr(hp.importance(hp.load_study(store), method="fanova", model="forest")).replace("\x1b", "") + "\n"
    )
    assert hpcore("importance", store, "--target", "0").stdout == hpcore("importance", store).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "shap"), "'ped_anova', 'fanova'"),
        (("--target", "loss"), "'value', 'cost', 'ms'"),
        (("--target", "1"), "0 .. 0"),
        (("--pairs",), "pairs belongs to method='fanova'"),
        (("--model", "gp"), "model belongs to method='fanova'"),
        (("--method", "fanova", "--model", "tree"), "'gp', 'forest'"),
        (("b",), "b"),
    ],
)
def test_wrong_use(hpcore: Any, store: Path, arguments: tuple[str, ...], message: str) -> None:
    result = hpcore("importance", store, *arguments)
    assert result.exit_code == 2 and message in result.stderr and len(result.stderr.splitlines()) == 1


def test_a_study_without_its_program(hpcore: Any, store: Path) -> None:
    space = {"c": hp.Categorical([int, float]), "x": hp.Float(0, 1)}
    hp.Study(space, storage=store, name="b", sampler="random", seed=0).run(lambda trial: trial["x"], n_trials=6)
    result = hpcore("importance", store, "b")
    assert result.exit_code == 0 and result.stdout.splitlines()[1].startswith("x ")
