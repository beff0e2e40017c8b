"""Non-dominated sorting and hypervolume against definitions spelled out."""

import itertools

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument
from hpcore.kernels.dominance import hypervolume, hypervolume_contributions, non_dominated_rank
from hpcore.records.tradeoff import order_by_front


def ranks_by_definition(values):
    left, out, front = set(range(len(values))), np.zeros(len(values), dtype=int), 0
    while left:
        best = {
            i for i in left if not any(np.all(values[j] <= values[i]) and np.any(values[j] < values[i]) for j in left)
        }
        for i in best:
            out[i] = front
        left, front = left - best, front + 1
    return out


def volume_by_cells(values, reference):
    """Volume of points on an integer grid: count the unit cells that some point dominates."""
    axes = [range(int(r)) for r in reference]
    return sum(any(all(v <= c for v, c in zip(row, cell, strict=True)) for row in values)
               for cell in itertools.product(*axes))  # fmt: skip


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("n", [0, 1, 2, 40])
def test_ranks(n, m):
    values = np.random.default_rng(n + m).integers(0, 6, (n, m)).astype(float)
    np.testing.assert_array_equal(non_dominated_rank(values), ranks_by_definition(values))


@pytest.mark.parametrize("m", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(5))
def test_volume(m, seed):
    values = np.random.default_rng(seed).integers(0, 7, (12, m)).astype(float)
    reference = np.full(m, 6.0)
    assert hypervolume(values, reference) == pytest.approx(volume_by_cells(values, reference), abs=1e-9)


@pytest.mark.parametrize("m", [2, 3])
def test_contributions(m):
    values = np.random.default_rng(3).integers(0, 7, (10, m)).astype(float)
    reference = np.full(m, 6.0)
    whole = volume_by_cells(values, reference)
    expected = [whole - volume_by_cells(np.delete(values, i, axis=0), reference) for i in range(len(values))]
    np.testing.assert_allclose(hypervolume_contributions(values, reference), expected, atol=1e-9)


def test_against_random_points():
    rng = np.random.default_rng(0)
    values = rng.random((20, 3))
    cloud = rng.random((200_000, 3))
    inside = np.zeros(len(cloud), dtype=bool)
    for row in values:
        inside |= np.all(row <= cloud, axis=1)
    assert hypervolume(values, np.ones(3)) == pytest.approx(inside.mean(), abs=0.005)


def test_order_puts_fronts_first_and_crowded_points_last():
    values = np.array([[0.0, 4.0], [1.0, 1.0], [1.01, 0.99], [4.0, 0.0], [3.0, 3.0], [1.0, 1.0]])
    place = order_by_front(values)
    assert sorted(place) == list(range(6))
    assert place[4] == 5
    assert max(place[0], place[3]) < min(place[1], place[5])


def test_order_of_extreme_and_many_values():
    assert list(order_by_front(np.array([[1e308, -1e308], [-1e308, -1e308]]))) == [1, 0]
    line = np.linspace(0, 1, 100)
    place = order_by_front(np.column_stack([line, 1 - line]))
    assert {int(np.argmin(place)), int(np.argsort(place)[1])} == {0, 99}


@pytest.mark.parametrize("values", [[[np.nan, 1.0]], [1.0, 2.0], [[np.inf, 0.0]]])
def test_wrong_values(values):
    with pytest.raises(InvalidArgument, match="values"):
        non_dominated_rank(values)
    with pytest.raises(InvalidArgument, match="reference"):
        hypervolume([[1.0, 2.0]], [1.0])


@pytest.mark.parametrize("reference", [[0.0, 1.0], [-1.0, -1.0]])
def test_a_reference_on_the_wrong_side(reference):
    with pytest.raises(InvalidArgument, match=r"reference must be worse .* got \[-?[01].0, "):
        hypervolume([[0.0, 2.0], [1.0, 1.0]], reference)


def test_a_reference_that_no_row_is_below():
    assert hypervolume([[0.0, 2.0], [1.0, 1.0]], [0.5, 1.5]) == 0.0
    assert hypervolume(np.empty((0, 2)), [0.0, 0.0]) == 0.0


def test_the_hypervolume_is_public() -> None:
    assert hp.kernels.hypervolume([[1.0, 2.0], [2.0, 1.0]], [3.0, 3.0]) == 3.0
    assert hp.kernels.hypervolume is hypervolume
    assert "hypervolume" in dir(hp.kernels)
    with pytest.raises(AttributeError, match="no attribute 'volume'"):
        hp.kernels.volume  # noqa: B018 - the access is what fails
