"""Saving of a tuned model so that it loads without hpcore, and loading of such a folder."""

from __future__ import annotations

import inspect
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hpcore
from hpcore.errors import InvalidArgument
from hpcore.records.files import replace_file, to_json
from hpcore.tables import standalone
from hpcore.tables.bundle import bundle, references
from hpcore.tables.standalone import FACTS, FORMAT, MODEL, REQUIREMENTS, STEPS, digest_of, steps_named

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MODEL", "Deployment", "load_deployment", "save_deployment"]

PROGRAM = "predict.py"
# Packages that predict.py imports, or that every model of scikit-learn needs.
ALWAYS = ("numpy", "pandas", "scipy", "scikit-learn", "joblib")
PROVIDED = {"numpy": "numpy", "pandas": "pandas", "scipy": "scipy", "sklearn": "scikit-learn", "joblib": "joblib"}
LICENCE = "# Copyright (c) 2026 The hpcore developers\n# SPDX-License-Identifier: MIT\n"


@dataclass(frozen=True)
class Deployment:
    """A saved model.

    Attributes
    ----------
    directory : Path
        Folder of its files.
    model : Pipeline
        Fitted pipeline, with the code that it was saved with.
    facts : dict
        Contents of model.json.
    """

    directory: Path
    model: Any
    facts: dict[str, Any]

    @property
    def written(self) -> list[str]:
        """Columns that must be read as they are written: codes, dates, and numbers such as $1,234."""
        return standalone.written_columns(self.facts)

    def notices(self, frame: pd.DataFrame) -> list[str]:
        """Describe cells that are not empty, but count as missing because the model cannot read them."""
        return standalone.notices(self.model, frame, self.facts)

    def predict(self, frame: pd.DataFrame, *, proba: bool = False) -> pd.DataFrame:
        """Predict every row, in the order of the frame.

        Parameters
        ----------
        frame : DataFrame
            Data with the columns that the model was fitted on; others are not used.
        proba : bool, default=False
            True for a column of probabilities for each class, instead of a column with the name of the target.

        Raises
        ------
        InvalidArgument
            The data lacks a column, or the model has no probabilities.
        """
        try:
            return standalone.predict(self.model, frame, self.facts["target"], proba=proba)
        except standalone.ModelError as error:
            raise InvalidArgument(str(error)) from error


def save_deployment(directory: Path, pipeline: Any, *, facts: Mapping[str, Any]) -> Iterator[Path]:
    """Write what `best_model.joblib` needs to be used without hpcore; each file is written whole or not at all.

    Parameters
    ----------
    directory : Path
        Directory that holds the pipeline as best_model.joblib.
    pipeline : Pipeline
        Fitted pipeline whose first steps read raw tables, see `hpcore.tables.preprocessing`.
    facts : mapping of str to object
        What the model is, for model.json: at least ``target``.

    Yields
    ------
    Path
        Path of each file when it is complete: table_steps.py, predict.py, requirements.txt and model.json.

    Raises
    ------
    InvalidArgument
        The model refers to code that cannot be saved with it; nothing was written.
    """
    modules = references(pipeline)
    steps = bundle([name for name in modules if name.partition(".")[0] == "hpcore"], hpcore.__version__)
    versions = _versions(modules)
    columns = _columns(pipeline)
    program = LICENCE + inspect.getsource(standalone)
    required = f"# Python {platform.python_version()}\n" + "".join(f"{name}=={versions[name]}\n" for name in versions)
    yield _write(directory / STEPS, steps)
    yield _write(directory / PROGRAM, program)
    yield _write(directory / REQUIREMENTS, required)
    classes = getattr(pipeline, "classes_", None)
    document = {
        "format": FORMAT,
        **facts,
        "columns": columns,
        "classes": None if classes is None else list(classes),
        "probabilities": hasattr(pipeline, "predict_proba"),
        "saved": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "versions": {"python": platform.python_version(), "hpcore": hpcore.__version__, **versions},
        "sha256": {name: digest_of(directory / name) for name in (MODEL, STEPS)},
    }
    # The last: until it is there, an earlier one does not match, and an unfinished folder is not loaded.
    yield _write(directory / FACTS, to_json(document, indent=2) + "\n")


def load_deployment(directory: Path) -> Deployment:
    """Load a saved model; this runs code from the directory.

    Raises
    ------
    InvalidArgument
        The directory holds no saved model, one of its files was changed, or it cannot be loaded with the packages that
        are installed.
    """
    try:
        return Deployment(directory, standalone.load_model(directory), standalone.read_facts(directory))
    except standalone.ModelError as error:
        raise InvalidArgument(str(error)) from error


def _write(path: Path, text: str) -> Path:
    # Bytes, so that the lines end alike everywhere: the digest counts them.
    return replace_file(path, lambda part: part.write_bytes(text.encode("utf-8")))


def _columns(pipeline: Any) -> list[dict[str, Any]]:
    """Describe the columns that the pipeline reads."""
    found: dict[str, dict[str, Any]] = {}
    patterns = {name: each for step in steps_named(pipeline, "DateParts") for name, each in step.patterns.items()}
    for reader in steps_named(pipeline, "ReadCells"):  # one for each model of an ensemble
        for name in reader.numbers:
            column = found.setdefault(name, {"name": name, "kind": "number"})
            if name in reader.styles:
                style = reader.styles[name]
                column["style"] = {"decimal": style.mark, "unit": style.unit, "example": style.example[0]}
            if name in (reader.notations or {}):
                column["notation"] = reader.notations[name]
        for name in reader.dates:
            found.setdefault(name, {"name": name, "kind": "date", "pattern": patterns.get(name)})
        for kind, names in (("text", reader.text), ("prose", reader.prose or ())):
            for name in names:
                found.setdefault(name, {"name": name, "kind": kind})
    if not found:
        raise InvalidArgument("pipeline must have a step that reads raw tables, see hpcore.tables.preprocessing.reader")
    return list(found.values())


def _versions(modules: set[str]) -> dict[str, str]:
    """Return the versions of the packages that the modules belong to, and of those that are always needed."""
    others = {name.partition(".")[0] for name in modules} - PROVIDED.keys() - {"hpcore", *sys.stdlib_module_names}
    needed = list(ALWAYS)
    if others:
        owners = metadata.packages_distributions()
        for name in sorted(others):
            if name in owners:
                needed.append(owners[name][0])
            elif not name.startswith("_"):  # compiled modules of scikit-learn name themselves so
                raise InvalidArgument(f"the model refers to the module {name!r}, which belongs to no installed package")
    try:
        # A local version, such as 2.1+cpu, is not in an index; 2.1 is, and means both.
        return {name: metadata.version(name).partition("+")[0] for name in dict.fromkeys(needed)}
    except metadata.PackageNotFoundError as error:
        raise InvalidArgument(f"the version of {error.name!r}, which the model needs, is not known") from error
