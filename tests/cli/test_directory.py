"""Directories of results: which study they belong to, which one is taken, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import hpcore as hp
from hpcore.cli.directory import OWNER, claim, owner_of, release
from hpcore.errors import InvalidArgument


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def stored(directory: str, *names: str) -> None:
    """Store studies of one trial each, which end in this order."""
    Path(directory).mkdir(exist_ok=True)
    for name in names:
        study = hp.Study({"x": hp.Float(0, 1)}, storage=f"{directory}/runs.db", name=name, seed=0)
        study.run(lambda x: x, n_trials=1, progress=False)


def test_the_same_study_has_the_same_directory() -> None:
    for _ in range(2):
        assert claim(None, "out", "a") == Path("out")
        assert claim("run", "out", "b") == Path("run")
    assert json.loads(Path("out", OWNER).read_text()) == {"study": "a"}
    assert (owner_of(Path("out")), owner_of(Path("run")), owner_of(Path("none"))) == ("a", "b", None)


def test_the_next_free_default_directory(capsys: pytest.CaptureFixture[str]) -> None:
    assert [claim(None, "out", name).name for name in "abc"] == ["out", "out-2", "out-3"]
    assert capsys.readouterr().err.splitlines() == [
        "note: out holds the files of the search 'a': these go to out-2",
        "note: out holds the files of the search 'a': these go to out-3",
    ]
    assert [claim(None, "out", name).name for name in "cab"] == ["out-3", "out", "out-2"]


def test_the_own_directory_comes_before_a_free_one() -> None:
    claim("out-2", "out", "a")
    assert claim(None, "out", "a").name == "out-2"
    assert claim(None, "out", "b").name == "out"
    Path("out-x").mkdir()  # not one of them
    claim("out-11", "out", "c")
    assert claim(None, "out", "c").name == "out-11"


def test_a_given_directory_of_another_study_is_refused() -> None:
    claim("run", "out", "a")
    claim("run-2", "out", "b")
    with pytest.raises(
        InvalidArgument, match=r"--out run/ holds .* 'a', and this is 'c': .* --out run-3, .*--overwrite"
    ):
        claim("run/", "out", "c")
    assert claim("run", "out", "c", overwrite=True) == Path("run")
    assert owner_of(Path("run")) == "c"
    with pytest.raises(InvalidArgument, match="'c'"):
        claim("run", "out", "a")


def test_overwrite_without_a_directory_takes_the_default() -> None:
    claim(None, "out", "a")
    assert claim(None, "out", "b", overwrite=True).name == "out"
    assert owner_of(Path("out")) == "b"


def test_other_files_do_not_matter() -> None:
    Path("run").mkdir()
    Path("run", "notes.txt").write_text("mine")
    assert claim("run", "out", "a") == Path("run")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"study": 3}'])
def test_a_damaged_note_keeps_the_files_from_everybody(text: str) -> None:
    Path("out").mkdir()
    Path("out", OWNER).write_text(text)
    assert owner_of(Path("out")) == ""
    assert claim(None, "out", "a").name == "out-2"
    with pytest.raises(InvalidArgument, match="holds the files of an earlier search"):
        claim("out", "out", "a")


@pytest.mark.parametrize("name", ["trials.csv", "best_params.json", "best_model.joblib"])
def test_files_of_an_earlier_version_without_a_store(name: str) -> None:
    Path("out").mkdir()
    Path("out", name).write_text("")
    assert claim(None, "out", "a").name == "out-2"


def test_files_of_an_earlier_version_belong_to_the_study_that_ended_last() -> None:
    stored("one", "a")
    assert owner_of(Path("one")) is None  # no files to lose
    Path("one", "trials.csv").write_text("")
    assert owner_of(Path("one")) == "a"
    stored("two", "b", "a")
    Path("two", "trials.csv").write_text("")
    assert owner_of(Path("two")) == "a"
    stored("two", "c")
    assert owner_of(Path("two")) == "c"
    assert claim("two", "out", "c") == Path("two")
    stored("two", "d")
    assert owner_of(Path("two")) == "c"  # as it is noted now


def test_a_store_that_cannot_be_read() -> None:
    Path("out").mkdir()
    Path("out", "trials.csv").write_text("")
    Path("out", "runs.db").write_text("not a store, " * 1000)
    assert owner_of(Path("out")) == ""


def test_a_search_without_results_leaves_its_directory_to_others() -> None:
    path = claim(None, "out", "a")
    release(path, "b")
    assert owner_of(path) == "a"
    release(path, "a")
    assert owner_of(path) is None
    claim(None, "out", "a")
    Path("out", "trials.csv").write_text("")
    release(path, "a")
    assert owner_of(path) == "a"
