"""Checksum of data, by which changes of it are detected.

Only contents that are known to be data are read: buffers of numbers, texts, dates, and lists, dictionaries and frames
of them. An object of any other class counts by its class alone: its pickle or its text may change without a change of
the data (addresses, caches, a shared reference), and differ in the next process.
"""

from __future__ import annotations

import array
import datetime
import decimal
import fractions
import logging
import pathlib
import uuid
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse

from hpcore.errors import DataChanged

__all__ = ["fingerprint", "watch"]

log = logging.getLogger("hpcore")

# Larger data, and data that must be read object by object, are read in so many evenly spaced rows: reading all would
# take longer than some searches.
_MOST_BYTES = 2**26
_SAMPLED_ROWS = 4096
_MOST_OBJECTS = 2**20

# Depth to which nested lists and dictionaries are read.
_DEEPEST = 8

# Types with the same text in every process.
_ATOMS = frozenset({type(None), bool, int, float, complex, str, bytes})
_TOLD_BY_REPR = (
    *(np.number, np.bool_, np.str_, np.bytes_, np.datetime64, np.timedelta64, np.dtype, range),
    *(datetime.timedelta, decimal.Decimal, fractions.Fraction, pathlib.PurePath, uuid.UUID),
)
_WITH_TEXT = frozenset({"builtins", "numpy", "datetime", "decimal", "fractions", "pathlib", "uuid", "pandas"})


def fingerprint(data: Any) -> int:
    """Compute a number that changes with the data and with nothing else, and is the same in each process.

    Parameters
    ----------
    data : object
        Arrays, masked and structured ones too, sparse matrices, frames and series of pandas and Polars, tensors of
        PyTorch, and lists of these. Up to 64 MB of numbers are read whole, and of larger data some thousand rows, as
        of lists and columns of objects.

    Returns
    -------
    int
        Checksum of the data; for an object of any other class that of its class.
    """
    if data is None:
        return 0
    return _Sum().of(data)


def watch(X: Any, y: Any) -> Callable[[], None]:
    """Remember the data of a search; the returned function raises `DataChanged` if the data is not the same."""
    # Twice, because a class may give another checksum each time, which is no change of the data.
    watched = [(data, before) for data in (X, y) if (before := fingerprint(data)) == _again(data, before)]

    def check() -> None:
        if any(fingerprint(data) != before for data, before in watched):
            raise DataChanged("X or y changed while the search ran: its scores do not belong together")

    return check


def _again(data: Any, before: int) -> int:
    return before if type(data) is np.ndarray and data.dtype != object else fingerprint(data)


class _Sum:
    """Checksum over parts, one after the other."""

    def __init__(self) -> None:
        self._crc = 0
        self._n_objects = 0

    def of(self, data: Any) -> int:
        """Compute the checksum of `data` alone."""
        self._add(data, 0)
        return self._crc

    def _bytes(self, data: Any) -> None:
        self._crc = zlib.crc32(data, self._crc)

    def _text(self, text: str) -> None:
        self._bytes(f"{len(text)}:{text}".encode("utf-8", "surrogatepass"))

    def _class(self, value: Any) -> None:
        self._text(f"{type(value).__module__}.{type(value).__qualname__}")

    def _add(self, value: Any, depth: int) -> None:
        kind = type(value)
        self._n_objects += 1
        if kind in _ATOMS:
            self._text(hex(value) if kind is int else repr(value))
        elif isinstance(value, np.ndarray):
            self._array(value, depth)
        elif depth > _DEEPEST or self._n_objects > _MOST_OBJECTS:
            self._class(value)
        elif kind in (list, tuple):
            self._list(value, depth)
        elif isinstance(value, tuple) and hasattr(kind, "_fields"):
            self._list(list(tuple.__iter__(value)), depth)
        elif kind is dict:
            self._list(list(value), depth)
            self._list(list(value.values()), depth)
        elif kind in (set, frozenset):
            self._text(repr(sorted(_Sum().of(item) for item in value)))
        elif isinstance(value, np.void | array.array):
            self._array(np.asarray(value), depth)
        else:
            self._class(value)
            self._known_class(value, depth)

    def _known_class(self, value: Any, depth: int) -> None:
        if _library(type(value)) in _WITH_TEXT and isinstance(value, _TOLD_BY_REPR):
            self._text(repr(value))
            return
        if _library(type(value)) in _WITH_TEXT and isinstance(value, datetime.date | datetime.time):
            self._text(value.isoformat())  # the text of a time zone may be anything
            return
        readers = {"scipy": self._sparse, "pandas": self._pandas, "polars": self._polars, "torch": self._torch}
        read = next((readers[name] for name in map(_library, type(value).__mro__) if name in readers), None)
        if read is None:
            return
        crc = self._crc
        try:
            read(value, depth)
        except Exception as error:  # a kind of column or tensor that has no values to read here
            log.debug("%s cannot be watched for changes: %r", type(value).__name__, error)
            self._crc = crc

    def _list(self, values: Sequence[Any], depth: int) -> None:
        self._text(f"list {len(values)}")
        kinds = set(map(type, values[:_MOST_OBJECTS]))
        if kinds == {float} or kinds == {int} or kinds == {bool}:
            numbers = np.asarray(_spread(values, _MOST_OBJECTS))
            if numbers.dtype != object:  # as integers beyond 64 bits are
                self._array(numbers, depth)
                return
        # Fewer rows where they are long.
        width = max([len(row) for row in values[:1] if type(row) in (list, tuple, dict)], default=1)
        for item in _spread(values, min(_SAMPLED_ROWS, 1 + _MOST_OBJECTS // (1 + width))):
            self._add(item, depth + 1)

    def _array(self, values: Any, depth: int) -> None:
        if isinstance(values, np.ma.MaskedArray):
            self._array(np.ma.getmaskarray(values), depth)
            # Below a mask there is no data.
            blank: Any = np.zeros((), values.dtype)[()]
            values = np.ma.getdata(values) if values.dtype.names else values.filled(blank)
        values = np.asarray(values).view(np.ndarray)
        kind = values.dtype.kind
        if depth or kind not in "biufcmMUS" or values.nbytes > _MOST_BYTES:
            self._text(f"array {values.shape} {kind}")
        if values.nbytes > _MOST_BYTES and values.ndim:
            values = values[_spread_rows(len(values), _SAMPLED_ROWS)]
        if values.dtype.names is not None:
            # Field by field: the bytes between them may be anything.
            for name in values.dtype.names:
                self._text(name)
                self._array(values[name], depth + 1)
        elif kind in "OT":  # objects, and texts that NumPy keeps elsewhere
            self._list(values.tolist() if values.ndim else [values.item()], depth)
        elif kind != "V" and values.size and values.dtype.itemsize:
            if values.dtype.char in "gG":
                # Some of their bytes mean nothing.
                values = values.astype(np.float64 if values.dtype.char == "g" else np.complex128)
            self._bytes(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)

    def _sparse(self, matrix: Any, depth: int) -> None:
        if not scipy.sparse.issparse(matrix):
            return
        self._text(repr(matrix.shape))
        # By entry and not by the way they are stored: a fit may sort indices or add up duplicates.
        if matrix.ndim != 2:
            entries = matrix.tocoo(copy=True)
        elif matrix.nnz * matrix.dtype.itemsize > _MOST_BYTES:
            entries = matrix.tocsr()[_spread_rows(matrix.shape[0], _SAMPLED_ROWS)]
        else:
            entries = matrix.tocsr(copy=True)
        entries.sum_duplicates()
        entries.eliminate_zeros()
        places = (entries.indices, entries.indptr) if matrix.ndim == 2 else entries.coords
        for part in (entries.data, *(place.astype(np.int64) for place in places)):
            self._array(part, depth + 1)

    def _pandas(self, value: Any, depth: int) -> None:
        if hasattr(value, "columns"):
            self._text(repr(value.shape))
            if value.memory_usage().sum() > _MOST_BYTES:
                value = value.iloc[_spread_rows(len(value), _SAMPLED_ROWS)]
            self._pandas_labels(value.columns, depth)
            self._pandas_labels(value.index, depth)
            for i in range(value.shape[1]):
                self._pandas_values(value.iloc[:, i].array, depth + 1)
        elif hasattr(value, "index") and hasattr(value, "iloc"):
            self._pandas_labels(value.index, depth)
            self._pandas_values(value.array, depth)
        elif hasattr(value, "dtype"):
            self._pandas_values(value, depth)
        else:
            self._text(repr(value))  # Interval, Period, NA

    def _pandas_labels(self, labels: Any, depth: int) -> None:
        if type(labels).__name__ != "RangeIndex":
            self._pandas_values(labels, depth)
        else:
            self._text(repr(labels))

    def _pandas_values(self, values: Any, depth: int) -> None:
        self._text(str(values.dtype))
        if hasattr(values, "codes") and hasattr(values, "categories"):
            self._array(np.asarray(values.codes), depth + 1)
            self._array(np.asarray(values.categories), depth + 1)
        else:
            self._array(np.asarray(values), depth + 1)

    def _polars(self, value: Any, depth: int) -> None:
        columns = (
            value.get_columns() if hasattr(value, "get_columns") else [value] if hasattr(value, "to_numpy") else []
        )
        for column in columns:
            self._text(f"{column.name} {column.dtype}")
            rows = (
                column
                if len(column) <= _MOST_BYTES // 8
                else column.gather(_spread_rows(len(column), _SAMPLED_ROWS).tolist())
            )
            self._add(rows.to_numpy(), depth + 1)

    def _torch(self, value: Any, depth: int) -> None:
        if hasattr(value, "detach"):
            self._text(f"{value.dtype} {tuple(value.shape)}")
            if value.device.type == "cpu":
                self._array(value.detach().numpy(), depth + 1)
        else:
            self._text(repr(value))  # a dtype, a size


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _spread_rows(n: int, most: int) -> Any:
    return np.unique(np.linspace(0, n - 1, min(n, most)).astype(np.intp))


def _spread(values: Sequence[Any], most: int) -> Sequence[Any]:
    return values if len(values) <= most else [values[i] for i in _spread_rows(len(values), most)]
