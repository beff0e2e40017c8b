"""Objectives that do what they should not, and a program that runs them all; see test_hostile.py.

Run as ``python hostile.py study|search LOG``: each trial leaves a line in the log, what
they came to goes to stdout, and then the program must end.
"""

from __future__ import annotations

import atexit
import builtins
import ctypes
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

LONG = 600


class Unpicklable(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("not me")


class Onesided(Exception):
    """Pickled, and then refused by its own class."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__("both")


class Silent(Exception):
    def __str__(self) -> str:
        raise RuntimeError("nothing to say")


def segfault() -> None:
    ctypes.string_at(0)


def overflow_the_stack() -> None:
    sys.setrecursionlimit(10**9)
    nested: list[Any] = []
    for _ in range(10**5):
        nested = [nested]
    repr(nested)  # newer Pythons notice it
    raise RecursionError


def close_all() -> None:
    os.closerange(0, 256)
    time.sleep(LONG)


def raise_unpicklable() -> None:
    raise Unpicklable


def raise_onesided() -> None:
    raise Onesided(1, 2)


def raise_silent() -> None:
    raise Silent


def return_a_lock() -> Any:
    return threading.Lock()


def change_globals() -> None:
    os.environ.clear()
    sys.path.clear()
    sys.argv = []
    os.chdir("/")
    builtins.print = None  # type: ignore[assignment]
    sys.stdout = sys.stderr = None  # type: ignore[assignment]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    warnings.simplefilter("error")


def keep_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(LONG,)).start()


def hang_at_exit() -> None:
    atexit.register(time.sleep, LONG)


def hang_at_exit_of_threads() -> None:
    threading._register_atexit(time.sleep, LONG)  # type: ignore[attr-defined]


def start_a_program() -> None:
    subprocess.Popen(["sleep", str(LONG)])


def start_a_program_in_a_session() -> None:
    subprocess.Popen(["sleep", str(LONG)], start_new_session=True)


def start_a_program_and_die() -> None:
    subprocess.Popen(["sleep", str(LONG)])
    os._exit(1)


def start_a_process() -> None:
    multiprocessing.get_context("fork").Process(target=time.sleep, args=(LONG,)).start()


def fork_and_stay() -> None:
    if not os.fork():
        time.sleep(LONG)


def fork_and_come_back() -> None:
    os.fork()


def lead_a_group() -> None:
    os.setpgid(0, os.getpgid(os.getppid()))


def write_much() -> None:
    os.write(2, b"x" * 79 + b"\n")
    for _ in range(40):
        sys.stderr.write("y" * 100_000)
        sys.stdout.write("# " + "z" * 50_000 + "\n")


def grow() -> None:
    sys.__dict__.setdefault("held", []).append(b"x" * 310_000_000)
    time.sleep(1.1)  # memory is looked at once a second
    atexit.register(time.sleep, LONG)


def few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (8, 8))


def nest() -> Any:
    import hpcore as hp

    return hp.minimize(lambda trial: 0.0, {"x": hp.Float(0, 1)}, n_trials=2, n_jobs=2, sampler="random").best_value


# What each does, and how its trial ends: with a value, by an error of its own, or because its worker died twice.
VALUE, ERROR, DEATH = "value", "error", "death"
HOSTILE: list[tuple[Callable[[], Any], str]] = [
    (segfault, DEATH),
    (overflow_the_stack, DEATH if sys.version_info < (3, 12) else ERROR),
    (close_all, DEATH),
    (start_a_program_and_die, DEATH),
    (raise_unpicklable, ERROR),
    (raise_onesided, ERROR),
    (raise_silent, ERROR),
    (return_a_lock, ERROR),
    (nest, VALUE),
    (keep_a_thread, VALUE),
    (hang_at_exit, VALUE),
    (hang_at_exit_of_threads, VALUE),
    (start_a_program, VALUE),
    (start_a_program_in_a_session, VALUE),
    (start_a_process, VALUE),
    (fork_and_stay, VALUE),
    (fork_and_come_back, VALUE),
    (lead_a_group, VALUE),
    (write_much, VALUE),
    (change_globals, VALUE),
    (few_descriptors, VALUE),
    (grow, VALUE),
]
# Those of a search, whose workers take longer to start: what is left behind, and one death.
OF_A_SEARCH = [start_a_program_and_die, hang_at_exit, keep_a_thread, start_a_program_in_a_session, fork_and_stay, grow]


def study(functions: list[Callable[[], Any]], log: str) -> list[Any]:
    import hpcore as hp

    def objective(trial: hp.Trial) -> Any:
        with open(log, "a") as begun:  # noqa: PTH123
            begun.write(f"{trial.number}\n")
        if trial.number < len(functions):
            found = functions[trial.number]()
            return float(trial.number) if found is None else found
        return float(trial.number)

    done = hp.Study({"x": hp.Float(0, 1)}, sampler="random", seed=0)
    done.run(objective, n_trials=len(functions) + 4, n_jobs=2)
    return [[t.state, t.value, (t.error or "").strip().splitlines()[-1:]] for t in done.trials]


def search(functions: list[Callable[[], Any]], log: str) -> list[Any]:
    import numpy as np
    from sklearn.base import BaseEstimator, ClassifierMixin

    from hpcore.sklearn import SearchCV

    class Hostile(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
        def __init__(self, k: int = 0) -> None:
            self.k = k

        def fit(self, X: Any, y: Any) -> Hostile:
            self.classes_ = np.unique(y)
            with open(log, "a") as begun:  # noqa: PTH123
                begun.write(f"{self.k}\n")
            if self.k < len(functions):
                functions[self.k]()
            return self

        def score(self, X: Any, y: Any) -> float:
            return float(self.k)

    splits = [(np.arange(20), np.arange(20, 40))]
    space = {"k": list(range(len(functions) + 4))}
    warnings.simplefilter("ignore")
    found = SearchCV(Hostile(), space, strategy="grid", cv=splits, n_jobs=2, refit=False, error_score=-1.0)
    found.fit(np.arange(40.0).reshape(-1, 1), np.arange(40) % 2)
    scores: list[float] = found.cv_results_["mean_test_score"].tolist()
    return scores


if __name__ == "__main__":
    from hpcore.workers import process

    process.SECONDS_TO_LEAVE = 1.0  # the test is in a hurry
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    found = study([f for f, _ in HOSTILE], sys.argv[2]) if sys.argv[1] == "study" else search(OF_A_SEARCH, sys.argv[2])
    print("\nFOUND", json.dumps(found), flush=True)
