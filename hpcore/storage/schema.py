"""Tables of a store, version 2. SQLite's text is compared with what a file holds, so it is written out, not generated.

A change here is a new version, with the way from the older ones (`hpcore.storage.versions`). Checksums of studies and
trials have a column name of their own version: a program of an older one that still has the store open names a column
that is not there, and so cannot write a record that this version would find damaged.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import column, table

from hpcore.storage.records import REPORT_COLUMNS, STUDY_COLUMNS, TRIAL_COLUMNS

__all__ = ["TABLES", "VERSION", "attributes", "ddl", "meta", "queue", "reports", "studies", "trials"]

VERSION = 2

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
  n_jobs BIGINT NOT NULL,
  mode TEXT NOT NULL,
  spec TEXT NOT NULL,
  crc2 BIGINT NOT NULL
)""",
    "hpcore_trials": """CREATE TABLE hpcore_trials (
  study_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  job BIGINT NOT NULL,
  state BIGINT NOT NULL,
  exact BIGINT NOT NULL,
  point {blob} NOT NULL,
  params TEXT NOT NULL,
  objective TEXT,
  std_error {real},
  cost {real},
  started {real},
  finished {real},
  error TEXT,
  notes TEXT,
  token BIGINT NOT NULL,
  deaths BIGINT NOT NULL,
  worker TEXT,
  lease {real},
  crc2 BIGINT NOT NULL,
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
    "hpcore_reports": """CREATE TABLE hpcore_reports (
  id {id},
  study_id BIGINT NOT NULL,
  number BIGINT NOT NULL,
  step {real} NOT NULL,
  job BIGINT NOT NULL,
  value TEXT NOT NULL,
  cost {real},
  data TEXT,
  crc BIGINT NOT NULL,
  UNIQUE (study_id, number, step)
)""",
}


def ddl(words: Mapping[str, str], tables: Mapping[str, str] = TABLES) -> dict[str, str]:
    """Spell the statements that make the tables, by name.

    Parameters
    ----------
    words : mapping of str to str
        Spelling of the types ``id``, ``real`` and ``blob``, and the ``end`` of a table without a rowid.
    tables : mapping of str to str
        Statements with these words in braces; those of this version by default.
    """
    return {name: text.format(**words) for name, text in tables.items()}


meta = table("hpcore_meta", column("name"), column("value"))
studies = table("hpcore_studies", *map(column, STUDY_COLUMNS), column("crc2"))
trials = table("hpcore_trials", *map(column, TRIAL_COLUMNS), column("crc2"))
queue = table("hpcore_queue", *map(column, ("id", "study_id", "params", "crc")))
attributes = table("hpcore_attributes", *map(column, ("study_id", "name", "value", "crc")))
reports = table("hpcore_reports", column("id"), *map(column, REPORT_COLUMNS), column("crc"))
