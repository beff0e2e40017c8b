"""The report as one HTML file, which opens offline."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from functools import cache
from pathlib import Path
from typing import Any

from hpcore.arguments import shown
from hpcore.errors import InvalidType, require
from hpcore.records.files import replace_file
from hpcore.records.history import STATES
from hpcore.records.words import duration
from hpcore.report.figure import FIGURES, drawn
from hpcore.report.figures.points import of
from hpcore.report.look import number, text, value_text
from hpcore.report.record import Record, read
from hpcore.report.section import Material, NothingToShow, Section, Table

__all__ = ["html"]

FOLDER = Path(__file__).parent
MOST_PARAMETERS = 30  # of the best trial, beside its value
MOST_TRIALS = 30  # rows of the table of trials
LONG = 28  # characters of a cell that may be broken into lines
MOST_COLUMNS = 20  # parameters of that table


def html(source: Any, path: str | os.PathLike[str] = "report.html", *, title: str | None = None) -> Path:
    """Write a report of a search as one HTML file, which needs no network and no other file.

    Parameters
    ----------
    source : Study, Optimizer or fitted SearchCV
        Search; `minimize` returns a study. It may still be running.
    path : path, default="report.html"
        File to write; an earlier one is replaced.
    title : str, optional
        Heading; by default the name of the study, or of the estimator.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InvalidType
        An argument of another type.
    MissingDependency
        plotly is not installed: ``pip install "hpcore[report]"``.
    OSError
        The file cannot be written.

    Notes
    -----
    The page has the best trial, the figures of `figure` that the search has something for, the trials as tables, and
    reasons why the other figures are missing. With 1,000 trials it has about 4 MB, two of which are plotly itself.
    Browsers of 2023 or later draw it. Every text that comes from the search is escaped, and a content security policy
    keeps the page from loading or sending anything.

    Surfaces and slices are of a Gaussian process of at most 500 trials.

    Examples
    --------
    >>> import hpcore as hp
    >>> study = hp.minimize(lambda t: t["x"] ** 2, {"x": hp.Float(-1, 1)}, sampler="random", n_trials=20, seed=0)
    >>> hp.report.html(study, "report.html")  # doctest: +SKIP
    """
    if title is not None and not isinstance(title, str):
        raise InvalidType(f"title must be a str, got {shown(title)}")
    target = Path(path)
    record = read(source)
    page = _page(record, title or record.title or "Search")
    # Whole or not at all: a report that is made again and again during a search may be open in a browser.
    return replace_file(target, lambda part: part.write_text(page, encoding="utf-8"))


def _page(record: Record, title: str) -> str:
    encode = require("plotly.io.json", "report", "hpcore.report").to_json_plotly
    material = Material(record)
    sections: list[Section] = []
    missing: list[tuple[str, str]] = []
    for name in FIGURES:
        try:
            sections.append(drawn(material, name))
        except NothingToShow as error:
            missing.append((name, str(error)))
    figures = {
        section.name: [{"data": panel.data, "layout": panel.layout} for panel in section.panels] for section in sections
    }
    source, library = _plotly()
    script = (FOLDER / "page.js").read_text(encoding="utf-8")
    # Parallel coordinates of plotly compile functions of their own; nothing of the search is in these.
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
        f"script-src '{_digest(script)}' '{source}' 'unsafe-eval'; base-uri 'none'; form-action 'none'"
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            f"<title>{text(title)} – hpcore</title>",
            f"<style>{(FOLDER / 'page.css').read_text(encoding='utf-8')}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#main">Skip to the results</a>',
            *_header(record, title, sections),
            '<main id="main">',
            *_cards(record),
            *(line for section in sections for line in _section(section)),
            *_trials(record),
            *_parameters(record),
            *_missing(missing),
            "</main>",
            *_footer(),
            f'<script type="application/json" id="figures">{_json(encode(figures))}</script>',
            f'<script type="text/plain" id="plotly">{library}</script>',
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


@cache
def _plotly() -> tuple[str, str]:
    """Digest of plotly's script for the policy, and the script compressed as text: a third of its size."""
    offline = require("plotly.offline", "report", "hpcore.report")
    # A script element's text has no carriage returns, and the digest is of that text.
    script = offline.get_plotlyjs().replace("\r\n", "\n").replace("\r", "\n")
    return _digest(script), base64.b64encode(gzip.compress(script.encode(), 9, mtime=0)).decode()


def _digest(script: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}"


def _json(document: str) -> str:
    """JSON that cannot end the element that it is in."""
    for character in "<>&\u2028\u2029":
        document = document.replace(character, f"\\u{ord(character):04x}")
    return document


def _header(record: Record, title: str, sections: Sequence[Section]) -> Iterator[str]:
    yield "<header>"
    yield "<p>hpcore report</p>"
    yield f"<h1>{text(title)}</h1>"
    way = ", ".join(
        f"{'maximise' if way == 'maximize' else 'minimise'} {text(name)}"
        for way, name in zip(record.directions, record.measures, strict=True)
    )
    yield f"<p>{way}; {_many(len(record.space), 'parameter')}, {_many(len(record.present), 'trial')}</p>"
    yield '<nav aria-label="Figures"><ul>'
    for section in sections:
        yield f'<li><a href="#{section.name}">{text(section.title)}</a></li>'
    yield '<li><a href="#trials">Trials</a></li>'
    yield "</ul></nav>"
    yield "</header>"


def _many(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _cards(record: Record) -> Iterator[str]:
    yield '<div class="cards">'
    yield '<section class="card" aria-label="Best trial">'
    best = record.best
    if best is not None:
        value = float(record.values[best, 0])
        yield f"<h2>Best {text(record.measures[0])}</h2>"
        yield f'<div class="big">{number(value, 6)}</div>'
        yield f'<p class="lead">trial {best}</p>'
        yield from _pairs(list(record.trials[best].params.items()))
    elif record.m > 1 and len(record.front):
        yield "<h2>Pareto front</h2>"
        yield f'<div class="big">{len(record.front)} trials</div>'
        for k, name in enumerate(record.measures):
            column = record.values[record.front, k]
            yield f'<p class="lead">{text(name)}: {number(float(column.min()))} to {number(float(column.max()))}</p>'
    else:
        yield "<h2>No result yet</h2>"
        yield f'<p class="lead">{text(_no_result(record))}</p>'
    yield "</section>"
    yield '<section class="card" aria-label="The search"><h2>The search</h2><dl>'
    for name, fact in _facts(record):
        yield f"<dt>{text(name)}</dt><dd>{text(fact, 400)}</dd>"
    yield "</dl></section></div>"


def _no_result(record: Record) -> str:
    if not len(record.present):
        return "The study has no trials."
    if record.complete.any():
        return "No complete trial keeps all limits."
    return "No trial is complete."


def _pairs(params: Sequence[tuple[str, Any]]) -> Iterator[str]:
    yield "<dl>"
    for name, value in params[:MOST_PARAMETERS]:
        yield f"<dt>{text(name, 60)}</dt><dd>{text(value_text(value, 6))}</dd>"
    yield "</dl>"
    if len(params) > MOST_PARAMETERS:
        yield f'<p class="lead">and {len(params) - MOST_PARAMETERS} more, in the table of parameters below</p>'


def _facts(record: Record) -> list[tuple[str, str]]:
    states = Counter(STATES[state].value for state in record.state[record.present])
    out = [("trials", ", ".join(f"{n} {state}" for state, n in states.most_common()) or "none")]
    if record.history.n_limits:
        out.append(("within limits", f"{int(record.feasible.sum())} of {int(record.complete.sum())} complete"))
    times = record.times
    known = times[(times == times).all(axis=1)]
    if len(known):
        first, last = float(known[:, 0].min()), float(known[:, 1].max())
        out.append(("begun", _utc(first)))
        out.append(("last result", f"{_utc(last)}, {duration(last - first)} later"))
        out.append(("evaluations", f"{duration(float((known[:, 1] - known[:, 0]).sum()))} in all"))
    out.append(("sampler", record.sampler))
    if record.scheduler:
        out.append(("scheduler", record.scheduler))
    return [*out, *record.facts]


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%d %H:%M UTC")


def _section(section: Section) -> Iterator[str]:
    name, many = section.name, len(section.panels) > 1
    yield f'<section class="card" id="{name}" aria-labelledby="title-{name}">'
    yield f'<h2 id="title-{name}">{text(section.title)}</h2>'
    yield f'<p class="lead" id="lead-{name}">{text(section.lead, 2000)}</p>'
    if section.chosen and many:
        yield f'<p class="choice"><label>Show <select data-section="{name}" data-place="plot-{name}-0">'
        for k, panel in enumerate(section.panels):
            yield f'<option value="{k}">{panel.label}</option>'
        yield "</select></label></p>"
    shown_panels = section.panels[:1] if section.chosen else section.panels
    yield f'<div class="panels{"" if len(shown_panels) > 1 else " one"}">'
    for k, panel in enumerate(shown_panels):
        height = panel.layout.get("height", 400)
        label = f"{text(section.title)}: {panel.label}" if many and not section.chosen else text(section.title)
        yield (
            f'<figure><div class="plot" id="plot-{name}-{k}" data-section="{name}" data-panel="{k}" '
            f'style="height:{height}px" role="img" tabindex="0" aria-label="{label}" '
            f'aria-describedby="lead-{name}"></div></figure>'
        )
    yield "</div>"
    if section.table is not None and section.table.rows:
        yield "<details><summary>As a table</summary>"
        yield from _table(section.table, section.title)
        yield "</details>"
    yield "</section>"


def _table(table: Table, caption: str) -> Iterator[str]:
    yield f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}"><table><thead><tr>'
    for head in table.head:
        yield f'<th scope="col">{text(head, 60)}</th>'
    yield "</tr></thead><tbody>"
    for row in table.rows:
        yield "<tr>" + "".join(map(_cell, row)) + "</tr>"
    yield "</tbody></table></div>"


def _cell(shown_text: str) -> str:
    kind = ' class="long"' if len(shown_text) > LONG else ""
    return f"<td{kind}>{text(shown_text)}</td>"


def _trials(record: Record) -> Iterator[str]:
    """Write the best trials as a table; those of the front, for several objectives."""
    yield '<section class="card" id="trials" aria-labelledby="title-trials"><h2 id="title-trials">Trials</h2>'
    if record.m == 1:
        rows = sorted(
            record.complete.nonzero()[0].tolist(),
            key=lambda i: (not record.feasible[i], float(record.history.values[i, 0]), i),
        )
    else:
        rows = record.front.tolist()
    rows = rows[:MOST_TRIALS]
    if not rows:
        yield f'<p class="lead">{text(_no_result(record))}</p></section>'
        return
    which = "best" if record.m == 1 else "on the Pareto front"
    yield f'<p class="lead">{len(rows)} of {len(record.present)} trials: {which}. '
    yield "Study.to_frame() and hpcore export have all of them.</p>"
    names = record.space.names[:MOST_COLUMNS]
    body = []
    for i in rows:
        trial = record.trials[i]
        seconds = record.times[i, 1] - record.times[i, 0]
        body.append(
            [
                str(i),
                *(number(float(v), 6) for v in record.values[i]),
                *(of(trial.params, name) for name in names),
                number(float(seconds), 3),
            ]
        )
    more = f" (the first {MOST_COLUMNS} parameters)" if len(record.space) > MOST_COLUMNS else ""
    yield from _table(Table(("trial", *record.measures, *names, "seconds"), body), f"Trials{more}")
    yield "</section>"


def _parameters(record: Record) -> Iterator[str]:
    best = record.best
    params = {} if best is None else record.trials[best].params
    rows = [[name, repr(parameter), of(params, name)] for name, parameter in record.space.items()]
    yield '<section class="card" aria-labelledby="title-parameters"><h2 id="title-parameters">Parameters</h2>'
    yield f"<details><summary>The space of {_many(len(rows), 'parameter')}</summary>"
    yield from _table(Table(("parameter", "values", "in the best trial"), rows), "Parameters")
    yield "</details></section>"


def _missing(missing: Sequence[tuple[str, str]]) -> Iterator[str]:
    if missing:
        yield '<section class="card"><h2>Not shown</h2><dl>'
        for name, reason in missing:
            yield f"<dt>{text(name)}</dt><dd>{text(reason, 400)}</dd>"
        yield "</dl></section>"


def _footer() -> Iterator[str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        known = version("hpcore")
    except PackageNotFoundError:  # a source tree
        known = ""
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    maker = text(f"hpcore {known}".strip())
    yield f"<footer><p>Made by {maker}, {now}. This file loads nothing and sends nothing.</p></footer>"
