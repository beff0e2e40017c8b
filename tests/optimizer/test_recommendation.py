"""Recommendation: the best by a model's mean, of what may be recommended, and nothing else changes."""

import copy
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, NoCompletedTrial, NoFeasibleTrial
from hpcore.optimizer import noisy_model

PLANE = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}


def bowl(params) -> float:
    return (params["x"] - 0.3) ** 2 + (params["y"] - 0.6) ** 2


def searched(noise: float, n: int = 40, sampler="random", sign: float = 1.0, seed: int = 1) -> hp.Optimizer:
    """Return an optimizer that was told a bowl with normal noise."""
    opt = hp.Optimizer(PLANE, sampler, seed=seed, direction="minimize" if sign > 0 else "maximize")
    draws = np.random.default_rng([7, seed]).normal(0.0, noise, n) if noise else np.zeros(n)
    for draw in draws:
        trial = opt.ask()
        opt.tell(trial, sign * (bowl(trial.params) + draw))
    return opt


@pytest.mark.parametrize("sampler", hp.samplers.names())
def test_without_noise_it_is_the_observed_best(sampler: str) -> None:
    opt = searched(0.0, 24, sampler)
    assert opt.recommend().number == opt.best_trial.number


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_it_is_better_than_the_luckiest_value(sign: float) -> None:
    searches = [searched(0.2, sign=sign, seed=seed) for seed in range(8)]
    luckiest = [bowl(opt.best_params) for opt in searches]
    chosen = [opt.recommend() for opt in searches]
    assert np.mean([bowl(trial.params) for trial in chosen]) < 0.6 * np.mean(luckiest)
    assert all(trial.value == opt.trials[trial.number].value for trial, opt in zip(chosen, searches, strict=True))


def test_repeats_and_standard_errors_count() -> None:
    space = {"c": hp.Categorical(["a", "b", "c"])}
    opt = hp.Optimizer(space, "random", seed=0)
    for c, values in {"a": [1.0, 1.2, 0.9, 1.1], "b": [0.8, 1.9, 1.8, 2.2], "c": [2.0, 2.5, 1.7, 2.1]}.items():
        for value in values:
            opt.add({"c": c}, value)
    assert opt.best_params == {"c": "b"}
    assert opt.recommend().params == {"c": "a"}
    unsure = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0)
    for x in np.linspace(0, 1, 9):
        unsure.add({"x": float(x)}, float((x - 0.25) ** 2), std_error=0.001)
    unsure.add({"x": 0.9}, -0.5, std_error=2.0)
    assert unsure.recommend().params == {"x": 0.25}


def test_the_earliest_of_equal_points() -> None:
    opt = hp.Optimizer({"c": hp.Categorical(["a", "b"])}, "random", seed=0)
    for value in (0.3, 0.1, 0.2, 0.4):
        opt.add({"c": "a"}, value)
        opt.add({"c": "b"}, value + 1.0)
    assert opt.recommend().number == 0


def test_failed_pruned_and_penalised_trials_are_not_recommended() -> None:
    opt = searched(0.05, 25)
    for k in range(6):
        trial = opt.ask()
        if k % 3 == 0:
            opt.tell(trial, None, error="no")
        else:
            opt.tell(trial, -5.0 if k % 3 == 1 else 1e6, state="pruned" if k % 3 == 1 else None)
    chosen = opt.recommend()
    assert chosen.state.value == "complete"
    assert chosen.value < 1.0
    running = opt.ask()
    assert opt.recommend().number == chosen.number != running.number
    alone = hp.Optimizer(PLANE, "random", seed=0)
    for value in [*np.linspace(1, 2, 12), *[1e9] * 3]:
        alone.add({"x": float(value % 1), "y": 0.5}, float(value))
    assert alone.recommend().value < 10.0


def test_errors_name_what_is_missing() -> None:
    opt = hp.Optimizer(PLANE, seed=0)
    with pytest.raises(NoCompletedTrial, match="no trial has completed yet"):
        opt.recommend()
    opt.tell(opt.ask(), None, error="out of memory")
    with pytest.raises(NoCompletedTrial, match="out of memory"):
        opt.recommend()
    several = hp.Optimizer(PLANE, directions=["minimize", "maximize"], seed=0)
    several.tell(several.ask(), [1.0, 2.0])
    with pytest.raises(InvalidArgument, match="pareto_front"):
        several.recommend()
    limited = hp.Optimizer(PLANE, limits={"z": hp.at_most(1.0)}, seed=0)
    limited.tell(limited.ask(), 1.0, metrics={"z": 2.0})
    with pytest.raises(NoFeasibleTrial, match="comes nearest"):
        limited.recommend()


@pytest.mark.parametrize("sampler", ["gp", "tpe"])
def test_later_suggestions_stay_and_the_answer_is_the_same_again(sampler: str) -> None:
    opt, other = searched(0.05, 25, sampler), searched(0.05, 25, sampler)
    chosen = opt.recommend().number
    assert opt.recommend().number == chosen
    assert pickle.loads(pickle.dumps(opt)).recommend().number == chosen  # noqa: S301
    assert copy.deepcopy(other).recommend().number == chosen
    restored = hp.Optimizer(PLANE, "random", seed=9)
    restored.restore(opt.rows())
    assert restored.recommend().number == chosen
    for _ in range(4):
        ours, theirs = opt.ask(), other.ask()
        assert ours.params == theirs.params
        for o, t in ((opt, ours), (other, theirs)):
            o.tell(t, bowl(t.params))
        opt.recommend()


def test_limits_are_kept_as_observed_and_as_likely() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0, limits={"z": hp.at_most(0.5)})
    draw = np.random.default_rng(3)
    for x in np.linspace(0, 1, 41):
        opt.add({"x": float(x)}, 1.0 - float(x) + float(draw.normal(0, 0.05)))
        # The metric is x with noise, so that points above 0.5 are allowed now and then.
    history = opt.history
    history.violations[:] = (history.X[:, :1] - 0.5) + draw.normal(0, 0.1, (41, 1))
    lucky = int(np.argmax(np.where(history.feasible, history.X[:, 0], 0.0)))
    assert history.X[lucky, 0] > 0.52
    opt._record._find_best()
    chosen = opt.recommend()
    assert history.feasible[chosen.number]
    assert 0.3 < chosen["x"] < history.X[lucky, 0]


def test_a_limit_that_is_measured_without_noise_is_kept_as_observed() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0, limits={"z": hp.at_most(0.5)})
    for _ in range(21):
        trial = opt.ask()
        opt.tell(trial, 1.0 - trial["x"], metrics={"z": trial["x"]})
    assert opt.recommend().number == opt.best_trial.number


def test_metrics_near_the_largest_double_are_told_apart() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1)}, "random", seed=0, limits={"z": hp.at_most(0.0)})
    for k in range(12):
        trial = opt.ask()
        opt.tell(trial, trial["x"], metrics={"z": (1.6e308, -1.7e308)[k % 2]})
    assert opt.recommend().feasible


def test_the_model_is_bounded_and_the_few_are_left_to_observation(monkeypatch: pytest.MonkeyPatch) -> None:
    opt = hp.Optimizer(PLANE, "random", seed=0)
    for value in (3.0, 1.0, 2.0, 4.0):
        opt.tell(opt.ask(), value)
    assert opt.recommend().number == opt.best_trial.number
    monkeypatch.setattr(noisy_model, "MODEL_ROWS", 30)
    monkeypatch.setattr(noisy_model, "FIT_ROWS", 20)
    many = searched(0.05, 200)
    assert bowl(many.recommend().params) < 0.1


@pytest.mark.parametrize("values", [[1.0] * 12, [1e300, -1e300] * 6, [1.0 + k * 2**-52 for k in range(12)]])
def test_odd_values(values: list[float]) -> None:
    opt = hp.Optimizer(PLANE, "random", seed=0)
    for value in values:
        opt.tell(opt.ask(), value, std_error=abs(value))
    assert opt.recommend().value is not None


def test_a_study_and_minimize_recommend_too(tmp_path) -> None:
    study = hp.minimize(lambda t: bowl(t.params), PLANE, n_trials=12, seed=0)
    assert study.recommend().number == study.best_trial.number
    stored = hp.Study(PLANE, storage=tmp_path / "runs.db", name="noisy", seed=0)
    stored.run(lambda t: bowl(t.params), n_trials=12)
    assert stored.recommend().number == study.recommend().number
    assert hp.load_study(tmp_path / "runs.db", "noisy").recommend().params == stored.recommend().params
