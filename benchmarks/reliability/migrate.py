"""Kills on the way from version 1 of a store to version 2, at any moment, while several processes open it at once.

The store of version 1 has many trials with long texts, so that pages are written before the end. After each kill it is
of version 1 or of version 2, whole: what is read of it is what was read before. At the end it is opened once more and
must be of version 2, with the same contents.
"""

from __future__ import annotations

import json
import os
import random
import signal
import struct
import time
from pathlib import Path
from typing import Any

from common import main, start

import hpcore as hp
from hpcore.ledger.spaces import space_to_spec
from hpcore.storage import open_storage
from hpcore.storage.dialects.sqlite import Sqlite, driver, journal_mode
from hpcore.storage.records import checksum
from hpcore.storage.schema import ddl
from hpcore.storage.versions import one


def make_store(path: Path, trials: int) -> None:
    """Make a store of version 1 with reports in its notes, folds and attributes."""
    sampler = {"name": "random", "options": {}, "shown": "RandomSampler()"}
    spec = {
        "space": space_to_spec(hp.Space({"x": hp.Float(0, 1)})),
        "directions": ["minimize"],
        "seed": 0,
        "sampler": sampler,
    }
    connection = driver().connect(str(path))
    connection.execute(f"PRAGMA journal_mode={journal_mode()}")
    for statement in ddl(Sqlite.words, one.TABLES_ONE).values():
        connection.execute(statement)

    def add(table: str, *fields: Any) -> None:
        marks = ", ".join("?" * (len(fields) + 1))
        connection.execute(f"INSERT INTO {table} VALUES ({marks})", (*fields, checksum(fields)))  # noqa: S608

    connection.execute("INSERT INTO hpcore_meta VALUES ('schema', '1')")
    add("hpcore_studies", 1, "a", 1.0, trials, "lag 1", json.dumps(spec))
    add("hpcore_attributes", 1, "note", '"text"')
    for i in range(trials):
        notes = json.dumps({"user_attrs": {"i": i}, "reports": [[3, 0.5], [4, i / 7]]}) if i % 3 == 0 else None
        error, state = ("x" * 2000, 3) if i % 5 == 0 else (None, 1)
        values = None if state == 3 else json.dumps([i / 3])
        point = struct.pack("<d", i / trials)
        params = json.dumps({"x": i / trials})
        add("hpcore_trials", 1, i, state, 0, point, params, values, None, 1.0, 2.0, error, notes, 1, 0, None, None)
        if i % 4 == 0:
            add("hpcore_folds", 1, i, 0, json.dumps([i / 5, None, 0.1, 0.1, None, []]))
    connection.commit()
    connection.close()


def contents(path: Path) -> tuple[Any, ...]:
    """Read all of a store, without a change of it."""
    store = open_storage(path, read_only=True)

    def work(t: Any) -> tuple[Any, ...]:
        study = t.get("a")
        reports = sorted((r.number, r.step, r.job, r.value, r.data or "") for r in t.reports_after(study.id, 0))
        return study, t.trials(study), reports, t.attributes(study.id)

    try:
        return store.read(work)
    finally:
        store.close()


def version(path: Path) -> str:
    connection = driver().connect(f"file:{path}?mode=ro", uri=True)
    (found,) = connection.execute("SELECT value FROM hpcore_meta").fetchone()
    connection.close()
    return str(found)


def test(directory: Path, kills: int, trials: int, processes: int, seed: int) -> dict[str, Any]:
    rng = random.Random(seed)
    whole = directory / "whole.db"
    make_store(whole, trials)
    data, before = whole.read_bytes(), contents(whole)
    path = directory / "runs.db"
    path.write_bytes(data)
    begun = time.perf_counter()
    os.waitpid(start(lambda: open_storage(path).close()), 0)
    longest = time.perf_counter() - begun
    found: dict[str, int] = {"1": 0, "2": 0}
    n_wrong = 0
    for _ in range(kills):
        for part in directory.glob("runs.db*"):
            part.unlink()
        path.write_bytes(data)
        children = [start(lambda: open_storage(path).close()) for _ in range(processes)]
        time.sleep(rng.uniform(0.0, processes * longest))
        for child in children:
            os.kill(child, signal.SIGKILL)
        for child in children:
            os.waitpid(child, 0)
        n_wrong += contents(path) != before
        found[version(path)] += 1
        os.waitpid(start(lambda: open_storage(path).close()), 0)
        n_wrong += version(path) != "2" or contents(path) != before
    return {"ok": not n_wrong, "wrong": n_wrong, "still_1": found["1"], "already_2": found["2"], "open_s": longest}


if __name__ == "__main__":
    main("migrate", {"kills": 300, "trials": 2000, "processes": 2, "seed": 0}, test)
