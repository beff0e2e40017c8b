"""Tables are written in a form that their readers accept."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from hpcore.cli.files import write_table


def test_cells_are_not_formulas(tmp_path: Path) -> None:
    row = ["=1+1", "+x", "-x", "@x", "\tx", "plain", -1.5, np.int64(-2), None, np.nan, True, (1, 2), 1e-300]
    write_table(tmp_path / "t.csv", [f"c{i}" for i in range(len(row))], [row])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        cells = list(csv.reader(stream))[1]
    assert cells[:6] == ["'=1+1", "'+x", "'-x", "'@x", "'\tx", "plain"]
    assert cells[6:] == ["-1.5", "-2", "", "", "True", "(1, 2)", "1e-300"]
