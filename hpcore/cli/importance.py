"""``hpcore importance``: which parameters mattered in a stored study."""

from __future__ import annotations

import click

from hpcore.cli.files import to_json
from hpcore.cli.stores import store_path
from hpcore.importance import Importance, importance

__all__ = ["show"]


def show(
    store: str,
    name: str | None,
    method: str,
    target: str | None,
    model: str | None,
    pairs: bool,
    seed: int,
    as_json: bool,
) -> None:
    """Print the importances of a study's parameters as a table or as JSON."""
    from hpcore.study import view_study

    study = view_study(store_path(store), name)
    quantity = int(target) if target is not None and target.isdecimal() else target
    found = importance(study, method=method, target=quantity, model=model, pairs=pairs, seed=seed)
    if not as_json:
        click.echo(repr(found))
        return

    def plain(part: Importance) -> dict[str, float]:
        return {"value": part.value, "low": part.low, "high": part.high}

    document = {
        "method": found.method,
        **({} if found.model is None else {"model": found.model}),
        "target": found.target,
        "trials": found.n_trials,
        "parameters": {parameter: plain(part) for parameter, part in found.items()},
    }
    if pairs:
        document["pairs"] = [{"parameters": list(pair), **plain(part)} for pair, part in found.pairs.items()]
    click.echo(to_json(document))
