"""Decorators that turn a Python function into a C function pointer."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_integer
from hpcore.errors import InvalidArgument, InvalidType, KernelError
from hpcore.kernels._jit import jit, log

__all__ = ["AcquisitionKernel", "CovarianceKernel", "DensityKernel", "acquisition", "covariance", "density"]

FloatArray = npt.NDArray[np.float64]


class _Kernel:
    """A user's function, compiled on first use.

    The compiled code lives as long as this object; whoever hands `address` on keeps the object.
    """

    kind: ClassVar[str]
    arguments: ClassVar[tuple[str, ...]]
    answer: ClassVar[str]
    gradient: Callable[..., Any] | None = None

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name: str = getattr(function, "__name__", repr(function))
        self.__doc__ = function.__doc__
        _check_signature(self.kind, self.name, self.arguments, function)
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._compiled: Any = None

    @property
    def address(self) -> int:
        """Of the C function, compiled now if it was not.

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
                import numba

                try:
                    self._compiled = self._compile()
                except numba.core.errors.NumbaError as error:
                    raise KernelError(
                        f"{self.kind} kernel {self.name!r} must be a function ({', '.join(self.arguments)}) -> "
                        f"{self.answer} that Numba can compile: {error}"
                    ) from error
            return self._compiled

    def _compile(self) -> Any:
        raise NotImplementedError

    def _check(self, status: int, out: FloatArray) -> None:
        if status != 1:
            raise KernelError(f"{self.kind} kernel {self.name!r} raised an error")
        if np.isnan(out).any():
            raise KernelError(f"{self.kind} kernel {self.name!r} answered NaN")

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
            raise KernelError(f"{self.kind} kernel {self.name!r} cannot be pickled: {error}") from error
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        import cloudpickle

        self.function, self.gradient = cloudpickle.loads(state.pop("code"))  # made by __getstate__
        vars(self).update(state)
        self._begin()


def _check_signature(kind: str, name: str, wanted: tuple[str, ...], function: Any) -> None:
    if not callable(function):
        raise InvalidType(f"{kind} kernel must be a function, got {function!r}")
    if hasattr(function, "py_func"):
        raise InvalidType(f"{kind} kernel {name!r} must be a plain function, got one that Numba has compiled already")
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        raise InvalidType(f"{kind} kernel must be a Python function, got {function!r}") from None
    plain = all(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty for p in parameters)
    if len(parameters) != len(wanted) or not plain:
        raise InvalidArgument(
            f"{kind} kernel {name!r} must take exactly ({', '.join(wanted)}), got {name}{inspect.signature(function)}"
        )


def _reals(values: Sequence[float] | FloatArray) -> FloatArray:
    return np.ascontiguousarray(values, dtype=np.float64)


class AcquisitionKernel(_Kernel):
    """What `acquisition` makes; call it to evaluate the compiled function."""

    kind = "acquisition"
    arguments = ("mean", "std", "best")
    answer = "(value, d value / d mean, d value / d std)"

    def _compile(self) -> Any:
        carray, cfunc, types = _numba()

        inner = jit(self.function)

        def call(mean, std, best, out):  # type: ignore[no-untyped-def]
            try:
                value, by_mean, by_std = inner(mean, std, best)
            except Exception:
                return 0
            result = carray(out, (3,))
            result[0] = value
            result[1] = by_mean
            result[2] = by_std
            return 1

        real = types.float64
        return cfunc(types.int32(real, real, real, types.CPointer(real)))(call)

    def __call__(self, mean: float, std: float, best: float) -> tuple[float, float, float]:
        """The value and its two derivatives, by the compiled code.

        Raises
        ------
        KernelError
            The function raised, or answered NaN.
        """
        out = np.empty(3)
        self._check(self.compiled.ctypes(mean, std, best, _pointer(out)), out)
        return float(out[0]), float(out[1]), float(out[2])


class DensityKernel(_Kernel):
    """What `density` makes; call it to evaluate the compiled function."""

    kind = "density"
    arguments = ("u",)
    answer = "log density"

    def _compile(self) -> Any:
        carray, cfunc, types = _numba()

        inner = jit(self.function)

        def call(u, d, out):  # type: ignore[no-untyped-def]
            try:
                value = inner(carray(u, (d,)))
            except Exception:
                return 0
            out[0] = value
            return 1

        reals = types.CPointer(types.float64)
        return cfunc(types.int32(reals, types.uintp, reals))(call)

    def __call__(self, u: Sequence[float] | FloatArray) -> float:
        """The log density at a point (d,) of the cube, by the compiled code.

        Raises
        ------
        KernelError
            The function raised, or answered NaN.
        """
        point, out = _reals(u), np.empty(1)
        self._check(self.compiled.ctypes(_pointer(point), point.size, _pointer(out)), out)
        return float(out[0])


class CovarianceKernel(_Kernel):
    """What `covariance` makes; call it to evaluate the compiled function."""

    kind = "covariance"
    arguments = ("x", "y", "theta")
    answer = "k"
    gradient_arguments = ("x", "y", "theta", "d_theta", "d_x")

    def __init__(
        self,
        function: Callable[..., Any],
        n_hyperparameters: int,
        bounds: Sequence[tuple[float, float]],
        gradient: Callable[..., Any] | None = None,
    ) -> None:
        self.n_hyperparameters = check_integer("n_hyperparameters", n_hyperparameters, 0)
        self.bounds = _check_bounds(bounds, self.n_hyperparameters)
        self.gradient = gradient
        if gradient is not None:
            name = getattr(gradient, "__name__", repr(gradient))
            _check_signature("covariance gradient", name, self.gradient_arguments, gradient)
        super().__init__(function)

    def _compile(self) -> Any:
        """k, then its gradients in theta and x: the user's, or central differences."""
        carray, cfunc, types = _numba()

        inner = jit(self.function)
        if self.gradient is None:
            gradient = jit(_differences)

            def call(x, y, d, theta, p, out):  # type: ignore[no-untyped-def]
                try:
                    a, b, t = carray(x, (d,)), carray(y, (d,)), carray(theta, (p,))
                    out[0] = inner(a, b, t)
                    result = carray(out, (1 + p + d,))
                    gradient(inner, a, b, t, result[1 : 1 + p], result[1 + p :])
                except Exception:
                    return 0
                return 1
        else:
            given = jit(self.gradient)

            def call(x, y, d, theta, p, out):  # type: ignore[no-untyped-def]
                try:
                    a, b, t = carray(x, (d,)), carray(y, (d,)), carray(theta, (p,))
                    out[0] = inner(a, b, t)
                    result = carray(out, (1 + p + d,))
                    given(a, b, t, result[1 : 1 + p], result[1 + p :])
                except Exception:
                    return 0
                return 1

        reals, size = types.CPointer(types.float64), types.uintp
        return cfunc(types.int32(reals, reals, size, reals, size, reals))(call)

    def __call__(
        self, x: Sequence[float] | FloatArray, y: Sequence[float] | FloatArray, theta: Sequence[float] | FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """k (x, y), dk / dtheta (p,) and dk / dx (d,), by the compiled code.

        Raises
        ------
        KernelError
            The function raised, or answered NaN.
        """
        a, b, t = _reals(x), _reals(y), _reals(theta)
        if a.shape != b.shape or t.shape != (self.n_hyperparameters,):
            raise InvalidArgument(
                f"covariance kernel {self.name!r} takes x and y of one length and theta of length "
                f"{self.n_hyperparameters}, got shapes {a.shape}, {b.shape} and {t.shape}"
            )
        out = np.full(1 + t.size + a.size, np.nan)
        status = self.compiled.ctypes(_pointer(a), _pointer(b), a.size, _pointer(t), t.size, _pointer(out))
        self._check(status, out)
        return float(out[0]), out[1 : 1 + t.size], out[1 + t.size :]


def _differences(function, x, y, theta, d_theta, d_x):  # type: ignore[no-untyped-def]
    """Central differences with steps of about the cube root of the rounding error."""
    t, a = theta.copy(), x.copy()
    for i in range(t.size):
        step = 6e-6 * max(1.0, abs(theta[i]))
        t[i] = theta[i] + step
        above = function(a, y, t)
        t[i] = theta[i] - step
        d_theta[i] = (above - function(a, y, t)) / (2.0 * step)
        t[i] = theta[i]
    for i in range(a.size):
        a[i] = x[i] + 6e-6
        above = function(a, y, t)
        a[i] = x[i] - 6e-6
        d_x[i] = (above - function(a, y, t)) / 1.2e-5
        a[i] = x[i]


def _check_bounds(bounds: Sequence[tuple[float, float]], n: int) -> tuple[tuple[float, float], ...]:
    try:
        pairs = tuple((float(low), float(high)) for low, high in bounds)
    except (TypeError, ValueError):
        raise InvalidType(f"bounds must be a list of (low, high), got {bounds!r}") from None
    if len(pairs) != n:
        raise InvalidArgument(f"bounds must have one pair per hyperparameter ({n}), got {len(pairs)}: {bounds!r}")
    for low, high in pairs:
        if not -np.inf < low < high < np.inf:
            raise InvalidArgument(f"bounds must be finite with low < high, got {(low, high)!r}")
    return pairs


def _numba() -> tuple[Any, Any, Any]:
    import numba

    module: Any = numba
    return module.carray, module.cfunc, module.types


def _pointer(a: FloatArray) -> Any:
    import ctypes

    return a.ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def acquisition(function: Callable[..., Any]) -> AcquisitionKernel:
    """Make an acquisition function, to be maximised, out of a formula and its derivatives.

    Parameters
    ----------
    function : callable
        ``(mean, std, best) -> (value, dvalue/dmean, dvalue/dstd)``, floats; lower objectives are better and `best` is
        the lowest so far.

    Returns
    -------
    AcquisitionKernel

    Raises
    ------
    InvalidArgument, InvalidType
        Not a plain function of these three arguments. Whether it compiles shows at its first use.
    """
    return AcquisitionKernel(function)


def density(function: Callable[..., Any]) -> DensityKernel:
    """Make a prior belief about where good points are.

    Parameters
    ----------
    function : callable
        ``(u) -> log density`` at a point (d,) of the unit cube, up to a constant.

    Returns
    -------
    DensityKernel
        For ``TPESampler(prior=...)``.

    Raises
    ------
    InvalidArgument, InvalidType
        Not a plain function of one argument. Whether it compiles shows at its first use.
    """
    return DensityKernel(function)


def covariance(
    *,
    n_hyperparameters: int,
    bounds: Sequence[tuple[float, float]],
    gradient: Callable[..., Any] | None = None,
) -> Callable[[Callable[..., Any]], CovarianceKernel]:
    """Make a covariance function.

    Parameters
    ----------
    n_hyperparameters : int
        Length of theta.
    bounds : sequence of (float, float)
        Of each hyperparameter, finite.
    gradient : callable, optional
        ``(x, y, theta, d_theta, d_x)`` writes dk/dtheta and dk/dx into its last two arguments; without it they are
        central differences.

    Returns
    -------
    callable
        Decorator for ``(x, y, theta) -> k`` with x, y (d,) in the unit cube and theta (n_hyperparameters,).

    Raises
    ------
    InvalidArgument, InvalidType
        Options as described, or a function of other arguments.
    """

    def decorate(function: Callable[..., Any]) -> CovarianceKernel:
        return CovarianceKernel(function, n_hyperparameters, bounds, gradient)

    return decorate
