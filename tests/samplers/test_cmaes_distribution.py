"""Updates of the distribution of CMA-ES beyond what the package is made for."""

import numpy as np
import pytest

import hpcore as hp
from hpcore.samplers.cmaes_columns import Coordinates, Points
from hpcore.samplers.cmaes_distribution import Distribution

SPACES = {
    "real": {"x": hp.Float(0, 1), "y": hp.Float(0, 1)},
    "mixed": {"x": hp.Float(0, 1), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])},
}


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_points_from_elsewhere_where_a_standard_deviation_is_zero(space: dict[str, hp.Float]) -> None:
    coordinates = Coordinates(hp.Space(space).columns)
    distribution = Distribution(coordinates, np.array([0.5, 0.5]), 0.3, 6)
    distribution.lengths = np.array([0.0, 0.3])
    far = Points(np.random.default_rng(0).uniform(size=(6, 2)), np.zeros((6, coordinates.n_choices), dtype=np.int64))
    updated = distribution.updated(far, np.ones(6, dtype=bool), np.zeros(6, dtype=bool))
    assert np.isfinite(updated.mean).all()
    assert np.isfinite(updated.lengths).all()


def test_points_from_elsewhere_count_no_farther_than_a_drawn_one_may_be() -> None:
    coordinates = Coordinates(hp.Space(SPACES["real"]).columns)
    distribution = Distribution(coordinates, np.array([0.5, 0.5]), 0.1, 6)
    angles = np.arange(6.0)
    ways = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    most = np.sqrt(2) + 2 * 2 / (2 + 2)  # Hansen 2011, eq. 5, in standard deviations

    def updated(length: float, foreign: bool) -> Distribution:
        points = Points(0.5 + length * 0.1 * ways, np.zeros((6, 0), dtype=np.int64))
        return distribution.updated(points, np.full(6, foreign), np.zeros(6, dtype=bool))

    np.testing.assert_allclose(updated(50.0, True).mean, updated(most, False).mean)
    np.testing.assert_allclose(updated(50.0, True).lengths, updated(most, False).lengths)
    np.testing.assert_allclose(updated(1.0, True).mean, updated(1.0, False).mean)
    assert not np.allclose(updated(50.0, False).mean, updated(most, False).mean)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)
def test_numbers_out_of_range_end_a_run_and_not_the_search(space: dict[str, hp.Float]) -> None:
    coordinates = Coordinates(hp.Space(space).columns)
    distribution = Distribution(coordinates, np.array([0.5, 0.5]), 0.3, 6)
    assert not distribution.is_degenerate
    numeric = np.full((6, 2), np.nextafter(np.finfo(float).max, 0.0))
    points = Points(numeric, np.zeros((6, coordinates.n_choices), dtype=np.int64))
    drawn, said = np.zeros(6, dtype=bool), np.zeros(6, dtype=bool)
    broken = distribution.updated(points, drawn, said)
    assert broken.is_degenerate
    np.testing.assert_array_equal(broken.mean, distribution.mean)
    distribution._es._C[:] = np.inf
    distribution._es._B = distribution._es._D = None
    assert distribution.updated(Points(np.full((6, 2), 0.4), points.choices), drawn, said).is_degenerate
