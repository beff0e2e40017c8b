"""Support of scikit-learn's fit callbacks (`set_callbacks`, from 1.9 on), with the task names of its own searches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["FitHooks"]


class FitHooks:
    """Notifications of scikit-learn's callbacks about the tasks of a search; without callbacks nothing is done.

    Parameters
    ----------
    search : estimator
        Search that is being fitted.
    X, y : array-like
        Data of the search.
    params : mapping
        Metadata given to `fit`.

    Notes
    -----
    The tasks are "search" with one "candidate-split-evaluation" a fold, and "refit-with-best-params". Evaluations
    are notified in the process of the search when their candidate is complete. Callbacks are passed to the fit of the
    best estimator, and not to the fits of the folds, which may run in other processes.
    """

    def __init__(self, search: Any, X: Any, y: Any, params: Mapping[str, Any]) -> None:
        self._search = search
        weights = params.get("sample_weight")
        self._data = {"X": X, "y": y, "metadata": None if weights is None else {"sample_weight": weights}}
        self._root: Any = None
        self._evaluations: Any = None

    def __enter__(self) -> FitHooks:
        begin = getattr(self._search, "_init_callback_context", None)
        if begin is not None:
            self._root = begin(max_subtasks=1 + (self._search.refit is not False))
            self._root.call_on_fit_task_begin(estimator=self._search, **self._data)
            self._evaluations = self._root.subcontext(task_name="search", max_subtasks=None)
            self._evaluations.call_on_fit_task_begin(estimator=self._search)
        return self

    def __exit__(self, kind: object, *exc_info: object) -> None:
        if self._root is not None and kind is None:
            self._root.call_on_fit_task_end(estimator=self._search, **self._data)

    def evaluated(self, n_folds: int) -> None:
        """Notify callbacks of a complete candidate."""
        if self._root is None or not getattr(self._search, "_skl_callbacks", None):
            return
        for _ in range(n_folds):
            task = self._evaluations.subcontext(task_name="candidate-split-evaluation")
            task.call_on_fit_task_begin(estimator=self._search)
            task.call_on_fit_task_end(estimator=self._search)

    def searched(self) -> None:
        """Notify callbacks that the last candidate is complete."""
        if self._root is not None:
            self._evaluations.call_on_fit_task_end(estimator=self._search)

    @contextmanager
    def refitting(self, estimator: Any) -> Iterator[None]:
        """Notify callbacks of the fit of the best estimator, and pass them to it."""
        if self._root is None:
            yield
            return
        task = self._root.subcontext(task_name="refit-with-best-params")
        with task.propagate_callback_context(estimator):
            task.call_on_fit_task_begin(estimator=self._search, **self._data)
            yield
        task.call_on_fit_task_end(estimator=self._search, **self._data)
