"""The tables, version 1. The text of SQLite's is compared with what a file holds, so it is written out, not generated.

A change here is a new version, with the way from the older ones.
"""

from __future__ import annotations

from sqlalchemy import column, table

from hpcore.storage.records import STUDY_COLUMNS, TRIAL_COLUMNS

__all__ = ["VERSION", "attributes", "ddl", "folds", "meta", "queue", "studies", "trials"]

VERSION = 1

_DIALECTS = {
    # AUTOINCREMENT: the id of a deleted study is not given to the next one, which a slow worker would then write to.
    "sqlite": {"id": "INTEGER PRIMARY KEY AUTOINCREMENT", "real": "REAL", "blob": "BLOB", "end": " WITHOUT ROWID"},
    "postgresql": {"id": "BIGSERIAL PRIMARY KEY", "real": "DOUBLE PRECISION", "blob": "BYTEA", "end": ""},
}

_TABLES = {
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


def ddl(dialect: str) -> dict[str, str]:
    """The statements that make the tables, by name."""
    return {name: text.format(**_DIALECTS[dialect]) for name, text in _TABLES.items()}


meta = table("hpcore_meta", column("name"), column("value"))
studies = table("hpcore_studies", *map(column, STUDY_COLUMNS), column("crc"))
trials = table("hpcore_trials", *map(column, TRIAL_COLUMNS), column("crc"))
queue = table("hpcore_queue", *map(column, ("id", "study_id", "params", "crc")))
attributes = table("hpcore_attributes", *map(column, ("study_id", "name", "value", "crc")))
folds = table("hpcore_folds", *map(column, ("study_id", "number", "fold", "score", "crc")))
