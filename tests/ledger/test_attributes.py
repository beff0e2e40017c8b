"""Attributes: the value of a trial is kept whatever they are, and memory and store have the same ones."""

from __future__ import annotations

import datetime
import json
import pathlib
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import (
    HpcoreError,
    InvalidArgument,
    InvalidType,
)
from tests.study.samples import SPACE as MIXED
from tests.test_attributes import REFUSED, TABLE

SPACE = {"x": hp.Float(-5, 5)}


@pytest.fixture(params=["memory", "stored"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> hp.Study:
    options = {} if request.param == "memory" else {"storage": tmp_path / "runs.db", "name": "a"}
    return hp.Study(SPACE, sampler="random", seed=0, **options)


def reopened(study: hp.Study) -> hp.Study:
    """Open a stored study again; return a study in memory as it is."""
    return hp.load_study(study._trial_log.storage, "a") if study._trial_log.durable else study


def test_every_kind_of_attribute_is_kept_with_the_value(study: hp.Study) -> None:
    for value, _ in TABLE:
        trial = study.ask()
        trial.user_attrs["note"] = value
        study.tell(trial, 0.92)
        assert repr(trial.user_attrs) == repr(study.trials[trial.number].user_attrs)
    for number, (_, expected) in enumerate(TABLE):
        for kept in (study.trials[number], reopened(study).trials[number]):
            assert (kept.state, kept.value) == ("complete", 0.92)
            assert repr(kept.user_attrs) == repr({"note": expected})


@pytest.mark.parametrize(("value", "error", "match"), REFUSED, ids=lambda v: type(v).__name__)
def test_what_cannot_be_kept_is_refused_where_it_is_set(
    value: Any, error: type[Exception], match: str, study: hp.Study
) -> None:
    trial = study.ask()
    with pytest.raises(error, match=match):
        trial.user_attrs["note"] = value
    study.tell(trial, 0.92)
    with pytest.raises(error, match=match) as refused:
        study.user_attrs["note"] = value
    assert "attribute 'note'" in str(refused.value)
    with pytest.raises(error, match=match):
        study.add({"x": 1.0}, 1.0, user_attrs={"note": value})
    assert dict(study.user_attrs) == {}
    assert [(t.value, t.user_attrs) for t in reopened(study).trials] == [(0.92, {})]
    study.tell(study.ask(), 1.0)


def test_attributes_of_a_study_are_plain_data_too(study: hp.Study) -> None:
    for i, (value, _) in enumerate(TABLE):
        study.user_attrs[f"a{i}"] = value
    for each in (study, reopened(study)):
        assert repr(dict(sorted(each.user_attrs.items()))) == repr(
            dict(sorted((f"a{i}", expected) for i, (_, expected) in enumerate(TABLE)))
        )
    study.user_attrs["list"] = [1]
    study.user_attrs["list"].append(2)
    assert study.user_attrs["list"] == [1], "what is read is a copy"
    for name in ("a\0b", "\ud800"):
        with pytest.raises(InvalidArgument, match="attribute's name"):
            study.user_attrs[name] = 1


def test_every_way_to_set_them(study: hp.Study) -> None:
    trial = study.ask()
    trial.user_attrs |= {"a": (1,)}
    trial.user_attrs.update(b={2})
    trial.user_attrs.setdefault("c", np.int8(3))
    assert trial.user_attrs == {"a": [1], "b": [2], "c": 3}
    trial.user_attrs = {"d": (4,)}
    with pytest.raises(InvalidType, match="user_attrs must be a mapping"):
        trial.user_attrs = [5]  # type: ignore[assignment]
    with pytest.raises(InvalidType, match="user_attrs"):
        trial.user_attrs = {"e": object()}
    study.tell(trial, 1.0)
    assert reopened(study).trials[0].user_attrs == {"d": [4]}
    study.user_attrs |= {"a": (1,)}
    study.user_attrs.update(b={2})
    study.user_attrs.setdefault("c", np.int8(3))
    for wrong in (lambda: study.user_attrs.update(d=4, e=object()), lambda: study.user_attrs.setdefault("d", len)):
        with pytest.raises(InvalidType, match=r"attribute '[de]' must be plain data"):
            wrong()
    with pytest.raises(InvalidType, match="attribute 'e' must be plain data"):
        study.user_attrs |= {"d": 4, "e": object()}
    for other in ({"d": 4}, hp.Study(SPACE).user_attrs):
        with pytest.raises(InvalidType, match="user_attrs cannot be replaced"):
            study.user_attrs = other
    assert dict(reopened(study).user_attrs) == {"a": [1], "b": [2], "c": 3}


def test_attributes_added_with_a_trial(study: hp.Study) -> None:
    trial = study.add({"x": 1.0}, 2.0, user_attrs={"a": np.arange(2), 3: pathlib.PurePosixPath("p")})
    for each in (trial, study.trials[0], reopened(study).trials[0]):
        assert each.user_attrs == {"a": [0, 1], "3": "p"}


@pytest.mark.parametrize("how", ["tell", "copy", "run", "threads", "processes", "deterministic"])
def test_what_is_put_inside_later_loses_no_value(how: str, study: hp.Study, caplog: pytest.LogCaptureFixture) -> None:
    def train(trial: hp.Trial) -> float:
        trial.user_attrs["scores"] = [0.5]
        trial.user_attrs["scores"].append(np.float64(0.75))
        trial.user_attrs["objects"] = []
        trial.user_attrs["objects"].append(threading.Lock())  # cannot be pickled either
        trial.user_attrs["day"] = datetime.date(2026, 1, 2)
        return 0.92

    if how in ("tell", "copy"):
        trial = study.ask()
        value = train(trial)
        study.tell(pickle.loads(pickle.dumps(trial)) if how == "copy" else trial, value)  # noqa: S301
    elif how == "threads":
        with ThreadPoolExecutor(2) as pool:
            study.run(train, n_trials=2, executor=pool)
    else:
        study.run(train, n_trials=2, n_jobs=2 if how == "processes" else 1, deterministic=how == "deterministic")
    for each in (study, reopened(study)):
        for kept in each.trials:
            assert (kept.state, kept.value) == ("complete", 0.92)
            assert kept.user_attrs["scores"] == [0.5, 0.75]
            assert kept.user_attrs["objects"].startswith("[<unlocked _thread.lock")
            assert kept.user_attrs["day"] == "2026-01-02"
    if how != "processes":
        assert "an attribute is kept as text: user_attrs['objects'] must be plain data" in caplog.text


def test_a_copy_that_somebody_else_made_loses_no_value(study: hp.Study) -> None:
    """Trial whose attributes were not set through `user_attrs`, as in earlier versions."""
    trial = study.ask()
    copy = pickle.loads(pickle.dumps(trial))  # noqa: S301
    copy.extras = ({"a": (1,), "b": object()}, {1: "x", 2: np.float32(0.5)})
    study.tell(copy, 0.92)
    for each in (study, reopened(study)):
        kept = each.trials[0]
        assert (kept.value, kept.user_attrs["a"], kept.reports) == (0.92, [1], {2: 0.5})
        assert kept.user_attrs["b"].startswith("<object object at")


def test_what_is_set_after_the_result_is_not_kept(study: hp.Study) -> None:
    trial = study.ask()
    trial.user_attrs["a"], trial.reports[1] = [1], 0.5
    study.tell(trial, 1.0)
    for late in (trial, study.trials[0]):
        late.user_attrs["a"].append(2)
        late.user_attrs["b"] = 3
        late.reports[2] = 0.7
    study.refresh()
    for each in (study, reopened(study)):
        assert (each.trials[0].user_attrs, each.trials[0].reports) == ({"a": [1]}, {1: 0.5})
    with pytest.raises(HpcoreError):
        study.trials[0].user_attrs["c"] = object()


def test_failed_trials_keep_theirs(study: hp.Study) -> None:
    def fail(trial: hp.Trial) -> float:
        trial.user_attrs["step"] = {1: "loaded"}
        raise OSError("on purpose")

    study.run(fail, n_trials=1)
    kept = reopened(study).trials[0]
    assert (kept.state, kept.user_attrs) == ("failed", {"step": {"1": "loaded"}})


def test_a_refusal_inside_an_objective_says_what_is_allowed(study: hp.Study) -> None:
    def objective(trial: hp.Trial) -> float:
        if trial.number == 0:
            trial.user_attrs["model"] = object()
        with pytest.raises(InvalidType):
            trial.user_attrs |= {"model": object()}
        return 1.0

    study.run(objective, n_trials=2)
    first, second = reopened(study).trials
    assert first.state == "failed" and "user_attrs['model'] must be plain data" in first.error
    assert second.value == 1.0


def test_trials_without_attributes_have_none(study: hp.Study) -> None:
    study.run(lambda trial: 1.0, n_trials=3)
    assert [trial.extras for trial in study.trials] == [(None, None)] * 3
    assert study.optimizer.history.notes == {}


# --- attributes and notes that are stored -----------------------------------------------------------------------------


def test_attributes_and_notes(runs: Path) -> None:
    study = hp.Study(MIXED, storage=runs, name="a", seed=0)
    study.user_attrs["who"] = {"name": "é'\"%; \0", "n": [1, None]}
    study.user_attrs["none"] = None
    study.note = "first\nsecond"
    again = hp.load_study(runs)
    assert dict(again.user_attrs) == {"who": {"name": "é'\"%; \0", "n": [1, None]}, "none": None}
    assert again.note == "first\nsecond"
    del again.user_attrs["none"]
    assert list(study.user_attrs) == ["who"]
    memory = hp.Study(MIXED)
    memory.user_attrs["a"] = 1
    memory.note = "b"
    assert (dict(memory.user_attrs), memory.note) == ({"a": 1}, "b")


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (object(), InvalidType),
        ({"a": [1j]}, InvalidType),
        ({1: 2, "1": 3}, InvalidArgument),
        ("x" * 2**20, InvalidArgument),
        (json.loads("[" * 40 + "]" * 40), InvalidArgument),
        (10**5000, InvalidArgument),
    ],
    ids=["object", "complex", "keys", "long", "deep", "int"],
)
def test_attributes_that_cannot_be_stored(value, error: type[Exception]) -> None:
    study = hp.Study(MIXED, storage="sqlite:///:memory:", name="a", sampler="random", seed=0)
    with pytest.raises(error, match="attribute"):
        study.user_attrs["a"] = value
    assert dict(study.user_attrs) == {}

    def objective(trial: hp.Trial) -> float:
        if trial.number == 1:
            trial.user_attrs["a"] = value
        return 1.0

    study.run(objective, n_trials=3)
    assert [t.state for t in study.trials] == ["complete", "failed", "complete"]
    assert "user_attrs" in study.trials[1].error


@pytest.mark.parametrize("storage", [None, "sqlite:///:memory:"])
def test_names_of_attributes(storage: str | None) -> None:
    study = hp.Study(MIXED, storage=storage, name="a", sampler="random", seed=0)
    study.user_attrs["x" * 500] = 1
    assert list(study.user_attrs) == ["x" * 500]
    for name, error in [
        ("", InvalidArgument),
        ("x" * 501, InvalidArgument),
        ("é" * 251, InvalidArgument),
        (5, InvalidType),
    ]:
        with pytest.raises(error, match="attribute's name"):
            study.user_attrs[name] = 1
