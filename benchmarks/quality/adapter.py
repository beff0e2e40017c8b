"""hpcore for the sample-efficiency benchmarks: a class a sampler, with ``ask() -> dict`` and ``tell(dict, value)``.

python run.py --opt hp_gp --plugin .../benchmarks/quality/adapter.py:GP --core --split public --budget 100 --seeds 0-9

Options of the sampler as JSON in the variable HPCORE_OPTIONS, such as {"trend": false} for TPE.
"""

from __future__ import annotations

import json
import os
from typing import Any, ClassVar

import hpcore as hp


def space_of(problem_space: Any) -> hp.Space:
    """The benchmark's description of a space as ours; conditions and logarithms included."""
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
    """What the benchmark expects of an optimiser."""

    sampler: ClassVar[type[hp.samplers.Sampler]]

    def __init__(self, space: Any, seed: int, budget: int) -> None:
        options = json.loads(os.environ.get("HPCORE_OPTIONS", "{}"))
        self.optimizer = hp.Optimizer(space_of(space), sampler=self.sampler(**options), seed=seed)
        self.trial: hp.Trial | None = None

    def ask(self) -> dict[str, Any]:
        """The next configuration; the best again when nothing is left to try."""
        try:
            self.trial = self.optimizer.ask()
        except hp.errors.SearchSpaceExhausted:
            return dict(self.optimizer.best_params or {})
        return dict(self.trial.params)

    def tell(self, cfg: dict[str, Any], value: float) -> None:
        """Its loss."""
        if self.trial is not None:
            self.optimizer.tell(self.trial, float(value))
            self.trial = None


class GP(Adapter):
    """Gaussian process."""

    sampler = hp.samplers.GPSampler


class TPE(Adapter):
    """Tree-structured Parzen estimator."""

    sampler = hp.samplers.TPESampler


class Random(Adapter):
    """Random search."""

    sampler = hp.samplers.RandomSampler


class Sobol(Adapter):
    """Sobol points."""

    sampler = hp.samplers.SobolSampler
