"""Processes on one PostgreSQL study while the server is restarted in the middle."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from common import SPACE, cost, main, start
from postgres_server import PostgresServer

import hpcore as hp
import hpcore.ledger.studies  # loaded before the forks


def test(directory: Path, processes: int, trials: int) -> dict[str, Any]:
    with PostgresServer() as server:
        study = hp.Study(SPACE, storage=server.url, name="a", sampler="random", seed=0)
        begin = time.perf_counter()
        children = [start(lambda: hp.load_study(server.url, "a").run(cost, n_trials=trials)) for _ in range(processes)]
        while len(study.trials) < processes * trials // 2:
            time.sleep(0.02)
            study.refresh()
        at = len(study.trials)
        server.stop("fast")
        time.sleep(0.5)
        server.start()
        errors = sum(os.waitpid(child, 0)[1] != 0 for child in children)
        seconds = time.perf_counter() - begin
        study = hp.load_study(server.url, "a")
        whole = [t.number for t in study.trials] == list(range(processes * trials))
        right = all(t.state == "complete" and t.value == cost(t) for t in study.trials)
        study._trial_log.storage.close()
    return {"ok": whole and right and not errors, "errors": errors, "restarted_at_trial": at, "run_seconds": seconds}


if __name__ == "__main__":
    main("postgres", {"processes": 4, "trials": 250}, test)
