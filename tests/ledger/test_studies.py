"""Records of studies in a store: names, samplers, and options that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import (
    InvalidArgument,
    InvalidType,
)
from hpcore.storage import open_storage
from tests.study.samples import SPACE, cost


@pytest.mark.parametrize(
    ("name", "error", "match"),
    [
        ("x" * 10_000, InvalidArgument, "512 bytes, got 10000"),
        ("é" * 257, InvalidArgument, "512 bytes"),
        ("", InvalidArgument, "512 bytes"),
        ("a\0b", InvalidArgument, "NUL"),
        ("\ud800", InvalidArgument, "UTF-8"),
        (5, InvalidType, "must be a str"),
        (None, InvalidArgument, "name must be given"),
    ],
    ids=range(7),
)
def test_bad_names(name, error: type[Exception], match: str) -> None:
    store = open_storage("sqlite:///:memory:")
    with pytest.raises(error, match=match):
        hp.Study(SPACE, storage=store, name=name)
    assert hp.list_studies(store) == []


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"direction": "maximize"}, InvalidArgument, "direction must be that of study 'a'"),
        ({"directions": ["minimize", "minimize"]}, InvalidArgument, "direction must be"),
        ({"seed": 1}, InvalidArgument, "seed must be that of study 'a', 0"),
        ({"sampler": "best"}, InvalidArgument, "sampler must be one of"),
        ({"lease": 0.0}, InvalidArgument, "lease must be"),
        ({"retries": -1}, InvalidArgument, "retries must be"),
        ({"retries": 1.0}, InvalidType, "retries must be"),
    ],
    ids=lambda v: str(v) if isinstance(v, dict) else "",
)
def test_what_does_not_fit(options: dict, error: type[Exception], match: str) -> None:
    store = open_storage("sqlite:///:memory:")
    hp.Study(SPACE, storage=store, name="a", seed=0)
    with pytest.raises(error, match=match):
        hp.Study(SPACE, storage=store, name="a", **options)


def test_a_new_study_needs_a_space() -> None:
    with pytest.raises(InvalidType, match="space must be given"):
        hp.Study(storage="sqlite:///:memory:", name="a")
    with pytest.raises(InvalidType, match="space must be"):
        hp.Study()


def test_the_sampler_and_its_options_are_kept(runs: Path) -> None:
    sampler = hp.samplers.TPESampler(gamma=0.3, n_startup_trials=3)
    hp.Study(SPACE, storage=runs, name="a", sampler=sampler, seed=0)
    assert repr(hp.load_study(runs).optimizer.sampler) == repr(sampler)
    hp.Study(SPACE, storage=runs, name="a", sampler="sobol")
    assert type(hp.load_study(runs).optimizer.sampler) is hp.samplers.SobolSampler

    class Mine(hp.samplers.RandomSampler):
        pass

    hp.Study(SPACE, storage=runs, name="b", sampler=Mine(), seed=0).run(cost, n_trials=2)
    with pytest.raises(InvalidArgument, match=r"sampler must be given.*Mine"):
        hp.load_study(runs, "b")
    assert len(hp.load_study(runs, "b", sampler=Mine()).run(cost, n_trials=2).trials) == 4
