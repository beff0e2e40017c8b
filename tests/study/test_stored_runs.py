"""Runs of stored studies: continued, interrupted, and ended by errors."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import (
    InvalidArgument,
)
from hpcore.ledger.stored_trial_log import StoredTrialLog
from tests.study.samples import SPACE, cost, facts

# --- continued runs ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["random", "sobol", "grid", "gp", "tpe"])
def test_a_study_that_goes_on_is_the_one_that_never_stopped(sampler: str, runs: Path) -> None:
    whole = hp.Study(SPACE, sampler=sampler, seed=5).run(cost, n_trials=16)
    for n in (3, 9, 4):
        hp.Study(SPACE, storage=runs, name="a", sampler=sampler, seed=5).run(cost, n_trials=n)
    study = hp.load_study(runs)
    assert facts(study) == facts(whole)
    assert study.mode == "lag 1"


@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_killed_at_every_trial(sampler: str, runs: Path) -> None:
    """SystemExit from a callback or the objective leaves the state of a kill; benchmarks/reliability has real kills."""
    n = 14
    whole = facts(hp.Study(SPACE, sampler=sampler, seed=1).run(cost, n_trials=n))
    for k in range(n):
        study = hp.Study(SPACE, storage=runs, name=f"{k}", sampler=sampler, seed=1)
        if k:
            study.run(cost, n_trials=k)
        study.ask()  # asked for and never told
        del study
        again = hp.load_study(runs, f"{k}").run(cost, n_trials=n - k)
        assert facts(again) == whole


def test_the_deterministic_order_is_the_same_for_any_workers_and_stops(tmp_path: Path) -> None:
    runs = tmp_path / "runs.db"
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=20, deterministic=True))
    assert whole != facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=20))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    study.run(cost, n_trials=6, deterministic=True)
    study.run(cost, n_trials=3, deterministic=True, n_jobs=2)
    dying = (
        "import os, signal, sys, time, hpcore as hp\n"
        "def objective(t):\n"
        "    if t.number == 11: os.kill(MAIN, signal.SIGKILL)\n"
        "    if t.number == 10: time.sleep(1)\n"
        "    return (t['x'] - 1) ** 2 + t['k'] + (t['c'] == 'a')\n"
        "MAIN = os.getpid()\n"
        "hp.load_study(sys.argv[1]).run(objective, n_trials=9, deterministic=True, n_jobs=2)\n"
    )
    # No pipes: orphaned workers would keep them open.
    died = subprocess.run([sys.executable, "-c", dying, str(runs)], stdout=subprocess.DEVNULL, timeout=60)
    assert died.returncode == -9
    assert hp.load_study(runs).trials[11].state == "running"
    study = hp.load_study(runs)
    n_left = 20 - sum(t.state == "complete" for t in study.trials)
    study.run(cost, n_trials=n_left, deterministic=True, n_jobs=2)
    assert facts(study) == whole
    assert study.mode == "lag 4"
    memory = hp.Study(SPACE, sampler="tpe", seed=0)
    for n in (1, 2, 17):
        memory.run(cost, n_trials=n, deterministic=True)
    assert facts(memory) == whole
    study.run(cost, n_trials=1, n_jobs=2)
    assert study.mode == hp.load_study(runs).mode == hp.list_studies(runs)[0].mode == "fast"


def test_a_short_run_leaves_the_rest_of_a_deterministic_one(tmp_path: Path) -> None:
    """A run evaluates one trial after some of four running trials lost their worker."""
    runs = tmp_path / "runs.db"
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=16, deterministic=True))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    study.run(cost, n_trials=8, deterministic=True)
    code = (
        "import os, signal, sys, hpcore as hp\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "import time\n"
        "def objective(t):\n"
        "    time.sleep(1)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "study = hp.load_study(sys.argv[1])\n"
        "study.run(objective, n_trials=8, deterministic=True, n_jobs=3, executor=ThreadPoolExecutor(3))\n"
    )
    study._trial_log.storage.close()
    assert subprocess.run([sys.executable, "-c", code, str(runs)]).returncode == -9
    assert sum(t.state == "running" for t in hp.load_study(runs).trials) >= 2
    done = sum(t.state != "running" for t in hp.load_study(runs).trials)
    while done < 16:
        hp.load_study(runs).run(cost, n_trials=1, deterministic=True)
        before, done = done, sum(t.state != "running" for t in hp.load_study(runs).trials)
        assert done == before + 1
    assert facts(hp.load_study(runs)) == whole


def test_interrupted_trials_are_given_back(runs: Path) -> None:
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=12))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)

    def interrupted(trial: hp.Trial) -> float:
        if trial.number == 5:
            raise KeyboardInterrupt
        return cost(trial)

    study.run(interrupted, n_trials=12)
    assert study.interrupted and len(study.trials) == 6
    assert facts(study.run(cost, n_trials=7)) == whole
    assert study.trials[5].state == "complete"


def test_callbacks_see_durable_trials(runs: Path) -> None:
    seen = []

    def look(study: hp.Study, trial: hp.Trial) -> None:
        stored = hp.load_study(runs).trials[trial.number]
        seen.append((stored.state, stored.value) == (trial.state, trial.value))

    hp.Study(SPACE, storage=runs, name="a", seed=0).run(cost, n_trials=3, callbacks=[look])
    assert seen == [True] * 3


# --- ends of a run ----------------------------------------------------------------------------------------------------


def test_a_finite_space_ends(runs: Path) -> None:
    study = hp.Study({"a": range(5)}, storage=runs, name="a", sampler="grid", seed=0)
    study.run(lambda t: float(t["a"]), n_trials=50)
    assert [t.value for t in hp.load_study(runs).trials] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(study.run(lambda t: 1.0, n_trials=3).trials) == 5


def test_a_timeout_and_workers_leave_nothing_running(runs: Path) -> None:
    import time

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    study.run(lambda t: time.sleep(0.02) or 1.0, timeout=0.15)
    study.run(lambda t: time.sleep(0.02) or 1.0, timeout=0.6, n_jobs=2)
    assert len(study.trials) > 2
    assert {str(t.state) for t in hp.load_study(runs).trials} == {"complete"}


# --- errors -----------------------------------------------------------------------------------------------------------


def test_an_objective_that_cannot_be_sent_leaves_the_store_unchanged(runs: Path) -> None:
    import threading

    lock = threading.Lock()
    study = hp.Study(SPACE, storage=runs, name="a", seed=0)
    with pytest.raises(InvalidArgument, match="objective must be picklable"):
        study.run(lambda trial: lock is None, n_trials=4, n_jobs=2)
    assert (hp.list_studies(runs)[0].n_trials, hp.list_studies(runs)[0].mode) == (0, "")


def test_a_result_is_kept_when_the_next_proposal_fails(runs: Path, caplog: pytest.LogCaptureFixture) -> None:
    refuse = []
    space = hp.Space({"x": hp.Float(0, 1)}, [lambda p: not refuse])

    def objective(trial: hp.Trial) -> float:
        if trial.number == 2:
            refuse.append(True)
        return float(trial.number)

    study = hp.Study(space, storage=runs, name="a", sampler="random", seed=0)
    study.run(objective, n_trials=9)
    assert "ends after 3 of n_trials=9" in caplog.text and "20000 in a row were refused" in caplog.text
    refuse.clear()
    again = hp.load_study(runs, space=space)
    assert [t.value for t in again.trials] == [0.0, 1.0, 2.0]
    assert [t.value for t in study.run(lambda t: 5.0, n_trials=1).trials] == [0.0, 1.0, 2.0, 5.0]


def test_a_callback_that_raises_between_two_proposals_loses_no_trial(runs: Path) -> None:
    def stop(study: hp.Study, trial: hp.Trial) -> None:
        if trial.number == 3:
            raise RuntimeError("a callback's own")

    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=20, deterministic=True))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    with pytest.raises(RuntimeError):
        study.run(cost, n_trials=20, deterministic=True, callbacks=[stop])
    left = 20 - sum(trial.state == "complete" for trial in study.trials)
    study.run(cost, n_trials=left, deterministic=True)
    assert facts(study) == facts(hp.load_study(runs)) == whole


@pytest.mark.parametrize("threads", [True, False])
def test_system_exit_of_a_worker_gives_its_trial_back(threads: bool, runs: Path) -> None:
    def leave(trial: hp.Trial) -> float:
        if trial.number == 2:
            raise SystemExit(3)
        return 1.0

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    with ThreadPoolExecutor(2) as pool:
        executor = pool if threads else None
        with pytest.raises(SystemExit):
            study.run(leave, n_trials=4, n_jobs=2, executor=executor)
        study.run(cost, n_trials=4, n_jobs=2, executor=executor)
    assert {str(trial.state) for trial in study.trials} == {"complete"}


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("step", ["begin", "ask", "finish"])
@pytest.mark.parametrize("mode", ["here", "threads"])
def test_ctrl_c_never_falls_between_the_store_and_the_run(
    step: str, mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the end of each step, in a notebook that continues the study afterwards."""
    runs = tmp_path / "runs.db"
    options = {"deterministic": mode != "here"}
    whole = facts(hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=12, **options))
    study = hp.Study(SPACE, storage=runs, name="a", sampler="tpe", seed=0)
    original = getattr(StoredTrialLog, step)
    calls = []

    def interrupted(*args, **kwargs):
        result = original(*args, **kwargs)
        calls.append(None)
        if len(calls) % 7 == 2:
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(StoredTrialLog, step, interrupted)
    with ThreadPoolExecutor(2) as pool:
        if mode == "threads":
            options["executor"] = pool
        for _ in range(12):
            left = 12 - sum(trial.state == "complete" for trial in study.trials)
            if left:
                try:
                    study.run(cost, n_trials=left, **options)
                except KeyboardInterrupt:  # before the run began
                    assert step == "begin"
    assert facts(study) == facts(hp.load_study(runs)) == whole
    assert study.mode == ("lag 1" if mode == "here" else "lag 4")


# --- stopping rules ---------------------------------------------------------------------------------------------------


def test_a_rule_that_is_refused_takes_no_trial_with_it(runs: Path) -> None:
    study = hp.Study(SPACE, storage=runs, name="a", directions=["minimize", "minimize"], sampler="random", seed=0)
    study._trial_log.give_back([study.ask()])
    with pytest.raises(InvalidArgument, match="single objective"):
        study.run(lambda t: (1.0, 2.0), n_trials=1, deterministic=True, stop=[hp.stopping.TargetValue(0.0)])
    study.run(lambda t: (1.0, 2.0), n_trials=1, deterministic=True)
    assert [str(trial.state) for trial in study.trials] == ["complete"]


def test_a_rule_starts_from_what_others_stored(runs: Path) -> None:
    class FiveMore(hp.stopping.StoppingRule):
        def start(self, view: Any) -> None:
            self.last = view.history.n + 5

        def reached(self, view: Any) -> bool:
            return view.history.n >= self.last

    study = hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0)
    hp.load_study(runs, "a").run(cost, n_trials=7)
    assert len(study.run(cost, n_trials=50, stop=[FiveMore()]).trials) == 12
