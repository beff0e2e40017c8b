"""Space, objective and comparison for the tests of stored studies."""

from __future__ import annotations

import hpcore as hp

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b", None, 1.5])}


def cost(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"] + (trial["c"] == "a")


def facts(study: hp.Study) -> list:
    return [(t.number, t.params, str(t.state), t.values) for t in study.trials]
