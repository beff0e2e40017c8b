"""Processes that run one stored deterministic study at once, compared with one process that runs it alone.

Times of evaluations are random, and some evaluations fail, always those of the same points. For each sampler and seed:
runs that end by `n_trials` of each process, by `MaxTrials` and by `NoImprovement`, and a run of which one process is
killed by SIGKILL in the middle of an evaluation. Each must have the trials of the single process, to the last bit.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from common import SPACE, cost, facts, main, start

import hpcore as hp
import hpcore.ledger.studies  # loaded before the forks
import hpcore.samplers.gp
import hpcore.samplers.tpe
from hpcore.stopping import MaxTrials, NoImprovement

SAMPLERS = ("gp", "tpe", "auto", "random")
HANGS = 60.0  # seconds after which processes that have not ended are counted as hanging

Ends = Callable[[], dict[str, Any]]


def test(directory: Path, seeds: int, trials: int, milliseconds: float) -> dict[str, Any]:
    logging.getLogger("hpcore").setLevel(logging.CRITICAL)  # failures of trials and takeovers are wanted here
    path = directory / "runs.db"
    cases: dict[str, tuple[int, int, Ends]] = {
        # processes, those that are killed, and how the run of each ends
        "two, n_trials": (2, 0, lambda: {"n_trials": trials // 2}),
        "three, n_trials": (3, 0, lambda: {"n_trials": trials // 3}),
        "two, MaxTrials": (2, 0, lambda: {"stop": [MaxTrials(trials)]}),
        "three, NoImprovement": (3, 0, lambda: {"stop": [NoImprovement(7)]}),
        "two, one killed": (2, 1, lambda: {"stop": [MaxTrials(trials)]}),
        "three, two killed": (3, 2, lambda: {"stop": [NoImprovement(7)]}),
    }
    n, differ = 0, []
    for sampler in SAMPLERS:
        for seed in range(seeds):
            for case, (processes, killed, ends) in cases.items():
                n += 1
                name = f"{sampler} {seed}: {case}"
                alone = hp.Study(SPACE, sampler=sampler, seed=seed)
                whole = {**ends()}
                if "n_trials" in whole:
                    whole["n_trials"] *= processes
                alone.run(_objective, deterministic=True, progress=False, **whole)
                hp.Study(SPACE, storage=path, name=name, sampler=sampler, seed=seed)
                rng = random.Random(name)
                lasts = [rng.randrange(8) if i < killed else None for i in range(processes)]
                children = [
                    start(partial(_work, path, name, ends, i, seed, milliseconds, last)) for i, last in enumerate(lasts)
                ]
                wrong = _await(children, killed)
                study = hp.load_study(path, name, retries=10**6)
                if killed and not wrong and study.optimizer.running():
                    # The process that was killed was the last one: its trials are evaluated when somebody goes on.
                    study.run(_objective, deterministic=True, progress=False, **ends())
                if not wrong and study.mode != alone.mode:
                    wrong = f"mode {study.mode}"
                if not wrong and facts(study) != facts(alone):
                    wrong = _first_difference(facts(study), facts(alone))
                if wrong:
                    differ.append(f"{name}: {wrong}")
    return {"ok": not differ, "runs": n, "differ": len(differ), "first": differ[:5]}


def _objective(trial: hp.Trial) -> float:
    if (trial.number * 7919 + trial["k"]) % 6 == 0:
        raise ValueError("this point fails")
    return cost(trial)


def _work(path: Path, name: str, ends: Ends, process: int, seed: int, milliseconds: float, last: int | None) -> None:
    """Run the study, with two threads in every second case; be killed in the evaluation after `last` of them."""
    rng = random.Random()
    n = iter(range(10**6))

    def objective(trial: hp.Trial) -> float:
        time.sleep(rng.expovariate(1e3 / milliseconds))
        if last is not None and next(n) >= last:
            os.kill(os.getpid(), signal.SIGKILL)
        return _objective(trial)

    study = hp.load_study(path, name, retries=10**6)
    executor = ThreadPoolExecutor(2) if (seed + process) % 2 else None
    study.run(objective, deterministic=True, progress=False, executor=executor, **ends())


def _await(children: list[int], killed: int) -> str:
    """Wait for the processes, of which the first may be killed; what went wrong, or an empty text."""
    end, wrong = time.monotonic() + HANGS, ""
    left = dict(enumerate(children))
    while left:
        for i, child in list(left.items()):
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                del left[i]
                if status and not (i < killed and os.WIFSIGNALED(status)):
                    wrong = wrong or f"process {i} ended with status {status}"
        if left and time.monotonic() > end:
            wrong = f"processes {sorted(left)} hang"
            for child in left.values():
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
            break
        time.sleep(0.001)
    return wrong


def _first_difference(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]]) -> str:
    for one, other in zip(found, wanted, strict=False):
        if one != other:
            return f"{one} instead of {other}"
    return f"{len(found)} trials instead of {len(wanted)}"


if __name__ == "__main__":
    main("shared_order", {"seeds": 20, "trials": 24, "milliseconds": 4}, test)
