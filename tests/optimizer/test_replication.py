"""Replicates: a trial's point again on demand, and by the optimizer's own choice once a finite space is used up."""

import copy
import pickle
from collections import Counter

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted, UnknownTrial

SIX = {"c": hp.Categorical(list("abcdef"))}
MEANS = dict(zip("abcdef", [1.0, 0.0, 0.4, 2.0, 1.5, 3.0], strict=True))


def spend(opt, n: int, noise: float = 0.3, seed: int = 0) -> Counter:
    """Tell n noisy values; return the number of trials by choice."""
    draws = np.random.default_rng(seed)
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, MEANS[trial["c"]] + noise * float(draws.normal()))
    return Counter(trial["c"] for trial in opt.trials)


# --- ask(repeat=) ----------------------------------------------------------------------------------------------------


def test_a_point_again_in_any_state() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1), "n": hp.Int(1, 3)}, seed=0)
    running, done, failed = opt.ask(3)
    opt.tell(done, 1.0)
    opt.tell(failed, None, error="no")
    for trial in (running, done, failed):
        again = opt.ask(repeat=trial)
        assert again.number > trial.number
        assert again.params == trial.params
        assert again.params is not trial.params
        assert again.info == {"repeat_of": trial.number}
        assert again.state.value == "running"
        opt.tell(again, 2.0)
    by_number = opt.ask(2, repeat=done.number)
    assert [t.params for t in by_number] == [done.params] * 2
    assert opt.trials[by_number[0].number].info == {"repeat_of": done.number}


def test_given_parameters_come_again_exactly() -> None:
    opt = hp.Optimizer({"x": hp.Float(1e-9, 1, log=True)}, seed=0)
    added = opt.add({"x": 0.1 + 0.2}, 1.0)
    assert opt.ask(repeat=added).params == {"x": 0.1 + 0.2}
    opt.enqueue({"x": 0.7})
    assert opt.ask(repeat=added).params == added.params
    assert opt.ask().params == {"x": 0.7}


def test_errors_of_repeat() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0)
    with pytest.raises(UnknownTrial, match=r"\(none yet\), got 3"):
        opt.ask(repeat=3)
    trial = opt.ask()
    with pytest.raises(UnknownTrial, match="another optimizer"):
        opt.ask(repeat=hp.Optimizer(opt.space, seed=1).ask())
    with pytest.raises(InvalidType, match="Trial or its number"):
        opt.ask(repeat="0")
    with pytest.raises(InvalidType, match="Trial or its number"):
        opt.ask(repeat=True)
    for wrong in ({"deadline_ms": 5.0}, {"as_of": 0}):
        with pytest.raises(InvalidArgument, match="leave deadline_ms and as_of out"):
            opt.ask(repeat=trial, **wrong)
    with pytest.raises(InvalidArgument, match="n must be >= 1"):
        opt.ask(0, repeat=trial)
    scheduled = hp.Optimizer({"x": hp.Float(0, 1)}, seed=0, scheduler="median")
    with pytest.raises(InvalidArgument, match="scheduler"):
        scheduled.ask(repeat=scheduled.ask())
    assert opt.n_trials == 1


@pytest.mark.parametrize("sampler", hp.samplers.names())
@pytest.mark.parametrize("prefetch", [False, True, "delayed"])
def test_the_search_goes_on_after_repeats(sampler: str, prefetch) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, sampler, seed=0, prefetch=prefetch)
    for k in range(14):
        trial = opt.ask(repeat=k // 2) if k % 4 == 3 else opt.ask()
        opt.tell(trial, trial["x"] + 0.1 * (k % 3))
    new = [repr(t.params) for t in opt.trials if t.info is None or "repeat_of" not in t.info]
    assert len(set(new)) == len(new) == 11


@pytest.mark.parametrize("storage", [False, True])
def test_a_study_repeats_too(storage: bool, tmp_path) -> None:
    where = {"storage": tmp_path / "runs.db", "name": "s"} if storage else {}
    study = hp.Study({"x": hp.Float(0, 1)}, seed=0, **where)
    first = study.ask()
    pending = study.ask(repeat=first)
    study.tell(first, 1.0)
    study.tell(pending, 2.0)
    more = study.ask(2, repeat=first.number)
    assert [t.params for t in more] == [first.params] * 2
    for trial in more:
        study.tell(trial, 3.0)
    with pytest.raises(UnknownTrial):
        study.ask(repeat=99)
    with pytest.raises(InvalidArgument, match="deadline_ms"):
        study.ask(repeat=first, deadline_ms=3.0)
    assert [t.value for t in study.trials] == [1.0, 2.0, 3.0, 3.0]
    assert study.ask().params != first.params
    if storage:
        again = hp.load_study(tmp_path / "runs.db", "s")
        assert [t.params for t in again.trials][:4] == [first.params] * 4


# --- repeats=None ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sampler", [name for name in hp.samplers.names() if name != "gradient"]
)  # nothing is continuous
def test_each_point_once_then_the_contenders(sampler: str) -> None:
    opt = hp.Optimizer(SIX, sampler, seed=0, repeats=None)
    counts = spend(opt, 60)
    assert sorted(t["c"] for t in list(opt.trials)[:6]) == list("abcdef")
    assert counts["b"] + counts["c"] > 40
    assert counts["f"] <= 4
    assert opt.recommend()["c"] == "b"


def test_it_is_right_more_often_than_equal_allocation() -> None:
    def right(opt: hp.Optimizer, seed: int) -> bool:
        spend(opt, 60, noise=1.0, seed=seed)
        return opt.recommend()["c"] == "b"

    seeds = range(20)
    own = sum(right(hp.Optimizer(SIX, "random", seed=s, repeats=None), s) for s in seeds)
    equal = sum(right(hp.Optimizer(SIX, "grid", seed=s, repeats=10), s) for s in seeds)
    assert own > equal
    assert own >= 17


def test_one_is_the_default_and_ends() -> None:
    opt = hp.Optimizer(SIX, "random", seed=0)
    spend(opt, 6)
    with pytest.raises(SearchSpaceExhausted):
        opt.ask()
    with pytest.raises(InvalidArgument, match="repeats must be >= 1"):
        hp.Optimizer(SIX, repeats=0)
    with pytest.raises(InvalidType, match="repeats"):
        hp.Optimizer(SIX, repeats="often")


@pytest.mark.parametrize("sampler", ["random", "grid", "gp"])
def test_batches_running_trials_and_deadlines(sampler: str) -> None:
    opt = hp.Optimizer(SIX, sampler, seed=0, repeats=None)
    first = opt.ask(9)
    assert sorted(t["c"] for t in first[:6]) == list("abcdef")
    for trial in first:
        opt.tell(trial, MEANS[trial["c"]])
    batch = opt.ask(12)
    assert len(batch) == 12
    assert len({t["c"] for t in batch}) >= 2  # those that are out count as evaluated
    quick = opt.ask(deadline_ms=1e-3)
    assert quick.info is not None
    assert set(quick.info) >= {"step"}


@pytest.mark.parametrize("prefetch", [True, "delayed"])
def test_with_prefetching(prefetch) -> None:
    opt = hp.Optimizer(SIX, "gp", seed=0, repeats=None, prefetch=prefetch)
    counts = spend(opt, 30)
    assert len(counts) == 6
    assert counts["b"] + counts["c"] > 14


def test_the_answer_depends_on_the_history_alone() -> None:
    opt = hp.Optimizer(SIX, "random", seed=0, repeats=None)
    spend(opt, 20)
    others = [pickle.loads(pickle.dumps(opt)), copy.deepcopy(opt)]  # noqa: S301
    restored = hp.Optimizer(SIX, "random", seed=0, repeats=None)
    restored.restore(opt.rows())
    expected = [opt.ask() for _ in range(5)]
    for other in (*others, restored):
        assert [other.ask().params for _ in range(5)] == [t.params for t in expected]


def test_failures_limits_and_several_objectives() -> None:
    broken = hp.Optimizer(SIX, "random", seed=0, repeats=None)
    for trial in broken.ask(6):
        broken.tell(trial, None, error="no")
    assert sorted(t["c"] for t in (broken.ask() for _ in range(6))) == list("abcdef")

    limited = hp.Optimizer(SIX, "random", seed=0, repeats=None, limits={"z": hp.at_most(1.0)})
    for _ in range(30):
        trial = limited.ask()
        limited.tell(trial, MEANS[trial["c"]], metrics={"z": 2.0 if trial["c"] == "b" else 0.0})
    assert Counter(t["c"] for t in limited.trials)["b"] == 1

    front = hp.Optimizer(SIX, "random", seed=0, repeats=None, directions=["minimize", "maximize"])
    for _ in range(30):
        trial = front.ask()
        front.tell(trial, [MEANS[trial["c"]], MEANS[trial["c"]] if trial["c"] in "bc" else -5.0])
    assert Counter(t["c"] for t in front.trials) == {"a": 1, "d": 1, "e": 1, "f": 1, "b": 13, "c": 13}


@pytest.mark.filterwarnings("error")
def test_means_of_values_near_the_largest_double() -> None:
    opt = hp.Optimizer(SIX, "random", seed=0, repeats=None, directions=["minimize", "minimize"])
    for _ in range(24):
        trial = opt.ask()
        size = 1e308 if trial["c"] == "b" else 1.7e308
        opt.tell(trial, [size, 1.0])
    assert Counter(t["c"] for t in opt.trials)["b"] == 19


def test_forgotten_trials_are_proposed_anew() -> None:
    opt = hp.Optimizer(SIX, "random", seed=0, repeats=None)
    spend(opt, 10)
    opt.forget()
    assert sorted(opt.ask()["c"] for _ in range(6)) == list("abcdef")


@pytest.mark.parametrize("deterministic", [False, True])
def test_minimize_spends_all_its_trials(deterministic: bool) -> None:
    draws = np.random.default_rng(0)
    study = hp.minimize(
        lambda t: MEANS[t["c"]] + 0.3 * float(draws.normal()),
        SIX,
        n_trials=60,
        seed=0,
        repeats=None,
        deterministic=deterministic,
    )
    counts = Counter(t["c"] for t in study.trials)
    assert sum(counts.values()) == 60
    assert counts["b"] + counts["c"] > 40
    assert study.recommend()["c"] == "b"
    assert len(hp.minimize(lambda t: 1.0, SIX, n_trials=60, seed=0).trials) == 6


def test_a_stored_study_keeps_its_repeats(tmp_path) -> None:
    where = tmp_path / "runs.db"
    study = hp.Study(SIX, storage=where, name="s", seed=0, sampler="random", repeats=None)
    study.run(lambda t: MEANS[t["c"]], n_trials=10)
    assert study.optimizer.repeats is None
    again = hp.load_study(where, "s")
    assert again.optimizer.repeats is None
    again.run(lambda t: MEANS[t["c"]], n_trials=5)
    assert len(again.trials) == 15
    fixed = hp.load_study(where, "s", repeats=2)
    assert fixed.optimizer.repeats == 2
    assert hp.load_study(where, "s").optimizer.repeats == 2
    with pytest.raises(InvalidType, match="repeats"):
        hp.load_study(where, "s", repeats="often")
