"""Callbacks that are closed at the end of a run."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.study.closing import closing

SPACE = {"x": hp.Float(0, 1)}


class Writer:
    """A callback that counts calls, and fails where it is told to."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.n_calls, self.n_closed = fails, 0, 0

    def __call__(self, study: Any, trial: Any) -> None:
        self.n_calls += 1
        if self.fails == "call":
            raise ValueError("the disk is full")

    def close(self) -> None:
        self.n_closed += 1
        if self.fails == "close":
            raise OSError("the connection is gone")


def cost(trial: hp.Trial) -> float:
    return trial["x"]


@pytest.mark.parametrize("storage", [False, True])
def test_each_run_closes_its_callbacks(storage: bool, tmp_path: Path) -> None:
    writer, seen = Writer(), []
    options = {"storage": tmp_path / "runs.db", "name": "a"} if storage else {}
    study = hp.minimize(
        cost, SPACE, n_trials=3, progress=False, callbacks=[writer, lambda study, trial: seen.append(1)], **options
    )
    assert (writer.n_calls, writer.n_closed, len(seen)) == (3, 1, 3)
    study.run(cost, n_trials=2, progress=False, callbacks=[writer, writer])
    assert (writer.n_calls, writer.n_closed) == (7, 2)


def test_after_an_error_of_the_objective_s_process_or_a_callback() -> None:
    def leave(trial: hp.Trial) -> float:
        raise SystemExit(3)

    writer, other = Writer("call"), Writer()
    with pytest.raises(ValueError, match="the disk is full"):
        hp.minimize(cost, SPACE, n_trials=3, progress=False, callbacks=[writer, other])
    assert (writer.n_closed, other.n_closed, other.n_calls) == (1, 1, 0)
    with pytest.raises(SystemExit):
        hp.minimize(leave, SPACE, n_trials=3, progress=False, callbacks=[other])
    assert other.n_closed == 2


@pytest.mark.usefixtures("ctrl_c")
def test_after_ctrl_c() -> None:
    def interrupt(trial: hp.Trial) -> float:
        raise KeyboardInterrupt

    writer = Writer()
    study = hp.minimize(interrupt, SPACE, n_trials=3, progress=False, callbacks=[writer])
    assert study.interrupted
    assert writer.n_closed == 1


def test_an_error_of_closing_ends_the_run_and_keeps_the_results(caplog: pytest.LogCaptureFixture) -> None:
    first, second, third = Writer("close"), Writer("close"), Writer()
    with pytest.raises(OSError, match="the connection is gone") as caught:
        hp.minimize(cost, SPACE, n_trials=3, progress=False, callbacks=[first, second, third])
    assert (first.n_closed, second.n_closed, third.n_closed) == (1, 1, 1)
    assert len(caught.value.result.trials) == 3
    assert "could not be closed: OSError" in caplog.text


def test_an_earlier_error_comes_first(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "hpcore"), pytest.raises(KeyError, match="first"), closing([Writer("close")]):
        raise KeyError("first")
    assert "the connection is gone" in caplog.text


def test_a_class_and_an_attribute_that_is_no_method_are_left_alone() -> None:
    def callback(study: Any, trial: Any) -> None:
        pass

    callback.close = True  # type: ignore[attr-defined]
    with closing([Writer, callback]):
        pass
