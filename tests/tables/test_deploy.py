"""A saved model predicts the same, to the last bit, where hpcore is not installed or is another version."""

from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import shutil
import subprocess
import sys
import venv
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.pipeline import Pipeline

from hpcore.cli import files as cli_files
from hpcore.cli import show
from hpcore.errors import InvalidArgument
from hpcore.space import Float
from hpcore.tables import deploy, standalone
from hpcore.tables.data import load
from hpcore.tables.deploy import load_deployment, save_deployment
from hpcore.tables.ensemble import combine
from tests.tables.deployed import environment, fitted, mixed_table, required, run, saved

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the environment is made of symbolic links")
PRESETS = {"hist_gradient_boosting": "class", "logistic": "class", "svr": "level"}
OTHERS = {
    "lightgbm": ("LGBMClassifier", {"n_estimators": 9, "min_child_samples": 2, "verbose": -1, "n_jobs": 1}),
    "xgboost": ("XGBRegressor", {"n_estimators": 9, "n_jobs": 1}),
    "catboost": (
        "CatBoostClassifier",
        {"iterations": 9, "verbose": False, "allow_writing_files": False, "thread_count": 1},
    ),
}
# The program of somebody who has pandas, but not hpcore.
SCRIPT = """
import importlib.util, sys
from pathlib import Path
import numpy as np
import pandas as pd
sys.path.insert(0, sys.argv[1])
from predict import load_model, steps_named
for folder in sys.argv[1:]:
    model = load_model(folder)
    assert type(next(steps_named(model, "ReadCells"))).__module__.startswith("table_steps")
    frame = pd.read_csv("raw.csv", dtype=str)
    np.save(Path(folder, "predictions.npy"), np.asarray(model.predict(frame)).astype(str))
    if hasattr(model, "predict_proba"):
        np.save(Path(folder, "proba.npy"), model.predict_proba(frame))
assert not [name for name in sys.modules if name.partition(".")[0] == "hpcore"]
try:
    import hpcore
except ModuleNotFoundError:
    print("no hpcore")
else:
    print(hpcore.__version__)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the table, and a folder for each saved model."""
    folder = tmp_path_factory.mktemp("deployed")
    frame = mixed_table()
    frame.to_csv(folder / "data.csv", index=False)
    frame.drop(columns=["level", "class"]).to_csv(folder / "raw.csv", index=False)
    data = str(folder / "data.csv")
    for model, target in PRESETS.items():
        saved(folder / model, *fitted(data, target, "level" if target == "class" else "class", model))
    for module, (name, options) in OTHERS.items():
        if find_spec(module) is not None:
            target = "class" if name.endswith("Classifier") else "level"
            estimator = getattr(pytest.importorskip(module), name)(**options)
            other = "level" if target == "class" else "class"
            saved(folder / module, *fitted(data, target, other, "hist_gradient_boosting", estimator))
    members = [joblib.load(folder / name / "best_model.joblib") for name in ("hist_gradient_boosting", "logistic")]
    prepared, _ = fitted(data, "class", "level", "logistic")
    saved(folder / "ensemble", prepared, combine(members, [1.0, 2.0], "classification", members[0].classes_))
    return folder


@pytest.fixture(scope="module")
def models(folder: Path) -> list[Path]:
    return [path.parent for path in sorted(folder.glob("*/model.json"))]


@pytest.fixture(scope="module")
def python(folder: Path, models: list[Path]) -> Path:
    return environment(folder, [name for model in models for name in required(model)])


def one(folder: Path) -> Path:
    return folder / "hist_gradient_boosting"


def cells_of(text: str) -> list[list[str]]:
    """Return the numbers of a CSV file to the last bit."""
    return [[float(cell).hex() for cell in line.split(",")] for line in text.splitlines()[1:]]


def test_predictions_are_equal_to_the_last_bit(folder: Path, models: list[Path], python: Path) -> None:
    assert len(models) >= len(PRESETS)
    (folder / "script.py").write_text(SCRIPT)
    done = run(python, "script.py", *models, cwd=folder)
    assert (done.returncode, done.stdout) == (0, "no hpcore\n"), done.stderr
    frame = pd.read_csv(folder / "raw.csv", dtype=str)
    for path in models:
        model = joblib.load(path / "best_model.joblib")
        expected = np.asarray(model.predict(frame))
        np.testing.assert_array_equal(np.load(path / "predictions.npy"), expected.astype(str), err_msg=path.name)
        if hasattr(model, "predict_proba"):
            assert np.load(path / "proba.npy").tobytes() == model.predict_proba(frame).tobytes(), path.name
        assert len(np.unique(expected)) > 1


def test_the_program_and_the_command_agree_with_the_pipeline(folder: Path, python: Path) -> None:
    done = run(python, one(folder) / "predict.py", "data.csv", "--proba", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    deployed = load_deployment(one(folder))
    frame = load(str(folder / "data.csv"), written=deployed.written).frame
    expected = joblib.load(one(folder) / "best_model.joblib").predict_proba(frame)
    assert done.stdout.startswith("=low,high\n")
    assert cells_of(done.stdout) == [[float(value).hex() for value in row] for row in expected]
    assert deployed.predict(frame, proba=True).to_numpy().tobytes() == expected.tobytes()


def test_another_version_of_hpcore_is_not_used(folder: Path, models: list[Path], python: Path) -> None:
    other = folder / "other"
    (other / "hpcore" / "tables").mkdir(parents=True)
    (other / "hpcore" / "__init__.py").write_text("__version__ = 'of another time'")
    for name in ("__init__", "preprocessing", "numerals", "steps"):
        (other / "hpcore" / "tables" / f"{name}.py").write_text("raise RuntimeError('other code')")
    (other / "script.py").write_text(SCRIPT)
    before = np.load(one(folder) / "proba.npy") if (one(folder) / "proba.npy").exists() else None
    done = run(python, other / "script.py", one(folder), cwd=folder)
    assert (done.returncode, done.stdout) == (0, "of another time\n"), done.stderr
    after = np.load(one(folder) / "proba.npy")
    assert before is None or before.tobytes() == after.tobytes()


def test_no_reference_to_hpcore_is_left_unresolved(models: list[Path]) -> None:
    for path in models:
        pipeline = joblib.load(path / "best_model.joblib")
        deployed = load_deployment(path)
        steps = sys.modules[type(next(standalone.steps_named(deployed.model, "ReadCells"))).__module__]
        named = {arg for code, arg, _ in pickletools.genops(pickle.dumps(pipeline, 3)) if code.name == "GLOBAL"}
        own = [str(arg).split(" ") for arg in named if str(arg).startswith("hpcore")]
        assert own
        for module, name in own:
            assert module in steps.MODULES
            assert getattr(steps, name).__module__ == steps.__name__
        assert "hpcore" not in "".join(
            line for line in (path / "table_steps.py").read_text().splitlines() if "import" in line
        )
        # What was loaded refers to the code beside it, and this process still has its own.
        again = {arg for code, arg, _ in pickletools.genops(pickle.dumps(deployed.model, 3)) if code.name == "GLOBAL"}
        assert not [arg for arg in again if str(arg).startswith("hpcore")]
        own_again = pickle.loads(pickle.dumps(pipeline))  # noqa: S301
        assert type(next(standalone.steps_named(own_again, "ReadCells"))).__module__.startswith("hpcore.")


def test_folders_keep_apart(folder: Path, tmp_path: Path) -> None:
    """Two models with different code in one process use their own."""
    shutil.copytree(one(folder), tmp_path / "b")
    source = (tmp_path / "b" / "table_steps.py").read_text()
    (tmp_path / "b" / "table_steps.py").write_text(source + "\nOWN = True\n")
    facts = json.loads((tmp_path / "b" / "model.json").read_text())
    facts["sha256"]["table_steps.py"] = standalone.digest_of(tmp_path / "b" / "table_steps.py")
    (tmp_path / "b" / "model.json").write_text(json.dumps(facts))
    first, second, third = (load_deployment(path).model for path in (one(folder), tmp_path / "b", one(folder)))
    modules = [sys.modules[type(model[0][0]).__module__] for model in (first, second, third)]
    assert [hasattr(module, "OWN") for module in modules] == [False, True, False]
    assert modules[0] is modules[2]


def test_facts(folder: Path) -> None:
    facts = json.loads((one(folder) / "model.json").read_text(), parse_constant=pytest.fail)
    kinds = {column["name"]: column["kind"] for column in facts["columns"]}
    expected = {"number": ["size", "price, net", "new"], "date": ["sold"], "text": ["zip", "town"]}
    assert all(kinds[name] == kind for kind, names in expected.items() for name in names)
    price, date = ({c["name"]: c for c in facts["columns"]}[name] for name in ("price, net", "sold"))
    assert price["style"]["unit"] == "$" and price["style"]["decimal"] == "."
    assert date["pattern"] == "ISO8601"
    assert facts["classes"] == ["=low", "high"] and facts["probabilities"]
    assert facts["versions"]["numpy"] == np.__version__
    assert str(folder) not in (one(folder) / "model.json").read_text()
    assert standalone.MODEL == cli_files.MODEL
    assert (standalone.FACTS, deploy.PROGRAM) == (show.FACTS, show.PROGRAM)


# --- data that differs from that of the training ---------------------------------------------------------------------

RAW = """size,"price, net",sold,zip,town,new,paid,time,comment
1.5,"$1,200.00",2021-03-04,00501,NA,True,yes,1:20:00,the garden is old
,,,,,,,,
-2,$7.00,2021-12-04,80331,,False,no,0:40:00,new kitchen
"""


def variants() -> dict[str, tuple[str, str, int]]:
    """Return files that mean the same as RAW, with their ending and the number of rows."""
    frame = pd.read_csv(io.StringIO(RAW), dtype=str, keep_default_na=False)
    return {
        "as it is": (RAW, ".csv", 3),
        "semicolons": (frame.to_csv(index=False, sep=";"), ".csv", 3),
        "tabs": (frame.to_csv(index=False, sep="\t"), ".tsv", 3),
        "other order": (frame[frame.columns[::-1]].to_csv(index=False), ".csv", 3),
        "more columns": (frame.assign(**{"class": "high", "level": "?", "note": "x"}).to_csv(index=False), ".csv", 3),
        "blanks": (frame.rename(columns=" {} ".format).to_csv(index=False), ".csv", 3),
        "byte order mark": ("\ufeff" + RAW, ".csv", 3),
        "one row": (frame.iloc[:1].to_csv(index=False), ".csv", 1),
        "no end of line": (RAW.rstrip("\n"), ".csv", 3),
    }


@pytest.mark.parametrize("name", variants())
def test_other_files_with_the_same_rows(folder: Path, tmp_path: Path, name: str) -> None:
    text, ending, n = variants()[name]
    path = tmp_path / f"new{ending}"
    path.write_text(text, encoding="utf-8")
    deployed = load_deployment(one(folder))
    read = load(str(path), written=deployed.written, empty_rows=True).frame
    direct = standalone.read_data(path, deployed.facts)
    (tmp_path / "plain.csv").write_text(RAW)
    expected = deployed.predict(
        load(str(tmp_path / "plain.csv"), written=deployed.written, empty_rows=True).frame, proba=True
    )
    for frame in (read, direct):
        assert deployed.notices(frame) == []
        pd.testing.assert_frame_equal(deployed.predict(frame, proba=True), expected.iloc[:n], check_exact=True)
        assert deployed.predict(frame)["class"].isin(["high", "=low"]).all()


def test_cells_that_cannot_be_read_are_named(folder: Path) -> None:
    deployed = load_deployment(one(folder))
    frame = pd.read_csv(io.StringIO(RAW), dtype=str)
    frame.loc[0, ["size", "sold", "price, net"]] = ["big", "soon", "?"]
    frame.loc[2, "size"] = "-"
    notices = deployed.notices(frame)
    assert notices == [
        "'size' holds numbers; 1 of 3 cells cannot be read and count as missing, such as 'big'",
        "'sold' holds dates; 1 of 3 cells cannot be read and count as missing, such as 'soon'",
    ]
    assert len(deployed.predict(frame)) == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("size,zip\n1,2\n", "lacks 'price, net', .*'sold', 'town'"),
        ("", "No columns|empty"),
        (RAW.splitlines()[0] + "\n", "no rows"),
        (RAW + "," * 12 + "\n", "cannot be read as a table"),
        (RAW.encode("utf-16"), "cannot be read as a table of text in utf-8.*--encoding"),
    ],
)
def test_bad_data(folder: Path, tmp_path: Path, text: Any, words: str) -> None:
    (tmp_path / "new.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    deployed = load_deployment(one(folder))
    with pytest.raises(ValueError, match=words):
        deployed.predict(standalone.read_data(tmp_path / "new.csv", deployed.facts))


def test_bad_requests(folder: Path) -> None:
    frame = pd.read_csv(folder / "raw.csv")
    with pytest.raises(InvalidArgument, match="--proba needs a classifier with probabilities"):
        load_deployment(folder / "svr").predict(frame, proba=True)
    with pytest.raises(InvalidArgument, match=r"lacks 'price, net'"):
        load_deployment(folder / "svr").predict(frame.drop(columns="price, net"))
    with pytest.raises(ValueError, match="--sep must be the text between the cells"):
        standalone.read_data(folder / "raw.csv", load_deployment(folder / "svr").facts, separator="")


# --- folders ---------------------------------------------------------------------------------------------------------


def change(name: str, text: str = "\n") -> Any:
    def changed(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write(text)

    return changed


def facts_with(**changes: Any) -> Any:
    def changed(folder: Path) -> None:
        facts = json.loads((folder / "model.json").read_text())
        (folder / "model.json").write_text(json.dumps({**facts, **changes}))

    return changed


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (change("best_model.joblib"), "best_model.joblib.*was changed after the model was saved"),
        (change("table_steps.py"), "table_steps.py.*was changed after the model was saved"),
        (lambda folder: (folder / "table_steps.py").unlink(), "table_steps.py.*cannot be read: No such file"),
        (lambda folder: (folder / "model.json").unlink(), "it has no model.json"),
        (change("model.json", "}"), "model.json.*cannot be read"),
        (facts_with(format=2), "newer version"),
        (facts_with(sha256={}), "is damaged"),
        (facts_with(columns=[1]), "is damaged"),
        (facts_with(columns=[{"name": 1}]), "is damaged"),
        (lambda folder: (folder / "model.json").write_text("[" * 100_000), "cannot be read"),
        (facts_with(target=None), "is damaged"),
        (lambda folder: (folder / "model.json").write_text("[]"), "not a file of a saved model"),
    ],
)
def test_a_changed_folder_is_refused(folder: Path, tmp_path: Path, harm: Any, words: str) -> None:
    shutil.copytree(one(folder), tmp_path / "copy")
    harm(tmp_path / "copy")
    with pytest.raises(InvalidArgument, match=words):
        load_deployment(tmp_path / "copy")


def test_a_model_that_cannot_be_unpickled_names_the_requirements(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(one(folder), tmp_path / "copy")
    (tmp_path / "copy" / "best_model.joblib").write_bytes(b"cno_such_module\nName\n.")
    names = ("best_model.joblib", "table_steps.py")
    facts_with(sha256={name: standalone.digest_of(tmp_path / "copy" / name) for name in names})(tmp_path / "copy")
    with pytest.raises(InvalidArgument, match=r"ModuleNotFoundError.*pip install -r requirements.txt"):
        load_deployment(tmp_path / "copy")
    assert "hpcore.tables.preprocessing" in sys.modules and "hpcore" in sys.modules


def test_another_version_of_a_package_is_a_warning(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(one(folder), tmp_path / "copy")
    versions = json.loads((one(folder) / "model.json").read_text())["versions"]
    facts_with(versions={**versions, "scikit-learn": "0.1", "catboost": "9"})(tmp_path / "copy")
    with pytest.warns(UserWarning, match=r"scikit-learn is .*, and was 0\.1"):
        load_deployment(tmp_path / "copy")


def test_models_that_cannot_be_saved(tmp_path: Path, folder: Path) -> None:
    pipeline = joblib.load(one(folder) / "best_model.joblib")
    with pytest.raises(InvalidArgument, match="step that reads raw tables"):
        list(save_deployment(tmp_path, Pipeline([("model", DummyRegressor())]), facts={}))
    pipeline.steps.append(("other", Float(0, 1)))
    with pytest.raises(InvalidArgument, match=r"hpcore.space.reals cannot be saved with a model: it .* \(line"):
        list(save_deployment(tmp_path, pipeline, facts={}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.doors
@pytest.mark.skipif("HPCORE_DOORS" not in os.environ, reason="installs packages from an index; .ci/doors runs it")
def test_the_requirements_install(folder: Path, tmp_path: Path) -> None:
    """Pip installs requirements.txt into a new environment, and predict.py runs there."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    path = one(folder)
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", path / "requirements.txt"], check=True)
    assert run(python, "-c", "import hpcore", cwd=tmp_path).returncode == 1
    done = run(python, path / "predict.py", folder / "data.csv", "--proba", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    table = load(str(folder / "data.csv"), written=load_deployment(path).written)
    expected = joblib.load(path / "best_model.joblib").predict_proba(table.frame)
    assert cells_of(done.stdout) == [[float(value).hex() for value in row] for row in expected]
