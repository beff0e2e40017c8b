"""The way of the data to workers: mapped, kept for the next task, removed with the search."""

from __future__ import annotations

import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from hpcore.evaluation import sharing
from hpcore.evaluation.sharing import SharedWorkload, fetch
from hpcore.evaluation.worker import run_bundle
from hpcore.workers.packing import Cargo, Kept, Miss, OutOfReach
from tests.evaluation.reports import is_mapped, workload


def test_data_is_mapped_and_kept_and_removed():
    sharing._fetched = Kept()
    large = np.arange(6000.0).reshape(2000, 3)
    data = {
        "X": large[:, ::2],
        "y": [large.T, "text", np.arange(5000).astype("M8[s]"), np.zeros((0, 3))],
        "fit_params": {"frame": pd.DataFrame(large), "sparse": scipy.sparse.csr_matrix(large)},
    }
    with SharedWorkload(workload(**data), 1, by_file=True) as handle:
        elsewhere = handle._replace(owner=-1)  # as a worker sees it
        found, _ = fetch(elsewhere)
        for array, expected in (
            (found.X, large[:, ::2]),
            (found.y[0], large.T),
            (found.fit_params["frame"].to_numpy(), large),
            (found.fit_params["sparse"].data, scipy.sparse.csr_matrix(large).data),
        ):
            assert is_mapped(array)
            assert not array.flags.writeable
            np.testing.assert_array_equal(array, expected)
        assert found.y[1] == "text"
        np.testing.assert_array_equal(found.y[2], data["y"][2])
        assert found.y[3].shape == (0, 3)
        assert fetch(elsewhere)[0] is found
        assert os.path.isdir(handle.path)  # noqa: PTH112
        others = [SharedWorkload(workload(), 1, by_file=True) for _ in range(5)]
        for other in others:
            with other as next_handle:
                fetch(next_handle._replace(owner=-1))
        assert len(sharing._fetched._objects) <= 2
    assert not os.path.exists(handle.path)  # noqa: PTH110
    assert handle.token not in sharing._owned


def test_the_owner_is_known_by_process_and_workload():
    with SharedWorkload(workload(), 1, by_file=True) as handle:
        assert sharing.owns(handle)
        assert not sharing.owns(handle._replace(owner=-1)), "a fork has the table too"
        assert not sharing.owns(handle._replace(token="other")), "another machine may have a process of this number"
    assert not sharing.owns(handle)


def test_threads_of_one_worker_read_a_workload_once(monkeypatch):
    n_reads = []

    def read(folder):
        n_reads.append(folder)
        time.sleep(0.05)
        return (workload(), sharing.Surroundings({}, []))

    monkeypatch.setattr(sharing, "_read", read)
    sharing._fetched = Kept()
    handle = sharing.Handle("token", -1, "somewhere", 1)
    with ThreadPoolExecutor(4) as executor:
        found = list(executor.map(fetch, [handle] * 4))
    assert len(n_reads) == 1
    assert all(pair is found[0] for pair in found)
    sharing._fetched = Kept()


def test_a_worker_without_the_files_gets_the_workload_once():
    sharing._fetched = Kept()
    large = np.arange(6000.0).reshape(2000, 3)
    shared = SharedWorkload(workload(X=large), 1, by_file=True)
    with shared as handle:
        far = handle._replace(owner=-1, path=handle.path + "-of-another-machine")
        with pytest.raises(OutOfReach):
            fetch(far)
        assert run_bundle(far, []) == Miss.here()
        packed = shared.pack()
        cargo = pickle.loads(pickle.dumps(Cargo(packed.stream, packed.buffers)))  # noqa: S301
        found, surroundings = fetch(far, cargo)
        np.testing.assert_array_equal(found.X, large)
        assert not found.X.flags.writeable, "as where it is mapped"
        assert surroundings.config == sharing._owned[handle.token][1].config
        assert fetch(far)[0] is found, "it is kept for tasks that come without"
        assert run_bundle(far, [])[:2] == ([], None)
