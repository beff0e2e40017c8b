"""Sources of the problems of the quality benchmark: the project's collection, or problems rebuilt from packages.

A problem has a `space`, a `suite` and is called with a configuration; lower is better. Its `Reference` has the results
of random search and the best known value.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
# The collection is beside the repository, if it exists.
SHARED = Path(__file__).resolve().parents[3] / "shared" / "quality"


class Problem(Protocol):
    """A function of a configuration."""

    @property
    def suite(self) -> str: ...
    @property
    def space(self) -> Any: ...
    def __call__(self, cfg: dict[str, Any]) -> float: ...


@dataclass(frozen=True)
class Reference:
    """Values that a score is relative to."""

    random: FloatArray  # [n - 1]: expected best of n random configurations
    median: float  # of one random configuration
    best: float  # known or best known


class Tasks(Protocol):
    """A collection of problems by name."""

    label: str

    def names(self, *, core: bool) -> list[str]: ...
    def problem(self, name: str) -> Problem: ...
    def reference(self, name: str) -> Reference: ...


class SharedTasks:
    """The collection in a folder, loaded by its own modules."""

    def __init__(self, folder: Path) -> None:
        self.label = "shared"
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
        self._problems = importlib.import_module("problems")
        with np.load(folder / "data" / "refs.npz") as store:
            self._store = {key: store[key] for key in store.files}

    def names(self, *, core: bool) -> list[str]:
        """Return the names of the public half, or of its core."""
        return list(self._problems.split()["core"]["public"] if core else self._problems.names("public"))

    def problem(self, name: str) -> Problem:
        """Return a problem, which loads its data on first use."""
        found: Problem = self._problems.get_problem(name)
        return found

    def reference(self, name: str) -> Reference:
        """Return the reference in the collection."""
        random, median, best = (self._store[f"{name}/{key}"] for key in ("rand", "med", "fstar"))
        return Reference(random, float(median), float(best))


@cache
def open_tasks(folder: Path | None) -> Tasks:
    """Return the collection in `folder`, or the rebuilt problems if it is None."""
    if folder is not None:
        return SharedTasks(folder)
    rebuilt: Tasks = importlib.import_module("rebuilt").RebuiltTasks()
    return rebuilt


def expected_best(values: FloatArray, n: int) -> FloatArray:
    """Compute the expected smallest of 1, 2, ..., n draws with replacement from `values`."""
    ordered = np.sort(values)
    m = ordered.size
    reached = ((m - np.arange(m + 1.0)) / m) ** np.arange(1.0, n + 1.0)[:, None]
    out: FloatArray = (reached[:, :-1] - reached[:, 1:]) @ ordered
    return out
