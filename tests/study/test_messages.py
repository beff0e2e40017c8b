"""Log of a run: a line a trial at INFO, failures at WARNING."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

import hpcore as hp
from hpcore.sklearn import SearchCV

SPACE = {"x": hp.Float(0, 1), "kind": hp.Categorical(["a\nb", "c"])}


def lines(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= level]


def failing(every: int, reason: str = "no luck"):  # type: ignore[no-untyped-def]
    def objective(trial: hp.Trial) -> float:
        if trial.number % every == every - 1:
            raise ValueError(f"first line\n{reason}")
        return float(trial.number)

    return objective


def test_a_line_a_trial(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hpcore")
    study = hp.minimize(failing(4), SPACE, n_trials=4, sampler="random", seed=0)
    assert len(lines(caplog)) == 4
    for line, trial in zip(lines(caplog), study.trials, strict=True):
        assert "\n" not in line and f"x={trial['x']:.6g}, kind=" in line and line.startswith(f"trial {trial.number} ")
    assert lines(caplog)[1].startswith("trial 1 complete: 1; x=")
    assert lines(caplog)[1].endswith("; best 0 of trial 0")
    assert lines(caplog, logging.WARNING) == [lines(caplog)[3]]
    assert lines(caplog)[3].startswith("trial 3 failed: no luck; x=")


def test_nothing_is_written_of_trials_that_succeed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "hpcore")
    hp.minimize(failing(100), SPACE, n_trials=9, sampler="random", seed=0)
    assert lines(caplog) == []


def test_many_failures_are_counted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "hpcore")
    hp.minimize(failing(2), SPACE, n_trials=50, sampler="random", seed=0)
    said = lines(caplog)
    assert [line.split(";")[0] for line in said[:3]] == [f"trial {i} failed: no luck" for i in (1, 3, 5)]
    assert said[3:] == [
        "10 of 20 trials have failed, most often, 10 times, with: no luck",
        "25 of 50 trials failed, most often, 25 times, with: no luck",
    ]


@pytest.mark.parametrize("n", [1, 2, 30])
def test_a_run_without_a_success_says_so(n: int, caplog: pytest.LogCaptureFixture) -> None:
    hp.minimize(lambda t: 1 / 0, SPACE, n_trials=n, sampler="random", seed=0)
    assert lines(caplog)[-1] == f"no trial succeeded: {n} of {n} failed, all with: ZeroDivisionError: division by zero"
    caplog.clear()
    hp.minimize(lambda t: {}[t.number // 2], SPACE, n_trials=5, sampler="random", seed=0)
    assert lines(caplog)[-1] == "no trial succeeded: 5 of 5 failed, most often, 2 times, with: KeyError: 0"


def test_several_objectives_and_workers(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hpcore")
    study = hp.Study(SPACE, directions=["minimize", "maximize"], sampler="random", seed=0)
    study.run(lambda t: (t["x"], 1.0), 3, n_jobs=2)
    assert len(lines(caplog)) == 3
    assert all(" complete: " in line and ", 1; x=" in line for line in lines(caplog)) and "best" not in caplog.text


def test_a_run_that_was_interrupted_says_how_to_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    def objective(trial: hp.Trial) -> float:
        if trial.number == 2:
            raise KeyboardInterrupt
        return 1.0

    hp.minimize(objective, SPACE, n_trials=5, sampler="random", seed=0)
    assert lines(caplog) == [
        "interrupted: 2 trials are kept; still to be evaluated: 1; they are in the study that is returned, whose "
        "run(...) goes on"
    ]
    hp.minimize(objective, SPACE, n_trials=5, sampler="random", seed=0, storage=tmp_path / "a.db", name="b")
    assert lines(caplog)[1].endswith(f"the same call goes on with study 'b' of {tmp_path / 'a.db'}")


class Unlucky(SVC):
    """Classifier that cannot be fitted with some parameters."""

    def fit(self, X, y):  # type: ignore[no-untyped-def]
        if self.C > 1:
            raise ValueError("C is too large")
        return super().fit(X, y)


@pytest.mark.filterwarnings("ignore")
def test_a_search_has_the_parameters_of_the_estimator(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "hpcore")
    X, y = load_iris(return_X_y=True)
    SearchCV(Unlucky(), {"C": [0.5, 2, 3, 4, 5]}, strategy="grid").fit(X, y)
    said = lines(caplog, logging.WARNING)
    assert said[0].startswith("trial 1 failed: ") and "C is too large; C=2, " in said[0]
    assert said[3].startswith("4 of 5 trials failed, most often, 4 times, with: ")
    infos = [line for line in lines(caplog) if line not in said]
    assert [line.split(":")[0] for line in infos] == ["trial 0 complete", "trial 4 failed"]
    assert "; C=0.5, " in infos[0]
