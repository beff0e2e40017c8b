"""Decorators that turn a Python function into a C function pointer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from hpcore.arguments import check_flag, check_integer
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.kernels._jit import jit, jit_user
from hpcore.kernels.kernel import Kernel, check_signature, numba_callbacks, pointer_to, readonly_vector

__all__ = ["AcquisitionKernel", "CovarianceKernel", "DensityKernel", "acquisition", "covariance", "density"]

FloatArray = npt.NDArray[np.float64]

WANT_VALUE, WANT_BY_THETA, WANT_BY_X = 1, 2, 4  # csrc/hpcore/kernels.hpp


class AcquisitionKernel(Kernel):
    """Kernel that `acquisition` makes; call it to evaluate the compiled function."""

    kind = "acquisition"
    arguments = ("mean", "std", "best")
    answer = "(value, d value / d mean, d value / d std)"
    n_answers = 3

    def __init__(self, function: Callable[..., Any], log: bool = False) -> None:
        self.log = check_flag("log", log)
        super().__init__(function)

    def _compile(self) -> Any:
        carray, cfunc, types = numba_callbacks()

        real = types.float64
        inner = self._inner(real, real, real)

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

        return cfunc(types.int32(real, real, real, types.CPointer(real)))(call)

    def __call__(self, mean: float, std: float, best: float) -> tuple[float, float, float]:
        """The value and its two derivatives, by the compiled code.

        Raises
        ------
        KernelError
            The function raised, or answered NaN.
        """
        out = np.empty(3)
        self._check(self.compiled.ctypes(mean, std, best, pointer_to(out)), out)
        return float(out[0]), float(out[1]), float(out[2])


class DensityKernel(Kernel):
    """Kernel that `density` makes; call it to evaluate the compiled function."""

    kind = "density"
    arguments = ("u",)
    answer = "log density"

    def _compile(self) -> Any:
        carray, cfunc, types = numba_callbacks()

        inner = self._inner(readonly_vector())

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
        InvalidArgument, InvalidType
            Another shape, or something other than numbers.
        KernelError
            The function raised, or answered NaN.
        """
        point, out = self._vector("u", u), np.empty(1)
        self._check(self.compiled.ctypes(pointer_to(point), point.size, pointer_to(out)), out)
        return float(out[0])


class CovarianceKernel(Kernel):
    """Kernel that `covariance` makes; call it to evaluate the compiled function."""

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
        log: bool = False,
    ) -> None:
        self.n_hyperparameters = check_integer("n_hyperparameters", n_hyperparameters, 0)
        self.log = check_flag("log", log)
        self.bounds = _check_bounds(bounds, self.n_hyperparameters, self.log)
        self.gradient = gradient
        if gradient is not None:
            name = getattr(gradient, "__name__", repr(gradient))
            check_signature("covariance gradient", name, self.gradient_arguments, gradient)
        super().__init__(function)

    def _compile(self) -> Any:
        """Covariance of one row with many, with the gradients that are wanted: the user's, or differences."""
        carray, cfunc, types = numba_callbacks()

        inner = self._inner(readonly_vector(), readonly_vector(), readonly_vector())
        value_wanted, by_theta_wanted, by_x_wanted = WANT_VALUE, WANT_BY_THETA, WANT_BY_X
        if self.gradient is None:
            differences = jit(_differences)
            low, high = np.array(self.bounds, dtype=np.float64).reshape(-1, 2).T.copy()

            def call(x, Y, n, d, theta, p, wanted, k, by_theta, by_x):  # type: ignore[no-untyped-def]
                try:
                    a, t = carray(x, (d,)), carray(theta, (p,))
                    rows, out = carray(Y, (n, d)), carray(k, (n,))
                    if wanted & value_wanted:
                        for i in range(n):
                            out[i] = inner(a, rows[i], t)
                    if wanted & by_theta_wanted:
                        moved, into = t.copy(), carray(by_theta, (n, p))
                        for i in range(n):
                            for j in range(p):
                                above, below = differences(t[j], low[j], high[j])
                                moved[j] = above
                                difference = inner(a, rows[i], moved)
                                moved[j] = below
                                into[i, j] = (difference - inner(a, rows[i], moved)) / (above - below)
                                moved[j] = t[j]
                    if wanted & by_x_wanted:
                        moved, into = a.copy(), carray(by_x, (n, d))
                        for i in range(n):
                            for j in range(d):
                                above, below = differences(a[j], 0.0, 1.0)
                                moved[j] = above
                                difference = inner(moved, rows[i], t)
                                moved[j] = below
                                into[i, j] = (difference - inner(moved, rows[i], t)) / (above - below)
                                moved[j] = a[j]
                except Exception:
                    return 0
                return 1
        else:
            written = types.float64[::1]
            given = jit_user(self.gradient, readonly_vector(), readonly_vector(), readonly_vector(), written, written)

            def call(x, Y, n, d, theta, p, wanted, k, by_theta, by_x):  # type: ignore[no-untyped-def]
                try:
                    a, t = carray(x, (d,)), carray(theta, (p,))
                    rows, out = carray(Y, (n, d)), carray(k, (n,))
                    if wanted & value_wanted:
                        for i in range(n):
                            out[i] = inner(a, rows[i], t)
                    if wanted & (by_theta_wanted | by_x_wanted):
                        # The function writes both gradients; one that nobody wants goes to the same place each time.
                        spare_t, spare_x = np.empty(p), np.empty(d)
                        into_t, into_x = carray(by_theta, (n, p)), carray(by_x, (n, d))
                        for i in range(n):
                            d_theta = into_t[i] if wanted & by_theta_wanted else spare_t
                            d_x = into_x[i] if wanted & by_x_wanted else spare_x
                            given(a, rows[i], t, d_theta, d_x)
                except Exception:
                    return 0
                return 1

        reals, size = types.CPointer(types.float64), types.uintp
        return cfunc(types.int32(reals, reals, size, size, reals, size, types.int32, reals, reals, reals))(call)

    def __call__(
        self, x: Sequence[float] | FloatArray, y: Sequence[float] | FloatArray, theta: Sequence[float] | FloatArray
    ) -> tuple[float, FloatArray, FloatArray]:
        """k (x, y), dk / dtheta (p,) and dk / dx (d,), by the compiled code.

        Raises
        ------
        InvalidArgument, InvalidType
            Other shapes, or something other than numbers.
        KernelError
            The function raised, or answered NaN.
        """
        a, b, t = self._vector("x", x), self._vector("y", y), self._vector("theta", theta)
        if a.shape != b.shape or t.shape != (self.n_hyperparameters,):
            raise InvalidArgument(
                f"{self.title} takes x and y of one length and theta of length "
                f"{self.n_hyperparameters}, got shapes {a.shape}, {b.shape} and {t.shape}"
            )
        k, d_theta, d_x = np.full(1, np.nan), np.full(t.size, np.nan), np.full(a.size, np.nan)
        status = self.compiled.ctypes(
            pointer_to(a),
            pointer_to(b),
            1,
            a.size,
            pointer_to(t),
            t.size,
            WANT_VALUE | WANT_BY_THETA | WANT_BY_X,
            pointer_to(k),
            pointer_to(d_theta),
            pointer_to(d_x),
        )
        self._check(status, np.concatenate([k, d_theta, d_x]))
        return float(k[0]), d_theta, d_x


def _differences(here, low, high):  # type: ignore[no-untyped-def]
    """Points above and below for a difference, apart by about the cube root of the rounding error.

    They are within the bounds, because a function need not have a value outside.
    """
    step = 6e-6 * max(1.0, abs(here))
    above, below = here + step, here - step
    if below < low <= here:
        below = low
    if above > high >= here:
        above = high
    return above, below


def _check_bounds(bounds: Sequence[tuple[float, float]], n: int, positive: bool) -> tuple[tuple[float, float], ...]:
    try:
        pairs = tuple((float(low), float(high)) for low, high in bounds)
    except (TypeError, ValueError):
        raise InvalidType(f"bounds must be a list of (low, high), got {bounds!r}") from None
    if len(pairs) != n:
        raise InvalidArgument(f"bounds must have one pair per hyperparameter ({n}), got {len(pairs)}: {bounds!r}")
    for low, high in pairs:
        if not -np.inf < low < high < np.inf:
            raise InvalidArgument(f"bounds must be finite with low < high, got {(low, high)!r}")
        if positive and not low > 0.0:
            raise InvalidArgument(f"bounds must be positive with log=True, got {(low, high)!r}")
    return pairs


@overload
def acquisition(function: Callable[..., Any], *, log: bool = False) -> AcquisitionKernel: ...
@overload
def acquisition(*, log: bool = False) -> Callable[[Callable[..., Any]], AcquisitionKernel]: ...
def acquisition(
    function: Callable[..., Any] | None = None, *, log: bool = False
) -> AcquisitionKernel | Callable[[Callable[..., Any]], AcquisitionKernel]:
    """Make an acquisition function, to be maximised, out of a formula and its derivatives.

    Parameters
    ----------
    function : callable
        ``(mean, std, best) -> (value, dvalue/dmean, dvalue/dstd)``, floats; lower objectives are better and `best` is
        the lowest so far. All three are in units of the model's outputs, which are standardised: mean 0 and variance 1
        over the history, maximised objectives with the sign turned and bad values brought nearer. `std` is positive.
    log : bool
        The value is a logarithm (of an expected improvement, say). Logarithms are averaged as such over several draws
        of the hyperparameters, and a prior is added to them; other values are averaged as they are and multiplied by a
        prior, beside which what is below 0 counts as 0.

    Returns
    -------
    AcquisitionKernel
        For ``GPSampler(acquisition=...)``; a decorator if `function` is left out.

    Raises
    ------
    InvalidArgument, InvalidType
        Not a plain function of these three arguments. Whether it compiles shows at its first use.
    """
    if function is None:
        return lambda given: AcquisitionKernel(given, log)
    return AcquisitionKernel(function, log)


def density(function: Callable[..., Any]) -> DensityKernel:
    """Make a prior density of where good points are.

    Parameters
    ----------
    function : callable
        ``(u) -> log density`` at a point (d,) of the unit cube as ``space.encode`` gives it, up to a constant;
        -infinity is allowed. `GPSampler` puts 0.5 where a parameter is inactive.

    Returns
    -------
    DensityKernel
        For ``TPESampler(prior=...)`` and ``GPSampler(prior=...)``.

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
    log: bool = False,
) -> Callable[[Callable[..., Any]], CovarianceKernel]:
    """Make a covariance function of the numeric columns.

    Parameters
    ----------
    n_hyperparameters : int
        Length of theta. A signal variance, a noise variance and a constant mean are learnt as well.
    bounds : sequence of (float, float)
        Bounds of each hyperparameter, finite.
    gradient : callable, optional
        ``(x, y, theta, d_theta, d_x)`` writes dk/dtheta and dk/dx into its last two arguments; without it they are
        central differences, within the bounds of theta and the unit cube, at 2 (n_hyperparameters + d) times the cost.
    log : bool
        Hyperparameters are positive, and fitted as logarithms, like length scales and periods; `bounds`, the function
        and its gradient are in theta itself all the same.

    Returns
    -------
    callable
        Decorator for ``(x, y, theta) -> k`` with x, y (d,) in the unit cube and theta (n_hyperparameters,): symmetric
        in x and y, and positive definite. For ``GPSampler(covariance=...)`` and
        ``surrogates.GaussianProcess(covariance=...)``, which show it the columns that are no categories, in their
        order, 0.5 standing for an inactive one.

    Raises
    ------
    InvalidArgument, InvalidType
        Options as described, or a function of other arguments.
    """

    def decorate(function: Callable[..., Any]) -> CovarianceKernel:
        return CovarianceKernel(function, n_hyperparameters, bounds, gradient, log)

    return decorate
