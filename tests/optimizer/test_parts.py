"""The parts of an optimizer, each alone."""

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InfeasibleSpace, SearchSpaceExhausted
from hpcore.optimizer.proposer import Proposer, fill_in
from hpcore.optimizer.record import Record
from hpcore.optimizer.remaining import Remaining
from hpcore.optimizer.suggestions import Suggestions
from hpcore.records.history import History
from hpcore.records.outcome import Outcome
from hpcore.samplers import RandomSampler

SPACE = hp.Space({"a": hp.Int(0, 3)})


def proposer(space: hp.Space) -> tuple[Proposer, Suggestions, Remaining]:
    suggestions, remaining = Suggestions(RandomSampler(), space.columns, 1, 0, False), Remaining(space, 0)
    return Proposer(space, suggestions, remaining, 0), suggestions, remaining


def test_a_record_turns_the_sign_and_turns_it_back() -> None:
    record = Record(SPACE, ["maximize"])
    for k, value in enumerate((1.0, 3.0, 2.0)):
        record.finish(record.begin(np.array([k / 4]), {"a": k}), Outcome((value,)))
    assert record.history.values[:, 0].tolist() == [-1.0, -3.0, -2.0]
    assert (record.best.number, record.best.value, record.running) == (1, 3.0, {})


def test_trials_are_taken_back_from_a_record() -> None:
    record = Record(SPACE, ["minimize"])
    trials = [record.begin(np.array([k / 4]), {"a": k}) for k in range(4)]
    record.finish(trials[0], Outcome((5.0,)))
    record.take_back(2)
    assert (record.history.n, record.history.n_jobs, sorted(record.running)) == (2, 2, [1])
    assert record.running[1] is trials[1]


def test_suggestions_may_repeat_and_proposals_do_not() -> None:
    accepts, suggestions, remaining = proposer(SPACE)
    history, taken = History(1, 1), []
    for _ in range(4):
        repeated = np.array([0.1])
        u, params, _ = accepts.accept(history, repeated, None, None)
        assert u not in remaining
        history.append(u)
        taken.append(params["a"])
    assert taken[0] == 0
    assert sorted(taken) == [0, 1, 2, 3]
    with pytest.raises(SearchSpaceExhausted, match="4 points"):
        accepts.accept(history, np.array([0.1]), None, None)
    rows, step = suggestions.rows(history, 50)
    assert rows.shape == (50, 1)
    assert step is None


def test_what_was_given_is_filled_in() -> None:
    space = hp.Space({"a": hp.Int(0, 3), "x": hp.Float(0, 1)}, [lambda p: p["x"] < 0.5])
    for number in range(20):
        u, params = fill_in(space, {"a": 2}, seed=0, number=number)
        assert params["a"] == 2
        assert params["x"] < 0.5
        np.testing.assert_array_equal(u, space.encode(params))
    with pytest.raises(InfeasibleSpace, match="room for the enqueued"):
        fill_in(space, {"x": 0.75}, seed=0, number=0)
