"""The names that newcomers try for arguments of SearchCV."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.samplers import RandomSampler
from hpcore.sklearn import SearchCV

SPACE = {"C": (0.01, 10.0)}


def search(**options: Any) -> SearchCV:
    return SearchCV(LogisticRegression(max_iter=500), SPACE, **options)


def test_sampler_and_seed_are_strategy_and_random_state() -> None:
    X, y = load_iris(return_X_y=True)
    one = search(sampler="random", seed=3, n_trials=4, cv=2).fit(X, y)
    two = search(strategy="random", random_state=3, n_trials=4, cv=2).fit(X, y)
    assert one.cv_results_["params"] == two.cv_results_["params"]
    assert one.get_params(deep=False).keys() == two.get_params(deep=False).keys()
    assert (one.strategy, one.random_state) == ("random", 3)
    assert not hasattr(one, "sampler") and not hasattr(one, "seed")


def test_copies_keep_what_was_meant() -> None:
    sampler = RandomSampler()
    given = search(sampler=sampler, seed=3)
    assert clone(given).get_params()["random_state"] == 3
    assert isinstance(clone(given).strategy, RandomSampler)
    assert pickle.loads(pickle.dumps(given)).random_state == 3  # noqa: S301
    assert clone(search()).strategy == "gp"
    assert given.set_params(strategy="tpe").strategy == "tpe"
    assert "sampler" not in repr(search(seed=1)) and "random_state=1" in repr(search(seed=1))


@pytest.mark.parametrize(
    "options",
    [{"strategy": "gp", "sampler": "tpe"}, {"strategy": "tpe", "sampler": "gp"}, {"random_state": 1, "seed": 2}],
    ids=repr,
)
def test_two_different_values_are_refused(options: dict) -> None:
    with pytest.raises(InvalidArgument, match="are two names of one argument, got"):
        search(**options)


def test_equal_values_are_one() -> None:
    both = search(strategy="tpe", sampler="tpe", seed=1, random_state=1)
    assert (both.strategy, both.random_state) == ("tpe", 1)
    assert search(sampler=None, seed=None).strategy == "gp"


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("n_iter", "n_trials"),
        ("max_evals", "n_trials"),
        ("param_grid", "space"),
        ("param_distributions", "space"),
        ("search_spaces", "space"),
        ("name", "study_name"),
    ],
)
def test_other_names_say_which_is_meant(name: str, meant: str) -> None:
    with pytest.raises(InvalidType, match=rf"unexpected keyword argument '{name}'; did you mean {meant}=\?"):
        search(**{name: 1})
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'nothing_like_it'$"):
        search(nothing_like_it=1)
