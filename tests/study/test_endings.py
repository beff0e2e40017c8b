"""Runs that end early: by Ctrl-C, by an error, or because the space has no more points."""

from __future__ import annotations

import signal
import sys
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import hpcore as hp
from hpcore.errors import InfeasibleParams, InfeasibleSpace, InvalidArgument, SearchSpaceExhausted
from hpcore.ledger.trial_log import TrialLog
from hpcore.samplers import RandomSampler, Suggester

SPACE = {"x": hp.Float(-5, 5), "k": hp.Int(1, 9)}
N = 12


def cost(trial: hp.Trial) -> float:
    return (trial["x"] - 1) ** 2 + trial["k"]


def facts(study: hp.Study) -> list:
    return [(t.number, t.params, str(t.state), t.values) for t in study.trials]


def begun(where: str, tmp_path: Path, space: Any = SPACE, **options: Any) -> hp.Study:
    stored = {"storage": tmp_path / "runs.db", "name": "a"} if where == "stored" else {}
    return hp.Study(space, **stored, **{"sampler": "random", "seed": 0, **options})


class Own(BaseException):
    """Error of a user's that is not an Exception."""


class Failing(RandomSampler):
    """Sampler that raises instead of proposing trial 5."""

    def bind(self, columns: Any) -> Suggester:
        plain = super().bind(columns)
        suggest = plain.suggest

        def failing(history: Any, pending: Any, n: int, rng: Any) -> Any:
            if rng.number == 5:
                raise ArithmeticError("the sampler's own")
            return suggest(history, pending, n, rng)

        plain.suggest = failing
        return plain


class FailingRule(hp.stopping.StoppingRule):
    def reached(self, view: Any) -> bool:
        if view.history.n >= 5:
            raise ArithmeticError("the rule's own")
        return False


def of_callback(error: type[BaseException]) -> dict[str, Any]:
    def callback(study: hp.Study, trial: hp.Trial) -> None:
        if trial.number == 5:
            raise error("a callback's own")

    return {"callbacks": [callback]}


def of_objective(error: type[BaseException]) -> dict[str, Any]:
    def objective(trial: hp.Trial) -> float:
        if trial.number == 5:
            raise error
        return (trial["x"] - 1) ** 2 + trial["k"]

    return {"objective": objective}


ENDINGS: dict[str, tuple[dict[str, Any], type[BaseException] | None]] = {
    "callback raises": (of_callback(ArithmeticError), ArithmeticError),
    "callback exits": (of_callback(SystemExit), SystemExit),
    "callback interrupts": (of_callback(KeyboardInterrupt), None),
    "sys.exit": (of_objective(SystemExit), SystemExit),
    "GeneratorExit": (of_objective(GeneratorExit), GeneratorExit),
    "BaseException": (of_objective(Own), Own),
    "Ctrl-C": (of_objective(KeyboardInterrupt), None),
    "rule raises": ({"stop": [FailingRule()]}, ArithmeticError),
    "sampler raises": ({"sampler": Failing()}, ArithmeticError),
}
# Cases with worker processes: these are killed at the end, so that each case starts new ones.
IN_PROCESSES = [("sys.exit", "memory"), ("Ctrl-C", "memory"), ("callback raises", "stored")]
CASES = [
    (ending, where, workers) for ending in ENDINGS for where in ("memory", "stored") for workers in ("1", "threads")
]
CASES += [(ending, where, "2") for ending, where in IN_PROCESSES]


@pytest.mark.parametrize(("ending", "where", "workers"), CASES)
@pytest.mark.parametrize("deterministic", [False, True])
def test_nothing_known_is_lost(ending: str, where: str, workers: str, deterministic: bool, tmp_path: Path) -> None:
    """A run that ends early keeps its results, gives back the rest, and can be continued as if it had not ended."""
    if workers == "2" and deterministic:
        pytest.skip("as with threads")
    options, error = ENDINGS[ending]
    options = {"objective": cost, **options}
    study = begun(where, tmp_path, sampler=options.pop("sampler", "random"))
    with ThreadPoolExecutor(2) if workers == "threads" else nullcontext() as pool:
        how = {"executor": pool, "n_jobs": int(workers) if workers.isdigit() else 2, "deterministic": deterministic}
        if error is None:
            assert study.run(n_trials=N, **options, **how) is study
        else:
            with pytest.raises(error) as caught:
                study.run(n_trials=N, **options, **how)
            assert caught.value.result is study
        assert study.interrupted == (error is None)
        known = [t.values for t in study.trials if t.state == "complete"]
        assert len(known) >= (1 if workers == "2" else 3)
        assert all(t.values == (cost(t),) for t in study.trials if t.state == "complete")
        assert {str(t.state) for t in study.trials} <= {"complete", "running"}
        assert study.best_value == min(known)[0]
        if ending == "sampler raises":
            return  # the same error would be raised again
        left = N - len(known)
        study.run(cost, n_trials=left, **how)
    whole = hp.Study(SPACE, sampler="random", seed=0).run(cost, N)
    assert facts(study) == facts(whole)
    if where == "stored":
        assert facts(hp.load_study(tmp_path / "runs.db")) == facts(whole)


@pytest.mark.parametrize("function", [hp.minimize, hp.maximize])
def test_one_call_gives_what_it_has(function: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        function(of_objective(SystemExit)["objective"], SPACE, n_trials=9, seed=0, sampler="random")
    assert isinstance(caught.value.result, hp.Study)
    assert [str(t.state) for t in caught.value.result.trials] == ["complete"] * 5 + ["running"]


class Collected(Executor):
    """Executor that runs each task in the calling thread, whatever it raises."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


@pytest.mark.parametrize("where", ["memory", "stored"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_results_that_came_in_beside_the_error_are_kept(where: str, deterministic: bool, tmp_path: Path) -> None:
    def objective(trial: hp.Trial) -> float:
        if trial.number == 0:
            sys.exit(3)
        return float(trial.number)

    seen: list[int] = []
    study = begun(where, tmp_path)
    note = [lambda study, trial: seen.append(trial.number)]
    with pytest.raises(SystemExit):
        study.run(objective, 6, executor=Collected(), n_jobs=3, deterministic=deterministic, callbacks=note)
    assert [t.value for t in study.trials] == [None, 1.0, 2.0]
    assert seen == [1, 2]
    study.run(lambda t: float(t.number), 4, deterministic=deterministic)
    assert [t.value for t in study.trials] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


# --- Ctrl-C and going on -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("sampler", ["random", "grid", "sobol", "gp", "tpe", "auto"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_an_interrupted_study_in_memory_is_the_one_that_was_not(sampler: str, deterministic: bool) -> None:
    def interrupted(trial: hp.Trial) -> float:
        trial.user_attrs["half"] = True
        trial.params["k"] = -1
        signal.raise_signal(signal.SIGINT)
        raise AssertionError("it went on")

    whole = hp.Study(SPACE, sampler=sampler, seed=3).run(cost, N, deterministic=deterministic)
    study = hp.Study(SPACE, sampler=sampler, seed=3)
    for n in (4, 1, 3):
        study.run(cost, n, deterministic=deterministic)
        study.run(interrupted, 2, deterministic=deterministic)
        assert study.interrupted
        assert len(study.trials) == study.optimizer.history.n_complete + len(study.optimizer.running())
    study.run(cost, N - study.optimizer.history.n_complete, deterministic=deterministic)
    assert not study.interrupted
    assert [(t.number, t.values) for t in study.trials] == [(t.number, t.values) for t in whole.trials]
    assert [t.params for t in study.trials] == [t.params for t in whole.trials]
    assert not any(t.user_attrs for t in study.trials)
    assert study.mode == whole.mode


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("step", ["begin", "ask", "finish", "give_back"])
@pytest.mark.parametrize("workers", ["here", "threads"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_ctrl_c_breaks_no_step_in_two(
    step: str, workers: str, deterministic: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C at the end of each step in memory, in a notebook that continues the study afterwards."""
    original = getattr(TrialLog, step)
    calls: list[None] = []

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        calls.append(None)
        if len(calls) % 5 == 2:
            signal.raise_signal(signal.SIGINT)
        return result

    monkeypatch.setattr(TrialLog, step, interrupted)
    study = hp.Study(SPACE, sampler="random", seed=0)
    with ThreadPoolExecutor(2) if workers == "threads" else nullcontext() as pool:
        for _ in range(12):
            left = N - study.optimizer.history.n_complete
            if left:
                try:
                    study.run(cost, left, deterministic=deterministic, executor=pool)
                except KeyboardInterrupt as before:  # before the run began, or after it was interrupted
                    assert step in ("begin", "give_back")
                    assert getattr(before, "result", study) is study
    monkeypatch.undo()
    assert facts(study) == facts(hp.Study(SPACE, sampler="random", seed=0).run(cost, N))


@pytest.mark.parametrize("n_jobs", [1, 2])
@pytest.mark.parametrize("where", ["memory", "stored"])
def test_a_grid_is_evaluated_whole(n_jobs: int, where: str, tmp_path: Path) -> None:
    def interrupted(trial: hp.Trial) -> float:
        if trial.number in (4, 7):
            raise KeyboardInterrupt
        return float(trial["a"] * trial["b"])

    space = {"a": hp.Int(1, 3), "b": hp.Int(1, 4)}
    study = begun(where, tmp_path, space, sampler="grid")
    study.run(interrupted, 20, n_jobs=n_jobs)
    assert study.interrupted
    assert 0 < len(study.trials) < 12
    study.run(lambda t: float(t["a"] * t["b"]), 20, n_jobs=n_jobs)
    assert [str(t.state) for t in study.trials] == ["complete"] * 12
    assert len({tuple(t.params.values()) for t in study.trials}) == 12


def test_what_was_given_back_comes_first_when_asked_by_hand() -> None:
    study = hp.Study(SPACE, sampler="random", seed=0)
    by_hand = study.ask()
    study.run(of_objective(KeyboardInterrupt)["objective"], N)
    assert [str(t.state) for t in study.trials] == ["running"] + ["complete"] * 4 + ["running"]
    again = study.ask()
    assert (again.number, again.params) == (5, study.trials[5].params)
    assert study.ask().number == 6  # a caller still has trial 0
    study.tell(by_hand, 1.0)
    study.tell(again, 2.0)
    assert [t.value for t in study.trials[:1]] == [1.0]


def test_what_was_given_back_may_be_told_by_whoever_has_it() -> None:
    study = hp.Study(SPACE, sampler="random", seed=0)
    study.run(of_objective(KeyboardInterrupt)["objective"], N)
    study.tell(study.trials[5], 7.0)
    assert study.ask().number == 6


def test_a_refused_deterministic_run_takes_no_result_away() -> None:
    study = hp.Study(SPACE, sampler="random", seed=0).run(cost, 3)
    by_hand = study.ask()
    before = facts(study)
    with pytest.raises(InvalidArgument, match="trial 3 is still running"):
        study.run(cost, 3, deterministic=True)
    assert facts(study) == before
    study.tell(by_hand, 1.0)
    assert len(study.run(cost, 3, deterministic=True).trials) == 7


class Raising:
    """Value whose own code raises."""

    def __float__(self) -> float:
        raise LookupError("on purpose")


@pytest.mark.parametrize(
    "make", [Raising, lambda: (1 / 0 for _ in range(1)), lambda: [Raising()]], ids=["float", "iterator", "list"]
)
@pytest.mark.parametrize("where", ["memory", "stored"])
def test_a_value_whose_own_code_raises_fails_its_trial(make: Any, where: str, tmp_path: Path) -> None:
    study = begun(where, tmp_path).run(lambda t: 1.0 if t.number else make(), 3)
    assert [str(t.state) for t in study.trials] == ["failed", "complete", "complete"]
    assert "the objective returned" in study.trials[0].error
    assert "Error: " in study.trials[0].error


# --- spaces without more points ------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["memory", "stored"])
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_exhausted_space_is_said_once(
    where: str, n_jobs: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    study = begun(where, tmp_path, {"a": range(5)})
    study.run(lambda t: float(t["a"]), 20, n_jobs=n_jobs)
    assert len(study.trials) == 5
    (said,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert "after 5 of n_trials=20, with 5 trials in the study" in said
    assert "repeats" in said
    caplog.clear()
    study.run(lambda t: float(t["a"]), 3)
    assert "after 0 of n_trials=3, with 5 trials" in caplog.text


def test_nothing_is_said_where_the_budget_fits(caplog: pytest.LogCaptureFixture) -> None:
    hp.minimize(lambda t: float(t["a"]), {"a": range(5)}, n_trials=5)
    assert [r for r in caplog.records if r.levelno >= 30] == []


@pytest.mark.parametrize("where", ["memory", "stored"])
def test_an_exhausted_space_is_said_where_only_time_was_given(
    where: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    begun(where, tmp_path, {"a": range(5)}).run(lambda t: float(t["a"]), timeout=60.0)
    (said,) = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert "the run ends with 5 trials in the study" in said


@pytest.mark.parametrize("where", ["memory", "stored"])
@pytest.mark.parametrize("deterministic", [False, True])
def test_constraints_that_leave_no_more_points_end_a_run(
    where: str, deterministic: bool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    closed: list[bool] = []
    space = hp.Space({"x": hp.Float(0, 1)}, [lambda p: not closed])

    def objective(trial: hp.Trial) -> float:
        if trial.number == 3:
            closed.append(True)
        return float(trial["x"])

    study = begun(where, tmp_path, space)
    study.run(objective, 30, deterministic=deterministic)
    n = len(study.trials)
    assert 4 <= n <= 7
    assert all(t.state == "complete" for t in study.trials)
    assert f"after {n} of n_trials=30, with {n} trials in the study, which are kept" in caplog.text


def test_a_space_without_a_point_is_an_error() -> None:
    allowed = [True]
    for parameters, error in (({"x": hp.Float(0, 1)}, InfeasibleSpace), ({"x": hp.Int(0, 4)}, SearchSpaceExhausted)):
        allowed[:] = [True]
        space = hp.Space(parameters, [lambda p: allowed[0]])
        allowed[:] = [False]
        with pytest.raises(error) as caught:
            hp.minimize(lambda t: 1.0, space, n_trials=3, seed=0, sampler="random")
        assert len(caught.value.result.trials) == 0


@pytest.mark.parametrize("where", ["memory", "stored"])
def test_an_enqueued_point_without_room_does_not_end_a_search(
    where: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    space = hp.Space({"a": hp.Float(0, 1), "b": hp.Float(0, 1)}, constraints=[lambda p: p["a"] < 0.5])
    study = begun(where, tmp_path, space)
    study.enqueue({"a": 0.9})
    with pytest.raises(InfeasibleParams, match="it has left the queue"):
        study.run(lambda t: t["a"], 2)
    study.run(lambda t: t["a"], 2)
    study.enqueue({"a": 0.8})
    assert len(study.run(lambda t: t["a"], 3).trials) == 5
    assert "it has left the queue" in caplog.text
