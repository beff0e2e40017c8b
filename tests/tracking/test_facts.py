"""Facts of trials for trackers, and trackers without their tools."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
import hpcore.tracking
from hpcore.errors import InvalidArgument, InvalidType, MissingDependency
from hpcore.tracking.facts import (
    Facts,
    Incumbent,
    check_metric_name,
    check_options,
    metric_names,
    number,
    text,
)


class Unprintable:
    def __repr__(self) -> str:
        raise ValueError


def trial(value: Any, **options: Any) -> Any:
    opt = hp.Optimizer({"x": [1]}, limits=options.pop("limits", None), repeats=9, directions=options.pop("ways", None))
    opt.tell(opt.ask(), value, **options)
    return opt.trials[0].snapshot()


def test_numbers_and_what_is_not_finite() -> None:
    told = trial(0.5, cost=2.0, metrics={"value": 1.0, "gap": math.nan, "ms": 3.0}, limits={"ms": hp.at_most(2.0)})
    facts = Facts(told, ("value",))
    assert facts.numbers == {"value": 0.5, "cost": 2.0, "metric_value": 1.0, "ms": 3.0, "violation_ms": 1.0}
    assert facts.not_finite == {"gap": "nan"}
    assert Facts(trial(0.5, state="pruned"), ("value",)).numbers == {"value_estimate": 0.5}
    unknown = Facts(trial(0.5, limits={"ms": hp.at_most(2.0)}), ("value",))
    assert unknown.not_finite == {"violation_ms": "nan"}
    assert Facts(trial((1.0, 2.0), ways=["minimize", "maximize"]), ("a", "b")).numbers == {"a": 1.0, "b": 2.0}


class _Study:
    def __init__(self, *directions: str, best: Any = None) -> None:
        self.directions, self.best = directions, best


@pytest.mark.parametrize(("way", "best"), [("minimize", [2.0, 1.0, -3.0]), ("maximize", [2.0, 7.0])])
def test_the_incumbent_follows_the_direction(way: str, best: list[float]) -> None:
    incumbent = Incumbent(_Study(way))  # type: ignore[arg-type]
    found = []
    for value in (2.0, 2.0, 1.0, 7.0, -3.0):
        told = trial(value)
        if incumbent.improves(told):
            found.append(told.value)
    assert found == best
    beyond = trial(-99.0 if way == "minimize" else 99.0, metrics={"ms": 3.0}, limits={"ms": hp.at_most(2.0)})
    assert not incumbent.improves(beyond)
    assert not incumbent.improves(trial(None))
    earlier = Incumbent(_Study(way, best=trial(2.0)))  # type: ignore[arg-type]
    assert not earlier.improves(trial(2.0)) and earlier.improves(trial(best[-1]))
    assert not Incumbent(_Study(way, way)).improves(trial(2.0))  # type: ignore[arg-type]


def test_names_of_objectives() -> None:
    assert metric_names("value", 1) == ("value",)
    assert metric_names("value", 2) == ("value_0", "value_1")
    assert metric_names(("a", "b"), 2) == ("a", "b")
    with pytest.raises(InvalidArgument, match="one name for each of 3"):
        metric_names(("a", "b"), 3)
    with pytest.raises(InvalidArgument, match="different"):
        check_metric_name(["a", "a"])
    for wrong in ("", [], 3, [1], None):
        with pytest.raises(InvalidType, match="metric_name"):
            check_metric_name(wrong)
    with pytest.raises(InvalidType, match="kwargs"):
        check_options("kwargs", {1: 2})


def test_values_as_text() -> None:
    assert [text(value) for value in (1, 1.5, True, None, "a\nb", np.float64(0.1), [1, "ü"], (1,))] == [
        "1", "1.5", "True", "None", "a\nb", "0.1", '[1, "ü"]', "(1,)",
    ]  # fmt: skip
    assert text(Unprintable()) == "<Unprintable>" and text([Unprintable()]) == "<list>"
    assert number(np.int64(3)) == 3 and number(np.bool_(True)) is True and number(np.zeros(2)) is None


@pytest.mark.parametrize("name", ["MLflowCallback", "WandbCallback", "NeptuneCallback", "TensorBoardCallback"])
def test_a_missing_tool_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    extra = name.removesuffix("Callback").lower()
    module = {"neptune": "neptune_scale"}.get(extra, extra)
    for loaded in [loaded for loaded in sys.modules if loaded.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    arguments = [tmp_path] if name == "TensorBoardCallback" else []
    with pytest.raises(MissingDependency, match=rf"hpcore\.tracking\.{name} needs {module}.*hpcore\[{extra}\]"):
        getattr(hpcore.tracking, name)(*arguments)


def test_the_names_and_what_importing_them_loads() -> None:
    assert set(hpcore.tracking.__all__) <= set(dir(hpcore.tracking))
    with pytest.raises(AttributeError, match="no_such_name"):
        hpcore.tracking.no_such_name  # noqa: B018
    code = (
        "import sys, hpcore.tracking as tracking; tracking.MLflowCallback; tracking.WandbCallback; "
        "print([name for name in ('mlflow', 'wandb', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
