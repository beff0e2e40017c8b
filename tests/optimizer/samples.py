"""Spaces, and an optimizer, for the tests of optimizers."""

from __future__ import annotations

import hpcore as hp

FOUR = hp.Space({"a": hp.Int(0, 3)})
SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])}


def optimizer(**options) -> hp.Optimizer:
    return hp.Optimizer(SPACE, **{"seed": 0, **options})


def facts(opt: hp.Optimizer) -> list[str]:
    """Trials and text of an optimizer, to compare two states of it."""
    trials = [(t.number, t.params, t.state, t.values, t.reports, t.user_attrs, t.error) for t in opt.trials]
    return [repr(trials), repr(opt)]
