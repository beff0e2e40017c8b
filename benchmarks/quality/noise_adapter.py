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
from typing import Any, ClassVar

from adapter import space_of

import hpcore as hp
from hpcore._core.gp import LogNormal
from hpcore.optimizer import noisy_model, recommendation


class Recommending:
    """Optimiser with the interface of the benchmark, which hands over what `Optimizer.recommend` says."""

    sampler: ClassVar[str | hp.samplers.Sampler]

    def __init__(self, space: Any, seed: int, budget: int, n_objectives: int = 1, n_constraints: int = 0) -> None:
        rule = json.loads(os.environ.get("HPCORE_RULE", "{}"))
        if "prior" in rule:
            noisy_model.NOISE = LogNormal(*rule["prior"], math.log(1e-7), 0.0)
        recommendation.CAUTION = rule.get("caution", recommendation.CAUTION)
        noisy_model.NO_NOISE = rule.get("no_noise", noisy_model.NO_NOISE)
        self._observed = rule.get("observed", False)
        self._opt = hp.Optimizer(space_of(space), self.sampler, seed=seed)

    def ask(self) -> dict[str, Any]:
        """Return the next configuration."""
        self._trial = self._opt.ask()
        return dict(self._trial.params)

    def tell(self, cfg: dict[str, Any], values: list[float], constraints: Any = (), cost: float | None = None) -> None:
        """Record a noisy value of the configuration that was asked for."""
        self._opt.tell(self._trial, values[0])

    def recommend(self) -> dict[str, Any]:
        """Return the configuration to hand over."""
        return dict((self._opt.best_trial if self._observed else self._opt.recommend()).params)


class GP(Recommending):
    """Gaussian process."""

    sampler = "gp"


class TPE(Recommending):
    """Tree-structured Parzen estimator."""

    sampler = "tpe"


class NoisyEI(Recommending):
    """Gaussian process with the acquisition for noisy values."""

    sampler = hp.samplers.GPSampler("noisy_log_ei")
