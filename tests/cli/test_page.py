"""``hpcore report``, and the page beside the results of ``hpcore tune``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp

pytest.importorskip("plotly")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Return a store whose program is lost: a choice is an object, a constraint a function."""

    class Model:
        def __repr__(self) -> str:
            return "Model()"

    space = hp.Space(
        {"x": hp.Float(-1, 1), "model": hp.Categorical([Model(), None])}, constraints=[lambda params: params["x"] < 0.9]
    )
    study = hp.Study(space, storage=tmp_path / "runs.db", name="a study", sampler="random", seed=0)
    study.run(lambda trial: trial["x"] ** 2, n_trials=20)
    return tmp_path / "runs.db"


def test_report_of_a_store(hpcore: Any, store: Path, tmp_path: Path) -> None:
    before = store.read_bytes()
    shown = hpcore("report", store)
    assert shown.exit_code == 0, shown.stderr
    assert shown.stdout.strip() == "report.html"
    page = (tmp_path / "report.html").read_text()
    assert "<h1>a study</h1>" in page and "Model()" in page and "20 complete" in page
    other = hpcore("report", store.parent, "a study", "--out", tmp_path / "other.html", "--title", "Mine")
    assert other.exit_code == 0 and "<h1>Mine</h1>" in (tmp_path / "other.html").read_text()
    assert store.read_bytes() == before
    importance = hpcore("importance", store)
    assert importance.exit_code == 0 and importance.stdout.splitlines()[1].startswith("x ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.db"], "nowhere.db"),
        (["runs.db", "another"], "another"),
        (
            ["runs.db", "--out", "nowhere/report.html"],
            "--out must be a file that can be written, got 'nowhere/report.html'",
        ),
    ],
)
def test_wrong_arguments(hpcore: Any, store: Path, arguments: list[str], message: str) -> None:
    shown = hpcore("report", *arguments)
    assert shown.exit_code != 0 and message in shown.stderr and len(shown.stderr.splitlines()) == 1


def test_without_plotly(hpcore: Any, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("plotly", "plotly.io.json", "plotly.offline"):
        monkeypatch.setitem(sys.modules, module, None)
    shown = hpcore("report", store)
    assert shown.exit_code == 2 and 'pip install "hpcore[report]"' in shown.stderr.replace("'", '"')
    tuned = hpcore("tune", "iris", "--model", "logistic", "--trials", 2, "--cv", 2, "--jobs", 1)
    assert tuned.exit_code == 0, tuned.stderr
    assert "note: no report.html, which needs plotly" in tuned.stderr
    assert not list(store.parent.glob("hpcore-out/report.html"))


def test_page_of_tune(hpcore: Any, tmp_path: Path) -> None:
    tuned = hpcore("tune", "iris", "--model", "svc", "--trials", 6, "--cv", 2, "--jobs", 1)
    assert tuned.exit_code == 0, tuned.stderr
    path = tmp_path / "hpcore-out" / "report.html"
    assert "hpcore-out/report.html" in tuned.stdout
    page = path.read_text()
    assert "<h1>iris: svc</h1>" in page and "Best accuracy" in page and 'id="folds"' in page
    # From its store, too.
    assert hpcore("report", tmp_path / "hpcore-out").exit_code == 0
    assert 'id="folds"' in (tmp_path / "report.html").read_text()
