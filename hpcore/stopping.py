"""Rules that end a run: for ``Study.run(..., stop=[...])``, ``minimize`` and ``maximize``."""

from __future__ import annotations

from hpcore.study.stopping import CostBudget, MaxTrials, NoImprovement, RegretBound, StoppingRule, TargetValue, Timeout

__all__ = ["CostBudget", "MaxTrials", "NoImprovement", "RegretBound", "StoppingRule", "TargetValue", "Timeout"]
