"""A table of every kind of column, models that are fitted to it and saved, and an environment without hpcore."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from packaging.requirements import Requirement
from sklearn.pipeline import Pipeline

from hpcore.tables.data import load
from hpcore.tables.deploy import save_deployment
from hpcore.tables.prepare import Prepared, prepare

N = 120
SENTENCE = "the roof is old but garden and kitchen were made new last year by owner near quiet street with trees"


def mixed_table() -> pd.DataFrame:
    """Return currency, dates, codes with zeros, categories, a plain number and truth values, with missing cells."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=N) * 100
    price = rng.integers(200, 90_000, N) / 4
    days = pd.Timestamp("2021-01-01") + pd.to_timedelta(rng.integers(0, 365, N), unit="D")
    frame = pd.DataFrame(
        {
            "size": [f"{value:.9g}" for value in size],
            "price, net": [f"${value:,.2f}" for value in price],
            "sold": days.strftime("%Y-%m-%d"),
            "zip": rng.choice(["01067", "80331", "00501", "50667"], N),
            "town": rng.choice(["København", "Zürich", "x, y", "NA"], N),
            "new": rng.choice(["True", "False"], N),
            "paid": rng.choice(["yes", "no"], N),
            "time": [f"{minutes // 60}:{minutes % 60:02d}:00" for minutes in rng.integers(10, 300, N)],
            "comment": [" ".join(rng.choice(SENTENCE.split(), 9)) for _ in range(N)],
        }
    )
    level = size / 50 + price / 9000 + (frame["zip"] == "00501") + rng.normal(size=N) / 4
    for i, name in enumerate(["size", "price, net", "sold", "town"]):
        frame.loc[rng.random(N) < 0.04 * (i + 1), name] = ""
    frame["level"] = [f"{value:.6f}" for value in level]
    frame["class"] = np.where(level > np.median(level), "high", "=low")
    return frame


def fitted(path: str, target: str, other: str, model: str, estimator: Any = None) -> tuple[Prepared, Pipeline]:
    """Return the task and the fitted pipeline of a preset, or of another estimator with its preprocessing."""
    table = load(path)
    table.frame = table.frame.drop(columns=other)
    prepared = prepare(table, target=target, model=model)
    pipeline = prepared.pipeline
    if estimator is not None:
        pipeline = Pipeline([*pipeline.steps[:-1], ("model", estimator)])
    y = prepared.problem.y
    if estimator is not None and target == "class":
        y = (y == "high").astype(int)  # XGBoost takes no text
    return prepared, pipeline.fit(prepared.problem.X, y)


def saved(directory: Path, prepared: Prepared, pipeline: Pipeline) -> Path:
    """Save a model as hpcore tune does."""
    directory.mkdir(exist_ok=True)
    joblib.dump(pipeline, directory / "best_model.joblib")
    written = list(save_deployment(directory, pipeline, facts={"target": prepared.problem.target}))
    assert [path.name for path in written] == ["table_steps.py", "predict.py", "requirements.txt", "model.json"]
    return directory


def required(directory: Path) -> list[str]:
    """Return the names of the packages in requirements.txt, whose versions must be those of this environment."""
    lines = (directory / "requirements.txt").read_text().splitlines()
    assert lines[0].startswith("# Python 3.")
    pairs = [line.split("==") for line in lines[1:]]
    assert all(metadata.version(name).partition("+")[0] == version for name, version in pairs)
    return [name for name, _ in pairs]


def environment(folder: Path, names: list[str]) -> Path:
    """Make an environment with only these packages of this one, and what they depend on; return its Python."""
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    packages = folder / "packages"
    packages.mkdir()
    waiting, seen = list(names), set[str]()
    while waiting:
        name = waiting.pop()
        if name.lower() in seen:
            continue
        seen.add(name.lower())
        try:
            package = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue  # such as nvidia-nccl of xgboost, which xgboost-cpu goes without
        for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
            link = packages / top
            if not link.exists():
                link.symlink_to(Path(str(package.locate_file(top))))
        needs = [Requirement(text) for text in package.requires or ()]
        waiting += [need.name for need in needs if need.marker is None or need.marker.evaluate({"extra": ""})]
    python = folder / "venv" / "bin" / "python"
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    (folder / "venv" / "lib" / version / "site-packages" / "only.pth").write_text(str(packages))
    return python


def run(python: Path, *arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a program without variables that lead to this environment; those of BLAS decide the last bits of sums."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    return subprocess.run(
        [str(python), *map(str, arguments)],
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**kept, "OMP_NUM_THREADS": "1", "PYTHONIOENCODING": "utf-8"},
        check=False,
    )
