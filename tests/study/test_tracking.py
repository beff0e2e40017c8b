"""Trackers of runs: what they are told, and what it costs when they fail, hang, are slow or fall behind."""

from __future__ import annotations

import gc
import math
import os
import pickle
import signal
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidType
from hpcore.study import tracking
from hpcore.study.trackers import TrackedStudy, is_tracker

SPACE = {"x": hp.Float(0, 1)}


class Recorder:
    """Tracker that keeps what it is told, and fails, or waits, where it is told to."""

    flush_seconds = 20.0

    def __init__(self, fails: str = "", waits: str = "", n_failures: int | None = None) -> None:
        self.fails, self.waits, self.n_failures = fails, waits, n_failures
        self.go_on = threading.Event()
        self.entered = threading.Event()
        self.study: TrackedStudy
        self.calls: list[str] = []
        self.results: list[Any] = []
        self.steps: list[tuple[int, float, tuple[float, ...]]] = []
        self.threads: set[str] = set()

    def _enter(self, name: str) -> None:
        self.calls.append(name)
        self.threads.add(threading.current_thread().name)
        if name == self.waits:
            self.entered.set()
            assert self.go_on.wait(60)
        if name == self.fails and self.n_failures != 0:
            if self.n_failures is not None:
                self.n_failures -= 1
            raise OSError("the service is down")

    def begin(self, study: TrackedStudy) -> None:
        self.study = study
        self._enter("begin")

    def reported(self, trial: Any, step: float, values: tuple[float, ...]) -> None:
        self._enter("reported")
        self.steps.append((trial.number, step, values))

    def ended(self, trial: Any) -> None:
        self._enter("ended")
        self.results.append(trial)

    def close(self) -> None:
        self._enter("close")


def value(trial: hp.Trial) -> float:
    return trial["x"]


def reporting(trial: hp.Trial) -> float:
    for step in (1, 2, 3):
        trial.report(trial["x"] * step, step)
    if trial.number == 2:
        raise ValueError("bad")
    return trial["x"]


def run(tracker: Any, n: int = 6, objective: Any = value, **options: Any) -> hp.Study:
    return hp.minimize(
        objective, SPACE, n_trials=n, sampler="random", seed=0, progress=False, callbacks=[tracker], **options
    )


def no_threads() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name.startswith("hpcore-tracker")]


@pytest.fixture(autouse=True)
def nothing_is_left() -> Any:
    yield
    assert no_threads()
    assert not tracking._threads


# --- what they are told ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("storage", [False, True])
@pytest.mark.parametrize("where", ["here", "processes", "threads"])
def test_every_trial_and_report_once_and_in_the_users_own_sign(storage: bool, where: str, tmp_path: Path) -> None:
    tracker, seen = Recorder(), []
    options: dict[str, Any] = {"storage": tmp_path / "runs.db", "name": "a"} if storage else {}
    if where == "processes":
        options["n_jobs"] = 2
    if where == "threads":
        options["executor"] = ThreadPoolExecutor(2)
    study = hp.maximize(
        reporting,
        SPACE,
        n_trials=6,
        sampler="random",
        seed=0,
        progress=False,
        callbacks=[lambda study, trial: seen.append(trial.number), tracker, tracker],
        **options,
    )
    assert (tracker.calls[0], tracker.calls[-1]) == ("begin", "close")
    assert tracker.calls.count("begin") == tracker.calls.count("close") == 1
    assert sorted(trial.number for trial in tracker.results) == sorted(seen) == list(range(6))
    by_number = {trial.number: trial for trial in tracker.results}
    for trial in study.trials:
        copied = by_number[trial.number]
        assert (copied.params, copied.state, copied.value) == (trial.params, trial.state, trial.value)
        assert (copied.error is None) == (trial.number != 2)
    assert sorted(tracker.steps) == [
        (trial.number, float(step), (trial["x"] * step,)) for trial in study.trials for step in (1, 2, 3)
    ]
    assert tracker.threads == {"hpcore-tracker-Recorder"}
    described = tracker.study
    assert (described.directions, described.name, described.is_stored) == (
        ("maximize",),
        "a" if storage else None,
        storage,
    )
    assert (described.state, described.n_ended, described.steps) == ("finished", 0, "report")
    assert described.best == study.best_trial.snapshot()
    assert described.settings["sampler"] == repr(study.optimizer.sampler)
    assert described.parameters == {"x": "Float(low=0.0, high=1.0)"}


def test_reports_reach_the_tracker_while_the_trial_runs() -> None:
    tracker = Recorder(waits="reported")

    def objective(trial: hp.Trial) -> float:
        trial.report(1.0, 1)
        assert tracker.entered.wait(60)
        tracker.go_on.set()
        return 0.0

    run(tracker, 1, objective)
    assert tracker.calls == ["begin", "reported", "ended", "close"]


def test_several_objectives_in_processes() -> None:
    tracker = Recorder()
    hp.minimize(
        two,
        SPACE,
        directions=["minimize", "maximize"],
        n_trials=2,
        n_jobs=2,
        progress=False,
        callbacks=[tracker],
    )
    assert sorted(tracker.steps) == [(0, 1.0, (2.0, 3.0)), (1, 1.0, (2.0, 3.0))]
    assert [tuple(trial.values) for trial in tracker.results] == [(0.0, 1.0)] * 2
    assert tracker.study.best is None


def two(trial: hp.Trial) -> tuple[float, float]:
    trial.report((2.0, 3.0), 1)
    return 0.0, 1.0


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_trials_that_a_scheduler_pauses_and_prunes(deterministic: bool, n_jobs: int) -> None:
    tracker = Recorder()
    study = hp.minimize(
        reporting,
        SPACE,
        n_trials=9,
        sampler="random",
        seed=0,
        n_jobs=n_jobs,
        deterministic=deterministic,
        scheduler=hp.schedulers.ASHA(1, 3, eta=3),
        progress=False,
        callbacks=[tracker],
    )
    ended = [trial.number for trial in study.trials if trial.state in ("complete", "pruned", "failed")]
    assert sorted(trial.number for trial in tracker.results) == ended
    known = sorted((trial.number, float(step), (v,)) for trial in study.trials for step, v in trial.reports.items())
    assert sorted(tracker.steps) == known


def halving(trial: hp.Trial) -> float:
    for step in range(1, 10):
        trial.report(trial["x"] + 1 / step, step)
        if trial.should_stop():
            break
    return trial["x"]


def steps_of(study: hp.Study) -> list[tuple[int, float]]:
    return sorted((trial.number, float(step)) for trial in study.trials for step in trial.reports)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_reports_of_trials_that_stay_paused(n_jobs: int) -> None:
    tracker = Recorder()
    study = run(tracker, 12, halving, n_jobs=n_jobs, scheduler="hyperband")
    assert any(trial.state == "paused" for trial in study.trials)
    assert sorted((number, step) for number, step, _ in tracker.steps) == steps_of(study)


def test_a_trial_that_goes_on_in_another_process_repeats_no_report(tmp_path: Path) -> None:
    """Two studies of one store take turns, as two processes would."""
    options: Any = {"storage": tmp_path / "a.db", "name": "a", "sampler": "random", "seed": 0}
    here, there = (hp.Study(SPACE, **options, scheduler="hyperband") for _ in range(2))
    first, second = Recorder(), Recorder()

    def callback(study: Any, trial: Any) -> None:
        if not second.calls:
            there.run(halving, 12, progress=False, callbacks=[second])

    here.run(halving, 12, progress=False, callbacks=[first, callback])
    here.run(halving, 6, progress=False, callbacks=[first])
    logged = sorted((number, step) for number, step, _ in first.steps + second.steps)
    assert logged == steps_of(here)


def test_a_study_that_continues(tmp_path: Path) -> None:
    where = {"storage": tmp_path / "runs.db", "name": "a"}
    first, second, other = Recorder(), Recorder(), Recorder()
    run(first, 3, **where)
    study = run(second, 2, **where)
    run(other, 1, storage=tmp_path / "runs.db", name="b")
    assert [trial.number for trial in second.results] == [3, 4]
    assert second.study.n_ended == 3
    assert first.study.key == second.study.key != other.study.key
    hp.delete_study(tmp_path / "runs.db", "a")
    del study
    again = Recorder()
    run(again, 1, **where)
    assert again.study.key != first.study.key
    memory = hp.Study(SPACE)
    keys = []
    for _ in range(2):
        tracker = Recorder()
        memory.run(value, n_trials=1, progress=False, callbacks=[tracker])
        keys.append(tracker.study.key)
    copied = pickle.loads(pickle.dumps(memory))  # noqa: S301 - our own data
    copied.run(value, n_trials=1, progress=False, callbacks=[tracker := Recorder()])
    assert keys == [tracker.study.key] * 2


@pytest.mark.usefixtures("ctrl_c")
def test_reports_of_an_earlier_run_are_not_repeated() -> None:
    fails = [True]

    def objective(trial: hp.Trial) -> float:
        for step in (1, 2, 3):
            trial.report(float(step), step)
            if step == 2 and fails:
                fails.clear()
                raise KeyboardInterrupt
        return 0.0

    first, second = Recorder(), Recorder()
    study = run(first, 1, objective)
    assert (first.study.state, first.results) == ("interrupted", [])
    study.run(objective, n_trials=1, progress=False, callbacks=[second])
    assert first.steps + second.steps == [(0, 1.0, (1.0,)), (0, 2.0, (2.0,)), (0, 3.0, (3.0,))]


def test_a_tracker_changes_no_trial(tmp_path: Path) -> None:
    params = []
    for callbacks in ([], [Recorder()]):
        study = hp.minimize(value, SPACE, n_trials=12, seed=0, progress=False, callbacks=callbacks)
        params.append([trial.params for trial in study.trials])
    assert params[0] == params[1]


def test_the_description_does_not_keep_the_study_alive() -> None:
    tracker = Recorder()
    study = run(tracker, 2)
    assert tracker.study.result is study
    gone = weakref.ref(study)
    del study
    gc.collect()
    assert gone() is None and tracker.study.result is None


def test_a_copy_of_a_study_has_no_tracker() -> None:
    copies = []

    def callback(study: Any, trial: Any) -> None:
        log = pickle.loads(pickle.dumps(study._trial_log))  # noqa: S301 - our own data
        copies.append((log, list(study._trial_log.watchers)))

    tracker = Recorder()
    study = hp.minimize(value, SPACE, n_trials=1, progress=False, callbacks=[callback, tracker])
    [(log, watchers)] = copies
    assert watchers and not log.watchers and not study._trial_log.watchers
    trial = log.ask()
    trial.report(1.0, 1)
    assert tracker.steps == [] and len(tracker.results) == 1


@pytest.mark.parametrize("progress", [False, True])
def test_a_study_is_copied_in_a_callback_and_goes_on(progress: bool) -> None:
    copies: list[hp.Study] = []

    def callback(study: Any, trial: Any) -> None:
        copies.append(pickle.loads(pickle.dumps(study)))  # noqa: S301 - our own data

    hp.minimize(reporting, SPACE, n_trials=2, seed=0, progress=progress, callbacks=[callback, Recorder()])
    first, second = copies
    assert (len(first.trials), len(second.trials)) == (1, 2) and not second.stopping
    tracker = Recorder()
    first.run(reporting, 2, progress=False, callbacks=[tracker])
    assert [trial.number for trial in tracker.results] == [1, 2] and tracker.study.n_ended == 1
    assert len(second.trials) == 2


def test_what_is_a_tracker() -> None:
    class Writer:
        def __call__(self, study: Any, trial: Any) -> None: ...

        def close(self) -> None: ...

    assert is_tracker(Recorder()) and not is_tracker(Recorder) and not is_tracker(Writer())
    with pytest.raises(InvalidType, match="or of trackers"):
        hp.minimize(value, SPACE, n_trials=1, callbacks=[object()])  # type: ignore[list-item]


# --- when they fail --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["begin", "reported", "ended", "close"])
def test_a_method_that_raises_costs_no_trial_and_says_so_once(
    method: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracking, "LONGEST_PAUSE", 0.01)
    tracker, other = Recorder(fails=method), Recorder()
    study = hp.minimize(
        reporting, SPACE, n_trials=6, sampler="random", seed=0, progress=False, callbacks=[tracker, other]
    )
    assert len(study.trials) == len(other.results) == 6
    said = [record.message for record in caplog.records if record.message.startswith("tracker")]
    assert said[0] == (
        "tracker Recorder failed, and the run goes on; further errors are not logged: OSError: the service is down"
    )
    if method == "close":
        assert len(said) == 1 and len(tracker.results) == 6
    else:
        assert len(said) == 2 and "lost" in said[1] and "of 24 records" in said[1]
    assert tracker.calls.count("close") == (method != "begin")


def test_a_single_record_that_cannot_be_logged_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    class Picky(Recorder):
        def ended(self, trial: Any) -> None:
            if trial.number in (1, 3):
                raise ValueError("this one")
            super().ended(trial)

    tracker = Picky()
    run(tracker, 6)
    assert [trial.number for trial in tracker.results] == [0, 2, 4, 5]
    assert "tracker Picky lost 2 of 6 records" in caplog.text


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, RecursionError])
def test_no_error_of_its_thread_ends_the_run(error: type[BaseException], caplog: pytest.LogCaptureFixture) -> None:
    class Leaving(Recorder):
        def ended(self, trial: Any) -> None:
            raise error

    assert len(run(Leaving(), 2).trials) == 2
    assert caplog.text.count("failed") == 1


def test_a_service_that_is_back_soon_costs_no_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "LONGEST_PAUSE", 0.01)
    monkeypatch.setattr(tracking, "FIRST_PAUSE", 0.01)
    tracker = Recorder(fails="begin", n_failures=3)

    def slow(trial: hp.Trial) -> float:
        while tracker.n_failures:
            time.sleep(0.01)
        return 0.0

    run(tracker, 4, slow)
    assert len(tracker.results) == 4
    assert tracker.calls[:4] == ["begin"] * 4


def test_one_that_hangs_is_left_and_the_next_run_comes_after_it(caplog: pytest.LogCaptureFixture) -> None:
    tracker = Recorder(waits="ended")
    tracker.flush_seconds = 0.2
    start = time.monotonic()
    run(tracker, 5)
    assert time.monotonic() - start < 10
    assert "tracker Recorder did not end within flush_seconds=0.2 s: 5 of 5 records are lost" in caplog.text
    caplog.clear()
    run(tracker, 3)
    assert "3 of 3 records are lost" in caplog.text
    tracker.go_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("hpcore-tracker"):
            thread.join(60)
    assert tracker.calls == ["begin", "ended", "close"], "what was given up is not logged later"
    tracker.waits = ""
    tracker.flush_seconds = 20.0
    caplog.clear()
    run(tracker, 3)
    assert len(tracker.results) == 1 + 3 and not caplog.text


def test_two_that_hang_are_waited_for_at_once() -> None:
    trackers = [Recorder(waits="close"), Recorder(waits="close")]
    for tracker in trackers:
        tracker.flush_seconds = 1.0
    waits: list[float] = []
    original = threading.Event.wait

    def wait(self: threading.Event, timeout: float | None = None) -> bool:
        if timeout is not None and threading.current_thread() is threading.main_thread():
            waits.append(timeout)
        return original(self, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Event, "wait", wait)
        hp.minimize(value, SPACE, n_trials=2, progress=False, callbacks=trackers)
    for tracker in trackers:
        tracker.go_on.set()
    assert len(waits) == 2 and sum(waits) <= 1.0, "both waits together are that of one"
    for thread in threading.enumerate():
        if thread.name.startswith("hpcore-tracker"):
            thread.join(60)


def test_without_a_thread_nothing_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoThread(threading.Thread):
        def start(self) -> None:
            raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading, "Thread", NoThread)
    tracker = Recorder()
    study = run(tracker, 3, reporting)
    assert len(study.trials) == 3 and tracker.calls == []
    assert "tracker Recorder logs nothing: can't start new thread" in caplog.text
    assert not study._trial_log.watchers


def test_a_slow_one_is_waited_for() -> None:
    class Slow(Recorder):
        def ended(self, trial: Any) -> None:
            time.sleep(0.02)
            super().ended(trial)

    tracker = Slow()
    run(tracker, 10)
    assert len(tracker.results) == 10


def test_a_full_queue_drops_and_says_so_once(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracking, "MOST_RECORDS", 5)
    tracker = Recorder(waits="begin")

    def last(study: Any, trial: Any) -> None:
        if trial.number == 19:
            tracker.go_on.set()

    study = hp.minimize(value, SPACE, n_trials=20, sampler="random", progress=False, callbacks=[tracker, last])
    assert len(study.trials) == 20
    assert len(tracker.results) == 5
    said = [record.message for record in caplog.records]
    assert said == [
        "tracker Recorder is too slow: 5 records wait, and further ones are dropped until it goes on",
        "tracker Recorder lost 15 of 20 records",
    ]


def test_a_tracker_of_two_runs_at_once_logs_one_after_the_other(caplog: pytest.LogCaptureFixture) -> None:
    tracker, inner = Recorder(), []

    def objective(trial: hp.Trial) -> float:
        if not inner:
            inner.append(hp.Study(SPACE))
            tracker.flush_seconds = 0.2
            inner[0].run(value, n_trials=2, progress=False, callbacks=[tracker])
            tracker.flush_seconds = 20.0
        return 0.0

    run(tracker, 2, objective)
    assert [trial.value for trial in tracker.results] == [0.0, 0.0]
    assert "logs another run already" in caplog.text and "2 of 2 records are lost" in caplog.text
    for thread in threading.enumerate():
        if thread.name.startswith("hpcore-tracker"):
            thread.join(60)


# --- Ctrl-C and errors of the run ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("ctrl_c")
def test_after_ctrl_c_and_after_an_error_all_is_logged() -> None:
    def interrupt(trial: hp.Trial) -> float:
        if trial.number == 3:
            raise KeyboardInterrupt
        return 0.0

    tracker = Recorder()
    assert run(tracker, 6, interrupt).interrupted
    assert (len(tracker.results), tracker.study.state) == (3, "interrupted")

    def fail(study: Any, trial: Any) -> None:
        raise ValueError("of a callback")

    tracker = Recorder()
    with pytest.raises(ValueError, match="of a callback"):
        hp.minimize(value, SPACE, n_trials=3, progress=False, callbacks=[fail, tracker])
    assert (len(tracker.results), tracker.study.state, tracker.calls[-1]) == (1, "failed", "close")


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_a_callback_before_the_tracker_does_not_cost_it_the_result() -> None:
    def interrupt(study: Any, trial: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    tracker = Recorder()
    study = hp.minimize(value, SPACE, n_trials=3, progress=False, callbacks=[interrupt, tracker])
    assert study.interrupted
    assert len(tracker.results) == len(study.trials) == 1


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_ends_the_wait_for_a_tracker(caplog: pytest.LogCaptureFixture) -> None:
    tracker = Recorder(waits="close")
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))

    def last(study: Any, trial: Any) -> None:
        timer.start()

    study = hp.minimize(value, SPACE, n_trials=1, progress=False, callbacks=[last, tracker])
    assert not study.interrupted and len(study.trials) == 1
    assert "tracker Recorder was interrupted: 0 of 1 records are lost" in caplog.text
    tracker.go_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("hpcore-tracker"):
            thread.join(60)


def test_arguments_that_are_not_allowed_begin_nothing() -> None:
    tracker = Recorder()
    with pytest.raises(hp.errors.InvalidArgument):
        hp.minimize(lambda trial: 0.0, SPACE, n_trials=0, callbacks=[tracker])
    lock = threading.Lock()  # which cannot be sent to a worker
    with pytest.raises(hp.errors.InvalidArgument, match="picklable"):
        hp.minimize(lambda trial: float(lock.locked()), SPACE, n_trials=1, n_jobs=2, callbacks=[tracker])
    for seconds in (-1.0, math.nan, None):
        tracker.flush_seconds = seconds  # type: ignore[assignment]
        with pytest.raises((hp.errors.InvalidArgument, InvalidType), match="flush_seconds of the tracker Recorder"):
            hp.minimize(value, SPACE, n_trials=1, callbacks=[tracker])
    assert tracker.calls == []


@pytest.mark.parametrize("seconds", [1e300, math.inf])
def test_a_wait_without_an_end(seconds: float) -> None:
    tracker = Recorder()
    tracker.flush_seconds = seconds
    assert len(run(tracker, 2).trials) == len(tracker.results) == 2


# --- searches by cross-validation ------------------------------------------------------------------------------------


def search(tracker: Any, **options: Any) -> Any:
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC

    from hpcore.sklearn import SearchCV

    X, y = load_iris(return_X_y=True)
    found = SearchCV(
        SVC(), {"C": [0.1, 1, 10], "kernel": ["rbf", "linear"]}, strategy="grid", cv=3, callbacks=[tracker], **options
    )
    return found, X, y


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_folds_of_a_search_with_the_fold_as_the_step(n_jobs: int, tmp_path: Path) -> None:
    tracker = Recorder()
    found, X, y = search(tracker, n_jobs=n_jobs, storage=tmp_path / "runs.db", study_name="svc")
    found.fit(X, y)
    results = found.cv_results_
    expected = [
        (int(number), float(fold), (results[f"split{fold}_test_score"][row],))
        for row, number in enumerate(found.trial_numbers_)
        for fold in range(3)
    ]
    assert sorted(tracker.steps) == sorted(expected)
    assert {trial.number: trial.params for trial in tracker.results} == dict(
        zip(found.trial_numbers_.tolist(), results["params"], strict=True)
    )
    assert (tracker.study.name, tracker.study.steps, tracker.study.state) == ("svc", "fold", "finished")
    assert tracker.study.settings["estimator"] == "SVC()"
    assert tracker.study.best is not None and tracker.study.best.params == found.best_params_
    assert tracker.study.result is found
    again = Recorder()
    search(again, storage=tmp_path / "runs.db", study_name="svc")[0].fit(X, y)
    assert again.calls == ["begin", "close"]
    assert (again.study.key, again.study.n_ended) == (tracker.study.key, 6)


def test_a_race_and_a_schedule() -> None:
    tracker = Recorder()
    found, X, y = search(tracker, racing="exact")
    found.fit(X, y)
    pruned = [trial for trial in tracker.results if trial.state == "pruned"]
    n_folds = sum(math.isfinite(found.cv_results_[f"split{i}_test_score"][row]) for i in range(3) for row in range(6))
    assert len(tracker.steps) == n_folds == 18 - sum(3 - _n_folds(tracker, trial.number) for trial in pruned)

    tracker = Recorder()
    from hpcore.sklearn import SearchCV

    SearchCV(
        found.estimator,
        {"C": hp.Float(0.1, 10, log=True)},
        strategy="halving",
        n_trials=6,
        cv=3,
        callbacks=[tracker],
        random_state=0,
    ).fit(X, y)
    # Those that never get all of the resource are neither complete nor pruned when the schedule is over.
    assert tracker.study.steps == "report" and 0 < len(tracker.results) < 6
    assert len({number for number, _, _ in tracker.steps}) == 6
    assert len({step for _, step, _ in tracker.steps}) > 1


def _n_folds(tracker: Recorder, number: int) -> int:
    return sum(step[0] == number for step in tracker.steps)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_in_a_search_and_a_search_that_fails() -> None:
    def interrupt(study: Any, trial: Any) -> None:
        if trial.number == 2:
            raise KeyboardInterrupt

    tracker = Recorder()
    found, X, y = search(tracker)
    found.callbacks = [interrupt, tracker]
    with pytest.warns(match="interrupted"):
        found.fit(X, y)
    assert (tracker.study.state, len(tracker.results)) == ("interrupted", 3)
    assert hasattr(tracker.study.result, "best_estimator_")

    def fail(study: Any, trial: Any) -> None:
        raise ValueError("of a callback")

    tracker = Recorder()
    found.callbacks = [fail, tracker]
    with pytest.raises(ValueError, match="of a callback"):
        found.fit(X, y)
    assert (tracker.study.state, len(tracker.results)) == ("failed", 1)


def test_each_search_of_a_nested_cross_validation_is_logged_by_a_copy() -> None:
    from hpcore.sklearn import nested_cross_validate

    class Shared(Recorder):
        def close(self) -> None:
            closed.append((self.study.name, len({trial.number for trial in self.results})))

        def begin(self, study: TrackedStudy) -> None:
            self.study, self.results = study, []

    closed: list[tuple[Any, int]] = []
    found, X, y = search(Shared())
    nested_cross_validate(found, X, y, cv=2)
    assert sorted(closed) == [("SVC/0", 6), ("SVC/1", 6)]
