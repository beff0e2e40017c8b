"""Contract of every scheduler; a new one is asked as soon as `MEMBERS` names it."""

from __future__ import annotations

import copy
import math
import pickle
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpcore.records.channel import Decision
from hpcore.records.history import COMPLETE, FAILED, PAUSED, PRUNED, RUNNING, History
from hpcore.records.streams import Rng
from hpcore.schedulers import (
    ASHA,
    PB2,
    Bandit,
    FreezeThaw,
    Hyperband,
    MedianStopping,
    Patience,
    PopulationBasedTraining,
    Resume,
    Scheduler,
    Start,
    SuccessiveHalving,
    Threshold,
    Truncation,
    names,
    resolve,
)
from tests.schedulers.simulate import Curve, bound, plain, power_curves, simulate

FULL = 27


@dataclass(frozen=True)
class Member:
    """A scheduler, and what is asked of it.

    Attributes
    ----------
    scheduler : Scheduler
        For trainings of `FULL` steps.
    pauses : bool
        True if it resumes trials; otherwise it stops them.
    keeps_best : bool
        True if a trial that is better than all others at each step is evaluated in full.
    uses_all : bool
        True if it compares all objectives, instead of the first only.
    waits : bool
        True if a worker may have to wait for the results of others.
    """

    scheduler: Scheduler
    pauses: bool = False
    keeps_best: bool = True
    uses_all: bool = False
    waits: bool = False


MEMBERS = {
    "successive halving": Member(SuccessiveHalving(max_resource=FULL), pauses=True, uses_all=True),
    "successive halving, full unknown": Member(SuccessiveHalving(), pauses=True, uses_all=True),
    "successive halving, first objective": Member(SuccessiveHalving(max_resource=FULL, objective="first"), pauses=True),
    "hyperband": Member(Hyperband(max_resource=FULL), pauses=True, uses_all=True),
    "hyperband, full unknown": Member(Hyperband(2, eta=2), pauses=True, uses_all=True),
    "asha": Member(ASHA(max_resource=FULL), pauses=True, uses_all=True),
    "asha, full unknown": Member(ASHA(eta=2.5), pauses=True, uses_all=True),
    "asha, first objective": Member(ASHA(max_resource=FULL, objective="first"), pauses=True),
    "asha, brackets": Member(ASHA(max_resource=FULL, brackets=3), pauses=True, uses_all=True),
    "asha, stopping": Member(ASHA(max_resource=FULL, kind="stopping"), uses_all=True),
    "asha, stopping, full unknown": Member(ASHA(kind="stopping", brackets=2), uses_all=True),
    "pbt": Member(PopulationBasedTraining(FULL, 5), pauses=True, uses_all=True),
    "pbt, full unknown": Member(PopulationBasedTraining(population_size=6), pauses=True, uses_all=True),
    "pbt, synchronous": Member(
        PopulationBasedTraining(FULL, 4, synchronous=True), pauses=True, uses_all=True, waits=True
    ),
    "pb2": Member(PB2(FULL, 5), pauses=True, uses_all=True),
    "pb2, first objective": Member(PB2(FULL, 9, 6, objective="first"), pauses=True),
    "freeze-thaw": Member(FreezeThaw(max_resource=FULL), pauses=True),
    "freeze-thaw, full unknown": Member(FreezeThaw(resumable=False), pauses=True),
    "median": Member(MedianStopping(2, 3)),
    "bandit, factor": Member(Bandit(slack_factor=0.2)),
    "bandit, amount": Member(Bandit(slack_amount=0.2, evaluation_interval=3)),
    "truncation": Member(Truncation(30)),
    "truncation of those that run": Member(Truncation(50, 2, exclude_finished=True)),
    "patience": Member(Patience(3, min_delta=0.02), keeps_best=False),
    "threshold": Member(Threshold(upper=0.8), keeps_best=False),
}

pytestmark = pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
several = pytest.mark.parametrize("workers", [1, 8])


def with_best(curve: Curve, best: int) -> Curve:
    return lambda number, step: [v - 1.0 if number == best else v for v in curve(number, step)]


def ends_well(history: History) -> bool:
    return not (history.state == RUNNING).any()


@several
def test_the_same_curves_give_the_same_decisions(member: Member, workers: int) -> None:
    one, other = (simulate(member.scheduler, power_curves(1), 90, workers=workers, length=FULL) for _ in range(2))
    assert one.orders == other.orders and one.decisions == other.decisions
    # A rule that looks at running trials only has nothing to compare with if one runs at a time.
    assert workers == 1 or len(one.history.curves) < 0.8 * 90 * FULL, "something is saved"


@several
def test_a_rebuilt_judge_decides_as_the_one_that_lived_through_the_run(member: Member, workers: int) -> None:
    lived = simulate(member.scheduler, power_curves(2), 90, workers=workers, length=FULL)
    rebuilt = simulate(member.scheduler, power_curves(2), 90, workers=workers, length=FULL, rebuild=True)
    assert rebuilt.orders == lived.orders and rebuilt.decisions == lived.decisions


@pytest.mark.parametrize("workers", [2, 6])
def test_the_order_of_arrival_does_not_matter_in_a_deterministic_run(member: Member, workers: int) -> None:
    curves = power_curves(3)

    def curve(number: int, step: float) -> list[float] | None:
        if number % 5 == 2 and step >= 3:
            return None
        return [math.nan] if number % 7 == 3 else curves(number, step)

    plays = [
        simulate(member.scheduler, curve, 70, workers=workers, length=FULL, staleness=workers, arrival=arrival)
        for arrival in range(4)
    ]
    for play in plays[1:]:
        assert play.orders == plays[0].orders
        assert sorted(play.decisions, key=lambda d: d[:2]) == sorted(plays[0].decisions, key=lambda d: d[:2])
        assert play.history.state.tolist() == plays[0].history.state.tolist()


@several
def test_each_job_is_ordered_once_and_nobody_waits(member: Member, workers: int) -> None:
    play = simulate(member.scheduler, power_curves(4), 150, workers=workers, length=FULL)
    assert ends_well(play.history)
    assert max(Counter((number, order.until) for number, order in play.orders).values()) == 1
    assert play.n_waits == 0 or member.waits
    resumed = [order for _, order in play.orders if isinstance(order, Resume)]
    assert bool(resumed) == member.pauses
    # A rule that looks at running trials only has nothing to compare with if one runs at a time.
    assert workers == 1 or (play.history.state == (PAUSED if member.pauses else PRUNED)).any()
    assert (play.history.state == (PRUNED if member.pauses else PAUSED)).sum() == 0


@several
@pytest.mark.parametrize("best", [0, 5, 17])
def test_the_best_is_evaluated_in_full(member: Member, workers: int, best: int) -> None:
    play = simulate(member.scheduler, with_best(power_curves(5), best), 150, workers=workers, length=FULL)
    assert play.history.state[best] == COMPLETE or not member.keeps_best


@several
def test_a_trial_of_nan_is_worse_than_the_others(member: Member, workers: int) -> None:
    curves = power_curves(6)

    def curve(number: int, step: float) -> list[float]:
        return [math.nan] if number % 3 == 1 else curves(number, step)

    play = simulate(member.scheduler, curve, 150, workers=workers, length=FULL)
    assert ends_well(play.history)
    # Some are evaluated in full before there is anything to compare with, or in brackets without other rungs.
    share = np.bincount(np.arange(play.history.n)[play.history.state == COMPLETE] % 3, minlength=3)
    assert share[1] <= max(workers, min(share[0], share[2]))


def test_a_search_of_nothing_but_nan_or_failures_goes_on(member: Member) -> None:
    for curve in (lambda number, step: [math.nan], lambda number, step: None):
        play = simulate(member.scheduler, curve, 60, workers=3, length=FULL)
        assert ends_well(play.history) and len(play.orders) == 60


@several
@pytest.mark.parametrize("share", [0.1, 0.9])
def test_failures_block_nobody(member: Member, workers: int, share: float) -> None:
    rng = np.random.default_rng(7)
    fails = np.where(rng.uniform(size=400) < share, rng.integers(1, FULL, size=400), FULL + 1)
    fails[3] = FULL + 1

    curves = with_best(power_curves(7), 3)

    def curve(number: int, step: float) -> list[float] | None:
        return None if step >= fails[number] else curves(number, step)

    play = simulate(member.scheduler, curve, 120, workers=workers, length=FULL)
    assert (ends_well(play.history) and play.n_waits == 0) or member.waits
    assert play.history.state[3] == COMPLETE or not member.keeps_best
    rebuilt = simulate(member.scheduler, curve, 120, workers=workers, length=FULL, rebuild=True)
    assert rebuilt.orders == play.orders and rebuilt.decisions == play.decisions


@several
def test_a_lost_worker_costs_its_job_only(member: Member, workers: int) -> None:
    play = simulate(member.scheduler, with_best(power_curves(8), 4), 250, workers=workers, length=FULL, die=0.1)
    reached: dict[int, float] = {}
    for number, order in play.orders:
        assert order.until >= reached.get(number, 0.0), "nobody is sent back"
        # Without a known full resource a trial runs as far as it will; interrupted, it goes on to a rung.
        reached[number] = order.until if order.until < math.inf else 0.0
    assert play.history.state[4] == COMPLETE or not member.pauses


@several
def test_several_objectives(member: Member, workers: int) -> None:
    for best in (2, 11):
        play = simulate(member.scheduler, with_best(power_curves(9, 2), best), 150, m=2, workers=workers, length=FULL)
        assert ends_well(play.history)
        assert play.history.state[best] == COMPLETE or not member.keeps_best
    # Only the second objective tells the best trial from the others.
    curves = power_curves(9)

    def second(number: int, step: float) -> list[float]:
        return [0.5, curves(number, step)[0] - (number == 4)]

    play = simulate(member.scheduler, second, 150, m=2, workers=workers, length=FULL)
    assert play.history.state[4] == COMPLETE or not member.uses_all
    rebuilt = simulate(member.scheduler, second, 150, m=2, workers=workers, length=FULL, rebuild=True)
    assert rebuilt.orders == play.orders and rebuilt.decisions == play.decisions


@pytest.mark.parametrize("scale", [0.0, 5e-324, 1e-300, 1e150, 1.7e308, math.inf, -1.7e308, -math.inf])
@pytest.mark.parametrize("m", [1, 2])
def test_hostile_values_are_survived(member: Member, scale: float, m: int) -> None:
    def curve(number: int, step: float) -> list[float]:
        return (
            [v * scale for v in power_curves(10, m)(number, step)] if number % 2 else power_curves(11, m)(number, step)
        )

    play = simulate(member.scheduler, curve, 60, m=m, workers=3, length=FULL)
    assert ends_well(play.history)


@pytest.mark.parametrize("stride", [0.5, 4.0, 100.0])
def test_reports_need_not_meet_the_rungs(member: Member, stride: float) -> None:
    curve = with_best(power_curves(12), 3)
    play = simulate(member.scheduler, curve, 150, workers=3, length=FULL, stride=stride)
    assert ends_well(play.history)
    assert play.history.state[3] == COMPLETE or not member.keeps_best
    for number, order in play.orders:
        if isinstance(order, Resume):
            assert order.until <= math.ceil(FULL / stride) * stride, number


def played(member: Member, n_jobs: int, seed: int, m: int = 1) -> History:
    return simulate(member.scheduler, power_curves(seed, m), n_jobs, workers=4, m=m, length=FULL, seed=seed).history


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), m=st.integers(1, 2), data=st.data())
def test_what_a_judge_saw_before_does_not_matter(member: Member, seed: int, m: int, data: Any) -> None:
    history = played(member, 50, seed, m)
    views = [history, history.snapshot(), *(history.as_of(job) for job in (-1, 0, 7, 20, 33, 48, 49))]
    judge = bound(member.scheduler, m)
    for _ in range(6):
        view = data.draw(st.sampled_from(views))
        if data.draw(st.booleans()):
            assert plain(judge.next(view, Rng(0, 50))) == plain(bound(member.scheduler, m).next(view, Rng(0, 50)))
        elif len(view.curves):
            row = data.draw(st.integers(0, len(view.curves) - 1))
            asked = int(view.curves.trial[row]), float(view.curves.step[row]), view.curves, view.state
            assert judge.decide(*asked) is bound(member.scheduler, m).decide(*asked)


def test_a_decision_changes_nothing(member: Member) -> None:
    history = played(member, 40, 13)
    before = copy.deepcopy(vars(history))
    judge = bound(member.scheduler)
    first = judge.next(history, Rng(0, 40))
    assert plain(judge.next(history, Rng(0, 40))) == plain(first), "asked twice"
    judge.snapshot(3, history.curves, history.state)
    judge.decide(3, 1.0, history.curves, history.state)
    for name, value in before.items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(history, name))
    assert len(before["curves"]) == len(history.curves)


def test_the_global_generators_are_neither_read_nor_changed(member: Member) -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    played(member, 40, 14)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize("m", [1, 2])
def test_a_snapshot_decides_in_a_worker_as_the_judge_does_here(member: Member, m: int) -> None:
    history = played(member, 80, 15, m)
    ended = [i for i in range(history.n) if history.state[i] == PRUNED][:4]
    for number in [*ended, history.append(np.zeros(2))]:
        judge = bound(member.scheduler, m)
        snapshot = pickle.loads(pickle.dumps((judge, judge.snapshot(number, history.curves, history.state))))  # noqa: S301
        rows = history.curves.of(number)
        step = float(history.curves.step[rows[-1]]) if rows else 0.0
        for _ in range(12):
            step += 1.0
            values = [v + 0.1 for v in power_curves(16, m)(number, step)]
            history.curves.append(number, step, values)
            here = judge.decide(number, step, history.curves, history.state)
            if snapshot[1] is None:
                assert here is Decision.CONTINUE
            else:
                snapshot[1][0].append(number, step, values)
                assert snapshot[0].decide(number, step, *snapshot[1]) is here


def test_a_snapshot_is_small(member: Member) -> None:
    history = simulate(member.scheduler, power_curves(17), 600, workers=4, length=FULL).history
    judge = bound(member.scheduler)
    judge.next(history, Rng(0, 600))
    number = history.append(np.zeros(2))
    size = len(pickle.dumps((judge, judge.snapshot(number, history.curves, history.state))))
    assert size < 2000 + 100 * history.n


@several
def test_trials_from_elsewhere_take_no_part_in_brackets(member: Member, workers: int) -> None:
    history = History(2, 1)
    for number in range(5):
        history.append(np.zeros(2))
        history.curves.append(number, 1.0, [-5.0])
        history.finish(number, (COMPLETE, PAUSED, FAILED, PRUNED, PAUSED)[number], (-5.0,) if number == 0 else None)
    judge = bound(member.scheduler)
    for _ in range(workers):
        order = judge.next(history, Rng(0, history.n))
        assert isinstance(order, Start), "trials that no scheduler began are not resumed by one"
        history.set_until(history.append(np.zeros(2)), order.until)


def test_members_are_named(member: Member) -> None:
    assert any(type(resolve(name)) is type(member.scheduler) for name in names())
    assert repr(member.scheduler).startswith(type(member.scheduler).__name__ + "(")
    assert pickle.loads(pickle.dumps(member.scheduler)).__dict__ == vars(member.scheduler)  # noqa: S301
