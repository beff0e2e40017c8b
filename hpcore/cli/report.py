"""Report of a finished search: one record, printed as text or JSON, and the files of the results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from hpcore.cli.files import MODEL, PARAMS, TRIALS, replace_file, to_json, write_table

__all__ = ["Report", "finished", "save", "say_what_lacks", "short", "text", "values"]

SUSPECTS_SHOWN = 6
# Prefixes that are not shown: steps of the pipeline, and the estimators around the model.
PREFIXES = ("model__", "regressor__", "estimator__", "prepare__encode__")


@dataclass
class Report:
    """Results of one run as plain data.

    Attributes
    ----------
    best_score, score_std : float
        Mean and standard deviation over the folds for the best trial.
    seconds, seconds_fitting, seconds_suggesting, seconds_refit : float
        Total wall time; time of training and scoring, summed over the workers; time of proposing; time of the final
        fit.
    files : list of str
        Paths of the files that were written.
    constant_score : float or None
        Mean score of a model that gives the same answer for every row, on the same folds; None where it is not defined.
    better_than_constant : bool or None
        True if the best score is better by more than the standard error over the folds.
    suspects : list of dict
        Columns that alone give a nearly perfect score, each with ``column`` and ``score``.
    notes : list of str
        Messages about the data and the decisions that were made from it.
    scheduler, resource : str or None
        Scheduler and its resource, if there was one.
    levels : list of int or None
        Levels of the resource that candidates were evaluated at.
    models : list of str or None
        Models that were compared, if there were several.
    leaderboard : list of dict or None
        The best candidate of each model, see `hpcore.tables.leaderboard`.
    default_score, corrected_score, ensemble_score : float or None
        Score of the model with its own parameters, the best score without the bias of a choice among many, and the
        score of an ensemble; None where they are not known.
    remarks : list of str
        Facts about data and result that a reader of the score should know.
    n_pruned : int
        Number of trials that a race, or a scheduler, stopped early.
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
    scheduler: str | None = None
    resource: str | None = None
    levels: list[int] | None = None
    n_pruned: int = 0
    models: list[str] | None = None
    leaderboard: list[dict[str, Any]] | None = None
    default_score: float | None = None
    corrected_score: float | None = None
    ensemble_score: float | None = None
    remarks: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        """Return the report as one line of JSON."""
        return to_json(asdict(self))


def short(name: str) -> str:
    """Return a parameter's name without the steps of the pipeline: ``model__C`` becomes ``C``."""
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def values(params: dict[str, Any]) -> dict[str, Any]:
    """Return parameters under their short names."""
    return {short(name): value for name, value in params.items()}


def text(report: Report) -> str:
    """Return the report as text."""
    folds = f"mean +- std of {report.cv} folds"
    failed = f", {report.n_failed} failed" if report.n_failed else ""
    failed += f", {report.n_pruned} stopped early" if report.n_pruned else ""
    ended = " (interrupted)" if report.interrupted else ""
    lines = [
        "",
        f"{report.model} for {report.task} of {report.target!r} in {report.data}: "
        f"{report.rows} rows, {report.columns} feature columns",
        f"best {report.scoring}  {report.best_score:.4f} +- {report.score_std:.4f}  ({folds}), "
        f"trial {report.best_trial} of {report.n_trials}{failed}{ended}",
        *_levels(report),
        *_comparison(report),
        *_others(report),
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
    if report.remarks:
        lines += ["", *(f"remark: {remark}" for remark in report.remarks)]
    return "\n".join(lines)


def _levels(report: Report) -> list[str]:
    """Return a line with the levels of the resource."""
    if report.scheduler is None or report.levels is None:
        return []
    return [f"{report.scheduler} on {report.resource}: {', '.join(map(str, report.levels))}"]


def _comparison(report: Report) -> list[str]:
    """Return lines with the score of a constant answer and with columns that may leak the target."""
    lines = []
    if report.constant_score is not None:
        lines.append(f"constant {report.scoring}  {report.constant_score:.4f}  (the same answer for every row)")
        if not report.better_than_constant:
            lines.append(
                "the best is not clearly better than a constant answer: the model learnt nothing from the columns"
            )
    if report.suspects:
        named = ", ".join(f"{found['column']!r} ({found['score']:.4f})" for found in report.suspects[:SUSPECTS_SHOWN])
        lines.append(f"too good to be true? a column alone gives as much: {named}")
    return lines


def _others(report: Report) -> list[str]:
    """Return lines with further scores for comparison, and with the leaderboard."""
    named = (
        ("default", report.default_score, f"{report.model} with its own parameters, as near as the space has them"),
        ("corrected", report.corrected_score, "corrected for the choice of the best"),
        ("ensemble", report.ensemble_score, "the weighted mean of several candidates, which the saved model is"),
    )
    lines = [f"{name} {report.scoring}  {score:.4f}  ({what})" for name, score, what in named if score is not None]
    if report.leaderboard:
        from hpcore.tables.leaderboard import Row, as_text

        lines += ["", as_text([Row(**row) for row in report.leaderboard])]
    return lines


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def save(
    directory: Path, search: Any, names: Sequence[str], params: dict[str, Any] | None = None, model: Any = None
) -> Iterator[Path]:
    """Write the trials, the best parameters and the fitted pipeline, in this order.

    Parameters
    ----------
    directory : Path
        Directory that exists.
    search : SearchCV
        Fitted search with at least one finished trial.
    names : sequence of str
        Names of the parameters, in the order of the space.
    params : dict, optional
        Best parameters; by default those of the search.
    model : estimator, optional
        Fitted model; by default ``best_estimator_`` of the search.

    Yields
    ------
    Path
        Path of each file when it is complete.
    """
    import joblib

    header, rows = _table(search, names)
    text = to_json(values(search.best_params_) if params is None else params, indent=2) + "\n"
    yield replace_file(directory / TRIALS, lambda part: write_table(part, header, rows))
    yield replace_file(directory / PARAMS, lambda part: part.write_text(text, encoding="utf-8"))
    yield replace_file(
        directory / MODEL, lambda part: joblib.dump(search.best_estimator_ if model is None else model, part)
    )


def finished(search: Any) -> list[Any]:
    """Return the trials of the rows of ``cv_results_``; trials that an interruption left unfinished have no row."""
    return [search.trials_[number] for number in search.trial_numbers_]


def say_what_lacks(search: Any, again: str) -> None:
    """Say how many candidates a limit of time left without all of their folds, and the command to go `again`."""
    left = sum(trial.state == "running" for trial in search.trials_)
    if left:
        some = "1 candidate lacks" if left == 1 else f"{left} candidates lack"
        click.echo(f"note: {some} folds, as the time was over; to go on: {again}", err=True)


def _table(search: Any, names: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """Build a table with one row per trial, or per level of one; an inactive parameter is an empty cell."""
    results, trials = search.cv_results_, finished(search)
    scores = [f"split{i}_test_score" for i in range(search.n_splits_)]
    levels = ["n_resources"] if "n_resources" in results else []
    header = ["number", "state", *levels, *map(short, names), "mean_score", "std_score"]
    header += [f"split{i}_score" for i in range(search.n_splits_)]
    header += ["mean_fit_seconds", "std_fit_seconds", "mean_score_seconds", "error"]
    measured = ["mean_test_score", "std_test_score", *scores, "mean_fit_time", "std_fit_time", "mean_score_time"]
    rows = []
    for i, (params, trial) in enumerate(zip(results["params"], trials, strict=True)):
        row = [trial.number, str(trial.state), *(results[key][i] for key in levels)]
        row += [params.get(name) for name in names]
        row += [np.asarray(results[key])[i] for key in measured]
        error = (trial.error or "").strip().splitlines()
        rows.append([*row, error[-1] if error else ""])
    return header, rows
