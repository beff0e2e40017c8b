"""SearchCV in a store: folds are kept as they finish, and a search that goes on repeats none."""

from __future__ import annotations

import multiprocessing
import os
import signal
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import InvalidArgument, SpaceMismatch
from hpcore.ledger.stored_trial_log import StoredTrialLog
from hpcore.sklearn import SearchCV, SearchInterrupted

X, y = load_iris(return_X_y=True)
SPACE = {"a": hp.Float(0.0, 1.0), "n": hp.Int(1, 20)}


class Counting(ClassifierMixin, BaseEstimator):
    """Writes down each fit; dies in the one that `die` names."""

    def __init__(self, a: float = 0.5, n: int = 1, log: str = "", die: int = -1, how: str = "") -> None:
        self.a, self.n, self.log, self.die, self.how = a, n, log, die, how

    def __repr__(self) -> str:  # the same estimator, dying or not
        return "Counting()"

    def fit(self, X, y):
        log = Path(self.log)
        done = log.read_text().splitlines() if log.exists() else []
        if len(done) == self.die:
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt
        with log.open("a") as file:
            file.write(f"{self.a!r} {self.n} {len(X)}\n")
        self.model_ = KNeighborsClassifier(self.n).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)


def search(log: Path, storage: Path | None, die: int = -1, how: str = "", **options) -> SearchCV:
    options = {"strategy": "tpe", "n_trials": 12, "cv": 3, "random_state": 0, "refit": False, **options}
    name = None if storage is None else "a"
    estimator = Counting(log=str(log), die=die, how=how)
    return SearchCV(estimator, SPACE, storage=storage, study_name=name, **options)


def scores(result: SearchCV) -> list:
    table = result.cv_results_
    return [(table["params"][i], [table[f"split{k}_test_score"][i] for k in range(3)]) for i in range(12)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SearchCV:
    return search(tmp_path_factory.mktemp("whole") / "log", None).fit(X, y)


@pytest.mark.parametrize("die", [1, 8, 23])
def test_interrupted_and_resumed(die: int, whole: SearchCV, tmp_path: Path) -> None:
    log, runs = tmp_path / "log", tmp_path / "runs.db"
    first = search(log, runs, die)
    if die < 3:
        with pytest.raises(KeyboardInterrupt):
            first.fit(X, y)
    else:
        with pytest.warns(UserWarning, match="interrupted"):
            first.fit(X, y)
    again = search(log, runs).fit(X, y)
    assert len(log.read_text().splitlines()) == 36, "a fold was run twice"
    assert scores(again) == scores(whole)
    assert again.best_params_ == whole.best_params_
    assert list(again.trial_numbers_) == list(range(12))
    third = search(log, runs).fit(X, y)
    assert scores(third) == scores(whole)
    assert len(log.read_text().splitlines()) == 36
    np.testing.assert_array_equal(third.cv_results_["mean_fit_time"], again.cv_results_["mean_fit_time"])


def test_killed_and_resumed(whole: SearchCV, tmp_path: Path) -> None:
    log, runs = tmp_path / "log", tmp_path / "runs.db"
    child = multiprocessing.get_context("fork").Process(target=lambda: search(log, runs, 13, "kill").fit(X, y))
    child.start()
    child.join(60)
    assert child.exitcode == -9
    again = search(log, runs).fit(X, y)
    assert len(log.read_text().splitlines()) == 36
    assert scores(again) == scores(whole)
    study = hp.load_study(runs, "a")
    assert (study.mode, len(study.trials), study.best_value) == ("lag 1", 12, whole.best_score_)


def test_the_deterministic_order_goes_on(tmp_path: Path) -> None:
    whole = search(tmp_path / "whole", None, deterministic=True).fit(X, y)
    log, runs = tmp_path / "log", tmp_path / "runs.db"
    for die in (10, 11, 25):
        with pytest.warns(UserWarning, match="interrupted"):
            search(log, runs, die, deterministic=True).fit(X, y)
    again = search(log, runs, deterministic=True, n_jobs=2).fit(X, y)
    assert scores(again) == scores(whole)
    assert len(log.read_text().splitlines()) == 36
    assert hp.load_study(runs, "a").mode == "lag 4"


def test_two_searches_at_once_share_the_work(tmp_path: Path) -> None:
    log, runs = tmp_path / "log", tmp_path / "runs.db"
    search(log, runs, n_trials=1).fit(X, y)
    child = multiprocessing.get_context("fork").Process(target=lambda: search(log, runs).fit(X, y))
    child.start()
    here = search(log, runs).fit(X, y)
    child.join(60)
    assert child.exitcode == 0
    assert len(hp.load_study(runs, "a").trials) == 12
    assert len(log.read_text().splitlines()) == 36
    assert len(here.cv_results_["params"]) >= 11  # the other one may still have the last


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_an_error_gives_open_candidates_back(n_jobs: int, tmp_path: Path) -> None:
    def stop(search: SearchCV, trial: hp.Trial) -> None:
        if trial.number == 2:
            raise RuntimeError("a callback's own")

    whole = search(tmp_path / "whole", None, deterministic=True).fit(X, y)
    log, runs = tmp_path / "log", tmp_path / "runs.db"
    broken = search(log, runs, deterministic=True, n_jobs=n_jobs, callbacks=[stop])
    with pytest.raises(RuntimeError) as kept:  # its traceback holds on to the search: nothing goes by being forgotten
        broken.fit(X, y)
    again = search(log, runs, deterministic=True).fit(X, y)
    assert scores(again) == scores(whole)
    assert hp.load_study(runs, "a").mode == "lag 4"
    assert kept.value is not None


@pytest.mark.usefixtures("ctrl_c")
@pytest.mark.parametrize("step", ["begin", "ask", "finish"])
def test_ctrl_c_gives_open_candidates_back(step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C as each of the steps ends, in a notebook that goes on with the search afterwards."""

    def stop(search: SearchCV, trial: hp.Trial) -> None:
        if trial.number == 2:
            raise RuntimeError("a callback's own")

    whole = search(tmp_path / "whole", None, deterministic=True).fit(X, y)
    log, runs = tmp_path / "log", tmp_path / "runs.db"
    original = getattr(StoredTrialLog, step)
    calls, kept = [], []

    def interrupted(*args, **kwargs):
        result = original(*args, **kwargs)
        calls.append(None)
        if len(calls) % 7 == 2:
            signal.raise_signal(signal.SIGINT)
        return result

    with pytest.raises(RuntimeError):  # leaves open candidates, which each search after it takes up
        search(log, runs, deterministic=True, callbacks=[stop]).fit(X, y)
    monkeypatch.setattr(StoredTrialLog, step, interrupted)
    calls += [None] * (step == "begin")
    for _ in range(20):
        again = search(log, runs, deterministic=True)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SearchInterrupted)
                again.fit(X, y)
        except KeyboardInterrupt as error:
            kept.append(error)  # as a notebook keeps it, with all that it refers to
            continue
        kept.append(again)
        if not again.interrupted_:
            break
    assert len(kept) > 1
    assert scores(again) == scores(whole)
    assert hp.load_study(runs, "a").mode == "lag 4"


def test_an_illegal_warm_start_leaves_nothing_in_the_store(tmp_path: Path) -> None:
    log, runs = tmp_path / "log", tmp_path / "runs.db"
    with pytest.raises(InvalidArgument, match=r"warm_start\[1\]: value of 'n' must be within 1 .. 20, got 99"):
        search(log, runs, warm_start=[{"a": 0.25}, {"n": 99}]).fit(X, y)
    assert not runs.exists()
    points = [{"a": 0.75}, {"n": 9}]
    first, second = search(log, runs, n_trials=2, warm_start=points).fit(X, y).cv_results_["params"]
    assert (first["a"], second["n"]) == (0.75, 9)


def test_failed_folds_and_several_metrics_are_kept(tmp_path: Path) -> None:
    def make() -> SearchCV:
        model = KNeighborsClassifier()
        space = {"n_neighbors": [1, 5, 1000]}
        options = {"scoring": ["accuracy", "f1_macro"], "refit": "accuracy", "return_train_score": True, "cv": 3}
        return SearchCV(model, space, strategy="grid", storage=tmp_path / "runs.db", study_name="a", **options)

    with pytest.warns(UserWarning):
        first = make().fit(X, y)
    with pytest.warns(UserWarning):
        again = make().fit(X, y)
    assert first.cv_results_.keys() == again.cv_results_.keys()
    for key, column in first.cv_results_.items():
        if key != "params":
            np.testing.assert_array_equal(np.array(column), np.array(again.cv_results_[key]), err_msg=key)
    assert again.best_params_ == first.best_params_ and hasattr(again, "best_estimator_")
    assert clone(again).storage == tmp_path / "runs.db"


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"cv": KFold(3, shuffle=True, random_state=1)}, "cv must be as in the search"),
        ({"scoring": "f1_macro"}, "scoring, refit and error_score must be"),
        ({"estimator": KNeighborsClassifier(p=1)}, "estimator must be"),
        ({"X": X + 1}, "X, y and metadata must be"),
        ({"y": 1 - np.minimum(y, 1)}, "must be as in"),
        ({"space": {"n_neighbors": hp.Int(1, 4)}}, "high of 'n_neighbors'"),
        ({"random_state": 5}, "seed must be"),
        ({"study_name": None}, "study_name must be given"),
        ({"storage": None}, "study_name needs storage="),
        ({"study_name": "other"}, "must be that of a search"),
    ],
    ids=range(10),
)
def test_another_search_under_the_same_name(change: dict, match: str, tmp_path: Path) -> None:
    runs = tmp_path / "runs.db"
    options = {
        "estimator": KNeighborsClassifier(),
        "space": {"n_neighbors": hp.Int(1, 3)},
        "cv": 3,
        "strategy": "random",
        "n_trials": 1,
        "random_state": 0,
        "storage": runs,
        "study_name": "a",
    }
    SearchCV(**options).fit(X, y)
    other = hp.Study(options["space"], storage=runs, name="other", direction="maximize", sampler="random", seed=0)
    other.add({"n_neighbors": 1}, 0.5)
    data = {"X": X, "y": y}
    data.update({k: change.pop(k) for k in ("X", "y") if k in change})
    with pytest.raises((InvalidArgument, SpaceMismatch), match=match):
        SearchCV(**{**options, **change}).fit(data["X"], data["y"])
    assert [s.n_trials for s in hp.list_studies(runs)] == [1, 1]


def test_what_the_text_of_an_estimator_leaves_out_is_compared(tmp_path: Path) -> None:
    def fit(function, weight: float = 1.0, **options) -> SearchCV:
        estimator = Pipeline([("f", FunctionTransformer(function)), ("tree", DecisionTreeClassifier(random_state=0))])
        kept = {"storage": tmp_path / "runs.db", "study_name": "a", "strategy": "random", "n_trials": 2, **options}
        weights = np.where(y == 0, weight, 1.0)
        search = SearchCV(estimator, {"tree__max_depth": hp.Int(1, 4)}, cv=3, random_state=0, **kept)
        return search.fit(X, y, tree__sample_weight=weights)

    fit(lambda x: 2.0 * x)
    assert len(fit(lambda x: 2.0 * x, n_trials=3).trials_) == 3
    with pytest.raises(InvalidArgument, match="arrays and functions in estimator"):
        fit(lambda x: -2.0 * x)
    with pytest.raises(InvalidArgument, match="X, y and metadata"):
        fit(lambda x: 2.0 * x, weight=3.0)
    with pytest.raises(InvalidArgument, match="error_score"):
        fit(lambda x: 2.0 * x, error_score=0.0)


@pytest.mark.parametrize("deterministic", [False, True])
def test_progress_begins_with_what_is_stored(
    deterministic: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = {"strategy": "random", "deterministic": deterministic, "progress": True}
    first = search(tmp_path / "log", tmp_path / "runs.db", **{**options, "n_trials": 6, "progress": False}).fit(X, y)
    best = f"{np.max(first.cv_results_['mean_test_score']):.6g}"
    capsys.readouterr()
    again = search(tmp_path / "log", tmp_path / "runs.db", **{**options, "n_trials": 9}).fit(X, y)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == ["trial 6/9", "trial 7/9", "trial 8/9", "trial 9/9"]
    assert lines[0].startswith(f"trial 6/9: best score {best}, ")
    assert f"best score {np.max(again.cv_results_['mean_test_score']):.6g}, " in lines[-1]
    search(tmp_path / "log", tmp_path / "runs.db", **{**options, "n_trials": 9}).fit(X, y)
    assert capsys.readouterr().err.startswith("trial 9/9: best score ")


@pytest.mark.parametrize("n_trials", [None, 20])
def test_a_space_that_ends_early_is_said_where_more_was_asked_for(
    n_trials: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    SearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 2, 3]}, n_trials=n_trials, cv=2, refit=False).fit(X, y)
    said = [record.getMessage() for record in caplog.records if record.name == "hpcore"]
    assert said == ([] if n_trials is None else [f"{END} 3 of n_trials=20"])


END = "every point of the space has been proposed: the search ends after"


def test_constraints_that_leave_no_more_candidates_end_a_search(caplog: pytest.LogCaptureFixture) -> None:
    closed: list[bool] = []
    space = hp.Space({"p": hp.Float(1.0, 3.0)}, [lambda params: not closed])

    def close(search: SearchCV, trial: hp.Trial) -> None:
        if trial.number == 2:
            closed.append(True)

    result = SearchCV(
        KNeighborsClassifier(), space, strategy="random", n_trials=9, cv=2, callbacks=[close], random_state=0
    ).fit(X, y)
    assert len(result.cv_results_["params"]) == 3
    assert "20000 in a row were refused" in caplog.text


def test_an_ordered_race_goes_past_a_paused_candidate(tmp_path: Path) -> None:
    path, log = tmp_path / "runs.db", tmp_path / "log"
    race = {"racing": True, "deterministic": True}
    search(log, path, n_trials=3, **race).fit(X, y)
    study = hp.load_study(path, "a")
    study.tell(study.ask(), state="paused")
    found = search(log, path, n_trials=10, **race).fit(X, y)
    assert found.trial_numbers_.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]
    assert found.trials_[3].state == "paused"


def test_another_function_of_the_same_name(tmp_path: Path) -> None:
    options = {"strategy": "random", "n_trials": 1, "cv": 3, "storage": tmp_path / "runs.db", "study_name": "a"}
    space = {"n_neighbors": hp.Int(1, 3)}
    for _ in range(2):
        SearchCV(KNeighborsClassifier(), space, scoring=lambda model, X, y: 0.5, **options).fit(X, y)
    with pytest.raises(InvalidArgument, match="the code of the function that scores must be as in the search"):
        SearchCV(KNeighborsClassifier(), space, scoring=lambda model, X, y: 0.25, **options).fit(X, y)
