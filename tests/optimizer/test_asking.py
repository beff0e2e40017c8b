"""Arguments of `Optimizer.ask`, checked together."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.optimizer.asking import check_question

NOTHING: dict[str, Any] = dict.fromkeys(["n", "deadline_ms", "as_of", "repeat", "number", "given"])


def check(has_scheduler: bool = False, **given: Any) -> tuple[float | None, int | None, int | None]:
    return check_question(**{**NOTHING, **given}, has_scheduler=has_scheduler)


def test_a_plain_question() -> None:
    assert check() == check(n=3) == check(repeat=0) == check(given={"x": 1}) == (None, None, None)
    assert check(as_of=-1) == (None, -1, None)
    assert check(number=4, given={"x": 1}) == (None, None, 4)
    assert check(True, as_of=3, n=None) == (None, 3, None)


def test_a_deadline_counts_from_the_call() -> None:
    before = time.monotonic()
    end, _, _ = check(deadline_ms=2000)
    assert end is not None and before + 2.0 <= end <= time.monotonic() + 2.0
    end, _, _ = check(deadline_ms=1e300)
    assert end is not None and end <= time.monotonic() + threading.TIMEOUT_MAX


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"deadline_ms": 0}, "deadline_ms must be finite and > 0"),
        ({"as_of": -2}, "as_of must be >= -1"),
        ({"as_of": 1, "n": 2}, "as_of needs one trial at a time"),
        ({"repeat": 0, "deadline_ms": 1.0}, "repeat needs no proposal"),
        ({"repeat": 0, "as_of": 1}, "repeat needs no proposal"),
        ({"number": 0, "n": 1}, "number stands for one trial"),
        ({"number": 0, "repeat": 1}, "number stands for one trial"),
        ({"number": -1}, "number must be within 0"),
        ({"number": 0, "has_scheduler": True}, "trials cannot be given numbers with a scheduler"),
        ({"given": {}, "deadline_ms": 1.0}, "given values are completed from all results"),
        ({"given": {}, "has_scheduler": True}, "given values are completed from all results"),
    ],
    ids=str,
)
def test_arguments_that_do_not_go_together(given: dict[str, Any], match: str) -> None:
    with pytest.raises(InvalidArgument, match=match):
        check(**given)


@pytest.mark.parametrize("name", ["deadline_ms", "as_of", "number"])
def test_other_types(name: str) -> None:
    with pytest.raises(InvalidType, match=f"{name} must be"):
        check(**{name: "1"})
