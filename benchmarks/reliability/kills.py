"""SIGKILL of a stored run at random moments; acknowledged results are compared with the store.

Each child continues the study of the previous one, and reports every durable trial through a pipe. In the end no trial
may be lost, changed, duplicated, unreadable, or left running.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

from common import SPACE, cost, in_child, main

import hpcore as hp
import hpcore.ledger.stored_trial_log
import hpcore.ledger.studies  # loaded before the forks

STUDY_OF = 100  # kills on one study before the next is started


def test(directory: Path, kills: int, milliseconds: int) -> dict[str, Any]:
    rng = random.Random(0)
    path = directory / "runs.db"
    acknowledged: dict[str, dict[int, str]] = {}
    reopening: list[float] = []
    problems: list[str] = []
    killed = 0
    while killed < kills:
        name = f"study {killed // STUDY_OF}"
        known = acknowledged.setdefault(name, {})
        killed += _kill_one(path, name, known, rng.uniform(0.0, milliseconds / 1e3))
        begin = time.perf_counter()
        if in_child(lambda name=name, known=known: _check(path, name, known)):
            problems.append(f"after kill {killed}")
        reopening.append(time.perf_counter() - begin)
        if len(problems) > 10:
            break
    for name, known in acknowledged.items():
        if in_child(lambda name=name: hp.load_study(path, name, retries=10**6).run(cost, n_trials=2)):
            problems.append(f"{name} does not go on")
        if in_child(lambda name=name, known=known: _check(path, name, known, ended=True)):
            problems.append(f"{name} at the end")
    n = sum(map(len, acknowledged.values()))
    reopening.sort()
    p99 = reopening[int(0.99 * (len(reopening) - 1))]
    return {"ok": not problems, "acknowledged": n, "problems": problems[:5], "reopen_p99_s": round(p99, 3)}


def _kill_one(path: Path, name: str, known: dict[int, str], after: float) -> int:
    """Kill a child some time after its run started; return 0 if it ended before the kill."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        os.close(read)
        try:

            def acknowledge(study: hp.Study, trial: hp.Trial) -> None:
                os.write(write, f"{trial.number} {trial.value!r}\n".encode())

            study = hp.Study(SPACE, storage=path, name=name, sampler="random", seed=0, retries=10**6)
            os.write(write, b"begun\n")
            study.run(cost, n_trials=100_000, callbacks=[acknowledge])
        finally:
            os._exit(3)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        pipe.readline()  # the study is open
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        lines = pipe.read().split(b"\n")
    status = os.waitpid(child, 0)[1]
    for line in lines[:-1]:
        number, value = line.decode().split()
        known[int(number)] = value
    return int(os.WIFSIGNALED(status))


def _check(path: Path, name: str, known: dict[int, str], ended: bool = False) -> None:
    study = hp.load_study(path, name)
    trials = list(study.trials)
    assert [t.number for t in trials] == list(range(len(trials)))
    for number, value in known.items():
        trial = trials[number]
        assert trial.state == "complete" and repr(trial.value) == value == repr(cost(trial)), (number, value, trial)
    running = sum(t.state == "running" for t in trials)
    assert running <= (0 if ended else 1), f"{running} running"
    assert all(t.state in ("complete", "running") for t in trials)


if __name__ == "__main__":
    print("kills.py: about a tenth of a second a kill", file=sys.stderr)
    main("kills", {"kills": 1000, "milliseconds": 150}, test)
