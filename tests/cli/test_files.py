"""Files are written completely or not at all, in a form that their readers accept."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.cli.files import plain, replace_file, to_json, write_table


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    replace_file(path, lambda part: part.write_text("old"))

    def fails(part: Path) -> None:
        part.write_text("half of the n")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        replace_file(path, fails)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    replace_file(path, lambda part: part.write_text("new"))
    assert path.read_text() == "new"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64("nan"), None),
        (-np.inf, None),
        (np.int64(2**60), 2**60),
        (np.bool_(True), True),
        ((64, 32), [64, 32]),
        ({"a": (np.float32(0.5), None)}, {"a": [0.5, None]}),
        (dict, "<class 'dict'>"),
    ],
)
def test_json_is_valid(value: Any, expected: Any) -> None:
    assert plain(value) == expected
    assert json.loads(to_json(value), parse_constant=pytest.fail) == expected


def test_cells_are_not_formulas(tmp_path: Path) -> None:
    row = ["=1+1", "+x", "-x", "@x", "\tx", "plain", -1.5, np.int64(-2), None, np.nan, True, (1, 2), 1e-300]
    write_table(tmp_path / "t.csv", [f"c{i}" for i in range(len(row))], [row])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        cells = list(csv.reader(stream))[1]
    assert cells[:6] == ["'=1+1", "'+x", "'-x", "'@x", "'\tx", "plain"]
    assert cells[6:] == ["-1.5", "-2", "", "", "True", "(1, 2)", "1e-300"]
