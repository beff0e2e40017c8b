"""A bundle inside a worker."""

from __future__ import annotations

import pickle
import time

import pytest

from hpcore.evaluation.sharing import SharedWorkload, fetch
from hpcore.evaluation.worker import Deadline, Item, run_bundle
from tests.evaluation.reports import workload


def test_owner_uses_its_own_objects():
    mine = workload()
    with SharedWorkload(mine, 1, by_file=False) as handle:
        assert fetch(handle)[0] is mine
        assert handle.path == ""
        [[score]], error, seconds = run_bundle(handle, [Item({"k": 7}, [(0, 1)])])
        assert error is None
        assert score.test_scores == 7.0
        assert seconds > 0


@pytest.mark.parametrize("shared_clock", [True, False])
def test_no_fold_begins_after_the_deadline(shared_clock):
    now = time.monotonic()
    over, far = (Deadline.of(now + seconds, shared_clock) for seconds in (-1.0, 1000.0))
    items = [Item({"k": k}, [(0, 0), (1, 1)], deadline=limit) for k, limit in ((1, far), (2, over), (3, None))]
    with SharedWorkload(workload(), 1, by_file=False) as handle:
        scores, error, _ = run_bundle(handle, pickle.loads(pickle.dumps(items)))  # noqa: S301 - our own bytes
    assert error is None
    assert [[score.test_scores for score in of_item] for of_item in scores] == [[1.0, 1.0], [], [3.0, 3.0]]


def test_a_deadline_of_another_clock_counts_from_its_arrival():
    left = Deadline.of(time.monotonic() + 1000.0, shared_clock=False)
    assert left.is_left and 900 < left.seconds <= 1000.0
    before = time.monotonic()
    assert before + left.seconds <= left.here() <= time.monotonic() + left.seconds
