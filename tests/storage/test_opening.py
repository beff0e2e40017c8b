"""Opening of stores: forms of a storage, permissions, and files that are not stores."""

from __future__ import annotations

import os
import pickle
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import (
    InvalidArgument,
    InvalidType,
    StorageError,
    UnsupportedStore,
)
from hpcore.storage import open_storage
from tests.study.samples import SPACE, cost

# --- forms of a storage -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("storage", "error", "match"),
    [
        ("mysql://user:secret@host/db", InvalidArgument, "unknown kind mysql://"),
        ("redis://x", InvalidArgument, "unknown kind"),
        ("sqlite://runs.db", InvalidArgument, "three slashes"),
        ("", InvalidArgument, "storage must be a file"),
        ("a\0b", InvalidArgument, "storage must be a file"),
        (5, InvalidType, "storage must be a file"),
        (b"runs.db", InvalidType, "storage must be a file"),
        ("{dir}", InvalidArgument, "directory"),
        ("{dir}/missing/runs.db", StorageError, "its directory must exist"),
        ("{dir}/text.txt", StorageError, "not a database"),
        ("{dir}/text.txt/runs.db", StorageError, "cannot be opened"),
        ("/dev/null", InvalidArgument, "regular file"),
        ("postgresql://host:port/db", InvalidArgument, "postgresql://USER"),
    ],
    ids=lambda v: str(v)[:25] if not isinstance(v, type) else "",
)
def test_bad_storages(storage, error: type[Exception], match: str, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("number,value\n" * 1000)
    if isinstance(storage, str):
        storage = storage.replace("{dir}", str(tmp_path))
    for use in (lambda: hp.Study(SPACE, storage=storage, name="a"), lambda: hp.list_studies(storage)):
        with pytest.raises((error, InvalidArgument)) as caught:
            use()
        assert "secret" not in str(caught.value)
    with pytest.raises(error, match=match):
        hp.Study(SPACE, storage=storage, name="a")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["text.txt"]
    assert (tmp_path / "text.txt").read_text() == "number,value\n" * 1000


def test_options_in_a_url_of_a_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"no options after '\?'"):
        open_storage(f"sqlite:///{tmp_path / 'a.db'}?timeout=5")
    open_storage(tmp_path / "a.db?b").close()
    assert [path.name for path in tmp_path.iterdir()] == ["a.db?b"]


def test_relative_paths_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    study = hp.Study(SPACE, storage="sqlite:///a b#%.db", name="a", seed=0).run(cost, n_trials=1)
    assert all(path.name.startswith("a b#%.db") for path in tmp_path.iterdir())
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    study.run(cost, n_trials=1)
    assert not list((tmp_path / "elsewhere").iterdir())
    copy = pickle.loads(pickle.dumps(study._trial_log.storage))  # noqa: S301
    assert [s.n_trials for s in hp.list_studies(copy)] == [2]


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("umask", "mode"), [(0, 0o666), (0o002, 0o664), (0o022, 0o644), (0o077, 0o600)])
def test_new_files_have_the_permissions_that_the_umask_leaves(umask: int, mode: int, tmp_path: Path) -> None:
    old = os.umask(umask)
    try:
        study = hp.Study(SPACE, storage=tmp_path / "a.db", name="a", seed=0).run(cost, n_trials=1)
        names = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(old)
    assert len(names) > 1 and set(names.values()) == {mode}, names  # the log's files as well
    assert len(study.trials) == 1


@pytest.mark.parametrize("what", ["file", "directory", "both"])
def test_what_may_only_be_read_says_what_can_be_done(what: str, tmp_path: Path) -> None:
    from hpcore.storage import open_storage

    runs = tmp_path / "shared" / "runs.db"
    runs.parent.mkdir()
    hp.Study(SPACE, storage=runs, name="a", seed=0).run(cost, n_trials=2)._trial_log.storage.close()
    before = sorted(path.name for path in runs.parent.iterdir())
    runs.chmod(0o600 if what == "directory" else 0o400)
    runs.parent.chmod(0o700 if what == "file" else 0o500)
    try:
        for use in (
            lambda: hp.Study(SPACE, storage=runs, name="a"),
            lambda: hp.load_study(runs),
            lambda: hp.delete_study(runs, "a"),
        ):
            with pytest.raises(StorageError, match=r"read-only.*copy it.*read_only=True.*hpcore show"):
                use()
        # And that way is there.
        study = hp.load_study(open_storage(runs, read_only=True))
        assert len(study.trials) == 2 and len(study.to_frame()) == 2
        with pytest.raises(StorageError, match="reading only"):
            study.run(cost, n_trials=1)
        assert hp.list_studies(runs)[0].n_trials == 2
        assert sorted(path.name for path in runs.parent.iterdir()) == before or what == "file"
    finally:
        runs.parent.chmod(0o700)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE studies (a)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(InvalidArgument, match="'studies'"):
        hp.Study(SPACE, storage=path, name="a")
    assert path.read_bytes() == before


def test_a_store_of_a_newer_version(runs: Path) -> None:
    from hpcore.storage.dialects.sqlite import driver

    hp.Study(SPACE, storage=runs, name="a", seed=0)
    connection = driver().connect(str(runs))
    connection.execute("UPDATE hpcore_meta SET value = '3' WHERE name = 'schema'")
    connection.commit()
    connection.close()
    before = runs.read_bytes()
    with pytest.raises(UnsupportedStore, match=r"newer hpcore.*upgrade"):
        hp.Study(SPACE, storage=runs, name="a")
    assert runs.read_bytes() == before


def test_reading_after_a_kill_in_the_middle_of_a_commit(runs: Path, tmp_path: Path) -> None:
    hp.Study(SPACE, storage=runs, name="a", sampler="random", seed=0).run(cost, n_trials=3)
    code = (
        "import os, signal, sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA journal_mode=DELETE')\n"
        "db.execute('PRAGMA cache_size=1')\n"
        "db.execute('BEGIN IMMEDIATE')\n"
        "db.execute('UPDATE hpcore_trials SET params = zeroblob(200000)')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    assert subprocess.run([sys.executable, "-c", code, str(runs)]).returncode == -9
    assert runs.with_name(runs.name + "-journal").stat().st_size > 0
    assert [s.n_trials for s in hp.list_studies(runs)] == [3]
    assert len(hp.load_study(runs, "a").trials) == 3
