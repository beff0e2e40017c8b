"""Shares of the cores, the environment of a new worker, and bounds on thread pools."""

from __future__ import annotations

import joblib
import pytest
from threadpoolctl import threadpool_info

from hpcore.workers.threads import bounded, environment, threads_per_worker


def counts() -> list[int]:
    return [pool["num_threads"] for pool in threadpool_info()]


def test_workers_share_the_cores() -> None:
    n = joblib.cpu_count()
    assert threads_per_worker(1) == n
    assert threads_per_worker(n) == 1
    assert threads_per_worker(10_000) == 1


def test_libraries_that_load_later_are_bounded_by_the_environment() -> None:
    variables = environment(3)
    assert set(variables.values()) == {"3"}
    assert {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"} <= variables.keys()


@pytest.mark.parametrize("user_api", [None, "blas"])
def test_bounds_last_as_long_as_their_context(user_api: str | None) -> None:
    before = counts()
    with bounded(1, user_api):
        inside = [pool["num_threads"] for pool in threadpool_info() if user_api in (None, pool["user_api"])]
        assert inside and set(inside) == {1}
    assert counts() == before
