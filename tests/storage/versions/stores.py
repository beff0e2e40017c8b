"""Small stores of version 1, made without the package: the text of its tables and its checksums, written out."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

# Of two libraries of SQLite in one process each would drop the other's locks on a file.
from hpcore.storage.dialects.sqlite import driver

WORDS = {
    # AUTOINCREMENT: the id of a deleted study is not given to the next one, which a slow worker would then write to.
    "sqlite": {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "real": "REAL", "blob": "BLOB", "end": " WITHOUT ROWID"},
    "postgresql": {"id": "BIGSERIAL PRIMARY KEY", "real": "DOUBLE PRECISION", "blob": "BYTEA", "end": ""},
}

TABLES = {
    "hpcore_meta": """CREATE TABLE hpcore_meta (
  name TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
){end}""",
    "hpcore_studies": """CREATE TABLE hpcore_studies (
  id {id},
  name TEXT NOT NULL UNIQUE,
  created {real} NOT NULL,
  n_trials BIGINT NOT NULL,
  mode TEXT NOT NULL,
  spec TEXT NOT NULL,
  crc BIGINT NOT NULL
)""",
    "hpcore_trials": """CREATE TABLE hpcore_trials (
  study_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  state BIGINT NOT NULL,
  exact BIGINT NOT NULL,
  point {blob} NOT NULL,
  params TEXT NOT NULL,
  objective TEXT,
  std_error {real},
  started {real},
  finished {real},
  error TEXT,
  notes TEXT,
  token BIGINT NOT NULL,
  deaths BIGINT NOT NULL,
  worker TEXT,
  lease {real},
  crc BIGINT NOT NULL,
  PRIMARY KEY (study_id, number)
){end}""",
    "hpcore_queue": """CREATE TABLE hpcore_queue (
  id {id},
  study_id BIGINT NOT NULL,
  params TEXT NOT NULL,
  crc BIGINT NOT NULL
)""",
    "hpcore_attributes": """CREATE TABLE hpcore_attributes (
  study_id BIGINT NOT NULL,
  name TEXT NOT NULL,
  value TEXT NOT NULL,
  crc BIGINT NOT NULL,
  PRIMARY KEY (study_id, name)
){end}""",
    "hpcore_folds": """CREATE TABLE hpcore_folds (
  study_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  fold BIGINT NOT NULL,
  score TEXT NOT NULL,
  crc BIGINT NOT NULL,
  PRIMARY KEY (study_id, number, fold)
){end}""",
}


def tables(dialect: str) -> list[str]:
    """Give the statements that make the tables."""
    return [text.format(**WORDS[dialect]) for text in TABLES.values()]


def spec(directions: Sequence[str] = ("minimize",)) -> str:
    """Record of a study of one parameter ``x`` in [0, 1]."""
    from hpcore.ledger.spaces import space_to_spec
    from hpcore.space.reals import Float
    from hpcore.space.space import Space

    space = space_to_spec(Space({"x": Float(0.0, 1.0)}))
    sampler = {"name": "random", "options": {}, "shown": "RandomSampler()"}
    return json.dumps({"space": space, "directions": list(directions), "seed": 0, "sampler": sampler})


def sealed(*fields: Any) -> tuple[Any, ...]:
    """Give a row with its checksum."""
    return (*fields, zlib.crc32(ascii(fields).encode("ascii")))


def trial(number: int, study_id: int = 1, **change: Any) -> tuple[Any, ...]:
    """Row of a complete trial, or of what `change` makes of it."""
    row = {
        "study_id": study_id,
        "number": number,
        "state": 1,
        "exact": 0,
        "point": struct.pack("<d", number / 128),
        "params": json.dumps({"x": number / 128}),
        "objective": json.dumps([float(number)]),
        "std_error": None,
        "started": 1.5,
        "finished": 2.0,
        "error": None,
        "notes": None,
        "token": 1,
        "deaths": 0,
        "worker": None,
        "lease": None,
    }
    assert change.keys() <= row.keys()
    return sealed(*{**row, **change}.values())


def rows() -> dict[str, list[tuple[Any, ...]]]:
    """Rows of a store with a little of everything."""
    running = {"state": 0, "objective": None, "started": None, "finished": None, "worker": "h|1|1|x", "lease": 9.0}
    failed = {"state": 3, "objective": None, "error": "broke", "deaths": 1}
    fold = [0.25, None, 0.1, 0.2, None, []]
    return {
        "hpcore_meta": [("schema", "1")],
        "hpcore_studies": [
            sealed(1, "a", 1000.5, 6, "lag 1", spec()),
            sealed(3, "b", 1001.0, 3, "", spec(["maximize", "minimize"])),
            sealed(4, "c", 1002.0, 2, "fast", spec(["maximize"])),
        ],
        "hpcore_trials": [
            trial(0),
            trial(1, notes=json.dumps({"user_attrs": {"a": [1]}, "reports": [[3, 0.5], [1, float("nan")]]})),
            trial(2, **failed),
            trial(3, exact=1, std_error=0.5),
            trial(4, notes=json.dumps({"reports": [[1, 4.0]]})),
            trial(5, **running),
            trial(0, 3, objective="[1.0, 2.0]", notes=json.dumps({"reports": [[2, 0.5]]})),
            trial(1, 3, objective="[3.0, -4.0]", notes=json.dumps({"user_attrs": {"b": None}})),
            trial(2, 3, **failed),
            trial(0, 4),
            trial(1, 4, **running),
        ],
        "hpcore_queue": [(7, *sealed(1, '{"x": 0.5}')), (9, *sealed(1, '{"x": 0.25}'))],
        "hpcore_attributes": [sealed(1, "note", '"text"'), sealed(1, "user:who", '["me"]')],
        "hpcore_folds": [
            sealed(4, 0, 0, json.dumps(fold)),
            sealed(4, 0, 1, json.dumps([{"m": 0.5}, *fold[1:]])),
            sealed(4, 1, 0, json.dumps([{"m": 0.5, "n": 1.0}, *fold[1:]])),
            sealed(4, 1, 2, json.dumps([float("nan"), *fold[1:]])),
        ],
    }


def write_sqlite(path: Path, content: dict[str, list[tuple[Any, ...]]] | None = None) -> Path:
    """Make a file of version 1."""
    connection = driver().connect(path)
    connection.execute("PRAGMA journal_mode=persist")
    fill(lambda statement, values: connection.execute(statement, values), "sqlite", "?", content)
    # A study was deleted: its id is not to be used again.
    connection.execute("UPDATE sqlite_sequence SET seq = 6 WHERE name = 'hpcore_studies'")
    connection.commit()
    connection.close()
    return path


def fill(
    execute: Callable[[str, tuple[Any, ...]], Any],
    dialect: str,
    mark: str,
    content: dict[str, list[tuple[Any, ...]]] | None,
) -> None:
    """Make the tables and their rows by a function that executes statements."""
    for statement in tables(dialect):
        execute(statement, ())
    for name, records in (rows() if content is None else content).items():
        for row in records:
            execute(f"INSERT INTO {name} VALUES ({', '.join([mark] * len(row))})", row)  # noqa: S608


def dump(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Read all rows of all tables of a file, by table."""
    connection = driver().connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {name: connection.execute(f"SELECT * FROM {name}").fetchall() for name in names}  # noqa: S608
    connection.close()
    return found
