"""Seeds and random streams."""

from __future__ import annotations

import numpy as np
import pytest

from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records import Rng
from hpcore.records.streams import check_seed


def test_streams_differ_by_number_purpose_attempt_and_seed() -> None:
    keys = [(0, 0, 0, 1), (1, 0, 0, 1), (2**64, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (0, 0, 0, 2)]
    uniform = {float(Rng(seed, number, attempt).uniform(1, purpose)[0]) for seed, number, attempt, purpose in keys}
    general = {float(Rng(seed, number, attempt).generator(purpose).random()) for seed, number, attempt, purpose in keys}
    assert len(uniform) == len(general) == len(keys)
    np.testing.assert_array_equal(Rng(5, 3).uniform(4, 1, offset=2), Rng(5, 5).uniform(4, 1))


def test_seeds() -> None:
    assert check_seed(np.uint64(2**64 - 1)) == 2**64 - 1
    assert check_seed(None) != check_seed(None)
    for seed, error in [(-1, InvalidArgument), (2**128, InvalidArgument), (0.5, InvalidType), (False, InvalidType)]:
        with pytest.raises(error, match="seed must"):
            check_seed(seed)
