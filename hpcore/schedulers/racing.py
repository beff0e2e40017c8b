"""Racing: a candidate that cannot, or very probably will not, beat the incumbent gets no more folds.

Scores here are those of the one metric that decides, higher is better, and all candidates run the same folds in the
same order, so that the differences between two candidates are free of what makes a fold easy or hard.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.special import digamma, polygamma, stdtrit

from hpcore.arguments import check_flag, check_number
from hpcore.errors import InvalidArgument, InvalidType
from hpcore.records.channel import Decision

__all__ = ["Estimate", "Incumbent", "Race", "RaceSnapshot", "Racing", "cut", "estimate", "stop_reason"]

# Candidates whose differences must be known before their variances say something about another candidate's.
_FIRST_PRIOR = 5

# Largest number of degrees of freedom of the prior: a fitted value far above it is chance.
_MOST_PRIOR = 30.0


@dataclass(frozen=True)
class Racing:
    """Rules that stop candidates before their last fold.

    Parameters
    ----------
    level : float
        Bound on the probability that the test stops a candidate whose mean over all folds would have beaten the
        incumbent's; within (0, 0.5].
    test : bool
        True for the test; without it only candidates that cannot win any more are stopped, which needs a score with
        an upper bound.
    upper : float, optional
        Upper bound of the score, after the sign has been turned so that higher is better. None asks scikit-learn's
        own scorers; a score that is bounded by no number takes part in the test only.

    Notes
    -----
    The exact rule: if even the upper bound in all remaining folds would not lift the mean above the incumbent's, the
    candidate cannot win.

    The test: with differences d_1 .. d_m to the incumbent on the m folds that were run, of K, the mean of all K
    differences is predicted by a t distribution around their mean with variance s^2 (1/m - 1/K); the candidate is
    stopped where that leaves a probability below `level` of a mean above 0. Folds share training rows, so their
    scores are correlated; what they all have in common cancels from the difference between folds that were run and
    folds that were not, and Nadeau and Bengio's (2003) larger variance, which a statement about new data would need,
    is not needed for one about the mean of these K folds. Looking after each fold needs no correction either: at
    whichever look a candidate is stopped, it would have won with a probability below `level`, and so over all looks
    together. (With normal differences and level 0.1, at most 0.053 of all candidates were stopped and would have won
    with K = 5, at most 0.087 with K = 10, whatever their true difference.) s^2 is moderated: it is the candidate's
    own variance, together with a prior fitted to the variances of earlier candidates (Smyth 2004), which makes it
    possible to stop after a single fold.
    """

    level: float = 0.1
    test: bool = True
    upper: float | None = None

    def __post_init__(self) -> None:
        check_number("level", self.level, 0.0, 0.5, open_low=True)
        check_flag("test", self.test)
        if self.upper is not None:
            check_number("upper", self.upper)

    @staticmethod
    def of(value: object) -> Racing | None:
        """Read ``racing=``: True, False, ``"exact"`` or a `Racing`."""
        if isinstance(value, Racing):
            return value
        if isinstance(value, bool | np.bool_):
            return Racing() if value else None
        if isinstance(value, str):
            if value == "exact":
                return Racing(test=False)
            raise InvalidArgument(f"racing must be True, False, 'exact' or a Racing, got {value!r}")
        raise InvalidType(f"racing must be True, False, 'exact' or a Racing, got {value!r}")


class Incumbent(NamedTuple):
    """Incumbent as a candidate races against it, with a prior for differences between candidates.

    Attributes
    ----------
    number : int
        Number of the incumbent's trial.
    scores : tuple of float
        Scores by position of the fold.
    total : float
        Sum of the scores.
    upper : float
        Upper bound of a score, infinite if there is none.
    level : float
        Level of the test; 0 does not test.
    prior_variance, prior_dof : float
        Prior of the differences on a fold to another candidate; 0 degrees of freedom if too little is known.
    metric : str or None
        Name of the score that decides, of several.
    """

    number: int
    scores: tuple[float, ...]
    total: float
    upper: float
    level: float
    prior_variance: float
    prior_dof: float
    metric: str | None


class Estimate(NamedTuple):
    """Estimate by paired differences of the mean over all folds.

    Attributes
    ----------
    mean, std_error : float
        Estimate and its standard error, in units of the score.
    """

    mean: float
    std_error: float


def stop_reason(known: Mapping[int, float], incumbent: Incumbent) -> str | None:
    """Tell why a candidate need not run further folds; None if it must.

    Parameters
    ----------
    known : mapping of int to float
        Scores of the candidate by position of the fold; at least one.
    incumbent : Incumbent
        Incumbent that it races against.

    Returns
    -------
    {"failed", "bound", "test"} or None
        ``"failed"`` after a fold without a finite score, so that there is no mean; ``"bound"`` if the mean cannot
        exceed the incumbent's; ``"test"`` if by the test it will not.
    """
    n_left = len(incumbent.scores) - len(known)
    if not n_left:
        return None
    total = _sum(known.values())
    if not math.isfinite(total):
        return "failed"
    if total + n_left * incumbent.upper <= incumbent.total:
        return "bound"
    if not incumbent.level:
        return None
    mean, variance, dof = _differences(known, incumbent)
    if mean >= 0.0 or not variance > 0.0:
        return None
    margin = float(stdtrit(dof, 1.0 - incumbent.level)) * _std_error(variance, len(known), len(incumbent.scores))
    return "test" if mean + margin < 0.0 else None


def estimate(known: Mapping[int, float], incumbent: Incumbent) -> Estimate:
    """Estimate the mean that a stopped candidate would have had: the incumbent's mean and the mean paired difference.

    The mean of the folds that were run is not used: easy folds would make it too high.
    """
    n = len(incumbent.scores)
    mean, variance, dof = _differences(known, incumbent)
    if not dof:
        # One fold and nothing to compare with: candidates differ about as much as folds do.
        center = incumbent.total / n
        variance = _squares(score - center for score in incumbent.scores) / max(1, n - 1)
    return Estimate(incumbent.total / n + mean, _std_error(variance, len(known), n))


def _differences(known: Mapping[int, float], incumbent: Incumbent) -> tuple[float, float, float]:
    """Compute mean and moderated variance of the paired differences, and the degrees of freedom of the variance."""
    d = [score - incumbent.scores[i] for i, score in known.items()]
    mean = _sum(d) / len(d)
    dof = len(d) - 1 + incumbent.prior_dof
    if not dof:
        return mean, 0.0, 0.0
    squares = _squares(x - mean for x in d)
    return mean, (squares + incumbent.prior_dof * incumbent.prior_variance) / dof, dof


def _sum(values: Collection[float]) -> float:
    """Sum exactly rounded; infinite or NaN where it is not finite."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):
        return float(sum(values))


def _squares(values: Iterable[float]) -> float:
    """Sum of squares; infinite where it overflows, which ``**`` refuses."""
    return _sum([x * x for x in values])


def _std_error(variance: float, m: int, n: int) -> float:
    # Error of the mean of m of n folds as an estimate of that of all n: none at m = n.
    return math.sqrt(variance * (1.0 / m - 1.0 / n))


@dataclass
class Race:
    """State of a race: the incumbent, and the variances of differences so far.

    Parameters
    ----------
    racing : Racing
        Rules.
    n_folds : int
        Folds of a candidate; at least 2.
    upper : float
        Upper bound of the score, infinite if there is none.
    metric : str, optional
        Score that decides, of several.
    ordered : bool
        True if candidates count in the order of their numbers and not in that in which they finish, so that
        `incumbent_as_of` is the same in every run.

    Attributes
    ----------
    incumbent : Incumbent or None
        Latest incumbent.
    """

    racing: Racing
    n_folds: int
    upper: float
    metric: str | None = None
    ordered: bool = False
    incumbent: Incumbent | None = None
    _spreads: list[tuple[float, int]] = field(default_factory=list)
    # With `ordered`: candidates that wait for an earlier one, and the incumbent after each.
    _waiting: dict[int, tuple[Mapping[int, float], Incumbent | None]] = field(default_factory=dict)
    _incumbents: list[Incumbent | None] = field(default_factory=list)

    @property
    def n_counted(self) -> int:
        """Number of candidates that count by now, in their order."""
        return len(self._incumbents)

    def incumbent_as_of(self, number: int) -> Incumbent | None:
        """Return the incumbent after the candidates up to `number`, all of which must have been observed."""
        return self._incumbents[number] if number >= 0 else None

    def observe(self, number: int, known: Mapping[int, float], incumbent: Incumbent | None) -> None:
        """Record the scores of a finished candidate, and the incumbent that it raced against."""
        if not self.ordered:
            self._count(number, known, incumbent)
            return
        if number < self.n_counted:  # counted already, as it was then
            return
        self._waiting[number] = known, incumbent
        while (due := self._waiting.pop(len(self._incumbents), None)) is not None:
            self._count(len(self._incumbents), *due)
            self._incumbents.append(self.incumbent)

    def _count(self, number: int, known: Mapping[int, float], incumbent: Incumbent | None) -> None:
        if not known or not all(map(math.isfinite, known.values())):
            return
        against = incumbent or self.incumbent
        if against is not None and len(known) > 1:
            d = [score - against.scores[i] for i, score in known.items()]
            center = _sum(d) / len(d)
            self._spreads.append((_squares(x - center for x in d) / (len(d) - 1), len(d) - 1))
            if self.incumbent is not None:
                variance, dof = _fit_prior(self._spreads)
                self.incumbent = self.incumbent._replace(prior_variance=variance, prior_dof=dof)
        if len(known) < self.n_folds:
            return
        total = _sum(known.values())
        if not math.isfinite(total):
            return
        best = self.incumbent
        # The earlier one of equals, as in `rank_test_score`.
        if best is None or (total, -number) > (best.total, -best.number):
            level = self.racing.level if self.racing.test else 0.0
            variance, dof = (best.prior_variance, best.prior_dof) if best is not None else (0.0, 0.0)
            scores = tuple(known[i] for i in range(self.n_folds))
            self.incumbent = Incumbent(number, scores, total, self.upper, level, variance, dof, self.metric)


def cut(known: Mapping[int, float], incumbent: Incumbent) -> int | None:
    """Count the folds, in their order, after which a candidate is stopped; None if it is not.

    Parameters
    ----------
    known : mapping of int to float
        Scores by position, from 0 without a gap.
    incumbent : Incumbent
        Incumbent that it races against.
    """
    so_far: dict[int, float] = {}
    for i in range(len(known)):
        so_far[i] = known[i]
        if stop_reason(so_far, incumbent) is not None:
            return i + 1
    return None


class RaceSnapshot:
    """Channel of a candidate's scores in a worker: the race as it was when the folds were sent; see `Channel`.

    Parameters
    ----------
    incumbent : Incumbent
        The incumbent that the candidate races against.
    known : mapping of int to float
        Scores by position that are known already.
    """

    keeps = portable = True

    def __init__(self, incumbent: Incumbent, known: Mapping[int, float]) -> None:
        self._incumbent, self._known = incumbent, dict(known)

    def report(self, number: int, step: float, values: Sequence[float], cost: float | None = None) -> Decision:
        """See `Channel`; `step` is the position of a fold, the one value its score, higher is better."""
        self._known[int(step)] = values[0]
        return Decision.CONTINUE if stop_reason(self._known, self._incumbent) is None else Decision.STOP


def _fit_prior(spreads: Sequence[tuple[float, int]]) -> tuple[float, float]:
    """Fit scale and degrees of freedom of a scaled inverse chi-squared distribution of variances; 0, 0 if unknown.

    Moments of log variances: Smyth 2004, Linear models and empirical Bayes methods, section 6.2.
    """
    some = sorted(variance for variance, _ in spreads if 0.0 < variance < math.inf)
    if len(some) < _FIRST_PRIOR:
        return 0.0, 0.0
    # Candidates with nearly the same predictions as the incumbent say nothing of the others.
    floor = 1e-5 * some[len(some) // 2]
    pairs = [(variance, dof) for variance, dof in spreads if floor < variance < math.inf]
    logs = [math.log(variance) - float(digamma(dof / 2)) + math.log(dof / 2) for variance, dof in pairs]
    center = math.fsum(logs) / len(logs)
    spread = math.fsum((x - center) ** 2 for x in logs) / max(1, len(logs) - 1)
    excess = spread - math.fsum(float(polygamma(1, dof / 2)) for _, dof in pairs) / len(pairs)
    prior_dof = min(_MOST_PRIOR, 2.0 * _trigamma_inverse(excess)) if excess > 0.0 else _MOST_PRIOR
    return math.exp(center + float(digamma(prior_dof / 2)) - math.log(prior_dof / 2)), prior_dof


def _trigamma_inverse(x: float) -> float:
    """Solve trigamma(y) = x > 0 for y > 0 by Newton's method on 1 / trigamma, which is convex: no step overshoots."""
    if x > 1e7:
        return 1.0 / math.sqrt(x)
    if x < 1e-6:
        return 1.0 / x
    y = 0.5 + 1.0 / x
    for _ in range(50):
        value = float(polygamma(1, y))
        step = value * (1.0 - value / x) / float(polygamma(2, y))
        y += step
        if -step < 1e-10 * y:
            break
    return y
