"""Cut, flipped and hostile files: found out, named, repaired, never believed and never run."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import DamagedStore, HpcoreError, InvalidArgument, StorageError, UntrustedStore
from hpcore.ledger.repair import find_damage, repair
from hpcore.storage.dialects.sqlite import driver

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9)}


def value(number: int) -> float:
    return number / 7


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A closed store of 40 trials, one of them failed with a long text."""

    def objective(trial: hp.Trial) -> float:
        if trial.number == 7:
            raise RuntimeError("x" * 9000)
        trial.user_attrs["a"] = trial.number
        return value(trial.number)

    path = tmp_path / "runs.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0).run(objective, n_trials=40)
    study.user_attrs["who"] = "me"
    study.enqueue({"k": 3})
    study._trial_log.storage.close()
    assert not path.with_name("runs.db-wal").exists()
    return path


def read(path: Path) -> list[float | None]:
    study = hp.load_study(path, "a")
    try:
        return [t.value for t in study.trials]
    finally:
        study._trial_log.storage.close()


EXPECTED = [value(i) if i != 7 else None for i in range(40)]


def test_cut_anywhere(store: Path, tmp_path: Path) -> None:
    """A file that ends too early says so, and the repair saves every trial that is whole in what is left."""
    data = store.read_bytes()
    rng = random.Random(0)
    for cut in [*range(len(data) - 12, len(data)), *(rng.randrange(len(data)) for _ in range(25))]:
        path = tmp_path / "cut.db"
        path.write_bytes(data[:cut])
        if cut >= 512:  # of less not even SQLite thinks that it is a database
            with pytest.raises(StorageError, match=r"damaged|not a database|repair"):
                read(path)
        assert path.read_bytes() == data[:cut]
        fixed = tmp_path / "fixed.db"
        try:
            report = repair(path, fixed)
        except InvalidArgument as error:
            assert "none was found" in str(error)
        else:
            kept = read(fixed)
            for number, v in enumerate(EXPECTED[: len(kept)]):
                assert (kept[number] is None and number in report.lost["a"]) or kept[number] == v
            assert report.n_trials["a"] + len(report.lost["a"]) == 40
        fixed.unlink(missing_ok=True)


def test_flipped_bits_are_never_believed(store: Path, tmp_path: Path) -> None:
    data = bytearray(store.read_bytes())
    rng = random.Random(1)
    found = 0
    for _ in range(250):
        bit = rng.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        path = tmp_path / "flipped.db"
        path.write_bytes(data)
        try:
            assert read(path) == EXPECTED
        except HpcoreError as error:
            assert isinstance(error, StorageError | InvalidArgument), repr(error)
            found += 1
        data[bit // 8] ^= 1 << bit % 8
    assert found >= 10


def test_a_damaged_record_is_named_and_the_others_saved(store: Path) -> None:
    data = store.read_bytes()
    # The value of trial 5, also where pages still hold what is no longer used.
    store.write_bytes(data.replace(b"[0.7142857142857143]", b"[0.7142957142857143]"))
    with pytest.raises(DamagedStore, match=r"trial 5 of study 'a'.*hpcore repair"):
        hp.load_study(store, "a")
    assert find_damage(store).lost == {"a": [5]}
    report = repair(store)
    assert report.path == store.with_name("runs.repaired.db")
    assert (report.n_trials, report.lost, report.orphans) == ({"a": 39}, {"a": [5]}, 0)
    study = hp.load_study(report.path)
    assert [t.value for t in study.trials] == [v if i != 5 else None for i, v in enumerate(EXPECTED)]
    assert "damaged" in study.trials[5].error and len(study.trials[7].error) > 9000
    assert dict(study.user_attrs) == {"who": "me"}
    assert study.run(lambda t: float(t["k"]), n_trials=1).trials[40].value == 3.0
    with pytest.raises(InvalidArgument, match="exists"):
        repair(store)


def test_repair_of_a_store_in_use(tmp_path: Path) -> None:
    """Records that are committed and still in the log are read as well, newer states of a trial before older ones."""
    path = tmp_path / "runs.db"
    study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=0)
    study.run(lambda t: value(t.number), n_trials=30)
    study.ask()
    report = repair(path)
    assert (report.n_trials, report.lost) == ({"a": 31}, {"a": []})
    again = hp.load_study(report.path)
    assert [(t.params, t.value, t.state) for t in again.trials] == [(t.params, t.value, t.state) for t in study.trials]


@pytest.mark.parametrize("path", ["missing.db", "."])
def test_nothing_to_repair(path: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match="existing file"):
        repair(tmp_path / path)
    (tmp_path / "text").write_text("hello" * 5000)
    with pytest.raises(InvalidArgument, match="none was found"):
        repair(tmp_path / "text")


PICKLE = b"cos\nsystem\n(S'touch PWNED'\ntR."

HOSTILE = [
    "CREATE TRIGGER t AFTER INSERT ON hpcore_trials BEGIN UPDATE hpcore_trials SET objective = '[9]'; END",
    "CREATE TRIGGER t AFTER UPDATE ON hpcore_studies BEGIN DELETE FROM hpcore_trials; END",
    "CREATE TEMP TRIGGER t AFTER UPDATE ON hpcore_studies BEGIN DELETE FROM hpcore_trials; END",
    "CREATE VIEW v AS SELECT load_extension('x') FROM hpcore_trials",
    "ALTER TABLE hpcore_trials RENAME TO real; CREATE VIEW hpcore_trials AS SELECT * FROM real",
    "ALTER TABLE hpcore_meta RENAME TO real; CREATE VIEW hpcore_meta AS SELECT * FROM real",
    "CREATE INDEX i ON hpcore_trials (abs(number))",
    "ALTER TABLE hpcore_trials ADD COLUMN more AS (hex(point))",
    "ALTER TABLE hpcore_studies ADD COLUMN more DEFAULT 1",
    "DROP TABLE hpcore_queue",
    "DROP TABLE hpcore_trials; CREATE VIRTUAL TABLE hpcore_trials USING fts5(a)",
    "UPDATE hpcore_trials SET objective = '[9]'",
    "UPDATE hpcore_trials SET number = number + 1000 WHERE number = 39",
    "UPDATE hpcore_trials SET point = x'{pickle}'",
    "UPDATE hpcore_trials SET notes = x'{pickle}'",
    "UPDATE hpcore_trials SET error = zeroblob(80000000) WHERE number = 3",
    "UPDATE hpcore_studies SET spec = x'{pickle}'",
    "UPDATE hpcore_studies SET n_trials = 1000000000",
    "UPDATE hpcore_studies SET name = x'{pickle}'",
    "UPDATE hpcore_queue SET params = x'{pickle}'",
    "UPDATE hpcore_attributes SET value = x'{pickle}'",
    "UPDATE hpcore_meta SET value = x'{pickle}'",
    "UPDATE hpcore_meta SET value = '99999999999999999999'",
    "DELETE FROM hpcore_meta",
    "DELETE FROM hpcore_trials WHERE number = 3",
]


@pytest.mark.parametrize("sql", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_stores(sql: str, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os
    import pickle

    def never(*args, **kwargs):
        raise AssertionError("code of a store was run")

    connection = driver().connect(str(store))
    connection.executescript(sql.replace("{pickle}", PICKLE.hex()))
    connection.commit()
    connection.close()
    monkeypatch.chdir(tmp_path)
    for module, name in ((os, "system"), (pickle, "loads"), (pickle, "load")):
        monkeypatch.setattr(module, name, never)
    try:
        study = hp.load_study(store, "a")
        trials = list(study.trials)
        study.run(lambda t: 1.0, n_trials=1)
        dict(study.user_attrs)
        assert [t.value for t in trials] == EXPECTED
    except HpcoreError as error:
        assert isinstance(error, StorageError | InvalidArgument), repr(error)
    else:
        assert "TEMP" in sql, "nothing was noticed"  # such a trigger was never in the file
    assert not (tmp_path / "PWNED").exists()


def test_a_trigger_is_named(store: Path) -> None:
    connection = driver().connect(str(store))
    connection.execute(HOSTILE[0])
    connection.commit()
    connection.close()
    with pytest.raises(UntrustedStore, match=r"trigger 't'.*not run"):
        hp.load_study(store, "a")


FORGED = [
    {"objective": "[9, 9]"},
    {"objective": "nan"},
    {"objective": "[" * 100_000},
    {"objective": None},
    {"state": 17},
    {"state": -1},
    {"point": b"\0" * 8},
    {"point": b"\xff" * 16},
    {"exact": 1, "params": '{"x": 99.0, "k": 1}'},
    {"exact": 1, "params": '{"y": 1}'},
    {"exact": 1, "params": "[]"},
    {"exact": 1, "params": '{"k": {"choice": 0}, "x": 0.5}'},
    {"notes": '{"reports": 5}'},
    {"notes": "[1]"},
    {"notes": "[" * 100_000},
    {"exact": 1, "params": "[" * 200_000},
    {"started": 1e300},
    {"finished": -1e300},
    {"token": "one"},
    {"deaths": "none"},
    {"state": 1, "lease": "tomorrow"},
    {"std_error": "small"},
    {"error": b"no text"},
]


@pytest.mark.parametrize("change", FORGED, ids=range(len(FORGED)))
def test_forged_records_with_checksums_that_fit(change: dict, store: Path) -> None:
    """A checksum keeps accidents out, not people: what it covers is not believed either."""
    from dataclasses import replace

    from hpcore.storage import open_storage
    from hpcore.storage.records import TrialRecord
    from hpcore.storage.schema import trials

    kept = open_storage(store)

    def forge(transaction) -> None:
        study = transaction.get("a")
        record = replace(TrialRecord.from_fields(transaction.trials(study, 12)[0]), **change)
        transaction.connection.execute(
            trials.update().where(trials.c.number == 12), {k: v for k, v in record.to_row().items() if k != "number"}
        )

    kept.write(forge)
    with pytest.raises(DamagedStore):
        hp.load_study(store, "a")


def test_every_intact_record_of_a_page_is_saved(store: Path) -> None:
    """The pages are read as the format says: compared with SQLite's own reading."""
    from hpcore.storage.salvage import pages_of, records_of

    mine = {tuple(v) for _, v in records_of(*pages_of(store)) if len(v) == 19}
    connection = sqlite3.connect(store)
    theirs = set(connection.execute("SELECT * FROM hpcore_trials").fetchall())
    connection.close()
    assert {(v[1], v[5], v[7], v[12], v[-1]) for v in theirs} == {(v[1], v[5], v[7], v[12], v[-1]) for v in mine}
    assert len(mine) >= 40


FORGED_STUDIES = [{"n_trials": 2**40}, {"n_trials": "many"}, {"n_trials": -1}, {"created": 1e300}, {"created": "abc"}]


@pytest.mark.parametrize("change", FORGED_STUDIES, ids=range(len(FORGED_STUDIES)))
def test_forged_studies_with_checksums_that_fit(change: dict, store: Path) -> None:
    from hpcore.storage.records import STUDY_COLUMNS, checksum

    connection = sqlite3.connect(store)
    row = connection.execute("SELECT * FROM hpcore_studies").fetchone()[:-1]
    fields = {**dict(zip(STUDY_COLUMNS, row, strict=True)), **change}
    ((column, new),) = change.items()
    crc = checksum(tuple(fields.values()))
    connection.execute(f"UPDATE hpcore_studies SET {column} = ?, crc2 = ?", (new, crc))  # noqa: S608 - a column's name
    connection.commit()
    connection.close()
    with pytest.raises(DamagedStore, match="study 'a'"):
        hp.load_study(store, "a")
    found = find_damage(store)
    assert (found.n_trials, found.orphans) == ({}, 40)
    with pytest.raises(InvalidArgument, match="intact record of a study"):
        repair(store)


def test_forged_attributes_with_checksums_that_fit(store: Path) -> None:
    from hpcore.storage import open_storage

    kept = open_storage(store)
    kept.write(lambda transaction: transaction.set_attribute(transaction.get("a").id, "user:b", "5"))
    with pytest.raises(DamagedStore, match="user:b"):
        kept.read(lambda transaction: transaction.attributes(transaction.get("a").id))


def test_what_was_deleted_stays_deleted(tmp_path: Path) -> None:
    """SQLite leaves what it deletes on free pages: that is neither damage nor saved."""
    path, names = tmp_path / "runs.db", [f"s{i}" for i in range(25)]
    for name in names:
        study = hp.Study(SPACE, storage=path, name=name, sampler="random", seed=0).run(lambda t: 1.0, n_trials=20)
        study.user_attrs["who"] = name * 300
        study._trial_log.storage.close()
    for name in names:
        hp.delete_study(path, name)
    healthy = find_damage(path)
    assert (healthy.n_trials, healthy.orphans) == ({}, 0)
    study = hp.Study(SPACE, storage=path, name="s24", sampler="random", seed=0)
    for i in range(40):
        study.user_attrs[f"old{i}"] = "o" * 3000
        study.enqueue({"k": 3})
    for i in range(40):
        del study.user_attrs[f"old{i}"]
    study.user_attrs["who"] = "me"
    study.run(lambda t: float(t.number), n_trials=45)
    study._trial_log.storage.close()
    report = repair(path, tmp_path / "new.db")
    assert (report.n_trials, report.lost, report.orphans) == ({"s24": 45}, {"s24": []}, 0)
    saved = hp.load_study(tmp_path / "new.db", "s24")
    assert [t.value for t in saved.trials] == [float(i) for i in range(45)]
    assert dict(saved.user_attrs) == {"who": "me"}
    assert [s.name for s in hp.list_studies(tmp_path / "new.db")] == ["s24"]
    connection = sqlite3.connect(tmp_path / "new.db")
    assert connection.execute("SELECT count(*) FROM hpcore_queue").fetchone() == (0,)
    connection.close()


def test_of_one_name_the_newest_is_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the freelist cannot be read."""
    path = tmp_path / "runs.db"
    for n in (60, 5):
        study = hp.Study(SPACE, storage=path, name="a", sampler="random", seed=n).run(lambda t: 1.0, n_trials=n)
        study._trial_log.storage.close()
        if n == 60:
            hp.Study(SPACE, storage=path, name="b", sampler="random", seed=0)._trial_log.storage.close()
            hp.delete_study(path, "a")
    from hpcore.ledger import repair as module
    from hpcore.storage import salvage

    monkeypatch.setattr(salvage, "_free", lambda size, pages: set())
    found = module._Found()
    found.studies = {1: _study(1), 7: _study(7)}
    found.trials = {(1, 0): None, (7, 0): None}
    module._drop_older(found)
    assert (list(found.studies), list(found.trials)) == ([7], [(7, 0)])
    assert repair(path, tmp_path / "new.db").n_trials["a"] == 5


def _study(study_id: int):
    from hpcore.storage.records import StudyRecord

    return StudyRecord(study_id, "a", 0.0, 1, 1, "", "{}")
