"""The page as a file: one that loads nothing, in which no text of a search is code, and of any search."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
import hpcore.report
from hpcore.errors import InvalidType

from .conftest import KINDS, ODD

pytest.importorskip("plotly")

ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "script",
        "body",
        "a",
        "header",
        "main",
        "footer",
        "nav",
        "section",
        "div",
    ),
    *("h1", "h2", "p", "ul", "li", "dl", "dt", "dd", "figure", "label", "select", "option", "details", "summary"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
URL = ("href", "src", "action", "data", "srcset", "poster", "formaction")


class Document(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.texts: list[str] = []
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(tag, name, value) for name, value in attrs]
        self._open = tag
        if tag == "script":
            self.scripts.append((dict(attrs), ""))

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            attrs, before = self.scripts[-1]
            self.scripts[-1] = attrs, before + data
        else:
            self.texts.append(data)

    def check(self) -> None:
        """Check that it loads and runs nothing but its own scripts."""
        assert set(self.tags) <= ALLOWED
        assert self.tags["script"] == 3
        for tag, name, value in self.attributes:
            assert not name.startswith("on"), (tag, name)
            if name in URL:
                assert tag == "a" and (value or "").startswith("#"), (tag, name, value)

    @property
    def figures(self) -> dict[str, list[dict[str, Any]]]:
        return json.loads(next(text for attrs, text in self.scripts if attrs.get("id") == "figures"))


def page_of(source: object, folder: Path, **options: Any) -> str:
    path = hp.report.html(source, folder / "report.html", **options)
    assert path == folder / "report.html" and [file.name for file in folder.iterdir()] == ["report.html"]
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS)
def test_sections(kind: str, searches: Callable[[str], Any], tmp_path: Path) -> None:
    document = Document(page_of(searches(kind), tmp_path))
    document.check()
    expected = {
        "conditional": "history importance slice surface contour parallel cost timeline failures",
        "two objectives": "history pareto importance slice surface contour parallel cost timeline",
        # One number and two choices make no surface.
        "raced": "history importance slice contour parallel folds cost timeline",
        "hyperband": "history importance slice surface contour parallel curves cost timeline",
    }
    assert set(document.figures) == set(expected[kind].split())
    ids = [value for _, name, value in document.attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    assert {value[1:] for tag, name, value in document.attributes if tag == "a" and name == "href"} <= set(ids)
    places = {value for _, name, value in document.attributes if name == "data-section"}
    assert places == set(document.figures)


def test_best_trial_and_title(searches: Callable[[str], Any], tmp_path: Path) -> None:
    study = searches("conditional")
    document = Document(page_of(study, tmp_path, title="Three models & more"))
    words = " ".join(" ".join(document.texts).split())
    assert "Three models & more" in words
    assert f"{study.best_value:.6g}" in words and f"trial {study.best_trial.number}" in words
    n_failed = sum(trial.state == "failed" for trial in study.trials)
    assert f"{200 - n_failed} complete, {n_failed} failed" in words
    assert "the loss is nan at lr=" in words


@pytest.mark.parametrize("kind", ODD)
def test_odd_searches(kind: str, tmp_path: Path) -> None:
    source = ODD[kind]()
    Document(page_of(source, tmp_path)).check()
    # And again, over the first one.
    hp.report.html(source, tmp_path / "report.html")


PAYLOADS = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</SCRIPT ><img src=x onerror=alert(1)>",
    "<!--<script>",
    "-->",
    '" onmouseover="alert(1)',
    "' autofocus onfocus='alert(1)",
    "<a href='javascript:alert(1)'>x</a>",
    "<b>bold</b>",
    "&lt;script&gt;",
    "&#60;script&#62;",
    "\u2028alert(1)\u2029",
    "%{x}",
    "$\\alpha$",
    "{{7*7}}",
    "\x1b[31mred\x07",
    "\u202egnp.exe",
    "\ufffe",
    "x" * 300,
    "]]>",
    "<svg/onload=alert(1)>",
    "`${alert(1)}`",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_of_a_search_is_code(payload: str, tmp_path: Path) -> None:
    # In names of study, parameter, metric and attribute, in a choice, a note, a title and the text of an error.
    space = {payload: hp.Float(0, 1), "choice": [payload, "other"], f"{payload} 2": hp.Float(0, 1)}
    study = hp.Study(space, name=payload, sampler="random", limits={payload: hp.at_most(0.9)}, seed=0)
    study.note = payload
    study.user_attrs["an attribute"] = payload

    def objective(trial: hp.Trial) -> hp.Outcome:
        trial.user_attrs["mine"] = payload
        if trial.number % 4 == 0:
            raise ValueError(payload)
        return hp.Outcome(trial[payload], metrics={payload: trial[payload]})

    study.run(objective, 16)
    page = page_of(study, tmp_path, title=payload)
    document = Document(page)
    document.check()
    # Words of figures are read by plotly, which knows some tags.
    for section in document.figures.values():
        for panel in section:
            for text in _texts(panel):
                assert not re.search(r"<(?!/?br>|extra></extra>|/extra>)", text), text
    # The text itself is there to be read.
    if payload.isprintable() and len(payload) < 60:
        assert payload in " ".join(document.texts)
    assert "\x1b" not in page and "\u2028" not in page and "\u202e" not in page


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        # Packed arrays are no text.
        return [text for key, item in value.items() if key != "bdata" for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def test_policy_allows_the_two_scripts_of_the_page_alone(searches: Callable[[str], Any], tmp_path: Path) -> None:
    page = page_of(searches("two objectives"), tmp_path)
    document = Document(page)
    policy = next(
        value for tag, name, value in document.attributes if tag == "meta" and name == "content" and "src" in value
    )
    assert policy.startswith("default-src 'none'; ")
    own = document.scripts[-1][1]
    packed = next(text for attrs, text in document.scripts if attrs.get("id") == "plotly")
    library = gzip.decompress(base64.b64decode(packed)).decode()
    assert "plotly.js v" in library
    digests = {base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in (own, library)}
    assert set(re.findall(r"sha256-([^']+)'", policy)) == digests
    assert "unsafe-inline" not in policy.split("script-src")[1]


def test_size_of_a_thousand_trials(tmp_path: Path) -> None:
    space = {f"parameter {i}": hp.Float(0, 1) for i in range(20)}
    study = hp.minimize(lambda t: sum(t.values()), space, sampler="random", n_trials=1000, seed=0)
    page_of(study, tmp_path)
    assert (tmp_path / "report.html").stat().st_size <= 5_000_000


def test_wrong_arguments(tmp_path: Path) -> None:
    study = hp.Study({"x": hp.Float(0, 1)})
    for source in (None, 3, {"x": 1}, hp.Space({"x": hp.Float(0, 1)})):
        with pytest.raises(InvalidType, match="a report is of a Study, an Optimizer or a fitted SearchCV, got"):
            hp.report.html(source, tmp_path / "report.html")
    with pytest.raises(InvalidType, match="title must be a str"):
        hp.report.html(study, tmp_path / "report.html", title=3)
    with pytest.raises(FileNotFoundError):
        hp.report.html(study, tmp_path / "nowhere" / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_study_that_runs(tmp_path: Path) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=tmp_path / "runs.db", name="s", sampler="random", seed=0)
    study.run(lambda t: t["x"], 8)
    study.ask()
    folder = tmp_path / "out"
    folder.mkdir()
    assert "8 complete, 1 running" in page_of(study, folder)
