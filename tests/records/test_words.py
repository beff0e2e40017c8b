"""Texts for people."""

from __future__ import annotations

import math

import pytest

from hpcore.records.words import clean, cut, duration, escape, last_line, shorten, shown_params, shown_value


@pytest.mark.parametrize(
    "seconds, text",
    [
        (0.0, "0 ms"),
        (-1.0, "0 ms"),
        (0.0123, "12.3 ms"),
        (0.25, "0.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min"),
        (61.0, "1 min 1 s"),
        (3599.0, "59 min 59 s"),
        (3600.0, "1 h"),
        (7384.0, "2 h 3 min"),
        (86399.0, "23 h 59 min"),
        (90000.0, "1 d 1 h"),
        (1e9, "11574 d 1 h"),
        (math.inf, "an unknown time"),
        (math.nan, "an unknown time"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_cuts() -> None:
    assert cut("one two three", 13) == "one two three"
    assert cut("one two three", 12) == "one two …"
    assert cut("one two three", 9) == "one two …"
    assert cut("one two three", 8) == "one two…"
    assert cut("wonderful", 5) == "wond…" and cut("wonderful", 1) == "…"
    assert all(len(cut("a bc, def ghij", most)) <= most for most in range(1, 15))
    assert shorten("wonderful", 5) == "wond…"


def test_control_characters_and_tags() -> None:
    assert clean("a\x1b[31m\nb") == "a\\x1b[31m\\nb"
    assert escape('<a href="\'">&\x07') == "&lt;a href=&#34;&#x27;&#34;&gt;&amp;\\x07"
    assert last_line("Traceback\n  x\nValueError: \x1b no\n\n") == "ValueError: \\x1b no"
    assert last_line(None) == last_line(" \n") == "no reason given"


def test_params_that_have_no_room_are_counted() -> None:
    params = {f"p{i}": i / 7 for i in range(9)}
    assert shown_params({}, 10) == ""
    assert shown_params(params, 1000).count("=") == 9
    assert shown_params(params, 40) == "p0=0, p1=0.142857, p2=0.285714, +6 more"
    assert shown_params(params, 1) == "p0=0, +8 more"
    assert shown_value("x" * 100) == "x" * 59 + "…" and shown_value([1, "a\n"]) == "[1, 'a\\n']"
