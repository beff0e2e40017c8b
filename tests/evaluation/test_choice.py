"""ModelChoice: one of several estimators, as an estimator and inside a search."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import hpcore as hp
from hpcore.errors import InvalidArgument
from hpcore.evaluation.choice import ModelChoice, resolved
from hpcore.sklearn import SearchCV

X, y = load_iris(return_X_y=True)


def _choice() -> ModelChoice:
    return ModelChoice(
        {
            "svc": Pipeline([("scale", StandardScaler()), ("clf", SVC())]),
            "logistic": Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression(max_iter=500))]),
        },
        "svc",
    )


def test_it_fits_the_chosen_estimator_with_its_parameters() -> None:
    choice = _choice().set_params(model="logistic", logistic__clf__C=0.01, svc__clf__C=7.0).fit(X, y)
    same = Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression(C=0.01, max_iter=500))]).fit(X, y)
    np.testing.assert_array_equal(choice.predict_proba(X), same.predict_proba(X))
    np.testing.assert_array_equal(choice.predict(X), same.predict(X))
    np.testing.assert_array_equal(choice.decision_function(X), same.decision_function(X))
    np.testing.assert_array_equal(choice.classes_, [0, 1, 2])
    assert choice.estimator_.named_steps["clf"].C == 0.01


def test_copies_share_the_models_and_not_the_settings() -> None:
    choice = _choice()
    copy = clone(choice).set_params(svc__clf__C=3.0)
    assert copy.models is choice.models
    assert choice.get_params()["svc__clf__C"] == 1.0
    assert copy.get_params()["svc__clf__C"] == 3.0
    copy.fit(X, y)
    assert choice.models["svc"].named_steps["clf"].C == 1.0
    assert not hasattr(choice.models["svc"].named_steps["clf"], "support_")


def test_it_is_what_its_models_are() -> None:
    assert is_classifier(_choice())
    assert is_regressor(ModelChoice({"ridge": Ridge()}, "ridge"))
    assert not hasattr(_choice(), "predict_proba")  # SVC without probabilities
    assert hasattr(_choice().set_params(model="logistic"), "predict_proba")


@pytest.mark.parametrize("name", ["clf__C", "svx__clf__C", "C"])
def test_an_unknown_model_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument, match="must begin with the name of a model"):
        _choice().set_params(**{name: 1.0})
    with pytest.raises(InvalidArgument, match="did you mean 'svc'"):
        _choice().set_params(model="svx").fit(X, y)


def test_it_resolves_to_the_chosen_estimator() -> None:
    params = {"model": "svc", "svc__clf__C": 2.0, "logistic__clf__C": 3.0}
    estimator, own = resolved(_choice().set_params(**params), params)
    assert type(estimator) is Pipeline
    assert estimator.named_steps["clf"].C == 2.0
    assert own == {"": "svc", "clf__C": 2.0}
    plain = SVC()
    assert resolved(plain, {"C": 1.0}) == (plain, {"C": 1.0})


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scores_of_a_search_are_those_of_the_models_alone(n_jobs: int) -> None:
    space = {
        "model": hp.Categorical(["svc", "logistic"]),
        "svc__clf__C": hp.Float(0.1, 10.0, log=True, when={"model": "svc"}),
        "logistic__clf__C": hp.Float(0.1, 10.0, log=True, when={"model": "logistic"}),
    }
    search = SearchCV(_choice(), space, strategy="random", n_trials=8, n_jobs=n_jobs, random_state=0, cv=3).fit(X, y)
    assert {params["model"] for params in search.cv_results_["params"]} == {"svc", "logistic"}
    for params, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"], strict=True):
        alone, _ = _choice().set_params(**params).chosen()
        expected = SearchCV(alone, {}, strategy="random", n_trials=1, cv=3, random_state=0).fit(X, y)
        assert score == expected.best_score_
    assert type(search.best_estimator_.estimator_) is Pipeline


def test_transformers_of_a_model_are_fitted_once_a_fold() -> None:
    space = {"model": hp.Categorical(["svc"]), "svc__clf__C": hp.Float(0.1, 10.0, log=True)}
    search = SearchCV(_choice(), space, strategy="random", n_trials=3, random_state=0, cv=3)
    search.fit(X, y)
    keys = search_keys(_choice(), {"model": "svc", "svc__clf__C": 1.0}, {"model": "svc", "svc__clf__C": 2.0})
    assert keys[0] == keys[1] != []
    others = search_keys(_choice(), {"model": "svc"}, {"model": "logistic"})
    assert others[0] != others[1]


def search_keys(choice: ModelChoice, *candidates: dict[str, object]) -> list[object]:
    from hpcore.evaluation.prefixes import PrefixCache

    cache = PrefixCache()
    return [cache.keys(*resolved(clone(choice).set_params(**params), params)) for params in candidates]
