"""hpcore for the sample-efficiency benchmarks: a class a sampler, with ``ask() -> dict`` and ``tell(dict, value)``.

python run.py --opt hp_gp --plugin .../benchmarks/quality/adapter.py:GP --core --split public --budget 100 --seeds 0-9
"""

from __future__ import annotations

import hpcore as hp


def space_of(space):
    """Their description of a space as ours; conditions and logarithms included."""
    out = {}
    for p in space:
        when = None if p.parent is None else {p.parent[0]: list(p.parent[1])}
        if p.kind == "cat":
            out[p.name] = hp.Categorical(list(p.choices), when=when)
        elif p.kind == "int":
            out[p.name] = hp.Int(int(p.low), int(p.high), log=p.log, when=when)
        else:
            out[p.name] = hp.Float(p.low, p.high, log=p.log, when=when)
    return hp.Space(out)


class Adapter:
    sampler: object = "gp"
    trial = None

    def __init__(self, space, seed, budget):
        self.optimizer = hp.Optimizer(space_of(space), sampler=self.sampler, seed=seed)

    def ask(self):
        try:
            self.trial = self.optimizer.ask()
        except hp.errors.SearchSpaceExhausted:  # nothing is left to try: repeat the best
            return dict(self.optimizer.best_params)
        return dict(self.trial.params)

    def tell(self, cfg, value):
        if self.trial is not None:
            self.optimizer.tell(self.trial, value)
            self.trial = None


class GP(Adapter):
    sampler = "gp"


class Random(Adapter):
    sampler = "random"


class Sobol(Adapter):
    sampler = "sobol"
