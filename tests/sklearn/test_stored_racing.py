"""A race in a store: a search that goes on repeats no stored fold and comes to the table of an uninterrupted one."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold
from sklearn.tree import DecisionTreeClassifier

import hpcore as hp
from hpcore.errors import TrialAlreadyTold
from hpcore.evaluation.workload import FoldScore
from hpcore.sklearn import SearchCV
from hpcore.sklearn.stored import fold_to_data

X, y = load_breast_cancer(return_X_y=True)
X, y = X[::3], y[::3]
SPACE = {"max_depth": hp.Int(1, 12), "min_samples_leaf": hp.Int(1, 40), "ccp_alpha": hp.Float(0.0, 0.05)}
N_TRIALS, N_FOLDS = 20, 4
SPLITS = list(StratifiedKFold(N_FOLDS).split(X, y))
X_SECOND = X[SPLITS[1][1]].sum()


class Logged(ClassifierMixin, BaseEstimator):
    """Tree that writes down each fit, by its parameters and the rows."""

    def __init__(
        self, max_depth: int = 1, min_samples_leaf: int = 1, ccp_alpha: float = 0.0, log: str = "", die: int = -1
    ) -> None:
        self.max_depth, self.min_samples_leaf, self.ccp_alpha = max_depth, min_samples_leaf, ccp_alpha
        self.log, self.die = log, die

    def __repr__(self) -> str:  # the same estimator, dying or not
        return "Logged()"

    def fit(self, X: Any, y: Any) -> Logged:
        if self.die >= 0 and len(fits(Path(self.log))) >= self.die:
            raise SystemExit(3)
        with Path(self.log).open("a") as file:
            file.write(f"{self.max_depth} {self.min_samples_leaf} {self.ccp_alpha!r} {float(X.sum())!r}\n")
        options = {name: getattr(self, name) for name in SPACE}
        self.model_ = DecisionTreeClassifier(random_state=0, **options).fit(X, y)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X: Any) -> Any:
        return self.model_.predict(X)

    def predict_proba(self, X: Any) -> Any:
        return self.model_.predict_proba(X)


def fits(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def search(folder: Path, *, stored: bool = True, die: int = -1, **options: Any) -> SearchCV:
    given: dict[str, Any] = {
        "strategy": "tpe",
        "n_trials": N_TRIALS,
        "cv": N_FOLDS,
        "random_state": 1,
        "refit": False,
        "racing": True,
        "scoring": "neg_log_loss",
        **options,
    }
    if stored:
        given |= {"storage": folder / "runs.db", "study_name": "a"}
    return SearchCV(Logged(log=str(folder / "log"), die=die), SPACE, **given)


def fit(folder: Path, n_threads: int = 1, **options: Any) -> SearchCV:
    if n_threads == 1:
        return search(folder, **options).fit(X, y)
    with ThreadPoolExecutor(n_threads) as executor:
        return search(folder, executor=executor, **options).fit(X, y)


def table(found: SearchCV) -> dict[str, list[Any]]:
    """Table without its times, and the trials."""
    out = {key: np.asarray(value).tolist() for key, value in found.cv_results_.items() if "time" not in key}
    out["params"] = found.cv_results_["params"]
    out["numbers"] = found.trial_numbers_.tolist()
    out["states"] = [str(trial.state) for trial in found.trials_]
    out["values"] = [trial.value for trial in found.trials_]
    out["incumbents"] = [trial.user_attrs.get("incumbent") for trial in found.trials_]
    return out


def assert_same(a: SearchCV, b: SearchCV) -> None:
    one, other = table(a), table(b)
    assert one.keys() == other.keys()
    for key, column in one.items():
        if key in ("params", "states"):
            assert column == other[key], key
        else:
            np.testing.assert_array_equal(np.array(column, dtype=float), np.array(other[key], dtype=float), err_msg=key)


def stored_folds(folder: Path) -> list[str]:
    """Folds that the store has, as the estimator writes them down."""
    rows = [float(X[train].sum()) for train, _ in SPLITS]
    study = hp.load_study(folder / "runs.db", "a")
    trials = study.trials
    out = []
    for number, step in study._trial_log.reports(range(len(trials))):
        p = trials[number].params
        out.append(f"{p['max_depth']} {p['min_samples_leaf']} {p['ccp_alpha']!r} {rows[int(step)]!r}")
    return out


def assert_states_agree(found: SearchCV, folder: Path | None = None) -> None:
    """The table, both lists of trials and the store say the same of who was stopped."""
    pruned = [int(n) for n, k in zip(found.trial_numbers_, found.cv_results_["pruned"], strict=True) if k]
    lists = [found.trials_, found.optimizer_.trials]
    if folder is not None:
        lists.append(hp.load_study(folder / "runs.db", "a").trials)
    for trials in lists:
        assert [trial.number for trial in trials if trial.state == "pruned"] == pruned
        assert [str(trial.state) for trial in trials] == [str(trial.state) for trial in found.trials_]
        assert [trial.value for trial in trials] == [trial.value for trial in found.trials_]


class Stop(Exception):
    pass


def stop_after(n: int, how: type[BaseException] = Stop) -> Any:
    left = [n]

    def callback(search: Any, trial: Any) -> None:
        left[0] -= 1
        if not left[0]:
            raise how

    return callback


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> SearchCV:
    """Deterministic search that was not stopped, in memory."""
    found = search(tmp_path_factory.mktemp("whole"), stored=False, deterministic=True).fit(X, y)
    assert found.cv_results_["pruned"].sum() >= 4
    return found


# --- not stopped ----------------------------------------------------------------------------------------------------


def test_a_store_changes_nothing(tmp_path: Path) -> None:
    stored = search(tmp_path).fit(X, y)
    (tmp_path / "log").unlink()
    assert_same(stored, search(tmp_path, stored=False).fit(X, y))
    assert_states_agree(stored, tmp_path)
    assert stored.cv_results_["pruned"].sum() >= 4


def test_two_workers_and_a_store(tmp_path: Path) -> None:
    found = search(tmp_path, n_jobs=2).fit(X, y)
    assert_states_agree(found, tmp_path)
    n = found.cv_results_["n_folds_evaluated"]
    assert n.sum() == len(set(fits(tmp_path / "log"))) == len(fits(tmp_path / "log"))
    assert sorted(stored_folds(tmp_path)) == sorted(fits(tmp_path / "log"))
    again = search(tmp_path, n_jobs=2).fit(X, y)
    assert_same(found, again)
    assert len(fits(tmp_path / "log")) == n.sum(), "nothing is left to run"


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_deterministic_race_in_a_store_is_the_one_in_memory(n_threads: int, whole: SearchCV, tmp_path: Path) -> None:
    found = fit(tmp_path, n_threads, deterministic=True)
    assert_same(found, whole)
    assert_states_agree(found, tmp_path)
    assert_same(fit(tmp_path, deterministic=True), whole)


# --- stopped, and gone on with --------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("n", [1, 12])
def test_an_error_of_a_callback_and_a_search_that_goes_on(n: int, n_threads: int, tmp_path: Path) -> None:
    with pytest.raises(Stop):
        fit(tmp_path, n_threads, callbacks=[stop_after(n)])
    known = stored_folds(tmp_path)
    assert n <= len(known) < N_TRIALS * N_FOLDS
    (tmp_path / "log").unlink()
    again = fit(tmp_path, n_threads)
    later = fits(tmp_path / "log")
    assert not set(known) & set(later), "a stored fold was run again"
    assert len(set(later)) == len(later)
    assert len(again.trials_) == N_TRIALS
    assert all(trial.state in ("complete", "pruned") for trial in again.trials_)
    assert_states_agree(again, tmp_path)


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("n", [1, 7, 16])
def test_a_deterministic_race_that_goes_on_is_the_one_that_was_not_stopped(
    n: int, n_threads: int, whole: SearchCV, tmp_path: Path
) -> None:
    with pytest.raises(Stop):
        fit(tmp_path, n_threads, deterministic=True, callbacks=[stop_after(n)])
    known = stored_folds(tmp_path)
    (tmp_path / "log").unlink()
    again = fit(tmp_path, n_threads, deterministic=True)
    assert not set(known) & set(fits(tmp_path / "log")), "a stored fold was run again"
    assert_same(again, whole)
    assert_states_agree(again, tmp_path)


@pytest.mark.parametrize(("die", "n_jobs"), [(2, 1), (31, 1), (31, 2)])
def test_a_system_exit_in_the_middle_of_a_candidate(die: int, n_jobs: int, whole: SearchCV, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        search(tmp_path, die=die, deterministic=True, n_jobs=n_jobs).fit(X, y)
    known = stored_folds(tmp_path)
    (tmp_path / "log").unlink()
    again = fit(tmp_path, 3 - n_jobs, deterministic=True)
    assert not set(known) & set(fits(tmp_path / "log")), "a stored fold was run again"
    assert_same(again, whole)
    assert_states_agree(again, tmp_path)


def test_stopped_again_and_again(whole: SearchCV, tmp_path: Path) -> None:
    for _ in range(N_TRIALS):
        try:
            again = fit(tmp_path, deterministic=True, callbacks=[stop_after(3)])
        except Stop:
            continue
        break
    assert_same(again, whole)
    assert_states_agree(again, tmp_path)
    assert len(set(fits(tmp_path / "log"))) == len(fits(tmp_path / "log")), "a stored fold was run again"


def test_stored_folds_beyond_the_one_that_stopped_a_candidate_do_not_count(whole: SearchCV, tmp_path: Path) -> None:
    """Two workers may have run folds 0 and 2 by the time at which fold 0 stops the candidate."""
    found = fit(tmp_path, deterministic=True)
    n_run = found.cv_results_["n_folds_evaluated"]
    log = hp.load_study(tmp_path / "runs.db", "a")._trial_log
    stopped = np.flatnonzero(found.cv_results_["pruned"] & (n_run < N_FOLDS - 1))
    assert len(stopped) > 1
    for number in stopped.tolist():
        beyond = FoldScore(N_FOLDS - 1, -0.5, None, 0.1, 0.1, None, ())
        with suppress(TrialAlreadyTold):  # it is in the store nevertheless
            log.add_report(number, N_FOLDS - 1, (-0.5,), fold_to_data(beyond))
    assert_same(fit(tmp_path, deterministic=True), whole)


@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite:UserWarning")
@pytest.mark.parametrize("n", [6, 15])
def test_candidates_that_fail_in_a_race_are_in_the_table_of_a_search_that_goes_on(n: int, tmp_path: Path) -> None:
    options: dict[str, Any] = {"deterministic": True, "scoring": failing}
    expected = fit(tmp_path, stored=False, **options)
    failed = [trial.number for trial in expected.trials_ if trial.state == "failed"]
    # One that began before there was an incumbent runs all its folds.
    assert set(expected.cv_results_["n_folds_evaluated"][failed].tolist()) == {2, N_FOLDS}
    (tmp_path / "log").unlink()
    with pytest.raises(Stop):
        fit(tmp_path, callbacks=[stop_after(n)], **options)
    again = fit(tmp_path, **options)
    assert_same(again, expected)
    assert len(set(fits(tmp_path / "log"))) == len(fits(tmp_path / "log"))
    assert_same(fit(tmp_path, **options), expected)


def failing(estimator: Any, X: Any, y: Any) -> float:
    """Score that leaves deep trees without one on the second fold."""
    second = np.isclose(X.sum(), X_SECOND)
    return float("nan") if estimator.max_depth > 9 and second else float(estimator.score(X, y))


# --- several processes ----------------------------------------------------------------------------------------------


def run_elsewhere(folder: Path, results: Any, **options: Any) -> None:
    results.put(table(search(folder, deterministic=True, **options).fit(X, y)))


@pytest.mark.parametrize("n_threads", [1, 2])
def test_two_processes_on_one_deterministic_race_give_the_table_of_one(
    n_threads: int, whole: SearchCV, tmp_path: Path
) -> None:
    search(tmp_path, deterministic=True, n_trials=1).fit(X, y)
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=run_elsewhere, args=(tmp_path, results))
    child.start()
    fit(tmp_path, n_threads, deterministic=True)
    results.get(timeout=120)
    child.join(60)
    assert child.exitcode == 0
    lines = fits(tmp_path / "log")
    assert len(set(lines)) == len(lines), "a fold was run by both"
    # The last candidate may have been with the other: whoever opens the study now sees the whole of it.
    afterwards = search(tmp_path, deterministic=True).fit(X, y)
    assert_same(afterwards, whole)
    assert_states_agree(afterwards, tmp_path)
    assert len(fits(tmp_path / "log")) == len(lines)
