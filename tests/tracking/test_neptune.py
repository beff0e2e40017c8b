"""Runs in Neptune: without a network, read back from their files."""

from __future__ import annotations

import math
import pickle
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidType

pytest.importorskip("neptune_scale")
pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("default")]

from hpcore.tracking import NeptuneCallback  # noqa: E402

SPACE = {"x": hp.Float(0, 1), "c": ["a", "ü"]}


def read(folder: Path) -> tuple[list[str], dict[str, Any], dict[str, list[tuple[float, float]]]]:
    """Read the ids of all runs, and their configs and series by path."""
    from neptune_api.proto.neptune_pb.ingest.v1.common_pb2 import UpdateRunSnapshot

    ids: list[str] = []
    configs: dict[str, Any] = {}
    series: dict[str, list[tuple[float, float]]] = {}
    for path in sorted(folder.glob("*/run_operations.sqlite3"), key=lambda path: path.stat().st_ctime_ns):
        connection = sqlite3.connect(path)
        ids += [run_id for (run_id,) in connection.execute("SELECT run_id FROM metadata")]
        rows = connection.execute("SELECT operation FROM run_operations WHERE operation_type = 0 ORDER BY sequence_id")
        for (blob,) in rows.fetchall():
            update = UpdateRunSnapshot.FromString(blob)
            for name, value in update.assign.items():
                configs[name] = getattr(value, value.WhichOneof("value"))
            for name, value in update.append.items():
                step = update.step.whole + update.step.micro / 1e6
                series.setdefault(name, []).append((step, value.float64))
        connection.close()
    return ids, configs, series


def objective(trial: hp.Trial) -> Any:
    trial.user_attrs["note"] = "a"
    for step in (1, 2.5):
        trial.report(math.nan if trial.number == 3 else trial["x"] * step, step)
    if trial.number == 1:
        raise ValueError("the loss is\nnegative")
    return hp.Outcome(trial["x"], metrics={"latency": 3.0, "gap": math.nan, "a/b": 1.0})


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_study_that_continues(tmp_path: Path, n_jobs: int) -> None:
    kwargs = {"mode": "offline", "project": "team/p", "log_directory": str(tmp_path / "neptune")}
    for n in (4, 1):
        study = hp.maximize(
            objective,
            SPACE,
            n_trials=n,
            n_jobs=n_jobs,
            storage=tmp_path / "runs.db",
            name="stored",
            sampler="random",
            seed=0,
            progress=False,
            callbacks=[NeptuneCallback(neptune_kwargs=kwargs)],
        )
    ids, configs, series = read(tmp_path / "neptune")
    assert len(ids) == 2 and len(set(ids)) == 1
    assert (configs["hpcore/state"], configs["hpcore/directions"]) == ("finished", "maximize")
    assert configs["best/trial"] == study.best_trial.number
    assert series["best/value"][-1][1] == study.best_value
    assert [step for step, _ in series["trials/number"]] == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert sorted(number for _, number in series["trials/number"]) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert sorted(value for _, value in series["trials/value"]) == sorted(
        trial.value for trial in study.trials if trial.value is not None
    )
    for trial in study.trials:
        at = f"trial/{trial.number}"
        assert (configs[f"{at}/params/x"], configs[f"{at}/params/c"]) == (trial["x"], trial["c"])
        assert (configs[f"{at}/state"], configs[f"{at}/user_attrs/note"]) == (trial.state, "a")
        if trial.number == 1:
            assert configs[f"{at}/error"] == "negative"
        else:
            assert (configs[f"{at}/value"], configs[f"{at}/a_b"], configs[f"{at}/gap"]) == (trial.value, 1.0, "nan")
        if trial.number == 3:
            assert configs[f"{at}/value_report_at/2.5"] == "nan"
        else:
            assert series[f"{at}/value_report"] == [(step, trial["x"] * step) for step in (1.0, 2.5)]


def test_long_names_and_values(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    space = {"ü" * 256: ["v" * 20_000], "large": [2**70], "none": [None]}
    kwargs = {"mode": "offline", "project": "team/p", "log_directory": str(tmp_path)}
    hp.minimize(
        lambda trial: hp.Outcome(0.0, metrics={"m" * 1500: 1.0}),
        space,
        n_trials=1,
        progress=False,
        callbacks=[NeptuneCallback(neptune_kwargs=kwargs)],
    )
    _, configs, _ = read(tmp_path)
    assert configs["trial/0/params/large"] == str(2**70) and configs["trial/0/params/none"] == "None"
    assert configs[f"trial/0/params/{'ü' * 256}"].endswith("…")
    assert [len(name) for name in configs if name.startswith("trial/0/mmm")] == [1000]
    assert "tracker" not in caplog.text


def test_arguments() -> None:
    with pytest.raises(InvalidType, match="neptune_kwargs"):
        NeptuneCallback(neptune_kwargs=3)  # type: ignore[arg-type]
    copied = pickle.loads(pickle.dumps(NeptuneCallback("loss", {"mode": "offline"})))  # noqa: S301 - our own data
    assert (copied.metric_name, copied.neptune_kwargs) == ("loss", {"mode": "offline"})
