"""``hpcore predict``, and the files with which ``hpcore tune`` saves a model for use without hpcore."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpcore.cli.files import replace_file
from hpcore.cli.report import values
from hpcore.errors import InvalidArgument

if TYPE_CHECKING:
    from hpcore.tables.prepare import Prepared

__all__ = ["predict", "save_for_use", "save_model"]


def save_model(directory: Path, search: Any, prepared: Prepared, constant: Any) -> Iterator[Path]:
    """Save what the best model needs to be used without hpcore; if that cannot be, a note says why.

    Parameters
    ----------
    directory : Path
        Directory that holds the best model.
    search : SearchCV
        Fitted search.
    prepared : Prepared
        Task of the search.
    constant : ndarray of shape (n_folds,)
        Scores of a constant answer.

    Yields
    ------
    Path
        Path of each file when it is complete.
    """
    problem = prepared.problem
    facts = {
        "data": problem.name,
        "rows": len(problem.y),
        "target": problem.target,
        "task": problem.task,
        "model": prepared.model,
        "params": values(search.best_params_),
        "scoring": prepared.scoring,
        "score": search.best_score_,
        "score_std": search.cv_results_["std_test_score"][search.best_index_],
        "folds": search.n_splits_,
        "constant_score": constant.mean(),
    }
    yield from save_for_use(directory, search.best_estimator_, facts)


def save_for_use(directory: Path, model: Any, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Save what a model needs to be used without hpcore; if that cannot be, a note says why.

    Parameters
    ----------
    directory : Path
        Directory that holds the model.
    model : estimator
        Fitted model.
    facts : mapping
        What the model is, see `save_deployment`.

    Yields
    ------
    Path
        Path of each file when it is complete.
    """
    from hpcore.tables.deploy import save_deployment

    try:
        yield from save_deployment(directory, model, facts=facts)
    except InvalidArgument as error:
        click.echo(f"note: the model needs hpcore to be used: {error}", err=True)


def predict(directory: str, data: str, out: str | None, proba: bool, encoding: str | None) -> None:
    """Write the predictions for a data set as CSV, to a file or to stdout.

    Raises
    ------
    InvalidArgument
        The directory holds no model that can be loaded, the data does not fit it, or the file cannot be written.
    """
    from hpcore.tables.data import load
    from hpcore.tables.deploy import load_deployment

    folder = Path(directory).expanduser()
    if not folder.is_dir():
        raise InvalidArgument(f"DIR must be a directory of hpcore tune, and there is no directory {directory!r}")
    if out is not None and _same(Path(out).expanduser(), Path(data).expanduser()):
        raise InvalidArgument(f"--out must be another file than DATA, got {out!r}")
    deployed = load_deployment(folder)
    table = load(data, encoding, written=deployed.written, empty_rows=True)
    for notice in [*table.notices, *deployed.notices(table.frame)]:
        click.echo(f"note: {notice}", err=True)
    # Classes are written as they are, also those that a spreadsheet takes for a formula: they are read by programs.
    text = deployed.predict(table.frame, proba=proba).to_csv(index=False, lineterminator="\n")
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        replace_file(Path(out).expanduser(), lambda part: part.write_text(text, encoding="utf-8", newline="\n"))
    except (OSError, ValueError, RuntimeError) as error:  # "" has no name, ~nobody no home
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"--out must be a file that can be written, got {out!r}: {reason}") from error


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)
