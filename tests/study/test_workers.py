"""Many workers on one study: numbers, leases, fencing tokens, deaths; on SQLite and on PostgreSQL."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
import hpcore.ledger.leases
from hpcore.errors import HpcoreError, InvalidArgument, LeaseExpired, StorageError, TrialAlreadyTold
from hpcore.ledger.identity import Life
from tests.study.children import in_child

ROOT = Path(__file__).parents[2]
SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9)}


def cost(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"]


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    path = ROOT / "benchmarks" / "reliability" / "postgres_server.py"
    spec = importlib.util.spec_from_file_location("postgres_server", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.binaries() is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    with module.PostgresServer() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "runs.db")
    return request.getfixturevalue("server").url


@pytest.fixture
def name() -> str:
    return uuid.uuid4().hex


def begun(url: str, name: str, **options: Any) -> hp.Study:
    return hp.Study(SPACE, storage=url, name=name, sampler="random", seed=0, **options)


# --- leases -------------------------------------------------------------------------------------------------------


def test_two_studies_share_what_they_know(url: str, name: str) -> None:
    one, two = begun(url, name), begun(url, name)
    a, b = one.ask(), two.ask()
    assert (a.number, b.number) == (0, 1) and a.params != b.params
    two.tell(b, 2.0)
    c = one.ask()
    assert c.number == 2
    assert [str(t.state) for t in one.trials] == ["running", "complete", "running"]
    one.tell(a, 1.0)
    two.refresh()
    assert [t.value for t in two.trials] == [1.0, 2.0, None]
    assert two.best_trial.number == 0


def test_pending_trials_of_others_are_seen_by_the_sampler(url: str, name: str) -> None:
    alone = hp.Optimizer(SPACE, sampler="tpe", seed=0)
    studies = [hp.Study(SPACE, storage=url, name=name, sampler="tpe", seed=0) for _ in range(3)]
    for i in range(24):
        # In turn each worker asks while the trials of the other two run.
        trials = [study.ask() for study in studies]
        assert [t.params for t in trials] == [t.params for t in [alone.ask() for _ in studies]]
        for study, trial in zip(studies, trials, strict=True):
            study.tell(trial, cost(trial))
            alone.tell(trial.number, cost(trial))
        if i > 3:
            break


@pytest.fixture
def from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the state of all workers be unknown, as on several machines, so that the lease decides."""
    monkeypatch.setattr(hpcore.ledger.leases, "life_of", lambda worker: Life.UNKNOWN)


def without_heartbeat(study: hp.Study) -> hp.Study:
    """Stop the heartbeat, as in a worker that is suspended or in native code that holds the GIL."""
    study._trial_log._holder._heartbeat = None
    return study


@pytest.mark.usefixtures("from_elsewhere")
def test_an_expired_lease_of_another_machine_is_taken_over_once(url: str, name: str) -> None:
    slow, other = without_heartbeat(begun(url, name, lease=1.0)), begun(url, name, lease=60.0)
    trial = slow.ask()
    assert other.ask().number == 1
    time.sleep(1.2)
    again = other.ask()
    assert (again.number, again.params) == (0, trial.params)
    with pytest.raises(LeaseExpired, match="trial 0 is evaluated by another worker"):
        slow.renew(trial)
    # The result is late, but the first one.
    slow.tell(trial, 1.0)
    with pytest.raises(LeaseExpired, match="trial 0 came too late: it has another one"):
        other.tell(again, 2.0)
    for study in (slow, other):
        with pytest.raises(TrialAlreadyTold):
            study.tell(trial, 3.0)
    assert slow.trials[0].value == other.trials[0].value == hp.load_study(url, name).trials[0].value == 1.0


@pytest.mark.usefixtures("from_elsewhere")
@pytest.mark.parametrize("who", ["the worker", "the worker, who knows", "another process", "whoever gave it up"])
def test_a_late_first_result_of_a_trial_that_was_given_up_counts(url: str, name: str, who: str) -> None:
    slow, other = without_heartbeat(begun(url, name, lease=0.3)), begun(url, name, retries=0)
    trial = slow.ask()
    time.sleep(0.4)
    assert other.ask().number == 1
    given_up = hp.load_study(url, name).trials[0]
    assert given_up.state == "failed" and "1 worker ended" in given_up.error
    teller = {"another process": hp.load_study(url, name), "whoever gave it up": other}.get(who, slow)
    if who == "the worker, who knows":
        slow.refresh()
        assert slow.trials[0].state == "failed"
    with pytest.raises(HpcoreError):  # a failure is no result
        hp.load_study(url, name).tell(0, None)
    teller.tell(trial if teller is slow else 0, 1.0)
    for study in (teller, hp.load_study(url, name)):
        assert (study.trials[0].state, study.trials[0].value, study.trials[0].error) == ("complete", 1.0, None)
        assert study.best_trial.number == 0
        with pytest.raises(TrialAlreadyTold):
            study.tell(0, 2.0)
    assert teller.ask().number == 2


@pytest.mark.usefixtures("from_elsewhere")
def test_asking_keeps_the_lease(url: str, name: str) -> None:
    one, two = begun(url, name, lease=0.6), begun(url, name)
    trial = one.ask()
    time.sleep(1.3)
    assert two.ask().number == 1
    one.tell(trial, 1.0)


def test_a_worker_that_lives_keeps_its_trials_however_old_their_lease(url: str, name: str) -> None:
    one, two = without_heartbeat(begun(url, name, lease=0.1)), begun(url, name)
    trials = [one.ask(), *one.ask(2)]
    time.sleep(0.3)
    assert two.ask().number == 3
    for trial in trials:
        one.tell(trial, 1.0)
    assert [str(t.state) for t in hp.load_study(url, name).trials] == ["complete"] * 3 + ["running"]


def test_a_lease_that_nobody_took_is_still_good(url: str, name: str) -> None:
    """The token decides, not the clock: a result after the end of its lease counts if no other worker has the trial."""
    study = begun(url, name, lease=0.1)
    trial = study.ask()
    time.sleep(0.2)
    study.tell(trial, 1.0)
    assert hp.load_study(url, name).trials[0].value == 1.0


def ask_and_die(url: str, name: str) -> None:
    hp.load_study(url, name, retries=2).ask()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the lease must run out")
def test_a_trial_whose_workers_die_again_and_again_fails(url: str, name: str) -> None:
    begun(url, name)
    for _ in range(3):
        assert in_child(lambda: ask_and_die(url, name)) == signal.SIGKILL
    study = begun(url, name, retries=2)
    assert study.ask().number == 1
    assert study.trials[0].state == "failed" and "3 workers ended" in study.trials[0].error
    del study
    assert begun(url, name).ask().number == 1, "the last one's is free again"


@pytest.mark.parametrize("how", ["raise KeyboardInterrupt", "sys.exit(3)", "pass"])
def test_a_program_that_ends_gives_its_trials_back(how: str, tmp_path: Path) -> None:
    path = str(tmp_path / "runs.db")
    study = begun(path, "a", retries=0)
    code = f"import sys, hpcore as hp\nstudy = hp.load_study(sys.argv[1])\nstudy.ask(2), study.ask()\n{how}\n"
    subprocess.run([sys.executable, "-c", code, path], stderr=subprocess.DEVNULL, timeout=60)
    hp.load_study(path).refresh()
    assert [t.number for t in study.ask(3)] == [0, 1, 2]
    assert {held.record.deaths for held in study._trial_log._replica.all_held()} == {0}


def test_studies_that_are_dropped_are_no_deaths(url: str, name: str) -> None:
    """A study is dropped, as when a cell of a notebook is run again."""
    for _ in range(5):
        assert begun(url, name, retries=0).ask().number == 0


def test_a_dropped_study_gives_its_trials_to_other_processes(url: str, name: str) -> None:
    study = begun(url, name)
    gone = weakref.ref(study._trial_log)
    trial = study.ask()
    del study
    assert gone() is None
    for _ in range(200):
        record = hp.load_study(url, name)._trial_log._replica.other(trial.number)
        if record.worker is None:
            break
        time.sleep(0.02)
    assert (record.worker, record.lease, record.deaths) == (None, None, 0)


def test_a_run_keeps_its_leases(url: str, name: str) -> None:
    """A run renews its leases: a trial that takes longer than a lease is not given to another worker."""
    one, two = begun(url, name, lease=1.0), begun(url, name)
    taken = []

    def slow(trial: hp.Trial) -> float:
        time.sleep(1.6)
        taken.append(two.ask().number)
        return 1.0

    one.run(slow, n_trials=1)
    assert taken == [1] and one.trials[0].state == "complete"


def test_a_deterministic_run_waits_for_the_results_of_other_workers(url: str, name: str) -> None:
    one, two = begun(url, name), begun(url, name)
    trial = one.ask()
    later = threading.Timer(0.3, one.tell, (trial, cost(trial)))
    later.start()
    two.run(cost, n_trials=5, deterministic=True)
    later.join()
    whole = hp.Study(one.space, sampler=one.optimizer.sampler, seed=one.optimizer.seed)
    whole.run(cost, n_trials=6, deterministic=True)
    assert [(t.number, t.params, t.values) for t in two.trials] == [
        (t.number, t.params, t.values) for t in whole.trials
    ]
    assert two.mode == "lag 4"
    with pytest.raises(InvalidArgument, match="trial 6 is still running; tell it first"):
        two.ask() and two.run(cost, n_trials=1, deterministic=True)


def test_runs_beside_each_other_are_fast_ones(url: str, name: str) -> None:
    one, two = begun(url, name), begun(url, name)
    one.run(cost, n_trials=3)
    assert one.mode == "lag 1"

    def meanwhile(trial: hp.Trial) -> float:
        if trial.number == 4:
            two.run(cost, n_trials=2)
        return cost(trial)

    one.run(meanwhile, n_trials=4)
    assert two.mode == one.mode == "fast"
    assert [t.number for t in one.trials] == list(range(9))


# --- processes ----------------------------------------------------------------------------------------------------


def work(url: str, name: str, n: int) -> None:
    begun(url, name).run(cost, n_trials=n)


def test_processes_at_once(url: str, name: str) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(url, name, 12)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    study = hp.load_study(url, name)
    assert [t.number for t in study.trials] == list(range(36))
    assert all(t.state == "complete" and t.value == cost(t) for t in study.trials)
    assert len({t["x"] for t in study.trials}) == 36


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere the lease must run out")
def test_a_dead_process_is_noticed_at_once(url: str, name: str) -> None:
    begun(url, name)
    child = os.fork()
    if not child:
        begun(url, name).run(lambda t: os.kill(os.getpid(), signal.SIGKILL), n_trials=1)
    os.waitpid(child, 0)
    study = begun(url, name)
    assert study.ask().number == 0


def test_a_fork_uses_connections_of_its_own(url: str, name: str) -> None:
    study = begun(url, name)
    study.run(cost, n_trials=3)
    child = os.fork()
    if not child:
        code = 1
        try:
            study.run(cost, n_trials=4)
            code = 0
        finally:
            os._exit(code)
    study.run(cost, n_trials=4)
    assert os.waitpid(child, 0)[1] == 0
    study.refresh()
    assert [(t.number, t.state) for t in study.trials] == [(i, "complete") for i in range(11)]


def test_a_trial_whose_worker_tells_and_ends_while_it_is_looked_for_is_not_begun_again(
    server: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # On PostgreSQL: a result is stored without the lock under which another worker looks for lost trials.
    one, two = begun(server.url, name), begun(server.url, name)
    trial = one.ask()
    two.refresh()
    kept = hpcore.ledger.leases.Leases.is_kept

    def ended(leases: Any, record: Any, now: float) -> bool:
        monkeypatch.setattr(hpcore.ledger.leases.Leases, "is_kept", kept)
        one.tell(trial, 2.0)
        return False

    monkeypatch.setattr(hpcore.ledger.leases.Leases, "is_kept", ended)
    assert two.ask().number == 1
    assert (two.trials[0].state, two.trials[0].value) == ("complete", 2.0)


def test_threads_may_share_a_study(url: str, name: str) -> None:
    study = begun(url, name)

    def loop() -> None:
        for _ in range(8):
            trial = study.ask()
            study.tell(trial, cost(trial))

    threads = [threading.Thread(target=loop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [t.state for t in hp.load_study(url, name).trials] == ["complete"] * 32


def test_a_store_that_goes_away_and_comes_back(server: Any, name: str) -> None:
    study = begun(server.url, name)
    restart = threading.Thread(target=lambda: (server.stop(), time.sleep(0.3), server.start()))

    def objective(trial: hp.Trial) -> float:
        if trial.number == 3:
            restart.start()
            time.sleep(0.2)
        return cost(trial)

    study.run(objective, n_trials=8)
    restart.join()
    assert [t.state for t in hp.load_study(server.url, name).trials] == ["complete"] * 8


def test_a_store_that_stays_away(server: Any, name: str) -> None:
    from hpcore.storage import open_storage

    with pytest.raises(StorageError, match="failed"):
        open_storage("postgresql://hpcore:secret@127.0.0.1:1/postgres", patience=0.1)
    store = open_storage(server.url, patience=0.2)
    study = hp.Study(SPACE, storage=store, name=name, sampler="random", seed=0)
    trial = study.ask()
    server.stop()
    try:
        with pytest.raises(StorageError):
            study.tell(trial, 5.0)
    finally:
        server.start()
    # The result is kept, and stored in the next transaction.
    assert study.ask().number == 1
    assert hp.load_study(server.url, name).trials[0].value == 5.0


def test_no_space_left(tmp_path: Path) -> None:
    """A limit on the size of files acts as a full disk; the run continues when there is space again."""
    import resource

    path = tmp_path / "runs.db"
    study = begun(str(path), "a")
    study.run(cost, n_trials=3)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    done = []

    def objective(trial: hp.Trial) -> float:
        if trial.number == 6:
            resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
        done.append(trial.number)
        return cost(trial)

    try:
        with pytest.raises(StorageError):
            study.run(objective, n_trials=10)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    assert done == [3, 4, 5, 6]
    study.run(objective, n_trials=2)
    assert done == [3, 4, 5, 6, 7, 8], "the result that found no room was kept"
    assert [t.value for t in hp.load_study(path).trials] == [cost(t) for t in study.trials]
    assert len(study.trials) == 9
