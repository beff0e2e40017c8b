"""Options ``--scheduler`` and ``--resource`` of ``hpcore tune``, in the words of `SearchCV`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpcore.errors import InvalidArgument, closest

if TYPE_CHECKING:
    from hpcore.space.space import Space

__all__ = ["check_scheduler", "options_of"]

ROWS, EPOCHS = "n_samples", "epochs"


# Value of --scheduler for a search in which every candidate has all rows from the start.
NO_SCHEDULER = "none"


def check_scheduler(scheduler: str | None, resource: str | None) -> None:
    """Check the options as far as they do not depend on the model.

    Raises
    ------
    InvalidArgument
        There is no such scheduler, or a resource is given without one.
    """
    from hpcore import schedulers

    if scheduler in (None, NO_SCHEDULER):
        if resource is not None:
            alone = "alone" if scheduler is None else f"with --scheduler {scheduler}"
            raise InvalidArgument(f"--resource needs --scheduler, got --resource {resource} {alone}")
        return
    allowed = [*schedulers.names(), NO_SCHEDULER]
    if scheduler not in allowed:
        raise InvalidArgument(
            f"--scheduler must be one of {', '.join(allowed)}, got {scheduler!r}{closest(scheduler, allowed)}"
        )


def options_of(scheduler: str, resource: str | None, pipeline: Any, space: Space) -> tuple[Space, dict[str, Any]]:
    """Make the arguments of `SearchCV` for a scheduler.

    Parameters
    ----------
    scheduler : str
        Name of the scheduler.
    resource : str or None
        Name of the resource as it was given: of parameters the name that the report shows. None is the rows.
    pipeline : Pipeline
        Pipeline that is tuned.
    space : Space
        Its search space.

    Returns
    -------
    space : Space
        Search space without the resource.
    options : dict
        Arguments of `SearchCV`; the largest value of a parameter is that of its range in the space.

    Raises
    ------
    InvalidArgument
        The model has no such resource.
    """
    from hpcore.cli.report import short
    from hpcore.space import Int, Space
    from hpcore.tables.early import EarlyStopping, rounds_of

    options: dict[str, Any] = {"scheduler": scheduler, "resource": resource or ROWS}
    if options["resource"] == ROWS:
        return space, options
    if resource == EPOCHS:
        raise InvalidArgument(
            "--resource epochs needs a number of epochs, which the command does not have: take n_samples or a "
            "parameter, or tune with hpcore.sklearn.SearchCV"
        )
    params = pipeline.get_params(deep=True)
    # Early stopping has most_rounds instead of the number of rounds of its estimator, which is not used.
    unused = {
        f"{name}__estimator__{rounds_of(value.estimator)}"
        for name, value in params.items()
        if isinstance(value, EarlyStopping)
    }
    counts = {
        short(name): name
        for name, value in params.items()
        if type(value) is int and name.startswith("model__") and name not in unused
    }  # the last of equal names is the innermost
    name = counts.get(options["resource"])
    if name is None:
        raise InvalidArgument(
            f"--resource must be {ROWS} or one of {', '.join(sorted(counts)) or 'no parameter'}, got {resource!r}"
            f"{closest(options['resource'], [ROWS, *counts])}"
        )
    options["resource"] = name
    parameter = space.get(name)
    if isinstance(parameter, Int):
        options["max_resources"] = parameter.high
        space = Space({other: space[other] for other in space if other != name}, constraints=space.constraints)
    return space, options
