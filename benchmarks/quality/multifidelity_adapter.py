"""hpcore's schedulers for the multi-fidelity benchmark.

python multifidelity.py run --opt freeze_thaw --plugin .../benchmarks/quality/multifidelity_adapter.py:FreezeThaw
    --split public --mult 20 --seeds 0-7

The variable HPCORE_RECIPE, as JSON, changes constants of the freeze-thaw recipe for an ablation.
"""

from __future__ import annotations

import json
import os
import sys
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import hpcore as hp
from hpcore.records.channel import Decision
from hpcore.schedulers import freeze_thaw
from hpcore.schedulers.recipe import Recipe

sys.path.insert(0, str(Path(__file__).parent))
from adapter import space_of


def scheduler_of(name: str, levels: list[int], resumes: bool, only_these: bool) -> hp.schedulers.Scheduler:
    """Make a scheduler for levels up to the last one; with `only_these` no others are allowed."""
    if name == "FreezeThaw":
        options = json.loads(os.environ.get("HPCORE_RECIPE", "{}"))
        freeze_thaw.RECIPE = replace(Recipe(), **options)
        allowed = levels if only_these else None
        return hp.schedulers.FreezeThaw(levels[0], levels[-1], levels=allowed, resumable=resumes)
    made: hp.schedulers.Scheduler = getattr(hp.schedulers, name)(levels[0], levels[-1])
    return made


class Scheduled:
    """A scheduler and a sampler by hpcore's public interface, one worker."""

    scheduler: ClassVar[str]
    sampler: ClassVar[str] = "gp"

    def __init__(self, space: Any, seed: int, levels: list[int], mult: int) -> None:
        self.levels = levels
        # The benchmark's only task with few levels is a subset of the rows, where a training begins again.
        few = len(levels) <= 5
        scheduler = scheduler_of(self.scheduler, levels, not few, few)
        self.optimizer = hp.Optimizer(space_of(space), sampler=self.sampler, scheduler=scheduler, seed=seed)

    def ask(self) -> tuple[int, dict[str, Any], int]:
        """Return a trial's number, its configuration, and the level to which it is evaluated."""
        self.trial = self.optimizer.ask()
        at = bisect_left(self.levels, min(self.trial.until, self.levels[-1]))
        return self.trial.number, dict(self.trial.params), self.levels[at]

    def tell(self, key: int, cfg: dict[str, Any], level: int, loss: float) -> None:
        """Report the loss at a level, and end the job as it was decided."""
        decision = self.optimizer.report(self.trial, float(loss), level)
        if decision is Decision.CONTINUE:
            raise AssertionError("a job ends at the level that its trial asked for")
        self.optimizer.tell(self.trial)


class FreezeThaw(Scheduled):
    """Freeze-thaw, the start design by Sobol points."""

    scheduler = "FreezeThaw"


class HyperbandTPE(Scheduled):
    """Hyperband with TPE."""

    scheduler, sampler = "Hyperband", "tpe"


class HyperbandGP(Scheduled):
    """Hyperband with the Gaussian process."""

    scheduler = "Hyperband"


class AshaGP(Scheduled):
    """ASHA with the Gaussian process."""

    scheduler = "ASHA"
