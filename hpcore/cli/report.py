"""What a finished search is worth telling: one record, printed for people or as JSON, and its files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hpcore.cli.files import MODEL, PARAMS, TRIALS, replace_file, to_json, write_table

__all__ = ["Report", "finished", "save", "short", "text", "values"]

SUSPECTS_SHOWN = 6
# Steps of the pipeline, and the wrapper that scales a target, which people need not see.
PREFIXES = ("model__", "regressor__")


@dataclass
class Report:
    """The outcome of one run, in plain data.

    Attributes
    ----------
    best_score, score_std : float
        Mean and standard deviation over the folds, of the best trial.
    seconds, seconds_fitting, seconds_suggesting, seconds_refit : float
        Wall time of everything; time that went into training and scoring, summed over the workers; into proposing; into
        the final fit.
    files : list of str
        What was written.
    constant_score : float or None
        Mean score of a model that gives the same answer for every row, on the same folds; None where it is not defined.
    better_than_constant : bool or None
        Whether the best is, by more than the standard error over the folds.
    suspects : list of dict
        Columns that alone give a nearly perfect score, each with its ``column`` and ``score``.
    notes : list of str
        What was found out about the data, and what was made of it.
    """

    best_score: float
    score_std: float
    best_params: dict[str, Any]
    best_trial: int
    n_trials: int
    n_failed: int
    interrupted: bool
    data: str
    target: str
    rows: int
    columns: int
    task: str
    model: str
    scoring: str
    sampler: str
    cv: int
    jobs: int
    seed: int
    seconds: float
    seconds_fitting: float
    seconds_suggesting: float
    seconds_refit: float
    files: list[str]
    constant_score: float | None
    better_than_constant: bool | None
    suspects: list[dict[str, Any]]
    notes: list[str]

    def to_json(self) -> str:
        """One line of JSON."""
        return to_json(asdict(self))


def short(name: str) -> str:
    """A parameter's name without the pipeline's steps: ``model__C`` is ``C``."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def values(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters under their short names."""
    return {short(name): value for name, value in params.items()}


def text(report: Report) -> str:
    """The report as people read it."""
    folds = f"mean +- std of {report.cv} folds"
    failed = f", {report.n_failed} failed" if report.n_failed else ""
    ended = " (interrupted)" if report.interrupted else ""
    lines = [
        "",
        f"{report.model} for {report.task} of {report.target!r} in {report.data}: "
        f"{report.rows} rows, {report.columns} feature columns",
        f"best {report.scoring}  {report.best_score:.4f} +- {report.score_std:.4f}  ({folds}), "
        f"trial {report.best_trial} of {report.n_trials}{failed}{ended}",
        *_doubts(report),
        "",
        "best parameters",
    ]
    width = max(map(len, report.best_params), default=0)
    lines += [f"  {name:<{width}}  {_shown(value)}" for name, value in report.best_params.items()]
    lines += [
        "",
        f"time   {report.seconds:.1f} s in all: fitting {report.seconds_fitting:.1f} s summed over {report.jobs} "
        f"{'process' if report.jobs == 1 else 'processes'}, suggesting {report.seconds_suggesting:.3f} s, "
        f"final fit {report.seconds_refit:.2f} s",
    ]
    lines += [f"{'files' if i == 0 else '':<7}{file}" for i, file in enumerate(report.files)]
    return "\n".join(lines)


def _doubts(report: Report) -> list[str]:
    """What a score has to be compared with, and why it may be too good."""
    lines = []
    if report.constant_score is not None:
        lines.append(f"constant {report.scoring}  {report.constant_score:.4f}  (the same answer for every row)")
        if not report.better_than_constant:
            lines.append("the best is not clearly better than a constant answer: nothing was learnt from the columns")
    if report.suspects:
        named = ", ".join(f"{found['column']!r} ({found['score']:.4f})" for found in report.suspects[:SUSPECTS_SHOWN])
        lines.append(f"too good to be true? a column alone gives as much: {named}")
    return lines


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def save(directory: Path, search: Any, names: Sequence[str]) -> Iterator[Path]:
    """Write the trials, the best parameters and the fitted pipeline, in this order.

    Parameters
    ----------
    directory : Path
        Exists.
    search : SearchCV
        Fitted, with at least one finished trial.
    names : sequence of str
        Parameters of the space, in its order.

    Yields
    ------
    Path
        Each file, as soon as it is complete.
    """
    import joblib

    header, rows = _table(search, names)
    params = to_json(values(search.best_params_), indent=2) + "\n"
    yield replace_file(directory / TRIALS, lambda part: write_table(part, header, rows))
    yield replace_file(directory / PARAMS, lambda part: part.write_text(params, encoding="utf-8"))
    yield replace_file(directory / MODEL, lambda part: joblib.dump(search.best_estimator_, part))


def finished(search: Any) -> list[Any]:
    """The trials behind the rows of ``cv_results_``: those that an interruption left unfinished have none."""
    return [search.trials_[number] for number in search.trial_numbers_]


def _table(search: Any, names: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """One row a trial; a parameter that was not active is an empty cell."""
    results, trials = search.cv_results_, finished(search)
    scores = [f"split{i}_test_score" for i in range(search.n_splits_)]
    header = ["number", "state", *map(short, names), "mean_score", "std_score"]
    header += [f"split{i}_score" for i in range(search.n_splits_)]
    header += ["mean_fit_seconds", "std_fit_seconds", "mean_score_seconds", "error"]
    measured = ["mean_test_score", "std_test_score", *scores, "mean_fit_time", "std_fit_time", "mean_score_time"]
    rows = []
    for i, (params, trial) in enumerate(zip(results["params"], trials, strict=True)):
        row = [trial.number, str(trial.state), *(params.get(name) for name in names)]
        row += [np.asarray(results[key])[i] for key in measured]
        error = (trial.error or "").strip().splitlines()
        rows.append([*row, error[-1] if error else ""])
    return header, rows
