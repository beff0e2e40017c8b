"""Parameters of the preprocessing that are worth a search, by the contents of the columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpcore.space import Categorical

if TYPE_CHECKING:
    from hpcore.space.parameter import Parameter
    from hpcore.tables.table import Columns

__all__ = ["encoding_space"]


def encoding_space(columns: Columns, prefix: str = "") -> dict[str, Parameter]:
    """Return the choices of `preprocessor` for these columns.

    Parameters
    ----------
    columns : Columns
        Contents of each column.
    prefix : str, default=""
        Prefix of every parameter's name, such as ``"prepare__"`` for the step "prepare" of a pipeline.

    Returns
    -------
    dict of str to Parameter
        Parameters by the names of ``preprocessor(columns, ...).set_params`` after `prefix`: the encoding of text
        columns with many levels, and the number of components of each column of prose. Empty for a table with neither.
    """
    space: dict[str, Parameter] = {}
    if columns.high_cardinality:
        space[f"{prefix}encode__high_cardinality__encoding"] = Categorical(["target", "one_hot"])
    if columns.prose:
        # Three values and not a range: rows of a fold that were transformed with the same value are used again.
        space[f"{prefix}encode__prose__n_components"] = Categorical([8, 32, 128])
    return space
