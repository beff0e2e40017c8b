"""Trials told by other processes: any process may tell any running trial, and the first result counts."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidType, LeaseExpired, StorageError, TrialAlreadyTold, UnknownTrial
from tests.study.children import begin, in_child, kill_me

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9)}

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the tests fork")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def begun(path: Path, **options: Any) -> hp.Study:
    return hp.Study(SPACE, storage=path, name="a", sampler="tpe", seed=0, **options)


def cost(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"]


def ask_and(path: Path, n: int, then: Any) -> None:
    """Ask for trials, leave pickled copies in a file, and do something with the study."""
    study = hp.load_study(path)
    trials = study.ask(n)
    path.with_suffix(".pkl").write_bytes(pickle.dumps(trials))
    then(study, trials)


def copies(path: Path) -> list[hp.Trial]:
    trials: list[hp.Trial] = pickle.loads(path.with_suffix(".pkl").read_bytes())  # noqa: S301
    return trials


def values(path: Path) -> list[float | None]:
    return [trial.value for trial in hp.load_study(path).trials]


# --- trials of each kind of asker ---------------------------------------------------------------------------------


@pytest.mark.parametrize("end", ["returns", "is killed"])
def test_the_asker_has_ended(end: str, path: Path) -> None:
    begun(path)
    in_child(lambda: ask_and(path, 4, lambda *_: kill_me() if end == "is killed" else None))
    study = hp.load_study(path)
    trials = copies(path)
    study.tell(trials[0].number, 10.0)
    study.tell(np.int64(1), 11.0)
    study.tell(trials[2], 12.0)
    trials[3].user_attrs["host"], trials[3].reports[5] = "b", 0.5
    trials[3].started = 1e9
    study.tell(trials[3], None, error="out of memory")
    again = hp.load_study(path)
    assert values(path) == [10.0, 11.0, 12.0, None]
    for known in (study.trials[3], again.trials[3]):
        assert (known.state, known.error, known.started) == ("failed", "out of memory", 1e9)
        assert (known.user_attrs, known.reports) == ({"host": "b"}, {5: 0.5})
    assert study.ask().number == again.ask().number - 1 == 4


def test_the_asker_lives(path: Path) -> None:
    study = begun(path)
    trials = study.ask(4)
    assert not in_child(lambda: [hp.load_study(path).tell(number, float(number)) for number in (0, 1, 2)])
    with pytest.raises(TrialAlreadyTold, match="trial 0 came too late: it has another one") as late:
        study.tell(trials[0], 7.0)
    assert isinstance(late.value, LeaseExpired)
    assert trials[0].value == 0.0
    # It reads the other results when it looks, like a service that only asks.
    study.refresh()
    assert [(t.state, t.value) for t in study.trials] == [
        *(("complete", float(i)) for i in range(3)),
        ("running", None),
    ]
    for wrong in (trials[1], 2, trials[0]):
        with pytest.raises(TrialAlreadyTold):
            study.tell(wrong, 7.0)
    study.tell(trials[3], 3.0)
    assert values(path) == [0.0, 1.0, 2.0, 3.0]


def test_a_service_that_only_asks_learns_from_what_others_tell(path: Path) -> None:
    alone = hp.Optimizer(SPACE, sampler="tpe", seed=0)
    service, clients = begun(path), hp.load_study(path)
    for _ in range(14):
        trial, expected = service.ask(), alone.ask()
        assert trial.params == expected.params
        clients.tell(trial.number, cost(trial))
        alone.tell(expected, cost(trial))
    assert service._trial_log._replica.all_held() == [service._trial_log._replica.held(13)]


@pytest.mark.parametrize("first", ["asker", "other", "third"])
def test_the_first_result_counts_after_a_restart(first: str, path: Path) -> None:
    """The trial of a dead worker was given to another one, and then a job of the dead worker tells it."""
    begun(path)
    in_child(lambda: ask_and(path, 1, lambda *_: kill_me()))
    other, third = hp.load_study(path), hp.load_study(path)
    again = other.ask()
    assert again.number == 0
    tells = {
        "asker": lambda: third.tell(copies(path)[0], 1.0),
        "other": lambda: other.tell(again, 2.0),
        "third": lambda: third.tell(0, 3.0),
    }
    tells.pop(first)()
    for late in tells.values():
        with pytest.raises(TrialAlreadyTold):
            late()
    expected = {"asker": 1.0, "other": 2.0, "third": 3.0}[first]
    assert values(path) == [expected]
    assert other.trials[0].value == expected
    assert other.ask().number == 1


def test_a_stranger_is_refused_wherever_it_is_told(path: Path) -> None:
    study, other = begun(path), hp.load_study(path)
    trial = study.ask()
    for teller in (study, other):
        for wrong in (hp.Trial(0, {"x": 1.0, "k": 1}), hp.Trial(0, {})):
            with pytest.raises(UnknownTrial, match="trial 0 comes from another optimizer"):
                teller.tell(wrong, 1.0)
        for number in (1, -1, np.int64(2**62), 10**30):
            with pytest.raises(UnknownTrial, match=r"one that was asked for \(0 .. 0\)"):
                teller.tell(number, 1.0)
        for nothing in (None, "0", 0.0, True, [0], np.float64(0)):
            with pytest.raises(InvalidType, match="trial must be a Trial of ask or its number"):
                teller.tell(nothing, 1.0)
        with pytest.raises(InvalidType, match="value must be a number"):
            teller.tell(0, "1")
    assert not other._trial_log._replica._stale, "what is refused makes nobody read the whole study again"
    other.tell(pickle.loads(pickle.dumps(trial)), 1.0)  # noqa: S301
    assert values(path) == [1.0]


def test_a_store_that_takes_nothing_leaves_the_trial_to_be_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study, other = begun(path), hp.load_study(path)
    trial = study.ask()
    with monkeypatch.context() as away:
        away.setattr(other._trial_log.storage, "read_only", True)
        with pytest.raises(StorageError):
            other.tell(0, 5.0)
    other.refresh()
    assert other.trials[0].state == "running"
    other.tell(0, 6.0)
    with pytest.raises(TrialAlreadyTold):
        study.tell(trial, 7.0)
    assert values(path) == [6.0]


def test_a_result_that_found_no_room_is_stored_when_its_study_ends(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = begun(path)
    trials = study.ask(2)
    with monkeypatch.context() as away:
        away.setattr(study._trial_log.storage, "read_only", True)
        with pytest.raises(StorageError):
            study.tell(trials[0], 5.0)
    store = study._trial_log.storage
    del study
    end = time.monotonic() + 10.0
    while len(kept := hp.load_study(store, "a").trials) and kept[0].state == "running" and time.monotonic() < end:
        time.sleep(0.01)
    assert [t.value for t in kept] == [5.0, None]


@pytest.mark.parametrize("out", [True, False])
def test_threads_that_tell_the_same_trial(out: bool, path: Path) -> None:
    study, other = begun(path), hp.load_study(path)
    number = study.ask().number
    told = []

    def tell(value: float) -> None:
        try:
            (study if out else other).tell(number, value)
            told.append(value)
        except TrialAlreadyTold:
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(tell, map(float, range(8))))
    assert [told[0]] == told == values(path)


def test_numbers_and_copies_in_memory() -> None:
    study = hp.Study(SPACE, sampler="random", seed=0)
    trials = study.ask(3)
    assert [trial.number for trial in trials] == [0, 1, 2]
    trials[0].user_attrs["a"] = (1,)
    study.tell(0, 1.0)
    study.tell(np.uint8(1), 2.0, std_error=0.5)
    copy = pickle.loads(pickle.dumps(trials[2]))  # noqa: S301
    copy.user_attrs["b"] = 2
    study.renew()
    study.renew(2)
    study.tell(copy, 3.0)
    assert [t.value for t in study.trials] == [1.0, 2.0, 3.0]
    assert [t.user_attrs for t in study.trials] == [{"a": [1]}, {}, {"b": 2}]
    for call in (lambda: study.tell(0, 1.0), lambda: study.renew(0)):
        with pytest.raises(TrialAlreadyTold):
            call()
    for call in (lambda: study.tell(3, 1.0), lambda: study.renew(3), lambda: study.tell(hp.Trial(9, {}), 1.0)):
        with pytest.raises(UnknownTrial):
            call()


# --- a run whose trial another process tells -----------------------------------------------------------------------


@pytest.mark.parametrize("storage", [True, False], ids=["stored", "memory"])
@pytest.mark.parametrize("callbacks", [True, False])
@pytest.mark.parametrize("mode", ["here", "threads", "deterministic"])
def test_a_run_goes_on_with_the_first_result(
    mode: str, callbacks: bool, storage: bool, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = {"storage": path, "name": "a"} if storage else {}
    study = hp.Study(SPACE, sampler="tpe", seed=0, **options)
    seen = []

    def objective(trial: hp.Trial) -> float:
        if trial.number in (3, 7):
            trial.user_attrs["mine"] = True
            teller = hp.load_study(path) if storage else study
            thread = threading.Thread(target=teller.tell, args=(trial.number, 100.0))
            thread.start()
            thread.join()
        return float(trial.number)

    note = [lambda study, trial: seen.append((trial.number, trial.value))] if callbacks else []
    with ThreadPoolExecutor(2) as pool:
        study.run(
            objective,
            n_trials=10,
            executor=pool if mode == "threads" else None,
            deterministic=mode == "deterministic",
            callbacks=note,
        )
    expected = [100.0 if i in (3, 7) else float(i) for i in range(10)]
    assert [t.value for t in study.trials] == expected
    assert dict(seen) == (dict(enumerate(expected)) if callbacks else {})
    assert caplog.text.count("came too late: it has another one") == 2
    if storage:
        assert values(path) == expected
        assert not study._trial_log._replica.all_held()
    assert len(study.run(objective, n_trials=2).trials) == 12


# --- blocked workers ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the lease must run out")
@pytest.mark.parametrize(
    ("run", "how"), [(True, "native code"), (False, "native code"), (True, "stopped"), (False, "stopped")]
)
def test_a_worker_that_cannot_renew_its_lease_keeps_its_trial(run: bool, how: str, path: Path) -> None:
    """A worker is suspended, or in native code that lets no other thread run, for longer than its lease."""
    begun(path)

    def train(trial: hp.Trial) -> float:
        path.with_suffix(".begun").touch()
        if how == "native code":
            import ctypes

            ctypes.PyDLL(None).usleep(700_000)  # holds the GIL
        else:
            os.kill(os.getpid(), signal.SIGSTOP)
        return 1.0

    def work() -> None:
        study = hp.load_study(path, lease=0.1)
        if run:
            study.run(train, n_trials=1)
        else:
            trial = study.ask()
            study.tell(trial, train(trial))

    child = begin(work)
    while not path.with_suffix(".begun").exists():
        time.sleep(0.01)
    time.sleep(0.3)
    study = hp.load_study(path, retries=0)
    other = study.ask()
    assert other.number == 1, "the first worker's trial was given away"
    os.kill(child, signal.SIGCONT)
    assert os.waitpid(child, 0)[1] == 0
    study.tell(other, 2.0)
    assert values(path) == [1.0, 2.0]


# --- renewing by hand ---------------------------------------------------------------------------------------------


def test_renew(path: Path) -> None:
    study = begun(path, lease=5.0)
    trials = study.ask(2)

    def leases() -> list[float]:
        store, study_id = study._trial_log.storage, study._trial_log.record.id
        return [store.read(lambda t: t.trial(study_id, number).lease) for number in (0, 1)]  # noqa: B023

    before = leases()
    time.sleep(0.01)
    study.renew(1)
    assert [a < b for a, b in zip(before, leases(), strict=True)] == [False, True]
    study.renew(trials[0])
    study.renew(pickle.loads(pickle.dumps(trials[0])))  # noqa: S301
    assert leases()[0] > before[0]
    now = leases()
    time.sleep(0.01)
    study.renew()
    assert all(a < b for a, b in zip(now, leases(), strict=True))
    other = hp.load_study(path)
    with pytest.raises(LeaseExpired, match="trial 0 is evaluated by another worker"):
        other.renew(0)
    with pytest.raises(UnknownTrial):
        other.renew(hp.Trial(0, {"x": 1.0, "k": 1}))
    other.tell(0, 1.0)
    for teller in (other, study):
        with pytest.raises(TrialAlreadyTold):
            teller.renew(0)
        with pytest.raises(UnknownTrial):
            teller.renew(2)
        with pytest.raises(InvalidType):
            teller.renew("0")
    study.tell(trials[1], 2.0)
    study.renew()


def test_a_process_goes_on_with_a_trial_that_nobody_keeps(path: Path) -> None:
    """A job renews a trial whose asker was killed: no other worker gets the trial."""
    begun(path)
    in_child(lambda: ask_and(path, 2, lambda *_: kill_me()))
    job, other = hp.load_study(path), hp.load_study(path, retries=0)
    job.renew(1)
    assert other.ask().number == 2 - len([0 for t in other.trials if t.state == "failed"]) + 1
    assert [str(t.state) for t in other.trials] == ["failed", "running", "running"]
    job.tell(1, 1.0)
    assert job._trial_log.storage.read(lambda t: t.trial(job._trial_log.record.id, 1)).deaths == 0


# --- forks --------------------------------------------------------------------------------------------------------


def test_a_child_has_none_of_its_parents_trials(path: Path) -> None:
    study = begun(path, lease=0.3)
    trials = study.ask(2)

    def child() -> None:
        assert study._trial_log._replica.all_held() == []
        assert threading.active_count() == 1
        mine = study.ask()
        assert mine.number == 2
        with pytest.raises(LeaseExpired):
            study.renew(0)
        study.tell(trials[1], 1.0)  # a trial of its parent, which any process may tell
        study.tell(mine, 2.0)
        time.sleep(0.4)
        assert study.ask().number == 3

    assert not in_child(child)
    with pytest.raises(TrialAlreadyTold):
        study.tell(trials[1], 7.0)
    study.tell(trials[0], 0.0)
    assert study.ask().number == 3, "the child's, which died with it"
    assert values(path) == [0.0, 1.0, 2.0, None]


def test_a_fork_while_leases_are_renewed(path: Path) -> None:
    """A transaction of another thread at the time of a fork does not block the child."""
    study = begun(path, lease=0.1)
    study.ask(20)
    beat = threading.Event()

    def renewing() -> None:
        while not beat.is_set():
            study.renew()

    thread = threading.Thread(target=renewing)
    thread.start()
    try:
        children = []
        for _ in range(6):
            children.append(begin(lambda: study.tell(study.ask(), 1.0)))
            time.sleep(0.01)
        assert [os.waitpid(child, 0)[1] for child in children] == [0] * 6
    finally:
        beat.set()
        thread.join()
    assert sum(value == 1.0 for value in values(path)) == 6
