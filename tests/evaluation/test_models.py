"""Fitted estimators that are kept between two rungs."""

from __future__ import annotations

import os
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


def test_a_model_that_is_put_again_counts_once(folder):
    models = Models(folder, most_bytes=10_000)
    models.put(0, 0, 1, np.zeros(400))
    for _ in range(5):
        models.put(1, 0, 1, np.zeros(400))
    assert models.latest(0, 0, 1)[0] == 1


def test_as_many_are_dropped_as_a_larger_one_needs(folder):
    models = Models(folder, most_bytes=10_000)
    for number in range(2):
        models.put(number, 0, 1, np.zeros(400))
    models.put(2, 0, 1, np.zeros(1100))
    assert [models.latest(number, 0, 1)[0] for number in range(3)] == [0, 0, 1]


def test_the_highest_rung_of_several_is_taken(folder):
    models = Models(folder)
    models.put(0, 0, 1, "first")
    models.put(0, 0, 3, "third")
    assert models.latest(0, 0, 3) == (3, "third")
    assert models.latest(0, 0, 2) == (1, "first")


@pytest.mark.skipif(os.name != "posix", reason="modes of folders")
def test_only_this_user_may_enter_the_folder(tmp_path):
    before = os.umask(0o022)
    try:
        Models(tmp_path / "models").put(0, 0, 1, "model")
    finally:
        os.umask(before)
    assert (tmp_path / "models").stat().st_mode & 0o777 == 0o700


def test_no_part_of_a_model_that_is_not_kept_is_left(tmp_path):
    (tmp_path / "models" / "0-0-1.model" / "taken").mkdir(parents=True)
    Models(tmp_path / "models").put(0, 0, 1, "model")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["0-0-1.model"]
