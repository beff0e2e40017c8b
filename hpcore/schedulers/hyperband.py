"""Hyperband: brackets of successive halving that begin at each rung in turn."""

from __future__ import annotations

import math
from fractions import Fraction

from hpcore.schedulers.base import Judge
from hpcore.schedulers.brackets import BracketJudge
from hpcore.schedulers.resources import RungScheduler, exact
from hpcore.space.columns import Columns

__all__ = ["Hyperband", "bracket_size"]


def bracket_size(s: int, n_rungs: int, eta: float) -> int:
    """Number of trials of the bracket with s + 1 of the rungs: ``ceil(n_rungs / (s + 1) * eta**s)``."""
    return math.ceil(Fraction(n_rungs, s + 1) * exact(eta) ** s)


class _Judge(BracketJudge):
    def size(self, index: int, n_rungs: int) -> tuple[int, int]:
        entry = index % n_rungs
        return entry, bracket_size(n_rungs - 1 - entry, n_rungs, self._resources.eta)


class Hyperband(RungScheduler):
    """Hyperband: successive halving with brackets that begin at each rung in turn, so that no rung has to be trusted.

    Parameters
    ----------
    min_resource : float
        Smallest resource at which trials are compared.
    max_resource : float, optional
        Resource of a full evaluation. None takes the largest step that the first complete trial reports; until then
        trials run as far as they will.
    eta : float
        Factor between the resources of two rungs, and of the trials that are left out; at least 1.1. The rungs are
        ``max_resource / eta**k``, as far as that is not below `min_resource`, rounded if both are integers.
    objective : str
        With several objectives, ``"dominance"`` orders trials by fronts, and within a front by the hypervolume that
        they contribute; ``"first"`` compares the first objective only.

    Notes
    -----
    Li et al. (2018), "Hyperband: a novel bandit-based approach to hyperparameter optimization", JMLR 18. Of s_max + 1
    rungs, bracket s uses the upper s + 1 and begins with ceil((s_max + 1) / (s + 1) eta^s) trials; after that of s = 0,
    which evaluates all its trials in full, s_max comes again. The bracket of a trial follows from its place in the
    order in which trials began. Nobody waits: while trials of a rung still run, the next bracket begins, and paused
    trials of earlier brackets come before new ones. Values, ties, failures and NaN count as in `SuccessiveHalving`.

    With ``sampler="tpe"`` this is BOHB (Falkner et al. 2018).

    Examples
    --------
    >>> from hpcore.schedulers import Hyperband
    >>> scheduler = Hyperband(max_resource=81)  # brackets of 81, 34, 15, 8 and 5 trials
    """

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(self._resources(), self.objective)
