"""Extra cost of a stored tell, compared with a synced commit of the same machine.

The commit is that of the same SQLite with the same journal: one row of the same size, inserted by a bare connection.
The three are measured alternately, so that other load on the machine affects all of them. The figures are times; the
exit code is 0 if the test ran.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from statistics import median
from typing import Any

from common import SPACE, cost, main

import hpcore as hp
import hpcore.storage.dialects.sqlite


def test(directory: Path, trials: int) -> dict[str, Any]:
    stored = hp.Study(SPACE, storage=directory / "runs.db", name="a", sampler="random", seed=0)
    memory = hp.Study(SPACE, sampler="random", seed=0)
    connection = hpcore.storage.dialects.sqlite.driver().connect(str(directory / "bare.db"), isolation_level=None)
    connection.execute(f"PRAGMA journal_mode={hpcore.storage.dialects.sqlite.journal_mode()}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE t (number INTEGER PRIMARY KEY, record TEXT)")
    log = (directory / "log").open("ab", buffering=0)
    times: dict[str, list[float]] = {key: [] for key in ("tell", "ask", "memory", "commit", "append")}
    for i in range(trials):
        a = time.perf_counter()
        trial = stored.ask()
        b = time.perf_counter()
        stored.tell(trial, cost(trial))
        c = time.perf_counter()
        times["ask"].append(b - a)
        times["tell"].append(c - b)
        trial = memory.ask()
        a = time.perf_counter()
        memory.tell(trial, cost(trial))
        times["memory"].append(time.perf_counter() - a)
        a = time.perf_counter()
        connection.execute("INSERT INTO t VALUES (?, ?)", (i, "x" * 300))
        times["commit"].append(time.perf_counter() - a)
        a = time.perf_counter()
        log.write(b"x" * 300)
        os.fsync(log.fileno())
        times["append"].append(time.perf_counter() - a)
    middle = {key: median(values) for key, values in times.items()}
    ratio = (middle["tell"] - middle["memory"]) / middle["commit"]
    return {
        "ok": True,
        "ratio_to_commit": round(ratio, 2),
        **{f"{key}_us": round(1e6 * value, 1) for key, value in middle.items()},
    }


if __name__ == "__main__":
    main("tell_cost", {"trials": 500}, test)
