"""Rules that end a SearchCV: each of them, for one worker and two, and arguments that are no rules."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.sklearn import SearchCV
from hpcore.stopping import MaxTrials, NoImprovement, RegretBound, StoppingRule, TargetValue, Timeout

X, y = np.arange(24.0).reshape(12, 2), np.arange(12) % 2


class Parabola(BaseEstimator):
    """Scores -(x - 0.3)^2, and a little less on later folds."""

    def __init__(self, x: float = 0.0, seconds: float = 0.0) -> None:
        self.x, self.seconds = x, seconds

    def fit(self, X: Any, y: Any = None) -> Parabola:
        time.sleep(self.seconds)
        self.offset_ = 1e-3 * float(X.sum()) / 1e3
        return self

    def score(self, X: Any, y: Any = None) -> float:
        return -((self.x - 0.3) ** 2) - self.offset_


def search(*rules: StoppingRule, **options: Any) -> SearchCV:
    given = {"strategy": "sobol", "n_trials": 40, "cv": 2, "random_state": 0, "refit": False, **options}
    return SearchCV(Parabola(), {"x": hp.Float(0.0, 1.0)}, stop=list(rules), **given)


def means(found: SearchCV) -> list[float]:
    return [float(mean) for mean in found.cv_results_["mean_test_score"]]


def expected_end(rule: str, values: list[float]) -> int:
    """Number of candidates, by brute force: a rule is asked before each with all results so far."""
    for n in range(1, len(values)):
        best = int(np.argmax(values[:n]))
        if rule == "target" and values[best] >= -0.02:
            return n
        if rule == "improvement" and n - 1 - best >= 4:
            return n
    return len(values)


@pytest.fixture(scope="module")
def whole() -> list[float]:
    return means(search().fit(X, y))


# --- each rule ------------------------------------------------------------------------------------------------------


def test_a_count_of_finished_candidates(whole: list[float]) -> None:
    assert means(search(MaxTrials(7)).fit(X, y)) == whole[:7]


def test_a_target_in_the_units_and_with_the_sign_of_the_score(whole: list[float]) -> None:
    n = expected_end("target", whole)
    assert 1 < n < 40
    assert means(search(TargetValue(-0.02)).fit(X, y)) == whole[:n]


def test_no_improvement(whole: list[float]) -> None:
    n = expected_end("improvement", whole)
    assert 5 < n < 40
    assert means(search(NoImprovement(4)).fit(X, y)) == whole[:n]


def test_a_bound_on_what_is_left_to_gain() -> None:
    rule = RegretBound(0.05, n_min=5, n_candidates=100)
    found = search(rule, strategy="gp").fit(X, y)
    assert 5 <= len(means(found)) < 40
    assert rule.bound is not None and rule.bound <= 0.05


def test_the_clock() -> None:
    start = time.monotonic()
    found = SearchCV(
        Parabola(seconds=0.02), {"x": hp.Float(0.0, 1.0)}, strategy="sobol", n_trials=10_000, cv=2, refit=False,
        stop=[Timeout(0.3)],
    ).fit(X, y)  # fmt: skip
    assert 1 <= len(means(found)) < 10_000
    assert time.monotonic() - start >= 0.3


def test_any_of_several_rules_ends_the_search(whole: list[float]) -> None:
    rules = [MaxTrials(30), TargetValue(-0.02), Timeout(600.0)]
    assert means(search(*rules).fit(X, y)) == whole[: expected_end("target", whole)]


def test_the_score_that_decides_counts_of_several() -> None:
    def scoring(estimator: Any, X: Any, y: Any) -> dict[str, float]:
        return {"always": 1.0, "real": estimator.score(X)}

    found = search(TargetValue(0.5), scoring=scoring, refit="real", n_trials=5)
    found.set_params(refit="real").fit(X, y)
    assert len(found.cv_results_["params"]) == 5
    found.set_params(refit="always").fit(X, y)
    assert len(found.cv_results_["params"]) == 1


def test_a_rule_of_the_user_sees_the_search_and_its_error_ends_it() -> None:
    seen: list[tuple[int, tuple[str, ...]]] = []

    class Own(StoppingRule):
        def reached(self, view: Any) -> bool:
            seen.append((view.history.n_complete, view.directions))
            if view.history.n_complete == 3:
                raise RuntimeError("a rule's own")
            return False

    with pytest.raises(RuntimeError, match="a rule's own") as caught:
        search(Own()).fit(X, y)
    assert seen == [(n, ("maximize",)) for n in range(4)]
    assert len(caught.value.result.cv_results_["params"]) == 3  # type: ignore[attr-defined]


def test_a_search_that_is_fitted_again_begins_its_rules_again(whole: list[float]) -> None:
    again = search(NoImprovement(4))
    n = len(means(again.fit(X, y)))
    assert len(means(again.fit(X, y))) == n
    assert len(means(clone(again).fit(X, y))) == n


def test_a_stored_search_counts_what_is_there(tmp_path: Any, whole: list[float]) -> None:
    options = {"storage": tmp_path / "runs.db", "study_name": "a"}
    search(MaxTrials(4), **options).fit(X, y)
    again = search(MaxTrials(9), **options).fit(X, y)
    assert means(again) == whole[:9]
    assert means(search(MaxTrials(3), **options).fit(X, y)) == whole[:9], "reached already"


# --- in the deterministic order -------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", ["sobol", "random", "grid", "tpe", "gp"])
@pytest.mark.parametrize("racing", [False, True])
def test_a_deterministic_search_ends_at_the_same_candidate_for_any_number_of_workers(
    strategy: str, racing: bool
) -> None:
    def table(n_jobs: int, rule: StoppingRule) -> tuple[Any, ...]:
        options = {"strategy": strategy, "deterministic": True, "racing": racing, "cv": 3, "n_jobs": n_jobs}
        if strategy == "grid":
            options["strategy"] = hp.samplers.GridSampler({"x": 40})
        results = search(rule, **options).fit(X, y).cv_results_
        return results["params"], results["mean_test_score"].tolist()

    for rule in (TargetValue(-0.01), NoImprovement(5), MaxTrials(6)):
        alone = table(1, rule)
        assert len(alone[0]) < 40, rule
        assert table(2, rule) == alone, rule
        if isinstance(rule, MaxTrials):
            # Candidate j is proposed from the results up to j - 4.
            assert len(alone[0]) == 6 + 3


# --- bad input ------------------------------------------------------------------------------------------------------

CASES: list[tuple[str, Any, type[Exception], list[str]]] = [
    ("a rule", MaxTrials(3), InvalidType, ["stop must be a list", "MaxTrials(n=3)", "itself"]),
    ("a number", 3, InvalidType, ["stop must be a list", "3"]),
    ("None", None, InvalidType, ["stop must be a list", "None"]),
    ("a text", "target", InvalidType, ["stop must be a list", "'target'"]),
    ("a class", [MaxTrials], InvalidType, ["stop must be a list", "MaxTrials"]),
    ("functions", [lambda view: True], InvalidType, ["stop must be a list", "lambda"]),
    ("a generator", (rule for rule in [MaxTrials(3)]), InvalidType, ["stop must be a list", "generator"]),
    ("one that is none", [MaxTrials(3), 4], InvalidType, ["stop must be a list", "4"]),
    ("a mapping", {"n": MaxTrials(3)}, InvalidType, ["stop must be a list"]),
]


@pytest.mark.parametrize("stop, error, words", [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_bad_input(stop: Any, error: type[Exception], words: list[str]) -> None:
    with pytest.raises(error) as caught:
        search().set_params(stop=stop).fit(X, y)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [lambda: MaxTrials(0), lambda: Timeout(0.0), lambda: NoImprovement(0), lambda: TargetValue(float("nan"))],
)
def test_rules_with_bad_arguments(make: Any) -> None:
    with pytest.raises(InvalidArgument):
        make()
