"""What RayExecutor leaves to the store of a cluster, without a cluster."""

from __future__ import annotations

import io
import os
from typing import Any

import numpy as np
import pytest

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
pytest.importorskip("ray")

from hpcore.integrations.ray import executor as door

pytestmark = pytest.mark.doors


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Values in the order in which they were stored; a reference is a position."""
    values: list[Any] = []

    def put(value: Any) -> int:
        # Ray keeps the order in memory of arrays without gaps, and makes one of rows of the others.
        is_block = value.flags.c_contiguous or value.flags.f_contiguous
        values.append(value.copy(order="K" if is_block else "C"))
        return len(values) - 1

    monkeypatch.setattr(door._ray, "put", put)
    monkeypatch.setattr(door._ray, "get", values.__getitem__)
    return values


WHOLE = np.arange(400 * 600, dtype=float).reshape(400, 600)


@pytest.mark.parametrize(
    "part", [WHOLE, WHOLE.T, WHOLE[:, ::2], WHOLE[::-1], WHOLE.reshape(40, 10, 600).transpose(1, 0, 2)]
)
def test_an_array_of_any_layout_is_stored_once(store: list[Any], part: Any) -> None:
    executor: Any = door.RayExecutor.__new__(door.RayExecutor)  # the packing alone
    executor._stored = []
    for _ in range(3):
        stream, references = executor._pack((np.shape, ({"deep": [part]},), {}))
        assert references == [0] and len(stream) < door.LARGE
        _, (argument,), _ = door._Unpickler(io.BytesIO(stream), tuple(store)).load()
        np.testing.assert_array_equal(argument["deep"][0], part)
    assert len(store) == 1
    executor._pack((np.shape, (part + 1,), {}))
    assert len(store) == 2
