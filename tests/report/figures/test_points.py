"""Trials as points: one trace for each state, words over them."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures import points
from hpcore.report.figures.points import hover, of, trial_traces
from hpcore.report.record import read
from tests.report.samples import told


def test_every_trial_with_a_place_is_a_point_of_its_state() -> None:
    record = read(told(12, lambda t: {"error": "no"} if t.number % 4 == 1 else t["x"]))
    x = np.arange(12.0)
    y = np.where(x == 3.0, np.nan, x)
    traces = trial_traces(record, x, y)
    seen = {each["name"]: each["x"].tolist() for each in traces}
    assert seen == {"complete": [0, 2, 4, 6, 7, 8, 10, 11], "failed": [1, 5, 9]}
    assert len({(each["marker"]["color"], each["marker"]["symbol"]) for each in traces}) == 2
    assert [each["name"] for each in trial_traces(record, x, y, skip=("failed",))] == ["complete"]
    assert "text" not in trial_traces(record, x, y, words=False)[0]


def test_words_are_escaped_and_short() -> None:
    space = {f"<p{i}>": hp.Categorical([f"<{'v' * 99}>", dict]) for i in range(20)}
    opt = hp.Optimizer(space, "random", seed=0)
    opt.tell(opt.ask(), error="a\nlast <line>")
    (words,) = hover(read(opt), np.array([0]))
    assert words.startswith("trial 0, failed<br>")
    assert "last &lt;line&gt;" in words
    assert words.replace("<br>", "").count("<") == 0
    assert words.count("<br>") == 1 + points.SHOWN


def test_of_many_trials_words_leave_out_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    record = read(told(4))
    assert "x: " in hover(record, np.array([0]))[0]
    monkeypatch.setattr(points, "MOST_WORDS", 100)
    assert "x: " not in hover(record, np.array([0]))[0]


def test_of_a_table() -> None:
    params = {"a": None, "b": 0.1 + 0.2, "c": dict}
    assert [of(params, name) for name in ("a", "b", "c", "d")] == ["None", "0.3", "dict", "–"]
