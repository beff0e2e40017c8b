"""The `algo` of `hyperopt.fmin`."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from hpcore.arguments import check_integer
from hpcore.errors import InvalidType, require
from hpcore.integrations.hyperopt.copying import CopiedTrials
from hpcore.integrations.hyperopt.reading import parameters_of
from hpcore.optimizer.remaining import check_repeats
from hpcore.records.streams import check_seed
from hpcore.samplers import DEFAULT, Sampler, resolve
from hpcore.space import Space

__all__ = ["suggest", "suggest_with"]

_base: Any = require("hyperopt.base", "hyperopt")


class _Known:
    """Facts kept for a Trials object: the first seed that came with it, and its copies for each way to search."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.copies: dict[Any, CopiedTrials] = {}


_lock = threading.Lock()
_known: weakref.WeakKeyDictionary[Any, _Known] = weakref.WeakKeyDictionary()
# None for a domain in which nothing varies.
_spaces: weakref.WeakKeyDictionary[Any, Space | None] = weakref.WeakKeyDictionary()


def suggest(
    new_ids: Sequence[int],
    domain: Any,
    trials: Any,
    seed: int,
    *,
    sampler: str | Sampler = DEFAULT,
    sampler_seed: int | None = None,
    repeats: int | None = None,
) -> list[Any]:
    """Propose trials to `hyperopt.fmin`: ``fmin(..., algo=hpcore.integrations.hyperopt.suggest)``.

    Parameters
    ----------
    new_ids : sequence of int
        Numbers of the new trials.
    domain : hyperopt.base.Domain
        Search space.
    trials : hyperopt.Trials
        Trials so far, by whatever algorithm; failed ones and those that are running count too, and ``loss_variance``
        is the square of the standard error of a loss.
    seed : int
        Seed from `fmin`, which draws a new one for each call: the first one with a Trials object is kept for it, so
        that the same `rstate` gives the same trials.
    sampler, sampler_seed, repeats
        Options of `suggest_with`.

    Returns
    -------
    list of dict
        Documents of new trials; fewer than `new_ids` if the space has no more points, at which `fmin` ends.

    Raises
    ------
    InvalidSpace
        The space has a distribution without a counterpart, see `space`.
    InvalidArgument, InvalidType
        An option is not allowed.

    Warns
    -----
    UserWarning
        A trial that is not of this space, which is not used.
    """
    searched = _space_of(domain)
    numbers = [check_integer("new_ids", number, 0) for number in new_ids]
    if searched is None:
        found: list[dict[str, Any]] = [{} for _ in numbers]
    else:
        found = _copied(searched, trials, seed, sampler, sampler_seed, repeats).propose(trials, numbers)
    documents: list[Any] = []
    for number, params in zip(numbers, found, strict=False):
        misc = {"tid": number, "cmd": domain.cmd, "workdir": domain.workdir}
        idxs = {label: [number] if label in params else [] for label in domain.params}
        vals = {label: [params[label]] if label in params else [] for label in domain.params}
        _base.miscs_update_idxs_vals([misc], idxs, vals)
        documents.extend(trials.new_trial_docs([number], [None], [domain.new_result()], [misc]))
    return documents


def suggest_with(
    sampler: str | Sampler = DEFAULT, *, seed: int | None = None, repeats: int | None = None
) -> Callable[[Sequence[int], Any, Any, int], list[Any]]:
    """Make an `algo` for `hyperopt.fmin` with another sampler or options.

    Parameters
    ----------
    sampler : str or Sampler, default="gp"
        Sampler, as for `hpcore.Optimizer`.
    seed : int, optional
        Seed, instead of the one that `fmin` draws from its `rstate`.
    repeats : int, optional
        Number of times that a point of a finite space may be proposed. By default there is no limit: when all have been
        proposed, contenders for the best come again. With a number, `fmin` ends after the last point.

    Returns
    -------
    callable
        Function of the form of `hyperopt.tpe.suggest`, which can be pickled.

    Raises
    ------
    InvalidArgument, InvalidType
        An option is not allowed.

    Examples
    --------
    >>> from hyperopt import fmin, hp  # doctest: +SKIP
    >>> from hpcore.integrations.hyperopt import suggest_with  # doctest: +SKIP
    >>> fmin(lambda x: x * x, hp.uniform("x", -5, 5), algo=suggest_with("tpe"), max_evals=50)  # doctest: +SKIP
    """
    resolve(sampler)
    return partial(
        suggest,
        sampler=sampler,
        sampler_seed=None if seed is None else check_seed(seed),
        repeats=check_repeats(repeats),
    )


def _space_of(domain: Any) -> Space | None:
    """The space of a domain, read once."""
    if not isinstance(domain, _base.Domain):
        raise InvalidType(f"domain must be a hyperopt.base.Domain, as fmin makes it, got {domain!r:.200}")
    with _lock:
        if domain not in _spaces:
            parameters = parameters_of(domain.expr)
            _spaces[domain] = Space(parameters) if parameters else None
        return _spaces[domain]


def _copied(
    searched: Space, trials: Any, seed: Any, sampler: str | Sampler, sampler_seed: int | None, repeats: int | None
) -> CopiedTrials:
    key = (sampler if isinstance(sampler, str) else id(sampler), sampler_seed, repeats)
    with _lock:
        known = _known.get(trials)
        if known is None:
            known = _known[trials] = _Known(check_seed(seed))
        copied = known.copies.get(key)
        if copied is None or copied.space != searched:
            first = known.seed if sampler_seed is None else sampler_seed
            copied = known.copies[key] = CopiedTrials(searched, sampler, first, repeats)
        return copied
