"""Shared parts of these scripts: a cheap study, a store to damage, and the output."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hpcore as hp
import hpcore.storage.dialects.sqlite

SPACE = {"x": hp.Float(-5, 5), "lr": hp.Float(1e-5, 1e-1, log=True), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])}


def cost(trial: Any) -> float:
    """Compute the objective from the parameters alone, so that every stored value can be checked."""
    return float((trial["x"] - 1) ** 2 + trial["k"] * trial["lr"] + (trial["c"] == "a"))


def facts(study: hp.Study) -> list[tuple[Any, ...]]:
    """Return the facts that two runs must have in common, to the last bit."""
    return [(t.number, repr(t.params), str(t.state), repr(t.values)) for t in study.trials]


def start(work: Callable[[], Any]) -> int:
    """Start a function in a forked child and return the process id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)
    os._exit(0)


def in_child(work: Callable[[], Any]) -> int:
    """Run a function in a forked child and return the wait status."""
    return os.waitpid(start(work), 0)[1]


def main(name: str, counts: dict[str, int], test: Callable[..., dict[str, Any]]) -> None:
    """Read the counts from the command line, run the test, print one JSON object; exit code 1 if it failed.

    The test returns its figures, with ``"ok"`` among them.
    """
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    for count, default in counts.items():
        parser.add_argument(f"--{count.replace('_', '-')}", type=int, default=default)
    parser.add_argument("--dir", default=None, help="where the store is made; a temporary directory by default")
    parser.add_argument("--old-sqlite", action="store_true", help="Python's own sqlite3 with the rollback journal")
    options = vars(parser.parse_args())
    where = options.pop("dir")
    if options.pop("old_sqlite"):
        hpcore.storage.dialects.sqlite.driver = lambda: sqlite3  # type: ignore[assignment]
        hpcore.storage.dialects.sqlite.journal_mode = lambda: "persist"
    driver, journal_mode = hpcore.storage.dialects.sqlite.driver, hpcore.storage.dialects.sqlite.journal_mode

    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="hpcore-reliability-", dir=where) as directory:
        figures = test(Path(directory), **options)
    sqlite = f"{driver().sqlite_version}, {journal_mode()} journal"
    seconds = round(time.perf_counter() - start, 1)
    print(json.dumps({"test": name, **options, "sqlite": sqlite, **figures, "seconds": seconds}))
    sys.exit(0 if figures["ok"] else 1)
