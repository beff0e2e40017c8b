"""Learning curves: order of steps, what was stopped, how many are drawn."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.report.figures import curves
from hpcore.report.figures.curves import draw
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told, trace


def trained(n: int, steps: range | list[int], **options: object) -> hp.Optimizer:
    """Train n trials, every third of which is stopped after two reports; the best is number 4."""
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="random", seed=0, **options)  # type: ignore[arg-type]
    sign = -1.0 if options.get("direction") == "maximize" else 1.0
    for trial in opt.ask(n):
        goal = 0.0 if trial.number == 4 else 1.0 + trial.number
        stopped = trial.number % 3 == 2
        for step in list(steps)[: 2 if stopped else None]:
            opt.report(trial, sign * (goal + 1.0 / step), step)
        if stopped:
            opt.tell(trial, state="pruned")
        else:
            opt.tell(trial, sign * goal)
    return opt


@pytest.mark.parametrize("way", ["minimize", "maximize"])
def test_lines_are_reports_in_the_order_of_steps(way: str) -> None:
    opt = trained(9, [3, 1, 2, 4], direction=way)
    drawn = section(draw, opt)
    lines = trace(drawn, "went to the end")
    complete = [t for t in opt.trials if t.state == "complete"]
    assert np.isnan(lines["x"]).sum() == len(complete)  # one gap after each line
    pieces = np.split(lines["x"], np.flatnonzero(np.isnan(lines["x"])) + 1)[:-1]
    assert all(piece[:-1].tolist() == [1.0, 2.0, 3.0, 4.0] for piece in pieces)
    first = lines["y"][:4].tolist()
    assert first == pytest.approx([opt.trials[0].reports[step] for step in (1, 2, 3, 4)])
    best = trace(drawn, "best, trial 4")
    assert best["y"][-1] == pytest.approx(0.25 if way == "minimize" else -0.25)
    assert "3 of 9 were stopped early" in drawn.lead
    low, high = drawn.panels[0].layout["yaxis"]["range"]
    assert low <= best["y"][-1] <= high


def test_the_table_says_where_trials_were_stopped() -> None:
    drawn = section(draw, trained(6, range(1, 5), scheduler="median"))
    assert drawn.table is not None
    assert [row[:2] for row in drawn.table.rows] == [["2", "2"], ["5", "2"]]
    assert all("median" in row[3] for row in drawn.table.rows)


def test_many_curves_are_thinned_and_the_best_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(curves, "MOST_CURVES", 6)
    monkeypatch.setattr(curves, "MOST_POINTS", 60)
    drawn = section(draw, trained(40, range(1, 101)))
    assert "of 40 trials are drawn" in drawn.lead
    assert sum(len(each["x"]) for each in drawn.panels[0].data) <= 2 * 60
    best = trace(drawn, "best, trial 4")
    assert best["x"][[0, -1]].tolist() == [1.0, 100.0]


def test_steps_that_are_multiples_are_on_a_logarithmic_scale() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, sampler="random", seed=0)
    for trial in opt.ask(8):
        for step in [1, 3, 9, 27, 81][: 1 + trial.number % 5]:
            opt.report(trial, 1.0, step)
        opt.tell(trial, 1.0)
    assert section(draw, opt).panels[0].layout["xaxis"]["type"] == "log"
    assert section(draw, trained(9, range(1, 5))).panels[0].layout["xaxis"]["type"] == "linear"


def test_no_reports() -> None:
    with pytest.raises(NothingToShow, match="no trial has reported"):
        section(draw, told(4))
