"""Points of a finite space that remain."""

from __future__ import annotations

import dataclasses
import pickle

import hpcore as hp
from hpcore.optimizer import remaining
from hpcore.optimizer.remaining import Remaining


def _not_two(params):
    return params["a"] != 2


def _diagonal(params):
    return params["a"] == params["b"]


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
