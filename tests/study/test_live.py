"""Reports of worker processes while they run."""

from __future__ import annotations

import json
import logging
import os
import pickle
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import StorageError
from hpcore.ledger.trial_log import Terms, TrialLog
from hpcore.records.channel import Decision
from hpcore.study.live import Listener, LiveChannel
from tests.optimizer.test_snapshot import curves_of, snapshot

SPACE = {"x": hp.Float(0, 1)}


def log_of(tmp_path: Path, stored: bool, **options: Any) -> TrialLog:
    where: dict[str, Any] = {"storage": tmp_path / "runs.db", "name": "a"} if stored else {}
    return hp.Study(SPACE, sampler="random", seed=0, **options, **where)._trial_log


def known(log: TrialLog, number: int = 0) -> list[float]:
    curves = log.optimizer.history.curves
    return curves.step[curves.of(number)].tolist()


@pytest.fixture
def listener(tmp_path: Path, request: pytest.FixtureRequest) -> Any:
    log = log_of(tmp_path, request.param, scheduler="median")
    with Listener(log, renews=True) as listener:
        listener.seconds = 0.0
        yield listener


both = pytest.mark.parametrize("listener", [False, True], indirect=True, ids=["memory", "stored"])


@both
def test_reports_are_recorded_while_the_job_runs_and_once(listener: Listener, tmp_path: Path) -> None:
    log = listener._log
    trial = log.ask(Terms())
    log.decide_there(trial)
    listener.attach(trial)
    there = pickle.loads(pickle.dumps(trial))  # noqa: S301 - as a worker does
    there.report(1.0, 1, cost=2.5)
    there.report(0.5, 2)
    assert known(log) == []
    listener.look()
    assert known(log) == [1.0, 2.0]
    there.report(0.25, 3)
    listener.look()
    listener.look()
    there.report(0.125, 4)
    home = pickle.loads(pickle.dumps(there))  # noqa: S301
    trial.adopt(home)
    listener.detach(trial.number)
    log.finish(trial, log.conclude(trial, log.judge(0.125, None, None), pruned=False))
    listener.look()
    assert known(log) == [1.0, 2.0, 3.0, 4.0]
    assert log.optimizer.history.curves.cost[0] == 2.5
    if log.durable:
        again = hp.load_study(tmp_path / "runs.db")._trial_log
        assert known(again) == [1.0, 2.0, 3.0, 4.0]
        np.testing.assert_array_equal(again.optimizer.history.curves.values, log.optimizer.history.curves.values)


@both
def test_a_job_that_is_sent_again_begins_anew(listener: Listener) -> None:
    log = listener._log
    trial = log.ask(Terms())
    log.decide_there(trial)
    listener.attach(trial)
    there = pickle.loads(pickle.dumps(trial))  # noqa: S301 - by a worker that dies
    there.report(1.0, 1)
    there.report(0.5, 2)
    listener.look()
    there = pickle.loads(pickle.dumps(trial))  # noqa: S301
    assert not there.reports and there.progress.step == -np.inf
    for step in (1, 2, 3):
        there.report(1 / step, step)
    listener.look()
    assert known(log) == [1.0, 2.0, 3.0]


@both
def test_lines_that_are_incomplete_or_of_other_jobs_wait_or_are_ignored(listener: Listener) -> None:
    log = listener._log
    trial = log.ask(Terms())
    file = Path(listener._folder, "reports-1")
    file.parent.mkdir()
    file.write_text(json.dumps([0, 1.0, [0.5], None, 7]) + "\n" + json.dumps([5, 1.0, [0.5], None, 5]) + "\n[0, 1")
    listener.look()
    assert known(log) == []
    with file.open("a") as end:
        end.write(".5, [NaN], null, 0]\n")
    listener.look()
    assert known(log) == [1.5]
    log.tell(trial, log.judge(1.0, None, None))


@both
def test_a_job_sees_newer_reports_of_others(listener: Listener) -> None:
    log = listener._log
    slow = log.ask(Terms())
    log.decide_there(slow)
    listener.attach(slow)
    there = pickle.loads(pickle.dumps(slow))  # noqa: S301
    there.report(5.0, 1)
    assert not there.should_stop()
    for _ in range(3):
        other = log.ask(Terms())
        for step in (1, 2, 3):
            other.report(0.1, step)
    listener.look()
    there.report(5.0, 2)
    assert there.should_stop()


def test_a_file_is_read_when_it_has_changed(tmp_path: Path) -> None:
    channel = LiveChannel(str(tmp_path), 5, snapshot())
    assert channel.report(3, 1.0, (0.5,)) is Decision.CONTINUE
    newer = curves_of((0, 2.0, 0.1), (1, 2.0, 0.2), (0, 3.0, 0.1), (1, 3.0, 0.2)), np.zeros(4, np.uint8)
    (tmp_path / "seen-5").write_bytes(pickle.dumps(newer))
    assert channel.report(3, 2.0, (0.5,)) is Decision.STOP
    older = curves_of((0, 2.0, 0.1)), np.zeros(4, np.uint8)
    (tmp_path / "part").write_bytes(pickle.dumps(older))
    (tmp_path / "part").replace(tmp_path / "seen-5")
    assert channel.report(3, 3.0, (0.5,)) is Decision.CONTINUE
    assert [json.loads(line) for line in (tmp_path / f"reports-{os.getpid()}").read_text().splitlines()] == [
        [3, 1.0, [0.5], None, 5],
        [3, 2.0, [0.5], None, 5],
        [3, 3.0, [0.5], None, 5],
    ]


def test_without_a_folder_reports_come_with_the_results(tmp_path: Path) -> None:
    channel = LiveChannel(str(tmp_path / "gone" / "for good"), 5, None)
    assert channel.report(3, 1.0, (0.5,)) is Decision.CONTINUE and channel.keeps


def test_without_reports_there_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    there: list[Path] = []
    study = hp.Study(SPACE, sampler="random", seed=0)
    study.run(abs_of_x, n_trials=2, n_jobs=2, callbacks=[lambda *_: there.extend(tmp_path.glob("hpcore-*"))])
    assert there == []
    study.run(slowly, n_trials=1, n_jobs=2, callbacks=[lambda *_: there.extend(tmp_path.glob("hpcore-*/reports-*"))])
    assert len(there) == 1 and not list(tmp_path.glob("hpcore-*"))


def abs_of_x(trial: hp.Trial) -> float:
    return trial["x"]


@pytest.mark.parametrize("listener", [True], indirect=True)
def test_reports_that_cannot_be_stored_come_with_the_result(
    listener: Listener, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    log = listener._log
    trial = log.ask(Terms())
    listener.attach(trial)
    there = pickle.loads(pickle.dumps(trial))  # noqa: S301
    there.report(1.0, 1)

    def fails(work: Any) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING, "hpcore"):
        patch.setattr(log.storage, "write", fails)  # type: ignore[attr-defined]
        listener.look()
    assert "the disk is full" in caplog.text and known(log) == []
    trial.adopt(there)
    log.finish(trial, log.judge(1.0, None, None))
    assert known(log) == [1.0]


def slowly(trial: hp.Trial) -> float | None:
    for step in range(1, 10):
        trial.report(trial["x"] + 1 / step, step)
        if trial.should_stop():
            return None
        time.sleep(0.05)
    return trial["x"]


def dies_once(trial: hp.Trial) -> float | None:
    mark = Path(os.environ["HPCORE_TEST_MARK"])
    for step in range(1, 10):
        trial.report(trial["x"] + 1 / step, step)
        if trial.number == 1 and step == 5 and not mark.exists():
            time.sleep(0.3)  # the search reads what was reported
            mark.write_text("")
            os.kill(os.getpid(), signal.SIGKILL)
        if trial.should_stop():
            return None
    return trial["x"]


def test_a_run_reads_while_it_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    read = TrialLog.take_reports

    def spy(self: TrialLog, reports: Any) -> None:
        seen.append(len(reports))
        read(self, reports)

    monkeypatch.setattr(TrialLog, "take_reports", spy)
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler="median")
    study.run(slowly, n_trials=2, n_jobs=2)
    assert seen and max(seen) < 18
    curves = study.optimizer.history.curves
    pairs = list(zip(curves.trial.tolist(), curves.step.tolist(), strict=True))
    assert len(pairs) == len(set(pairs))
    assert not list(Path(tempfile.gettempdir()).glob(f"hpcore-*/reports-{os.getpid()}"))


@pytest.mark.parametrize("stored", [False, True])
def test_a_worker_that_dies_leaves_its_reports(stored: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPCORE_TEST_MARK", str(tmp_path / "mark"))
    from hpcore.workers import pools

    monkeypatch.setattr(pools, "_idle", {})  # new workers, which know the variable
    log_options: dict[str, Any] = {"storage": tmp_path / "runs.db", "name": "a"} if stored else {}
    study = hp.Study(SPACE, sampler="random", seed=0, scheduler="median", **log_options)
    study.run(dies_once, n_trials=3, n_jobs=2)
    assert (tmp_path / "mark").exists()
    assert study.trials[1].state in ("complete", "pruned")
    for number in range(3):
        steps = known(study._trial_log, number)
        assert steps == list(range(1, len(steps) + 1))
    assert len(known(study._trial_log, 1)) >= 5


@pytest.mark.parametrize("scheduler", ["median", hp.schedulers.ASHA(max_resource=9)])
def test_live_reports_change_no_decision_in_a_deterministic_order(scheduler: Any) -> None:
    runs = []
    for n_jobs in (1, 2, 3):
        study = hp.Study(SPACE, sampler="tpe", seed=0, scheduler=scheduler)
        study.run(slowly, n_trials=12, n_jobs=n_jobs, deterministic=True)
        runs.append([(t.params, t.state, t.values, t.reports, t.until) for t in study.trials])
    assert runs[0] == runs[1] == runs[2]
