"""`study.optimizer` of a stored study, and what Study has in its place."""

from __future__ import annotations

import copy
import inspect
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import (
    ConstraintError,
    InfeasibleSpace,
    InvalidArgument,
    InvalidType,
    SearchSpaceExhausted,
    StorageError,
)
from hpcore.records.outcome import Outcome

SPACE = {"x": hp.Float(-5, 5), "c": hp.Categorical(["a", "b"])}
POINT = {"x": 0.5, "c": "a"}


def cost(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + (trial["c"] == "a")


@pytest.fixture
def study(tmp_path: Path) -> hp.Study:
    return hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", sampler="tpe", seed=0)


def stored(study: hp.Study) -> hp.Study:
    return hp.load_study(study._trial_log.storage, "a")


def facts(study: hp.Study) -> list[Any]:
    return [(t.number, t.params, str(t.state), t.values) for t in study.trials]


# --- the optimizer ------------------------------------------------------------------------------------------------

READING = {"no_feasible_trial", "outcome", "recommend", "rows", "running", "schedule", "used_params", "view"}
METHODS = [
    name
    for name, member in vars(hp.Optimizer).items()
    if not name.startswith("_") and inspect.isfunction(member) and name not in READING
]


def test_all_that_an_optimizer_does_is_known_here() -> None:
    """A new method of Optimizer is refused until it is listed as reading only."""
    assert {"ask", "tell", "add", "enqueue", "finish", "report", "resume", "forget", "restore"} <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_what_would_change_it_past_its_store_is_refused(name: str, study: hp.Study) -> None:
    study.run(cost, n_trials=2)
    before = facts(study)
    for arguments in ((), (0, 1.0), (POINT, 0.25), ([0],)):
        with pytest.raises(InvalidType, match=rf"optimizer\.{name} would change .*; use (study|hpcore)\.\w+"):
            getattr(study.optimizer, name)(*arguments)
    assert facts(study) == before
    study.run(cost, n_trials=2)
    assert facts(study) == facts(stored(study))


def test_each_refusal_names_the_call() -> None:
    study = hp.Study(SPACE, storage="sqlite:///:memory:", name="a", sampler="random", seed=0)
    for name in ("ask", "tell", "add", "enqueue"):
        with pytest.raises(InvalidType, match=rf"use study\.{name}\("):
            getattr(study.optimizer, name)()
        assert hasattr(study, name)


def test_it_reads_as_the_optimizer_in_memory_does(study: hp.Study) -> None:
    memory = hp.Study(SPACE, sampler="tpe", seed=0).run(cost, n_trials=15)
    study.run(cost, n_trials=15)
    mine, plain = study.optimizer, memory.optimizer
    assert isinstance(mine, hp.Optimizer) and mine is study.optimizer
    assert type(plain) is hp.Optimizer
    for name in ("seed", "directions", "n_trials", "best_value", "best_params", "best_trial", "learns", "prefetch"):
        assert getattr(mine, name) == getattr(plain, name), name
    assert mine.space == plain.space and type(mine.sampler) is type(plain.sampler)
    assert list(mine.trials) == list(plain.trials) and mine.pareto_front == plain.pareto_front
    np.testing.assert_array_equal(mine.history.X, plain.history.X)
    np.testing.assert_array_equal(mine.history.values, plain.history.values)
    assert "15 trials" in repr(mine)
    trial = study.ask()
    assert list(mine.running()) == [trial.number]
    with pytest.raises(TypeError):
        mine.running()[0] = trial  # type: ignore[index]
    assert mine.outcome(1, None, None) == Outcome((1.0,))


@pytest.mark.parametrize("name", ["seed", "sampler", "space", "directions", "anything"])
def test_its_attributes_cannot_be_set(name: str, study: hp.Study) -> None:
    before = getattr(study.optimizer, name, None)
    with pytest.raises(InvalidType, match=rf"optimizer\.{name} of a stored study cannot be changed"):
        setattr(study.optimizer, name, 1)
    with pytest.raises(InvalidType):
        delattr(study.optimizer, name)
    assert getattr(study.optimizer, name, None) is before


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, lambda o: pickle.loads(pickle.dumps(o))])  # noqa: S301
def test_a_copy_is_an_optimizer_in_memory(how: Any, study: hp.Study) -> None:
    study.run(cost, n_trials=3)
    plain = how(study.optimizer)
    assert type(plain) is hp.Optimizer
    assert [t.params for t in plain.trials] == [t.params for t in study.trials]
    plain.tell(plain.ask(), 1.0)
    assert (plain.n_trials, study.optimizer.n_trials) == (4, 3)
    assert [t.params for t in study.run(cost, n_trials=1).trials] == [t.params for t in plain.trials]


# --- gaps ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["add", "ask", "ask and tell"])
@pytest.mark.parametrize("then", ["run", "ask", "ask two", "add", "refresh"])
def test_no_gap_is_ever_stored(how: str, then: str, study: hp.Study, caplog: pytest.LogCaptureFixture) -> None:
    """A change through private members is dropped: the store does not change."""
    study.run(cost, n_trials=2)
    inner = study._trial_log.optimizer
    if how == "add":
        inner.add(POINT, 0.25)
    else:
        trial = inner.ask()
        if how == "ask and tell":
            inner.tell(trial, 0.25)
    calls = {
        "run": lambda: study.run(cost, n_trials=3),
        "ask": study.ask,
        "ask two": lambda: study.ask(2),
        "add": lambda: study.add(POINT, 0.5),
        "refresh": study.refresh,
    }
    calls[then]()
    assert "never stored" in caplog.text
    assert facts(study) == facts(stored(study))
    assert [t.number for t in study.trials] == list(range(len(study.trials)))


def test_a_transaction_that_would_leave_a_gap_is_not_committed(study: hp.Study) -> None:
    from dataclasses import replace

    study.run(cost, n_trials=2)
    trial_log, store = study._trial_log, study._trial_log.storage

    def wrong(number: int, n_trials: int):
        def work(transaction):
            record = transaction.current(trial_log.record.id, lock=True)
            transaction.insert(replace(transaction.trial(record.id, 0), number=number, job=number))
            transaction.change(replace(record, n_trials=n_trials, n_jobs=n_trials))

        return work

    for number, n_trials in ((3, 4), (1, 3), (0, 3), (2, 4), (2, 5)):
        with pytest.raises(StorageError, match=r"has [23] trials of study 1, and .* would leave a gap"):
            store.write(wrong(number, n_trials))
    assert len(stored(study).trials) == 2
    store.write(wrong(2, 3))
    assert len(stored(study).trials) == 3


# --- methods of Study instead -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["random", "sobol", "tpe", "gp"])
def test_asking_for_several_is_what_the_optimizer_gives(sampler: str, tmp_path: Path) -> None:
    study = hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", sampler=sampler, seed=0)
    memory = hp.Study(SPACE, sampler=sampler, seed=0)
    alone = hp.Optimizer(SPACE, sampler=sampler, seed=0)
    for n in (3, None, 1, 5, None):
        for each in (study, memory):
            if n == 3:
                each.enqueue(POINT)
        if n == 3:
            alone.enqueue(POINT)
        expected = alone.ask() if n is None else alone.ask(n)
        for each in (study, memory):
            asked = each.ask() if n is None else each.ask(n)
            assert asked == expected
            for trial in [asked] if n is None else asked:
                each.tell(trial, cost(trial))
        for trial in [expected] if n is None else expected:
            alone.tell(trial, cost(trial))
    assert facts(stored(study)) == facts(memory)


def test_several_are_one_transaction(study: hp.Study, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, write = [], type(study._trial_log.storage).write

    def counted(store, work, *more):
        calls.append(None)
        return write(store, work, *more)

    monkeypatch.setattr(type(study._trial_log.storage), "write", counted)
    assert len(study.ask(20)) == 20
    assert len(calls) == 1
    assert len(stored(study).trials) == 20


@pytest.mark.parametrize("storage", [True, False])
@pytest.mark.parametrize("n", [None, 3])
def test_a_deadline(storage: bool, n: int | None, tmp_path: Path) -> None:
    options = {"storage": tmp_path / "runs.db", "name": "a"} if storage else {}
    study = hp.Study(SPACE, sampler="gp", seed=0, **options)
    study.run(cost, n_trials=12)
    for deadline_ms in (1e-9, 1e5):
        asked = study.ask(n, deadline_ms=deadline_ms)
        trials = [asked] if n is None else asked
        assert len(trials) == (n or 1)
        assert all(trial.info["step"] for trial in trials)
        for trial in trials:
            study.tell(trial, cost(trial))
    assert trials[0].info["step"] == "full"


@pytest.mark.parametrize("storage", [None, "sqlite:///:memory:"])
@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda s: s.ask(0), InvalidArgument, "n must be >= 1"),
        (lambda s: s.ask(1.0), InvalidType, "n must be an integer"),
        (lambda s: s.ask(True), InvalidType, "n must be an integer"),
        (lambda s: s.ask(deadline_ms=0.0), InvalidArgument, "deadline_ms must be"),
        (lambda s: s.ask(2, deadline_ms="1"), InvalidType, "deadline_ms must be"),
        (lambda s: s.ask(deadline_ms=float("nan")), InvalidArgument, "deadline_ms must be"),
    ],
)
def test_bad_questions(storage: str | None, call: Any, error: type[Exception], match: str) -> None:
    study = hp.Study(SPACE, storage=storage, name="a", sampler="random", seed=0)
    with pytest.raises(error, match=match):
        call(study)
    assert len(study.trials) == 0


def test_trials_given_back_come_first_and_the_end_of_the_space_cuts_short(tmp_path: Path) -> None:
    study = hp.Study({"a": range(5)}, storage=tmp_path / "runs.db", name="a", sampler="grid", seed=0)
    study._trial_log.give_back(study.ask(2))
    other = hp.load_study(tmp_path / "runs.db")
    trials = other.ask(4)
    assert [t.number for t in trials] == [0, 1, 2, 3]
    assert [t.number for t in study.ask(4)] == [4]
    for ask in (lambda: study.ask(4), study.ask):
        with pytest.raises(SearchSpaceExhausted):
            ask()
    assert len(hp.load_study(tmp_path / "runs.db").trials) == 5


def test_a_queued_point_without_room_takes_no_other_with_it(tmp_path: Path) -> None:
    space = hp.Space({"a": hp.Float(0, 1), "b": hp.Float(0, 1)}, constraints=[lambda p: p["a"] < 0.5])
    study = hp.Study(space, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0)
    for a in (0.1, 0.9, 0.2):
        study.enqueue({"a": a})
    with pytest.raises(InfeasibleSpace):
        study.ask(4)
    trials = study.ask(3)
    assert [t["a"] for t in trials[:2]] == [0.1, 0.2]
    assert [t.number for t in trials] == [0, 1, 2]
    assert len(hp.load_study(tmp_path / "runs.db", space=space).trials) == 3


def test_a_constraint_that_fails_begins_no_trial(tmp_path: Path) -> None:
    broken: list[int] = []

    def constraint(params: Any) -> bool:
        if broken and len(broken) > 3:
            raise OSError("the disk is away")
        broken.append(1)
        return True

    space = hp.Space({"a": hp.Float(0, 1)}, constraints=[constraint])
    study = hp.Study(space, storage=tmp_path / "runs.db", name="a", sampler="random", seed=0)
    with pytest.raises(ConstraintError):
        study.ask(20)
    assert len(hp.load_study(tmp_path / "runs.db", space=space).trials) == 0
    broken.clear()
    assert study.ask().number == 0


def test_several_at_once_are_in_no_order(study: hp.Study) -> None:
    study.run(cost, n_trials=2)
    assert study.mode == "lag 1"
    for trial in study.ask(2):
        study.tell(trial, 1.0)
    assert study.mode == "fast"


# --- prefetching --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["gp", "tpe", "random"])
def test_prefetching_gives_the_same_trials_and_goes_on(sampler: str, tmp_path: Path) -> None:
    expected = facts(hp.Study(SPACE, sampler=sampler, seed=0).run(cost, n_trials=14))
    memory = hp.Study(SPACE, sampler=sampler, seed=0, prefetch=True)
    assert facts(memory.run(cost, n_trials=14)) == expected
    study = hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", sampler=sampler, seed=0, prefetch=True)
    study.run(cost, n_trials=4)
    for _ in range(3):
        trial = study.ask()
        study.tell(trial, cost(trial))
        hp.load_study(tmp_path / "runs.db").run(cost, n_trials=1)
    hp.load_study(tmp_path / "runs.db", prefetch=True).run(cost, n_trials=4)
    study.refresh()
    assert facts(study) == expected
    assert study.optimizer.prefetch is True


def test_delayed_suggestions(tmp_path: Path) -> None:
    for make in (
        lambda: hp.Study(SPACE, storage=tmp_path / "runs.db", name="a", prefetch="delayed"),
        lambda: hp.load_study(tmp_path / "runs.db", prefetch="delayed"),
    ):
        with pytest.raises(InvalidArgument, match="prefetch must be True or False for a stored study"):
            hp.Study(SPACE, storage=tmp_path / "runs.db", name="a")
            make()
    for storage in (None, tmp_path / "other.db"):
        with pytest.raises(InvalidArgument, match="prefetch must be True"):
            hp.Study(SPACE, storage=storage, name="a", prefetch="early")
    memory = hp.Study(SPACE, sampler="tpe", seed=0, prefetch="delayed").run(cost, n_trials=12)
    assert (len(memory.trials), memory.mode) == (12, "fast")
    with pytest.raises(InvalidArgument, match="deterministic=True needs prefetch"):
        memory.run(cost, n_trials=2, deterministic=True)


def test_the_schedule_of_a_stored_study_can_be_read(tmp_path) -> None:
    study = hp.Study({"x": hp.Float(0, 1)}, storage=tmp_path / "runs.db", name="s", seed=0)
    study.tell(study.ask(), 1.0)
    assert study.schedule().at(0) == study.best_params
