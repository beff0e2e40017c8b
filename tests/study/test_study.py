"""Searches in process, on threads and on worker processes."""

import math
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9)}


def parabola(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"]


def evaluate(objective, workers: str, **options) -> hp.Study:
    """Run a search in this process, with two threads, or with two worker processes."""
    options = {"n_trials": 8, "seed": 0, "progress": False, **options}
    if workers == "threads":
        with ThreadPoolExecutor(2) as pool:
            return hp.minimize(objective, SPACE, executor=pool, n_jobs=2, **options)
    return hp.minimize(objective, SPACE, n_jobs=2 if workers == "processes" else 1, **options)


everywhere = pytest.mark.parametrize("workers", ["here", "threads", "processes"])


# --- results ------------------------------------------------------------------------------------------------------


@everywhere
def test_minimize(workers: str) -> None:
    study = evaluate(parabola, workers, sampler="sobol")
    assert isinstance(study, hp.Study)
    assert not study.interrupted
    assert [t.number for t in study.trials] == list(range(8))
    assert all(t.state == "complete" and t.value == parabola(t) for t in study.trials)
    assert study.best_value == min(t.value for t in study.trials)
    assert study.best_params == study.best_trial.params
    expected = [t.params for t in hp.Optimizer(SPACE, sampler="sobol", seed=0).ask(8)]
    assert [t.params for t in study.trials] == expected


def test_maximize_is_the_same_search_seen_from_above() -> None:
    down = hp.minimize(parabola, SPACE, n_trials=20, seed=3)
    up = hp.maximize(lambda trial: -parabola(trial), SPACE, n_trials=20, seed=3)
    assert up.best_value == -down.best_value
    assert [t.params for t in up.trials] == [t.params for t in down.trials]


@everywhere
def test_times_are_kept(workers: str) -> None:
    before = time.time()
    study = evaluate(lambda trial: time.sleep(0.01) or 1.0, workers, n_trials=3)
    for trial in study.trials:
        assert before - 1 <= trial.started <= trial.finished
        assert trial.finished - trial.started >= 0.009


@everywhere
def test_what_the_objective_writes_on_a_trial_comes_back(workers: str) -> None:
    def objective(trial):
        trial.user_attrs["pid"] = os.getpid()
        trial.user_attrs["twice"] = 2 * trial["k"]
        return 1.0

    study = evaluate(objective, workers)
    assert all(t.user_attrs["twice"] == 2 * t["k"] for t in study.trials)
    assert (os.getpid() in {t.user_attrs["pid"] for t in study.trials}) == (workers != "processes")


@pytest.mark.parametrize("value", [1, True, np.float32(1), np.array(1.0), np.array([1.0]), (1.0,)], ids=repr)
def test_forms_of_a_result(value) -> None:
    assert hp.minimize(lambda trial: value, SPACE, n_trials=1).best_value == 1.0


def test_several_objectives() -> None:
    study = hp.Study(SPACE, directions=["minimize", "maximize"], seed=0)
    study.run(lambda t: (t["x"], t["k"]), n_trials=30)
    front = [t.values for t in study.pareto_front]
    points = [t.values for t in study.trials]
    assert front == [p for p in points if not any(q != p and q[0] <= p[0] and q[1] >= p[1] for q in points)]


def test_a_study_goes_on() -> None:
    whole = hp.Study(SPACE, sampler="sobol", seed=0).run(parabola, n_trials=12)
    parts = hp.Study(SPACE, sampler="sobol", seed=0).run(parabola, n_trials=5).run(parabola, n_trials=7)
    assert [(t.params, t.value) for t in parts.trials] == [(t.params, t.value) for t in whole.trials]


def test_a_finite_space_ends_a_run() -> None:
    study = hp.minimize(lambda t: float(t["a"]), {"a": range(6)}, sampler="grid", n_trials=50)
    assert [t.value for t in study.trials] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_added_and_enqueued() -> None:
    study = hp.Study(SPACE, seed=0)
    study.add({"x": 1.0, "k": 1}, 0.5)
    study.enqueue({"x": 1.0, "k": 2})
    study.run(parabola, n_trials=2)
    assert [t.value for t in study.trials[:2]] == [0.5, 2.0]
    assert study.best_value == 0.5
    assert len(study.trials) == 3


# --- failures -----------------------------------------------------------------------------------------------------


@everywhere
def test_an_exception_fails_its_trial_and_keeps_the_traceback(workers: str) -> None:
    def fragile(trial):
        if trial.number % 2:
            raise ZeroDivisionError(f"on purpose in {trial.number}")
        return 1.0

    study = evaluate(fragile, workers)
    for trial in study.trials:
        if trial.number % 2:
            assert (trial.state, trial.value) == ("failed", None)
            assert "Traceback" in trial.error
            assert "in fragile" in trial.error
            assert f"on purpose in {trial.number}" in trial.error
            assert trial.finished is not None
        else:
            assert (trial.state, trial.error) == ("complete", None)
    assert study.best_trial.number == 0


@everywhere
@pytest.mark.parametrize("value", [None, math.nan, -math.inf, "0.1", b"1", (1.0, 2.0), {"loss": 1.0}, 1j], ids=repr)
def test_a_useless_result_fails_its_trial(workers: str, value) -> None:
    if workers == "processes" and value not in (None, "0.1"):
        pytest.skip("as in process; two are enough to see that they arrive")
    study = evaluate(lambda trial: value if trial.number != 2 else 7.0, workers, n_trials=5)
    assert [t.state for t in study.trials] == ["failed"] * 2 + ["complete"] + ["failed"] * 2
    assert study.best_value == 7.0
    assert repr(value) in study.trials[0].error


def test_system_exit_ends_the_run_and_its_trial_is_evaluated_again() -> None:
    study = hp.Study(SPACE, seed=0)

    def leave(trial):
        if trial.number == 2:
            raise SystemExit(3)
        return 1.0

    with pytest.raises(SystemExit):
        study.run(leave, n_trials=5)
    assert [t.state for t in study.trials] == ["complete", "complete", "running"]
    study.run(parabola, n_trials=2)
    assert [t.state for t in study.trials] == ["complete"] * 4


def test_a_worker_that_dies_costs_only_its_trial() -> None:
    def deadly(trial):
        if trial.number == 3:
            os._exit(7)
        return float(trial.number)

    study = hp.minimize(deadly, SPACE, n_trials=8, n_jobs=2, seed=0)
    assert [t.state for t in study.trials] == ["complete"] * 3 + ["failed"] + ["complete"] * 4
    assert "WorkerDied" in study.trials[3].error
    assert [t.value for t in study.trials if t.number != 3] == [0.0, 1.0, 2.0, 4.0, 5.0, 6.0, 7.0]


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "died"

    def unlucky(trial):
        if trial.number == 2 and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return 1.0

    study = hp.minimize(unlucky, SPACE, n_trials=5, n_jobs=2, seed=0)
    assert mark.exists()
    assert all(t.state == "complete" for t in study.trials)


def test_a_result_that_cannot_be_sent_back_fails_its_trial() -> None:
    study = hp.minimize(lambda t: threading.Lock() if t.number == 1 else 1.0, SPACE, n_trials=4, n_jobs=2, seed=0)
    assert [t.state for t in study.trials] == ["complete", "failed", "complete", "complete"]
    assert "pickle" in study.trials[1].error.lower()


def test_an_objective_that_cannot_be_sent_is_refused_before_any_evaluation() -> None:
    lock = threading.Lock()
    study = hp.Study(SPACE, seed=0)
    with pytest.raises(InvalidArgument, match=r"objective must be picklable.*lock"):
        study.run(lambda trial: lock is None, n_trials=4, n_jobs=2)
    assert len(study.trials) == 0
    assert len(study.run(lambda trial: float(lock is None), n_trials=2).trials) == 2


def test_the_callers_executor_is_used_and_left_open() -> None:
    with ThreadPoolExecutor(2) as pool:
        names = set()

        def objective(trial):
            names.add(threading.current_thread().name)
            return 1.0

        hp.minimize(objective, SPACE, n_trials=6, executor=pool)
        assert threading.current_thread().name not in names
        assert pool.submit(lambda: 5).result() == 5


@pytest.mark.parametrize(("options", "most"), [({}, 3), ({"n_jobs": 2}, 2), ({"n_jobs": 1}, 1)])
def test_all_workers_of_the_callers_executor_are_used_or_as_many_as_asked_for(options, most: int) -> None:
    together = threading.Barrier(most, timeout=60)
    running, highest, lock = 0, 0, threading.Lock()

    def objective(trial):
        nonlocal running, highest
        with lock:
            running += 1
            highest = max(highest, running)
        together.wait()
        with lock:
            running -= 1
        return 1.0

    with ThreadPoolExecutor(3) as pool:
        for search in (hp.minimize, hp.maximize):
            study = search(objective, SPACE, n_trials=6, executor=pool, sampler="random", **options)
            assert [t.value for t in study.trials] == [1.0] * 6
            assert highest == most


def test_one_trial_at_a_time_gives_the_trials_of_a_run_without_an_executor() -> None:
    here = hp.minimize(parabola, SPACE, n_trials=12, sampler="gp", seed=3)
    with ThreadPoolExecutor(3) as pool:
        there = hp.minimize(parabola, SPACE, n_trials=12, sampler="gp", seed=3, executor=pool, n_jobs=1)
    assert [t.params for t in there.trials] == [t.params for t in here.trials]


class Inline(Executor):
    """Executor that runs tasks in the calling thread."""

    def submit(self, fn, /, *args, **kwargs):
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_reaches_an_objective_that_an_executor_runs_right_there() -> None:
    went_on = []

    def objective(trial):
        if trial.number == 2:
            signal.raise_signal(signal.SIGINT)
            went_on.append(trial.number)
        return 1.0

    study = hp.minimize(objective, SPACE, n_trials=9, executor=Inline(), n_jobs=1, seed=0)
    assert study.interrupted
    assert (went_on, len(study.trials)) == ([], 3)


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_reaches_a_rule() -> None:
    class Slow(hp.stopping.StoppingRule):
        def reached(self, view):
            if view.history.n == 3:
                signal.raise_signal(signal.SIGINT)
                pytest.fail("it went on")
            return False

    study = hp.Study(SPACE, sampler="random", seed=0).run(parabola, n_trials=9, stop=[Slow()])
    assert study.interrupted
    assert [trial.state for trial in study.trials] == ["complete"] * 3


@pytest.mark.parametrize("executor", [None, Inline()], ids=["here", "executor"])
def test_a_callback_that_raises_every_time_loses_no_result(executor) -> None:
    def always(study, trial):
        raise RuntimeError("a callback's own")

    study = hp.Study(SPACE, sampler="random", seed=0)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            study.run(parabola, 10, deterministic=True, callbacks=[always], executor=executor)
    assert "failed" not in [trial.state for trial in study.trials]
    n = sum(trial.state == "complete" for trial in study.trials)
    study.run(parabola, 20, deterministic=True)
    assert [trial.state for trial in study.trials] == ["complete"] * (n + 20)


class Shy:
    def __repr__(self):
        raise RuntimeError("nobody is to see it")


@everywhere
@pytest.mark.parametrize("value", [(10**5000, 1), Shy(), (Shy(), 1.0)], ids=["huge", "shy", "shy pair"])
def test_a_value_that_cannot_be_shown_fails_its_trial(workers: str, value) -> None:
    study = evaluate(lambda trial: value, workers, n_trials=3)
    assert [trial.state for trial in study.trials] == ["failed"] * 3
    assert "the objective returned" in study.trials[0].error


def test_a_deterministic_run_says_which_trial_it_waits_for() -> None:
    study = hp.Study(SPACE, sampler="random", seed=0)
    trial = study.ask()
    with pytest.raises(InvalidArgument, match="trial 0 is still running; tell it first"):
        study.run(parabola, 9, deterministic=True)
    study.tell(trial, 1.0)
    assert len(study.run(parabola, 9, deterministic=True).trials) == 10


def test_any_executor_will_do() -> None:
    handler = signal.getsignal(signal.SIGINT)
    study = hp.minimize(parabola, SPACE, n_trials=5, executor=Inline(), seed=0)
    assert [t.state for t in study.trials] == ["complete"] * 5
    assert signal.getsignal(signal.SIGINT) is handler, "Ctrl-C still belongs to this process"


# --- ends of a run ------------------------------------------------------------------------------------------------


@everywhere
def test_a_timeout_ends_the_run_and_finishes_what_runs(workers: str) -> None:
    study = evaluate(lambda trial: time.sleep(0.05) or 1.0, workers, n_trials=None, timeout=0.3)
    assert 1 <= len(study.trials) < 100
    assert all(t.state == "complete" for t in study.trials)


@everywhere
def test_stop(workers: str) -> None:
    begun = []

    def enough(study, trial):
        if trial.number == 3:
            study.stop()
            begun.append(len(study.trials))

    study = evaluate(parabola, workers, n_trials=50, callbacks=[enough])
    # While trial 3 runs in one worker, the other one may finish any number of later trials; after it none begins.
    assert [len(study.trials)] == begun
    assert 4 <= begun[0] < 50
    assert all(t.state == "complete" for t in study.trials)
    assert len(study.run(parabola, n_trials=2).trials) >= 6


@everywhere
def test_callbacks_see_each_finished_trial_in_this_thread(workers: str) -> None:
    seen = []

    def note(study, trial):
        assert threading.current_thread() is threading.main_thread()
        assert study.trials[trial.number].state == trial.state != "running"
        seen.append(trial.number)

    study = evaluate(parabola, workers, callbacks=[note])
    assert sorted(seen) == [t.number for t in study.trials]


@everywhere
def test_a_callback_that_raises_ends_the_run_and_fails_no_trial(workers: str) -> None:
    study = hp.Study(SPACE, seed=0)

    def complain(study, trial):
        raise OSError("full")

    with pytest.raises(OSError, match="full"), ThreadPoolExecutor(2) as pool:
        executor = pool if workers == "threads" else None
        study.run(
            parabola, n_trials=8, n_jobs=2 if workers == "processes" else 1, executor=executor, callbacks=[complain]
        )
    assert any(t.state == "complete" for t in study.trials)
    assert all(t.state in ("complete", "running") for t in study.trials)
    assert study.trials[0].state == "complete" or workers != "here"
    n = len(study.trials)
    assert [t.state for t in study.run(parabola, n_trials=n).trials[:n]] == ["complete"] * n


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_keeps_what_is_finished(n_jobs: int) -> None:
    code = f"""
import signal, time
import hpcore as hp

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests with SIGINT ignored

def objective(trial):
    if trial.number >= 4:
        print("asleep", flush=True)
        time.sleep(60)
    return float(trial.number)

def note(study, trial):
    print("finished", trial.number, flush=True)
    if len([t for t in study.trials if t.state == "complete"]) == 4:
        print("ready", flush=True)

study = hp.minimize(objective, {{"x": hp.Float(0, 1)}}, n_trials=50, n_jobs={n_jobs}, seed=0, callbacks=[note])
print("interrupted", study.interrupted, study.best_value, sorted({{t.state.value for t in study.trials}}),
      sum(t.state == "complete" for t in study.trials), flush=True)
n = len(study.trials)
study.run(lambda trial: float(trial.number), n_trials=n - 4 + 2, n_jobs={n_jobs})
print(len(study.trials) - n, [t.value for t in study.trials] == list(map(float, range(n + 2))), flush=True)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    watchdog = threading.Timer(120, process.kill)
    watchdog.start()
    try:
        awaited = {"ready", "asleep"}
        for line in process.stdout:
            awaited.discard(line.strip())
            if not awaited:
                break
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate()
    finally:
        watchdog.cancel()
        process.kill()
    assert process.returncode == 0, err
    assert out.strip().splitlines()[-1] == "2 True"
    assert out.strip().splitlines()[-2] == "interrupted True 0.0 ['complete', 'running'] 4"
    assert "Traceback" not in err


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_a_search_inside_a_worker_asks_for_no_more_workers(workers: str) -> None:
    def objective(trial: hp.Trial) -> float:
        from hpcore.workers.pools import choose_pool

        return float(choose_pool(2, None) is None)

    assert evaluate(objective, workers, n_trials=2).best_value == 1.0


def test_an_objective_cannot_swallow_ctrl_c() -> None:
    def objective(trial: hp.Trial) -> float:
        with suppress(KeyboardInterrupt):
            if trial.number == 3:
                signal.raise_signal(signal.SIGINT)
        return float(trial.number)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        study = hp.minimize(objective, {"x": hp.Float(0, 1)}, n_trials=50, seed=0)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    assert study.interrupted
    assert [t.state.value for t in study.trials] == ["complete"] * 3 + ["running"]


# --- progress and arguments ---------------------------------------------------------------------------------------


@everywhere
@pytest.mark.parametrize("progress", [False, None])
def test_silence(workers: str, progress, capfd: pytest.CaptureFixture) -> None:
    evaluate(parabola, workers, progress=progress)
    assert capfd.readouterr() == ("", "")


def test_lines_when_piped(capfd: pytest.CaptureFixture) -> None:
    hp.minimize(lambda t: None if t.number == 1 else float(t.number + 5), SPACE, n_trials=20, progress=True)
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert lines[0].startswith("trial 1/20: best value 5, ")
    assert lines[-1].startswith("trial 20/20: best value 5, 1 failed, ")
    assert 3 <= len(lines) <= 12


def test_wrong_calls_change_nothing() -> None:
    study = hp.Study(SPACE, seed=0)
    for options in [{"n_trials": 0}, {"n_trials": 3, "n_jobs": 0}, {"n_trials": 3, "n_jobs": True}, {}]:
        with pytest.raises((InvalidArgument, InvalidType)):
            study.run(parabola, **options)
    assert len(study.trials) == 0
    assert repr(study).startswith("Study(Optimizer(")
