"""Trials, seeds, random streams and dominance."""

import dataclasses
import pickle

import numpy as np
import pytest

import hpcore as hp
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.optimizer import remaining
from hpcore.optimizer.remaining import Remaining
from hpcore.records import History, Rng
from hpcore.records.history import COMPLETE, FAILED
from hpcore.records.pareto import non_dominated
from hpcore.records.streams import check_seed


def test_a_trial_is_a_mapping_of_its_params() -> None:
    trial = hp.Trial(3, {"x": 1.0, "c": None})
    assert {**trial} == {"x": 1.0, "c": None}
    assert trial.get("y", 5) == 5
    assert "x" in trial
    assert trial.state == "running" == hp.TrialState.RUNNING
    assert str(trial.state) == "running"
    with pytest.raises(KeyError):
        trial["y"]
    assert repr(trial) == "Trial(number=3, params={'x': 1.0, 'c': None}, state='running', value=None)"
    assert pickle.loads(pickle.dumps(trial)) == trial  # noqa: S301
    assert trial != hp.Trial(4, {"x": 1.0, "c": None})


def test_history_rows_keep_their_place_while_it_grows() -> None:
    history = History(2, 1)
    for i in range(1000):
        assert history.append(np.array([i, -i], dtype=float)) == i
        if i % 3 == 0:
            history.finish(i, COMPLETE, (float(i),), std_error=0.5 if i == 300 else None, times=(1.0, 2.0))
        elif i % 3 == 1:
            history.finish(i, FAILED, None)
    assert (history.n, history.n_complete, history.n_running) == (1000, 334, 333)
    np.testing.assert_array_equal(history.X[:, 0], np.arange(1000.0))
    np.testing.assert_array_equal(history.values[history.complete, 0], np.arange(0.0, 1000.0, 3))
    assert np.isnan(history.values[~history.complete]).all()
    np.testing.assert_array_equal(history.running()[:, 0], np.arange(2.0, 1000.0, 3))
    assert np.flatnonzero(~np.isnan(history.std_errors)).tolist() == [300]
    assert np.isnan(history.times[1]).all()


@pytest.mark.parametrize("m", [1, 2, 3])
def test_dominance_against_the_definition(m: int) -> None:
    values = np.random.default_rng(m).integers(0, 6, size=(60, m)).astype(float)
    below = (values[:, None] <= values[None]).all(axis=2) & (values[:, None] < values[None]).any(axis=2)
    np.testing.assert_array_equal(non_dominated(values), ~below.any(axis=0))
    assert non_dominated(np.empty((0, m))).shape == (0,)


def test_streams_differ_by_number_purpose_attempt_and_seed() -> None:
    keys = [(0, 0, 0, 1), (1, 0, 0, 1), (2**64, 0, 0, 1), (0, 1, 0, 1), (0, 0, 1, 1), (0, 0, 0, 2)]
    uniform = {float(Rng(seed, number, attempt).uniform(1, purpose)[0]) for seed, number, attempt, purpose in keys}
    general = {float(Rng(seed, number, attempt).generator(purpose).random()) for seed, number, attempt, purpose in keys}
    assert len(uniform) == len(general) == len(keys)
    np.testing.assert_array_equal(Rng(5, 3).uniform(4, 1, offset=2), Rng(5, 5).uniform(4, 1))


def test_seeds() -> None:
    assert check_seed(np.uint64(2**64 - 1)) == 2**64 - 1
    assert check_seed(None) != check_seed(None)
    for seed, error in [(-1, InvalidArgument), (2**128, InvalidArgument), (0.5, InvalidType), (False, InvalidType)]:
        with pytest.raises(error, match="seed must"):
            check_seed(seed)


def _not_two(params):
    return params["a"] != 2


def test_what_is_left_of_a_finite_space(monkeypatch):
    space = hp.Space({"a": hp.Int(1, 3), "b": hp.Categorical(["x", "y"])}, constraints=[_not_two])
    for most in (remaining.LISTED, 0):
        monkeypatch.setattr(remaining, "LISTED", most)
        left = Remaining(space, 7)
        found = []
        while (point := left.next()) is not None:
            u, params = point
            assert u in left
            left.discard(u)
            assert u not in left
            found.append((params["a"], params["b"]))
            left = pickle.loads(pickle.dumps(left))  # noqa: S301
        assert sorted(found) == [(1, "x"), (1, "y"), (3, "x"), (3, "y")]
        assert left.n_seen == 4
    assert Remaining(hp.Space({"x": hp.Float(0, 1)}), 0).next() is None


def _diagonal(params):
    return params["a"] == params["b"]


def test_a_large_space_is_walked_through_once(monkeypatch):
    monkeypatch.setattr(remaining, "LISTED", 0)
    space = hp.Space({"a": hp.Int(1, 20), "b": hp.Int(1, 20)}, constraints=[_diagonal])
    settled = []
    codec = space.columns.codec

    class Counting:
        def settle(self, u):
            settled.append(u)
            return codec.settle(u)

    left = Remaining(space, 0)
    monkeypatch.setattr(space, "_columns", dataclasses.replace(space.columns, codec=Counting()))
    found = []
    while (point := left.next()) is not None:
        assert left.next()[1] == point[1]  # it stays until it is proposed
        found.append(point[1]["a"])
        left.discard(point[0])
    assert found == list(range(1, 21))
    assert left.next() is None
    assert len(settled) == 400 + 2 * 20  # each point once, and those that were found twice more


def test_a_copy_of_a_trial_brings_back_what_it_was_given():
    trial, copy = hp.Trial(0, {"x": 1.0}), hp.Trial(0, {"x": 1.0})
    trial.adopt(copy)
    assert trial.extras == (None, None)
    copy.user_attrs["note"], copy.reports[3], copy.started, copy.finished = "n", 0.5, 1.0, 2.0
    trial.adopt(copy)
    assert (trial.user_attrs, trial.reports, trial.started, trial.finished) == ({"note": "n"}, {3: 0.5}, 1.0, 2.0)
