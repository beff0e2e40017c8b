"""Records of studies in a store: names, samplers, and options that do not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

import hpcore as hp
from hpcore.errors import (
    DamagedStore,
    HpcoreError,
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
        ({"limits": {"ms": hp.at_most(1)}}, InvalidArgument, "limits must be those of study 'a', {}, or be left out"),
        ({"limits": {"ms": 1}}, InvalidType, r"limits\['ms'\] must be made by"),
        ({"cost": lambda params: -1.0}, InvalidArgument, "cost must be finite and > 0, got -1.0 for {"),
        ({"per_cost": 1}, InvalidType, "per_cost must be"),
        ({"sampler": "best"}, InvalidArgument, "sampler must be one of"),
        ({"lease": 0.0}, InvalidArgument, "lease must be"),
        ({"retries": -1}, InvalidArgument, "retries must be"),
        ({"retries": 1.0}, InvalidType, "retries must be"),
    ],
    ids=lambda v: ", ".join(v) if isinstance(v, dict) else "",  # without values: a function prints its address
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


def test_the_scheduler_and_its_options_are_kept(runs: Path) -> None:
    scheduler = hp.schedulers.ASHA(max_resource=27, eta=2, kind="stopping", brackets=2)
    hp.Study(SPACE, storage=runs, name="a", scheduler=scheduler, seed=0)
    assert repr(hp.load_study(runs).optimizer.scheduler) == repr(scheduler)
    hp.load_study(runs, scheduler="median")  # another one replaces it
    assert type(hp.load_study(runs).optimizer.scheduler) is hp.schedulers.MedianStopping

    class Mine(hp.schedulers.Threshold):
        pass

    hp.Study(SPACE, storage=runs, name="b", scheduler=Mine(upper=3.0), seed=0)
    with pytest.raises(InvalidArgument, match=r"scheduler must be given.*Mine"):
        hp.load_study(runs, "b")
    assert type(hp.load_study(runs, "b", scheduler=Mine(upper=3.0)).optimizer.scheduler) is Mine
    hp.Study(SPACE, storage=runs, name="c", seed=0)  # as in older stores
    assert hp.load_study(runs, "c").optimizer.scheduler is None


@pytest.mark.parametrize("name", hp.schedulers.names())
def test_every_scheduler_is_restored_by_its_name(name: str, runs: Path) -> None:
    try:
        scheduler = hp.schedulers.resolve(name)
    except HpcoreError:  # it needs options
        pytest.skip("tested with its options")
    hp.Study(SPACE, storage=runs, name="a", scheduler=scheduler, seed=0)
    assert repr(hp.load_study(runs).optimizer.scheduler) == repr(scheduler)


def test_a_scheduler_that_does_not_fit_is_refused_before_it_is_stored(runs: Path) -> None:
    hp.Study(SPACE, storage=runs, name="a", scheduler="median", seed=0)

    class Never(hp.schedulers.Scheduler):
        def bind(self, columns, directions, seed):
            raise InvalidArgument("not here")

    for storage in (runs, "sqlite:///:memory:"):
        with pytest.raises(InvalidArgument, match="not here"):
            hp.Study(SPACE, storage=storage, name="a", scheduler=Never())
    with pytest.raises(InvalidArgument, match="prefetch must be False"):
        hp.load_study(runs, prefetch=True)
    assert type(hp.load_study(runs).optimizer.scheduler) is hp.schedulers.MedianStopping


@pytest.mark.parametrize(
    "spec", [{"name": "nothing", "options": {}}, {"name": "asha", "options": {"eta": "x"}}, {"name": "asha"}]
)
def test_a_damaged_scheduler_is_named(spec: dict, runs: Path) -> None:
    from hpcore.ledger.studies import _change_spec, find

    hp.Study(SPACE, storage=runs, name="a", scheduler="asha", seed=0)
    store = open_storage(runs)
    _change_spec(store, find(store, "a"), scheduler=spec)
    with pytest.raises(DamagedStore, match="scheduler of study 'a' is damaged"):
        hp.load_study(runs)
