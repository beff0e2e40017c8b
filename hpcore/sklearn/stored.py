"""Searches in a store: folds as plain data, and the description by which a search recognises its study."""

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
from hpcore.sklearn.checks import Settings
from hpcore.sklearn.fidelity import Fidelity
from hpcore.space.space import Space

__all__ = ["check_same_search", "content_hash", "fold_to_data", "known_folds", "open_trial_log"]

ATTRIBUTE = "search"


def open_trial_log(settings: Settings, space: Space, part: str = "", fidelity: Fidelity | None = None) -> TrialLog:
    """Open the trial log of a search, or of a part of it: in memory, or in its store.

    Raises
    ------
    InvalidArgument, InvalidType, SpaceMismatch, StorageError
        If storage or name are wrong or do not fit the search, as for `hpcore.Study`.
    """
    sampler, seed = settings.sampler, settings.seed
    scheduler = None if fidelity is None else fidelity.scheduler
    if settings.storage is None:
        if settings.study_name is not None:
            raise InvalidArgument(f"study_name needs storage=, which is None; got study_name={settings.study_name!r}")
        return TrialLog(Optimizer(space, sampler=sampler, direction="maximize", seed=seed, scheduler=scheduler))
    if scheduler is not None:
        raise InvalidArgument("storage must be None with a scheduler: levels of a resource are not stored yet")
    if settings.study_name is None:
        raise InvalidArgument("study_name must be given with storage=: the same two continue an earlier search")
    # Imported here: a search in memory needs no SQLAlchemy.
    from hpcore.ledger.studies import open_stored_log
    from hpcore.storage import open_storage
    from hpcore.storage.plain import check_name

    store = open_storage(settings.storage)
    name = check_name("study_name", f"{settings.study_name}{part}" if part else settings.study_name)
    begun = store.read(lambda transaction: transaction.find(name)) is not None
    # Without a seed, that of the stored search.
    given = None if begun and not settings.has_seed else seed
    return open_stored_log(space, store, name, "maximize", None, sampler, given, lease=60.0, retries=3)


def check_same_search(trial_log: TrialLog, settings: Settings, workload: Workload) -> None:
    """Store the description of a search in its study, or check that it is the same as the stored one.

    Raises
    ------
    InvalidArgument
        If data, splits, scoring or estimator differ from those of the stored folds.
    """
    now = _description(settings, workload)
    before = trial_log.attributes().get(ATTRIBUTE)
    if before is None:
        if len(trial_log.optimizer.trials):
            raise InvalidArgument(f"study_name must be that of a search, and study {settings.study_name!r} is not one")
        trial_log.set_attribute(ATTRIBUTE, now)
        return
    if not isinstance(before, dict):
        raise DamagedStore(f"attribute {ATTRIBUTE!r} of study {settings.study_name!r} is damaged")
    for key, what in (
        ("data", "X, y and metadata"),
        ("splits", "cv"),
        ("scoring", "scoring, refit and error_score"),
        ("score_code", "the code of the function that scores"),
        ("estimator", "estimator"),
        ("content", "arrays and functions in estimator"),
    ):
        if key == "score_code" and key not in before:
            continue  # written by a version that did not note it
        if before.get(key) != now[key]:
            hint = "; a shuffled cv needs a random_state to give the same splits again" if key == "splits" else ""
            seen = (
                f"was {before.get(key)!r:.200}, is {now[key]!r:.200}" if key in ("scoring", "estimator") else "differ"
            )
            raise InvalidArgument(
                f"{what} must be as in the search that study {settings.study_name!r} holds, or study_name another one: "
                f"{seen}{hint}"
            )


def _description(settings: Settings, workload: Workload) -> dict[str, str]:
    import re

    def shown(value: Any) -> str:
        return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))[:2000]

    metadata = [content_hash(value) for value in (workload.fit_params, workload.score_params)]
    data = f"{fingerprint(workload.X):x} {fingerprint(workload.y):x}"
    return {
        "data": f"{data} of {_num_samples(workload.X)} rows, {metadata}",
        "splits": str(joblib.hash([(list(train), list(test)) for train, test in workload.splits])),
        "scoring": shown((settings.scoring, settings.return_train_score, settings.metric, settings.error_score)),
        # Of a function the text shows the name only.
        "score_code": content_hash(settings.scoring) if hasattr(settings.scoring, "__code__") else "",
        "estimator": shown(settings.estimator),
        # Parts of the estimator that its text leaves out or cuts short.
        "content": content_hash({k: v for k, v in settings.estimator.get_params().items() if not _is_said(v)}),
    }


def content_hash(value: Any) -> str:
    """Hash a value by content, the same in each process; functions by their code, other objects by their type."""
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
    """Convert a fold to plain data."""
    from hpcore.storage.plain import bounded_error

    complaints = [bounded_error(text) for text in score.complaints]
    error = bounded_error(score.error)
    data = [score.test_scores, score.train_scores, score.fit_time, score.score_time, error, complaints]
    return data if score.gradient is None else [*data, score.gradient]


def _fold_from_data(number: int, fold: int, data: Any) -> FoldScore:
    """Read what `fold_to_data` wrote.

    Raises
    ------
    DamagedStore
        If the data has another form.
    """
    try:
        test, train, fit_time, score_time, error, complaints, *more = data
        if len(more) > 1:
            raise ValueError("it has too many parts")
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
            gradient=None if not more else {str(name): float(value) for name, value in more[0].items()},
        )
    except (TypeError, ValueError, AttributeError, OverflowError) as wrong:
        raise DamagedStore(f"fold {fold} of trial {number} is damaged: {wrong}") from None


def _scores(data: Any) -> float | dict[str, float]:
    if isinstance(data, dict):
        return {str(name): float(value) for name, value in data.items()}
    return float(data)


def known_folds(trial_log: TrialLog, numbers: Sequence[int], folds: range) -> dict[int, list[FoldScore | None]]:
    """Read stored folds by trial, in the order of the splits; only trials that have some."""
    out: dict[int, list[FoldScore | None]] = {}
    for (number, step), data in trial_log.reports(numbers).items():
        position = int(step)
        if position != step or not 0 <= position < len(folds):
            raise DamagedStore(f"trial {number} has a fold {step:g}, and the search has {len(folds)}")
        out.setdefault(number, [None] * len(folds))[position] = _fold_from_data(number, folds[position], data)
    return out
