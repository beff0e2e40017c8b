"""First reports at rungs, read as they come or all at once, against a loop."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpcore.records.curves import Curves
from hpcore.schedulers.rungs import Rungs

LEVELS = (1.0, 3.0, 9.0)
REPORTS = st.lists(st.tuples(st.integers(0, 5), st.floats(0.25, 6.0)), max_size=120)


def filled(reports: list[tuple[int, float]]) -> Curves:
    curves, last = Curves(1), dict.fromkeys(range(6), 0.0)
    for number, more in reports:
        last[number] += more
        curves.append(number, last[number], [float(number)])
    return curves


def expected(curves: Curves) -> list[list[int]]:
    """Row of each trial's first report at each rung, by a loop over all reports."""
    out = [[-1] * len(LEVELS) for _ in range(6)]
    for i in range(len(curves)):
        for k, level in enumerate(LEVELS):
            if curves.step[i] >= level and out[curves.trial[i]][k] < 0:
                out[curves.trial[i]][k] = i
    return out


@given(REPORTS, st.lists(st.integers(0, 60), max_size=5))
def test_reading_in_parts_is_reading_all(reports: list[tuple[int, float]], parts: list[int]) -> None:
    curves = filled(reports)
    at_once, in_parts, growing = Rungs(LEVELS), Rungs(LEVELS), Curves(1)
    at_once.read(curves, 6)
    for end in [*np.cumsum(parts).tolist(), len(curves)]:
        for i in range(len(growing), min(end, len(curves))):
            growing.append(int(curves.trial[i]), float(curves.step[i]), curves.values[i].tolist())
        in_parts.read(growing, 6)
    for rungs in (at_once, in_parts):
        assert rungs.row[:6].tolist() == expected(curves)
        assert rungs.reached[:6].tolist() == [sum(row >= 0 for row in rows) - 1 for rows in expected(curves)]
        last = [max(curves.step[curves.of(i)].tolist(), default=-np.inf) for i in range(6)]
        assert rungs.last[:6].tolist() == last
        crossings = [(i, k, row) for i, rows in enumerate(expected(curves)) for k, row in enumerate(rows) if row >= 0]
        assert sorted(rungs.crossings) == crossings
        for number in range(6):  # a trial comes to its rungs in turn
            reached = [k for i, k, _ in rungs.crossings if i == number]
            assert reached == sorted(reached)


def test_other_curves_are_read_anew() -> None:
    rungs = Rungs(LEVELS)
    curves = filled([(0, 5.0), (1, 2.0)])
    assert not rungs.read(curves, 2) and rungs.read(curves, 2)
    curves.append(1, 10.0, [0.0])
    assert rungs.read(curves, 2) and rungs.reached[:2].tolist() == [1, 2]
    other = filled([(1, 1.0)])
    assert not rungs.read(other, 2) and rungs.reached[:2].tolist() == [-1, 0]
    assert len(rungs.crossings) == 1
    assert not rungs.read(curves, 2) and rungs.reached[:2].tolist() == [1, 2]
