"""The C interface, by ctypes, for tests that compare it with Python."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import hpcore as hp
from hpcore.space.conditions import alternatives_of

FloatArray = npt.NDArray[np.float64]

ABI_VERSION = 1
STATES = ("running", "complete", "pruned", "failed", "paused", "withdrawn")
_INFINITY = math.inf


def find_library() -> Path:
    """Path of the shared library: the installed one, or that of a build in this tree."""
    if hasattr(hp, "get_library"):
        try:
            return Path(hp.get_library())
        except FileNotFoundError:
            pass
    root = Path(__file__).resolve().parents[2]
    built = sorted(root.glob("build/*/libhpcore.so"), key=lambda path: path.stat().st_mtime)
    if not built:
        pytest.skip("the shared library is not there: build the target hpcore_c")
    return built[-1]


class Options(ctypes.Structure):
    _fields_ = (
        ("struct_size", ctypes.c_size_t),
        ("abi_version", ctypes.c_int),
        ("sampler", ctypes.c_char_p),
        ("seed_low", ctypes.c_uint64),
        ("seed_high", ctypes.c_uint64),
        ("n_objectives", ctypes.c_size_t),
        ("maximize", ctypes.POINTER(ctypes.c_int)),
        ("n_limits", ctypes.c_size_t),
        ("repeats", ctypes.c_size_t),
        ("per_cost", ctypes.c_int),
        ("n_startup", ctypes.c_int64),
        ("n_candidates", ctypes.c_int64),
        ("acquisition", ctypes.c_char_p),
        ("trial_seconds", ctypes.c_double),
    )


class Result(ctypes.Structure):
    _fields_ = (
        ("struct_size", ctypes.c_size_t),
        ("state", ctypes.c_int),
        ("values", ctypes.POINTER(ctypes.c_double)),
        ("n_values", ctypes.c_size_t),
        ("std_errors", ctypes.POINTER(ctypes.c_double)),
        ("n_std_errors", ctypes.c_size_t),
        ("violations", ctypes.POINTER(ctypes.c_double)),
        ("n_violations", ctypes.c_size_t),
        ("cost", ctypes.c_double),
    )


class Lapack(ctypes.Structure):
    _fields_ = (
        ("struct_size", ctypes.c_size_t),
        ("dpotrf", ctypes.c_void_p),
        ("dpotri", ctypes.c_void_p),
        ("dtrsv", ctypes.c_void_p),
        ("dtrsm", ctypes.c_void_p),
    )


class CError(Exception):
    """A status other than OK, by its name."""

    def __init__(self, status: str, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


def _doubles(values: Any) -> Any:
    array = np.ascontiguousarray(values, dtype=np.float64)
    return array.ctypes.data_as(ctypes.POINTER(ctypes.c_double)), array


def _bits(x: float) -> ctypes.c_double:
    return ctypes.c_double(x)


class CLibrary:
    """The shared library."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.dll = ctypes.CDLL(str(path))
        for name in ("hpcore_last_error", "hpcore_version", "hpcore_status_name", "hpcore_level_name"):
            getattr(self.dll, name).restype = ctypes.c_char_p
        self.dll.hpcore_space_destroy.argtypes = self.dll.hpcore_optimizer_destroy.argtypes = [ctypes.c_void_p]

    def call(self, name: str, *arguments: Any) -> None:
        status = getattr(self.dll, f"hpcore_{name}")(*arguments)
        if status:
            raise CError(self.dll.hpcore_status_name(status).decode(), self.dll.hpcore_last_error().decode())

    def lend_scipy(self) -> None:
        """Let the library use SciPy's linear algebra."""
        from scipy.linalg import cython_blas, cython_lapack

        pointer, name_of = ctypes.pythonapi.PyCapsule_GetPointer, ctypes.pythonapi.PyCapsule_GetName
        pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
        name_of.restype, name_of.argtypes = ctypes.c_char_p, [ctypes.py_object]

        def routine(module: Any, name: str) -> int:
            capsule = module.__pyx_capi__[name]
            return int(pointer(capsule, name_of(capsule)))

        table = Lapack(
            ctypes.sizeof(Lapack),
            routine(cython_lapack, "dpotrf"),
            routine(cython_lapack, "dpotri"),
            routine(cython_blas, "dtrsv"),
            routine(cython_blas, "dtrsm"),
        )
        self.call("set_lapack", ctypes.byref(table))

    def own_lapack(self) -> None:
        """Let the library use its own linear algebra again."""
        self.call("set_lapack", None)


class CSpace:
    """A space of Python, made by the factories of C."""

    def __init__(self, library: CLibrary, space: hp.Space) -> None:
        self.library = library
        self.handle = ctypes.c_void_p()
        library.call("space_create", ABI_VERSION, ctypes.byref(self.handle))
        self.names = tuple(space)
        self.parameters = {name: space[name] for name in space}
        for name, parameter in self.parameters.items():
            self._add(name.encode(), parameter)
        for name, parameter in self.parameters.items():
            for i, alternative in enumerate(alternatives_of(parameter.when)):
                if i > 0:
                    library.call("space_or_when", self.handle, name.encode())
                for parent, wanted in alternative.items():
                    self._when(name.encode(), parent, wanted)

    def __del__(self) -> None:
        self.library.dll.hpcore_space_destroy(self.handle)

    def _add(self, name: bytes, p: Any) -> None:
        call, handle = self.library.call, self.handle
        if isinstance(p, hp.Float):
            call("space_add_real", handle, name, _bits(p.low), _bits(p.high), p.log, _bits(p.step or 0.0))
        elif isinstance(p, hp.Int):
            call(
                "space_add_integer",
                handle,
                name,
                ctypes.c_int64(p.low),
                ctypes.c_int64(p.high),
                p.log,
                ctypes.c_int64(p.step),
            )
        elif isinstance(p, hp.Normal):
            low = -_INFINITY if p.low is None else p.low
            high = _INFINITY if p.high is None else p.high
            call(
                "space_add_normal",
                handle,
                name,
                _bits(p.mean),
                _bits(p.std),
                _bits(low),
                _bits(high),
                p.log,
                _bits(p.step or 0.0),
            )
        else:
            weights = None if p.weights is None else _doubles(p.weights)[0]
            call("space_add_choice", handle, name, ctypes.c_size_t(len(p.choices)), p.ordered, weights)

    def _when(self, name: bytes, parent: str, wanted: Sequence[Any]) -> None:
        p = self.parameters[parent]
        if isinstance(wanted, list | tuple):
            values = [p.choices.index(v) if isinstance(p, hp.Categorical) else v for v in wanted]
            pointer, array = _doubles(values)
            self.library.call("space_when_in", self.handle, name, parent.encode(), pointer, ctypes.c_size_t(len(array)))
        else:
            low, high = (
                -_INFINITY if wanted.low is None else wanted.low,
                _INFINITY if wanted.high is None else wanted.high,
            )
            self.library.call("space_when_between", self.handle, name, parent.encode(), _bits(low), _bits(high))

    def params(self, row: FloatArray) -> dict[str, Any]:
        """Values of the active columns of a row."""
        out: dict[str, Any] = {}
        pointer, row = _doubles(row)
        for j, (name, p) in enumerate(self.parameters.items()):
            active = ctypes.c_int()
            real, whole, index = ctypes.c_double(), ctypes.c_int64(), ctypes.c_size_t()
            kind, value = (
                ("choice", index)
                if isinstance(p, hp.Categorical)
                else ("integer", whole)
                if isinstance(p, hp.Int)
                else ("real", real)
            )
            self.library.call(
                f"row_get_{kind}",
                self.handle,
                pointer,
                ctypes.c_size_t(len(row)),
                ctypes.c_size_t(j),
                ctypes.byref(value),
                ctypes.byref(active),
            )
            if active.value:
                out[name] = p.choices[value.value] if isinstance(p, hp.Categorical) else value.value
        return out

    def row(self, params: dict[str, Any]) -> FloatArray:
        """Row of the cube of these parameters, NaN for others."""
        row = np.full(len(self.names), math.nan)
        pointer, row = _doubles(row)
        for j, (name, p) in enumerate(self.parameters.items()):
            if name not in params:
                continue
            at = (self.handle, pointer, ctypes.c_size_t(len(row)), ctypes.c_size_t(j))
            if isinstance(p, hp.Categorical):
                self.library.call("row_set_choice", *at, ctypes.c_size_t(p.choices.index(params[name])))
            elif isinstance(p, hp.Int):
                self.library.call("row_set_integer", *at, ctypes.c_int64(params[name]))
            else:
                self.library.call("row_set_real", *at, _bits(params[name]))
        return row


class COptimizer:
    """An optimizer of C, of a space of Python."""

    def __init__(
        self,
        library: CLibrary,
        space: hp.Space,
        sampler: str,
        seed: int = 0,
        directions: Sequence[str] = ("minimize",),
        **options: Any,
    ) -> None:
        self.library, self.space = library, CSpace(library, space)
        self.d, self.m = len(self.space.names), len(directions)
        made = Options()
        library.call("options_init", ctypes.byref(made), ABI_VERSION)
        made.sampler = sampler.encode()
        made.seed_low, made.seed_high = seed % 2**64, seed // 2**64
        made.n_objectives = self.m
        made.maximize = (ctypes.c_int * self.m)(*(way == "maximize" for way in directions))
        for name, value in options.items():
            setattr(made, name, value)
        self.handle = ctypes.c_void_p()
        library.call("optimizer_create", self.space.handle, ctypes.byref(made), ctypes.byref(self.handle))

    def __del__(self) -> None:
        self.library.dll.hpcore_optimizer_destroy(self.handle)

    def _call(self, name: str, *arguments: Any) -> None:
        self.library.call(f"optimizer_{name}", self.handle, *arguments)

    def ask(self) -> tuple[int, FloatArray]:
        """Number and row of the next trial."""
        pointer, row = _doubles(np.empty(self.d))
        number = ctypes.c_uint64()
        self._call("ask", pointer, ctypes.c_size_t(self.d), ctypes.byref(number))
        return number.value, row

    def ask_within(self, deadline_ms: float) -> tuple[int, FloatArray, str]:
        """Number, row and level of the next trial."""
        pointer, row = _doubles(np.empty(self.d))
        number, level = ctypes.c_uint64(), ctypes.c_int()
        self._call(
            "ask_within",
            _bits(deadline_ms),
            pointer,
            ctypes.c_size_t(self.d),
            ctypes.byref(number),
            ctypes.byref(level),
        )
        return number.value, row, self.library.dll.hpcore_level_name(level).decode()

    def ask_many(self, n: int) -> list[tuple[int, FloatArray]]:
        """Numbers and rows of the next trials."""
        pointer, rows = _doubles(np.empty((n, self.d)))
        numbers, count = (ctypes.c_uint64 * n)(), ctypes.c_size_t()
        self._call(
            "ask_many",
            ctypes.c_size_t(n),
            _bits(_INFINITY),
            pointer,
            ctypes.c_size_t(self.d),
            numbers,
            None,
            ctypes.byref(count),
        )
        return [(numbers[i], rows[i]) for i in range(count.value)]

    def tell(self, number: int, *values: float) -> None:
        """End a trial with its values."""
        pointer, array = _doubles(values)
        self._call("tell", ctypes.c_uint64(number), pointer, ctypes.c_size_t(len(array)))

    def fail(self, number: int) -> None:
        """End a trial as failed."""
        self._call("fail", ctypes.c_uint64(number))

    def withdraw(self, number: int) -> None:
        """End a trial without a word on its point."""
        self._call("withdraw", ctypes.c_uint64(number))

    def prune(self, number: int) -> None:
        """End a trial as stopped early."""
        self._call("prune", ctypes.c_uint64(number))

    def report(self, number: int, step: float, *values: float) -> None:
        """Report values at a step."""
        pointer, array = _doubles(values)
        self._call("report", ctypes.c_uint64(number), _bits(step), pointer, ctypes.c_size_t(len(array)))

    def _result(
        self,
        values: Sequence[float],
        state: str = "complete",
        std_errors: Sequence[float] = (),
        violations: Sequence[float] = (),
        cost: float = math.nan,
    ) -> Result:
        result = Result()
        self.library.call("result_init", ctypes.byref(result), ABI_VERSION)
        result.state, result.cost = STATES.index(state), cost
        for name, given in (("values", values), ("std_errors", std_errors), ("violations", violations)):
            array = (ctypes.c_double * len(given))(*given)
            setattr(result, name, array)
            setattr(result, f"n_{name}", len(given))
        return result

    def tell_result(self, number: int, *values: float, **facts: Any) -> None:
        """End a trial with a result."""
        self._call("tell_result", ctypes.c_uint64(number), ctypes.byref(self._result(values, **facts)))

    def add(self, params: dict[str, Any], *values: float, **facts: Any) -> int:
        """Add a result that is known from elsewhere."""
        pointer, row = _doubles(self.space.row(params))
        number = ctypes.c_uint64()
        result = self._result(values, **facts)
        self._call("add", pointer, ctypes.c_size_t(len(row)), ctypes.byref(result), ctypes.byref(number))
        return number.value

    def enqueue(self, params: dict[str, Any]) -> None:
        """Let the next ask propose these parameters."""
        pointer, row = _doubles(self.space.row(params))
        self._call("enqueue", pointer, ctypes.c_size_t(len(row)))

    def best(self) -> tuple[int, float]:
        """Number and value of the best trial."""
        number, value = ctypes.c_uint64(), ctypes.c_double()
        self._call("best", ctypes.byref(number), None, ctypes.c_size_t(0), ctypes.byref(value))
        return number.value, value.value

    def trial(self, number: int) -> tuple[str, FloatArray, FloatArray]:
        """State, row and values of a trial."""
        (at, row), (told, values) = _doubles(np.empty(self.d)), _doubles(np.empty(self.m))
        state = ctypes.c_int()
        sizes = ctypes.c_size_t(self.d), ctypes.c_size_t(self.m)
        self._call("trial", ctypes.c_uint64(number), ctypes.byref(state), at, sizes[0], told, sizes[1])
        return STATES[state.value], row, values

    def front(self) -> list[int]:
        """Numbers of the trials that none dominates."""
        numbers, n = (ctypes.c_uint64 * 1000)(), ctypes.c_size_t()
        self._call("front", numbers, ctypes.c_size_t(1000), ctypes.byref(n))
        return list(numbers[: n.value])

    def predict(self, rows: FloatArray, objective: int = 0) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation at rows."""
        pointer, rows = _doubles(rows)
        mean_pointer, mean = _doubles(np.empty(len(rows)))
        std_pointer, std = _doubles(np.empty(len(rows)))
        shape = ctypes.c_size_t(len(rows)), ctypes.c_size_t(self.d)
        self._call("predict", ctypes.c_size_t(objective), pointer, *shape, mean_pointer, std_pointer)
        return mean, std

    def save(self) -> bytes:
        """Bytes of the search."""
        size = ctypes.c_size_t()
        self.library.dll.hpcore_optimizer_save(self.handle, None, ctypes.c_size_t(0), ctypes.byref(size))
        buffer = ctypes.create_string_buffer(size.value)
        self._call("save", buffer, size, None)
        return buffer.raw

    def load(self, data: bytes) -> None:
        """Go on with a saved search."""
        self._call("load", data, ctypes.c_size_t(len(data)))
