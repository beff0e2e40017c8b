"""``hpcore show``, ``export`` and ``repair``: what a store holds, without the program that wrote it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from hpcore.cli.files import STORE, replace_file, to_json, write_table
from hpcore.errors import InvalidArgument

__all__ = ["export", "repair", "show"]

NEWEST, BEST = 5, 5
# Begun, without a result and without a worker, for instance after Ctrl-C: the next one that asks is given it.
WAITING = "waiting"


@dataclass
class _Stored:
    """A study as plain data: objects among its choices are the labels that they were stored under."""

    name: str
    created: float
    directions: list[str]
    sampler: str
    seed: int
    mode: str
    note: str
    attributes: dict[str, Any]
    names: list[str]
    trials: list[dict[str, Any]]

    @property
    def states(self) -> dict[str, int]:
        """Number of trials by state, the most frequent first."""
        return dict(Counter(trial["state"] for trial in self.trials).most_common())

    def best(self, n: int) -> list[dict[str, Any]]:
        """The best complete trials, of one objective."""
        if len(self.directions) != 1:
            return []
        sign = -1.0 if self.directions[0] == "maximize" else 1.0
        complete = [trial for trial in self.trials if trial["values"] is not None]
        return sorted(complete, key=lambda trial: (sign * trial["values"][0], trial["number"]))[:n]


def _path(store: str) -> str:
    """A store, also given by the directory of ``hpcore tune``."""
    return str(Path(store) / STORE) if "://" not in store and Path(store).is_dir() else store


def _read(store: str, name: str | None) -> _Stored:
    from hpcore.errors import DamagedStore
    from hpcore.ledger.leases import is_waiting
    from hpcore.ledger.opening import find, read_spec
    from hpcore.ledger.shapes import notes_from, objective_from
    from hpcore.ledger.spaces import shown_params
    from hpcore.records.history import RUNNING, STATES
    from hpcore.storage import open_storage
    from hpcore.storage.records import TRIAL_COLUMNS, TrialRecord

    kept = open_storage(_path(store), create=False, read_only=True)
    record = find(kept, name)
    spec = read_spec(record)
    rows, attributes, now = kept.read(lambda t: (t.trials(t.get(record.name)), t.attributes(record.id), t.now()))
    m = len(spec["directions"])
    trials = []
    for fields in rows:
        row = dict(zip(TRIAL_COLUMNS, fields, strict=True))
        waiting = row["state"] == RUNNING and is_waiting(TrialRecord(*fields), now)
        try:
            values = None if row["objective"] is None else list(objective_from(row["objective"], m))
            user_attrs = notes_from(row["notes"]).user_attrs
            params = shown_params(row["params"])
        except ValueError as error:
            raise DamagedStore(f"trial {row['number']} of study {record.name!r:.80} is damaged: {error}") from None
        trials.append(
            {
                "number": row["number"],
                "state": WAITING if waiting else STATES[row["state"]].value,
                "values": values,
                "params": params,
                "std_error": row["std_error"],
                "started": row["started"],
                "finished": row["finished"],
                "user_attrs": user_attrs or {},
                "error": row["error"],
            }
        )
    names = [entry["name"] for entry in spec["space"]["parameters"]]
    sampler = spec["sampler"].get("name") or spec["sampler"].get("shown") or "another"
    user = {key[5:]: value[0] for key, value in attributes.items() if key.startswith("user:")}
    note = attributes.get("note", "")
    return _Stored(
        record.name, record.created, spec["directions"], sampler, spec["seed"], record.mode, note, user, names, trials
    )


def _utc(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, timezone.utc).isoformat()


def _dated(trial: dict[str, Any]) -> dict[str, Any]:
    """A trial with its times as text."""
    return {**trial, "started": _utc(trial["started"]), "finished": _utc(trial["finished"])}


def _clean(value: Any) -> str:
    """Text for a terminal: what a store says may hold characters that steer it."""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def show(store: str, name: str | None, as_json: bool) -> None:
    """Print the studies of a store, or one of them."""
    from hpcore.ledger.opening import summaries

    if name is None:
        listed = summaries(_path(store))
        if len(listed) != 1:
            _show_all(listed, as_json)
            return
        name = listed[0].name
    study = _read(store, name)
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
                values = "-" if trial["values"] is None else ", ".join(f"{v:.6g}" for v in trial["values"])
                params = ", ".join(f"{_clean(k)}={_clean(v)}" for k, v in trial["params"].items())
                click.echo(f"  {trial['number']:>5}  {trial['state']:<8}  {values:<12}  {params}")


def _facts(study: _Stored) -> dict[str, Any]:
    return {
        "study": study.name,
        "created": _utc(study.created),
        "directions": study.directions if len(study.directions) > 1 else study.directions[0],
        "sampler": study.sampler,
        "seed": study.seed,
        "mode": study.mode,
        "trials": study.states,
        "note": study.note,
        "attributes": study.attributes,
    }


def _show_all(listed: Sequence[Any], as_json: bool) -> None:
    rows = [
        {"study": s.name, "created": s.created.isoformat(), "directions": list(s.directions), "trials": s.n_trials}
        for s in listed
    ]
    if as_json:
        click.echo(to_json(rows))
        return
    for row in rows:
        ways = ", ".join(row["directions"])
        click.echo(f"{_clean(row['study'])}  ({row['trials']} trials, {ways}, begun {row['created'][:19]} UTC)")
    if not rows:
        click.echo("no study in this store")


def export(store: str, name: str | None, as_json: bool, out: str | None) -> None:
    """Write the trials of a study as CSV or JSON, to a file or to stdout."""
    study = _read(store, name)
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


def _table(study: _Stored) -> tuple[list[str], list[list[Any]]]:
    """The table of `Study.to_frame`, with what a file of text cannot hold as text."""
    from hpcore.study.frame import Row, columns_of

    rows = [
        Row(**{**trial, "error": ((trial["error"] or "").strip().splitlines() or [""])[-1]}) for trial in study.trials
    ]
    columns = columns_of(rows, study.names, len(study.directions))
    for name, values in columns.items():
        if name.startswith("attr_"):
            columns[name] = [None if value is None else json.dumps(value) for value in values]
        elif name in ("started", "finished"):
            columns[name] = [None if value is None else value.isoformat() for value in values]
    return list(columns), [list(row) for row in zip(*columns.values(), strict=True)]


def repair(store: str, to: str | None) -> int:
    """Save what is intact; the exit code is 1 if something is not."""
    from hpcore.ledger.repair import repair as save

    report = save(_path(store), to)
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
