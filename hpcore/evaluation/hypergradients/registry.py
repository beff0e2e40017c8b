"""Estimators with hypergradients: the decorator that registers one, and the look-up."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar

from hpcore.arguments import check_choice
from hpcore.errors import HpcoreError, HypergradientError, InvalidArgument, InvalidType

__all__ = ["Family", "find", "hypergradient", "known"]

RESPONSES = ("predict", "decision_function", "predict_proba")
LINKS = ("softmax",)

# Modules of this package with the estimators of scikit-learn, imported at the first look-up.
_BUILT_IN = ("elastic_net", "kernel_ridge", "linear_svm", "logistic", "ridge", "svm")

Function = Callable[..., Mapping[str, float]]
Names = Callable[[Any], Sequence[str]]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class Family:
    """Estimator class with a function that differentiates its predictions; see `hypergradient`."""

    estimator: type
    function: Function
    names: Sequence[str] | Names | None
    response: str
    link: str | None

    def covered(self, estimator: Any, names: Sequence[str]) -> list[str]:
        """Return those of `names` that have a derivative for an estimator with these settings.

        Raises
        ------
        InvalidArgument
            If there is none under the settings of the estimator; the message says why.
        """
        if self.names is None:
            return list(names)
        own = self.names(estimator) if callable(self.names) else self.names
        return [name for name in names if name in own]

    def __call__(
        self, estimator: Any, X: Any, y: Any, X_valid: Any, v: Any, names: Sequence[str], sample_weight: Any
    ) -> dict[str, float]:
        """Call the function, and check what it returns.

        Raises
        ------
        InvalidArgument, InvalidType
            If it returns something other than a mapping of some of the names to numbers, or if there are weights of
            rows and it does not accept them.
        HypergradientError
            If it raises another error.
        """
        weights = {} if sample_weight is None else {"sample_weight": sample_weight}
        if weights and not _accepts(self.function, *range(6), **weights):
            raise InvalidArgument(
                f"the hypergradient of {self.estimator.__name__} must accept sample_weight, which fit was given: "
                f"{_title(self.function)}"
            )
        try:
            found = self.function(estimator, X, y, X_valid, v, names, **weights)
        except HpcoreError:
            raise
        except Exception as error:
            raise HypergradientError(
                f"the hypergradient of {self.estimator.__name__} raised {type(error).__name__}: {error}; it is "
                f"{_title(self.function)}"
            ) from error
        if not isinstance(found, Mapping):
            raise InvalidType(
                f"the hypergradient of {self.estimator.__name__} must return a dict of names to numbers, got {found!r} "
                f"from {_title(self.function)}"
            )
        unknown = [name for name in found if name not in names]
        if unknown:
            raise InvalidArgument(
                f"the hypergradient of {self.estimator.__name__} must return some of {', '.join(map(repr, names))}, "
                f"got {unknown[0]!r} from {_title(self.function)}"
            )
        out = {}
        for name, value in found.items():
            try:
                out[name] = float(value)
            except (TypeError, ValueError):
                raise InvalidType(
                    f"the hypergradient of {self.estimator.__name__} must have a number for {name!r}, got {value!r} "
                    f"from {_title(self.function)}"
                ) from None
        return out


_families: dict[type, Family] = {}


def hypergradient(
    estimator: type,
    names: Sequence[str] | Names | None = None,
    *,
    response: str | None = None,
    link: str | None = None,
) -> Callable[[F], F]:
    """Register a function that differentiates the predictions of an estimator by its hyperparameters.

    `SearchCV` with ``strategy="gradient"``, or ``gradient=True``, then knows the derivatives of the cross-validated
    score by the parameters of this estimator, also where it is the last step of a pipeline.

    Parameters
    ----------
    estimator : type
        Class of the estimator; subclasses have their own.
    names : sequence of str or callable, optional
        Names of the parameters with a derivative, or a function of the unfitted estimator that returns them, and that
        raises `InvalidArgument` with the reason where the other settings allow none. None is whatever the function
        returns.
    response : {"predict", "decision_function", "predict_proba"}, optional
        Method whose values are differentiated. The default is ``"decision_function"`` for a classifier and
        ``"predict"`` for any other estimator. Squared errors need ``"predict"``, the squared hinge needs
        ``"decision_function"``, and the log loss needs ``"predict_proba"``, or ``"decision_function"`` with a `link`.
    link : {"softmax"}, optional
        Function that makes the probabilities of the values of ``decision_function``, for the log loss: softmax, which
        is the logistic function of the values of two classes.

    Returns
    -------
    callable
        Decorator of ``function(estimator, X, y, X_valid, v, names)``, which returns a dict of names to numbers: for
        each name the derivative of ``sum(v * estimator.<response>(X_valid))`` by that parameter, in its own units, with
        `v` held fixed. `estimator` is fitted on `X` and `y`; `v` has the shape of the response on `X_valid` and is the
        derivative of the validation score by it. A name that is left out has no derivative. Where fit was given
        weights of rows, the function is too, as ``sample_weight=``.

    Raises
    ------
    InvalidArgument, InvalidType
        If an argument is wrong, or the function does not accept six arguments.

    Notes
    -----
    One vector `v`, and not the Jacobian of the predictions, keeps the cost independent of the number of
    hyperparameters: with training loss F and its minimiser w, the derivative by a hyperparameter h is
    ``-q . d(dF/dw)/dh`` (and, for parameters of a kernel, the direct part), and q solves one linear system with the
    Hessian of F and the right-hand side ``sum(v * d response / dw)``, for all hyperparameters.

    Examples
    --------
    Ridge regression without an intercept:

    >>> import numpy as np
    >>> import hpcore as hp
    >>> class Shrunk:
    ...     def __init__(self, alpha=1.0):
    ...         self.alpha = alpha
    ...     def fit(self, X, y):
    ...         self.coef_ = np.linalg.solve(X.T @ X + self.alpha * np.eye(X.shape[1]), X.T @ y)
    ...         return self
    ...     def predict(self, X):
    ...         return X @ self.coef_
    >>> @hp.hypergradient(Shrunk)
    ... def shrunk(estimator, X, y, X_valid, v, names):
    ...     q = np.linalg.solve(X.T @ X + estimator.alpha * np.eye(X.shape[1]), X_valid.T @ v)
    ...     return {"alpha": -q @ estimator.coef_}
    """
    if not isinstance(estimator, type):
        raise InvalidType(f"estimator must be a class, got {estimator!r}")
    if names is not None and not callable(names):
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise InvalidType(f"names must be a list of names, a function of an estimator, or None, got {names!r}")
        names = tuple(names)
        if not names:
            raise InvalidArgument("names must have at least one name, got none")
    if response is None:
        response = "decision_function" if _is_classifier(estimator) else "predict"
    check_choice("response", response, RESPONSES)
    if link is not None:
        check_choice("link", link, LINKS)
        if response != "decision_function":
            raise InvalidArgument(f"link needs response='decision_function', got {link!r} with response={response!r}")

    def register(function: F) -> F:
        if not callable(function) or not _accepts(function, *range(6)):
            raise InvalidType(
                f"a hypergradient must be a function of (estimator, X, y, X_valid, v, names), got {_title(function)}"
            )
        _families[estimator] = Family(estimator, function, names, response, link)
        return function

    return register


def find(estimator: type) -> Family | None:
    """Look up the family of an estimator's class; None if it has no hypergradient."""
    _load()
    return _families.get(estimator)


def known() -> list[str]:
    """List the names of the classes that have a hypergradient, in alphabetical order."""
    _load()
    return sorted(kind.__name__ for kind in _families)


def _load() -> None:
    given = dict(_families)
    for name in _BUILT_IN:
        import_module(f"hpcore.evaluation.hypergradients.{name}")
    # A function of the user's for a class of scikit-learn stays, whichever was registered first.
    _families.update(given)


def _is_classifier(estimator: type) -> bool:
    return any(base.__name__ == "ClassifierMixin" for base in estimator.__mro__)


def _accepts(function: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError:
        return False
    except ValueError:  # a builtin without a signature
        return True
    return True


def _title(function: Any) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
