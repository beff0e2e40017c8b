"""Population-based training: who is replaced by a copy of whom, and the options."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.history import COMPLETE, FAILED, PAUSED, RUNNING, History
from hpcore.records.streams import Rng
from hpcore.schedulers import PB2, PopulationBasedTraining, Resume, Start, resolve
from tests.schedulers.simulate import Play, bound, power_curves, simulate


def by_number(number: int, step: float) -> list[float]:
    """Lower numbers are better, at every step; each step is an improvement."""
    return [number - 0.001 * step]


def copies(play: Play) -> list[tuple[int, Start]]:
    return [(number, o) for number, o in play.orders if isinstance(o, Start) and o.parent is not None]


def test_the_schedule_of_one_worker_by_hand() -> None:
    """8 members, quarter 2: the two worst of each interval continue from the two best."""
    scheduler = PopulationBasedTraining(30, 10, population_size=8)
    play = simulate(scheduler, by_number, 24)
    assert [(n, o.until) for n, o in play.orders[:8]] == [(n, 10) for n in range(8)]
    second = play.orders[8:16]
    for (_, order), replaced in zip(second[:2], (6, 7), strict=True):
        assert isinstance(order, Start)
        assert (order.replaces, order.until) == (replaced, 20) and order.parent in (0, 1)
    assert second[2:] == [(number, Resume(number, 20)) for number in range(6)]
    # The copies have the largest numbers, and so the worst values at 20.
    third = play.orders[16:]
    assert sorted(o.replaces for _, o in third[:2] if isinstance(o, Start)) == [8, 9]
    assert third[2:] == [(number, Resume(number, 30)) for number in range(6)]
    assert sorted(np.flatnonzero(play.history.state == COMPLETE)) == [0, 1, 2, 3, 4, 5, 10, 11]


def test_synchronous_compares_a_whole_population() -> None:
    scheduler = PopulationBasedTraining(50, 10, population_size=8, synchronous=True)
    for workers in (1, 3, 8):
        play = simulate(scheduler, power_curves(3), 40, workers=workers, length=50)
        children = copies(play)
        assert children
        reports = play.history.curves
        for number, order in children:
            assert order.replaces is not None and order.parent is not None
            step = max(float(reports.step[i]) for i in reports.of(order.replaces))
            rows = [i for i in np.flatnonzero(reports.step == step) if reports.trial[i] < number]
            losses = sorted((float(reports.values[i, 0]), int(reports.trial[i])) for i in rows)
            assert len(losses) == 8 and order.until == step + 10
            count = len(losses) // 4
            assert order.replaces in [i for _, i in losses[-count:]]
            assert order.parent in [i for _, i in losses[:count]]


@pytest.mark.parametrize("workers", [1, 4, 10, 16])
def test_every_place_is_trained_to_the_end(workers: int) -> None:
    scheduler = PopulationBasedTraining(40, 8)
    play = simulate(scheduler, power_curves(1), 120, workers=workers, length=40)
    history = play.history
    first = [n for n in range(history.n) if history.notes.get(n) is None][:10]
    place = {n: n for n in first}
    for number, order in play.orders:
        if isinstance(order, Start) and order.replaces in place:
            place[number] = place.pop(order.replaces)
    assert len(place) == 10 and {int(history.state[n]) for n in place} == {COMPLETE}
    assert play.n_waits == 0


@pytest.mark.parametrize("workers", [1, 4, 10])
def test_replaced_trials_stay_paused(workers: int) -> None:
    play = simulate(PopulationBasedTraining(40, 8), power_curves(2), 50, workers=workers, length=40)
    replaced = Counter(order.replaces for _, order in copies(play))
    assert replaced and max(replaced.values()) == 1
    for number in replaced:
        assert number is not None
        assert play.history.state[number] == PAUSED


def test_a_copy_goes_on_from_the_last_checkpoint_of_a_donor_that_runs() -> None:
    play = simulate(PopulationBasedTraining(100, 10), power_curves(4), 100, workers=10, length=100)
    curves = play.history.curves
    for number, order in copies(play):
        assert order.parent is not None and order.parent_job is not None
        rows = [i for i in curves.of(order.parent) if curves.job[i] <= order.parent_job]
        step = float(curves.step[rows[-1]])
        assert step % 10 == 0 and order.until == step + 10
        own = curves.of(number)
        assert not own or curves.step[own[0]] == step + 1


def test_points_of_copies_are_changes_of_the_donors() -> None:
    scheduler = PopulationBasedTraining(50, 10, perturbation=0.2, resample_probability=0.0)
    play = simulate(scheduler, power_curves(5), 50, length=50)
    for number, order in copies(play):
        assert order.parent is not None
        moved = np.abs(play.history.X[number] - play.history.X[order.parent])
        at_face = np.isin(play.history.X[number], (0.0, 1.0))
        assert np.all(np.isclose(moved, 0.2) | at_face)


def test_a_member_that_fails_is_replaced_by_a_copy_of_the_best() -> None:
    def curve(number: int, step: float) -> list[float] | None:
        return None if number == 1 and step > 3 else by_number(number, step)

    play = simulate(PopulationBasedTraining(20, 10, population_size=4), curve, 12, length=20)
    assert play.history.state[1] == FAILED
    order = next(o for _, o in play.orders if isinstance(o, Start) and o.replaces == 1)
    assert order.parent == 0 and order.until == 20


def test_a_member_that_fails_before_anyone_has_reported_begins_again() -> None:
    judge = bound(PopulationBasedTraining(20, 10, population_size=4))
    history = History(2, 1)
    for number in range(4):
        history.append(np.full(2, 0.5))
        history.set_until(number, 10.0)
    history.finish(2, FAILED, None)
    assert judge.next(history, Rng(0, 4)) == Start(10.0, replaces=2)


def test_equal_members_are_not_replaced() -> None:
    for value in (0.5, math.nan, math.inf):
        play = simulate(PopulationBasedTraining(20, 5), lambda n, s, v=value: [v], 40, length=20)  # type: ignore[misc]
        assert not copies(play)


def test_a_member_without_a_value_is_replaced() -> None:
    play = simulate(PopulationBasedTraining(20, 5, 4), lambda n, s: [math.nan if n == 2 else 0.1], 16, length=20)
    assert [order.replaces for _, order in copies(play)][:1] == [2]


def test_a_lost_worker_costs_at_most_an_interval() -> None:
    def cost(die: float) -> tuple[Play, int]:
        play = simulate(PopulationBasedTraining(40, 8), power_curves(6), 60, workers=4, length=40, die=die)
        return play, len(play.history.curves)

    play, _ = cost(0.03)
    for number, order in play.orders:
        reached = [0.0, *play.history.curves.step[play.history.curves.of(number)]]
        assert order.until <= max(reached) + 8
    assert (play.history.state != RUNNING).all()


def test_the_full_resource_is_learnt_from_the_first_complete_trial() -> None:
    play = simulate(PopulationBasedTraining(), power_curves(7), 60, length=50)
    first, second = play.orders[0][1], play.orders[1][1]
    assert first == Start() and second == Start(5.0)
    assert play.history.state[0] == COMPLETE
    assert {o.until for _, o in play.orders[1:]} <= {5.0 * k for k in range(1, 11)}


def test_several_objectives_are_compared_by_fronts_or_by_the_first() -> None:
    def curve(number: int, step: float) -> list[float]:
        return [float(number), 10.0 - number if number != 3 else 20.0]

    fronts = simulate(PopulationBasedTraining(20, 10, 4), curve, 8, m=2, length=20)
    first = simulate(PopulationBasedTraining(20, 10, 4, objective="first"), curve, 8, m=2, length=20)
    assert [order.replaces for _, order in copies(fronts)][:1] == [3]
    assert [order.replaces for _, order in copies(first)][:1] == [3]
    assert [order.parent for _, order in copies(first)][:1] == [0]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"max_resource": 0}, InvalidArgument, "max_resource must be finite and > 0, got 0"),
        ({"max_resource": math.inf}, InvalidArgument, "max_resource"),
        ({"max_resource": "9"}, InvalidType, "max_resource"),
        ({"interval": 0}, InvalidArgument, "interval must be finite and > 0, got 0"),
        ({"interval": -1.0}, InvalidArgument, "interval"),
        ({"interval": math.nan}, InvalidArgument, "interval"),
        ({"max_resource": 9, "interval": 9}, InvalidArgument, "interval must be < max_resource=9, got 9"),
        ({"max_resource": 9, "interval": 10}, InvalidArgument, "interval must be < max_resource=9, got 10"),
        ({"population_size": 1}, InvalidArgument, "population_size must be >= 2, got 1"),
        ({"population_size": 4.0}, InvalidType, "population_size"),
        ({"population_size": 3}, InvalidArgument, r"population_size must be >= 4, so that quantile=0.25 .*, got 3"),
        ({"population_size": 9, "quantile": 0.1}, InvalidArgument, "population_size must be >= 10"),
        ({"quantile": 0.0}, InvalidArgument, "quantile must be finite and > 0 and <= 0.5, got 0.0"),
        ({"quantile": 0.6}, InvalidArgument, "quantile"),
        ({"quantile": True}, InvalidType, "quantile"),
        ({"perturbation": 0.0}, InvalidArgument, "perturbation"),
        ({"perturbation": 1.5}, InvalidArgument, "perturbation"),
        ({"resample_probability": -0.1}, InvalidArgument, "resample_probability"),
        ({"resample_probability": 1.1}, InvalidArgument, "resample_probability"),
        ({"synchronous": 1}, InvalidType, "synchronous must be True or False, got 1"),
        ({"objective": "all"}, InvalidArgument, "objective must be one of 'dominance', 'first', got 'all'"),
    ],
)
def test_bad_options(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        PopulationBasedTraining(**options)


def test_by_name() -> None:
    scheduler = resolve("pbt")
    assert isinstance(scheduler, PopulationBasedTraining) and "population_size=10" in repr(scheduler)
    PopulationBasedTraining(population_size=10, quantile=0.1)
    PopulationBasedTraining(population_size=2, quantile=0.5)


def train(trial: hp.Trial) -> float:
    """A loss that falls at the rate of the trial's parameter, whose best value changes half-way."""
    step = max(trial.reports, default=0)
    loss = trial.reports.get(step, 1.0)
    while step < 40:
        step += 1
        loss *= 1.0 - 0.1 * math.exp(-(((trial["x"] - (0.2 if step <= 20 else 0.8)) / 0.2) ** 2))
        trial.report(loss, step)
        if trial.should_stop():
            break
    return loss


@pytest.mark.parametrize("deterministic", [False, True])
@pytest.mark.parametrize("synchronous", [False, True])
def test_a_run_trains_one_population_with_as_many_trials(deterministic: bool, synchronous: bool) -> None:
    scheduler = PopulationBasedTraining(40, 8, population_size=8, synchronous=synchronous)
    study = hp.Study({"x": hp.Float(0, 1)}, sampler="random", scheduler=scheduler, seed=1)
    study.run(train, n_trials=8, deterministic=deterministic)
    history = study.optimizer.history
    parents = [n for n, note in history.notes.items() if "parent" in note]
    assert history.n == 8 + len(parents) and parents
    assert history.n_complete == 8 and history.n_paused == len(parents)
    assert study.best_trial.number in {n for n in range(history.n) if history.state[n] == COMPLETE}


def trained(scheduler: Any, seed: int, stops: set[int], n_workers: int = 3) -> list[Any]:
    """Orders of a search by ask, report and tell, which is made anew from its rows after some of them."""
    space = hp.Space({"x": hp.Float(0, 1), "n": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])})

    def make() -> hp.Optimizer:
        return hp.Optimizer(space, sampler="random", scheduler=scheduler, seed=seed)

    opt, seen = make(), []
    running: list[int] = []
    for k in range(70):
        if k in stops:
            rows = opt.rows()
            opt = make()
            opt.restore(rows)
        trial = opt.ask()
        running.append(trial.number)
        seen.append((trial.number, trial.until, dict(trial.params), dict(opt.history.notes.get(trial.number, {}))))
        if len(running) == n_workers:
            ended = running.pop(k % n_workers)
            params, until = opt.trials[ended].params, opt.running()[ended].until
            loss = abs(params["x"] - 0.4) + 0.1 * abs(params["n"] - 4) + (params["c"] == "b") + 1.0 / until
            opt.report(ended, loss, until)
            opt.tell(ended)
    return seen


@pytest.mark.parametrize("scheduler", [PopulationBasedTraining(30, 5, 8), PB2(30, 5, 8)], ids=["pbt", "pb2"])
def test_resumed_searches_equal_uninterrupted_ones(scheduler: Any) -> None:
    for seed in range(20):
        stops = set(np.random.default_rng(seed).integers(1, 70, size=4).tolist())
        assert trained(scheduler, seed, stops) == trained(scheduler, seed, set())


def interval_by_interval(reached: list[int], paused: set[int]) -> History:
    """Trials, lower numbers better, that ended intervals of 10; those that are not paused run the next one."""
    history = History(2, 1)
    for number, n_ended in enumerate(reached):
        history.append(np.full(2, 0.5))
        history.set_until(number, 10.0)
        for k in range(1, n_ended + 1):
            history.curves.append(number, 10.0 * k, by_number(number, 10.0 * k), job=history.job_of(number))
            history.finish(number, PAUSED, None)
            if k < n_ended or number not in paused:
                history.resume(number)
                history.set_until(number, 10.0 * (k + 1))
    return history


def test_a_member_far_ahead_is_compared_an_interval_before() -> None:
    judge = bound(PopulationBasedTraining(50, 10, population_size=8))
    order = judge.next(interval_by_interval([1] * 7 + [2], {7}), Rng(0, 16))
    assert isinstance(order, Start) and order.replaces == 7 and order.parent in (0, 1)


def test_the_first_interval_is_compared_as_soon_as_there_are_enough() -> None:
    judge = bound(PopulationBasedTraining(50, 10, population_size=8, quantile=0.5))
    order = judge.next(interval_by_interval([1, 1, 1, 0, 0, 0, 0, 0], {0, 1, 2}), Rng(0, 8))
    assert isinstance(order, Start) and (order.replaces, order.parent) == (2, 0)


def test_any_of_the_best_is_copied() -> None:
    judge = bound(PopulationBasedTraining(50, 10, population_size=8))
    history = interval_by_interval([1] * 8, set(range(8)))
    assert {getattr(judge.next(history, Rng(seed, 8)), "parent", None) for seed in range(20)} == {0, 1}


def test_nobody_is_copied_before_the_full_resource_is_known() -> None:
    judge = bound(PopulationBasedTraining(None, 10, population_size=8))
    assert judge.next(interval_by_interval([1] * 8, set(range(8))), Rng(0, 8)) == Resume(0, 20.0)


def test_a_share_is_a_member_up_to_rounding() -> None:
    judge = bound(PopulationBasedTraining(50, 10, population_size=49, quantile=1 / 49))
    order = judge.next(interval_by_interval([1] * 49, set(range(49))), Rng(0, 49))
    assert isinstance(order, Start) and (order.replaces, order.parent) == (48, 0)


def test_members_that_were_replaced_or_failed_or_have_no_checkpoint_are_not_copied() -> None:
    judge = bound(PopulationBasedTraining(50, 10, population_size=8))
    replaced = interval_by_interval([1] * 8, set(range(1, 8)))
    replaced.finish(0, PAUSED, None)
    child = replaced.append(np.full(2, 0.5))
    replaced.set_until(child, 20.0)
    replaced.notes[child] = {"parent": 1, "parent_job": 1, "replaces": 0}
    failed = interval_by_interval([1] * 8, set(range(1, 8)))
    failed.finish(0, FAILED, None)
    running = interval_by_interval([0] + [1] * 7, set(range(1, 8)))
    running.curves.append(0, 10.0, by_number(0, 10.0), job=0)
    for history in (replaced, failed, running):
        orders = [judge.next(history, Rng(seed, 16)) for seed in range(20)]
        assert {getattr(order, "parent", None) for order in orders} == {1}


def test_a_job_goes_to_a_multiple_of_the_interval() -> None:
    judge = bound(PopulationBasedTraining(50, 10, population_size=8))
    history = interval_by_interval([0] * 8, set())
    history.curves.append(0, 12.0, by_number(0, 12.0), job=0)
    history.finish(0, PAUSED, None)
    assert judge.next(history, Rng(0, 8)) == Resume(0, 20.0)
