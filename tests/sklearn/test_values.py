"""Grids and distributions are read as GridSearchCV and RandomizedSearchCV read them, or refused with a name."""

from __future__ import annotations

import array
import collections
import fractions
import itertools
import subprocess
import sys
import warnings
import zlib

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from scipy import stats
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, ParameterGrid, RandomizedSearchCV
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.validation import check_is_fitted

import hpcore as hp
from hpcore.errors import HpcoreError, InvalidArgument, InvalidSpace, InvalidType, SpaceMismatch
from hpcore.samplers import GPSampler, RandomSampler
from hpcore.sklearn import SearchCV, nested_cross_validate
from hpcore.sklearn.values import Manner, read_value

X, y = np.zeros((4, 1)), np.arange(4)


class Echo(BaseEstimator):
    """Scores by what its parameters look like, so that no two candidates are taken for one another."""

    def __init__(self, a=1, b=2, c=None):
        self.a, self.b, self.c = a, b, c

    def fit(self, X, y):
        return self

    def score(self, X, y):
        return zlib.crc32(repr((self.a, self.b, self.c)).encode()) / 2**32


class Near(Echo):
    """Better nearer to a = 5."""

    def score(self, X, y):
        return -abs(float(self.a) - 5.0)


SCALER = StandardScaler()
SHUFFLED = [3, 1, 2, 10, 7]

GRIDS = {
    "list": {"a": [1, 2, 3]},
    "two names, unsorted": {"b": [1, 2], "a": ["x", "y"]},
    "tuple of two numbers": {"a": (0.1, 10)},
    "tuple of two numbers, falling": {"a": (1e-2, 1e-3)},
    "tuple of two integers": {"a": (1, 100)},
    "tuple of equals": {"a": (2, 2)},
    "tuple of one": {"a": (0.5,)},
    "tuple of three": {"a": (1, 2, 3)},
    "tuple of booleans": {"a": (True, False)},
    "tuple of texts": {"a": ("l1", "l2")},
    "tuple with None": {"a": (None, 3)},
    "tuple with NaN": {"a": (np.nan, 1.0)},
    "falling list": {"a": [10, 1, 0.1]},
    "shuffled list": {"a": SHUFFLED, "b": [2, 1, 3]},
    "repeated numbers": {"a": [1, 1, 2]},
    "repeated and shuffled": {"a": [2, 1, 2, 3, 1], "b": [0, 0]},
    "repeated texts": {"a": ["x", "y", "x"]},
    "repeated objects": {"a": [SCALER, MinMaxScaler(), SCALER]},
    "rounded to the same": {"a": np.logspace(0, 1, 12).astype(int)},
    "equal but of other types": {"a": [1, 1.0, True, np.int64(1), "1"]},
    "range": {"a": range(2, 9, 3)},
    "falling range": {"a": range(9, 2, -3)},
    "range of one": {"a": range(3, 4, 10)},
    "floats": {"a": np.logspace(-2, 2, 5)},
    "shuffled array": {"a": np.array([0.3, 0.1, 0.2])},
    "float32": {"a": np.array([0.1, 0.2, 0.3], dtype=np.float32)},
    "int8": {"a": np.arange(3, dtype=np.int8)},
    "array of booleans": {"a": np.array([True, False])},
    "array of texts": {"a": np.array(["x", "yy"])},
    "array of objects": {"a": np.array([None, 1, "x", (1, 2)], dtype=object)},
    "array of dates": {"a": np.array(["2020-01-01", "2021-01-01", "2019-01-01"], dtype="datetime64[D]")},
    "array of complex numbers": {"a": np.array([1j, 2 + 1j, 3])},
    "mixed": {"a": [None, "auto", 1, 2.5]},
    "tuples": {"a": [(10,), (10, 20), (5, 5, 5)]},
    "lists": {"a": [[1, 2], [3]], "b": [(1, 2)]},
    "dictionaries": {"a": [{0: 1}, {0: 2}, None]},
    "functions": {"a": [len, max]},
    "estimators": {"a": [SCALER, MinMaxScaler(), "passthrough"], "b": [1]},
    "fractions": {"a": [fractions.Fraction(1, 3), fractions.Fraction(1, 7), 2]},
    "infinite": {"a": [1.0, np.inf, -np.inf]},
    "huge": {"a": [10**400, 1, 10**200]},
    "deque": {"a": collections.deque([3, 1])},
    "array module": {"a": array.array("d", [0.5, 0.1, 0.2])},
    "user list": {"a": collections.UserList([1, 2])},
    "ordered dictionary": collections.OrderedDict(b=[1], a=[2, 1]),
    "nothing": {},
    "list of nothing": [{}],
    "twice nothing": [{}, {}],
    "nothing and something": [{}, {"a": [2, 1]}],
    "two dictionaries": [{"a": (1, 0.1)}, {"b": [3, 3], "a": [None]}],
    "the same dictionary twice": [{"a": [1]}, {"a": [1]}],
    # --- refused by both
    "number": {"a": 1.0},
    "text": {"a": "rbf"},
    "None": {"a": None},
    "estimator alone": {"a": SCALER},
    "empty list": {"a": []},
    "empty tuple": {"a": ()},
    "empty array": {"a": np.array([])},
    "empty range": {"a": range(0)},
    "array of no dimension": {"a": np.array(3.0)},
    "NumPy number": {"a": np.float64(3.0)},
    "array of two dimensions": {"a": np.ones((2, 2))},
    "column": {"a": np.ones((3, 1))},
    "frame": {"a": pd.DataFrame({"x": [1, 2]})},
    "sparse": {"a": scipy.sparse.eye(3).tocsr()},
    "set": {"a": {1, 2}},
    "frozenset": {"a": frozenset([1, 2])},
    "dictionary for a list": {"a": {"x": 1}},
    "generator": {"a": (c for c in (0.1, 1))},
    "map": {"a": map(float, ("0.1", "1"))},
    "filter": {"a": filter(None, [1, 2])},
    "zip": {"a": zip([1, 2], [3, 4], strict=True)},
    "iterator": {"a": iter([1, 2])},
    "chain": {"a": itertools.chain([1], [2])},
    "function": {"a": len},
    "list of lists": [[{"a": [1]}]],
    "list of numbers": [1],
    "no dictionaries": [],
    "unknown name": {"z": [1]},
}


def found(search):
    search.fit(X, y)
    return [repr(params) for params in search.cv_results_["params"]], search.cv_results_["mean_test_score"].tolist()


@pytest.mark.parametrize("name", GRIDS)
def test_grids_as_grid_search_has_them(name):
    grid = GRIDS[name]
    search = SearchCV(Echo(), grid, strategy="grid", cv=2)
    try:
        theirs = found(GridSearchCV(Echo(), grid, cv=2))
    except (TypeError, ValueError):
        with pytest.raises((InvalidType, InvalidSpace)) as caught:
            search.fit(X, y)
        if isinstance(grid, dict):
            assert "space['a']" in str(caught.value) or name == "unknown name"
    else:
        assert found(search) == theirs
        given = iter(ParameterGrid(grid))
        for params, expected in zip(search.cv_results_["params"], given, strict=True):
            for key, value in params.items():
                assert type(value) is type(expected[key])


def shown(params):
    return repr(sorted(params.items()))


def multiset(search):
    return sorted(map(shown, search.fit(X, y).cv_results_["params"]))


@pytest.mark.parametrize("name", GRIDS)
def test_grids_as_randomized_search_has_them(name):
    grid = GRIDS[name]
    search = SearchCV(Echo(), grid, strategy="random", n_trials=30, cv=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            theirs = multiset(RandomizedSearchCV(Echo(), grid, n_iter=30, cv=2))
        except (TypeError, ValueError):
            theirs = None
    if theirs is None:
        with pytest.raises(HpcoreError):
            search.fit(X, y)
    else:
        assert multiset(search) == theirs


@pytest.mark.parametrize("strategy", ["gp", "tpe"])
def test_strategies_that_learn_try_each_choice_once(strategy):
    for name, grid in GRIDS.items():
        try:
            candidates = list(map(shown, ParameterGrid(grid)))
        except (TypeError, ValueError):
            break  # those that are refused come last
        found = multiset(SearchCV(Echo(), grid, strategy=strategy, n_trials=30, cv=2, random_state=0))
        # Of dictionaries each is another choice.
        assert found == sorted(candidates if "twice" in name else {*candidates}), name
    assert name == "number"


ACCEPTED = {
    "keys": {0.1: 0, 1: 0}.keys(),
    "values": {"x": 0.1, "y": 1}.values(),
    "items": {"x": 0.1}.items(),
    "index": pd.Index([0.1, 1.0]),
    "falling index": pd.Index([3, 2, 1]),
    "series": pd.Series([2.0, 1.0], index=["u", "v"]),
    "range index": pd.RangeIndex(3),
    "categories": pd.Categorical(["x", "y"]),
    "extension array": pd.array([1, 2, None], dtype="Int64"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_other_collections_with_an_order_are_lists(name):
    values = ACCEPTED[name]
    search = SearchCV(Echo(), {"a": values}, strategy="grid", cv=2)
    assert found(search) == found(GridSearchCV(Echo(), {"a": list(values)}, cv=2))


def test_an_empty_grid_is_the_model_as_it_is():
    X, y = np.arange(20.0).reshape(10, 2) ** 2, np.arange(10.0)
    for strategy in ("grid", "gp", "tpe", "random", "sobol", "auto"):
        for model, grid in ((Ridge(), {"alpha": [0.1, 1]}), (LinearRegression(), {}), (LinearRegression(), [{}])):
            theirs = GridSearchCV(model, grid).fit(X, y)
            ours = SearchCV(model, grid, strategy=strategy, n_trials=5, random_state=0).fit(X, y)
            assert ours.best_score_ == theirs.best_score_
            assert ours.best_params_ == theirs.best_params_
            assert len(ours.cv_results_["params"]) == len(theirs.cv_results_["params"])
            check_is_fitted(ours.best_estimator_)


def test_what_can_be_read_once_is_not_read():
    values = (v for v in (1, 2))
    search = SearchCV(Echo(), {"a": values}, cv=2)
    for attempt in (search, clone(search), search):
        with pytest.raises(InvalidType, match=r"space\['a'\].*read only once.*list\(\.\.\.\)"):
            attempt.fit(X, y)
    assert search.get_params()["space"]["a"] is values
    assert list(values) == [1, 2]


def test_a_grid_is_unchanged_and_serves_again():
    grid = {"a": [2, 1, 2], "b": {3: 0, 1: 0}.keys()}
    search = SearchCV(Echo(), grid, strategy="grid", cv=2)
    first = found(search)
    assert search.space is grid
    assert found(search) == found(clone(search)) == first
    assert len(first[0]) == 6


class Foreign:
    """As optuna.distributions has it: neither rvs nor ppf."""

    def __init__(self, low, high):
        self.low, self.high = low, high


# scipy's newer distributions have no rvs, and RandomizedSearchCV refuses them as well.
NEWER = [stats.Normal(mu=0.0, sigma=1.0)] if hasattr(stats, "Normal") else []


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize("value", [Foreign(1, 2), Foreign, Unspeakable(), *NEWER])
def test_distributions_of_other_libraries_are_named(value):
    for strategy in ("gp", "random", "grid"):
        with pytest.raises(InvalidType, match=r"space\['a'\].*hpcore\.Float\(low, high, log=True\)"):
            SearchCV(Echo(), {"a": value, "b": hp.Float(0, 1)}, strategy=strategy, cv=2).fit(X, y)


def test_single_values_stand_beside_parameters():
    search = SearchCV(Echo(), {"a": hp.Int(1, 3), "b": "x", "c": None}, strategy="grid", cv=2).fit(X, y)
    assert search.cv_results_["params"] == [{"a": a, "b": "x", "c": None} for a in (1, 2, 3)]


def test_a_condition_means_a_choice_however_often_it_is_listed():
    space = {"a": ["x", "y", "x"], "b": hp.Int(1, 2, when={"a": "x"})}
    for strategy in ("grid", "random", "gp"):
        params = SearchCV(Echo(), space, strategy=strategy, n_trials=9, cv=2).fit(X, y).cv_results_["params"]
        assert sorted(map(repr, params)) == ["{'a': 'x', 'b': 1}", "{'a': 'x', 'b': 2}", "{'a': 'y'}"]


@pytest.mark.parametrize("strategy", ["grid", "random", "gp"])
def test_warm_starts_of_lists(strategy):
    grid = [{"a": [3, 1, 3], "b": ["u"]}, {"a": ["z"]}]
    points = [{"a": "z"}, {"a": 3, "b": "u"}]
    search = SearchCV(Echo(), grid, strategy=strategy, warm_start=points, n_trials=3, cv=2, random_state=0).fit(X, y)
    assert search.cv_results_["params"][:2] == points
    with pytest.raises(InvalidArgument, match=r"warm_start\[0\].*'a'.*one of"):
        SearchCV(Echo(), {"a": [3, 1, 3]}, strategy=strategy, warm_start=[{"a": 2}], cv=2).fit(X, y)


# --- the order of numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [[1, 10, 100], [100, 10, 1], [10, 100, 1], np.array([1, 2, 5]), [1, 2.5, np.inf]])
def test_numbers_have_their_order_for_strategies_that_learn(values):
    column = SearchCV(Echo(), {"a": values}, strategy="gp", cv=2, n_trials=1).fit(X, y).optimizer_.space["a"]
    assert column.ordered
    assert list(column.choices) in (sorted(values), sorted(values, reverse=True))


@pytest.mark.parametrize("values", [[1, 2], [True, False, 3], [1, 2, None], ["1", "2", "3"], [1, 2, np.nan], [1j, 2]])
def test_what_has_no_order_gets_none(values):
    column = SearchCV(Echo(), {"a": values}, strategy="gp", cv=2, n_trials=1).fit(X, y).optimizer_.space["a"]
    assert not column.ordered
    assert list(map(repr, column.choices)) == list(map(repr, values))


class Valley(Echo):
    def score(self, X, y):
        return -((np.log10(self.a) - 1.2) ** 2) - (np.log10(self.b) + 2.1 + 0.5 * np.log10(self.a)) ** 2


def test_the_best_of_a_shuffled_grid_is_found():
    rng = np.random.default_rng(0)
    a, b = rng.permutation(np.logspace(-3, 3, 25)), np.logspace(1, -6, 25)
    best = max(Valley(u, v).score(X, y) for u in a for v in b)
    hits = 0
    for seed in range(5):
        search = SearchCV(Valley(), {"a": a, "b": b}, n_trials=40, cv=2, refit=False, random_state=seed).fit(X, y)
        hits += search.best_score_ >= best - 1e-12
    # Without the order: 4 of 10.
    assert hits == 5


def test_a_stored_search_of_lists_without_an_order_goes_on():
    from hpcore.storage import open_storage

    for values in ([1, 2, 3, 4], [3, 1, 4, 2]):
        store = open_storage("sqlite:///:memory:")
        kept = {"storage": store, "study_name": "s", "cv": 2, "random_state": 0}
        # What earlier versions made of the list.
        SearchCV(Near(), {"a": hp.Categorical(values)}, n_trials=2, **kept).fit(X, y)
        for n, strategy in ((3, "gp"), (4, "grid")):
            search = SearchCV(Near(), {"a": values}, strategy=strategy, n_trials=n, **kept).fit(X, y)
            results = search.cv_results_
            assert [-abs(params["a"] - 5.0) for params in results["params"]] == results["mean_test_score"].tolist()
        assert sorted(params["a"] for params in results["params"]) == [1, 2, 3, 4]
        with pytest.raises(SpaceMismatch, match="choices of 'a'"):
            SearchCV(Near(), {"a": [1, 2, 3, 5]}, n_trials=4, **kept).fit(X, y)


# A table of all pairs of the texts would take 80 GB, the quantiles of the distributions more.
LONG = """
import resource, sys
import numpy as np
from scipy import stats
import hpcore as hp
from hpcore.sklearn.values import LEARNING, read_value
with open("/proc/self/statm") as f:
    now = int(f.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 400 * 2**20, resource.RLIM_INFINITY))
texts = [str(i) for i in range(100_000)]
for sampler in ("tpe", "gp", "random", "auto"):
    for choices in (hp.Categorical(texts), hp.Categorical(range(100_000)), list(range(100_000, 0, -1))):
        optimizer = hp.Optimizer({"a": choices, "x": hp.Float(0, 1)}, sampler=sampler, seed=0)
        for _ in range(20):
            trial = optimizer.ask()
            optimizer.tell(trial, (float(trial.params["a"]) / 1e5 - 0.3) ** 2 + trial.params["x"])
assert len(next(iter(hp.Space({"a": hp.Categorical(texts)}).grid()))) == 1
for distribution in (stats.zipf(2.0), stats.zipf(1.01), stats.planck(1e-7), stats.zipfian(1.1, 10**9)):
    assert (read_value(distribution, LEARNING).parameter.levels or 0) <= 1000
print("done")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the limit is Linux's")
def test_long_lists_and_long_tails_in_bounded_memory():
    run = subprocess.run([sys.executable, "-c", LONG], capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == "done", run.stderr


# --- distributions ----------------------------------------------------------------------------------------------------


class LogInt:
    """A user's own."""

    def rvs(self, random_state=None):
        return int(np.exp(random_state.uniform(0, 5)))


class Layers:
    """Draws of no numbers, hardly any of them twice."""

    def rvs(self, random_state=None):
        return tuple(random_state.randint(1, 500, size=2).tolist())


class Names:
    def rvs(self, random_state=None):
        return random_state.choice(["x", "y", "z"], p=[0.1, 0.1, 0.8])


class Smooth:
    def rvs(self, random_state=None):
        return random_state.standard_cauchy()


DISTRIBUTIONS = {
    "rv_discrete of values": stats.rv_discrete(values=([1, 5, 9], [0.2, 0.3, 0.5])),
    "rv_discrete of floats": stats.rv_discrete(values=([0.1, 0.5, 0.9], [0.2, 0.3, 0.5])),
    "frozen rv_discrete, moved": stats.rv_discrete(values=([1, 5, 9], [0.2, 0.0, 0.8]))(loc=3),
    "rv_histogram": stats.rv_histogram(np.histogram([1, 2, 3, 3, 4])),
    "frozen rv_histogram": stats.rv_histogram(np.histogram([1, 2, 3, 3, 4]))(),
    "norm without arguments": stats.norm,
    "expon": stats.expon(scale=3),
    "loguniform": stats.loguniform(1e-3, 1e3),
    "a tail of norm": stats.truncnorm(20, 30),
    "cauchy": stats.cauchy(),
    "randint": stats.randint(1, 50),
    "poisson": stats.poisson(4),
    "planck, 27,631 values": stats.planck(0.001),
    "geom of many values": stats.geom(1e-6),
    "poisson far out": stats.poisson(1e7),
    "zipf": stats.zipf(2.0),
    "zipf of a heavier tail": stats.zipf(1.01),
    "skellam": stats.skellam(3, 5),
    "zipfian of a million": stats.zipfian(1.2, 1_000_000),
    "multivariate": stats.multivariate_normal([0, 1]),
    "own integers": LogInt(),
    "own tuples": Layers(),
    "own names": Names(),
    "own floats": Smooth(),
}


def plain(value):
    return np.asarray(value).tolist()


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_distributions_that_randomized_search_takes(name):
    distribution = DISTRIBUTIONS[name]
    RandomizedSearchCV(Echo(), {"a": distribution}, n_iter=3, cv=2, random_state=0).fit(X, y)
    a_draw = distribution.rvs(random_state=np.random.RandomState(0))

    def candidates(strategy):
        search = SearchCV(Echo(), {"a": distribution, "b": [1, 2]}, strategy=strategy, n_trials=4, cv=2, random_state=0)
        return search.fit(X, y).cv_results_["params"]

    for strategy in ("random", "gp", "tpe"):
        found = candidates(strategy)
        assert len(found) == 4
        assert {type(params["a"]) for params in found} <= {type(a_draw), int, float}
        assert {np.shape(params["a"]) for params in found} == {np.shape(a_draw)}
    assert list(map(repr, candidates("random"))) == list(map(repr, candidates("random")))


@pytest.mark.parametrize("name", sorted(DISTRIBUTIONS.keys() - {"multivariate", "own tuples", "zipfian of a million"}))
def test_draws_follow_the_distribution(name):
    distribution = DISTRIBUTIONS[name]
    theirs = [distribution.rvs(random_state=np.random.RandomState(seed)) for seed in range(10_000, 11_000)]
    for manner in (Manner.of(RandomSampler(), False), Manner.of(GPSampler(), False)):
        reading = read_value(distribution, manner)
        values = [params["a"] for params in hp.Space({"a": reading.parameter}).sample(1000, seed=1)]
        ours = [value if reading.translation is None else reading.translation.value(value) for value in values]
        if isinstance(theirs[0], str):
            ours, both = ["xyz".index(v) for v in ours], ["xyz".index(v) for v in theirs]
        else:
            both = theirs
        # Of equal numbers the test is conservative. The levels of quantiles are those of a sample of 1,000.
        assert stats.ks_2samp(ours, both).pvalue > 1e-3


def test_a_distribution_is_learnt_from():
    for distribution in (stats.planck(0.001), Smooth(), stats.rv_discrete(values=(range(50), np.full(50, 0.02)))):
        means = {}
        for strategy in ("gp", "random"):
            search = SearchCV(Near(), {"a": distribution}, strategy=strategy, n_trials=30, cv=2, random_state=0).fit(
                X, y
            )
            means[strategy] = np.mean(search.cv_results_["mean_test_score"][15:].clip(-100))
        assert means["gp"] > means["random"]


def test_a_grid_of_distributions():
    for name in ("own floats", "planck, 27,631 values", "zipf"):
        search = SearchCV(Near(), {"a": DISTRIBUTIONS[name]}, strategy="grid", cv=2).fit(X, y)
        values = [params["a"] for params in search.cv_results_["params"]]
        assert values == sorted(values)
    for name, n in (("own names", 3), ("rv_discrete of values", 3), ("expon", 5)):
        assert (
            len(SearchCV(Echo(), {"a": DISTRIBUTIONS[name]}, strategy="grid", cv=2).fit(X, y).cv_results_["params"])
            == n
        )
    with pytest.raises(InvalidSpace, match=r"space\['a'\].*no grid; strategy='random'"):
        SearchCV(Echo(), {"a": Layers()}, strategy="grid", cv=2).fit(X, y)


class Wrong:
    def rvs(self, random_state=None):
        raise RuntimeError("no idea")


@pytest.mark.parametrize(
    "value, words",
    [
        (stats.gamma, "arguments"),
        (stats.zipf, "arguments"),
        (stats.uniform([0, 1], 1), "single numbers"),
        (stats.expon(scale=-1), "within its range"),
        (stats.poisson(-1), "within its range"),
        (stats.binom([3, 4], 0.5), "not arrays"),
        (Wrong(), "RuntimeError: no idea"),
        (LogInt, "random_state"),
        (type("Old", (), {"rvs": lambda self: 1})(), "random_state"),
    ],
)
def test_distributions_that_cannot_be_drawn_from(value, words):
    for strategy in ("random", "gp", "grid"):
        with pytest.raises(InvalidSpace, match=rf"space\['a'\].*{words}"):
            SearchCV(Echo(), {"a": value}, strategy=strategy, cv=2).fit(X, y)


def test_warm_starts_of_draws():
    search = {"estimator": Echo(), "cv": 2, "random_state": 0, "n_trials": 2}
    first = SearchCV(space={"a": Smooth()}, strategy="gp", **search).fit(X, y).cv_results_["params"][1]
    again = SearchCV(space={"a": Smooth()}, strategy="gp", warm_start=[first], **search).fit(X, y)
    assert again.cv_results_["params"][0] == first
    with pytest.raises(InvalidArgument, match=r"warm_start\[0\].*'a'.*drawn"):
        SearchCV(space={"a": Smooth()}, strategy="gp", warm_start=[{"a": 0.5}], **search).fit(X, y)
    with pytest.raises(InvalidArgument, match=r"warm_start\[0\].*'a'.*drawn"):
        SearchCV(space={"a": Smooth()}, strategy="random", warm_start=[{"a": 0.5}], **search).fit(X, y)


class Forgetful:
    """Has random numbers of its own."""

    rng = np.random.default_rng(0)

    def rvs(self, random_state=None):
        return float(self.rng.uniform())


def test_draws_that_do_not_follow_the_random_state():
    search = SearchCV(Echo(), {"a": Forgetful()}, strategy="random", n_trials=4, cv=2, random_state=0).fit(X, y)
    assert [trial.params for trial in search.trials_] == search.cv_results_["params"]
    kept = {"storage": "sqlite:///:memory:", "study_name": "s"}
    with pytest.raises(InvalidSpace, match=r"space\['a'\].*random_state"):
        SearchCV(Echo(), {"a": Forgetful()}, strategy="random", n_trials=4, cv=2, **kept).fit(X, y)


def test_a_stored_search_of_draws_goes_on(tmp_path):
    kept = {"storage": tmp_path / "s.db", "study_name": "s", "strategy": "random", "cv": 2, "random_state": 3}
    space = {"a": LogInt(), "b": [2, 1, 2]}
    whole = SearchCV(Echo(), space, n_trials=6, **{**kept, "storage": None, "study_name": None}).fit(X, y)
    SearchCV(Echo(), space, n_trials=3, **kept).fit(X, y)
    assert SearchCV(Echo(), space, n_trials=6, **kept).fit(X, y).cv_results_["params"] == whole.cv_results_["params"]


def test_nested_with_all_of_it():
    data = np.arange(24.0).reshape(12, 2)
    search = SearchCV(Echo(), {"a": (1, 2), "b": LogInt(), "c": SHUFFLED}, n_trials=3, cv=2, random_state=0)
    scores = nested_cross_validate(search, data, np.arange(12.0), cv=2)
    assert {params["a"] for params in scores.best_params} <= {1, 2}
