"""Quality of results: the samplers of hpcore on the quality problems, as a table and a figure.

    python benchmarks/quality/runner.py [--core] [--samplers gp,tpe,sobol,random,grid] [--budget 100] [--seeds 0-9]
                                        [--tasks FOLDER | --rebuilt] [--out runs.jsonl] [--jobs N] [--report-only]
                                        [--peers FILE ...] [--figure FILE] [--readme FILE]

The script runs what the file does not hold yet, on every core, and appends a line per run, so that the same command
continues an interrupted benchmark. Then it prints the scores (0 = random search with as many evaluations, 100 = best
known value, 95 % bootstrap intervals) and draws them over the evaluations. The problems are those of the project's
collection if its folder is beside the repository; otherwise, or with --rebuilt, those that the packages coco-experiment
and scikit-learn can rebuild. `pip install "hpcore[quality]"` installs the packages. Results do not depend on the load
of the machine or on --jobs.
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
from threadpoolctl import threadpool_limits

sys.path.append(str(Path(__file__).resolve().parents[1]))  # modules shared by the benchmarks
from adapter import SAMPLERS
from publish import circumstances, replace_section
from report import draw, table
from tasks import SHARED, open_tasks

import hpcore as hp

PACKAGES = ("hpcore", "numpy", "scipy", "scikit-learn", "ioh", "coco-experiment", "onnxruntime")
Run = dict[str, Any]


def one_run(folder: Path | None, sampler: str, name: str, seed: int, budget: int) -> Run | None:
    """Return the incumbents of one search; None if the sampler is unsuitable for the problem."""
    warnings.simplefilter("ignore")
    problem = open_tasks(folder).problem(name)
    made = SAMPLERS[sampler].for_problem(problem.space, seed, budget)
    if made is None:
        return None
    best, incumbents, own = float("inf"), [], 0.0
    with threadpool_limits(1):
        for evaluation in range(1, budget + 1):
            begin = time.perf_counter()
            params = made.ask()
            own += time.perf_counter() - begin
            value = problem(params)
            if value < best:
                best = value
                incumbents.append([evaluation, float(f"{value:.10g}")])
            begin = time.perf_counter()
            made.tell(params, value)
            own += time.perf_counter() - begin
    return {"opt": sampler, "problem": name, "seed": seed, "budget": budget, "hpcore": hp.__version__,
            "on": circumstances(PACKAGES), "overhead_s": round(own, 3), "inc": incumbents}  # fmt: skip


def read_runs(path: Path) -> list[Run]:
    """Read the lines of a file; an incomplete last line is removed, so that further lines can be appended."""
    if not path.exists():
        return []
    text = path.read_text()
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole)
    return [json.loads(line) for line in whole.splitlines()]


def seeds_of(text: str) -> list[int]:
    """Parse ``"0-9"`` or ``"0,3,5"``."""
    first, dash, last = text.partition("-")
    return list(range(int(first), int(last) + 1)) if dash else [int(part) for part in text.split(",")]


def run_missing(options: argparse.Namespace, names: list[str]) -> None:
    """Append missing runs seed by seed, so that an early end leaves complete seeds."""
    there = read_runs(options.out)
    if others := {r["hpcore"] for r in there} - {hp.__version__}:
        raise SystemExit(
            f"{options.out} holds runs of hpcore {', '.join(others)}, not {hp.__version__}: another --out?"
        )
    done = {(r["opt"], r["problem"], r["seed"]) for r in there if r["budget"] >= options.budget}
    todo = [
        (sampler, name, seed)
        for seed in options.seeds
        for name in names
        for sampler in options.samplers
        if (sampler, name, seed) not in done
    ]
    print(f"{len(todo)} runs to do, {len(done)} in {options.out}", flush=True)
    for name in dict.fromkeys(name for _, name, _ in todo):
        open_tasks(options.tasks).reference(name)  # shared data is computed once, here
    options.out.parent.mkdir(parents=True, exist_ok=True)
    jobs = (joblib.delayed(one_run)(options.tasks, *key, options.budget) for key in todo)
    parallel = joblib.Parallel(n_jobs=options.jobs, batch_size=1, return_as="generator_unordered")
    begin, finished = time.monotonic(), 0
    with options.out.open("a") as file:
        for run in parallel(jobs):
            finished += 1
            if run is None:
                continue
            file.write(json.dumps(run, separators=(",", ":")) + "\n")
            file.flush()
            if finished % 50 == 0:
                print(f"{finished} of {len(todo)} after {time.monotonic() - begin:.0f} s", flush=True)


def main() -> int:
    """Run, then report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--samplers", default=list(SAMPLERS), type=lambda text: text.split(","), help="default: all")
    parser.add_argument("--core", action="store_true", help="the problems that slow peers are measured on as well")
    parser.add_argument("--match", default="", help="only problems whose name holds this")
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--seeds", type=seeds_of, default=seeds_of("0-9"))
    parser.add_argument("--jobs", type=int, default=-1)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--tasks", type=Path, default=SHARED if SHARED.is_dir() else None, help="collection's folder")
    where.add_argument("--rebuilt", dest="tasks", action="store_const", const=None)
    parser.add_argument("--out", type=Path, default=Path("quality-runs.jsonl"))
    parser.add_argument("--peers", type=Path, action="append", help="recorded runs of peers, in the form of --out")
    parser.add_argument("--at", default="25,50,100", help="evaluations that the table shows")
    parser.add_argument("--report-only", action="store_true")
    parser.add_argument("--figure", type=Path, help="curves over the evaluations, as PNG or SVG")
    parser.add_argument("--readme", type=Path, help="write the table between the file's marks for it")
    options = parser.parse_args()
    for sampler in options.samplers:
        if sampler not in SAMPLERS:
            parser.error(f"--samplers must be of {', '.join(SAMPLERS)}, got {sampler}")
    if options.tasks is not None:
        options.tasks = options.tasks.resolve()
    tasks = open_tasks(options.tasks)
    names = [name for name in tasks.names(core=options.core) if options.match in name]
    if not options.report_only:
        run_missing(options, names)
    samplers = [f"hpcore {sampler}" for sampler in options.samplers]
    runs = [{**r, "opt": f"hpcore {r['opt']}"} for r in read_runs(options.out) if r["opt"] in options.samplers]
    for path in options.peers or ():
        runs += [json.loads(line) for line in path.read_text().splitlines()]
    runs = [r for r in runs if r["problem"] in names]
    at = [n for n in map(int, options.at.split(",")) if n <= options.budget]
    text = table(runs, tasks, names, samplers, at)
    print(text)
    if options.readme:
        replace_section(options.readme, f"quality-{tasks.label}", text)
    if options.figure:
        draw(runs, tasks, names, samplers, at, options.figure)
    return 0


if __name__ == "__main__":
    sys.exit(main())
