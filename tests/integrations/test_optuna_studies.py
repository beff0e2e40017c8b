"""Studies that go from Optuna to hpcore, and back."""

import math
from typing import Any

import numpy as np
import pytest

optuna = pytest.importorskip("optuna")

import hpcore as hp  # noqa: E402 - after the import that may skip
from hpcore.errors import InvalidArgument, InvalidType  # noqa: E402
from hpcore.integrations.optuna import HpcoreSampler, export_study, import_study  # noqa: E402

pytestmark = [pytest.mark.doors, pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")]

FIELDS = (
    "number",
    "state",
    "values",
    "datetime_start",
    "datetime_complete",
    "params",
    "distributions",
    "user_attrs",
    "system_attrs",
    "constraints",
)
State = optuna.trial.TrialState


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def objective(trial: Any) -> float:
    """All kinds of parameters and ends."""
    if trial.number == 3:
        raise RuntimeError
    kind = trial.suggest_categorical("kind", ["a", "b", None, True, 1])
    trial.suggest_int("one", 4, 4)
    x = trial.suggest_float("x", 0, 1 if trial.number < 8 else 0.5)
    if trial.number == 5:
        raise RuntimeError
    trial.set_user_attr("text", ["ü", {"a": None}])
    trial.set_constraint("c", x - 0.5)
    if kind == "a":
        x += trial.suggest_float("y", 1e-3, 1, log=True)
    trial.report(x, 0)
    trial.report(math.nan if trial.number == 6 else x - 1, 2)
    if trial.number % 4 == 2:
        raise optuna.TrialPruned
    trial.suggest_float("s", 0, 1, step=0.1)
    trial.suggest_int("n", 1, 64, log=True)
    return x if trial.number != 9 else math.inf


@pytest.fixture
def theirs() -> Any:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0), study_name="s")
    study.set_user_attr("note", {"z": [1, 2.5]})
    study.set_metric_names(["accuracy"])
    study.optimize(objective, n_trials=20, catch=(RuntimeError,))
    study.enqueue_trial({"x": 0.2})
    running = study.ask()
    running.suggest_float("x", 0, 0.5)
    running.report(1.0, 1)
    study.enqueue_trial({"x": 0.3})
    return study


def assert_same(study: Any, other: Any) -> None:
    assert study.directions == other.directions
    assert study.user_attrs == other.user_attrs
    assert study.metric_names == other.metric_names
    assert len(study.trials) == len(other.trials)
    for one, two in zip(study.trials, other.trials, strict=True):
        for field in FIELDS:
            assert getattr(one, field) == getattr(two, field), (one.number, field)
        assert one.intermediate_values.keys() == two.intermediate_values.keys()
        np.testing.assert_equal(
            [one.intermediate_values[step] for step in sorted(one.intermediate_values)],
            [two.intermediate_values[step] for step in sorted(two.intermediate_values)],
        )


@pytest.mark.parametrize("stored", [False, True], ids=["in memory", "stored"])
def test_a_study_comes_back_as_it_was(theirs, stored, tmp_path) -> None:
    ours = import_study(theirs, storage=tmp_path / "runs.db" if stored else None, seed=0)
    if stored:
        ours = hp.load_study(tmp_path / "runs.db", "s")
    back = export_study(ours, storage=f"sqlite:///{tmp_path}/back.db" if stored else None)
    assert_same(theirs, back)
    assert_same(theirs, export_study(import_study(back)))


@pytest.mark.parametrize("stored", [False, True], ids=["in memory", "stored"])
def test_what_is_imported(theirs, stored, tmp_path) -> None:
    ours = import_study(theirs, storage=tmp_path / "runs.db" if stored else None, name="other", seed=0)
    if stored:
        ours = hp.load_study(tmp_path / "runs.db", "other")
    assert ours.space["x"] == hp.Float(0, 0.5)
    assert ours.space["kind"] == hp.Categorical(["a", "b", None, True])
    assert ours.space["y"].when == {"kind": ["a"]}
    assert (ours.name, ours.optimizer.directions) == ("other", ("maximize",))
    assert ours.user_attrs["note"] == {"z": [1, 2.5]}
    states = [str(trial.state) for trial in ours.trials]
    assert states[2::4] == ["pruned"] * 5
    assert (states[3], states[5], states[9], states[20:]) == ("failed", "failed", "failed", ["withdrawn"] * 2)
    for trial, frozen in zip(ours.trials, theirs.trials, strict=True):
        if trial.state == "complete":
            assert trial.value == frozen.value
            assert trial.metrics == frozen.constraints
            assert trial.feasible == (frozen.params["x"] <= 0.5)
            assert trial.reports == frozen.intermediate_values
            assert trial.started == frozen.datetime_start.timestamp()
            assert trial.user_attrs["text"] == ["ü", {"a": None}]
    # Values outside of the last range are missing in the space, and not lost.
    outside = [t for t in theirs.trials if t.state == State.COMPLETE and t.params["x"] > 0.5]
    assert outside
    assert all("x" not in ours.trials[t.number].params for t in outside)
    ours.run(lambda trial: trial["x"], n_trials=6)
    assert len(ours.trials) == 28
    assert len(export_study(ours).trials) == 28


def test_an_imported_search_knows_the_trials() -> None:
    study = optuna.create_study(sampler=HpcoreSampler("random", seed=0))
    study.optimize(lambda t: (t.suggest_float("x", 0, 1) - 0.3) ** 2, n_trials=15)
    ours = import_study(study, sampler="gp", seed=0)
    assert ours.best_value == study.best_value
    assert abs(ours.ask()["x"] - 0.3) < 0.1


def test_several_objectives() -> None:
    study = optuna.create_study(directions=["minimize", "maximize"])
    study.optimize(lambda t: (t.suggest_float("x", 0, 1), t.params["x"] ** 2), n_trials=6)
    ours = import_study(study)
    assert [t.values for t in ours.trials] == [tuple(t.values) for t in study.trials]
    assert_same(study, export_study(ours))


def test_what_is_exported() -> None:
    space = {"k": ["a", "b"], "x": hp.Float(-1, 1), "i": hp.Int(1, 9, step=2, when={"k": "a"})}
    study = hp.Study(space, sampler="random", seed=1, name="ours", limits={"m": hp.between(-0.5, 0.5)})
    study.run(lambda t: hp.Outcome(t["x"] ** 2, metrics={"m": t["x"]}, cost=2.0, std_error=0.1), n_trials=8)
    for state in ("failed", "pruned"):
        trial = study.ask()
        trial.user_attrs["a"] = 1
        study.optimizer.report(trial, 3.0, 1)
        study.optimizer.report(trial, 2.0, 1.5)
        study.tell(
            trial, state=state, value=2.5 if state == "pruned" else None, error="broken" if state == "failed" else None
        )
    study.withdraw(study.ask())
    study.ask()
    theirs = export_study(study)
    assert theirs.study_name == "ours"
    frozen = theirs.trials
    assert [t.state.name for t in frozen[8:]] == ["FAIL", "PRUNED", "FAIL", "RUNNING"]
    for trial, one in zip(study.trials, frozen, strict=True):
        assert one.params == trial.params
        if one.state == State.COMPLETE:
            assert one.value == trial.value
            assert one.constraints == {"m": pytest.approx(abs(trial["x"]) - 0.5)}
            assert one.user_attrs == {"hpcore:trial": {"cost": 2.0, "metrics": {"m": trial["x"]}, "std_error": 0.1}}
            assert one.datetime_start.timestamp() == pytest.approx(trial.started, abs=1e-5)
    assert frozen[8].user_attrs == {"a": 1, "hpcore:trial": {"error": "broken"}}
    assert (frozen[9].value, frozen[9].intermediate_values) == (2.5, {1: 3.0})
    again = import_study(theirs)
    assert (again.trials[2].cost, again.trials[8].error) == (2.0, "broken")
    assert again.optimizer.history.std_error(2) == 0.1


@pytest.mark.parametrize(
    "parameter", [hp.Normal(0, 1), hp.Float(1, 2, log=True, step=0.1), hp.Int(1, 9, log=True, step=2)]
)
def test_a_parameter_without_a_counterpart_is_named(parameter) -> None:
    study = hp.Study({"rate": parameter}, sampler="random", seed=0)
    with pytest.raises(InvalidArgument, match=r"'rate'.* has no counterpart in Optuna"):
        export_study(study)


def test_wrong_studies(theirs, tmp_path) -> None:
    with pytest.raises(InvalidArgument, match="must have a trial with a parameter"):
        import_study(optuna.create_study())
    with pytest.raises(InvalidType, match=r"must be a hpcore\.Study"):
        export_study(theirs)
    import_study(theirs, storage=tmp_path / "runs.db")
    with pytest.raises(InvalidArgument, match="must be that of a new study"):
        import_study(theirs, storage=tmp_path / "runs.db")
    other = optuna.create_study(direction="minimize", study_name="s")
    other.add_trials(theirs.trials)
    with pytest.raises(InvalidArgument, match="direction"):
        import_study(other, storage=tmp_path / "runs.db")
