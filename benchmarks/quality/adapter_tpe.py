"""hpcore's TPE as a plug-in of the sample-efficiency benchmark: its space descriptions in, plain dictionaries out."""

from __future__ import annotations

import json
import os
from typing import Any

import hpcore as hp


def to_space(problem_space: Any) -> hp.Space:
    """The benchmark's description of a search space as ours."""
    parameters: dict[str, Any] = {}
    for p in problem_space:
        when = None if p.parent is None else {p.parent[0]: list(p.parent[1])}
        if p.kind == "cat":
            parameters[p.name] = hp.Categorical(list(p.choices), when=when)
        elif p.kind == "int":
            parameters[p.name] = hp.Int(int(p.low), int(p.high), log=p.log, when=when)
        else:
            parameters[p.name] = hp.Float(p.low, p.high, log=p.log, when=when)
    return hp.Space(parameters)


class HpcoreTPE:
    """``run.py --opt hp_tpe --plugin adapter_tpe.py:HpcoreTPE``; options as JSON in the variable HPCORE_TPE."""

    def __init__(self, space: Any, seed: int, budget: int) -> None:
        options = json.loads(os.environ.get("HPCORE_TPE", "{}"))
        sampler = hp.samplers.TPESampler(**options)
        self._optimizer = hp.Optimizer(to_space(space), sampler=sampler, seed=seed)

    def ask(self) -> dict[str, Any]:
        """The next configuration."""
        self._trial = self._optimizer.ask()
        return dict(self._trial.params)

    def tell(self, cfg: dict[str, Any], value: float) -> None:
        """Its loss."""
        self._optimizer.tell(self._trial, float(value))
