"""Searches that use gradients: what they find, what they tell, and what is refused before anything is fitted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC, LinearSVR

import hpcore as hp
from hpcore.errors import HypergradientError, InvalidArgument, InvalidType
from hpcore.evaluation.hypergradients import registry
from hpcore.sklearn import GroupRidge, SearchCV, neg_squared_hinge, nested_cross_validate

X, y = load_diabetes(return_X_y=True)
X, y = X[:150], y[:150]
FEATURES, TARGET = make_classification(90, 6, n_informative=4, flip_y=0.1, random_state=0)
MODEL = GroupRidge(groups=10)
OPTIONS = {"scoring": "neg_mean_squared_error", "random_state": 0, "cv": 3}
PIPELINE = Pipeline([("pca", PCA()), ("model", LogisticRegression())])
C = hp.Float(1e-2, 1e2, log=True)


@pytest.fixture(autouse=True)
def nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.known()
    monkeypatch.setattr(registry, "_families", dict(registry._families))


def search(**options) -> SearchCV:
    given = {"strategy": "gradient", "n_trials": 8, **OPTIONS, **options}
    return SearchCV(MODEL, MODEL.space(1e-4, 1e2), **given).fit(X, y)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_eight_candidates_beat_sixty_at_random(seed: int) -> None:
    found = search(random_state=seed)
    assert found.best_score_ > search(strategy="random", n_trials=60, random_state=seed).best_score_
    assert len(found.cv_results_["params"]) == 8
    assert found.best_score_ == found.cv_results_["mean_test_score"].max()
    assert found.best_estimator_.get_params()["alpha_3"] == found.best_params_["alpha_3"]
    assert found.cv_results_["param_alpha_3"].dtype == float


def test_the_gaussian_process_uses_them_if_it_is_told_to() -> None:
    plain, told = search(strategy="gp"), search(strategy="gp", gradient=True)
    assert all(trial.gradient == {} for trial in plain.trials_)
    assert plain.optimizer_.history.gradients is None
    assert told.trials_[0].gradient.keys() == set(MODEL.space())


def test_gradients_are_those_of_the_mean_score_on_the_scale_of_the_cube() -> None:
    found = search()
    trial = found.optimizer_.trials[3]
    slopes = found.optimizer_.space.slopes(trial.params)
    expected = [-trial.gradient[name] * slopes[name] for name in found.optimizer_.space]
    np.testing.assert_allclose(found.optimizer_.history.gradients[3], expected, rtol=1e-12)


@pytest.mark.parametrize("strategy", ["gradient", "gp"])
def test_workers_give_the_same(strategy: str) -> None:
    options = {"strategy": strategy, "gradient": True, "deterministic": True}
    here, there = search(**options), search(**options, n_jobs=2)
    assert [t.params for t in here.trials_] == [t.params for t in there.trials_]
    assert [t.gradient for t in here.trials_] == [t.gradient for t in there.trials_]
    np.testing.assert_array_equal(here.cv_results_["mean_test_score"], there.cv_results_["mean_test_score"])


def test_a_stored_search_goes_on_with_its_gradients(tmp_path: Path) -> None:
    stored = {"storage": tmp_path / "runs.db", "study_name": "groups"}
    search(n_trials=4, **stored)
    continued, whole = search(**stored), search()
    assert [t.params for t in continued.trials_] == [t.params for t in whole.trials_]
    assert [t.gradient for t in continued.trials_] == [t.gradient for t in whole.trials_]


def test_a_candidate_that_lost_its_race_tells_none() -> None:
    found = search(strategy="gp", gradient=True, racing=True, n_trials=30, cv=5)
    lost = [trial for trial in found.trials_ if trial.state == "pruned"]
    assert lost and not any(trial.gradient for trial in lost)
    assert all(trial.gradient for trial in found.trials_ if trial.state == "complete")


def test_a_candidate_with_a_failed_fold_tells_none() -> None:
    class Moody(Ridge):
        def fit(self, X, y, sample_weight=None):
            if self.alpha < 1.0:
                raise ValueError("no")
            return super().fit(X, y, sample_weight)

    hp.hypergradient(Moody)(lambda estimator, X, y, X_valid, v, names: {"alpha": 0.5})
    with pytest.warns(FitFailedWarning, match="fits failed"):
        found = SearchCV(
            Moody(), {"alpha": hp.Float(0.1, 10.0)}, strategy="gradient", n_trials=2, random_state=0, error_score=-1e6,
            warm_start=[{"alpha": 0.5}, {"alpha": 5.0}],
        ).fit(X, y)  # fmt: skip
    assert [trial.gradient for trial in found.trials_] == [{}, {"alpha": 0.5}]


def test_several_metrics_have_the_gradient_of_the_one_that_decides() -> None:
    scoring = ["r2", "neg_root_mean_squared_error", "neg_max_error"]
    one = search(strategy="gp", gradient=True, scoring="neg_root_mean_squared_error", n_trials=2)
    several = search(strategy="gp", gradient=True, scoring=scoring, refit="neg_root_mean_squared_error", n_trials=2)
    assert [t.gradient for t in several.trials_] == [t.gradient for t in one.trials_]
    first = search(strategy="gp", gradient=True, scoring=scoring, refit=False, n_trials=2)
    assert [t.gradient for t in first.trials_] == [
        t.gradient for t in search(strategy="gp", gradient=True, scoring="r2", n_trials=2).trials_
    ]


def test_choices_and_conditions_are_chosen_by_the_model() -> None:
    svc, forest = SVC(), RandomForestClassifier(5, random_state=0)
    space = {
        "pca__n_components": hp.Int(2, 6),
        "model": hp.Categorical([svc, forest]),
        "model__C": hp.Float(0.1, 10.0, log=True, when={"model": svc}),
        "model__kernel": hp.Categorical(["rbf", "linear"], when={"model": svc}),
        "model__gamma": hp.Float(0.01, 1.0, log=True, when={"model__kernel": "rbf"}),
    }

    points = [{"model": forest}, {"model": svc, "model__kernel": "linear"}, {"model": svc, "model__kernel": "rbf"}]

    class Scorer(type(neg_squared_hinge)):
        def __call__(self, estimator, X, y):
            return super().__call__(estimator, X, y) if hasattr(estimator, "decision_function") else -2.0

    found = SearchCV(
        PIPELINE, space, strategy="gradient", n_trials=14, scoring=Scorer(), cv=3, random_state=0, warm_start=points
    ).fit(FEATURES, TARGET)  # fmt: skip
    for trial in found.trials_:
        expected = {"model__C", "model__gamma"} & trial.params.keys()
        assert trial.gradient.keys() == expected
    assert {len(trial.gradient) for trial in found.trials_} == {0, 1, 2}


def test_a_list_of_dictionaries_and_distributions() -> None:
    space = [{"model__C": scipy.stats.loguniform(0.01, 10.0)}, {"model__C": [1, 2], "pca__n_components": [2, 3]}]
    found = SearchCV(
        PIPELINE, space, strategy="gradient", n_trials=9, scoring="neg_log_loss", cv=3, random_state=0
    ).fit(FEATURES, TARGET)  # fmt: skip
    for trial in found.trials_:
        assert trial.gradient.keys() == (set() if "pca__n_components" in trial.params else {"model__C"})
    assert any(trial.gradient for trial in found.trials_)


def test_settings_without_a_derivative_are_candidates_without_a_gradient() -> None:
    space = {"C": C, "loss": ["squared_hinge", "hinge"]}
    found = SearchCV(
        LinearSVC(max_iter=100_000), space, strategy="gradient", n_trials=8, scoring=neg_squared_hinge, random_state=0
    ).fit(FEATURES, TARGET)  # fmt: skip
    for trial in found.trials_:
        assert bool(trial.gradient) == (trial.params["loss"] == "squared_hinge")
    assert {trial.params["loss"] for trial in found.trials_} == {"squared_hinge", "hinge"}


def test_nested_cross_validation() -> None:
    model = SearchCV(MODEL, MODEL.space(1e-4, 1e2), strategy="gradient", n_trials=4, **OPTIONS)
    nested = nested_cross_validate(model, X, y, cv=3)
    assert np.isfinite(nested.test_scores).all()
    assert all(trial.gradient for own in nested.searches for trial in own.trials_)


def test_parameters_and_clones() -> None:
    model = SearchCV(Ridge(), {"alpha": C}, strategy="gp", gradient=True)
    assert clone(model).get_params()["gradient"] is True


def test_the_scorer_of_a_row_is_weighted_as_the_scorer_is() -> None:
    import sklearn
    from sklearn.metrics import make_scorer as make
    from sklearn.metrics import mean_squared_error

    weights = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = make(mean_squared_error, greater_is_better=False).set_score_request(sample_weight=True)
        ridge = Ridge().set_fit_request(sample_weight=True)
        points = [{"alpha": 1.0}, {"alpha": 1.0 + 1e-4}, {"alpha": 1.0 - 1e-4}]
        found = SearchCV(
            ridge, {"alpha": hp.Float(0.5, 2.0)}, gradient=True, n_trials=3, scoring=scorer, warm_start=points, cv=3
        ).fit(X, y, sample_weight=weights)  # fmt: skip
    _, up, down = found.cv_results_["mean_test_score"]
    assert found.trials_[0].gradient["alpha"] == pytest.approx((up - down) / 2e-4, rel=1e-5)


REFUSED = [
    # what, estimator, space, options, words of the message
    ("no hypergradient", SGDClassifier(), {"alpha": C}, {}, ["SGDClassifier", "LogisticRegression, Ridge, SVC, SVR",
     "hpcore.hypergradient(SGDClassifier)"]),
    ("no hypergradient in a pipeline", Pipeline([("s", StandardScaler()), ("m", SGDClassifier())]), {"m__alpha": C}, {},
     ["SGDClassifier", "GroupRidge"]),
    ("a parameter of an earlier step", Pipeline([("s", LinearSVR()), ("model", LogisticRegression())]),
     {"s__C": C, "model__C": C}, {}, ["'s__C'", "earlier step"]),
    ("choices only", LogisticRegression(), {"C": [0.1, 1.0]}, {}, ["'C'", "hpcore.Float", "none"]),
    ("integers only", Ridge(), {"alpha": hp.Int(1, 10)}, {}, ["Ridge", "'alpha'", "hpcore.Float"]),
    ("another parameter", LogisticRegression(), {"tol": hp.Float(1e-6, 1e-2)}, {}, ["'C'", "'tol'"]),
    ("quantiles of a distribution", LogisticRegression(), {"C": scipy.stats.gamma(2.0)}, {}, ["'C'", "none"]),
    ("another penalty", LogisticRegression(l1_ratio=0.5, solver="saga"), {"C": C}, {}, ["l2", "0.5"]),
    ("the hinge", LinearSVC(loss="hinge"), {"C": C}, {"scoring": neg_squared_hinge}, ["'squared_hinge'", "'hinge'"]),
    ("the l1 penalty", LinearSVC(penalty="l1"), {"C": C}, {"scoring": neg_squared_hinge}, ["'l2'", "'l1'"]),
    ("the insensitive loss", LinearSVR(), {"C": C}, {"scoring": "r2"}, ["'squared_epsilon_insensitive'", "SVR"]),
    ("a kernel of the user", SVC(kernel=lambda a, b: a @ b.T), {"C": C}, {"scoring": neg_squared_hinge},
     ["kernel", "'rbf'"]),
    ("several alphas", Ridge(alpha=[1.0, 2.0]), {"tol": C}, {"scoring": "r2"}, ["single alpha"]),
    ("an inner kernel", SVC(), {"C": C}, {"scoring": "neg_log_loss"}, ["SVC", "neg_squared_hinge", "'neg_log_loss'"]),
    ("accuracy", LogisticRegression(), {"C": C}, {"scoring": "accuracy"}, ["scoring", "'neg_log_loss'"]),
    ("no scoring", LogisticRegression(), {"C": C}, {"scoring": None}, ["scoring", "'neg_log_loss'", "score method"]),
    ("a function", LogisticRegression(), {"C": C}, {"scoring": lambda e, X, y: 0.0}, ["scoring", "'neg_log_loss'"]),
    ("a scheduler", LogisticRegression(), {"C": C}, {"scheduler": "halving", "resource": "n_samples"},
     ["scheduler", "'halving'"]),
]  # fmt: skip


@pytest.mark.parametrize("strategy", ["gradient", "gp"])
@pytest.mark.parametrize(
    ("estimator", "space", "options", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused_before_a_fit(estimator, space, options, words, strategy: str, monkeypatch) -> None:
    monkeypatch.setattr(type(estimator), "fit", lambda *args, **kwargs: pytest.fail("fitted"))
    options = {"strategy": strategy, "gradient": True, "n_trials": 3, "scoring": "neg_log_loss", **options}
    with pytest.raises(InvalidArgument) as caught:
        SearchCV(estimator, space, **options).fit(FEATURES, TARGET)
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize("strategy", ["random", "grid", "tpe", "sobol"])
def test_refused_with_a_strategy_that_has_no_use_for_them(strategy: str) -> None:
    with pytest.raises(InvalidArgument, match="gradient must be False"):
        SearchCV(LogisticRegression(), {"C": C}, strategy=strategy, gradient=True).fit(FEATURES, TARGET)


def test_refused_as_no_flag() -> None:
    with pytest.raises(InvalidType, match="gradient"):
        SearchCV(LogisticRegression(), {"C": C}, gradient="yes").fit(FEATURES, TARGET)


def test_what_only_the_data_show() -> None:
    three = np.arange(len(TARGET)) % 3
    with pytest.raises(InvalidArgument, match="SVC has a hypergradient for two classes, got 3"):
        SearchCV(SVC(), {"C": C}, strategy="gradient", scoring=neg_squared_hinge).fit(FEATURES, three)


class Own(Ridge):
    """An estimator of the user's."""


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_function_of_the_user_that_fails_is_named(n_jobs: int) -> None:
    @hp.hypergradient(Own)
    def of_own(estimator, X, y, X_valid, v, names):
        return {"alpha": 1.0 / (estimator.alpha - estimator.alpha)}

    with pytest.raises(HypergradientError, match=r"hypergradient of Own raised ZeroDivisionError: .*of_own"):
        SearchCV(Own(), {"alpha": C}, strategy="gradient", n_trials=2, n_jobs=n_jobs, **OPTIONS).fit(X, y)


@pytest.mark.parametrize("found", [{"alpha": np.nan}, {"alpha": np.inf}, {}])
def test_a_function_of_the_user_that_has_no_number_is_told_of(found: dict[str, float]) -> None:
    hp.hypergradient(Own)(lambda estimator, X, y, X_valid, v, names: found)
    with pytest.warns(UserWarning, match="none of 3 complete candidates had a finite gradient"):
        SearchCV(Own(), {"alpha": C}, strategy="gradient", n_trials=3, **OPTIONS).fit(X, y)
