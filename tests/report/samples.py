"""Searches that were told made-up results, for the tests of figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import hpcore as hp
from hpcore.report.record import Record, read
from hpcore.report.section import Material, Section

SPACE = {"x": hp.Float(0.0, 1.0), "k": hp.Int(1, 9), "c": hp.Categorical(["a", "b"])}


def value(trial: hp.Trial) -> float:
    return trial["x"] + 0.1 * trial["k"] + (trial["c"] == "b")


def told(
    n: int = 30,
    of: Callable[[hp.Trial], Any] = value,
    space: dict[str, hp.space.Parameter] | None = None,
    **options: Any,
) -> hp.Optimizer:
    """Make a search of random trials, each of which is told what the function returns; None leaves it running."""
    opt = hp.Optimizer(space or SPACE, sampler="random", seed=0, **options)
    for trial in opt.ask(n):
        result = of(trial)
        if isinstance(result, dict):
            opt.tell(trial, **result)
        elif result is not None:
            opt.tell(trial, result)
    return opt


def dated(rows: list[tuple[float, float, float]], **options: Any) -> Record:
    """Read a search of trials with a value, a start and an end each."""
    opt = hp.Optimizer({"x": hp.Float(0.0, 1.0)}, sampler="random", seed=0, **options)
    opt.add_many(
        {"params": {"x": k / len(rows)}, "value": value, "started": start, "finished": end}
        for k, (value, start, end) in enumerate(rows)
    )
    return read(opt)


def section(draw: Callable[..., Section], source: Any, **options: Any) -> Section:
    """Draw a figure of a search or of its record."""
    return draw(Material(source if isinstance(source, Record) else read(source)), **options)


def trace(section: Section, name: str, panel: int = 0) -> dict[str, Any]:
    """Return the trace of that name."""
    (found,) = [each for each in section.panels[panel].data if each.get("name") == name]
    return found
