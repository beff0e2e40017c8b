"""Doors to Optuna: a sampler and a pruner for its studies, and studies from one tool to the other."""

from __future__ import annotations

from hpcore.integrations.optuna.pruner import HpcorePruner
from hpcore.integrations.optuna.sampler import HpcoreSampler

__all__ = ["HpcorePruner", "HpcoreSampler"]
