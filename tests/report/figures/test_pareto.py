"""Pareto front: the step line bounds exactly what the front reaches."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from hpcore.report.figures.pareto import draw
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told, trace

WAYS = ("minimize", "maximize")


@pytest.mark.parametrize("directions", list(product(WAYS, WAYS)))
def test_corners_of_the_line_are_reached_by_both_neighbours(directions: tuple[str, str]) -> None:
    def value(t: dict[str, float]) -> tuple[float, float]:
        # A trade-off in any pair of directions, with some trials off the front.
        other = 1.0 - t["x"] if directions[0] == directions[1] else t["x"]
        worse = 0.2 * (t["k"] - 1) / 8
        return t["x"], other + (worse if directions[1] == "minimize" else -worse)

    opt = told(40, value, directions=directions)  # type: ignore[arg-type]
    drawn = section(draw, opt)
    line = trace(drawn, "Pareto front")
    assert len(line["x"]) >= 3
    signs = np.array([1.0 if way == "minimize" else -1.0 for way in directions])
    for (xa, ya), (xb, yb) in zip(
        zip(line["x"][:-1], line["y"][:-1], strict=True), zip(line["x"][1:], line["y"][1:], strict=True), strict=True
    ):
        corner = np.array((xb, ya) if line["line"]["shape"] == "hv" else (xa, yb)) * signs
        for point in ((xa, ya), (xb, yb)):
            assert np.all(np.array(point) * signs <= corner)
    assert f"{len(line['x'])} of 40" in drawn.lead
    title = drawn.panels[0].layout["xaxis"]["title"]["text"]
    assert title.endswith("(smaller is better)" if directions[0] == "minimize" else "(larger is better)")


@pytest.mark.parametrize(("m", "panels"), [(2, 1), (3, 4), (4, 6)])
def test_panels(m: int, panels: int) -> None:
    drawn = section(
        draw, told(20, lambda t: [t["x"] * (-1) ** i + t["k"] * i for i in range(m)], directions=["minimize"] * m)
    )
    assert len(drawn.panels) == panels
    assert len({panel.label for panel in drawn.panels}) == panels


def test_the_table_tells_inactive_from_a_choice_that_is_none() -> None:
    import hpcore as hp

    space = {"c": hp.Categorical([None, 1]), "x": hp.Float(0, 1, when={"c": 1})}
    drawn = section(draw, told(20, lambda t: (t.get("x", 2.0), -t.get("x", 2.0)), space, directions=["minimize"] * 2))
    assert drawn.table is not None
    assert {tuple(row[3:]) for row in drawn.table.rows if row[3] == "None"} == {("None", "–")}


def test_words_over_points_do_not_grow_with_the_pairs() -> None:
    opt = told(30, lambda t: (t["x"], 1 - t["x"], t["k"] / 9), directions=("minimize",) * 3)
    for k in (1, 2, 3):
        drawn = section(draw, opt)
        assert "text" not in trace(drawn, "complete", k)
        assert "c: " in trace(drawn, "Pareto front", k)["text"][0]


def test_one_objective() -> None:
    with pytest.raises(NothingToShow, match="needs two objectives"):
        section(draw, told(5))
