"""Rules of random, grid and sobol alone."""

import numpy as np
import pytest
from scipy.stats import kstest, qmc

import hpcore as hp
from hpcore import _core
from hpcore.errors import InvalidArgument, InvalidType, SearchSpaceExhausted
from hpcore.records.streams import SUGGEST

PLANE = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}


def points(opt: hp.Optimizer, n: int) -> np.ndarray:
    return np.array([[t["x"], t["y"]] for t in opt.ask(n)])


def test_random_is_the_stream_of_the_trial() -> None:
    found = points(hp.Optimizer(PLANE, "random", seed=2**64 + 9), 5)
    expected = [_core.rng.uniform(9, 1, number, SUGGEST, 2) for number in range(5)]
    np.testing.assert_array_equal(found, expected)


def test_random_is_uniform() -> None:
    found = points(hp.Optimizer(PLANE, "random", seed=0), 4000)
    assert kstest(found[:, 0], "uniform").pvalue > 1e-3
    assert kstest(found[:, 1], "uniform").pvalue > 1e-3


@pytest.mark.parametrize("sampler", ["random", "sobol"])
def test_a_batch_is_what_one_by_one_gives(sampler: str) -> None:
    one_by_one = hp.Optimizer(PLANE, sampler, seed=1)
    expected = np.concatenate([points(one_by_one, 1) for _ in range(10)])
    np.testing.assert_array_equal(points(hp.Optimizer(PLANE, sampler, seed=1), 10), expected)


def test_sobol_is_even() -> None:
    found = points(hp.Optimizer(PLANE, "sobol", seed=0), 256)
    # A (0, 2, 8)-net: one point in each of 256 boxes of every dyadic shape.
    for k in range(9):
        boxes = np.floor(found[:, 0] * 2**k) * 2 ** (8 - k) + np.floor(found[:, 1] * 2 ** (8 - k))
        assert len(set(boxes)) == 256
    assert qmc.discrepancy(found) < 0.1 * qmc.discrepancy(points(hp.Optimizer(PLANE, "random", seed=0), 256))


def test_sobol_is_scrambled_by_the_seed() -> None:
    a, b = (points(hp.Optimizer(PLANE, "sobol", seed=seed), 8) for seed in (0, 1))
    assert not np.intersect1d(a, b).size


def test_sobol_point_k_belongs_to_trial_k() -> None:
    expected = points(hp.Optimizer(PLANE, "sobol", seed=4), 600)
    opt = hp.Optimizer(PLANE, "sobol", seed=4)
    for _ in range(550):
        opt.add({"x": 0.5, "y": 0.5}, 0.0)
    np.testing.assert_array_equal(points(opt, 50), expected[550:])


def test_sobol_takes_any_number_of_parameters() -> None:
    opt = hp.Optimizer({f"p{i}": hp.Float(0, 1) for i in range(300)}, "sobol", seed=0)
    found = np.array([list(trial.params.values()) for trial in opt.ask(16)])
    np.testing.assert_array_equal(np.sort(np.floor(16 * found), axis=0), np.tile(np.arange(16.0)[:, None], 300))


def test_the_grid_is_in_order_and_ends() -> None:
    opt = hp.Optimizer({"a": [2, 1], "x": hp.Float(0, 1), "k": range(3)}, hp.samplers.GridSampler({"x": 2, "k": 2}))
    found = [dict(t) for t in opt.ask(100)]
    assert found == [{"a": a, "x": x, "k": k} for a in (2, 1) for x in (0.0, 1.0) for k in (0, 2)]
    with pytest.raises(SearchSpaceExhausted, match="8 trials"):
        opt.ask()


def test_the_grid_skips_what_was_added_and_enqueued() -> None:
    opt = hp.Optimizer({"x": hp.Float(0, 1), "a": [1, 2]}, hp.samplers.GridSampler(3))
    opt.add({"x": 0.5, "a": 1}, 1.0)
    opt.enqueue({"x": 0.0, "a": 2})
    found = [(t["x"], t["a"]) for t in opt.ask(100)]
    assert found == [(0.0, 2), (0.0, 1), (0.5, 2), (1.0, 1), (1.0, 2)]


def test_the_grids_levels() -> None:
    space = {"x": hp.Float(0, 1), "y": hp.Float(0, 1)}
    assert len(hp.Optimizer(space, "grid").ask(100)) == 25
    assert len(hp.Optimizer(space, hp.samplers.GridSampler(np.int64(3))).ask(100)) == 9
    assert len(hp.Optimizer(space, hp.samplers.GridSampler({"x": 2})).ask(100)) == 10


@pytest.mark.parametrize(
    ("levels", "error"),
    [(0, InvalidArgument), (True, InvalidType), (2.0, InvalidType), ("x", InvalidType), ({"x": 0}, InvalidArgument)],
)
def test_wrong_levels(levels, error) -> None:
    with pytest.raises(error, match="levels"):
        hp.samplers.GridSampler(levels)


def test_an_unknown_name_in_levels_is_found_before_the_first_ask() -> None:
    with pytest.raises(InvalidArgument, match="'nope'"):
        hp.Optimizer(PLANE, hp.samplers.GridSampler({"nope": 3}))


def test_names() -> None:
    assert {"random", "grid", "sobol"} <= set(hp.samplers.names())
    for name in hp.samplers.names():
        assert isinstance(hp.samplers.resolve(name), hp.samplers.Sampler)
    with pytest.raises(InvalidArgument, match="did you mean 'sobol'"):
        hp.samplers.resolve("soboll")
    with pytest.raises(InvalidType, match="sampler"):
        hp.samplers.resolve(hp.samplers.RandomSampler)
    assert repr(hp.samplers.GridSampler(3)) == "GridSampler(levels=3)"
