"""Who does the work, and tasks that wait when a search is aborted; see also contracts/test_pools.py."""

from __future__ import annotations

import time
from concurrent.futures import BrokenExecutor, ThreadPoolExecutor

import joblib
import pytest

from hpcore.errors import InvalidArgument
from hpcore.workers.nesting import working
from hpcore.workers.pools import BorrowedPool, OwnPool, choose_pool
from tests.contracts.test_pools import Inline
from tests.workers.living import until


def test_abort_ends_what_runs_and_drops_what_waits():
    pool = OwnPool(1)
    running = pool.submit(time.sleep, 600)
    until(running.running)
    waiting = pool.submit(abs, -1)
    pool.abort()
    assert waiting.cancelled()
    with pytest.raises(BrokenExecutor):
        running.result(timeout=60)


def test_who_does_the_work():
    assert choose_pool(None, None) is None
    assert choose_pool(1, None) is None
    two = choose_pool(2, None)
    assert isinstance(two, OwnPool)
    assert two.n_workers == 2
    with joblib.parallel_config(n_jobs=2):
        assert choose_pool(None, None) is not None
    with ThreadPoolExecutor(3) as executor:
        borrowed = choose_pool(None, executor)
        assert isinstance(borrowed, BorrowedPool)
        assert borrowed.n_workers == 3
        assert not borrowed.by_file
        one = choose_pool(1, executor)
        assert one is not None and one.n_workers == 1, "a number that is given wins"
        with joblib.parallel_config(backend="sequential"):
            assert choose_pool(None, executor).n_workers == 3, "joblib's backend is not the executor's"
    assert choose_pool(None, Inline()).n_workers == joblib.cpu_count()
    with pytest.raises(InvalidArgument, match="shutdown"):
        choose_pool(None, executor)
    with working():
        assert choose_pool(2, None) is None
        with ThreadPoolExecutor(1) as executor:
            assert choose_pool(None, executor) is None, "a task that waits for its own executor waits for ever"
