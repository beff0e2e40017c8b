"""Trackers, which log every trial and fold of a run to another tool; callbacks of `minimize`, `Study` and `SearchCV`.

Each tool is an extra of its own, as in ``pip install "hpcore[mlflow]"``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcore.study.trackers import TrackedStudy, Tracker

if TYPE_CHECKING:
    from hpcore.tracking.mlflow import MLflowCallback
    from hpcore.tracking.neptune import NeptuneCallback
    from hpcore.tracking.tensorboard import TensorBoardCallback
    from hpcore.tracking.wandb import WandbCallback

__all__ = ["MLflowCallback", "NeptuneCallback", "TensorBoardCallback", "TrackedStudy", "Tracker", "WandbCallback"]

_HOMES = {
    "MLflowCallback": "mlflow",
    "NeptuneCallback": "neptune",
    "TensorBoardCallback": "tensorboard",
    "WandbCallback": "wandb",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpcore.tracking' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"hpcore.tracking.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
