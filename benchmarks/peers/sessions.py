"""Seconds of whole runs of 100 trials on a cheap function, all of it overhead: hpcore and the peers.

    OMP_NUM_THREADS=1 taskset -c 0 python benchmarks/peers/sessions.py [--only hpcore,optuna] [--json FILE]
                                                                       [--readme FILE] [--report-only]

The script prints a Markdown table: the median of the repeats, the best value found (which shows a fast run that does
not search) and the ratio to hpcore's run with the same kind of sampler and storage; --report-only reads the JSON file
instead of measuring.
Peers come with ``pip install hpcore[peers]``; missing ones are named and skipped.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import os
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parents[1]))  # modules shared by the benchmarks
from publish import circumstances, replace_section

import hpcore as hp

PACKAGES = ("hpcore", "numpy", "scipy", "optuna", "torch", "hyperopt", "scikit-optimize")

SPACE = {
    "x": hp.Float(-5, 5),
    "y": hp.Float(-5, 5),
    "rate": hp.Float(1e-5, 1, log=True),
    "n": hp.Int(1, 50),
    "c": hp.Categorical(["a", "b", "c"]),
}


def loss(x: float, y: float, rate: float, n: int, c: str) -> float:
    """Compute a loss that is 0 at (1, -2, 1e-3, 10, "b")."""
    return (x - 1) ** 2 + (y + 2) ** 2 + (math.log10(rate) + 3) ** 2 + (n - 10) ** 2 / 100 + (c != "b")


def hpcore(sampler: str, durable: bool) -> Callable[[int, int], float]:
    """Run `minimize` in memory, or a `Study` in SQLite."""

    def run(trials: int, seed: int) -> float:
        def objective(trial: Any) -> float:
            return loss(**trial.params)

        if not durable:
            return float(hp.minimize(objective, SPACE, n_trials=trials, sampler=sampler, seed=seed).best_value)
        with tempfile.TemporaryDirectory() as folder:
            study = hp.Study(SPACE, storage=f"sqlite:///{folder}/runs.db", name="run", sampler=sampler, seed=seed)
            study.run(objective, n_trials=trials)
            return float(study.best_value)

    return run


def optuna(sampler: str, durable: bool) -> Callable[[int, int], float]:
    """Run `Study.optimize`."""

    def run(trials: int, seed: int) -> float:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)

        def objective(trial: Any) -> float:
            return loss(
                trial.suggest_float("x", -5, 5),
                trial.suggest_float("y", -5, 5),
                trial.suggest_float("rate", 1e-5, 1, log=True),
                trial.suggest_int("n", 1, 50),
                trial.suggest_categorical("c", ["a", "b", "c"]),
            )

        with tempfile.TemporaryDirectory() as folder:
            storage = f"sqlite:///{folder}/runs.db" if durable else None
            study = optuna.create_study(sampler=getattr(optuna.samplers, sampler)(seed=seed), storage=storage)
            study.optimize(objective, n_trials=trials)
            return float(study.best_value)

    return run


def hyperopt(trials: int, seed: int) -> float:
    """Run `fmin`."""
    import hyperopt
    import numpy as np

    make = hyperopt.hp
    space = {
        "x": make.uniform("x", -5, 5),
        "y": make.uniform("y", -5, 5),
        "rate": make.loguniform("rate", math.log(1e-5), 0),
        "n": make.uniformint("n", 1, 50),
        "c": make.choice("c", ["a", "b", "c"]),
    }
    done = hyperopt.Trials()
    hyperopt.fmin(
        lambda p: loss(**p), space, hyperopt.tpe.suggest, trials, trials=done,
        rstate=np.random.default_rng(seed), show_progressbar=False, verbose=False,
    )  # fmt: skip
    return float(min(done.losses()))


def skopt(trials: int, seed: int) -> float:
    """Run `gp_minimize`."""
    from skopt import gp_minimize
    from skopt.space import Categorical, Integer, Real

    space = [Real(-5, 5), Real(-5, 5), Real(1e-5, 1, prior="log-uniform"), Integer(1, 50), Categorical(["a", "b", "c"])]
    return float(gp_minimize(lambda p: loss(*p), space, n_calls=trials, random_state=seed).fun)


RUNS: dict[str, tuple[tuple[str, ...], Callable[[int, int], float]]] = {
    "hpcore random": ((), hpcore("random", durable=False)),
    "hpcore tpe": ((), hpcore("tpe", durable=False)),
    "hpcore tpe, SQLite": ((), hpcore("tpe", durable=True)),
    "hpcore gp": ((), hpcore("gp", durable=False)),
    "optuna random": (("optuna",), optuna("RandomSampler", durable=False)),
    "optuna tpe": (("optuna",), optuna("TPESampler", durable=False)),
    "optuna tpe, SQLite": (("optuna",), optuna("TPESampler", durable=True)),
    "optuna gp": (("optuna", "torch"), optuna("GPSampler", durable=False)),
    "hyperopt tpe": (("hyperopt",), hyperopt),
    "skopt gp": (("skopt",), skopt),
}


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return one row per run; print the libraries that are not installed."""
    wanted = tuple(filter(None, options.only.split(",")))
    rows: list[dict[str, Any]] = []
    for name, (needs, run) in RUNS.items():
        missing = [module for module in needs if importlib.util.find_spec(module) is None]
        if wanted and not name.startswith(wanted):
            continue
        if missing:
            print(f"{name}: skipped, {', '.join(missing)} not installed")
            continue
        run(12, 0)  # imports and other costs of a first call
        times, best = [], []
        for seed in range(options.repeats):
            begin = time.perf_counter()
            best.append(run(options.trials, seed))
            times.append(time.perf_counter() - begin)
        rows.append({"run": name, "trials": options.trials, "seconds": times, "best": best})
        print(f"{name}: {statistics.median(times):.3f} s", flush=True)
    return rows


def session_table(rows: Sequence[dict[str, Any]]) -> str:
    """Build the table of medians, with ratios to hpcore's run of the same kind."""
    took = {row["run"]: statistics.median(row["seconds"]) for row in rows}
    lines = [
        f"| run of {rows[0]['trials']} trials | seconds | ms a trial | best value | times hpcore's |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        name = row["run"]
        ours = took.get("hpcore " + name.partition(" ")[2])
        ratio = "" if ours is None or name.startswith("hpcore") else f"{took[name] / ours:.0f}"
        each, best = 1e3 * took[name] / row["trials"], statistics.median(row["best"])
        lines.append(f"| {name} | {took[name]:.3f} | {each:.2f} | {best:.3g} | {ratio} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, unless --report-only, then report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", help="comma separated beginnings of names")
    parser.add_argument("--json", type=Path, default=Path("sessions.json"))
    parser.add_argument("--report-only", action="store_true", help="of what the JSON file holds")
    parser.add_argument("--readme", type=Path, help="write the table between the file's marks for it")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if not options.report_only:
        on = f"{circumstances(PACKAGES)}; load {os.getloadavg()[0]:.1f} when it began"
        options.json.write_text(json.dumps({"on": on, "rows": measure(options)}, indent=1) + "\n")
    saved = json.loads(options.json.read_text())
    text = f"{saved['on']}.\n\n{session_table(saved['rows'])}"
    print("\n" + text)
    if options.readme:
        replace_section(options.readme, "sessions", text)


if __name__ == "__main__":
    main()
