"""The rule for trials without a result, in each sampler that learns."""

from __future__ import annotations

import numpy as np
import pytest

import hpcore as hp
from hpcore.records.history import COMPLETE, FAILED, PRUNED, History
from hpcore.records.streams import Rng
from hpcore.samplers.failures import impute, split

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


def test_made_up_values_are_poor_and_unsure() -> None:
    trials = split(history(FAILED))
    results = history(FAILED).values[trials.complete, 0]
    values, errors = impute(trials, results, None)
    assert (values[trials.failed][3:] > np.median(results)).all()
    assert (errors[trials.failed][3:] > 0).all()
    assert not errors[trials.complete].any()
    assert values[29] == errors[29] == 0.0


def test_given_errors_are_not_changed() -> None:
    trials = split(history(FAILED))
    given = np.full(30, 0.5)
    _, errors = impute(trials, history(FAILED).values[trials.complete, 0], given)
    assert (given == 0.5).all()
    assert (errors[trials.complete] == 0.5).all()


@pytest.mark.parametrize("name", ["gp", "tpe", "auto"])
def test_a_pruned_trial_counts_as_a_failed_one(name: str) -> None:
    rows = []
    for state in (FAILED, PRUNED):
        past = history(state)
        rows.append(hp.samplers.resolve(name).bind(SPACE.columns).suggest(past, past.running(), 3, Rng(1, past.n)))
    np.testing.assert_array_equal(*rows)
