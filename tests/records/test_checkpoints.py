"""Folders of jobs: what they begin with, what is copied, and what happens if files have vanished."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from hpcore.records.checkpoints import Checkpoint, Root, remove_older


@pytest.fixture(params=[False, True], ids=["moves", "keeps"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Root:
    return Root(str(tmp_path / "deep" / "root"), request.param)


def write(checkpoint: Checkpoint, text: str) -> None:
    (checkpoint.open() / "state").write_text(text)


def read(checkpoint: Checkpoint) -> str:
    return (checkpoint.open() / "state").read_text()


def test_the_first_job_begins_with_an_empty_folder(root: Root) -> None:
    checkpoint = Checkpoint(root, 3, 5)
    assert not checkpoint.path.exists()
    assert checkpoint.open() == Path(root.path, "trial-3", "job-5") and not list(checkpoint.open().iterdir())


def test_a_job_that_begins_again_finds_its_own_files(root: Root) -> None:
    write(Checkpoint(root, 3, 5), "half")
    assert read(Checkpoint(root, 3, 5)) == "half"


def test_the_next_job_begins_with_the_files_of_the_last(root: Root) -> None:
    write(Checkpoint(root, 3, 5), "a")
    write(Checkpoint(root, 3, 9, is_resumed=True), "b")
    assert read(Checkpoint(root, 3, 12, is_resumed=True)) == "b"
    left = sorted(path.name for path in Path(root.path, "trial-3").iterdir())
    assert left == (["job-12", "job-5", "job-9"] if root.keeps else ["job-12"])


def test_a_child_begins_with_a_copy(root: Root) -> None:
    write(Checkpoint(root, 3, 5), "parent")
    child = Checkpoint(root, 7, 8, parent=(3, 5))
    assert read(child) == "parent"
    write(child, "child")
    assert read(Checkpoint(root, 3, 5)) == "parent"
    assert read(Checkpoint(root, 7, 11, parent=(3, 5), is_resumed=True)) == "child"


def test_a_copy_that_was_cut_off_is_made_anew(root: Root) -> None:
    write(Checkpoint(root, 3, 5), "parent")
    cut_off = Path(root.path, "trial-7", "job-8.copy-1")
    cut_off.mkdir(parents=True)
    (cut_off / "state").write_text("par")
    assert read(Checkpoint(root, 7, 8, parent=(3, 5))) == "parent"
    assert not cut_off.exists()


def test_a_copy_that_fails_leaves_no_folder(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    write(Checkpoint(root, 3, 5), "parent")
    child = Checkpoint(root, 7, 8, parent=(3, 5))

    def fails(source: Path, target: Path) -> None:
        target.mkdir()
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copytree", fails)
        with pytest.raises(OSError, match="no space"):
            child.open()
    assert not child.path.exists() and read(child) == "parent"


def test_files_that_have_vanished(root: Root, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "hpcore"):
        for checkpoint in (Checkpoint(root, 3, 5, is_resumed=True), Checkpoint(root, 4, 6, parent=(1, 0))):
            assert not list(checkpoint.open().iterdir())
    assert [r.getMessage().partition(":")[0] for r in caplog.records] == [
        "the checkpoint of trial 3 has vanished",
        "the checkpoint of trial 1 has vanished",
    ]


def test_the_last_two_jobs_are_kept(root: Root) -> None:
    for job in (2, 5, 9):
        Path(root.path, "trial-3", f"job-{job}").mkdir(parents=True)
    remove_older(Checkpoint(root, 3, 9))
    assert sorted(path.name for path in Path(root.path, "trial-3").iterdir()) == ["job-5", "job-9"]
    remove_older(Checkpoint(root, 4, 9))  # it never had one


def test_a_private_folder_is_the_user_s_own(tmp_path: Path) -> None:
    Checkpoint(Root(str(tmp_path / "mine"), is_private=True), 0, 0).open()
    assert (tmp_path / "mine").stat().st_mode & 0o077 == 0
