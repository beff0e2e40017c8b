"""The best candidate of each model, with intervals and a test against the winner."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpcore.errors import InvalidArgument
from hpcore.tables.comparison import interval, p_value

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Row", "as_text", "leaderboard", "to_frame"]

FloatArray = NDArray[np.float64]

# Folds of a stopped candidate from which on there are an interval and a test. Two scores tell next to nothing of their
# variance: intervals were as wide as 0.1 to 1.7, and two equal differences, not rare for accuracies, gave p = 0.
LEAST_FOLDS = 3


@dataclass(frozen=True)
class Row:
    """Best candidate of one model.

    Attributes
    ----------
    model : str
        Name of the model.
    score : float
        Mean score over the folds, higher is better; an estimate of it if no candidate of the model ran on all folds,
        and NaN without one.
    low, high : float
        Bounds of a confidence interval of `score` with the corrected standard error, from the folds that the candidate
        ran on; NaN for one fold, and for an estimate from fewer than three. It covers the choice of rows for the folds,
        not the choice of the best among many candidates.
    n_trials : int
        Number of candidates of the model, those that failed, or that had a part of the resource, included.
    n_failed : int
        Number of candidates that failed.
    seconds : float
        Time of all candidates of the model.
    number : int or None
        Number of the candidate.
    default_score : float
        Mean score of the model's default parameters; NaN if they did not run on all folds.
    p_value : float or None
        Two-sided p-value of the corrected paired t-test against the winner on the folds that both ran on; None for the
        winner itself, NaN where `low` is.
    difference : float
        `score` less that of the winner.
    n_folds : int
        Number of folds that the candidate ran on.
    estimated : bool
        True if `score` is an estimate, as the candidate was stopped before its last fold.
    resource : int or None
        Largest resource, such as a number of rows, that a candidate of the model got; None if it was not limited. Below
        that of the winner there is no score, because scores of other amounts cannot be compared.
    """

    model: str
    score: float
    low: float
    high: float
    n_trials: int
    n_failed: int
    seconds: float
    number: int | None
    default_score: float
    p_value: float | None
    difference: float
    n_folds: int = 0
    estimated: bool = False
    resource: int | None = None


def leaderboard(
    models: Sequence[str],
    numbers: Sequence[int],
    folds: FloatArray,
    seconds: FloatArray,
    *,
    test_share: float,
    estimates: FloatArray | None = None,
    resources: NDArray[np.int64] | None = None,
    failed: Mapping[str, int] | None = None,
    defaults: Mapping[str, int] | None = None,
    confidence: float = 0.95,
) -> list[Row]:
    """Rank the models of a search by their best candidates.

    Parameters
    ----------
    models : sequence of str, length n_candidates
        Model of each candidate.
    numbers : sequence of int, length n_candidates
        Number of each candidate; with `resources` a candidate has an entry for each amount that it got.
    folds : ndarray of shape (n_candidates, n_folds)
        Scores, higher is better; NaN where a candidate did not run or failed.
    seconds : ndarray of shape (n_candidates,)
        Time of each candidate; NaN counts as 0.
    test_share : float
        Share of the test rows among the rows of a fold, see `share_tested`.
    estimates : ndarray of shape (n_candidates,), optional
        Estimated mean scores over all folds, for candidates that a race stopped; NaN where there is none. Without them
        a model needs a candidate that ran on all folds to have a score.
    resources : ndarray of int, shape (n_candidates,), optional
        Resource, such as the number of rows, of each entry. Those of the largest amount are ranked; all of them count
        for the number of candidates and the time.
    failed : mapping of str to int, optional
        Number of candidates that failed by model. A candidate that failed may be absent from `models`: then it is
        counted here only, and ``n_trials`` is at least this number.
    defaults : mapping of str to int, optional
        Number of the candidate with the default parameters by model.
    confidence : float, default=0.95
        Probability of the intervals.

    Returns
    -------
    list of Row
        A row for each model in `models` and `failed`: the winner, which ran on all folds, and the others by their
        scores, the lower number first among equals. Models without a score are last.

    Raises
    ------
    InvalidArgument
        The arguments differ in length, or `test_share` or `confidence` is out of range.

    Notes
    -----
    Intervals and tests are those of Nadeau & Bengio (2003), see `hpcore.tables.comparison`. The scores are those that
    the candidates were chosen by, so the winner's is optimistic, and a small p-value is weaker evidence than its
    size says: the winner was chosen because of these scores. The interval of an estimate has the width that the scores
    of its own folds give.
    """
    folds, seconds = np.asarray(folds, dtype=float), np.asarray(seconds, dtype=float)
    n = len(models)
    means = np.full(n, math.nan) if estimates is None else np.array(estimates, dtype=float)
    if (
        folds.ndim != 2
        or not len(numbers) == len(folds) == n
        or seconds.shape != (n,)
        or means.shape != (n,)
        or (resources is not None and np.shape(resources) != (n,))
    ):
        raise InvalidArgument(
            f"models, numbers, folds, seconds, estimates and resources must have an entry for each candidate, got {n}, "
            f"{len(numbers)}, and arrays of shape {folds.shape}, {seconds.shape}, {means.shape} and "
            f"{np.shape(resources) if resources is not None else None}"
        )
    failed, defaults = failed or {}, defaults or {}
    ranked = np.ones(n, dtype=bool) if resources is None or not n else np.asarray(resources) == np.max(resources)
    complete: NDArray[np.bool_] = np.isfinite(folds).all(axis=1) & (folds.shape[1] > 0)
    if complete.any():
        means[complete] = folds[complete].mean(axis=1)

    def best_of(rows: NDArray[np.bool_]) -> int | None:
        found = np.flatnonzero(rows & ranked & np.isfinite(means)).tolist()
        return min(found, key=lambda i: (-means[i], numbers[i])) if found else None

    winner = best_of(complete)
    place = {number: i for i, number in enumerate(numbers) if ranked[i] and complete[i]}
    rows = []
    for model in dict.fromkeys([*models, *failed]):
        own = np.array([name == model for name in models], dtype=bool)
        i = best_of(own & complete)
        i = best_of(own) if i is None else i
        low, high = (math.nan, math.nan) if i is None else _interval(folds[i], means[i], test_share, confidence)
        default = place.get(defaults.get(model, -1))
        rows.append(
            Row(
                model=model,
                score=math.nan if i is None else float(means[i]),
                low=low,
                high=high,
                n_trials=max(len({numbers[j] for j in range(n) if own[j]}), failed.get(model, 0)),
                n_failed=failed.get(model, 0),
                seconds=float(np.nansum(seconds[own])),
                number=None if i is None else int(numbers[i]),
                default_score=math.nan if default is None else float(means[default]),
                p_value=_p_value(folds, i, winner, test_share),
                difference=math.nan if i is None or winner is None else float(means[i] - means[winner]),
                n_folds=0 if i is None else int(np.isfinite(folds[i]).sum()),
                estimated=i is not None and not complete[i],
                resource=None if resources is None or not own.any() else int(np.asarray(resources)[own].max()),
            )
        )
    first = None if winner is None else int(numbers[winner])
    # The sort is stable, so models without a score stay in the order in which they appear.
    return sorted(rows, key=lambda row: _place(row, first))


def _place(row: Row, winner: int | None) -> tuple[int, float, int]:
    if row.number is None:
        return 2, 0.0, 0
    return int(row.number != winner), -row.score, row.number


def _interval(scores: FloatArray, mean: float, test_share: float, confidence: float) -> tuple[float, float]:
    """Return the interval of a mean, or of an estimate of it, from the scores of the folds that were run."""
    known = scores[np.isfinite(scores)]
    if len(known) == len(scores):
        return interval(known, test_share, confidence)
    if len(known) < LEAST_FOLDS:
        return math.nan, math.nan
    low, high = interval(known, test_share, confidence)
    shift = float(mean - known.mean())
    return low + shift, high + shift


def _p_value(folds: FloatArray, i: int | None, winner: int | None, test_share: float) -> float | None:
    if i is None or winner is None:
        return math.nan
    if np.isfinite(folds[i]).sum() < min(LEAST_FOLDS, folds.shape[1]):
        return math.nan
    return None if i == winner else p_value(folds[winner], folds[i], test_share)


def to_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return the rows as a DataFrame with a column for each attribute; the p-value of the winner is NaN."""
    import pandas as pd

    names = list(Row.__dataclass_fields__)
    frame = pd.DataFrame([asdict(row) for row in rows], columns=names)
    return frame.astype({"number": "Int64", "resource": "Int64", "p_value": float})


def as_text(rows: Sequence[Row], digits: int = 4) -> str:
    """Return the rows as a table for a terminal.

    Parameters
    ----------
    rows : sequence of Row
        Rows of `leaderboard`.
    digits : int, default=4
        Number of digits of the scores after the point.

    Returns
    -------
    str
        Lines with model, score, interval, default score, p-value against the winner, trials and seconds, and with the
        resource if a model did not get all of it. An estimated score is marked by ``~``, which a last line explains.
    """
    most = max((row.resource or 0 for row in rows), default=0)
    limited = any(row.resource is not None and row.resource < most for row in rows)
    head = ["model", "score", "interval", "default", "p", "trials", *(["resource"] if limited else []), "seconds"]
    cells = [head]
    for row in rows:
        failures = f" ({row.n_failed} failed)" if row.n_failed else ""
        limits = "-" if math.isnan(row.low) else f"{row.low:.{digits}f} to {row.high:.{digits}f}"
        cells.append(
            [
                row.model,
                f"{'~' if row.estimated else ''}{_number(row.score, digits)}",
                limits,
                _number(row.default_score, digits),
                "" if row.p_value is None else _number(row.p_value, 3),
                f"{row.n_trials}{failures}",
                *(["-" if row.resource is None else str(row.resource)] if limited else []),
                f"{row.seconds:.1f}",
            ]
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for line in cells:
        padded = [line[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    if any(row.estimated for row in rows):
        lines.append("~ estimate: every candidate of the model was stopped before its last fold")
    return "\n".join(lines)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
