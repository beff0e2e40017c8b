"""A bundle inside a worker."""

from __future__ import annotations

from hpcore.evaluation.sharing import SharedWorkload, fetch
from hpcore.evaluation.worker import Item, run_bundle
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
