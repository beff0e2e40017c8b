"""Nested subsamples of rows: each is a prefix of one order, so that a larger one holds the smaller."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["nested_order", "strata_of"]

IntArray = npt.NDArray[np.int64]


def nested_order(n: int, strata: IntArray | None, seed: tuple[int, ...]) -> IntArray:
    """Draw an order of rows, each prefix of which is a subsample.

    Parameters
    ----------
    n : int
        Number of rows.
    strata : ndarray of shape (n,), optional
        Class of each row. A prefix of m rows has of each class its share of m, rounded up or down, and at least one row
        if m is not below the number of classes. None draws from all rows alike.
    seed : tuple of int
        Seed of the order.

    Returns
    -------
    ndarray of shape (n,)
        Positions of the rows, each once.

    Notes
    -----
    Row k of a class of size s, in random order within the class, comes at (k + 1/2) / s of the whole, so that the
    classes advance together. The first row of each class comes before all others: a class that has a share below one
    row would otherwise be missing, and few classifiers can be scored on a class that they have not seen.
    """
    shuffled = np.random.default_rng(seed).permutation(n)
    if strata is None:
        return shuffled
    drawn = strata[shuffled]
    by_class = np.argsort(drawn, kind="stable")
    sizes = np.bincount(drawn)
    starts = np.cumsum(sizes) - sizes
    within = np.empty(n, dtype=np.int64)
    within[by_class] = np.arange(n) - np.repeat(starts, sizes)
    place = (within + 0.5) / sizes[drawn]
    place[within == 0] -= 1.0
    order: IntArray = shuffled[np.argsort(place, kind="stable")]
    return order


def strata_of(y: Any) -> IntArray | None:
    """Number the classes of a target from 0; None if the target has no single class per row."""
    from sklearn.utils.multiclass import type_of_target

    if y is None or type_of_target(y) not in ("binary", "multiclass"):
        return None
    codes: IntArray = np.unique(np.asarray(y).ravel(), return_inverse=True)[1].astype(np.int64)
    return codes
