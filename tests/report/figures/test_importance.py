"""Bars of importance."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures import importance as figure
from hpcore.report.figures.importance import draw
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the intervals of fANOVA be of two models, which do here."""
    monkeypatch.setattr(figure, "MOST_RESAMPLES", 2)


def test_bars_are_the_shares_with_their_intervals_the_largest_above() -> None:
    opt = told(60, lambda t: 10.0 * t["x"] + 0.2 * t["k"])
    drawn = section(draw, opt)
    assert [panel.label.partition(":")[0] for panel in drawn.panels] == ["PED-ANOVA", "fANOVA"]
    (bars,) = drawn.panels[0].data
    expected = hp.importance(opt)
    at = dict(zip(bars["y"], zip(bars["x"], bars["error_x"]["array"], strict=True), strict=True))
    labels = drawn.panels[0].layout["yaxis"]["ticktext"]
    assert labels == list(expected)[::-1]
    for place, name in enumerate(labels):
        value, above = at[place]
        assert value == pytest.approx(expected[name].value)
        assert value + above == pytest.approx(max(expected[name].high, expected[name].value))
    assert drawn.lead.startswith("By PED-ANOVA, x matters most")
    assert drawn.panels[0].layout["xaxis"]["range"][1] >= max(part.high for part in expected.values())


def test_several_objectives_have_a_panel_each() -> None:
    opt = told(40, lambda t: (t["x"], t["k"]), directions=["minimize", "maximize"])
    drawn = section(draw, opt)
    tops = [panel.layout["yaxis"]["ticktext"][-1] for panel in drawn.panels]
    assert len(drawn.panels) == 5
    assert tops[1:] == ["x", "k", "x", "k"]


@pytest.mark.parametrize("value", [lambda t: 1.0, lambda t: None])
def test_nothing_to_show(value: object) -> None:
    with pytest.raises(NothingToShow):
        section(draw, told(20, value))  # type: ignore[arg-type]


def test_names_are_text_and_two_that_are_alike_stay_two() -> None:
    space = {f"{'a' * 60}{i}<b>": hp.Float(0, 1) for i in range(2)}
    (bars,) = section(draw, told(30, lambda t: sum(t.values()), space)).panels[0].data  # type: ignore[arg-type]
    assert len(bars["y"]) == 2
    assert np.unique(bars["y"]).size == 2
    assert not any("<" in words for words in bars["text"])
