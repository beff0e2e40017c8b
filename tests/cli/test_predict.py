"""`hpcore predict`, and what `hpcore tune` saves for it."""

from __future__ import annotations

import io
import json
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import pandas as pd
import pytest
from sklearn.datasets import load_iris

TUNE = ("--trials", 1, "--cv", 2, "--jobs", 1)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the first test leaves its model for the others."""
    return tmp_path_factory.mktemp("kept")


@pytest.fixture
def wine(hpcore: Any, untidy: pd.DataFrame, kept: Path) -> pd.DataFrame:
    """Put a model of the untidy table into hpcore-out, and return the table."""
    untidy.to_csv("wine.csv", index=False)
    if not (kept / "hpcore-out").exists():
        result = hpcore("tune", "wine.csv", "--target", "cultivar", "--model", "hist_gradient_boosting", *TUNE)
        assert result.exit_code == 0, result.stderr
        shutil.copytree("hpcore-out", kept / "hpcore-out")
    else:
        shutil.copytree(kept / "hpcore-out", "hpcore-out")
    return untidy


def test_tune_saves_what_predict_needs(hpcore: Any) -> None:
    result = hpcore("tune", "iris", "--model", "logistic", "--json", *TUNE)
    answer = json.loads(result.stdout)
    names = ["table_steps.py", "predict.py", "requirements.txt", "model.json"]
    assert answer["files"][-4:] == [f"hpcore-out/{name}" for name in names]
    facts = json.loads(Path("hpcore-out/model.json").read_text())
    assert (facts["data"], facts["target"], facts["task"], facts["model"]) == (
        "iris",
        "target",
        "classification",
        "logistic",
    )
    assert facts["score"] == answer["best_score"] and facts["constant_score"] == answer["constant_score"]
    assert facts["params"] == answer["best_params"] and facts["scoring"] == "accuracy"
    assert (facts["rows"], facts["folds"], facts["classes"]) == (150, 2, [0, 1, 2])


def test_rows_keep_their_order_and_number(hpcore: Any, wine: pd.DataFrame) -> None:
    model = joblib.load("hpcore-out/best_model.joblib")
    plain = wine.drop(columns="cultivar").sample(frac=1, random_state=0)
    plain.to_csv("new.csv", index=False)
    result = hpcore("predict", "hpcore-out", "new.csv")
    assert result.exit_code == 0, result.stderr
    got = pd.read_csv(io.StringIO(result.stdout))
    assert list(got) == ["cultivar"]
    assert got["cultivar"].tolist() == list(model.predict(pd.read_csv("new.csv")))
    # With the target, separators only, and other columns too.
    lines = wine.to_csv(index=False).splitlines()
    Path("more.csv").write_text("\n".join([lines[0], lines[1], "," * lines[0].count(","), lines[3]]) + "\n")
    result = hpcore("predict", "hpcore-out", "more.csv", "--proba", "--out", "p.csv")
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    probabilities = pd.read_csv("p.csv")
    assert list(probabilities) == ["barbera", "barolo", "grignolino"] and len(probabilities) == 3
    assert probabilities.sum(axis=1).round(9).eq(1).all()


def program() -> ModuleType:
    """Import predict.py of the folder."""
    spec = spec_from_file_location("predict", "hpcore-out/predict.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_program_in_the_folder_agrees(
    hpcore: Any, wine: pd.DataFrame, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    expected = hpcore("predict", "hpcore-out", "wine.csv", "--proba").stdout
    program().main(["wine.csv", "--proba"])
    assert capsys.readouterr() == (expected, "")
    program().main(["wine.csv", "--proba", "--out", "p.csv"])
    assert Path("p.csv").read_text() == expected
    Path("w.csv").write_bytes(wine.to_csv(index=False, sep="~").encode("utf-16"))
    program().main(["w.csv", "--proba", "--sep", "~", "--encoding", "utf-16"])
    assert capsys.readouterr() == (expected, "")
    wine.to_parquet("w.parquet")
    program().main(["w.parquet"])
    assert len(capsys.readouterr().out.splitlines()) == len(wine) + 1
    wine.assign(alcohol="strong").to_csv("w.csv", index=False)
    program().main(["w.csv"])
    assert "note: 'alcohol' holds numbers; 178 of 178 cells" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("none.csv", "No such file or directory: 'none.csv'"),
        ("wine.csv --out wine.csv", "--out must be another file"),
        ("wine.csv --encoding klingon", "klingon"),
        ("short.csv", "lacks 'alcohol', "),
        ("wine.csv --out no/such/p.csv", "no/such"),
    ],
)
def test_wrong_use_of_the_program(
    wine: pd.DataFrame, arguments: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("short.csv").write_text("hue,ash\n1,2\n")
    with pytest.raises(SystemExit) as ended:
        program().main(arguments.split())
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == "" and err.startswith("error: ") and words in err


def test_files_in_other_formats(hpcore: Any) -> None:
    noise = [f"{i * 37 % 101 - 50},{i % 7}" for i in range(60)]
    text = "größe;ort;y\n" + "".join(
        f"{x};{'ö' if i % 3 else 'ä'};{'ja' if i % 2 else 'né'}\n" for i, x in enumerate(noise)
    )
    Path("t.csv").write_bytes(text.encode("cp1252"))
    tuned = hpcore("tune", "t.csv", "--target", "y", "--model", "decision_tree", *TUNE)
    assert tuned.exit_code == 0, tuned.stderr
    whole = hpcore("predict", "hpcore-out", "t.csv")
    assert whole.exit_code == 0, whole.stderr
    Path("u.csv").write_bytes(text.encode("utf-16"))
    assert hpcore("predict", "hpcore-out", "u.csv", "--encoding", "utf-16").stdout == whole.stdout
    pd.read_csv("t.csv", sep=";", encoding="cp1252", dtype=str).to_parquet("t.parquet")
    assert hpcore("predict", "hpcore-out", "t.parquet").stdout == whole.stdout


def test_cells_of_another_type_are_noted(hpcore: Any, wine: pd.DataFrame) -> None:
    wine.head(4).assign(alcohol="strong", bottled="soon", hue="-").to_csv("new.csv", index=False)
    result = hpcore("predict", "hpcore-out", "new.csv")
    assert (result.exit_code, len(result.stdout.splitlines())) == (0, 5)
    notes = [line for line in result.stderr.splitlines() if line.startswith("note: ")]
    assert [line.split("'")[1] for line in notes] == ["alcohol", "bottled"]
    assert "4 of 4 cells cannot be read and count as missing, such as 'strong'" in notes[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("nowhere wine.csv", "there is no directory 'nowhere'"),
        (". wine.csv", "it has no model.json"),
        ("hpcore-out none.csv", "there is no file 'none.csv'"),
        ("hpcore-out empty.csv", "'empty.csv' is empty"),
        ("hpcore-out header.csv", "holds only the header"),
        ("hpcore-out short.csv", "lacks 'alcohol', "),
        ("hpcore-out iris", "lacks "),
        ("hpcore-out wine.csv --out wine.csv", "--out must be another file than DATA"),
        ("hpcore-out wine.csv --out no/such/p.csv", "--out must be a file that can be written"),
        ("hpcore-out wine.csv --encoding klingon", "klingon"),
        ("changed wine.csv", "best_model.joblib' was changed after the model was saved"),
    ],
)
def test_wrong_use(hpcore: Any, wine: pd.DataFrame, arguments: str, words: str) -> None:
    Path("empty.csv").touch()
    Path("header.csv").write_text(Path("wine.csv").read_text().splitlines()[0] + "\n")
    Path("short.csv").write_text("hue,ash\n1,2\n")
    shutil.copytree("hpcore-out", "changed")
    with Path("changed/best_model.joblib").open("ab") as file:
        file.write(b"x")
    before = Path("wine.csv").read_bytes()
    result = hpcore("predict", *arguments.split())
    assert result.exit_code == 2
    assert words in result.stderr and len(result.stderr.splitlines()) == 1 and result.stdout == ""
    assert Path("wine.csv").read_bytes() == before


def test_a_model_without_probabilities(hpcore: Any) -> None:
    assert hpcore("tune", "iris", "--model", "ridge", *TUNE).exit_code == 0
    result = hpcore("predict", "hpcore-out", "iris", "--proba")
    assert result.exit_code == 2 and "--proba needs a classifier with probabilities" in result.stderr
    numbers = hpcore("predict", "hpcore-out", "iris").stdout.splitlines()
    assert numbers[0] == "target" and len(numbers) == 1 + len(load_iris().target)


def test_a_model_that_needs_hpcore_is_saved_with_a_note(hpcore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpcore.tables.deploy.references", lambda model: {"no_such_package.module"})
    result = hpcore("tune", "iris", "--model", "knn", "--json", *TUNE)
    assert result.exit_code == 0
    assert "note: the model needs hpcore to be used" in result.stderr and "'no_such_package'" in result.stderr
    assert json.loads(result.stdout)["files"][-1] == "hpcore-out/best_model.joblib"


def test_help_says_that_a_model_runs_code(hpcore: Any) -> None:
    assert "runs code" in hpcore("predict", "--help").stdout
