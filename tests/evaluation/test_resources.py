"""Resources of a fit: rows, a parameter, epochs; and the evaluation of a configuration at their levels."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris, make_regression
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import check_scoring
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from hpcore.evaluation.engine import run
from hpcore.evaluation.models import Models
from hpcore.evaluation.resources import Epochs, Parameter, Rows
from hpcore.evaluation.source import Candidate, Source
from hpcore.evaluation.subsample import strata_of
from hpcore.evaluation.workload import Workload
from hpcore.workers.pools import OwnPool

X, Y = load_iris(return_X_y=True)
SPLITS = list(StratifiedKFold(3).split(X, Y))


def workload(estimator: Any, resource: Any, **settings: Any) -> Workload:
    return Workload(
        estimator=estimator,
        X=settings.pop("X", X),
        y=settings.pop("y", Y),
        splits=SPLITS,
        scorer=check_scoring(estimator),
        fit_params=settings.pop("fit_params", {}),
        score_params={},
        error_score="raise",
        return_train_score=False,
        resource=resource,
        **settings,
    )


class Seen(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Report the rows of its fits, which are in the first column, as the score."""

    def __init__(self, seen: Any = None) -> None:
        self.seen = seen

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Seen:
        self.classes_ = np.unique(y)
        if sample_weight is not None:
            assert (sample_weight == 10 * X[:, 0]).all()
        self.seen.append((X[:, 0].astype(int), y))
        return self

    def __sklearn_clone__(self) -> Seen:
        return Seen(self.seen)

    def score(self, X: Any, y: Any) -> float:
        return float(len(X))


class TestRows:
    def seen(self, levels: list[int], **settings: Any) -> list[Any]:
        seen: list[Any] = []
        numbered = np.arange(150.0)[:, None]
        work = workload(Seen(seen), Rows(150, strata_of(Y), 3), X=numbered, **settings)
        for k in range(len(levels)):
            assert [score.test_scores for score in work.evaluate({}, range(3), levels[: k + 1])] == [50.0] * 3
        return seen

    def test_nested_stratified_and_whole_test_folds(self):
        seen = self.seen([15, 45, 150])
        for fold in range(3):
            small, middle, full = (seen[3 * k + fold] for k in range(3))
            assert set(small[0]) < set(middle[0]) < set(full[0])
            assert (full[0] == SPLITS[fold][0]).all()
            for rows, y in (small, middle):
                assert (np.diff(rows) > 0).all()
                assert (np.bincount(y) == len(y) / 3).sum() >= 2 or len(y) % 3
            assert (len(small[0]), len(middle[0])) == (10, 30)
            assert not set(full[0]) & set(SPLITS[fold][1])

    def test_sample_weight_is_sliced(self):
        self.seen([15, 150], fit_params={"sample_weight": 10 * np.arange(150.0)})

    def test_masks(self):
        mask = np.zeros(150, dtype=bool)
        mask[SPLITS[0][0]] = True
        rows = Rows(150, strata_of(Y), 3)
        assert (rows.rows(0, mask, 30) == rows.rows(0, SPLITS[0][0], 30)).all()
        assert (rows.rows(0, mask, 150) == SPLITS[0][0]).all()

    def test_folds_have_their_own_rows_and_a_copy_has_the_same(self):
        rows = Rows(150, None, 3)
        same = pickle.loads(pickle.dumps(rows))  # noqa: S301
        train = np.arange(100)
        assert (rows.rows(0, train, 30) == same.rows(0, train, 30)).all()
        assert (rows.rows(0, train, 30) != rows.rows(1, train, 30)).any()

    def test_a_level_has_a_row_at_least(self):
        assert len(Rows(150, None, 3).rows(0, np.arange(100), 1)) == 1

    def test_transformers_are_kept_for_each_level(self):
        model = make_pipeline(StandardScaler(), SGDClassifier(random_state=0))
        found = []
        for caching in (False, True):
            work = workload(model, Rows(150, strata_of(Y), 0), caching=caching)
            found += [
                [score.test_scores for score in work.evaluate({"sgdclassifier__alpha": alpha}, range(3), levels)]
                for alpha in (1e-4, 1e-2)
                for levels in ([15], [15, 150])
            ]
        assert found[:4] == found[4:]


class TestParameter:
    resource = Parameter(40, "n_estimators", "warm_start")

    def test_from_scratch_without_warm_start(self):
        work = workload(RandomForestClassifier(random_state=0), Parameter(40, "n_estimators", None))
        for levels in ([5], [5, 20]):
            for fold, score in enumerate(work.evaluate({"max_depth": 2}, range(3), levels, 7)):
                model = RandomForestClassifier(levels[-1], max_depth=2, random_state=0)
                train, test = SPLITS[fold]
                assert score.test_scores == model.fit(X[train], Y[train]).score(X[test], Y[test])

    def test_a_level_sets_the_parameter_and_continues_only_with_warm_start(self):
        assert self.resource.params(7) == {"n_estimators": 7, "warm_start": True} and self.resource.continues
        plain = Parameter(40, "n_estimators", None)
        assert plain.params(7) == {"n_estimators": 7} and not plain.continues

    def test_continues_the_fit(self):
        model = GradientBoostingClassifier(subsample=0.5, random_state=0)
        work = workload(model, self.resource)
        params = {"learning_rate": 0.05}
        train, test = SPLITS[1]
        other = clone(model).set_params(**params, warm_start=True)
        for levels in ([2], [2, 6], [2, 6, 20]):
            [score] = work.evaluate(params, [1], levels, 7)
            expected = other.set_params(n_estimators=levels[-1]).fit(X[train], Y[train]).score(X[test], Y[test])
            assert score.test_scores == expected
            assert work.models.latest(7, 1, 3)[0] == len(levels)

    def test_lost_models_are_made_again(self):
        model = GradientBoostingClassifier(subsample=0.5, random_state=0)
        levels = [2, 6, 20]
        scores = []
        for lose in ((), (1,), (2,), (1, 2)):
            work = workload(model, self.resource)
            for k in range(1, 4):
                if k - 1 in lose:
                    work.models = Models()
                [score] = work.evaluate({}, [0], levels[:k], 0)
                assert score.fit_time >= 0.0
            scores.append(score.test_scores)
        assert len(set(scores)) == 1

    def test_last_level_is_not_kept(self):
        work = workload(GradientBoostingClassifier(random_state=0), self.resource)
        list(work.evaluate({}, [0], [10, 40], 0))
        assert work.models.latest(0, 0, 5) == (0, None)

    def test_pipeline(self):
        model = make_pipeline(StandardScaler(), GradientBoostingClassifier(random_state=0))
        step = "gradientboostingclassifier__"
        work = workload(model, Parameter(40, f"{step}n_estimators", f"{step}warm_start"), caching=True)
        for levels in ([2], [2, 6], [2, 6, 20]):
            scores = [score.test_scores for score in work.evaluate({}, range(3), levels, 7)]
        expected = []
        for train, test in SPLITS:
            whole = clone(model).set_params(**{f"{step}n_estimators": 20}).fit(X[train], Y[train])
            expected.append(whole.score(X[test], Y[test]))
        assert scores == expected


class Counting(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Report the number of partial fits, and check what they are given."""

    def fit(self, X: Any, y: Any) -> Counting:
        raise AssertionError

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Counting:
        if not hasattr(self, "n_"):
            assert classes.tolist() == [0, 1, 2]
            self.classes_, self.n_, self.orders_ = classes, 0, []
        self.orders_.append(X[:, 0].tolist())
        self.n_ += 1
        if sample_weight is not None:
            assert (sample_weight == X[:, 1]).all()
        return self

    def score(self, X: Any, y: Any) -> float:
        assert len({tuple(order) for order in self.orders_}) == self.n_
        assert len({tuple(sorted(order)) for order in self.orders_}) == 1
        return float(self.n_)


class Memory:
    """Count the functions that a pipeline caches."""

    def __init__(self) -> None:
        self.n_cached = 0

    def cache(self, function: Any, **options: Any) -> Any:
        self.n_cached += 1
        return function


class TestEpochs:
    def test_transformers_go_through_the_memory_of_the_pipeline(self):
        memory = Memory()
        model = make_pipeline(StandardScaler(), SGDClassifier(random_state=0), memory=memory)
        Epochs(9, np.unique(Y), 0).fit(model, X, Y, {}, 0, 1)
        assert memory.n_cached > 0

    def test_continues(self):
        work = workload(Counting(), Epochs(27, np.unique(Y), 5), fit_params={"sample_weight": X[:, 1]})
        for levels in ([1], [1, 3], [1, 3, 9]):
            assert [score.test_scores for score in work.evaluate({}, range(3), levels, 0)] == [levels[-1]] * 3

    @pytest.mark.parametrize("scaled", [False, True])
    @pytest.mark.parametrize("caching", [False, True])
    def test_same_as_in_one_go(self, scaled, caching):
        model = SGDClassifier(random_state=0)
        params = {"alpha": 1e-3}
        if scaled:
            model = make_pipeline(StandardScaler(), StandardScaler(with_std=False), model)
            params = {"sgdclassifier__alpha": 1e-3}
        work = workload(model, Epochs(27, np.unique(Y), 5), caching=caching)
        for k in range(1, 4):
            rungs = [score.test_scores for score in work.evaluate(params, range(3), [1, 4, 9][:k], 0)]
        assert rungs == [score.test_scores for score in work.evaluate(params, range(3), [9], 1)]
        if scaled:
            train, test = SPLITS[0]
            scaler = StandardScaler().fit(X[train])
            plain = SGDClassifier(alpha=1e-3, random_state=0)
            Epochs(27, np.unique(Y), 5).fit(plain, scaler.transform(X[train]), Y[train], {}, 0, 9)
            assert plain.score(scaler.transform(X[test]), Y[test]) == pytest.approx(rungs[0])

    def test_regressor_and_metadata_of_a_step(self):
        A, b = make_regression(150, 5, random_state=0)
        model = make_pipeline(StandardScaler(), SGDRegressor(random_state=0))
        weights = np.random.default_rng(0).uniform(size=150)
        found = clone(model)
        given = {"sgdregressor__sample_weight": weights, "standardscaler__sample_weight": weights}
        Epochs(9, None, 0).fit(found, A, b, given, 0, 3)
        assert found[0].mean_ == pytest.approx(np.average(A, axis=0, weights=weights))
        plain = SGDRegressor(random_state=0)
        Epochs(9, None, 0).fit(plain, found[0].transform(A), b, {"sample_weight": weights}, 0, 3)
        assert found.predict(A) == pytest.approx(plain.predict(found[0].transform(A)))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_levels_on_workers(n_jobs):
    model = GradientBoostingClassifier(subsample=0.5, random_state=0)
    found: dict[tuple[int, tuple[int, ...]], list[float]] = {}
    left = [Candidate(None, {}, number=number, levels=(2, 6, 12)[:k]) for k in (1, 2, 3) for number in (0, 1)]

    def complete(candidate: Candidate, scores: Any) -> None:
        found[candidate.number, candidate.levels] = [score.test_scores for score in scores]

    source = Source(lambda: left.pop(0) if left else None, complete, range(3))
    run(workload(model, Parameter(12, "n_estimators", "warm_start")), None if n_jobs == 1 else OwnPool(2), [source])
    work = workload(model, Parameter(12, "n_estimators", "warm_start"))
    for levels in ((2,), (2, 6), (2, 6, 12)):
        expected = [score.test_scores for score in work.evaluate({}, range(3), levels, 5)]
        assert found[0, levels] == found[1, levels] == expected
