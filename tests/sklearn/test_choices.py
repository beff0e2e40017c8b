"""Choice of the best candidate by a model's mean and by one standard error; fold errors told to the strategy."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.sklearn import OneStandardError, SearchCV, nested_cross_validate

X, y = load_wine(return_X_y=True)
TREE = DecisionTreeClassifier(random_state=0)
DEPTHS = {"max_depth": list(range(1, 12))}


def by_hand(results, measure) -> int:
    """Breiman et al. 1984, one candidate after the other."""
    mean, std, k = results["mean_test_score"], results["std_test_score"], 5
    best = int(np.argmax(mean))
    error = std[best] * np.sqrt(k / (k - 1)) / np.sqrt(k)
    near = [i for i in range(len(mean)) if mean[i] >= mean[best] - error]
    return min(near, key=lambda i: (measure[i], -mean[i]))


def consistent(search: SearchCV) -> None:
    results, i = search.cv_results_, search.best_index_
    assert search.best_params_ == results["params"][i]
    assert search.best_score_ == results["mean_test_score"][i]
    for name, value in search.best_params_.items():
        assert search.best_estimator_.get_params()[name] == value
    assert not hasattr(search, "best_score_corrected_")


@pytest.mark.parametrize("refit", ["1se", "recommend"])
@pytest.mark.parametrize("strategy", ["grid", "gp", "tpe"])
def test_the_attributes_agree(refit: str, strategy: str) -> None:
    search = SearchCV(TREE, DEPTHS, strategy=strategy, n_trials=8, refit=refit, random_state=0).fit(X, y)
    consistent(search)
    if refit == "recommend":
        assert search.trial_numbers_[search.best_index_] == search.optimizer_.recommend().number
    else:
        assert search.best_index_ == by_hand(search.cv_results_, search.cv_results_["mean_fit_time"])
    assert search.predict(X).shape == y.shape


def test_one_standard_error_by_a_parameter_and_in_grid_search() -> None:
    rule, leaves = OneStandardError("min_samples_leaf", largest=True), [1, 2, 4, 8, 16, 32]
    data = load_breast_cancer(return_X_y=True)
    ours = SearchCV(TREE, {"min_samples_leaf": leaves}, strategy="grid", refit=rule).fit(*data)
    theirs = GridSearchCV(TREE, {"min_samples_leaf": leaves}, refit=rule).fit(*data)
    consistent(ours)
    assert ours.best_index_ == theirs.best_index_ == by_hand(ours.cv_results_, [-n for n in leaves])
    assert ours.best_index_ > np.argmax(ours.cv_results_["mean_test_score"])


def test_what_is_simpler_may_be_a_function_or_the_largest() -> None:
    knn, space = KNeighborsClassifier(), {"n_neighbors": [1, 3, 5, 9, 15, 25]}
    largest = SearchCV(knn, space, strategy="grid", refit=OneStandardError("n_neighbors", largest=True)).fit(X, y)
    function = SearchCV(knn, space, strategy="grid", refit=OneStandardError(lambda p: -p["n_neighbors"])).fit(X, y)
    column = SearchCV(knn, space, strategy="grid", refit=OneStandardError("param_n_neighbors", largest=True)).fit(X, y)
    expected = by_hand(largest.cv_results_, [-n for n in space["n_neighbors"]])
    assert largest.best_index_ == function.best_index_ == column.best_index_ == expected


def test_candidates_that_do_not_count() -> None:
    results = {
        "params": [{"a": 1}, {"a": 2}, {"a": 3}, {"a": 4}, {}],
        "mean_test_score": np.array([0.9, np.nan, 0.95, 0.94, 0.945]),
        "split0_test_score": np.array([0.8, np.nan, 0.9, 0.94, 0.9]),
        "split1_test_score": np.array([1.0, np.nan, 1.0, 0.94, 0.99]),
        "split0_test_other": np.array([5.0] * 5),
    }
    rule = OneStandardError("a")
    assert rule(results) == 0
    assert rule({**results, "pruned": np.array([True, False, False, False, False])}) == 2
    assert rule({**results, "iter": np.array([0, 1, 0, 1, 1])}) == 3
    with pytest.raises(InvalidArgument, match="none has a score"):
        rule({**results, "mean_test_score": np.full(5, np.nan)})


def test_metrics_and_errors() -> None:
    two = ["accuracy", "f1_macro"]
    search = SearchCV(
        TREE, DEPTHS, strategy="grid", scoring=two, refit=OneStandardError("max_depth", metric="f1_macro")
    ).fit(X, y)
    assert search.best_score_ == search.cv_results_["mean_test_f1_macro"][search.best_index_]
    for refit in ("recommend", "1se"):
        with pytest.raises(InvalidArgument, match="multi-metric"):
            SearchCV(TREE, DEPTHS, scoring=two, refit=refit).fit(X, y)
    named = {"1se": "accuracy", "recommend": "f1_macro"}
    plain = SearchCV(TREE, DEPTHS, strategy="grid", scoring=named, refit="1se").fit(X, y)
    assert plain.best_index_ == plain.cv_results_["rank_test_1se"].argmin()
    with pytest.raises(InvalidArgument, match="metric must name"):
        SearchCV(TREE, DEPTHS, strategy="grid", scoring=two, refit=OneStandardError("max_depth")).fit(X, y)
    with pytest.raises(InvalidArgument, match="column of cv_results_ or a parameter"):
        SearchCV(TREE, DEPTHS, strategy="grid", refit=OneStandardError("depth")).fit(X, y)
    with pytest.raises(InvalidArgument, match="by must give a number"):
        SearchCV(TREE, {"criterion": ["gini", "entropy"]}, strategy="grid", refit=OneStandardError("criterion")).fit(
            X, y
        )
    with pytest.raises(InvalidArgument, match="at least 2 folds"):
        half = np.arange(len(y)) % 2 == 0
        one = SearchCV(TREE, DEPTHS, strategy="grid", refit="1se", cv=[(half, ~half)])
        one.fit(X, y)
    assert not hasattr(one, "optimizer_")  # it was refused before the search
    for wrong in ({"by": 3}, {"metric": 3}, {"largest": "yes"}):
        with pytest.raises(InvalidType, match=next(iter(wrong))):
            OneStandardError(**{"by": "max_depth", **wrong})
    with pytest.raises(InvalidType, match="'recommend', '1se'"):
        SearchCV(TREE, DEPTHS, refit=3).fit(X, y)
    assert repr(OneStandardError("a")) == "OneStandardError('a', metric=None, largest=False)"


@pytest.mark.parametrize("refit", ["1se", "recommend"])
def test_with_a_race_a_schedule_and_a_nested_search(refit: str) -> None:
    raced = SearchCV(TREE, DEPTHS, strategy="grid", refit=refit, racing=True).fit(X, y)
    assert not raced.cv_results_["pruned"][raced.best_index_]
    halved = SearchCV(TREE, DEPTHS, strategy="halving", refit=refit, random_state=0).fit(X, y)
    assert halved.cv_results_["iter"][halved.best_index_] == halved.cv_results_["iter"].max()
    search = SearchCV(TREE, {"max_depth": [1, 3, 9]}, strategy="grid", cv=3, refit=refit)
    nested = nested_cross_validate(search, X, y, cv=3)
    assert np.isfinite(nested.inner_scores).all()
    assert np.isnan(nested.corrected_scores).all()


def test_failed_candidates_and_the_same_choice_again() -> None:
    space = {"C": [-1.0, 0.01, 0.1, 1.0, 10.0, 100.0]}
    model = LogisticRegression(max_iter=200)
    data = load_breast_cancer(return_X_y=True)
    with pytest.warns(Warning):
        first = SearchCV(model, space, strategy="grid", refit="recommend", cv=3).fit(data[0][:, :4], data[1])
        again = SearchCV(model, space, strategy="grid", refit="recommend", cv=3).fit(data[0][:, :4], data[1])
    assert first.best_params_ == again.best_params_
    assert first.best_params_["C"] > 0


def test_candidates_far_from_the_best_need_no_measure() -> None:
    results = {
        "params": [{"depth": None}, {"depth": 2}, {"depth": 3}],
        "mean_test_score": [0.1, 0.9, 0.91],
        **{f"split{k}_test_score": [0.1, 0.9, 0.9 + 0.01 * k] for k in range(3)},
    }
    assert OneStandardError("depth")(results) == 2
    results["mean_test_score"][1] = 0.905
    assert OneStandardError("depth")(results) == 1
    results["mean_test_score"][0] = 0.905
    with pytest.raises(InvalidArgument, match="number for each candidate near the best"):
        OneStandardError("depth")(results)


def test_results_are_there_if_the_rule_fails() -> None:
    def unlucky(params):
        raise ZeroDivisionError(params)

    search = SearchCV(TREE, DEPTHS, strategy="grid", refit=OneStandardError(unlucky))
    with pytest.raises(ZeroDivisionError):
        search.fit(X, y)
    assert len(search.cv_results_["params"]) == len(search.trial_numbers_) == 11
    assert not hasattr(search, "best_index_")


def test_fold_errors_reach_the_strategy() -> None:
    search = SearchCV(TREE, DEPTHS, strategy="grid", fold_errors=True).fit(X, y)
    folds = np.array([search.cv_results_[f"split{i}_test_score"] for i in range(5)])
    expected = folds.std(axis=0, ddof=1) / np.sqrt(5)
    errors = search.optimizer_.history.std_errors
    assert errors is not None
    np.testing.assert_allclose(np.asarray(errors).reshape(len(expected), -1)[:, 0], expected, rtol=1e-12)
    assert SearchCV(TREE, DEPTHS, strategy="grid").fit(X, y).optimizer_.history.std_errors is None
    with pytest.raises(InvalidType, match="fold_errors"):
        SearchCV(TREE, DEPTHS, fold_errors="yes").fit(X, y)
