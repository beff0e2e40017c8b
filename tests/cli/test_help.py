"""What the command says about itself, and how fast."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
from sklearn import datasets

from hpcore import samplers
from hpcore.tables import presets
from hpcore.tables.catalogue import CLASSIFICATION_MODELS, DATA_SETS, REGRESSION_MODELS


def test_catalogue_is_true() -> None:
    assert tuple(presets.names("classification")) == CLASSIFICATION_MODELS
    assert tuple(presets.names("regression")) == REGRESSION_MODELS
    for name, text in DATA_SETS.items():
        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        assert f"{X.shape[0]} rows, {X.shape[1]} columns" in text
        assert ("regression" in text) == (len(set(y)) > 20)


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


def test_models_are_described(hpcore: Any) -> None:
    everything = hpcore("models")
    assert everything.exit_code == 0
    for name in presets.names():
        assert f"\n{name}: " in f"\n{everything.stdout}"
    one = hpcore("models", "svc").stdout
    assert "degree        whole number, 2 to 4; when kernel is poly" in one
    assert "svr" not in one


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
