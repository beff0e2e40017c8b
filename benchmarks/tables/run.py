"""Run peers on the sets, each run in a process of its own on its own cores; results are appended to a file.

    python benchmarks/tables/run.py --out tables-runs.jsonl --time 60 --seeds 3 --jobs 2 --cores 0,1

Runs in the file are not repeated. With ``--jobs 2 --cores 0,1`` two runs of one core each go side by side. More than
one budget, as in ``--time 6,12,30,60 --peers hpcore``, is for the time to the final score of another. The packages are
those of `requirements.txt`; peers that are not installed are named and skipped. `summary.py` reads the file.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import psutil
from data import SETS, half
from peers import PEERS

KEY = ("set", "peer", "seed", "time", "n_cores")
# A run that takes this many times its budget, and these seconds more, is ended.
PATIENCE, GRACE = 5.0, 300.0
SAMPLED_EVERY = 0.2


def missing(peer: str) -> str | None:
    """Return the reason why a peer cannot run here, or None."""
    for module in PEERS[peer][0]:
        if importlib.util.find_spec(module) is None:
            return f"{module} is not installed"
    if peer in ("hpcore", "hpcore-ensemble"):
        import hpcore.tables

        if not callable(getattr(hpcore.tables, "autotune", None)):
            return "this version of hpcore has no hpcore.tables.autotune"
    return None


def commit() -> str:
    """Return the commit of the repository, or "" outside of one."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def memory(process: psutil.Process) -> float:
    """Return the resident megabytes of a process and of all that it started."""
    total = 0
    for one in (process, *process.children(recursive=True)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:  # ended between the two calls
            continue
    return total / 2**20


def end(process: psutil.Process) -> None:
    """Kill a process and all that it started."""
    for one in (*process.children(recursive=True), process):
        try:
            one.kill()
        except psutil.NoSuchProcess:
            continue


def execute(run: dict[str, Any], cores: list[int]) -> dict[str, Any]:
    """Run in a new process, with the peak of its memory; an error is a result."""
    # More cores are for fits side by side; FLAML gives its models their number of threads itself.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    command = [sys.executable, str(Path(__file__).with_name("measure.py")), json.dumps(run | {"cores": cores})]
    # FLAML and CatBoost write files into the working directory.
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen(command, env=environment, cwd=folder, stdout=out, stderr=err)
        process, peak, begin = psutil.Process(child.pid), 0.0, time.monotonic()
        killed = False
        while child.poll() is None:
            try:
                peak = max(peak, memory(process))
            except psutil.NoSuchProcess:
                break
            if time.monotonic() - begin > PATIENCE * run["time"] + GRACE:
                end(process)
                killed = True
            time.sleep(SAMPLED_EVERY)
        child.wait()
        out.seek(0)
        err.seek(0)
        lines = out.read().decode(errors="replace").strip().splitlines()
        if killed or child.returncode or not lines:
            last = "ended, too slow" if killed else err.read().decode(errors="replace").strip()[-500:]
            result: dict[str, Any] = {"error": last or f"exit status {child.returncode}"}
        else:
            result = json.loads(lines[-1])
    return run | result | {"peak_mb": peak}


def main() -> None:
    """Make the runs that are not in the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sets", default="all", help="names, or all, tuned, held-out")
    parser.add_argument("--peers", default="hpcore,hpcore-ensemble,flaml,halving,optuna,hpcore-single")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--time", default="60", help="seconds, or several separated by commas")
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--cores", default="0", help="processors, shared out among the jobs")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    halves = {"tuned": "tuned", "held-out": "held out"}
    if options.sets == "all" or options.sets in halves:
        sets = [name for name in SETS if options.sets == "all" or half(name) == halves[options.sets]]
    else:
        sets = options.sets.split(",")
    peers = options.peers.split(",")
    for name, known in [*((s, SETS) for s in sets), *((p, PEERS) for p in peers)]:
        if name not in known:
            parser.error(f"{name!r} is not one of {', '.join(known)}")
    cores = [int(core) for core in options.cores.split(",")]
    if options.jobs < 1 or len(cores) % options.jobs:
        parser.error(f"--jobs must divide the number of cores, got {options.jobs} and {len(cores)}")
    for peer in list(peers):
        if reason := missing(peer):
            print(f"{peer}: skipped, {reason}", flush=True)
            peers.remove(peer)

    each = len(cores) // options.jobs
    free: SimpleQueue[list[int]] = SimpleQueue()
    for k in range(options.jobs):
        free.put(cores[k * each : (k + 1) * each])
    known_runs = set()
    if options.out.exists():
        known_runs = {tuple(json.loads(line)[k] for k in KEY) for line in options.out.read_text().splitlines()}
    # Peers of one set and seed follow each other, so that they see the machine in the same state.
    runs = [
        {"set": name, "peer": peer, "seed": seed, "time": seconds, "n_cores": each}
        for seconds in map(float, options.time.split(","))
        for seed in range(options.first, options.first + options.seeds)
        for name in sets
        for peer in peers
    ]
    todo = [run for run in runs if tuple(run[k] for k in KEY) not in known_runs]
    print(f"{len(todo)} of {len(runs)} runs to make", flush=True)
    lock, version = threading.Lock(), commit()

    def work(run: dict[str, Any]) -> None:
        mine = free.get()
        try:
            result = execute(run, mine) | {"commit": version}
        finally:
            free.put(mine)
        with lock:
            with options.out.open("a") as file:
                file.write(json.dumps(result) + "\n")
            shown = result.get("error", f"{result.get('score', 0):.4f}")
            print(
                f"{run['set']} {run['peer']} seed {run['seed']}, {run['time']:g} s: {shown}; "
                f"{result.get('seconds', 0):.1f} s, {result['peak_mb']:.0f} MB {result.get('details', '')}",
                flush=True,
            )

    with ThreadPoolExecutor(options.jobs) as pool:
        try:
            list(pool.map(work, todo))
        finally:  # after Ctrl-C, runs that have not begun are not made
            pool.shutdown(cancel_futures=True)


if __name__ == "__main__":
    main()
