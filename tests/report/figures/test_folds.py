"""Folds of the candidates of a search."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

import hpcore as hp
from hpcore.report.figures.folds import draw
from hpcore.report.section import NothingToShow
from hpcore.sklearn import SearchCV
from tests.report.samples import section, told, trace


@pytest.fixture(scope="module", params=["r2", "neg_mean_squared_error"])
def search(request: pytest.FixtureRequest) -> SearchCV:
    X = np.random.default_rng(0).random((40, 3))
    space = {"alpha": hp.Float(1e-3, 1e3, log=True)}
    made = SearchCV(Ridge(), space, n_trials=8, sampler="random", scoring=request.param, cv=3, random_state=0)
    return made.fit(X, X @ [1, 2, 3])


def test_points_are_the_scores_of_cv_results(search: SearchCV) -> None:
    drawn = section(draw, search)
    results = search.cv_results_
    order = np.argsort(-results["mean_test_score"], kind="stable")
    for fold in range(3):
        points = trace(drawn, f"fold {fold}")
        assert points["x"].tolist() == list(range(8))
        np.testing.assert_allclose(points["y"], results[f"split{fold}_test_score"][order], rtol=1e-6)
    np.testing.assert_allclose(trace(drawn, "mean")["y"], results["mean_test_score"][order], rtol=1e-6)
    assert drawn.panels[0].layout["xaxis"]["ticktext"] == [str(i) for i in order]
    assert drawn.table is not None
    assert drawn.table.rows[0][0] == str(search.best_index_)
    low, high = drawn.panels[0].layout["yaxis"]["range"]
    assert low < search.best_score_ < high


def test_a_study_has_no_folds() -> None:
    with pytest.raises(NothingToShow, match="no candidates of a cross-validated search"):
        section(draw, told(3))
