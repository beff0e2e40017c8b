"""Time that trackers add to a trial: of the copy and the queue alone, and of a whole run beside one without a tracker.

``python benchmarks/tracking.py [--trials 2000] [--repeats 7]``
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import hpcore as hp
from hpcore.errors import MissingDependency
from hpcore.study.tracking import TrackerQueue

SPACE = {f"x{i}": hp.Float(0, 1) for i in range(8)}


class Nothing:
    """Tracker that does nothing."""

    def begin(self, study: Any) -> None:
        """Begin."""

    def reported(self, trial: Any, step: float, values: tuple[float, ...]) -> None:
        """Log a partial result."""

    def ended(self, trial: Any) -> None:
        """Log a trial."""

    def close(self) -> None:
        """End."""


def trackers(folder: Path) -> dict[str, Any]:
    """Make the trackers whose tools are installed; None is no tracker."""
    found: dict[str, Any] = {"none": None, "nothing": Nothing()}
    from hpcore import tracking

    for name, make in (
        ("tensorboard", lambda: tracking.TensorBoardCallback(folder / "tb", flush_seconds=0.0)),
        (
            "wandb",
            lambda: tracking.WandbCallback(wandb_kwargs={"mode": "offline", "dir": str(folder)}, flush_seconds=0.0),
        ),
        ("mlflow", lambda: tracking.MLflowCallback(f"sqlite:///{folder / 'm.db'}", flush_seconds=0.0)),
    ):
        try:
            found[name] = make()
        except MissingDependency:
            continue
    return found


def measure(tracker: Any, n: int, seconds: float, attributes: bool) -> tuple[float, float, float]:
    """Run a study; return microseconds a trial: those that pass, without the objective's sleep, those of the CPU in the
    run's thread, and of the latter the median of those in `TrackerQueue.ended`."""
    begun: list[int] = []
    cpu: list[int] = []
    spent: list[int] = []
    original = TrackerQueue.ended

    def ended(self: TrackerQueue, trial: Any) -> None:
        start = time.thread_time_ns()  # this and the next call are a part of the result
        original(self, trial)
        spent.append(time.thread_time_ns() - start)

    def objective(trial: hp.Trial) -> float:
        if seconds:
            time.sleep(seconds)
        if attributes:
            trial.user_attrs["note"] = "text"
            for step in range(10):
                trial.report(trial["x0"], step)
        begun.append(time.perf_counter_ns())
        cpu.append(time.thread_time_ns())
        return trial["x0"]

    TrackerQueue.ended = ended  # type: ignore[method-assign]
    try:
        hp.minimize(
            objective,
            SPACE,
            n_trials=n,
            sampler="random",
            seed=0,
            progress=False,
            callbacks=[] if tracker is None else [tracker],
        )
    finally:
        TrackerQueue.ended = original  # type: ignore[method-assign]
    whole = (begun[-1] - begun[0]) / (n - 1) / 1e3 - 1e6 * seconds
    own = (cpu[-1] - cpu[0]) / (n - 1) / 1e3
    return whole, own, statistics.median(spent) / 1e3 if spent else 0.0


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    logging.getLogger("hpcore").setLevel(logging.ERROR)
    out: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        known = trackers(Path(folder))
        for case, n, seconds, attributes in (
            ("trials of no time", given.trials, 0.0, False),
            ("with an attribute and 10 reports", given.trials, 0.0, True),
            ("trials of 10 ms", 100, 0.01, False),
        ):
            times: dict[str, list[tuple[float, ...]]] = {name: [] for name in known}
            for _ in range(given.repeats):  # in turn, because the machine's speed changes
                for name, tracker in known.items():
                    times[name].append(measure(tracker, n, seconds, attributes))
            columns = {name: zip(*found, strict=True) for name, found in times.items()}
            median = {name: [*map(statistics.median, found)] for name, found in columns.items()}
            out[case] = {
                name: {
                    "us": round(wall, 1),
                    "cpu_us": round(cpu, 1),
                    "us_added": round(wall - median["none"][0], 1),
                    "cpu_us_added": round(cpu - median["none"][1], 1),
                    "cpu_us_of_the_queue": round(queue, 1),
                }
                for name, (wall, cpu, queue) in median.items()
            }
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
