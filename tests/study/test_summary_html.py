"""Summary of a study for notebooks."""

from __future__ import annotations

import math
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hpcore as hp


class Page(HTMLParser):
    """Parser that collects tags, attributes and texts, and checks that tags are closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert not self._open

    def handle_starttag(self, tag, attrs):  # type: ignore[no-untyped-def]
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self._open.append(tag)

    def handle_endtag(self, tag):  # type: ignore[no-untyped-def]
        assert self._open.pop() == tag

    def handle_data(self, data):  # type: ignore[no-untyped-def]
        self.texts.append(data)


def page(study: hp.Study) -> list[str]:
    """Return the texts of a summary, after checks of what every summary keeps to."""
    found = Page(study._repr_html_())
    assert set(found.tags) <= {"div", "table", "tr", "td", "th"} and found.names <= {"style"}
    assert len(study._repr_html_()) < 20_000
    return found.texts


EVIL = "<script>alert('1')</script>"


def test_the_best_trial_and_what_is_known() -> None:
    space = {"x": hp.Float(0, 1), "c": hp.Categorical(["a", "b"])}
    study = hp.Study(space, sampler="random", seed=0, limits={"ms": hp.at_most(1.0)}, scheduler="median")
    study.run(lambda t: None if t.number == 2 else hp.Outcome(t["x"], metrics={"ms": 0.5}), 5)
    texts = page(study)
    assert texts[0] == "Study" and "4 complete, 1 failed" in texts and "minimize" in texts
    assert f"best value {study.best_value:.6g}, trial {study.best_trial.number}" in texts
    assert texts[texts.index("x") + 1] == f"{study.best_params['x']:.6g}"
    assert {"RandomSampler", "ms: <= 1", "scheduler", "limits", "time"} <= set(texts) | {"ms: <= 1"}


def test_everything_is_escaped() -> None:
    study = hp.Study(
        {EVIL: hp.Float(0, 1), "c": hp.Categorical([EVIL, "\x1b[0m"])}, name=EVIL, sampler="random", seed=0
    )
    study.run(lambda t: t[EVIL], 4)
    assert EVIL in page(study) and EVIL not in study._repr_html_()
    study = hp.Study({"x": (0.0, 1.0)}, sampler="random").run(lambda t: int(EVIL), 2)
    assert any(EVIL in text for text in page(study)) and EVIL not in study._repr_html_()


class Silent:
    """Choice that cannot be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no")


def study_of(kind: str, tmp_path: Path) -> hp.Study:
    space = {"x": hp.Float(0, 1)}
    if kind == "nothing":
        return hp.Study(space)
    if kind == "running":
        study = hp.Study(space)
        study.ask(3)
        return study
    if kind == "failures":
        return hp.Study(space, sampler="random").run(lambda t: math.nan, 5)
    if kind == "huge":
        return hp.Study(space, sampler="random").run(lambda t: -1.7e308, 3)
    if kind == "unfeasible":
        study = hp.Study(space, sampler="random", limits={"ms": hp.at_most(1.0)})
        return study.run(lambda t: hp.Outcome(1.0, metrics={"ms": 2.0}), 3)
    if kind == "many":
        many = {f"parameter {'long ' * 30} {i}": hp.Float(0, 1) for i in range(100)}
        return hp.Study(many, sampler="random").run(lambda t: 1.0, 3)
    if kind == "silent":
        return hp.Study({"c": hp.Categorical([Silent(), Silent()])}, sampler="random").run(lambda t: 1.0, 2)
    if kind == "front":
        study = hp.Study(space, directions=["minimize", "maximize"], sampler="random", seed=0)
        return study.run(lambda t: (t["x"], t["x"]), 12)
    if kind == "no front":
        return hp.Study(space, directions=["minimize"] * 3, sampler="random").run(lambda t: None, 2)
    study = hp.Study(space, storage=tmp_path / "runs.db", name="stored", sampler="random")
    study.add({"x": 0.5}, 1.0)
    return study


@pytest.mark.parametrize(
    "kind, words",
    [
        ("nothing", "no trial is best yet"),
        ("running", "3 running"),
        ("failures", "the last failure, of trial 4: "),
        ("huge", "best value -1.7e+308, trial 0"),
        ("unfeasible", "no complete trial keeps the limits yet"),
        ("many", "and 80 more"),
        ("silent", "<Silent>"),
        ("front", "Pareto front: 12 trials"),
        ("no front", "Pareto front: 0 trials"),
        ("stored", "Study stored"),
    ],
)
def test_every_study_has_a_summary(kind: str, words: str, tmp_path: Path) -> None:
    study = study_of(kind, tmp_path)
    assert any(words in text for text in page(study))
    if kind == "front":
        assert "and 4 more" in page(study) and "value 1 (maximize)" in page(study)
    if kind == "stored":
        assert str(tmp_path / "runs.db") in page(study)


def test_it_is_of_results_of_minimize_too() -> None:
    assert "best value" in " ".join(page(hp.minimize(lambda t: t["x"], {"x": (0.0, 1.0)}, n_trials=2, seed=0)))
