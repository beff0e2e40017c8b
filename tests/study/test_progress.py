"""Progress: counts, time left, the line on a terminal, an output of a notebook, plain lines."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import hpcore as hp
from hpcore.study.displays import Facts
from hpcore.study.progress import Progress, open_progress
from tests.study.samples import SPACE, cost

SCORES = [0.5, None, 0.75, float("nan"), 0.25] * 10


def ended(value: float | None, state: str | None = None) -> hp.Trial:
    failed = value is None or math.isnan(value)
    trial = hp.Trial(0, {}, hp.TrialState(state or ("failed" if failed else "complete")))
    trial.values = None if failed else (value,)
    return trial


def feed(progress: Progress) -> None:
    with progress:
        for value in SCORES:
            progress(None, ended(value))


@pytest.mark.parametrize("n_trials", [50, None])
def test_lines(capsys: pytest.CaptureFixture[str], n_trials: int | None) -> None:
    progress = open_progress(n_trials, "accuracy", ["maximize"])
    feed(progress)
    assert (progress.done, progress.failed, progress.best) == (50, 20, 0.75)
    out, err = capsys.readouterr()
    assert out == ""
    lines = err.splitlines()
    assert lines[0].startswith("trial 1/50: best accuracy 0.5, " if n_trials else "trial 1: best accuracy 0.5, ")
    assert len(lines) == (11 if n_trials else 2)
    total = "/50" if n_trials else ""
    assert lines[-1].startswith(f"trial 50{total}: best accuracy 0.75, 20 failed, ")


@pytest.mark.parametrize("n_trials", [50, None])
def test_bar(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, n_trials: int | None) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    feed(open_progress(n_trials, "accuracy", ["maximize"]))
    out, err = capsys.readouterr()
    assert out == ""
    assert "best accuracy" in err
    assert "0.75" in err
    assert "20 failed" in err
    assert "50/50" in err or n_trials is None


def test_nothing_but_failures(capsys: pytest.CaptureFixture[str]) -> None:
    with open_progress(1, "r2", ["maximize"]) as progress:
        progress(None, ended(None))
    assert "best r2 none yet, 1 failed" in capsys.readouterr().err


def test_shown_on_a_terminal_only_unless_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    feed(open_progress(50, "value", ["minimize"], None))
    feed(open_progress(50, "value", ["minimize"], False))
    assert capsys.readouterr() == ("", "")


def test_direction() -> None:
    for direction, best in [("minimize", 0.25), ("maximize", 0.75)]:
        progress = open_progress(50, "value", [direction], False)
        feed(progress)
        assert progress.best == best


def test_pruned_trials_are_neither_best_nor_failed_and_paused_ones_are_not_counted() -> None:
    progress = open_progress(50, "value", ["minimize"], False)
    for trial in (ended(0.5), ended(0.1, "pruned"), ended(None, "pruned"), ended(None, "paused"), ended(None)):
        progress(None, trial)
    assert (progress.done, progress.failed, progress.pruned, progress.best) == (4, 1, 2, 0.5)


def test_paused_trials_of_a_search_are_not_counted_yet() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
    for state, value in (("paused", None), ("pruned", 0.5), ("complete", 1.0), ("failed", None)):
        opt.tell(opt.ask(), value, state=state)
    progress = open_progress(50, "value", ["minimize"], False)
    progress.begin_from(opt)
    assert (progress.done, progress.failed, progress.pruned) == (3, 1, 1)
    assert progress.best is None  # nobody sees it


# --- a continued search --------------------------------------------------------------------------------------------


def value_of(trial: hp.Trial) -> float | None:
    return None if trial.number in (1, 6) else 10.0 - trial.number


@pytest.mark.parametrize("where", ["memory", "stored"])
@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_a_second_run_begins_with_what_is_known(
    where: str, deterministic: bool, direction: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = {"storage": tmp_path / "runs.db", "name": "a"} if where == "stored" else {}
    study = hp.Study({"x": hp.Float(0, 1)}, direction=direction, sampler="random", seed=0, **stored)
    study.run(value_of, 5, progress=False)
    if where == "stored":
        study = hp.load_study(tmp_path / "runs.db")
    study.run(value_of, 4, progress=True, deterministic=deterministic)
    lines = capsys.readouterr().err.splitlines()
    first, last = ("6", "2") if direction == "minimize" else ("10", "10")
    assert lines[0].startswith(f"trial 5/9: best value {first}, 1 failed, ")
    assert [line.split(":")[0] for line in lines[1:]] == ["trial 6/9", "trial 7/9", "trial 8/9", "trial 9/9"]
    assert lines[-1].startswith(f"trial 9/9: best value {last}, 2 failed, ")


def test_what_was_interrupted_is_not_counted_yet(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(trial: hp.Trial) -> float:
        if trial.number == 3:
            raise KeyboardInterrupt
        return 1.0

    study = hp.Study({"x": hp.Float(0, 1)}, sampler="random", seed=0).run(interrupted, 9, progress=False)
    study.run(lambda t: 0.5, 2, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "trial 3/5: best value 1",
        "trial 4/5: best value 0.5",
        "trial 5/5: best value 0.5",
    ]


def test_what_others_stored_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0)
    hp.load_study(tmp_path / "runs.db").run(lambda t: 2.0, 3)
    study.run(lambda t: 5.0, n_trials=None, timeout=60.0, stop=[hp.stopping.MaxTrials(4)], progress=True)
    assert capsys.readouterr().err.startswith("trial 3: best value 2, ")


def test_a_bar_begins_there_too(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    study = hp.Study({"x": hp.Float(0, 1)}, sampler="random", seed=0).run(lambda t: 0.25, 30, progress=False)
    capsys.readouterr()
    study.run(lambda t: 0.5, 7, progress=True)
    err = capsys.readouterr().err
    assert "37/37" in err
    assert "0.25" in err


def test_several_objectives_show_the_size_of_the_front(capsys: pytest.CaptureFixture[str]) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, directions=["minimize", "maximize"], sampler="random", seed=0)
    told = [(1.0, 1.0), (2.0, 2.0), (2.0, 3.0), (3.0, 1.0), (0.0, 9.0)]
    study.run(lambda t: told[t.number], 2, progress=False).run(lambda t: told[t.number], 3, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(",")[0] for line in lines] == [
        "trial 2/5: Pareto front 2",
        "trial 3/5: Pareto front 2",
        "trial 4/5: Pareto front 2",
        "trial 5/5: Pareto front 1",
    ]
    assert len(study.pareto_front) == 1


# --- what is left, and pieces of trials ----------------------------------------------------------------------------


def shown(progress: Progress) -> Facts:
    facts = progress.facts()
    assert facts.end is not None
    return facts


def test_time_left_follows_from_the_trials_that_ended_here(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("hpcore.study.progress.time.monotonic", lambda: now)
    progress = open_progress(10, "value", ["minimize"], False)
    assert progress.facts().end is None
    for _ in range(4):
        now += 3.0
        progress(None, ended(1.0))
    assert shown(progress).end == 112.0 + 6 * 3.0
    assert shown(progress).left(115.0) == "15 s left" and shown(progress).left(200.0) == ""
    progress = open_progress(10, "value", ["minimize"], False, deadline=115.0)
    assert shown(progress).end == 115.0
    now += 30.0
    progress(None, ended(1.0))
    assert shown(progress).end == 115.0
    assert open_progress(None, "value", ["minimize"], False).facts().end is None
    assert open_progress(10**9, "value", ["minimize"], False).facts().total is None


def test_the_first_trials_of_several_workers_count_by_their_length(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("hpcore.study.progress.time.monotonic", lambda: now)
    progress = open_progress(9, "value", ["minimize"], False, n_workers=4)
    now, trial = 8.0, ended(1.0)
    trial.started, trial.finished = 1000.0, 1008.0
    progress(None, trial)
    assert shown(progress).end == 8.0 + 8 * 8.0 / 4  # not 8 * 8 s: seven have not begun


def test_reports_and_paused_trials_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def objective(trial: hp.Trial) -> float:
        for step in range(1, 10):
            trial.report(trial["x"] / step, step)
            if trial.should_stop:
                break
        return trial["x"] / step

    study = hp.Study({"x": hp.Float(0, 1)}, sampler="random", seed=0, scheduler=hp.schedulers.ASHA(1, 9))
    study.run(objective, 20, progress=True)
    last, history = capsys.readouterr().err.splitlines()[-1], study.optimizer.history
    assert f", {history.n_paused} paused, {len(history.curves)} reports, " in last and history.n_paused


# --- notebooks -------------------------------------------------------------------------------------------------------


class Handle:
    def __init__(self, data: dict[str, str]) -> None:
        self.data = [data]

    def update(self, data: dict[str, str], raw: bool) -> None:
        assert raw
        self.data.append(data)


def test_an_output_of_a_notebook_is_updated(monkeypatch: pytest.MonkeyPatch) -> None:
    handles: list[Handle] = []

    def display(data: dict[str, str], raw: bool, display_id: bool) -> Handle:
        assert raw and display_id
        handles.append(Handle(data))
        return handles[-1]

    shell = SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=1), display=SimpleNamespace(display=display))
    monkeypatch.setitem(sys.modules, "IPython", shell)
    monkeypatch.setitem(sys.modules, "IPython.display", shell.display)
    monkeypatch.setattr("hpcore.study.displays.SECONDS_BETWEEN_OUTPUTS", 0.0)
    with open_progress(2, "<b>loss", ["minimize"], None) as progress:
        progress(None, ended(0.5))
        progress.say("stopping <now>")
        progress(None, ended(0.25))
    (handle,) = handles
    assert handle.data[0]["text/plain"] == "trial 0/2: best <b>loss none yet"
    assert len(handle.data) == 5
    assert handle.data[-1]["text/plain"].startswith("trial 2/2: best <b>loss 0.25, ")
    assert '<progress value="2" max="2">' in handle.data[-1]["text/html"]
    assert "best &lt;b&gt;loss 0.25" in handle.data[-1]["text/html"]
    assert handle.data[-1]["text/html"].endswith("<br>stopping &lt;now&gt;</div>")


# --- a broken display ----------------------------------------------------------------------------------------------


class Broken:
    """Stream that breaks after a few lines."""

    encoding = "utf-8"

    def __init__(self, terminal: bool, most: int) -> None:
        self.left, self.terminal = most, terminal

    def write(self, text: str) -> int:
        self.left -= 1
        if self.left < 0:
            raise BrokenPipeError("gone")
        return len(text)

    def flush(self) -> None:
        if self.left < 0:
            raise BrokenPipeError("gone")

    def isatty(self) -> bool:
        return self.terminal

    def fileno(self) -> int:
        raise OSError("no file")


@pytest.mark.parametrize("most", [0, 2])
@pytest.mark.parametrize("terminal", [False, True])
def test_a_search_goes_on_without_its_display(
    terminal: bool, most: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("sys.stderr", Broken(terminal, most))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("threading.excepthook", lambda arguments: None)  # errors in the thread of the bar
    study = hp.minimize(cost, SPACE, n_trials=20, seed=0, sampler="random", progress=True)
    assert len(study.trials) == 20
    assert "progress is not shown any more: BrokenPipeError" in caplog.text
    assert np.isfinite(study.best_value)
