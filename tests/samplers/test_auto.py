"""The sampler that chooses: which one it takes, and that the change leaves no seam."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.naive_bayes import GaussianNB

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted
from hpcore.samplers import AutoSampler, GPSampler
from hpcore.samplers.base import Suggester
from hpcore.sklearn import SearchCV
from hpcore.space.columns import Columns

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])}
GRID = {"a": [3, 1, 2], "b": [True, False]}


def loss(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"] + (trial["c"] == "b")


def play(opt: hp.Optimizer, n: int) -> list[hp.Trial]:
    out = []
    for _ in range(n):
        out.append(opt.ask())
        opt.tell(out[-1], loss(out[-1]))
    return out


def params(trials: Any) -> list[dict[str, Any]]:
    return [dict(trial.params) for trial in trials]


def sources(trials: Any) -> list[str | None]:
    return [None if trial.info is None else trial.info["sampler"] for trial in trials]


def twin(opt: hp.Optimizer, sampler: str) -> hp.Optimizer:
    """An optimizer of another sampler with the same record."""
    other = hp.Optimizer(opt.space, sampler, seed=opt.seed)
    other.restore(opt.rows())
    return other


def test_it_begins_as_gp_to_the_last_bit() -> None:
    found, expected = (play(hp.Optimizer(SPACE, sampler, seed=2), 20) for sampler in ("auto", "gp"))
    assert params(found) == params(expected)
    assert sources(found) == ["gp"] * 20
    assert all(trial.info is None for trial in expected)


def test_it_goes_on_as_tpe_with_the_same_history() -> None:
    opt = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=12), seed=2)
    first = play(opt, 12)
    assert sources(first) == ["gp"] * 12
    other = twin(opt, "tpe")
    found, expected = play(opt, 8), play(other, 8)
    assert params(found) == params(expected)
    assert sources(found) == ["tpe"] * 8
    assert sources(opt.trials) == ["gp"] * 12 + ["tpe"] * 8


def test_a_batch_across_the_change() -> None:
    opt = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=15), seed=0)
    play(opt, 12)
    batch = opt.ask(8)
    assert sources(batch) == ["gp"] * 3 + ["tpe"] * 5
    assert len({repr(trial.params) for trial in batch}) == 8
    again = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=15), seed=0)
    play(again, 12)
    assert params(again.ask(8)) == params(batch)


@pytest.mark.parametrize("prefetch", [True, "delayed"])
def test_prefetching_across_the_change(prefetch: bool | str) -> None:
    opt = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=10), seed=0, prefetch=prefetch)
    found = play(opt, 16)
    assert sources(found) == ["gp"] * 10 + ["tpe"] * 6
    assert all("prefetched" in trial.info for trial in found if trial.info is not None)
    if prefetch is True:
        assert params(found) == params(play(hp.Optimizer(SPACE, AutoSampler(n_gp_trials=10), seed=0), 16))


def test_from_the_hundredth_on_every_fourth_is_by_tpe() -> None:
    opt = hp.Optimizer(SPACE, "auto", seed=0)
    for trial in play(hp.Optimizer(SPACE, "random", seed=1), 98):
        opt.add(trial.params, trial.value)
    expected = ["gp"] * 5 + ["tpe"] + ["gp"] * 3 + ["tpe"]  # of trials 98 to 107
    again, timed = (pickle.loads(pickle.dumps(opt)) for _ in range(2))  # noqa: S301
    batch = opt.ask(10)
    assert sources(batch) == expected
    assert params(timed.ask(10, deadline_ms=60_000.0)) == params(batch)
    assert len({repr(trial.params) for trial in batch}) == 10
    found = play(again, 5)
    as_tpe = params(twin(again, "tpe").ask(1))
    found += play(again, 5)
    assert sources(found) == expected
    assert params(found[5:6]) == as_tpe


@pytest.mark.parametrize("k", [5, 10, 13])
def test_pickled_and_going_on(k: int) -> None:
    opt = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=10), seed=0)
    play(opt, k)
    again = pickle.loads(pickle.dumps(opt))  # noqa: S301
    assert params(play(opt, 8)) == params(play(again, 8))


@pytest.mark.parametrize("n_first", [4, 10, 13])
def test_a_stored_study_goes_on_identically(tmp_path: Path, n_first: int) -> None:
    path = tmp_path / "runs.db"
    sampler = AutoSampler(n_gp_trials=10, trial_seconds=0.5)
    whole = hp.Study(SPACE, sampler=sampler, seed=1).run(loss, 16)
    hp.Study(SPACE, storage=path, name="s", sampler=sampler, seed=1).run(loss, n_first)
    again = hp.Study(storage=path, name="s")
    assert vars(again.optimizer.sampler) == vars(sampler)
    again.run(loss, 16 - n_first)
    assert params(again.trials) == params(whole.trials)


def test_no_time_for_a_search_is_time_enough_for_a_draft() -> None:
    opt = hp.Optimizer(SPACE, "auto", seed=0)
    for trial in play(hp.Optimizer(SPACE, "random", seed=1), 40):
        opt.add(trial.params, trial.value)
    assert [trial.info for trial in opt.ask(3, deadline_ms=1e-6)] == [{"step": "draft", "sampler": "gp"}] * 3
    assert opt.ask(deadline_ms=60_000.0).info == {"step": "full", "sampler": "gp"}


def test_where_no_model_can_be_made_tpe_proposes() -> None:
    class Modelless(Suggester):
        """A Gaussian process that has nothing to make a model of."""

        def suggest(self, history: Any, pending: Any, n: int, rng: Any) -> Any:
            raise AssertionError("there is a deadline")

        def suggest_within(self, history: Any, pending: Any, n: int, rng: Any, deadline_ms: float) -> Any:
            return np.full((n, len(SPACE)), 0.5), "sobol"

    opt = hp.Optimizer(SPACE, "auto", seed=0)
    for trial in play(hp.Optimizer(SPACE, "random", seed=1), 40):
        opt.add(trial.params, trial.value)
    expected = params(twin(opt, "tpe").ask(3))
    opt._suggestions.suggester._by_name["gp"] = Modelless()
    batch = opt.ask(3, deadline_ms=1e-6)
    assert params(batch) == expected
    assert [trial.info for trial in batch] == [{"step": "tpe", "sampler": "tpe"}] * 3


def test_a_batch_keeps_what_there_was_time_for() -> None:
    class Hurried(Suggester):
        """A Gaussian process that has time for its first piece of a batch only."""

        def __init__(self, columns: Columns) -> None:
            self.gp, self.late = GPSampler().bind(columns), False

        def suggest(self, *args: Any) -> Any:
            return self.gp.suggest(*args)

        def suggest_within(self, history: Any, pending: Any, n: int, rng: Any, deadline_ms: float) -> Any:
            step, self.late = "sobol" if self.late else "full", True
            return self.gp.suggest(history, pending, n, rng), step

    opt = hp.Optimizer(SPACE, "auto", seed=0)
    for trial in play(hp.Optimizer(SPACE, "random", seed=1), 100):
        opt.add(trial.params, trial.value)
    suggester = opt._suggestions.suggester
    suggester._by_name["gp"] = Hurried(opt.space.columns)
    batch = opt.ask(8, deadline_ms=60_000.0)
    assert sources(batch) == ["gp"] * 3 + ["tpe"] * 5
    assert [trial.info["step"] for trial in batch if trial.info is not None] == ["full"] * 4 + ["tpe"] * 3 + ["full"]
    assert len({repr(trial.params) for trial in batch}) == 8


def test_under_a_deadline_across_the_change() -> None:
    opt = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=15), seed=0)
    play(opt, 12)
    other = pickle.loads(pickle.dumps(opt))  # noqa: S301
    batch = opt.ask(8, deadline_ms=60_000.0)
    assert sources(batch) == ["gp"] * 3 + ["tpe"] * 5
    assert params(batch) == params(other.ask(8))
    assert opt.ask(deadline_ms=60_000.0).info == {"step": "full", "sampler": "tpe"}


def test_what_a_user_gave_is_nobodys_proposal() -> None:
    opt = hp.Optimizer(SPACE, "auto", seed=0)
    opt.add({"x": 1.0, "k": 2, "c": "a"}, 0.0)
    opt.enqueue({"x": 0.0})
    batch = opt.ask(3)
    opt.enqueue({"x": 2.0})
    batch += opt.ask(2)
    for trial in batch:
        opt.tell(trial, loss(trial))
    assert sources(batch) == [None, "gp", "gp", None, "gp"]
    assert sources(opt.trials) == [None, *sources(batch)]


def test_what_another_process_proposed_is_not_claimed() -> None:
    opt, other = (hp.Optimizer(SPACE, "auto", seed=seed) for seed in (0, 1))
    play(opt, 3)
    play(other, 2)
    opt.restore(other.rows())
    play(opt, 2)
    assert sources(opt.trials) == ["gp"] * 3 + [None] * 2 + ["gp"] * 2
    assert sources(pickle.loads(pickle.dumps(opt)).trials) == sources(opt.trials)  # noqa: S301


def test_a_note_of_the_sampler_costs_no_memory_per_trial() -> None:
    opt = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=2), seed=0)
    play(opt, 100)
    assert not opt.history.notes
    assert len(opt.history._proposers) == 6
    a_round = ["gp"] * 8 + ["tpe"] * 24 + ["cmaes"] * 32
    assert sources(opt.trials) == (2 * a_round)[:100]


@pytest.mark.parametrize(("n_trials", "expected"), [(None, "gp"), (5, "gp"), (6, "grid"), (100, "grid")])
def test_a_space_that_will_be_run_whole_is_a_grid(n_trials: int | None, expected: str) -> None:
    opt = hp.Optimizer(GRID, AutoSampler(n_trials), seed=0)
    opt.add({"a": 3, "b": False}, 1.0)
    assert opt.learns is (expected != "grid")
    found = opt.ask(100)
    assert set(sources(found)) == {expected}
    if expected == "grid":
        assert params(found) == [{"a": a, "b": b} for a in (1, 2, 3) for b in (True, False) if (a, b) != (3, False)]
    with pytest.raises(SearchSpaceExhausted):
        opt.ask()


def test_a_continuous_parameter_makes_no_grid() -> None:
    assert sources([hp.Optimizer(SPACE, AutoSampler(10_000), seed=0).ask()]) == ["gp"]


@pytest.mark.parametrize(
    ("seconds", "number", "expected"),
    [
        (1e-9, 1, ["tpe", "tpe", "tpe"]),
        (1e-4, 30, ["tpe", "tpe", "cmaes"]),
        (1e-3, 22, ["gp", "gp", "tpe"]),
        (1e-4, 62, ["cmaes", "cmaes", "tpe"]),
        (1e-3, 62, ["cmaes", "cmaes", "gp"]),
        (1e-3, 126, ["cmaes", "cmaes", "tpe"]),
        (0.01, 98, ["gp", "gp", "gp"]),
        (0.1, 421, ["gp", "cmaes", "cmaes"]),
        (1e9, 421, ["gp", "gp", "tpe"]),
        (1e9, 1820, ["gp", "gp", "gp"]),
    ],
)
def test_cheap_trials_are_not_for_a_dear_sampler(seconds: float, number: int, expected: list[str]) -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, AutoSampler(trial_seconds=seconds), seed=0)
    for i in range(number):
        opt.add({"x": i / 2000}, 0.0)
    assert sources(opt.ask(3)) == expected


def test_its_own_trials_are_counted_and_not_known_ones() -> None:
    opt = hp.Optimizer(SPACE, "auto", seed=0)
    for trial in play(hp.Optimizer(SPACE, "random", seed=1), 250):
        opt.add(trial.params, trial.value)
    assert sources(opt.ask(4)) == ["gp", "tpe", "gp", "gp"]  # trials 250 to 253
    own = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=9), seed=0)
    own.add({"x": 1.0, "k": 2, "c": "a"}, 0.0)
    own.enqueue({"x": 2.0})
    assert sources(play(own, 11)) == [None, *["gp"] * 9, "tpe"]
    again = pickle.loads(pickle.dumps(own))  # noqa: S301
    assert again.history.n_given == own.history.n_given == 2
    other = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=9), seed=0)
    other.restore(own.rows())
    assert other.history.n_given == 2
    assert params(other.ask(2)) == params(own.ask(2))


def test_cmaes_takes_its_turns_where_a_trial_is_one_exact_value() -> None:
    def turns(tell: Any, **options: Any) -> list[str | None]:
        opt = hp.Optimizer(SPACE, AutoSampler(n_gp_trials=0), seed=0, **options)
        for _ in range(32):
            tell(opt, opt.ask())
        return sources(opt.ask(2))

    assert turns(lambda opt, trial: opt.tell(trial, loss(trial))) == ["cmaes"] * 2
    assert turns(lambda opt, trial: opt.tell(trial, loss(trial), std_error=0.1)) == ["tpe"] * 2
    assert turns(lambda opt, trial: opt.tell(trial, loss(trial), cost=1.0)) == ["tpe"] * 2
    two = {"directions": ["minimize", "maximize"]}
    assert turns(lambda opt, trial: opt.tell(trial, [loss(trial), trial["x"]]), **two) == ["tpe"] * 2


def test_what_few_searches_need_is_loaded_when_it_is_due() -> None:
    code = """
import sys, hpcore as hp
opt = hp.Optimizer({"x": hp.Float(0, 1)}, hp.samplers.AutoSampler(n_gp_trials=0), seed=0)
def loaded(): return [name for name in ("cmaes", "gradient") if "hpcore.samplers." + name in sys.modules]
print(loaded())
for _ in range(33):
    trial = opt.ask()
    opt.tell(trial, trial["x"])
print(loaded())
trial = opt.ask()
opt.tell(trial, trial["x"], gradient={"x": 1.0})
opt.ask()
print(loaded())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == ["[]", "['cmaes']", "['cmaes', 'gradient']"]


def test_a_cost_function_that_is_known_reaches_a_sampler_that_is_due_late() -> None:
    # Costs rise with x, and so do losses fall: without the costs the descent's model would not stay cheap.
    def cost(params: dict[str, Any]) -> float:
        return float(10.0 ** (4 * params["x"]))

    def play_with(sampler: AutoSampler | str) -> list[dict[str, Any]]:
        opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, sampler, seed=1, per_cost=True, cost=cost)
        for i in range(8):
            opt.add({"x": (i + 0.5) / 8, "y": 0.3}, i / 8.0, gradient={"y": 0.0})
        return params(opt.ask(4))

    assert play_with("auto") == play_with("gradient")


def test_gradients_that_are_told_are_descended() -> None:
    opt = hp.Optimizer(SPACE, "auto", seed=0)
    for _ in range(4):
        trial = opt.ask()
        opt.tell(trial, loss(trial), gradient={"x": 2 * (trial["x"] - 1)})
    assert sources(opt.trials) == ["gp"] + ["gradient"] * 3
    choices = hp.Optimizer(GRID, "auto", seed=0)
    assert sources([choices.ask()]) == ["gp"]


def test_minimize_knows_how_many() -> None:
    def value(trial: hp.Trial) -> float:
        return trial["a"] + trial["b"]

    assert set(sources(hp.minimize(value, GRID, n_trials=6, seed=0).trials)) == {"grid"}
    assert set(sources(hp.maximize(value, GRID, n_trials=6, seed=0).trials)) == {"grid"}
    assert set(sources(hp.minimize(value, GRID, n_trials=5, seed=0).trials)) == {"gp"}
    assert set(sources(hp.minimize(value, GRID, n_trials=6, timeout=60.0, seed=0).trials)) == {"gp"}
    with pytest.raises(InvalidType, match=r"n_trials must be an integer, got '6'"):
        hp.minimize(value, GRID, n_trials="6")  # type: ignore[arg-type]


def test_in_a_cross_validation() -> None:
    X, y = load_iris(return_X_y=True)
    values = np.logspace(-3, 2, 6).tolist()

    def search(space: Any, strategy: Any, **options: Any) -> SearchCV:
        model = GaussianNB()
        return SearchCV(model, space, strategy=strategy, cv=3, refit=False, random_state=0, **options).fit(X, y)

    def tried(found: SearchCV) -> list[dict[str, Any]]:
        return list(found.cv_results_["params"])

    found = search({"var_smoothing": values}, "auto")
    assert tried(found) == tried(search({"var_smoothing": values}, "grid"))
    assert set(sources(found.trials_)) == {"grid"}
    for cut_short in ({"racing": True}, {"timeout": 100.0}, {"n_trials": 5}):
        assert set(sources(search({"var_smoothing": values}, "auto", **cut_short).trials_)) == {"gp"}
    wide = {"var_smoothing": hp.Float(1e-3, 1e2, log=True)}
    assert tried(search(wide, "auto", n_trials=8)) == tried(search(wide, "gp", n_trials=8))


def test_deterministic_across_the_change_for_any_number_of_workers() -> None:
    X, y = load_iris(return_X_y=True)
    found = [
        SearchCV(
            GaussianNB(),
            {"var_smoothing": hp.Float(1e-3, 1e2, log=True)},
            strategy=AutoSampler(n_gp_trials=8),
            n_trials=12,
            cv=2,
            refit=False,
            random_state=0,
            deterministic=True,
            n_jobs=n_jobs,
        ).fit(X, y)
        for n_jobs in (1, 2)
    ]
    assert sources(found[0].trials_) == sources(found[1].trials_) == ["gp"] * 8 + ["tpe"] * 4
    assert found[0].cv_results_["params"] == found[1].cv_results_["params"]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"n_trials": 0}, InvalidArgument, "n_trials must be >= 1, got 0"),
        ({"n_trials": 2.0}, InvalidType, "n_trials must be an integer, got 2.0"),
        ({"n_trials": True}, InvalidType, "n_trials must be an integer, got True"),
        ({"trial_seconds": 0}, InvalidArgument, "trial_seconds must be finite and > 0 of seconds, got 0"),
        ({"trial_seconds": float("nan")}, InvalidArgument, "trial_seconds must be finite"),
        ({"trial_seconds": "1 s"}, InvalidType, "trial_seconds must be a number of seconds, got '1 s'"),
        ({"n_gp_trials": -1}, InvalidArgument, "n_gp_trials must be >= 0, got -1"),
        ({"n_gp_trials": "all"}, InvalidType, "n_gp_trials must be an integer, got 'all'"),
    ],
)
def test_wrong_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        AutoSampler(**options)
