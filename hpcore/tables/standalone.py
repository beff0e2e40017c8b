"""Predictions of a model that hpcore tune saved, without hpcore.

    pip install -r requirements.txt
    python predict.py data.csv [--out predictions.csv] [--proba] [--sep ";"] [--encoding cp1252]

or, from Python:

    from predict import load_model
    model = load_model()
    model.predict(pandas.read_csv("data.csv"))

best_model.joblib, table_steps.py and model.json belong to this file and stay in its folder. Text columns, such as codes
with leading zeros, are safest if they are read as text.

To load a model runs code: best_model.joblib is a pickle, and table_steps.py is a program. Load only what comes from
someone whom you trust. The digests in model.json find files that were changed or mixed up by accident; who can write to
the folder can change them as well.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import threading
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any

import joblib
import numpy as np
import pandas as pd

__all__ = [
    "ModelError",
    "digest_of",
    "load_model",
    "main",
    "notices",
    "predict",
    "read_data",
    "read_facts",
    "steps_named",
    "written_columns",
]

MODEL, STEPS, FACTS, REQUIREMENTS = "best_model.joblib", "table_steps.py", "model.json", "requirements.txt"
FORMAT = 1
# Packages whose models may differ between versions.
CHECKED = ("scikit-learn", "lightgbm", "xgboost", "xgboost-cpu", "catboost")
SEPARATORS = (",", ";", "\t", "|")
BLANKS = "\ufeff \t"
_LOADING = threading.RLock()


class ModelError(ValueError):
    """A folder holds no model that can be loaded here, or the data does not fit the model."""


# --- the model -------------------------------------------------------------------------------------------------------


def load_model(directory: str | Path | None = None) -> Any:
    """Load the fitted pipeline of a folder; this runs code from the folder.

    Parameters
    ----------
    directory : str or Path, optional
        Folder with the files of a saved model; by default that of this file.

    Returns
    -------
    Pipeline
        Model with ``predict(frame)`` and, if it is a classifier with probabilities, ``predict_proba(frame)``. It uses
        the code in table_steps.py, also where another version of hpcore is installed.

    Raises
    ------
    ModelError
        A file is missing or was changed after the model was saved, or the model cannot be loaded with the packages
        that are installed.
    """
    folder = Path(__file__).parent if directory is None else Path(directory)
    facts = read_facts(folder)
    for name in (MODEL, STEPS):
        _check(folder / name, facts["sha256"][name])
    with _LOADING, warnings.catch_warnings():
        # scikit-learn warns once for each step of the pipeline; here one warning names all packages.
        warnings.filterwarnings("ignore", message="(?s).*Trying to unpickle estimator")
        try:
            with _instead_of_hpcore(_import(folder / STEPS, facts["sha256"][STEPS])):
                model = joblib.load(folder / MODEL)
        except Exception as error:  # a pickle may raise anything
            raise ModelError(
                f"{str(folder / MODEL)!r} cannot be loaded with the packages that are installed here "
                f"({type(error).__name__}: {error}): pip install -r {REQUIREMENTS}"
            ) from error
    others = _other_versions(facts["versions"])
    if others:
        warnings.warn(f"the model may predict differently here: {', '.join(others)}", UserWarning, stacklevel=2)
    return model


def read_facts(directory: str | Path) -> dict[str, Any]:
    """Read model.json: what the model is, its columns, and the digests of its files.

    Raises
    ------
    ModelError
        There is no such file, or it is not one of a saved model.
    """
    path = Path(directory) / FACTS
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(
            f"{str(directory)!r} is no folder of a saved model: it has no {FACTS}, which hpcore tune writes"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error}") from error
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(f"{str(path)!r} is not a file of a saved model, or one of a newer version of hpcore")
    digests, columns = facts.get("sha256"), facts.get("columns")
    complete = isinstance(digests, dict) and all(isinstance(digests.get(name), str) for name in (MODEL, STEPS))
    named = isinstance(columns, list) and all(isinstance(c, dict) and isinstance(c.get("name"), str) for c in columns)
    typed = isinstance(facts.get("versions"), dict) and isinstance(facts.get("target"), str)
    if not (complete and named and typed):
        raise ModelError(f"{str(path)!r} is damaged: it lacks the columns, the target, the versions or the digests")
    return facts


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _check(path: Path, digest: str) -> None:
    try:
        found = digest_of(path)
    except OSError as error:
        raise ModelError(f"{str(path)!r} cannot be read: {error.strerror or error}") from error
    if found != digest:
        raise ModelError(f"{str(path)!r} was changed after the model was saved: it does not match {FACTS}")


def _import(path: Path, digest: str) -> ModuleType:
    """Import a file by its own name, which keeps the model picklable, or by a longer one if that name is in use."""
    name = path.stem
    if name in sys.modules and getattr(sys.modules[name], "DIGEST", None) != digest:
        name = f"{name}_{digest[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    module = ModuleType(name, f"Steps of the model in {path.parent}.")
    module.__dict__.update(__file__=str(path), DIGEST=digest)
    sys.modules[name] = module  # before it runs: dataclasses look their module up
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)  # noqa: S102 - it belongs to the model
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def _instead_of_hpcore(steps: ModuleType) -> Iterator[None]:
    """Resolve the modules that the pickle names to `steps`; the modules of an installed hpcore are restored after."""
    names = ["hpcore", *steps.MODULES]
    before = {name: sys.modules[name] for name in names if name in sys.modules}
    try:
        # An import of a.b also imports a, which need not be installed.
        sys.modules.setdefault("hpcore", ModuleType("hpcore"))
        sys.modules.update(dict.fromkeys(steps.MODULES, steps))
        yield
    finally:
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)


def _other_versions(saved: dict[str, Any]) -> list[str]:
    out = []
    for name in CHECKED:
        if name in saved:
            try:
                here = metadata.version(name).partition("+")[0]
            except metadata.PackageNotFoundError:
                continue
            if here != saved[name]:
                out.append(f"{name} is {here}, and was {saved[name]}")
    return out


# --- the data --------------------------------------------------------------------------------------------------------


def written_columns(facts: dict[str, Any]) -> list[str]:
    """Return the columns that must be read as they are written: codes, dates, and numbers such as $1,234 or 1:30."""
    return [each["name"] for each in facts["columns"] if each.get("kind") != "number" or set(each) - {"name", "kind"}]


def read_data(
    path: str | Path, facts: dict[str, Any], *, separator: str | None = None, encoding: str = "utf-8-sig"
) -> pd.DataFrame:
    """Read a text file with a line of column names, or a Parquet file.

    Parameters
    ----------
    path : str or Path
        Path of the file.
    facts : dict
        Contents of model.json.
    separator : str, optional
        Text between the cells; by default the first of comma, semicolon, tab and bar that gives the columns.
    encoding : str, default="utf-8-sig"
        Encoding of a text file, by a name that Python knows.

    Raises
    ------
    ModelError
        The file has no rows or cannot be read as a table.
    """
    if separator == "":
        raise ModelError("--sep must be the text between the cells, got an empty text")
    try:
        if str(path).lower().endswith((".parquet", ".pq")):
            frame = pd.read_parquet(path)
        else:
            frame = _read_text(path, facts, separator, encoding)
    except UnicodeError as error:
        raise ModelError(
            f"{str(path)!r} cannot be read as a table of text in {encoding} ({error}): name its encoding by --encoding"
        ) from error
    except (pd.errors.ParserError, pd.errors.ParserWarning, pd.errors.EmptyDataError) as error:
        raise ModelError(f"{str(path)!r} cannot be read as a table: {str(error).strip()}") from error
    if not len(frame):
        raise ModelError(f"{str(path)!r} has no rows")
    return frame


def _read_text(path: str | Path, facts: dict[str, Any], separator: str | None, encoding: str) -> pd.DataFrame:
    separator = _separator(path, facts, encoding) if separator is None else separator
    names = _names(path, separator, encoding)
    written = {name.strip(BLANKS) for name in written_columns(facts)}
    as_text = [name for name in names if name.strip(BLANKS) in written]
    with warnings.catch_warnings():
        # pandas cuts rows that are longer than the header, with a warning.
        warnings.simplefilter("error", pd.errors.ParserWarning)
        # Words such as NA stay text: the steps of the model know what they mean in a column.
        frame = pd.read_csv(
            path,
            sep=separator,
            encoding=encoding,
            index_col=False,
            low_memory=False,
            skipinitialspace=True,
            keep_default_na=False,
            na_values=[""],
            dtype=dict.fromkeys(as_text, str),
        )
    for name in as_text:
        cells = frame[name].str.strip()
        frame[name] = cells.where(cells != "", other=None)
    return frame


def _separator(path: str | Path, facts: dict[str, Any], encoding: str) -> str:
    wanted = {column["name"].strip(BLANKS) for column in facts["columns"]}
    for separator in SEPARATORS:
        if wanted <= {name.strip(BLANKS) for name in _names(path, separator, encoding)}:
            return separator
    return ","


def _names(path: str | Path, separator: str, encoding: str) -> list[str]:
    header = pd.read_csv(path, sep=separator, encoding=encoding, nrows=0, index_col=False, skipinitialspace=True)
    return list(map(str, header.columns))


# --- predictions -----------------------------------------------------------------------------------------------------


def predict(model: Any, frame: pd.DataFrame, target: str, *, proba: bool = False) -> pd.DataFrame:
    """Predict every row, in the order of the frame.

    Parameters
    ----------
    model : Pipeline
        Result of `load_model`.
    frame : DataFrame
        Data with the columns that the model was fitted on; others are not used.
    target : str
        Name of the column of predictions.
    proba : bool, default=False
        True for a column of probabilities for each class instead.

    Raises
    ------
    ModelError
        The data lacks a column, or the model has no probabilities.
    """
    if proba and not hasattr(model, "predict_proba"):
        raise ModelError("--proba needs a classifier with probabilities, and this model has none")
    try:
        found = np.asarray(model.predict_proba(frame) if proba else model.predict(frame))
    except ValueError as error:
        raise ModelError(f"the data does not fit the model: {error}") from error
    if proba:
        return pd.DataFrame(found, columns=[str(name) for name in model.classes_])
    return pd.DataFrame({target: found.reshape(len(frame))})


def notices(model: Any, frame: pd.DataFrame, facts: dict[str, Any]) -> list[str]:
    """Describe cells that are not empty, but count as missing because the model cannot read them."""
    reader = next(steps_named(model, "ReadCells"))
    means_missing = sys.modules[type(reader).__module__].__dict__.get("is_missing_word", lambda word: False)
    try:
        numbers = reader.transform(frame)
    except ValueError:
        return []  # `predict` reports it
    place: dict[str, int] = {}
    for i, name in enumerate(frame.columns):
        place.setdefault(str(name).strip(BLANKS), i)
    out = []
    for column in facts["columns"]:
        name, kind = column["name"], column.get("kind")
        if name not in numbers:
            continue
        raw = frame.iloc[:, place[name.strip(BLANKS)]]
        if kind == "number":
            unread = numbers[name].isna().to_numpy()
        elif isinstance(column.get("pattern"), str) and not pd.api.types.is_datetime64_any_dtype(raw):
            unread = pd.to_datetime(raw, format=column["pattern"], errors="coerce", utc=True).isna().to_numpy()
        else:
            continue
        cells = [str(cell) for cell in raw[unread & raw.notna().to_numpy()]]
        cells = [cell for cell in cells if not means_missing(cell)]
        if cells:
            out.append(
                f"{name!r} holds {kind}s; {len(cells)} of {len(raw)} cells cannot be read and count as missing, such "
                f"as {cells[0]!r}"
            )
    return out


def steps_named(step: Any, name: str) -> Iterator[Any]:
    """Find the steps of a class by its name, also in a pipeline within a pipeline, and in the models of an ensemble."""
    if type(step).__name__ == name:
        yield step
    entries = getattr(step, "steps", None) or getattr(step, "transformers_", None)
    for _, inner, *_ in entries or getattr(step, "named_estimators_", {}).items():
        yield from steps_named(inner, name)


def main(arguments: Collection[str] | None = None) -> None:
    """Write the predictions for a file."""
    parser = argparse.ArgumentParser(
        description="Predict each row of a file with the model in this folder. To load a model runs code: use only "
        "what comes from someone whom you trust."
    )
    parser.add_argument("data", help="text file with a line of column names (also .gz), or Parquet file")
    parser.add_argument("--out", metavar="FILE", help="file of the predictions; by default stdout")
    parser.add_argument("--proba", action="store_true", help="probabilities, with a column for each class")
    parser.add_argument("--sep", metavar="TEXT", help="text between the cells; by default it is found")
    parser.add_argument("--encoding", default="utf-8-sig", metavar="NAME", help="encoding of the file, such as cp1252")
    given = parser.parse_args(None if arguments is None else list(arguments))
    folder = Path(__file__).parent
    try:
        facts = read_facts(folder)
        model = load_model(folder)
        frame = read_data(given.data, facts, separator=given.sep, encoding=given.encoding)
        for notice in notices(model, frame, facts):
            print(f"note: {notice}", file=sys.stderr)
        out = predict(model, frame, facts["target"], proba=given.proba)
        if given.out is None:
            print(out.to_csv(index=False, lineterminator="\n"), end="")
        else:
            _write(out, Path(given.out), Path(given.data))
    except (ValueError, OSError, LookupError, ImportError) as error:
        parser.exit(2, f"error: {error}\n")


def _write(out: pd.DataFrame, path: Path, data: Path) -> None:
    if path.exists() and path.samefile(data):
        raise ModelError(f"--out must be another file than the data, got {str(path)!r}")
    part = path.with_name(f".{path.name}.part")
    try:
        out.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
