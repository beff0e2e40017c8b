"""``hpcore show``: what a directory of ``hpcore tune`` holds, and the contents of a store."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import click

from hpcore.cli import stores
from hpcore.cli.directory import OWNER
from hpcore.cli.files import MODEL, PARAMS, STORE, TRIALS, plain, to_json
from hpcore.cli.page import PAGE
from hpcore.cli.report import short, values
from hpcore.cli.request import REQUEST
from hpcore.errors import HpcoreError, InvalidArgument
from hpcore.records.words import clean

__all__ = ["show"]

FACTS, PROGRAM = "model.json", "predict.py"
CONSTANT = "constant score"  # attribute of a study of hpcore tune
FILES = {
    MODEL: "the fitted pipeline",
    FACTS: "what the model is",
    PROGRAM: "predictions without hpcore",
    "table_steps.py": "the code of the model's first steps",
    "requirements.txt": "the packages that the model needs",
    PARAMS: "the best parameters",
    TRIALS: "every trial",
    STORE: "the stored studies",
    OWNER: "the search that the files belong to",
    "leaderboard.csv": "the models that were compared",
    PAGE: "pictures of the search",
}
CLASSES_SHOWN = 12


def show(store: str, study: str | None, as_json: bool) -> None:
    """Print what a directory of results holds; otherwise the studies of a store, or one of them.

    Raises
    ------
    InvalidArgument, UnknownStudy, StorageError
        The directory holds neither results nor a store, or there is no such store or study.
    """
    folder = Path(store)
    if study is not None or "://" in store or not folder.is_dir():
        stores.show(store, study, as_json)
        return
    if not (folder / FACTS).exists() and not (folder / PARAMS).exists():
        if not (folder / STORE).exists():
            raise InvalidArgument(
                f"show takes a store or a directory of hpcore tune, but {store!r} has none of {FACTS}, {PARAMS} and "
                f"{STORE}"
            )
        stores.show(store, study, as_json)  # a search without a finished trial
        return
    found = _contents(folder)
    click.echo(to_json(found) if as_json else _text(found))


def _contents(folder: Path) -> dict[str, Any]:
    """Return what is in a directory: facts of the model, files, studies and commands."""
    listed, problem = _studies(folder)
    if (folder / FACTS).exists():
        from hpcore.tables.standalone import ModelError, read_facts

        try:
            facts = {key: value for key, value in read_facts(folder).items() if key not in ("format", "sha256")}
        except ModelError as error:
            raise InvalidArgument(str(error)) from error
        resumable = bool(listed)
    else:
        params = _params(folder / PARAMS)
        facts, resumable = _older(folder, params, listed)
    files = [
        {"name": path.name, "bytes": path.stat().st_size, "what": FILES.get(path.name, "")}
        for path in sorted(folder.iterdir(), key=_rank)
        if path.is_file() and not path.name.startswith(".")
    ]
    return {
        "directory": str(folder),
        **facts,
        "files": files,
        "studies": listed,
        **({} if problem is None else {"problem": problem}),
        "commands": _commands(folder, listed, resumable),
    }


def _rank(path: Path) -> tuple[int, str]:
    names = list(FILES)
    return names.index(path.name) if path.name in names else len(names), path.name


def _params(path: Path) -> dict[str, Any]:
    try:
        params = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArgument(f"{str(path)!r} cannot be read: {error}") from error
    if not isinstance(params, dict):
        raise InvalidArgument(f"{str(path)!r} must hold the best parameters, as a JSON object")
    return params


def _studies(folder: Path) -> tuple[list[dict[str, Any]], str | None]:
    """List the studies of the store; instead, the reason why it cannot be read."""
    from hpcore.ledger.studies import summaries

    if not (folder / STORE).exists():
        return [], None
    try:
        return stores.list_rows(summaries(folder / STORE)), None
    except HpcoreError as error:
        return [], f"{STORE} cannot be read: {error}"


def _older(folder: Path, params: dict[str, Any], listed: list[dict[str, Any]]) -> tuple[dict[str, Any], bool]:
    """Return the facts of a directory without model.json, from the study that found its parameters.

    The flag is true if `hpcore resume` continues that study.
    """
    for row in sorted(listed, key=lambda row: str(row["created"]), reverse=True):
        study = stores.read_study(str(folder), row["study"])
        best = next(iter(study.best(1)), None)
        if best is None or best.values is None or plain(values(dict(best.params))) != params:
            continue
        request = study.attributes.get(REQUEST)
        facts: dict[str, Any] = {"params": params, "score": best.values[0]}
        if isinstance(request, dict):
            model = request.get("model") or study.name.split(" ")[-3]  # the name is: data, model, sampler, digest
            facts = {
                "data": Path(str(request.get("data"))).name,
                "target": request.get("target") or "target",
                "task": request.get("task"),
                "model": model,
                "scoring": request.get("scoring"),
                "folds": request.get("cv"),
                "constant_score": study.attributes.get(CONSTANT),
                **facts,
            }
        return facts, isinstance(request, dict)
    return {"params": params}, False


def _commands(folder: Path, listed: list[dict[str, Any]], resumable: bool) -> dict[str, str]:
    """Return the commands to go on with, and what they do."""
    where = shlex.quote(str(folder))
    which = "" if len(listed) == 1 else " STUDY"
    commands = {}
    if (folder / FACTS).exists():
        commands[f"hpcore predict {where} DATA"] = "predictions for the rows of a file"
        if (folder / PROGRAM).exists():
            commands[f"python {shlex.quote(str(folder / PROGRAM))} DATA"] = "the same without hpcore"
    if listed and resumable:
        commands[f"hpcore resume {where}{which} --trials N"] = "more trials"
    if listed:
        commands[f"hpcore show {shlex.quote(str(folder / STORE))}{which}"] = "the trials"
        commands[f"hpcore report {where}{which}"] = "a page with pictures"
    return commands


def _text(found: dict[str, Any]) -> str:
    lines = _pairs(_about(found))
    params = found.get("params")
    for title, pairs in (
        (
            "parameters",
            {short(name): _shown(value) for name, value in params.items()} if isinstance(params, dict) else {},
        ),
        ("files", {each["name"]: f"{_size(each['bytes']):>8}  {each['what']}" for each in found["files"]}),
    ):
        if pairs:
            lines += ["", title, *(f"  {line}" for line in _pairs(pairs))]
    if len(found["studies"]) > 1:
        lines += ["", "studies", *(f"  {stores.study_line(row)}" for row in found["studies"])]
    if "problem" in found:
        lines += ["", clean(found["problem"])]
    if found["commands"]:
        lines += ["", "to go on", *(f"  {line}" for line in _pairs(found["commands"]))]
    return "\n".join(lines)


def _about(found: dict[str, Any]) -> dict[str, str]:
    """Describe the model and its scores."""
    scoring, folds = found.get("scoring"), found.get("folds")
    named = f"{scoring} " if scoring else ""
    model = found.get("model")
    if model is not None:
        task = f" for {found['task']}" if found.get("task") else ""
        model = f"{model}{task} of {found.get('target')!r} in {found.get('data')}"
    score = None if found.get("score") is None else f"{named}{_shown(found['score'])}"
    if score is not None and found.get("score_std") is not None:
        score += f" +- {_shown(found['score_std'])}"
    if score is not None and folds is not None:
        score += f"  ({folds} folds)"
    columns, classes = found.get("columns"), found.get("classes")
    data = None if columns is None else f"{found.get('rows', '?')} rows, {len(columns)} feature columns"
    if isinstance(classes, list) and classes:
        classes = ", ".join(map(str, classes[:CLASSES_SHOWN])) + (", ..." if len(classes) > CLASSES_SHOWN else "")
    constant = found.get("constant_score")
    versions = found.get("versions") or {}
    about = {
        "directory": found["directory"],
        "model": model,
        "score": score,
        "constant": None if constant is None else f"{named}{_shown(constant)}  (the same answer for every row)",
        "data": data,
        "classes": classes or None,
        "saved": found.get("saved"),
        "by": f"hpcore {versions['hpcore']}" if "hpcore" in versions else None,
    }
    return {key: str(value) for key, value in about.items() if value is not None}


def _pairs(pairs: dict[str, str]) -> list[str]:
    width = max(map(len, pairs), default=0)
    return [f"{clean(key):<{width}}  {clean(value)}".rstrip() for key, value in pairs.items()]


def _shown(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _size(n: int) -> str:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} B"
