"""What SearchCV does beyond scikit-learn's searches: spaces, limits, callbacks, interruption, dead workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.sklearn import SearchCV, SearchInterrupted

X, y = load_iris(return_X_y=True)


def scores(search):
    return {k: v for k, v in search.cv_results_.items() if k.startswith("split")}


def assert_equal_scores(a, b):
    assert a.cv_results_["params"] == b.cv_results_["params"]
    for key, values in scores(a).items():
        np.testing.assert_array_equal(values, b.cv_results_[key])


# --- spaces ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["random", "sobol", hp.samplers.RandomSampler()])
def test_conditional_space(strategy):
    space = hp.Space(
        {
            "kernel": hp.Categorical(["rbf", "linear"]),
            "C": hp.Float(1e-3, 1e3, log=True),
            "gamma": hp.Float(1e-4, 1.0, log=True, when={"kernel": "rbf"}),
        }
    )
    search = SearchCV(SVC(), space, strategy=strategy, n_trials=12, random_state=1).fit(X, y)
    results = search.cv_results_
    assert len(results["params"]) == 12
    for params, masked in zip(results["params"], np.ma.getmaskarray(results["param_gamma"]), strict=True):
        assert ("gamma" in params) == (params["kernel"] == "rbf") == (not masked)


def test_alternatives_in_one_of_several_spaces():
    either = [{"kernel": "rbf"}, {"kernel": "poly", "degree": [3]}]
    space = [
        hp.Space(
            {
                "kernel": hp.Categorical(["rbf", "poly", "linear"]),
                "degree": hp.Int(2, 3, when={"kernel": "poly"}),
                "gamma": hp.Float(1e-4, 1.0, log=True, when=either),
            }
        ),
        {"kernel": ["sigmoid"]},
    ]
    search = SearchCV(SVC(), space, strategy="random", n_trials=30, random_state=1).fit(X, y)
    seen = set()
    for params in search.cv_results_["params"]:
        assert ("gamma" in params) == (params["kernel"] == "rbf" or params.get("degree") == 3)
        seen.add((params["kernel"], "gamma" in params))
    assert len(seen) == 5


def test_mixture_of_what_people_have():
    space = {
        "C": scipy.stats.loguniform(1e-2, 1e2),
        "gamma": scipy.stats.gamma(2.0),
        "kernel": ["rbf", "poly"],
        "degree": range(2, 4),
        "tol": (1e-4, 1e-2),
        "shrinking": hp.Categorical([True, False]),
        "coef0": 0.5,
    }
    search = SearchCV(SVC(), space, n_trials=10, random_state=0).fit(X, y)
    for params in search.cv_results_["params"]:
        assert set(params) == set(space)
        assert 1e-2 <= params["C"] <= 1e2
        assert params["gamma"] > 0
        assert params["degree"] in (2, 3)
        assert params["tol"] in (1e-4, 1e-2)
        assert params["coef0"] == 0.5


def test_union_draws_from_each_dictionary():
    space = [
        {"kernel": ["linear"], "C": scipy.stats.expon()},
        {"kernel": ["rbf"], "C": hp.Float(1.0, 2.0), "gamma": hp.Float(0.1, 1.0)},
    ]
    search = SearchCV(SVC(), space, n_trials=20, random_state=0).fit(X, y)
    kinds = [params["kernel"] for params in search.cv_results_["params"]]
    assert set(kinds) == {"linear", "rbf"}
    for params, trial in zip(search.cv_results_["params"], search.trials_, strict=True):
        assert set(params) == ({"kernel", "C"} if params["kernel"] == "linear" else {"kernel", "C", "gamma"})
        assert trial.params == params
        assert trial.state == "complete"


def test_conditional_parameters_of_a_searched_step():
    svc, tree = SVC(), DecisionTreeClassifier(random_state=0)
    space = hp.Space(
        {
            "clf": hp.Categorical([svc, tree]),
            "clf__C": hp.Float(0.1, 10, log=True, when={"clf": svc}),
            "clf__max_depth": hp.Int(1, 4, when={"clf": tree}),
        }
    )
    search = SearchCV(Pipeline([("clf", svc)]), space, n_trials=10, random_state=0).fit(X, y)
    assert {type(p["clf"]) for p in search.cv_results_["params"]} == {SVC, DecisionTreeClassifier}
    assert not hasattr(svc, "classes_")
    assert not hasattr(search.best_params_["clf"], "classes_")


# --- how many ----------------------------------------------------------------------------------------------------


def test_number_of_candidates():
    grid = {"C": np.arange(1, 61)}
    assert len(SearchCV(SVC(), grid, cv=2, strategy="grid").fit(X, y).trials_) == 60
    assert len(SearchCV(SVC(), grid, cv=2, strategy="grid", n_trials=7).fit(X, y).trials_) == 7
    assert len(SearchCV(SVC(), grid, cv=2).fit(X, y).trials_) == 50
    few = SearchCV(SVC(), {"C": [1, 2, 3]}, cv=2).fit(X, y)
    assert sorted(p["C"] for p in few.cv_results_["params"]) == [1, 2, 3]


def test_seed_decides():
    space = {"C": hp.Float(0.1, 10)}
    a, b, c = (SearchCV(SVC(), space, n_trials=5, random_state=seed).fit(X, y) for seed in (1, 1, 2))
    assert_equal_scores(a, b)
    assert a.cv_results_["params"] != c.cv_results_["params"]
    SearchCV(SVC(), space, n_trials=2, random_state=np.random.RandomState(0)).fit(X, y)


def test_splits_are_the_same_for_all_candidates():
    cv = StratifiedKFold(3, shuffle=True)  # a new shuffle at each call of split
    search = SearchCV(SVC(), {"tol": [1e-3, 1.0001e-3, 1.0002e-3]}, strategy="grid", cv=cv).fit(X, y)
    for values in scores(search).values():
        assert len(set(values)) == 1


class Slow(ClassifierMixin, BaseEstimator):
    def __init__(self, C=1, seconds=0.05):
        self.C = C
        self.seconds = seconds

    def fit(self, X, y):
        time.sleep(self.seconds)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_timeout(n_jobs):
    start = time.monotonic()
    search = SearchCV(Slow(), {"C": list(range(1000))}, timeout=0.5, n_trials=1000, n_jobs=n_jobs).fit(X, y)
    assert 1 <= len(search.trials_) < 100
    complete = [trial.number for trial in search.trials_ if trial.state == "complete"]
    assert {trial.state for trial in search.trials_} <= {"complete", "withdrawn"}
    assert search.trial_numbers_.tolist() == complete
    assert time.monotonic() - start < 30
    assert not search.interrupted_


# --- along the way -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_callbacks(n_jobs):
    seen = []

    def callback(search, trial):
        seen.append((trial.number, trial.value))
        assert search.optimizer_.best_value >= trial.value

    search = SearchCV(SVC(), {"C": [0.1, 1, 10]}, strategy="grid", n_jobs=n_jobs, callbacks=[callback]).fit(X, y)
    assert sorted(seen) == list(enumerate(search.cv_results_["mean_test_score"]))
    assert search.time_fitting_ > 0
    assert search.time_suggesting_ > 0
    assert [t.finished >= t.started for t in search.trials_] == [True] * 3


def test_a_callback_that_raises_ends_the_search():
    def callback(search, trial):
        raise LookupError("enough")

    with pytest.raises(LookupError, match="enough"):
        SearchCV(SVC(), {"C": [0.1, 1, 10]}, callbacks=[callback]).fit(X, y)


def test_verbose(capsys):
    SearchCV(SVC(), {"C": [0.1, 1]}, strategy="grid").fit(X, y)
    assert capsys.readouterr().out == ""
    SearchCV(SVC(), {"C": [0.1, 1]}, strategy="grid", verbose=2).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "'C': 0.1" in lines[1]


def test_failed_candidates_are_never_best():
    with pytest.warns(FitFailedWarning), pytest.warns(UserWarning, match="non-finite"):
        search = SearchCV(DecisionTreeClassifier(), {"max_depth": [-1, 2]}, strategy="grid").fit(X, y)
    assert [t.state for t in search.trials_] == ["failed", "complete"]
    assert "max_depth" in search.trials_[0].error
    assert search.best_params_ == {"max_depth": 2}


def test_metrics_that_the_strategy_follows():
    scoring = ["accuracy", "neg_log_loss"]
    search = SearchCV(
        DecisionTreeClassifier(random_state=0),
        {"max_depth": [1, 2]},
        strategy="grid",
        scoring=scoring,
        refit="neg_log_loss",
    ).fit(X, y)
    np.testing.assert_array_equal([t.value for t in search.trials_], search.cv_results_["mean_test_neg_log_loss"])


# --- workers -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ProcessPoolExecutor])
def test_executors_of_ones_own_are_used_and_left_open(make):
    import multiprocessing

    options = {} if make is ThreadPoolExecutor else {"mp_context": multiprocessing.get_context("spawn")}
    alone = SearchCV(SVC(), {"C": [0.1, 1, 10]}, strategy="grid").fit(X, y)
    with make(2, **options) as executor:
        search = SearchCV(SVC(), {"C": [0.1, 1, 10]}, strategy="grid", executor=executor).fit(X, y)
        assert executor.submit(int, 3).result() == 3
    assert_equal_scores(search, alone)


class Mortal(ClassifierMixin, BaseEstimator):
    """Ends its process while a file does not exist, or always."""

    def __init__(self, C=1, folder="", always=False):
        self.C = C
        self.folder = folder
        self.always = always

    def fit(self, X, y):
        mark = Path(self.folder) / "died"
        if self.C == 3 and (self.always or not mark.exists()):
            mark.touch()
            os._exit(1)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[self.C % 3])


def test_a_worker_that_dies_loses_nothing(tmp_path):
    grid = {"C": list(range(8))}
    search = SearchCV(Mortal(folder=str(tmp_path)), grid, strategy="grid", n_jobs=2, cv=3).fit(X, y)
    (tmp_path / "died").touch()
    alone = SearchCV(Mortal(folder=str(tmp_path)), grid, strategy="grid", cv=3).fit(X, y)
    assert_equal_scores(search, alone)


def test_a_fold_that_kills_its_worker_twice_fails_alone(tmp_path):
    grid = {"C": list(range(5))}
    estimator = Mortal(folder=str(tmp_path), always=True)
    with pytest.warns(FitFailedWarning, match="WorkerDied"):
        search = SearchCV(estimator, grid, strategy="grid", n_jobs=2, cv=2, error_score=-1.0).fit(X, y)
    failed = [t.number for t, s in zip(search.trials_, search.cv_results_["mean_test_score"], strict=True) if s == -1.0]
    assert failed == [3]


def test_no_temporary_file_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    SearchCV(SVC(), {"C": [0.1, 1]}, n_jobs=2).fit(X, y)
    with pytest.raises(ValueError, match="'C'"):
        SearchCV(SVC(), {"C": [-1.0]}, n_jobs=2, error_score="raise").fit(X, y)
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("hpcore-")] == []


# --- Ctrl-C ------------------------------------------------------------------------------------------------------


class Interrupting(Slow):
    def fit(self, X, y):
        if self.C == 5:
            raise KeyboardInterrupt
        return super().fit(X, y)


def test_interrupted_in_process():
    grid = {"C": list(range(10)), "seconds": [0.0]}
    with pytest.warns(SearchInterrupted, match="5 candidates"):
        search = SearchCV(Interrupting(), grid, strategy="grid", cv=2).fit(X, y)
    assert search.interrupted_
    assert [p["C"] for p in search.cv_results_["params"]] == [0, 1, 2, 3, 4]
    assert search.best_estimator_.C == 0
    assert [t.state for t in search.trials_] == ["complete"] * 5 + ["withdrawn"]


class Stubborn(Slow):
    """Takes Ctrl-C for the end of one fit, as scikit-learn's MLPs do."""

    def fit(self, X, y):
        if self.C == 5:
            with suppress(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        return super().fit(X, y)


@pytest.fixture
def python_handles_ctrl_c():
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have had it ignored
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler, "given back after the search"


@pytest.mark.usefixtures("ctrl_c")
def test_a_callback_is_interrupted_at_once():
    went_on = []

    def slow(search, trial):
        if trial.number == 1:
            signal.raise_signal(signal.SIGINT)
            went_on.append(trial.number)

    with pytest.warns(SearchInterrupted, match="2 candidates"):
        search = SearchCV(SVC(), {"C": [1, 2, 3]}, strategy="grid", cv=2, callbacks=[slow]).fit(X, y)
    assert went_on == []
    assert [p["C"] for p in search.cv_results_["params"]] == [1, 2]


@pytest.mark.usefixtures("python_handles_ctrl_c")
def test_an_estimator_cannot_swallow_the_interruption():
    grid = {"C": list(range(10)), "seconds": [0.0]}
    with pytest.warns(SearchInterrupted, match="5 candidates"):
        search = SearchCV(Stubborn(), grid, strategy="grid", cv=2).fit(X, y)
    assert [p["C"] for p in search.cv_results_["params"]] == [0, 1, 2, 3, 4]


@pytest.mark.usefixtures("python_handles_ctrl_c")
def test_an_inner_search_cannot_swallow_the_interruption():
    inner = SearchCV(Stubborn(seconds=0.0), {"C": [4, 5]}, strategy="grid", cv=2)
    outer = SearchCV(inner, {"n_trials": [1, 2, 3]}, strategy="grid", cv=2)
    with pytest.warns(SearchInterrupted, match="1 candidates"):
        outer.fit(X, y)
    assert outer.interrupted_
    assert outer.best_params_ == {"n_trials": 1}


def test_a_handler_of_the_callers_own_decides_what_ctrl_c_means():
    pressed = []
    before = signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        search = SearchCV(Stubborn(seconds=0.0), {"C": [4, 5]}, strategy="grid", cv=2).fit(X, y)
    finally:
        signal.signal(signal.SIGINT, before)
    assert len(pressed) == 2
    assert not search.interrupted_


def test_interrupted_before_anything_is_complete():
    with pytest.raises(KeyboardInterrupt):
        SearchCV(Interrupting(), {"C": [5, 6]}, strategy="grid", cv=2).fit(X, y)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of a process group are POSIX")
def test_interrupted_on_workers(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        textwrap.dedent(
            """
            import sys, time, warnings
            import numpy as np
            from sklearn.base import BaseEstimator, ClassifierMixin, clone
            from sklearn.datasets import load_iris
            from hpcore.sklearn import SearchCV

            class Slow(ClassifierMixin, BaseEstimator):
                def __init__(self, C=1):
                    self.C = C
                def fit(self, X, y):
                    time.sleep(0.1 if self.C < 4 else 60)
                    self.classes_ = np.unique(y)
                    return self
                def predict(self, X):
                    return np.full(len(X), self.classes_[0])

            def tell(search, trial):
                print("complete", trial.number, flush=True)

            if __name__ == "__main__":
                search = SearchCV(Slow(), {"C": list(range(20))}, strategy="grid", cv=2, n_jobs=2, callbacks=[tell])
                search.fit(*load_iris(return_X_y=True))
                print("result", search.interrupted_, len(search.cv_results_["params"]), search.best_params_, flush=True)
            """
        )
    )
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # A shell may have started the tests with Ctrl-C ignored, as it does in the background.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None
        told = 0
        while told < 4:
            told += process.stdout.readline().startswith("complete")
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the whole group
        try:
            out, err = process.communicate(timeout=30)  # much less than a fit that runs now
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    assert out.splitlines()[-1] == "result True 4 {'C': 0}", err
    assert "SearchInterrupted" in err
    with pytest.raises(ProcessLookupError):
        for _ in range(50):  # no worker is left
            os.killpg(process.pid, 0)
            time.sleep(0.1)


# --- points to begin with, what is shown, data that changes -------------------------------------------------------


def test_warm_start_points_come_first_and_count():
    points = [{"C": 2.0, "kernel": "rbf"}, {"C": 3.0}]
    space = {"C": hp.Float(0.1, 10), "kernel": ["rbf", "linear"]}
    search = SearchCV(SVC(), space, n_trials=4, warm_start=points, random_state=0).fit(X, y)
    params = search.cv_results_["params"]
    assert len(params) == 4
    assert params[0] == points[0]
    assert params[1]["C"] == 3.0


def test_warm_start_in_a_list_of_dictionaries_and_of_a_distribution():
    space = [
        {"kernel": ["linear"], "C": scipy.stats.expon()},
        {"kernel": ["rbf"], "C": hp.Float(1.0, 2.0), "gamma": hp.Float(0.1, 1.0)},
    ]
    points = [{"kernel": "rbf", "C": 1.5, "gamma": 0.25}, {"C": 0.75, "kernel": "linear"}]
    # The first dictionary that has the names is meant, and 'rbf' with gamma is none of the first.
    search = SearchCV(SVC(), space, n_trials=3, warm_start=points, random_state=0).fit(X, y)
    assert search.cv_results_["params"][0] == points[0]
    second = search.cv_results_["params"][1]
    assert second["kernel"] == "linear"
    assert second["C"] == pytest.approx(0.75)


@pytest.mark.parametrize(
    "points, words",
    [
        ({"C": 1.0}, ["warm_start", "list"]),
        ([3], ["warm_start[0]", "3"]),
        ([{"C": 1.0}, {"gamma": 1.0}], ["warm_start[1]", "gamma"]),
        ([{"C": 100.0}], ["warm_start[0]", "C", "100"]),
    ],
)
def test_warm_start_points_that_are_none(points, words):
    with pytest.raises((hp.errors.InvalidArgument, hp.errors.InvalidType)) as caught:
        SearchCV(SVC(), {"C": hp.Float(0.1, 10)}, warm_start=points).fit(X, y)
    for word in words:
        assert word in str(caught.value)


def test_progress_is_plain_when_piped(capsys):
    SearchCV(SVC(), {"C": [0.1, 1, 10]}, strategy="grid", cv=4, progress=True, racing="exact").fit(X, y)
    out, err = capsys.readouterr()
    assert out == ""
    last = err.splitlines()[-1]
    assert last.startswith("trial 3/3: best score 0.97")
    for words in ("12/12 folds", "0 folds saved by racing", "ms a fit", "ms a suggestion"):
        assert words in last
    assert "\x1b" not in err
    for progress in (False, None):
        SearchCV(SVC(), {"C": [0.1]}, strategy="grid", progress=progress).fit(X, y)
        assert capsys.readouterr().err == ""


def test_data_that_changes_under_the_search_is_an_error():
    data = X.copy()

    def spoil(search, trial):
        if trial.number == 1:
            data[3, 2] += 1.0

    search = SearchCV(SVC(), {"C": [0.1, 1, 10]}, strategy="grid", callbacks=[spoil])
    with pytest.raises(hp.errors.DataChanged, match="X or y changed"):
        search.fit(data, y)
    assert len(search.cv_results_["params"]) == 3
    assert not hasattr(search, "best_estimator_")


def test_a_clone_knows_its_choices() -> None:
    svc, tree = SVC(), DecisionTreeClassifier(random_state=0)
    space = {"clf": hp.Categorical([svc, tree]), "clf__C": hp.Float(0.1, 10.0, when={"clf": svc})}
    pipeline = Pipeline([("clf", svc)])
    search = SearchCV(
        pipeline, space, strategy="random", n_trials=3, random_state=0, warm_start=[{"clf": svc, "clf__C": 2.0}]
    )
    again = clone(search).fit(X, y)
    assert again.best_score_ == search.fit(X, y).best_score_
    assert isinstance(again.trials_[0]["clf"], SVC)


def test_a_second_fit_forgets_what_it_does_not_find() -> None:
    search = SearchCV(SVC(), {"C": [0.1, 1.0, 10.0]}, strategy="grid").fit(X, y)
    assert search.best_score_corrected_ <= search.best_score_
    search.set_params(cv=[(np.arange(0, 150, 2), np.arange(1, 150, 2))]).fit(X, y)
    assert not hasattr(search, "best_score_corrected_")


def test_a_warm_start_takes_the_dictionary_that_allows_it() -> None:
    space = [{"C": [1, 2]}, {"C": [1, 5], "gamma": [0.1]}]
    search = SearchCV(SVC(), space, strategy="grid", n_trials=4, warm_start=[{"C": 5}]).fit(X, y)
    assert search.cv_results_["params"][0] == {"C": 5, "gamma": 0.1}
    with pytest.raises(hp.errors.InvalidArgument, match="no dictionary of space allows"):
        SearchCV(SVC(), space, strategy="grid", warm_start=[{"C": 9}]).fit(X, y)


def test_deterministic_folds_on_threads_of_ours_have_one_thread() -> None:
    class Telling(SVC):
        seen: list[int] = []  # noqa: RUF012

        def fit(self, X, y):
            from threadpoolctl import threadpool_info

            self.seen.append(max(pool["num_threads"] for pool in threadpool_info()))
            return super().fit(X, y)

    with ThreadPoolExecutor(1) as executor:
        SearchCV(Telling(), {"C": [1.0, 2.0]}, strategy="grid", deterministic=True, executor=executor).fit(X, y)
    assert set(Telling.seen[:-1]) == {1}  # the last one is the refit


def test_a_second_fit_leaves_nothing_of_the_first():
    pd = pytest.importorskip("pandas")
    X, y = load_iris(return_X_y=True)
    search = SearchCV(SVC(), {"C": [0.1, 1.0]}, strategy="grid", cv=2).fit(pd.DataFrame(X, columns=list("abcd")), y)
    assert list(search.feature_names_in_) == list("abcd")
    assert not hasattr(search.fit(X, y), "feature_names_in_")
    search.set_params(scoring=["accuracy", "f1_macro"], refit=False).fit(X, y)
    of_the_best = [name for name in vars(search) if name.startswith(("best_", "refit_time"))]
    assert of_the_best == []


def test_what_a_callback_does_to_a_trial_is_not_in_the_results():
    X, y = load_iris(return_X_y=True)

    def spoil(search, trial):
        trial.params["C"] = -1.0

    search = SearchCV(SVC(), {"C": [0.1, 1.0]}, strategy="grid", cv=2, callbacks=[spoil]).fit(X, y)
    assert search.cv_results_["params"] == [{"C": 0.1}, {"C": 1.0}]
    assert search.best_estimator_.C == search.best_params_["C"] > 0
