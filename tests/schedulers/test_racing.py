"""When a candidate may stop: the exact rule never errs, the test errs as rarely as it says."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import polygamma

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.schedulers.racing import Incumbent, Race, Racing, _fit_prior, _trigamma_inverse, estimate, stop_reason


def incumbent(
    scores: Any, upper: float = math.inf, level: float = 0.0, prior: tuple[float, float] = (0.0, 0.0)
) -> Incumbent:
    scores = tuple(map(float, scores))
    return Incumbent(0, scores, math.fsum(scores), upper, level, *prior, None)


@settings(max_examples=300)
@given(data=st.data(), n_folds=st.integers(2, 8))
def test_the_exact_rule_never_stops_a_winner(data: Any, n_folds: int) -> None:
    shares = st.integers(0, 20).map(lambda k: k / 20)
    best = data.draw(st.lists(shares, min_size=n_folds, max_size=n_folds))
    candidate = data.draw(st.lists(shares, min_size=n_folds, max_size=n_folds))
    against = incumbent(best, upper=1.0)
    for m in range(1, n_folds):
        known = dict(enumerate(candidate[:m]))
        stopped = stop_reason(known, against)
        # Brute force: what the candidate could still come to.
        can_win = math.fsum(candidate[:m]) + (n_folds - m) * 1.0 > math.fsum(best)
        assert stopped == (None if can_win else "bound")
        if stopped:
            assert math.fsum(candidate) <= math.fsum(best)
            break


def test_the_test_is_the_prediction_interval_of_the_mean_of_all_folds() -> None:
    scores = [0.9, 0.8, 0.85, 0.9, 0.95]
    candidate = [0.8, 0.72, 0.74]
    d = np.array(candidate) - scores[:3]
    for level in (0.001, 0.01, 0.02, 0.05, 0.2):
        margin = scipy.stats.t(2).ppf(1 - level) * d.std(ddof=1) * math.sqrt(1 / 3 - 1 / 5)
        expected = "test" if d.mean() + margin < 0 else None
        assert stop_reason(dict(enumerate(candidate)), incumbent(scores, level=level)) == expected
    moderated = (2 * d.var(ddof=1) + 6 * 0.01) / 8
    margin = scipy.stats.t(8).ppf(0.99) * math.sqrt(moderated * (1 / 3 - 1 / 5))
    expected = "test" if d.mean() + margin < 0 else None
    assert stop_reason(dict(enumerate(candidate)), incumbent(scores, level=0.01, prior=(0.01, 6.0))) == expected
    found = estimate(dict(enumerate(candidate)), incumbent(scores, prior=(0.01, 6.0)))
    assert found.mean == pytest.approx(np.mean(scores) + d.mean())
    assert found.std_error == pytest.approx(math.sqrt(moderated * (1 / 3 - 1 / 5)))


@pytest.mark.parametrize("correlation", [0.0, 0.7])
@pytest.mark.parametrize("difference", [-0.3, 0.0, 0.3])
def test_the_error_level_holds_over_all_looks(correlation: float, difference: float) -> None:
    # A race stops a candidate that would have won no more often than it says, also where the scores of a candidate's
    # folds are correlated; and it does stop others.
    rng = np.random.default_rng(0)
    n, n_folds, level = 3000, 5, 0.2
    noise = rng.normal(size=(n, n_folds)) * math.sqrt(1 - correlation)
    d = noise + rng.normal(size=(n, 1)) * math.sqrt(correlation) + difference
    for prior in ((0.0, 0.0), (1.0 - correlation, 20.0)):
        best = incumbent([0.0] * n_folds, level=level, prior=prior)
        stopped = np.array(
            [any(stop_reason(dict(enumerate(row[:m])), best) for m in range(1, n_folds)) for row in d.tolist()]
        )
        wins = d.mean(axis=1) > 0
        assert 0.01 < (stopped & wins).mean() <= level
        assert (stopped & ~wins).mean() > 0.1


def test_on_easy_folds_a_stopped_candidate_does_not_look_better_than_it_is() -> None:
    best = incumbent([0.99, 0.6, 0.6, 0.6, 0.6])
    assert estimate({0: 0.97}, best).mean == pytest.approx(np.mean(best.scores) - 0.02)
    assert estimate({0: 0.97}, best).std_error > 0


def test_a_fold_without_a_score_ends_the_race() -> None:
    assert stop_reason({0: math.nan}, incumbent([0.5, 0.5])) == "failed"
    assert stop_reason({0: math.nan, 1: 0.5}, incumbent([0.5, 0.5])) is None, "nothing is left to save"


def test_no_spread_and_no_prior_is_no_evidence() -> None:
    assert stop_reason({0: 0.4, 1: 0.4}, incumbent([0.5] * 5, level=0.05)) is None
    assert stop_reason({0: 0.4}, incumbent([0.5] * 5, level=0.05)) is None


@given(st.floats(1e-8, 1e8))
def test_trigamma_inverse(x: float) -> None:
    y = _trigamma_inverse(x)
    assert float(polygamma(1, y)) == pytest.approx(x, rel=1e-3)


def test_the_prior_is_found_again() -> None:
    rng = np.random.default_rng(1)
    scale, prior_dof, dof = 0.04, 8.0, 4
    true = scale * prior_dof / rng.chisquare(prior_dof, size=20_000)
    seen = [(float(v), dof) for v in true * rng.chisquare(dof, size=true.size) / dof]
    variance, found = _fit_prior(seen)
    assert variance == pytest.approx(scale, rel=0.05)
    assert found == pytest.approx(prior_dof, rel=0.1)
    assert _fit_prior(seen[:4]) == (0.0, 0.0)
    assert _fit_prior([(0.0, 4)] * 10) == (0.0, 0.0)


def test_the_incumbent_is_the_best_complete_candidate_and_of_equals_the_first() -> None:
    race = Race(Racing(), 2, 1.0)
    race.observe(3, {0: 0.5, 1: 0.7}, None)
    race.observe(4, {0: 0.9}, race.incumbent)
    race.observe(5, {0: math.nan, 1: 0.9}, race.incumbent)
    assert race.incumbent is not None and race.incumbent.number == 3
    race.observe(6, {0: 0.7, 1: 0.5}, race.incumbent)
    assert race.incumbent.number == 3
    race.observe(1, {0: 0.7, 1: 0.5}, race.incumbent)
    assert race.incumbent.number == 1
    race.observe(7, {0: 0.7, 1: 0.6}, race.incumbent)
    assert race.incumbent.scores == (0.7, 0.6)
    assert race.incumbent.level == 0.1


@pytest.mark.parametrize(
    ("value", "error"),
    [("fast", InvalidArgument), (0.05, InvalidType), (None, InvalidType), (1, InvalidType)],
)
def test_bad_racing(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="racing must be"):
        Racing.of(value)


@pytest.mark.parametrize("level", [0.0, 0.6, "low", True])
def test_bad_level(level: Any) -> None:
    with pytest.raises((InvalidArgument, InvalidType), match="level"):
        Racing(level=level)
