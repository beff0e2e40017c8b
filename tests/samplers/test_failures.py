"""The rule for trials without a result, in each sampler that learns."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.records.history import COMPLETE, FAILED, PRUNED, History
from hpcore.records.streams import Rng
from hpcore.samplers.failures import split

SPACE = hp.Space({"x": hp.Float(0, 1), "c": hp.Categorical(["a", "b", "c"])})


def history(state_of_every_third: int) -> History:
    out = History(2, 1)
    rng = np.random.default_rng(0)
    for i in range(30):
        row = rng.random(2)
        SPACE.columns.codec.settle(row)
        out.append(row)
        if i % 3 == 1:
            out.finish(i, state_of_every_third, None)
        elif i != 29:
            out.finish(i, COMPLETE, (float(row[0]),))
    return out


def test_every_trial_has_its_mask() -> None:
    trials = split(history(PRUNED))
    assert trials.failed.tolist() == [i % 3 == 1 for i in range(30)]
    assert trials.complete.tolist() == [i % 3 != 1 and i != 29 for i in range(30)]
    assert not trials.penalised.any()


@pytest.mark.parametrize("name", ["gp", "tpe", "auto", "cmaes"])
def test_a_pruned_trial_counts_as_a_failed_one(name: str) -> None:
    rows = []
    for state in (FAILED, PRUNED):
        past = history(state)
        rows.append(hp.samplers.resolve(name).bind(SPACE.columns).suggest(past, past.running(), 3, Rng(1, past.n)))
    np.testing.assert_array_equal(*rows)
