"""Runs in MLflow: against a server on the loopback interface, read back by its client."""

from __future__ import annotations

import logging
import math
import pickle
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType

mlflow = pytest.importorskip("mlflow")
pytest.importorskip("plotly")
pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("default")]

from hpcore.tracking import MLflowCallback as _MLflowCallback  # noqa: E402
from hpcore.tracking.mlflow import _named, _requests  # noqa: E402

SPACE = {"x": hp.Float(0, 1), "c": ["a", "ü"]}

# The machine may be busy.
MLflowCallback = partial(_MLflowCallback, flush_seconds=300.0)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A database without a server has its artifacts in the working folder."""
    monkeypatch.chdir(tmp_path)


def read(uri: str, name: str) -> tuple[Any, dict[int, Any]]:
    """Read the study's run, and those of its trials by number."""
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name(name).experiment_id
    [parent] = client.search_runs([experiment], "tags.`hpcore.kind` = 'study'")
    children = client.search_runs([experiment], f"tags.mlflow.parentRunId = '{parent.info.run_id}'")
    by_number = {int(run.data.tags["hpcore.number"]): run for run in children}
    assert len(by_number) == len(children), "no trial is logged twice"
    return parent, by_number


def history(uri: str, run: Any, metric: str) -> list[tuple[int, float]]:
    found = mlflow.MlflowClient(uri).get_metric_history(run.info.run_id, metric)
    return sorted((entry.step, entry.value) for entry in found)


def objective(trial: hp.Trial) -> Any:
    trial.user_attrs["note"] = "x" * 9000
    for step in (1, 2):
        trial.report(trial["x"] * step, step)
    if trial.number == 2:
        raise ValueError("the loss is\nnegative")
    if trial.number == 3:
        raise hp.Pruned
    return hp.Outcome(trial["x"], cost=2.0, metrics={"latency": 3.0, "gap": math.nan})


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_study_that_continues_in_a_store(server: Any, tmp_path: Path, n_jobs: int) -> None:
    name = f"stored {n_jobs}"
    options: dict[str, Any] = {
        "storage": tmp_path / "runs.db",
        "name": name,
        "sampler": "random",
        "seed": 0,
        "n_jobs": n_jobs,
        "progress": False,
        "limits": {"latency": hp.at_most(3.5)},
    }
    for n in (5, 2):  # the second one as in another process
        study = hp.maximize(objective, SPACE, n_trials=n, callbacks=[MLflowCallback(server.uri)], **options)
    parent, children = read(server.uri, name)
    assert sorted(children) == list(range(7))
    assert parent.info.status == "FINISHED"
    assert parent.data.tags["hpcore.state"] == "finished"
    assert parent.data.tags["hpcore.best_trial"] == str(study.best_trial.number)
    assert parent.data.metrics["best_value"] == study.best_value
    curve = [value for _, value in history(server.uri, parent, "best_value")]
    assert max(curve) == study.best_value
    for trial in study.trials:
        run = children[trial.number]
        assert run.data.params == {"x": repr(trial["x"]), "c": trial["c"]}
        assert run.data.tags["hpcore.state"] == trial.state
        assert run.info.status == {"complete": "FINISHED", "failed": "FAILED", "pruned": "KILLED"}[trial.state]
        assert history(server.uri, run, "value_report") == [(step, trial["x"] * step) for step in (1, 2)]
        assert len(run.data.tags["note"]) == 8000
        if trial.state == "complete":
            numbers = run.data.metrics
            assert (numbers["value"], numbers["cost"], numbers["latency"]) == (trial.value, 2.0, 3.0)
            assert numbers["violation_latency"] == pytest.approx(-0.5)
            assert "gap" not in numbers
            assert run.data.tags["hpcore.gap"] == "nan"
            assert run.data.tags["hpcore.feasible"] == "true"
    assert children[2].data.tags["hpcore.error"] == "negative"
    assert "ValueError: the loss is" in children[2].data.tags["hpcore.traceback"]


def test_a_search_its_folds_and_its_model(server: Any) -> None:
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC

    from hpcore.sklearn import SearchCV

    X, y = load_iris(return_X_y=True)
    tracker = MLflowCallback(server.uri, "accuracy", mlflow_kwargs={"run_name": "iris", "tags": {"team": "a"}})
    search = SearchCV(SVC(), {"C": [0.1, 1, 10], "gamma": [0.01, 0.1]}, strategy="grid", cv=3, callbacks=[tracker])
    search.fit(X, y)
    parent, children = read(server.uri, "SVC")
    assert (parent.info.run_name, parent.data.tags["team"]) == ("iris", "a")
    assert sorted(children) == list(range(6))
    assert parent.data.metrics["best_accuracy"] == search.best_score_
    for row, number in enumerate(search.trial_numbers_):
        run = children[number]
        assert run.data.params == {name: repr(value) for name, value in search.cv_results_["params"][row].items()}
        folds = [(i, search.cv_results_[f"split{i}_test_score"][row]) for i in range(3)]
        assert history(server.uri, run, "accuracy_fold") == folds
        assert run.data.metrics["accuracy"] == search.cv_results_["mean_test_score"][row]
    client = mlflow.MlflowClient(server.uri)
    artifacts = {entry.path: entry.file_size for entry in client.list_artifacts(parent.info.run_id)}
    assert set(artifacts) == {"model", "report.html"} and artifacts["report.html"] > 100_000
    mlflow.set_tracking_uri(server.uri)
    model = mlflow.sklearn.load_model(f"runs:/{parent.info.run_id}/model")
    assert (model.predict(X) == search.predict(X)).all()


def test_several_objectives_an_error_and_ctrl_c(server: Any, ctrl_c: None) -> None:
    def two(trial: hp.Trial) -> tuple[float, float]:
        if trial.number == 2:
            raise KeyboardInterrupt
        return trial["x"], -trial["x"]

    study = hp.Study(SPACE, directions=["minimize", "maximize"], name="two")
    tracker = MLflowCallback(server.uri, ["loss", "score"], tag_study_user_attrs=True)
    study.user_attrs["data"] = {"rows": 10}
    study.run(two, n_trials=4, progress=False, callbacks=[tracker])
    parent, children = read(server.uri, "two")
    assert study.interrupted and parent.info.status == "KILLED"
    assert parent.data.tags["data"] == '{"rows": 10}'
    assert sorted(children) == [0, 1]
    assert (children[0].data.metrics["loss"], children[0].data.metrics["score"]) == tuple(study.trials[0].values)

    def stop(study: Any, trial: Any) -> None:
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        study.run(lambda trial: (0.0, 0.0), n_trials=2, progress=False, callbacks=[stop, tracker])
    parent, children = read(server.uri, "two")
    assert (parent.info.status, parent.data.tags["hpcore.state"]) == ("FAILED", "failed")
    assert sorted(children) == [0, 1, 2], "the same run of MLflow, with the trial that was stored before the error"


@pytest.mark.parametrize("killed", [False, True])
def test_a_trial_that_is_left_unfinished_goes_on_in_its_run(
    server: Any, ctrl_c: None, monkeypatch: pytest.MonkeyPatch, killed: bool
) -> None:
    name = f"unfinished {killed}"
    monkeypatch.setattr("hpcore.tracking.mlflow.LIVE_SECONDS", 0.0)
    fails = [True]

    def train(trial: hp.Trial) -> float:
        for step in range(1, 4):
            trial.report(float(step), step)
            if step == 2 and fails:
                fails.clear()
                while (child := tracker._children.get(0)) is None or child.n_reports < 2 or child.metrics:
                    time.sleep(0.1)  # until the reports are sent
                raise KeyboardInterrupt
        return 1.0

    study = hp.Study(SPACE, name=name, seed=0)
    tracker = MLflowCallback(server.uri)
    with monkeypatch.context() as patch:
        if killed:  # as if the process were
            patch.setattr(tracker, "close", lambda: None)
        study.run(train, n_trials=1, progress=False, callbacks=[tracker])
    _, children = read(server.uri, name)
    if killed:
        assert children[0].info.status == "RUNNING"
    else:
        assert (children[0].info.status, children[0].data.tags["hpcore.state"]) == ("KILLED", "unfinished")
    study.run(train, n_trials=1, progress=False, callbacks=[tracker])
    _, again = read(server.uri, name)
    assert (again[0].info.run_id, again[0].info.status) == (children[0].info.run_id, "FINISHED")
    assert history(server.uri, again[0], "value_report") == [(1, 1.0), (2, 2.0), (3, 3.0)]


def test_names_and_values_beyond_the_limits(server: Any) -> None:
    long = "n" * 300
    space = {
        long + "1": hp.Float(0, 1),
        long + "2": hp.Float(0, 1),
        "a$b": hp.Float(0, 1),
        "a%b": hp.Float(0, 1),
        "../x//y": hp.Float(0, 1),
        "größe": ["v" * 7000],
        **{f"p{i:03d}": hp.Float(0, 1) for i in range(120)},
    }

    def many(trial: hp.Trial) -> Any:
        for i in range(1200):
            trial.report(math.nan if i == 7 else float(i), i)
        return hp.Outcome(1.0, metrics={"m" * 300: 1.0, "<b>": 2.0})

    study = hp.Study(space, name="limits", seed=0, sampler="random")
    study.run(many, n_trials=1, progress=False, callbacks=[MLflowCallback(server.uri)])
    _, children = read(server.uri, "limits")
    params = children[0].data.params
    assert len(params) == len(space)
    assert params["größe"] == "v" * 5999 + "…"
    assert {params[name] for name in params if name.startswith("a_b")} == {
        repr(study.trials[0][name]) for name in ("a$b", "a%b")
    }
    assert len(mlflow.MlflowClient(server.uri).get_metric_history(children[0].info.run_id, "value_report")) == 1199
    assert children[0].data.tags["hpcore.value_report"] == "7: nan"
    assert children[0].data.metrics["_b_"] == 2.0


def test_a_trial_takes_at_most_four_requests(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlflow.utils import rest_utils

    sent: list[str] = []
    original = rest_utils.http_request

    def counted(*args: Any, **kwargs: Any) -> Any:
        sent.append(kwargs["endpoint"])
        return original(*args, **kwargs)

    monkeypatch.setattr(rest_utils, "http_request", counted)
    counts: list[int] = []
    for n in (1, 6):
        sent.clear()
        # Each trial is the best so far.
        hp.minimize(
            lambda trial: -float(trial.number),
            SPACE,
            n_trials=n,
            sampler="random",
            progress=False,
            callbacks=[MLflowCallback(server.uri, mlflow_kwargs={"experiment_id": "0"}, report=False)],
        )
        counts.append(len(sent))
    assert 0 < counts[1] - counts[0] <= 5 * 4


def test_a_server_that_is_killed_in_the_run_and_one_that_comes_back(
    server: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def objective(trial: hp.Trial) -> float:
        if trial.number == 3:
            logged: set[int] = set()
            while not logged >= {0, 1, 2}:
                time.sleep(0.1)
                _, runs = read(server.uri, "killed")
                logged = {number for number, run in runs.items() if run.info.status == "FINISHED"}
            server.kill()
        if trial.number == 6:
            server.start()
        return trial["x"]

    study = hp.Study(SPACE, name="killed", sampler="random")
    study.run(objective, n_trials=10, progress=False, callbacks=[MLflowCallback(server.uri)])
    assert [trial.state for trial in study.trials] == ["complete"] * 10
    parent, children = read(server.uri, "killed")
    assert parent.info.status == "FINISHED"
    assert {0, 1, 2, 9} <= set(children)
    [warning] = [record for record in caplog.records if "failed" in record.message]
    assert "the run goes on" in warning.message


def test_a_server_that_is_down_or_hangs_costs_no_trial(server: Any, caplog: pytest.LogCaptureFixture) -> None:
    start = time.monotonic()
    down = hp.minimize(
        lambda trial: trial["x"], SPACE, n_trials=20, progress=False, callbacks=[MLflowCallback("http://127.0.0.1:9")]
    )
    assert len(down.trials) == 20
    assert time.monotonic() - start < 10  # not flush_seconds
    assert "lost 20 of 20 records" in caplog.text
    caplog.clear()
    server.pause(True)
    try:
        tracker = MLflowCallback(server.uri, flush_seconds=0.5)
        study = hp.minimize(lambda trial: trial["x"], SPACE, n_trials=20, progress=False, callbacks=[tracker])
    finally:
        server.pause(False)
    assert len(study.trials) == 20
    assert "did not end within flush_seconds=0.5 s: 20 of 20 records are lost" in caplog.text
    for thread in threading.enumerate():
        if thread.name.startswith("hpcore-tracker"):
            thread.join(60)
            assert not thread.is_alive()


def test_without_a_server_in_a_database(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uri = f"sqlite:///{tmp_path / 'm.db'}"
    study = hp.minimize(
        lambda trial: trial["x"], SPACE, n_trials=3, progress=False, callbacks=[MLflowCallback(uri, model=False)]
    )
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("hpcore")
    assert len(client.search_runs([experiment.experiment_id])) == 4
    assert len(study.trials) == 3
    assert capsys.readouterr().out == ""


def test_arguments(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(InvalidArgument, match="unknown name 'run_nam'; did you mean 'run_name'"):
        MLflowCallback(mlflow_kwargs={"run_nam": "a"})
    with pytest.raises(InvalidArgument, match="nested"):
        MLflowCallback(mlflow_kwargs={"nested": False})
    with pytest.raises(InvalidType, match="metric_name"):
        MLflowCallback(metric_name=3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgument, match="flush_seconds"):
        MLflowCallback(flush_seconds=-1.0)
    copied = pickle.loads(pickle.dumps(MLflowCallback("sqlite:///a.db", "loss")))  # noqa: S301 - our own data
    assert (copied.tracking_uri, copied.metric_name) == ("sqlite:///a.db", "loss")
    with caplog.at_level(logging.WARNING):
        hp.minimize(
            lambda trial: (0.0, 1.0),
            SPACE,
            directions=["minimize", "minimize"],
            n_trials=2,
            progress=False,
            callbacks=[MLflowCallback("sqlite:///:memory:", ["a", "b", "c"])],
        )
    assert "one name for each of 2 objectives" in caplog.text


def test_requests_keep_the_limits() -> None:
    from mlflow.entities import Metric, Param, RunTag

    params = [Param(f"p{i}", "v" * 6000) for i in range(250)]
    tags = [RunTag(f"t{i}", "ü" * 8000) for i in range(130)]
    metrics = [Metric("m", float(i), 0, i) for i in range(2500)]
    found = list(_requests(metrics, params, tags))
    assert [[entry for parts in found for entry in parts[i]] for i in range(3)] == [metrics, params, tags]
    for a, b, c in found:
        assert len(b) <= 100 and len(c) <= 100 and len(a) + len(b) + len(c) <= 1000
    assert list(_requests([], [], [])) == []
    assert sorted(_named({"a$": "1", "a%": "2", ".": "3", "": "4"}).values()) == ["1", "2", "3", "4"]
