"""hpcore for the sample-efficiency benchmarks: one class per sampler, with ``ask() -> dict`` and ``tell(dict, value)``.

python run.py --opt hp_gp --plugin .../benchmarks/quality/adapter.py:GP --core --split public --budget 100 --seeds 0-9

Options of the sampler as JSON in the variable HPCORE_OPTIONS, such as {"trend": false} for TPE.
"""

from __future__ import annotations

import json
import os
from itertools import islice
from typing import Any, ClassVar

import hpcore as hp


def space_of(problem_space: Any) -> hp.Space:
    """Convert a space of the benchmark, with its conditions and logarithms."""
    if isinstance(problem_space, hp.Space):
        return problem_space
    out: dict[str, Any] = {}
    for p in problem_space:
        when = None if p.parent is None else {p.parent[0]: list(p.parent[1])}
        if p.kind == "cat":
            out[p.name] = hp.Categorical(list(p.choices), when=when)
        elif p.kind == "int":
            out[p.name] = hp.Int(int(p.low), int(p.high), log=p.log, when=when)
        else:
            out[p.name] = hp.Float(p.low, p.high, log=p.log, when=when)
    return hp.Space(out)


class Adapter:
    """Optimiser with the interface of the benchmark."""

    sampler: ClassVar[type[hp.samplers.Sampler]]

    def __init__(self, space: Any, seed: int, budget: int) -> None:
        options = json.loads(os.environ.get("HPCORE_OPTIONS", "{}"))
        self.optimizer = hp.Optimizer(space_of(space), sampler=self.sampler(**options), seed=seed)
        self.trial: hp.Trial | None = None

    @classmethod
    def for_problem(cls, space: Any, seed: int, budget: int) -> Adapter | None:
        """Return an optimiser; None if the sampler is unsuitable."""
        return cls(space, seed, budget)

    def ask(self) -> dict[str, Any]:
        """Return the next configuration, or the best one when the space is exhausted."""
        try:
            self.trial = self.optimizer.ask()
        except hp.errors.SearchSpaceExhausted:
            return dict(self.optimizer.best_params or {})
        return dict(self.trial.params)

    def tell(self, cfg: dict[str, Any], value: float) -> None:
        """Record the loss."""
        if self.trial is not None:
            self.optimizer.tell(self.trial, float(value))
            self.trial = None


class GP(Adapter):
    """Gaussian process."""

    sampler = hp.samplers.GPSampler


class TPE(Adapter):
    """Tree-structured Parzen estimator."""

    sampler = hp.samplers.TPESampler


class Evolution(Adapter):
    """Differential evolution."""

    sampler = hp.samplers.EvolutionSampler


class Annealing(Adapter):
    """Simulated annealing."""

    sampler = hp.samplers.AnnealingSampler


class Random(Adapter):
    """Random search."""

    sampler = hp.samplers.RandomSampler


class Sobol(Adapter):
    """Sobol points."""

    sampler = hp.samplers.SobolSampler


class Grid(Adapter):
    """Grid search, with as many levels of each number as the budget allows."""

    sampler = hp.samplers.GridSampler

    def __init__(self, space: Any, seed: int, budget: int) -> None:
        space = space_of(space)
        levels = self.levels(space, budget)
        if levels is None:
            raise ValueError(f"a grid of {len(space)} parameters has no three levels of each in {budget} points")
        self.optimizer = hp.Optimizer(space, sampler=hp.samplers.GridSampler(levels), seed=seed)
        self.trial = None

    @staticmethod
    def levels(space: hp.Space, budget: int) -> dict[str, int] | None:
        """Return the largest number of levels with a grid that fits; None if it is below three."""
        numbers = [name for name, p in space.items() if not isinstance(p, hp.Categorical)]
        fitting = None
        for k in range(3, budget + 1):
            levels = dict.fromkeys(numbers, k)
            if sum(1 for _ in islice(space.grid(levels), budget + 1)) > budget:
                break
            fitting = levels
            if not numbers:
                break
        return fitting

    @classmethod
    def for_problem(cls, space: Any, seed: int, budget: int) -> Adapter | None:
        """Return an optimiser; None if a grid of three levels is too large."""
        return None if cls.levels(space_of(space), budget) is None else cls(space, seed, budget)


class Named(Adapter):
    """A sampler by its name in hpcore, with default options."""

    name: ClassVar[str]

    def __init__(self, space: Any, seed: int, budget: int) -> None:
        self.optimizer = hp.Optimizer(space_of(space), sampler=self.name, seed=seed)
        self.trial = None


SAMPLERS: dict[str, type[Adapter]] = {
    "gp": GP,
    "tpe": TPE,
    "evolution": Evolution,
    "annealing": Annealing,
    "sobol": Sobol,
    "random": Random,
    "grid": Grid,
}
SAMPLERS |= {name: type(name, (Named,), {"name": name}) for name in hp.samplers.names() if name not in SAMPLERS}
