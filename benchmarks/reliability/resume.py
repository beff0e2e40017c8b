"""Runs killed by SIGKILL in the objective of every trial and resumed, compared with a run that was never killed.

With a scheduler, runs in deterministic order are killed before and after reports, again and again.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from common import SPACE, cost, facts, in_child, main

import hpcore as hp
import hpcore.ledger.studies  # loaded before the forks
from hpcore.ledger.trial_log import Terms
from hpcore.schedulers import ASHA, Hyperband, MedianStopping, PopulationBasedTraining, Scheduler, SuccessiveHalving
from hpcore.study.objective import call

SCHEDULERS = {
    "asha": ASHA(max_resource=9),
    "asha stopping": ASHA(max_resource=9, kind="stopping"),
    "successive halving": SuccessiveHalving(max_resource=9),
    "hyperband": Hyperband(max_resource=9),
    "median": MedianStopping(delay_evaluation=2),
    "population": PopulationBasedTraining(population_size=4, interval=3, max_resource=9),
}
STALENESS = 4  # that of deterministic=True
KILL_AFTER = 5  # calls of `report` in a process


def test(directory: Path, seeds: int, trials: int, scheduled: int) -> dict[str, Any]:
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
        for seed in range(scheduled):
            for kind, scheduler in SCHEDULERS.items():
                name = f"{sampler} {seed} {kind}"
                n += 1
                if not is_same_with_kills(path, name, sampler, seed, scheduler, trials):
                    differ.append(name)
    return {"ok": not differ, "runs": n, "differ": len(differ), "first": differ[:3]}


def _die(path: Path, name: str, sampler: str, seed: int, k: int, trials: int) -> None:
    def objective(trial: hp.Trial) -> float:
        if trial.number == k:
            os.kill(os.getpid(), signal.SIGKILL)
        return cost(trial)

    hp.Study(SPACE, storage=path, name=name, sampler=sampler, seed=seed).run(objective, n_trials=trials)


# --- with a scheduler ------------------------------------------------------------------------------------------------


def train(trial: hp.Trial) -> float | None:
    """Report up to nine steps, from the beginning in each job."""
    for step in range(1, 10):
        trial.report(cost(trial) + 1 / step, step)
        if trial.should_stop():
            return None
    return cost(trial) + 1 / 9


def is_same_with_kills(path: Path, name: str, sampler: str, seed: int, scheduler: Scheduler, trials: int) -> bool:
    """Run a search whose processes are killed again and again, and compare it with one that was not."""
    study = hp.Study(SPACE, sampler=sampler, seed=seed, scheduler=scheduler)
    whole = _curves(study.run(train, n_trials=trials, deterministic=True))
    hp.Study(SPACE, storage=path, name=name, sampler=sampler, seed=seed, scheduler=scheduler)
    kills = 0
    while in_child(lambda kills=kills: _train_until_killed(path, name, trials, kills)):
        kills += 1
        if kills > 100 * trials:
            return False
    return kills > 0 and _curves(hp.load_study(path, name)) == whole


def _train_until_killed(path: Path, name: str, trials: int, kills: int) -> None:
    left = KILL_AFTER + kills % 6
    report = hp.Trial.report

    def counted(trial: hp.Trial, *args: Any) -> None:
        nonlocal left
        left -= 1
        if not left and kills % 2:
            os.kill(os.getpid(), signal.SIGKILL)
        report(trial, *args)
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    hp.Trial.report = counted  # type: ignore[method-assign, assignment]
    log = hp.load_study(path, name, retries=10**6)._trial_log
    log.begin(f"lag {STALENESS}", STALENESS)
    # As a run does that goes on up to so many trials in all.
    while isinstance(trial := log.ask(Terms(most=trials, staleness=STALENESS)), hp.Trial):
        done = call(train, trial)
        assert done.error is None, done.error
        log.finish(trial, log.conclude(trial, log.judge(done.value, None, None), done.pruned))


def _curves(study: hp.Study) -> list[Any]:
    return [(*of, t.until, t.reports) for of, t in zip(facts(study), study.trials, strict=True)]


if __name__ == "__main__":
    main("resume", {"seeds": 10, "trials": 30, "scheduled": 2}, test)
