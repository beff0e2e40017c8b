"""Successive halving: of the trials of a rung, the best go on to the next one."""

from __future__ import annotations

import math

from hpcore.schedulers.base import Judge
from hpcore.schedulers.brackets import BracketJudge
from hpcore.schedulers.resources import RungScheduler, exact
from hpcore.space.columns import Columns

__all__ = ["SuccessiveHalving"]


class _Judge(BracketJudge):
    def size(self, index: int, n_rungs: int) -> tuple[int, int]:
        return 0, math.ceil(exact(self._resources.eta) ** (n_rungs - 1))


class SuccessiveHalving(RungScheduler):
    """Synchronous successive halving: brackets of trials, of which the best ``1 / eta`` go on at each rung.

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
    A bracket of K + 1 rungs has eta^K trials, in the order in which they began; the best 1/eta of them are resumed when
    all trials of the rung were there, so that one trial of each bracket is evaluated in full. A trial's value at a
    rung is its first report with a step at or beyond it. A trial that fails counts as worst, and so does NaN; one that
    ended by itself counts with its result in the rungs above.

    Nobody waits: while trials of a rung still run, the next bracket begins, and paused trials of earlier brackets come
    before new ones. With one worker this is the algorithm of Jamieson and Talwalkar (2016), "Non-stochastic best arm
    identification and hyperparameter optimization", AISTATS.

    Examples
    --------
    >>> from hpcore.schedulers import SuccessiveHalving
    >>> scheduler = SuccessiveHalving(max_resource=81)  # 81 trials of 1 epoch, 27 of 3, 9 of 9, 3 of 27, 1 of 81
    """

    def bind(self, columns: Columns, directions: tuple[str, ...], seed: int) -> Judge:
        """See `Scheduler.bind`."""
        return _Judge(self._resources(), self.objective)
