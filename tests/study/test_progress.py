"""The live bar and the plain lines."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hpcore.study.progress import Progress, open_progress

SCORES = [0.5, None, 0.75, float("nan"), 0.25] * 10


def feed(progress: Progress) -> None:
    with progress:
        for value in SCORES:
            progress(None, SimpleNamespace(value=value))


@pytest.mark.parametrize("n_trials", [50, None])
def test_lines(capsys: pytest.CaptureFixture[str], n_trials: int | None) -> None:
    progress = open_progress(n_trials, "accuracy", "maximize")
    feed(progress)
    assert (progress.done, progress.failed, progress.best) == (50, 20, 0.75)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith("trial 1/50: best accuracy 0.5, " if n_trials else "trial 1: best accuracy 0.5, ")
    assert len(lines) == (11 if n_trials else 1)
    if n_trials:
        assert lines[-1].startswith("trial 50/50: best accuracy 0.75, 20 failed, ")


@pytest.mark.parametrize("n_trials", [50, None])
def test_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, n_trials: int | None) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    feed(open_progress(n_trials, "accuracy", "maximize"))
    out, err = capsys.readouterr()
    assert out == ""
    assert "best accuracy" in err
    assert "0.75" in err
    assert "20 failed" in err
    assert "50/50" in err or n_trials is None


def test_nothing_but_failures(capsys: pytest.CaptureFixture[str]) -> None:
    with open_progress(1, "r2", "maximize") as progress:
        progress(None, SimpleNamespace(value=None))
    assert "best r2 none yet, 1 failed" in capsys.readouterr().err


def test_shown_on_a_terminal_only_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    feed(open_progress(50, "value", "minimize", None))
    feed(open_progress(50, "value", "minimize", False))
    assert capsys.readouterr() == ("", "")


def test_direction() -> None:
    for direction, best in [("minimize", 0.25), ("maximize", 0.75), ("", None)]:
        progress = open_progress(50, "value", direction, False)
        feed(progress)
        assert progress.best == best
