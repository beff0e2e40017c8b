"""Files are written completely or not at all, and values are valid JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.records.files import encodable, plain, replace_file, to_json


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


def test_text_can_be_encoded() -> None:
    assert encodable("z\u00fcrich \udc80") == "z\u00fcrich \\udc80"
