"""The counter-based generator against NumPy's Philox, which draws the same stream."""

import numpy as np
import pytest
from scipy.special import ndtri

from hpcore import _core

LAST = 2**64 - 1
STREAMS = [(0, 0, 0, 0), (1, 2, 3, 4), (LAST, LAST, LAST, LAST), (12345, 0, 7, 1)]


def words(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.uint64)


@pytest.mark.parametrize(("low", "high", "number", "purpose"), STREAMS)
def test_raw_words_are_those_of_numpy(low: int, high: int, number: int, purpose: int) -> None:
    theirs = np.random.Philox(key=words(low, high), counter=words(0, number, purpose, 0)).random_raw(1001)
    np.testing.assert_array_equal(_core.rng.raw(low, high, number, purpose, 1001), theirs)


@pytest.mark.parametrize(("low", "high", "number", "purpose"), STREAMS)
def test_uniform_and_normal_are_functions_of_the_words(low: int, high: int, number: int, purpose: int) -> None:
    bits = _core.rng.raw(low, high, number, purpose, 500) >> np.uint64(11)
    np.testing.assert_array_equal(_core.rng.uniform(low, high, number, purpose, 500), bits * 2.0**-53)
    z = _core.rng.normal(low, high, number, purpose, 500)
    np.testing.assert_allclose(z, ndtri((bits + 0.5) * 2.0**-53), rtol=1e-12, atol=1e-15)


def test_a_longer_stream_begins_with_the_shorter() -> None:
    np.testing.assert_array_equal(_core.rng.uniform(1, 2, 3, 4, 10), _core.rng.uniform(1, 2, 3, 4, 100)[:10])


def test_streams_differ_by_every_part_of_their_key() -> None:
    first = {
        float(_core.rng.uniform(*key, 1)[0])
        for key in [(0, 0, 0, 0), (1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)]
    }
    assert len(first) == 5


@pytest.mark.parametrize("key", [(-1, 0, 0, 0), (2**64, 0, 0, 0), (0, 0, 0.5, 0), ("1", 0, 0, 0)])
def test_a_key_that_is_no_64_bit_word_is_refused(key: tuple) -> None:
    with pytest.raises(TypeError):
        _core.rng.raw(*key, 3)
