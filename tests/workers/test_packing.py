"""An object that goes to workers once: what is mapped, what stays of it, and who cannot reach it."""

from __future__ import annotations

import functools
import mmap
import pickle
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from hpcore.workers.engine import Piece
from hpcore.workers.packing import Cargo, Kept, Miss, Missed, OutOfReach, Packed, Shared, unpack

N = 50_000
DATA = np.arange(float(N))


class Holder:
    def __init__(self, data: Any) -> None:
        self.data = data

    def __call__(self) -> Any:
        return self.data

    def method(self) -> Any:
        return self.data


def closure(data: Any) -> Callable[[], Any]:
    return lambda: data


def default(data: Any) -> Callable[[], Any]:
    return lambda data=data: data


def from_globals(data: Any) -> Callable[[], Any]:
    space: dict[str, Any] = {"data": data, "__name__": "__main__"}  # pickled by value, as of a script
    exec("def objective():\n    return data", space)  # noqa: S102
    function: Callable[[], Any] = space["objective"]
    return function


def identity(data: Any) -> Any:
    return data


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def mapped(array: Any) -> bool:
    base = array
    while isinstance(base, np.ndarray) and base.base is not None:
        base = base.base
    return isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap)


@pytest.mark.parametrize(
    "function",
    [
        closure(DATA),
        default(DATA),
        from_globals(DATA),
        Holder(DATA),
        Holder(DATA).method,
        functools.partial(identity, DATA),
        functools.partial(closure(DATA)),
    ],
    ids=["closure", "default", "globals", "callable", "bound method", "partial", "partial of a closure"],
)
def test_data_behind_a_function_is_mapped(function: Callable[[], Any], folder: Path) -> None:
    with Shared(Packed(function)) as shared:
        assert len(pickle.dumps(shared.handle)) < 1000
        found = unpack(shared.handle)()
        assert mapped(found)
        np.testing.assert_array_equal(found, DATA)


def arrays_of(value: Any) -> list[Any]:
    if isinstance(value, pd.DataFrame):
        return [value[name].to_numpy() for name in value]
    if scipy.sparse.issparse(value):
        return [value.data, value.indices]
    if isinstance(value, dict):
        return [array for item in value.values() for array in arrays_of(item)]
    if isinstance(value, list | tuple):
        return [array for item in value for array in arrays_of(item)]
    return [value]


@pytest.mark.parametrize(
    "data",
    [
        np.asfortranarray(DATA.reshape(500, -1)),
        DATA.reshape(500, -1)[:, ::2],
        DATA[::-3],
        np.arange(N).astype("M8[s]"),
        np.arange(N).astype("m8[D]").reshape(-1, 2)[:, 1],
        np.full(N, "text"),
        np.zeros(N, dtype=[("a", "f8"), ("b", "i4")]),
        pd.DataFrame({"a": DATA, "b": np.arange(N), "c": DATA > 7}),
        scipy.sparse.random(300, 300, 0.5, format="csr", random_state=0),
        [DATA, {"key": (DATA[:1000], np.arange(N))}],
    ],
    ids=["fortran", "columns", "backwards", "dates", "days", "text", "records", "frame", "sparse", "nested"],
)
def test_kinds_of_data(data: Any, folder: Path) -> None:
    with Shared(Packed(data)) as shared:
        found = unpack(shared.handle)
        for array, expected in zip(arrays_of(found), arrays_of(data), strict=True):
            assert mapped(array) and type(array) is np.ndarray
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected)
            assert array.flags.writeable == expected.flags.writeable and array.flags.aligned
    if isinstance(data, pd.DataFrame):
        pd.testing.assert_frame_equal(found, data)  # the files are gone, the pages are not


def test_a_mapped_file_is_an_array(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("data") / "x"
    data = np.memmap(path, dtype="f8", mode="w+", shape=(N,))
    data[:] = DATA
    with Shared(Packed({"data": data})) as shared:
        found = unpack(shared.handle)["data"]
        found[0] = -1.0
        assert mapped(found) and type(found) is np.ndarray
        np.testing.assert_array_equal(found[1:], DATA[1:])
    assert data[0] == 0.0


def test_what_is_one_stays_one_and_what_is_small_or_an_object_stays_right(folder: Path) -> None:
    view = DATA.reshape(500, -1)[:, ::2]
    data = {"a": DATA, "again": DATA, "view": view, "same view": view, "small": np.arange(3), "none": np.zeros(0)}
    data["objects"] = np.array([{"x": 1}, None] * 5000, dtype=object)
    data["masked"] = np.ma.masked_greater(DATA, 10.0)
    data["bytes"] = b"x" * 100_000
    with Shared(Packed(data)) as shared:
        found = unpack(shared.handle)
    assert found["a"] is found["again"] and found["view"] is found["same view"]
    assert found["objects"].tolist() == data["objects"].tolist() and found["bytes"] == data["bytes"]
    np.testing.assert_array_equal(found["masked"].mask, data["masked"].mask)
    assert found["small"].tolist() == [0, 1, 2] and found["none"].size == 0


def test_writing_changes_the_pages_of_the_writer_only(folder: Path) -> None:
    fixed = np.arange(float(N))
    fixed.flags.writeable = False
    with Shared(Packed((DATA, fixed))) as shared:
        (one, one_fixed), (two, _) = unpack(shared.handle), unpack(shared.handle)
        one[:] = -1.0
        np.testing.assert_array_equal(two, np.arange(float(N)))
        np.testing.assert_array_equal(unpack(shared.handle)[0], np.arange(float(N)))
        with pytest.raises(ValueError, match="read-only"):
            one_fixed[0] = 1.0
    np.testing.assert_array_equal(DATA, np.arange(float(N)))


def test_a_small_object_needs_no_file(folder: Path) -> None:
    with Shared(Packed(closure(np.arange(10)))) as shared:
        assert list(folder.iterdir()) == [] and shared.handle.folder == ""
        assert unpack(shared.handle)().tolist() == list(range(10))


def test_workers_that_do_not_reach_the_files(folder: Path) -> None:
    with Shared(Packed(Holder(DATA))) as shared:
        away = shared.handle._replace(folder=shared.handle.folder + "-elsewhere")
        with pytest.raises(OutOfReach):
            unpack(away)


@pytest.mark.parametrize("protocol", [4, 5])
def test_cargo_arrives_as_it_was_sent(protocol: int) -> None:
    packed = Packed(Holder(DATA))
    cargo = Cargo(packed.stream, packed.buffers)
    copy: Cargo = pickle.loads(pickle.dumps(cargo, protocol=protocol))  # noqa: S301
    found = copy.unpack()()
    np.testing.assert_array_equal(found, DATA)
    found[0] = 1.0
    assert DATA[0] == 0.0
    assert not copy.unpack(read_only=True)().flags.writeable


def test_cargo_in_shared_memory_is_copied_where_it_may_be_written_to() -> None:
    buffers: list[Any] = []
    packed = Packed(Holder(DATA))
    stream = pickle.dumps(Cargo(packed.stream, packed.buffers), protocol=5, buffer_callback=buffers.append)
    assert len(stream) < DATA.nbytes / 10, "the arrays are not in it"
    frames = [memoryview(bytes(buffer.raw())) for buffer in buffers]
    arrived: Cargo = pickle.loads(stream, buffers=frames)  # noqa: S301
    shown = arrived.unpack(read_only=True)()
    assert np.shares_memory(shown, np.frombuffer(frames[0], np.uint8))
    own = arrived.unpack()()
    own[0] = 1.0
    assert shown[0] == DATA[0] == 0.0


class Place(NamedTuple):
    """Pool that has a place for objects or none, and the objects there."""

    there: list[Any]
    has: bool

    def place(self, value: Any) -> Any:
        self.there.append(value)
        return f"reference {len(self.there)}" if self.has else None


def pieces(serial: int) -> list[Piece]:
    return [Piece(None, [0], serial), Piece(None, [0], serial + 1)]


def test_what_missed_the_object_gets_it_with_the_next_sending() -> None:
    pool: Any = Place([], has=False)
    missed = Missed(lambda: Packed(Holder(DATA)))
    assert missed.along(pool, pieces(0)) is None
    missed.note(Miss("a"), pieces(0))
    assert missed.along(pool, pieces(2)) is None, "its worker may have it"
    cargo = missed.along(pool, pieces(0))
    assert isinstance(cargo, Cargo)
    missed.note(Miss("a"), pieces(4))
    assert missed.along(pool, pieces(4)) is None, "it is on its way to that worker"
    missed.note(Miss("b"), pieces(6))
    assert missed.along(pool, pieces(6)) is cargo, "it is packed once"
    missed.note(Miss("a"), pieces(4))
    assert missed.along(pool, pieces(4)) is cargo, "another worker got it"


def test_a_place_gets_the_object_once_and_all_tasks_refer_to_it() -> None:
    pool: Any = Place([], has=True)
    missed = Missed(lambda: Packed(Holder(DATA)))
    assert missed.along(pool, pieces(0)) is None and pool.there == []
    missed.note(Miss("a"), pieces(0))
    missed.note(Miss("b"), pieces(2))
    assert [missed.along(pool, pieces(n)) for n in (0, 2, 4)] == ["reference 1"] * 3
    assert len(pool.there) == 1
    missed.lost()
    assert missed.along(pool, pieces(6)) is None, "the place may be gone"
    missed.note(Miss("b"), pieces(6))
    assert missed.along(pool, pieces(6)) == "reference 2"


def test_a_worker_keeps_what_two_searches_need_in_turn() -> None:
    kept: Kept[list[str]] = Kept()
    unpacked = []

    def get(token: str) -> list[str]:
        def unpack() -> list[str]:
            unpacked.append(token)
            return [token]

        return kept.get(token, unpack)

    assert [get(token) for token in "abababcb"] == [[token] for token in "abababcb"]
    assert unpacked == ["a", "b", "c"], "the one that was used before the others goes"
    assert get("a") == ["a"] and unpacked[3:] == ["a"]

    def fail() -> list[str]:
        raise OutOfReach("no files")

    with pytest.raises(OutOfReach):
        kept.get("d", fail)
    assert get("a") == ["a"] and unpacked[4:] == []


def test_no_room_for_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "there is no such folder"))
    with Shared(Packed(Holder(DATA))) as shared, pytest.raises(OutOfReach):
        unpack(shared.handle)
    assert "sent to each worker" in caplog.text


def test_files_go_whatever_happens(folder: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Shared(Packed(Holder(DATA))):
        assert len(list(folder.iterdir())) == 1
        raise KeyboardInterrupt
