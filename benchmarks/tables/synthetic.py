"""Tables that are drawn from a known law, so that the best score that any model can reach is known too.

`make` returns the rows, the target, and the truth: the conditional mean of a regression, or the conditional probability
of class "yes". The score of the truth on some rows is the limit for all models on these rows, up to chance.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Drawn = tuple[pd.DataFrame, "pd.Series[float] | pd.Series[str]", Floats]


def friedman_categories(n_rows: int = 6000, noise: float = 1.5) -> Drawn:
    """Draw Friedman's first function with a category that scales one term and shifts the sum."""
    rng = np.random.default_rng(1)
    x = rng.uniform(size=(n_rows, 8))
    site = rng.integers(8, size=n_rows)
    slope, shift = rng.uniform(0.2, 1.8, size=8), rng.normal(0, 2.5, size=8)
    mean = (
        10 * slope[site] * np.sin(np.pi * x[:, 0] * x[:, 1])
        + 20 * (x[:, 2] - 0.5) ** 2
        + 10 * x[:, 3]
        + 5 * x[:, 4]
        + shift[site]
    )
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(8)])
    frame["site"] = pd.Series([f"site {s}" for s in site])
    return frame, pd.Series(mean + rng.normal(0, noise, n_rows), name="y"), mean


def city_codes(n_rows: int = 8000, n_codes: int = 400) -> Drawn:
    """Draw two classes: most of the signal is in a category with hundreds of codes of unequal frequency."""
    rng = np.random.default_rng(2)
    weights = rng.gamma(1.0, size=n_codes)
    code = rng.choice(n_codes, size=n_rows, p=weights / weights.sum())
    effect = rng.normal(0, 1.8, n_codes)
    x = rng.normal(size=(n_rows, 5))
    logit = effect[code] + 0.7 * x[:, 0] - 0.5 * x[:, 1] * (x[:, 2] > 0) - 1.0
    probability = 1 / (1 + np.exp(-logit))
    frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(5)])
    frame.insert(2, "code", pd.Series([f"c{k:03d}" for k in code]))
    y = pd.Series(np.where(rng.uniform(size=n_rows) < probability, "yes", "no"), name="y")
    return frame, y, probability


def linear_noise(n_rows: int = 1000, n_columns: int = 30) -> Drawn:
    """Draw a linear function of a third of the columns with as much variance in the noise as in the function."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(n_rows, n_columns))
    weights = np.zeros(n_columns)
    weights[::3] = rng.normal(size=len(weights[::3]))
    mean = x @ weights
    y = mean + rng.normal(0, float(np.sqrt((weights**2).sum())), n_rows)
    return pd.DataFrame(x, columns=[f"x{j}" for j in range(n_columns)]), pd.Series(y, name="y"), mean


MAKERS: dict[str, Callable[[], Drawn]] = {
    "friedman_categories": friedman_categories,
    "city_codes": city_codes,
    "linear_noise": linear_noise,
}
