"""Score of every sampler after so many evaluations, beside "auto", for budgets up to thousands.

    python benchmarks/auto/budgets.py [--samplers auto,gp,tpe] [--budgets 25,50,100,300,1000] [--seeds 0-4] [--all]
                                      [--tasks FOLDER] [--out runs.jsonl] [--jobs N] [--vs auto] [--report-only]

Each sampler makes one run of each of the budgets as if this were all that it would get: "auto" is told the number of
trials, as `hpcore.minimize` tells it; the others do not use it, so that one run to the largest budget is read on the
way. The references of random search end at 400 evaluations: beyond them scores are relative to 400 random evaluations.
Differences are paired by problem and seed, with a 95 % bootstrap over problems and seeds.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

sys.path.append(str(Path(__file__).resolve().parents[1]))  # modules shared by the benchmarks
sys.path.append(str(Path(__file__).resolve().parents[1] / "quality"))
from adapter import space_of
from runner import read_runs, seeds_of
from scores import best_so_far, interval, mean_over_problems
from tasks import SHARED, open_tasks

import hpcore as hp

Run = dict[str, Any]


def one_run(folder: Path | None, sampler: str, name: str, seed: int, budget: int) -> Run:
    """Return the incumbents of one search."""
    warnings.simplefilter("ignore")
    problem = open_tasks(folder).problem(name)
    told: Any = hp.samplers.AutoSampler(n_trials=budget) if sampler == "auto" else sampler
    optimizer = hp.Optimizer(space_of(problem.space), sampler=told, seed=seed)
    best, incumbents, own = float("inf"), [], 0.0
    with threadpool_limits(1):
        for evaluation in range(1, budget + 1):
            begin = time.perf_counter()
            try:
                trial = optimizer.ask()
            except hp.errors.SearchSpaceExhausted:
                break
            own += time.perf_counter() - begin
            value = float(problem(dict(trial.params)))
            if value < best:
                best = value
                incumbents.append([evaluation, float(f"{value:.10g}")])
            begin = time.perf_counter()
            optimizer.tell(trial, value)
            own += time.perf_counter() - begin
    return {"opt": sampler, "problem": name, "seed": seed, "budget": budget, "own_s": round(own, 3), "inc": incumbents}


def score(tasks: Any, run: Run, at: int) -> float:
    """Compute the score of a run after `at` evaluations."""
    reference = tasks.reference(run["problem"])
    chance = max(float(reference.random[min(at, len(reference.random)) - 1]) - reference.best, 1e-300)
    regret = max(float(best_so_far(run["inc"], at)[-1]) - reference.best, 0.0)
    return 100.0 * (1.0 - min(regret / chance, 2.0))


def table(tasks: Any, runs: list[Run], options: argparse.Namespace) -> str:
    """Return the scores of all samplers, and their differences to the one of --vs."""
    found: dict[str, dict[int, dict[tuple[str, int], float]]] = {}
    seconds: dict[str, list[float]] = {}
    for run in runs:
        for at in options.budgets:
            # "auto" has a run of its own for each budget.
            if (run["opt"] == "auto" and run["budget"] != at) or run["budget"] < at:
                continue
            found.setdefault(run["opt"], {}).setdefault(at, {})[run["problem"], run["seed"]] = score(tasks, run, at)
        if run["budget"] == max(options.budgets):
            seconds.setdefault(run["opt"], []).append(run["own_s"])
    lines = [
        "| sampler | " + " | ".join(map(str, options.budgets)) + " | own time, s a run |",
        "| --- " * (len(options.budgets) + 2) + "|",
    ]
    for sampler in options.samplers:
        cells = []
        for at in options.budgets:
            mine, other = found.get(sampler, {}).get(at, {}), found.get(options.vs, {}).get(at, {})
            if not mine:
                cells.append("-")
                continue
            text = f"{mean_over_problems(_by_problem(mine)):.1f}"
            both = mine.keys() & other.keys()
            if sampler != options.vs and both:
                paired = _by_problem({key: mine[key] - other[key] for key in both})
                low, high = interval(paired)
                text += f" ({mean_over_problems(paired):+.1f} [{low:+.1f}, {high:+.1f}], {len(both)})"
            cells.append(text)
        cells.append(f"{np.mean(seconds[sampler]):.2f}" if sampler in seconds else "-")
        lines.append(f"| {sampler} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _by_problem(values: dict[tuple[str, int], float]) -> dict[str, Any]:
    out: dict[str, list[float]] = {}
    for (problem, _), value in sorted(values.items()):
        out.setdefault(problem, []).append(value)
    return {problem: np.array(column) for problem, column in out.items()}


def main() -> int:
    """Run what is missing, then report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samplers", default=["auto", "gp", "tpe"], type=lambda text: text.split(","))
    parser.add_argument(
        "--budgets", default=[25, 50, 100, 300, 1000], type=lambda text: [int(p) for p in text.split(",")]
    )
    parser.add_argument("--seeds", default=seeds_of("0-4"), type=seeds_of)
    parser.add_argument("--all", action="store_true", help="all public problems, not the core only")
    parser.add_argument("--match", default="", help="only problems whose name holds this")
    parser.add_argument("--tasks", type=Path, default=SHARED if SHARED.exists() else None)
    parser.add_argument("--out", type=Path, default=Path("budgets.jsonl"))
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--vs", default="auto")
    parser.add_argument("--report-only", action="store_true")
    options = parser.parse_args()
    tasks = open_tasks(options.tasks)
    names = [name for name in tasks.names(core=not options.all) if options.match in name]
    if not options.report_only:
        done = {(r["opt"], r["problem"], r["seed"], r["budget"]) for r in read_runs(options.out)}
        keys = [
            (sampler, name, seed, budget)
            for seed in options.seeds
            for sampler in options.samplers
            for budget in (options.budgets if sampler == "auto" else options.budgets[-1:])
            for name in names
        ]
        todo = [key for key in keys if key not in done]
        print(f"{len(todo)} runs to do", flush=True)
        jobs = (joblib.delayed(one_run)(options.tasks, *key) for key in todo)
        with options.out.open("a") as file:
            for run in joblib.Parallel(n_jobs=options.jobs, batch_size=1, return_as="generator_unordered")(jobs):
                file.write(json.dumps(run, separators=(",", ":")) + "\n")
                file.flush()
    runs = [r for r in read_runs(options.out) if r["problem"] in names and r["seed"] in options.seeds]
    print(table(tasks, runs, options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
