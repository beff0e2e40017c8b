"""The oracle and the tuner for Keras Tuner."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidSpace, InvalidType, MissingDependency

os.environ.setdefault("KERAS_BACKEND", "torch")
kt = pytest.importorskip("keras_tuner")

from hpcore.integrations.keras_tuner import HpcoreOracle, HpcoreTuner  # noqa: E402

pytestmark = [
    pytest.mark.doors,
    # How Keras Tuner asks for the name of a thread.
    pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning"),
    # Keras copies tensors of torch in a way that NumPy 2 deprecates.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]

Make = Callable[..., Any]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make oracles, which share a folder if they share a name."""

    def of(hps: Any = None, name: str = "p", goal: str = "min", kind: Any = HpcoreOracle, **options: Any) -> Any:
        options = {"objective": kt.Objective("score", goal), "max_trials": 30, "seed": 0, **options}
        oracle = kind(hyperparameters=hps, **options)
        oracle._set_project_dir(str(tmp_path), name)
        oracle.verbose = 0
        return oracle

    return of


def space() -> Any:
    h = kt.HyperParameters()
    h.Choice("model", ["mlp", "cnn", "linear"])
    h.Float("rate", 1e-5, 1e-1, sampling="log")
    h.Float("momentum", 0.5, 0.999, sampling="reverse_log")
    h.Fixed("version", 7)
    with h.conditional_scope("model", ["mlp", "cnn"]):
        h.Int("layers", 1, 3)
        with h.conditional_scope("layers", [2, 3]):
            h.Int("units", 8, 128, step=2, sampling="log")
    with h.conditional_scope("model", ["linear"]):
        h.Boolean("bias")
    return h


def loss(values: dict[str, Any]) -> float:
    found = (math.log10(values["rate"]) + 3) ** 2 + abs(values["momentum"] - 0.9)
    return found + {"mlp": 0.0, "cnn": 0.3, "linear": 0.6}[values["model"]] + values.get("layers", 0) / 10


def end(oracle: Any, trial: Any, value: float | None, status: str = "COMPLETED") -> None:
    if value is not None:
        oracle.update_trial(trial.trial_id, {"score": value})
    trial.status = status
    oracle.end_trial(trial)


def drive(oracle: Any, n: int, fn: Callable[[Any], float] = loss) -> list[dict[str, Any]]:
    """Run so many trials, or until the oracle ends the search."""
    found: list[dict[str, Any]] = []
    while len(found) < n:
        trial = oracle.create_trial("tuner")
        if trial.status == "STOPPED":
            break
        assert trial.status == "RUNNING"
        found.append(dict(trial.hyperparameters.values))
        end(oracle, trial, fn(trial.hyperparameters.values))
    return found


def one(kind: str, *args: Any, **options: Any) -> Any:
    h = kt.HyperParameters()
    getattr(h, kind)("x", *args, **options)
    return h


# --- kinds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hps", "expected"),
    [
        (one("Int", 3, 6), [3, 4, 5, 6]),
        (one("Int", 6, 13, step=3), [6, 9, 12]),
        (one("Int", 8, 128, step=2, sampling="log"), [8, 16, 32, 64, 128]),
        (one("Int", 2, 32, step=2, sampling="reverse_log"), [2, 18, 26, 30, 32]),
        (one("Int", 1, 4, sampling="log"), [1, 2, 3, 4]),
        (one("Int", 1, 4, sampling="reverse_log"), [1, 2, 3, 4]),
        (one("Float", 0.0, 1.0, step=0.25), [0.0, 0.25, 0.5, 0.75, 1.0]),
        (one("Float", 0.001, 10, step=10, sampling="log"), [0.001, 0.01, 0.1, 1.0, 10.0]),
        (one("Choice", ["b", "a", "b"]), ["b", "a"]),
        (one("Choice", [3, 1, 2]), [3, 1, 2]),
        (one("Choice", [0.5, 0.25], ordered=False), [0.5, 0.25]),
        (one("Boolean"), [False, True]),
        (one("Fixed", "z"), ["z"]),
        (one("Int", 5, 5), [5]),
        (one("Float", 2.0, 2.0), [2.0]),
    ],
)
def test_a_finite_kind_has_its_values_and_no_others(make: Make, hps: Any, expected: list[Any]) -> None:
    found = [values["x"] for values in drive(make(hps), 20, lambda values: 0.0)]
    assert sorted(found, key=repr) == sorted(expected, key=repr)
    assert {type(value) for value in found} == {type(value) for value in expected}


@pytest.mark.parametrize("kind", ["Float", "Int"])
@pytest.mark.parametrize("sampling", ["linear", "log", "reverse_log"])
def test_a_scale_is_that_of_keras_tuner(make: Make, kind: str, sampling: str) -> None:
    hps = one(kind, 10, 1_000_000, sampling=sampling)
    found = np.sort([v["x"] for v in drive(make(hps, sampler="sobol", max_trials=128), 128, lambda values: 0.0)])
    [hp] = hps.space
    at = (np.arange(128) + 0.5) / 128
    gap = np.abs(np.searchsorted([hp.prob_to_value(p) for p in at], found) / 128 - at).max()
    assert gap < 0.05  # two of these scales are 0.5 and more apart


def test_an_order_helps_where_there_is_one(make: Make) -> None:
    unsorted = [11, 3, 8, 1, 14, 6, 9, 2, 13, 5, 10, 4, 15, 7, 12, 0]
    ordered, unordered = (one("Choice", unsorted, ordered=flag) for flag in (True, False))

    def needed(hps: Any) -> int:
        found = drive(make(hps), 16, lambda values: abs(values["x"] - 10))
        return [values["x"] for values in found].index(10)

    assert needed(ordered) < needed(unordered)


def test_an_unknown_kind_is_named(make: Make) -> None:
    class Angle(kt.engine.hyperparameters.HyperParameter):  # type: ignore[name-defined,misc]
        pass

    h = space()
    h._space.append(Angle("tilt"))
    with pytest.raises(InvalidSpace, match="'tilt' is a Angle, which has no counterpart; use Int, Float, Choice"):
        make(h).create_trial("t")
    with pytest.raises(InvalidSpace, match=r"hyperparameter 'x', Int\(.*has no counterpart: high must be"):
        make(one("Int", 0, 2**70)).create_trial("t")


# --- conditions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["gp", "tpe", "auto"])
def test_values_are_the_active_ones(make: Make, sampler: str) -> None:
    found = drive(make(space(), sampler=sampler), 30)
    assert len(found) == 30 and {values["model"] for values in found} == {"mlp", "cnn", "linear"}
    for values in found:
        deep = values["model"] != "linear"
        expected = {"model", "rate", "momentum", "version"} | ({"layers"} if deep else {"bias"})
        assert values.keys() == expected | ({"units"} if deep and values["layers"] > 1 else set())


def test_conditions_on_what_does_not_vary(make: Make) -> None:
    h = kt.HyperParameters()
    h.Choice("a", [1, 2])
    with h.conditional_scope("a", [2]):
        h.Fixed("f", "on")
        with h.conditional_scope("f", ["on"]):
            h.Boolean("below")
        with h.conditional_scope("f", ["off"]):
            h.Boolean("never")
    h.Boolean("t")
    with h.conditional_scope("t", [True]):
        h.Fixed("g", 1)
    [parent] = h.space[1].conditions
    both = [parent, type(parent)("a", [1])]
    h.merge([kt.engine.hyperparameters.Boolean("neither", conditions=both)])
    found = drive(make(h), 20, lambda values: 0.0)
    expected = [{"a": 1}] + [{"a": 2, "f": "on", "below": below} for below in (False, True)]
    expected = [{**values, **more} for values in expected for more in ({"t": False}, {"t": True, "g": 1})]
    assert sorted(map(str, map(sorted, map(dict.items, found)))) == sorted(
        map(str, map(sorted, map(dict.items, expected)))
    )


def test_conditions_on_steps_meet_values_as_keras_tuner_compares_them(make: Make) -> None:
    h = kt.HyperParameters()
    h.Float("f", 0.0, 1.0, step=0.1)
    with h.conditional_scope("f", [0.3, 0.1 + 0.2, 0.55]):
        h.Boolean("b")
    found = drive(make(h), 20, lambda values: 0.0)
    assert len(found) == 12 and [values["f"] for values in found if "b" in values] == [0.3, 0.3]


def test_conditions_without_counterpart_are_named(make: Make) -> None:
    h = one("Float", 0.0, 1.0)
    with h.conditional_scope("x", [0.5]):
        h.Int("n", 1, 3)
    with pytest.raises(InvalidSpace, match="'n' is active at single values of 'x', which is continuous"):
        make(h).create_trial("t")
    h = one("Choice", ["a", "b"])
    for value in ("a", "b"):
        with h.conditional_scope("x", [value]):
            h.Int("units", 1, 3)
    with pytest.raises(InvalidSpace, match="'units' is asked for under different conditions"):
        make(h).create_trial("t")
    h = space()
    h.space[0].conditions = [object()]
    with pytest.raises(InvalidSpace, match=r"'model' has the condition <object.*use hp.conditional_scope"):
        make(h).create_trial("t")


def test_hyperparameters_as_workers_send_them(make: Make) -> None:
    sent = kt.HyperParameters.from_proto(space().to_proto())  # by kinds, so that some come before their parents
    assert [hp.name for hp in sent.space].index("momentum") < [hp.name for hp in sent.space].index("model")
    assert [hp.name for hp in sent.space].index("layers") < [hp.name for hp in sent.space].index("model")
    oracle = make(sent)
    for _ in range(10):
        values = oracle.populate_space("next")["values"]  # Keras Tuner completes them at random
        assert ("layers" in values) == (values["model"] != "linear") == ("bias" not in values)
        assert drive(oracle, 1) == [values]


# --- spaces that grow ------------------------------------------------------------------------------------------------


def growing(oracle: Any, n: int) -> list[dict[str, Any]]:
    """Trials that ask for `b` from the fourth one on, and for what `b` opens from the eighth."""
    found = []
    for _ in range(n):
        trial = oracle.create_trial("tuner")
        number, h = int(trial.trial_id), trial.hyperparameters
        value = (h.Float("a", 0.0, 1.0, default=0.9) - 0.2) ** 2
        if number >= 3:
            value += abs(h.Int("b", 1, 5, default=4) - 2) / 5
        if number >= 7:
            with h.conditional_scope("b", [1, 2]):
                c = h.Float("c", 1.0, 9.0, sampling="reverse_log", default=4.5)
            value += 0.0 if c is None else abs(c - 7) / 10
        found.append(dict(h.values))
        end(oracle, trial, value)
    return found


def test_a_space_that_grows(make: Make) -> None:
    found = growing(make(), 20)
    assert found[0] == {"a": 0.9}
    assert found[3]["b"] == 4  # asked for the first time
    assert [values.keys() for values in found[1:3]] == [{"a"}] * 2
    assert [values.keys() >= {"a", "b"} for values in found[4:]] == [True] * 16
    assert {("c" in values) == (values["b"] <= 2) for values in found[8:]} == {True}
    assert len({values["b"] for values in found[4:]}) > 1


def test_earlier_trials_have_the_default_of_what_came_later(make: Make) -> None:
    hps = one("Float", 0.0, 1.0)

    def grown(default: int, others: dict[str, int]) -> Any:
        oracle = make(hps.copy(), name=f"{default}{others}", sampler="tpe")
        for k in range(12):
            trial = oracle.create_trial("t")
            trial.hyperparameters.values.update(x=k / 11, **others)
            end(oracle, trial, (k / 11 - 0.3) ** 2)
        h = oracle.get_space()
        h.Int("n", 1, 9, step=2, default=default)
        oracle.update_space(h)
        return oracle.create_trial("t").hyperparameters.values

    assert grown(3, {}) == grown(3, {"n": 3}) != grown(9, {})
    assert grown(2, {}) not in (grown(3, {}), grown(9, {}))  # off the steps, so nothing is known


def test_a_finite_space_ends_and_goes_on_when_it_grows(make: Make) -> None:
    oracle = make(one("Boolean"))
    assert len(drive(oracle, 10, lambda values: 0.0)) == 2
    h = oracle.get_space()
    h.Choice("c", ["a", "b"])
    oracle.update_space(h)
    assert sorted(v["x"] for v in drive(oracle, 10, lambda values: 0.0)) == [False, True]


def test_nothing_varies_yet(make: Make) -> None:
    oracle = make(one("Fixed", 3))
    first = oracle.create_trial("a")
    assert first.hyperparameters.values == {"x": 3}
    assert oracle.create_trial("b").status == "IDLE"  # the first one may ask for more
    end(oracle, first, 1.0)
    assert oracle.create_trial("b").status == "STOPPED"


def test_new_entries(make: Make) -> None:
    fixed = make(one("Float", 0.0, 1.0), tune_new_entries=False)
    for _ in range(8):
        trial = fixed.create_trial("t")
        assert trial.hyperparameters.Int("n", 1, 9, default=4) == 4
        end(fixed, trial, trial.hyperparameters.get("x"))
    assert [hp.name for hp in fixed.hyperparameters.space] == ["x"]
    closed = make(one("Float", 0.0, 1.0), name="q", allow_new_entries=False)
    trial = closed.create_trial("t")
    trial.hyperparameters.Int("n", 1, 9)
    with pytest.raises(RuntimeError, match="allow_new_entries"):
        end(closed, trial, 0.0)
    with pytest.raises(ValueError, match="hyperparameters"):
        HpcoreOracle(tune_new_entries=False)


# --- the search ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sampler", ["gp", "tpe", "auto"])
def test_it_learns(make: Make, sampler: str) -> None:
    def best(sampler: str) -> float:
        return float(
            np.mean([min(map(loss, drive(make(space(), sampler, sampler=sampler, seed=s), 30))) for s in (1, 2)])
        )

    assert best(sampler) < 0.6 * best("random")


def test_directions(make: Make) -> None:
    lowest = drive(make(space(), "min"), 15)
    assert drive(make(space(), "max", goal="max"), 15, lambda values: -loss(values)) == lowest
    assert drive(make(space(), "up", goal="max"), 15) != lowest


def test_several_objectives(make: Make) -> None:
    parts = [kt.Objective("error", "min"), kt.Objective("accuracy", "max")]
    several, single = make(space(), "several", objective=parts), make(space(), "single")
    for _ in range(12):
        trial = several.create_trial("t")
        value = loss(trial.hyperparameters.values)
        for step, error in enumerate((9.0, value, 8.0)):
            several.update_trial(trial.trial_id, {"error": error, "accuracy": 0.25}, step=step)
        trial.status = "COMPLETED"
        several.end_trial(trial)
        assert trial.score == value - 0.25 and several.trials[trial.trial_id].best_step == 1
        assert drive(single, 1, lambda values: loss(values) - 0.25) == [trial.hyperparameters.values]


def test_seeds(make: Make) -> None:
    runs = {seed: drive(make(space(), f"s{seed}", seed=seed), 5) for seed in (0, 1, 2**100)}
    assert drive(make(space(), "again", seed=0), 5) == runs[0]
    assert len({str(run) for run in runs.values()}) == 3
    drawn = [make(space(), f"n{k}", seed=None) for k in range(4)]
    assert len({oracle.seed for oracle in drawn}) > 1


def test_running_trials_keep_others_away(make: Make) -> None:
    oracle = make(space())
    drive(oracle, 8)
    running = [oracle.create_trial(f"w{k}") for k in range(5)]
    assert len({str(trial.hyperparameters.values) for trial in running}) == 5
    for trial in reversed(running):
        end(oracle, trial, loss(trial.hyperparameters.values))
    assert len(drive(oracle, 3)) == 3


def test_what_is_never_run_leaves_nothing_behind(make: Make) -> None:
    asked, other = make(space(), "a"), make(space(), "b")
    running = []
    for oracle in (asked, other):
        drive(oracle, 6)
        running.append(oracle.create_trial("w"))
    before = asked.populate_space("x")
    assert asked.populate_space("y") == before
    end(asked, running[0], 0.0)
    end(other, running[1], 0.0)
    assert asked.populate_space("z") == other.populate_space("z") != before


@pytest.mark.filterwarnings("ignore:All-NaN:RuntimeWarning")
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("goal", ["min", "max"])
def test_scores_that_are_no_numbers_are_invalid(make: Make, value: float, goal: str) -> None:
    oracle = make(space(), goal=goal, max_retries_per_trial=1, max_consecutive_failed_trials=2)
    drive(oracle, 3)
    trial = oracle.create_trial("t")
    end(oracle, trial, value)
    assert oracle.trials[trial.trial_id].status == "INVALID"
    again = oracle.create_trial("t")
    assert again.trial_id == trial.trial_id
    end(oracle, again, 0.5)
    assert oracle.trials[trial.trial_id].score == 0.5  # that of the second run alone
    for _ in range(2):
        trial = oracle.create_trial("t")
        end(oracle, trial, value)
    assert oracle.trials[trial.trial_id].status == "FAILED"
    assert math.isfinite(oracle.get_best_trials(1)[0].score)
    other = oracle.create_trial("t")
    end(oracle, other, None, "INVALID")
    with pytest.raises(RuntimeError, match="consecutive failures"):
        end(oracle, oracle.create_trial("t"), None, "INVALID")


def test_failures_are_learnt_from(make: Make) -> None:
    h = one("Float", 0.0, 1.0)
    h.Float("y", 0.0, 1.0)
    oracle = make(h, max_consecutive_failed_trials=30)
    for _ in range(30):
        trial = oracle.create_trial("t")
        values = trial.hyperparameters.values
        end(oracle, trial, *((None, "FAILED") if values["x"] < 0.5 else ((values["y"] - 0.3) ** 2,)))
    failed = [oracle.trials[key].status == "FAILED" for key in oracle.start_order]
    assert sum(failed[10:]) <= 4  # of 20, half of which are in that half otherwise


# --- states ----------------------------------------------------------------------------------------------------------

GO_ON = """
import json, sys
import keras_tuner as kt
import test_keras_tuner as tests
from hpcore.integrations.keras_tuner import HpcoreOracle

oracle = HpcoreOracle(kt.Objective("score", "min"), max_trials=30, sampler=sys.argv[2])
oracle._set_project_dir(sys.argv[1], "p")
oracle.reload()
oracle.verbose = 0
print(json.dumps(getattr(tests, sys.argv[3])(oracle, 6)))
"""


@pytest.mark.parametrize(("sampler", "run"), [("tpe", "drive"), ("gp", "growing")])
def test_another_process_goes_on_as_an_unbroken_run(make: Make, tmp_path: Path, sampler: str, run: str) -> None:
    hps = space() if run == "drive" else None
    unbroken, broken = make(hps, "whole", sampler=sampler), make(hps, sampler=sampler)
    expected = globals()[run](unbroken, 16)
    assert globals()[run](broken, 10) == expected[:10]
    assert json.loads(json.dumps(broken.get_state())) == broken.get_state()
    left = broken.create_trial("dies")  # is run again under its number
    assert broken.trials[left.trial_id].status == "RUNNING"
    paths = [str(Path(__file__).parent), *filter(None, sys.path)]
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", GO_ON, str(tmp_path), sampler, run],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == expected[10:]


def test_projects_of_other_oracles_go_on(make: Make) -> None:
    drive(make(space(), kind=kt.oracles.RandomSearchOracle), 20)
    oracle, fresh = make(space()), make(space(), "fresh")
    oracle.reload()
    assert len(oracle.trials) == 20
    assert np.mean([loss(v) for v in drive(oracle, 8)]) < np.mean([loss(v) for v in drive(fresh, 8)])


def test_trials_that_were_put_by_hand(make: Make) -> None:
    planted, others = make(space(), "planted"), make(space(), "others", sampler="random")
    drive(others, 20)
    for k, trial in enumerate(others.trials.values()):
        planted.trials[f"by hand {k:02}"] = trial
    lost = kt.engine.trial.Trial(space(), "lost")  # began, and its process died before it wrote that
    planted.trials["lost"] = lost
    assert np.mean([loss(v) for v in drive(planted, 8)]) < np.mean([loss(v) for v in drive(make(space(), "none"), 8)])


# --- tuners ----------------------------------------------------------------------------------------------------------


def build(hp: Any) -> Any:
    keras = pytest.importorskip("keras")
    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,))]
    for i in range(hp.Int("layers", 1, 2)):
        layers.append(keras.layers.Dense(hp.Int(f"units{i}", 2, 8, step=2, sampling="log"), "tanh"))
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(hp.Float("rate", 1e-4, 1e-1, sampling="log")), "mse")
    return model


# Keras Tuner loads weights into models whose optimizer was not used.
@pytest.mark.filterwarnings("ignore:Skipping variable loading for optimizer:UserWarning")
def test_a_tuner_of_keras_models(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(0)
    X = rng.random((64, 4)).astype("float32")
    y = X @ np.array([1.0, -1.0, 0.5, 0.0], dtype="float32")
    data = {"epochs": 2, "validation_data": (X[48:], y[48:]), "verbose": 0}

    def tuner(n: int, name: str = "p") -> Any:
        return HpcoreTuner(
            build, "val_loss", n, "tpe", seed=0, directory=str(tmp_path), project_name=name, max_retries_per_trial=1
        )

    whole = tuner(6, "whole")
    whole.search(X[:48], y[:48], **data)
    parts = tuner(3)
    parts.search(X[:48], y[:48], **data)
    parts = tuner(6)  # which finds the project
    parts.search(X[:48], y[:48], **data)
    assert "Reloading Tuner" in capsys.readouterr().out
    runs = [[t.oracle.trials[key] for key in t.oracle.start_order] for t in (whole, parts)]
    assert len(runs[0]) == 6 and {trial.status for trial in runs[0]} == {"COMPLETED"}
    assert [t.hyperparameters.values for t in runs[0]] == [t.hyperparameters.values for t in runs[1]]
    best = min(runs[0], key=lambda trial: trial.score)
    assert whole.get_best_hyperparameters()[0].values == best.hyperparameters.values
    [model] = whole.get_best_models()
    assert model.evaluate(X[48:], y[48:], verbose=0) == pytest.approx(best.score, rel=1e-4)


def test_a_tuner_without_a_model(tmp_path: Path) -> None:
    class Tuner(HpcoreTuner):
        def run_trial(self, trial: Any, *args: Any, **options: Any) -> float:
            h = trial.hyperparameters
            return (h.Float("x", -1.0, 1.0) - 0.3) ** 2 + (h.Choice("k", ["a", "b"]) == "a") * 0.2

    tuner = Tuner(max_trials=20, seed=0, directory=str(tmp_path), overwrite=True)
    tuner.oracle.verbose = 0
    tuner.search()
    best = tuner.get_best_hyperparameters()[0].values
    assert best["k"] == "b" and abs(best["x"] - 0.3) < 0.1


def test_a_tuner_of_scikit_learn(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    def make_estimator(hp: Any) -> Any:
        if hp.Choice("model", ["tree", "linear"]) == "tree":
            with hp.conditional_scope("model", ["tree"]):
                return DecisionTreeClassifier(max_depth=hp.Int("depth", 1, 5), random_state=0)
        with hp.conditional_scope("model", ["linear"]):
            return LogisticRegression(C=hp.Float("C", 1e-3, 1e3, sampling="log"), max_iter=5000)

    tuner = kt.SklearnTuner(
        HpcoreOracle(kt.Objective("score", "max"), max_trials=8, seed=0), make_estimator, directory=str(tmp_path)
    )
    tuner.oracle.verbose = 0
    tuner.search(*load_iris(return_X_y=True))
    trials = list(tuner.oracle.trials.values())
    assert len(trials) == 8 and max(trial.score for trial in trials) > 0.94
    for values in (trial.hyperparameters.values for trial in trials):
        assert values.keys() == {"model", "depth" if values["model"] == "tree" else "C"}


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("of", [HpcoreOracle, HpcoreTuner])
def test_bad_arguments(of: Any) -> None:
    with pytest.raises(InvalidArgument, match="sampler must be one of"):
        of(sampler="bayes")
    with pytest.raises(InvalidArgument, match="seed must be"):
        of(seed=-1)
    with pytest.raises(InvalidType, match="seed must be an integer"):
        of(seed="zero")
    with pytest.raises(InvalidArgument, match="direction of the objective 'accuracy' must be 'min' or 'max', got 'up'"):
        of(objective=[kt.Objective("loss", "min"), kt.Objective("accuracy", "up")])
    with pytest.raises(ValueError, match="Could not infer optimization direction"):
        of(objective="quality")
    with pytest.raises(TypeError, match="objective"):
        of(objective=3)


def test_an_unknown_argument_of_a_tuner(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="samplers"):
        HpcoreTuner(build, directory=str(tmp_path), samplers="tpe")


@pytest.mark.parametrize("missing", ["keras_tuner", "six"])
def test_without_keras_tuner_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in [name for name in sys.modules if name.startswith(("hpcore.integrations.keras_tuner", "keras_tuner"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingDependency, match=r"needs keras_tuner.*pip install 'hpcore\[keras-tuner\]'"):
        import_module("hpcore.integrations.keras_tuner")
