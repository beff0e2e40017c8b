"""Stores with altered records and valid checksums: opened, shown, exported, listed, continued and repaired.

A mutant is a store with one altered value in one record: a node of its JSON, or the column itself. It may be valid, or
it must be rejected with a typed error. Any other error is a leak.
"""

from __future__ import annotations

import copy
import json
import random
import sqlite3
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from common import main

import hpcore as hp
from hpcore.cli.app import main as command
from hpcore.errors import HpcoreError, InvalidArgument, StorageError
from hpcore.ledger.repair import repair
from hpcore.sklearn.stored import known_folds
from hpcore.storage.records import REPORT_COLUMNS, STUDY_COLUMNS, TRIAL_COLUMNS, checksum

SPACE = {
    "x": hp.Float(-5, 5),
    "c": hp.Categorical(["a", None, (1, 2.5), float("nan")]),
    "k": hp.Int(1, 9, when={"c": ["a", None]}),
    "n": hp.Normal(0, 1, when={"k": hp.at_least(3)}),
    "s": hp.Float(0, 1, step=0.25),
}
# Columns under the checksum, and those of them that are JSON.
TABLES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "hpcore_studies": (STUDY_COLUMNS, ("spec",)),
    "hpcore_trials": (TRIAL_COLUMNS, ("params", "objective", "notes")),
    "hpcore_queue": (("study_id", "params"), ("params",)),
    "hpcore_attributes": (("study_id", "name", "value"), ("value",)),
    "hpcore_reports": (REPORT_COLUMNS, ("value", "data")),
}
NODES: list[Any] = [
    *(None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, 2**31, 2**53, 2**63, -(2**63), 2**64, 10**400, float("nan")),
    *(float("inf"), -float("inf"), "", "a", "x", "nan", "Infinity", "0.25", "\0", "\ud800", "é" * 600, "minimize"),
    *([], [None], [[]], [1], ["a"], [1, 2, 3], {}, {"a": 1}, {"float": "nan"}, {"tuple": []}, {"object": "x"}),
    *(
        {"choice": 0},
        {"choice": 99, "label": 5},
        {"label": []},
        {"name": "x"},
        {"equals": 5},
        {"list": [{"bytes": "0"}]},
    ),
]
TEXTS = [
    "",
    "null",
    "{}",
    "[]",
    "5",
    "NaN",
    "[NaN]",
    '"a"',
    "[" * 50_000,
    "[" * 900 + "]" * 900,
    '{"a":' * 900 + "1" + "}" * 900,
]
TEXTS += [
    "1" * 5000,
    "[" + "1" * 5000 + "]",
    "[1e999]",
    "[0.5",
    "{'a': 1}",
    "\x00",
    "[1,]",
    "[0x1]",
    "[1_0]",
    "[True]",
    "x0.5y",
]
COLUMNS: list[Any] = [
    *(None, 0, 1, -1, 2, 3, 17, 255, 256, 2**31, 2**53, 2**63 - 1, -(2**63), 0.5, -0.5, 1e308, -1e308, float("inf")),
    *("", "a", "5", "nan", "\0", "fast", "lag 1", "lag", "x" * 2000, b"", b"\0" * 8, b"\0" * 40, b"\xff" * 40),
    *(b"cos\nsystem\n(S'x'\ntR.", "|||", "h|1|2|3", "h|" + "9" * 5000 + "|1|x"),
]


def make_store(path: Path) -> None:
    """Create a store with every kind of record."""

    def objective(trial: hp.Trial) -> float:
        trial.user_attrs["a"] = [trial.number, {"b": "text"}]
        trial.reports[1] = 0.5
        if trial.number == 2:
            raise ValueError("broke")
        return float(trial["x"])

    study = hp.Study(SPACE, storage=path, name="a", sampler="tpe", seed=0).run(objective, n_trials=6)
    study.add(study.trials[0].params, 2.0, std_error=0.5)
    study.enqueue({"x": 1.0})
    running = study.ask().number
    study.enqueue({"k": 3})
    study.user_attrs["who"] = {"me": [1, 2]}
    study.note = "text"
    for fold in range(2):
        study._trial_log.add_report(running, fold, [0.5], [{"m": 0.5}, None, 0.1, 0.2, None, ["warned"]])
    study._trial_log.storage.close()
    two = hp.Study(SPACE, storage=path, name="b", directions=["minimize", "maximize"], sampler="random", seed=1)
    two.run(lambda trial: [trial["x"], trial["s"]], n_trials=3)
    two._trial_log.storage.close()


def mutate(path: Path, rng: random.Random) -> str | None:
    """Change one value of one record; return the change, None if the table rejects it."""
    table = rng.choices(list(TABLES), [6, 8, 1, 2, 2])[0]
    columns, as_json = TABLES[table]
    connection = sqlite3.connect(path)
    try:
        connection.execute("PRAGMA synchronous=OFF")
        key = "id" if table in ("hpcore_studies", "hpcore_queue") else ", ".join(columns[:2])
        names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT * FROM {table} ORDER BY {key}").fetchall()  # noqa: S608
        row = dict(zip(names, rng.choice(rows), strict=True))
        old = dict(row)
        column = rng.choice(as_json) if rng.random() < 0.7 else rng.choice(columns)
        how = rng.random()
        if column in as_json and isinstance(row[column], str) and how < 0.8:
            data, where = _other_node(json.loads(row[column]), rng)
            row[column] = json.dumps(data)
        elif column in as_json:
            row[column], where = rng.choice(TEXTS), "text"
        else:
            row[column], where = rng.choice(COLUMNS), "column"
        row[names[-1]] = checksum(tuple(row[name] for name in columns))
        identity = " AND ".join(f"{name} IS ?" for name in names)
        assigned = ", ".join(f"{name} = ?" for name in names)
        connection.execute(
            f"UPDATE {table} SET {assigned} WHERE {identity}",  # noqa: S608
            [*row.values(), *old.values()],
        )
        connection.commit()
    except (sqlite3.Error, OverflowError, UnicodeError):
        return None
    finally:
        connection.close()
    return f"{table}.{column} {where}: {row[column]!r:.200}"


def _other_node(data: Any, rng: random.Random) -> tuple[Any, str]:
    """Return JSON data with one node replaced, removed or nested deeper."""
    data = copy.deepcopy(data)
    places: list[tuple[Any, Any]] = []
    stack = [data]
    while stack:
        node = stack.pop()
        items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in items:
            places.append((node, key))
            stack.append(child)
    if not places or rng.random() < 0.1:
        return rng.choice(NODES), "root"
    parent, key = rng.choice(places)
    how = rng.random()
    if how < 0.7:
        parent[key] = copy.deepcopy(rng.choice(NODES))
    elif how < 0.8:
        del parent[key]
    elif how < 0.9:
        node = parent[key]
        for _ in range(rng.choice([1, 30, 200, 400])):
            node = [node] if rng.random() < 0.5 else {"tuple": [node]}
        parent[key] = node
    elif isinstance(parent, dict):
        parent[rng.choice(["x", "value", "", "params"])] = rng.choice(NODES)
    else:
        parent.append(copy.deepcopy(parent[key]))
    return data, f"node {key!r}"


def _use(name: str, space: Any) -> Callable[[Path], None]:
    def use(path: Path) -> None:
        study = hp.load_study(path, name, space=space, lease=0.1)
        try:
            for trial in study.trials:
                repr((trial, trial.params, trial.values, trial.user_attrs, trial.reports, trial.error))
            study.to_frame()
            repr((study, study.mode, study.pareto_front, study.note, dict(study.user_attrs)))
            known_folds(study._trial_log, [7], range(2))
            study.run(lambda t: 1.0 if name == "a" else [1.0, 2.0], n_trials=3)
            study.refresh()
        finally:
            study._trial_log.storage.close()

    return use


def _cli(*arguments: str) -> Callable[[Path], None]:
    def use(path: Path) -> None:
        result = CliRunner().invoke(command, [arguments[0], str(path), *arguments[1:]])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception

    return use


def _repair(path: Path) -> None:
    fixed = path.with_name("fixed.db")
    try:
        repair(path, fixed)
        hp.list_studies(fixed)
    finally:
        for part in path.parent.glob("fixed.db*"):
            part.unlink()


USES: dict[str, Callable[[Path], None]] = {
    "list": lambda path: repr(hp.list_studies(path)),  # type: ignore[dict-item, return-value]
    "show": _cli("show"),
    "show a": _cli("show", "a"),
    "show b": _cli("show", "b", "--json"),
    "export a": _cli("export", "a"),
    "export b": _cli("export", "b", "--json"),
    "repair": _repair,
    "go on with a": _use("a", None),
    "go on with b": _use("b", SPACE),
}


def leaks(path: Path, uses: list[str]) -> dict[str, BaseException]:
    """Return the errors that are not typed, by the operation that raised them."""
    found: dict[str, BaseException] = {}
    for use in uses:
        work = USES[use]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                work(path)
        except HpcoreError as error:
            if not isinstance(error, StorageError | InvalidArgument):
                found[use] = error
        except (Exception, RecursionError, MemoryError) as error:
            found[use] = error
    return found


def test(directory: Path, mutants: int, seed: int, uses: int, show: int) -> dict[str, Any]:
    whole = directory / "whole.db"
    make_store(whole)
    data = whole.read_bytes()
    rng = random.Random(seed)
    kinds: Counter[str] = Counter()
    n = leaked = 0
    while n < mutants:
        for part in directory.glob("mutant.db*"):
            part.unlink()
        path = directory / "mutant.db"
        path.write_bytes(data)
        what = mutate(path, rng)
        if what is None:
            continue
        n += 1
        found = leaks(path, rng.sample(list(USES), uses) if uses else list(USES))
        leaked += bool(found)
        for use, error in found.items():
            last = traceback.extract_tb(error.__traceback__)[-1]
            kind = f"{type(error).__name__} in {Path(last.filename).name}:{last.name}"
            if kinds[kind] < show:
                print(f"{what}\n  {use}: {kind}: {error!r:.200}")
            kinds[kind] += 1
    return {"ok": not leaked, "leaked": leaked, "kinds": dict(kinds.most_common(20))}


if __name__ == "__main__":
    main("forged", {"mutants": 20_000, "seed": 0, "uses": 0, "show": 0}, test)
