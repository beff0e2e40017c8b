"""Seconds to add many known results to a store: in one transaction, and some of them one by one.

Ten parameters of every kind, two of them conditional. The stored trials are compared with the given ones; the figure
is a time, and the exit code is 0 if all trials are stored.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from common import main

import hpcore as hp

SPACE = hp.Space(
    {
        "lr": hp.Float(1e-5, 1e-1, log=True),
        "momentum": hp.Float(0, 1),
        "decay": hp.Normal(0, 1),
        "share": hp.Float(0, 1, step=0.05),
        "layers": hp.Int(1, 8),
        "units": hp.Int(16, 4096, log=True),
        "kind": hp.Categorical(["relu", "tanh", None]),
        "norm": hp.Categorical([True, False]),
        "slope": hp.Float(0, 1, when={"kind": "relu"}),
        "groups": hp.Int(1, 4, when={"norm": True}),
    }
)


def test(directory: Path, results: int, single: int) -> dict[str, Any]:
    params = SPACE.sample(results, seed=0)
    rows = [(given, float(i)) for i, given in enumerate(params)]
    study = hp.Study(SPACE, storage=directory / "many.db", name="a", sampler="random", seed=0)
    start, cpu = time.perf_counter(), time.process_time()
    study.add_many(rows)
    seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu

    one = hp.Study(SPACE, storage=directory / "single.db", name="a", sampler="random", seed=0)
    start = time.perf_counter()
    for given, value in rows[:single]:
        one.add(given, value)
    each = (time.perf_counter() - start) / max(single, 1)

    again = hp.load_study(directory / "many.db")
    whole = [(t.params, t.value) for t in again.trials] == rows
    return {
        "ok": whole,
        "add_many_seconds": round(seconds, 3),
        "of_which_cpu": round(cpu_seconds, 3),
        "one_by_one_seconds": round(each * results, 1),
    }


if __name__ == "__main__":
    main("add_many", {"results": 10_000, "single": 200}, test)
