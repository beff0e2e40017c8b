"""``hpcore report``, and the page of ``hpcore tune``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from hpcore.cli.stores import store_path
from hpcore.errors import InvalidArgument, MissingDependency

__all__ = ["PAGE", "save_page", "write"]

PAGE = "report.html"


def write(store: str, name: str | None, out: str, title: str | None) -> None:
    """Write the page of a stored study, and print its path."""
    from hpcore.report import html
    from hpcore.study import view_study

    study = view_study(store_path(store), name)
    target = Path(out).expanduser()
    try:
        click.echo(html(study, target, title=title))
    except OSError as error:
        raise InvalidArgument(f"--out must be a file that can be written, got {out!r}: {error.strerror}") from error


def save_page(directory: Path, search: Any, title: str) -> Path | None:
    """Save the page of a finished search; None, with a note, without plotly."""
    from hpcore.report import html

    try:
        return html(search, directory / PAGE, title=title)
    except MissingDependency:
        click.echo(f'note: no {PAGE}, which needs plotly: pip install "hpcore[report]"', err=True)
        return None
