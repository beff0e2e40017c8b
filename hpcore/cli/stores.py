"""``hpcore show``, ``export`` and ``repair``: contents of a store, without the program that wrote it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hpcore.cli.files import STORE, replace_file, to_json, write_table
from hpcore.errors import InvalidArgument

if TYPE_CHECKING:
    from hpcore.ledger.studies import StudySummary
    from hpcore.ledger.summary import Contents
    from hpcore.records.table import Row

__all__ = ["export", "list_rows", "read_study", "repair", "show", "store_path", "study_line"]

NEWEST, BEST = 5, 5


def store_path(store: str) -> str:
    """Find a store, which may be given by the directory of ``hpcore tune``."""
    return str(Path(store) / STORE) if "://" not in store and Path(store).is_dir() else store


def read_study(store: str, name: str | None) -> Contents:
    """Read a study, or the only one, from a store."""
    from hpcore.ledger.summary import read_contents
    from hpcore.storage import open_storage

    return read_contents(open_storage(store_path(store), create=False, read_only=True), name)


def _utc(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def _dated(trial: Row) -> dict[str, Any]:
    """Give a trial as JSON has it, with its times as text."""
    return {**trial._asdict(), "started": _utc(trial.started), "finished": _utc(trial.finished)}


def _clean(value: Any) -> str:
    """Clean text for a terminal: a store's may hold characters that steer it."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def show(store: str, name: str | None, as_json: bool) -> None:
    """Print the studies of a store, or one of them."""
    from hpcore.ledger.studies import summaries

    if name is None:
        listed = summaries(store_path(store))
        if len(listed) != 1:
            _show_all(listed, as_json)
            return
        name = listed[0].name
    study = read_study(store, name)
    if as_json:
        click.echo(to_json({**_facts(study), "best": [_dated(trial) for trial in study.best(1)]}))
        return
    facts = _facts(study)
    facts["trials"] = ", ".join(f"{n} {state}" for state, n in study.states.items()) or "none"
    width = max(map(len, facts))
    for key, value in facts.items():
        if value not in ("", {}, None):
            click.echo(f"{key:<{width}}  {_clean(value if isinstance(value, (str, int)) else to_json(value))}")
    for title, trials in (("best", study.best(BEST)), ("newest", study.trials[-NEWEST:])):
        if trials:
            click.echo(f"\n{title}")
            for trial in trials:
                values = "-" if trial.values is None else ", ".join(f"{v:.6g}" for v in trial.values)
                params = ", ".join(f"{_clean(k)}={_clean(v)}" for k, v in trial.params.items())
                curve = _curve(trial) if study.scheduler is not None else ""
                click.echo(f"  {trial.number:>5}  {trial.state:<8}  {values:<12}  {curve}{params}")


def _curve(trial: Row) -> str:
    """Return the last report of a trial, and how far its last job goes."""
    last = "-" if trial.last is None else f"{trial.last[1]:.6g} at {trial.last[0]:g}"
    return f"{last if trial.until is None else f'{last} of {trial.until:g}':<24}  "


def _facts(study: Contents) -> dict[str, Any]:
    return {
        "study": study.name,
        "created": _utc(study.created),
        "directions": study.directions if len(study.directions) > 1 else study.directions[0],
        "sampler": study.sampler,
        **({} if study.scheduler is None else {"scheduler": study.scheduler}),
        **({"limits": {name: str(limit) for name, limit in study.limits.items()}} if study.limits else {}),
        "seed": study.seed,
        "mode": study.mode,
        "trials": study.states,
        "note": study.note,
        "attributes": study.attributes,
    }


def list_rows(listed: Sequence[StudySummary]) -> list[dict[str, Any]]:
    """Give the studies of a store as JSON has them."""
    return [
        {"study": s.name, "created": s.created.isoformat(), "directions": list(s.directions), "trials": s.n_trials}
        for s in listed
    ]


def study_line(row: dict[str, Any]) -> str:
    """Describe a study, given by `list_rows`, in one line."""
    ways = ", ".join(row["directions"])
    return f"{_clean(row['study'])}  ({row['trials']} trials, {ways}, begun {row['created'][:19]} UTC)"


def _show_all(listed: Sequence[StudySummary], as_json: bool) -> None:
    rows = list_rows(listed)
    if as_json:
        click.echo(to_json(rows))
        return
    for row in rows:
        click.echo(study_line(row))
    if not rows:
        click.echo("no study in this store")


def export(store: str, name: str | None, as_json: bool, out: str | None) -> None:
    """Write the trials of a study as CSV or JSON, to a file or to stdout."""
    study = read_study(store, name)
    if as_json:
        document = {**_facts(study), "trials": [_dated(trial) for trial in study.trials]}
        text = to_json(document, indent=2) + "\n"
        if out is None:
            click.echo(text, nl=False)
        else:
            _write(out, lambda part: part.write_text(text, encoding="utf-8"))
        return
    header, rows = _table(study)
    if out is not None:
        _write(out, lambda part: write_table(part, header, rows))
        return
    import tempfile

    with tempfile.TemporaryDirectory() as directory:
        write_table(Path(directory) / "trials.csv", header, rows)
        click.echo((Path(directory) / "trials.csv").read_text(encoding="utf-8"), nl=False)


def _write(out: str, write: Callable[[Path], object]) -> None:
    try:
        replace_file(Path(out).expanduser(), write)
    except (OSError, ValueError, RuntimeError) as error:  # "" has no name, ~nobody no home
        reason = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"--out must be a file that can be written, got {out!r}: {reason}") from error


def _table(study: Contents) -> tuple[list[str], list[list[Any]]]:
    """Give the table of `Study.to_frame`, with text instead of values that a file of text cannot hold."""
    columns = study.columns()
    columns["error"] = [((error or "").strip().splitlines() or [""])[-1] for error in columns["error"]]
    for name, values in columns.items():
        if name.startswith("attr_"):
            columns[name] = [None if value is None else json.dumps(value) for value in values]
        elif name in ("started", "finished"):
            columns[name] = [None if value is None else value.isoformat() for value in values]
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def repair(store: str, to: str | None) -> int:
    """Save the intact records; the exit code is 1 if something is not intact."""
    from hpcore.ledger.repair import repair as save

    report = save(store_path(store), to)
    lost = 0
    for name, n in report.n_trials.items():
        missing = report.lost[name]
        lost += len(missing)
        shown = ", ".join(map(str, missing[:20])) + (", ..." if len(missing) > 20 else "")
        said = f"; lost: {shown}" if missing else ""
        click.echo(f"{_clean(name)}: {n} of {n + len(missing)} trials are intact{said}")
    if report.orphans:
        click.echo(f"{report.orphans} trials of studies whose own record is damaged could not be saved")
    click.echo(f"written to {report.path}; the damaged file was not changed")
    return 1 if lost or report.orphans else 0
