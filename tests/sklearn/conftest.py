"""One thread for the numerical libraries: these fits are so small that waking more of them takes longest."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    import sklearn.cluster  # noqa: F401 - brings the OpenMP libraries, which must be there to be bounded

    with threadpool_limits(1):
        yield
