"""Delay of limits: the end of a fold that takes too long, and of a search that Ctrl-C stops.

Run with ``python benchmarks/evaluation/limits.py --repeats 20``; needs psutil and Linux or macOS. Each row of the two
tables is one kind of model, with the worst and the median of all repetitions in seconds.

``fit_timeout``: from the moment when the time of the fold is over to the moment when its process and all its children
have ended; the goal is 1 s. A negative time would be too early.

Ctrl-C: SIGINT goes to the whole process group of a program that searches, as a terminal sends it, at a random moment
of a fold. *Returns*: until `fit` has given back a search with `best_params_` and `cv_results_` (2 s). *Children gone*:
until the program has no child process (3 s) except the tracker of loky, which removes what a killed program would leave
in shared memory, and ends with the program. Every repetition must also have a candidate in its `cv_results_`.

The models: *sleeps* sleeps in Python; *sleeps in C* and *spins in C* hold the interpreter's lock in native code;
*spins* does so in Python; *child* waits for a program that it started, *stray* for one that it started in a session of
its own; *quick* never hangs, so that there are hundreds of folds under way.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from sklearn.base import BaseEstimator, ClassifierMixin

from hpcore.sklearn import SearchCV

TIMED = ("sleeps in C", "spins in C", "spins", "child", "stray")
# (model, n_jobs); in this process a model that holds the interpreter's lock cannot be interrupted.
STOPPED = (
    ("sleeps", 1),
    ("spins", 1),
    ("quick", 1),
    ("sleeps in C", 2),
    ("spins in C", 2),
    ("spins", 2),
    ("child", 2),
    ("stray", 2),
    ("quick", 2),
)
LIMIT = 0.5
LONG = 600


class Late(ClassifierMixin, BaseEstimator):
    """Estimator that is quick for candidate 0; for the others it writes a file and hangs, in different ways."""

    def __init__(self, k: int = 0, how: str = "quick", folder: str = "") -> None:
        self.k = k
        self.how = how
        self.folder = folder

    def fit(self, X: Any, y: Any) -> Late:
        self.classes_ = np.unique(y)
        if self.k and self.how != "quick":
            pids = [os.getpid()]
            if self.how in ("child", "stray"):
                child = subprocess.Popen(["sleep", str(LONG)], start_new_session=self.how == "stray")
                pids.append(child.pid)
            note = Path(self.folder, f"{self.k}-{os.getpid()}")
            note.with_suffix(".new").write_text(json.dumps({"begun": time.monotonic(), "pids": pids}))
            note.with_suffix(".new").rename(note)
            self._hang()
        return self

    def _hang(self) -> None:
        if self.how == "sleeps in C":
            # PyDLL keeps the interpreter's lock; a handled signal ends the sleep, which is then started again.
            while True:
                ctypes.PyDLL(None).sleep(LONG)
        if self.how == "spins in C":
            sum(range(10**13))
        if self.how == "spins":
            while True:
                pass
        time.sleep(LONG)

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])


X, Y = np.arange(40.0).reshape(-1, 1), np.arange(40) % 2


def gone(pid: int) -> bool:
    """Tell whether a process has ended, even if its parent has not reaped it."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


# --- fit_timeout -------------------------------------------------------------------------------------------------


def timeouts(how: str, repeats: int) -> Iterator[float]:
    """Return the seconds by which each fold, with its children, exceeded its limit."""
    with tempfile.TemporaryDirectory() as folder:
        over = threading.Event()
        ends: dict[str, float] = {}

        def watch() -> None:
            waiting: dict[str, Any] = {}
            while not over.wait(0.005):
                for note in Path(folder).iterdir():
                    if note.suffix != ".new" and note.name not in ends and note.name not in waiting:
                        waiting[note.name] = json.loads(note.read_text())
                for name, found in list(waiting.items()):
                    if all(map(gone, found["pids"])):
                        ends[name] = time.monotonic() - found["begun"] - LIMIT
                        del waiting[name]

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        splits = [(np.arange(20), np.arange(20, 40))]
        space = {"k": list(range(repeats + 1)), "how": [how], "folder": [folder]}
        search = SearchCV(Late(), space, strategy="grid", cv=splits, n_jobs=2, fit_timeout=LIMIT, refit=False)
        search.fit(X, Y)
        failed = int(np.isnan(search.cv_results_["mean_test_score"]).sum())
        time.sleep(0.5)
        over.set()
        watcher.join()
        if failed != repeats or len(ends) != repeats:
            raise SystemExit(f"{how}: {failed} folds failed, {len(ends)} were seen to end, of {repeats}")
        yield from ends.values()


# --- Ctrl-C ------------------------------------------------------------------------------------------------------


def program(how: str, n_jobs: int, folder: str) -> None:
    """Run a search for each line of stdin, until Ctrl-C."""
    warnings.simplefilter("ignore")
    splits = [(np.arange(20), np.arange(20, 40)), (np.arange(20, 40), np.arange(20))]
    space = {"k": list(range(1_000_000 if how == "quick" else 50)), "how": [how], "folder": [folder]}

    def told(search: Any, trial: Any) -> None:
        Path(folder, "complete").touch()

    for _ in sys.stdin:
        search = SearchCV(
            Late(), space, strategy="grid", n_trials=len(space["k"]), cv=splits, n_jobs=n_jobs, refit=False,
            callbacks=[told],
        )  # fmt: skip
        search.fit(X, Y)
        now = time.monotonic()
        complete = len(search.cv_results_["params"])
        print(json.dumps([now, search.interrupted_, search.best_params_["k"], complete]), flush=True)


def children(parent: psutil.Process) -> list[psutil.Process]:
    """List the living descendants of a process, without the tracker of shared memory."""
    found = []
    for process in parent.children(recursive=True):
        try:
            if process.status() != psutil.STATUS_ZOMBIE and "resource_tracker" not in " ".join(process.cmdline()):
                found.append(process)
        except psutil.NoSuchProcess:
            continue
    return found


def interruptions(how: str, n_jobs: int, repeats: int) -> Iterator[tuple[float, float]]:
    """Return the seconds until the search returned, and until the last child ended."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--program", how, "--n-jobs", str(n_jobs), "--folder", folder]
        main = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        assert main.stdin is not None and main.stdout is not None
        seen = psutil.Process(main.pid)
        started: set[int] = set()
        rng = random.Random(0)
        for _ in range(repeats):
            for note in Path(folder).iterdir():
                note.unlink()
            main.stdin.write("\n")
            main.stdin.flush()
            while not _under_way(Path(folder), how):
                time.sleep(0.01)
            time.sleep(rng.uniform(0.0, 0.3))
            started |= {process.pid for process in children(seen)}
            start = time.monotonic()
            os.killpg(main.pid, signal.SIGINT)
            back, interrupted, k, complete = json.loads(main.stdout.readline())
            if not (interrupted and complete and k is not None):
                raise SystemExit(f"{how}: nothing to show for it")
            while children(seen) or not all(map(gone, started)):
                time.sleep(0.005)
                if time.monotonic() - start > 30.0:
                    raise SystemExit(f"{how}: {children(seen)} live on")
            yield back - start, max(time.monotonic(), back) - start
        main.stdin.close()
        main.wait()


def _under_way(folder: Path, how: str) -> bool:
    names = {note.name for note in folder.iterdir()}
    return "complete" in names and (how == "quick" or len(names) > 1)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--program", help=argparse.SUPPRESS)
    parser.add_argument("--n-jobs", type=int, default=2, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.program:
        program(args.program, args.n_jobs, args.folder)
        return
    warnings.simplefilter("ignore")
    print(f"fit_timeout={LIMIT} s, {args.repeats} folds each: seconds beyond it until all processes are gone\n")
    print("| model | median | worst |\n|---|---|---|")
    for how in TIMED:
        times = list(timeouts(how, args.repeats))
        print(f"| {how} | {statistics.median(times):.2f} | {max(times):.2f} |", flush=True)
    print(f"\nCtrl-C, {args.repeats} times each: seconds\n")
    print("| model | n_jobs | returns, median | worst | children gone, median | worst |\n|---|---|---|---|---|---|")
    for how, n_jobs in STOPPED:
        back, empty = zip(*interruptions(how, n_jobs, args.repeats), strict=True)
        print(
            f"| {how} | {n_jobs} | {statistics.median(back):.2f} | {max(back):.2f} "
            f"| {statistics.median(empty):.2f} | {max(empty):.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
