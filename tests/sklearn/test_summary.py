"""Summary of a fitted search for notebooks."""

from __future__ import annotations

import pytest
import sklearn
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC

from hpcore.sklearn import SearchCV
from hpcore.sklearn.summary import search_html

X, y = load_iris(return_X_y=True)


def test_the_summary_comes_before_the_diagram_of_scikit_learn() -> None:
    search = SearchCV(SVC(), {"C": [0.1, 1, 10]}, strategy="grid", scoring="accuracy")
    diagram = search._repr_mimebundle_()["text/html"]
    assert "best score" not in diagram and search_html(search) == ""
    search.fit(X, y)
    for shown in (search._repr_html_(), search._repr_mimebundle_()["text/html"]):
        assert shown.startswith(search_html(search)) and "sk-top-container" in shown
    text = search_html(search)
    assert f"best score {search.best_score_:.6g} (" in text and "3 complete" in text and "accuracy" in text
    assert "<script" not in text and f"candidate {search.best_index_}<" in text
    with sklearn.config_context(display="text"):
        assert not hasattr(search, "_repr_html_")
        assert list(search._repr_mimebundle_()) == ["text/plain"]


@pytest.mark.parametrize(
    "options, words",
    [
        ({"refit": False, "scoring": ["accuracy", "f1_macro"]}, ["accuracy, f1_macro"]),
        ({"refit": lambda results: 0}, ["best candidate 0"]),
        ({"racing": True}, ["complete"]),
        ({"strategy": "halving", "n_trials": 4}, ["resources", "paused", "best score"]),
    ],
)
def test_other_searches(options, words) -> None:  # type: ignore[no-untyped-def]
    options = {"strategy": "random", "n_trials": 3, "random_state": 0, **options}
    search = SearchCV(SVC(), {"C": [0.1, 1, 10, 100]}, **options).fit(X, y)
    text = search_html(search)
    assert all(word in text for word in words)


def test_values_that_are_objects_are_escaped() -> None:
    space = {"clf": [SVC(), RandomForestClassifier(5)], "clf__random_state": [0]}
    from sklearn.pipeline import Pipeline

    search = SearchCV(Pipeline([("clf", SVC())]), space, strategy="grid", cv=2).fit(X, y)
    assert "SVC(" in search_html(search) or "RandomForestClassifier(" in search_html(search)
    assert "<b>" not in search_html(SearchCV(SVC(), {"C": [1]}, strategy="grid", scoring=Named()).fit(X, y))


class Named:
    """Scorer with a name that is no text."""

    def __repr__(self) -> str:
        return "<b>bold</b>"

    def __call__(self, estimator, X, y) -> float:  # type: ignore[no-untyped-def]
        return float(estimator.score(X, y))
