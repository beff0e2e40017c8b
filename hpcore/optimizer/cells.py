"""Cells of a parameter's column in a table: values as a CSV, JSON or Parquet file changed them are restored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hpcore.arguments import shown
from hpcore.errors import InvalidArgument
from hpcore.space.choices import choice_key
from hpcore.space.discrete import Categorical, Int
from hpcore.space.labels import label_of, without_address
from hpcore.space.parameter import Parameter
from hpcore.space.reading import choices_for_missing, is_missing

__all__ = ["EMPTY", "ChoiceCells", "NumberCells", "reader_of"]

# Texts that CSV readers treat as an empty cell.
EMPTY = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"}
    | {"N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)
# Largest magnitude up to which a double represents every integer.
EXACT = 2**53


def reader_of(name: str, parameter: Parameter, cells: Sequence[Any]) -> ChoiceCells | NumberCells:
    """Return a reader for the cells of a parameter's column."""
    if isinstance(parameter, Categorical):
        return ChoiceCells(name, parameter, cells)
    return NumberCells(name, parameter)


class NumberCells:
    """Cells of a Float, an Int or a Normal."""

    def __init__(self, name: str, parameter: Parameter) -> None:
        self._name, self._parameter = name, parameter

    def read(self, cell: Any) -> Any:
        """Return the value in a cell; a missing value stays missing.

        Raises
        ------
        InvalidArgument
            The cell is an integer that was rounded to a double.
        """
        if isinstance(cell, str):
            text = cell.strip()
            if text in EMPTY:
                return None
            try:
                cell = int(text)
            except ValueError:
                try:
                    cell = float(text)
                except ValueError:
                    return cell  # refused by the parameter's own check
        if isinstance(self._parameter, Int):
            if isinstance(cell, float) and math.isfinite(cell) and abs(cell) > EXACT:
                raise InvalidArgument(
                    f"value of {self._name!r} must be an exact integer, and {cell!r} was rounded to a double on its "
                    "way; read the file with this column as text (dtype=str)"
                )
            return cell
        return self._within(cell)

    def for_missing(self, cell: Any) -> list[Any]:
        """Return no choices: a number has no choice for an empty cell."""
        return []

    def _within(self, cell: Any) -> Any:
        """Return the bound for a number that a CSV reader rounded across that bound."""
        low, high = getattr(self._parameter, "low", -math.inf), getattr(self._parameter, "high", math.inf)
        if isinstance(cell, float):
            for bound, outside in ((low, cell < low), (high, cell > high)):
                if outside and math.isfinite(bound) and abs(cell - bound) <= 4 * math.ulp(bound):
                    return bound
        return cell


class ChoiceCells:
    """Cells of a Categorical: the choice itself, or its text or number in a file.

    Parameters
    ----------
    name : str
        Name of the parameter.
    parameter : Categorical
        Parameter with the choices.
    cells : sequence
        Cells of the whole column, which show whether it still has several types.
    """

    def __init__(self, name: str, parameter: Categorical, cells: Sequence[Any]) -> None:
        self._name, self._parameter, self._choices = name, parameter, parameter.choices
        kinds = {type(cell) for cell in cells if not is_missing(cell)}
        # A column that was read from a file has one type.
        self._typed = len(kinds) > 1 or not kinds <= {str, int, float, bool}
        self._has_none = any(cell is None for cell in cells)
        self._keys = {choice_key(choice): i for i, choice in enumerate(self._choices)}
        self._texts = _index(self._choices, lambda choice: [_text(choice)])
        self._others = _index(self._choices, _other_texts)
        self._numbers = _index(self._choices, lambda choice: _numbers(choice, bools=False))
        self._bools = _index(self._choices, lambda choice: _numbers(choice, bools=True))
        self._plain = _index(self._choices, _json)

    def read(self, cell: Any) -> Any:
        """Return the choice that a cell represents; a missing value stays missing.

        Raises
        ------
        InvalidArgument
            The cell represents several choices, or none.
        """
        if hasattr(cell, "dtype") and hasattr(cell, "tolist"):
            cell = cell.tolist()
        if is_missing(cell):
            return cell
        exact = self._keys.get(choice_key(cell))
        if exact is not None and self._typed:
            return self._choices[exact]
        for found in self._candidates(cell, exact):
            if len(found) == 1:
                return self._choices[next(iter(found))]
            if found:
                some = " or ".join(shown(self._choices[i]) for i in sorted(found))
                raise InvalidArgument(
                    f"value of {self._name!r} must say which choice it is, and {cell!r:.80} may be {some}"
                )
        if isinstance(cell, str) and cell in EMPTY:
            return None
        return self._parameter.check(self._name, cell)

    def _candidates(self, cell: Any, exact: int | None) -> list[set[int]]:
        """Return sets of positions of choices that a cell may represent, the most certain set first."""
        numbers = [self._numbers.get(key, set()) for key in _numbers(cell, bools=False)]
        bools = [self._bools.get(key, set()) for key in _numbers(cell, bools=True)]
        mine = set() if exact is None else {exact}
        if isinstance(cell, str):
            text = cell.removeprefix("'") if cell not in self._texts else cell  # as `hpcore export` guards formulas
            return [
                self._texts.get(text, set()),
                self._others.get(without_address(text), set()),
                *numbers,
                *bools,
            ]
        # A column of numbers may have been text, or a mix of integers and floats.
        alike = set().union(*numbers, self._texts.get(_text(cell), set()))
        return [mine | alike, *bools, self._plain.get(_key(cell), set()), self._near(cell)]

    def _near(self, cell: Any) -> set[int]:
        """Return positions of floats that a CSV reader may have rounded to the cell."""
        if not isinstance(cell, float) or not math.isfinite(cell):
            return set()
        floats = [(i, choice) for i, choice in enumerate(self._choices) if type(choice) is float]
        return {i for i, choice in floats if abs(choice - cell) <= 4 * math.ulp(cell)}

    def for_missing(self, cell: Any) -> list[Any]:
        """Return the choices that an empty cell may represent."""
        found = choices_for_missing(self._parameter, cell)
        if cell is None or self._has_none:
            return found or self._empty()
        both = [choice for choice in self._choices if choice is None or choice_key(choice) == choice_key(math.nan)]
        return [*both, *self._empty()]

    def _empty(self) -> list[Any]:
        """Return choices whose text CSV readers treat as an empty cell."""
        return [choice for choice in self._choices if isinstance(choice, str) and choice in EMPTY]


def _index(choices: Sequence[Any], keys: Any) -> dict[Any, set[int]]:
    found: dict[Any, set[int]] = {}
    for i, choice in enumerate(choices):
        for key in keys(choice):
            found.setdefault(key, set()).add(i)
    return found


def _text(value: Any) -> str:
    """Return the text of a value in CSV."""
    try:
        return str(value)
    except Exception:  # raised by an object of the user
        return label_of(value)


def _other_texts(choice: Any) -> list[str]:
    """Return other texts of a choice: its label, and its text without a memory address or surrounding spaces."""
    texts = {label_of(choice), without_address(_text(choice)), _text(choice).strip()}
    if isinstance(choice, bool):
        texts |= {str(choice).lower(), str(choice).upper()}
    return sorted(texts - {_text(choice)})


def _numbers(value: Any, bools: bool) -> list[int | float]:
    """Return the number that a value is or whose text it is, in a list, empty if there is none.

    Integers stay integers, because different large integers may be equal as doubles.
    """
    if isinstance(value, bool):
        return [int(value)] if bools else []
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return []
    return [value] if isinstance(value, int | float) and value == value else []


def _json(choice: Any) -> list[Any]:
    """Return the key of a list or tuple, which JSON and Parquet keep, in a list; empty for other values."""
    return [_key(choice)] if isinstance(choice, tuple | list) else []


def _key(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_key(item) for item in value)
    return choice_key(value)
