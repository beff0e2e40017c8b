"""Failures are counted by reasons that differ by numbers alone."""

from __future__ import annotations

import pytest

from hpcore.report.figures.failures import draw
from hpcore.report.section import NothingToShow
from tests.report.samples import section, told


def test_reasons_are_grouped_and_ranked() -> None:
    def result(trial: dict[str, float]) -> object:
        k = trial.number  # type: ignore[attr-defined]
        if k % 4 == 0:
            return {"error": f"Traceback\n  line {k}\nValueError: nan at lr={k}e-{k} <b>"}
        return {"error": "MemoryError"} if k == 1 else 1.0

    drawn = section(draw, told(20, result))  # type: ignore[arg-type]
    (bars,) = drawn.panels[0].data
    assert bars["x"].tolist() == [5.0, 1.0]
    assert bars["text"][0].startswith("5 × ValueError: nan at lr=")
    assert "<b>" not in bars["text"][0]
    assert drawn.lead == "6 of 20 trials failed, for 2 reasons."
    assert drawn.table is not None
    assert [row[1:] for row in drawn.table.rows] == [["5", "0, 4, 8, 12, 16"], ["1", "1"]]
    # The most frequent reason is the uppermost bar.
    assert dict(zip(bars["y"], bars["x"], strict=True))[max(bars["y"])] == 5.0


def test_no_failures() -> None:
    with pytest.raises(NothingToShow, match="no trial has failed"):
        section(draw, told(3))
