"""A study that goes on in a larger space, in memory and in a store."""

from __future__ import annotations

import os
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidSpace, SpaceMismatch, UnknownTrial
from tests.reference import spaces as ref
from tests.study.children import begin, in_child, kill_me

SMALL = {"kind": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1), "n": hp.Int(1, 4)}
LARGE = {
    "depth": hp.Int(1, 3),
    "kind": hp.Categorical(["c", "a", "b"]),
    "x": hp.Float(-1, 2),
    "n": hp.Int(1, 9),
    "rate": hp.Float(1e-3, 1, log=True, when=[{"kind": "a"}, {"depth": hp.at_least(2)}]),
}
DEFAULTS: list[dict[str, Any] | None] = [None, {"depth": 1, "rate": 0.25}]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "runs.db"


def loss(params: Any) -> float:
    return float((params["x"] - 0.3) ** 2 + params["n"])


def begun(n: int = 12, **options: Any) -> hp.Study:
    return hp.Study(SMALL, **{"sampler": "tpe", "seed": 1, **options}).run(loss, n_trials=n)


def asked(study: hp.Study, n: int) -> list[dict[str, Any]]:
    study.run(loss, n_trials=n)
    return [dict(trial.params) for trial in study.trials[-n:]]


@pytest.mark.parametrize("defaults", DEFAULTS)
@pytest.mark.parametrize("sampler", ["tpe", "gp", "random"])
def test_a_stored_study_goes_on_as_one_in_memory(path: Path, sampler: str, defaults: dict[str, Any] | None) -> None:
    inside = begun(sampler=sampler)
    stored = begun(sampler=sampler, storage=path, name="a")
    for study in (inside, stored):
        study.extend(LARGE, defaults=defaults)
        assert study.space == hp.Space(LARGE) and len(study.trials) == 12
    first = asked(stored, 4)
    assert all(map(ref.same_params, asked(inside, 4), first))
    # Opened again, with the space or without it.
    again = hp.load_study(path, "a")
    assert again.space == hp.Space(LARGE)
    assert [t.params for t in again.trials] == [t.params for t in inside.trials]
    assert all(map(ref.same_params, asked(inside, 4), asked(again, 4)))
    last = hp.Study(LARGE, storage=path, name="a")
    assert all(map(ref.same_params, asked(inside, 4), asked(last, 4)))
    assert last.mode == "lag 1" and last.best_value == inside.best_value


def test_all_of_a_trial_is_kept(path: Path) -> None:
    for storage in (None, path):
        study = hp.Study(
            SMALL,
            storage=storage,
            name="a",
            sampler="tpe",
            direction="maximize",
            seed=0,
            limits={"size": hp.at_most(5.0)},
            scheduler="asha",
        )
        for i in range(6):
            trial = study.ask()
            trial.user_attrs["i"] = i
            for step in (1, 3):
                trial.report(float(i), step)
            if i % 2:
                study.tell(trial, float(i), cost=2.0, metrics={"size": float(i)}, std_error=0.5)
            elif i == 4:
                study.withdraw(trial)
            else:
                study.tell(trial, None, error="broken")

        def facts(study: hp.Study) -> list[Any]:
            return [(t.values, t.state, t.cost, t.metrics, t.error, t.reports, t.user_attrs) for t in study.trials]

        before = facts(study)
        study.extend(LARGE)
        assert facts(study) == before and study.best_trial.number == 5
        if storage is not None:
            assert facts(hp.load_study(path)) == before
        following = study.ask()
        assert following.report(1.0, 1) is None and following.number == 6
        assert study.trials[6].reports == {1: 1.0}


def test_running_and_enqueued_trials_stay(path: Path) -> None:
    for storage in (None, path):
        study = begun(storage=storage, name="a")
        running, other = study.ask(2)
        study.enqueue({"x": 0.5, "kind": "b"})
        study.extend(LARGE, defaults={"depth": 2, "rate": 0.5})
        study.tell(running, 0.5)
        study.tell(other.number, 0.25, params={**other.params, "depth": 3, "rate": 0.125})
        assert study.trials[12].value == 0.5
        assert study.trials[12].params == {**running.params, "depth": 2, "rate": 0.5}
        assert study.trials[13].params == {**other.params, "depth": 3, "rate": 0.125}
        queued = study.ask()
        assert queued["x"] == 0.5 and queued["kind"] == "b" and "depth" in queued
        if storage is not None:
            shown = hp.load_study(path)
            assert shown.trials[12].params == study.trials[12].params and shown.trials[12].value == 0.5
            assert shown.trials[14].params == queued.params and shown.trials[14].state == "running"


def test_a_running_trial_has_the_defaults_at_once(path: Path) -> None:
    for storage in (None, path):
        study = begun(storage=storage, name="a")
        running, other, third = study.ask(3)
        copies = pickle.loads(pickle.dumps([other, third]))  # noqa: S301
        before = [running.params, dict(running.params)]
        study.extend(LARGE, defaults={"depth": 2, "rate": 0.5})
        assert study.trials[12] is running and running.params == {**before[1], "depth": 2, "rate": 0.5}
        assert list(running.params) == [name for name in LARGE if name in running.params]
        assert before[0] == before[1]  # whoever reads it meanwhile keeps what was there
        # Copies from before, as another process has them, are told as ever.
        study.tell(copies[0], 0.5)
        for wrong in ({**copies[1].params, "x": 0.125}, {"x": third["x"]}, {}):
            with pytest.raises(UnknownTrial, match="its params differ"):
                study.tell(hp.Trial(14, wrong), 0.5)
        study.tell(copies[1], 0.25)
        assert [trial.value for trial in study.trials[13:]] == [0.5, 0.25]
        assert [trial.params["depth"] for trial in study.trials[12:]] == [2, 2, 2]
        with pytest.raises(InvalidArgument, match="'n'"):
            study.extend({**LARGE, "n": hp.Int(1, 9, when={"kind": "c"})})
        assert running.params == {**before[1], "depth": 2, "rate": 0.5}
        if storage is not None:
            assert [t.params for t in hp.load_study(path).trials] == [t.params for t in study.trials]


def test_choices_that_are_objects(path: Path) -> None:
    """Those are stored by their position, which changes."""
    study = hp.Study({"f": hp.Categorical([min, max])}, storage=path, name="a", repeats=None, sampler="random", seed=0)
    for _ in range(8):
        study.tell(study.ask(), 1.0)
    study.enqueue({"f": max})
    before = [trial.params for trial in study.trials]
    larger = {"f": hp.Categorical([sum, max, min])}
    study.extend(larger)
    again = hp.Study(larger, storage=path, name="a", repeats=None)
    assert [trial.params for trial in again.trials] == before and again.ask().params == {"f": max}


def test_what_is_refused_changes_nothing(path: Path) -> None:
    for storage in (None, path):
        study = begun(storage=storage, name="a")
        study.enqueue({"kind": "a", "n": 3})
        before = [trial.params for trial in study.trials]
        for larger, options, error, words in [
            ({"kind": hp.Categorical(["a", "b"]), "x": hp.Float(0, 1)}, {}, SpaceMismatch, "keep the parameter 'n'"),
            ({**SMALL, "x": hp.Float(0.5, 1)}, {}, SpaceMismatch, "keep all values of 'x'"),
            ({**SMALL, "more": hp.Int(1, 2)}, {"defaults": {"x": 0.5}}, InvalidArgument, "defaults must be of new"),
            ({**SMALL, "n": hp.Int(1, 4, when={"kind": "b"})}, {}, InvalidArgument, "'n'"),
            ({}, {}, InvalidSpace, "at least one"),
        ]:
            with pytest.raises(error, match=words):
                study.extend(larger, **options)
        assert study.space == hp.Space(SMALL) and [trial.params for trial in study.trials] == before
        again = study if storage is None else hp.load_study(path)
        assert again.space == hp.Space(SMALL)
        assert again.ask().params.items() >= {"kind": "a", "n": 3}.items()


def test_a_sampler_that_does_not_fit_the_larger_space(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, stored = begun(sampler="random"), begun(storage=path, name="a", sampler="random")
    bind = hp.samplers.RandomSampler.bind

    def bound(sampler: Any, columns: Any) -> Any:
        if columns.d > 3:
            raise InvalidSpace("too many columns")
        return bind(sampler, columns)

    monkeypatch.setattr(hp.samplers.RandomSampler, "bind", bound)
    for study in (inside, stored):
        with pytest.raises(InvalidSpace, match="too many"):
            study.extend(LARGE)
        assert study.space == hp.Space(SMALL)
    assert hp.load_study(path).space == hp.Space(SMALL)
    assert asked(inside, 3) == asked(stored, 3) and len(stored.trials) == 15


def test_not_during_a_run() -> None:
    study = hp.Study(SMALL, seed=0, sampler="random")

    def extend(study: hp.Study, trial: hp.Trial) -> None:
        study.extend(LARGE)

    with pytest.raises(InvalidArgument, match="during a run"):
        study.run(loss, n_trials=3, callbacks=[extend])
    assert study.space == hp.Space(SMALL) and len(study.trials) == 1


@pytest.mark.parametrize("call", ["tell", "enqueue", "set_attribute"])
def test_another_thread_extends_before_a_write(path: Path, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    study = begun(storage=path, name="a")
    trial = study.ask()
    storage = study._trial_log.storage  # type: ignore[attr-defined]
    write, threads = storage.write, []

    def after_another_thread(*args: Any) -> Any:
        monkeypatch.undo()
        thread = threading.Thread(target=study.extend, args=(LARGE,), kwargs={"defaults": {"depth": 1}})
        threads.append(thread)
        thread.start()
        thread.join(1.0)  # it waits if the writer has the lock
        return write(*args)

    monkeypatch.setattr(storage, "write", after_another_thread)
    if call == "tell":
        study.tell(trial, 0.5)
    elif call == "enqueue":
        study.enqueue({"kind": "a", "x": 0.5, "n": 2})
    else:
        study.user_attrs["owner"] = "me"
    threads[0].join()
    if call != "tell":
        study.tell(trial, 0.5)
    again = hp.load_study(path)
    for shown in (study, again):
        assert shown.trials[12].state == "complete" and shown.trials[12].value == 0.5
        assert shown.trials[12].params["depth"] == 1
    if call == "enqueue":
        assert again.ask().params.items() >= {"kind": "a", "x": 0.5, "n": 2}.items()
    if call == "set_attribute":
        assert again.user_attrs["owner"] == "me"


# --- several workers -------------------------------------------------------------------------------------------------


def test_a_study_that_was_opened_before_is_refused(path: Path) -> None:
    study = begun(storage=path, name="a")
    stale = hp.load_study(path)
    n_trials = len(stale.trials)
    assert n_trials > 0
    study.extend(LARGE)
    for call in (
        stale.refresh,
        stale.ask,
        lambda: stale.run(loss, n_trials=1),
        lambda: stale.enqueue({"x": 0.5}),
        lambda: stale.add({"x": 0.5, "kind": "a", "n": 1}, 1.0),
        lambda: stale.tell(0, 1.0),
        lambda: stale.extend({**LARGE, "more": hp.Int(1, 2)}),
    ):
        with pytest.raises(SpaceMismatch, match=r"larger one now.*open the study again"):
            call()
        assert len(stale.trials) == n_trials
    with pytest.raises(SpaceMismatch, match="'depth' is missing"):
        hp.Study(SMALL, storage=path, name="a")
    # Another sampler, which the record of the study keeps too, is no other space.
    hp.load_study(path, sampler="random")
    assert len(asked(study, 2)) == 2 and len(hp.load_study(path).trials) == 14


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_a_trial_of_another_worker_is_waited_for(path: Path) -> None:
    study = begun(storage=path, name="a")
    ready, go = os.pipe(), os.pipe()

    def evaluate() -> None:
        os.close(go[1])
        other = hp.load_study(path)  # which keeps its trials as long as it exists
        trial = other.ask()
        assert trial.number == 12
        os.write(ready[1], b"x")
        os.read(go[0], 1)
        kill_me()

    child = begin(evaluate)
    os.close(ready[1])
    try:
        assert os.read(ready[0], 1) == b"x"
        with pytest.raises(InvalidArgument, match="trial 12 of study 'a' is still running"):
            study.extend(LARGE)
        assert study.space == hp.Space(SMALL)
    finally:
        for end in (ready[0], go[0], go[1]):
            os.close(end)
        os.waitpid(child, 0)
    study.extend(LARGE, defaults={"depth": 1})  # its worker has ended
    again = study.ask()
    assert again.number == 12 and again["depth"] == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the test forks")
def test_a_result_from_before_is_not_written_over_the_larger_space(path: Path) -> None:
    """A worker whose lease has run out brings its result late."""
    study = begun(storage=path, name="a")
    late = study.ask()

    def extend() -> None:
        # In the child the trial counts as one without a worker, as after a lease of another machine.
        other = hp.load_study(path)
        other._trial_log._leases.is_kept = lambda record, now: False  # type: ignore[attr-defined]
        other.extend(LARGE, defaults={"depth": 1})

    assert in_child(extend) == 0
    with pytest.raises(SpaceMismatch, match="may be told there, by their numbers"):
        study.tell(late, 0.5)
    again = hp.load_study(path)
    assert again.trials[12].state == "running"
    again.tell(late.number, 0.5)
    assert hp.load_study(path).trials[12].params == {**late.params, "depth": 1}
