"""``hpcore watch``: what it shows, at which widths, and how it ends on a terminal."""

from __future__ import annotations

import os
import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.cli.watch import frame
from hpcore.ledger.following import Follower
from hpcore.ledger.studies import find
from hpcore.storage import open_storage
from tests.terminals import Terminal

SPACE = {"x": hp.Float(0, 1), "kind": hp.Categorical(["a word", "b"]), "learning_rate\x1b[31m": hp.Float(0, 1)}


def objective(trial: hp.Trial) -> float:
    if trial.number in (1, 4):
        raise RuntimeError("a reason with \x1b[31mcolour, and so many words that no terminal of this width has room")
    return trial["x"]


@pytest.fixture
def store(tmp_path: Path) -> Path:
    study = hp.Study(SPACE, storage=tmp_path / "runs.db", name="a\x1b[31m study", sampler="random", seed=0)
    study.run(objective, 9)
    study.ask(2)
    return tmp_path / "runs.db"


def test_where_there_is_no_terminal_it_is_shown_once(hpcore: Any, store: Path) -> None:
    result = hpcore("watch", store)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0] == "a\\x1b[31m study"
    assert "11 trials   7 complete   2 waiting   2 failed" in lines
    best = hp.load_study(store).best_trial
    assert any(line.startswith(f"best  {best.value:.6g}   trial {best.number}   ") for line in lines)
    assert any(line.startswith("  2 x RuntimeError: a reason with \\x1b[31mcolour") for line in lines)
    assert sum("  waiting  " in line for line in lines) == 2
    assert "\x1b" not in result.stdout
    once = hpcore("watch", store.parent, "--once").stdout  # by its directory
    assert once.splitlines()[0] == lines[0]


@pytest.mark.parametrize("columns", ["20", "40", "60", "100"])
def test_no_line_is_wider_than_the_terminal(
    columns: str, hpcore: Any, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    lines = hpcore("watch", store).stdout.splitlines()
    assert max(map(len, lines)) <= int(columns)
    if columns == "60":
        words = ["RuntimeError:", "a", "reason", "with", "\\x1b[31mcolour,", "and", "so", "many", "words"]
        (failures,) = [line for line in lines if line.startswith("  2 x ")]
        assert failures.endswith(" …") and set(failures.split()[3:-1]) < set(words)


@pytest.mark.parametrize("height", [1, 3, 8, 14, 20, 60])
def test_no_more_lines_than_the_terminal_has(height: int, store: Path) -> None:
    opened = open_storage(store, create=False, read_only=True)
    follower = Follower(opened, find(opened, None))
    follower.refresh()
    lines = frame(follower, 80, height)
    assert len(lines) <= height and lines[0] == ("a\\x1b[31m study", "bold")
    if height >= 20:
        assert {"waiting (2)", "recent", "failures"} <= {text for text, _ in lines}


def test_stores_without_what_is_asked_for(hpcore: Any, tmp_path: Path, store: Path) -> None:
    result = hpcore("watch", tmp_path / "none.db")
    assert result.exit_code == 2 and "none.db" in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "none.db").exists()
    result = hpcore("watch", store, "another")
    assert result.exit_code == 2 and "'another'" in result.stderr
    hp.Study({"x": hp.Float(0, 1)}, storage=store, name="b", seed=0)
    result = hpcore("watch", store)
    assert result.exit_code == 2 and "it has 2" in result.stderr
    assert "1 x" not in (shown := hpcore("watch", store, "b").stdout) and "0 trials" in shown
    hp.delete_study(store, "b")
    hp.delete_study(store, "a\x1b[31m study")
    result = hpcore("watch", store)
    assert (result.exit_code, result.stdout) == (0, "no study in this store\n")
    result = hpcore("watch", store, "--interval", "0")
    assert result.exit_code == 2 and "--interval" in result.stderr


def test_several_objectives_and_limits(hpcore: Any, tmp_path: Path) -> None:
    study = hp.Study(
        {"x": hp.Float(0, 1)},
        storage=tmp_path / "a.db",
        name="a",
        directions=["minimize", "maximize"],
        sampler="random",
    )
    study.run(lambda t: (t["x"], t["x"]), 5)
    shown = hpcore("watch", tmp_path / "a.db").stdout
    assert "Pareto front  5" in shown and "2 objectives" in shown


# --- on a terminal ---------------------------------------------------------------------------------------------------

posix = pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals")


def watching(store: Path, width: int = 60, *options: str) -> Terminal:
    command = [sys.executable, "-m", "hpcore.cli", "watch", str(store), "--interval", "0.05", *options]
    return Terminal(command, width)


def restored(terminal: Terminal, settings: list[object], out: str) -> bool:
    """Tell whether a terminal is as it was: its settings, its first screen, its cursor."""
    return settings == terminal.before and all(
        out.rindex(f"\x1b[?{code}{on}") > out.rindex(f"\x1b[?{code}{off}")
        for code, on, off in (("1049", "l", "h"), ("25", "h", "l"))
    )


@posix
@pytest.mark.parametrize("keys", [b"q", b"\x03"])
def test_a_study_that_another_process_writes(keys: bytes, tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    study = hp.Study({"x": hp.Float(0, 1)}, storage=path, name="live", sampler="random", seed=0)
    terminal = watching(path)
    terminal.wait_for("0 trials")

    def slow(trial: hp.Trial) -> float:
        if trial.number % 20 == 0:
            terminal.wait_for("running (1)")
            terminal.out = terminal.out.replace("running (1)", "")  # each time anew
        return trial["x"]

    study.run(slow, 40)
    terminal.wait_for("40 trials   40 complete")  # and goes on after the end
    terminal.press(b"x")
    terminal.press(keys)
    terminal.process.wait(20)
    settings = terminal.settings()
    code, out = terminal.finish()
    assert code == 0 and restored(terminal, settings, out), out
    after = out[out.rindex("\x1b[?1049l") :]
    assert "40 trials   40 complete" in after and "Traceback" not in out  # what was shown last stays


@posix
def test_it_waits_for_the_first_study_and_ends_with_an_error(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    hp.Study({"x": hp.Float(0, 1)}, storage=path, name="first", seed=0)
    hp.delete_study(path, "first")
    terminal = watching(path, 200)
    terminal.wait_for("no study in this store")
    study = hp.Study({"x": hp.Float(0, 1)}, storage=path, name="second", sampler="random", seed=0)
    study.run(lambda t: t["x"], 3)
    terminal.wait_for("3 trials   3 complete")
    moved = path.rename(tmp_path / "moved.db")
    terminal.wait_for("is gone")
    moved.rename(path)
    study.run(lambda t: t["x"], 1)
    terminal.wait_for("4 trials   4 complete")
    hp.delete_study(path, "second")
    terminal.process.wait(20)
    settings = terminal.settings()
    code, out = terminal.finish()
    assert code == 2 and restored(terminal, settings, out)
    assert "Error: the study was deleted from " in out.splitlines()[-1]


@posix
def test_a_signal_that_ends_it_gives_the_terminal_back(store: Path) -> None:
    terminal = watching(store, 100)
    terminal.wait_for("recent")
    os.kill(terminal.process.pid, signal.SIGTERM)
    terminal.process.wait(20)
    settings = terminal.settings()
    code, out = terminal.finish()
    assert code == 128 + signal.SIGTERM and restored(terminal, settings, out)


@posix
def test_lines_fit_a_narrow_terminal(store: Path) -> None:
    terminal = watching(store, 40)
    terminal.wait_for("recent")
    terminal.press(b"q")
    code, out = terminal.finish()
    assert code == 0
    text = re.sub(r"\x1b\[[0-9;?]*m", "", out)
    assert max(map(len, re.split(r"\x1b\[[0-9;?]*[A-Za-z]|[\r\n]+", text))) == 40
