"""Numbers as people write them: 1,234.5, $1,234, 12.5 %, (1,234), 3,14 and 1 234,5; the whole column decides.

A single cell is often ambiguous ("1,234"), a column seldom. `find_style` looks at the column once and gives a `Style`;
`parse` reads cells with this style, in training and later in the saved model.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import ClassVar, Literal

__all__ = [
    "PANDAS_MISSING",
    "TRUTH",
    "Evidence",
    "Style",
    "evidence",
    "find_style",
    "holds_codes",
    "is_missing_word",
    "parse",
]

Mark = Literal[".", ","]

# A column holds numbers when at least this share of its cells are numbers; words for "missing" do not count.
MOSTLY = 0.9
# One or two words among this many different numbers mean "missing", however often they occur.
FEW_WORDS, MANY_NUMBERS = 2, 10
# Letters after a number are a unit, not part of a name, when this share of the numbers has them.
MOSTLY_UNIT = 0.5
# Number of different cells, spread over the column, that are examined.
LOOKED_AT = 20_000
# Longer cells are never numbers.
LONGEST = 60

# Words that pandas.read_csv reads as a missing cell: a saved model gets them as NaN.
PANDAS_MISSING = frozenset(
    {
        *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
        *("NULL", "NaN", "None", "n/a", "nan", "null"),
    }
)
# Words that pandas.read_csv reads as booleans.
TRUTH = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}
_MISSING = {word.casefold() for word in PANDAS_MISSING} | {
    *("", "nil", "(null)", "\\n", "-", "--", "---", "\u2013", "\u2014", "?", "??", "???", ".", "..", "...", "*"),
    *("inf", "+inf", "-inf", "infinity", "-infinity"),
    *("n.a.", "n.a", "n/d", "n.d.", "nd", "k.a.", "k. a.", "na.", "missing", "(missing)", "unknown", "undefined"),
    *("not available", "not applicable", "no data", "#div/0!", "#value!", "#ref!", "#num!", "#name?", "#null!"),
}

_CODES = (
    "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|AUD|CAD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|RUB|UAH|TRY|BRL|MXN|ARS|CLP|COP|"
    "ZAR|KRW|TWD|HKD|SGD|THB|IDR|MYR|PHP|VND|ILS|SAR|AED|EGP|NGN|PKR"
)
_SIGNS = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9\u20ba\u20b4\u20ab\u0e3f\u20a6\u20aa\u20b1\u00a2\u20a1\u20b2\u20b5\u20b8"
_WORDS = "kr|rs|fr|sfr|z\u0142|k\u010d|ft|lei|rp"
_END = r"(?![^\W\d_])"
_CURRENCY = rf"(?:[A-Z]{{1,3}}\$|[{re.escape(_SIGNS)}]|(?:{_CODES}){_END}|(?i:{_WORDS}){_END}\.?)"
_NUMERAL = re.compile(
    rf"""(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>{_CURRENCY})?\s*(?P<inner>\()?\s*(?P<second>[+-])?\s*
    (?P<core>(?:\d[\d.,' ]*|[.,]\d+))(?P<power>[eE][+-]?\d+)?\s*(?P<after>[^\d()+-][^\d()]*?(?:(?<=[mt])[23])?)?\s*
    (?P<close>\))?(?P<last>-)?""",
    re.VERBOSE,
)
_IS_CURRENCY = re.compile(_CURRENCY, re.IGNORECASE)
_UNIT = re.compile(r"(?:[^\W\d_]|[\u00b0\u00b5\"'\u2033\u2032/^.%\u2030])+(?: [^\W\d_]+)?[23]?")
_FACTORS = {"k": 1e3, "K": 1e3, "M": 1e6, "Mio": 1e6, "Mio.": 1e6, "mn": 1e6, "B": 1e9, "bn": 1e9, "Bn": 1e9}
_FACTORS |= {"Mrd": 1e9, "Mrd.": 1e9}
# Separators of groups of three digits, by the decimal mark. Indian numbers have groups of two above the first thousand.
_BY_POINT = re.compile(r"(?:\d+|[1-9]\d{0,2}([,' ])\d{3}(?:\1\d{3})*|[1-9]\d?(?:,\d\d)+,\d{3})(?:\.\d*)?|\.\d+")
_BY_COMMA = re.compile(r"(?:\d+|[1-9]\d{0,2}([.' ])\d{3}(?:\1\d{3})*)(?:,\d*)?|,\d+")
_DIGITS = re.compile(r"\+?[0-9]+")
_EITHER = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
# 5.- and 5,-- are prices without cents.
_NO_CENTS = re.compile(r"(?<=\d)[.,] ?-+(?=[^\d]*$)")
_ALIKE = {0x2212: "-", 0x2013: "-", 0x2014: "-", 0x2019: "'", 0x2018: "'", 0xB4: "'", 0x60: "'"}
_TO_POINT: dict[str, dict[int, str | None]] = {".": {ord(","): None}, ",": {ord("."): None, ord(","): "."}}
_BLANKS = re.compile(r"[\s\u00a0\u2007\u2009\u202f]+")


@dataclass(frozen=True)
class Style:
    """Number format of a column.

    Attributes
    ----------
    mark : {".", ","}
        Decimal mark.
    unit : str
        Text beside the digits that is ignored, such as ``"$"``, ``"%"`` or ``"km"``; may be empty.
    factors : bool
        True if K, M and B multiply.
    points_group : bool
        True if all numbers are whole, and a point groups thousands: ``"1.234"`` is 1234.
    example : tuple of (str, float)
        A cell that a program would not read, or would read as another number, and its value; ``("", 0.0)`` if all
        cells are plain.
    """

    is_pure: ClassVar[bool] = True  # a parameter of transformers whose fits may be cached

    mark: Mark = "."
    unit: str = ""
    factors: bool = False
    points_group: bool = False
    example: tuple[str, float] = ("", 0.0)

    @property
    def plain(self) -> bool:
        """True if Python reads every cell as the same number."""
        return not self.example[0]


@dataclass
class Evidence:
    """Counts of cells that can be read only with a decimal point, only with a decimal comma, or with either."""

    point: int = 0
    comma: int = 0
    either_point: int = 0
    either_comma: int = 0
    ends_in_zero: int = 0
    below_thousand: int = 0
    thousand_unmarked: int = 0

    def mark(self, likely: Mark | None = None) -> Mark:
        """Return the decimal mark; `likely` if the column does not decide."""
        if self.point != self.comma:
            return "," if self.comma > self.point else "."
        if likely is not None:
            return likely
        # "1,234" beside "1234": grouped thousands would be grouped in both.
        if self.either_comma and self.thousand_unmarked:
            return ","
        # "1.500" beside "999": with decimals that would be 1.5, or 999.000.
        grouped = self.ends_in_zero and self.below_thousand and not self.thousand_unmarked
        return "," if grouped and not self.either_comma else "."

    def add(self, core: str, n: int) -> None:
        """Count a cell that occurs `n` times, given its digits and marks."""
        by_point, by_comma = _BY_POINT.fullmatch(core) is not None, _BY_COMMA.fullmatch(core) is not None
        if by_point and by_comma:
            if _EITHER.fullmatch(core):
                if "." in core:
                    self.either_point += n
                    self.ends_in_zero += n * core.endswith("0")
                else:
                    self.either_comma += n
            elif core.isdigit():
                self.thousand_unmarked += n * (len(core) > 3)
                self.below_thousand += n * (len(core) <= 3)
        else:
            self.point += n * by_point
            self.comma += n * by_comma


@dataclass(frozen=True)
class _Parts:
    negative: bool
    core: str
    power: str
    currency: str
    after: str


def is_missing_word(cell: str) -> bool:
    """Tell whether a cell among numbers means "missing", such as ``NA``, ``-``, ``?`` or ``#DIV/0!``."""
    return cell.strip().casefold() in _MISSING


@lru_cache(maxsize=4096)
def _parts(cell: str) -> _Parts | None:
    """Split a cell into sign, digits and the text around them; None if it is no number in any style."""
    if len(cell) > LONGEST:
        return None
    text = (
        cell if cell.isascii() else unicodedata.normalize("NFKC", cell.replace("\u00b2", "^").replace("\u00b3", "^^"))
    )
    text = _BLANKS.sub(" ", text.translate(_ALIKE)).strip()
    text = _NO_CENTS.sub("", text)
    found = _NUMERAL.fullmatch(text)
    if found is None:
        return None
    opened = bool(found["open"]) + bool(found["inner"])
    signs = [sign for sign in (found["sign"], found["second"], found["last"]) if sign]
    if opened != bool(found["close"]) or len(signs) + opened > 1:
        return None
    core, after, currency = found["core"].strip(), (found["after"] or "").strip(), found["before"] or ""
    if core.endswith("'"):
        core, after = core[:-1].strip(), "'" + after
    if signs == ["+"] and " " in core:
        return None  # +49 301 234 567 is a telephone number
    if after and not currency:
        at_end = re.fullmatch(rf"(.*?)\s*({_CURRENCY})", after)
        if at_end:
            after, currency = at_end[1], at_end[2]
    if after and not (_UNIT.fullmatch(after) and len(after) <= 15):
        return None
    if not (_BY_POINT.fullmatch(core) or _BY_COMMA.fullmatch(core)):
        return None
    return _Parts(opened > 0 or "-" in signs, core, found["power"] or "", currency.strip(), after)


def _unit(parts: _Parts, factors: bool) -> str:
    after = "" if factors and parts.after in _FACTORS else parts.after
    return f"{parts.currency.rstrip('.')}{after.rstrip('.')}".casefold()


def evidence(cells: Mapping[str, int]) -> Evidence:
    """Count the evidence for the decimal mark in a column, given its cells and their counts."""
    seen = Evidence()
    for cell, n in cells.items():
        parts = _parts(cell)
        if parts is not None:
            seen.add(parts.core, n)
    return seen


def find_style(cells: Mapping[str, int], likely: Mark | None = None) -> Style | None:
    """Find the number format of a column.

    Parameters
    ----------
    cells : mapping of str to int
        Distinct cells that are not empty, and their counts.
    likely : {".", ","}, optional
        Decimal mark of the rest of the file, for a column that could be read with either.

    Returns
    -------
    Style or None
        Format; None if fewer than nine in ten cells are numbers in one format. Words for "missing" do not count, nor
        do one or two words among at least ten different numbers that make up half the column.
    """
    said = {cell: n for cell, n in cells.items() if not is_missing_word(cell)}
    if len(said) > LOOKED_AT:
        said = dict(islice(said.items(), 0, None, -(-len(said) // LOOKED_AT)))
    read = {cell: parts for cell in said if (parts := _parts(cell)) is not None}
    total = sum(said.values())
    if sum(said[cell] for cell in read) < 0.5 * total or not read:
        return None
    mark = evidence(said).mark(likely)
    factors = any(
        parts.after in _FACTORS and (parts.currency or "." in parts.core or "," in parts.core)
        for parts in read.values()
    )
    units: Counter[str] = Counter()
    for cell, parts in read.items():
        units[_unit(parts, factors)] += said[cell]
    unit = max((unit for unit in units if unit), key=lambda unit: units[unit], default="")
    symbol = unit and (_IS_CURRENCY.fullmatch(unit) is not None or unit == "%")
    if not symbol and units[unit] < MOSTLY_UNIT * sum(units.values()):
        unit = ""
    style = Style(mark, unit, factors)
    values = {cell: value for cell in read if not math.isnan(value := parse(cell, style))}
    if not _mostly(said, values, total):
        return None
    grouped = mark == "," and any("." in read[cell].core for cell in values)
    grouped = grouped and all(value.is_integer() for value in values.values())
    odd = [cell for cell in values if not _plain(cell, values[cell])]
    example = max(odd, key=lambda cell: (len(cell), said[cell]), default="")
    return Style(mark, unit, factors, grouped, (example, values.get(example, 0.0)))


def _mostly(said: Mapping[str, int], values: Mapping[str, float], total: int) -> bool:
    n = sum(said[cell] for cell in values)
    if n >= MOSTLY * total and n:
        return True
    words = [cell for cell in said if cell not in values]
    few = len(words) <= FEW_WORDS and not any(char.isdigit() for word in words for char in word)
    return few and 2 * n >= total and len(set(values.values())) >= MANY_NUMBERS


def _plain(cell: str, value: float) -> bool:
    try:
        return float(cell) == value
    except ValueError:
        return False


def parse(cell: str, style: Style) -> float:
    """Read one cell.

    Parameters
    ----------
    cell : str
        Text of the cell.
    style : Style
        Number format of the column.

    Returns
    -------
    float
        Value; NaN if the cell is not a number in this format.
    """
    common = None if style.factors else _common(style.mark, style.unit).fullmatch(cell)
    if common is not None:
        value = float(common["core"].translate(_TO_POINT[style.mark]))
        return -value if common["sign"] == "-" else value
    parts = _parts(cell)
    if parts is None or _unit(parts, style.factors) not in ("", style.unit):
        return math.nan
    pattern, groups = (_BY_POINT, ",' ") if style.mark == "." else (_BY_COMMA, ".' ")
    if pattern.fullmatch(parts.core) is None:
        return math.nan
    digits = "".join(char for char in parts.core if char not in groups).replace(",", ".")
    value = float(digits + parts.power)
    if style.factors:
        value = _multiplied(value, _FACTORS.get(parts.after, 1.0))
    return -value if parts.negative else value


@lru_cache
def _common(mark: Mark, unit: str) -> re.Pattern[str]:
    """Return a pattern for the most frequent notation: about ten times faster than parsing each part."""
    group, point = (",", r"\.") if mark == "." else (r"\.", ",")
    core = rf"(?:[1-9]\d{{0,2}}(?:{group}\d{{3}})+|\d+)(?:{point}\d*)?"
    beside = re.escape(unit)
    # A unit is before or after the digits, not both.
    after = rf"(?(before)| ?(?:{beside})?)" if unit else ""
    before = rf"(?P<before>{beside} ?)?" if unit else ""
    return re.compile(rf"(?P<sign>[+-]?){before}(?P<core>{core}){after}", re.ASCII | re.IGNORECASE)


def _multiplied(value: float, factor: float) -> float:
    # 1.1 * 1e6 may give 1100000.0000000002; the cell means 1100000.
    return value if factor == 1.0 else float(f"{value * factor:.15g}")


def holds_codes(cells: Iterable[str]) -> bool:
    """Tell whether cells of digits are codes: some begin with zeros, or all with the plus of a telephone number.

    Cells of two digits, such as months from 01 to 12, are numbers.
    """
    said = [cell for cell in map(str.strip, cells) if not is_missing_word(cell)]
    digits = [cell for cell in said if _DIGITS.fullmatch(cell)]
    if not digits or len(digits) < MOSTLY * len(said):
        return False
    return any(cell[0] == "0" and len(cell) > 2 for cell in digits) or all(
        cell[0] == "+" and len(cell) > 7 for cell in digits
    )
