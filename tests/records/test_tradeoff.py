"""The order of trials with several objectives, against its definition spelled out, and TPE's haste with it."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hpcore as hp
from hpcore.kernels.dominance import hypervolume, hypervolume_contributions, non_dominated_rank
from hpcore.records.tradeoff import order_by_crowding, order_by_front, order_by_limits
from tests.reference.fronts import nsga_2_order

EXACT = 64  # rows of a front that is ordered by hypervolume


def fronts_by_definition(values):
    dominates = [[bool(np.all(a <= b) and np.any(a < b)) for b in values] for a in values]
    left, out, front = set(range(len(values))), np.zeros(len(values), dtype=int), 0
    while left:
        best = {i for i in left if not any(dominates[j][i] for j in left)}
        out[list(best)] = front
        left, front = left - best, front + 1
    return out


def check_order(values):
    """Fronts in turn, within each what a row adds to the volume in falling order, and of equal rows the earlier one."""
    place = order_by_front(values)
    assert sorted(place) == list(range(len(values)))
    width = np.ptp(values, axis=0)
    unit = (values - values.min(axis=0)) / np.where(width > 0, width, 1.0)
    fronts = fronts_by_definition(values)
    np.testing.assert_array_equal(non_dominated_rank(values), fronts)
    for front in range(fronts.max() + 1):
        members = np.flatnonzero(fronts == front)
        members = members[np.argsort(place[members])]
        assert place[members[0]] == (fronts < front).sum()
        assert place[members[-1]] == (fronts <= front).sum() - 1
        rows = unit[members]
        if len(rows) > EXACT:
            continue
        corner = rows.max(axis=0) + 0.1 * np.ptp(rows, axis=0) + 1e-9
        whole = hypervolume(rows, corner)
        alone = [whole - hypervolume(np.delete(rows, i, axis=0), corner) for i in range(len(rows))]
        assert np.all(np.diff(alone) <= 1e-12)
        np.testing.assert_allclose(hypervolume_contributions(rows, corner), alone, atol=1e-12)
        for a, b in itertools.pairwise(members):
            assert a < b or not np.array_equal(values[a], values[b])


@settings(deadline=None, max_examples=100)
@given(st.integers(2, 4).flatmap(lambda m: st.lists(st.lists(st.integers(0, 6), min_size=m, max_size=m), min_size=1)))
def test_the_order_of_few_distinct_values(rows):
    check_order(np.array(rows, dtype=float))


@pytest.mark.parametrize("m", [2, 3, 4])
@pytest.mark.parametrize("kind", ["uniform", "front", "equal"])
def test_the_order_of_many(m, kind):
    values = np.random.default_rng(m).random((150, m))
    if kind == "front":
        values = -np.log(values)
        values /= values.sum(axis=1, keepdims=True)
    elif kind == "equal":
        values = np.round(values, 1)
        values[:, 0] = 0.5
    check_order(values)


def objectives(trial):
    return trial["x"] ** 2 + trial["y"], (trial["x"] - 1) ** 2 + trial["y"]


def known(n=40):
    opt = hp.Optimizer({"x": hp.Float(0, 1), "y": hp.Float(0, 1)}, "tpe", directions=["minimize"] * 2, seed=0)
    for _ in range(n):
        trial = opt.ask()
        opt.tell(trial, objectives(trial))
    return opt


def test_without_time_for_a_new_order_the_earlier_one_serves():
    plain, hurried = known(), known()
    for _ in range(6):
        expected, trial = plain.ask(), hurried.ask(deadline_ms=1e-6)
        assert trial.info == {"step": "earlier_ranking"}
        # Trials that came in between have no place in the order, and leave no trace later.
        plain.tell(expected, objectives(expected))
        hurried.tell(trial, objectives(trial))
    fresh = hp.Optimizer(hurried.space, "tpe", directions=["minimize"] * 2, seed=0)
    fresh.restore(hurried.rows())
    trial = hurried.ask(deadline_ms=60_000)
    assert trial.info == {"step": "full"}
    assert trial.params == fresh.ask().params
    assert hurried.ask(deadline_ms=1e-6).info == {"step": "full"}  # nothing was told since


@pytest.mark.parametrize("sampler", ["tpe", "gp", "evolution", "annealing"])
def test_no_number_of_objectives_needs_numba(sampler):
    code = (
        "import sys, hpcore as hp\n"
        f"opt = hp.Optimizer({{'x': hp.Float(0, 1)}}, {sampler!r}, directions=['minimize'] * 3, seed=0)\n"
        "for i in range(12): t = opt.ask(); opt.tell(t, [t['x'] * k for k in range(3)])\n"
        "print(hp.kernels.hypervolume([[0.0, 0.0, 0.0]], [1.0, 1.0, 1.0]), 'numba' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.strip() == "1.0 False"


def test_places_that_do_not_matter_are_by_front_and_arrival():
    values = np.random.default_rng(0).random((200, 2))
    whole, first = order_by_front(values), order_by_front(values, 30)
    assert sorted(first) == list(range(200))
    np.testing.assert_array_equal(first[whole < 30], whole[whole < 30])
    fronts = fronts_by_definition(values)
    last = np.flatnonzero(fronts == fronts[whole > 150][np.argmax(np.bincount(fronts)[fronts[whole > 150]])])
    assert len(last) > 3
    assert list(whole[last]) != sorted(whole[last])
    assert list(first[last]) == sorted(first[last])
    assert all(first[a] < first[b] for a in range(200) for b in range(200) if fronts[a] < fronts[b])


def test_a_single_objective_is_sorted_with_the_earlier_of_equals_first():
    assert order_by_front(np.array([[3.0], [1.0], [1.0], [-2.0]])).tolist() == [3, 1, 2, 0]


def test_feasible_rows_come_first_and_then_the_least_violation():
    values = np.array([[5.0], [1.0], [0.0], [0.0], [0.0], [2.0]])
    # Medians of the sizes: 1 and 300. Totals: 1 for row 1, whose second is not known, 4, 1 and 2 / 3 + 1 / 2.
    violations = np.array([[-4.0, -300.0], [-1.0, np.nan], [4.0, -300.0], [1.0, -600.0], [2.0 / 3, 150.0], [0.0, -1e3]])
    assert np.argsort(order_by_limits(values, violations)).tolist() == [5, 0, 1, 3, 4, 2]


@pytest.mark.parametrize("column", [[np.nan] * 4, [np.inf, 1.0, 1.0, 2.0], [0.0] * 4, [1e308, 1e308, 1e-308, 5.0]])
def test_bad_violations_are_ordered_all_the_same(column):
    values = np.arange(8.0).reshape(4, 2)
    place = order_by_limits(values, np.array([column, [1.0, 2.0, 3.0, 4.0]]).T)
    assert sorted(place) == [0, 1, 2, 3]
    assert sorted(order_by_limits(values, np.empty((4, 0)))) == [0, 1, 2, 3]


def test_violations_near_the_largest_double_do_not_vanish():
    violations = np.array([[1.6e308], [1.2e308], [1.7e308], [1.5e308]])
    assert np.argsort(order_by_limits(np.zeros((4, 1)), violations)).tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize("m", [2, 3, 4])
def test_crowding_gives_the_order_of_nsga_2(m: int) -> None:
    for seed in range(5):
        values = np.random.default_rng(seed).random((60, m))
        assert np.argsort(order_by_crowding(values)).tolist() == nsga_2_order(values)


def test_limits_go_before_crowding() -> None:
    values = np.random.default_rng(1).random((30, 2))
    violations = np.where(np.arange(30) % 3 == 0, np.arange(30.0), -1.0)[:, None]
    place = order_by_limits(values, violations, crowding=True)
    feasible = np.flatnonzero(violations[:, 0] <= 0.0)
    assert np.argsort(place)[: len(feasible)].tolist() == feasible[nsga_2_order(values[feasible])].tolist()
    assert np.argsort(place)[len(feasible) :].tolist() == list(range(3, 30, 3))
