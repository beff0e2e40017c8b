"""The way from version 1 to version 2: nothing lost, nothing healed, all of it or none."""

from __future__ import annotations

import importlib.util
import multiprocessing
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hpcore.errors import DamagedStore, HpcoreError, InvalidArgument, StorageError, UnsupportedStore
from hpcore.storage import Storage, open_storage
from hpcore.storage.dialects import sqlite
from hpcore.storage.records import ReportRecord, TrialRecord
from hpcore.storage.versions import migration
from tests.storage.versions import stores

ROOT = Path(__file__).parents[3]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return stores.write_sqlite(tmp_path / "runs.db")


def content(store: Storage, name: str | None = None) -> Any:
    """Contents of a store by study, or those of one study, in the order of the records."""

    def work(t: Any) -> Any:
        return [
            (
                study,
                [TrialRecord.from_fields(fields) for fields in t.trials(study)],
                sorted(((r.number, r.step, r.job, r.value, r.data) for r in t.reports_after(study.id, 0)), key=repr),
                t.attributes(study.id),
            )
            for study in (t.studies() if name is None else [t.get(name)])
        ]

    return store.read(work)


def check(store: Storage) -> None:
    """See that a store holds what `stores.rows` made."""
    (a, trials, reports, attributes), (b, two, more, _), (c, searched, folds, _) = content(store)
    assert [(s.id, s.name, s.created, s.n_trials, s.n_jobs, s.mode) for s in (a, b, c)] == [
        (1, "a", 1000.5, 6, 6, "lag 1"),
        (3, "b", 1001.0, 3, 3, ""),
        (4, "c", 1002.0, 2, 2, "fast"),
    ]
    assert [t.job for t in trials] == [t.number for t in trials] == list(range(6))
    assert [t.state for t in trials] == [1, 1, 3, 1, 1, 0]
    assert [t.objective for t in trials] == ["[0.0]", "[1.0]", None, "[3.0]", "[4.0]", None]
    assert [t.notes for t in trials] == [None, '{"user_attrs": {"a": [1]}}', None, None, None, None]
    assert (trials[3].exact, trials[3].std_error, trials[2].error, trials[2].deaths) == (1, 0.5, "broke", 1)
    assert (trials[5].worker, trials[5].lease, trials[5].token) == ("h|1|1|x", 9.0, 1)
    assert [t.objective for t in two] == ["[1.0, 2.0]", "[3.0, -4.0]", None] and len(searched) == 2
    assert reports == [(1, 1.0, 1, "[NaN]", None), (1, 3.0, 1, "[0.5]", None), (4, 1.0, 4, "[4.0]", None)]
    assert more == [(0, 2.0, 0, "[0.5, NaN]", None)]
    assert [fold[:4] for fold in folds] == [
        (0, 0.0, 0, "[0.25]"),
        (0, 1.0, 0, "[0.5]"),
        (1, 0.0, 1, "[NaN]"),
        (1, 2.0, 1, "[NaN]"),
    ]
    assert [fold[4] for fold in folds] == [row[3] for row in stores.rows()["hpcore_folds"]]
    assert attributes == {"note": "text", "user:who": ["me"]}


def version(path: Path) -> str:
    return stores.dump(path)["hpcore_meta"][0][1]


def go_on(store: Storage) -> None:
    """Use a store that was brought to version 2."""

    def work(t: Any) -> Any:
        study = t.create("new", "{}")
        t.add_report(ReportRecord(4, 1, 3.0, 1, "[1.0]"))
        return study, t.dequeue(1), t.dequeue(1), t.dequeue(1), t.reports_after(4, 0)[-1]

    study, *queued, report = store.write(work)
    assert study.id > 4 and queued == ['{"x": 0.5}', '{"x": 0.25}', None] and report.step == 3.0


def test_nothing_is_lost(path: Path) -> None:
    store = open_storage(path)
    check(store)
    assert version(path) == "2" and "hpcore_folds" not in stores.dump(path)
    go_on(store)
    check_ids = stores.dump(path)["hpcore_studies"]
    assert max(row[0] for row in check_ids) == 7  # ids of deleted studies are not used again
    store.close()
    assert len(content(open_storage(path))) == 4


def test_an_empty_store(tmp_path: Path) -> None:
    path = stores.write_sqlite(tmp_path / "runs.db", {"hpcore_meta": [("schema", "1")]})
    assert content(open_storage(path)) == [] and version(path) == "2"


def test_read_only_it_is_read_as_it_is(path: Path) -> None:
    before = path.read_bytes()
    store = open_storage(path, read_only=True)
    check(store)
    check(store)
    assert path.read_bytes() == before and [p.name for p in path.parent.glob("runs.db-wal")] == []
    with pytest.raises(StorageError, match="reading only"):
        store.write(lambda t: None)
    reports = store.read(lambda t: t.reports(1, [4, 1]))
    assert [(r.number, r.step) for r in reports] == [(1, 1.0), (1, 3.0), (4, 1.0)]
    assert store.read(lambda t: t.trial(1, 1)).notes == '{"user_attrs": {"a": [1]}}'
    assert store.read(lambda t: t.find("c")).id == 4 and store.read(lambda t: t.find("x")) is None


def test_a_reader_follows_reports_of_an_old_program(path: Path) -> None:
    store = open_storage(path, read_only=True)
    known = store.read(lambda t: t.reports_after(4, 0))
    connection = sqlite.driver().connect(path)
    connection.execute("INSERT INTO hpcore_folds VALUES (?, ?, ?, ?, ?)", stores.sealed(4, 0, 5, "[1.0]"))
    connection.commit()
    connection.close()
    (new,) = store.read(lambda t: t.reports_after(4, known[-1].id))
    assert (new.number, new.step, new.value) == (0, 5.0, "[1.0]")
    assert store.read(lambda t: t.reports_after(4, 0))[:-1] == known


def test_a_reader_sees_that_it_was_brought_to_version_2(path: Path) -> None:
    reader = open_storage(path, read_only=True)
    check(reader)
    generation = reader.generation
    writer = open_storage(path)
    check(reader)
    assert reader.generation > generation  # ids of reports are others
    go_on(writer)
    assert len(content(reader)) == 4


def test_a_place_that_may_only_be_read(path: Path) -> None:
    if os.getuid() == 0:
        pytest.skip("the superuser may write everywhere")
    path.chmod(0o444)
    path.parent.chmod(0o555)
    try:
        check(open_storage(path, read_only=True))
    finally:
        path.parent.chmod(0o755)


STATEMENTS_OF_VERSION_1 = [
    "UPDATE hpcore_trials SET state=1, objective='[9.0]', crc=5 WHERE study_id=1 AND number=5 AND token=1 AND state=0",
    "INSERT INTO hpcore_trials (study_id, number, state, exact, point, params, objective, std_error, started, "
    "finished, error, notes, token, deaths, worker, lease, crc) "
    "VALUES (1, 6, 0, 0, x'', '{}', NULL, NULL, NULL, NULL, NULL, NULL, 1, 0, 'w', 1.0, 5)",
    "SELECT id, name, created, n_trials, mode, spec, crc FROM hpcore_studies WHERE id = 1",
    "UPDATE hpcore_studies SET n_trials=7, mode='', spec='{}', crc=5 WHERE id=1",
    "INSERT INTO hpcore_studies (name, created, n_trials, mode, spec, crc) VALUES ('n', 1.0, 0, '', '{}', 0)",
    "DELETE FROM hpcore_folds WHERE study_id=1 AND number=1 AND fold=1",
]


def test_a_program_of_version_1_fails_and_changes_nothing(path: Path) -> None:
    old = sqlite.driver().connect(path, isolation_level=None)
    old.execute("SELECT * FROM hpcore_trials").fetchall()
    store = open_storage(path)
    before = content(store)
    for statement in STATEMENTS_OF_VERSION_1:
        with pytest.raises(sqlite.driver().OperationalError, match=r"no such (column|table)|has no column"):
            old.execute(statement)
    old.close()
    assert content(store) == before


def test_a_newer_version_is_refused_as_before(path: Path) -> None:
    connection = sqlite.driver().connect(path)
    connection.execute("UPDATE hpcore_meta SET value = '3'")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for read_only in (False, True):
        with pytest.raises(UnsupportedStore, match="newer hpcore"):
            open_storage(path, read_only=read_only)
    assert path.read_bytes() == before


# --- all of it or nothing ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(8))
def test_an_error_on_the_way_leaves_version_1(step: int, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = stores.dump(path)

    class Broken(Exception):
        pass

    def break_at(name: str) -> None:
        whole = getattr(migration, name)

        def broken(*args: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == step + 1:
                raise Broken
            return whole(*args)

        monkeypatch.setattr(migration, name, broken)

    calls = 0
    for name in ("_copy", "_copy_table", "_row"):
        break_at(name)
    with pytest.raises(Broken):
        open_storage(path)
    assert stores.dump(path) == before
    monkeypatch.undo()
    check(open_storage(path))


def _die_in_the_middle(path: Path, table: str) -> None:
    whole = migration._copy_table

    def die(connection: Any, old: Any, moved: Any) -> None:
        connection.exec_driver_sql("PRAGMA cache_size=4")  # pages are written before the end
        whole(connection, old, moved)
        if old.name == table:
            os.kill(os.getpid(), signal.SIGKILL)

    migration._copy_table = die
    open_storage(path)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
@pytest.mark.parametrize("table", migration.OLD_TABLES)
@pytest.mark.parametrize("mode", ["persist", "newest"])
def test_a_kill_on_the_way_leaves_version_1(table: str, mode: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if mode == "persist":
        monkeypatch.setattr(sqlite, "driver", lambda: sqlite3)
        monkeypatch.setattr(sqlite, "journal_mode", lambda: "persist")
    rows = stores.rows()
    rows["hpcore_studies"].append(stores.sealed(5, "large", 1003.0, 200, "fast", stores.spec()))
    rows["hpcore_trials"] += [
        stores.trial(i, 5, error="x" * 3000, notes='{"reports": [[1, 0.5], [2, 1.5]]}') for i in range(200)
    ]
    path = stores.write_sqlite(path.with_name("large.db"), rows)
    whole = content(open_storage(path, read_only=True))
    before, size = stores.dump(path), path.stat().st_size
    child = multiprocessing.get_context("fork").Process(target=_die_in_the_middle, args=(path, table))
    child.start()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    written = sum(part.stat().st_size for part in path.parent.glob("large.db*"))
    assert written > (1.1 if table == "hpcore_studies" else 1.8) * size or table == "hpcore_studies"
    assert content(open_storage(path, read_only=True)) == whole and stores.dump(path) == before
    store = open_storage(path)
    assert content(store) == whole
    assert len(whole[-1][2]) == 400


def test_several_that_open_at_once(path: Path) -> None:
    start, errors = threading.Barrier(6), []

    def use() -> None:
        start.wait()
        try:
            check(open_storage(path))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    check(open_storage(path))


def test_a_copy_of_version_1_in_the_place_of_the_file(path: Path) -> None:
    """A backup was restored while the store is in use."""
    backup = path.read_bytes()
    store = open_storage(path)
    check(store)
    other = path.with_name("other.db")
    other.write_bytes(backup)
    other.replace(path)
    for end in ("-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)
    check(store)
    assert version(path) == "2"


# --- damage -----------------------------------------------------------------------------------------------------------


def damaged(path: Path, *statements: str) -> None:
    connection = sqlite.driver().connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "read", "said"),
    [
        (
            "UPDATE hpcore_trials SET objective = '[5.0]' WHERE study_id = 1 AND number = 1",
            "trials",
            "trial 1 of study",
        ),
        ("UPDATE hpcore_trials SET notes = 'x' WHERE study_id = 1 AND number = 1", "trials", "trial 1 of study 'a'"),
        ("UPDATE hpcore_trials SET token = 'x' WHERE study_id = 1 AND number = 1", "trials", "trial 1 of study 'a'"),
        ("UPDATE hpcore_trials SET params = x'00' WHERE study_id = 1 AND number = 1", "trials", "trial 1 of study 'a'"),
        ("UPDATE hpcore_folds SET score = '[1.0]' WHERE study_id = 4 AND fold = 1", "reports", "report 1.0 of trial 0"),
        ("UPDATE hpcore_folds SET fold = 'x' WHERE study_id = 4 AND fold = 1", "reports", "report 'x' of trial 0"),
        ("UPDATE hpcore_studies SET n_trials = 5 WHERE id = 1", "studies", "record of study 'a'"),
        ("UPDATE hpcore_studies SET spec = '' WHERE id = 1", "studies", "record of study 'a'"),
        ("DELETE FROM hpcore_trials WHERE study_id = 1 AND number = 1", "trials", "trial 1 of study 'a' is missing"),
    ],
    ids=lambda v: v[7:45],
)
def test_a_damaged_record_stays_one(statement: str, read: str, said: str, path: Path) -> None:
    damaged(path, statement)
    n = len(stores.dump(path)["hpcore_trials"])
    uses: dict[str, Callable[[Any], Any]] = {
        "trials": lambda t: t.trials(t.get("a")),
        "reports": lambda t: t.reports_after(4, 0),
        "studies": lambda t: t.get("a"),
    }
    for store in (open_storage(path, read_only=True), open_storage(path)):
        what = said.replace("report 1.0", "(report 1.0|fold 1)").replace("report 'x'", "(report|fold) 'x'")
        with pytest.raises(DamagedStore, match=what):
            store.read(uses[read])
        # The others are what they were.
        assert len(store.read(lambda t: t.trials(t.get("b")))) == 3
        assert store.read(lambda t: t.trial(1, 0)).objective == "[0.0]"
    assert version(path) == "2" and len(stores.dump(path)["hpcore_trials"]) == n


def test_forged_records_stay_refused(tmp_path: Path) -> None:
    """A checksum that fits over contents that do not is given one that fits again: whoever reads them refuses them."""
    from hpcore.ledger.reading import read_result

    content = stores.rows()
    content["hpcore_trials"][1] = stores.trial(1, notes='{"reports": [["1", 2]]}')
    content["hpcore_trials"][3] = stores.trial(3, state=9)
    path = stores.write_sqlite(tmp_path / "runs.db", content)
    store = open_storage(path)
    with pytest.raises(DamagedStore, match="trial 1 of study 'a' is damaged: its reports"):
        read_result(store.read(lambda t: t.trial(1, 1)), 1, "a")
    with pytest.raises(DamagedStore, match="trial 3 is damaged: its state"):
        store.read(lambda t: t.trial(1, 3))


def test_a_file_that_cannot_be_copied_is_left_as_it_was(path: Path) -> None:
    """Text that is no text ends SQLite's own reading: the store stays at version 1, for 'hpcore repair'."""
    damaged(path, "UPDATE hpcore_trials SET error = CAST(x'ff' AS TEXT) WHERE study_id = 1 AND number = 1")
    before = path.read_bytes()
    with pytest.raises(DamagedStore, match="repair"):
        open_storage(path)
    assert version_of(path) == "1" and before[:16] == path.read_bytes()[:16]


def version_of(path: Path) -> str:
    connection = sqlite.driver().connect(path)
    (found,) = connection.execute("SELECT value FROM hpcore_meta").fetchone()
    connection.close()
    return found


def test_flipped_bits_are_never_believed(path: Path) -> None:
    """Each study of a damaged file is what it was, or refused; before the way and after it alike."""
    data, rng = bytearray(path.read_bytes()), random.Random(0)
    whole = {study[0].name: study for study in content(open_storage(path, read_only=True))}
    found = 0
    for _ in range(150):
        bit = rng.randrange(8 * len(data))
        data[bit // 8] ^= 1 << bit % 8
        for part in path.parent.glob("flipped.db*"):
            part.unlink()
        flipped = path.with_name("flipped.db")
        flipped.write_bytes(data)
        for read_only in (True, False, False):
            try:
                store = open_storage(flipped, read_only=read_only)
                for name in whole:
                    try:
                        assert content(store, name) == [whole[name]]
                    except HpcoreError:
                        found += 1
                store.close()
            except (StorageError, InvalidArgument):
                found += 1
        data[bit // 8] ^= 1 << bit % 8
    assert found >= 10


# --- PostgreSQL -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    place = ROOT / "benchmarks" / "reliability" / "postgres_server.py"
    spec = importlib.util.spec_from_file_location("postgres_server", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if module.binaries() is None:
        pytest.skip("no PostgreSQL server is installed: apt-get install postgresql")
    with module.PostgresServer() as running:
        yield running


@pytest.fixture
def url(server: Any) -> str:
    """An empty database with a store of version 1 in it."""
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    with psycopg.connect(server.url) as connection:
        stores.fill(connection.execute, "postgresql", "%s", None)
        connection.execute("SELECT setval('hpcore_studies_id_seq', 6)")
        connection.execute("SELECT setval('hpcore_queue_id_seq', 9)")
    return server.url


def test_nothing_is_lost_on_postgresql(url: str) -> None:
    reader = open_storage(url, read_only=True)
    check(reader)
    start, errors = threading.Barrier(3), []

    def use() -> None:
        start.wait()
        try:
            check(open_storage(url))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=use) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    check(reader)
    store = open_storage(url)
    go_on(store)
    assert [s.id for s in store.read(lambda t: t.studies())] == [1, 3, 4, 7]
    for opened in (reader, store):
        opened.close()


def test_an_error_on_the_way_on_postgresql(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import psycopg

    def broken(*args: Any) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(migration, "_folds_of", broken)
    with pytest.raises(RuntimeError, match="broken"):
        open_storage(url)
    monkeypatch.undo()
    reader = open_storage(url, read_only=True)
    check(reader)
    reader.close()
    with psycopg.connect(url, autocommit=True) as old:
        assert old.execute("SELECT value FROM hpcore_meta").fetchone() == ("1",)
        store = open_storage(url)
        before = content(store)
        for statement in STATEMENTS_OF_VERSION_1:
            with pytest.raises((psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable)):
                old.execute(statement.replace("x''", "''"))
        assert content(store) == before
        store.close()


def test_damage_on_postgresql(url: str) -> None:
    import psycopg

    with psycopg.connect(url) as old:
        old.execute("UPDATE hpcore_trials SET objective = '[5.0]' WHERE study_id = 1 AND number = 1")
        old.execute("UPDATE hpcore_folds SET score = '[5.0]' WHERE study_id = 4 AND fold = 1")
    store = open_storage(url)
    with pytest.raises(DamagedStore, match="trial 1 of study 'a'"):
        store.read(lambda t: t.trials(t.get("a")))
    with pytest.raises(DamagedStore, match=r"report 1\.0 of trial 0"):
        store.read(lambda t: t.reports_after(4, 0))
    assert len(store.read(lambda t: t.trials(t.get("b")))) == 3
    store.close()
