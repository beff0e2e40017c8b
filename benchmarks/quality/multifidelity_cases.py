"""Robustness of a scheduler: the multi-fidelity tasks with noise, other levels, several workers, misleading levels.

    python multifidelity_cases.py --suite /path/to/quality [--refs refs.npz] [--cases noise,workers] [--seeds 0-2]
        [--scheduler FreezeThaw] [--out cases.jsonl]

`--suite` is the folder of multifidelity.py. Prints the score at a cost of 5, 10 and 20 full trainings by case: 0 is
random search of the same cost on full trainings, 100 the best known value. Where low levels mislead, only full
trainings may be the answer; elsewhere the answer is the configuration of lowest loss at any level.
"""

from __future__ import annotations

import argparse
import heapq
import itertools
import json
import sys
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import hpcore as hp

sys.path.insert(0, str(Path(__file__).parent))
import multifidelity_adapter as adapter

MULT, MULTS = 20, (5, 10, 20)


@dataclass(frozen=True)
class Case:
    """Change of the tasks.

    Attributes
    ----------
    kind : str
        Kind of the tasks: ``"lcbench"``, ``"xgboost"``, or empty for both.
    noise : float
        Standard deviation of the values, as a share of the distance between the median and the best.
    levels : tuple of int, optional
        Levels that are allowed.
    resumes : bool
        False if a training always begins again.
    workers : int
        Trainings at a time, each of which takes as long as it costs.
    misleads : float
        Levels below this share of the full one belong to another configuration.
    mirrored : bool
        True if that is the opposite point, and not one at random.
    """

    kind: str = "lcbench"
    noise: float = 0.0
    levels: tuple[int, ...] | None = None
    resumes: bool = True
    workers: int = 1
    misleads: float = 0.0
    mirrored: bool = False


CASES = {
    "as it is": Case(),
    "no resume": Case(resumes=False),
    "4 levels": Case(levels=(2, 6, 18, 52)),
    "noise": Case(noise=0.1),
    "noise xgboost": Case("xgboost", noise=0.1),
    "8 workers": Case("", workers=8),
    "below R misleads": Case(misleads=1.0),
    "below R/3 misleads": Case(misleads=1.0 / 3.0),
    "below R opposite": Case(misleads=1.0, mirrored=True),
}


class Play:
    """One search on one task."""

    def __init__(self, task: Any, case: Case, scheduler: str, seed: int, unit: float) -> None:
        self.task, self.case = task, case
        self.levels = list(case.levels or task.levels)
        self.full = self.levels[-1]
        self.resumes = case.resumes and task.resume
        self.space = adapter.space_of(task.space)
        made = adapter.scheduler_of(scheduler, self.levels, self.resumes, len(self.levels) <= 5)
        self.optimizer = hp.Optimizer(self.space, sampler="gp", scheduler=made, seed=seed)
        self.rng = np.random.default_rng([seed, 77])
        self.seed, self.sd = seed, case.noise * unit

    def loss(self, number: int, params: dict[str, Any], level: int) -> float:
        """Return the loss at a level, which may be that of another configuration."""
        if level < self.case.misleads * self.full:
            if self.case.mirrored:
                u = 1.0 - np.nan_to_num(self.optimizer.history.X[number], nan=0.5)
                params = dict(self.space.coder.settle(np.clip(u, 0.0, 1.0)))
            else:
                params = self.task.space.sample(np.random.default_rng([self.seed, number]))
        curve = self.task.curve({k: v for k, v in params.items() if v is not None})
        return float(curve[self.task.levels.index(level)]) + self.sd * float(self.rng.standard_normal())

    def run(self) -> list[tuple[float, float]]:
        """Return the incumbents: the cost by then, and the true loss at the full level."""
        budget = MULT * self.full
        best, incumbents, begun, clock, tie = np.inf, [], 0.0, 0.0, itertools.count()
        running: list[tuple[float, int, Any, int, float]] = []
        reached: dict[int, int] = {}
        while begun < budget or running:
            while begun < budget and len(running) < self.case.workers:
                trial = self.optimizer.ask()
                level = self.levels[bisect_left(self.levels, min(trial.until, self.full))]
                cost = level - (reached.get(trial.number, 0) if self.resumes else 0)
                begun += cost
                heapq.heappush(running, (clock + cost, next(tie), trial, level, begun))
            clock, _, trial, level, cost = heapq.heappop(running)
            reached[trial.number] = level
            params = {k: v for k, v in trial.params.items() if v is not None}
            loss = self.loss(trial.number, params, level)
            # With several workers a result counts when all the cost that began before it is spent.
            spent = cost if self.case.workers == 1 else clock * self.case.workers
            if spent <= budget and loss < best and (level == self.full or not self.case.misleads):
                best = loss
                incumbents.append((spent, float(self.task.curve(params)[-1])))
            self.optimizer.report(trial, loss, level)
            self.optimizer.tell(trial)
        return incumbents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--suite", required=True, help="folder of multifidelity.py")
    parser.add_argument("--refs", help="reference values, by default those of the suite")
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--seeds", default="0-2")
    parser.add_argument("--scheduler", default="FreezeThaw")
    parser.add_argument("--out", help="file of JSON lines to append to")
    args = parser.parse_args()
    sys.path.insert(0, args.suite)
    import multifidelity
    import problems

    first, last = map(int, args.seeds.split("-"))
    refs = np.load(args.refs or Path(problems.DATA) / "refs.npz")
    for name in args.cases.split(","):
        case, scores = CASES[name], []
        for problem in problems.split()["multifidelity"]["public"]:
            key = problem.replace("mf_lcbench", "yahpo_lcbench").replace("mf_xgboost", "yahpo_rbv2_xgboost")
            if case.kind not in problem or f"{key}/rand" not in refs:
                continue
            task = multifidelity.MFTask(problem)
            low, rand, median = float(refs[f"{key}/fstar"]), refs[f"{key}/rand"], float(refs[f"{key}/med"])
            for seed in range(first, last + 1):
                found = Play(task, case, args.scheduler, seed, median - low).run()
                row = []
                for mult in MULTS:
                    at = [loss for cost, loss in found if cost <= mult * task.levels[-1]]
                    regret = max((at[-1] if at else median) - low, 0.0)
                    row.append(100.0 * (1.0 - min(regret / (rand[mult - 1] - low), 2.0)))
                scores.append(row)
                if args.out:
                    line = {"case": name, "scheduler": args.scheduler, "problem": problem, "seed": seed, "scores": row}
                    with Path(args.out).open("a") as file:
                        file.write(json.dumps(line) + "\n")
        mean, error = np.mean(scores, axis=0), np.std(scores, axis=0) / len(scores) ** 0.5
        print(f"{name:20s} {' / '.join(f'{m:4.0f}' for m in mean)}   +- {error.mean():.0f}", flush=True)


if __name__ == "__main__":
    main()
