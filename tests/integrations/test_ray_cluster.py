"""The doors to Ray on a local cluster: a search in Ray Tune, and searches of hpcore on its workers.

Functions are defined inside the tests: workers cannot import this file.
"""

from __future__ import annotations

import os
import pickle
import shutil
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument

# Without a token in the home folder, and without reports to others.
os.environ.setdefault("RAY_AUTH_MODE", "disabled")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
ray: Any = pytest.importorskip("ray")

from hpcore.integrations.ray import RayExecutor  # noqa: E402 - after the import that may skip

# Ray leaves files and sockets of its processes to the garbage collector.
pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning")]

SPACE = {"x": hp.Float(-5, 5)}


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    # A short path, because names of sockets have at most 107 characters.
    folder = tempfile.mkdtemp(prefix="r", dir="/tmp")
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        configure_logging=False,
        object_store_memory=80 * 2**20,
        _temp_dir=folder,
    )
    yield
    ray.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def executor(cluster: None) -> Iterator[RayExecutor]:
    with RayExecutor() as made:
        yield made


# --- the executor ---------------------------------------------------------------------------------------------------


def test_results_errors_and_keywords(executor: RayExecutor) -> None:
    class Own(Exception):
        pass

    def wrong() -> None:
        raise Own("as it was")

    assert [f.result() for f in [executor.submit(pow, 2, k) for k in range(5)]] == [1, 2, 4, 8, 16]
    assert executor.submit(int, "12", base=3).result() == 5
    assert list(executor.map(abs, [-1, 2])) == [1, 2]
    error = executor.submit(wrong).exception()
    assert type(error).__name__ == "Own" and error.args == ("as it was",)
    assert "in wrong" in str(error.__cause__)


def test_a_killed_worker_costs_no_trial(executor: RayExecutor, tmp_path: Path) -> None:
    killed = tmp_path / "killed"

    def objective(trial: Any) -> float:
        import os
        import signal

        if trial.number == 3 and not killed.exists():
            killed.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return trial["x"] ** 2

    study = hp.minimize(objective, SPACE, n_trials=12, seed=0, executor=executor)
    assert killed.exists()
    assert [str(trial.state) for trial in study.trials] == ["complete"] * 12


def test_search_cv_is_that_of_this_process(executor: RayExecutor) -> None:
    from sklearn.datasets import make_regression
    from sklearn.linear_model import Ridge

    from hpcore.sklearn import SearchCV

    X, y = make_regression(80, 5, noise=5.0, random_state=0)
    found = [
        SearchCV(
            Ridge(),
            {"alpha": hp.Float(1e-3, 1e3, log=True)},
            n_trials=8,
            cv=3,
            random_state=0,
            deterministic=True,
            **where,
        ).fit(X, y)
        for where in ({"executor": executor}, {})
    ]
    np.testing.assert_array_equal(*(search.cv_results_["mean_test_score"] for search in found))


def test_large_data_is_stored_once(executor: RayExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = []
    put = ray.put

    def counting(value: Any) -> Any:
        stored.append(value)
        return put(value)

    monkeypatch.setattr(ray, "put", counting)

    def total(part: Any, k: int) -> Any:
        array = part["deep"][0]
        array[0] += k  # a copy of its own
        return float(array.sum()), array.flags.f_contiguous

    array = np.ones((200, 300))
    assert [f.result() for f in [executor.submit(total, {"deep": [array]}, k) for k in range(6)]] == [
        (60_000.0 + 300 * k, False) for k in range(6)
    ]
    assert len(stored) == 1
    array[1] = 2  # another content is another object
    assert executor.submit(total, {"deep": [array]}, 0).result() == (60_300.0, False)
    assert executor.submit(total, {"deep": [np.asfortranarray(array)]}, 0).result() == (60_300.0, True)
    assert executor.submit(total, {"deep": [array[:, ::2]]}, 0).result() == (30_150.0, False)
    dates = np.zeros((50, 400), dtype="M8[s]")
    assert executor.submit(lambda a: (a.shape, a.dtype.str), dates).result() == ((50, 400), "<M8[s]")
    assert len(stored) == 5
    text = bytes(200_000)
    assert [executor.submit(len, text).result() for _ in range(3)] == [200_000] * 3
    assert len(stored) == 6


def test_references_stand_for_what_is_stored(executor: RayExecutor) -> None:
    reference = executor.put({"a": np.ones(50_000)})
    assert executor.submit(lambda held, k: float(held["a"].sum()) + k, reference, 2).result() == 50_002.0
    assert executor.submit(lambda deep: deep[0]["a"].flags.writeable, [reference]).result() is False
    earlier = ray.remote(lambda k: -k).remote(5)
    assert executor.submit(abs, earlier).result() == 5


def test_an_objective_whose_files_are_out_of_reach_is_stored_once(
    executor: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a cluster without a shared disk, where the data go with the tasks."""
    stored = []
    put = ray.put

    def counting(value: Any) -> Any:
        stored.append(value)
        return put(value)

    def none(*_: Any, **__: Any) -> None:
        raise OSError("no disk")

    monkeypatch.setattr(ray, "put", counting)
    monkeypatch.setattr(tempfile, "TemporaryDirectory", none)
    data = np.arange(100_000.0)
    study = hp.minimize(lambda t: (t["x"] - data[2]) ** 2, SPACE, n_trials=10, seed=0, executor=executor)
    assert len(study.trials) == 10 and all(str(trial.state) == "complete" for trial in study.trials)
    assert len(stored) == 1 and len(pickle.dumps(stored[0])) > data.nbytes


def test_waiting_tasks_are_cancelled(executor: RayExecutor, tmp_path: Path) -> None:
    def run(name: str, seconds: float) -> None:
        (tmp_path / name).touch()
        time.sleep(seconds)

    running = [executor.submit(run, f"runs{k}", 3.0) for k in range(2)]
    while len(list(tmp_path.iterdir())) < 2:
        time.sleep(0.01)
    waiting = [executor.submit(run, f"waits{k}", 0.0) for k in range(3)]
    assert all(future.cancel() for future in waiting) and waiting[0].cancel()
    with pytest.raises(CancelledError):
        waiting[0].result()
    for future in running:
        future.result()
    assert not running[0].cancel()
    assert executor.submit(pow, 2, 3).result() == 8
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs0", "runs1"]


def test_threads_may_share_an_executor(executor: RayExecutor) -> None:
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda k: executor.submit(pow, k, 2).result(), range(20)))
    assert found == [k * k for k in range(20)]


def test_an_executor_that_is_shut_down(cluster: None) -> None:
    executor = RayExecutor(num_cpus=1, max_retries=0)
    slow = executor.submit(time.sleep, 0.5)
    executor.shutdown(wait=True)
    assert slow.done()
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(pow, 2, 3)
    with pytest.raises(InvalidArgument, match=r"does not accept work.*after shutdown"):
        hp.minimize(lambda trial: trial["x"], SPACE, n_trials=2, executor=executor)
    quick = RayExecutor()
    futures = [quick.submit(time.sleep, 0.2) for _ in range(6)]
    quick.shutdown(cancel_futures=True)
    assert all(future.done() for future in futures) and any(future.cancelled() for future in futures)
    assert ray.is_initialized()


def test_workers_are_counted_by_what_a_task_needs(cluster: None) -> None:
    assert RayExecutor().n_workers == 2
    assert RayExecutor(num_cpus=2).n_workers == 1
    assert RayExecutor(num_cpus=0).n_workers == 2
    assert RayExecutor(memory=2**20)._max_workers == 2


def test_tasks_wait_for_their_resources(cluster: None) -> None:
    def span() -> tuple[float, float]:
        start = time.monotonic()
        time.sleep(0.2)
        return start, time.monotonic()

    executor = RayExecutor(num_cpus=2)
    first, second = sorted(future.result() for future in [executor.submit(span) for _ in range(2)])
    assert first[1] <= second[0]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_cpus": 99}, "a task needs {'CPU': 99.0}, and the cluster has"),
        ({"num_gpus": 1}, "a task needs .*'GPU': 1.0"),
        ({"num_cpus": -1}, "options must be those of ray.remote"),
        ({"workers": 3}, "options must be those of ray.remote"),
        ({"num_returns": 2}, "num_returns must be left out, got 2"),
    ],
)
def test_options_that_are_not_possible(cluster: None, options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        RayExecutor(**options)


# --- Ray Tune -------------------------------------------------------------------------------------------------------


def test_a_search_in_tune(cluster: None, tmp_path: Path) -> None:
    """A search with a scheduler, a function that returns early, and one that fails; its state is restored after it."""
    tune = pytest.importorskip("ray.tune")
    from hpcore.integrations.ray import HpcoreScheduler, HpcoreSearch
    from hpcore.schedulers import ASHA

    if hasattr(tune, "RunConfig"):
        make_config, report = tune.RunConfig, tune.report
    else:  # Ray 2.40
        make_config, report = import_module("ray.train").RunConfig, import_module("ray.train").report

    def train(config: Any) -> None:
        if config["kind"] == "fails":
            raise RuntimeError("no")
        for step in range(1, 5 if config["kind"] == "short" else 10):
            report({"loss": (config["net"]["x"][0] - 0.5) ** 2 + 1 / step})

    points = [
        {"kind": kind, "net/x/0": x} for kind, x in (("long", 0.5), ("short", 0.5), ("fails", 0.5), ("long", 5.0))
    ]
    results = tune.Tuner(
        train,
        param_space={"net": {"x": [tune.uniform(-5, 5)]}, "kind": tune.choice(["long", "short", "fails"]), "const": 3},
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            num_samples=8,
            max_concurrent_trials=2,
            reuse_actors=True,
            search_alg=HpcoreSearch(points_to_evaluate=points, seed=0),
            scheduler=HpcoreScheduler(ASHA(max_resource=9)),
        ),
        run_config=make_config(storage_path=str(tmp_path), name="e", verbose=0),
    ).fit()
    assert len(results) == 8 and results.get_best_result().config["const"] == 3

    search = HpcoreSearch()
    search.restore_from_dir(str(tmp_path / "e"))
    trials = search.optimizer.trials
    assert [trial.params["net/x/0"] for trial in trials[:4]] == [0.5, 0.5, 0.5, 5.0]
    lengths = {
        result.metrics["config"]["net"]["x"][0]: result.metrics.get("training_iteration", 0) for result in results
    }
    for trial in search.optimizer.trials[:8]:
        n = max(trial.reports, default=0)
        if trial.params["kind"] == "fails":
            assert str(trial.state) == "failed"
        elif n in (9, 4 if trial.params["kind"] == "short" else 9):
            assert str(trial.state) == "complete", "it ended by itself, or with the full resource"
        else:
            assert str(trial.state) == "pruned" and trial.value < trial.reports[n]
        if trial.number > 3:
            assert lengths[trial.params["net/x/0"]] == n
    assert [str(trial.state) for trial in search.optimizer.trials[:4]] == ["complete", "complete", "failed", "pruned"]
