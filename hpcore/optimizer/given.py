"""Proposals with given values in some columns: the sampler chooses the others by its own criterion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from hpcore.space.space import Space

__all__ = ["GivenColumns"]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

# Candidates all over the rest of the space, fewer where parents of the given parameters are drawn one by one; and near
# each of a few good trials.
N_FREE, N_BY_PARENTS, N_NEAR = 256, 64, 24
# Standard deviations of the steps from a good trial, and the share of the columns that a step moves.
STEPS, SHARE = (0.2, 0.05, 0.01), 0.5


class GivenColumns:
    """Columns of a space in which some have given values, as a constraint and a source of rows that keep it.

    Parameters
    ----------
    space : Space
        Space with its constraints.

    Attributes
    ----------
    columns : Columns
        Columns for a sampler that asks a constraint for rows that are allowed.
    """

    def __init__(self, space: Space) -> None:
        self._space = space
        self._given: dict[str, Any] = {}
        self._fixed = np.empty(0, dtype=np.int64)
        self._at = np.empty(0)
        self.columns = replace(space.columns, feasible=self._feasible, around=self._around)

    def fix(self, given: Mapping[str, Any]) -> None:
        """Set the given values, which were checked by `Space.check_partial`."""
        names, coder = self._space.columns.names, self._space.coder
        self._given = dict(given)
        self._fixed = np.array([j for j, name in enumerate(names) if name in given], dtype=np.int64)
        self._at = np.array([coder.encode_column(j, [given[names[j]]])[0] for j in self._fixed.tolist()])

    def _feasible(self, rows: FloatArray) -> BoolArray:
        """Mask of rows (n, d) with the given values that the constraints allow."""
        settled = np.array(rows)
        self._space.columns.codec.snap(settled)
        mask: BoolArray = (settled[:, self._fixed] == self._at).all(axis=1)
        feasible = self._space.columns.feasible
        if feasible is not None and mask.any():
            mask[mask] = feasible(np.ascontiguousarray(rows[mask]))
        return mask

    def _around(self, near: FloatArray, rng: np.random.Generator) -> FloatArray | None:
        """Rows (m, d) with the given values, all over the space and near the given rows; None if none is allowed."""
        d = self._space.columns.d
        rows = np.concatenate([self._free(rng), self._near(near, rng).reshape(-1, d)])
        rows[:, self._fixed] = self._at
        allowed = rows[self._feasible(rows)]
        return np.ascontiguousarray(allowed) if len(allowed) else None

    def _free(self, rng: np.random.Generator) -> FloatArray:
        space = self._space
        parents = space.columns.parents
        if not any(parents[j] for j in self._fixed.tolist()):
            return rng.random((N_FREE, space.columns.d))
        # Parents that are not given come from where the given parameters are active.
        rows = rng.random((N_BY_PARENTS, space.columns.d))
        _, points = space.coder.encode([space.complete(self._given, u) for u in rows])
        return np.where(np.isnan(points), rows, points)

    def _near(self, near: FloatArray, rng: np.random.Generator) -> FloatArray:
        rows = np.repeat(near, N_NEAR, axis=0)
        n, d = rows.shape
        other = rng.random((n, d))
        rows = np.where(np.isnan(rows), other, rows)
        sizes = np.array(STEPS)[np.arange(n) % len(STEPS)][:, None]
        categorical = np.array([kind == "categorical" for kind in self._space.columns.kinds])
        steps = np.clip(rows + sizes * rng.standard_normal((n, d)), 0.0, 1.0)
        moved = rng.random((n, d)) < np.where(categorical, sizes, SHARE)
        out: FloatArray = np.where(moved, np.where(categorical, other, steps), rows)
        return out
