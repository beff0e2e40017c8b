"""Fitted estimators that are kept between two rungs."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from hpcore.evaluation.models import Models


@pytest.fixture(params=["memory", "files"])
def folder(request, tmp_path):
    return None if request.param == "memory" else tmp_path / "models"


def test_latest_of_the_rungs_before(folder):
    models = Models(folder)
    assert models.latest(0, 0, 3) == (0, None)
    models.put(0, 0, 1, {"n": 1})
    assert models.latest(0, 0, 0) == (0, None)
    assert models.latest(0, 0, 1) == (1, {"n": 1})
    assert models.latest(0, 0, 3) == (1, {"n": 1})
    assert models.latest(0, 1, 3) == models.latest(1, 0, 3) == (0, None)
    models.put(0, 0, 2, {"n": 2})
    assert models.latest(0, 0, 3) == (2, {"n": 2})
    # Only the last rung is kept.
    assert models.latest(0, 0, 1) == (0, None)


def test_copies(folder):
    models = Models(folder)
    model = {"trees": [1]}
    models.put(0, 0, 1, model)
    model["trees"].append(2)
    first = models.latest(0, 0, 1)[1]
    first["trees"].append(3)
    assert models.latest(0, 0, 1)[1] == {"trees": [1]}


def test_other_processes_see_files(tmp_path):
    Models(tmp_path / "models").put(3, 1, 1, "model")
    other = Models(tmp_path / "models")
    assert other.latest(3, 1, 2) == (1, "model")
    other.put(3, 1, 2, "later")
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["3-1-2.model"]


def test_size_is_bounded(folder):
    models = Models(folder, most_bytes=10_000)
    for number in range(10):
        models.put(number, 0, 1, np.zeros(400))
    kept = [number for number in range(10) if models.latest(number, 0, 1)[0]]
    assert kept == [8, 9] or kept == [7, 8, 9]
    models.put(10, 0, 1, np.zeros(4000))  # alone too large: the others stay
    assert models.latest(10, 0, 1) == (0, None)
    assert models.latest(9, 0, 1)[0] == 1


def test_no_pickle_and_no_disk_are_no_error(folder, tmp_path):
    models = Models(folder)
    models.put(0, 0, 1, threading.Lock())
    assert models.latest(0, 0, 1) == (0, None)
    blocked = tmp_path / "file"
    blocked.write_text("")
    models = Models(blocked / "models")
    models.put(0, 0, 1, "model")
    assert models.latest(0, 0, 1) == (0, None)
