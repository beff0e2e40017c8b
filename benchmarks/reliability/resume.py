"""Runs killed by SIGKILL in the objective of every trial and resumed, compared with a run that was never killed."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from common import SPACE, cost, facts, in_child, main

import hpcore as hp
import hpcore.ledger.studies  # loaded before the forks


def test(directory: Path, seeds: int, trials: int) -> dict[str, Any]:
    path = directory / "runs.db"
    differ, n = [], 0
    for sampler in ("gp", "tpe"):
        for seed in range(seeds):
            whole = facts(hp.Study(SPACE, sampler=sampler, seed=seed).run(cost, n_trials=trials))
            for k in range(trials):
                name = f"{sampler} {seed} {k}"
                in_child(lambda sampler=sampler, seed=seed, k=k, name=name: _die(path, name, sampler, seed, k, trials))
                study = hp.load_study(path, name)
                running = [t.number for t in study.trials if t.state == "running"]
                study.run(cost, n_trials=trials - k)
                n += 1
                if running != [k] or facts(study) != whole or study.mode != "lag 1":
                    differ.append(name)
    return {"ok": not differ, "runs": n, "differ": len(differ), "first": differ[:3]}


def _die(path: Path, name: str, sampler: str, seed: int, k: int, trials: int) -> None:
    def objective(trial: hp.Trial) -> float:
        if trial.number == k:
            os.kill(os.getpid(), signal.SIGKILL)
        return cost(trial)

    hp.Study(SPACE, storage=path, name=name, sampler=sampler, seed=seed).run(objective, n_trials=trials)


if __name__ == "__main__":
    main("resume", {"seeds": 10, "trials": 30}, test)
