"""``hpcore sweep``: a sweep job of Azure ML on this machine."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpcore.cli.directory import claim, release
from hpcore.cli.files import PARAMS, STORE, TRIALS, replace_file, to_json, write_table
from hpcore.cli.interrupts import INTERRUPTED
from hpcore.errors import InvalidArgument, InvalidType

if TYPE_CHECKING:
    from hpcore.integrations.azure import Sweep
    from hpcore.records.trial import Trial
    from hpcore.study import Study

__all__ = ["Request", "run"]

DEFAULT_OUT = "hpcore-sweep"


@dataclass
class Request:
    """Options of the command; those that are None stay as in the file."""

    file: str
    trials: int | None
    jobs: int | None
    timeout: float | None
    trial_timeout: float | None
    sampler: str | None
    seed: int | None
    out: str | None
    as_json: bool
    debug: bool
    overwrite: bool = False


def run(request: Request) -> int:
    """Run a sweep, and write its results.

    Returns
    -------
    int
        Exit code: 0, or 130 after Ctrl-C.

    Raises
    ------
    InvalidArgument, InvalidType, InvalidSpace
        The file or an option is wrong; nothing has been run.
    click.ClickException
        Every trial failed.
    """
    from hpcore import samplers
    from hpcore.integrations.azure import sweep

    found = sweep(request.file)
    if found.command is None:
        raise InvalidArgument(f"{request.file!r} must have a trial with a command, as `hpcore sweep` has no function")
    if request.sampler is not None and request.sampler not in samplers.names():
        raise InvalidArgument(f"--sampler must be one of {', '.join(samplers.names())}, got {request.sampler!r}")
    for name, option in (
        ("n_trials", request.trials),
        ("n_jobs", request.jobs),
        ("timeout", request.timeout),
        ("trial_timeout", request.trial_timeout),
        ("sampler", request.sampler),
        ("seed", request.seed),
    ):
        if option is not None:
            setattr(found, name, option)
    if found.seed is None:
        found.seed = 0
    stored_name = _name_of(found)
    owner = stored_name or f"sweep of {Path(request.file).absolute()}"
    directory = claim(request.out, DEFAULT_OUT, owner, request.overwrite)
    found.command.outputs = directory / "outputs"
    if found.ignored:
        click.echo(f"note: without effect on this machine: {', '.join(found.ignored)}", err=True)
    start = time.perf_counter()
    study = _run(found, directory, stored_name)
    try:
        return _report(request, found, study, directory, time.perf_counter() - start)
    except click.ClickException:
        release(directory, owner)  # every trial failed
        raise


def _run(found: Sweep, directory: Path, name: str | None) -> Study:
    """Run the sweep on the store of the directory, which continues the same sweep."""
    if name is None:
        click.echo(
            "note: a sweep with choices that are no plain data is not stored: the same command begins anew", err=True
        )
        return found.run(progress=True)
    return found.run(storage=directory / STORE, name=name, progress=True)


def _name_of(found: Sweep) -> str | None:
    """Name of the study of a sweep, the same for the same sweep; None if its space cannot be stored."""
    assert found.command is not None
    try:
        space = json.loads(found.space.to_json())
    except InvalidType:
        return None
    same = [space, found.metric, found.direction, repr(found.sampler), repr(found.scheduler), found.seed]
    same += [found.command.template.text, sorted(found.command.environment.items())]
    digest = hashlib.sha256(json.dumps(same, default=repr).encode()).hexdigest()[:8]
    return f"sweep {found.metric!s:.200} {digest}"


def _report(request: Request, found: Sweep, study: Study, directory: Path, seconds: float) -> int:
    trials = [trial for trial in study.trials if trial.state in ("complete", "pruned", "failed")]
    counts = {state: sum(trial.state == state for trial in trials) for state in ("complete", "pruned", "failed")}
    if not counts["complete"]:
        if study.interrupted:
            raise KeyboardInterrupt
        errors = [trial.error for trial in trials if trial.error]
        last = errors[-1].strip() if errors else "no trial was complete"
        raise click.ClickException(f"every trial failed: {last if request.debug else _cause(last)}")
    best = study.best_trial
    from hpcore.cli.page import save_page

    files = _save(directory, study, trials, found.space.names)
    page = save_page(directory, study, found.metric or "sweep")
    files += [] if page is None else [str(page)]
    result = {
        "metric": found.metric,
        "goal": found.direction,
        "best_value": study.best_value,
        "best_params": best.params,
        "best_trial": best.number,
        "n_trials": len(trials),
        "n_pruned": counts["pruned"],
        "n_failed": counts["failed"],
        "interrupted": study.interrupted,
        "sampler": found.sampler,
        "seed": found.seed,
        "seconds": seconds,
        "ignored": list(found.ignored),
        "files": files,
    }
    click.echo(to_json(result) if request.as_json else _text(result))
    if not study.interrupted:
        return 0
    click.echo("interrupted; to go on: the same command" + ("" if study.name else ", which begins anew"), err=True)
    return INTERRUPTED


def _cause(error: str) -> str:
    """The last error of a traceback, with the output of the command after it."""
    at = max(error.rfind(f"\n{name}") for name in ("hpcore.errors.", "FileNotFoundError", "hpcore.integrations."))
    return error[at + 1 :]


def _save(directory: Path, study: Study, trials: Sequence[Trial], names: Sequence[str]) -> list[str]:
    """Write the trials and the best parameters."""
    header = ["trial", "state", "value", *names, "seconds", "error"]
    rows: list[list[Any]] = []
    for trial in trials:
        length = None if trial.started is None or trial.finished is None else trial.finished - trial.started
        cells = [trial.params.get(name) for name in names]
        rows.append([trial.number, trial.state.value, trial.value, *cells, length, trial.error])
    params = to_json(study.best_params, indent=2) + "\n"
    return [
        str(replace_file(directory / TRIALS, lambda part: write_table(part, header, rows))),
        str(replace_file(directory / PARAMS, lambda part: part.write_text(params, encoding="utf-8"))),
    ]


def _text(result: dict[str, Any]) -> str:
    counts = {"pruned": result["n_pruned"], "failed": result["n_failed"]}
    others = "".join(f", {count} {state}" for state, count in counts.items() if count)
    ended = " (interrupted)" if result["interrupted"] else ""
    lines = [
        "",
        f"best {result['metric']}  {result['best_value']:.6g}  ({result['goal']}d), trial {result['best_trial']} of "
        f"{result['n_trials']}{others}{ended}",
        "",
        "best parameters",
    ]
    width = max(map(len, result["best_params"]), default=0)
    lines += [f"  {name:<{width}}  {value}" for name, value in result["best_params"].items()]
    lines += ["", f"time   {result['seconds']:.1f} s"]
    lines += [f"{'files' if i == 0 else '':<7}{file}" for i, file in enumerate(result["files"])]
    return "\n".join(lines)
