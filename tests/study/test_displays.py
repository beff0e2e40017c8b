"""Displays: the line of a terminal at any width, and how it is drawn on one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from hpcore.study.displays import Facts, as_line, fitted
from tests.terminals import Terminal

FACTS = Facts(
    done=1234,
    total=5000,
    name="balanced_accuracy_of_a_rather_long_name",
    best=0.123456789,
    front=None,
    failed=17,
    stopped=23,
    paused=45,
    pieces=(6170, 25000, "folds"),
    note="12 folds saved by racing, 3.5 ms a fit, 0.21 ms a suggestion",
    start=0.0,
    end=4000.0,
)
WORDS = {
    *("1234/5000 trials", "1234/5000", "best balanced_accuracy_of_a_… 0.123457", "best 0.123457", "17 failed"),
    *("23 stopped", "45 paused", "6170/25000 folds", "50 min left", "16 min 40 s", FACTS.note),
}


@pytest.mark.parametrize("width", [1, 9, 20, 40, 60, 80, 120, 200, 400])
def test_no_word_is_broken_at_any_width(width: int) -> None:
    words = [text for text, _ in fitted(FACTS, width, 1000.0)]
    assert {word for word in words if set(word) - set("━·")} <= WORDS
    assert cell_len("  ".join(words)) <= width or words == ["1234/5000"]
    assert "1234/5000" in " ".join(words)


def test_what_matters_most_stays() -> None:
    at = {width: [text for text, _ in fitted(FACTS, width, 1000.0)] for width in (40, 60, 80, 120)}
    assert at[40] == ["1234/5000", "best 0.123457", "17 failed"]
    assert at[60] == ["1234/5000", "best 0.123457", "17 failed", "23 stopped", "50 min left"]
    assert at[80][:3] == ["1234/5000 trials", "best 0.123457", "17 failed"] and "50 min left" in at[80]
    assert {"6170/25000 folds", "50 min left", "45 paused"} <= set(at[120])
    front = [text for text, _ in fitted(replace(FACTS, front=12), 40, 1000.0)]
    assert front == ["1234/5000", "front 12", "17 failed"]


def test_a_line_has_everything() -> None:
    assert as_line(FACTS, 1000.0) == (
        "trial 1234/5000: best balanced_accuracy_of_a_… 0.123457, 17 failed, 23 stopped early, 45 paused, "
        f"6170/25000 folds, {FACTS.note}, 16 min 40 s, about 50 min left"
    )


SEARCH = """
import time
import hpcore as hp


def objective(trial):
    time.sleep(0.02)
    if trial.number % 10 == 5:
        raise ValueError("no luck")
    return trial["x"]


hp.minimize(objective, {"x": hp.Float(0, 1)}, n_trials=40, sampler="random", seed=0)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
@pytest.mark.parametrize("width", [40, 60, 120])
def test_on_a_terminal(width: int) -> None:
    terminal = Terminal([sys.executable, "-c", SEARCH], width)
    code, out = terminal.finish()
    assert code == 0, out
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", out)
    last = re.findall(r"\x1b\[2K([^\r\n]*)", out)[-1]
    shown = re.sub(r"\x1b\[[0-9;?]*m", "", last)
    assert "40/40" in shown and "4 failed" in shown and len(shown) < width
    assert "trial 5 failed: ValueError: no luck" in plain  # in its own line, above
    assert out.rindex("\x1b[?25h") > out.rindex("\x1b[?25l")  # the cursor is back


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")
def test_ctrl_c_on_a_terminal(tmp_path: Path) -> None:
    code = f"""
import time
import hpcore as hp

study = hp.minimize(
    lambda t: time.sleep(0.05) or t["x"],
    {{"x": hp.Float(0, 1)}},
    n_trials=4000,
    storage={str(tmp_path / "a.db")!r},
    name="a",
)
assert study.interrupted
"""
    terminal = Terminal([sys.executable, "-c", code], 100)
    terminal.wait_for("best value 0.")
    terminal.press(b"\x03")
    status, out = terminal.finish()
    assert status == 0, out
    assert re.search(r"stopping: \d+ finished trials? kept", out)
    assert out.strip().splitlines()[-1].replace("\x1b[?25h", "").startswith("interrupted: ")
    assert "the same call goes on with study 'a' of" in out


def test_a_dumb_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    from hpcore.study.displays import Lines
    from hpcore.study.progress import _display_of

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(_display_of(None), Lines)


def test_a_child_that_is_piped_prints_no_escape() -> None:
    environment = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, "-c", SEARCH.replace("seed=0", "seed=0, progress=True")],
        capture_output=True, text=True, env=environment, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0 and done.stdout == "" and "\x1b" not in done.stderr
    assert done.stderr.splitlines()[-2].startswith("trial 40/40: best value ")
