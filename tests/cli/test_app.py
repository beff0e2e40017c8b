"""The command itself: its help, the cost of its imports, and its errors.

Wrong input ends with exit code 2 and one line that says what is wrong and what is allowed, before any fit.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpcore import samplers
from hpcore.tables import presets
from hpcore.tables.catalogue import DATA_SETS

N = 40


def test_help_names_everything(hpcore: Any) -> None:
    result = hpcore("tune", "--help")
    assert result.exit_code == 0
    for word in [
        *presets.names(),
        *DATA_SETS,
        *samplers.names(),
        "trials.csv",
        "best_model.joblib",
        "Ctrl-C",
        "--encoding",
    ]:
        assert word in result.stdout, word


def test_top_help_and_version(hpcore: Any) -> None:
    assert "hpcore tune breast_cancer" in hpcore("--help").stdout
    assert hpcore("--version").stdout == f"hpcore {version('hpcore')}\n"
    nothing = hpcore()
    assert nothing.exit_code == 2
    assert "Usage" in nothing.stdout


@pytest.mark.parametrize("arguments", ["--help", "--version", "tune --help", "tune --trials 0 iris"])
def test_heavy_imports_wait(arguments: str) -> None:
    code = (
        "import sys\n"
        "from hpcore.cli import main\n"
        "try:\n"
        f"    main({arguments.split()!r})\n"
        "except SystemExit:\n"
        "    pass\n"
        "heavy = {'sklearn', 'pandas', 'scipy', 'numba', 'joblib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files of the table below."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    x, sex = rng.normal(size=N), ["f", "m"] * (N // 2)
    good = pd.DataFrame({"age": x, "sex": sex, "price": rng.normal(size=N)})
    tables = {
        "good": good,
        "no_rows": good.head(0),
        "target_empty": good.assign(price=np.nan),
        "target_constant": good.assign(price=3.0),
        "target_infinite": good.assign(price=[np.inf, *x[1:]]),
        "one_class": good.assign(sex="f"),
        "small_class": good.assign(sex=["x", "x", *sex[2:]]),
        "single": good.assign(sex=["x", *sex[1:]]),
        "two_small": good.assign(sex=["x", "y", *sex[2:]]),
        "many_numbers": good.assign(price=[7, *range(N - 1)]),
        "constants": good.assign(age=1, price="same"),
        "only_target": good[["sex"]],
        "only_names": pd.DataFrame({"name": [f"n{i}" for i in range(N)], "unit": "kg", "sex": sex}),
        "few_rows": good.head(6),
        "target_dates": good.assign(price=pd.date_range("2020-01-01", periods=N)),
    }
    for name, table in tables.items():
        table.to_csv(f"{name}.csv", index=False)
    good.assign(price=[[1]] * N).to_parquet("lists.parquet")
    good.to_parquet("good.parquet")
    tables["target_dates"].to_parquet("dates.parquet")
    texts = {
        "empty.csv": "",
        "blank.csv": "\n\n\n",
        "twice.csv": "a,b,a\n1,2,3\n",
        "ragged.csv": "a,b\n1,2\n1,2,3\n",
        "longer.csv": "a,b\n1,2,3\n1,2,3\n",
        "headless.csv": "5.1,3.5,0\n4.9,3.0,1\n",
        "headless_whole.csv": "0,1,0\n1,2,1\n",
        "notes.docx": "a,b\n1,2\n",
        "no_ending": "a,b\n1,2\n",
        "broken.parquet": "a,b\n1,2\n",
        "broken.csv.gz": "a,b\n1,2\n",
        "file.txt": "a\n1\n",
    }
    for name, text in texts.items():
        Path(name).write_text(text)
    Path("binary.csv").write_bytes(b"PK\x03\x04\x00\x00\x01\x02")
    Path("latin.csv").write_bytes("größe,b\n1,2\n".encode("latin-1"))
    Path("folder").mkdir()


CASES: list[tuple[str, list[str]]] = [
    # the file
    ("nowhere.csv", ["DATA", "'nowhere.csv'", "breast_cancer"]),
    ("god.csv", ["DATA", "'god.csv'", "did you mean 'good.csv'"]),
    ("brest_cancer", ["DATA", "did you mean 'breast_cancer'"]),
    ("folder", ["DATA", "'folder'", "file"]),
    ("empty.csv", ["DATA", "'empty.csv'", "is empty"]),
    ("blank.csv", ["DATA", "'blank.csv'", "only empty lines"]),
    ("no_rows.csv --target sex", ["DATA", "'no_rows.csv'", "only the header"]),
    ("binary.csv", ["DATA", "'binary.csv'", "binary"]),
    ("latin.csv --target b --encoding utf-8", ["DATA", "'latin.csv'", "UTF-8", "--encoding"]),
    ("good.csv --target sex --encoding utf-9", ["--encoding", "'utf-9'", "cp1252"]),
    ("good.parquet --target sex --encoding utf-8", ["--encoding", "'good.parquet'"]),
    ("iris --encoding utf-8", ["--encoding", "'iris'"]),
    ("twice.csv --target a", ["--target", "'twice.csv'", "'a' more than once"]),
    ("ragged.csv --target b", ["DATA", "'ragged.csv'", "line 3"]),
    ("longer.csv --target b", ["DATA", "'longer.csv'", "header"]),
    ("headless.csv --target 0", ["DATA", "'headless.csv'", "column names", "'5.1'"]),
    ("headless_whole.csv --target 0", ["DATA", "'headless_whole.csv'", "column names", "'0'"]),
    ("notes.docx", ["DATA", "'notes.docx'", ".csv", ".parquet"]),
    ("no_ending", ["DATA", "'no_ending'", ".csv"]),
    ("broken.parquet", ["DATA", "'broken.parquet'", "not a Parquet file"]),
    ("broken.csv.gz", ["DATA", "'broken.csv.gz'", "not a gzip file"]),
    # the target
    ("good.csv", ["--target", "'age', 'sex', 'price'"]),
    ("good.csv --target Price", ["--target", "'Price'", "did you mean 'price'", "'age', 'sex', 'price'"]),
    ("good.parquet --target agee", ["--target", "'agee'", "did you mean 'age'"]),
    ("iris --target species", ["--target", "'species'", "'target'"]),
    ("target_empty.csv --target price", ["target column 'price'", "every row is empty"]),
    ("target_constant.csv --target price", ["target column 'price'", "every row is 3.0"]),
    ("target_infinite.csv --target price", ["target column 'price'", "finite", "inf in row 1"]),
    ("one_class.csv --target sex", ["target column 'sex'", "every row is 'f'"]),
    ("lists.parquet --target price", ["target column 'price'", "numbers or text"]),
    ("dates.parquet --target price", ["target column 'price'", "numbers or text"]),
    ("good.csv --target sex --task regression", ["--task regression", "'sex'", "'f'"]),
    ("good.csv --target price --task classification", ["--task classification", "'price'"]),
    ("good.csv --target sex --task clustering", ["--task", "'clustering'", "classification", "regression"]),
    ("small_class.csv --target sex", ["--cv 5", "class 'x'", "has 2", "use --cv 2", "merge"]),
    ("single.csv --target sex", ["--cv 5", "class 'x'", "has 1", "remove or merge it"]),
    ("two_small.csv --target sex", ["--cv 5", "has 1", "merge the small classes"]),
    ("many_numbers.csv --target price --task classification", ["has 1", "use --task regression"]),
    ("few_rows.csv --target price --cv 4", ["--cv", "got 4", "3"]),
    # the features
    ("constants.csv --target sex", ["DATA", "constant", "'age', 'price'"]),
    ("only_target.csv --target sex", ["DATA", "at least one column besides the target 'sex'"]),
    ("only_names.csv --target sex", ["DATA", "'name' left out", "'unit' left out"]),
    # the options
    ("iris --trials 0", ["--trials", ">= 1", "got 0"]),
    ("iris --trials -3", ["--trials", "got -3"]),
    ("iris --trials many", ["--trials", "'many'", "integer"]),
    ("iris --cv 1", ["--cv", ">= 2", "got 1"]),
    ("iris --cv 0", ["--cv", "got 0"]),
    ("iris --cv 51", ["--cv 51", "class", "has 50", "use --cv 50"]),
    ("iris --timeout -1", ["--timeout", "> 0", "got -1"]),
    ("iris --timeout 0", ["--timeout", "> 0", "got 0"]),
    ("iris --timeout nan", ["--timeout", "got nan"]),
    ("iris --timeout inf", ["--timeout", "got inf"]),
    ("iris --timeout soon", ["--timeout", "'soon'"]),
    ("iris --time 0", ["--time must be", "> 0", "got 0"]),
    ("iris --fit-timeout -1", ["--fit-timeout must be", "got -1"]),
    ("iris --time 60 --timeout 50", ["--time 60 and --timeout 50", "exclude each other", "whole command"]),
    ("iris --jobs 0", ["--jobs", ">= 1", "-1", "got 0"]),
    ("iris --jobs -2", ["--jobs", "got -2"]),
    ("iris --seed -1", ["--seed", "got -1"]),
    ("iris --seed 4294967296", ["--seed", "2**32 - 1"]),
    ("iris --model svm", ["model", "'svm'", "did you mean", "logistic"]),
    ("iris --model svr", ["model 'svr'", "regression", "classification", "svc"]),
    ("diabetes --model svc", ["model 'svc'", "classification", "regression", "svr"]),
    ("diabetes --model logistic", ["model 'logistic'", "ridge"]),
    ("iris --model svc --task regression", ["model 'svc'", "svr"]),
    ("iris --sampler sobl", ["--sampler", "'sobl'", "did you mean 'sobol'", "random"]),
    ("iris --scoring acuracy", ["--scoring", "'acuracy'", "did you mean 'accuracy'"]),
    ("iris --scoring r2", ["--scoring 'r2'", "regression", "accuracy"]),
    ("iris --scoring roc_auc", ["--scoring 'roc_auc'", "does not fit", "roc_auc_ovr"]),
    ("iris --scoring f1", ["--scoring 'f1'", "does not fit", "f1_macro"]),
    ("good.csv --target sex --scoring f1", ["--scoring 'f1'", "does not fit", "f1_macro"]),
    ("diabetes --scoring accuracy", ["--scoring 'accuracy'", "does not fit", "r2"]),
    ("diabetes --scoring roc_auc", ["--scoring 'roc_auc'", "does not fit", "neg_mean_squared_error"]),
    ("iris --model svc --scoring neg_log_loss", ["--scoring 'neg_log_loss'", "probabilities", "'svc'", "logistic"]),
    ("iris --model ridge --scoring roc_auc_ovr", ["--scoring 'roc_auc_ovr'", "probabilities", "logistic"]),
    ("iris --out file.txt", ["--out", "'file.txt'", "directory"]),
    ("iris --out file.txt/below", ["--out", "'file.txt/below'", "directory"]),
    ("iris --model auto --model knn", ["--model must be 'auto' alone", "'knn'"]),
    ("iris --model svc --model svc --model tree", ["model must be one of", "'tree'"]),
    ("iris --model auto --sampler grid", ["--sampler", "several models", "'grid'"]),
    ("iris --model auto --scheduler asha --resource n_estimators", ["--resource must be n_samples", "'n_estimators'"]),
    ("iris --model auto --scheduler none --resource n_samples", ["--resource needs --scheduler", "none"]),
    ("iris --model auto --time 3 --timeout 4", ["--time 3", "--timeout 4", "exclude each other"]),
    ("iris --model knn --model decision_tre", ["did you mean 'decision_tree'"]),
    ("iris --model knn --model svr", ["'svr'", "regression"]),
    ("iris --model auto --cv 1", ["--cv must be", "got 1"]),
    ("iris --model auto --scoring accurracy", ["--scoring", "did you mean 'accuracy'"]),
    ("iris --model auto --drop sepal", ["--drop must name a column", "'sepal'"]),
    ("iris --model auto --positive 1", ["--positive", "two classes"]),
    ("iris --ensemble", ["--ensemble needs several models"]),
    ("iris --scheduler asah", ["--scheduler must be one of", "none", "did you mean 'asha'"]),
    ("good.csv --target sex --target age", ["--target takes one value", "'sex' and 'age'"]),
    ("iris --scoring accuracy --scoring f1_macro", ["--scoring takes one value"]),
    ("iris --sampler gp --sampler tpe", ["--sampler takes one value"]),
    ("iris --task regression --task classification", ["--task takes one value"]),
    ("iris --encoding utf-8 --encoding cp1252", ["--encoding takes one value"]),
    ("iris --frobnicate", ["--frobnicate"]),
    ("", ["DATA"]),
]


@pytest.mark.parametrize(("arguments", "parts"), CASES, ids=[arguments or "nothing" for arguments, _ in CASES])
@pytest.mark.usefixtures("tables")
def test_is_refused(hpcore: Any, monkeypatch: pytest.MonkeyPatch, arguments: str, parts: list[str]) -> None:
    def fit(self: Any, *args: Any, **kwargs: Any) -> None:
        pytest.fail("nothing may be fitted")

    monkeypatch.setattr("hpcore.sklearn.SearchCV.fit", fit)
    result = hpcore("tune", *arguments.split())
    assert result.exit_code == 2, result.stderr
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert "Traceback" not in line
    for part in parts:
        assert part in line, line
    assert not Path("hpcore-out").exists()


@pytest.mark.usefixtures("tables")
def test_debug_shows_the_traceback(hpcore: Any) -> None:
    result = hpcore("tune", "nowhere.csv", "--debug")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    assert "InvalidArgument" in result.stderr


@pytest.mark.usefixtures("tables")
def test_parquet_needs_its_extra(hpcore: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    result = hpcore("tune", "good.parquet", "--target", "sex")
    assert result.exit_code == 2
    assert "pip install 'hpcore[parquet]'" in result.stderr


@pytest.mark.parametrize("arguments", [["tunes"], ["tune", "iris", "wine"]])
def test_other_commands(hpcore: Any, arguments: list[str]) -> None:
    result = hpcore(*arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
