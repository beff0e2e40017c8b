"""Makes ``schema1.db``, a store of schema 1, and ``schema1.json``, which says how it reads and how its studies go on.

Run with commit ffdc847, the last one of schema 1::

    python tests/data/make_schema1.py

A later version cannot write this schema: the store stays as it is, and so does what is recorded of how it reads;
``tests/storage/test_schema1.py`` reads them. Machines are named so that nobody's is, and tracebacks name files without
their folders.

How studies go on follows from their samplers. Where a sampler was changed on purpose, that alone is recorded again, of
the studies that are named and with the version that changed it::

    PYTHONPATH=. python tests/data/make_schema1.py mixed deterministic search "two objectives" "two objectives tpe"

This was done twice. Samplers came to model success as one more limit, and several objectives by the hypervolume: these
are the studies with failed trials or with two objectives. Then the Gaussian process came to begin after four trials and
to correlate length scales, and TPE to ask a regression: these, and ``auto``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin

import hpcore as hp
from hpcore.sklearn import SearchCV

HERE = Path(__file__).parent
STORE, EXPECTED = HERE / "schema1.db", HERE / "schema1.json"

# --- spaces and objectives, which the test continues with -------------------------------------------------------------

MIXED = {
    "x": hp.Float(-5, 5),
    "rate": hp.Float(1e-5, 1e-1, log=True),
    "width": hp.Int(1, 256, log=True),
    "kind": hp.Categorical(["a", "b", None]),
    "size": hp.Categorical([16, 32, 64], ordered=True),
    "momentum": hp.Float(0, 1, when={"kind": ["b", None]}),
    "z": hp.Normal(0.5, 0.25, low=0.0, high=1.0),
}
PLANE = {"x": hp.Float(-5, 5), "y": hp.Float(-5, 5), "n": hp.Int(1, 6)}
ALLOWED = hp.Space(PLANE, constraints=[hp.linear({"x": 1.0, "y": 1.0}, at_most=3.0), lambda p: p["x"] * p["n"] <= 12.0])
FINITE = {"n": hp.Int(1, 3), "kind": hp.Categorical(["a", "b"]), "on": hp.Categorical([True, False])}


def cost(params: Any) -> float:
    """Value of a point of any of the spaces, of arithmetic alone."""
    x, y = params.get("x", 0.0), params.get("y", 0.0)
    total = (x - 1.0) ** 2 + 0.5 * (y + 2.0) ** 2 + 0.1 * x * y + (params.get("z", 0.5) - 0.3) ** 2
    total += abs(params.get("rate", 1e-3) - 3e-3) * 20.0 + abs(params.get("width", 20) - 40) / 64
    total += {"a": 0.0, "b": 0.25}.get(params.get("kind"), 0.5) + 16 / params.get("size", 16)
    return float(total + (params.get("momentum", 0.5) - 0.9) ** 2 + 0.3 * abs(params.get("n", 2) - 2))


def fallible(trial: hp.Trial) -> float:
    """The same with failures, and with attributes and reports."""
    trial.user_attrs["nested"] = {"number": trial.number, "list": [1, 2.5, None, "text"]}
    trial.reports[1], trial.reports[3] = cost(trial) + 1.0, cost(trial) + 0.5
    if trial["x"] > 3.0:
        raise ValueError(f"x is too large in trial {trial.number}")
    if trial["x"] < -3.5:
        return float("nan")
    return cost(trial)


def two(trial: hp.Trial) -> tuple[float, float]:
    """Two objectives."""
    return cost(trial), float((trial["x"] + 3.0) ** 2 + 0.1 * trial["y"] ** 2)


# --- a search whose fits are counted ----------------------------------------------------------------------------------

X = np.arange(60, dtype=np.float64).reshape(12, 5)
Y = X[:, 0] / 64.0
# Written out, because a splitter of scikit-learn may come to split otherwise.
CV = [
    (np.array([k for k in range(12) if k % 3 != i]), np.array([k for k in range(12) if k % 3 == i])) for i in range(3)
]
SEARCH_SPACE = {"a": hp.Float(0.0, 1.0), "n": hp.Int(1, 20), "kind": hp.Categorical(["p", "q"])}


class Additive(RegressorMixin, BaseEstimator):
    """An estimator of arithmetic alone, which writes down each fit and dies in the one that `die` names."""

    def __init__(self, a: float = 0.5, n: int = 1, kind: str = "p", log: str = "", die: int = -1) -> None:
        self.a, self.n, self.kind, self.log, self.die = a, n, kind, log, die

    def __repr__(self) -> str:  # the same estimator, whatever it writes and whenever it dies
        return "Additive()"

    def fit(self, X: Any, y: Any) -> Additive:
        log = Path(self.log)
        if len(log.read_text().splitlines()) == self.die:
            os.kill(os.getpid(), signal.SIGKILL)
        with log.open("a") as file:
            file.write(f"{self.a!r} {self.n} {self.kind}\n")
        if self.a > 0.9:
            raise ValueError("a is too large")
        self.mean_ = sum(y.tolist()) / len(y)
        return self

    def score(self, X: Any, y: Any) -> float:
        gap = (self.a - 0.3) ** 2 + 0.01 * abs(self.n - 7) + (0.125 if self.kind == "q" else 0.0)
        return float(1.0 - gap - 0.5 * abs(sum(y.tolist()) / len(y) - self.mean_))


def metrics(estimator: Additive, X: Any, y: Any) -> dict[str, float]:
    """Two metrics of a fitted estimator."""
    return {"main": estimator.score(X, y), "size": -float(estimator.n)}


SEARCHES: dict[str, dict[str, Any]] = {
    "search": {"strategy": "gp", "random_state": 3},
    "search deterministic": {"strategy": "tpe", "random_state": 4, "deterministic": True},
    "search finished": {
        "strategy": "random", "random_state": 5, "scoring": metrics, "refit": "main", "return_train_score": True,
    },
}  # fmt: skip


def search(name: str, storage: Path, log: Path, n_trials: int, die: int = -1) -> SearchCV:
    """One of the searches, or its continuation; `n_trials` in all."""
    log.touch()
    options = {"refit": False, "cv": CV, "storage": storage, "study_name": name, "n_trials": n_trials}
    return SearchCV(Additive(log=str(log), die=die), SEARCH_SPACE, **{**options, **SEARCHES[name]}).fit(X, Y)


# --- how the studies go on --------------------------------------------------------------------------------------------

SPACES: dict[str, Any] = {"deterministic": ALLOWED}
"""Spaces that must be given to open a study: constraints are code, which is not stored."""

RUNS: dict[str, dict[str, Any]] = {
    "mixed": {"objective": fallible, "n_trials": 7},
    "deterministic": {"objective": cost, "n_trials": 9, "deterministic": True},
    "two objectives": {"objective": two, "n_trials": 5},
    "two objectives tpe": {"objective": two, "n_trials": 5},
    "sobol": {"objective": cost, "n_trials": 6},
    "random": {"objective": cost, "n_trials": 6},
    "random mixed": {"objective": cost, "n_trials": 6},
    "grid": {"objective": cost, "n_trials": 14},
    "auto": {"objective": cost, "n_trials": 4},
    "empty": {"objective": cost, "n_trials": 3},
}
N_TRIALS = {"search": 9, "search deterministic": 12, "search finished": 7}


def open_study(storage: Any, name: str) -> hp.Study:
    """A study of the store."""
    return hp.load_study(storage, name, space=SPACES.get(name))


def resume(storage: Path, name: str, n_jobs: int = 1) -> hp.Study:
    """A study after its continuation."""
    return open_study(storage, name).run(**RUNS[name], n_jobs=n_jobs, progress=False)


def facts(study: hp.Study) -> list[dict[str, Any]]:
    """What is known of each trial, as JSON."""
    errors = study.to_frame().get("std_error", [None] * len(study.trials))
    return [
        {
            "number": trial.number,
            "state": trial.state.value,
            "values": list(trial.values),
            "params": trial.params,
            "error": trial.error,
            "user_attrs": dict(trial.user_attrs),
            "reports": [[step, value] for step, value in trial.reports.items()],
            "std_error": None if error is None or error != error else float(error),
            "started": trial.started,
            "finished": trial.finished,
        }
        for trial, error in zip(study.trials, errors, strict=True)
    ]


def summary(study: hp.Study) -> dict[str, Any]:
    """What is known of a study."""
    front = [trial.number for trial in study.pareto_front]
    return {"mode": study.mode, "user_attrs": dict(study.user_attrs), "note": study.note, "best": front}


def table(found: SearchCV) -> dict[str, list[Any]]:
    """The table of a search without its times."""
    columns = found.cv_results_.items()
    scores = {key: value.tolist() for key, value in columns if "_test_" in key or "_train_" in key}
    return {"numbers": found.trial_numbers_.tolist(), "params": found.cv_results_["params"], **scores}


# --- making -----------------------------------------------------------------------------------------------------------


def in_child(work: Callable[[], Any], killed: bool = False) -> None:
    """Do something in a process of another machine, and of another day: its workers are dead, its leases over."""
    child = os.fork()
    if not child:
        disguise()
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    assert status == (signal.SIGKILL if killed else 0), status


def disguise() -> None:
    """Make this process one of no machine in particular, a day ago, whose tracebacks name no folders."""
    now, text_of, read_text = time.time, traceback.format_exc, Path.read_text
    time.time = lambda: now() - 86400.0
    socket.gethostname = lambda: "schema1.invalid"
    traceback.format_exc = lambda *args, **kwargs: re.sub(r'File "[^"]*[/\\]', 'File "', text_of(*args, **kwargs))
    nobody = "00000000-0000-4000-8000-000000000000\n"
    Path.read_text = lambda path, *args: nobody if path.name == "boot_id" else read_text(path, *args)


def die(trial: Any = None) -> float:
    """End the process as the kernel does when the memory is full."""
    os.kill(os.getpid(), signal.SIGKILL)
    return 0.0


def make_mixed(path: Path) -> None:
    """Complete and failed trials, attributes and reports, a queue, and a trial whose worker died."""
    options = {"storage": path, "name": "mixed", "sampler": "gp", "progress": False}
    in_child(lambda: hp.minimize(fallible, MIXED, n_trials=16, seed=1, **options))

    def tell() -> None:
        study = hp.load_study(path, "mixed")
        study.tell(study.ask(), 4.25, std_error=0.125)
        study.tell(study.ask(), None, error="MemoryError: told by hand, \u00e9\u4e2d")
        known = {"x": 0.5, "rate": 0.01, "width": 7, "kind": "a", "size": 32, "z": 0.5}
        study.add(known, 3.5, std_error=0.25, user_attrs={"from": "elsewhere"})
        study.add_many([({**known, "x": 0.75}, 3.25), ({**known, "x": 1.25}, None)])

    in_child(tell)
    in_child(lambda: hp.load_study(path, "mixed").run(die, n_trials=1), killed=True)

    def give_up() -> None:
        study = hp.load_study(path, "mixed", retries=0)
        study.ask()  # the one before failed, as its worker died
        die()

    in_child(give_up, killed=True)

    def enqueue() -> None:
        study = hp.load_study(path, "mixed")
        study.enqueue({"x": 1.5, "rate": 0.002, "width": 30, "kind": None, "size": 64, "momentum": 0.5, "z": 0.25})
        study.enqueue({"kind": "a", "x": 0.25})
        study.user_attrs.update({"team": "vision", "limits": [1, None, {"deep": True}], "none": None})
        study.note = "two lines,\none of them \u00e9\u4e2d"

    in_child(enqueue)


def make_deterministic(path: Path) -> None:
    """Two workers in the deterministic order, killed while later results were in and earlier ones were not."""
    sampler = hp.samplers.TPESampler(n_startup_trials=6, gamma=0.3)
    study = {"storage": path, "name": "deterministic", "sampler": sampler, "seed": 2}

    def work() -> None:
        main = os.getpid()

        def objective(trial: hp.Trial) -> Any:
            if trial.number == 8:
                time.sleep(30.0)  # until its parent is dead
            if trial.number == 11:
                time.sleep(0.5)
                os.kill(main, signal.SIGKILL)
            return None if trial.number == 4 else cost(trial)

        hp.Study(ALLOWED, **study).run(objective, n_trials=16, n_jobs=2, deterministic=True, progress=False)

    in_child(work, killed=True)
    read = hp.load_study(path, "deterministic", space=ALLOWED)
    states = {trial.number: trial.state.value for trial in read.trials}
    assert [states[k] for k in (8, 9, 10, 11)] == ["running", "complete", "complete", "running"], states


def make_others(path: Path) -> None:
    """A study a sampler."""
    ways = {"directions": ["minimize", "maximize"]}

    def run(objective: Any, space: Any, n: int, **options: Any) -> None:
        in_child(lambda: hp.minimize(objective, space, n_trials=n, storage=path, progress=False, **options))

    run(two, PLANE, 9, name="two objectives", sampler="gp", seed=6, **ways)
    run(two, PLANE, 9, name="two objectives tpe", sampler="tpe", seed=7, **ways)
    run(cost, PLANE, 5, name="sobol", sampler="sobol", seed=8)
    run(cost, PLANE, 5, name="random", sampler="random", seed=2**100 + 9)
    run(cost, MIXED, 5, name="random mixed", sampler="random", seed=13)
    run(cost, FINITE, 5, name="grid", sampler="grid", seed=10, repeats=2)
    run(cost, PLANE, 8, name="auto", seed=11)
    in_child(lambda: hp.Study(PLANE, storage=path, name="empty", sampler="tpe", seed=12, direction="maximize"))


def make_searches(path: Path, logs: Path) -> None:
    """One that was killed while a candidate had one of its folds, one deterministic, and one that is finished."""
    in_child(lambda: search("search", path, logs / "0", N_TRIALS["search"], die=13), killed=True)

    n = N_TRIALS["search deterministic"]
    in_child(lambda: search("search deterministic", path, logs / "1", n, die=19), killed=True)
    in_child(lambda: search("search finished", path, logs / "2", 6))


def folds_of(path: Path) -> dict[str, dict[int, int]]:
    """Number of stored folds by study and trial."""
    connection = sqlite3.connect(path)
    counts: dict[str, dict[int, int]] = {}
    query = (
        "SELECT s.name, f.number, COUNT(*) FROM hpcore_folds f JOIN hpcore_studies s ON s.id = f.study_id "
        "GROUP BY s.name, f.number"
    )
    for name, number, n in connection.execute(query):
        counts.setdefault(name, {})[number] = n
    connection.close()
    return counts


def pack(path: Path) -> None:
    """Make the store a single small file."""
    connection = sqlite3.connect(path, isolation_level=None)
    assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    connection.execute("VACUUM")
    connection.close()
    for end in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def listed(path: Path) -> list[dict[str, Any]]:
    """The studies of a store."""
    return [
        {"name": s.name, "created": s.created.isoformat(), "directions": list(s.directions), "n_trials": s.n_trials,
         "mode": s.mode}
        for s in hp.list_studies(path)
    ]  # fmt: skip


def go_on(name: str, path: Path, directory: Path) -> tuple[hp.Study, dict[str, Any]]:
    """A study after its continuation in a copy of the store, and what is recorded of a search beside its trials."""
    copy, log = Path(shutil.copy(path, directory / f"{name}.db")), directory / f"{name}.log"
    if name in RUNS:
        return resume(copy, name), {}
    found = search(name, copy, log, N_TRIALS[name])
    return open_study(copy, name), {"table": table(found), "fits": len(log.read_text().splitlines())}


def expected(path: Path, directory: Path) -> dict[str, Any]:
    """How the store reads, and what copies of it come to."""
    studies: dict[str, Any] = {}
    for name in [*RUNS, *SEARCHES]:
        before = open_study(shutil.copy(path, directory / "reading.db"), name)
        studies[name] = {"before": {**summary(before), "trials": facts(before)}}
        study, searched = go_on(name, path, directory)
        known = studies[name]["before"]["trials"]
        new = [trial for trial in facts(study) if trial not in known]
        for trial in new:
            del trial["started"], trial["finished"]
        studies[name]["after"] = {**summary(study), "trials": new, **searched}
    return {"commit": "ffdc847", "numpy": np.__version__, "listed": listed(path), "studies": studies}


def record_again(names: list[str]) -> None:
    """Record how these studies go on; the numbers of the trials that do, and all else, stay as they are recorded."""
    document = json.loads(EXPECTED.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix="hpcore-schema1-") as made:
        for name in names:
            after = document["studies"][name]["after"]
            numbers = {trial["number"] for trial in after["trials"]}
            study, searched = go_on(name, STORE, Path(made))
            trials = [trial for trial in facts(study) if trial["number"] in numbers]
            for trial in trials:
                del trial["started"], trial["finished"]
                if name in SEARCHES:  # the scores of folds, which were no reports in schema 1
                    trial["reports"] = []
            after.update({**summary(study), "trials": trials, **searched})
    EXPECTED.write_text(json.dumps(document, indent=1) + "\n")


def main() -> None:
    """Make both files."""
    with tempfile.TemporaryDirectory(prefix="hpcore-schema1-") as made:
        directory = Path(made)
        path = directory / "schema1.db"
        make_mixed(path)
        make_deterministic(path)
        make_others(path)
        make_searches(path, directory)
        pack(path)
        document = expected(path, directory)
        EXPECTED.write_text(json.dumps(document, indent=1) + "\n")
        shutil.copy(path, STORE)
    print(f"{STORE.name}: {STORE.stat().st_size} bytes; folds {folds_of(STORE)}")


if __name__ == "__main__":
    if sys.argv[1:]:
        record_again(sys.argv[1:])
    else:
        main()
