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


@dataclass(frozen=True)
class Row:
    """Best candidate of one model.

    Attributes
    ----------
    model : str
        Name of the model.
    score : float
        Mean score over the folds, higher is better; NaN without a candidate that ran on all folds.
    low, high : float
        Bounds of a confidence interval of `score` with the corrected standard error. It covers the choice of rows for
        the folds, not the choice of the best among many candidates.
    n_trials : int
        Number of candidates of the model, those that failed included.
    n_failed : int
        Number of candidates that failed.
    seconds : float
        Time of all candidates of the model.
    number : int or None
        Number of the candidate.
    default_score : float
        Mean score of the model's default parameters; NaN if they did not run on all folds.
    p_value : float or None
        Two-sided p-value of the corrected paired t-test against the winner; None for the winner itself, NaN if it is
        not defined.
    difference : float
        Mean score less that of the winner.
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


def leaderboard(
    models: Sequence[str],
    numbers: Sequence[int],
    folds: FloatArray,
    seconds: FloatArray,
    *,
    test_share: float,
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
        Number of each candidate.
    folds : ndarray of shape (n_candidates, n_folds)
        Scores, higher is better; NaN where a candidate did not run or failed.
    seconds : ndarray of shape (n_candidates,)
        Time of each candidate; NaN counts as 0.
    test_share : float
        Share of the test rows among the rows of a fold, see `share_tested`.
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
        A row for each model in `models` and `failed`, the best first and the lower number first among equals. Models
        without a candidate that ran on all folds are last.

    Raises
    ------
    InvalidArgument
        The arguments differ in length, or `test_share` or `confidence` is out of range.

    Notes
    -----
    Intervals and tests are those of Nadeau & Bengio (2003), see `hpcore.tables.comparison`. The scores are those that
    the candidates were chosen by, so the winner's is optimistic, and a small p-value is weaker evidence than its
    size says: the winner was chosen because of these scores.
    """
    folds, seconds = np.asarray(folds, dtype=float), np.asarray(seconds, dtype=float)
    n = len(models)
    if folds.ndim != 2 or not len(numbers) == len(folds) == n or seconds.shape != (n,):
        raise InvalidArgument(
            f"models, numbers, folds and seconds must have an entry for each candidate, got {n}, {len(numbers)}, an "
            f"array of shape {folds.shape} and one of shape {seconds.shape}"
        )
    failed, defaults = failed or {}, defaults or {}
    complete: NDArray[np.bool_] = np.isfinite(folds).all(axis=1) & (folds.shape[1] > 0)
    means = np.full(n, -np.inf)
    if complete.any():
        means[complete] = folds[complete].mean(axis=1)
    place = {number: i for i, number in enumerate(numbers)}
    best: dict[str, int | None] = {}
    for model in dict.fromkeys([*models, *failed]):
        own = [i for i in range(n) if models[i] == model and complete[i]]
        best[model] = min(own, key=lambda i: (-means[i], numbers[i])) if own else None
    ranked = [i for i in best.values() if i is not None]
    winner = min(ranked, key=lambda i: (-means[i], numbers[i])) if ranked else None
    rows = []
    for model, i in best.items():
        own = [j for j in range(n) if models[j] == model]
        low, high = interval(folds[i], test_share, confidence) if i is not None else (math.nan, math.nan)
        default = place.get(defaults[model]) if model in defaults else None
        rows.append(
            Row(
                model=model,
                score=math.nan if i is None else float(means[i]),
                low=low,
                high=high,
                n_trials=max(len(own), failed.get(model, 0)),
                n_failed=failed.get(model, 0),
                seconds=float(np.nansum(seconds[own])),
                number=None if i is None else int(numbers[i]),
                default_score=float(means[default]) if default is not None and complete[default] else math.nan,
                p_value=_p_value(folds, i, winner, test_share),
                difference=math.nan if i is None or winner is None else float(means[i] - means[winner]),
            )
        )
    # The sort is stable, so models without a score stay in the order in which they appear.
    return sorted(
        rows, key=lambda row: (row.number is None, -row.score if row.number is not None else 0.0, row.number or 0)
    )


def _p_value(folds: FloatArray, i: int | None, winner: int | None, test_share: float) -> float | None:
    if i is None or winner is None:
        return math.nan
    return None if i == winner else p_value(folds[winner], folds[i], test_share)


def to_frame(rows: Sequence[Row]) -> pd.DataFrame:
    """Return the rows as a DataFrame with a column for each attribute; the p-value of the winner is NaN."""
    import pandas as pd

    names = list(Row.__dataclass_fields__)
    frame = pd.DataFrame([asdict(row) for row in rows], columns=names)
    return frame.astype({"number": "Int64", "p_value": float})


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
        Lines with model, score, interval, default score, p-value against the winner, trials and seconds.
    """
    head = ("model", "score", "interval", "default", "p", "trials", "seconds")
    cells = [head]
    for row in rows:
        failures = f" ({row.n_failed} failed)" if row.n_failed else ""
        limits = "-" if math.isnan(row.low) else f"{row.low:.{digits}f} to {row.high:.{digits}f}"
        cells.append(
            (
                row.model,
                _number(row.score, digits),
                limits,
                _number(row.default_score, digits),
                "" if row.p_value is None else _number(row.p_value, 3),
                f"{row.n_trials}{failures}",
                f"{row.seconds:.1f}",
            )
        )
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for line in cells:
        padded = [line[0].ljust(widths[0])] + [
            cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
