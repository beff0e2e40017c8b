"""Contract of every rule that stops candidates between folds; a new one is asked as soon as `MEMBERS` names it."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hpcore.schedulers.racing import Incumbent, Race, Racing, cut, estimate, stop_reason

Curves = npt.NDArray[np.float64]  # (n_candidates, n_steps), higher is better
N_STEPS = 6


class RacingMember:
    """Race, as the questions see a scheduler: decisions from curves."""

    def __init__(self, racing: Racing, upper: float) -> None:
        self._racing, self._upper = racing, upper

    def snapshot(self, curves: Curves) -> Incumbent | None:
        """What travels to a worker after these candidates."""
        race = Race(self._racing, N_STEPS, self._upper)
        for number, curve in enumerate(curves):
            race.observe(number, dict(enumerate(curve.tolist())), race.incumbent)
        return race.incumbent

    def decide(self, curve: list[float], snapshot: Any) -> str | None:
        """Reason to stop after the steps so far."""
        return stop_reason(dict(enumerate(curve)), snapshot)

    def play(self, curves: Curves, staleness: int, shuffle: Callable[[list[int]], None]) -> list[int]:
        """Steps that each candidate runs, with some open at a time that finish in any order."""
        race = Race(self._racing, N_STEPS, self._upper, ordered=True)
        n_run = [0] * len(curves)
        open_now: list[tuple[int, dict[int, float], Incumbent | None]] = []

        def finish(down_to: int) -> None:
            order = list(range(len(open_now)))
            shuffle(order)
            done = order[: len(open_now) - down_to] if down_to else order
            # The oldest must be among them, because the next one needs its result.
            if down_to and 0 not in done:
                done[-1] = 0
            for i in done:
                race.observe(*open_now[i])
            open_now[:] = [item for i, item in enumerate(open_now) if i not in done]

        for number, curve in enumerate(curves.tolist()):
            while open_now and open_now[0][0] <= number - staleness:
                finish(len(open_now) - 1)
            against = race.incumbent_as_of(number - staleness)
            known = dict(enumerate(curve))
            n = None if against is None else cut(known, against)
            known = {i: curve[i] for i in range(N_STEPS if n is None else n)}
            n_run[number] = len(known)
            open_now.append((number, known, against))
        finish(0)
        assert race.n_counted == len(curves)
        return n_run


MEMBERS: dict[str, Any] = {
    "racing": RacingMember(Racing(), math.inf),
    "racing, bounded": RacingMember(Racing(level=0.3), 1.0),
    "racing, exact": RacingMember(Racing(test=False), 1.0),
}

pytestmark = pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)


def make_curves(n: int, seed: int = 0) -> Curves:
    """Scores of candidates of different worth, on steps of different difficulty."""
    rng = np.random.default_rng(seed)
    worth, ease = rng.uniform(0.2, 0.8, size=(n, 1)), rng.uniform(-0.1, 0.1, size=N_STEPS)
    return np.clip(worth + ease + 0.02 * rng.normal(size=(n, N_STEPS)), 0.0, 1.0)


def in_order(order: list[int]) -> None:
    return None


def test_poor_candidates_are_stopped_and_something_is_saved(member: Any) -> None:
    n_run = member.play(make_curves(40), 1, in_order)
    assert n_run[0] == N_STEPS
    assert sum(n_run) < 0.8 * 40 * N_STEPS
    assert min(n_run) >= 1, "nobody is stopped before the first step"


def test_the_same_curves_give_the_same_decisions(member: Any) -> None:
    curves = make_curves(30)
    one, other = member.snapshot(curves[:20]), member.snapshot(curves[:20].copy())
    for curve in curves[20:].tolist():
        for m in range(1, N_STEPS + 1):
            decision = member.decide(curve[:m], one)
            assert member.decide(curve[:m], other) == decision
            assert member.decide(curve[:m], one) == decision, "asked twice"
    assert member.play(curves, 4, in_order) == member.play(curves, 4, in_order)


def test_a_decision_changes_nothing(member: Any) -> None:
    curves = make_curves(10)
    snapshot = member.snapshot(curves)
    before = copy.deepcopy(snapshot)
    curve = make_curves(1, seed=5)[0].tolist()
    given = curve[:3]
    member.decide(given, snapshot)
    assert given == curve[:3]
    assert snapshot == before


def test_the_global_generators_are_neither_read_nor_changed(member: Any) -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    member.play(make_curves(20), 2, in_order)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("staleness", [1, 4])
def test_the_best_at_every_step_is_never_stopped(member: Any, seed: int, staleness: int) -> None:
    curves = make_curves(25, seed)
    best = seed % 25
    curves[best] = np.minimum(curves.max(axis=0) + 0.01, 1.0)
    assert member.play(curves, staleness, in_order)[best] == N_STEPS


def test_an_equal_of_the_incumbent_is_not_stopped_by_chance(member: Any) -> None:
    curves = make_curves(8)
    snapshot = member.snapshot(curves)
    again = curves[int(curves.sum(axis=1).argmax())].tolist()
    reasons = [member.decide(again[:m], snapshot) for m in range(1, N_STEPS + 1)]
    # A bound says that it cannot be better, which is so; a test has no evidence.
    assert set(reasons) <= {None, "bound"}


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf])
def test_a_failed_step_ends_a_candidate_and_nothing_else(member: Any, wrong: float) -> None:
    curves = make_curves(20)
    clean = member.play(np.delete(curves, 7, axis=0), 1, in_order)
    curves[7, 2] = wrong
    curves[7, :2] = curves[:, :2].max(axis=0) + 0.001
    n_run = member.play(curves, 1, in_order)
    assert n_run[7] == 3
    assert n_run[:7] == clean[:7]
    snapshot = member.snapshot(curves)
    assert math.isfinite(snapshot.total), "a failure is never the incumbent"


def test_a_search_whose_first_candidates_fail_goes_on(member: Any) -> None:
    curves = make_curves(12)
    curves[:3] = math.nan
    n_run = member.play(curves, 1, in_order)
    assert n_run[:4] == [N_STEPS] * 4, "there is nobody to lose against"
    assert member.snapshot(curves[:3]) is None
    assert member.snapshot(curves).number >= 3


def test_hostile_values_are_survived(member: Any) -> None:
    for scale in (0.0, 5e-324, 1e-300, 1e150, 1e300, 1.7e308):
        curves = scale * make_curves(15)
        with np.errstate(all="raise"):
            n_run = member.play(curves, 2, in_order)
        assert all(1 <= n <= N_STEPS for n in n_run)
    constant = np.full((15, N_STEPS), 0.5)
    assert min(member.play(constant, 1, in_order)) >= 1


@pytest.mark.parametrize("staleness", [1, 2, 4, 7])
def test_the_order_of_arrival_does_not_matter_in_an_ordered_race(member: Any, staleness: int) -> None:
    curves = make_curves(40, seed=3)
    curves[11, 1] = math.nan
    expected = member.play(curves, staleness, in_order)
    for seed in range(10):
        rng = np.random.default_rng(seed)
        assert member.play(curves, staleness, rng.shuffle) == expected


def test_the_snapshot_is_small_and_survives_the_way_to_a_worker(member: Any) -> None:
    sizes = []
    for n in (5, 200):
        snapshot = member.snapshot(make_curves(n))
        packed = pickle.dumps(snapshot)
        assert pickle.loads(packed) == snapshot  # noqa: S301
        sizes.append(len(packed))
        curve = make_curves(1, seed=9)[0].tolist()
        for m in range(1, N_STEPS + 1):
            assert member.decide(curve[:m], pickle.loads(packed)) == member.decide(curve[:m], snapshot)  # noqa: S301
    assert max(sizes) < 1000
    assert sizes[1] - sizes[0] < 50, "it does not grow with the search"


def test_a_whole_curve_is_not_stopped(member: Any) -> None:
    curves = make_curves(10)
    snapshot = member.snapshot(curves)
    for curve in curves.tolist():
        assert member.decide(curve, snapshot) is None


def test_the_estimate_of_a_stopped_candidate_is_finite_and_no_better_than_the_incumbent(member: Any) -> None:
    curves = make_curves(30)
    snapshot = member.snapshot(curves)
    for curve in curves.tolist():
        for m in range(1, N_STEPS):
            if member.decide(curve[:m], snapshot) == "test":
                mean, std_error = estimate(dict(enumerate(curve[:m])), snapshot)
                assert mean < snapshot.total / N_STEPS
                assert std_error > 0.0
