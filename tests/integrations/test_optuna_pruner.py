"""HpcorePruner in studies of Optuna."""

import math
import pickle
from typing import Any

import pytest

optuna = pytest.importorskip("optuna")

import hpcore as hp  # noqa: E402 - after the import that may skip
from hpcore.errors import InvalidArgument, InvalidType  # noqa: E402
from hpcore.integrations.optuna import HpcorePruner  # noqa: E402
from hpcore.schedulers import ASHA, Bandit, FreezeThaw, Hyperband, MedianStopping, SuccessiveHalving  # noqa: E402

pytestmark = pytest.mark.doors

STEPS = 27
State = optuna.trial.TrialState
SCHEDULERS: dict[str, Any] = {
    "asha": "asha",
    "with bounds": ASHA(max_resource=STEPS),
    "hyperband": Hyperband(max_resource=STEPS),
    "halving": SuccessiveHalving(max_resource=STEPS),
    "median": "median",
    "bandit": Bandit(slack_factor=0.2),
}


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture(params=SCHEDULERS)
def pruner(request: pytest.FixtureRequest) -> Any:
    return lambda: HpcorePruner(SCHEDULERS[request.param])


def curve(k: int, step: int) -> float:
    """Loss of trial k after a step: it falls towards (7 k mod 10) / 10, and curves hardly cross."""
    return k * 7 % 10 / 10 + 1.0 / (1 + step)


def objective(trial: Any, sign: float = 1.0) -> float:
    k = trial.suggest_int("k", 0, 9)
    for step in range(1, STEPS + 1):
        trial.report(sign * curve(k, step), step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return sign * curve(k, STEPS)


def run(pruner: Any, n: int = 40, direction: str = "minimize", **options: Any) -> Any:
    sampler = optuna.samplers.RandomSampler(seed=1)
    study = optuna.create_study(direction=direction, pruner=pruner, sampler=sampler, **options)
    study.optimize(lambda trial: objective(trial, 1.0 if direction == "minimize" else -1.0), n_trials=n)
    return study


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_steps_are_saved_and_the_best_goes_on(pruner, direction) -> None:
    study = run(pruner(), direction=direction)
    ranks = [trial.params["k"] * 7 % 10 for trial in study.trials]
    pruned = [rank for rank, trial in zip(ranks, study.trials, strict=True) if trial.state == State.PRUNED]
    assert sum(len(trial.intermediate_values) for trial in study.trials) < 0.75 * STEPS * len(study.trials)
    assert pruned
    assert min(pruned) > min(ranks)
    assert study.trials[0].state == State.COMPLETE
    assert abs(study.best_value) == min(curve(trial.params["k"], STEPS) for trial in study.trials)


def test_decisions_follow_from_the_record(pruner) -> None:
    """Another pruner, which reads all reports at once, decides as the one that saw them arrive."""
    first = pruner()
    decided: list[tuple[int, int, bool]] = []
    prune = HpcorePruner.prune

    def recording(self: Any, study: Any, trial: Any) -> bool:
        answer = prune(self, study, trial)
        assert prune(pruner(), study, trial) == answer
        decided.append((trial.number, trial.last_step, answer))
        return answer

    first.prune = recording.__get__(first)
    run(first, 20)
    assert any(answer for _, _, answer in decided)


def test_nan_prunes(pruner) -> None:
    study = run(pruner(), 5)
    trial = study.ask()
    assert not trial.should_prune()
    trial.report(math.nan, 1)
    assert trial.should_prune()


def test_steps_may_come_in_any_order(pruner) -> None:
    study = run(pruner(), 12)
    trial = study.ask()
    for step in (3, 1, 20, 7):
        trial.report(9.0, step)
        assert trial.should_prune() == pruner().prune(study, study.trials[-1])


def test_a_poor_trial_is_pruned_in_every_process(pruner, tmp_path) -> None:
    url = f"sqlite:///{tmp_path}/study.db"
    study = optuna.create_study(pruner=pruner(), storage=url, study_name="s")
    study.add_trials(run(pruner(), 20).trials)
    trial = study.ask()
    trial.report(9.0, 9)
    frozen = study.trials[-1]
    again = pickle.loads(pickle.dumps(study.pruner))  # noqa: S301 - our own data
    assert study.pruner.prune(study, frozen)
    assert again.prune(optuna.load_study(study_name="s", storage=url), frozen)


def test_threads(pruner) -> None:
    study = optuna.create_study(pruner=pruner(), sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(objective, n_trials=24, n_jobs=4)
    assert all(trial.state.is_finished() for trial in study.trials)


def test_another_study_of_the_same_name() -> None:
    pruner = HpcorePruner("median")
    run(pruner, 10, study_name="s")
    alone = run(HpcorePruner("median"), 10, direction="maximize")
    assert [t.state for t in run(pruner, 10, direction="maximize", study_name="s").trials] == [
        t.state for t in alone.trials
    ]
    better = optuna.create_study(study_name="s", pruner=pruner)
    trial = better.ask()
    trial.report(9.0, 9)
    assert not trial.should_prune()


def test_what_stops_takes_the_place_of_what_pauses() -> None:
    assert HpcorePruner()._rule.kind == "stopping"
    hyperband = HpcorePruner(Hyperband(2, 18, 3))
    assert (hyperband._rule.min_resource, hyperband._rule.max_resource, hyperband._rule.eta) == (2, 18, 3)
    assert hyperband._rule.brackets > 3
    assert HpcorePruner("halving")._rule.brackets == 1
    median = MedianStopping(delay_evaluation=3)
    assert HpcorePruner(median)._rule is median
    assert repr(HpcorePruner(median)) == f"HpcorePruner({median!r})"


@pytest.mark.parametrize("scheduler", ["freeze_thaw", "auto", "pbt", "pb2", FreezeThaw(), hp.schedulers.PB2(10)])
def test_schedulers_that_pause_are_refused(scheduler) -> None:
    with pytest.raises(InvalidArgument, match=r"scheduler must be .*'asha'.* since Optuna cannot pause trials"):
        HpcorePruner(scheduler)


def test_wrong_arguments() -> None:
    with pytest.raises(InvalidArgument, match="did you mean 'median'"):
        HpcorePruner("medain")
    for wrong in (None, 3):
        with pytest.raises(InvalidType, match="scheduler must be a name or a Scheduler"):
            HpcorePruner(wrong)
