"""Stores from elsewhere: planted pickles, triggers, views, other tables, huge and deeply nested values.

No code in them may be executed: each gives a typed error, or is ignored and every value is unchanged. The script
watches os.system, subprocess, pickle, marshal, eval, exec and every import of a module that was not loaded before.
"""

from __future__ import annotations

import itertools
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from common import SPACE, cost, facts, main

import hpcore as hp
from hpcore.errors import InvalidArgument, StorageError
from hpcore.storage.dialects.sqlite import driver

PICKLE = b"cos\nsystem\n(S'touch PWNED'\ntR."
PAYLOADS = {
    "pickle": f"x'{PICKLE.hex()}'",
    "pickle text": f"CAST(x'{PICKLE.hex()}' AS TEXT)",
    "tag": '\'{"py/object": "os.system", "__reduce__": ["os.system", "touch PWNED"]}\'',
    "deep": "replace(hex(zeroblob(100000)), '00', '[')",
    "huge": "zeroblob(70000000)",
    "code": '\'__import__("os").system("touch PWNED")\'',
}
COLUMNS = [
    ("hpcore_trials", ("params", "objective", "error", "notes", "worker", "point", "state", "started")),
    ("hpcore_studies", ("spec", "mode", "name")),
    ("hpcore_queue", ("params",)),
    ("hpcore_attributes", ("value",)),
    ("hpcore_meta", ("value",)),
]
TABLES = ("hpcore_trials", "hpcore_studies", "hpcore_queue", "hpcore_attributes", "hpcore_meta")


def attacks() -> list[str]:
    """Return the statements that make a store hostile."""
    out = []
    for table, columns in COLUMNS:
        where = " WHERE number = 3" if table == "hpcore_trials" else ""
        out += [f"UPDATE {table} SET {column} = {value}{where}" for column in columns for value in PAYLOADS.values()]
    for event, table in itertools.product(("INSERT", "UPDATE", "DELETE"), TABLES[:4]):
        out.append(f"CREATE TRIGGER t AFTER {event} ON {table} BEGIN UPDATE hpcore_trials SET objective = '[9]'; END")
    for table in TABLES:
        out.append(
            f"ALTER TABLE {table} RENAME TO kept; CREATE VIEW {table} AS SELECT *, load_extension('x') FROM kept"
        )
        out.append(f"ALTER TABLE {table} ADD COLUMN more AS (hex(1))")
        out.append(f"DROP TABLE {table}; CREATE VIRTUAL TABLE {table} USING fts5(a)")
        out.append(
            f"CREATE INDEX i ON {table} (abs(id))" if "studies" in table else f"CREATE VIEW v{table} AS SELECT 1"
        )
    return out


def test(directory: Path, stores: int) -> dict[str, Any]:
    path = directory / "kept.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="tpe", seed=0).run(cost, n_trials=12)
    study.user_attrs["who"] = "me"
    study.enqueue({"k": 3})
    whole = facts(study)
    study._trial_log.storage.close()
    hp.load_study(path).ask()  # loads what it needs before imports are watched
    study = hp.load_study(path)
    study.run(cost, n_trials=1)
    whole = facts(study)
    study._trial_log.storage.close()
    os.chdir(directory)
    ran, wrong, refused, ignored = [], [], 0, 0
    everything = attacks()
    for sql in [everything[i * len(everything) // stores] for i in range(min(stores, len(everything)))]:
        hostile = directory / "hostile.db"
        shutil.copy(path, hostile)
        connection = driver().connect(str(hostile))
        connection.executescript(sql)
        connection.commit()
        connection.close()
        alarms: list[str] = []
        with _Watched(alarms):
            try:
                opened = hp.load_study(hostile, "a")
                known = facts(opened)[: len(whole)]
                dict(opened.user_attrs)
                opened.run(cost, n_trials=2)
                ignored += 1
                if known != whole:
                    wrong.append(sql)
                opened._trial_log.storage.close()
            except (StorageError, InvalidArgument):
                refused += 1
            except Exception as error:  # any other error is a leak
                wrong.append(f"{sql}: {error!r}")
        if alarms or (directory / "PWNED").exists():
            ran.append(f"{sql}: {alarms}")
        for file in directory.glob("hostile.db*"):
            file.unlink()
    return {
        "ok": not ran and not wrong,
        "refused": refused,
        "ignored": ignored,
        "code_run": ran[:3],
        "believed_or_leaked": wrong[:3],
    }


class _Watched:
    """Guard that reports calls that could run or load code."""

    def __init__(self, alarms: list[str]) -> None:
        self._alarms = alarms

    def __enter__(self) -> None:
        self._kept = [(os, "system", os.system), (subprocess, "Popen", subprocess.Popen)]
        self._kept += [(pickle, name, getattr(pickle, name)) for name in ("loads", "load", "Unpickler")]
        for module, name, _ in self._kept:
            setattr(module, name, lambda *args, name=name, **kwargs: self._alarms.append(name))
        sys.meta_path.insert(0, self)

    def __exit__(self, *exc_info: object) -> None:
        for module, name, was in self._kept:
            setattr(module, name, was)
        sys.meta_path.remove(self)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        """Report an import of a module that was not loaded; modules of hpcore are allowed."""
        if name.partition(".")[0] not in ("hpcore", "sqlalchemy", "numpy", "encodings", "difflib"):
            self._alarms.append(f"import {name}")


if __name__ == "__main__":
    main("hostile", {"stores": 100}, test)
