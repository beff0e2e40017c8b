"""Threads that run a task are known as such, and no others."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hpcore.workers.nesting import inside_worker, working


def test_inside_and_outside() -> None:
    assert not inside_worker()
    with working():
        assert inside_worker()
        with working():
            assert inside_worker()
        assert inside_worker(), "the outer task still runs"
        with ThreadPoolExecutor(1) as executor:
            assert not executor.submit(inside_worker).result(), "another thread runs none"
    assert not inside_worker()


def test_an_error_ends_the_task() -> None:
    with pytest.raises(ZeroDivisionError), working():
        raise ZeroDivisionError
    assert not inside_worker()
