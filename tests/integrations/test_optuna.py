"""HpcoreSampler in studies of Optuna."""

import math
import pickle
import random
import threading
from functools import partial
from typing import Any

import numpy as np
import pytest

optuna = pytest.importorskip("optuna")

import hpcore as hp  # noqa: E402 - after the import that may skip
from hpcore.errors import InvalidArgument, InvalidType  # noqa: E402
from hpcore.integrations.optuna import HpcoreSampler  # noqa: E402

pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]

Float, Int = optuna.distributions.FloatDistribution, optuna.distributions.IntDistribution
Categorical = optuna.distributions.CategoricalDistribution
State = optuna.trial.TrialState


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture(params=["gp", "tpe", "auto"])
def make(request: pytest.FixtureRequest) -> Any:
    return partial(HpcoreSampler, request.param, seed=0)


def mixed(trial: Any) -> float:
    x, n = trial.suggest_float("x", -5, 5), trial.suggest_int("n", 0, 9)
    return (
        (x - 1) ** 2
        + n
        + (trial.suggest_categorical("k", ["a", "b", None]) != "b")
        + trial.suggest_float("s", 0, 1, step=0.1)
    )


def tree(trial: Any) -> float:
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        return (trial.suggest_float("x", 0, 1) - 0.3) ** 2
    return 0.1 + sum((trial.suggest_float(f"y{i}", 0, 1) - 0.5) ** 2 for i in range(trial.suggest_int("layers", 1, 3)))


def run(sampler: Any, objective: Any = mixed, n: int = 14, **options: Any) -> Any:
    study = optuna.create_study(sampler=sampler, **options)
    study.optimize(objective, n_trials=n, catch=(RuntimeError,))
    return study


def params(study: Any) -> list[dict[str, Any]]:
    return [trial.params for trial in study.trials]


def space_of(study: Any) -> hp.Space:
    """Space that the sampler has learnt, with all trials of the study."""
    study.sampler.infer_relative_search_space(study, study.trials[-1])
    (search,) = study.sampler._searches.values()
    return search.whole.tree.space


# --- the same trials --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("objective", [mixed, tree])
def test_a_stored_study_goes_on_as_one_that_was_never_stopped(make, objective, tmp_path) -> None:
    whole = params(run(make(), objective, 22))
    url = f"sqlite:///{tmp_path}/study.db"
    for n in (1, 4, 9, 8):
        run(make(), objective, n, storage=url, study_name="s", load_if_exists=True)
    assert params(optuna.load_study(study_name="s", storage=url)) == whole


def test_failed_and_pruned_trials_are_read_again_as_they_were(make, tmp_path) -> None:
    def odd(trial: Any) -> float:
        if trial.number % 5 == 1:
            trial.suggest_float("x", -5, 5)
            raise RuntimeError
        value = mixed(trial)
        trial.report(value + 1, 0)
        trial.report(math.nan, 1)
        if trial.number % 5 == 2:
            raise optuna.TrialPruned
        return math.inf if trial.number % 5 == 3 else value

    whole = run(make(), odd, 25)
    url = f"sqlite:///{tmp_path}/study.db"
    for n in (7, 18):
        run(make(), odd, n, storage=url, study_name="s", load_if_exists=True)
    assert params(optuna.load_study(study_name="s", storage=url)) == params(whole)
    assert math.isfinite(whole.best_value)


def test_a_pickled_sampler_proposes_the_same(make) -> None:
    first = run(make(), tree, 10)
    again = optuna.create_study(sampler=pickle.loads(pickle.dumps(first.sampler)))  # noqa: S301 - our own data
    again.add_trials(first.trials)
    for study in (first, again):
        study.optimize(tree, n_trials=3)
    assert params(again) == params(first)


def test_the_seed_decides() -> None:
    assert params(run(HpcoreSampler(seed=1))) != params(run(HpcoreSampler(seed=2)))
    assert HpcoreSampler().seed != HpcoreSampler().seed
    sampler = HpcoreSampler("tpe", seed=3)
    assert repr(sampler) == f"HpcoreSampler({sampler.sampler!r}, seed=3)"


def test_proposals_do_not_depend_on_what_else_the_sampler_has_done(make) -> None:
    busy = make()
    run(busy, tree, 5)
    study = optuna.create_study(sampler=busy)
    study.optimize(mixed, n_trials=12)
    assert params(study) == params(run(make(), mixed, 12))


def test_another_study_of_the_same_name_is_read_anew() -> None:
    sampler = HpcoreSampler("tpe", seed=0)
    run(sampler, mixed, 8, study_name="s")
    assert params(run(sampler, tree, 12, study_name="s")) == params(run(HpcoreSampler("tpe", seed=0), tree, 12))
    shorter = run(sampler, tree, 3, study_name="s")
    assert params(shorter) == params(run(HpcoreSampler("tpe", seed=0), tree, 3))


def test_global_random_state_is_left_alone(make) -> None:
    np.random.seed(3)  # noqa: NPY002 - the state that must not change
    random.seed(3)
    before = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    run(make(), mixed, 12)
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002


def test_order_of_completion_does_not_matter() -> None:
    """Trials that end in another order are the same trials."""
    source = run(HpcoreSampler("random", seed=5), tree, 30).trials

    def told(order: list[int]) -> Any:
        study = optuna.create_study(sampler=HpcoreSampler("gp", seed=0))
        asked = [study.ask() for _ in source]
        for number in order:
            trial = asked[number]
            for name, value in source[number].params.items():
                study._storage.set_trial_param(
                    trial._trial_id,
                    name,
                    source[number].distributions[name].to_internal_repr(value),
                    source[number].distributions[name],
                )
            study.tell(trial, source[number].value)
            if number % 4 == 0:
                study.sampler.infer_relative_search_space(study, study.trials[number])
        trial = study.ask()
        tree(trial)
        return trial.params, space_of(study)

    expected = told(list(range(30)))
    for seed in range(3):
        order = list(range(30))
        random.Random(seed).shuffle(order)
        assert told(order) == expected


# --- conditions -------------------------------------------------------------------------------------------------------


def test_conditions_are_learnt() -> None:
    study = run(HpcoreSampler("gp", seed=0), tree, 30)
    space = space_of(study)
    assert {name: space[name].when for name in ("x", "layers", "y0")} == {
        "x": {"kind": [0]},
        "layers": {"kind": [1]},
        "y0": {"kind": [1]},
    }
    assert space.unexplained == ()
    assert study.best_value < 1e-3


def test_a_proposal_is_a_configuration_of_one_branch(monkeypatch) -> None:
    study = run(HpcoreSampler("gp", seed=0), tree, 25)
    asked = []
    alone = HpcoreSampler.sample_independent
    monkeypatch.setattr(
        HpcoreSampler, "sample_independent", lambda self, *given: asked.append(given[2]) or alone(self, *given)
    )
    for _ in range(10):
        trial = study.ask()
        study.tell(trial, tree(trial))
    assert asked == []


def test_a_parameter_that_was_not_proposed_is_completed_from_the_others() -> None:
    """y is good near x, whatever x is, and is asked for in a range that the trials do not have."""

    def near(trial: Any, high: float = 1.0) -> float:
        x = trial.suggest_float("x", 0, 1)
        return (trial.suggest_float("y", 0, high) - x) ** 2

    study = run(HpcoreSampler("random", seed=0), near, 25)
    study.sampler = HpcoreSampler("gp", seed=0)
    misses = []
    for x in (0.1, 0.3, 0.5, 0.7, 0.9):
        study.enqueue_trial({"x": x})
        trial = study.ask()
        misses.append(abs(trial.suggest_float("x", 0, 1) - trial.suggest_float("y", 0, 0.999)))
    assert np.mean(misses) < 0.1


def test_ranges_that_change_keep_values_inside() -> None:
    def moving(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1 + trial.number % 3)
        n = trial.suggest_int("n", trial.number % 4, 9)
        return trial.suggest_float("y", 0, x) + n

    study = run(HpcoreSampler("gp", seed=0), moving, 25)
    assert [t.state for t in study.trials] == [State.COMPLETE] * 25
    assert study.best_value < 1.5


def test_the_last_range_counts_and_values_outside_are_missing() -> None:
    study = optuna.create_study(sampler=HpcoreSampler("gp", seed=0))
    for high, n in ((10, 10), (5, 10)):
        study.optimize(lambda t, high=high: t.suggest_float("x", 0, high) + t.suggest_float("y", 0, 1), n_trials=n)
    space = space_of(study)
    assert (space["x"].high, space["x"].when, space.unexplained) == (5.0, {}, ())


def test_parameters_of_one_value_are_left_out() -> None:
    study = run(HpcoreSampler("gp", seed=0), lambda t: t.suggest_float("x", 0, 1) + t.suggest_int("one", 1, 1), 5)
    assert list(space_of(study)) == ["x"]
    assert all(t.params["one"] == 1 for t in study.trials)


def test_choices_that_optuna_cannot_tell_apart() -> None:
    choices = [True, 1, 1.0, "1", None, math.nan]
    study = run(HpcoreSampler("tpe", seed=0), lambda t: float(t.suggest_categorical("c", choices) is not None), 20)
    assert {repr(t.params["c"]) for t in study.trials} == {"True", "'1'", "None", "nan"}
    assert space_of(study)["c"].choices == (0, 3, 4, 5)


def test_every_point_may_come_again() -> None:
    study = run(HpcoreSampler("gp", seed=0), lambda t: float(t.suggest_int("n", 0, 2)), 12)
    assert len(study.trials) == 12
    assert {t.params["n"] for t in study.trials} == {0, 1, 2}


# --- trials of others -------------------------------------------------------------------------------------------------


def test_running_trials_keep_others_away(make) -> None:
    study = run(make(), mixed, 12)
    asked = [study.ask() for _ in range(6)]
    for trial in asked:
        mixed(trial)
    assert len({tuple(trial.params.values()) for trial in asked}) == 6


def test_running_trials_of_another_process_keep_others_away(tmp_path) -> None:
    """Each worker has a sampler of its own, and sees what the others' trials have been given."""
    url = f"sqlite:///{tmp_path}/study.db"
    run(HpcoreSampler("gp", seed=0), mixed, 12, storage=url, study_name="s")
    values = []
    for _ in range(4):
        study = optuna.load_study(study_name="s", storage=url, sampler=HpcoreSampler("gp", seed=0))
        trial = study.ask()
        mixed(trial)
        values.append(tuple(trial.params.values()))
    assert len(set(values)) == 4


def test_a_proposal_that_was_not_asked_for_yet_counts() -> None:
    study = run(HpcoreSampler("gp", seed=0), mixed, 12)
    first = study.ask()
    first.suggest_float("x", -5, 5)
    (search,) = study.sampler._searches.values()
    second = study.ask()
    second.suggest_float("x", -5, 5)
    assert set(search._others(second.number)[first.number]) == {"x", "n", "k", "s"}
    first.suggest_int("n", 0, 9)
    study.tell(first, 1.0)
    study.ask().suggest_float("x", -5, 5)
    assert first.number not in search.proposed
    assert first.number not in search._others(99)


def test_enqueued_values_are_completed(make) -> None:
    study = optuna.create_study(sampler=make())
    study.optimize(mixed, n_trials=12)
    study.enqueue_trial({"x": 1.0, "k": "b"})
    study.enqueue_trial({"n": 3, "other": 5})
    study.optimize(mixed, n_trials=2)
    assert (study.trials[12].params["x"], study.trials[12].params["k"]) == (1.0, "b")
    assert study.trials[13].params["n"] == 3
    # A contradiction to the conditions is used as it is.
    branches = run(make(), tree, 20)
    branches.enqueue_trial({"kind": "a", "layers": 2})
    branches.optimize(tree, n_trials=1)
    assert set(branches.trials[-1].params) == {"kind", "x"}


def test_values_that_others_fixed_are_learnt_from() -> None:
    study = optuna.create_study(sampler=HpcoreSampler("gp", seed=0))
    for _ in range(4):
        study.enqueue_trial({"x": 1.0, "n": 0})
    study.optimize(mixed, n_trials=12)
    assert sum(t.params["x"] == 1.0 and t.params["n"] == 0 for t in study.trials) >= 4
    fixed = optuna.samplers.PartialFixedSampler({"n": 2}, study.sampler)
    study.sampler = fixed
    study.optimize(mixed, n_trials=3)
    assert [t.params["n"] for t in study.trials[-3:]] == [2, 2, 2]


def test_threads() -> None:
    study = optuna.create_study(sampler=HpcoreSampler("gp", seed=0))
    study.optimize(tree, n_trials=32, n_jobs=4)
    assert all(t.state == State.COMPLETE for t in study.trials)
    assert len({tuple(p.values()) for p in params(study)}) >= 28


def test_one_sampler_for_studies_in_several_threads() -> None:
    sampler, done = HpcoreSampler("tpe", seed=0), {}

    def work(objective: Any) -> None:
        done[objective] = params(run(sampler, objective, 15))

    threads = [threading.Thread(target=work, args=(objective,)) for objective in (mixed, tree)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for objective in (mixed, tree):
        assert done[objective] == params(run(HpcoreSampler("tpe", seed=0), objective, 15))


def test_brackets_of_hyperband_are_searches_of_their_own() -> None:
    def reporting(trial: Any) -> float:
        value = mixed(trial)
        for step in range(1, 10):
            trial.report(value + 1 / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    pruner = optuna.pruners.HyperbandPruner(min_resource=1, max_resource=9)
    study = run(HpcoreSampler("gp", seed=0), reporting, 25, pruner=pruner, study_name="s")
    assert len(study.trials) == 25
    brackets = {key[1] for key in study.sampler._searches}
    assert {0, 1, 2} <= brackets
    assert len(study.sampler._searches) <= 4


# --- objectives, constraints, failures --------------------------------------------------------------------------------


def test_several_objectives(make) -> None:
    study = optuna.create_study(directions=["minimize", "maximize"], sampler=make())
    study.optimize(
        lambda t: (
            t.suggest_float("x", 0, 1) ** 2 + t.suggest_float("z", 0, 1),
            t.suggest_float("y", 0, 1) - t.params["x"],
        ),
        n_trials=40,
    )
    assert min(t.values[0] for t in study.best_trials) < 0.05
    assert max(t.values[1] for t in study.best_trials) > 0.8


def test_maximizing() -> None:
    study = run(
        HpcoreSampler("gp", seed=0), lambda t: -((t.suggest_float("x", -5, 5) - 1) ** 2), 25, direction="maximize"
    )
    assert study.best_value > -0.01


def test_constraints_are_heeded(make) -> None:
    def limited(trial: Any) -> float:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        trial.set_constraint("sum", math.inf if trial.number == 3 else 1.2 - x - y)
        return x + 2 * y

    study = run(make(), limited, 40)
    assert sum(t.constraints["sum"] <= 0 for t in study.trials[20:]) >= 8
    (search,) = study.sampler._searches.values()
    assert search.whole._optimizer.limits.to_plain() == {"sum": [None, 0.0]}


def test_a_constraint_that_comes_later_counts_from_then_on() -> None:
    def later(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        if trial.number >= 10:
            trial.set_constraint("low", 0.5 - x)
        return x

    study = run(HpcoreSampler("gp", seed=0), later, 30)
    feasible = [t.params["x"] for t in study.trials[15:] if t.params["x"] >= 0.5]
    assert len(feasible) >= 5
    assert min(feasible) < 0.55


def test_failures_are_avoided() -> None:
    def fails(trial: Any) -> float:
        x = trial.suggest_float("x", 0, 1)
        if x < 0.5:
            raise RuntimeError
        return (x - 0.7) ** 2

    study = run(HpcoreSampler("gp", seed=0), fails, 40)
    assert sum(t.state == State.FAIL for t in study.trials) <= 10
    assert study.best_value < 1e-3


def test_trials_without_parameters_are_no_obstacle() -> None:
    def bare(trial: Any) -> float:
        if trial.number in (0, 4):
            return 5.0
        if trial.number == 2:
            raise RuntimeError
        return trial.suggest_float("x", 0, 1)

    assert len(run(HpcoreSampler("gp", seed=0), bare, 10).trials) == 10


def test_given_trials_are_learnt_from() -> None:
    study = optuna.create_study(sampler=HpcoreSampler("gp", seed=0))
    ranges = {"x": Float(0, 1), "n": Int(0, 10, step=2), "c": Categorical(["a", "b"])}
    for x in np.linspace(0, 1, 9):
        study.add_trial(
            optuna.create_trial(
                params={"x": np.float64(x), "n": np.int64(4), "c": "a"},
                distributions=ranges,
                value=float((x - 0.7) ** 2),
            )
        )
    trial = study.ask(ranges)
    assert abs(trial.params["x"] - 0.7) < 0.15
    assert (type(trial.params["x"]), type(trial.params["n"])) == (float, int)


# --- bad input --------------------------------------------------------------------------------------------------------


def test_wrong_arguments() -> None:
    with pytest.raises(InvalidArgument, match=r"sampler must be one of .*'gpx'"):
        HpcoreSampler("gpx")
    with pytest.raises(InvalidType, match="sampler"):
        HpcoreSampler(3)
    with pytest.raises(InvalidArgument, match="seed"):
        HpcoreSampler(seed=-1)


@pytest.mark.parametrize(
    "distribution",
    [Float(-math.inf, math.inf), Int(0, 2**70), object()],
    ids=["infinite", "large", "unknown"],
)
def test_a_distribution_without_a_counterpart_is_named(distribution: Any) -> None:
    study = optuna.create_study(sampler=HpcoreSampler(seed=0))
    trial = study.ask()
    with pytest.raises(InvalidArgument, match=r"distribution of 'rate'.* has no counterpart.* use "):
        study.sampler.sample_independent(study, trial, "rate", distribution)


def test_a_sampler_for_one_objective_says_so() -> None:
    study = optuna.create_study(directions=["minimize", "minimize"], sampler=HpcoreSampler("gradient", seed=0))
    with pytest.raises(InvalidArgument, match="several objectives"):
        study.optimize(lambda t: (t.suggest_float("x", 0, 1), 1.0), n_trials=3)
