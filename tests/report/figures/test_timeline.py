"""Timeline: lanes by brute force, pauses that are cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from hpcore.report.figures.timeline import _lanes, _pauses, draw
from hpcore.report.section import NothingToShow
from tests.report.samples import dated, section, told

DAY = 86400.0


@pytest.mark.parametrize("seed", range(8))
def test_lanes_hold_one_trial_at_a_time_and_are_as_few_as_possible(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 60
    start = rng.integers(0, 30, n).astype(float)
    end = start + rng.integers(0, 6, n)  # with trials of no time, and equal times
    lanes = _lanes(start, end)
    for lane in range(lanes.max() + 1):
        mine = sorted((start[i], end[i]) for i in np.flatnonzero(lanes == lane))
        assert mine
        assert all(a[1] <= b[0] for a, b in pairwise(mine))
    at_a_time = max(int(((start <= t) & (t < end)).sum()) for t in start)
    assert at_a_time <= lanes.max() + 1 <= at_a_time + 1  # one more where trials of no time stand alone


def test_ends_of_bars_are_times() -> None:
    record = dated([(0.0, 100.0, 103.0), (1.0, 101.0, 102.0), (2.0, 103.0, 110.0)])
    drawn = section(draw, record)
    (bars,) = drawn.panels[0].data
    assert bars["base"].tolist() == [0.0, 1.0, 3.0]
    assert bars["x"].tolist() == [3.0, 1.0, 7.0]
    assert bars["y"] == [0, 1, 0]
    assert "3 trials in 10 seconds, up to 2 at a time; the lanes were busy 55%" in drawn.lead
    assert "pause" not in drawn.lead
    assert not drawn.panels[0].layout["shapes"]


def test_long_pauses_are_cut() -> None:
    rows = [(0.0, k, k + 1.0) for k in range(10)]
    rows += [(0.0, 4 * DAY + k, 4 * DAY + k + 1.0) for k in range(5)]
    rows += [(0.0, 10 * DAY + k, 10 * DAY + k + 1.0) for k in range(5)]
    drawn = section(draw, dated(rows))
    (bars,) = drawn.panels[0].data
    base = bars["base"].astype(float)
    np.testing.assert_allclose(np.diff(base), [1.0] * 9 + [1.6] + [1.0] * 4 + [1.6] + [1.0] * 4, atol=1e-4)
    assert "20 trials in 20 seconds" in drawn.lead
    assert "Without pauses of 4 days and 6 days" in drawn.lead
    cuts = [shape["x0"] for shape in drawn.panels[0].layout["shapes"]]
    assert [int(np.searchsorted(base, cut)) for cut in cuts] == [10, 15]
    assert drawn.panels[0].layout["xaxis"]["range"][1] > base[-1] + 1.0


def test_gaps_between_short_trials_are_no_pauses() -> None:
    start = np.arange(50.0)
    assert len(_pauses(start, start + 1e-3)) == 0
    assert len(_pauses(np.array([0.0, 100.0]), np.array([0.0, 100.0]))) == 0  # nothing would be left
    # A long trial beside it: no pause.
    assert len(_pauses(np.array([0.0, 0.0, 99.0]), np.array([1.0, 100.0, 100.0]))) == 0


def test_one_trial_of_no_time() -> None:
    drawn = section(draw, dated([(0.0, 5.0, 5.0)]))
    assert np.isfinite(drawn.panels[0].layout["xaxis"]["range"]).all()


def test_unknown_times() -> None:
    with pytest.raises(NothingToShow, match="no trial has known times"):
        section(draw, told(3, lambda t: None))
