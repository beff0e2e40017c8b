"""Measured latencies as Markdown tables and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

Cell = dict[str, Any]
LIMITS = {"gp": "limit: dpotrf", "tpe": "hpcore at most"}


def _different(cells: Sequence[Cell], key: str) -> list[Any]:
    return list(dict.fromkeys(cell[key] for cell in cells))


def _title(space: str) -> str:
    return "mixed, 10" if space == "mixed" else f"{space} floats"


def _number(ms: float) -> str:
    return f"{ms:.3f}" if ms < 1 else f"{ms:.2f}" if ms < 10 else f"{ms:,.0f}"


def latency_tables(cells: Sequence[Cell]) -> str:
    """Build a table per method: median milliseconds, the mean of the first optimiser, and the ratios of the others."""
    out = []
    for method in _different(cells, "method"):
        of = [cell for cell in cells if cell["method"] == method]
        names = _different(of, "optimiser")
        titles = [f"{names[0]}, ms (mean)", *(f"{name}, ms" for name in names[1:])]
        out.append(f"| space | trials | {' | '.join(titles)} | {LIMITS[method]}, ms |")
        out.append(f"| --- |{' --- |' * (len(names) + 2)}")
        for space in _different(of, "space"):
            for n in _different(of, "n"):
                row = {c["optimiser"]: c for c in of if c["space"] == space and c["n"] == n}
                if not row:
                    continue
                first = row.get(names[0])
                entries = []
                for name in names:
                    if name not in row:
                        entries.append("not measured")
                        continue
                    ms = row[name]["median_ms"]
                    if name == names[0]:
                        beside = f" ({_number(row[name]['mean_ms'])})"
                    else:
                        beside = "" if first is None else f" ({ms / first['median_ms']:,.0f}x)"
                    entries.append(_number(ms) + beside)
                limit = next(iter(row.values()))["limit_ms"]
                entries.append("" if limit is None else _number(limit))
                out.append(f"| {_title(space)} | {n:,} | {' | '.join(entries)} |")
        out.append("")
    return "\n".join(out)


def draw(cells: Sequence[Cell], path: Path) -> None:
    """Draw milliseconds against n, log-log; a row per method, a column per space."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    methods, spaces = _different(cells, "method"), _different(cells, "space")
    size = (3.2 * len(spaces) + 1.6, 2.9 * len(methods))
    figure, axes = plt.subplots(len(methods), len(spaces), figsize=size, sharey="row", sharex="row", squeeze=False)
    for row, method in zip(axes, methods, strict=True):
        of = [cell for cell in cells if cell["method"] == method]
        for axis, space in zip(row, spaces, strict=True):
            for k, name in enumerate(_different(of, "optimiser")):
                line = sorted((c["n"], c["median_ms"]) for c in of if c["space"] == space and c["optimiser"] == name)
                if line:
                    axis.loglog(*zip(*line, strict=True), f"C{k}o-", ms=4, lw=2 if "hpcore" in name else 1, label=name)
            limit = sorted({(c["n"], c["limit_ms"]) for c in of if c["space"] == space and c["limit_ms"] is not None})
            if limit:
                axis.loglog(*zip(*limit, strict=True), "k:", lw=1, label=LIMITS[method])
            axis.set(title=f"{method}: {_title(space)}", xlabel="trials")
            axis.grid(alpha=0.3)
        row[0].set_ylabel("ms a suggestion")
        named = {line.get_label(): line for axis in row for line in axis.get_lines()}
        row[-1].legend(named.values(), named.keys(), fontsize=7, loc="upper left", bbox_to_anchor=(1.02, 1.0))
    figure.tight_layout()
    figure.savefig(path, dpi=90)
