"""Files of a run. Each is written completely or not at all: first under a temporary name, then renamed."""

from __future__ import annotations

import csv
import math
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from hpcore.errors import InvalidArgument
from hpcore.records.files import encodable, plain, replace_file, to_json

__all__ = ["TRIALS", "MODEL", "PARAMS", "STORE", "plain", "prepare_directory", "replace_file", "to_json", "write_table"]

TRIALS, PARAMS, MODEL = "trials.csv", "best_params.json", "best_model.joblib"
STORE = "runs.db"


def prepare_directory(out: str) -> Path:
    """Create the directory of the results and check that files can be written there.

    Raises
    ------
    InvalidArgument
        The directory cannot be created or written.
    """
    path = Path(out).expanduser()
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except FileExistsError:
        raise InvalidArgument(f"--out must be a directory, got the file {out!r}") from None
    except OSError as error:
        raise InvalidArgument(
            f"--out must be a directory that can be written, got {out!r}: {error.strerror}"
        ) from error


def write_table(path: Path, header: list[str], rows: Iterable[list[Any]]) -> None:
    """Write a CSV file; text that a spreadsheet would read as a formula gets a leading apostrophe."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow([_cell(name) for name in header])
        writer.writerows([_cell(value) for value in row] for row in rows)


def _cell(value: Any) -> Any:
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, (bool, int, float)):
        return repr(value)
    text = encodable(str(value))
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
