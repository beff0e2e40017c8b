"""Seconds and megabytes of the page of a search, by trials and parameters, and the share of each figure.

    python benchmarks/report.py [--trials 40 200 1000] [--parameters 5 20] [--objectives 1 2] [--figures]

Times are of the CPU, of the second page in the process: the first also imports plotly and compiles.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import hpcore as hp
from hpcore.report.figure import FIGURES, drawn
from hpcore.report.record import read
from hpcore.report.section import Material, NothingToShow


def searched(n_trials: int, d: int, m: int) -> hp.Study:
    """Random trials of sums of squares, a minimum for each objective."""

    def objective(trial: hp.Trial) -> float | tuple[float, ...]:
        x = list(trial.params.values())
        values = tuple(sum((v - (k + 1) / (m + 1)) ** 2 * (i + 1) for i, v in enumerate(x)) for k in range(m))
        return values if m > 1 else values[0]

    space = {f"parameter {i}": hp.Float(0, 1) for i in range(d)}
    directions = ["minimize"] * m if m > 1 else None
    return hp.minimize(objective, space, sampler="random", n_trials=n_trials, directions=directions, seed=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, nargs="+", default=[40, 200, 1000])
    parser.add_argument("--parameters", type=int, nargs="+", default=[5, 20])
    parser.add_argument("--objectives", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--figures", action="store_true", help="show the seconds of each figure, too")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp())
    hp.report.html(searched(20, 3, 1), folder / "first.html")
    print("| trials | parameters | objectives | seconds | MB |\n| --- | --- | --- | --- | --- |")
    for n in options.trials:
        for d in options.parameters:
            for m in options.objectives:
                study = searched(n, d, m)
                start = time.process_time()
                path = hp.report.html(study, folder / "report.html")
                seconds = time.process_time() - start
                print(f"| {n} | {d} | {m} | {seconds:.1f} | {path.stat().st_size / 1e6:.2f} |", flush=True)
                if options.figures:
                    each(study)


def each(study: hp.Study) -> None:
    """Print the seconds of each figure; the first that needs it fits the surrogate."""
    material = Material(read(study))
    for name in FIGURES:
        start = time.process_time()
        try:
            drawn(material, name)
        except NothingToShow:
            continue
        print(f"    {name}: {time.process_time() - start:.2f} s")


if __name__ == "__main__":
    main()
