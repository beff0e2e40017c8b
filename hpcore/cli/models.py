"""Implementation of ``hpcore models``: the presets and their search spaces."""

from __future__ import annotations

import click

from hpcore.cli.report import short
from hpcore.space import Categorical, Float, Int, Parameter
from hpcore.space.conditions import alternatives_of
from hpcore.tables import presets

__all__ = ["show"]

# Number of rows for which ranges that depend on it are shown.
ROWS = 1000


def show(names: tuple[str, ...]) -> None:
    """Print all presets, or those with these names, also of packages that are not installed.

    Raises
    ------
    InvalidArgument
        A name is not known.
    """
    chosen = [presets.find(name) for name in names] or list(presets.MODELS.values())
    for preset in chosen:
        absent = "" if preset.is_installed else f"; not installed: pip install 'hpcore[{preset.requires}]'"
        click.echo(f"{preset.name}: {preset.summary} ({' or '.join(preset.tasks)}){absent}")
        spaces = [presets.space(preset.name, task, n_rows=ROWS) for task in preset.tasks]
        width = max(len(short(name)) for space in spaces for name in space)
        lists = [[f"{short(name):<{width}}  {_described(space[name])}" for name in space] for space in spaces]
        everywhere = set(lists[0]).intersection(*lists)
        for task, lines in zip(preset.tasks, lists, strict=True):
            for line in lines:
                if line not in everywhere:
                    click.echo(f"    {line}  [{task}]")
                elif lines is lists[0]:
                    click.echo(f"    {line}")
        click.echo()


def _described(parameter: Parameter) -> str:
    if isinstance(parameter, Categorical):
        what = "one of " + ", ".join(map(str, parameter.choices))
    elif isinstance(parameter, (Float, Int)):
        kind = "number" if isinstance(parameter, Float) else "whole number"
        what = f"{kind}, {parameter.low:g} to {parameter.high:g}" + (", log scale" if parameter.log else "")
    else:
        what = repr(parameter)
    conditions = [
        " and ".join(
            f"{short(parent)} is {' or '.join(map(str, allowed)) if isinstance(allowed, list) else allowed}"
            for parent, allowed in alternative.items()
        )
        for alternative in alternatives_of(parameter.when)
    ]
    return what + (f"; when {', or '.join(conditions)}" if conditions else "")
