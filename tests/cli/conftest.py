"""The command in this process, and an untidy table."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from sklearn.datasets import load_wine
from threadpoolctl import threadpool_limits

from hpcore.cli import main

Hpcore = Callable[..., Result]


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Use one OpenMP thread: several are slow on shared cores, as on most test machines."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def hpcore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Hpcore:
    """Return ``hpcore(*arguments)``, which runs the command in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


@pytest.fixture
def untidy() -> pd.DataFrame:
    """Return the wine data with text, dates, booleans, gaps, a constant, row numbers, and a row without its class."""
    frame = load_wine(as_frame=True).frame
    rng = np.random.default_rng(0)
    n = len(frame)
    frame.insert(0, "id", np.arange(1, n + 1))
    frame["colour"] = np.where(frame["color_intensity"] > 5, "dark", "light")
    frame.loc[rng.random(n) < 0.1, "colour"] = None
    frame["region"] = rng.choice(["north", "south", "east"], n)
    days = rng.integers(0, 900, n)
    frame["bottled"] = [(datetime.date(2020, 1, 1) + datetime.timedelta(days=int(day))).isoformat() for day in days]
    frame["organic"] = rng.random(n) > 0.5
    frame["unit"] = "ml"
    frame["note"] = [f"bottle {i}" for i in range(n)]
    for column in ("alcohol", "ash"):
        frame.loc[rng.random(n) < 0.15, column] = np.nan
    frame["hue"] = frame["hue"].map("{:.2f}".format)
    frame.loc[5, "hue"] = "?"
    frame["cultivar"] = frame.pop("target").map({0: "barolo", 1: "grignolino", 2: "barbera"})
    frame.loc[3, "cultivar"] = None
    return frame


@pytest.fixture(autouse=True)
def no_page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out the page of pictures, which takes a second, in the tests of other things."""
    if request.module.__name__.rpartition(".")[2] != "test_page":
        monkeypatch.setattr("hpcore.cli.page.save_page", lambda directory, search, title: None)
