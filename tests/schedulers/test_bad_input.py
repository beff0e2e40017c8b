"""Options that no scheduler accepts: a typed error that names the option and the value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.schedulers import (
    ASHA,
    Bandit,
    Hyperband,
    MedianStopping,
    Patience,
    SuccessiveHalving,
    Threshold,
    Truncation,
    names,
    resolve,
)

RESOURCES: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"min_resource": 0}, InvalidArgument, "min_resource must be finite and > 0, got 0"),
    ({"min_resource": -1.0}, InvalidArgument, "min_resource"),
    ({"min_resource": math.nan}, InvalidArgument, "min_resource"),
    ({"min_resource": math.inf}, InvalidArgument, "min_resource"),
    ({"min_resource": None}, InvalidType, "min_resource must be a number, got None"),
    ({"min_resource": "1"}, InvalidType, "min_resource"),
    ({"min_resource": True}, InvalidType, "min_resource"),
    ({"max_resource": 0}, InvalidArgument, "max_resource must be finite and > 0, got 0"),
    ({"max_resource": math.inf}, InvalidArgument, "max_resource"),
    ({"max_resource": "auto"}, InvalidType, "max_resource"),
    ({"min_resource": 9, "max_resource": 8}, InvalidArgument, "max_resource must be .*>= min_resource, got 8.*=9"),
    ({"eta": 1}, InvalidArgument, "eta must be finite and >= 1.1, got 1"),
    ({"eta": 0.5}, InvalidArgument, "eta"),
    ({"eta": -3}, InvalidArgument, "eta"),
    ({"eta": math.inf}, InvalidArgument, "eta"),
    ({"eta": "3"}, InvalidType, "eta"),
    ({"objective": "both"}, InvalidArgument, "objective must be one of 'dominance', 'first', got 'both'"),
    ({"objective": 0}, InvalidType, "objective"),
]


@pytest.mark.parametrize("scheduler", [SuccessiveHalving, Hyperband, ASHA])
@pytest.mark.parametrize(("options", "error", "message"), RESOURCES)
def test_resources(scheduler: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        scheduler(**options)


@pytest.mark.parametrize("scheduler", [Bandit, MedianStopping, Truncation])
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"evaluation_interval": 0}, InvalidArgument, "evaluation_interval must be >= 1, got 0"),
        ({"evaluation_interval": 1.0}, InvalidType, "evaluation_interval must be an integer"),
        ({"delay_evaluation": -1}, InvalidArgument, "delay_evaluation must be >= 0, got -1"),
        ({"delay_evaluation": None}, InvalidType, "delay_evaluation"),
    ],
)
def test_intervals(scheduler: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        scheduler(**options)


@pytest.mark.parametrize(
    ("scheduler", "options", "error", "message"),
    [
        (ASHA, {"kind": "pause"}, InvalidArgument, "kind must be one of 'promotion', 'stopping', got 'pause'"),
        (ASHA, {"brackets": 0}, InvalidArgument, "brackets must be >= 1, got 0"),
        (ASHA, {"brackets": 1.5}, InvalidType, "brackets"),
        (Bandit, {"slack_factor": 0.1, "slack_amount": 0.1}, InvalidArgument, "slack_factor or slack_amount, not both"),
        (Bandit, {"slack_factor": 0.1, "slack_amount": 0.0}, InvalidArgument, "not both"),
        (Bandit, {"slack_factor": -0.1}, InvalidArgument, "slack_factor must be finite and >= 0"),
        (Bandit, {"slack_amount": math.nan}, InvalidArgument, "slack_amount"),
        (Truncation, {"percentage": 0}, InvalidArgument, "percentage must be within 1 .. 99, got 0"),
        (Truncation, {"percentage": 100}, InvalidArgument, "percentage"),
        (Truncation, {"percentage": 0.2}, InvalidType, "percentage"),
        (Truncation, {"exclude_finished": 1}, InvalidType, "exclude_finished must be True or False"),
        (Patience, {"patience": 0}, InvalidArgument, "patience must be >= 1, got 0"),
        (Patience, {"min_delta": -1e-9}, InvalidArgument, "min_delta must be finite and >= 0"),
        (Threshold, {"lower": 2, "upper": 1}, InvalidArgument, "lower must be <= upper, got lower=2 and upper=1"),
        (Threshold, {"lower": math.nan}, InvalidArgument, "lower"),
        (Threshold, {"upper": "1"}, InvalidType, "upper"),
    ],
)
def test_options(scheduler: Any, options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        scheduler(**options)


def test_names() -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'hyperband'"):
        resolve("hiperband")
    with pytest.raises(InvalidType, match="scheduler must be a name"):
        resolve(Hyperband)  # type: ignore[arg-type]
    for name in names():
        assert resolve(name) is not None


def test_numbers_of_numpy_are_numbers() -> None:
    assert ASHA(np.int64(1), np.float32(9), np.float64(3)).eta == 3
