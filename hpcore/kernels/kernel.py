"""User's Python function as a C function pointer: the common part of all kernels."""

from __future__ import annotations

import inspect
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.errors import InvalidArgument, InvalidType, KernelError
from hpcore.kernels._jit import jit_user, log

__all__ = ["Kernel", "check_signature", "numba_callbacks", "pointer_to", "readonly_vector"]

FloatArray = npt.NDArray[np.float64]


class Kernel(ABC):
    """A user's function, compiled on first use.

    The compiled code lives as long as this object; whoever hands `address` on keeps the object.
    """

    kind: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]]
    answer: ClassVar[str]
    n_answers: ClassVar[int] = 1
    gradient: Callable[..., Any] | None = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", repr(function))
        self.__doc__ = function.__doc__
        check_signature(self.kind, self.name, self.arguments, function)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._compiled: Any = None

    @property
    def title(self) -> str:
        """Name by which errors call it."""
        return f"{self.kind} kernel {self.name!r}"

    @property
    def address(self) -> int:
        """Address of the C function, which is compiled now if it was not.

        Raises
        ------
        KernelError
            Numba cannot compile the function; the message has its reason.
        """
        return int(self.compiled.address)

    @property
    def compiled(self) -> Any:
        """Numba's C callback; its signature is in ``csrc/hpcore/kernels.hpp``."""
        with self._lock:
            if self._compiled is None:
                log.info("compiling the %s kernel %s (once)", self.kind, self.name)
                try:
                    self._compiled = self._compile()
                except ImportError:
                    raise
                except Exception as error:  # Numba's own have no common class
                    raise KernelError(
                        f"{self.title} must be a function ({', '.join(self.arguments)}) -> "
                        f"{self.answer} that Numba can compile, and may not write into "
                        f"what it is given: {error}"
                    ) from error
            return self._compiled

    @abstractmethod
    def _compile(self) -> Any:
        """Numba's C callback."""

    def _inner(self, *arguments: Any) -> Any:
        """The user's function for these types of arguments, if it answers with real numbers."""
        import numba
        from numba.core.registry import cpu_target

        compiled = jit_user(self.function, *arguments)
        (signature,) = compiled.nopython_signatures
        answer = signature.return_type
        is_tuple = isinstance(answer, numba.types.BaseTuple)
        parts = tuple(answer) if is_tuple else (answer,)
        convert = cpu_target.typing_context.can_convert
        fits = is_tuple == (self.n_answers > 1) and len(parts) == self.n_answers
        if not fits or any(convert(part, numba.types.float64) is None for part in parts):
            raise TypeError(f"it answers {answer}")
        return compiled

    def _vector(self, name: str, values: Sequence[float] | FloatArray) -> FloatArray:
        """An argument (n,) as the compiled function reads it."""
        try:
            given = np.asarray(values)
        except ValueError:  # rows of several lengths
            raise InvalidType(f"{self.title} takes numbers for {name}, got {values!r}") from None
        if given.dtype.kind not in "biuf" and given.size:
            raise InvalidType(f"{self.title} takes numbers for {name}, got {values!r}")
        if given.ndim != 1:
            raise InvalidArgument(f"{self.title} takes one vector for {name}, got shape {given.shape}")
        return np.ascontiguousarray(given, dtype=np.float64)

    def _check(self, status: int, out: FloatArray) -> None:
        if status != 1:
            raise KernelError(f"{self.title} raised an error")
        if np.isnan(out).any():
            raise KernelError(f"{self.title} answered NaN")

    def __repr__(self) -> str:
        return f"<{self.kind} kernel {self.name}>"

    # Pickled with the function's own code, so that a worker process compiles it again: it needs neither the module
    # that defined it nor this process.

    def __getstate__(self) -> dict[str, Any]:
        import cloudpickle

        state = {k: v for k, v in vars(self).items() if k not in ("_lock", "_compiled", "function", "gradient")}
        functions = (self.function, self.gradient)
        try:
            state["code"] = cloudpickle.dumps(functions)
        except Exception as error:
            raise KernelError(f"{self.title} cannot be pickled: {error}") from error
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        import cloudpickle

        self.function, self.gradient = cloudpickle.loads(state.pop("code"))  # made by __getstate__
        vars(self).update(state)
        self._begin()


def check_signature(kind: str, name: str, wanted: tuple[str, ...], function: Any) -> None:
    """Raise unless something is a plain function of just these arguments."""
    if not callable(function):
        raise InvalidType(f"{kind} kernel must be a function, got {function!r}")
    if hasattr(function, "py_func"):
        raise InvalidType(f"{kind} kernel {name!r} must be a plain function, got one that Numba has compiled already")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise InvalidType(f"{kind} kernel must be a Python function, got {function!r}") from None
    for looks, word in (
        (inspect.iscoroutinefunction, "an async function"),
        (inspect.isasyncgenfunction, "a generator"),
        (inspect.isgeneratorfunction, "a generator"),
    ):
        if looks(function):
            raise InvalidType(f"{kind} kernel {name!r} must be a plain function, got {word}")
    plain = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty for p in parameters)
    if len(parameters) != len(wanted) or not plain:
        raise InvalidArgument(
            f"{kind} kernel {name!r} must take exactly ({', '.join(wanted)}), got {name}{inspect.signature(function)}"
        )


def pointer_to(a: FloatArray) -> Any:
    """Pointer by which a compiled function reads or writes an array."""
    import ctypes

    return a.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def numba_callbacks() -> tuple[Any, Any, Any]:
    """Numba's ``carray``, ``cfunc`` and ``types``."""
    import numba

    module: Any = numba
    return module.carray, module.cfunc, module.types


def readonly_vector() -> Any:
    """Numba's type of a vector that may not be written."""
    import numba

    return numba.types.Array(numba.types.float64, 1, "C", readonly=True)
