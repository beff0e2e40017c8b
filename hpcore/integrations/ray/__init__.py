"""Doors to Ray: a searcher and a scheduler for Ray Tune, and an executor for searches of hpcore on a Ray cluster.

The executor needs Ray without Tune; each name is imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpcore.integrations.ray.executor import RayExecutor
    from hpcore.integrations.ray.scheduling import HpcoreScheduler
    from hpcore.integrations.ray.searching import HpcoreSearch

__all__ = ["HpcoreScheduler", "HpcoreSearch", "RayExecutor"]

# Class -> its module.
_HOMES = {"HpcoreScheduler": "scheduling", "HpcoreSearch": "searching", "RayExecutor": "executor"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'hpcore.integrations.ray' has no attribute {name!r}")
    return getattr(import_module(f"hpcore.integrations.ray.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
