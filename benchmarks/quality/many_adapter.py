"""hpcore for the benchmark with several objectives, limits, noise and cost.

python run.py --opt gp --plugin .../benchmarks/quality/many_adapter.py:GP --suite mo,con,noisy --budget 50 --seeds 0-5
"""

from __future__ import annotations

from typing import Any, ClassVar

from adapter import space_of

import hpcore as hp


class Many:
    """Optimiser with the interface of the benchmark."""

    sampler: ClassVar[str | hp.samplers.Sampler]

    def __init__(self, space: Any, seed: int, budget: int, n_objectives: int = 1, n_constraints: int = 0) -> None:
        limits = {f"limit{k}": hp.at_most(0.0) for k in range(n_constraints)}
        directions = ["minimize"] * n_objectives
        self._opt = hp.Optimizer(space_of(space), self.sampler, directions=directions, seed=seed, limits=limits or None)

    def ask(self) -> dict[str, Any]:
        """Return the next configuration."""
        self._trial = self._opt.ask()
        return dict(self._trial.params)

    def tell(self, cfg: dict[str, Any], values: list[float], constraints: Any = (), cost: float | None = None) -> None:
        """Record the result of the configuration that was asked for."""
        metrics = {f"limit{k}": value for k, value in enumerate(constraints)}
        self._opt.tell(self._trial, values, metrics=metrics or None, cost=cost)

    def recommend(self) -> dict[str, Any]:
        """Return the configuration to hand over."""
        return dict(self._opt.recommend().params)


class GP(Many):
    """Gaussian process."""

    sampler = "gp"


class TPE(Many):
    """Tree-structured Parzen estimator."""

    sampler = "tpe"


class Evolution(Many):
    """Differential evolution with NSGA-II selection."""

    sampler = "evolution"


class Annealing(Many):
    """Simulated annealing."""

    sampler = "annealing"
