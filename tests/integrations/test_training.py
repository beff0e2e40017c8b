"""What the callbacks of training frameworks share, with and without the frameworks."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

import pytest

from hpcore.errors import InvalidArgument, InvalidType, MissingDependency, require
from hpcore.integrations.training import check_name, check_trial, is_due, pick, report

FRAMEWORKS = {
    "lightgbm": "lightgbm",
    "xgboost": "xgboost",
    "catboost": "catboost",
    "keras": "keras.callbacks",
    "lightning": "lightning.pytorch",
    "skorch": "skorch.callbacks",
    "optuna": "optuna",
}


@pytest.mark.parametrize("name", FRAMEWORKS)
def test_a_missing_framework_names_the_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in {FRAMEWORKS[name].partition(".")[0], FRAMEWORKS[name]}:
        monkeypatch.setitem(sys.modules, module, None)
    for module in list(sys.modules):
        if module.startswith(f"hpcore.integrations.{name}"):
            monkeypatch.delitem(sys.modules, module)
    with pytest.raises(MissingDependency, match=rf"{name} needs {name}.*pip install 'hpcore\[{name}\]'"):
        import_module(f"hpcore.integrations.{name}")


def test_a_framework_is_imported() -> None:
    assert require("json.decoder", "json") is sys.modules["json.decoder"]


@pytest.mark.parametrize("trial", [None, "loss", {"report": 1}, object()])
def test_only_trials_are_trials(trial: Any) -> None:
    with pytest.raises(InvalidType, match="trial must be a trial"):
        check_trial(trial)


def test_names_are_strings() -> None:
    assert check_name("metric", "auc") == "auc"
    with pytest.raises(InvalidType, match=r"metric must be a string, got 3"):
        check_name("metric", 3)


def test_a_name_that_is_not_there_is_answered_with_those_that_are() -> None:
    assert pick("metric", "auc", {"auc": 0.5}, "") == 0.5
    with pytest.raises(InvalidArgument, match="metric must be one of 'auc', 'loss', got 'acc'"):
        pick("metric", "acc", {"auc": 0.5, "loss": 1.0}, "")
    with pytest.raises(InvalidArgument, match="metric 'acc' was not found, because there are no metrics: give some"):
        pick("metric", "acc", {}, "give some")


def test_steps_that_are_reported(make_trial: Any) -> None:
    assert [step for step in range(1, 13) if is_due(make_trial(), step, 5)] == [5, 10]
    assert [step for step in range(1, 13) if is_due(make_trial(until=9), step, 5)] == [5, 9, 10, 11, 12]


def test_a_report_tells_whether_the_training_ends(make_trial: Any) -> None:
    trial = make_trial(until=2)
    assert not report(trial, 1, 1)
    assert report(trial, 0.5, 2)
    assert trial.reports == {1: 1.0, 2: 0.5}
