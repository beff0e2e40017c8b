"""Event files for TensorBoard, read back by its own reader."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidType
from tests.tracking.runs import continued

accumulators = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("default")]

from hpcore.tracking import TensorBoardCallback  # noqa: E402

SPACE = {"x": hp.Float(0, 1), "c": ["a", "ü"], "n": [None, 3], "b": [True, False]}


def read(folder: Path) -> Any:
    found = accumulators.EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    found.Reload()
    return found


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def texts(folder: Path, tag: str) -> list[str]:
    return [event.tensor_proto.string_val[0].decode() for event in read(folder).Tensors(tag)]


def hparams(folder: Path) -> dict[str, Any]:
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    content = read(folder).PluginTagToContent("hparams")
    found: dict[str, Any] = {}
    for tag, data in content.items():
        parsed = HParamsPluginData.FromString(data)
        found[tag.split("/")[-1]] = getattr(parsed, tag.split("/")[-1])
    return found


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_study_that_continues(tmp_path: Path, n_jobs: int) -> None:
    study = continued(SPACE, lambda: TensorBoardCallback(tmp_path / "tb"), tmp_path, n_jobs, "a: b/c")
    [folder] = (tmp_path / "tb").iterdir()
    assert folder.name.startswith("a_b_c-")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [f"trial-{i:05d}" for i in range(4)]
    config = hparams(folder)["experiment"]
    assert [column.name for column in config.hparam_infos] == ["x", "c", "n", "b"]
    assert [metric.name.tag for metric in config.metric_infos] == ["value"]
    best = scalars(folder, "best_value")
    assert best[-1] == (study.best_trial.number, np.float32(study.best_value))
    for trial in study.trials:
        own = folder / f"trial-{trial.number:05d}"
        found = hparams(own)
        params = found["session_start_info"].hparams
        assert params["x"].number_value == trial["x"] and params["c"].string_value == trial["c"]
        assert params["b"].bool_value == trial["b"]
        assert params["n"].string_value == "None" if trial["n"] is None else params["n"].number_value == 3.0
        assert found["session_end_info"].status == (2 if trial.number == 1 else 1)
        assert scalars(own, "value_report") == [(step, np.float32(trial["x"] * step)) for step in (1, 2)]
        assert texts(own, "state") == [trial.state]
        if trial.number == 1:
            assert texts(own, "error") == ["negative"]
        else:
            assert scalars(own, "value") == [(0, np.float32(trial.value))]
            assert scalars(own, "latency") == [(0, 3.0)]
            assert math.isnan(scalars(own, "gap")[0][1])


def test_the_folds_of_a_search_and_steps_that_are_no_integers(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC

    from hpcore.sklearn import SearchCV

    X, y = load_iris(return_X_y=True)
    tracker = TensorBoardCallback(str(tmp_path / "svc"), "score")
    search = SearchCV(SVC(), {"C": [0.1, 1]}, strategy="grid", cv=3, callbacks=[tracker]).fit(X, y)
    [folder] = (tmp_path / "svc").iterdir()
    for row, number in enumerate(search.trial_numbers_):
        folds = [(i, np.float32(search.cv_results_[f"split{i}_test_score"][row])) for i in range(3)]
        assert scalars(folder / f"trial-{number:05d}", "score_fold") == folds

    def parts(trial: hp.Trial) -> float:
        for step in (0.25, 0.5, 1):
            trial.report(2 * step, step)
        return 0.0

    tracker = TensorBoardCallback(tmp_path / "parts")
    hp.minimize(parts, {"x": [1]}, n_trials=1, progress=False, callbacks=[tracker])
    [folder] = (tmp_path / "parts").iterdir()
    assert scalars(folder / "trial-00000", "value_report") == [(0, 0.5), (1, 1.0), (1, 2.0)]
    assert scalars(folder / "trial-00000", "report_step") == [(0, 0.25), (1, 0.5)]


def test_a_folder_that_cannot_be_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    tracker = TensorBoardCallback(tmp_path / "file")
    study = hp.minimize(lambda trial: trial["x"], SPACE, n_trials=3, progress=False, callbacks=[tracker])
    assert len(study.trials) == 3
    assert caplog.text.count("the run goes on") == 1 and "lost 3 of 3 records" in caplog.text


def test_arguments() -> None:
    with pytest.raises(InvalidType, match="dirname"):
        TensorBoardCallback(3)  # type: ignore[arg-type]
    copied = pickle.loads(pickle.dumps(TensorBoardCallback(Path("a"), "loss")))  # noqa: S301 - our own data
    assert (copied.dirname, copied.metric_name) == ("a", "loss")
