"""Processes that run one SQLite study at once, with readers that read it all the time."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any

from common import SPACE, cost, in_child, main, start

import hpcore as hp
import hpcore.ledger.studies  # loaded before the forks


def test(directory: Path, processes: int, trials: int, readers: int) -> dict[str, Any]:
    path, done = directory / "runs.db", directory / "done"
    hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    # Two hundred of them wait in the queue.
    queued = min(200, trials)
    begin = time.perf_counter()
    children = [start(lambda: _work(path, trials)) for _ in range(processes)]
    looking = [start(lambda: _look(path, done)) for _ in range(readers)]
    filler = start(lambda: _fill(path, queued))
    errors = sum(os.waitpid(child, 0)[1] != 0 for child in [*children, filler])
    seconds = time.perf_counter() - begin
    done.touch()
    errors += sum(os.waitpid(child, 0)[1] != 0 for child in looking)
    errors += in_child(lambda: _check(path, processes * trials)) != 0
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    mode = hp.list_studies(path)[0].mode
    return {
        "ok": errors == 0
        and seconds <= 60.0
        and mode in ("fast", "lag 1"),  # the latter if, of few trials, no two ran at once
        "errors": errors,
        "run_seconds": round(seconds, 2),
        "trials_per_second": round(processes * trials / seconds, 1),
        "processor_ms_per_trial": round(1e3 * (used.ru_utime + used.ru_stime) / (processes * trials), 2),
    }


def _work(path: Path, trials: int) -> None:
    hp.load_study(path, "a").run(cost, n_trials=trials)


def _fill(path: Path, n: int) -> None:
    study = hp.load_study(path, "a")
    for i in range(n):
        study.enqueue({"x": -4.0 + i / 1000})


def _look(path: Path, done: Path) -> None:
    seen = 0
    while not done.exists():
        study = hp.load_study(path, "a")
        n = len(study.trials)
        assert n >= seen
        seen = n
        time.sleep(0.2)


def _check(path: Path, n: int) -> None:
    trials = list(hp.load_study(path, "a").trials)
    assert [t.number for t in trials] == list(range(n))
    assert all(t.state == "complete" and t.value == cost(t) for t in trials)
    assert len({t["lr"] for t in trials}) == n, "a point was proposed twice"


if __name__ == "__main__":
    main("processes", {"processes": 10, "trials": 1000, "readers": 2}, test)
