"""Description of the machine and the packages, and insertion of tables into a README."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import platform
from collections.abc import Sequence
from pathlib import Path


def circumstances(packages: Sequence[str]) -> str:
    """Describe day, processors, Python and the versions of installed packages."""
    found = [f"Python {platform.python_version()}"]
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    today = datetime.datetime.now(tz=datetime.timezone.utc).date()
    return f"{today.day} {today:%B %Y}, {os.cpu_count()} processors; {', '.join(found)}"


def replace_section(path: Path, name: str, text: str) -> None:
    """Put `text` between the lines ``<!-- name -->`` and ``<!-- /name -->`` of a Markdown file.

    Raises
    ------
    ValueError
        The file does not have both marks once, in this order.
    """
    page = path.read_text()
    begin, end = f"<!-- {name} -->\n", f"<!-- /{name} -->"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise ValueError(f"{path} must have the lines {begin.strip()} and {end} once each")
    head, rest = page.split(begin)
    path.write_text(head + begin + text.strip("\n") + "\n" + end + rest.split(end)[1])
