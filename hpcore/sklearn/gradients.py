"""Gradients of a search: whether there are any, and of which parameters; checked before anything is fitted."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from hpcore.arguments import check_flag
from hpcore.errors import InfeasibleSpace, InvalidArgument
from hpcore.evaluation.cloning import replicate
from hpcore.evaluation.hypergradients.fold import Differentiator, decisive_scorer, last_step
from hpcore.evaluation.hypergradients.losses import score_slope
from hpcore.evaluation.hypergradients.registry import Family, known
from hpcore.records.history import History
from hpcore.samplers import AutoSampler, GPSampler, Sampler
from hpcore.samplers.gradient import GradientSampler
from hpcore.sklearn.schedule import Schedule
from hpcore.sklearn.spaces import SearchSpace

__all__ = ["make_differentiator", "wants_gradient", "warn_without_gradients"]

# Candidates by which it is found out which estimators and settings a space has; more than any space has kinds of them.
_N_EXAMPLES = 128


def wants_gradient(gradient: Any, sampler: Sampler, schedule: Schedule | None) -> bool:
    """Check the argument `gradient` of a search, and tell whether its strategy is told gradients.

    Raises
    ------
    InvalidArgument, InvalidType
        If it is no flag, or the strategy or a scheduler has no use for gradients.
    """
    wanted = check_flag("gradient", gradient)
    if isinstance(sampler, GradientSampler):
        wanted = True
    elif wanted and not isinstance(sampler, GPSampler | AutoSampler):
        raise InvalidArgument(
            f"gradient must be False with a strategy that does not use gradients, got gradient=True and {sampler!r}; "
            "those that do are 'gradient', 'gp' and 'auto'"
        )
    if wanted and schedule is not None:
        raise InvalidArgument(
            "scheduler must be None with gradients, since scores with less of the resource have other derivatives, got "
            f"{schedule.scheduler!r}"
        )
    return wanted


def make_differentiator(estimator: Any, scorer: Any, metric: str | None, space: SearchSpace) -> Differentiator:
    """Make the function that gives the derivatives of the score that decides.

    Parameters
    ----------
    estimator : estimator
        Estimator of the search.
    scorer : callable
        Scorer of the search.
    metric : str or None
        Name of the score that decides, of several.
    space : SearchSpace
        Space of the search; a parameter of it needs a derivative.

    Raises
    ------
    InvalidArgument
        If no parameter of the space has a derivative, a continuous one belongs to an earlier step of a pipeline, or the
        score has none; the message says what has.
    """
    finder = _Finder(scorer, metric, space)
    try:
        examples = space.space.sample(_N_EXAMPLES, 0)
    except InfeasibleSpace:
        examples = []  # the search says so itself
    for params in examples:
        finder.look_at(estimator, params)
    if examples and not finder.has_any:
        finder.refuse()
    return Differentiator(tuple(sorted(finder.names)), metric, finder.families)


def warn_without_gradients(history: History) -> None:
    """Warn if a search that asked for gradients was told none.

    Warns
    -----
    UserWarning
        If candidates are complete and none has a gradient.
    """
    if history.n_complete and history.gradients is None:
        warnings.warn(
            f"none of {history.n_complete} complete candidates had a finite gradient, so that the search went on "
            "without; hypergradients that return NaN, an infinity or no name on some fold are not used",
            UserWarning,
            stacklevel=3,
        )


class _Finder:
    """Search for estimators and parameters with derivatives among candidates.

    Attributes
    ----------
    names : set of str
        Continuous parameters.
    families : dict of type to Family
        Families of the estimators that were seen.
    has_any : bool
        Whether some parameter has a derivative.
    """

    def __init__(self, scorer: Any, metric: str | None, space: SearchSpace) -> None:
        self._scorer, self._metric, self._space = scorer, metric, space
        self.names: set[str] = set()
        self.families: dict[type, Family] = {}
        self.has_any = False
        self._without: dict[str, None] = {}  # classes without a hypergradient
        self._reasons: dict[str, None] = {}

    def look_at(self, estimator: Any, params: Mapping[str, Any]) -> None:
        """Look at one candidate, given by the columns of the space."""
        continuous = set(self._space.continuous(params).values())
        self.names |= continuous
        try:
            values = {name: replicate(value) for name, value in self._space.params(dict(params)).items()}
            candidate = replicate(estimator).set_params(**values)
        except Exception:  # whatever a class raises for values that it refuses: the fit shows it
            return
        prefix, last = last_step(candidate)
        differentiator = Differentiator(tuple(continuous), self._metric, {})
        family = differentiator.family_of(last)
        if family is None:
            self._without[type(last).__name__] = None
            return
        self.families[type(last)] = family
        earlier = sorted(name for name in continuous if not name.startswith(prefix))
        if earlier:
            raise InvalidArgument(
                f"space must have no continuous parameter of an earlier step than the last one with gradients, got "
                f"{earlier[0]!r}: the derivative of its output is not known; choices of it are allowed, or "
                f"strategy='gp' with gradient=False"
            )
        try:
            _, _, _, own = differentiator.covered(candidate, continuous)
        except InvalidArgument as error:
            self._reasons[str(error)] = None
            return
        if not own:
            names = family.names(last) if callable(family.names) else family.names or ()
            self._reasons[
                f"space must have a continuous parameter with a derivative, such as hpcore.Float(low, high, log=True): "
                f"{type(last).__name__} has derivatives by {', '.join(map(repr, names))}, and the continuous "
                f"parameters are {', '.join(map(repr, sorted(continuous))) or 'none'}"
            ] = None
            return
        score_slope(decisive_scorer(self._scorer, self._metric), last, family)
        self.has_any = True

    def refuse(self) -> None:
        """Raise the error that says why there is no derivative."""
        if self._reasons:
            raise InvalidArgument(next(iter(self._reasons)))
        names = " or ".join(self._without) or "the estimator"
        raise InvalidArgument(
            f"estimator must have a hypergradient for a search with gradients, and {names} has none; those that have "
            f"are {', '.join(known())}, also as the last step of a Pipeline, and hpcore.hypergradient({names}) "
            "registers one"
        )
