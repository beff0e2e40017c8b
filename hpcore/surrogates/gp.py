"""Gaussian-process regression on the unit cube, with the hyperparameters learnt."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore._core import gp as native
from hpcore._core.rng import GP_SAMPLE
from hpcore.arguments import check_choice, check_flag, check_integer
from hpcore.errors import InvalidArgument, InvalidType, KernelError, NotFitted
from hpcore.kernels.decorators import CovarianceKernel
from hpcore.records.streams import Rng, check_seed
from hpcore.space.space import Space
from hpcore.surrogates import target_transform

__all__ = ["GaussianProcess"]

FloatArray = npt.NDArray[np.float64]

INVERTIBLE = ("standard", "half_log", "log")
TRANSFORMS = (*INVERTIBLE, "clip", "auto")


def check_covariance(value: Any) -> CovarianceKernel | None:
    """A user's covariance, or None for the built-in one."""
    if value is not None and not isinstance(value, CovarianceKernel):
        raise InvalidType(f"covariance must be a kernel made by hpcore.kernels.covariance, or None, got {value!r}")
    return value


def check_warp(value: Any, covariance: CovarianceKernel | None) -> bool:
    """Check the option `warp`, which needs derivatives of the built-in covariance."""
    warp = check_flag("warp", value)
    if warp and covariance is not None:
        raise InvalidArgument(
            f"warp must be False with a covariance of your own ({covariance!r}): warp inside the kernel"
        )
    return warp


def native_covariance(kernel: CovarianceKernel | None) -> native.UserCovariance | None:
    """Native object by which the core calls a kernel; it does not keep the kernel alive."""
    if kernel is None:
        return None
    return native.UserCovariance(kernel.address, kernel.title, kernel.n_hyperparameters, kernel.log)


def prior_of(d: int, kernel: CovarianceKernel | None) -> native.Prior:
    """Priors of the hyperparameters of d columns; those of a user's covariance are normal within their bounds."""
    prior = native.Prior.standard(d)
    prior.shared = native.SHARED_SCALE
    if kernel is not None:
        bounds = np.log(kernel.bounds) if kernel.log else kernel.bounds
        prior.user = [native.LogNormal((low + high) / 2, (high - low) / 4, low, high) for low, high in bounds]
    return prior


class GaussianProcess:
    """A Gaussian process, with a Matern-5/2 covariance and one length scale a column unless told otherwise.

    Parameters
    ----------
    space : Space, optional
        Space whose encoded points are the rows of `X`: names, categories (an overlap kernel) and inactive columns
        (NaN, at a learnt distance from active ones) come from it. Without it every column is a number, named ``x0``,
        ``x1``...
    n_starts : int, optional
        Runs of the optimiser of the hyperparameters, the best of which is kept: the first from the middle of the
        prior, the others from the likeliest of some draws of it. At most 10,000; by default 3, and 1 with more than 64
        observations.
    covariance : CovarianceKernel, optional
        Covariance of the numeric columns in place of the Matern-5/2, from ``hpcore.kernels.covariance``. It sees them,
        in their order, an inactive one as 0.5. It is multiplied by a learnt signal variance and by a Matern-5/2 of
        what it does not see: which categories differ, and which conditional columns are active.
    transform : {"standard", "half_log", "log", "clip", "auto"}
        Targets of the process, lower values being the better ones: the values, standardised; logarithmic above the
        median; logarithmic from just below the best; cut off far above the median. ``"auto"`` takes the one of the
        first three under which the values themselves are likeliest. Predictions are in the objective's units with all
        of them.

    warp : bool
        Stretch each numeric column first, by a learnt ``1 - (1 - u**a)**b`` with a prior near the identity (Snoek et
        al. 2014): for functions that change faster near one end of a range than near the other.

    Attributes
    ----------
    transform_ : str
        The transform that was taken.
    warp_ : dict of str to (float, float)
        ``a`` and ``b`` of each numeric parameter; empty without a warp.
    length_scales_ : dict of str to float
        Length scales by parameter name, in units of the cube (for a category: of the overlap distance). With a
        `covariance` of categories and conditional columns only.
    covariance_hyperparameters_ : ndarray
        Theta of the `covariance`, of length 0 without one.
    signal_variance_, noise_variance_ : float
        Variances in the square of the objective's units.
    gradient_noise_ : float
        Standard deviation of the noise of derivatives, as a share of what they were expected to be; 0 without
        gradients.
    n_ : int
        Number of observations.

    Notes
    -----
    Maximum a posteriori: `hpcore._core.gp.Prior.standard` holds the priors. The logarithms of the length scales of
    numbers are correlated in them: what one column says of the roughness counts for those that not much is known of
    yet. Outputs are standardised inside; the constant mean has a normal prior and is integrated out. Each
    hyperparameter of a `covariance`, or its logarithm with ``log=True``, has a normal prior around the middle of its
    bounds, a quarter of their width as standard deviation, cut at the bounds.
    """

    def __init__(
        self,
        space: Space | None = None,
        *,
        n_starts: int | None = None,
        transform: str = "standard",
        warp: bool = False,
        covariance: CovarianceKernel | None = None,
    ) -> None:
        if space is not None and not isinstance(space, Space):
            raise InvalidType(f"space must be a Space or None, got {space!r}")
        self.space = space
        self.n_starts = None if n_starts is None else check_integer("n_starts", n_starts, 1, 10_000)
        self.covariance = check_covariance(covariance)
        self.transform = check_choice("transform", transform, TRANSFORMS)
        self.warp = check_warp(warp, self.covariance)
        self._model: native.Regressor | None = None

    # --- fitting -------------------------------------------------------------------------------------------------

    def fit(
        self,
        X: npt.ArrayLike,
        y: npt.ArrayLike,
        std_errors: npt.ArrayLike | None = None,
        gradients: npt.ArrayLike | None = None,
    ) -> GaussianProcess:
        """Learn the hyperparameters and condition on the observations.

        Parameters
        ----------
        X : array_like of shape (n, d)
            Points of the unit cube; NaN only in columns that the space makes conditional.
        y : array_like of shape (n,)
            Their values, finite.
        std_errors : array_like of shape (n,), optional
            Known standard errors of the values, in their units; added to the learnt noise.
        gradients : array_like of shape (n, d), optional
            Derivatives of the values by coordinate of the cube, NaN where not known and in columns without one:
            categories, and inactive ones. Their noise is learnt. Not with a `covariance` or a `warp`.

        Returns
        -------
        GaussianProcess
            Itself.

        Raises
        ------
        InvalidArgument
            Shapes that do not match, values that are not finite, negative standard errors; gradients of a category,
            of an inactive column, that are infinite, or with a `covariance` or a `warp`.
        KernelError
            A `covariance` that does not compile, raised an error, answered with NaN or an infinity, or is not positive
            definite.
        """
        values = _vector("y", y)
        n = len(values)
        if n == 0:
            raise InvalidArgument("y must hold at least one value, got none")
        self._model = None  # it is replaced piece by piece from here on
        d = self._columns(X)
        points = self._rows(X, n)
        errors = None
        if std_errors is not None:
            errors = _vector("std_errors", std_errors)
            if len(errors) != n:
                raise InvalidArgument(f"std_errors must have one entry a value ({n}), got {len(errors)}")
            if (errors < 0).any():
                raise InvalidArgument(f"std_errors must be >= 0, got {errors.min()!r}")
        slopes = self._slopes(gradients, points)
        options = native.FitOptions()
        options.prior = prior_of(d, self.covariance)
        if self.covariance is not None:
            options.n_probes = 8 + 8 * self.covariance.n_hyperparameters  # it may have many modes
        if self.n_starts is not None:
            options.n_starts, options.several_starts_until = self.n_starts, n
            options.n_probes = max(options.n_probes, self.n_starts - 1)
        covariance = native_covariance(self.covariance)
        most = -math.inf
        for name in INVERTIBLE if self.transform == "auto" else (self.transform,):
            targets = native.standardise(values, native.TransformKind.__members__[name])
            y = targets.y
            noise = None if errors is None else (errors / targets.scale) ** 2
            turned = None if slopes is None else _turned(targets, values, slopes)
            theta = native.fit_map(points, y, noise, self._categorical, self._conditional, options, covariance, turned)
            density, _ = native.log_posterior(
                points, y, noise, theta, self._categorical, self._conditional, options.prior, True, covariance, turned
            )
            evidence = density + targets.log_slope(y).sum()
            if turned is not None:  # derivatives are turned by the same slopes
                evidence += (targets.log_slope(y) * (~np.isnan(turned)).sum(axis=1)).sum()
            if most > -math.inf and not evidence > most:
                continue
            most = evidence
            self.transform_, self._targets, self._y, self._noise, self._theta = name, targets, y, noise, theta
            self._gradients = turned
        self._values, self._X = values, points
        self._warping = np.empty(0)
        numeric = [name for name, is_category in zip(self._names, self._categorical, strict=True) if not is_category]
        if self.warp and numeric:
            self._theta, self._warping = native.fit_warp(
                points, self._y, self._noise, self._categorical, self._conditional, options, list(self._theta)
            )
        ab = np.exp(self._warping.reshape(-1, 2)).tolist()
        self.warp_ = {n: (a, b) for n, (a, b) in zip(numeric, ab, strict=False)}  # zip ends at once without a warp
        self._model = self._conditioned()
        return self

    def _conditioned(self) -> native.Regressor:
        """A model of the observations, by the hyperparameters that were learnt."""
        covariance = native_covariance(self.covariance)
        model = native.Regressor(self._categorical, self._conditional, list(self._theta), covariance)
        if len(self._warping):
            model.set_warp(list(self._warping))
        try:
            model.assign(self._X, self._y, self._noise, self._gradients)
        except np.linalg.LinAlgError:
            if self.covariance is None:
                raise
            raise KernelError(f"{self.covariance.title} is not positive definite") from None
        return model

    def __getstate__(self) -> dict[str, Any]:
        if self._model is None:
            return {name: getattr(self, name) for name in ("space", "n_starts", "covariance", "transform", "warp")}
        return {k: v for k, v in vars(self).items() if k not in ("_model", "_targets")}  # native; made anew

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._model = None
        if "_theta" in state:
            self._targets = native.standardise(self._values, native.TransformKind.__members__[self.transform_])
            self._model = self._conditioned()

    def append(self, x: npt.ArrayLike, y: float) -> None:
        """Add one observation, extending the factor instead of rebuilding it.

        Parameters
        ----------
        x : array_like of shape (d,)
            Point in the unit cube.
        y : float
            Its value.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the bordered covariance matrix is not positive definite. The model is unchanged.

        Notes
        -----
        O(n^2) against O(n^3) for a fit. Hyperparameters and the standardisation of the targets are kept.
        """
        model = self._fitted()
        row = self._rows(np.asarray(x, dtype=np.float64)[None, ...], 1)
        value = _vector("y", [y])
        model.append(row[0], 0.0)
        self._X = np.vstack([self._X, row])
        self._y = np.append(self._y, self._targets.apply(value))
        if self._noise is not None:
            self._noise = np.append(self._noise, 0.0)
        if self._gradients is not None:
            self._gradients = np.vstack([self._gradients, np.full_like(row, math.nan)])
        model.set_targets(self._y)

    # --- predictions ---------------------------------------------------------------------------------------------

    def predict(
        self, X: npt.ArrayLike, return_std: bool = False, return_cov: bool = False
    ) -> FloatArray | tuple[FloatArray, FloatArray]:
        """Posterior of the function without noise.

        Parameters
        ----------
        X : array_like of shape (m, d)
            Points of the unit cube.
        return_std, return_cov : bool
            Also give the standard deviations, or the joint covariance; not both.

        Returns
        -------
        mean : ndarray of shape (m,)
        std or cov : ndarray of shape (m,) or (m, m)
            If asked for.
        """
        if return_std and return_cov:
            raise InvalidArgument("return_std and return_cov cannot both be true")
        model = self._fitted()
        points = self._rows(X, None)
        latent, variance = model.predict(points)
        # Standard deviations of 1e308 are possible: what leaves the doubles is brought back to their edge.
        with np.errstate(over="ignore"):
            if not self._targets.affine:
                mean, std = target_transform.moments(self._targets, latent, np.sqrt(variance))
                if return_cov:
                    return mean, target_transform.covariance(self._targets, latent, model.covariance(points))
                return (mean, std) if return_std else mean
            offset, scale = self._targets.offset, self._targets.scale
            mean = np.nan_to_num(offset + scale * latent)
            if return_cov:
                return mean, np.nan_to_num(scale * (scale * model.covariance(points)))
            if return_std:
                return mean, np.nan_to_num(scale * np.sqrt(variance))
        return mean

    def sample(self, X: npt.ArrayLike, n_samples: int = 1, seed: int | None = None) -> FloatArray:
        """Draws from the joint posterior at `X`, of shape (n_samples, m)."""
        n_samples = check_integer("n_samples", n_samples, 1)
        model = self._fitted()
        points = self._rows(X, None)
        mean, _ = model.predict(points)
        # Eigenvalues and not a Cholesky factor: the joint covariance of close points is singular to rounding.
        values, vectors = np.linalg.eigh(model.covariance(points))
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        z = Rng(check_seed(seed), 0).generator(GP_SAMPLE).standard_normal((n_samples, len(points)))
        return self._targets.restore(np.ascontiguousarray(mean + z @ root.T))

    def log_marginal_likelihood(self) -> float:
        """Log density of the standardised observations under the learnt hyperparameters."""
        model = self._fitted()
        value, _ = native.log_posterior(
            model.warped(self._X),
            self._y,
            self._noise,
            model.theta,
            self._categorical,
            self._conditional,
            prior_of(self._X.shape[1], self.covariance),
            False,
            native_covariance(self.covariance),
            self._gradients,
        )
        return value

    @property
    def length_scales_(self) -> dict[str, float]:
        theta = self._fitted().theta
        return {
            name: math.exp(theta[j])
            for j, name in enumerate(self._names)
            if self.covariance is None or self._categorical[j] or self._conditional[j]
        }

    @property
    def covariance_hyperparameters_(self) -> FloatArray:
        theta = self._fitted().theta
        if self.covariance is None:
            return theta[:0]
        own: FloatArray = theta[len(theta) - self.covariance.n_hyperparameters :]
        return np.exp(own) if self.covariance.log else own

    @property
    def signal_variance_(self) -> float:
        return float(math.exp(self._fitted().theta[len(self._names)])) * self._targets.scale**2

    @property
    def noise_variance_(self) -> float:
        return float(math.exp(self._fitted().theta[len(self._names) + 1])) * self._targets.scale**2

    @property
    def gradient_noise_(self) -> float:
        theta = self._fitted().theta
        return 0.0 if self._gradients is None else math.exp(theta[-1] / 2.0)

    @property
    def n_(self) -> int:
        return len(self._fitted())

    # --- checks of arguments -------------------------------------------------------------------------------------

    def _columns(self, X: npt.ArrayLike) -> int:
        if self.space is not None:
            columns = self.space.columns
            self._names: tuple[str, ...] = columns.names
            self._categorical = [kind == "categorical" for kind in columns.kinds]
            self._conditional = [bool(parents) for parents in columns.parents]
            return columns.d
        shape = np.shape(X)
        if len(shape) != 2 or shape[1] == 0:
            raise InvalidArgument(f"X must have shape (n, d) with d >= 1, got {shape}")
        self._names = tuple(f"x{j}" for j in range(shape[1]))
        self._categorical = self._conditional = [False] * shape[1]
        return int(shape[1])

    def _rows(self, X: npt.ArrayLike, n: int | None) -> FloatArray:
        try:
            points = np.ascontiguousarray(X, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidType(f"X must be an array of numbers, got {type(X).__name__}") from None
        d = len(self._names)
        if points.ndim != 2 or points.shape[1] != d or (n is not None and len(points) != n):
            rows = "m" if n is None else n
            raise InvalidArgument(f"X must have shape ({rows}, {d}), got {points.shape}")
        conditional = np.array(self._conditional)
        missing = np.isnan(points)
        if missing[:, ~conditional].any():
            raise InvalidArgument("X must not hold NaN outside conditional columns")
        if not (missing | ((points >= 0) & (points <= 1))).all():
            raise InvalidArgument("X must lie within the unit cube [0, 1]")
        return points

    def _slopes(self, given: npt.ArrayLike | None, points: FloatArray) -> FloatArray | None:
        if given is None:
            return None
        if self.covariance is not None or self.warp:
            raise InvalidArgument("gradients cannot be given with a covariance of your own or with warp=True")
        try:
            gradients = np.ascontiguousarray(given, dtype=np.float64)
        except (TypeError, ValueError):
            raise InvalidType(f"gradients must be an array of numbers, got {type(given).__name__}") from None
        if gradients.shape != points.shape:
            raise InvalidArgument(f"gradients must have shape {points.shape}, got {gradients.shape}")
        if np.isinf(gradients).any():
            raise InvalidArgument("gradients must be finite, or NaN where not known, got an infinity")
        known = ~np.isnan(gradients)
        if known[:, self._categorical].any() or known[np.isnan(points)].any():
            raise InvalidArgument("gradients must be NaN in columns that are categories or inactive")
        return gradients if known.any() else None

    def _fitted(self) -> native.Regressor:
        if self._model is None:
            raise NotFitted("the model must be fitted first: call fit(X, y)")
        return self._model


def _turned(targets: native.TargetTransform, values: FloatArray, gradients: FloatArray) -> FloatArray | None:
    """Derivatives of the targets, NaN where the values are clipped; None if there are none left."""
    turned = np.column_stack([targets.turn_derivatives(values, np.ascontiguousarray(column)) for column in gradients.T])
    turned[~np.isfinite(turned)] = math.nan
    return None if np.isnan(turned).all() else np.ascontiguousarray(turned)


def _vector(name: str, value: Any) -> FloatArray:
    try:
        out = np.ascontiguousarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidType(f"{name} must be an array of numbers, got {type(value).__name__}") from None
    if out.ndim != 1:
        raise InvalidArgument(f"{name} must have shape (n,), got {out.shape}")
    if not np.isfinite(out).all():
        raise InvalidArgument(f"{name} must be finite, got {out[~np.isfinite(out)][0]!r}")
    return out
