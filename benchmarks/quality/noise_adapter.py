"""hpcore for the suite ``noisy`` of the benchmark with several objectives, limits, noise and cost.

python run.py --opt gp --plugin .../benchmarks/quality/noise_adapter.py:GP --suite noisy --budget 100 --seeds 0-5

The rule of `Optimizer.recommend` may be changed by JSON in the variable HPCORE_RULE: ``{"prior": [-7, 2]}`` for the
mean and deviation of the logarithm of the noise, ``{"caution": 0}``, ``{"no_noise": 0.001}``, or ``{"observed": true}``
for the best observed value.
"""

from __future__ import annotations

import json
import math
import os
from typing import Any

from many_adapter import Many

import hpcore as hp
from hpcore._core.gp import LogNormal
from hpcore.optimizer import noisy_model, recommendation


class Recommending(Many):
    """Optimiser with the interface of the benchmark, and a rule for what it hands over."""

    def __init__(self, space: Any, seed: int, budget: int, n_objectives: int = 1, n_constraints: int = 0) -> None:
        rule = json.loads(os.environ.get("HPCORE_RULE", "{}"))
        if "prior" in rule:
            noisy_model.NOISE = LogNormal(*rule["prior"], math.log(1e-7), 0.0)
        recommendation.CAUTION = rule.get("caution", recommendation.CAUTION)
        noisy_model.NO_NOISE = rule.get("no_noise", noisy_model.NO_NOISE)
        self._observed = rule.get("observed", False)
        super().__init__(space, seed, budget, n_objectives, n_constraints)

    def recommend(self) -> dict[str, Any]:
        """Return the configuration to hand over."""
        return dict(self._opt.best_trial.params) if self._observed else super().recommend()


class GP(Recommending):
    """Gaussian process."""

    sampler = "gp"


class TPE(Recommending):
    """Tree-structured Parzen estimator."""

    sampler = "tpe"


class NoisyEI(Recommending):
    """Gaussian process with the acquisition for noisy values."""

    sampler = hp.samplers.GPSampler("noisy_log_ei")
