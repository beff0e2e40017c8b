"""The cells of one parameter's column: what a file of CSV, JSON or Parquet makes of a value, and the way back."""

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

# Texts that readers of CSV take for an empty cell.
EMPTY = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"}
    | {"N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)
# Beyond it a double does not tell one whole number from the next.
EXACT = 2**53


def reader_of(name: str, parameter: Parameter, cells: Sequence[Any]) -> ChoiceCells | NumberCells:
    """Reads the cells of a parameter's column."""
    if isinstance(parameter, Categorical):
        return ChoiceCells(name, parameter, cells)
    return NumberCells(name, parameter)


class NumberCells:
    """Cells of a Float, an Int or a Normal."""

    def __init__(self, name: str, parameter: Parameter) -> None:
        self._name, self._parameter = name, parameter

    def read(self, cell: Any) -> Any:
        """The value in a cell; missing values stay.

        Raises
        ------
        InvalidArgument
            A whole number that is not exact any more.
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
                    return cell  # for the parameter to refuse
        if isinstance(self._parameter, Int):
            if isinstance(cell, float) and math.isfinite(cell) and abs(cell) > EXACT:
                raise InvalidArgument(
                    f"value of {self._name!r} must be an exact integer, and {cell!r} was rounded to a double on its "
                    "way; read the file with this column as text (dtype=str)"
                )
            return cell
        return self._within(cell)

    def for_missing(self, cell: Any) -> list[Any]:
        """No choices."""
        return []

    def _within(self, cell: Any) -> Any:
        """A number that a reader of CSV rounded across a bound, as that bound."""
        low, high = getattr(self._parameter, "low", -math.inf), getattr(self._parameter, "high", math.inf)
        if isinstance(cell, float):
            for bound, outside in ((low, cell < low), (high, cell > high)):
                if outside and math.isfinite(bound) and abs(cell - bound) <= 4 * math.ulp(bound):
                    return bound
        return cell


class ChoiceCells:
    """Cells of a Categorical: the choice itself, or what is left of it.

    Parameters
    ----------
    name : str
        The parameter's name.
    parameter : Categorical
        Holds the choices.
    cells : sequence
        The whole column, which shows whether it still has types.
    """

    def __init__(self, name: str, parameter: Categorical, cells: Sequence[Any]) -> None:
        self._name, self._parameter, self._choices = name, parameter, parameter.choices
        kinds = {type(cell) for cell in cells if not is_missing(cell)}
        # A column of a file has one type.
        self._typed = len(kinds) > 1 or not kinds <= {str, int, float, bool}
        self._has_none = any(cell is None for cell in cells)
        self._keys = {choice_key(choice): i for i, choice in enumerate(self._choices)}
        self._texts = _index(self._choices, lambda choice: [_text(choice)])
        self._others = _index(self._choices, _other_texts)
        self._numbers = _index(self._choices, lambda choice: _numbers(choice, bools=False))
        self._bools = _index(self._choices, lambda choice: _numbers(choice, bools=True))
        self._plain = _index(self._choices, _json)

    def read(self, cell: Any) -> Any:
        """The choice that a cell stands for; missing values stay.

        Raises
        ------
        InvalidArgument
            It may be one choice or another, or is none.
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
        """Choices that it may be, by the surest sign that there is."""
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
        # A column of numbers may have been text, or floats among which there were whole numbers.
        alike = set().union(*numbers, self._texts.get(_text(cell), set()))
        return [mine | alike, *bools, self._plain.get(_key(cell), set()), self._near(cell)]

    def _near(self, cell: Any) -> set[int]:
        """Floats that a reader of CSV may have rounded to a cell."""
        if not isinstance(cell, float) or not math.isfinite(cell):
            return set()
        floats = [(i, choice) for i, choice in enumerate(self._choices) if type(choice) is float]
        return {i for i, choice in floats if abs(choice - cell) <= 4 * math.ulp(cell)}

    def for_missing(self, cell: Any) -> list[Any]:
        """The choices that an empty cell may be."""
        found = choices_for_missing(self._parameter, cell)
        if cell is None or self._has_none:
            return found or self._empty()
        both = [choice for choice in self._choices if choice is None or choice_key(choice) == choice_key(math.nan)]
        return [*both, *self._empty()]

    def _empty(self) -> list[Any]:
        """Choices whose own text is taken for an empty cell."""
        return [choice for choice in self._choices if isinstance(choice, str) and choice in EMPTY]


def _index(choices: Sequence[Any], keys: Any) -> dict[Any, set[int]]:
    found: dict[Any, set[int]] = {}
    for i, choice in enumerate(choices):
        for key in keys(choice):
            found.setdefault(key, set()).add(i)
    return found


def _text(value: Any) -> str:
    """A value as CSV has it."""
    try:
        return str(value)
    except Exception:  # an object of the user's
        return label_of(value)


def _other_texts(choice: Any) -> list[str]:
    """Other spellings: as a list shows it, as a store names it, without its place in memory."""
    texts = {label_of(choice), without_address(_text(choice)), _text(choice).strip()}
    if isinstance(choice, bool):
        texts |= {str(choice).lower(), str(choice).upper()}
    return sorted(texts - {_text(choice)})


def _numbers(value: Any, bools: bool) -> list[int | float]:
    """The number that a value is or spells, if any; whole ones as they are, as doubles would take some for others."""
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
    """A list or tuple as JSON and Parquet have it."""
    return [_key(choice)] if isinstance(choice, tuple | list) else []


def _key(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(_key(item) for item in value)
    return choice_key(value)
