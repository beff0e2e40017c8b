"""A search in a store: folds as plain data, and what says that a search is the one that was begun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import joblib
import numpy as np
from sklearn.utils.validation import _num_samples

from hpcore.errors import DamagedStore, InvalidArgument
from hpcore.evaluation.fingerprint import fingerprint
from hpcore.evaluation.workload import FoldScore, Workload
from hpcore.ledger.trial_log import TrialLog
from hpcore.optimizer import Optimizer
from hpcore.samplers import Sampler
from hpcore.space.space import Space

__all__ = ["check_same_search", "fold_to_data", "known_folds", "open_trial_log"]

ATTRIBUTE = "search"


def open_trial_log(search: Any, space: Space, sampler: Sampler, seed: int) -> TrialLog:
    """Where the trials of a search are written down: memory, or the store that it names.

    Raises
    ------
    InvalidArgument, InvalidType, SpaceMismatch, StorageError
        As for `hpcore.Study`.
    """
    if search.storage is None:
        if search.study_name is not None:
            raise InvalidArgument(f"study_name needs storage=, which is None; got study_name={search.study_name!r}")
        return TrialLog(Optimizer(space, sampler=sampler, direction="maximize", seed=seed))
    if search.study_name is None:
        raise InvalidArgument("study_name must be given with storage=: the same two continue an earlier search")
    # Imported here: a search in memory needs no SQLAlchemy.
    from hpcore.ledger.opening import open_stored_log
    from hpcore.storage import open_storage
    from hpcore.storage.plain import check_name

    store = open_storage(search.storage)
    name = check_name("study_name", search.study_name)
    if search.random_state is None and store.read(lambda transaction: transaction.find(name)) is not None:
        given = None  # that of the search that goes on
    else:
        given = seed
    return open_stored_log(space, store, name, "maximize", None, sampler, given, lease=60.0, retries=3)


def check_same_search(trial_log: TrialLog, search: Any, workload: Workload) -> None:
    """Note what a search is in its study, or check that it is the same as the one there.

    Raises
    ------
    InvalidArgument
        Other data, splits, scoring or estimator than the stored folds belong to.
    """
    now = _description(search, workload)
    before = trial_log.attributes().get(ATTRIBUTE)
    if before is None:
        if len(trial_log.optimizer.trials):
            raise InvalidArgument(f"study_name must be that of a search, and study {search.study_name!r} is not one")
        trial_log.set_attribute(ATTRIBUTE, now)
        return
    if not isinstance(before, dict):
        raise DamagedStore(f"attribute {ATTRIBUTE!r} of study {search.study_name!r} is damaged")
    for key, what in (
        ("data", "X, y and metadata"),
        ("splits", "cv"),
        ("scoring", "scoring, refit and error_score"),
        ("estimator", "estimator"),
        ("content", "arrays and functions in estimator"),
    ):
        if before.get(key) != now[key]:
            hint = "; a shuffled cv needs a random_state to give the same splits again" if key == "splits" else ""
            seen = (
                f"was {before.get(key)!r:.200}, is {now[key]!r:.200}" if key in ("scoring", "estimator") else "differ"
            )
            raise InvalidArgument(
                f"{what} must be as in the search that study {search.study_name!r} holds, or study_name another one: "
                f"{seen}{hint}"
            )


def _description(search: Any, workload: Workload) -> dict[str, str]:
    import re

    def shown(value: Any) -> str:
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))[:2000]

    metadata = [_content(value) for value in (workload.fit_params, workload.score_params)]
    refit = search.refit if isinstance(search.refit, str) else None
    data = f"{fingerprint(workload.X):x} {fingerprint(workload.y):x}"
    return {
        "data": f"{data} of {_num_samples(workload.X)} rows, {metadata}",
        "splits": str(joblib.hash([(list(train), list(test)) for train, test in workload.splits])),
        "scoring": shown((search.scoring, search.return_train_score, refit, search.error_score)),
        "estimator": shown(search.estimator),
        # What the text above leaves out or cuts short.
        "content": _content({k: v for k, v in search.estimator.get_params().items() if not _is_said(v)}),
    }


def _content(value: Any) -> str:
    """A name by content, the same in each process; of functions by their code, of other objects by their type."""
    return str(joblib.hash(_named(value)))


def _is_said(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float) or hasattr(value, "get_params")


def _named(value: Any) -> Any:
    if isinstance(value, dict):
        return [(str(key), _named(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_named(item) for item in value]
    code = getattr(value, "__code__", None)
    if code is not None:
        inner = [_named(item) if hasattr(item, "co_code") else repr(item) for item in code.co_consts]
        return [value.__module__, value.__qualname__, code.co_code, code.co_names, inner]
    if hasattr(value, "co_code"):
        return value.co_code
    if isinstance(value, np.ndarray) and (type(value) is not np.ndarray or value.dtype.hasobject):
        return fingerprint(value)
    if value is None or isinstance(value, str | bytes | int | float | np.ndarray | np.generic):
        return value
    if hasattr(value, "iloc") or hasattr(value, "tocsr"):
        return fingerprint(value)
    return f"{type(value).__module__}.{type(value).__qualname__}"


def fold_to_data(score: FoldScore) -> list[Any]:
    """A fold as plain data."""
    from hpcore.storage.plain import bounded_error

    complaints = [bounded_error(text) for text in score.complaints]
    error = bounded_error(score.error)
    return [score.test_scores, score.train_scores, score.fit_time, score.score_time, error, complaints]


def _fold_from_data(number: int, fold: int, data: Any) -> FoldScore:
    """Read what `fold_to_data` wrote.

    Raises
    ------
    DamagedStore
        Something else.
    """
    try:
        test, train, fit_time, score_time, error, complaints = data
        if not (error is None or isinstance(error, str)):
            raise ValueError("an error is text")
        return FoldScore(
            fold,
            _scores(test),
            None if train is None else _scores(train),
            float(fit_time),
            float(score_time),
            error,
            tuple(map(str, complaints)),
        )
    except (TypeError, ValueError, AttributeError, OverflowError) as wrong:
        raise DamagedStore(f"fold {fold} of trial {number} is damaged: {wrong}") from None


def _scores(data: Any) -> float | dict[str, float]:
    if isinstance(data, dict):
        return {str(name): float(value) for name, value in data.items()}
    return float(data)


def known_folds(trial_log: TrialLog, numbers: Sequence[int], n_folds: int) -> dict[int, list[FoldScore | None]]:
    """Stored folds by trial, in the order of the splits; only trials that have some."""
    out: dict[int, list[FoldScore | None]] = {}
    for (number, step), data in trial_log.reports(numbers).items():
        fold = int(step)
        if fold != step or not 0 <= fold < n_folds:
            raise DamagedStore(f"trial {number} has a fold {step:g}, and the search has {n_folds}")
        out.setdefault(number, [None] * n_folds)[fold] = _fold_from_data(number, fold, data)
    return out
