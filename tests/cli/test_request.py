"""Options of a search in its study, and back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.cli.request import REQUEST, Request, read_request, to_plain
from hpcore.errors import DamagedStore, InvalidArgument

BASE: dict[str, Any] = {
    "data": "iris", "target": None, "task": None, "models": ("knn",), "sampler": "gp", "trials": 3, "timeout": None,
    "cv": 5, "scoring": None, "jobs": 1, "seed": 0, "out": "here", "as_json": True, "debug": False,
}  # fmt: skip


def stored(path: Path, attributes: dict[str, Any]) -> Path:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=path / "runs.db", name="s", seed=0)
    study.user_attrs.update(attributes)
    return path / "runs.db"


def test_there_and_back(tmp_path: Path) -> None:
    given = Request(**BASE, drop=("a", "b"), positive="yes", racing=True, fit_timeout=2.0, time=60.0, overwrite=True)
    store = stored(tmp_path, {REQUEST: to_plain(given)})
    name, found = read_request(store, None, {"trials": 9, "time": None, "timeout": 5.0})
    assert name == "s"
    changed = {**BASE, "trials": 9, "timeout": 5.0, "out": str(tmp_path), "as_json": False}
    assert found == Request(**changed, drop=("a", "b"), positive="yes", racing=True, fit_timeout=2.0)


@pytest.mark.parametrize(("model", "models"), [("svc", ("svc",)), (None, ())])
def test_options_of_an_earlier_version(tmp_path: Path, model: str | None, models: tuple[str, ...]) -> None:
    plain = to_plain(Request(**BASE))
    for name in ("models", "drop", "positive", "racing", "fit_timeout", "time"):
        del plain[name]
    _, found = read_request(stored(tmp_path, {REQUEST: {**plain, "model": model}}), "s", {})
    assert (found.models, found.drop, found.racing, found.time) == (models, (), False, None)


def test_the_path_of_the_data_is_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("t.csv").write_text("")
    assert to_plain(Request(**{**BASE, "data": "t.csv"}))["data"] == str(tmp_path / "t.csv")
    assert to_plain(Request(**BASE))["data"] == "iris"


@pytest.mark.parametrize(
    "damage", [{"data": 3}, {"frobnicate": 1}, {"models": 3}, {"drop": None}], ids=["data", "unknown", "models", "drop"]
)
def test_damaged_options(tmp_path: Path, damage: dict[str, Any]) -> None:
    store = stored(tmp_path, {REQUEST: {**to_plain(Request(**BASE)), **damage}})
    with pytest.raises(DamagedStore, match="options of study 's' are damaged"):
        read_request(store, None, {})


def test_a_study_of_another_program(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="'s' was not created by hpcore tune"):
        read_request(stored(tmp_path, {}), None, {})


def test_the_model_of_a_search_of_one() -> None:
    assert Request(**BASE).model == "knn"
    assert Request(**{**BASE, "models": ()}).model is None
