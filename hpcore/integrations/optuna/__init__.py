"""Doors to Optuna: a sampler and a pruner for its studies, and studies from one tool to the other."""

from __future__ import annotations

from hpcore.integrations.optuna.pruner import HpcorePruner
from hpcore.integrations.optuna.sampler import HpcoreSampler
from hpcore.integrations.optuna.studies import export_study, import_study

__all__ = ["HpcorePruner", "HpcoreSampler", "export_study", "import_study"]
